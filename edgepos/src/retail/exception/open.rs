//! An exception as somebody who decides about it sees it.

use edgepos_core::EventId;

use super::body::ExceptionRaised;
use super::resolution::{Advice, ExceptionResolved};

/// An open exception, with what is proposed and decided about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenException {
    /// What was raised.
    pub raised: ExceptionRaised,
    /// The position of the latest decision about it, for [`Resolve::base`](crate::Resolve::base).
    pub base: u64,
    /// What the resolver proposes.
    pub proposed: Option<Advice>,
    /// The event of the resolution that stands.
    pub resolution: Option<EventId>,
    /// That resolution: the exception is accepted, waits for a count, or its counter is not at its floor yet.
    pub resolved: Option<ExceptionResolved>,
}

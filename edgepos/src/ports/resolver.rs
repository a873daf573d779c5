//! The resolver port: who says what is to be done about an exception.

use async_trait::async_trait;
use edgepos_core::EventId;

use crate::model::{Advice, Envelope, ExceptionRaised};
use crate::retail::exception::policy::Rules;

/// An exception, with the sales that are involved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Case {
    /// What was raised.
    pub raised: ExceptionRaised,
    /// Those of the involved events that are transactions and held here, by rising id.
    pub sales: Vec<(EventId, Envelope)>,
}

/// Says what is to be done about exceptions. The leader asks once for each, and what is said goes into the store's log with its reasons, so
/// that all terminals have the same. A port that waits: implement it under [`edgepos::async_trait`](macro@crate::async_trait).
///
/// [`Rules`] is the one that needs nothing else; an [`Adviser`](crate::Adviser) asks another.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// What to do about an exception. One that cannot say gives what the rules say, with the reason as
    /// [`Advice::fallback`](crate::model::Advice::fallback).
    async fn advise(&self, case: &Case) -> Advice;
}

#[async_trait]
impl Resolver for Rules {
    async fn advise(&self, case: &Case) -> Advice {
        Self::advise(*self, &case.raised)
    }
}

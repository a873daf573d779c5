//! What an event does beside its effects, read from its body.

use edgepos_core::EventId;

use super::catalogue::{Catalogue, Change as RegisterChange};
use super::envelope::Envelope;
use super::exception::Exceptions;
use super::exception::body::{ExceptionEnded, ExceptionRaised};
use super::kind::KnownKind;
use super::parked::{self, Parked};
use super::unreadable::Unreadable;

/// What an event does beside its effects.
#[derive(Debug)]
pub(crate) enum Change {
    EffectsAlone,
    Parked(parked::Change),
    Sale,
    Register(RegisterChange),
    Raised(ExceptionRaised),
    Ended(ExceptionEnded),
}

impl Change {
    /// Reads what an event does beside its effects. One that cannot be read moves no counter either.
    pub(crate) fn read(id: EventId, envelope: &Envelope) -> Result<Self, Unreadable> {
        Ok(match envelope.kind.known() {
            Some(KnownKind::ProductSet) => Self::Register(Catalogue::read_product(id, envelope)?),
            Some(KnownKind::PriceSet) => Self::Register(Catalogue::read_price(id, envelope)?),
            Some(KnownKind::ExceptionRaised) if id.chain.replica.is_store() => {
                Self::Raised(Exceptions::read(envelope)?)
            }
            Some(KnownKind::ExceptionEnded) if id.chain.replica.is_store() => {
                Self::Ended(Exceptions::read_end(envelope)?)
            }
            Some(KnownKind::BasketParked) => Self::Parked(Parked::read_parked(envelope)?),
            Some(KnownKind::BasketClaimed | KnownKind::BasketClosed) => {
                Self::Parked(Parked::read_taken(envelope)?)
            }
            Some(KnownKind::Transaction) => Self::Sale,
            // Their effects say it all, and those of a later version's kinds count as well.
            Some(
                KnownKind::NumberVoided
                | KnownKind::StockMoved
                | KnownKind::DayOpened
                | KnownKind::DayClosed
                | KnownKind::ExceptionRaised
                | KnownKind::ExceptionEnded
                | KnownKind::Custom,
            )
            | None => Self::EffectsAlone,
        })
    }
}

//! What an event says beside its envelope, by its kind.

use edgepos_wire::{DecodeError, from_cbor};

use super::catalogue::body::{PriceSet, ProductSet};
use super::day::body::{DayClosed, DayOpened};
use super::envelope::Envelope;
use super::exception::body::{ExceptionEnded, ExceptionRaised};
use super::kind::{Kind, KnownKind};
use super::parked::body::{BasketParked, BasketTaken};
use super::sale::body::{NumberVoided, Transaction};
use super::stock::StockMoved;

/// The body of an event, decoded. A vendor that puts a body of its own under a kind reads [`Envelope::body`] itself.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Body {
    /// A sale, a return, an exchange, a void.
    Transaction(Box<Transaction>),
    /// A receipt number that is not used.
    NumberVoided(NumberVoided),
    /// Goods received, transferred, damaged, adjusted.
    StockMoved(StockMoved),
    /// A product's master data.
    ProductSet(ProductSet),
    /// A price of a product on a list.
    PriceSet(PriceSet),
    /// A business day began.
    DayOpened(DayOpened),
    /// A business day ended.
    DayClosed(DayClosed),
    /// A counter fell below its floor.
    ExceptionRaised(ExceptionRaised),
    /// A counter is at its floor again.
    ExceptionEnded(ExceptionEnded),
    /// A basket was put aside.
    BasketParked(BasketParked),
    /// A parked basket went on at a till.
    BasketClaimed(BasketTaken),
    /// A parked basket was given up.
    BasketClosed(BasketTaken),
    /// A vendor's own bytes.
    Custom(Vec<u8>),
    /// A kind of a later version, and its bytes.
    Unknown(Kind, Vec<u8>),
}

impl Envelope {
    /// Reads the body by the event's kind.
    ///
    /// # Errors
    /// When the bytes are no body of that kind.
    pub fn read_body(&self) -> Result<Body, DecodeError> {
        let Some(kind) = self.kind.known() else { return Ok(Body::Unknown(self.kind, self.body.clone())) };
        let bytes = &self.body;
        Ok(match kind {
            KnownKind::Transaction => Body::Transaction(Box::new(from_cbor(kind.name(), bytes)?)),
            KnownKind::NumberVoided => Body::NumberVoided(from_cbor(kind.name(), bytes)?),
            KnownKind::StockMoved => Body::StockMoved(from_cbor(kind.name(), bytes)?),
            KnownKind::ProductSet => Body::ProductSet(from_cbor(kind.name(), bytes)?),
            KnownKind::PriceSet => Body::PriceSet(from_cbor(kind.name(), bytes)?),
            KnownKind::DayOpened => Body::DayOpened(from_cbor(kind.name(), bytes)?),
            KnownKind::DayClosed => Body::DayClosed(from_cbor(kind.name(), bytes)?),
            KnownKind::ExceptionRaised => Body::ExceptionRaised(from_cbor(kind.name(), bytes)?),
            KnownKind::ExceptionEnded => Body::ExceptionEnded(from_cbor(kind.name(), bytes)?),
            KnownKind::BasketParked => Body::BasketParked(from_cbor(kind.name(), bytes)?),
            KnownKind::BasketClaimed => Body::BasketClaimed(from_cbor(kind.name(), bytes)?),
            KnownKind::BasketClosed => Body::BasketClosed(from_cbor(kind.name(), bytes)?),
            KnownKind::Custom => Body::Custom(bytes.clone()),
        })
    }
}

#[cfg(test)]
mod tests {
    use edgepos_crdt::Hlc;
    use edgepos_wire::to_cbor;

    use super::*;

    #[test]
    fn a_body_is_read_by_its_kind() {
        let opened = DayOpened { day: 20_260_130, float: 5_000, cash: None };
        let envelope = Envelope::new(Kind::DAY_OPENED, 0, Hlc(1), to_cbor(&opened));
        assert_eq!(envelope.read_body(), Ok(Body::DayOpened(opened)));
        let own = Envelope::new(Kind::CUSTOM, 0, Hlc(1), vec![7]);
        assert_eq!(own.read_body(), Ok(Body::Custom(vec![7])));
        let later = Envelope::new(Kind(999), 0, Hlc(1), vec![8]);
        assert_eq!(later.read_body(), Ok(Body::Unknown(Kind(999), vec![8])));
        let broken = Envelope::new(Kind::TRANSACTION, 0, Hlc(1), vec![0xff]);
        assert!(broken.read_body().is_err());
    }
}

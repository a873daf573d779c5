//! What stands beside a receipt: events that say something of it after it was booked, each with a row under its basket.
//!
//! The rows are on disk alone, and are read where somebody asks for the receipt.

use edgepos_core::{EventId, Space, Write};
use edgepos_wire::{from_cbor, to_cbor};

use super::body::BasketId;
use super::fiscal::{FiscalSigned, SigningState};
use super::printed::ReceiptPrinted;
use super::receipt::Receipt;
use crate::retail::kind::Kind;
use crate::retail::unreadable::Unreadable;
use crate::terminal::unit_of_work::UnitOfWork;

/// What a fiscal device has said of a receipt.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Fiscal {
    /// Whether it is signed.
    pub state: SigningState,
    /// What the device said, where it has signed.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    #[cfg_attr(feature = "serde", serde(with = "crate::shown::text::bytes"))]
    pub signature: Vec<u8>,
    /// Why it is not signed, or not yet.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub reason: Option<String>,
    /// The event that says so; of several with one state the lowest.
    #[cfg_attr(feature = "serde", serde(with = "crate::shown::text"))]
    pub event: EventId,
}

/// What the rows of a basket say of one of its receipts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Beside {
    fiscal: Option<Fiscal>,
    printed: u64,
}

impl Beside {
    /// Where the rows of a basket's receipts are: the space, the first key and the last.
    pub(crate) fn range(basket: BasketId) -> (Space, Vec<u8>, Vec<u8>) {
        (Space::BesideReceipt, basket.0.to_vec(), [basket.0.as_slice(), &[u8::MAX; 19]].concat())
    }

    /// What a fiscal device has said of the receipt, and how often it was printed.
    pub(crate) fn into_parts(self) -> (Option<Fiscal>, u64) {
        (self.fiscal, self.printed)
    }

    /// Takes one of these rows, where it is about this receipt.
    ///
    /// # Errors
    /// When the row is damaged.
    pub(crate) fn row(&mut self, receipt: &Receipt, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let kind = key.get(16..18).and_then(|kind| kind.try_into().ok()).map(u16::from_be_bytes);
        let event = key.get(18..).and_then(EventId::from_key);
        let (Some(kind), Some(event)) = (kind, event) else {
            return Err(Unreadable::NoName { what: "an event" });
        };
        // Rows of other kinds are a later version's.
        if Kind(kind) == Kind::FISCAL_SIGNED {
            self.said(receipt, event, from_cbor("signature", value)?);
        } else if Kind(kind) == Kind::RECEIPT_PRINTED {
            let ReceiptPrinted { series, number, .. } = from_cbor("print", value)?;
            self.printed += u64::from((series, number) == (receipt.series.clone(), receipt.number));
        }
        Ok(())
    }

    /// What counts is the best that was said: a device that was away may have signed since. It is said by the receipt's own terminal, in
    /// this incarnation or a later one: two terminals that sold one basket may have given it one number.
    fn said(&mut self, receipt: &Receipt, event: EventId, said: FiscalSigned) {
        let name = |of: EventId, series, number| (of.chain.replica.terminal(), series, number);
        let (said_of, own) = (
            name(event, said.series.as_str(), said.number),
            name(receipt.event, receipt.series.as_str(), receipt.number),
        );
        if said_of != own {
            return;
        }
        let before = self.fiscal.as_ref().map(|fiscal| (fiscal.state.rank(), fiscal.event));
        if before.is_none_or(|before| (said.state.rank(), event) < before) {
            let signature = said.signature().unwrap_or_default().to_vec();
            self.fiscal = Some(Fiscal { state: said.state, signature, reason: said.reason, event });
        }
    }
}

/// An event about a receipt: its basket, and which it is.
#[derive(Debug)]
pub(crate) enum About {
    Signed(FiscalSigned),
    Printed(ReceiptPrinted),
}

impl About {
    fn key(&self, event: EventId) -> Vec<u8> {
        let (basket, kind) = match self {
            Self::Signed(said) => (said.basket, Kind::FISCAL_SIGNED),
            Self::Printed(printed) => (printed.basket, Kind::RECEIPT_PRINTED),
        };
        [basket.0.as_slice(), &kind.0.to_be_bytes(), &event.to_key()].concat()
    }

    /// It has its place.
    pub(crate) fn note(&self, event: EventId, out: &mut UnitOfWork) {
        let row = match self {
            Self::Signed(said) => to_cbor(said),
            Self::Printed(printed) => to_cbor(printed),
        };
        out.write(Write::put(Space::BesideReceipt, self.key(event), row));
    }

    /// It counts no longer.
    pub(crate) fn take_back(&self, event: EventId, out: &mut UnitOfWork) {
        out.write(Write::delete(Space::BesideReceipt, self.key(event)));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use edgepos_core::{Chain, Lane, ReplicaId, Seq};

    use super::super::fiscal::{SignError, Signature};
    use super::*;

    const BASKET: BasketId = BasketId([0xBB; 16]);

    fn event(terminal: u16, seq: u64) -> EventId {
        EventId::new(Chain::new(ReplicaId::new(terminal, 1), Lane::Transactions), Seq(seq))
    }

    fn later(terminal: u16, seq: u64) -> EventId {
        EventId::new(Chain::new(ReplicaId::new(terminal, 2), Lane::Transactions), Seq(seq))
    }

    fn said(number: u64, answer: Result<&str, SignError>) -> FiscalSigned {
        let signature = answer.map(|text| Signature::new("S", number, text.into()).unwrap());
        FiscalSigned::of(BASKET, "S".into(), number, signature)
    }

    fn shown(rows: &[(EventId, FiscalSigned)]) -> Option<(SigningState, EventId)> {
        let receipt = Receipt { event: event(1, 1), basket: BASKET, series: "S".into(), number: 7, total: 1 };
        let mut beside = Beside::default();
        for (event, said) in rows {
            let key = About::Signed(said.clone()).key(*event);
            let (_, from, to) = Beside::range(BASKET);
            assert!(from <= key && key <= to);
            beside.row(&receipt, &key, &to_cbor(said)).unwrap();
        }
        beside.fiscal.map(|fiscal| (fiscal.state, fiscal.event))
    }

    #[test]
    fn one_signature_of_its_own_terminal_counts_in_whichever_order() {
        let away = || said(7, Err(SignError::Away("out".into())));
        let rows = [
            (event(1, 2), away()),
            (later(1, 9), said(7, Ok("ok"))),
            (event(1, 5), said(7, Ok("ok"))),
            (event(1, 1), said(8, Ok("another receipt's"))),
        ];
        let mut turned = rows.clone();
        turned.reverse();
        assert_eq!(shown(&rows), Some((SigningState::SIGNED, event(1, 5))));
        assert_eq!(shown(&turned), shown(&rows));
        assert_eq!(shown(&rows[..1]), Some((SigningState::WAITING, event(1, 2))));
        assert_eq!(shown(&rows[3..]), None);
        assert_eq!(shown(&rows[1..2]), Some((SigningState::SIGNED, later(1, 9))), "by its next incarnation");
        assert_eq!(
            shown(&[(event(2, 2), said(7, Ok("ok")))]),
            None,
            "another terminal's receipt of one basket"
        );
        let refused = said(7, Err(SignError::Refused("no".into())));
        assert_eq!(shown(&[(event(1, 2), away()), (event(1, 3), refused)]).unwrap().0, SigningState::REFUSED);
    }

    #[test]
    fn prints_of_a_receipt_are_counted_and_those_of_another_are_not() {
        let receipt = Receipt { event: event(1, 1), basket: BASKET, series: "S".into(), number: 7, total: 1 };
        let mut beside = Beside::default();
        for (seq, number) in [(2, 7), (3, 8), (4, 7)] {
            let printed = ReceiptPrinted { basket: BASKET, series: "S".into(), number, copy: 0 };
            let row = to_cbor(&printed);
            beside.row(&receipt, &About::Printed(printed).key(event(1, seq)), &row).unwrap();
        }
        assert_eq!(beside, Beside { fiscal: None, printed: 2 });
        let later = [BASKET.0.as_slice(), &999_u16.to_be_bytes(), &event(1, 9).to_key()].concat();
        beside.row(&receipt, &later, &[0xff]).unwrap();
        assert_eq!(beside.printed, 2, "a later version's row");
    }
}

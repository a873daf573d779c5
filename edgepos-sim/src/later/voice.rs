//! What a later terminal says that this version does not know.

use edgepos::model::{
    BasketId, Counter, CounterRow, Currency, DocType, Effect, Kind, Line, PriceSet, StockLine, StockMoved,
    StockReason, Tender, Transaction,
};
use edgepos::{Commit, Draft, MAX_FRAME};
use edgepos_core::{IdempotencyKey, Jitter, Lane};

use super::forms::{Stamp, encoded, extended, payload};
use crate::goods::some_product;

/// A kind of a later version; those above it as well.
const UNKNOWN_KIND: u16 = 700;
/// Decisions of this kind carry an event of the store's chain: the one that this version knows.
const STORE_EVENT: u16 = 1;
/// A kind of decision of a later version: no event, and no position.
const UNKNOWN_DECISION: u16 = 40;

/// One thing to say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Saying {
    /// Record this event.
    Event { lane: Lane, payload: Vec<u8> },
    /// Record this receipt.
    Sale { sold: Box<(Draft, Commit)>, payload: Vec<u8> },
    /// Ask the store to decide this.
    Proposal { kind: u16, bytes: Vec<u8> },
    /// Send this to every peer.
    Frame(Vec<u8>),
}

/// Draws what is said.
#[derive(Clone, Debug)]
pub(super) struct Voice {
    rng: Jitter,
    place: usize,
}

impl Voice {
    pub(super) fn new(place: usize, rng: Jitter) -> Self {
        Self { rng, place }
    }

    /// How long until the next thing is said, in milliseconds.
    pub(super) fn pause_ms(&mut self) -> u64 {
        self.rng.range(50, 900)
    }

    /// The next thing; a receipt would have this number.
    pub(super) fn next(&mut self, stamp: Stamp, number: u64) -> Saying {
        match self.rng.range(0, 16) {
            0..=2 => self.sale(stamp, number),
            3..=8 => self.event(stamp),
            9..=13 => self.proposal(stamp),
            _ => Saying::Frame(self.frame()),
        }
    }

    /// An event that this version stores, reads as far as it can, and applies where it has effects.
    pub(super) fn event(&mut self, stamp: Stamp) -> Saying {
        let draw = self.rng.range(0, 8);
        let kind = u32::from(UNKNOWN_KIND) + draw as u32;
        let (lane, payload) = match draw {
            0 => (Lane::Transactions, payload(stamp, kind, &[self.moved()], b"\x01")),
            1 => {
                (Lane::Stock, payload(stamp, kind, &[self.moved(), self.unknown_counter()], b"no CBOR \xFF"))
            }
            2 => (Lane::Prices, payload(stamp, kind, &[], b"")),
            3 => (Lane::Telemetry, payload(stamp, kind, &[], &[0; 40])),
            4 | 5 => {
                let line = StockLine { product: some_product(&mut self.rng), quantity: self.quantity() };
                let row = CounterRow::stock(&line.product, 0);
                let effect = extended(&Effect::new(row, line.quantity, Some(0)));
                let (reason, lines) = (StockReason::Adjust, vec![line]);
                let body = extended(&StockMoved { reason, from: None, to: None, lines });
                (Lane::Stock, payload(stamp, Kind::STOCK_MOVED.0.into(), &[effect], &body))
            }
            _ => (Lane::Prices, payload(stamp, Kind::PRICE_SET.0.into(), &[], &extended(&self.price()))),
        };
        Saying::Event { lane, payload }
    }

    /// An event that this version can only store and pass on. It has no effect that counts: who cannot read it would count otherwise.
    pub(super) fn unreadable(&mut self, stamp: Stamp) -> Saying {
        let (lane, payload) = match self.rng.range(0, 4) {
            0 => (Lane::Transactions, b"a form after CBOR".to_vec()),
            1 => (Lane::Stock, payload(stamp, 70_000, &[], b"a kind of more bits")),
            2 => (Lane::Prices, payload(stamp, Kind::PRICE_SET.0.into(), &[], b"\xA1\x00\x05")),
            _ => {
                // A map of an effect with the unknown state 9 and a change of 0.
                let effect = b"\xA4\x00\x00\x01\x41P\x03\x09\x04\x00".to_vec();
                (Lane::Stock, payload(stamp, Kind::STOCK_MOVED.0.into(), &[effect], b"\xA0"))
            }
        };
        Saying::Event { lane, payload }
    }

    /// A receipt, with more fields in every part than this version knows.
    fn sale(&mut self, stamp: Stamp, number: u64) -> Saying {
        if self.rng.range(0, 4) == 0 {
            return self.unreadable(stamp);
        }
        let mut id = [0; 16];
        (id[6], id[7]) = (0xFF, self.place as u8 + 1);
        id[8..].copy_from_slice(&self.rng.next_u64().to_be_bytes());
        let basket = BasketId(id);
        id[0] = 0xA5;
        let (quantity, amount) = (self.rng.range(1, 4) as i64, self.rng.range(50, 2_000) as i64);
        let product = some_product(&mut self.rng);
        let line = Line { no: 1, product: product.clone(), quantity, amount, ..Line::default() };
        let mut draft = Draft::sale(basket, Currency::EUR, vec![line.clone()]);
        draft.series = "L".into();
        let transaction = Transaction {
            basket,
            doc_type: DocType::Sale,
            series: draft.series.clone(),
            number,
            customer: None,
            currency: Currency::EUR,
            lines: vec![line],
            tenders: vec![Tender::cash(amount)],
            taxes: Vec::new(),
            rounding: 0,
            total: amount,
            change: None,
            unreferenced: None,
        };
        let effect = extended(&Effect::new(CounterRow::stock(&product, 0), -quantity, Some(0)));
        let payload = payload(stamp, Kind::TRANSACTION.0.into(), &[effect], &extended(&transaction));
        let commit = Commit { basket, key: IdempotencyKey(id), tenders: Tender::cash(amount).into() };
        Saying::Sale { sold: Box::new((draft, commit)), payload }
    }

    /// Most of them take a position of the store's chain, readable or not; those of an unknown kind take none.
    fn proposal(&mut self, stamp: Stamp) -> Saying {
        let draw = self.rng.range(0, 8);
        let kind = if draw < 6 { STORE_EVENT } else { UNKNOWN_DECISION + draw as u16 };
        let bytes = match draw {
            0..=2 => payload(
                stamp,
                u32::from(UNKNOWN_KIND) + draw as u32,
                &[self.moved()],
                b"decided by the store",
            ),
            3 => payload(stamp, 70_000, &[], b"a kind of more bits"),
            // Not the same bytes twice: every version stamps what it proposes.
            4 => [b"a form after CBOR, ".as_slice(), &stamp.hlc.0.to_be_bytes()].concat(),
            // An exception whose body lacks what this version needs.
            5 => payload(stamp, Kind::EXCEPTION_RAISED.0.into(), &[], b"\xA1\x18\xC8\x01"),
            6 => Vec::new(),
            _ => payload(stamp, Kind::PRICE_SET.0.into(), &[], &extended(&self.price())),
        };
        Saying::Proposal { kind, bytes }
    }

    fn frame(&mut self) -> Vec<u8> {
        match self.rng.range(0, 5) {
            0 => vec![3, 1, 2, 3],
            1 => vec![0xFF; 200],
            // A map: key 0 is the kind, and it is no kind of this version.
            2 => vec![2, 0xA2, 0x00, 0x18, 0x63, 0x01, 0x61, b'x'],
            3 => vec![1, 0xA1, 0x06, 0x18, 0x63],
            _ => vec![9; 1 + (self.rng.range(0, 4_000) as usize).min(MAX_FRAME - 1)],
        }
    }

    fn moved(&mut self) -> Vec<u8> {
        let row = CounterRow::stock(&some_product(&mut self.rng), 0);
        extended(&Effect::new(row, self.quantity(), Some(0)))
    }

    fn unknown_counter(&mut self) -> Vec<u8> {
        let row = CounterRow { counter: Counter(77), ..CounterRow::stock("later", 0) };
        encoded(&Effect::new(row, self.rng.range(0, 5) as i64, None))
    }

    /// Mostly out of the store, so that some goods run out.
    fn quantity(&mut self) -> i64 {
        self.rng.range(0, 8) as i64 - 5
    }

    fn price(&mut self) -> PriceSet {
        PriceSet {
            product: some_product(&mut self.rng),
            list: 0,
            amount: self.rng.range(50, 2_000) as i64,
            currency: Currency::EUR,
            tax_included: true,
            valid_from: None,
            valid_to: None,
            version: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use edgepos::crdt::Hlc;
    use edgepos::model::Envelope;
    use edgepos_core::WallMs;

    use super::*;

    const STAMP: Stamp = Stamp { wall: WallMs(1_000), hlc: Hlc(7), terminal: 3 };

    #[test]
    fn everything_is_said_sooner_or_later() {
        let mut voice = Voice::new(2, Jitter::new(1));
        let mut said = BTreeSet::new();
        for _ in 0..2_000 {
            let what = match voice.next(STAMP, 1) {
                Saying::Event { lane, payload } => {
                    format!("event {lane:?} {}", Envelope::decode(&payload).is_ok())
                }
                Saying::Sale { .. } => "sale".into(),
                Saying::Proposal { kind, bytes } => {
                    format!("proposal {kind} {}", Envelope::decode(&bytes).is_ok())
                }
                Saying::Frame(frame) => format!("frame {}", frame[0]),
            };
            said.insert(what);
        }
        assert_eq!(said.len(), 6 + 1 + 4 + 5, "{said:?}");
    }
}

//! What was booked under a key or for a basket, and the rows that say so.

use edgepos_core::{EventId, IdempotencyKey, ReplicaId, Space, Write};
use edgepos_wire::{from_cbor, to_cbor};
use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};

use super::name::{BookedName, Named};
use crate::retail::counting::body::StockCounted;
use crate::retail::day::body::{DayClosed, DayOpened};
use crate::retail::day::shift::{ShiftClosed, ShiftOpened};
use crate::retail::effect::Effect;
use crate::retail::envelope::{Envelope, Mode};
use crate::retail::kind::Kind;
use crate::retail::sale::body::{BasketId, Transaction};
use crate::retail::sale::receipt::Receipt;
use crate::retail::unreadable::Unreadable;

/// What a record says, in short: a repeat says the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Contents([u8; 16]);

/// An event that has a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Booked {
    pub(crate) key: Option<IdempotencyKey>,
    pub(crate) what: What,
}

/// What an event with a name is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum What {
    /// The sale of a basket.
    Sale(Receipt),
    /// Anything else, which only a key names.
    Record(EventId, Contents),
}

/// The row of a key. That of a record has no basket, which an earlier version takes for the key of another basket.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
struct KeyRow {
    #[n(0)]
    #[cbor(with = "edgepos_wire::event_id")]
    event: EventId,
    #[n(1)]
    basket: BasketId,
    #[n(2)]
    series: String,
    #[n(3)]
    number: u64,
    #[n(4)]
    total: i64,
    #[n(5)]
    #[cbor(with = "minicbor::bytes")]
    contents: Option<[u8; 16]>,
}

impl KeyRow {
    fn what(self) -> What {
        let Self { event, basket, series, number, total, contents } = self;
        match contents {
            Some(contents) => What::Record(event, Contents(contents)),
            None => What::Sale(Receipt { event, basket, series, number, total }),
        }
    }
}

/// The row of a basket; which one and by which event is in its key.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
struct BasketRow {
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    key: Option<[u8; 16]>,
    #[n(1)]
    series: String,
    #[n(2)]
    number: u64,
    #[n(3)]
    total: i64,
}

impl Contents {
    /// Of an event, or of one that is asked for. What the terminal adds to the close of a day does not count.
    pub(crate) fn of(kind: Kind, mode: Mode, body: &[u8], effects: &[Effect]) -> Self {
        // What the till asked for: what a drawer's counter said before, and by how much it moves, was found out when it was recorded.
        let asked = match kind {
            Kind::DAY_OPENED => from_cbor::<DayOpened>("day", body).ok().map(|day| to_cbor(&day.as_asked())),
            Kind::DAY_CLOSED => from_cbor::<DayClosed>("day", body).ok().map(|day| day.as_asked()),
            Kind::SHIFT_OPENED => {
                from_cbor::<ShiftOpened>("shift", body).ok().map(|shift| to_cbor(&shift.as_asked()))
            }
            Kind::SHIFT_CLOSED => {
                from_cbor::<ShiftClosed>("shift", body).ok().map(|shift| to_cbor(&shift.as_asked()))
            }
            Kind::STOCK_COUNTED => {
                from_cbor::<StockCounted>("count", body).ok().map(|counted| counted.as_asked())
            }
            Kind::CASH_MOVED => Some(body.to_vec()),
            _ => None,
        };
        let (said, effects) = asked.map_or_else(|| (body.to_vec(), effects), |said| (said, &[][..]));
        let hash = Sha256::digest(to_cbor(&(kind, mode, minicbor::bytes::ByteVec::from(said), effects)));
        Self(*hash.first_chunk().expect("a digest of 32 bytes has 16"))
    }
}

impl Booked {
    /// What the event was booked as, where anything names it.
    pub(crate) fn of(id: EventId, envelope: &Envelope) -> Option<Self> {
        let key = envelope.idempotency_key();
        let sale = (envelope.kind == Kind::TRANSACTION)
            .then(|| from_cbor::<Transaction>("transaction", &envelope.body).ok())
            .flatten();
        let what = match (sale, key) {
            (Some(Transaction { basket, series, number, total, .. }), _) => {
                What::Sale(Receipt { event: id, basket, series, number, total })
            }
            (None, Some(_)) => {
                let Envelope { kind, mode, body, effects, .. } = envelope;
                What::Record(id, Contents::of(*kind, *mode, body, effects))
            }
            (None, None) => return None,
        };
        Some(Self { key, what })
    }

    pub(crate) fn event(&self) -> EventId {
        match &self.what {
            What::Sale(receipt) => receipt.event,
            What::Record(event, _) => *event,
        }
    }

    pub(crate) fn basket(&self) -> Option<BasketId> {
        match &self.what {
            What::Sale(receipt) => Some(receipt.basket),
            What::Record(..) => None,
        }
    }

    /// Its names.
    pub(crate) fn named(&self) -> Named {
        Named { event: self.event(), key: self.key, basket: self.basket() }
    }

    /// The rows that its names lead to. A key of this terminal's own has the row that it has always had; those of others stand
    /// behind it, by event.
    pub(crate) fn rows(&self, me: ReplicaId) -> Vec<Write> {
        let mut rows = Vec::with_capacity(2);
        if let Some(key) = self.key {
            let mut row = key.0.to_vec();
            if self.event().chain.replica != me {
                row.extend_from_slice(&self.event().to_key());
            }
            rows.push(Write::put(Space::IdempotencyKey, row, to_cbor(&self.key_row())));
        }
        if let What::Sale(Receipt { event, basket, series, number, total }) = &self.what {
            let key = self.key.map(|key| key.0);
            let row = BasketRow { key, series: series.clone(), number: *number, total: *total };
            rows.push(Write::put(
                Space::BookedBasket,
                [basket.0.as_slice(), &event.to_key()].concat(),
                to_cbor(&row),
            ));
        }
        rows
    }

    /// What another terminal is told of these, ahead of the events.
    pub(crate) fn to_said(all: &[Self]) -> Vec<u8> {
        let said = |booked: &Self| (booked.key.map(|key| ByteArray::from(key.0)), booked.key_row());
        to_cbor(&all.iter().map(said).collect::<Vec<_>>())
    }

    /// Reads what [`to_said`](Self::to_said) wrote.
    pub(crate) fn from_said(bytes: &[u8]) -> Result<Vec<Self>, Unreadable> {
        let said: Vec<(Option<ByteArray<16>>, KeyRow)> = from_cbor("what is said of sales", bytes)?;
        let booked = |(key, row): (Option<ByteArray<16>>, KeyRow)| Self {
            key: key.map(|key| IdempotencyKey(key.into())),
            what: row.what(),
        };
        Ok(said.into_iter().map(booked).collect())
    }

    fn key_row(&self) -> KeyRow {
        match &self.what {
            What::Sale(Receipt { event, basket, series, number, total }) => KeyRow {
                event: *event,
                basket: *basket,
                series: series.clone(),
                number: *number,
                total: *total,
                contents: None,
            },
            What::Record(event, contents) => KeyRow {
                event: *event,
                basket: BasketId::default(),
                series: String::new(),
                number: 0,
                total: 0,
                contents: Some(contents.0),
            },
        }
    }

    /// Reads a row that [`rows`](Self::rows) wrote for a name.
    pub(crate) fn from_row(name: BookedName, row: &[u8], value: &[u8]) -> Result<Self, Unreadable> {
        match name {
            BookedName::Key(key) => {
                Ok(Self { key: Some(key), what: from_cbor::<KeyRow>("receipt", value)?.what() })
            }
            BookedName::Basket(basket) => {
                let event = row.get(16..).and_then(EventId::from_key);
                let event = event.ok_or(Unreadable::NoName { what: "an event" })?;
                let BasketRow { key, series, number, total } = from_cbor("booked basket", value)?;
                let receipt = Receipt { event, basket, series, number, total };
                Ok(Self { key: key.map(IdempotencyKey), what: What::Sale(receipt) })
            }
        }
    }
}

/// The event that the row of a name leads to.
pub(crate) fn event_of(row: &[u8], value: &[u8]) -> Option<EventId> {
    match row.get(16..)? {
        [] => from_cbor::<KeyRow>("receipt", value).ok().map(|row| row.event),
        event => EventId::from_key(event),
    }
}

/// Where the rows of a name are: the space, the first key and the last.
pub(crate) fn range(name: BookedName) -> (Space, Vec<u8>, Vec<u8>) {
    let (space, name) = match name {
        BookedName::Key(key) => (Space::IdempotencyKey, key.0),
        BookedName::Basket(basket) => (Space::BookedBasket, basket.0),
    };
    (space, name.to_vec(), [name.as_slice(), &[u8::MAX; 17]].concat())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use edgepos_core::{Chain, Lane, Seq};

    use super::*;

    const KEY: IdempotencyKey = IdempotencyKey([0xCC; 16]);
    const BASKET: BasketId = BasketId([0xBB; 16]);
    const SAID: &str = "818250cccccccccccccccccccccccccccccccca5005100020000000000050000000000000000090150bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb026153030704190102";

    fn event() -> EventId {
        EventId::new(Chain::new(ReplicaId::new(2, 5), Lane::Transactions), Seq(9))
    }

    fn sale() -> Booked {
        let receipt = Receipt { event: event(), basket: BASKET, series: "S".into(), number: 7, total: 258 };
        Booked { key: Some(KEY), what: What::Sale(receipt) }
    }

    fn delivery(body: &[u8]) -> Booked {
        let contents = Contents::of(Kind::STOCK_MOVED, Mode::Live, body, &[]);
        Booked { key: Some(KEY), what: What::Record(event(), contents) }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What another terminal is told, in a frame of kind 3.
    #[test]
    fn what_is_said_of_a_sale_is_these_bytes() {
        assert_eq!(hex(&Booked::to_said(&[sale()])), SAID);
        let all = [sale(), Booked { key: None, ..sale() }, delivery(b"goods")];
        assert_eq!(Booked::from_said(&Booked::to_said(&all)).unwrap(), all);
        assert!(Booked::from_said(b"\x81\x82\xf6").is_err());
    }

    /// Space, key and value, in hexadecimal.
    fn rows(booked: &Booked, me: ReplicaId) -> Vec<(Space, String, String)> {
        let row = |write| match write {
            Write::Put { space, key, value } => (space, hex(&key), hex(&value)),
            Write::Delete { .. } => panic!("nothing is deleted"),
        };
        booked.rows(me).into_iter().map(row).collect()
    }

    #[test]
    fn rows_are_these_bytes_and_read_back() {
        let (own, other) = (ReplicaId::new(2, 5), ReplicaId::new(1, 1));
        let key = "cccccccccccccccccccccccccccccccc";
        let basket = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
        let id = "0002000000000005000000000000000009";
        let receipt = format!("a50051{id}0150{basket}0261530307041901 02").replace(' ', "");
        let booked = format!("a40050{key}0161530207031901 02").replace(' ', "");
        let expected = |row: String| {
            [
                (Space::IdempotencyKey, row, receipt.clone()),
                (Space::BookedBasket, format!("{basket}{id}"), booked.clone()),
            ]
        };
        assert_eq!(rows(&sale(), own), expected(key.into()), "that of 0.1.0");
        assert_eq!(rows(&sale(), other), expected(format!("{key}{id}")));
        let record = format!(
            "a60051{id}0150{zero}0260030004000550{contents}",
            zero = "0".repeat(32),
            contents = CONTENTS
        );
        assert_eq!(rows(&delivery(b"water"), own), [(Space::IdempotencyKey, key.into(), record)]);
        for booked in [sale(), delivery(b"water")] {
            for (write, name) in booked.rows(other).into_iter().zip(booked.named().names()) {
                let Write::Put { key, value, .. } = write else { panic!("nothing is deleted") };
                assert_eq!(Booked::from_row(name, &key, &value).unwrap(), booked);
                let (_, from, to) = range(name);
                assert!(from <= key && key <= to);
            }
        }
    }

    const CONTENTS: &str = "ee8f605a274b52a0d735e7643e8230f2";

    #[test]
    fn contents_tell_records_apart() {
        assert_ne!(delivery(b"water"), delivery(b"wine"));
        let effect = Effect::new(crate::retail::effect::CounterRow::stock("water", 0), 1, None);
        let of = |mode, effects: &[Effect]| Contents::of(Kind::STOCK_MOVED, mode, b"water", effects);
        assert_ne!(of(Mode::Live, &[]), of(Mode::Training, &[]));
        assert_ne!(of(Mode::Live, &[]), of(Mode::Live, &[effect]));
    }
}

//! What connected terminals say that they have booked, ahead of the events themselves: a retry at the next till is not booked again while
//! the sale is on its way.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use edgepos_core::{EventId, ReplicaId, Time};

use super::booked::Booked;
use super::name::BookedName;

/// Longest that one may be, in bytes.
pub(crate) const MAX_BYTES: usize = 512;
/// Most that are remembered of one terminal: more than it books until its events have come. The oldest fall first.
const MAX_OF_TELLER: usize = 256;
/// A terminal that has said nothing at all for so long takes what it told with it.
const SILENCE: Duration = Duration::from_secs(600);

/// Sales and records that were told and have not come.
#[derive(Debug, Default)]
pub(crate) struct Told {
    by: BTreeMap<ReplicaId, Teller>,
}

#[derive(Debug)]
struct Teller {
    heard: Time,
    /// In the order in which they were told.
    booked: VecDeque<Booked>,
}

impl Told {
    /// A terminal says that it has booked something, which is not held here.
    pub(crate) fn tell(&mut self, now: Time, booked: Booked) {
        let of = self.by.entry(booked.event().chain.replica);
        let teller = of.or_insert(Teller { heard: now, booked: VecDeque::new() });
        teller.heard = now;
        teller.booked.retain(|other| other.event() != booked.event());
        teller.booked.push_back(booked);
        while teller.booked.len() > MAX_OF_TELLER {
            teller.booked.pop_front();
        }
    }

    /// A terminal says something.
    pub(crate) fn heard(&mut self, now: Time, peer: ReplicaId) {
        if let Some(teller) = self.by.get_mut(&peer) {
            teller.heard = now;
        }
    }

    /// What has this name, as others say.
    pub(crate) fn of(&self, now: Time, name: BookedName) -> Option<&Booked> {
        let recent = self.by.values().filter(|teller| teller.heard + SILENCE > now);
        let has = |booked: &&Booked| booked.named().names().any(|own| own == name);
        recent.flat_map(|teller| &teller.booked).find(has)
    }

    /// An event has its place: what was told of its position is known here by now, or was never true.
    pub(crate) fn came(&mut self, id: EventId) {
        let Some(teller) = self.by.get_mut(&id.chain.replica) else { return };
        teller.booked.retain(|booked| booked.event().chain != id.chain || booked.event().seq > id.seq);
        if teller.booked.is_empty() {
            self.by.remove(&id.chain.replica);
        }
    }

    /// Somebody knows better.
    pub(crate) fn disbelieve(&mut self, name: BookedName) {
        for teller in self.by.values_mut() {
            teller.booked.retain(|booked| booked.named().names().all(|own| own != name));
        }
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Chain, IdempotencyKey, Lane, Seq};

    use super::*;
    use crate::retail::keys::booked::What;
    use crate::retail::sale::body::BasketId;
    use crate::retail::sale::receipt::Receipt;

    fn event(terminal: u16, seq: u64) -> EventId {
        EventId::new(Chain::new(ReplicaId::new(terminal, 1), Lane::Transactions), Seq(seq))
    }

    fn sale(terminal: u16, seq: u64) -> Booked {
        let basket = BasketId([seq as u8; 16]);
        let receipt =
            Receipt { event: event(terminal, seq), basket, series: "S".into(), number: seq, total: 1 };
        Booked { key: Some(IdempotencyKey([seq as u8; 16])), what: What::Sale(receipt) }
    }

    fn basket(seq: u64) -> BookedName {
        BookedName::Basket(BasketId([seq as u8; 16]))
    }

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn it_is_known_by_its_names_until_its_place_is_taken() {
        let mut told = Told::default();
        (1..=3).for_each(|seq| told.tell(at(0), sale(2, seq)));
        assert_eq!(told.of(at(0), basket(2)), Some(&sale(2, 2)));
        assert_eq!(told.of(at(0), BookedName::Key(IdempotencyKey([3; 16]))), Some(&sale(2, 3)));
        assert_eq!(told.of(at(0), basket(9)), None);
        told.came(event(2, 2));
        assert_eq!([1, 2, 3].map(|seq| told.of(at(0), basket(seq)).is_some()), [false, false, true]);
        told.came(event(3, 9));
        assert!(told.of(at(0), basket(3)).is_some(), "another terminal's event");
        told.disbelieve(basket(3));
        assert_eq!(told.of(at(0), basket(3)), None);
    }

    #[test]
    fn who_is_silent_takes_it_along() {
        let mut told = Told::default();
        told.tell(at(0), sale(2, 1));
        told.heard(at(500), ReplicaId::new(2, 1));
        told.heard(at(5_000), ReplicaId::new(3, 1));
        assert!(told.of(at(1_099), basket(1)).is_some());
        assert!(told.of(at(1_100), basket(1)).is_none());
    }

    #[test]
    fn of_one_terminal_the_latest_are_remembered() {
        let mut told = Told::default();
        for seq in 1..=MAX_OF_TELLER as u64 + 1 {
            let receipt = Receipt {
                event: event(2, seq),
                basket: BasketId(u128::from(seq).to_be_bytes()),
                series: "S".into(),
                number: seq,
                total: 1,
            };
            told.tell(at(0), Booked { key: None, what: What::Sale(receipt) });
        }
        let knows = |seq: u128| told.of(at(0), BookedName::Basket(BasketId(seq.to_be_bytes()))).is_some();
        assert_eq!([1, 2, 257].map(knows), [false, true, true]);
    }
}

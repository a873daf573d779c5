//! What connected terminals say that they have booked, ahead of the events themselves: a retry at the next till is not booked again while
//! the sale is on its way.

use std::collections::VecDeque;
use std::time::Duration;

use edgepos_core::{EventId, Lane, ReplicaId, Time};
use edgepos_crdt::VersionVector;

use super::booked::Booked;
use super::name::BookedName;

/// Most that are told in one frame.
pub(crate) const MAX_AT_ONCE: usize = 64;
/// Longest that such a frame may be, in bytes.
pub(crate) const MAX_BYTES: usize = 32 << 10;
/// Most that are remembered of one terminal: more than it books until its events have come. The oldest fall first.
const MAX_OF_PEER: usize = 256;
/// Most that are remembered of all.
const MAX_ALL: usize = 4_096;
/// How long one is believed: longer than a connected terminal takes to send the event.
const BELIEVED: Duration = Duration::from_secs(600);

/// Sales and records that were told and have not come, in the order in which they were told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    words: VecDeque<Word>,
}

#[derive(Debug)]
struct Word {
    at: Time,
    from: ReplicaId,
    booked: Booked,
}

/// Whether other terminals are told of it: what a till may be asked again for, and not what is sent in bulk.
pub(crate) fn is_told(event: EventId) -> bool {
    matches!(event.chain.lane, Lane::Transactions | Lane::Stock)
}

impl Told {
    /// A peer says that it has booked something, which is not held here.
    pub(crate) fn tell(&mut self, now: Time, from: ReplicaId, booked: Booked) {
        self.words.retain(|word| word.at + BELIEVED > now && word.booked.event() != booked.event());
        let of_peer = self.words.iter().filter(|word| word.from == from).count();
        let crowded = of_peer >= MAX_OF_PEER;
        let oldest = self.words.iter().position(|word| !crowded || word.from == from);
        if crowded || self.words.len() >= MAX_ALL {
            oldest.map(|oldest| self.words.remove(oldest));
        }
        self.words.push_back(Word { at: now, from, booked });
    }

    /// What has this name, as others say.
    pub(crate) fn of(&self, now: Time, name: BookedName) -> Option<&Booked> {
        let mut believed = self.words.iter().filter(|word| word.at + BELIEVED > now);
        let word = believed.find(|word| word.booked.named().names().any(|own| own == name));
        word.map(|word| &word.booked)
    }

    /// An event has its place: what was told of its position is known here by now, or was never true.
    pub(crate) fn came(&mut self, id: EventId) {
        let is_ahead = |event: EventId| event.chain != id.chain || event.seq > id.seq;
        self.words.retain(|word| is_ahead(word.booked.event()));
    }

    /// A peer says what it holds durably, as it did when it told: what it has no more went with a disk that was put back.
    pub(crate) fn holds(&mut self, peer: ReplicaId, held: &VersionVector) {
        self.words.retain(|word| word.from != peer || held.covers(word.booked.event()));
    }

    /// Somebody knows better.
    pub(crate) fn disbelieve(&mut self, name: BookedName) {
        self.words.retain(|word| word.booked.named().names().all(|own| own != name));
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Chain, IdempotencyKey, Seq};

    use super::*;
    use crate::retail::keys::booked::What;
    use crate::retail::sale::body::BasketId;
    use crate::retail::sale::receipt::Receipt;

    fn peer(terminal: u16) -> ReplicaId {
        ReplicaId::new(terminal, 1)
    }

    fn event(terminal: u16, seq: u64) -> EventId {
        EventId::new(Chain::new(peer(terminal), Lane::Transactions), Seq(seq))
    }

    fn id(number: u64) -> [u8; 16] {
        u128::from(number).to_be_bytes()
    }

    fn sale(terminal: u16, seq: u64) -> Booked {
        let (event, basket) = (event(terminal, seq), BasketId(id(seq)));
        let receipt = Receipt { event, basket, series: "S".into(), number: seq, total: 1 };
        Booked { key: Some(IdempotencyKey(id(seq))), what: What::Sale(receipt) }
    }

    fn basket(seq: u64) -> BookedName {
        BookedName::Basket(BasketId(id(seq)))
    }

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn it_is_known_by_its_names_until_its_place_is_taken() {
        let mut told = Told::default();
        (1..=3).for_each(|seq| told.tell(at(0), peer(2), sale(2, seq)));
        assert_eq!(told.of(at(0), basket(2)), Some(&sale(2, 2)));
        assert_eq!(told.of(at(0), BookedName::Key(IdempotencyKey(id(3)))), Some(&sale(2, 3)));
        assert_eq!(told.of(at(0), basket(9)), None);
        told.came(event(2, 2));
        assert_eq!([1, 2, 3].map(|seq| told.of(at(0), basket(seq)).is_some()), [false, false, true]);
        told.came(event(3, 9));
        assert!(told.of(at(0), basket(3)).is_some(), "another terminal's event");
        told.disbelieve(basket(3));
        assert_eq!(told.of(at(0), basket(3)), None);
    }

    #[test]
    fn it_falls_with_the_disk_of_who_told_it() {
        let mut told = Told::default();
        (1..=3).for_each(|seq| told.tell(at(0), peer(2), sale(2, seq)));
        told.tell(at(0), peer(3), sale(3, 9));
        let mut held = VersionVector::default();
        held.set_max(event(2, 2).chain, Seq(2));
        told.holds(peer(2), &held);
        let known = [1, 2, 3, 9].map(|seq| told.of(at(0), basket(seq)).is_some());
        assert_eq!(known, [true, true, false, true]);
    }

    #[test]
    fn it_falls_for_good_after_ten_minutes() {
        let mut told = Told::default();
        told.tell(at(0), peer(2), sale(2, 1));
        told.tell(at(500), peer(2), sale(2, 2));
        let known = |told: &Told, now| [1, 2].map(|seq| told.of(at(now), basket(seq)).is_some());
        assert_eq!(known(&told, 599), [true, true]);
        assert_eq!(known(&told, 600), [false, true], "whatever the peer says meanwhile");
        told.tell(at(1_100), peer(3), sale(3, 9));
        assert_eq!(told.words.len(), 1, "what fell takes no room");
    }

    #[test]
    fn of_one_peer_and_of_all_the_latest_are_remembered() {
        let mut told = Told::default();
        told.tell(at(0), peer(1), sale(1, 1_000_000));
        (1..=257).for_each(|seq| told.tell(at(0), peer(2), sale(2, seq)));
        assert_eq!([1, 2, 257].map(|seq| told.of(at(0), basket(seq)).is_some()), [false, true, true]);
        assert!(told.of(at(0), basket(1_000_000)).is_some(), "what one says much takes no other's away");
        for seq in 1..=MAX_ALL as u64 {
            let terminal = 10 + (seq % 100) as u16;
            told.tell(at(1), peer(terminal), sale(terminal, 10_000 + seq));
        }
        assert_eq!(told.words.len(), MAX_ALL);
        assert!(told.of(at(1), basket(1_000_000)).is_none(), "the oldest of all");
    }
}

//! The end of a chain that a start counts again: what of it can be read as it was written.

use edgepos_core::{Chain, EventId, Seq};
use edgepos_sync::{EventRecord, Hash};

use crate::retail::shop::Shop;

/// One chain, event by event. What does not link is not counted, and remembered as such.
pub(super) struct Tail {
    chain: Chain,
    next: Seq,
    /// The chain's hash before the event that waits, or the next one.
    before: Option<Hash>,
    /// An event that does not follow on the one before: the one behind it says whether its bytes or its hash are wrong.
    doubtful: Option<(EventRecord, Hash)>,
}

impl Tail {
    /// Behind the position `applied`, where the chain has this hash.
    pub(super) fn behind(chain: Chain, applied: Seq, before: Option<Hash>) -> Self {
        let before = if applied == Seq::ZERO { Some(Hash::ZERO) } else { before };
        Self { chain, next: applied.next(), before, doubtful: None }
    }

    /// The next row that could be read.
    pub(super) fn read(&mut self, record: EventRecord, hash: Hash, shop: &mut Shop) {
        if record.id.chain != self.chain || record.id.seq < self.next {
            return;
        }
        if record.id.seq > self.next {
            self.give_up(shop);
            self.skip_to(record.id.seq, shop);
            self.before = None;
        }
        if let Some((waiting, stated)) = self.doubtful.take() {
            let right = self.before.map(|before| before.link(waiting.id, &waiting.payload));
            if right.is_some_and(|right| right.link(record.id, &record.payload) == hash) {
                shop.replay(waiting.id, &waiting.payload);
                self.before = right;
            } else {
                shop.lacks(waiting.id);
                self.before = Some(stated);
            }
        }
        self.next = record.id.seq.next();
        if self.before.is_none_or(|before| before.link(record.id, &record.payload) == hash) {
            shop.replay(record.id, &record.payload);
            self.before = Some(hash);
        } else {
            self.doubtful = Some((record, hash));
        }
    }

    /// There are no more rows, and the chain is held up to here, with this hash.
    pub(super) fn end(mut self, held: Seq, head: Option<Hash>, shop: &mut Shop) {
        if let Some((last, _)) = self.doubtful.take_if(|(last, _)| last.id.seq == held) {
            let right = self.before.map(|before| before.link(last.id, &last.payload));
            if right.is_some() && right == head {
                shop.replay(last.id, &last.payload);
            } else {
                shop.lacks(last.id);
            }
        }
        self.give_up(shop);
        self.skip_to(held.next(), shop);
    }

    fn give_up(&mut self, shop: &mut Shop) {
        if let Some((waiting, _)) = self.doubtful.take() {
            shop.lacks(waiting.id);
        }
    }

    fn skip_to(&mut self, seq: Seq, shop: &mut Shop) {
        while self.next < seq {
            shop.lacks(EventId::new(self.chain, self.next));
            self.next = self.next.next();
        }
    }
}

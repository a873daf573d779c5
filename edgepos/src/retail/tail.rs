//! A piece of a chain that is counted again: what of it can be read as it was written.

use edgepos_core::{Chain, EventId, Seq};
use edgepos_sync::{EventRecord, Hash};

/// What is told of an event.
pub(crate) enum Told {
    /// It is as it was written, and counts.
    Counts(EventRecord),
    /// It is not, or is not there.
    Lacks(EventId),
}

/// Who is told, in the order of the chain.
pub(crate) type Tell<'t> = dyn FnMut(Told) + 't;

/// One chain, event by event. What does not link is not counted.
pub(crate) struct Tail {
    chain: Chain,
    next: Seq,
    /// The chain's hash before the event that waits, or the next one.
    before: Option<Hash>,
    /// An event that does not follow on the one before: the one behind it says whether its bytes or its hash are wrong.
    doubtful: Option<(EventRecord, Hash)>,
}

impl Tail {
    /// Behind the position `applied`, where the chain has this hash.
    pub(crate) fn behind(chain: Chain, applied: Seq, before: Option<Hash>) -> Self {
        let before = if applied == Seq::ZERO { Some(Hash::ZERO) } else { before };
        Self { chain, next: applied.next(), before, doubtful: None }
    }

    /// The next row that could be read.
    pub(crate) fn read(&mut self, record: EventRecord, hash: Hash, tell: &mut Tell<'_>) {
        if record.id.chain != self.chain || record.id.seq < self.next {
            return;
        }
        if record.id.seq > self.next {
            self.give_up(tell);
            self.skip_to(record.id.seq, tell);
            self.before = None;
        }
        if let Some((waiting, stated)) = self.doubtful.take() {
            let right = self.before.map(|before| before.link(waiting.id, &waiting.payload));
            if right.is_some_and(|right| right.link(record.id, &record.payload) == hash) {
                tell(Told::Counts(waiting));
                self.before = right;
            } else {
                tell(Told::Lacks(waiting.id));
                self.before = Some(stated);
            }
        }
        self.next = record.id.seq.next();
        if self.before.is_none_or(|before| before.link(record.id, &record.payload) == hash) {
            self.before = Some(hash);
            tell(Told::Counts(record));
        } else {
            self.doubtful = Some((record, hash));
        }
    }

    /// There are no more rows, and the chain is held up to here, with this hash.
    pub(crate) fn end(mut self, held: Seq, head: Option<Hash>, tell: &mut Tell<'_>) {
        if let Some((last, _)) = self.doubtful.take_if(|(last, _)| last.id.seq == held) {
            let right = self.before.map(|before| before.link(last.id, &last.payload));
            if right.is_some() && right == head {
                tell(Told::Counts(last));
            } else {
                tell(Told::Lacks(last.id));
            }
        }
        self.give_up(tell);
        self.skip_to(held.next(), tell);
    }

    fn give_up(&mut self, tell: &mut Tell<'_>) {
        if let Some((waiting, _)) = self.doubtful.take() {
            tell(Told::Lacks(waiting.id));
        }
    }

    fn skip_to(&mut self, seq: Seq, tell: &mut Tell<'_>) {
        while self.next < seq {
            tell(Told::Lacks(EventId::new(self.chain, self.next)));
            self.next = self.next.next();
        }
    }
}

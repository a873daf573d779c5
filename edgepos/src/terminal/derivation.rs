//! Which decisions of the store's log have their place in the store's own chain, and which wait for it.
//!
//! Every terminal derives the chain from the log, so all must count alike. A terminal that missed more decisions than the log keeps
//! goes on from a snapshot, which says how far its sender had derived; the events of before come from peers. Until they are all here
//! this terminal cannot tell a second proposal of an episode, so what is decided meanwhile waits, in order and on disk.
//!
//! Where no snapshot says how far its sender had derived, or after a time below the store's feature level, the places are unknown. They
//! are known again once a peer brings the event of a decision that was seen here: its place is its position in the chain.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use edgepos_consensus::Attachment;
use edgepos_core::{Chain, Lane, ReplicaId, Seq, Space, StoreGeneration, Time, Write};
use edgepos_sync::{EventRecord, Hash};

use super::unit_of_work::UnitOfWork;

/// Decisions that may wait. Beyond it their places count as unknown.
const MAX_WAITING: usize = 1_024;

/// How often a leader hands over because it does not know the places: others may not know them either.
const ASIDE: Duration = Duration::from_secs(60);

/// Rows of [`Space::Identity`], which an earlier version leaves alone. Behind the name comes the store's generation: a store that was
/// recovered by force derives another chain.
const UNKNOWN: &[u8] = b"places-unknown-";
const WAITING: &[u8] = b"decision-";

/// How this terminal derives the store's own chain.
#[derive(Debug)]
pub(crate) struct Derivation {
    generation: StoreGeneration,
    /// The chain has another history at a peer than in the log.
    forked: bool,
    /// A snapshot did not say how far its sender had derived, or this terminal was below the store's feature level.
    unknown: bool,
    /// By their position in the log. While the places are unknown, those since the start, in memory only.
    waiting: BTreeMap<u64, Waiting>,
    /// The event of the chain that a peer brought last.
    brought: Option<(Seq, Vec<u8>)>,
    /// When this terminal handed the leadership over last.
    aside: Option<Time>,
}

/// A decided event that has no place yet.
#[derive(Debug)]
struct Waiting {
    payload: Vec<u8>,
    /// Whether it has a row: most get their place in the transaction in which they are decided.
    kept: bool,
}

/// The store's own chain.
pub(crate) fn store_chain(generation: StoreGeneration) -> Chain {
    Chain::new(ReplicaId::store(generation), Lane::Transactions)
}

/// Rows of every generation, before it is known which one counts.
#[derive(Debug, Default)]
pub(crate) struct Restored {
    unknown: BTreeSet<u32>,
    waiting: BTreeMap<(u32, u64), Vec<u8>>,
}

impl Restored {
    /// A row of [`Space::Identity`]; whether it is one of these.
    pub(crate) fn insert(&mut self, key: &[u8], value: &[u8]) -> bool {
        let generation = |bytes: &[u8; 4]| u32::from_be_bytes(*bytes);
        if let Some(rest) = key.strip_prefix(UNKNOWN) {
            let Some(bytes) = rest.first_chunk() else { return false };
            return self.unknown.insert(generation(bytes));
        }
        let Some((bytes, index)) = key.strip_prefix(WAITING).and_then(|rest| rest.split_first_chunk()) else {
            return false;
        };
        let Ok(index) = index.try_into().map(u64::from_be_bytes) else { return false };
        self.waiting.insert((generation(bytes), index), value.to_vec()).is_none()
    }
}

impl Derivation {
    /// What the rows say of this generation.
    pub(crate) fn new(generation: StoreGeneration, restored: Restored) -> Self {
        let own = restored.waiting.into_iter().filter(|((number, _), _)| *number == generation.0);
        Self {
            generation,
            forked: false,
            unknown: restored.unknown.contains(&generation.0),
            waiting: own.map(|((_, index), payload)| (index, Waiting { payload, kept: true })).collect(),
            brought: None,
            aside: None,
        }
    }

    /// Whether decisions get their place here at once. Where they do not, this terminal must not propose any: it would not see them
    /// raised, and propose them again for ever.
    pub(crate) fn derives(&self) -> bool {
        !self.forked && !self.unknown && self.waiting.is_empty()
    }

    /// A decided event: it waits for its turn.
    pub(crate) fn wait(&mut self, index: u64, payload: Vec<u8>, out: &mut UnitOfWork) {
        if self.forked {
            return;
        }
        if self.waiting.len() >= MAX_WAITING {
            // The oldest are the first to be of no use.
            if self.unknown { drop(self.waiting.pop_first()) } else { self.lose(out) }
        }
        self.waiting.insert(index, Waiting { payload, kept: false });
    }

    /// Writes down what goes on waiting.
    pub(crate) fn keep(&mut self, out: &mut UnitOfWork) {
        if self.unknown {
            return;
        }
        for (index, waiting) in self.waiting.iter_mut().filter(|(_, waiting)| !waiting.kept) {
            let key = waiting_key(self.generation, *index);
            out.write(Write::put(Space::Identity, key, waiting.payload.clone()));
            waiting.kept = true;
        }
    }

    /// The next decided event that gets its place, now that the chain is here up to `held` and derived up to `decided`.
    pub(crate) fn next(&mut self, held: Seq, decided: Seq, out: &mut UnitOfWork) -> Option<Vec<u8>> {
        if self.unknown || held < decided {
            return None;
        }
        let (index, Waiting { payload, kept }) = self.waiting.pop_first()?;
        if kept {
            out.write(Write::delete(Space::Identity, waiting_key(self.generation, index)));
        }
        Some(payload)
    }

    /// A peer has brought an event of the chain.
    pub(crate) fn heard(&mut self, record: &EventRecord) {
        self.brought = self.unknown.then(|| (record.id.seq, record.payload.to_vec()));
    }

    /// Whether the last event of the chain, at `held`, is that of a decision which was seen here: then the chain is derived up to there.
    pub(crate) fn finds_place(&mut self, held: Seq, out: &mut UnitOfWork) -> bool {
        let Some((seq, payload)) = self.brought.as_ref().filter(|_| self.unknown && !self.forked) else {
            return false;
        };
        let same = |(_, waiting): &(&u64, &Waiting)| waiting.payload == *payload;
        let mut found = self.waiting.iter().filter(same).map(|(index, _)| *index);
        // Where the same bytes were decided twice, the event does not say which of them it is; the next one does.
        let (Some(index), None, true) = (found.next(), found.next(), *seq == held) else {
            return false;
        };
        self.waiting = self.waiting.split_off(&(index + 1));
        (self.unknown, self.brought) = (false, None);
        out.write(Write::delete(Space::Identity, unknown_key(self.generation)));
        true
    }

    /// Whether a leader shall hand over, since it cannot see what it proposes decided. Now and then: the others may be no better.
    pub(crate) fn stands_aside(&mut self, now: Time) -> bool {
        let lost = self.unknown || self.forked;
        let yes = lost && self.aside.is_none_or(|last| now.since(last) >= ASIDE);
        if yes {
            self.aside = Some(now);
        }
        yes
    }

    /// The chain is forked: nothing is derived any more.
    pub(crate) fn fork(&mut self) {
        self.forked = true;
    }

    /// A snapshot of the log took the place of decisions. How far its sender had derived the chain, and what stands behind that, where it
    /// says so.
    pub(crate) fn install<'s>(
        &mut self,
        state: Option<&'s [u8]>,
        out: &mut UnitOfWork,
    ) -> Option<(Seq, Hash, &'s [u8])> {
        self.forget(out);
        let Some(read) = state.and_then(read) else {
            self.lose(out);
            return None;
        };
        if std::mem::take(&mut self.unknown) {
            out.write(Write::delete(Space::Identity, unknown_key(self.generation)));
        }
        Some(read)
    }

    /// What goes into a snapshot for others, of a chain that is derived up to here, and `more` behind it.
    pub(crate) fn attachment(&self, (seq, hash): (Seq, Hash), more: &[u8]) -> Attachment {
        if self.unknown || self.forked {
            Attachment::Nothing
        } else if self.waiting.is_empty() {
            Attachment::State([seq.0.to_be_bytes().as_slice(), &hash.0, more].concat())
        } else {
            Attachment::Pending
        }
    }

    /// Which decisions have a place is not known any more.
    pub(crate) fn lose(&mut self, out: &mut UnitOfWork) {
        self.forget(out);
        if std::mem::replace(&mut self.unknown, true) {
            return;
        }
        out.write(Write::put(Space::Identity, unknown_key(self.generation), [1]));
    }

    fn forget(&mut self, out: &mut UnitOfWork) {
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        for (index, _) in waiting.filter(|(_, waiting)| waiting.kept) {
            out.write(Write::delete(Space::Identity, waiting_key(self.generation, index)));
        }
    }
}

fn unknown_key(generation: StoreGeneration) -> Vec<u8> {
    [UNKNOWN, &generation.0.to_be_bytes()].concat()
}

fn waiting_key(generation: StoreGeneration, index: u64) -> Vec<u8> {
    [WAITING, &generation.0.to_be_bytes(), &index.to_be_bytes()].concat()
}

/// What [`Derivation::attachment`] wrote; a later version may have added to it.
fn read(state: &[u8]) -> Option<(Seq, Hash, &[u8])> {
    let (seq, rest) = state.split_first_chunk::<8>()?;
    let (hash, more) = rest.split_first_chunk::<32>()?;
    Some((Seq(u64::from_be_bytes(*seq)), Hash(*hash), more))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use edgepos_core::EventId;

    use super::*;

    fn fresh() -> Derivation {
        Derivation::new(StoreGeneration(0), Restored::default())
    }

    #[test]
    fn what_is_attached_reads_back() {
        let mut out = UnitOfWork::default();
        let mut derivation = fresh();
        let Attachment::State(state) = derivation.attachment((Seq(7), Hash([9; 32])), b"more") else {
            panic!("nothing waits")
        };
        let longer = [state.as_slice(), b" of a later version"].concat();
        let read = derivation.install(Some(&longer), &mut out);
        assert_eq!(read, Some((Seq(7), Hash([9; 32]), &b"more of a later version"[..])));
        assert!(derivation.derives());
    }

    #[test]
    fn a_snapshot_of_the_first_version_leaves_places_unknown_until_another_says() {
        let mut out = UnitOfWork::default();
        let mut derivation = fresh();
        assert_eq!(derivation.install(None, &mut out), None);
        assert!(!derivation.derives());
        assert_eq!(derivation.attachment((Seq(7), Hash([9; 32])), b""), Attachment::Nothing);
        derivation.wait(5, b"decided".to_vec(), &mut out);
        assert_eq!(derivation.next(Seq(1), Seq(0), &mut out), None, "its place is not known");
        assert_eq!(derivation.install(Some(&[0; 40]), &mut out), Some((Seq(0), Hash([0; 32]), &[][..])));
        assert!(derivation.derives());
    }

    /// A peer's event tells the place of a decision that was seen here; what was decided after it has the places behind.
    #[test]
    fn places_are_known_again_from_an_event_on() {
        let mut out = UnitOfWork::default();
        let mut derivation = fresh();
        derivation.lose(&mut out);
        for (index, payload) in [(4, "one"), (5, "two"), (9, "three")] {
            derivation.wait(index, payload.into(), &mut out);
        }
        let event = |seq, payload: &str| EventRecord {
            id: EventId::new(store_chain(StoreGeneration(0)), Seq(seq)),
            payload: payload.as_bytes().into(),
        };
        derivation.heard(&event(7, "zero"));
        assert!(!derivation.finds_place(Seq(7), &mut out), "it was decided before");
        derivation.heard(&event(8, "two"));
        assert!(!derivation.finds_place(Seq(9), &mut out), "the chain has gone on since");
        assert!(derivation.finds_place(Seq(8), &mut out));
        assert!(!derivation.derives(), "something waits");
        assert_eq!(derivation.next(Seq(8), Seq(8), &mut out).unwrap(), b"three");
        assert!(derivation.derives() && derivation.next(Seq(9), Seq(9), &mut out).is_none());
    }

    /// The same bytes, decided twice: taken for the first, what follows it would get a second place.
    #[test]
    fn an_event_that_was_decided_twice_tells_no_place() {
        let mut out = UnitOfWork::default();
        let mut derivation = fresh();
        derivation.lose(&mut out);
        for (index, payload) in [(4, "again"), (5, "two"), (6, "again"), (7, "three"), (8, "four")] {
            derivation.wait(index, payload.into(), &mut out);
        }
        let event = |seq, payload: &str| EventRecord {
            id: EventId::new(store_chain(StoreGeneration(0)), Seq(seq)),
            payload: payload.as_bytes().into(),
        };
        derivation.heard(&event(3, "again"));
        assert!(!derivation.finds_place(Seq(3), &mut out), "it is the first or the second");
        derivation.heard(&event(4, "three"));
        assert!(derivation.finds_place(Seq(4), &mut out));
        assert_eq!(derivation.next(Seq(4), Seq(4), &mut out).unwrap(), b"four");
    }

    #[test]
    fn a_leader_that_knows_no_places_stands_aside_now_and_then() {
        let mut derivation = fresh();
        assert!(!derivation.stands_aside(Time(5)));
        derivation.lose(&mut UnitOfWork::default());
        let aside = |ms, derivation: &mut Derivation| derivation.stands_aside(Time(ms));
        let said = [5, 6, 60_004, 60_005].map(|ms| aside(ms, &mut derivation));
        assert_eq!(said, [true, false, false, true]);
    }

    #[test]
    fn decisions_wait_in_order_until_what_was_before_is_here() {
        let mut out = UnitOfWork::default();
        let mut derivation = fresh();
        derivation.wait(9, b"second".to_vec(), &mut out);
        derivation.wait(8, b"first".to_vec(), &mut out);
        assert_eq!(derivation.next(Seq(2), Seq(3), &mut out), None);
        derivation.keep(&mut out);
        assert!(out.has_urgent_writes(), "it waits on disk");
        assert_eq!(derivation.attachment((Seq(3), Hash([0; 32])), b""), Attachment::Pending);
        assert_eq!(derivation.next(Seq(3), Seq(3), &mut out).unwrap(), b"first");
        assert_eq!(derivation.next(Seq(4), Seq(4), &mut out).unwrap(), b"second");
        assert!(derivation.derives());
    }

    /// A crash loses nothing, and a forced recovery begins another chain, for which nothing waits.
    #[test]
    fn rows_count_in_their_generation() {
        let (zero, one) = (StoreGeneration(0), StoreGeneration(1));
        let restored = || {
            let mut restored = Restored::default();
            assert!(restored.insert(&waiting_key(zero, 3), b"after a crash"));
            assert!(restored.insert(&unknown_key(one), &[1]));
            assert!(!restored.insert(b"me", &[0; 8]), "a row of another part");
            restored
        };
        let mut out = UnitOfWork::default();
        let mut again = Derivation::new(zero, restored());
        assert_eq!(again.next(Seq(3), Seq(3), &mut out).unwrap(), b"after a crash");
        assert!(again.derives());
        let mut recovered = Derivation::new(one, restored());
        assert!(!recovered.derives());
        assert_eq!(recovered.next(Seq(3), Seq(3), &mut out), None);
        assert!(Derivation::new(StoreGeneration(2), restored()).derives());
    }
}

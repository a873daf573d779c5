//! Checks that a vendor runs against the store that keeps an election's rows.
//!
//! ```
//! use edgepos_consensus::conformance::{self, MemoryRows};
//!
//! conformance::persisted_form(&mut || Box::new(MemoryRows::default()));
//! ```
//!
//! An election survives any crash on a store that keeps three promises: a committed batch is still there, of a batch under way all is
//! there or nothing, and within a batch the later write wins. The checks first ask for each promise alone, so that a failure names
//! it, and then let a follower live on the store: it takes entries, replaces some, gets a snapshot, and loses power between each
//! [`Persist`](edgepos_core::Persist) and its [`Persisted`](crate::Input::Persisted).

use std::collections::BTreeMap;

use edgepos_core::{Now, ReplicaId, Space, Write};

use crate::config::Config;
use crate::decisions::Decisions;
use crate::election::Election;
use crate::entry::{Class, Entry, Numbered, Proposal, ProposalKey};
use crate::io::{Input, Notice, Output};
use crate::members::Members;
use crate::message::{Body, Message};
use crate::restored::Restored;
use crate::snapshot::Snapshot;

/// Where rows are kept, and a way to cut its power. Methods panic where the store fails.
pub trait RowStore {
    /// Makes the writes durable, in order, all or nothing. Returns when they would survive a power cut.
    fn commit(&mut self, writes: &[Write]);

    /// Begins [`commit`](Self::commit), loses power when `reached` of the writes are on their way to the medium, and opens the store
    /// again. `reached` is 0 to the number of writes; a store that cannot be stopped in between does what is nearest.
    fn commit_and_crash(&mut self, writes: &[Write], reached: usize);

    /// Loses power with nothing under way, and opens the store again.
    fn crash(&mut self);

    /// All rows of a space, by rising key.
    fn rows(&self, space: Space) -> Vec<(Vec<u8>, Vec<u8>)>;
}

/// Rows in memory, as durable as the value. What does not arrive whole does not arrive.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MemoryRows(BTreeMap<(Space, Vec<u8>), Vec<u8>>);

impl RowStore for MemoryRows {
    fn commit(&mut self, writes: &[Write]) {
        for write in writes {
            match write {
                Write::Put { space, key, value } => {
                    self.0.insert((*space, key.clone()), value.clone());
                }
                Write::Delete { space, key } => {
                    self.0.remove(&(*space, key.clone()));
                }
            }
        }
    }

    fn commit_and_crash(&mut self, _writes: &[Write], _reached: usize) {}

    fn crash(&mut self) {}

    fn rows(&self, space: Space) -> Vec<(Vec<u8>, Vec<u8>)> {
        let rows = self.0.iter().filter(|((known, _), _)| *known == space);
        rows.map(|((_, key), value)| (key.clone(), value.clone())).collect()
    }
}

/// Where the effects of decisions are written, beside the election's own spaces.
const EFFECTS: Space = Space::Register;
const SPACES: [Space; 4] = [Space::Election, Space::ElectionLog, Space::ElectionSnapshot, EFFECTS];

/// Runs every check, on stores that `make` returns, each empty. Some hundred stores are made, and some thousand batches committed.
///
/// # Panics
/// With the promise that the store does not keep.
pub fn persisted_form(make: &mut dyn FnMut() -> Box<dyn RowStore>) {
    batches_are_in_order(make().as_mut());
    committed_batches_survive(make().as_mut());
    for reached in 0..=6 {
        torn_batches_are_not_seen(make().as_mut(), reached);
    }
    let (undisturbed, batches) = live(make().as_mut(), None);
    assert_eq!(undisturbed, live(&mut MemoryRows::default(), None).0, "the rows of a life are these");
    for batch in 0..batches {
        for moment in [Moment::Before, Moment::Within, Moment::After] {
            let (rows, _) = live(make().as_mut(), Some((batch, moment)));
            assert_eq!(
                rows, undisturbed,
                "after a crash at batch {batch}, {moment:?}, life goes on as without it"
            );
        }
    }
    older_copies_are_noticed(make);
}

type Rows = Vec<Vec<(Vec<u8>, Vec<u8>)>>;

fn all(store: &dyn RowStore) -> Rows {
    SPACES.iter().map(|space| store.rows(*space)).collect()
}

fn put(space: Space, key: u8, value: u8) -> Write {
    Write::put(space, [key], [value; 40])
}

fn batches_are_in_order(store: &mut dyn RowStore) {
    let (log, state) = (Space::ElectionLog, Space::Election);
    store.commit(&[put(log, 1, 1), put(log, 2, 1), put(state, 1, 7)]);
    assert_eq!(
        store.rows(log),
        [(vec![1], vec![1; 40]), (vec![2], vec![1; 40])],
        "what is written reads back"
    );
    assert_eq!(store.rows(state), [(vec![1], vec![7; 40])], "spaces are apart");
    store.commit(&[put(log, 1, 2)]);
    assert_eq!(store.rows(log)[0].1, [2; 40], "a row is replaced");
    store.commit(&[Write::delete(log, [1]), Write::delete(log, [9])]);
    assert_eq!(store.rows(log).len(), 1, "a row is deleted, and one that is not there is no fault");
    store.commit(&[put(log, 3, 1), Write::delete(log, [3]), Write::delete(log, [2]), put(log, 2, 5)]);
    assert_eq!(store.rows(log), [(vec![2], vec![5; 40])], "the later write of a batch wins");
    let large: Vec<_> = (10..=255).map(|key| put(log, key, key)).collect();
    store.commit(&large);
    assert_eq!(store.rows(log).len(), 1 + large.len(), "a large batch is there whole");
}

fn committed_batches_survive(store: &mut dyn RowStore) {
    for number in 0..5 {
        store.commit(&[
            put(Space::ElectionLog, number, number),
            Write::delete(Space::ElectionLog, [number + 5]),
        ]);
        let before = all(store);
        store.crash();
        assert_eq!(all(store), before, "a committed batch survives a power cut");
    }
}

fn torn_batches_are_not_seen(store: &mut dyn RowStore, reached: usize) {
    store.commit(&[put(Space::ElectionLog, 1, 1), put(Space::Election, 1, 1)]);
    let before = all(store);
    let batch = [
        put(Space::ElectionLog, 1, 2),
        put(Space::ElectionLog, 2, 2),
        Write::delete(Space::Election, [1]),
        put(Space::Election, 2, 2),
        put(Space::ElectionSnapshot, 1, 2),
        put(EFFECTS, 1, 2),
    ];
    let mut whole = MemoryRows::default();
    whole.commit(&[put(Space::ElectionLog, 1, 1), put(Space::Election, 1, 1)]);
    whole.commit(&batch);
    store.commit_and_crash(&batch, reached);
    let after = all(store);
    assert!(after == before || after == all(&whole), "a batch is there whole or not at all: {after:02x?}");
    store.commit(&batch);
    assert_eq!(all(store), all(&whole), "the store goes on after a crash");
}

/// When the power fails, as seen from one batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Moment {
    /// The batch was handed out and never committed.
    Before,
    /// Half of it was on its way.
    Within,
    /// It was committed, and nobody was told.
    After,
}

const LEADER: ReplicaId = ReplicaId::new(1, 1);
const ME: ReplicaId = ReplicaId::new(2, 2);
/// Where the snapshot stands.
const SNAPSHOT: u64 = 40;
/// The last entry of the life.
const LAST: u64 = 45;

/// A follower on a store, and what its leader has for it.
struct Follower<'s> {
    store: &'s mut dyn RowStore,
    election: Election,
    now: Now,
    batches: usize,
    crash: Option<(usize, Moment)>,
}

/// Lives to the end, through one crash or none: what is in the store then, and how many batches it took.
fn live(store: &mut dyn RowStore, crash: Option<(usize, Moment)>) -> (Rows, usize) {
    let mut follower = Follower::new(store, crash);
    for _ in 0..100 {
        follower.work();
        let Some(message) = follower.next() else {
            assert_eq!(follower.election.halted(), None);
            return (all(follower.store), follower.batches);
        };
        follower.now.mono.0 += 20;
        follower.election.handle(follower.now, Input::Message(message));
    }
    panic!("the follower gets nowhere: {:?}", follower.election);
}

fn start(store: &dyn RowStore, now: Now) -> Election {
    let mut restored = Restored::new();
    for space in Restored::SPACES {
        for (key, value) in store.rows(space) {
            restored.insert(space, &key, &value).expect("what the election wrote reads back");
        }
    }
    let config = Config::standard(ME, vec![LEADER, ME, ReplicaId::new(3, 3)], 1);
    Election::new(now, config, restored).expect("the election starts from what it wrote")
}

fn entry(index: u64, term: u64) -> Entry {
    let key = ProposalKey { replica: LEADER, number: index };
    let bytes = vec![index as u8; 30];
    let proposal = Proposal { kind: 1, subject: Vec::new(), base: None, bytes };
    let payload = Numbered { key, proposal, level: 0 }.encode();
    Entry { index, term, class: Class::Normal, payload }
}

fn message(term: u64, body: Body) -> Message {
    let (store, generation) = Default::default();
    Message { store, generation, from: LEADER, to: ME, term, stamp: 1, lease_ms: 0, passive: false, body }
}

fn append(index: u64, term: u64, count: u64, commit: u64) -> Message {
    let entries = (index + 1..=index + count).map(|index| entry(index, term)).collect();
    let log_term = if index == 0 { 0 } else { 5 };
    message(term, Body::Append { index, log_term, commit, entries })
}

impl<'s> Follower<'s> {
    fn new(store: &'s mut dyn RowStore, crash: Option<(usize, Moment)>) -> Self {
        let now = Now::new(1000, 0);
        let election = start(store, now);
        Self { store, election, now, batches: 0, crash }
    }

    /// What the leader sends to a follower in this state; `None` at the end.
    fn next(&self) -> Option<Message> {
        let log = self.election.log();
        let (last, applied) = (log.last(), log.applied());
        Some(match last {
            _ if last < 6 => append(last, 5, 3, last),
            _ if last < SNAPSHOT => {
                let voters = vec![LEADER, ME, ReplicaId::new(3, 3)];
                let members = Members { voters, ..Members::default() };
                let mut decisions = Decisions::default();
                decisions.restore_number(LEADER, SNAPSHOT);
                decisions.restore_version(1, SNAPSHOT);
                decisions.restore_version(7, 3);
                let snapshot = Snapshot { index: SNAPSHOT, term: 5, members, decisions, attachment: None };
                message(5, Body::Snapshot(Box::new(snapshot)))
            }
            // A tail that another leader replaces by a shorter one.
            SNAPSHOT => append(SNAPSHOT, 5, 7, SNAPSHOT + 4),
            _ if last > LAST => append(LAST - 1, 6, 1, LAST - 1),
            LAST if applied < LAST => message(6, Body::Heartbeat { commit: LAST }),
            _ => return None,
        })
    }

    /// Does what the election asks for, up to the crash.
    fn work(&mut self) {
        let mut effects = Vec::new();
        while let Some(output) = self.election.poll_output() {
            match output {
                Output::Apply(decision) => {
                    let key = decision.index.to_be_bytes();
                    let again = self.store.rows(EFFECTS).iter().any(|(known, _)| *known == key);
                    assert!(!again, "decision {} is applied twice", decision.index);
                    effects.push(Write::put(EFFECTS, key, decision.bytes));
                }
                // Nothing is attached here.
                Output::Install(_) => {}
                Output::Persist(persist) => {
                    let mut writes = std::mem::take(&mut effects);
                    writes.extend(persist.writes);
                    if self.crash.is_some_and(|(batch, _)| batch == self.batches) {
                        return self.lose_power(&writes);
                    }
                    self.store.commit(&writes);
                    self.batches += 1;
                    self.election.handle(self.now, Input::Persisted(persist.id));
                }
                Output::Transmit(_) | Output::Notice(_) => {}
            }
        }
    }

    fn lose_power(&mut self, writes: &[Write]) {
        match self.crash.take() {
            Some((_, Moment::Before)) | None => self.store.crash(),
            Some((_, Moment::Within)) => self.store.commit_and_crash(writes, writes.len() / 2),
            Some((_, Moment::After)) => {
                self.store.commit(writes);
                self.store.crash();
            }
        }
        let term = self.election.term();
        self.election = start(self.store, self.now);
        assert!(self.election.term() <= term, "no term comes from nowhere");
        self.work();
    }
}

/// A copy of the rows from before the snapshot, put in place of the newer ones: the leader knows that more was held.
fn older_copies_are_noticed(make: &mut dyn FnMut() -> Box<dyn RowStore>) {
    let mut store = make();
    let mut follower = Follower::new(store.as_mut(), None);
    follower.work();
    let first = follower.next().expect("a new follower gets entries");
    follower.election.handle(follower.now, Input::Message(first));
    follower.work();
    let held = follower.election.log().last();
    let mut older = make();
    for space in SPACES {
        let rows = follower.store.rows(space);
        older.commit(&rows.into_iter().map(|(key, value)| Write::put(space, key, value)).collect::<Vec<_>>());
    }
    drop(follower);
    live(store.as_mut(), None);
    let mut returned = Follower::new(older.as_mut(), None);
    returned.work();
    returned.election.handle(returned.now, Input::Message(message(6, Body::Heartbeat { commit: LAST })));
    let told = std::iter::from_fn(|| returned.election.poll_output())
        .any(|output| output == Output::Notice(Notice::LogLost { held, known: LAST }));
    assert!(told, "an older copy of the rows is noticed");
}

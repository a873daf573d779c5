//! Whole histories of sets of values and of registers that keep conflicts, beside `crdts::Orswot` and `crdts::MVReg` as whole states:
//! the same member added, removed and added again everywhere, by deltas, by whole states and event by event, lost, doubled and late.

// A test fails by panicking.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use crdts::{CmRDT, CvRDT, Dot, MVReg, Orswot};
use edgepos_core::{Chain, EventId, Jitter, Lane, ReplicaId};
use edgepos_crdt::{Limits, MergeError, MvRegister, OrSet, SetDelta, VersionVector, Wire};
use proptest::prelude::*;

const TERMINALS: usize = 3;
const MEMBERS: u64 = 4;

fn chain(terminal: usize) -> Chain {
    Chain::new(ReplicaId::new(terminal as u16 + 1, 1), Lane::Prices)
}

/// What a peer needs to do the same, event by event.
#[derive(Clone)]
struct Event {
    dot: EventId,
    added: Option<u64>,
    removed: Vec<EventId>,
}

#[derive(Clone)]
struct Terminal {
    set: OrSet<u64>,
    /// Fed event by event, each chain in its order.
    replayed: OrSet<u64>,
    oracle: Orswot<u64, Chain>,
}

struct World {
    jitter: Jitter,
    terminals: Vec<Terminal>,
    network: Vec<(usize, SetDelta<u64>, Orswot<u64, Chain>)>,
    events: Vec<Event>,
    gaps: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let terminal = Terminal { set: OrSet::new(), replayed: OrSet::new(), oracle: Orswot::new() };
        Self {
            jitter: Jitter::new(seed),
            terminals: vec![terminal; TERMINALS],
            network: Vec::new(),
            events: Vec::new(),
            gaps: 0,
        }
    }

    fn below(&mut self, limit: usize) -> usize {
        self.jitter.range(0, limit as u64) as usize
    }

    fn step(&mut self) {
        let at = self.below(TERMINALS);
        match self.below(10) {
            0..=2 => self.add(at),
            3..=4 => self.remove(at),
            5..=6 => self.send(at),
            7..=8 if !self.network.is_empty() => self.deliver(),
            9 => self.terminals[at].set = self.read_back(at),
            _ => {}
        }
        let ours: BTreeSet<u64> = self.terminals[at].set.iter().copied().collect();
        let theirs: BTreeSet<u64> = self.terminals[at].oracle.read().val.into_iter().collect();
        assert_eq!(ours, theirs, "terminal {at}");
        assert_eq!(self.terminals[at].set, self.read_back(at));
    }

    fn read_back(&self, at: usize) -> OrSet<u64> {
        OrSet::from_bytes(&self.terminals[at].set.to_bytes(), &Limits::default()).unwrap()
    }

    fn dot(&self, at: usize) -> EventId {
        EventId::new(chain(at), self.terminals[at].set.vector().get(chain(at)).next())
    }

    fn add(&mut self, at: usize) {
        let member = self.jitter.range(0, MEMBERS);
        let dot = self.dot(at);
        let terminal = &mut self.terminals[at];
        let removed = terminal.set.adds_of(&member).collect();
        terminal.set.add(dot, member).unwrap();
        let members = vec![member];
        terminal.oracle.apply(crdts::orswot::Op::Add { dot: Dot::new(dot.chain, dot.seq.0), members });
        self.events.push(Event { dot, added: Some(member), removed });
    }

    fn remove(&mut self, at: usize) {
        let member = self.jitter.range(0, MEMBERS);
        let dot = self.dot(at);
        let terminal = &mut self.terminals[at];
        let removed: Vec<EventId> = terminal.set.adds_of(&member).collect();
        assert_eq!(terminal.set.remove(dot, &member).unwrap(), !removed.is_empty());
        let context = terminal.oracle.contains(&member).derive_rm_ctx();
        let op = terminal.oracle.rm(member, context);
        terminal.oracle.apply(op);
        // The removal has an event of its own here; there the clock is raised by an add of nothing.
        let seen = Dot::new(dot.chain, dot.seq.0);
        terminal.oracle.apply(crdts::orswot::Op::Add { dot: seen, members: Vec::new() });
        self.events.push(Event { dot, added: None, removed });
    }

    fn send(&mut self, at: usize) {
        let to = (at + 1 + self.below(TERMINALS - 1)) % TERMINALS;
        let acknowledged = match self.below(3) {
            0 => VersionVector::new(),
            // What somebody else has: a delta from there mostly starts behind a gap.
            1 => self.terminals[at].set.vector().clone(),
            _ => self.terminals[to].set.vector().clone(),
        };
        let delta = self.terminals[at].set.delta_since(&acknowledged);
        self.network.push((to, delta, self.terminals[at].oracle.clone()));
    }

    fn deliver(&mut self) {
        let number = self.below(self.network.len());
        let (to, delta, oracle) = self.network[number].clone();
        if self.below(3) != 0 {
            self.network.swap_remove(number);
        }
        let terminal = &mut self.terminals[to];
        let before = terminal.set.clone();
        match terminal.set.merge(&delta) {
            Ok(_) => terminal.oracle.merge(oracle),
            Err(MergeError::Gap { .. }) => {
                assert_eq!(terminal.set, before);
                self.gaps += 1;
            }
            Err(other) => panic!("an honest delta is refused: {other}"),
        }
    }

    /// Each terminal applies all events, chain by chain, in an order of chains of its own.
    fn replay(&mut self) {
        for at in 0..TERMINALS {
            for turn in 0..TERMINALS {
                let writer = chain((at + turn) % TERMINALS);
                for event in self.events.iter().filter(|event| event.dot.chain == writer) {
                    let set = &mut self.terminals[at].replayed;
                    if event.added.is_some() || !event.removed.is_empty() {
                        set.apply(event.dot, event.added, event.removed.clone()).unwrap();
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_set_of_values_equals_the_oracle(seed: u64) {
        let mut world = World::new(seed);
        for _ in 0..150 {
            world.step();
        }
        world.replay();
        let mut joined = OrSet::new();
        for terminal in &world.terminals {
            joined.join(&terminal.set).unwrap();
        }
        let adds = |set: &OrSet<u64>| set.adds().map(|(id, member)| (id, *member)).collect::<Vec<_>>();
        for terminal in &world.terminals {
            prop_assert_eq!(adds(&terminal.replayed), adds(&joined), "event by event it is the same");
            prop_assert_eq!(terminal.replayed.iter().collect::<Vec<_>>(), joined.iter().collect::<Vec<_>>());
        }
    }

    /// Registers that keep conflicts, merged as whole states at random.
    #[test]
    fn every_register_equals_the_oracle(seed: u64) {
        let mut jitter = Jitter::new(seed);
        let mut ours = vec![MvRegister::<u64>::new(); TERMINALS];
        let mut theirs = vec![MVReg::<u64, Chain>::new(); TERMINALS];
        for value in 0..80 {
            let (at, from) = (jitter.range(0, 3) as usize, jitter.range(0, 3) as usize);
            if jitter.range(0, 2) == 0 {
                let dot = EventId::new(chain(at), ours[at].vector().get(chain(at)).next());
                ours[at].set(dot, value).unwrap();
                let context = theirs[at].read_ctx().derive_add_ctx(chain(at));
                let op = theirs[at].write(value, context);
                theirs[at].apply(op);
            } else {
                let other = ours[from].clone();
                if jitter.range(0, 2) == 0 {
                    ours[at].join(&other).unwrap();
                } else {
                    let delta = other.delta_since(ours[at].vector());
                    ours[at].merge(&delta).unwrap();
                }
                let other = theirs[from].clone();
                theirs[at].merge(other);
            }
            let shown: BTreeSet<u64> = ours[at].values().copied().collect();
            prop_assert_eq!(shown, theirs[at].read().val.into_iter().collect::<BTreeSet<_>>());
        }
    }
}

#[test]
fn gaps_and_conflicts_do_occur_in_these_histories() {
    let (mut gaps, mut conflicts) = (0, 0);
    for seed in 0..20 {
        let mut world = World::new(seed);
        (0..150).for_each(|_| world.step());
        gaps += world.gaps;
        let set = &world.terminals[0].set;
        conflicts += set.iter().filter(|member| set.adds_of(member).count() > 1).count();
    }
    assert!(
        gaps > 0 && conflicts > 0,
        "{gaps} gaps, {conflicts} members that were added without seeing each other"
    );
}

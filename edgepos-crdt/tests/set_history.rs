//! Whole histories of sets, compared with `crdts::Orswot` (whole-state merges, one member for each dot): loss, duplication, reordering,
//! and removals that are forgotten at random as soon as every member has them.

// A test fails by panicking.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use crdts::{CmRDT, CvRDT, Dot, Orswot};
use edgepos_core::{Chain, EventId, Jitter, Lane, ReplicaId};
use edgepos_crdt::{MergeError, SetDelta, Stability, TxSet, VersionVector, Wire};
use proptest::prelude::*;

const TERMINALS: usize = 4;

#[derive(Clone)]
struct Terminal {
    set: TxSet<u64>,
    oracle: Orswot<u64, Chain>,
}

struct World {
    jitter: Jitter,
    terminals: Vec<Terminal>,
    members: Stability,
    network: Vec<(usize, SetDelta<u64>, Orswot<u64, Chain>)>,
    next: u64,
    forgotten: usize,
}

fn chain(terminal: usize) -> Chain {
    Chain::new(ReplicaId::new(terminal as u16 + 1, 1), Lane::Transactions)
}

impl World {
    fn new(seed: u64) -> Self {
        let terminal = Terminal { set: TxSet::new(), oracle: Orswot::new() };
        Self {
            jitter: Jitter::new(seed),
            terminals: vec![terminal; TERMINALS],
            members: Stability::new((0..TERMINALS).map(|n| chain(n).replica)),
            network: Vec::new(),
            next: 0,
            forgotten: 0,
        }
    }

    fn below(&mut self, limit: usize) -> usize {
        self.jitter.range(0, limit as u64) as usize
    }

    fn step(&mut self) {
        let at = self.below(TERMINALS);
        match self.below(10) {
            0..=2 => self.add(at),
            3 => self.remove(at),
            4..=5 => self.send(at),
            6..=7 if !self.network.is_empty() => self.deliver(),
            8 => self.members.acknowledge(chain(at).replica, self.terminals[at].set.vector()),
            9 => {
                let before = self.terminals[at].set.removals();
                self.terminals[at].set.prune(&self.members.stable());
                self.forgotten += before - self.terminals[at].set.removals();
            }
            _ => {}
        }
        let ours: BTreeSet<u64> = self.terminals[at].set.iter().map(|(_, element)| *element).collect();
        let theirs: BTreeSet<u64> = self.terminals[at].oracle.read().val.into_iter().collect();
        assert_eq!(ours, theirs, "terminal {at}");
    }

    fn dot(&self, at: usize) -> EventId {
        EventId::new(chain(at), self.terminals[at].set.vector().get(chain(at)).next())
    }

    fn add(&mut self, at: usize) {
        self.next += 1;
        let dot = self.dot(at);
        let terminal = &mut self.terminals[at];
        terminal.set.add(dot, self.next).unwrap();
        let members = vec![self.next];
        terminal.oracle.apply(crdts::orswot::Op::Add { dot: Dot::new(dot.chain, dot.seq.0), members });
    }

    fn remove(&mut self, at: usize) {
        let held: Vec<(EventId, u64)> = self.terminals[at].set.iter().map(|(id, e)| (id, *e)).collect();
        if held.is_empty() {
            return;
        }
        let (id, member) = held[self.below(held.len())];
        let dot = self.dot(at);
        let terminal = &mut self.terminals[at];
        terminal.set.remove(dot, [id]).unwrap();
        let context = terminal.oracle.contains(&member).derive_rm_ctx();
        let op = terminal.oracle.rm(member, context);
        terminal.oracle.apply(op);
        // The removal has an event of its own here; there the clock is raised by an add of nothing.
        let seen = Dot::new(dot.chain, dot.seq.0);
        terminal.oracle.apply(crdts::orswot::Op::Add { dot: seen, members: Vec::new() });
    }

    fn send(&mut self, at: usize) {
        let to = (at + 1 + self.below(TERMINALS - 1)) % TERMINALS;
        let acknowledged = match self.below(3) {
            0 => VersionVector::new(),
            1 => self.members.stable(),
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
            Ok(_) => {
                terminal.oracle.merge(oracle);
                assert_eq!(terminal.set.merge(&delta), Ok(false), "idempotent");
            }
            Err(MergeError::Gap { .. }) => assert_eq!(terminal.set, before),
            Err(other) => panic!("an honest delta is refused: {other}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_set_equals_the_oracle(seed: u64) {
        let mut world = World::new(seed);
        for _ in 0..250 {
            world.step();
        }
        let mut forward = TxSet::new();
        let mut backward = TxSet::new();
        for terminal in &world.terminals {
            forward.join(&terminal.set).unwrap();
        }
        for terminal in world.terminals.iter().rev() {
            backward.join(&terminal.set).unwrap();
        }
        let elements = |set: &TxSet<u64>| set.iter().map(|(id, element)| (id, *element)).collect::<Vec<_>>();
        prop_assert_eq!(elements(&forward), elements(&backward));
        let all = forward.vector().clone();
        forward.prune(&all);
        backward.prune(&all);
        prop_assert_eq!(elements(&forward), elements(&backward), "forgetting removals changes no member");
    }
}

#[test]
fn removals_are_forgotten_in_these_histories() {
    let mut world = World::new(3);
    (0..4_000).for_each(|_| world.step());
    assert!(world.forgotten > 50, "{}", world.forgotten);
    let bytes = world.terminals[0].set.to_bytes();
    assert_eq!(
        TxSet::from_bytes(&bytes, &edgepos_crdt::Limits::default()),
        Ok(world.terminals[0].set.clone())
    );
}

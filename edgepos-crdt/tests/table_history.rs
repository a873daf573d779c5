//! Whole histories of stock tables: every frame may be lost, doubled and late, disks crash, are restored and are cloned. Each table is
//! compared with the sum of the events that it covers, with a replay of operations, and with `crdts::PNCounter`.

// A test fails by panicking.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use crdts::{CmRDT, CvRDT, PNCounter};
use edgepos_core::{Chain, EventId, Jitter, Lane, ReplicaId, Seq};
use edgepos_crdt::{Item, MergeError, PnDelta, PnTable, VersionVector, Wire};
use proptest::prelude::*;

const TERMINALS: usize = 4;
const ITEMS: u64 = 5;

#[derive(Clone)]
struct Terminal {
    chain: Chain,
    table: PnTable,
    /// The oracle: one `crdts` counter for each item, merged as whole states.
    oracle: BTreeMap<u64, PNCounter<Chain>>,
}

struct World {
    jitter: Jitter,
    memory: Vec<Terminal>,
    disk: Vec<Terminal>,
    image: Vec<Option<Terminal>>,
    reports: Vec<Vec<VersionVector>>,
    network: Vec<(usize, PnDelta, BTreeMap<u64, PNCounter<Chain>>)>,
    truth: BTreeMap<Chain, Vec<(u64, i64)>>,
    incarnation: u64,
    gaps: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let terminal = |n: usize| Terminal {
            chain: Chain::new(ReplicaId::new(n as u16 + 1, 1), Lane::Transactions),
            table: PnTable::new(),
            oracle: BTreeMap::new(),
        };
        let all: Vec<Terminal> = (0..TERMINALS).map(terminal).collect();
        Self {
            jitter: Jitter::new(seed),
            disk: all.clone(),
            memory: all,
            image: vec![None; TERMINALS],
            reports: vec![vec![VersionVector::new()]; TERMINALS],
            network: Vec::new(),
            truth: BTreeMap::new(),
            incarnation: 1,
            gaps: 0,
        }
    }

    fn below(&mut self, limit: usize) -> usize {
        self.jitter.range(0, limit as u64) as usize
    }

    fn step(&mut self) {
        let at = self.below(TERMINALS);
        match self.below(12) {
            0..=4 => self.sell(at),
            5..=6 => self.send(at),
            7..=8 if !self.network.is_empty() => self.deliver(),
            9 => {
                // Power fails before the disk write: what was not written was not sent, and its numbers are free.
                let chain = self.memory[at].chain;
                self.memory[at] = self.disk[at].clone();
                let written = self.disk[at].table.vector().get(chain).0 as usize;
                self.truth.entry(chain).or_default().truncate(written);
            }
            10 if self.below(4) == 0 => self.image[at] = Some(self.disk[at].clone()),
            11 if self.below(4) == 0 => self.restore(at),
            _ => {}
        }
        self.check(at);
    }

    fn sell(&mut self, at: usize) {
        let item = self.jitter.range(0, ITEMS) * 1_000_003;
        let amount = self.below(11) as i64 - 6;
        let terminal = &mut self.memory[at];
        let seq = terminal.table.vector().get(terminal.chain).next();
        let before = terminal.table.to_bytes();
        terminal.table.apply(EventId::new(terminal.chain, seq), Item(item), amount).unwrap();
        assert_ne!(terminal.table.to_bytes(), before, "an event inflates");
        let counter = terminal.oracle.entry(item).or_default();
        let op = if amount >= 0 {
            counter.inc_many(terminal.chain, amount as u64)
        } else {
            counter.dec_many(terminal.chain, amount.unsigned_abs())
        };
        counter.apply(op);
        self.truth.entry(terminal.chain).or_default().push((item, amount));
        if self.below(3) == 0 {
            self.disk[at] = self.memory[at].clone();
        }
    }

    fn send(&mut self, at: usize) {
        self.disk[at] = self.memory[at].clone();
        let to = (at + 1 + self.below(TERMINALS - 1)) % TERMINALS;
        let report = self.below(self.reports[to].len());
        let delta = self.memory[at].table.delta_since(&self.reports[to][report]);
        self.network.push((to, delta, self.memory[at].oracle.clone()));
    }

    /// Any delta that is still under way, in any order, again and again.
    fn deliver(&mut self) {
        let number = self.below(self.network.len());
        let (to, delta, oracle) = self.network[number].clone();
        if self.below(3) != 0 {
            self.network.swap_remove(number);
        }
        let terminal = &mut self.memory[to];
        let before = terminal.clone();
        match terminal.table.merge(&delta) {
            Ok(_) => {
                for (item, counter) in oracle {
                    terminal.oracle.entry(item).or_default().merge(counter);
                }
                assert_eq!(terminal.table.merge(&delta), Ok(false), "idempotent");
                assert!(terminal.table.vector().dominates(before.table.vector()), "inflationary");
                self.disk[to] = self.memory[to].clone();
                let report = self.disk[to].table.vector().clone();
                self.reports[to].push(report);
            }
            Err(MergeError::Gap { .. }) => {
                assert_eq!(terminal.table, before.table, "a refusal changes nothing");
                self.gaps += 1;
            }
            Err(other) => panic!("an honest delta is refused: {other}"),
        }
    }

    /// An old image of a disk, this one's or another's: a new incarnation goes on from it.
    fn restore(&mut self, at: usize) {
        let of = self.below(TERMINALS);
        let Some(mut image) = self.image[of].clone() else { return };
        self.incarnation += 1;
        image.chain = Chain::new(ReplicaId::new(at as u16 + 1, self.incarnation), Lane::Transactions);
        self.memory[at] = image.clone();
        self.disk[at] = image;
    }

    fn check(&self, at: usize) {
        let terminal = &self.memory[at];
        let mut sums: BTreeMap<u64, i64> = BTreeMap::new();
        for (chain, last) in terminal.table.vector().iter() {
            let events = &self.truth[&chain];
            assert!(last <= Seq(events.len() as u64));
            for (item, amount) in &events[..last.0 as usize] {
                *sums.entry(*item).or_default() += amount;
            }
        }
        for item in (0..ITEMS).map(|item| item * 1_000_003) {
            let truth = sums.get(&item).copied().unwrap_or(0);
            assert_eq!(terminal.table.value(Item(item)), Ok(truth));
            let oracle = terminal.oracle.get(&item).map_or(0.into(), PNCounter::read);
            assert_eq!(oracle, truth.into(), "crdts says otherwise");
        }
    }

    /// Everybody merges everybody, by deltas and by whole tables: one value, one form of bytes.
    fn heal(&self) {
        let everybody = || self.memory.iter().map(|terminal| &terminal.table);
        let mut forward = PnTable::new();
        let mut backward = PnTable::new();
        let mut by_delta = PnTable::new();
        for table in everybody() {
            forward.join(table).unwrap();
        }
        for table in everybody().rev() {
            backward.join(table).unwrap();
        }
        for table in everybody() {
            let delta = table.delta_since(by_delta.vector());
            by_delta.merge(&delta).unwrap();
        }
        assert_eq!(forward, backward);
        assert_eq!(forward.to_bytes(), backward.to_bytes());
        assert_eq!(forward.to_bytes(), by_delta.to_bytes(), "delta and full merge agree");
        assert_eq!(forward.content_hash(), by_delta.content_hash());

        // A replay of the operations, chain by chain, is the same table.
        let mut replayed = PnTable::new();
        for (chain, last) in forward.vector().iter() {
            for (seq, (item, amount)) in (1..=last.0).zip(&self.truth[&chain]) {
                replayed.apply(EventId::new(chain, Seq(seq)), Item(*item), *amount).unwrap();
            }
        }
        assert_eq!(replayed.to_bytes(), forward.to_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_table_equals_its_events(seed: u64) {
        let mut world = World::new(seed);
        for _ in 0..250 {
            world.step();
        }
        world.heal();
    }

    #[test]
    fn joins_commute_associate_and_repeat(seed: u64) {
        let mut world = World::new(seed);
        for _ in 0..80 {
            world.step();
        }
        let [a, b, c] = [0, 1, 2].map(|n: usize| world.memory[n].table.clone());
        let join = |x: &PnTable, y: &PnTable| {
            let mut joined = x.clone();
            joined.join(y).unwrap();
            joined
        };
        prop_assert_eq!(join(&a, &b), join(&b, &a));
        prop_assert_eq!(join(&join(&a, &b), &c), join(&a, &join(&b, &c)));
        prop_assert_eq!(join(&a, &a), a.clone());
        // A delta of a delta: what b learned from a serves c as a's own delta would.
        let mut relayed = c.clone();
        let ab = join(&b, &a);
        relayed.merge(&ab.delta_since(c.vector())).unwrap();
        prop_assert_eq!(relayed, join(&join(&c, &a), &b));
    }
}

#[test]
fn gaps_do_occur_in_these_histories() {
    let gaps: usize = (0..20)
        .map(|seed| {
            let mut world = World::new(seed);
            (0..250).for_each(|_| world.step());
            world.gaps
        })
        .sum();
    assert!(gaps > 0);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let run = |seed| {
        let mut world = World::new(seed);
        (0..250).for_each(|_| world.step());
        world.memory.iter().flat_map(|terminal| terminal.table.to_bytes()).collect::<Vec<u8>>()
    };
    assert_eq!(run(5), run(5));
}

#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::{Notice, Proposal, ProposalKey};
use edgepos_core::Now;

use crate::support::World;

const PRICES: u16 = 9;

/// Proposes an edit that builds on what the terminal has seen.
fn edit(world: &mut World, node: usize, bytes: &[u8]) -> ProposalKey {
    let election = world.nodes[node].election.as_mut().unwrap();
    let base = Some(election.version(PRICES));
    let now = Now::new(world.now, 0);
    let proposal = Proposal { kind: PRICES, subject: Vec::new(), base, bytes: bytes.to_vec() };
    let key = election.propose(now, proposal).unwrap();
    world.flush(node);
    key
}

fn refused(world: &World, node: usize, key: ProposalKey) -> bool {
    let refused = |notice: &Notice| matches!(notice, Notice::ProposalRefused { key: of, .. } if *of == key);
    world.nodes[node].saw(refused).is_some()
}

fn version(world: &World, node: usize) -> u64 {
    world.nodes[node].election.as_ref().unwrap().version(PRICES)
}

/// E5: a terminal that was cut off edits what the others edited as well. Its edit waits, and when it is back the store refuses it,
/// on every terminal alike; the next one, which builds on what holds, is taken.
#[test]
fn an_edit_of_what_has_changed_is_refused_everywhere() {
    for seed in 0..20 {
        let mut world = World::new(seed, 3);
        let leader = world.elect();
        let (away, other) = ((leader + 1) % 3, (leader + 2) % 3);
        let first = edit(&mut world, leader, b"1.00");
        world.run_for(500);
        world.isolate(away);
        let stale = edit(&mut world, away, b"1.10, by who was away");
        world.run_for(3000);
        assert_eq!(world.nodes[away].applied.len(), 1, "it waits");
        let taken = edit(&mut world, other, b"1.20");
        world.run_for(1000);
        world.heal();
        world.run_for(3000);
        let current = version(&world, leader);
        for node in 0..3 {
            assert!(refused(&world, node, stale) && !refused(&world, node, taken), "seed {seed} node {node}");
            assert_eq!(version(&world, node), current);
            let applied: Vec<_> = world.nodes[node].applied.iter().map(|decision| decision.key).collect();
            assert_eq!(applied, [first, taken]);
        }
        let anew = edit(&mut world, away, b"1.10, knowing of 1.20");
        world.run_for(1000);
        assert!((0..3).all(|node| world.nodes[node].applied[2].key == anew), "seed {seed}");
        // What is refused stays so: a restart replays nothing.
        (0..3).for_each(|node| world.crash(node));
        (0..3).for_each(|node| world.boot(node));
        world.elect();
        world.run_for(1000);
        assert!((0..3).all(|node| world.nodes[node].applied.len() == 3 && version(&world, node) > current));
    }
}

/// A terminal that gets a snapshot instead of the log judges the next edit as the others do.
#[test]
fn a_snapshot_carries_the_versions() {
    let mut world = World::with(4, 3, |config| config.max_log_entries = 16);
    let leader = world.elect();
    let away = (leader + 1) % 3;
    world.run_for(300);
    world.crash(away);
    for _ in 0..40 {
        edit(&mut world, leader, b"again");
        world.run_for(100);
    }
    world.boot(away);
    world.run_for(2000);
    assert!(world.nodes[away].saw(|notice| matches!(notice, Notice::SnapshotInstalled { .. })).is_some());
    assert_eq!(version(&world, away), version(&world, leader));
    world.crash(away);
    world.boot(away);
    world.run_for(2000);
    assert_eq!(version(&world, away), version(&world, leader), "and its disk keeps them");
    let key = edit(&mut world, away, b"knowing all");
    world.run_for(1000);
    assert!((0..3).all(|node| world.nodes[node].applied.last().unwrap().key == key));
}

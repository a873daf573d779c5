#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::{Election, StartError};
use edgepos_core::{Now, Space};

use crate::support::{World, replica};

fn waiting(world: &World, node: usize) -> usize {
    world.nodes[node].election.as_ref().unwrap().pending_proposals()
}

/// E6: what was written down goes on after a restart under its number, also where the store has not heard of it, and the next one
/// gets the next number.
#[test]
fn a_proposal_outlives_a_restart() {
    for seed in 0..10 {
        let mut world = World::new(seed, 3);
        let leader = world.elect();
        let away = (leader + 1) % 3;
        world.run_for(500);
        world.isolate(away);
        let first = world.propose(away, b"first");
        let second = world.propose(away, b"second");
        world.run_for(10);
        world.crash(away);
        world.boot(away);
        assert_eq!(waiting(&world, away), 2, "seed {seed}");
        let third = world.propose(away, b"third");
        assert_eq!([first.number, second.number, third.number], [1, 2, 3]);
        world.run_for(1000);
        world.heal();
        world.run_for(3000);
        for node in &world.nodes {
            let applied: Vec<_> =
                node.applied.iter().map(|decision| (decision.key, decision.bytes.clone())).collect();
            let all = [(first, &b"first"[..]), (second, b"second"), (third, b"third")];
            assert_eq!(applied, all.map(|(key, bytes)| (key, bytes.to_vec())), "seed {seed}");
        }
        assert_eq!(waiting(&world, away), 0);
        world.run_for(100);
        let rows = world.nodes[away].disk.keys().filter(|(_, key)| key.starts_with(b"proposal/"));
        assert_eq!(rows.count(), 0, "what is decided leaves no row");
    }
}

/// E6: a terminal loses power at any moment around a proposal, on the leader and on a follower, and proposes something else after
/// it. No number ever means two things: the others have heard of none that the disk does not hold.
#[test]
fn no_number_means_two_things() {
    let (mut lost, mut kept) = (0, 0);
    for moment in 0..40 {
        for leads in [true, false] {
            let mut world = World::new(moment, 3);
            let leader = world.elect();
            world.run_for(500);
            let node = if leads { leader } else { (leader + 1) % 3 };
            world.nodes[node].disk_ms = 9;
            let before = world.propose(node, b"before");
            world.run_for(moment);
            world.crash(node);
            world.run_for(moment % 7);
            world.boot(node);
            let after = world.propose(node, b"after");
            world.run_for(4000);
            // The world checks that no two terminals apply different bytes under one number.
            let applied: Vec<_> =
                world.nodes[node].applied.iter().map(|decision| decision.bytes.as_slice()).collect();
            let all: &[&[u8]] = if after.number == 1 { &[b"after"] } else { &[b"before", b"after"] };
            assert_eq!(applied, all, "moment {moment}");
            *(if after.number == 1 { &mut lost } else { &mut kept }) += 1;
            assert_eq!(before.number, 1);
            assert!((0..3).all(|other| world.nodes[other].applied == world.nodes[node].applied));
        }
    }
    assert!(lost > 5 && kept > 5, "the power fails before and after the write: {lost} and {kept}");
}

/// Rows of proposals that do not follow each other are an error, and a number without a successor is no panic.
#[test]
fn rows_with_a_gap_are_an_error() {
    let mut world = World::new(1, 3);
    world.isolate(0);
    world.propose(0, b"first");
    world.propose(0, b"second");
    world.run_for(100);
    world.crash(0);
    let start = |world: &World| {
        let node = &world.nodes[0];
        Election::new(Now::new(world.now, 0), node.config.clone(), node.restored())
    };
    assert_eq!(start(&world).unwrap().pending_proposals(), 2);
    let first = (Space::Election, [&b"proposal/"[..], &1_u64.to_be_bytes()].concat());
    let row = world.nodes[0].disk.remove(&first).unwrap();
    assert!(matches!(start(&world), Err(StartError::Inconsistent { .. })));
    world.nodes[0].disk.insert(first, row);
    let decided = (Space::Election, [&b"decided/"[..], &replica(0).0.to_be_bytes()].concat());
    let all = [&[0xA1, 0x00, 0x1B][..], &[0xFF; 8]].concat();
    world.nodes[0].disk.insert(decided, all);
    assert_eq!(start(&world).unwrap().pending_proposals(), 0, "all are decided");
}

//! A terminal is gone for good, and another box takes its number.

#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::{Config, Held};
use edgepos_core::{Now, ReplicaId};

use crate::support::{World, replica, replicas};

/// Another incarnation of the terminal at `place`.
fn successor(place: usize) -> ReplicaId {
    ReplicaId::new(replica(place).terminal(), 0x5EC0)
}

/// A box of the number of `place` in a store of `count`, which knows the others from its file.
fn newcomer(world: &mut World, count: usize, place: usize) -> usize {
    let config = Config { joins: true, ..Config::standard(successor(place), replicas(count), 9) };
    let node = world.add(config);
    world.boot(node);
    node
}

fn voters(world: &World, node: usize) -> Vec<ReplicaId> {
    world.nodes[node].election.as_ref().unwrap().voters().to_vec()
}

fn admit(world: &mut World, replica: ReplicaId) {
    let leader = world.elect();
    let now = Now::new(world.now, 0);
    world.nodes[leader].election.as_mut().unwrap().admit(now, replica).unwrap();
    world.flush(leader);
}

/// The members of every moment: no step may leave the store with less tolerance than it had.
fn tolerance(world: &World, live: &[usize]) -> i64 {
    let leader = world.leader().unwrap_or(live[0]);
    let voters = voters(world, leader);
    let heard = live.iter().filter(|node| voters.contains(&world.nodes[**node].config.me)).count();
    heard as i64 - (voters.len() / 2 + 1) as i64
}

/// Three terminals, one dead and replaced, then one more off: the store goes on, as it did with one off before.
#[test]
fn a_store_of_three_survives_the_next_failure_after_a_replacement() {
    for seed in 0..20 {
        let mut world = World::new(seed, 3);
        world.sees_disconnects = seed % 2 == 0;
        let dead = (world.elect() + 1 + (seed % 2) as usize) % 3;
        world.run_for(500);
        world.crash(dead);
        let new = newcomer(&mut world, 3, dead);
        world.run_for(1_000);
        admit(&mut world, successor(dead));
        let live: Vec<_> = (0..4).filter(|node| *node != dead).collect();
        let mut left = 15_000;
        while voters(&world, new).len() != 3 || !voters(&world, new).contains(&successor(dead)) {
            world.run_for(10);
            left -= 10;
            assert!(left > 0, "the newcomer does not vote: {}", world.summary());
            assert!(tolerance(&world, &live) >= 0, "{}", world.summary());
        }
        world.run_for(500);
        assert!(live.iter().all(|node| !voters(&world, *node).contains(&replica(dead))));
        let off = live[(seed / 2) as usize % 3];
        world.crash(off);
        world.run_for(5_000);
        let leader = world.leader().expect("two of three are a majority");
        assert!(world.nodes[leader].election.as_ref().unwrap().entitled(), "{}", world.summary());
    }
}

/// A newcomer that nobody has admitted knows who leads, so that its events go there.
#[test]
fn a_newcomer_hears_who_leads() {
    for count in [1, 3] {
        let mut world = World::new(4, count);
        let leader = world.elect();
        world.run_for(500);
        let place = (leader + 1) % count;
        if count > 1 {
            world.crash(place);
        }
        let new = newcomer(&mut world, count, place);
        world.run_for(1_500);
        let known = world.nodes[new].election.as_ref().unwrap().leader();
        assert_eq!(known.map(|known| known.replica), Some(replica(leader)), "{}", world.summary());
        assert_eq!(voters(&world, leader).len(), count, "it was not admitted");
        world.crash(leader);
        world.run_for(2_000);
        let known = world.nodes[new].election.as_ref().unwrap().leader();
        assert!(known.is_none_or(|known| known.replica != replica(leader)), "a leader that is gone");
    }
}

/// The one that was thought dead is heard: nothing is taken from it, and the leader says so. An operator's word goes beyond.
#[test]
fn one_that_is_heard_is_replaced_by_an_operators_word_alone() {
    for seed in 0..10 {
        let mut world = World::new(seed, 3);
        let leader = world.elect();
        world.run_for(500);
        // The leader itself in some runs.
        let place = (leader + (seed % 3) as usize) % 3;
        let new = newcomer(&mut world, 3, place);
        world.run_for(500);
        admit(&mut world, successor(place));
        world.run_for(15_000);
        let leader = world.leader().unwrap();
        assert_eq!(voters(&world, leader), replicas(3));
        let held = [Held { newcomer: successor(place), incumbent: replica(place) }];
        assert_eq!(world.nodes[leader].election.as_ref().unwrap().held(), held);
        for node in world.nodes.iter_mut() {
            node.election.as_mut().unwrap().replace([replica(place)]);
        }
        let mut left = 10_000;
        while voters(&world, new).contains(&replica(place)) || voters(&world, new).len() != 3 {
            world.run_for(10);
            left -= 10;
            assert!(left > 0, "it is not replaced: {}", world.summary());
            assert!(tolerance(&world, &[0, 1, 2, 3]) >= 1, "{}", world.summary());
        }
        world.crash(place);
        world.run_for(3_000);
        let leader = world.leader().expect("three voters, and all of them on");
        assert!(world.nodes[leader].election.as_ref().unwrap().held().is_empty());
    }
}

/// Two voters, one of them dead: the one left decides nothing, and admits nobody.
#[test]
fn one_of_two_admits_nobody() {
    let mut world = World::new(3, 2);
    let leader = world.elect();
    world.run_for(500);
    world.crash(1 - leader);
    newcomer(&mut world, 2, 1 - leader);
    world.run_for(10_000);
    let now = Now::new(world.now, 0);
    let election = world.nodes[leader].election.as_mut().unwrap();
    assert!(election.admit(now, successor(1 - leader)).is_err());
    assert_eq!(voters(&world, leader), replicas(2));
}

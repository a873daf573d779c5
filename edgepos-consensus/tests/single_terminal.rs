#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::{Health, NotLeader};
use edgepos_core::Now;

use crate::support::World;

/// A store of one elects itself within one election timeout, and decides alone.
#[test]
fn a_store_of_one_works_at_once() {
    let mut world = World::new(1, 1);
    let took = world.run_until(600, |world| world.leader() == Some(0));
    assert!(took <= 520, "{took}");
    world.propose(0, b"alone");
    world.run_for(10);
    assert_eq!(world.nodes[0].applied.len(), 1);
    world.run_for(60_000);
    assert_eq!(world.health(0), Health::Normal);
    assert_eq!(world.elections.len(), 1);
}

/// It leads again after each restart, in a higher term, and is never announced before its term is durable.
#[test]
fn a_lone_leader_is_not_announced_before_its_term_is_durable() {
    let mut world = World::new(2, 1);
    world.nodes[0].disk_ms = 50;
    let mut last = 0;
    for _ in 0..10 {
        world.run_until(2000, |world| world.leader() == Some(0));
        let term = world.nodes[0].election.as_ref().unwrap().leader().unwrap().term.0;
        assert!(term > last);
        last = term;
        world.crash(0);
        let stored = world.nodes[0].restored();
        let now = Now::new(world.now, 0);
        let config = world.nodes[0].config.clone();
        let restarted = edgepos_consensus::Election::new(now, config, stored).unwrap();
        assert_eq!(restarted.term().0, term, "the announced term is on the disk");
        world.boot(0);
    }
}

/// There is nobody to hand over to: stepping down changes nothing.
#[test]
fn stepping_down_alone_is_no_error() {
    let mut world = World::new(3, 1);
    let election = world.nodes[0].election.as_mut().unwrap();
    assert_eq!(election.step_down(Now::new(1000, 0)), Err(NotLeader));
    world.elect();
    world.step_down(0);
    world.run_for(100);
    assert_eq!(world.leader(), Some(0));
}

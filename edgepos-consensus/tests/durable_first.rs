#![allow(clippy::unwrap_used, reason = "a test")]

use crate::support::World;

fn sent(world: &World, node: usize, what: &str) -> usize {
    let from = format!(" {node} -> ");
    let lines = world.trace.as_ref().unwrap().iter();
    lines.filter(|line| line.contains(&from) && line.contains(what)).count()
}

/// E3: a follower whose disk hangs acknowledges no entry, and the leader alone decides nothing.
#[test]
fn no_entry_is_acknowledged_before_it_is_durable() {
    let mut world = World::new(1, 3);
    let leader = world.elect();
    let (hanging, off) = ((leader + 1) % 3, (leader + 2) % 3);
    world.run_for(1000);
    world.crash(off);
    world.nodes[hanging].disk_ms = 1_000_000;
    world.trace = Some(Vec::new());
    world.propose(leader, b"not decided");
    world.run_for(1500);
    assert_eq!(sent(&world, hanging, "AppendReply"), 0);
    assert!(sent(&world, hanging, "HeartbeatReply") > 5, "which depends on nothing unwritten");
    assert!(world.nodes.iter().all(|node| node.applied.is_empty()));
}

/// E3: no vote is given, none is asked for, and no word is said in a new term before the term and the vote are durable.
#[test]
fn no_vote_leaves_before_it_is_durable() {
    let mut world = World::new(2, 3);
    let leader = world.elect();
    let (hanging, other) = ((leader + 1) % 3, (leader + 2) % 3);
    world.run_for(1000);
    world.nodes[hanging].disk_ms = 1_000_000;
    world.crash(leader);
    world.trace = Some(Vec::new());
    world.run_for(5000);
    let votes = sent(&world, hanging, "VoteReply { pre: false, reject: false");
    assert_eq!((votes, sent(&world, hanging, "Vote { pre: false")), (0, 0));
    assert_eq!(world.leader(), None, "the vote of {other} alone is no majority");
}

/// A heartbeat of a new term is not answered before the term is durable: this terminal could forget it and follow an older one.
#[test]
fn no_heartbeat_of_a_new_term_is_answered_before_it_is_durable() {
    let mut world = World::new(3, 3);
    let leader = world.elect();
    let late = (leader + 1) % 3;
    world.run_for(1000);
    world.isolate(late);
    world.step_down(leader);
    world.run_for(1000);
    assert!(world.leader().is_some_and(|new| new != leader));
    world.nodes[late].disk_ms = 700;
    world.trace = Some(Vec::new());
    world.heal();
    world.run_for(600);
    assert_eq!(sent(&world, late, "HeartbeatReply"), 0);
    world.run_for(1000);
    assert!(sent(&world, late, "HeartbeatReply") > 1);
}

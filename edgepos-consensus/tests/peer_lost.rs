#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::{DropReason, Input};
use edgepos_core::ConnectionId;

use crate::support::{World, replica};

fn world(seed: u64, terminals: usize) -> World {
    let mut world = World::new(seed, terminals);
    world.sees_disconnects = true;
    world
}

/// E7: the transport sees the leader's connection die. The next leader is entitled long before any timeout.
#[test]
fn a_crash_that_the_transport_sees_costs_milliseconds() {
    let mut times = Vec::new();
    for seed in 0..100 {
        let mut world = world(seed, 5);
        let leader = world.elect();
        world.run_for(1000 + 11 * seed);
        world.crash(leader);
        times.push(world.run_until(1000, |world| world.leader().is_some()));
    }
    times.sort_unstable();
    println!("failover p50 {} p99 {} max {} ms", times[50], times[98], times[99]);
    assert!(times[50] <= 60 && times[99] <= 250, "{times:?}");
}

/// A report about a connection that was replaced changes nothing.
#[test]
fn an_old_connection_is_no_news() {
    let mut world = world(1, 3);
    let leader = world.elect();
    let follower = (leader + 1) % 3;
    world.tell(follower, Input::PeerUp(replica(leader), ConnectionId(9)));
    world.tell(follower, Input::PeerLost(replica(leader), ConnectionId(8)));
    assert!(world.nodes[follower].election.as_ref().unwrap().leader().is_some());
    world.run_for(1000);
    assert_eq!(world.elections.len(), 1);
}

/// Late messages of a dead connection are refused until there is a new one.
#[test]
fn late_messages_are_refused_until_the_peer_is_back() {
    let mut world = world(2, 3);
    world.checks_entitlement = false;
    let leader = world.elect();
    let follower = (leader + 1) % 3;
    world.run_for(500);
    world.tell(follower, Input::PeerLost(replica(leader), ConnectionId(90)));
    assert_eq!(world.nodes[follower].election.as_ref().unwrap().leader(), None);
    world.run_for(170);
    assert!(world.drops()[&DropReason::ConnectionLost] >= 1, "{:?}", world.drops());
    world.tell(follower, Input::PeerUp(replica(leader), ConnectionId(91)));
    let before = world.drops()[&DropReason::ConnectionLost];
    world.run_for(2000);
    assert_eq!(world.drops()[&DropReason::ConnectionLost], before);
    let known = world.nodes[follower].election.as_ref().unwrap().leader();
    assert_eq!(known.map(|leader| leader.replica), world.leader().map(replica));
}

/// A transport that never reports the return is not believed for ever.
#[test]
fn a_peer_is_heard_again_after_an_election_timeout() {
    let mut world = world(3, 3);
    let leader = world.elect();
    let follower = (leader + 1) % 3;
    let other = (leader + 2) % 3;
    world.tell(follower, Input::PeerLost(replica(other), ConnectionId(90)));
    world.run_for(600);
    world.crash(leader);
    world.run_until(2000, |world| world.leader().is_some());
}

/// The leader that sees the majority's connections die is not entitled from that moment.
#[test]
fn the_leader_notices_at_once() {
    let mut world = world(4, 3);
    let leader = world.elect();
    world.run_for(1000);
    for peer in (0..3).filter(|peer| *peer != leader) {
        world.tell(leader, Input::PeerLost(replica(peer), ConnectionId(90)));
    }
    assert!(!world.nodes[leader].election.as_ref().unwrap().entitled());
}

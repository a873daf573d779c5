#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::Notice;

use crate::support::World;

/// A follower has the entries and missed that they are decided: the next sign of life tells it, without a further proposal.
#[test]
fn a_missed_commit_is_made_up_for_by_a_heartbeat() {
    for seed in 0..10 {
        let mut world = World::new(seed, 3);
        let leader = world.elect();
        let late = (leader + 1) % 3;
        world.run_for(500);
        world.propose(leader, b"decided");
        world.run_until(100, |world| world.nodes[leader].applied.len() == 1);
        world.isolate(late);
        world.run_for(40);
        world.heal();
        let took = world.run_until(1000, |world| world.nodes[late].applied.len() == 1);
        assert!(took < 400, "{took} ms");
    }
}

/// A follower is stopped while far more is decided than may be on its way to it at once. It gets all of it when it runs again, from
/// the log and without a snapshot, and nobody waited for it.
#[test]
fn a_stopped_follower_catches_up() {
    let mut world = World::new(3, 3);
    let leader = world.elect();
    let late = (leader + 1) % 3;
    world.run_for(500);
    world.pause(late, 4000);
    for number in 0..300_u32 {
        world.propose(leader, &number.to_be_bytes());
        world.run_for(10);
    }
    world.run_for(500);
    assert_eq!(world.nodes[leader].applied.len(), 300, "decided by two of three");
    world.run_for(3000);
    assert_eq!(world.nodes[late].applied.len(), 300);
    assert!(world.nodes[late].saw(|notice| matches!(notice, Notice::SnapshotInstalled { .. })).is_none());
}

/// All that a leader sends to one follower is lost for a while, and the follower's answers arrive: it does not send for ever what is
/// never confirmed, and starts again from what is.
#[test]
fn a_follower_that_hears_nothing_is_sent_little() {
    let mut world = World::new(4, 3);
    let leader = world.elect();
    let deaf = (leader + 1) % 3;
    world.run_for(500);
    world.cut(leader, deaf);
    world.recorded = Some(Vec::new());
    for number in 0..200_u32 {
        world.propose(leader, &number.to_be_bytes());
        world.run_for(10);
    }
    let sent = world.recorded.take().unwrap();
    let to = world.nodes[deaf].config.me;
    let bytes: usize = sent
        .iter()
        .filter(|bytes| edgepos_consensus::Message::decode(bytes).unwrap().to() == to)
        .map(Vec::len)
        .sum();
    println!("{bytes} bytes to a deaf follower");
    assert!(bytes < 200_000, "{bytes}");
    world.heal();
    world.run_for(2000);
    assert_eq!(world.nodes[deaf].applied.len(), 200);
}

//! Followers push to the leader and the leader to followers; without a leader everybody tells everybody; and who cannot reach the
//! leader is served by whoever can.

mod world;

use std::collections::BTreeSet;

use edgepos_core::Lane;
use world::World;

fn pairs(world: &World) -> BTreeSet<(usize, usize)> {
    world.batches.iter().map(|(_, from, to, _)| (*from, *to)).collect()
}

#[test]
fn with_a_leader_everything_goes_through_it_once() {
    let mut world = World::new(1, 4);
    world.connect_all();
    world.elect(Some(0), 1);
    world.run(1_000);
    for node in 0..4 {
        world.sell(node, Lane::Transactions, b"sale");
    }
    world.run(30_000);
    world.assert_converged();
    let star: BTreeSet<_> = (1..4).flat_map(|node| [(0, node), (node, 0)]).collect();
    assert_eq!(pairs(&world), star);
    let events: usize = world.batches.iter().map(|(_, _, _, batch)| batch.events()).sum();
    assert_eq!(events, 3 + 3 * 3, "three to the leader; to each follower the three that it lacks");
}

#[test]
fn without_a_leader_terminals_exchange_directly() {
    let mut world = World::new(1, 4);
    world.connect_all();
    world.run(1_000);
    for node in 0..4 {
        world.nodes[node].uplink = false;
        world.sell(node, Lane::Transactions, b"sale");
    }
    world.run(20_000);
    for node in 0..4 {
        assert_eq!(world.stored(node).len(), 4);
    }
    let events: usize = world.batches.iter().map(|(_, _, _, batch)| batch.events()).sum();
    assert_eq!(events, 12, "acknowledgements go to all, so nobody repeats what another has told");
}

#[test]
fn who_sees_no_leader_is_served_by_a_follower() {
    let mut world = World::new(1, 3);
    world.connect(0, 1);
    world.connect(1, 2);
    world.elect(Some(0), 1);
    world.nodes[2].uplink = false;
    world.run(1_000);
    let far = world.sell(2, Lane::Transactions, b"from behind");
    let near = world.sell(0, Lane::Transactions, b"from the leader");
    world.run(40_000);
    assert!(world.stored(0).contains_key(&far));
    assert!(world.stored(2).contains_key(&near));
    world.assert_converged();
}

#[test]
fn the_cloud_s_vector_reaches_everybody_and_survives_a_restart() {
    let mut world = World::new(1, 3);
    world.connect_all();
    world.elect(Some(0), 1);
    world.sell(1, Lane::Transactions, b"sale");
    world.run(30_000);
    let cloud = world.cloud_vector();
    assert!(!cloud.is_empty());
    for node in 0..3 {
        assert_eq!(*world.outbox(node).cloud(), cloud);
    }
    world.crash(2);
    world.start(2);
    assert_eq!(*world.outbox(2).cloud(), cloud, "from its own disk");
    assert_eq!(world.outbox(2).queue_len(), 0);
}

/// Seed 1,554 of the storm: the one message that told of the last upload was lost, and nothing was sold afterwards.
#[test]
fn what_the_cloud_holds_is_asked_for_when_the_message_about_it_was_lost() {
    use edgepos_core::{Chain, Term};
    use edgepos_crdt::VersionVector;
    use edgepos_sync::{Ack, Input, Message};
    use world::bench::{Bench, vector};
    use world::replica;

    let chain = Chain::new(replica(0), Lane::Transactions);
    let mut bench = Bench::terminal(0);
    bench.tell(Input::Leader { leader: Some((replica(1), Term(1))), entitled: false });
    bench.record(Lane::Transactions, b"last sale of the day");
    bench.meet(replica(1), VersionVector::new());
    bench.say(
        replica(1),
        1,
        Message::Ack(Ack { vector: vector(chain, 1), batch: Some(1), ..Ack::default() }),
    );
    bench.take_acks();
    bench.wait(std::time::Duration::from_secs(30));
    assert!(bench.take_acks().iter().any(|(to, ack)| *to == replica(1) && ack.asks_cloud));
    let held = bench.held(vector(chain, 1));
    bench.say(replica(1), 1, Message::CloudVector(held.clone()));
    assert_eq!(bench.outbox.poll_timeout(), None, "answered; nothing more to ask");

    // The other end answers.
    bench.say(replica(1), 1, Message::Ack(Ack { asks_cloud: true, ..Ack::default() }));
    let told = bench.sent.iter().any(|(_, _, message)| *message == Message::CloudVector(held.clone()));
    assert!(told, "{:?}", bench.sent);
}

#[test]
fn a_terminal_that_was_away_catches_up_from_anybody() {
    let mut world = World::new(1, 3);
    world.connect_all();
    world.elect(Some(0), 1);
    world.crash(2);
    for _ in 0..3_000 {
        world.sell(0, Lane::Transactions, &[7; 200]);
    }
    world.run(30_000);
    world.start(2);
    world.connect(1, 2);
    let begun = world.now;
    world.run(5_000);
    assert_eq!(world.stored(2).len(), 3_000, "{} ms", world.now - begun);
}

//! Trap: pruning by one number, or waiting for ever for a terminal that is gone.

mod world;

use edgepos_core::{Chain, Lane, Seq};
use edgepos_crdt::VersionVector;
use edgepos_sync::{Hash, Message};
use world::bench::{Bench, run};
use world::replica;

#[test]
fn the_floor_is_per_chain_and_waits_for_members_only() {
    let mine = Chain::new(replica(0), Lane::Transactions);
    let theirs = Chain::new(replica(1), Lane::Transactions);
    let mut bench = Bench::terminal(0);
    for _ in 0..3 {
        bench.record(Lane::Transactions, b"sale");
    }
    let members = [replica(0), replica(1)];
    let cloud: VersionVector = [(mine, Seq(3)), (theirs, Seq(9))].into_iter().collect();
    bench.meet(replica(1), [(mine, Seq(2)), (theirs, Seq(4))].into_iter().collect());
    assert!(bench.outbox.floor(&members).is_empty(), "the cloud has nothing yet");
    let claim = bench.held(cloud);
    bench.say(replica(1), 1, Message::CloudVector(claim));

    // Of the peer's chain nothing is here; of ours the peer lacks the third; a scalar minimum would be 2 for both, or 0.
    assert_eq!(bench.outbox.floor(&members), [(mine, Seq(2))].into_iter().collect());
    let (four, _) = run(theirs, 1, Hash::ZERO, &[b"1", b"2", b"3", b"4"]);
    bench.receive(replica(1), 1, vec![four]);
    assert_eq!(
        bench.outbox.floor(&members).get(theirs),
        Seq(0),
        "nobody has proved that the nine begin with these four"
    );
    let claim = bench.held([(mine, Seq(3)), (theirs, Seq(4))].into_iter().collect());
    bench.say(replica(1), 1, Message::CloudVector(claim));
    assert_eq!(bench.outbox.floor(&members), [(mine, Seq(2)), (theirs, Seq(4))].into_iter().collect());
    assert_eq!(bench.outbox.floor(&[replica(0)]).get(mine), Seq(3), "a retired terminal holds nothing back");
    assert!(bench.outbox.floor(&[replica(0), replica(2)]).is_empty(), "a member that was never heard does");
}

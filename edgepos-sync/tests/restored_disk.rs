//! Trap: a disk restored from a backup, or cloned, gives numbers a second time. It is noticed, the chain is not sent any more, and the
//! till goes on selling until it gets a new incarnation.

mod world;

use edgepos_core::{Chain, EventId, Lane, Seq};
use edgepos_sync::{Ack, Hash, Message, Notice, Witness};
use world::bench::{Bench, run, vector};
use world::{World, replica};

fn restored(sales_before_it_connects: usize) -> (World, edgepos_core::EventId) {
    let mut world = World::new(5, 2);
    world.connect_all();
    world.elect(Some(1), 1);
    world.sell(0, Lane::Transactions, b"one");
    world.run(10_000);
    let backup = world.nodes[0].disk.clone();
    let lost = world.sell(0, Lane::Transactions, b"two");
    world.run(20_000);
    world.crash(0);
    world.nodes[0].disk = backup;
    world.start(0);
    for _ in 0..sales_before_it_connects {
        world.sell(0, Lane::Transactions, b"again");
    }
    world.run(100);
    world.connect(0, 1);
    world.run(20_000);
    assert_eq!(world.stored(1)[&lost], b"two", "history is not rewritten");
    assert_eq!(world.cloud.events[&lost], b"two");
    assert_eq!(world.cloud.events.len(), 2);
    (world, lost)
}

#[test]
fn a_rolled_back_disk_is_noticed_by_a_peer_that_knows_more() {
    let (world, lost) = restored(0);
    let alarm = Notice::RollbackSuspected {
        chain: lost.chain,
        known: Seq(2),
        own: Seq(1),
        witness: Witness::Peer(replica(1)),
    };
    assert!(world.nodes[0].news.contains(&alarm), "{:?}", world.nodes[0].news);
}

#[test]
fn a_number_given_twice_is_a_fork_and_no_duplicate() {
    for sales in [1, 2, 3] {
        let (world, lost) = restored(sales);
        for node in [0, 1] {
            let fork = |notice: &Notice| matches!(notice, Notice::Fork { chain, .. } if *chain == lost.chain);
            assert!(world.nodes[node].news.iter().any(fork), "terminal {node}, {sales} sales");
        }
    }
}

#[test]
fn a_chain_that_is_ahead_elsewhere_is_not_sent_and_selling_goes_on() {
    let chain = Chain::new(replica(0), Lane::Transactions);
    let mut bench = Bench::terminal(0);
    bench.record(Lane::Transactions, b"one");
    bench.record(Lane::Stock, b"count");
    bench.meet(replica(1), vector(chain, 5));
    assert!(bench.news.is_empty(), "a number alone is no proof");
    bench.answer(replica(1), chain, 1);
    bench.tell_hash(replica(1), EventId::new(chain, Seq(2)), Some(Hash([2; 32])));
    let alarm =
        Notice::RollbackSuspected { chain, known: Seq(2), own: Seq(1), witness: Witness::Peer(replica(1)) };
    assert!(bench.news.contains(&alarm), "{:?}", bench.news);
    bench.record(Lane::Transactions, b"two");
    bench.outbox.flush(bench.now);
    bench.drain();
    let sent: Vec<Chain> = bench
        .take_batches()
        .iter()
        .flat_map(|(_, _, batch)| batch.runs.iter().map(|run| run.chain))
        .collect();
    assert_eq!(sent, [Chain::new(replica(0), Lane::Stock)], "the other lanes are as good as before");
    assert_eq!(bench.outbox.vector().get(chain), Seq(2));
    bench.say(replica(1), 1, Message::Ack(Ack { vector: vector(chain, 6), ..Ack::default() }));
    assert_eq!(
        bench.news.iter().filter(|notice| matches!(notice, Notice::RollbackSuspected { .. })).count(),
        1
    );
}

#[test]
fn the_cloud_notices_as_well() {
    let chain = Chain::new(replica(0), Lane::Transactions);
    let mut bench = Bench::terminal(0);
    bench.record(Lane::Transactions, b"one");
    bench.tell(edgepos_sync::Input::Leader {
        leader: Some((replica(0), edgepos_core::Term(1))),
        entitled: true,
    });
    let (id, _) = bench.asked.pop().expect("asks for the lease");
    let epoch = edgepos_core::UploadEpoch(1);
    bench.said_of(chain, &[1, 2]);
    bench.reply(id, edgepos_sync::CloudReply::Lease { epoch, held: vector(chain, 7).into() });
    let alarm = Notice::RollbackSuspected { chain, known: Seq(2), own: Seq(1), witness: Witness::Cloud };
    assert!(bench.news.contains(&alarm));
    bench.record(Lane::Transactions, b"two");
    bench.outbox.flush(bench.now);
    bench.drain();
    assert!(bench.asked.is_empty(), "nothing of that chain is uploaded");
}

#[test]
fn nobody_else_writes_our_chain() {
    let chain = Chain::new(replica(0), Lane::Transactions);
    let mut bench = Bench::terminal(0);
    bench.meet(replica(1), Default::default());
    bench.receive(replica(1), 1, vec![run(chain, 1, Hash::ZERO, &[b"made by a clone"]).0]);
    assert!(bench.accepted.is_empty());
    assert!(bench.news.iter().any(|notice| matches!(notice, Notice::RollbackSuspected { .. })));
}

#[test]
fn a_clone_that_connects_is_named() {
    let mut bench = Bench::terminal(0);
    let connection = edgepos_core::ConnectionId(9);
    bench.tell(edgepos_sync::Input::PeerUp(replica(0), connection));
    assert_eq!(bench.news, [Notice::CloneSuspected { connection }]);
    assert!(bench.sent.is_empty());
}

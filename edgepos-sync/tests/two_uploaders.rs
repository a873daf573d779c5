//! Trap: two uploaders. A leader pauses, another is elected and uploads; then the first wakes up in the middle of its sentence.

mod world;

use edgepos_core::{Chain, EventId, Lane, Seq, StoreGeneration, Term, WallMs};
use edgepos_crdt::VersionVector;
use edgepos_sync::{Batch, CloudReply, CloudRequest, Hash, IngestState};
use world::bench::{run, vector};
use world::{LIMITS, STORE, World, replica};

fn lease(state: &mut IngestState, terminal: usize, term: u64) -> edgepos_core::UploadEpoch {
    match state.lease(WallMs(0), replica(terminal), StoreGeneration(0), Term(term), true) {
        CloudReply::Lease { epoch, .. } => epoch,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_paused_one_is_fenced_and_neither_loses_an_event() {
    let mut state = IngestState::new();
    let append = |terminal: usize, epoch, payload: &[u8]| {
        let chain = Chain::new(replica(terminal), Lane::Transactions);
        let (run, _) = run(chain, 1, Hash::ZERO, &[payload]);
        CloudRequest::Append {
            store: STORE,
            replica: replica(terminal),
            epoch,
            old: VersionVector::new(),
            new: vector(chain, 1),
            batch: Batch { runs: vec![run] }.encode(&LIMITS),
        }
    };
    let first = lease(&mut state, 0, 1);
    let second = lease(&mut state, 1, 2);
    assert!(second > first);
    let (reply, events) = state.handle(WallMs(0), &append(1, second, b"b"), &LIMITS);
    assert!(matches!(reply, CloudReply::Ack { .. }), "{reply:?}");
    assert_eq!(events.len(), 1);

    let (reply, events) = state.handle(WallMs(0), &append(0, first, b"a"), &LIMITS);
    assert_eq!((reply, events.len()), (CloudReply::Fenced { epoch: second }, 0));
    // The right epoch in the wrong hands is no right either.
    let (reply, _) = state.handle(WallMs(0), &append(0, second, b"a"), &LIMITS);
    assert_eq!(reply, CloudReply::Fenced { epoch: second });

    // What the fenced one had is not deduplicated away: it has its own name.
    let (reply, events) = state.handle(WallMs(0), &append(1, second, b"b"), &LIMITS);
    assert!(matches!(reply, CloudReply::Conflict { .. }), "a repeat stores nothing: {reply:?}");
    assert!(events.is_empty());
    let third = lease(&mut state, 0, 3);
    let (_, events) = state.handle(WallMs(0), &append(0, third, b"a"), &LIMITS);
    assert_eq!(events[0].0.id, EventId::new(Chain::new(replica(0), Lane::Transactions), Seq(1)));
}

#[test]
fn both_believe_that_they_lead_and_everything_arrives_once() {
    let mut world = World::new(2, 2);
    world.connect_all();
    world.elect(Some(0), 1);
    world.run(1_000);
    world.cut(0, 1);
    world.tell_view(1, Some((1, 2)), true);
    for _ in 0..20 {
        world.sell(0, Lane::Transactions, b"old leader");
        world.sell(1, Lane::Transactions, b"new leader");
        world.run(3_000);
    }
    let fenced = |node: usize| {
        let fenced = |notice: &&edgepos_sync::Notice| matches!(notice, edgepos_sync::Notice::Fenced { .. });
        world.nodes[node].news.iter().filter(fenced).count()
    };
    assert_eq!((fenced(0), fenced(1)), (1, 0), "the higher term is never fenced by the lower one");
    world.connect(0, 1);
    world.elect(Some(1), 2);
    world.run(20_000);
    world.assert_converged();
}

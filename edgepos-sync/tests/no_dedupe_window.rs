//! Trap: a window of remembered ids. A batch that comes again after years, or after a million others, is still known.

mod world;

use edgepos_core::{Chain, Lane, Seq, StoreGeneration, Term, WallMs};
use edgepos_crdt::VersionVector;
use edgepos_sync::{Batch, CloudReply, Hash, IngestState};
use world::bench::{Bench, run, vector};
use world::{LIMITS, replica};

const YEARS: u64 = 10 * 365 * 24 * 3_600_000;

#[test]
fn the_cloud_knows_a_batch_for_ever() {
    let chain = Chain::new(replica(0), Lane::Transactions);
    let mut state = IngestState::new();
    let CloudReply::Lease { epoch, .. } =
        state.lease(WallMs(0), replica(0), StoreGeneration(0), Term(1), true)
    else {
        panic!("granted")
    };
    let mut hash = Hash::ZERO;
    let mut oldest = None;
    for seq in 1..=2_000 {
        let (run, after) = run(chain, seq, hash, &[b"sale"]);
        hash = after;
        let batch = Batch { runs: vec![run] }.encode(&LIMITS);
        let (old, new) = (vector(chain, seq - 1), vector(chain, seq));
        let (reply, _) = state.append(WallMs(seq), replica(0), epoch, &old, &new, &batch, &LIMITS);
        assert!(matches!(reply, CloudReply::Ack { .. }));
        oldest.get_or_insert((old, new, batch));
        // What is on disk is the whole memory.
        state = IngestState::decode(&state.encode(), &LIMITS).expect("own row");
    }
    let (old, new, batch) = oldest.expect("first");
    let (reply, events) = state.append(WallMs(YEARS), replica(0), epoch, &old, &new, &batch, &LIMITS);
    let CloudReply::Conflict { held } = reply else { panic!("{reply:?}") };
    assert_eq!(held.vector, vector(chain, 2_000));
    assert_eq!(events, None);
}

#[test]
fn a_terminal_knows_a_batch_for_ever() {
    let chain = Chain::new(replica(1), Lane::Stock);
    let mut bench = Bench::terminal(0);
    bench.meet(replica(1), VersionVector::new());
    let (first, mut hash) = run(chain, 1, Hash::ZERO, &[b"one"]);
    bench.receive(replica(1), 1, vec![first.clone()]);
    for seq in 2..500 {
        let (next, after) = run(chain, seq, hash, &[b"more"]);
        hash = after;
        bench.receive(replica(1), seq, vec![next]);
    }
    bench.now.mono.0 += YEARS;
    bench.receive(replica(1), 1, vec![first]);
    assert_eq!(bench.accepted.len(), 499);
    assert_eq!(bench.outbox.vector().get(chain), Seq(499));
}

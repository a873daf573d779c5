//! Who gets the upload lease, on the cloud's clock.

mod world;

use edgepos_core::{Chain, Lane, StoreGeneration, Term, UploadEpoch, WallMs};
use edgepos_crdt::VersionVector;
use edgepos_sync::{
    BATCH_FORMAT, Batch, Claim, CloudReply, CloudRequest, Hash, IngestState, Limits, Lost, RefusedReason,
};
use world::bench::{run, vector};
use world::{LIMITS, STORE, replica};

const G: StoreGeneration = StoreGeneration(0);

fn granted(reply: CloudReply) -> UploadEpoch {
    match reply {
        CloudReply::Lease { epoch, .. } => epoch,
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_a_higher_leader_pre_empts_a_lease_that_runs() {
    let mut state = IngestState::new();
    let first = granted(state.lease(WallMs(1_000), replica(0), G, Term(3), true));
    let asks = [(Term(3), true), (Term(2), true), (Term(9), false)];
    for (term, leader) in asks {
        let reply = state.lease(WallMs(6_000), replica(1), G, term, leader);
        assert_eq!(reply, CloudReply::Busy { retry_after_ms: 10_000 }, "{term} {leader}");
    }
    let second = granted(state.lease(WallMs(6_000), replica(1), G, Term(4), true));
    assert!(second > first);
    assert_eq!(state.holder(), Some(replica(1)));
}

#[test]
fn a_leader_of_the_same_term_pre_empts_one_that_does_not_lead() {
    let mut state = IngestState::new();
    granted(state.lease(WallMs(0), replica(0), G, Term(5), false));
    assert!(matches!(state.lease(WallMs(1), replica(2), G, Term(6), false), CloudReply::Busy { .. }));
    granted(state.lease(WallMs(1), replica(1), G, Term(5), true));
}

#[test]
fn a_lease_that_ran_out_is_anybody_s_and_its_last_holder_may_still_append() {
    let mut state = IngestState::new();
    let epoch = granted(state.lease(WallMs(0), replica(0), G, Term(3), true));
    let chain = Chain::new(replica(0), Lane::Transactions);
    let append = |state: &mut IngestState, wall, seq: u64, hash| {
        let (run, head) = run(chain, seq, hash, &[b"sale"]);
        let batch = Batch { runs: vec![run] }.encode(&LIMITS);
        let (old, new) = (vector(chain, seq - 1), vector(chain, seq));
        (state.append(WallMs(wall), replica(0), epoch, &old, &new, &batch, &LIMITS).0, head)
    };
    let (reply, head) = append(&mut state, 40_000, 1, Hash::ZERO);
    assert!(matches!(reply, CloudReply::Ack { .. }), "nobody else took it: {reply:?}");
    let busy = state.lease(WallMs(41_000), replica(1), G, Term(0), false);
    assert_eq!(busy, CloudReply::Busy { retry_after_ms: 14_000 }, "the append has renewed it");
    let next = granted(state.lease(WallMs(55_000), replica(1), G, Term(0), false));
    let (reply, _) = append(&mut state, 55_001, 2, head);
    assert_eq!(reply, CloudReply::Fenced { epoch: next });
}

#[test]
fn a_holder_that_restarts_is_fenced_against_its_own_past() {
    let mut state = IngestState::new();
    let before = granted(state.lease(WallMs(0), replica(0), G, Term(3), true));
    let after = granted(state.lease(WallMs(10), replica(0), G, Term(3), true));
    assert!(after > before);
    let chain = Chain::new(replica(0), Lane::Transactions);
    let (run, _) = run(chain, 1, Hash::ZERO, &[b"sent before the restart"]);
    let batch = Batch { runs: vec![run] }.encode(&LIMITS);
    let (old, new) = (VersionVector::new(), vector(chain, 1));
    let (reply, events) = state.append(WallMs(20), replica(0), before, &old, &new, &batch, &LIMITS);
    assert_eq!((reply, events), (CloudReply::Fenced { epoch: after }, None));
}

#[test]
fn an_old_generation_is_refused_for_ever() {
    let mut state = IngestState::new();
    granted(state.lease(WallMs(0), replica(0), StoreGeneration(1), Term(1), true));
    let reply = state.lease(WallMs(1 << 40), replica(1), G, Term(99), true);
    assert_eq!(reply, CloudReply::Refused { reason: RefusedReason::OldGeneration });
    granted(state.lease(WallMs(1), replica(1), StoreGeneration(2), Term(1), true));
}

#[test]
fn a_clock_that_is_set_back_does_not_prolong_a_lease() {
    let mut state = IngestState::new();
    granted(state.lease(WallMs(1 << 40), replica(0), G, Term(1), true));
    let reply = state.lease(WallMs(1_000), replica(1), G, Term(0), false);
    assert_eq!(reply, CloudReply::Busy { retry_after_ms: 15_000 });
    granted(state.lease(WallMs(16_000), replica(1), G, Term(0), false));
}

#[test]
fn a_run_is_taken_whole_or_not_at_all() {
    let mut state = IngestState::new();
    let epoch = granted(state.lease(WallMs(0), replica(0), G, Term(1), true));
    let chain = |lane| Chain::new(replica(0), lane);
    let good = run(chain(Lane::Transactions), 1, Hash::ZERO, &[b"a"]).0;
    let mut forked = run(chain(Lane::Stock), 1, Hash::ZERO, &[b"b"]).0;
    forked.head = Hash([1; 32]);
    let late = run(chain(Lane::Stock), 3, Hash::ZERO, &[b"c"]).0;
    let fork = CloudReply::Fork { chain: chain(Lane::Stock) };
    let beside = run(chain(Lane::Telemetry), 2, Hash::ZERO, &[b"d"]).0;
    let malformed = CloudReply::Refused { reason: RefusedReason::Malformed };
    let before = state.encode();
    for (runs, expected) in
        [(vec![forked.clone()], fork), (vec![good.clone(), late], malformed.clone()), (vec![], malformed)]
    {
        let batch = Batch { runs };
        let old = batch.runs.iter().map(|run| (run.chain, edgepos_core::Seq(0))).collect();
        let (new, bytes) = (batch.last(), batch.encode(&LIMITS));
        let (reply, events) = state.append(WallMs(1), replica(0), epoch, &old, &new, &bytes, &LIMITS);
        assert_eq!((reply, events), (expected, None));
        assert_eq!(state.encode(), before, "nothing has changed");
    }

    // One chain in dispute, and one of which the uploader is wrong, hold up no other.
    let batch = Batch { runs: vec![good, forked, beside] };
    let old = batch.runs.iter().map(|run| (run.chain, edgepos_core::Seq(run.first.0 - 1))).collect();
    let (new, bytes) = (batch.last(), batch.encode(&LIMITS));
    let (reply, events) = state.append(WallMs(1), replica(0), epoch, &old, &new, &bytes, &LIMITS);
    let CloudReply::Ack { held, forks } = reply else { panic!("{reply:?}") };
    assert_eq!(held.vector, vector(chain(Lane::Transactions), 1));
    assert_eq!(forks, [chain(Lane::Stock)].into_iter().collect());
    assert_eq!(events.map(|events| events.len()), Some(1));
}

#[test]
fn an_instance_is_drawn_once_and_again_when_it_was_proved_to_have_held_more() {
    let mut state = IngestState::new();
    let mut ask = |wall, restored| {
        let request = CloudRequest::Lease {
            store: STORE,
            replica: replica(0),
            generation: G,
            term: Term(1),
            leader: true,
            restored,
        };
        let (CloudReply::Lease { held, .. }, _) = state.handle(WallMs(wall), &request, &LIMITS) else {
            panic!("not granted")
        };
        held.instance
    };
    let first = ask(1, None);
    assert!(first.is_some());
    assert_eq!(ask(2, None), first);
    let second = ask(3, first);
    assert_ne!(second, first);
    assert_eq!(ask(4, first), second, "a repeat is about the one before");
}

#[test]
fn chains_are_limited() {
    let limits = Limits { max_chains: 2, ..LIMITS };
    let mut state = IngestState::new();
    let epoch = granted(state.lease(WallMs(0), replica(0), G, Term(1), true));
    let mut reply = None;
    for lane in &Lane::ALL[..3] {
        let chain = Chain::new(replica(0), *lane);
        let batch = Batch { runs: vec![run(chain, 1, Hash::ZERO, &[b"x"]).0] }.encode(&LIMITS);
        let (old, new) = (VersionVector::new(), vector(chain, 1));
        reply = Some(state.append(WallMs(1), replica(0), epoch, &old, &new, &batch, &limits).0);
    }
    assert_eq!(reply, Some(CloudReply::Refused { reason: RefusedReason::TooManyChains }));
}

#[test]
fn asking_for_the_head_changes_nothing() {
    let mut state = IngestState::new();
    let before = state.encode();
    let (reply, events) = state.handle(WallMs(5), &CloudRequest::Head { store: STORE }, &LIMITS);
    let held = Claim { lost: Some(Lost::default()), batch_format: BATCH_FORMAT, ..Claim::default() };
    assert_eq!(reply, CloudReply::Head { epoch: UploadEpoch(0), held });
    assert!(events.is_empty() && state.encode() == before && state.holder().is_none());
}

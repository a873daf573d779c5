//! A store that uploads, for the checks.

use edgepos_core::{
    Chain, EventId, Lane, ReplicaId, Seq, StoreGeneration, StoreId, Term, UploadEpoch, WallMs,
};
use edgepos_crdt::VersionVector;
use edgepos_sync::{Batch, CloudReply, CloudRequest, Hash, IngestState, Limits, Run};

use crate::ingest::{Ingest, Step};

/// One terminal of one store, with one chain.
pub(super) struct Shop {
    store: StoreId,
    chain: Chain,
    /// What its events say, beside their position.
    word: &'static str,
    uploaded: u64,
}

const TERMINAL: ReplicaId = ReplicaId::new(1, 0xC0FFEE);

impl Shop {
    pub(super) fn new(number: u8) -> Self {
        let mut store = [0; 16];
        (store[0], store[15]) = (0xE0, number);
        let chain = Chain::new(TERMINAL, Lane::Transactions);
        Self { store: StoreId(store), chain, word: "coffee", uploaded: 0 }
    }

    /// The same with other events.
    pub(super) fn that_sells(self, word: &'static str) -> Self {
        Self { word, ..self }
    }

    pub(super) fn store(&self) -> StoreId {
        self.store
    }

    pub(super) fn chain(&self) -> Chain {
        self.chain
    }

    /// A chain of a terminal that the store does not have.
    pub(super) fn forged_chain() -> Chain {
        Chain::new(ReplicaId::new(2, 0xBAD), Lane::Transactions)
    }

    pub(super) fn event(&self, seq: u64) -> EventId {
        EventId::new(self.chain, Seq(seq))
    }

    fn payload(&self, seq: u64) -> Vec<u8> {
        format!("{} {seq} {}", self.word, "of the house ".repeat(seq as usize % 5)).into_bytes()
    }

    pub(super) fn hash(&self, seq: u64) -> Hash {
        (1..=seq).fold(Hash::ZERO, |hash, seq| hash.link(self.event(seq), &self.payload(seq)))
    }

    fn run(&self, first: u64, last: u64) -> Run {
        let payloads = (first..=last).map(|seq| self.payload(seq)).collect();
        Run { chain: self.chain, first: Seq(first), head: self.hash(last), payloads, gaps: Vec::new() }
    }

    /// These events as one batch.
    pub(super) fn batch(&self, first: u64, last: u64) -> Vec<u8> {
        Batch { runs: vec![self.run(first, last)] }.encode(&Limits::DEFAULT)
    }

    pub(super) async fn lease(&self, ingest: &Ingest) {
        let reply = ingest.handle(&self.lease_request()).await.expect("it answers");
        assert!(matches!(reply, CloudReply::Lease { .. }), "a new store gets the lease: {reply:?}");
    }

    fn lease_request(&self) -> CloudRequest {
        CloudRequest::Lease {
            store: self.store,
            replica: TERMINAL,
            generation: StoreGeneration(0),
            term: Term(1),
            leader: true,
            restored: None,
        }
    }

    fn append(&self, runs: Vec<Run>, old: VersionVector) -> CloudRequest {
        let batch = Batch { runs };
        CloudRequest::Append {
            store: self.store,
            replica: TERMINAL,
            epoch: UploadEpoch(1),
            old,
            new: batch.last(),
            batch: batch.encode(&Limits::DEFAULT),
        }
    }

    fn old(&self) -> VersionVector {
        [(self.chain, Seq(self.uploaded))].into_iter().filter(|(_, seq)| seq.0 > 0).collect()
    }

    /// The upload of the next events.
    pub(super) fn next(&self, events: u64) -> CloudRequest {
        self.append(vec![self.run(self.uploaded + 1, self.uploaded + events)], self.old())
    }

    /// The same, beside a run whose hash does not follow on the beginning of its chain.
    pub(super) fn with_a_forged_run(&self, events: u64) -> CloudRequest {
        let forged = Run {
            chain: Self::forged_chain(),
            first: Seq(1),
            head: Hash([7; 32]),
            payloads: vec![b"forged".to_vec()],
            gaps: Vec::new(),
        };
        self.append(vec![forged, self.run(self.uploaded + 1, self.uploaded + events)], self.old())
    }

    pub(super) fn advance(&mut self, events: u64) {
        self.uploaded += events;
    }

    pub(super) async fn upload(&mut self, ingest: &Ingest, events: u64) {
        let reply = ingest.handle(&self.next(events)).await.expect("it answers");
        assert!(matches!(reply, CloudReply::Ack { .. }), "the next events are taken: {reply:?}");
        self.advance(events);
    }

    /// The decision to take the next events, made upon this row.
    pub(super) fn step(&self, before: IngestState, events: u64) -> Step {
        let (request, mut after) = (self.next(events), before.clone());
        let (reply, taken) = after.handle(WallMs(1_700_000_000_000), &request, &Limits::DEFAULT);
        assert!(matches!(reply, CloudReply::Ack { .. }), "the next events are taken: {reply:?}");
        let CloudRequest::Append { batch, .. } = request else { unreachable!("it appends") };
        Step { store: self.store, before, after, batch: Some(batch), events: taken }
    }
}

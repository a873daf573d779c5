//! One store that uploads for as long as it is asked to, by the rules of an uploader: one request at a time, repeated until it is
//! answered.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_core::{Chain, EventId, Lane, ReplicaId, Seq, StoreGeneration, StoreId, Term, UploadEpoch};
use edgepos_sync::{Batch, CloudReply, CloudRequest, Hash, Limits, Run};

/// What one store has, and what it was told.
pub(crate) struct Uploader {
    pub(crate) store: StoreId,
    pub(crate) chain: Chain,
    epoch: UploadEpoch,
    /// The last position that the cloud acknowledged, with its hash.
    acknowledged: (Seq, Hash),
    /// Whether the lease was granted.
    leased: bool,
}

const EVENTS: u64 = 10;

impl Uploader {
    pub(crate) fn new(number: u8) -> Self {
        let chain = Chain::new(ReplicaId::new(1, number.into()), Lane::Transactions);
        let acknowledged = (Seq(0), Hash::ZERO);
        Self { store: StoreId([number; 16]), chain, epoch: UploadEpoch(0), acknowledged, leased: false }
    }

    pub(crate) fn acknowledged(&self) -> (Seq, Hash) {
        self.acknowledged
    }

    fn payload(&self, seq: Seq) -> Vec<u8> {
        format!("sale {} of store {}, {}", seq.0, self.store, "x".repeat(400)).into_bytes()
    }

    /// What to ask next, also where the last request was not answered.
    pub(crate) fn next(&self) -> CloudRequest {
        let Self { store, chain, epoch, acknowledged: (held, hash), leased } = *self;
        let replica = chain.replica;
        if !leased {
            let (generation, term) = (StoreGeneration(0), Term(1));
            return CloudRequest::Lease { store, replica, generation, term, leader: true, restored: None };
        }
        let seqs = (held.0 + 1..=held.0 + EVENTS).map(Seq);
        let payloads: Vec<_> = seqs.clone().map(|seq| self.payload(seq)).collect();
        let link = |hash: Hash, (seq, payload): (Seq, &Vec<u8>)| hash.link(EventId::new(chain, seq), payload);
        let head = seqs.zip(&payloads).fold(hash, link);
        let batch = Batch { runs: vec![Run { chain, first: held.next(), head, payloads, gaps: Vec::new() }] };
        let old = [(chain, held)].into_iter().filter(|(_, seq)| seq.0 > 0).collect();
        let new = batch.last();
        CloudRequest::Append { store, replica, epoch, old, new, batch: batch.encode(&Limits::DEFAULT) }
    }

    /// What the cloud says. It never takes back what it has acknowledged.
    pub(crate) fn hear(&mut self, reply: &CloudReply) {
        let held = match reply {
            CloudReply::Lease { epoch, held } => {
                (self.epoch, self.leased) = (*epoch, true);
                held
            }
            CloudReply::Ack { held, .. } | CloudReply::Conflict { held } => held,
            CloudReply::Fenced { .. } => {
                self.leased = false;
                return;
            }
            other => panic!("an uploader does not expect {other:?}"),
        };
        let seq = held.vector.get(self.chain);
        assert!(seq >= self.acknowledged.0, "{} was acknowledged and {seq:?} is held", self.acknowledged.0.0);
        if seq > self.acknowledged.0 {
            let hash = *held.heads.get(&self.chain).unwrap();
            let derived = (self.acknowledged.0.0 + 1..=seq.0).fold(self.acknowledged.1, |hash, seq| {
                hash.link(EventId::new(self.chain, Seq(seq)), &self.payload(Seq(seq)))
            });
            assert_eq!(hash, derived, "the cloud holds something else than was sent");
            self.acknowledged = (seq, hash);
        }
    }
}

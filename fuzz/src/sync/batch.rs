//! The bytes of a batch, and any bytes as the payloads of one.

use edgepos_core::{Chain, Lane, ReplicaId, Seq};
use edgepos_sync::{BATCH_FORMAT, Batch, Hash, Limits, Run};

const LIMITS: Limits = Limits::DEFAULT;
/// Beside its payloads a batch in rows has heads, so one that fills its limit in columns may be too large in rows.
const MAX_AGAIN: usize = 3 << 20;
/// Ends a payload, where the input is taken for payloads. CBOR has it for `undefined`, which nobody writes.
const END: u8 = 0xF7;

/// Any bytes are a batch or an error, within the limits; what is a batch reads back as the same one, in rows and in columns; and any bytes
/// may be payloads.
///
/// # Panics
/// When they are neither, or come back as others.
pub fn batch_decode(input: &[u8]) {
    if let Ok(batch) = Batch::decode(input, &LIMITS) {
        reads_back(&batch);
    }
    let payloads: Vec<Vec<u8>> = input.split(|byte| *byte == END).map(<[u8]>::to_vec).collect();
    if payloads.len() <= LIMITS.max_events as usize {
        let chain = Chain::new(ReplicaId::new(1, 1), Lane::Stock);
        let run = Run { chain, first: Seq(1), head: Hash::ZERO, payloads, gaps: Vec::new() };
        reads_back(&Batch { runs: vec![run] });
    }
}

fn reads_back(batch: &Batch) {
    let payloads = batch.runs.iter().flat_map(|run| &run.payloads);
    let total: usize = payloads.map(Vec::len).sum();
    assert!(total <= LIMITS.max_body_bytes as usize, "{total} bytes");
    if total > MAX_AGAIN {
        return;
    }
    for bytes in [batch.encode(&LIMITS), batch.encode_for(BATCH_FORMAT, 0, &LIMITS)] {
        assert_eq!(Batch::decode(&bytes, &LIMITS).as_ref(), Ok(batch));
    }
}

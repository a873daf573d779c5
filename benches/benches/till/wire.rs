//! What events cost the network in batches, beside their JSON.

use std::io::Write as _;

use edgepos::sync::{BATCH_FORMAT, Batch, EventRecord, Limits, Run};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::sale::Sale;
use crate::sqlite::body;

/// Events of a batch: about what 256 KiB hold.
const BATCH: usize = 330;

/// The sales and the rows of their events.
pub(crate) fn sizes(sales: &[Sale], rows: &[(Vec<u8>, Vec<u8>)]) -> Value {
    let (mut columns, mut in_rows, mut json_bytes, mut gzip, mut zstd) = (0, 0, 0, 0, 0);
    let mut events = 0;
    for (sales, rows) in sales.chunks_exact(BATCH).zip(rows.chunks_exact(BATCH)) {
        let records: Vec<_> = rows
            .iter()
            .map(|(key, value)| EventRecord::from_row(key, value).expect("an event's row"))
            .collect();
        let (first, head) = (records[0].0.id, records[BATCH - 1].1);
        let payloads = records.into_iter().map(|(record, _)| record.payload).collect();
        let run = Run { chain: first.chain, first: first.seq, head, payloads, gaps: Vec::new() };
        let batch = Batch { runs: vec![run] };
        columns += batch.encode_for(BATCH_FORMAT, 1, &Limits::DEFAULT).len();
        in_rows += batch.encode_with(1, &Limits::DEFAULT).len();
        let text: String = sales.iter().zip(1..).map(|(sale, number)| body(sale, number) + "\n").collect();
        json_bytes += text.len();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).expect("to memory");
        gzip += encoder.finish().expect("to memory").len();
        zstd += zstd::bulk::compress(text.as_bytes(), 19).expect("to memory").len();
        events += BATCH;
    }
    json!({
        "events_in_a_batch": BATCH,
        "columns": columns / events,
        "of_which_random": 32,
        "rows_for_version_0_1_0": in_rows / events,
        "json": json_bytes / events,
        "json_gzip": gzip / events,
        "json_zstd_19": zstd / events,
    })
}

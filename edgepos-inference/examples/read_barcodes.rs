//! Reads the pictures whose paths come on standard input; prints one line of JSON for each.
//!
//! ```text
//! ls photographs/*.png | cargo run --release -p edgepos-inference --example read_barcodes
//! ```
//! `models/scripts/barcode_exam.py` examines the reader by it.

use std::path::Path;
use std::time::{Duration, Instant};

use edgepos_inference::{BarcodeConfig, BarcodeReader, Outcome, WorkerConfig};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let models = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../models"));
    // What can be read is examined, not what can be read in time.
    let worker = WorkerConfig { deadline: Duration::from_secs(30), ..WorkerConfig::default() };
    let reader = BarcodeReader::load(models, BarcodeConfig { worker, ..BarcodeConfig::default() })?;
    for path in std::io::stdin().lines() {
        let picture = std::fs::read(path?)?;
        let start = Instant::now();
        let outcome = reader.read(&picture);
        let ms = start.elapsed().as_secs_f64() * 1000.0;
        let line = match outcome {
            Outcome::Answer(scan) => serde_json::json!({
                "text": scan.text,
                "symbology": format!("{:?}", scan.symbology),
                "gtin": scan.gtin.map(|gtin| gtin.to_string()),
                "add_on": scan.add_on,
                "gs1": scan.gs1.map(|gs1| gs1.to_string()),
                "confidence": scan.confidence,
                "requires_confirmation": scan.requires_confirmation,
                "ms": ms,
            }),
            Outcome::Fallback { reason, .. } => serde_json::json!({ "none": reason.label(), "ms": ms }),
        };
        println!("{line}");
    }
    Ok(())
}

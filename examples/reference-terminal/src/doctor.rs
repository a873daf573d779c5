//! `doctor`: which engine would run which model on this machine, and why no better one does.

use std::fmt::Write as _;
use std::path::PathBuf;

use edgepos_inference::{
    BarcodeConfig, BarcodeReader, Engines, FraudConfig, FraudScorer, LibrarySearch, LoadError, ProductConfig,
    ProductRecognizer, Report, Task, VoiceConfig, VoiceRecognizer,
};
use serde_json::{Value, json};

/// What to look at.
#[derive(Clone, Debug)]
pub struct Options {
    /// The directory with the models and their manifest.
    pub models: PathBuf,
    /// A library of ONNX Runtime to try before those that the system has.
    pub library: Option<PathBuf>,
}

/// What was found: for each job a report, or why no engine serves it.
#[derive(Debug)]
pub struct Findings {
    jobs: Vec<(&'static str, Result<Report, LoadError>)>,
}

/// Loads every model on the best engine, as a terminal does at its start, and answers each known sample.
///
/// Blocks for seconds where graphics drivers compile their kernels.
#[must_use]
pub fn examine(options: &Options) -> Findings {
    let mut search = LibrarySearch::nowhere();
    if let Some(library) = &options.library {
        // A library is loaded by its absolute path alone, so that nobody's search order decides which.
        search = search.file(std::path::absolute(library).unwrap_or_else(|_| library.clone()));
    }
    let engines = Engines::accelerated(&search.then_standard());
    let models = options.models.as_path();
    let product = ProductRecognizer::load_with(models, ProductConfig::default(), &engines);
    let barcode = BarcodeReader::load_with(models, BarcodeConfig::default(), &engines);
    let fraud = FraudScorer::load_with(models, FraudConfig::default(), &engines);
    let voice = VoiceRecognizer::load_with(models, VoiceConfig::default(), &engines);
    Findings {
        jobs: vec![
            (Task::PRODUCT, product.map(|loaded| loaded.report().clone())),
            (Task::BARCODE, barcode.map(|loaded| loaded.report().clone())),
            (Task::FRAUD, fraud.map(|loaded| loaded.report().clone())),
            (Task::VOICE, voice.map(|loaded| loaded.report().clone())),
        ],
    }
}

impl Findings {
    /// Whether every job has an engine.
    #[must_use]
    pub fn all_served(&self) -> bool {
        self.jobs.iter().all(|(_, found)| found.is_ok())
    }

    /// A table for people, and below it what was refused.
    #[must_use]
    pub fn table(&self) -> String {
        let head = ["job", "model", "numbers", "engine", "runs on", "loaded in", "known sample"];
        let mut rows = vec![head.map(str::to_owned)];
        let mut refusals: Vec<(&str, &str, Vec<&str>)> = Vec::new();
        let mut notes = String::new();
        for (job, found) in &self.jobs {
            match found {
                Ok(report) => {
                    rows.push(row(job, report));
                    for refusal in &report.refused {
                        let (engine, reason) = (refusal.engine.as_str(), refusal.reason.as_str());
                        match refusals.iter_mut().find(|known| (known.0, known.1) == (engine, reason)) {
                            Some(known) => known.2.push(job),
                            None => refusals.push((engine, reason, vec![job])),
                        }
                    }
                }
                Err(error) => {
                    let none = ["", "", "no engine", "", "", ""].map(str::to_owned);
                    let [model, numbers, engine, place, load, sample] = none;
                    rows.push([(*job).to_owned(), model, numbers, engine, place, load, sample]);
                    let _ = writeln!(notes, "{job}: {error}");
                }
            }
        }
        for (engine, reason, jobs) in refusals {
            let _ = writeln!(notes, "not {engine} for {}: {reason}", jobs.join(", "));
        }
        let widths: [usize; 7] = std::array::from_fn(|column| {
            rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)
        });
        let mut table = String::new();
        for row in rows {
            let cells: Vec<String> =
                row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            let _ = writeln!(table, "{}", cells.join("  ").trim_end());
        }
        if notes.is_empty() { table } else { format!("{table}\n{notes}") }
    }

    /// The same for programs: one object for each job, with `report` or `error`.
    #[must_use]
    pub fn json(&self) -> Value {
        let job = |(job, found): &(&str, Result<Report, LoadError>)| match found {
            Ok(report) => json!({ "job": job, "report": report }),
            Err(error) => json!({ "job": job, "error": error.to_string() }),
        };
        self.jobs.iter().map(job).collect()
    }
}

fn row(job: &str, report: &Report) -> [String; 7] {
    let milliseconds = |micros: u64| format!("{:.1} ms", micros as f64 / 1e3);
    [
        job.to_owned(),
        format!("{} {}", report.model, report.version),
        report.precision.to_string(),
        report.engine.to_owned(),
        report.placement.clone(),
        milliseconds(report.load_us),
        report.warm_run_us.map_or_else(|| "none".to_owned(), |run| format!("right, {}", milliseconds(run))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_has_a_row_and_what_is_missing_is_said() {
        let models = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models").into();
        let missing = PathBuf::from("/nowhere/libonnxruntime.so");
        let found = examine(&Options { models, library: Some(missing) });
        let table = found.table();
        println!("{table}");
        // An unoptimised network may miss its budget on a busy machine; the trees never do.
        assert!(table.contains("trees") || table.contains("onnxruntime/cpu"), "{table}");
        for job in ["product", "barcode", "fraud", "voice"] {
            assert!(table.lines().any(|line| line.starts_with(job)), "{table}");
        }
        assert_eq!(found.json().as_array().map(Vec::len), Some(4));
        assert_eq!(found.json()[2]["report"]["model"], "fraud-xgb20");

        let empty = examine(&Options { models: "/nowhere".into(), library: None });
        assert!(!empty.all_served());
        assert!(empty.table().contains("cannot read manifest"), "{}", empty.table());
        assert!(empty.json()[0]["error"].is_string());
    }
}

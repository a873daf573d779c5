//! The proof, from the files alone: opens every SQLite file of a run and compares them with each other and with the ledger.
//!
//! Nothing that a running process said is used, but for the receipts that it gave, which are in the ledger. What is checked:
//!
//! - every terminal and the cloud hold the same set of (event, payload), each chain without a gap;
//! - every counter row of every terminal equals the sum of the effects of the events that it holds, chain by chain;
//! - the transactions in the cloud are those of the ledger, one for one: nothing lost, nothing twice, nothing invented;
//! - no receipt number is used twice, and none is missing but for those that were voided;
//! - every transaction belongs to a business day, which its terminal had opened and not closed;
//! - as many exceptions were raised as were provoked.

mod counters;
mod files;
mod receipts;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use edgepos::core::{EventId, StoreId};
use edgepos::model::{Envelope, ExceptionRaised, Kind};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::json;
use super::ledger::{Acknowledged, LedgerError};

/// Most findings that are spelled out; the others are counted.
const MAX_FINDINGS: usize = 40;

/// What there is to compare.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The terminals' files, by terminal number from 1.
    pub terminals: Vec<PathBuf>,
    /// The cloud's file.
    pub cloud: PathBuf,
    /// The store that the files are of.
    pub store: StoreId,
    /// What tills were told.
    pub ledger: Acknowledged,
    /// How many exceptions of which type were provoked.
    pub exceptions: BTreeMap<String, u64>,
}

/// What the files say.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Verdict {
    /// What is wrong; empty when all holds.
    pub findings: Vec<String>,
    /// Different events that terminals hold.
    pub events_recorded: u64,
    /// Events that the cloud holds.
    pub events_in_cloud: u64,
    /// Acknowledged transactions and events that the cloud does not hold, or holds with other contents.
    pub lost: u64,
    /// Transactions in the cloud beyond one for each that was acknowledged, and receipt numbers used again.
    pub duplicated: u64,
    /// Whether every terminal and the cloud hold the same events.
    pub converged: bool,
    /// Counter rows, over all terminals, that are not the sum of their effects.
    pub stock_mismatches: u64,
    /// The same events as a vendor would post them in JSON, in bytes, each once.
    pub json_bytes: u64,
}

/// The files cannot be compared.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Database {
        /// The file or directory that it concerns.
        path: PathBuf,
        /// What the call beneath it says.
        source: rusqlite::Error,
    },
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The directory is none of a demo.
    #[error("{}: {reason}", path.display())]
    NoDemo {
        /// The file or directory that it concerns.
        path: PathBuf,
        /// What stood in the way, in words.
        reason: String,
    },
}

/// What a demo writes down for a later look: `store.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) store: String,
    pub(super) terminals: usize,
    pub(super) exceptions: BTreeMap<String, u64>,
}

/// The manifest's place in a demo's directory.
pub(super) fn manifest_path(dir: &Path) -> PathBuf {
    dir.join("store.json")
}

/// The ledger's place in a demo's directory.
pub(super) fn ledger_path(dir: &Path) -> PathBuf {
    dir.join("ledger.jsonl")
}

impl Evidence {
    /// What a demo left in its directory (`--dir`).
    ///
    /// # Errors
    /// When the directory is none of a demo that came to its end, or its ledger does not read.
    pub fn of_demo(dir: &Path) -> Result<Self, VerifyError> {
        let path = manifest_path(dir);
        let no_demo = |reason: String| VerifyError::NoDemo { path: path.clone(), reason };
        let text = std::fs::read_to_string(&path).map_err(|error| no_demo(error.to_string()))?;
        let manifest: Manifest = serde_json::from_str(&text).map_err(|error| no_demo(error.to_string()))?;
        let store = crate::names::parse_16(&manifest.store).map_err(|error| no_demo(error.to_string()))?;
        Ok(Self {
            terminals: (0..manifest.terminals).map(|index| super::db_path(dir, Some(index))).collect(),
            cloud: super::db_path(dir, None),
            store: StoreId(store),
            ledger: Acknowledged::read(&ledger_path(dir))?,
            exceptions: manifest.exceptions,
        })
    }
}

/// Compares everything with everything.
///
/// # Errors
/// When a file cannot be read at all. What is wrong with its contents is a finding.
pub fn verify(evidence: &Evidence) -> Result<Verdict, VerifyError> {
    let mut judge = Judge::default();
    let cloud = files::cloud_events(&evidence.cloud, evidence.store)?;
    let mut held: Vec<(String, BTreeSet<EventId>)> =
        vec![("the cloud".into(), cloud.keys().copied().collect())];
    let mut all: BTreeMap<EventId, Vec<u8>> = BTreeMap::new();
    for (index, path) in evidence.terminals.iter().enumerate() {
        let name = format!("terminal {}", index + 1);
        let events = files::terminal_events(path)?;
        judge.envelopes(&name, &events, &evidence.exceptions);
        counters::check(&name, path, &events, &mut judge)?;
        for (id, payload) in &events {
            if all.get(id).or_else(|| cloud.get(id)).is_some_and(|other| other != payload) {
                judge.differs(format!("{name} holds event {id} with other contents than somebody else"));
            }
        }
        held.push((name, events.keys().copied().collect()));
        all.extend(events);
    }
    judge.verdict.events_recorded = all.len() as u64;
    judge.verdict.events_in_cloud = cloud.len() as u64;
    judge.envelopes("the cloud", &cloud, &evidence.exceptions);
    judge.same_everywhere(&held);
    judge.no_gaps(&all);
    receipts::check(&cloud, &evidence.ledger, &mut judge);
    let envelopes = cloud.iter().filter_map(|(id, payload)| Some((id, Envelope::decode(payload).ok()?)));
    judge.verdict.json_bytes = envelopes.map(|(id, envelope)| json::vendor_bytes(*id, &envelope)).sum();
    Ok(judge.verdict())
}

/// Collects what is wrong.
#[derive(Debug, Default)]
struct Judge {
    verdict: Verdict,
    unsaid: usize,
    apart: bool,
}

impl Judge {
    fn find(&mut self, finding: String) {
        if self.verdict.findings.len() < MAX_FINDINGS {
            self.verdict.findings.push(finding);
        } else {
            self.unsaid += 1;
        }
    }

    fn differs(&mut self, finding: String) {
        self.apart = true;
        self.find(finding);
    }

    fn same_everywhere(&mut self, held: &[(String, BTreeSet<EventId>)]) {
        let all: BTreeSet<EventId> = held.iter().flat_map(|(_, events)| events.iter().copied()).collect();
        for (name, events) in held {
            let lacking: Vec<&EventId> = all.difference(events).collect();
            if let Some(first) = lacking.first() {
                self.differs(format!(
                    "{name} lacks {} of {} events, the first is {first}",
                    lacking.len(),
                    all.len()
                ));
            }
        }
    }

    fn no_gaps(&mut self, all: &BTreeMap<EventId, Vec<u8>>) {
        let mut expected: Option<EventId> = None;
        for id in all.keys() {
            let before = expected.filter(|expected| expected.chain == id.chain);
            let due = before.map_or(1, |expected| expected.seq.0);
            if id.seq.0 != due {
                self.find(format!("chain {} has no event {due}, and has event {}", id.chain, id.seq));
            }
            expected = Some(EventId::new(id.chain, id.seq.next()));
        }
    }

    /// What is inside the events: they decode, and the right exceptions were raised.
    fn envelopes(
        &mut self,
        name: &str,
        events: &BTreeMap<EventId, Vec<u8>>,
        provoked: &BTreeMap<String, u64>,
    ) {
        let mut raised: BTreeMap<String, u64> = BTreeMap::new();
        for (id, payload) in events {
            match Envelope::decode(payload) {
                Err(error) => self.find(format!("{name} holds event {id}: {error}")),
                Ok(envelope) if envelope.kind == Kind::EXCEPTION_RAISED => {
                    let exception = minicbor::decode::<ExceptionRaised>(&envelope.body);
                    let kind = exception.map_or("undecodable", |exception| exception.exception.name());
                    *raised.entry(kind.to_owned()).or_default() += 1;
                }
                Ok(_) => {}
            }
        }
        if raised != *provoked {
            self.find(format!("{name} holds the exceptions {raised:?} where {provoked:?} were provoked"));
        }
    }

    fn verdict(mut self) -> Verdict {
        if self.unsaid > 0 {
            self.verdict.findings.push(format!("and {} more", self.unsaid));
        }
        self.verdict.converged = !self.apart;
        self.verdict
    }
}

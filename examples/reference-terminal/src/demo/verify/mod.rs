//! The proof, from the files alone: opens every SQLite file of a run and compares them with each other and with the ledger.
//!
//! Nothing that a running process said is used, but for the receipts that it gave, which are in the ledger. What is checked:
//!
//! - each file is that of the terminal and of the store that it is named after, what stands in it beside a payload is what the payload
//!   says, and each payload matches the hash of its chain;
//! - every terminal and the cloud hold the same set of (event, payload), each chain without a gap;
//! - every counter row of every terminal equals the sum of the effects of the events that it holds, chain by chain;
//! - the X and Z figures of each business day, by terminal and for the store, with what came late, are to the cent what the events of
//!   that terminal come to, by document, tender, tax, operator, drawer and shift, with cash that moved without a sale;
//! - the transactions in the cloud are those of the ledger, one for one: nothing lost, nothing twice, nothing invented;
//! - no number of a (terminal, series) is used twice, but where one of the two says that it was written again or begun under an earlier
//!   incarnation; and none is missing but for those that were voided;
//! - every transaction belongs to a business day, which its terminal, or the store, had opened and its terminal had not closed;
//! - from the first receipt of a series that the fiscal device signed on each is signed, with the signature of the receipt as it was booked;
//! - as many exceptions were raised as were provoked, where somebody counted.

mod columns;
mod counters;
mod days;
mod drawers;
mod error;
mod evidence;
mod files;
mod judge;
mod receipts;
mod signatures;

use std::collections::{BTreeMap, BTreeSet};

use edgepos::core::EventId;
use edgepos::model::Envelope;

pub use error::VerifyError;
pub use evidence::Evidence;
pub(super) use evidence::Manifest;
use judge::Judge;
pub use judge::Verdict;

use super::json;

/// Compares everything with everything.
///
/// # Errors
/// When a file cannot be read at all. What is wrong with its contents is a finding.
pub fn verify(evidence: &Evidence) -> Result<Verdict, VerifyError> {
    let mut judge = Judge::default();
    let cloud = files::cloud_events(&evidence.cloud, evidence.store)?;
    columns::check_cloud(&evidence.cloud, evidence.store, &mut judge)?;
    let mut held: Vec<(String, BTreeSet<EventId>)> =
        vec![("the cloud".into(), cloud.keys().copied().collect())];
    let mut all: BTreeMap<EventId, Vec<u8>> = BTreeMap::new();
    for (index, path) in evidence.terminals.iter().enumerate() {
        let name = format!("terminal {}", index + 1);
        let number = u16::try_from(index + 1).unwrap_or(u16::MAX);
        columns::check((&name, number), path, evidence.store, &mut judge)?;
        let events = files::terminal_events(path)?;
        judge.envelopes(&name, &events, evidence.exceptions.as_ref());
        counters::check(&name, path, &events, &mut judge)?;
        let figures = days::check(&name, path, &events, &mut judge)?;
        judge.recomputed(figures);
        for (id, payload) in &events {
            if all.get(id).or_else(|| cloud.get(id)).is_some_and(|other| other != payload) {
                judge.differs(format!("{name} holds event {id} with other contents than somebody else"));
            }
        }
        held.push((name, events.keys().copied().collect()));
        all.extend(events);
    }
    judge.envelopes("the cloud", &cloud, evidence.exceptions.as_ref());
    judge.same_everywhere(&held);
    judge.no_gaps(&all);
    receipts::check(&cloud, &evidence.ledger, &mut judge);
    signatures::check(&cloud, &mut judge);
    let envelopes = cloud.iter().filter_map(|(id, payload)| Some((id, Envelope::decode(payload).ok()?)));
    let json_bytes = envelopes.map(|(id, envelope)| json::vendor_bytes(*id, &envelope)).sum();
    judge.compared(all.len(), cloud.len(), json_bytes);
    Ok(judge.verdict())
}

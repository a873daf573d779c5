//! A long time in which nothing happens: every election in it is one too many.

use edgepos_consensus::Timing;
use serde::Serialize;

use super::error::TrialError;
use super::lan::{Lan, Wire};
use super::trial;

/// What a quiet time gave.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Week {
    /// The seed of the run.
    pub seed: u64,
    /// Terminals of the store.
    pub terminals: usize,
    /// How messages travelled.
    pub transport: Wire,
    /// Messages lost, in percent.
    pub loss: u64,
    /// Hours of virtual time.
    pub hours: u64,
    /// Elections after the first one.
    pub needless_elections: u64,
    /// How long the leader was not entitled for want of answers, in milliseconds.
    pub without_quorum_ms: u64,
}

/// Runs a store in profile Standard for so many hours, with nothing but the loss of messages.
///
/// # Errors
/// When a promise of raft's was broken, or the store found no first leader in a minute.
pub fn week(seed: u64, terminals: usize, transport: Wire, loss: u64, hours: u64) -> Result<Week, TrialError> {
    let configs = trial::configs(seed, terminals, &Timing::standard(), transport);
    let mut lan = Lan::new(seed, transport, loss, 0, configs);
    (0..terminals).for_each(|node| lan.boot(node));
    if !lan.run_until(lan.now() + 60_000, |lan| lan.leader().is_some()) {
        return Err(TrialError::NoFirstLeader);
    }
    let (end, before) = (lan.now() + hours * 3_600_000, lan.elections());
    let mut without_quorum_ms = 0;
    while lan.run_until(end, |lan| lan.leader().is_none()) {
        let since = lan.now();
        let regained = lan.run_until(end, |lan| lan.leader().is_some());
        without_quorum_ms += lan.now() - since;
        if !regained {
            break;
        }
    }
    lan.verdict()?;
    let needless_elections = lan.elections() - before;
    Ok(Week { seed, terminals, transport, loss, hours, needless_elections, without_quorum_ms })
}

//! What the supervisor measures while the store runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use edgepos::core::EventId;
use edgepos::crdt::VersionVector;
use serde::Serialize;

use crate::names::parse_event;

/// Two places of a distribution, in milliseconds; absent where nothing was measured.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub struct Percentiles {
    /// Half are at most this.
    pub p50: Option<f64>,
    /// 99 of 100 are at most this.
    pub p99: Option<f64>,
}

/// How many of each were done and held.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct BoxesDone {
    /// Sales asked for once more at another till, which answered the first receipt.
    pub retried_elsewhere: u64,
    /// Disks put back to an older copy, whose terminal went on under another name.
    pub disks_restored: u64,
    /// Boxes replaced by another with an empty disk, which got the vote.
    pub tills_replaced: u64,
}

/// Figures as they come in.
#[derive(Debug, Default)]
pub(super) struct Figures {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    commit_ms: Vec<f64>,
    /// Acknowledged at a till, not yet seen in the cloud.
    on_the_way: BTreeMap<EventId, Instant>,
    lag_ms: Vec<f64>,
    failovers_ms: Vec<f64>,
    restarts: u32,
    findings: Vec<String>,
    refused: BTreeSet<String>,
    skipped: Vec<String>,
    story: Vec<String>,
    boxes: BoxesDone,
}

impl Figures {
    /// A till has its receipt; the call that was answered took `took`.
    pub(super) fn sold(&self, event: &str, took: Duration) {
        let mut inner = self.inner();
        inner.commit_ms.push(ms(took));
        if let Ok(event) = parse_event(event) {
            inner.on_the_way.insert(event, Instant::now());
        }
    }

    /// The cloud was seen to hold this at `at`.
    pub(super) fn cloud_holds(&self, vector: &VersionVector, at: Instant) {
        let mut inner = self.inner();
        let arrived: Vec<(EventId, Instant)> = inner
            .on_the_way
            .iter()
            .filter(|(event, _)| vector.covers(**event))
            .map(|(event, sold)| (*event, *sold))
            .collect();
        for (event, sold) in arrived {
            inner.on_the_way.remove(&event);
            inner.lag_ms.push(ms(at.saturating_duration_since(sold)));
        }
    }

    /// Transactions of a terminal that were not yet seen in the cloud.
    pub(super) fn on_the_way(&self) -> usize {
        self.inner().on_the_way.len()
    }

    /// The age of the oldest transaction that was not yet seen in the cloud, by terminal number.
    pub(super) fn lag_of(&self, terminal: u16) -> Duration {
        let inner = self.inner();
        let own = inner.on_the_way.iter().filter(|(event, _)| event.chain.replica.terminal() == terminal);
        own.map(|(_, sold)| sold.elapsed()).max().unwrap_or_default()
    }

    pub(super) fn failover(&self, took: Duration) {
        self.inner().failovers_ms.push(ms(took));
    }

    pub(super) fn failovers(&self) -> Vec<f64> {
        self.inner().failovers_ms.clone()
    }

    /// A process died that nobody had killed here.
    pub(super) fn restarted(&self) {
        self.inner().restarts += 1;
    }

    pub(super) fn restarts(&self) -> u32 {
        self.inner().restarts
    }

    /// Something is wrong: the run fails.
    pub(super) fn find(&self, finding: impl Into<String>) {
        self.inner().findings.push(finding.into());
    }

    /// A terminal refused a basket, which none should be: a return of it cannot follow.
    pub(super) fn refused(&self, basket: &str, why: &str) {
        self.inner().refused.insert(basket.to_owned());
        self.find(why);
    }

    pub(super) fn is_refused(&self, basket: &str) -> bool {
        self.inner().refused.contains(basket)
    }

    pub(super) fn findings(&self) -> Vec<String> {
        self.inner().findings.clone()
    }

    /// Something was left out, and why.
    pub(super) fn skip(&self, what: impl Into<String>) {
        self.inner().skipped.push(what.into());
    }

    pub(super) fn skipped(&self) -> Vec<String> {
        self.inner().skipped.clone()
    }

    /// Something happened that the summary tells.
    pub(super) fn tell(&self, what: impl Into<String>) {
        self.inner().story.push(what.into());
    }

    pub(super) fn story(&self) -> Vec<String> {
        self.inner().story.clone()
    }

    /// What was done to boxes.
    pub(super) fn boxes(&self, done: BoxesDone) {
        self.inner().boxes = done;
    }

    pub(super) fn boxes_done(&self) -> BoxesDone {
        self.inner().boxes
    }

    pub(super) fn commit_ms(&self) -> Percentiles {
        percentiles(&self.inner().commit_ms)
    }

    pub(super) fn lag_ms(&self) -> Percentiles {
        percentiles(&self.inner().lag_ms)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Milliseconds, to a hundredth.
fn ms(took: Duration) -> f64 {
    (took.as_secs_f64() * 100_000.0).round() / 100.0
}

/// By nearest rank.
fn percentiles(values: &[f64]) -> Percentiles {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = |share: f64| {
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).copied()
    };
    Percentiles { p50: rank(0.50), p99: rank(0.99) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!(percentiles(&values), Percentiles { p50: Some(100.0), p99: Some(198.0) });
        assert_eq!(percentiles(&[7.0]), Percentiles { p50: Some(7.0), p99: Some(7.0) });
        assert_eq!(percentiles(&[]), Percentiles::default());
    }
}

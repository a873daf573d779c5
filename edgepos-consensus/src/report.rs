//! Figures for monitoring, as this terminal saw them.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use edgepos_core::{ReplicaId, Time};

use crate::guard::DropReason;
use crate::io::{Health, Leader, Notice};
use crate::turn::Turn;

/// Elections whose moments are kept; more in one hour are reported as this many.
const ELECTIONS: usize = 512;
/// Failovers whose durations are kept.
const FAILOVERS: usize = 256;
const HOUR: Duration = Duration::from_secs(3600);

/// How the elections of a store went, from one terminal's view since its start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Report {
    /// New leaders in the last hour, at most 512. More than 3 are worth an alert.
    pub elections_last_hour: u32,
    /// New leaders since the start.
    pub elections: u64,
    /// From the last sign of life of a leader to the next leader, over the latest 256: half of them were shorter. Zero for none.
    #[cfg_attr(feature = "serde", serde(rename = "failover_p50_ms", serialize_with = "ms"))]
    pub failover_p50: Duration,
    /// 99 of 100 were shorter.
    #[cfg_attr(feature = "serde", serde(rename = "failover_p99_ms", serialize_with = "ms"))]
    pub failover_p99: Duration,
    /// The longest. Above 10 s is worth an alert.
    #[cfg_attr(feature = "serde", serde(rename = "failover_max_ms", serialize_with = "ms"))]
    pub failover_max: Duration,
    /// Two leaders in one term were seen: never, unless a terminal lies or a disk was copied. Any is worth an alert.
    pub split_brains: u64,
    /// A leader was heard that had been replaced and did not know it yet. Normal after a partition: it is not entitled any more.
    pub stale_leaders: u64,
    /// How long no leader was known, or this terminal led without a majority, altogether.
    #[cfg_attr(feature = "serde", serde(rename = "without_quorum_ms", serialize_with = "ms"))]
    pub without_quorum: Duration,
}

/// As a number of milliseconds.
#[cfg(feature = "serde")]
fn ms<S: serde::Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

/// Collects what [`Report`] tells.
#[derive(Clone, Debug)]
pub(crate) struct Chronicle {
    elections: u64,
    recent: VecDeque<Time>,
    failovers: VecDeque<Duration>,
    /// The last leader known and its last sign of life.
    last: Option<(Leader, Time)>,
    stale_leaders: u64,
    /// Messages that were dropped.
    drops: BTreeMap<DropReason, u64>,
    without: Duration,
    /// Since when there is no quorum.
    without_since: Option<Time>,
}

impl Chronicle {
    pub(crate) fn new(now: Time) -> Self {
        Self {
            elections: 0,
            recent: VecDeque::new(),
            failovers: VecDeque::new(),
            last: None,
            stale_leaders: 0,
            drops: BTreeMap::new(),
            without: Duration::ZERO,
            without_since: Some(now),
        }
    }

    /// A terminal gave a sign of life.
    pub(crate) fn heard(&mut self, replica: ReplicaId, now: Time) {
        if let Some((_, heard)) = self.last.as_mut().filter(|(leader, _)| leader.replica == replica) {
            *heard = now;
        }
    }

    /// A leader of an older term spoke.
    pub(crate) fn stale_leader(&mut self) {
        self.stale_leaders += 1;
    }

    /// A message was dropped.
    pub(crate) fn refused(&mut self, turn: &mut Turn<'_>, from: ReplicaId, reason: DropReason) {
        *self.drops.entry(reason).or_default() += 1;
        turn.out.tell(Notice::Refused { from, reason });
    }

    /// How many messages were dropped, by reason.
    pub(crate) fn drops(&self) -> impl Iterator<Item = (DropReason, u64)> {
        self.drops.iter().map(|(reason, count)| (*reason, *count))
    }

    /// What holds at the end of a turn: who leads, and whether this terminal is followed by a majority.
    pub(crate) fn note(&mut self, turn: &Turn<'_>, leader: Option<Leader>, health: Health, held: bool) {
        if let Some(leader) = leader {
            if leader.replica == turn.config.me && held {
                self.heard(leader.replica, turn.now);
            }
            self.leads(leader, turn.now);
        }
        self.quorum(health == Health::Normal, turn.now);
    }

    fn leads(&mut self, leader: Leader, now: Time) {
        if self.last.is_some_and(|(last, _)| last == leader) {
            return;
        }
        if let Some((_, heard)) = self.last {
            push(&mut self.failovers, now.since(heard), FAILOVERS);
        }
        self.elections += 1;
        push(&mut self.recent, now, ELECTIONS);
        self.last = Some((leader, now));
    }

    /// Whether there is a quorum, from this moment on.
    fn quorum(&mut self, holds: bool, now: Time) {
        match (holds, self.without_since) {
            (true, Some(since)) => {
                self.without += now.since(since);
                self.without_since = None;
            }
            (false, None) => self.without_since = Some(now),
            _ => {}
        }
    }

    pub(crate) fn report(&self, now: Time) -> Report {
        let mut failovers: Vec<_> = self.failovers.iter().copied().collect();
        failovers.sort_unstable();
        let percentile = |percent: usize| {
            let rank = (failovers.len() * percent).div_ceil(100).saturating_sub(1);
            failovers.get(rank).copied().unwrap_or_default()
        };
        let recent = self.recent.iter().filter(|at| now.since(**at) < HOUR).count();
        Report {
            elections_last_hour: recent as u32,
            elections: self.elections,
            failover_p50: percentile(50),
            failover_p99: percentile(99),
            failover_max: percentile(100),
            split_brains: self.drops.get(&DropReason::SecondLeader).copied().unwrap_or_default(),
            stale_leaders: self.stale_leaders,
            without_quorum: self.without
                + self.without_since.map_or(Duration::ZERO, |since| now.since(since)),
        }
    }
}

fn push<T>(queue: &mut VecDeque<T>, item: T, limit: usize) {
    if queue.len() == limit {
        queue.pop_front();
    }
    queue.push_back(item);
}

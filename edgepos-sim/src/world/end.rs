//! When a healed store is quiet, and what is judged then.

use std::collections::BTreeSet;

use edgepos::model::BookedName;
use edgepos::{Condition, ConditionKind};
use edgepos_consensus::{Health, MAX_VOTERS};
use edgepos_core::{Chain, Seq};

use crate::check::{
    Facts, Ledger, LogGrowth, Rule, StoreView, Violation, applied_on, booked_twice, events_on, has_leaving,
    judge, log_on, shared_numbers,
};
use crate::cloud::Cloud;
use crate::plan::{LaterStyle, Plan};
use crate::station::Station;

/// How long a healed store must be unchanged to be called quiet, in microseconds: longer than the exceptions' grace, a flush and a
/// decision take together.
const QUIET_US: u64 = 14_000_000;

/// How long branches may wait for their owners, in microseconds: a minute for each of the four chains that a terminal writes.
const HELD_UP_US: u64 = 240_000_000;

/// Most exceptions that a report names.
const MAX_DUE: usize = 3;

/// How long it takes at most until a proposal that came to nothing is made again, in microseconds.
const REPEAT_US: u64 = 32_000_000;

/// Whether the store changes, and what its log does meanwhile.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    growth: LogGrowth,
    /// Since when the healed store is whole, and the cloud's count of events then.
    since: Option<(u64, usize)>,
    /// The numbers of the terminals whose disks were put back, before it was healed.
    put_back: BTreeSet<u16>,
    /// When somebody waited last for the owner of a branch to write it again.
    held_up_us: u64,
}

impl Quiet {
    /// Looks at a healed store.
    ///
    /// # Errors
    /// When the store decides without a reason, by the first terminal's log.
    pub(super) fn observe(
        &mut self,
        now_us: u64,
        stations: &[Station],
        cloud: &Cloud,
        put_back: &BTreeSet<u16>,
    ) -> Result<(), Violation> {
        self.put_back.clone_from(put_back);
        if stations.iter().any(|station| has_leaving(station.on_disk())) {
            self.held_up_us = now_us;
        }
        let whole = is_whole(stations, cloud, put_back);
        // What a new leader has just proposed is not decided yet.
        let applied = applied_on(stations[0].on_disk()).unwrap_or(u64::MAX);
        let mut log = log_on(stations[0].on_disk()).unwrap_or_default();
        log.retain(|entry| entry.index <= applied);
        let of_store = cloud.events().keys().filter(|id| id.chain.replica.is_store());
        self.growth.observe(now_us, whole, &log, of_store.count() as u64)?;
        let events = cloud.events().len();
        self.since = match self.since {
            Some((since, count)) if whole && count == events => Some((since, count)),
            _ => whole.then_some((now_us, events)),
        };
        Ok(())
    }

    /// Whether it takes too long. While branches wait for their owners nobody can do anything.
    pub(super) fn is_overdue(&self, now_us: u64, plan: &Plan) -> bool {
        let began_us = self.held_up_us.clamp(plan.faults_us, plan.faults_us + HELD_UP_US);
        now_us > began_us + plan.deadline_us
    }

    /// Whether the store has been whole and unchanged for long enough, and still is, with nothing left to decide.
    pub(super) fn is_over(&mut self, now_us: u64, plan: &Plan, stations: &[Station], cloud: &Cloud) -> bool {
        // With a later version in the store it is long enough to see whether proposals come again.
        let long = if plan.later == LaterStyle::default() { QUIET_US } else { QUIET_US + REPEAT_US };
        if self.since.is_none_or(|(since, _)| now_us < since + long) {
            return false;
        }
        // Something may have been recorded since it was looked at.
        if !is_whole(stations, cloud, &self.put_back) {
            self.since = None;
            return false;
        }
        let undecided = !undecided(stations).is_empty();
        if undecided {
            // A proposal whose number an earlier life of the leader had used is made again after a while.
            self.since = Some((now_us, cloud.events().len()));
        }
        !undecided
    }
}

/// Rows below their floor, and names that were booked twice, without an exception, by the first terminal's disk.
fn undecided(stations: &[Station]) -> Vec<String> {
    let events = events_on(stations[0].on_disk()).unwrap_or_default();
    let facts = Facts::of(&events);
    let raised = |name: &BookedName| {
        facts.exceptions.iter().any(|(_, exception)| exception.booked_twice() == Some(*name))
    };
    let ends = stations.iter().all(Station::ends_exceptions);
    let unended = if ends { facts.unended() } else { Vec::new() };
    let rows = facts.undecided().map(|(row, value)| format!("counter {} at {value}", row.counter.0));
    let ended =
        unended.iter().map(|raised| format!("the end of {}", String::from_utf8_lossy(raised.subject())));
    let twice = booked_twice(&facts).into_iter().filter(|name| !raised(name));
    let twice = twice.map(|name| format!("{name:?} by {:?}", facts.booked.get(&name)));
    let raised: BTreeSet<_> =
        facts.exceptions.iter().filter_map(|(_, raised)| raised.receipt_number()).collect();
    let shared = shared_numbers(events.iter()).into_keys().filter(|number| !raised.contains(number));
    rows.chain(ended).chain(twice).chain(shared.map(|number| format!("{number:?}"))).collect()
}

fn is_whole(stations: &[Station], cloud: &Cloud, put_back: &BTreeSet<u16>) -> bool {
    let cloud = cloud.state();
    let agreed = stations.first().and_then(Station::status).map(|status| status.durable);
    let leaders: Vec<_> =
        stations.iter().filter_map(Station::status).filter(|status| status.entitled).collect();
    // While a box takes the place of another one vote is missing.
    matches!(&leaders[..], [leader] if leader.voters.len() == stations.len().min(MAX_VOTERS))
        && stations.iter().all(|station| {
            let Some(status) = station.status() else { return false };
            let even = if station.is_forgiving() {
                // What the cloud alone has of a disk that was put back stays there.
                let came_down = |(chain, seq): (Chain, Seq)| {
                    !chain.replica.is_cloud() || status.durable.get(chain) == seq
                };
                status.durable.iter().all(|(chain, seq)| cloud.vector().get(chain) >= seq)
                    && cloud.vector().iter().all(came_down)
                    && agreed.as_ref() == Some(&status.durable)
            } else {
                status.durable == *cloud.vector() && status.cloud == *cloud.vector()
            };
            let idle = status.queued == 0 && status.open_baskets == 0 && station.is_done();
            // Whose log went back votes no more, and is told nothing by who leads, until somebody replaces it.
            let led = status.health == Health::Normal && status.leader.is_some();
            let led = led || put_back.contains(&station.replica().terminal());
            let waits = |held: &Condition| {
                matches!(held.kind, ConditionKind::DecisionsLost | ConditionKind::Replacing)
            };
            let in_order = !status.conditions.iter().any(waits);
            even && idle && led && in_order && station.is_flushed() && !has_leaving(station.on_disk())
        })
}

/// What keeps a store from being quiet.
pub(super) fn why_not_quiet(plan: &Plan, stations: &[Station], cloud: &Cloud) -> String {
    let mut text = format!(
        "not quiet {} s after everything healed: the cloud holds {} events, exceptions are due: {:?}",
        plan.deadline_us / 1_000_000,
        cloud.events().len(),
        undecided(stations).iter().take(MAX_DUE).collect::<Vec<_>>()
    );
    for station in stations {
        let Some(status) = station.status() else {
            text += &format!("; {} is off", station.replica());
            continue;
        };
        let held: u64 = status.durable.iter().map(|(_, seq)| seq.0).sum();
        let known: u64 = status.cloud.iter().map(|(_, seq)| seq.0).sum();
        text += &format!(
            "; {} holds {held}, knows {known} in the cloud, queues {}, {} baskets and {} requests open, {}, {}, leader {}",
            status.me,
            status.queued,
            status.open_baskets,
            station.open_requests(),
            status.health,
            if status.entitled { "entitled" } else { "not entitled" },
            status
                .leader
                .map_or("none".into(), |leader| format!("{} in term {}", leader.replica, leader.term)),
        );
        let vector = cloud.state().vector().clone();
        let chains: BTreeSet<_> =
            status.durable.iter().chain(vector.iter()).map(|(chain, _)| chain).collect();
        for chain in chains {
            let [here, known, there] = [&status.durable, &status.cloud, &vector].map(|all| all.get(chain).0);
            if here != there || known < here {
                text += &format!(", of {chain} {here} and {known} of {there} in the cloud");
            }
        }
        for held in status.conditions {
            text += &format!(", {}: {}", held.kind.name(), held.about);
        }
    }
    text
}

/// The store is quiet: every rule, then a power cut for all, and the rules that disks alone must keep.
pub(super) fn last_words(
    now_us: u64,
    stations: &mut [Station],
    cloud: &Cloud,
    ledger: &Ledger,
    put_back: &BTreeSet<u16>,
) -> Vec<Violation> {
    match view(stations, cloud, put_back) {
        Ok(view) => {
            let found = judge(&view, ledger);
            if !found.is_empty() {
                return found;
            }
            after_a_blackout(now_us, stations, &view).err().into_iter().collect()
        }
        Err(violation) => vec![violation],
    }
}

fn view(stations: &[Station], cloud: &Cloud, put_back: &BTreeSet<u16>) -> Result<StoreView, Violation> {
    Ok(StoreView {
        terminals: stations.iter().map(Station::view).collect::<Result<_, _>>()?,
        cloud: cloud.view(),
        put_back: put_back.clone(),
    })
}

/// What a terminal makes of its disk is what it had in memory.
fn after_a_blackout(now_us: u64, stations: &mut [Station], before: &StoreView) -> Result<(), Violation> {
    for (station, before) in stations.iter_mut().zip(&before.terminals) {
        let lost = station.stop(true);
        if !lost.is_empty() {
            let what = format!("{} has baskets in a quiet store that no flush came after", station.replica());
            return Err(Violation::new(Rule::NothingLost, what));
        }
        station.start(now_us)?;
        let after = station.view()?;
        after.check_counters()?;
        let parts = [
            ("counters", after.counters == before.counters),
            ("events", after.events == before.events),
            ("what is durable", after.durable == before.durable),
            ("prices", after.prices == before.prices),
            ("exceptions", after.exceptions == before.exceptions),
            ("what is no sale", after.said == before.said),
            ("open baskets", after.open == before.open),
        ];
        if let Some((part, _)) = parts.iter().find(|(_, same)| !same) {
            let what = format!("{} knows something else of {part} after a restart", station.replica());
            return Err(Violation::new(Rule::NothingLost, what));
        }
    }
    Ok(())
}

//! When a healed store is quiet, and what is judged then.

use edgepos::model::BookedName;
use edgepos_consensus::Health;

use crate::check::{
    CloudView, Facts, Ledger, LogGrowth, Rule, StoreView, Violation, booked_twice, events_on, judge, log_on,
};
use crate::cloud::Cloud;
use crate::plan::{LaterStyle, Plan};
use crate::station::Station;

/// How long a healed store must be unchanged to be called quiet, in microseconds: longer than the exceptions' grace, a flush and a
/// decision take together.
const QUIET_US: u64 = 14_000_000;

/// How long it takes at most until a proposal that came to nothing is made again, in microseconds.
const REPEAT_US: u64 = 32_000_000;

/// Whether the store changes, and what its log does meanwhile.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    growth: LogGrowth,
    /// Since when the healed store is whole, and the cloud's count of events then.
    since: Option<(u64, usize)>,
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
    ) -> Result<(), Violation> {
        let whole = is_whole(stations, cloud);
        let log = log_on(stations[0].on_disk()).unwrap_or_default();
        let of_store = cloud.events().keys().filter(|id| id.chain.replica.is_store());
        self.growth.observe(now_us, whole, &log, of_store.count() as u64)?;
        let events = cloud.events().len();
        self.since = match self.since {
            Some((since, count)) if whole && count == events => Some((since, count)),
            _ => whole.then_some((now_us, events)),
        };
        Ok(())
    }

    /// Whether the store has been whole and unchanged for long enough, with nothing left to decide.
    pub(super) fn is_over(&mut self, now_us: u64, plan: &Plan, stations: &[Station], cloud: &Cloud) -> bool {
        // With a later version in the store it is long enough to see whether proposals come again.
        let long = if plan.later == LaterStyle::default() { QUIET_US } else { QUIET_US + REPEAT_US };
        if self.since.is_none_or(|(since, _)| now_us < since + long) {
            return false;
        }
        let undecided = undecided(stations);
        if undecided > 0 {
            // A proposal whose number an earlier life of the leader had used is made again after a while.
            self.since = Some((now_us, cloud.events().len()));
        }
        undecided == 0
    }
}

/// Rows below their floor, and names that were booked twice, without an exception, by the first terminal's disk.
fn undecided(stations: &[Station]) -> usize {
    let events = events_on(stations[0].on_disk()).unwrap_or_default();
    let facts = Facts::of(&events);
    let raised = |name: &&BookedName| {
        facts.exceptions.iter().any(|(_, exception)| exception.booked_twice() == Some(**name))
    };
    let ends = stations.iter().all(Station::ends_exceptions);
    let unended = if ends { facts.unended().len() } else { 0 };
    let twice = booked_twice(&facts);
    facts.undecided().count() + unended + twice.iter().filter(|name| !raised(name)).count()
}

fn is_whole(stations: &[Station], cloud: &Cloud) -> bool {
    let cloud = cloud.state();
    stations.iter().filter(|station| station.is_entitled()).count() == 1
        && stations.iter().all(|station| {
            let Some(status) = station.status() else { return false };
            let even = status.durable == *cloud.vector() && status.cloud == *cloud.vector();
            let idle = status.queued == 0 && status.open_baskets == 0 && station.is_done();
            even && idle && status.health == Health::Normal && status.leader.is_some() && station.is_flushed()
        })
}

/// What keeps a store from being quiet.
pub(super) fn why_not_quiet(plan: &Plan, stations: &[Station], cloud: &Cloud) -> String {
    let mut text = format!(
        "not quiet {} s after everything healed: the cloud holds {} events, {} exceptions are due",
        plan.deadline_us / 1_000_000,
        cloud.events().len(),
        undecided(stations)
    );
    for station in stations {
        let Some(status) = station.status() else {
            text += &format!("; {} is off", station.replica());
            continue;
        };
        let held: u64 = status.durable.iter().map(|(_, seq)| seq.0).sum();
        let cloud: u64 = status.cloud.iter().map(|(_, seq)| seq.0).sum();
        text += &format!(
            "; {} holds {held}, knows {cloud} in the cloud, queues {}, {} baskets and {} requests open, {}, {}, leader {}",
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
    }
    text
}

/// The store is quiet: every rule, then a power cut for all, and the rules that disks alone must keep.
pub(super) fn last_words(
    now_us: u64,
    stations: &mut [Station],
    cloud: &Cloud,
    ledger: &Ledger,
) -> Vec<Violation> {
    match view(stations, cloud) {
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

fn view(stations: &[Station], cloud: &Cloud) -> Result<StoreView, Violation> {
    Ok(StoreView {
        terminals: stations.iter().map(Station::view).collect::<Result<_, _>>()?,
        cloud: CloudView {
            events: cloud.events().clone(),
            vector: cloud.state().vector().clone(),
            stored_twice: cloud.stored_twice().to_vec(),
        },
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
        let same = after.counters == before.counters
            && after.events == before.events
            && after.durable == before.durable
            && after.prices == before.prices
            && after.exceptions == before.exceptions
            && after.open == before.open;
        if !same {
            let what = format!("{} knows something else after a restart", station.replica());
            return Err(Violation::new(Rule::NothingLost, what));
        }
    }
    Ok(())
}

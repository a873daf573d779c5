//! What the state of a terminal and its engines means to a person: findings for the conditions.

use std::time::Duration;

use edgepos_consensus::{Election, Health};
use edgepos_core::Now;
use edgepos_sync::{CloudRefusal, Mistake, Witness};

use super::clocks::Clocks;
use super::condition::{ConditionKind, Finding};
use super::config::Config;
use super::disk::Disk;
use super::ledger::Ledger;
use super::replacing::Replacing;
use crate::retail::shop::Shop;

/// What is looked at, beside the event log.
pub(super) struct Seen<'t> {
    pub(super) shop: &'t Shop,
    pub(super) election: &'t Election,
    pub(super) config: &'t Config,
    pub(super) clocks: &'t Clocks,
    pub(super) disk: &'t Disk,
    pub(super) replacing: &'t Replacing,
    /// Whether this terminal has become another incarnation since its start.
    pub(super) was_displaced: bool,
    /// Whether the disk was nearly full until now.
    pub(super) is_low: bool,
}

impl Seen<'_> {
    /// For each kind that the terminal itself sees whether it holds.
    pub(super) fn findings(
        &self,
        now: Now,
        ledger: &mut Ledger,
    ) -> impl Iterator<Item = (ConditionKind, Option<Finding>)> + use<> {
        let Self { shop, election, config, clocks, disk, replacing, was_displaced, is_low } = *self;
        // What the store cannot tell is the host's to report.
        let low = disk.low(config.disk_low_below, is_low).map(|low| (ConditionKind::DiskLow, low));
        let second_holder = ledger.other_holder(now);
        let (mistaken, forked) = of_claims(ledger.mistakes(), ledger.to_set_aside());
        [
            (
                ConditionKind::Quarantined,
                of_quarantine(shop.quarantine().len(), shop.quarantine().overflows()),
            ),
            (ConditionKind::Damaged, of_damage(shop.uncounted().len(), ledger)),
            (ConditionKind::ToleranceLost, of_majority(now, election, replacing)),
            (ConditionKind::DecisionsLost, of_decisions(election)),
            (ConditionKind::LevelBehind, of_level(election, config.level)),
            (ConditionKind::RefusedByCloud, of_refusal(ledger.refused_by_cloud(), ledger.queued())),
            (ConditionKind::MistakenClaim, mistaken),
            (ConditionKind::Forked, forked),
            (ConditionKind::Restored, of_incarnation(was_displaced, election, ledger)),
            (ConditionKind::SecondHolder, second_holder),
            (ConditionKind::WaitingForProof, of_proof(now, ledger)),
            (ConditionKind::ClockOff, clocks.finding(now, config, election, ledger)),
            (ConditionKind::Replacing, replacing.waits(election)),
            (ConditionKind::Unsent, replacing.unsent()),
            (ConditionKind::Exceptions, shop.exceptions().unresolved()),
            (ConditionKind::DiskFull, disk.full()),
            (ConditionKind::DiskBusy, disk.busy()),
        ]
        .into_iter()
        .chain(low)
    }
}

/// Events whose bytes are not there: damaged here, or lost for good.
fn of_damage(uncounted: u64, ledger: &Ledger) -> Option<Finding> {
    let damaged = ledger.damaged();
    let lost: Vec<_> = ledger.lost().iter().collect();
    let positions = lost.iter().map(|(_, first, last)| last.0 - first.0 + 1);
    let gone = positions.fold(0, u64::saturating_add);
    (damaged + gone + uncounted > 0).then(|| {
        let mut about = vec![format!("{damaged} damaged events are asked for")];
        if uncounted > 0 {
            about.push(format!("{uncounted} are missing from the counters"));
        }
        about.extend(
            lost.iter().map(|(chain, first, last)| format!("bytes lost: {chain} from {first} to {last}")),
        );
        Finding { count: (damaged + gone).max(uncounted), about: about.join("; ") }
    })
}

/// Events and decisions that are stored and cannot be read.
fn of_quarantine(count: u64, overflows: u64) -> Option<Finding> {
    let later = (count > overflows).then(|| "events and decisions of a later version".to_owned());
    let over = (overflows > 0).then(|| format!("{overflows} events that would overflow a counter"));
    let about: Vec<String> = later.into_iter().chain(over).collect();
    (count > 0).then(|| Finding { count, about: about.join("; ") })
}

/// No majority is heard.
fn of_majority(now: Now, election: &Election, replacing: &Replacing) -> Option<Finding> {
    match election.health() {
        Health::Degraded { reachable, needed, .. } => Some(Finding {
            count: u64::from(needed.saturating_sub(reachable)),
            about: format!("{reachable} voters in reach, {needed} needed"),
        }),
        // Whose log went back follows nobody: that says nothing of the others.
        Health::Leaderless if replacing.is_unled(now) && !election.has_lost_log() => Some(Finding {
            count: 1,
            about: format!("nobody leads; the store has {} voters", election.voters().len()),
        }),
        Health::Leaderless | Health::Normal => None,
    }
}

/// Members hold other decisions than this terminal.
fn of_decisions(election: &Election) -> Option<Finding> {
    let parted: Vec<_> = election.parted().map(|replica| format!("terminal {replica}")).collect();
    let count = parted.len() as u64;
    (count > 0)
        .then(|| Finding { count, about: format!("other decisions are held by {}", parted.join(", ")) })
}

/// The store is at a level that this terminal, which knows `known`, is below.
fn of_level(election: &Election, known: u32) -> Option<Finding> {
    election.is_below_level().then(|| Finding {
        count: 1,
        about: format!("the store is at level {}, this terminal knows {known}", election.level()),
    })
}

/// The cloud answers and refuses what is uploaded, of which `queued` events wait.
fn of_refusal(refusal: Option<CloudRefusal>, queued: u64) -> Option<Finding> {
    refusal.map(|refusal| Finding {
        count: queued,
        about: match refusal {
            CloudRefusal::Reason(reason) => reason.to_string(),
            CloudRefusal::Status(status) => format!("it answers with status {status}"),
        },
    })
}

/// Claims about the cloud that are not so: those above what is held here, and chains of which somebody holds another history.
fn of_claims(mistakes: impl Iterator<Item = Mistake>, leaving: u64) -> (Option<Finding>, Option<Finding>) {
    let (mut above, mut disputed) = (Vec::new(), Vec::new());
    if leaving > 0 {
        disputed.push(format!("{leaving} events of a branch that lost are still to be set aside"));
    }
    for mistake in mistakes {
        match mistake {
            Mistake::Above { chain, claimed, own, witness } => {
                above.push(format!(
                    "{witness}: the cloud holds {chain} up to {claimed}; here it ends at {own}"
                ));
            }
            // Whose disks went back decide anew what the cloud has been told otherwise: nobody can write that again.
            Mistake::Disputed { chain, witness: Witness::Cloud } if chain.replica.is_store() => disputed
                .push(
                    "the cloud: what the store itself has decided; the disks of several terminals went back \
                 together, and the recovery kit begins another generation of the store"
                        .into(),
                ),
            Mistake::Disputed { chain, witness } => disputed.push(format!("{witness}: {chain}")),
        }
    }
    (listed(above), listed(disputed))
}

/// How many there are, and what they are about; `None` where there is none.
fn listed(about: Vec<String>) -> Option<Finding> {
    (!about.is_empty()).then(|| Finding { count: about.len() as u64, about: about.join("; ") })
}

/// This terminal has become another incarnation, or has not yet written again all that it wrote as the one before.
fn of_incarnation(was_displaced: bool, election: &Election, ledger: &Ledger) -> Option<Finding> {
    let (votes_no_more, misses) = (election.has_lost_log(), election.misses());
    let left = ledger.to_reissue();
    (was_displaced || votes_no_more || misses.is_some() || left > 0).then(|| {
        let mut about =
            format!("it goes on as {}; {left} events are still to be written again", ledger.author());
        if votes_no_more {
            about += "; it votes and leads no more until it is replaced";
        } else if let Some(misses) = misses {
            about += &format!(
                "; until it holds again what was decided before, it votes for whoever holds that alone, and hears {misses} voters too few"
            );
        }
        Finding { count: left.max(1), about }
    })
}

/// How long a start may take until another has stated how far the chains of this terminal go.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(10);

/// Nobody else has stated how far the chains of this terminal go, so that they are not sent.
fn of_proof(now: Now, ledger: &Ledger) -> Option<Finding> {
    let author = ledger.author();
    let own: u64 =
        ledger.durable().iter().filter(|(chain, _)| chain.replica == author).map(|(_, seq)| seq.0).sum();
    (!ledger.is_confirmed() && own > 0 && now.mono >= ledger.started() + CONFIRMED_WITHIN)
        .then(|| Finding { count: own, about: format!("events of {author} wait for a statement of another") })
}

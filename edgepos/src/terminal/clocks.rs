//! The clocks of the store, compared: which of them are off, and by how much.
//!
//! Nothing of what terminals hold depends on it: stamps merge wherever they lie. It is shown, and a price that a wrong clock would stamp is
//! refused.

use std::time::Duration;

use edgepos_consensus::Election;
use edgepos_core::{Now, ReplicaId, Time, WallMs};

use super::condition::Finding;
use super::config::Config;
use super::ledger::Ledger;
use super::refusal::Refusal;
use crate::retail::envelope::ClockQuality;
use crate::retail::record::Record;

/// A clock that differs from the others by more is off: 5 s. The condition `clock_off` says so, and prices and products are not set there.
pub const CLOCK_GUARD: Duration = Duration::from_secs(5);
/// How long the cloud's time counts after it was heard.
const CLOUD_TIME: Duration = Duration::from_secs(24 * 3600);
/// How often peers are told what this clock shows: what they know of it counts for twice as long.
const REMINDER: Duration = Duration::from_secs(3_600);
/// A step of the own clock that peers are told of.
const STEP_MS: u64 = 1_000;

/// What was heard of clocks elsewhere, and what others were told of this one.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    /// What the cloud's time was ahead of the monotonic clock, and when that was heard.
    cloud: Option<(i64, Time)>,
    /// The same of this terminal's time of day, as peers know it, and when they were told.
    told: Option<(i64, Time)>,
    /// Whether this clock has agreed with a reference since the start.
    has_agreed: bool,
}

/// What the clocks are compared with, and by how many ms each is ahead of that.
#[derive(Debug)]
struct Offsets {
    reference: &'static str,
    /// Whether it is more than the clock of one terminal.
    is_sound: bool,
    own: i64,
    peers: Vec<(ReplicaId, i64)>,
}

impl Clocks {
    /// The cloud has said what time it is.
    pub(super) fn heard_cloud(&mut self, now: Now, wall: WallMs) {
        self.cloud = Some((base(Now { wall, ..now }), now.mono));
    }

    /// Tells peers what this clock shows, where they know another time of it, since somebody has set it, and now and then. Whether it did.
    pub(super) fn tell(&mut self, now: Now, ledger: &mut Ledger) -> bool {
        let own = base(now);
        let (told, when) = *self.told.get_or_insert((own, now.mono));
        let news = own.abs_diff(told) > STEP_MS || now.mono.since(when) >= REMINDER;
        if news {
            self.told = Some((own, now.mono));
            ledger.greet_anew(now);
        }
        news
    }

    /// Says in the events that follow how far their time of day can be trusted: whether it agrees with the cloud or with most of three
    /// terminals or more, or has since the start. The clock of one terminal alone, also of the one that leads, may be as wrong as this.
    pub(super) fn vouch(&mut self, now: Now, config: &Config, election: &Election, ledger: &mut Ledger) {
        let compared = self.compare(now, config, election, ledger).filter(|offsets| offsets.is_sound);
        let agrees = compared.is_some_and(|offsets| !is_off(offsets.own));
        self.has_agreed |= agrees;
        ledger.trust_clock(match (agrees, self.has_agreed) {
            (true, _) => ClockQuality::Synced,
            (false, true) => ClockQuality::Drifting,
            (false, false) => ClockQuality::Unset,
        });
    }

    /// Which clocks are off.
    pub(super) fn finding(
        &self,
        now: Now,
        config: &Config,
        election: &Election,
        ledger: &Ledger,
    ) -> Option<Finding> {
        let Offsets { reference, own, peers, .. } = self.compare(now, config, election, ledger)?;
        let clocks = std::iter::once((None, own)).chain(peers.into_iter().map(|(id, by)| (Some(id), by)));
        let off: Vec<String> = clocks
            .filter(|(_, by)| is_off(*by))
            .map(|(id, by)| {
                let whose = id.map_or("this clock".into(), |id| format!("the clock of terminal {id}"));
                let side = if by > 0 { "ahead of" } else { "behind" };
                format!("{whose} is {} s {side} {reference}", by.unsigned_abs().div_ceil(1_000))
            })
            .collect();
        (!off.is_empty()).then(|| Finding { count: off.len() as u64, about: off.join("; ") })
    }

    /// Refuses a price or a product that this terminal would stamp with a clock that is off.
    pub(super) fn guard(
        &self,
        now: Now,
        config: &Config,
        election: &Election,
        ledger: &Ledger,
        record: &Record,
    ) -> Result<(), Refusal> {
        if !record.is_guarded() {
            return Ok(());
        }
        match self.compare(now, config, election, ledger) {
            Some(Offsets { own, reference, .. }) if is_off(own) => {
                Err(Refusal::ClockOff { ahead_ms: own, reference })
            }
            _ => Ok(()),
        }
    }

    /// The cloud's time counts, else the median of the voters that are connected, else, with fewer than three, the leader's.
    fn compare(&self, now: Now, config: &Config, election: &Election, ledger: &Ledger) -> Option<Offsets> {
        let own = base(now);
        let peers: Vec<_> =
            ledger.peer_clocks(now).filter(|(id, _)| election.voters().contains(id)).collect();
        let mut all: Vec<i64> = peers.iter().map(|(_, clock)| *clock).chain([own]).collect();
        all.sort_unstable();
        let cloud = self.cloud.filter(|(_, heard)| now.mono.since(*heard) < CLOUD_TIME);
        let leader = election.leader().map(|leader| leader.replica);
        let is_sound = cloud.is_some() || all.len() >= 3;
        let (reference, at) = match (cloud, leader) {
            (Some((clock, _)), _) => ("the cloud", clock),
            (None, _) if all.len() >= 3 => {
                let (low, high) = (all[(all.len() - 1) / 2], all[all.len() / 2]);
                ("most terminals", low.midpoint(high))
            }
            (None, Some(leader)) if leader == config.me => ("this clock, which leads", own),
            (None, Some(leader)) => {
                ("the terminal that leads", peers.iter().find(|(id, _)| *id == leader)?.1)
            }
            (None, None) => return None,
        };
        let ahead = |clock: i64| clock.saturating_sub(at);
        let peers = peers.into_iter().map(|(id, clock)| (id, ahead(clock))).collect();
        Some(Offsets { reference, is_sound, own: ahead(own), peers })
    }
}

fn is_off(ms: i64) -> bool {
    u128::from(ms.unsigned_abs()) > CLOCK_GUARD.as_millis()
}

/// By how much a time of day is ahead of the monotonic clock, which nobody sets.
pub(super) fn base(now: Now) -> i64 {
    (now.wall.0 as i64).saturating_sub(now.mono.0 as i64)
}

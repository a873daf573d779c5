//! What terminals have to say by themselves: both sides of a fork that they hear each other about, and whoever does not get on.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::consensus::Notice as Elected;
use edgepos::sync::Notice as Synced;
use edgepos::{Condition, ConditionKind, Notice, Status};
use edgepos_core::{Chain, EventId, ReplicaId};
use edgepos_sync::Hash;

use super::device::Device;
use super::rights::Rights;
use super::worlds::{Fault, World};
use crate::check::{Events, Leadership, Rule, Violation, events_on, hashes};

/// How long two that hear each other may hold two histories of one chain without either saying so.
const TOLD_WITHIN_MS: u64 = 5_000;

/// The same of a terminal and the cloud: an interval at which an idle leader asks for its head, and the search.
const TOLD_BY_CLOUD_WITHIN_MS: u64 = 65_000;

/// How long events may wait, and none of them get to the cloud, before somebody must say why.
const STUCK_AFTER_MS: u64 = 20_000;

/// What says why events wait, on whoever holds them or on whoever leads and uploads for all.
const OF_WAITING: [ConditionKind; 5] = [
    ConditionKind::WaitingForProof,
    ConditionKind::MistakenClaim,
    ConditionKind::RefusedByCloud,
    ConditionKind::Forked,
    ConditionKind::Restored,
];

/// The first event that two hold otherwise, with the two hashes of its chain.
type Fork = (EventId, [Hash; 2]);

/// What is held against the clock.
#[derive(Debug, Default)]
pub(super) struct Watch {
    leadership: Leadership,
    held: BTreeMap<usize, (u64, BTreeMap<EventId, Hash>)>,
    in_cloud: (usize, BTreeMap<EventId, Hash>),
    /// Who has to say by when that there are two histories, and why.
    due: BTreeMap<(usize, Fork), (u64, String)>,
    /// Who has said so: it says it until it has done what it can, and not as long as somebody keeps the other history aside.
    told: BTreeSet<(usize, Fork)>,
    /// Since when events wait and the cloud has this many.
    waiting: BTreeMap<usize, (u64, u64)>,
}

impl Watch {
    /// A terminal says something.
    ///
    /// # Errors
    /// When it is a false alarm, or two lead in one term.
    pub(super) fn notice(
        &mut self,
        world: &World,
        place: usize,
        me: ReplicaId,
        notice: &Notice,
    ) -> Result<(), Violation> {
        // With a disk that is put back, or a cloud that is wrong, they are no false alarms.
        let expected = world.fault != Fault::Nothing;
        match notice {
            Notice::Election(Elected::LeaderChanged(Some(leader))) => {
                self.leadership.claims(me, leader.replica, leader.term)
            }
            Notice::Condition { condition, holds: true } => {
                self.hear(place, me, condition);
                Ok(())
            }
            Notice::Sync(Synced::Fork { .. } | Synced::RollbackSuspected { .. }) if expected => Ok(()),
            Notice::Sync(Synced::CloudRestored { .. }) if !world.puts_cloud_back() => {
                Err(Violation::new(Rule::Alive, format!("{me} says that the cloud went back: {notice:?}")))
            }
            Notice::Election(Elected::Halted(_))
            | Notice::Quarantined { .. }
            | Notice::Sync(Synced::Damaged { .. } | Synced::Fork { .. } | Synced::RollbackSuspected { .. }) => {
                Err(Violation::new(Rule::Alive, format!("{me}: {notice:?}")))
            }
            _ => Ok(()),
        }
    }

    /// A terminal says that something holds: that there are two histories of each chain that it names, and of its own where its disk went
    /// back or another box has its name.
    fn hear(&mut self, place: usize, me: ReplicaId, condition: &Condition) {
        let is_of = |chain: Chain| match condition.kind {
            ConditionKind::Restored | ConditionKind::SecondHolder => {
                chain.replica.terminal() == me.terminal() && !chain.replica.is_store()
            }
            ConditionKind::Forked => condition.about.contains(&chain.to_string()),
            _ => false,
        };
        let told = self.due.extract_if(.., |(of, (event, _)), _| *of == place && is_of(event.chain));
        self.told.extend(told.map(|(due, _)| due));
    }

    /// The process at this place is gone, and what it has said with it.
    pub(super) fn ends(&mut self, place: usize) {
        self.due.retain(|(of, _), _| *of != place);
        self.told.retain(|(of, _)| *of != place);
    }

    /// Looks at everything before time moves on. `pairs`: who is connected.
    ///
    /// # Errors
    /// When somebody should have said something for long enough.
    pub(super) fn look(
        &mut self,
        now_ms: u64,
        devices: &[Device],
        pairs: impl Iterator<Item = (usize, usize)>,
        cloud: &Events,
        rights: &Rights,
    ) -> Result<(), Violation> {
        self.see_forks(now_ms, devices, pairs, cloud)?;
        for (place, device) in devices.iter().enumerate() {
            let silent = |status: &Status| {
                rights.has_new_name(place, status.author) && !tells(status, &[ConditionKind::Restored])
            };
            if device.status().is_some_and(|status| silent(&status)) {
                let what = format!("T{} goes on under another name, and says nothing of it", place + 1);
                return Err(Violation::new(Rule::Told, what));
            }
        }
        for (place, device) in devices.iter().enumerate() {
            let conditions = device.status().map(|status| status.conditions).unwrap_or_default();
            conditions.iter().for_each(|condition| self.hear(place, device.me(), condition));
        }
        if let Some(((place, _), (_, why))) = self.due.iter().find(|(_, (by, _))| now_ms > *by) {
            let what = format!("{why}, and T{} has said nothing of it in time", place + 1);
            return Err(Violation::new(Rule::Told, what));
        }
        self.see_who_waits(now_ms, devices, cloud.len() as u64)
    }

    /// Notes who has to say soon that there are two histories.
    ///
    /// # Errors
    /// When a disk holds a row that cannot be read.
    pub(super) fn see_forks(
        &mut self,
        now_ms: u64,
        devices: &[Device],
        pairs: impl Iterator<Item = (usize, usize)>,
        cloud: &Events,
    ) -> Result<(), Violation> {
        self.read(devices, cloud)?;
        let mut present = BTreeSet::new();
        let with_cloud =
            (0..devices.len()).filter(|place| devices[*place].is_on()).map(|place| (place, None));
        for (a, b) in pairs.map(|(a, b)| (a, Some(b))).chain(with_cloud) {
            let held = |place: usize| self.held.get(&place).map(|(_, held)| held);
            let other = b.map_or(Some(&self.in_cloud.1), held);
            let Some(fork) = held(a).zip(other).and_then(|(a, b)| fork(a, b)) else { continue };
            let chain = fork.0.chain;
            let within = if b.is_some() { TOLD_WITHIN_MS } else { TOLD_BY_CLOUD_WITHIN_MS };
            let with = b.map_or("the cloud".to_owned(), |b| format!("T{}", b + 1));
            for place in [Some(a), b].into_iter().flatten() {
                let why = format!("T{} and {with} held two histories of {chain}", a + 1);
                let by = now_ms + within;
                present.insert((place, fork));
                if !self.told.contains(&(place, fork)) {
                    let due = self.due.entry((place, fork)).or_insert((by, why));
                    due.0 = due.0.min(by);
                }
            }
        }
        // What is over before it was heard is nothing to tell.
        self.due.retain(|due, _| present.contains(due));
        Ok(())
    }

    fn see_who_waits(&mut self, now_ms: u64, devices: &[Device], in_cloud: u64) -> Result<(), Violation> {
        let explains = |status: &Status| tells(status, &OF_WAITING);
        // Who leads uploads for all, and is the one that hears what the cloud has against it.
        let leads = |status: &Status| status.entitled && explains(status);
        let is_led_by_it = devices.iter().filter_map(Device::status).any(|status| leads(&status));
        for (place, device) in devices.iter().enumerate() {
            let Some(status) = device.status().filter(|status| status.queued > 0) else {
                self.waiting.remove(&place);
                continue;
            };
            let (since, known) = self.waiting.entry(place).or_insert((now_ms, in_cloud));
            if *known != in_cloud {
                (*since, *known) = (now_ms, in_cloud);
            }
            if now_ms > *since + STUCK_AFTER_MS && !explains(&status) && !is_led_by_it {
                let what = format!(
                    "{} events of T{} wait for {} ms, and neither it nor who leads says why",
                    status.queued,
                    place + 1,
                    now_ms - *since
                );
                return Err(Violation::new(Rule::Told, what));
            }
        }
        Ok(())
    }

    /// The hash at each event, read anew where something was written.
    fn read(&mut self, devices: &[Device], cloud: &Events) -> Result<(), Violation> {
        for (place, device) in devices.iter().enumerate() {
            if self.held.get(&place).is_some_and(|(writes, _)| *writes == device.writes()) {
                continue;
            }
            let events =
                events_on(device.disk()).map_err(|error| Violation::new(Rule::Alive, error.to_string()))?;
            self.held.insert(place, (device.writes(), hashes(&events)));
        }
        if self.in_cloud.0 != cloud.len() {
            self.in_cloud = (cloud.len(), hashes(cloud));
        }
        Ok(())
    }
}

/// Where the two hold two histories of a chain.
fn fork(a: &BTreeMap<EventId, Hash>, b: &BTreeMap<EventId, Hash>) -> Option<Fork> {
    let differs = |(id, hash): (&EventId, &Hash)| {
        let other = b.get(id).filter(|other| *other != hash)?;
        Some((*id, [*hash.min(other), *hash.max(other)]))
    };
    a.iter().find_map(differs)
}

fn tells(status: &Status, of: &[ConditionKind]) -> bool {
    status.conditions.iter().any(|held| of.contains(&held.kind))
}

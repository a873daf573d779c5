//! What terminals have to say by themselves: both sides of a fork that they hear each other about, and whoever does not get on.

use std::collections::BTreeMap;

use edgepos::ConditionKind;
use edgepos_core::{Chain, EventId};
use edgepos_sync::Hash;

use super::device::Device;
use crate::check::{Events, Rule, Violation, events_on, hashes};

/// How long two that hear each other may hold two histories of one chain without either saying so.
const TOLD_WITHIN_MS: u64 = 5_000;

/// The same of a terminal and the cloud: an interval at which an idle leader asks for its head, and the search.
const TOLD_BY_CLOUD_WITHIN_MS: u64 = 65_000;

/// How long events may wait, and none of them get to the cloud, before somebody must say why.
const STUCK_AFTER_MS: u64 = 20_000;

/// What says that there are two histories.
const OF_FORKS: [ConditionKind; 3] =
    [ConditionKind::Forked, ConditionKind::Restored, ConditionKind::SecondHolder];

/// What is held against the clock.
#[derive(Debug, Default)]
pub(super) struct Watch {
    held: BTreeMap<usize, (u64, BTreeMap<EventId, Hash>)>,
    in_cloud: (usize, BTreeMap<EventId, Hash>),
    /// Who has to say by when that there are two histories, and why.
    due: BTreeMap<usize, (u64, String)>,
    /// Since when events wait and the cloud has this many.
    waiting: BTreeMap<usize, (u64, u64)>,
}

impl Watch {
    /// A terminal says that something holds or is over: that there are two histories is said with it.
    pub(super) fn hear(&mut self, place: usize, condition: ConditionKind) {
        if OF_FORKS.contains(&condition) {
            self.due.remove(&place);
        }
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
    ) -> Result<(), Violation> {
        self.read(devices, cloud)?;
        let with_cloud =
            (0..devices.len()).filter(|place| devices[*place].is_on()).map(|place| (place, None));
        for (a, b) in pairs.map(|(a, b)| (a, Some(b))).chain(with_cloud) {
            let held = |place: usize| self.held.get(&place).map(|(_, held)| held);
            let other = b.map_or(Some(&self.in_cloud.1), held);
            let Some(chain) = held(a).zip(other).and_then(|(a, b)| fork(a, b)) else { continue };
            let within = if b.is_some() { TOLD_WITHIN_MS } else { TOLD_BY_CLOUD_WITHIN_MS };
            let with = b.map_or("the cloud".to_owned(), |b| format!("T{}", b + 1));
            for place in [Some(a), b].into_iter().flatten() {
                let why = format!("T{} and {with} held two histories of {chain}", a + 1);
                let by = now_ms + within;
                let due = self.due.entry(place).or_insert((by, why));
                due.0 = due.0.min(by);
            }
        }
        // Who is off says nothing.
        self.due.retain(|place, _| devices[*place].is_on() && !tells_of_fork(&devices[*place]));
        if let Some((place, (_, why))) = self.due.iter().find(|(_, (by, _))| now_ms > *by) {
            let what = format!("{why}, and T{} has said nothing of it in time", place + 1);
            return Err(Violation::new(Rule::Told, what));
        }
        self.see_who_waits(now_ms, devices, cloud.len() as u64)
    }

    fn see_who_waits(&mut self, now_ms: u64, devices: &[Device], in_cloud: u64) -> Result<(), Violation> {
        let is_told = devices.iter().filter_map(Device::status).any(|status| !status.conditions.is_empty());
        for (place, device) in devices.iter().enumerate() {
            let Some(status) = device.status().filter(|status| status.queued > 0) else {
                self.waiting.remove(&place);
                continue;
            };
            let (since, known) = self.waiting.entry(place).or_insert((now_ms, in_cloud));
            if *known != in_cloud {
                (*since, *known) = (now_ms, in_cloud);
            }
            // Who leads uploads for all, and is the one that hears what the cloud has against it.
            if now_ms > *since + STUCK_AFTER_MS && !is_told {
                let what = format!(
                    "{} events of T{} wait for {} ms, and nobody says anything of it",
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

/// A chain of which the two hold different histories.
fn fork(a: &BTreeMap<EventId, Hash>, b: &BTreeMap<EventId, Hash>) -> Option<Chain> {
    let differs = |(id, hash): &(&EventId, &Hash)| b.get(id).is_some_and(|other| other != *hash);
    a.iter().find(differs).map(|(id, _)| id.chain)
}

fn tells_of_fork(device: &Device) -> bool {
    let status = device.status();
    status.is_some_and(|status| status.conditions.iter().any(|held| OF_FORKS.contains(&held.kind)))
}

//! How old events must be before the store may put them closer together, and how young they may be while the disk is short.

use std::time::Duration;

use edgepos_core::{Now, Time};
use edgepos_crdt::VersionVector;

use crate::ports::Sealing;
use crate::terminal::{Config, OldEvents};

/// How often a round begins.
const ROUND: Duration = Duration::from_secs(60);

/// When what is old makes room.
#[derive(Debug)]
pub(crate) struct Retention {
    seal_after: Duration,
    /// `None`: never.
    archive_after: Option<Duration>,
    next: Time,
}

impl Retention {
    pub(crate) fn new(config: &Config, now: Time) -> Self {
        let Config { seal_after, archive_after, old_events, .. } = config;
        let archive_after = match old_events {
            OldEvents::Keep => None,
            // A row follows its event, which is sealed first.
            OldEvents::Archive => Some((*archive_after).max(*seal_after)),
        };
        Self { seal_after: *seal_after, archive_after, next: now + ROUND }
    }

    /// Whether a round is due, the next of which is then a while later.
    pub(crate) fn is_due(&mut self, now: Time) -> bool {
        let is_due = self.next <= now;
        if is_due {
            self.next = now + ROUND;
        }
        is_due
    }

    /// What the store may do, where anything. No peer is asked, since nothing is given up; but what is damaged in a segment is damaged
    /// together, and must be had again, so that the cloud must hold it: `floor`. While the disk is short that alone decides, and no age.
    pub(crate) fn sealing(&self, now: Now, floor: VersionVector, is_short: bool) -> Option<Sealing> {
        if self.seal_after.is_zero() {
            return None;
        }
        let before = |age: Duration| {
            let age = if is_short { Duration::ZERO } else { age };
            now.wall.0.saturating_sub(u64::try_from(age.as_millis()).unwrap_or(u64::MAX))
        };
        Some(Sealing {
            floor,
            before_utc_ms: before(self.seal_after),
            archive_before_utc_ms: self.archive_after.map(before),
        })
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{ReplicaId, StoreGeneration, StoreId, WallMs};

    use super::*;
    use crate::terminal::Genesis;

    const DAY: u64 = 24 * 3600 * 1_000;
    const NOW: Now = Now { mono: Time(5), wall: WallMs(100 * DAY) };

    fn config(seal: u64, archive: u64, old_events: OldEvents) -> Config {
        let me = ReplicaId::new(1, 5);
        let genesis = Genesis {
            store: StoreId([1; 16]),
            generation: StoreGeneration(0),
            voters: vec![me],
            recovery: None,
        };
        let days = |days| Duration::from_millis(days * DAY);
        Config {
            seal_after: days(seal),
            archive_after: days(archive),
            old_events,
            ..Config::new(me, genesis, 1)
        }
    }

    /// The days before which events are old, and are archived.
    fn days(config: &Config, is_short: bool) -> Option<(u64, Option<u64>)> {
        let retention = Retention::new(config, NOW.mono);
        let sealing = retention.sealing(NOW, VersionVector::new(), is_short)?;
        Some((sealing.before_utc_ms / DAY, sealing.archive_before_utc_ms.map(|ms| ms / DAY)))
    }

    #[test]
    fn ages_count_until_the_disk_is_short() {
        let archived = config(7, 30, OldEvents::Archive);
        assert_eq!(days(&archived, false), Some((93, Some(70))));
        assert_eq!(days(&archived, true), Some((100, Some(100))));
        let kept = config(7, 30, OldEvents::Keep);
        assert_eq!(days(&kept, false), Some((93, None)));
        assert_eq!(days(&kept, true), Some((100, None)), "the policy holds whatever the disk has");
        assert_eq!(
            days(&config(7, 3, OldEvents::Archive), false),
            Some((93, Some(93))),
            "not before they are sealed"
        );
        assert_eq!(days(&config(0, 30, OldEvents::Archive), true), None, "never");
    }

    #[test]
    fn a_round_is_a_minute_behind_the_last() {
        let mut retention = Retention::new(&config(7, 30, OldEvents::Archive), Time(5));
        assert!(!retention.is_due(Time(60_004)) && retention.is_due(Time(60_005)));
        assert!(!retention.is_due(Time(60_006)) && retention.is_due(Time(120_005)));
    }
}

//! How the store comes to its next feature level: every member's greeting has announced it, and then an operator agrees or a week passes.
//!
//! The level says by which rules the store's log decides, and it never falls. A terminal that goes back behind it sells and exchanges
//! events; it neither votes nor derives the store's own chain.

use std::time::Duration;

use edgepos_consensus::{Election, ProposeError};
use edgepos_core::{Now, ReplicaId, Space, WallMs, Write};
use thiserror::Error;

use super::config::Config;
use super::ledger::Ledger;
use super::refusal::Refusal;
use super::unit_of_work::UnitOfWork;
use crate::retail::record::Record;
use crate::retail::unreadable::{Unreadable, number};

/// A row of [`Space::Identity`], which an earlier version leaves alone. Behind the name comes the level, 4 bytes, big endian.
const ANNOUNCED: &[u8] = b"level-announced-";

/// The store is not raised to the next feature level.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum LevelError {
    /// Only the leader proposes it, while it hears a majority.
    #[error("this terminal is not the entitled leader")]
    NotEntitled,
    /// The store is at the highest level that this version knows.
    #[error("the store is at level {level}, the highest that this version knows")]
    Reached {
        /// The level of the store.
        level: u32,
    },
    /// Members have not announced that they know it: they run an earlier version, or have not greeted since this terminal started.
    #[error("{} of the store's terminals have not announced the next level: {}", .missing.len(), list(.missing))]
    NotAnnounced {
        /// Those members, by rising id.
        missing: Vec<ReplicaId>,
    },
    /// The election does not take the proposal.
    #[error("the election does not take it")]
    Election(#[source] ProposeError),
}

/// Since when the store could be at which level.
#[derive(Debug, Default)]
pub(crate) struct Levels {
    /// The level that all members have announced, and since when, in ms since 1970 UTC.
    announced: Option<(u32, WallMs)>,
    /// What was asked for since the start, so that it is asked for once.
    proposed: u32,
    /// Up to which level no earlier version can have had a part in the store.
    born: u32,
}

impl Levels {
    /// A row of [`Space::Identity`]; whether it is one of these.
    ///
    /// # Errors
    /// When it is one and cannot be read.
    pub(super) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<bool, Unreadable> {
        let Some(level) = key.strip_prefix(ANNOUNCED).and_then(|rest| rest.try_into().ok()) else {
            return Ok(false);
        };
        self.announced = self.announced.max(Some((u32::from_be_bytes(level), WallMs(number(value)?))));
        Ok(true)
    }

    /// The store began with this disk, by a version that knew this level; 0 where it did not.
    pub(super) fn born_at(self, born: u32) -> Self {
        Self { born, ..self }
    }

    /// Proposes the highest level that every member has announced, by an operator's word.
    ///
    /// # Errors
    /// When this terminal is not the entitled leader, or not all members have announced a higher level.
    pub(super) fn raise(
        &mut self,
        now: Now,
        election: &mut Election,
        ledger: &Ledger,
        config: &Config,
    ) -> Result<u32, LevelError> {
        if !election.entitled() {
            return Err(LevelError::NotEntitled);
        }
        let level = announced(election, ledger, config)?;
        // What is proposed stays so until it is decided.
        if !self.is_proposed(level) {
            election.raise_level(now, level).map_err(LevelError::Election)?;
            self.proposed = level;
        }
        Ok(level)
    }

    /// Keeps since when all members have announced a higher level, and proposes it when that is long ago. Whether it did.
    pub(super) fn tend(
        &mut self,
        now: Now,
        election: &mut Election,
        ledger: &Ledger,
        config: &Config,
        out: &mut UnitOfWork,
    ) -> bool {
        match announced(election, ledger, config) {
            Ok(level) => self.announced_by_all(now, level, out),
            Err(LevelError::NotAnnounced { missing })
                // Who has only not greeted yet said so before this start.
                if missing.iter().all(|member| ledger.level_of(*member).is_none()) =>
            {
                return false;
            }
            Err(_) => self.forget(out),
        }
        let due = self.due(now, config.level_after).filter(|_| election.entitled());
        let raised = due.filter(|level| election.raise_level(now, *level).is_ok());
        self.proposed = raised.unwrap_or(self.proposed);
        raised.is_some()
    }

    /// All members have announced `level`, which is above the store's: since when is written down.
    fn announced_by_all(&mut self, now: Now, level: u32, out: &mut UnitOfWork) {
        if self.announced.is_none_or(|(known, _)| known != level) {
            self.forget(out);
            self.announced = Some((level, now.wall));
            out.write(Write::put(Space::Identity, row(level), now.wall.0.to_be_bytes()));
        }
    }

    /// A member says that it does not know the level, or the store has reached it.
    fn forget(&mut self, out: &mut UnitOfWork) {
        if let Some((level, _)) = self.announced.take() {
            out.write(Write::delete(Space::Identity, row(level)));
        }
    }

    /// The level to propose without anybody's word: announced by all for so long, or at once in a store that began with it, and not
    /// proposed since the start.
    fn due(&self, now: Now, after: Duration) -> Option<u32> {
        let (level, since) = self.announced?;
        let waited = now.wall.0.saturating_sub(since.0);
        let long_enough = level <= self.born || u128::from(waited) >= after.as_millis();
        (long_enough && !self.is_proposed(level)).then_some(level)
    }

    /// Whether the level, or a higher one, was proposed since the start.
    fn is_proposed(&self, level: u32) -> bool {
        self.proposed >= level
    }
}

/// Whether exceptions may end: version 0.1.0 gives no place to an event of a kind that it does not know, and it is gone from a store that
/// has reached level 1.
pub(super) fn ends_exceptions(election: &Election) -> bool {
    election.level() >= 1
}

/// Refuses a repair where a terminal may not know that it is one: version 0.1.0 looks at the clocks alone.
pub(super) fn check_repair(election: &Election, record: &Record) -> Result<(), Refusal> {
    let level = election.level();
    if record.repairs() && level == 0 {
        return Err(Refusal::BelowLevel { level, needs: 1 });
    }
    Ok(())
}

/// The highest level above the store's that every member has announced.
fn announced(election: &Election, ledger: &Ledger, config: &Config) -> Result<u32, LevelError> {
    let (level, highest) = (election.level(), config.level);
    if level >= highest {
        return Err(LevelError::Reached { level });
    }
    let members = || election.voters().iter().chain(election.learners()).copied();
    let others = || members().filter(|member| *member != config.me);
    let announced = |member| ledger.level_of(member).unwrap_or_default();
    let common = others().map(announced).min().unwrap_or(highest).min(highest);
    if common > level {
        return Ok(common);
    }
    let mut missing: Vec<_> = others().filter(|member| announced(*member) <= level).collect();
    missing.sort_unstable();
    Err(LevelError::NotAnnounced { missing })
}

fn row(level: u32) -> Vec<u8> {
    [ANNOUNCED, &level.to_be_bytes()].concat()
}

fn list(replicas: &[ReplicaId]) -> String {
    replicas.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

    fn at(days: u64) -> Now {
        Now::new(1, days * 24 * 3_600_000)
    }

    #[test]
    fn a_week_counts_from_the_last_announcement_and_through_a_restart() {
        let (mut levels, mut out) = (Levels::default(), UnitOfWork::default());
        assert_eq!(levels.due(at(100), WEEK), None);
        levels.announced_by_all(at(100), 1, &mut out);
        levels.announced_by_all(at(103), 1, &mut out);
        let mut again = Levels::default();
        let value = at(100).wall.0.to_be_bytes();
        assert!(again.restore(&row(1), &value).unwrap());
        assert!(!again.restore(b"level", &value).unwrap(), "a later version's row");
        for levels in [&mut levels, &mut again] {
            assert_eq!(levels.due(at(106), WEEK), None);
            assert_eq!(levels.due(at(107), WEEK), Some(1));
            levels.proposed = 1;
            assert!(levels.is_proposed(1) && !levels.is_proposed(2));
            assert_eq!(levels.due(at(108), WEEK), None, "once");
        }
        levels.forget(&mut out);
        let mut born = Levels::default().born_at(1);
        born.announced_by_all(at(100), 1, &mut out);
        assert_eq!(born.due(at(100), WEEK), Some(1), "nobody could go back behind it");
        born.announced_by_all(at(100), 2, &mut out);
        assert_eq!(born.due(at(100), WEEK), None);
        levels.announced_by_all(at(109), 2, &mut out);
        assert_eq!((levels.due(at(115), WEEK), levels.due(at(116), WEEK)), (None, Some(2)));
        assert!(again.restore(&row(1), b"short").is_err());
    }

    #[test]
    fn who_is_missing_is_named() {
        let missing = vec![ReplicaId::new(2, 1), ReplicaId::new(3, 1)];
        let text = LevelError::NotAnnounced { missing }.to_string();
        assert!(text.starts_with("2 of") && text.contains(&ReplicaId::new(3, 1).to_string()), "{text}");
    }
}

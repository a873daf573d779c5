//! A store in which nothing happens decides nothing: the log does not grow by decisions that have no effect.

use super::rows::LogEntry;
use super::rule::{Rule, Violation};

/// How long a store must have been whole before its log is watched, in microseconds: what was proposed before is decided by then.
const SETTLED_US: u64 = 10_000_000;

/// Watches one terminal's log while the store is whole.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogGrowth {
    whole_since: Option<u64>,
    /// The last entry when the watch began, and the events of the store's chain then.
    began: Option<(u64, u64)>,
}

impl LogGrowth {
    /// What the log holds, and how many events the store's chain has. `whole`: whether all terminals and the cloud are even.
    ///
    /// # Errors
    /// When more was decided since the watch began than the store's chain has grown by.
    pub fn observe(
        &mut self,
        now_us: u64,
        whole: bool,
        log: &[LogEntry],
        events: u64,
    ) -> Result<(), Violation> {
        if !whole {
            *self = Self::default();
            return Ok(());
        }
        let since = *self.whole_since.get_or_insert(now_us);
        if now_us < since + SETTLED_US {
            return Ok(());
        }
        let last = log.last().map_or(0, |entry| entry.index);
        let (began_at, began_with) = *self.began.get_or_insert((last, events));
        let decided = log.iter().filter(|entry| entry.index > began_at && entry.key.is_some()).count() as u64;
        let grown = events.saturating_sub(began_with);
        if decided > grown {
            let what = format!("the quiet store decided {decided} times, and {grown} events came of it");
            return Err(Violation::new(Rule::NoUselessDecision, what));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(decisions: u64) -> Vec<LogEntry> {
        let own = LogEntry { index: 1, key: None, event: None };
        let decided =
            |number| LogEntry { index: 1 + number, key: Some((1, number)), event: Some(Vec::new()) };
        [own].into_iter().chain((1..=decisions).map(decided)).collect()
    }

    #[test]
    fn a_decision_of_a_quiet_store_without_an_event_is_noticed() {
        let mut growth = LogGrowth::default();
        growth.observe(0, true, &log(2), 2).unwrap();
        growth.observe(5_000_000, true, &log(4), 2).unwrap();
        growth.observe(10_000_000, true, &log(4), 2).unwrap();
        growth.observe(11_000_000, true, &log(5), 3).unwrap();
        let noticed = growth.observe(40_000_000, true, &log(6), 3).unwrap_err();
        assert_eq!(noticed.rule, Rule::NoUselessDecision);
        growth.observe(41_000_000, false, &log(7), 3).unwrap();
        growth.observe(60_000_000, true, &log(8), 3).unwrap();
    }

    #[test]
    fn a_change_of_leaders_is_no_decision() {
        let mut growth = LogGrowth::default();
        growth.observe(0, true, &log(2), 2).unwrap();
        growth.observe(10_000_000, true, &log(2), 2).unwrap();
        let mut longer = log(2);
        longer.push(LogEntry { index: 4, key: None, event: None });
        growth.observe(20_000_000, true, &longer, 2).unwrap();
    }
}

//! One decision, one position: the store's chain is what the log says, derived here anew, whether or not anybody can read it.

use std::collections::BTreeSet;

use edgepos_core::EventId;

use super::events::Events;
use super::resolutions::Placing;
use super::rows::LogEntry;
use super::rule::{Rule, Violation};
use super::view::{StoreView, TerminalView};

pub(super) fn check(view: &StoreView, found: &mut Vec<Violation>) {
    // Who took a snapshot lacks the beginning of the log.
    let whole = |terminal: &&TerminalView| {
        let begins = terminal.disk.log.first().is_some_and(|entry| entry.index == 1);
        // Nor does one whose disk was put back have the end of it.
        begins && !view.put_back.contains(&terminal.replica.terminal())
    };
    let Some(derived) = view.terminals.iter().find(whole).map(|terminal| derived(&terminal.disk.log)) else {
        return;
    };
    for terminal in &view.terminals {
        let held = store_chain(&terminal.events);
        if held == derived {
            continue;
        }
        let at = held.iter().zip(&derived).take_while(|(held, derived)| held == derived).count();
        let what = format!(
            "{} holds {} events of the store's chain, and the log decides {}; they differ from position {} on",
            terminal.replica,
            held.len(),
            derived.len(),
            at + 1
        );
        found.push(Violation::new(Rule::OnePosition, what));
    }
}

/// The payloads of the store's chain, as the log decides them. A second decision about one episode of an exception has no position, and a
/// resolution that does not count has one without effects.
fn derived(log: &[LogEntry]) -> Vec<Vec<u8>> {
    let (mut keys, mut placing, mut chain) = (BTreeSet::new(), Placing::default(), Vec::new());
    for entry in log {
        let Some(event) = entry.event.as_deref().filter(|_| keys.insert(entry.key)) else { continue };
        if let Some(placed) = placing.judge(event) {
            placing.place(&placed);
            chain.push(placed);
        }
    }
    chain
}

fn store_chain(events: &Events) -> Vec<&[u8]> {
    let of_store = |(id, _): &(&EventId, &Vec<u8>)| id.chain.replica.is_store();
    events.iter().filter(of_store).map(|(_, payload)| payload.as_slice()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::view::tests::{exception, store_of, with_exceptions};
    use super::*;

    fn found(view: &StoreView) -> usize {
        let mut found = Vec::new();
        check(view, &mut found);
        assert!(found.iter().all(|violation| violation.rule == Rule::OnePosition), "{found:?}");
        found.len()
    }

    /// A store with one exception, and the log that decided it twice.
    fn decided() -> StoreView {
        let mut view = with_exceptions(store_of(&[]), &[exception()]);
        let event = store_chain(&view.cloud.events)[0].to_vec();
        let entry = |index, number| LogEntry { index, key: Some((1, number)), event: Some(event.clone()) };
        view.terminals[0].disk.log =
            vec![LogEntry { index: 1, key: None, event: None }, entry(2, 1), entry(3, 2)];
        view
    }

    #[test]
    fn a_second_decision_about_one_episode_has_no_position() {
        assert_eq!(found(&decided()), 0);
    }

    #[test]
    fn a_decision_that_nobody_can_read_has_one() {
        let mut view = decided();
        let unreadable = LogEntry { index: 4, key: Some((1, 3)), event: Some(b"later".to_vec()) };
        view.terminals[0].disk.log.push(unreadable.clone());
        assert_eq!(found(&view), 2, "neither terminal holds it");
        view.terminals[0].disk.log.push(LogEntry { index: 5, ..unreadable });
        assert_eq!(derived(&view.terminals[0].disk.log).len(), 2, "a repeat of one proposal counts once");
        view.terminals[0].disk.log.push(LogEntry { index: 6, key: Some((1, 4)), event: None });
        assert_eq!(derived(&view.terminals[0].disk.log).len(), 2, "another kind of decision has none");
    }

    #[test]
    fn an_event_that_no_decision_carries_is_noticed() {
        let mut view = decided();
        view.terminals[0].disk.log.truncate(1);
        assert_eq!(found(&view), 2);
    }
}

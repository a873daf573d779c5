//! What a terminal of this version cannot read is kept, written down with a reason, and counted: exactly that, and nothing else.

use std::collections::BTreeSet;

use edgepos_core::EventId;

use super::rule::{Rule, Violation};
use super::view::{Facts, StoreView};

pub(super) fn check(view: &StoreView, found: &mut Vec<Violation>) {
    for terminal in view.terminals.iter().filter(|terminal| !terminal.later) {
        let unreadable: BTreeSet<EventId> = Facts::of(&terminal.events).unreadable.into_iter().collect();
        let written = &terminal.disk.quarantine;
        let replica = terminal.replica;
        if let Some(id) = unreadable.difference(written).next() {
            found.push(wrong(format!("{replica} cannot read {id} and has not written that down")));
        }
        if let Some(id) = written.difference(&unreadable).next() {
            found.push(wrong(format!("{replica} has written down that it cannot read {id}, which it can")));
        }
        // Who took a snapshot lacks the decisions before it, and has not seen them.
        let log = &terminal.disk.log;
        let unknown: BTreeSet<u64> =
            log.iter().filter(|entry| entry.is_unknown()).map(|entry| entry.index).collect();
        let skipped = &terminal.disk.skipped;
        if let Some(index) = unknown.difference(skipped).next() {
            found.push(wrong(format!(
                "{replica} does not know decision {index} and has not written that down"
            )));
        }
        let begins = log.first().map_or(u64::MAX, |entry| entry.index);
        if let Some(index) = skipped.difference(&unknown).find(|index| **index >= begins) {
            found.push(wrong(format!("{replica} has written down decision {index}, which it knows")));
        }
        let (shown, kept) = (terminal.quarantined, written.len() + skipped.len());
        if shown != kept as u64 {
            found.push(wrong(format!(
                "{replica} shows {shown} things that it cannot read, and has kept {kept}"
            )));
        }
    }
}

fn wrong(what: String) -> Violation {
    Violation::new(Rule::Quarantined, what)
}

#[cfg(test)]
mod tests {
    use super::super::ledger::tests::receipt;
    use super::super::rows::LogEntry;
    use super::super::view::tests::{store_of, store_with_one_sale};
    use super::*;

    fn found(view: &StoreView) -> usize {
        let mut found = Vec::new();
        check(view, &mut found);
        assert!(found.iter().all(|violation| violation.rule == Rule::Quarantined), "{found:?}");
        found.len()
    }

    #[test]
    fn what_is_unreadable_must_be_written_down_and_shown() {
        let mut view = store_of(&[(1, b"later".to_vec())]);
        view.terminals.truncate(1);
        assert_eq!(found(&view), 1, "not written down");
        view.terminals[0].disk.quarantine.insert(receipt(1, 1).event);
        assert_eq!(found(&view), 1, "not shown");
        view.terminals[0].quarantined = 1;
        assert_eq!(found(&view), 0);
        view.terminals[0].quarantined = 2;
        assert_eq!(found(&view), 1, "shown twice");
        view.terminals[0].later = true;
        assert_eq!(found(&view), 0, "a later version reads other things");
    }

    #[test]
    fn so_must_be_decisions_of_unknown_kinds() {
        let mut view = store_with_one_sale();
        view.terminals.truncate(1);
        let entry = |index, event| LogEntry { index, key: Some((1, index)), event };
        view.terminals[0].disk.log = vec![entry(5, Some(Vec::new())), entry(6, None)];
        assert_eq!(found(&view), 1, "not written down");
        view.terminals[0].disk.skipped = BTreeSet::from([2, 6]);
        view.terminals[0].quarantined = 2;
        assert_eq!(found(&view), 0, "an entry before the log begins is not judged");
        let log = std::mem::take(&mut view.terminals[0].disk.log);
        assert_eq!(found(&view), 0, "a snapshot took the place of the whole log");
        view.terminals[0].disk.log = log;
        view.terminals[0].disk.skipped.insert(5);
        view.terminals[0].quarantined = 3;
        assert_eq!(found(&view), 1, "it is known");
    }

    #[test]
    fn what_is_readable_must_not_be() {
        let mut view = store_with_one_sale();
        view.terminals[1].disk.quarantine.insert(receipt(1, 1).event);
        view.terminals[1].quarantined = 1;
        assert_eq!(found(&view), 1);
    }
}

//! What a terminal of this version cannot read is kept, written down with a reason, and counted: exactly that, and nothing else.

use std::collections::BTreeSet;

use edgepos_core::EventId;

use super::{Facts, Rule, StoreView, Violation};

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
        if terminal.quarantined != unreadable.len() as u64 {
            let shown = terminal.quarantined;
            found.push(wrong(format!("{replica} shows {shown} unreadable events of {}", unreadable.len())));
        }
    }
}

fn wrong(what: String) -> Violation {
    Violation::new(Rule::Quarantined, what)
}

#[cfg(test)]
mod tests {
    use super::super::ledger::tests::receipt;
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
        assert_eq!(found(&view), 2, "neither written down nor shown");
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
    fn what_is_readable_must_not_be() {
        let mut view = store_with_one_sale();
        view.terminals[1].disk.quarantine.insert(receipt(1, 1).event);
        assert_eq!(found(&view), 1);
    }
}

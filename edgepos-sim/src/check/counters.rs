//! Every counter is the sum of the effects of the events in its terminal's store, computed anew from their payloads.

use std::collections::BTreeSet;

use edgepos::model::CounterRow;

use super::rule::{Rule, Violation};
use super::view::{Facts, StoreView, TerminalView};

pub(super) fn check(view: &StoreView, found: &mut Vec<Violation>) {
    view.terminals.iter().for_each(|terminal| of_terminal(terminal, found));
}

/// One terminal against its own disk: this holds at any time when nothing is under way, not only at the end.
pub(super) fn of_terminal(terminal: &TerminalView, found: &mut Vec<Violation>) {
    let facts = Facts::of(&terminal.events);
    let rows: BTreeSet<&CounterRow> = facts.counters.keys().chain(terminal.counters.keys()).collect();
    for row in rows {
        let sum = facts.counters.get(row).copied().unwrap_or(0);
        // What was sold of a line and not touched since is not kept as a row.
        if !terminal.counters.contains_key(row) && facts.untouched.contains(row) {
            continue;
        }
        let shown = terminal.counters.get(row).copied().map_or(0, i128::from);
        if sum != shown {
            let key = String::from_utf8_lossy(&row.key);
            let what = format!(
                "{} shows {shown} for counter {} of {key:?}, and the effects of its events sum up to {sum}",
                terminal.replica, row.counter.0
            );
            found.push(Violation::new(Rule::NothingTwice, what));
        }
    }
}

impl TerminalView {
    /// Whether its counters are the sums of the effects on its disk.
    ///
    /// # Errors
    /// When one is not.
    pub fn check_counters(&self) -> Result<(), Violation> {
        let mut found = Vec::new();
        of_terminal(self, &mut found);
        found.into_iter().next().map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::super::view::tests::store_with_one_sale;
    use super::*;

    #[test]
    fn an_effect_that_counts_twice_or_not_at_all_is_noticed() {
        let view = store_with_one_sale();
        view.terminals[0].check_counters().unwrap();
        let milk = CounterRow::stock("milk", 0);
        for wrong in [-4, 0, 2] {
            let mut view = view.clone();
            view.terminals[0].counters.insert(milk.clone(), wrong);
            let mut found = Vec::new();
            check(&view, &mut found);
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found[0].rule, Rule::NothingTwice);
        }
        let mut view = view;
        view.terminals[0].counters.remove(&milk);
        assert!(view.terminals[0].check_counters().is_err());
    }
}

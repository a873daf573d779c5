//! A row below its floor has one open exception, everywhere the same.

use std::collections::BTreeMap;

use edgepos::model::CounterRow;

use super::rule::{Rule, Violation};
use super::view::{Facts, StoreView};

pub(super) fn check(view: &StoreView, found: &mut Vec<Violation>) {
    let facts = Facts::of(view.events());
    let mut raised: BTreeMap<&[u8], u32> = BTreeMap::new();
    for (id, exception) in &facts.exceptions {
        if !id.chain.replica.is_store() {
            found.push(wrong(format!("{id} raises an exception, and not in the store's name")));
        }
        *raised.entry(exception.subject()).or_default() += 1;
    }
    let episodes = facts.episodes();
    for (subject, times) in raised {
        let count = episodes.get(subject).map_or(0, |episode| episode.count);
        if count != times {
            let name = String::from_utf8_lossy(subject);
            found.push(wrong(format!(
                "{times} exceptions are raised for {name:?}, of which {count} follow on each other"
            )));
        }
    }
    for (row, value) in facts.undecided() {
        found.push(wrong(format!("no exception is open for {}, which is at {value}", name(row))));
    }
    if view.terminals.iter().all(|terminal| terminal.level > 0 && !terminal.later) {
        for raised in facts.unended() {
            let name = String::from_utf8_lossy(raised.subject());
            let what =
                format!("exception {} of {name:?} is open, which is not below its floor", raised.episode);
            found.push(wrong(what));
        }
    }
    for terminal in &view.terminals {
        let mut shown: Vec<_> = terminal.exceptions.iter().map(|exception| exception.episode_key()).collect();
        let mut open: Vec<_> = facts.open().into_iter().map(|exception| exception.episode_key()).collect();
        shown.sort_unstable();
        open.sort_unstable();
        if shown != open {
            let (shown, open) = (shown.len(), open.len());
            found.push(wrong(format!("{} shows {shown} exceptions, and {open} are open", terminal.replica)));
        }
    }
}

/// Counter, key and place, for a report.
fn name(row: &CounterRow) -> String {
    format!("counter {} of {:?}", row.counter.0, String::from_utf8_lossy(&row.key))
}

fn wrong(what: String) -> Violation {
    Violation::new(Rule::OneException, what)
}

#[cfg(test)]
mod tests {
    use super::super::ledger::tests::ID;
    use super::super::view::tests::{counted, exception, sale, store_of, with_exceptions};
    use super::*;

    fn count(view: &StoreView) -> usize {
        let mut found = Vec::new();
        check(view, &mut found);
        assert!(found.iter().all(|violation| violation.rule == Rule::OneException), "{found:?}");
        found.len()
    }

    #[test]
    fn none_and_two_are_noticed_where_one_is_due() {
        let oversold = counted(store_of(&[(1, sale(ID, 1))]));
        assert_eq!(count(&oversold), 1, "stock is at -2 and its floor is 0");
        assert_eq!(count(&with_exceptions(oversold.clone(), &[exception()])), 0);
        assert!(count(&with_exceptions(oversold, &[exception(), exception()])) > 0);
    }

    #[test]
    fn one_that_has_not_ended_is_noticed_from_level_1_on() {
        let mut view = with_exceptions(counted(store_of(&[])), &[exception()]);
        assert_eq!(count(&view), 0);
        view.terminals.iter_mut().for_each(|terminal| terminal.level = 1);
        assert_eq!(count(&view), 1);
    }

    #[test]
    fn a_terminal_that_shows_none_is_noticed() {
        let mut view = with_exceptions(counted(store_of(&[(1, sale(ID, 1))])), &[exception()]);
        view.terminals[1].exceptions.clear();
        assert_eq!(count(&view), 1);
    }
}

//! What was booked twice raises one exception, and nothing else does.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::model::BookedName;
use edgepos_core::EventId;

use super::rule::{Rule, Violation};
use super::view::{Facts, StoreView};

pub(super) fn check(view: &StoreView, found: &mut Vec<Violation>) {
    let facts = Facts::of(view.events());
    let due = due(&facts);
    let raised: BTreeSet<BookedName> =
        facts.exceptions.iter().filter_map(|(_, exception)| exception.booked_twice()).collect();
    for name in due.symmetric_difference(&raised) {
        let events = facts.booked.get(name).map_or(0, BTreeSet::len);
        let is = if raised.contains(name) { "is" } else { "is not" };
        let what = format!("{name:?} has {events} events, and {is} said to be booked twice");
        found.push(Violation::new(Rule::OneException, what));
    }
}

/// The names that stand for what was booked twice: the basket's, where one basket was booked under one key.
pub(crate) fn due(facts: &Facts) -> BTreeSet<BookedName> {
    let mut baskets: BTreeMap<EventId, BookedName> = BTreeMap::new();
    for (name, events) in &facts.booked {
        if let BookedName::Basket(_) = name {
            baskets.extend(events.iter().map(|id| (*id, *name)));
        }
    }
    let twice = facts.booked.iter().filter(|(_, events)| events.len() > 1);
    let stands = |(name, events): &(&BookedName, &BTreeSet<EventId>)| match name {
        BookedName::Basket(_) => true,
        BookedName::Key(_) => {
            let of: BTreeSet<_> = events.iter().map(|id| baskets.get(id)).collect();
            of.len() > 1 || of.contains(&None)
        }
    };
    twice.filter(stands).map(|(name, _)| *name).collect()
}

#[cfg(test)]
mod tests {
    use edgepos::model::ExceptionRaised;

    use super::super::ledger::tests::ID;
    use super::super::view::tests::{sale, store_of, with_exceptions};
    use super::*;

    fn count(view: &StoreView) -> usize {
        let mut found = Vec::new();
        check(view, &mut found);
        found.len()
    }

    #[test]
    fn none_is_noticed_where_one_is_due_and_one_where_none_is() {
        let twice = store_of(&[(1, sale(ID, 1)), (2, sale(ID, 2))]);
        let raised = ExceptionRaised::duplicate(BookedName::Basket(ID), Vec::new());
        assert_eq!(count(&twice), 1);
        assert_eq!(count(&with_exceptions(twice, std::slice::from_ref(&raised))), 0);
        let once = store_of(&[(1, sale(ID, 1))]);
        assert_eq!(count(&once), 0);
        assert_eq!(count(&with_exceptions(once, &[raised])), 1);
    }
}

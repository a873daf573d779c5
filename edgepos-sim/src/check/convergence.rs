//! All terminals and the cloud hold the same events, and have made the same of them.

use edgepos::model::CounterRow;
use edgepos_core::EventId;

use super::events::Events;
use super::rule::{Rule, Violation};
use super::view::{Facts, StoreView, TerminalView};

pub(super) fn check(view: &StoreView, found: &mut Vec<Violation>) {
    let Some(first) = view.terminals.first() else { return };
    // A terminal may keep no row of these.
    let untouched = Facts::of(&first.events).untouched;
    let rows = |terminal: &TerminalView| -> Vec<(CounterRow, i64)> {
        let rows = terminal.counters.iter().filter(|(row, _)| !untouched.contains(row));
        rows.map(|(row, value)| (row.clone(), *value)).collect()
    };
    // What is in the cloud alone of a disk that was put back stays there.
    let comes_back = |id: &EventId| !view.put_back.contains(&id.chain.replica.terminal());
    let of_cloud = view.cloud.events.iter().filter(|(id, _)| comes_back(id) || first.events.contains_key(id));
    let of_cloud: Events = of_cloud.map(|(id, payload)| (*id, payload.clone())).collect();
    same_events("the cloud", &of_cloud, &first.replica.to_string(), &first.events, found);
    for other in &view.terminals[1..] {
        let (name, first_name) = (other.replica.to_string(), first.replica.to_string());
        same_events(&name, &other.events, &first_name, &first.events, found);
        let mut differ = |what: &str, same: bool| {
            if !same {
                found.push(Violation::new(
                    Rule::Converged,
                    format!("{name} and {first_name} differ in {what}"),
                ));
            }
        };
        differ("counters", rows(other) == rows(first));
        // What applies is what this version shows; a later one is not asked.
        differ("prices", other.later || other.prices == first.prices);
        differ("exceptions", other.exceptions == first.exceptions);
    }
}

fn same_events(name: &str, events: &Events, other_name: &str, other: &Events, found: &mut Vec<Violation>) {
    let missing = other.keys().find(|id| !events.contains_key(id)).map(|id| (name, other_name, id));
    let extra = events.keys().find(|id| !other.contains_key(id)).map(|id| (other_name, name, id));
    for (without, with, id) in missing.into_iter().chain(extra) {
        found.push(Violation::new(Rule::Converged, format!("{without} lacks {id}, which {with} holds")));
    }
    if let Some((id, _)) =
        events.iter().find(|(id, payload)| other.get(id).is_some_and(|held| held != *payload))
    {
        found.push(Violation::new(Rule::Converged, format!("{name} and {other_name} hold two events {id}")));
    }
}

#[cfg(test)]
mod tests {
    use super::super::ledger::tests::receipt;
    use super::super::view::tests::store_with_one_sale;
    use super::*;

    fn found(view: &StoreView) -> usize {
        let mut found = Vec::new();
        check(view, &mut found);
        assert!(found.iter().all(|violation| violation.rule == Rule::Converged));
        found.len()
    }

    #[test]
    fn a_missing_an_extra_and_a_different_event_are_noticed() {
        let whole = store_with_one_sale();
        assert_eq!(found(&whole), 0);
        let id = receipt(1, 1).event;
        let mut view = whole.clone();
        view.terminals[1].events.remove(&id);
        assert_eq!(found(&view), 1);
        let mut view = whole.clone();
        view.terminals[1].events.insert(receipt(9, 1).event, Vec::new());
        assert_eq!(found(&view), 1);
        let mut view = whole.clone();
        view.terminals[1].events.insert(id, vec![1]);
        assert_eq!(found(&view), 1);
        let mut view = whole;
        view.cloud.events.insert(id, vec![1]);
        assert_eq!(found(&view), 1);
    }

    #[test]
    fn different_conclusions_are_noticed() {
        let mut view = store_with_one_sale();
        view.terminals[1].counters.clear();
        assert_eq!(found(&view), 1);
    }
}

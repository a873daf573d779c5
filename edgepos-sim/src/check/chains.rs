//! Chains have no gaps, what is said to be durable is, and the cloud stored nothing a second time.

use edgepos::crdt::VersionVector;
use edgepos_core::Seq;

use super::events::Events;
use super::rule::{Rule, Violation};
use super::view::StoreView;

pub(super) fn check(view: &StoreView, found: &mut Vec<Violation>) {
    for terminal in &view.terminals {
        let holder = terminal.replica.to_string();
        compare(&holder, &terminal.events, &terminal.durable, found);
    }
    compare("the cloud", &view.cloud.events, &view.cloud.vector, found);
    for event in &view.cloud.stored_twice {
        found.push(Violation::new(Rule::NothingTwice, format!("the cloud stored {event} a second time")));
    }
}

fn compare(holder: &str, events: &Events, said: &VersionVector, found: &mut Vec<Violation>) {
    let mut held = VersionVector::new();
    for id in events.keys() {
        let next = held.get(id.chain).next();
        if id.seq != next {
            let what = format!("{holder} holds {id} and not {}", edgepos_core::EventId::new(id.chain, next));
            found.push(Violation::new(Rule::NothingTwice, what));
        }
        held.set_max(id.chain, id.seq);
    }
    if held != *said {
        let differs =
            held.iter().chain(said.iter()).map(|(chain, _)| chain).find(|&c| held.get(c) != said.get(c));
        let (holds, says) =
            differs.map_or((Seq::ZERO, Seq::ZERO), |chain| (held.get(chain), said.get(chain)));
        let chain = differs.map(|chain| chain.to_string()).unwrap_or_default();
        let what = format!("{holder} says that it holds {says} events of {chain} and holds {holds}");
        found.push(Violation::new(Rule::NothingLost, what));
    }
}

#[cfg(test)]
mod tests {
    use super::super::ledger::tests::receipt;
    use super::super::view::tests::store_with_one_sale;
    use super::*;

    fn rules(view: &StoreView) -> Vec<Rule> {
        let mut found = Vec::new();
        check(view, &mut found);
        found.into_iter().map(|violation| violation.rule).collect()
    }

    #[test]
    fn a_gap_is_noticed() {
        let mut view = store_with_one_sale();
        assert_eq!(rules(&view), []);
        view.terminals[0].events.remove(&receipt(1, 1).event);
        assert_eq!(rules(&view), [Rule::NothingTwice]);
    }

    #[test]
    fn a_vector_that_claims_too_much_is_noticed() {
        let mut view = store_with_one_sale();
        view.cloud.vector.set_max(receipt(1, 1).event.chain, Seq(9));
        assert_eq!(rules(&view), [Rule::NothingLost]);
    }

    #[test]
    fn what_the_cloud_stored_again_is_noticed() {
        let mut view = store_with_one_sale();
        view.cloud.stored_twice.push(receipt(1, 1).event);
        assert_eq!(rules(&view), [Rule::NothingTwice]);
    }
}

//! What the head office published is on every terminal, once, as it was published.

use super::rule::{Rule, Violation};
use super::view::StoreView;

pub(super) fn check(view: &StoreView, found: &mut Vec<Violation>) {
    let mut lacks = |holder: &str, what: String| {
        found.push(Violation::new(Rule::NothingLost, format!("{holder} {what}")));
    };
    for (id, payload) in &view.cloud.published {
        if view.cloud.events.get(id) != Some(payload) {
            lacks("the cloud", format!("lacks {id}, which was published"));
        }
        for terminal in &view.terminals {
            if terminal.events.get(id) != Some(payload) {
                lacks(&terminal.replica.to_string(), format!("lacks {id}, which was published"));
            }
        }
    }
    for terminal in &view.terminals {
        let from_above = terminal.events.keys().filter(|id| id.chain.replica.is_cloud());
        for id in from_above.filter(|id| !view.cloud.events.contains_key(id)) {
            lacks(&terminal.replica.to_string(), format!("holds {id}, which the cloud does not"));
        }
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Chain, EventId, Lane, ReplicaId, Seq};

    use super::super::view::tests::store_with_one_sale;
    use super::*;

    #[test]
    fn what_did_not_come_down_is_noticed() {
        let mut view = store_with_one_sale();
        let id = EventId::new(Chain::new(ReplicaId::cloud(7), Lane::Prices), Seq(1));
        let found = |view: &StoreView| {
            let mut found = Vec::new();
            check(view, &mut found);
            assert!(found.iter().all(|violation| violation.rule == Rule::NothingLost));
            found.len()
        };
        view.terminals[0].events.insert(id, vec![1]);
        assert_eq!(found(&view), 1, "it is nobody's");
        view.cloud.events.insert(id, vec![1]);
        view.cloud.published.insert(id, vec![1]);
        assert_eq!(found(&view), view.terminals.len() - 1);
        for terminal in &mut view.terminals {
            terminal.events.insert(id, vec![1]);
        }
        assert_eq!(found(&view), 0);
        view.terminals[1].events.insert(id, vec![2]);
        assert_eq!(found(&view), 1);
    }
}

//! Every terminal, of whatever version, has the same head of every chain: position, hash, and how far the log has derived it, where it
//! knows that.

use edgepos_core::Chain;

use super::rows::HeadRow;
use super::rule::{Rule, Violation};
use super::view::{StoreView, TerminalView};

pub(super) fn check(view: &StoreView, found: &mut Vec<Violation>) {
    // Whose log went back derives nothing any more.
    let derives = |terminal: &TerminalView| {
        !terminal.disk.places_unknown && !view.put_back.contains(&terminal.replica.terminal())
    };
    let first = view.terminals.iter().find(|terminal| derives(terminal)).or(view.terminals.first());
    let Some(first) = first else { return };
    // What was derived in a generation before is known to those who were there.
    let stores = first.disk.heads.keys().filter(|chain| chain.replica.is_store());
    let store = stores.max().copied();
    for other in view.terminals.iter().filter(|other| other.replica != first.replica) {
        // One that fell back to nothing is one that is not there.
        let head = |of: &TerminalView, chain: &Chain| {
            of.disk.heads.get(chain).filter(|head| head.seq > 0 || head.decided.is_some()).cloned()
        };
        let same = |chain: &Chain| match (head(first, chain), head(other, chain)) {
            (Some(mine), Some(theirs)) if !derives(other) || store.is_some_and(|store| *chain < store) => {
                (mine.seq, mine.hash) == (theirs.seq, theirs.hash)
            }
            (mine, theirs) => mine == theirs,
        };
        let Some(chain) = first.disk.heads.keys().chain(other.disk.heads.keys()).find(|chain| !same(chain))
        else {
            continue;
        };
        let say = |head: Option<&HeadRow>| {
            head.map_or("nothing".to_owned(), |head| match &head.decided {
                Some((decided, _)) => format!("{} events, {decided} of them decided", head.seq),
                None => format!("{} events", head.seq),
            })
        };
        let (mine, theirs) = (say(first.disk.heads.get(chain)), say(other.disk.heads.get(chain)));
        let what = format!("{} holds {mine} of {chain}, {} {theirs}", first.replica, other.replica);
        found.push(Violation::new(Rule::Converged, what));
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Lane, ReplicaId, StoreGeneration};

    use super::super::ledger::tests::receipt;
    use super::super::rows::HeadRow;
    use super::super::view::tests::store_with_one_sale;
    use super::*;

    fn found(view: &StoreView) -> usize {
        let mut found = Vec::new();
        check(view, &mut found);
        assert!(found.iter().all(|violation| violation.rule == Rule::Converged), "{found:?}");
        found.len()
    }

    #[test]
    fn another_position_hash_or_decision_is_noticed() {
        let mut whole = store_with_one_sale();
        let chain = receipt(1, 1).event.chain;
        let head = HeadRow { seq: 2, hash: vec![1], decided: Some((2, vec![1])) };
        for terminal in &mut whole.terminals {
            terminal.disk.heads.insert(chain, head.clone());
        }
        assert_eq!(found(&whole), 0);
        let wrong = [
            HeadRow { seq: 1, ..head.clone() },
            HeadRow { hash: vec![2], ..head.clone() },
            HeadRow { decided: Some((1, vec![1])), ..head.clone() },
            HeadRow { decided: None, ..head.clone() },
        ];
        for head in wrong {
            let mut view = whole.clone();
            view.terminals[1].disk.heads.insert(chain, head);
            assert_eq!(found(&view), 1);
        }
        // One that came after a recovery has not derived what was decided before it.
        let of_store =
            |generation| Chain::new(ReplicaId::store(StoreGeneration(generation)), Lane::Transactions);
        let mut view = whole.clone();
        for terminal in &mut view.terminals {
            terminal.disk.heads.insert(of_store(0), head.clone());
        }
        view.terminals[1].disk.heads.insert(of_store(0), HeadRow { decided: None, ..head.clone() });
        assert_eq!(found(&view), 1);
        for terminal in &mut view.terminals {
            terminal.disk.heads.insert(of_store(1), head.clone());
        }
        assert_eq!(found(&view), 0);
        view.terminals[1].disk.heads.insert(of_store(1), HeadRow { decided: None, ..head.clone() });
        assert_eq!(found(&view), 1);
        view.terminals[1].disk.heads.insert(of_store(0), HeadRow { seq: 1, ..head.clone() });
        view.terminals[1].disk.heads.insert(of_store(1), head);
        assert_eq!(found(&view), 1);
        whole.terminals[1].disk.heads.clear();
        assert_eq!(found(&whole), 1);
    }
}

//! Each receipt of a signed series is signed, once, as itself; or its terminal says that it waits.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::model::{BasketId, SigningState};

use super::rule::{Rule, Violation};
use super::view::{Facts, StoreView};
use crate::signer::{is_signed, said};

pub(super) fn check(view: &StoreView, found: &mut Vec<Violation>) {
    let facts = Facts::of(view.events());
    let mut signed: BTreeMap<(u16, &str, u64), Vec<BasketId>> = BTreeMap::new();
    for (id, signature) in facts.signed.iter().filter(|(_, said)| said.state != SigningState::WAITING) {
        let terminal = facts.first_name(*id).chain.replica.terminal();
        let name = (terminal, signature.series.as_str(), signature.number);
        signed.entry(name).or_default().push(signature.basket);
        if signature.signature() != Some(said(&signature.series, signature.number).as_slice()) {
            found.push(wrong(format!("{id} says of receipt {name:?} what the device has not said")));
        }
    }
    for terminal in view.terminals.iter().filter(|terminal| !terminal.later) {
        let number = terminal.replica.terminal();
        // What was signed, and what waits, went with the disk.
        if view.put_back.contains(&number) {
            continue;
        }
        let waits: BTreeSet<BasketId> = terminal.unsigned.iter().map(|receipt| receipt.basket).collect();
        let own = |id| facts.first_name(id).chain.replica.terminal() == number;
        for (_, sale) in facts.transactions.iter().filter(|(id, _)| own(*id)) {
            let name = (number, sale.series.as_str(), sale.number);
            let times = signed.get(&name).map_or(0, Vec::len) + usize::from(waits.contains(&sale.basket));
            if times != usize::from(terminal.signs && is_signed(&sale.series)) {
                found.push(wrong(format!("receipt {name:?} is signed or listed {times} times")));
            }
        }
    }
}

fn wrong(what: String) -> Violation {
    Violation::new(Rule::Receipts, what)
}

#[cfg(test)]
mod tests {
    use edgepos::UnsignedReceipt;
    use edgepos::crdt::Hlc;
    use edgepos::model::{Envelope, FiscalSigned, Kind, Signature};

    use super::super::ledger::tests::{ID, receipt};
    use super::super::view::tests::{sale, store_of};
    use super::*;

    fn signature(number: u64, text: &str) -> Vec<u8> {
        let signature = Signature::new("S", number, text.as_bytes().to_vec()).unwrap();
        let said = FiscalSigned::of(ID, "S".into(), number, Ok(signature));
        Envelope::new(Kind::FISCAL_SIGNED, 0, Hlc(1), minicbor::to_vec(said).unwrap()).encode()
    }

    fn count(events: &[(u64, Vec<u8>)], waits: bool) -> usize {
        let mut view = store_of(events);
        let event = receipt(1, 1).event;
        let terminal =
            view.terminals.iter_mut().find(|terminal| terminal.replica == event.chain.replica).unwrap();
        terminal.signs = true;
        let listed = UnsignedReceipt { basket: ID, event, series: "S".into(), number: 1, since_ms: 0 };
        terminal.unsigned.extend(waits.then_some(listed));
        let mut found = Vec::new();
        check(&view, &mut found);
        found.len()
    }

    #[test]
    fn a_receipt_that_is_not_signed_once_is_noticed() {
        assert_eq!(count(&[(1, sale(ID, 1)), (2, signature(1, "S 1"))], false), 0);
        assert_eq!(count(&[(1, sale(ID, 1))], true), 0);
        assert_eq!(count(&[(1, sale(ID, 1))], false), 1, "neither signed nor listed");
        assert_eq!(count(&[(1, sale(ID, 1)), (2, signature(1, "S 1"))], true), 1, "signed, and still listed");
        let twice = [(1, sale(ID, 1)), (2, signature(1, "S 1")), (3, signature(1, "S 1"))];
        assert_eq!(count(&twice, false), 1);
        assert_eq!(count(&[(1, sale(ID, 1)), (2, signature(1, "S 2"))], false), 1, "another receipt's");
    }
}

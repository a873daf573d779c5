//! One receipt number for each (terminal, series), but for pairs that say why.
//!
//! A disk that is put back may give a number a second time before anybody has proved to it that it was. One of the two sales is then
//! written again under another name, or says that its number was reserved under an earlier one; whatever else shares a number is a fault.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::model::{BasketId, Envelope, Kind, Mode, Transaction};

use super::rule::{Rule, Violation};
use super::view::StoreView;

/// What is printed on a receipt: the terminal's number, the series and the number in it.
type Printed = (u16, String, u64);

pub(super) fn check(view: &StoreView, found: &mut Vec<Violation>) {
    let mut sales: BTreeMap<Printed, BTreeMap<BasketId, bool>> = BTreeMap::new();
    let disks = view.terminals.iter().map(|terminal| &terminal.events);
    let mut read = BTreeSet::new();
    for (id, payload) in disks.chain([&view.cloud.events]).flatten() {
        if !read.insert((id, payload)) {
            continue;
        }
        let Ok(envelope) = Envelope::decode(payload) else { continue };
        if envelope.kind != Kind::TRANSACTION || envelope.mode != Mode::Live {
            continue;
        }
        let Ok(sale) = minicbor::decode::<Transaction>(&envelope.body) else { continue };
        let first = envelope.reissue_of().map_or(*id, |of| of.event);
        let before = envelope.origin.as_ref().and_then(|origin| origin.begun_in);
        let is_named = envelope.reissue_of().is_some() || before.is_some();
        let printed = (first.chain.replica.terminal(), sale.series, sale.number);
        // Held under its first name as well, it is the other half of the pair.
        let named = sales.entry(printed).or_default().entry(sale.basket).or_insert(is_named);
        *named &= is_named;
    }
    for ((terminal, series, number), baskets) in sales.into_iter().filter(|(_, baskets)| baskets.len() > 1) {
        let unnamed: Vec<_> =
            baskets.iter().filter(|(_, named)| !**named).map(|(basket, _)| basket).collect();
        if unnamed.len() > 1 {
            let what = format!("terminal {terminal} gave number {number} of series {series} to {unnamed:?}");
            found.push(Violation::new(Rule::Receipts, what));
        }
    }
}

#[cfg(test)]
mod tests {
    use edgepos::model::{Origin, Reissue};
    use edgepos_core::EventId;
    use edgepos_sync::Hash;

    use super::super::ledger::tests::{ID, receipt};
    use super::super::view::tests::{sale, store_of};
    use super::*;

    fn count(view: &StoreView) -> usize {
        let mut found = Vec::new();
        check(view, &mut found);
        found.len()
    }

    #[test]
    fn two_sales_of_one_number_are_a_fault_unless_one_says_why() {
        let other = BasketId([7; 16]);
        assert_eq!(count(&store_of(&[(1, sale(ID, 1)), (2, sale(other, 2))])), 0);
        let mut view = store_of(&[(1, sale(ID, 1)), (2, sale(other, 1))]);
        assert_eq!(count(&view), 1);
        let id: EventId = receipt(2, 1).event;
        for origin in [
            Origin {
                reissue_of: Some(Reissue::new(receipt(9, 1).event, Hash([9; 32]))),
                ..Origin::default()
            },
            Origin::begun_in(id.chain.replica),
        ] {
            let mut named = Envelope::decode(&sale(other, 1)).unwrap();
            named.origin = Some(origin);
            view.cloud.events.insert(id, named.encode());
            view.terminals.iter_mut().for_each(|terminal| drop(terminal.events.insert(id, named.encode())));
            assert_eq!(count(&view), 0);
        }
    }

    #[test]
    fn one_that_is_on_a_disk_alone_counts() {
        let mut view = store_of(&[(1, sale(ID, 1)), (2, sale(BasketId([7; 16]), 1))]);
        view.cloud.events.remove(&receipt(2, 1).event);
        assert_eq!(count(&view), 1);
    }
}

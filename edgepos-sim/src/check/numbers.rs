//! One receipt number for each (terminal, series), but for pairs that say why.
//!
//! A disk that is put back may give a number a second time before anybody has proved to it that it was. One of the two sales is then
//! written again under another name, or says that its number was reserved under an earlier one; whatever else shares a number is a fault. Each number that two
//! sales have is raised, and no other.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::model::{BasketId, Envelope, Kind, Mode, ReceiptNumber, Transaction};
use edgepos_core::EventId;

use super::rule::{Rule, Violation};
use super::view::{Facts, StoreView};

/// Who has a number, and whether that says why another may have it too.
type Sales = BTreeMap<ReceiptNumber, BTreeMap<BasketId, bool>>;

pub(super) fn check(view: &StoreView, found: &mut Vec<Violation>) {
    let disks = view.terminals.iter().map(|terminal| &terminal.events);
    let shared = shared(disks.chain([&view.cloud.events]).flatten());
    for (ReceiptNumber { terminal, series, number }, baskets) in &shared {
        let unnamed: Vec<_> =
            baskets.iter().filter(|(_, named)| !**named).map(|(basket, _)| basket).collect();
        if unnamed.len() > 1 {
            let what = format!("terminal {terminal} gave number {number} of series {series} to {unnamed:?}");
            found.push(Violation::new(Rule::Receipts, what));
        }
    }
    let facts = Facts::of(view.events());
    let raised: BTreeSet<ReceiptNumber> =
        facts.exceptions.iter().filter_map(|(_, exception)| exception.receipt_number()).collect();
    let shared: BTreeSet<ReceiptNumber> = shared.into_keys().collect();
    for number in shared.symmetric_difference(&raised) {
        let is = if raised.contains(number) { "is" } else { "is not" };
        let what = format!("{number:?} {is} said to be that of two receipts");
        found.push(Violation::new(Rule::OneException, what));
    }
}

/// The numbers that two baskets have.
pub(crate) fn shared<'e>(events: impl Iterator<Item = (&'e EventId, &'e Vec<u8>)>) -> Sales {
    let mut sales = Sales::new();
    let mut read = BTreeSet::new();
    for (id, payload) in events {
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
        let Transaction { basket, series, number, .. } = sale;
        let printed = ReceiptNumber { terminal: first.chain.replica.terminal(), series, number };
        // Held under its first name as well, it is the other half of the pair.
        let named = sales.entry(printed).or_default().entry(basket).or_insert(is_named);
        *named &= is_named;
    }
    sales.retain(|_, baskets| baskets.len() > 1);
    sales
}

#[cfg(test)]
mod tests {
    use edgepos::model::{ExceptionRaised, Origin, Reissue};
    use edgepos_core::EventId;
    use edgepos_sync::Hash;

    use super::super::ledger::tests::{ID, receipt};
    use super::super::view::tests::{sale, store_of, with_exceptions};
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
        assert_eq!(count(&view), 2, "a fault, and nobody has raised it");
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
            assert_eq!(count(&view), 1, "and nobody has raised it");
            let number = ReceiptNumber { terminal: 1, series: "S".into(), number: 1 };
            let raised = ExceptionRaised::same_number(&number, Vec::new());
            assert_eq!(count(&with_exceptions(view.clone(), &[raised])), 0);
        }
    }

    #[test]
    fn one_that_is_on_a_disk_alone_counts() {
        let mut view = store_of(&[(1, sale(ID, 1)), (2, sale(BasketId([7; 16]), 1))]);
        view.cloud.events.remove(&receipt(2, 1).event);
        assert_eq!(count(&view), 2);
    }
}

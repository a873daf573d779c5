//! Every event says how far its shop's clocks were ahead of UTC, and the price at a moment follows from what was said of it.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::model::PriceSet;

use super::rule::{Rule, Violation};
use super::view::{Facts, StoreView};

pub(super) fn check(view: &StoreView, found: &mut Vec<Violation>) {
    let facts = Facts::of(view.events());
    let today = || view.terminals.iter().filter(|terminal| !terminal.later);
    let Some(moment) = today().next().map(|terminal| terminal.moment) else { return };
    for (id, utc_ms, offset) in &facts.offsets {
        let expected = moment.offset_min(*utc_ms);
        if *offset != expected {
            let zone = moment.zone;
            found.push(wrong(format!(
                "{id} says {offset} min at {utc_ms}, and {zone} is {expected} min ahead"
            )));
        }
    }
    let products: BTreeSet<&str> = facts.prices.iter().map(|(_, price)| price.product.as_str()).collect();
    let probes = products.iter().flat_map(|product| moment.probes().map(|at_ms| (*product, at_ms)));
    let expected: BTreeMap<(&str, u64), &PriceSet> = probes
        .filter_map(|(product, at_ms)| Some(((product, at_ms), price_at(&facts, product, at_ms)?)))
        .collect();
    for terminal in today() {
        let replica = terminal.replica;
        for ((product, at_ms), shown) in &terminal.prices {
            let expected = expected.get(&(product.as_str(), *at_ms));
            // Who said no version is told one.
            let same = |said: &PriceSet| {
                PriceSet { version: said.version.or(shown.version), ..said.clone() } == *shown
            };
            if !expected.is_some_and(|expected| same(expected)) {
                found.push(wrong(format!(
                    "{replica} sells {product} at {at_ms} for {shown:?}, not {expected:?}"
                )));
            }
        }
        let has = |product: &str, at_ms| terminal.prices.contains_key(&(product.to_owned(), at_ms));
        if let Some((product, at_ms)) = expected.keys().find(|(product, at_ms)| !has(product, *at_ms)) {
            found.push(wrong(format!("{replica} has no price of {product} at {at_ms}")));
        }
    }
}

/// Of those that are valid the one that began last, and of those that the newest.
fn price_at<'a>(facts: &'a Facts, product: &str, at_ms: u64) -> Option<&'a PriceSet> {
    let of_it = facts.prices.iter().filter(|(_, price)| price.product == product && price.list == 0);
    let begun = of_it.filter(|(_, price)| price.valid_from.unwrap_or(0) <= at_ms);
    // Of what was said for one time the last is meant.
    let valid = begun.filter(|(_, price)| price.valid_to.is_none_or(|to| at_ms < to));
    valid.max_by_key(|(stamp, price)| (price.valid_from.unwrap_or(0), *stamp)).map(|(_, price)| price)
}

fn wrong(what: String) -> Violation {
    Violation::new(Rule::InTime, what)
}

#[cfg(test)]
mod tests {
    use edgepos::crdt::{Hlc, Stamp};
    use edgepos::model::Currency;
    use edgepos_core::{Chain, Lane, RepairGen, ReplicaId};

    use super::super::view::tests::store_with_one_sale;
    use super::*;

    fn price(amount: i64, valid_from: Option<u64>, valid_to: Option<u64>) -> PriceSet {
        PriceSet {
            product: "milk".into(),
            list: 0,
            amount,
            currency: Currency::EUR,
            tax_included: true,
            valid_from,
            valid_to,
            version: None,
        }
    }

    #[test]
    fn a_wrong_price_and_a_wrong_offset_are_noticed() {
        let mut view = store_with_one_sale();
        let count = |view: &StoreView| {
            let mut found = Vec::new();
            check(view, &mut found);
            assert!(found.iter().all(|violation| violation.rule == Rule::InTime), "{found:?}");
            found.len()
        };
        assert_eq!(count(&view), 0);
        view.terminals[0].prices.insert(("milk".into(), 5), price(1, None, None));
        assert_eq!(count(&view), 1, "nobody set it");
        view.terminals[0].prices.clear();
        view.terminals[0].moment.before_min = 60;
        assert!(count(&view) > 0, "the events say 0");
    }

    #[test]
    fn the_price_at_a_moment_is_the_one_that_began_last() {
        let stamp = |hlc| Stamp::new(RepairGen(0), Hlc(hlc), Chain::new(ReplicaId::new(1, 1), Lane::Prices));
        let prices = vec![
            (stamp(1), price(129, None, None)),
            (stamp(2), price(99, Some(10), Some(20))),
            (stamp(3), price(139, Some(15), None)),
        ];
        let mut facts = Facts::default();
        facts.prices = prices;
        let amount = |at_ms| price_at(&facts, "milk", at_ms).map(|price| price.amount);
        assert_eq!([9, 10, 14, 15, 25].map(amount), [129, 99, 99, 139, 139].map(Some));
    }
}

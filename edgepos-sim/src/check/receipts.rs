//! One key, one receipt; one basket, one transaction; receipt numbers without gaps.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::model::{BasketId, Envelope, Kind, PaymentId, Ref, RefRole};
use edgepos_core::ReplicaId;

use super::events::Events;
use super::ledger::Ledger;
use super::rule::{Rule, Violation};
use super::view::{Facts, StoreView};

pub(super) fn check(view: &StoreView, ledger: &Ledger, found: &mut Vec<Violation>) {
    let facts = Facts::of(view.events());
    let mut booked: BTreeMap<BasketId, Vec<ReplicaId>> = BTreeMap::new();
    for (id, transaction) in facts.transactions.iter().chain(&facts.training) {
        booked.entry(transaction.basket).or_default().push(facts.first_name(*id).chain.replica);
        match ledger.basket(transaction.basket) {
            None => found.push(wrong(format!("{id} books basket {}, which no till had", transaction.basket))),
            Some(basket) if basket.shaken => {}
            Some(basket) if basket.abandoned => {
                found.push(wrong(format!("{id} books basket {}, which was abandoned", transaction.basket)));
            }
            Some(basket) if basket.keys.is_empty() => {
                found.push(wrong(format!("{id} books basket {}, which nobody paid", transaction.basket)));
            }
            Some(_) => {}
        }
    }
    for (basket, by) in booked.iter().filter(|(_, by)| by.len() > 1) {
        // What was asked for at two tills may be booked by both, where neither had heard of the other's sale.
        let asked = ledger.basket(*basket);
        let asked_twice = asked.is_some_and(|basket| basket.elsewhere && (basket.unaware || basket.shaken));
        // Two boxes with one disk have one name, until one of the sales is written again.
        let one_box = by[0] == by[1] && !view.put_back.contains(&by[0].terminal());
        if !asked_twice || by.len() > 2 || one_box {
            found.push(wrong(format!("basket {basket} is booked {} times, by {by:?}", by.len())));
        }
    }
    numbers(view, &facts, found);
    payments(view, found);
}

/// What a card paid is in a sale, given back, or on the list with a basket that is open.
fn payments(view: &StoreView, found: &mut Vec<Violation>) {
    for terminal in &view.terminals {
        let is_open = |basket| terminal.open.iter().any(|open| open.basket == basket);
        // The sale went with a disk that was put back, or is in the cloud alone: somebody has to say what became of the payment.
        let has_forgotten = view.put_back.contains(&terminal.replica.terminal());
        let may_be_listed = |payment| has_forgotten && !has_sale(&terminal.events, payment);
        let unsettled = terminal.payments.iter().filter(|payment| !is_open(payment.basket));
        for payment in unsettled.filter(|payment| !may_be_listed(payment.payment)) {
            found.push(wrong(format!(
                "payment {} of basket {}, which is not open at {}, is not settled",
                payment.payment, payment.basket, terminal.replica
            )));
        }
    }
}

/// Whether one of these events is a sale that names the payment.
fn has_sale(events: &Events, payment: PaymentId) -> bool {
    let names = |link: &Ref| link.role == RefRole::PAYMENT && link.id == payment.0;
    let sales = events.values().filter_map(|payload| Envelope::decode(payload).ok());
    sales.filter(|sale| sale.kind == Kind::TRANSACTION).any(|sale| sale.refs.iter().any(names))
}

/// Booked, voided and still open numbers of one (terminal, series) are 1, 2, 3 … each once.
fn numbers(view: &StoreView, facts: &Facts, found: &mut Vec<Violation>) {
    let mut used: BTreeMap<(ReplicaId, &str), Vec<u64>> = BTreeMap::new();
    for (id, transaction) in &facts.transactions {
        let by = facts.first_name(*id).chain.replica;
        used.entry((by, &transaction.series)).or_default().push(transaction.number);
    }
    for (id, voided) in &facts.voided {
        let by = facts.first_name(*id).chain.replica;
        used.entry((by, &voided.series)).or_default().push(voided.number);
    }
    for terminal in &view.terminals {
        for open in terminal.open.iter().filter(|open| open.number > 0) {
            used.entry((terminal.replica, &open.series)).or_default().push(open.number);
        }
    }
    for ((replica, series), numbers) in used {
        // Its numbers went with what was lost: which may stand twice is another rule.
        if view.put_back.contains(&replica.terminal()) {
            continue;
        }
        let distinct: BTreeSet<u64> = numbers.iter().copied().collect();
        let whole = distinct.iter().copied().eq(1..=distinct.len() as u64);
        if !whole || distinct.len() != numbers.len() {
            let missing = (1..).find(|number| !distinct.contains(number)).unwrap_or_default();
            let twice = distinct.iter().find(|&&number| numbers.iter().filter(|&&n| n == number).count() > 1);
            let what = format!("series {series} of {replica}: first missing {missing}, used twice {twice:?}");
            found.push(wrong(what));
        }
    }
}

fn wrong(what: String) -> Violation {
    Violation::new(Rule::Receipts, what)
}

#[cfg(test)]
mod tests {
    use super::super::ledger::tests::{ID, open_basket, paid, promised, receipt};
    use super::super::view::tests::{sale, store_of, store_with_one_sale, voided};
    use super::*;

    fn count(view: &StoreView, ledger: &Ledger) -> usize {
        let mut found = Vec::new();
        check(view, ledger, &mut found);
        assert!(found.iter().all(|violation| violation.rule == Rule::Receipts), "{found:?}");
        found.len()
    }

    #[test]
    fn a_basket_that_is_booked_twice_is_noticed() {
        assert_eq!(count(&store_with_one_sale(), &paid()), 0);
        let view = store_of(&[(1, sale(ID, 1)), (2, sale(ID, 2))]);
        assert_eq!(count(&view, &paid()), 1);
    }

    #[test]
    fn a_sale_that_nobody_made_or_paid_is_noticed() {
        assert_eq!(count(&store_with_one_sale(), &Ledger::new()), 1);
        assert_eq!(count(&store_with_one_sale(), &promised()), 1);
    }

    #[test]
    fn a_payment_that_no_sale_has_is_noticed() {
        let mut view = store_with_one_sale();
        view.terminals[0].payments.push(edgepos::OpenPayment {
            payment: edgepos::model::PaymentId([1; 16]),
            basket: ID,
            tender: edgepos::model::TenderType::CARD,
            amount: 250,
            state: None,
            taken: 0,
            since_ms: 0,
            operator: None,
            terminal: 1,
        });
        assert_eq!(count(&view, &paid()), 1);
        let number = view.terminals[0].replica.terminal();
        view.put_back.insert(number);
        assert_eq!(count(&view, &paid()), 0, "its sale may have gone with the disk");
        view.put_back.remove(&number);
        view.terminals[0].open.push(open_basket(0));
        assert!(count(&view, &paid()) > 0, "its number is used twice, and the payment waits for it");
    }

    #[test]
    fn gaps_and_repeats_in_a_series_are_noticed() {
        assert_eq!(count(&store_of(&[(1, sale(ID, 2))]), &paid()), 1);
        assert_eq!(count(&store_of(&[(1, sale(ID, 2)), (2, voided(1))]), &paid()), 0);
        assert_eq!(count(&store_of(&[(1, sale(ID, 1)), (2, voided(1))]), &paid()), 1);
        let mut view = store_of(&[(1, sale(ID, 2))]);
        let open = open_basket(0);
        view.terminals[0].open.push(open);
        view.terminals[0].replica = receipt(1, 1).event.chain.replica;
        assert_eq!(count(&view, &paid()), 0);
    }
}

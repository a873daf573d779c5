//! What a till hears of a basket, and what its events say beside its contents.

use edgepos_core::{IdempotencyKey, Space, Write};
use edgepos_wire::to_cbor;

use super::basket::Basket;
use super::body::{BasketId, Tender, Transaction};
use super::receipt::Receipt;
use super::tenders::Tenders;
use crate::retail::envelope::{Ref, RefRole};
use crate::retail::keys::Keys;
use crate::retail::keys::booked::{Booked, What};
use crate::retail::keys::found::Found;
use crate::retail::kind::KnownKind;
use crate::retail::parked::body::{BasketParked, BasketTaken};
use crate::retail::parked::{Free, take};
use crate::retail::payment::Payments;
use crate::retail::unreadable::Unreadable;
use crate::terminal::io::{Reply, RequestId};
use crate::terminal::ledger::Entry;
use crate::terminal::refusal::Refusal;
use crate::terminal::turn::Turn;
use crate::terminal::unit_of_work::{Then, UnitOfWork};

/// Why a sale is refused, and the event because of which, where it is one.
pub(super) type Taken = (Refusal, Option<Box<Booked>>);

/// Refuses a basket that is booked, and a key that is something else's.
pub(super) fn free(
    basket: BasketId,
    key: Option<IdempotencyKey>,
    found: Result<&Found, &Unreadable>,
) -> Result<(), Taken> {
    let damaged = |reason: &Unreadable| {
        (Refusal::Damaged { what: "what this basket was booked as", reason: reason.clone() }, None)
    };
    let found = found.map_err(damaged)?;
    let taken = |refusal, booked: &Booked| Err((refusal, Some(Box::new(booked.clone()))));
    if let Some(booked) = key.and_then(|_| found.first_of_key(|_| false)) {
        match &booked.what {
            What::Sale(receipt) if receipt.basket != basket => {
                let refusal = Refusal::KeyOfAnotherBasket { asked: basket, basket: receipt.basket };
                return taken(refusal, booked);
            }
            What::Record(event, _) => return taken(Refusal::KeyInUse { event: *event }, booked),
            What::Sale(_) => {}
        }
    }
    match found.first_of_basket() {
        Some(booked @ Booked { what: What::Sale(receipt), .. }) => {
            taken(Refusal::BasketBooked(receipt.clone()), booked)
        }
        Some(_) | None => found.as_told().map_or(Ok(()), |told| Err((of_told(basket, told), None))),
    }
}

/// What a basket is refused for that another terminal says it has booked, or whose key it says it has used.
fn of_told(basket: BasketId, told: &Booked) -> Refusal {
    match &told.what {
        What::Sale(receipt) if receipt.basket == basket => Refusal::BookedElsewhere(receipt.clone()),
        What::Sale(receipt) => Refusal::KeyOfAnotherBasket { asked: basket, basket: receipt.basket },
        What::Record(event, _) => Refusal::KeyInUse { event: *event },
    }
}

/// Refuses each of these calls. What is said of an event is said once that is durable: a power cut may take it before.
pub(super) fn refuse_taken(
    out: &mut UnitOfWork,
    keys: &Keys,
    requests: Vec<RequestId>,
    (refusal, because): &Taken,
) {
    let later = because.as_ref().is_some_and(|booked| keys.keep(booked, out));
    for request in requests {
        match later {
            true => out.then(Then::Refuse(request, refusal.clone())),
            false => out.reply(request, Err(refusal.clone())),
        }
    }
}

/// Writes the basket down, and answers once that is written. The customer pays after that: no flush waits for it alone.
pub(super) fn keep(out: &mut UnitOfWork, request: RequestId, basket: &Basket, reply: Reply) {
    out.write_soon(Write::put(Space::Basket, basket.transaction.basket.0, to_cbor(basket)));
    out.then(Then::Reply(request, reply));
}

pub(super) fn begun(basket: &Basket) -> Reply {
    Reply::Begun { number: basket.transaction.number, total: basket.transaction.total }
}

pub(super) fn claimed(basket: &Basket) -> Reply {
    let Transaction { number, total, ref lines, .. } = basket.transaction;
    Reply::Claimed { number, total, lines: lines.clone() }
}

/// What was begun, with how it is paid.
pub(super) fn paid(begun: &Transaction, tenders: &Tenders) -> Transaction {
    let change = Some(tenders.change()).filter(|change| *change != 0);
    Transaction { change, tenders: tenders.as_slice().to_vec(), ..begun.clone() }
}

/// The receipts that goods come back from, the payments that payment terminals approved, and the customer.
pub(super) fn references(transaction: &Transaction) -> Vec<Ref> {
    let mut originals: Vec<BasketId> =
        transaction.lines.iter().filter_map(|line| line.original).map(|original| original.basket).collect();
    originals.sort_unstable();
    originals.dedup();
    let originals =
        originals.into_iter().map(|basket| Ref { role: RefRole::ORIGINAL, id: basket.0.to_vec() });
    let payments = transaction.tenders.iter().filter_map(Tender::payment);
    let payments = payments.map(|payment| Ref { role: RefRole::PAYMENT, id: payment.0.to_vec() });
    let customer = transaction
        .customer
        .iter()
        .map(|customer| Ref { role: RefRole::CUSTOMER, id: customer.as_bytes().to_vec() });
    originals.chain(payments).chain(customer).collect()
}

/// What is recorded of a basket that is paid, beside its effects.
pub(super) fn sale_entry(basket: &Basket, transaction: &Transaction, business_day: Option<u32>) -> Entry {
    Entry {
        mode: basket.mode,
        operator: basket.operator.clone(),
        refs: references(transaction),
        ..Entry::new(basket.day.or(business_day), KnownKind::Transaction, to_cbor(transaction))
    }
}

/// What is recorded of a basket that is put aside, on its day.
pub(super) fn parked_entry(basket: &Basket, day: Option<u32>) -> Entry {
    let Transaction { basket: id, total, currency, .. } = basket.transaction;
    let body = to_cbor(&BasketParked::new(id, total, currency, to_cbor(basket)));
    Entry {
        operator: basket.operator.clone(),
        refs: vec![Ref { role: RefRole::BASKET, id: id.0.to_vec() }],
        ..Entry::new(day, KnownKind::BasketParked, body)
    }
}

/// Gives a parked basket up.
///
/// # Errors
/// When the log does not take that.
pub(crate) fn close_parked(
    turn: &mut Turn<'_>,
    business_day: Option<u32>,
    request: RequestId,
    free: &Free,
) -> Result<(), Refusal> {
    let taken = BasketTaken::new(free.basket.transaction.basket, free.parked);
    take(turn, business_day, KnownKind::BasketClosed, taken)?;
    turn.out.then(Then::Reply(request, Reply::Abandoned));
    Ok(())
}

/// Records that what was taken for a basket here was taken beside the sale that its receipt is of. Whether anything was: a repeat finds
/// nothing more.
///
/// # Errors
/// When the log does not take it.
pub(crate) fn record_surplus(
    turn: &mut Turn<'_>,
    payments: &Payments,
    (operator, day): (Option<String>, Option<u32>),
    business_day: Option<u32>,
    receipt: &Receipt,
) -> Result<bool, Refusal> {
    let surplus = payments.surplus(receipt.basket, receipt.event);
    for outcome in &surplus {
        let refs = vec![
            Ref { role: RefRole::BASKET, id: outcome.basket.0.to_vec() },
            Ref { role: RefRole::PAYMENT, id: outcome.payment.0.to_vec() },
        ];
        let entry = Entry::new(day.or(business_day), KnownKind::PaymentOutcome, to_cbor(outcome));
        let entry = Entry { operator: operator.clone(), refs, ..entry };
        turn.ledger.record(turn.now, turn.config, entry)?;
    }
    Ok(!surplus.is_empty())
}

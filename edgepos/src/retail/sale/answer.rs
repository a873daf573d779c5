//! What a till hears of a basket, and what its events say beside its contents.

use edgepos_core::{IdempotencyKey, Space, Write};
use edgepos_wire::to_cbor;

use super::basket::Basket;
use super::body::{BasketId, Tender, Tenders, Transaction};
use super::receipt::Receipt;
use crate::retail::envelope::{Ref, RefRole};
use crate::retail::keys::booked::What;
use crate::retail::keys::found::Found;
use crate::retail::kind::KnownKind;
use crate::retail::parked::body::BasketParked;
use crate::retail::payment::Payments;
use crate::retail::unreadable::Unreadable;
use crate::terminal::io::{Reply, RequestId};
use crate::terminal::ledger::Entry;
use crate::terminal::refusal::Refusal;
use crate::terminal::turn::Turn;
use crate::terminal::unit_of_work::{Then, UnitOfWork};

/// Refuses a basket that is booked, and a key that is something else's.
pub(super) fn free(
    basket: BasketId,
    key: Option<IdempotencyKey>,
    found: Result<Found, Unreadable>,
) -> Result<(), Refusal> {
    let found =
        found.map_err(|reason| Refusal::Damaged { what: "what this basket was booked as", reason })?;
    let of_key = key.and_then(|_| found.first_of_key(|_| false)).map(|booked| &booked.what);
    match of_key {
        Some(What::Sale(receipt)) if receipt.basket != basket => {
            return Err(Refusal::KeyOfAnotherBasket { asked: basket, basket: receipt.basket });
        }
        Some(What::Record(event, _)) => return Err(Refusal::KeyInUse { event: *event }),
        Some(What::Sale(_)) | None => {}
    }
    match found.first_of_basket().map(|booked| &booked.what) {
        Some(What::Sale(receipt)) => Err(Refusal::BasketBooked(receipt.clone())),
        Some(What::Record(..)) | None => Ok(()),
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

/// Records that what was taken for a basket here was taken beside the sale that its receipt is of. Whether anything was: a repeat finds
/// nothing more.
///
/// # Errors
/// When the log does not take it.
pub(super) fn record_surplus(
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

//! What a resolution does to counters: worked out once, by the terminal that is asked, and carried by the decision.

use edgepos_core::EventId;
use edgepos_wire::from_cbor;

use super::body::ExceptionRaised;
use super::judge::Look;
use super::resolution::{Action, ResolveError};
use super::resolutions::Resolutions;
use crate::retail::effect::{Counter, CounterRow, Effect, StockState};
use crate::retail::envelope::{Envelope, Mode};
use crate::retail::keys::booked::Booked;
use crate::retail::keys::name::BookedName;
use crate::retail::kind::Kind;
use crate::retail::sale::body::Transaction;

/// What an action does to counters, and the amount that it comes to; what is voided has to be read first, see [`of_voided`].
pub(super) fn effects(
    action: &Action,
    look: Option<&Look>,
    resolutions: &Resolutions,
) -> Result<(Vec<Effect>, Option<i64>), ResolveError> {
    let bad = |reason| ResolveError::BadAction { action: action.code().name(), reason };
    let overflow = || bad("the quantity does not fit 64 bits");
    let stock = || {
        let is_stock = |look: &&Look| look.row.counter == Counter::STOCK;
        look.filter(is_stock).ok_or_else(|| bad("the exception is not about stock"))
    };
    let counted = |counted: i64| {
        let Look { row, value, .. } = stock()?;
        let delta = counted.checked_sub(*value).ok_or_else(overflow)?;
        Ok((vec![Effect::new(row.clone(), delta, None)], Some(counted)))
    };
    match action {
        Action::Accept | Action::VoidTransaction { .. } => Ok((Vec::new(), None)),
        Action::AdjustInventory { delta: 0 } => Err(bad("it adjusts nothing")),
        Action::AdjustInventory { delta } => {
            Ok((vec![Effect::new(stock()?.row.clone(), *delta, None)], Some(*delta)))
        }
        Action::Recount { counted: None } => stock().map(|_| (Vec::new(), None)),
        Action::Recount { counted: Some(there) } | Action::Count { counted: there, .. } => counted(*there),
        Action::Backorder => {
            let Look { row, value, floor } = stock()?;
            if row.state != StockState::OnHand {
                return Err(bad("only stock on hand can be owed"));
            }
            let floor = floor.ok_or_else(|| bad("nothing is missing"))?;
            let owed = floor.checked_sub(*value).ok_or_else(overflow)?;
            if owed <= 0 {
                return Err(bad("nothing is missing"));
            }
            let reserved = CounterRow { state: StockState::Reserved, ..row.clone() };
            let effects = vec![Effect::new(row.clone(), owed, None), Effect::new(reserved, owed, None)];
            Ok((effects, Some(owed)))
        }
        Action::Undo { of } | Action::Fulfil { of } | Action::Cancel { of } => {
            let (_, done) = resolutions.decision(*of).ok_or(ResolveError::NoSuchStep { of: *of })?;
            Ok((backwards(done).ok_or_else(overflow)?, None))
        }
    }
}

/// The effects that take those of a sale, or of goods that moved, back. `counts`: whether it counts for itself here, and not as a repeat of
/// another.
pub(super) fn of_voided(
    raised: &ExceptionRaised,
    (transaction, refund): (EventId, bool),
    envelope: &Envelope,
    counts: bool,
) -> Result<Vec<Effect>, ResolveError> {
    let bad = |reason| ResolveError::BadTransaction { transaction, reason };
    // Of what else is on record either nothing counts, or more than counters: cash is in the figures of a day.
    let are_goods_twice = envelope.kind == Kind::STOCK_MOVED && raised.booked_twice().is_some();
    if !(envelope.kind == Kind::TRANSACTION || are_goods_twice) || envelope.mode != Mode::Live {
        return Err(bad("it is no sale that counts, and no movement of goods"));
    }
    if !counts {
        return Err(bad("it repeats another event, which counts"));
    }
    let has_part = match (raised.booked_twice(), raised.row()) {
        // Two disks of one terminal write two sales under one event's name, and the one that is held here may be the other.
        (Some(name), _) => raised.involved.contains(&transaction) && is_named(transaction, envelope, name),
        (None, Some(row)) => envelope.effects.iter().any(|effect| effect.row() == row),
        (None, None) => false,
    };
    if !has_part {
        return Err(bad("it has no part in the exception"));
    }
    let stays = |effect: &&Effect| refund || effect.counter != Counter::CASH;
    let effects: Vec<Effect> = envelope.effects.iter().filter(stays).cloned().collect();
    let mut back = backwards(&effects).ok_or_else(|| bad("a quantity does not fit 64 bits"))?;
    // What has no pieces could be paid back once more: the money counts.
    if refund && let Ok(sale) = from_cbor::<Transaction>("transaction", &envelope.body) {
        let services = sale.lines.iter().filter(|line| line.quantity == 0 && line.amount > 0);
        back.extend(services.map(|line| {
            let row = CounterRow::refundable(sale.basket, line.no);
            Effect::new(row, -line.amount, Some(-line.amount))
        }));
    }
    Ok(back)
}

/// Whether the event was booked under this name.
fn is_named(id: EventId, envelope: &Envelope, name: BookedName) -> bool {
    Booked::of(id, envelope).is_some_and(|booked| booked.named().names().any(|own| own == name))
}

/// The same the other way round; a floor that an effect named stays named.
fn backwards(effects: &[Effect]) -> Option<Vec<Effect>> {
    let back =
        |effect: &Effect| Some(Effect { delta: effect.delta.checked_neg()?, floor: None, ..effect.clone() });
    effects.iter().map(back).collect()
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Chain, Lane, ReplicaId, Seq};
    use edgepos_crdt::Hlc;
    use edgepos_wire::to_cbor;

    use super::*;
    use crate::retail::money::Currency;
    use crate::retail::sale::body::{BasketId, DocType};

    /// The image of a disk that is put back writes another sale under the name of the first.
    #[test]
    fn a_void_takes_back_the_sale_that_was_booked_twice_and_no_other_of_its_name() {
        let id = EventId::new(Chain::new(ReplicaId::new(3, 1), Lane::Transactions), Seq(25));
        let raised = ExceptionRaised::duplicate(BookedName::Basket(BasketId([1; 16])), vec![id]);
        let sale_of = |basket| {
            let body = Transaction {
                basket: BasketId([basket; 16]),
                doc_type: DocType::Sale,
                series: "S".into(),
                number: 11,
                customer: None,
                currency: Currency::EUR,
                lines: Vec::new(),
                tenders: Vec::new(),
                taxes: Vec::new(),
                rounding: 0,
                total: 0,
                change: None,
                unreferenced: None,
            };
            Envelope::new(Kind::TRANSACTION, 0, Hlc(1), to_cbor(&body))
        };
        assert_eq!(of_voided(&raised, (id, false), &sale_of(1), true), Ok(Vec::new()));
        let refused = of_voided(&raised, (id, false), &sale_of(2), true);
        assert!(
            matches!(refused, Err(ResolveError::BadTransaction { transaction, .. }) if transaction == id)
        );
    }
}

//! A receipt that is taken back as a whole: what it booked, the other way round.

use std::collections::BTreeMap;

use super::bounds::{Known, Receipt};
use crate::retail::code;
use crate::retail::effect::{Counter, Effect};
use crate::retail::sale::body::{BasketId, DocType, Line, OriginalLine, Tax};
use crate::retail::sale::draft::Draft;
use crate::terminal::refusal::Refusal;

/// The receipt that a draft voids: the one that it names, or that its lines come from.
///
/// # Errors
/// When it names none, or more than one.
pub(super) fn receipt_of(draft: &Draft) -> Result<Option<BasketId>, Refusal> {
    if draft.doc_type != DocType::Void {
        return match draft.voids {
            Some(_) => bad("voids", "only a void takes a whole receipt back"),
            None => Ok(None),
        };
    }
    let of_line = |line: &Line| line.original.map(|original| original.basket);
    let named = draft.voids.or_else(|| draft.lines.first().and_then(of_line));
    let Some(receipt) = named else { return bad("voids", "a void names the receipt that it takes back") };
    if draft.lines.iter().any(|line| of_line(line) != Some(receipt)) {
        return bad("lines", "a void takes one receipt back and nothing else");
    }
    Ok(Some(receipt))
}

/// Makes a void of what is known of its receipt. What the till says itself says the same.
///
/// # Errors
/// When the receipt is not held here, is one on which goods came back, or was another one than the till says.
pub(super) fn derive(draft: &mut Draft, known: Option<&Known>) -> Result<(), Refusal> {
    let Some(Known::Receipt(receipt)) = known else {
        return bad(
            "voids",
            "the receipt is not held here, and nobody else says what it booked: take the goods back as a return",
        );
    };
    let Receipt { transaction: sale, beside, .. } = receipt.as_ref();
    if sale.lines.iter().any(|line| line.original.is_some() || line.quantity < 0) {
        return bad("voids", "goods came back on this receipt: sell them again");
    }
    let lines: Vec<Line> = sale.lines.iter().map(|line| back(sale.basket, line)).collect();
    if lines.is_empty() {
        return bad("voids", "nothing was sold on this receipt");
    }
    let paid = sale.tenders.iter().fold(0i64, |paid, tender| paid.saturating_add(tender.amount));
    if paid.saturating_sub(sale.change.unwrap_or(0)) != sale.total {
        return bad(
            "voids",
            "its payments did not come to its total: the goods come back as a return, for what was paid",
        );
    }
    let taxes: Vec<Tax> =
        sale.taxes.iter().map(|tax| Tax { base: -tax.base, amount: -tax.amount, ..tax.clone() }).collect();
    // Money that is on no card any more is not paid out again, whatever was said when it was put there.
    let undone = |effect: &Effect| {
        let takes_money = effect.counter == Counter::STORED_VALUE && effect.delta > 0;
        let floor = effect.floor.or(takes_money.then_some(0));
        Effect { delta: -effect.delta, floor, ..effect.clone() }
    };
    let effects: Vec<Effect> = beside.iter().map(undone).collect();
    let other_lines = !draft.lines.is_empty() && !is_whole(&draft.lines, &lines);
    let says_other = [
        ("lines", other_lines),
        ("taxes", !draft.taxes.is_empty() && draft.taxes != taxes),
        ("rounding", draft.rounding != 0 && draft.rounding != -sale.rounding),
        ("effects", !draft.effects.is_empty() && draft.effects != effects),
    ];
    if let Some((field, _)) = says_other.into_iter().find(|(_, other)| *other) {
        return bad(
            field,
            "a void takes back what the receipt says, the whole of it: a part comes back as a return",
        );
    }
    let reasons = draft.lines.iter().filter_map(|said| Some((said.original?.line, said.reason.clone()?)));
    let reasons: BTreeMap<u16, String> = reasons.collect();
    draft.lines = lines;
    for line in &mut draft.lines {
        line.reason = reasons.get(&line.no).cloned();
    }
    draft.taxes = taxes;
    draft.rounding = -sale.rounding;
    draft.effects = effects;
    draft.customer = draft.customer.take().or_else(|| sale.customer.clone());
    Ok(())
}

/// What an event did beside what follows from its lines and payments.
pub(super) fn beside(effects: Vec<Effect>) -> Vec<Effect> {
    effects.into_iter().filter(|effect| !effect.counter.is_derived()).collect()
}

/// The line that takes one back. What was taken off it is in its amount.
fn back(basket: BasketId, sold: &Line) -> Line {
    Line {
        quantity: -sold.quantity,
        amount: -sold.amount,
        discounts: Vec::new(),
        reason: None,
        original: Some(OriginalLine { basket, line: sold.no }),
        ..sold.clone()
    }
}

/// Whether a till says each of these lines, and nothing else.
fn is_whole(said: &[Line], lines: &[Line]) -> bool {
    let what =
        |line: &Line| (line.original.map(|of| of.line), line.quantity, line.amount, code::key(&line.product));
    let sorted = |lines: &[Line]| {
        let mut all: Vec<_> = lines.iter().map(what).collect();
        all.sort_unstable();
        all
    };
    sorted(said) == sorted(lines)
}

fn bad<T>(field: &'static str, reason: &'static str) -> Result<T, Refusal> {
    Err(Refusal::BadField { field, reason })
}

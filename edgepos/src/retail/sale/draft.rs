//! A basket that the till wants to sell: checked while it may still be refused.

use std::collections::{BTreeMap, BTreeSet};

use edgepos_core::IdempotencyKey;
use edgepos_wire::to_cbor;

use super::answer::references;
use super::basket::{Basket, returned};
use super::beside_payments::MAX_NAME;
use super::body::{BasketId, DocType, Line, Tax, Transaction};
use crate::retail::code;
use crate::retail::effect::{CounterRow, Effect};
use crate::retail::envelope::Mode;
use crate::retail::keys::name::BookedName;
use crate::retail::money::{Currency, MAX_MAGNITUDE};
use crate::retail::redact::{is_card_number, mask_card_numbers};
use crate::retail::series_name;
use crate::retail::sums::lowest;
use crate::terminal::io::RequestId;
use crate::terminal::refusal::Refusal;

/// A basket that the till wants to sell: all that can be checked before the customer pays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draft {
    /// The till's name for the basket.
    pub basket: BasketId,
    /// Sale, return …
    pub doc_type: DocType,
    /// The receipt series; at most [`MAX_SERIES`](Self::MAX_SERIES) characters.
    pub series: String,
    /// The currency of every amount, by ISO 4217. One that is no longer in use is taken for what comes back on receipts of it that are held
    /// here, and refused otherwise.
    pub currency: Currency,
    /// The customer, by the vendor's number; at most [`MAX_TEXT`](Self::MAX_TEXT) bytes.
    pub customer: Option<String>,
    /// Who is signed in; at most [`MAX_TEXT`](Self::MAX_TEXT) bytes.
    pub operator: Option<String>,
    /// Whether it counts.
    pub mode: Mode,
    /// What goes over the counter; at most [`MAX_LINES`](Self::MAX_LINES), and fewer where lines say more.
    pub lines: Vec<Line>,
    /// Taxes as the vendor computed them; at most [`MAX_TAXES`](Self::MAX_TAXES).
    pub taxes: Vec<Tax>,
    /// Cash rounding, in minor units.
    pub rounding: i64,
    /// What it does to counters beyond stock, returnable quantities and cash, which follow from the lines and tenders.
    pub effects: Vec<Effect>,
    /// Goods come back without a receipt, and somebody says so: a line that takes goods back and names no receipt is refused otherwise.
    pub unreferenced: bool,
    /// For a void, the basket of the receipt that it takes back. Its lines, taxes, rounding and effects follow from that receipt, which has
    /// to be held here; where they are said as well, they say the same. Default none: the receipt that its lines come from.
    pub voids: Option<BasketId>,
    /// Whoever sells knows better than another terminal, which says that it has booked this basket or used this key, and whose event is not
    /// here: see [`Refusal::BookedElsewhere`]. Where that was so after all, the basket is booked twice, and the store raises an exception.
    pub anyway: bool,
    /// The key that it will be committed under, where the till has it already: one that was used for anything else is refused here.
    pub key: Option<IdempotencyKey>,
}

/// Lines of receipts that this terminal holds, and what each came to, in minor units.
pub(crate) type HeldLines = BTreeMap<(BasketId, u16), i64>;

/// A basket that shall begin.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) request: RequestId,
    pub(crate) draft: Draft,
    /// Whether its labels, its lines and the receipts of what comes back allow it. The fingerprint of what the till said, where labels said
    /// a part of it.
    pub(crate) allowed: Result<Option<Vec<u8>>, Refusal>,
    /// The receipt lines of what comes back, of receipts that this terminal holds.
    pub(crate) held: HeldLines,
    /// Whether it is open, and changes.
    pub(crate) updates: bool,
}

impl Opening {
    /// The names of which somebody knows that nobody has booked them, whatever another terminal says: those of a basket that may begin.
    pub(crate) fn knows_better(&self) -> Vec<BookedName> {
        let Draft { basket, key, anyway, mode, .. } = &self.draft;
        if !anyway || self.allowed.is_err() || *mode != Mode::Live {
            return Vec::new();
        }
        key.map(BookedName::Key).into_iter().chain([BookedName::Basket(*basket)]).collect()
    }
}

impl Draft {
    /// Most lines of a receipt. So many fit with a GTIN, a tax code, and a price below 65,536 minor units; where lines say more, such as
    /// discounts, reasons or receipts that they come from, [`MAX_BYTES`](Self::MAX_BYTES) may end a receipt before.
    pub const MAX_LINES: usize = 562;
    /// Most taxes of a receipt.
    pub const MAX_TAXES: usize = 64;
    /// Most discounts of a line.
    pub const MAX_DISCOUNTS: usize = 32;
    /// Longest series name, in characters.
    pub const MAX_SERIES: usize = series_name::MAX;
    /// Longest customer, operator, reason, lot or discount code, in bytes.
    pub const MAX_TEXT: usize = MAX_NAME;
    /// Largest basket, in bytes as written, with what it does to counters and the receipts that it names: 64 KiB less room for the
    /// envelope and the most payments. It is less where [`Config::max_event_bytes`](crate::Config::max_event_bytes) is.
    pub const MAX_BYTES: usize = 55 * 1024;

    /// A live sale in series `S` with these lines.
    pub fn sale(basket: BasketId, currency: Currency, lines: Vec<Line>) -> Self {
        Self {
            basket,
            doc_type: DocType::Sale,
            series: "S".into(),
            currency,
            customer: None,
            operator: None,
            mode: Mode::Live,
            lines,
            taxes: Vec::new(),
            rounding: 0,
            effects: Vec::new(),
            unreferenced: false,
            voids: None,
            anyway: false,
            key: None,
        }
    }
}

/// Room for the envelope, the shift and the most payments in the event that a basket becomes.
const PAYMENTS: usize = (64 << 10) - Draft::MAX_BYTES;

/// Checks `draft` by itself and makes a basket of it, with number 0. `held`: the receipts that this terminal holds of what comes back.
pub(crate) fn check(
    draft: Draft,
    held: &HeldLines,
    (location, max_event_bytes): (u32, u32),
    begun_ms: u64,
) -> Result<Basket, Refusal> {
    limit("series", draft.series.chars().count(), Draft::MAX_SERIES)?;
    limit("lines", draft.lines.len(), Draft::MAX_LINES)?;
    limit("taxes", draft.taxes.len(), Draft::MAX_TAXES)?;
    limit("effects", draft.effects.len(), Effect::MAX_PER_EVENT / 2)?;
    limit("customer", draft.customer.as_ref().map_or(0, String::len), Draft::MAX_TEXT)?;
    limit("operator", draft.operator.as_ref().map_or(0, String::len), Draft::MAX_TEXT)?;
    check_effects(&draft.effects)?;
    let taxes = draft.taxes.iter().flat_map(|tax| [tax.base, tax.amount]);
    if taxes.chain([draft.rounding]).any(|amount| amount.unsigned_abs() > MAX_MAGNITUDE) {
        return Err(Refusal::Overflow);
    }
    let mut draft = draft;
    for line in &mut draft.lines {
        let bad = |reason| Refusal::BadLine { line: line.no, reason };
        // What the till says of the lot itself stands.
        line.lot = line.lot.take().or_else(|| code::lot(&line.product));
        line.product = code::check(&line.product).map_err(bad)?;
    }
    check_identities(&draft)?;
    let mut numbers = BTreeSet::new();
    for line in &draft.lines {
        check_line(line)?;
        if !numbers.insert(line.no) {
            return Err(Refusal::BadLine { line: line.no, reason: "its number is used twice" });
        }
    }
    let total = total(&draft).ok_or(Refusal::Overflow)?;
    let effects = effects(&draft, location, held);
    let lines = draft.lines.into_iter().map(masked).collect();
    let basket = Basket {
        transaction: Transaction {
            basket: draft.basket,
            doc_type: draft.doc_type,
            series: draft.series,
            number: 0,
            customer: draft.customer,
            currency: draft.currency,
            lines,
            tenders: Vec::new(),
            taxes: draft.taxes,
            rounding: draft.rounding,
            total,
            change: None,
            unreferenced: draft.unreferenced.then_some(true),
        },
        operator: draft.operator,
        mode: draft.mode,
        effects,
        begun_ms,
        day: None,
        signed: None,
        as_said: None,
    };
    check_size(&basket, max_event_bytes)?;
    Ok(basket)
}

/// Refuses what would be too large to be booked at a terminal with this limit. The limit of another till may be another one.
pub(super) fn check_size(basket: &Basket, max_event_bytes: u32) -> Result<(), Refusal> {
    let named = to_cbor(&references(&basket.transaction)).len();
    limit("basket", to_cbor(basket).len() + named, (max_event_bytes as usize).saturating_sub(PAYMENTS))
}

/// Refuses effects that nobody says, and such as no event has.
pub(super) fn check_effects(effects: &[Effect]) -> Result<(), Refusal> {
    for effect in effects {
        limit("effect key", effect.key.len(), Effect::MAX_KEY)?;
        if effect.delta.unsigned_abs() > MAX_MAGNITUDE {
            return Err(Refusal::Overflow);
        }
        if effect.counter.is_derived() {
            return Err(Refusal::DerivedCounter(effect.counter));
        }
    }
    Ok(())
}

pub(super) fn limit(field: &'static str, used: usize, limit: usize) -> Result<(), Refusal> {
    if used > limit { Err(Refusal::TooLarge { field, limit }) } else { Ok(()) }
}

/// A field that names somebody or something is never altered, so a card number in it is refused.
fn check_identities(draft: &Draft) -> Result<(), Refusal> {
    series_name::check(&draft.series).map_err(|reason| Refusal::BadField { field: "series", reason })?;
    for (field, text) in [("customer", &draft.customer), ("operator", &draft.operator)] {
        if text.as_deref().is_some_and(is_card_number) {
            return Err(Refusal::BadField { field, reason: "it is a card number" });
        }
    }
    Ok(())
}

fn check_line(line: &Line) -> Result<(), Refusal> {
    let bad = |reason| Err(Refusal::BadLine { line: line.no, reason });
    if line.no == 0 {
        return bad("line numbers start at 1");
    }
    if line.lot.as_deref().is_some_and(is_card_number) {
        return bad("the lot is a card number");
    }
    let texts = [&line.reason, &line.lot].into_iter().flatten().chain(line.discounts.iter().map(|d| &d.code));
    if texts.into_iter().any(|text| text.len() > Draft::MAX_TEXT) {
        return bad("a reason, lot or discount code has at most 64 bytes");
    }
    if line.discounts.len() > Draft::MAX_DISCOUNTS {
        return bad("more than 32 discounts");
    }
    if line.discounts.iter().any(|discount| discount.amount < 0) {
        return bad("a discount is what was taken off the line: it is not below zero");
    }
    let discounts = line.discounts.iter().map(|discount| discount.amount);
    let numbers = [line.quantity, line.amount, line.unit_price].into_iter().chain(discounts);
    if numbers.into_iter().any(|number| number.unsigned_abs() > MAX_MAGNITUDE) {
        return bad("a quantity or an amount is over 10^12");
    }
    if line.scale > 9 {
        return bad("a scale has at most 9 digits");
    }
    if line
        .sold
        .is_some_and(|sold| line.original.is_none() || sold < 0 || sold.unsigned_abs() > MAX_MAGNITUDE)
    {
        return bad("how many were sold belongs to goods that come back, and is at most 10^12");
    }
    Ok(())
}

fn total(draft: &Draft) -> Option<i64> {
    let lines = draft.lines.iter().map(|line| line.amount);
    let taxes = draft.taxes.iter().filter(|tax| !tax.included).map(|tax| tax.amount);
    lines.chain(taxes).try_fold(draft.rounding, i64::checked_add)
}

/// One effect for each row: a product on several lines moves its stock once.
fn effects(draft: &Draft, location: u32, held: &HeldLines) -> Vec<Effect> {
    let mut moved: BTreeMap<CounterRow, (i64, u8, Option<i64>)> = BTreeMap::new();
    let mut add = |row: CounterRow, delta: i64, scale: u8, floor: Option<i64>| {
        let entry = moved.entry(row).or_insert((0, scale, floor));
        entry.0 = entry.0.saturating_add(delta);
        entry.2 = lowest(entry.2, floor);
    };
    for line in &draft.lines {
        add(CounterRow::stock(&line.product, location), -line.quantity, line.scale, Some(0));
        if line.quantity > 0 {
            add(CounterRow::returnable(draft.basket, line.no), line.quantity, line.scale, Some(0));
        }
        let came_to = line.original.and_then(|original| held.get(&(original.basket, original.line)).copied());
        if let Some((row, quantity)) = returned(line) {
            // As many as were sold, by the receipt itself: that is how far it may fall at peers without it. What a till has read on
            // paper nobody has checked.
            let sold = came_to.and(line.sold).unwrap_or(0);
            add(row, -quantity, line.scale, Some(sold.saturating_neg()));
        }
        if let Some((row, refund)) = refunded(line, came_to.is_some()) {
            add(row, -refund, 0, came_to.map(i64::saturating_neg));
        }
    }
    let derived = moved
        .into_iter()
        .map(|(row, (delta, scale, floor))| Effect { scale, ..Effect::new(row, delta, floor) });
    derived.chain(draft.effects.iter().cloned()).collect()
}

/// The receipt line that a line pays money back on, and how much, where that leaves pieces which may come back for more, or there are none.
fn refunded(line: &Line, is_held: bool) -> Option<(CounterRow, i64)> {
    // What a till has read on paper nobody has checked.
    let is_last = is_held && line.quantity < 0 && line.sold == Some(-line.quantity);
    let original = line.original.filter(|_| line.amount < 0 && !is_last)?;
    Some((CounterRow::refundable(original.basket, original.line), -line.amount))
}

/// Free text may hold a card number by mistake. What names something is never altered: one that is a card number is refused.
fn masked(mut line: Line) -> Line {
    line.reason = line.reason.map(|text| mask_card_numbers(&text));
    for discount in &mut line.discounts {
        discount.code = mask_card_numbers(&discount.code);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::super::body::{Discount, OriginalLine};
    use super::*;

    fn line(no: u16, product: &str, quantity: i64, amount: i64) -> Line {
        Line { no, product: product.into(), quantity, amount, ..Line::default() }
    }

    fn checked(draft: Draft, place: (u32, u32), begun_ms: u64) -> Result<Basket, Refusal> {
        check(draft, &HeldLines::new(), place, begun_ms)
    }

    fn draft(lines: Vec<Line>) -> Draft {
        Draft::sale(BasketId([7; 16]), Currency::USD, lines)
    }

    #[test]
    fn a_product_on_two_lines_moves_its_stock_once() {
        let basket =
            checked(draft(vec![line(1, "milk", 2, 300), line(2, "milk", 1, 150)]), (4, 64 << 10), 0).unwrap();
        assert_eq!(basket.transaction.total, 450);
        let stock: Vec<_> = basket
            .effects
            .iter()
            .filter(|e| e.row() == CounterRow::stock("milk", 4))
            .map(|e| e.delta)
            .collect();
        assert_eq!(stock, [-3]);
        let returnable =
            basket.effects.iter().filter(|e| e.counter == crate::retail::effect::Counter::RETURNABLE);
        assert_eq!(returnable.map(|e| e.delta).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn a_return_gives_stock_back_and_uses_up_what_may_return() {
        let sold = BasketId([1; 16]);
        let back =
            Line { original: Some(OriginalLine { basket: sold, line: 3 }), ..line(1, "milk", -2, -300) };
        let all = Line { sold: Some(2), ..back.clone() };
        let held = HeldLines::from([((sold, 3), 300)]);
        let basket = check(draft(vec![all.clone()]), &held, (0, 64 << 10), 0).unwrap();
        let deltas: BTreeMap<_, _> = basket.effects.iter().map(|e| (e.row(), e.delta)).collect();
        assert_eq!(deltas[&CounterRow::stock("milk", 0)], 2);
        assert_eq!(deltas[&CounterRow::returnable(sold, 3)], -2);
        assert_eq!(basket.effects.len(), 2, "whoever brings back more brings back too many pieces");
        let basket = checked(draft(vec![all]), (0, 64 << 10), 0).unwrap();
        assert_eq!(
            basket.effects.len(),
            3,
            "where nobody holds the receipt, what the till has read is its word"
        );
        let part = Line { sold: Some(3), ..back };
        let basket =
            check(draft(vec![part]), &HeldLines::from([((sold, 3), 450)]), (0, 64 << 10), 0).unwrap();
        let refunded = Effect::new(CounterRow::refundable(sold, 3), -300, Some(-450));
        assert!(basket.effects.contains(&refunded), "{:?}", basket.effects);
    }

    #[test]
    fn quantity_zero_and_unknown_products_are_legal() {
        let basket =
            checked(draft(vec![line(1, "5978656", 0, 0), line(2, "fuel", 29_404, 6_789)]), (0, 64 << 10), 0)
                .unwrap();
        assert_eq!(basket.transaction.total, 6_789);
    }

    #[test]
    fn what_can_be_refused_is_refused_here() {
        let refused = |draft| checked(draft, (0, 64 << 10), 0).unwrap_err();
        assert!(matches!(refused(draft(vec![line(0, "a", 1, 1)])), Refusal::BadLine { line: 0, .. }));
        assert!(matches!(
            refused(draft(vec![line(1, "a", 1, 1), line(1, "b", 1, 1)])),
            Refusal::BadLine { line: 1, .. }
        ));
        assert!(matches!(refused(draft(vec![line(1, "", 1, 1)])), Refusal::BadLine { .. }));
        assert!(matches!(refused(draft(vec![line(1, "a", i64::MIN, 1)])), Refusal::BadLine { .. }));
        let dearer =
            Line { discounts: vec![Discount { code: "x".into(), amount: -1 }], ..line(1, "a", 1, 1) };
        assert!(matches!(refused(draft(vec![dearer])), Refusal::BadLine { line: 1, .. }));
        let many = (1..=563).map(|no| line(no, "a", 1, 1)).collect();
        assert_eq!(refused(draft(many)), Refusal::TooLarge { field: "lines", limit: 562 });
        let wide = (1..=562).map(|no| line(no, &"x".repeat(64), 1, 1)).collect();
        assert_eq!(refused(draft(wide)), Refusal::TooLarge { field: "basket", limit: Draft::MAX_BYTES });
        let overflow = Draft { rounding: i64::MAX, ..draft(vec![line(1, "a", 1, 1)]) };
        assert_eq!(refused(overflow), Refusal::Overflow);
    }

    #[test]
    fn free_text_is_masked() {
        let noted = Line { reason: Some("card 4111111111111111".into()), ..line(1, "a", 1, 1) };
        let basket = checked(draft(vec![noted]), (0, 64 << 10), 0).unwrap();
        assert_eq!(basket.transaction.lines[0].reason.as_deref(), Some("card ************1111"));
        let lot = |lot: &str| Line { lot: Some(lot.into()), ..line(1, "a", 1, 1) };
        let refused = checked(draft(vec![lot("4111111111111111")]), (0, 64 << 10), 0);
        assert!(matches!(refused, Err(Refusal::BadLine { line: 1, .. })), "a lot is a name");
        let phone = checked(draft(vec![lot("356938035643809")]), (0, 64 << 10), 0).unwrap();
        assert_eq!(phone.transaction.lines[0].lot.as_deref(), Some("356938035643809"), "an IMEI is no card");
    }
}

//! What may come back of a receipt: that product, no more of it and for no more money than went over the counter.

use std::collections::BTreeMap;

use crate::retail::code;
use crate::retail::effect::Effect;
use crate::retail::envelope::Mode;
use crate::retail::sale::body::{BasketId, Line, OriginalLine, Transaction};
use crate::retail::sale::draft::{Draft, HeldLines};
use crate::retail::sale::paid_out;
use crate::terminal::refusal::Refusal;

/// What this terminal knows of a receipt.
#[derive(Clone, Debug)]
pub(super) enum Known {
    /// It holds the event.
    Receipt(Box<Receipt>),
    /// It has not heard of it: another store's receipt, or a cut-off till's. Nobody judges a return from what is missing here.
    Nothing,
}

/// A receipt that is held here.
#[derive(Clone, Debug)]
pub(super) struct Receipt {
    pub(super) transaction: Transaction,
    pub(super) mode: Mode,
    /// What it did beside what follows from its lines and payments.
    pub(super) beside: Vec<Effect>,
}

/// Refuses a currency that is no longer in use, but for what comes back on receipts of it that are held here.
pub(super) fn check_currency(draft: &Draft, known: &BTreeMap<BasketId, Known>) -> Result<(), Refusal> {
    let is_of_it = |line: &Line| {
        let receipt = line.original.and_then(|original| known.get(&original.basket));
        matches!(receipt, Some(Known::Receipt(receipt)) if receipt.transaction.currency == draft.currency)
    };
    if draft.currency.is_in_use() || !draft.lines.is_empty() && draft.lines.iter().all(is_of_it) {
        return Ok(());
    }
    let reason =
        "ISO 4217 does not list it: only what was sold in it comes back, on a receipt that is held here";
    Err(Refusal::BadField { field: "currency", reason })
}

/// Refuses goods and money without a receipt, where the store wants one or the till does not say that there is none, and money without
/// goods.
pub(super) fn check_unreferenced(draft: &Draft, allowed: bool) -> Result<(), Refusal> {
    let money_back = draft.doc_type.gives_back();
    for line in draft.lines.iter().filter(|line| line.original.is_none()) {
        if money_back && line.quantity == 0 && line.amount < 0 {
            return bad(line, "money comes back with goods, or with the receipt of a service");
        }
        let gives_back = line.quantity < 0 || money_back && line.amount < 0;
        if gives_back && !allowed {
            return bad(line, "goods come back with their receipt");
        }
        if gives_back && !draft.unreferenced {
            return bad(line, "it names no receipt, and the basket does not say that there is none");
        }
    }
    Ok(())
}

/// Refuses lines that their receipts do not allow. How many pieces are left is not judged here: every terminal counts them.
pub(super) fn check(
    draft: &Draft,
    known: &BTreeMap<BasketId, Known>,
    unknown_receipts: bool,
    refunded: impl Fn(OriginalLine) -> i64,
) -> Result<(), Refusal> {
    let mut asked: BTreeMap<(BasketId, u16), i64> = BTreeMap::new();
    for line in &draft.lines {
        let Some(original) = line.original else { continue };
        if line.quantity > 0 {
            return bad(line, "goods that come back have a negative quantity");
        }
        let sold = match known.get(&original.basket) {
            Some(Known::Receipt(receipt)) if receipt.mode == Mode::Training && draft.mode == Mode::Live => {
                return bad(line, "the receipt is a trainee's");
            }
            Some(Known::Receipt(receipt)) => sold(draft, line, &receipt.transaction, original)?,
            Some(Known::Nothing) | None if !unknown_receipts => {
                return bad(line, "nobody has this receipt here, and the store takes nothing back on one");
            }
            Some(Known::Nothing) | None if line.quantity == 0 && line.amount < 0 => {
                return bad(line, "money comes back with goods");
            }
            Some(Known::Nothing) | None => continue,
        };
        let asked = asked.entry((original.basket, original.line)).or_insert(0);
        let left = sold.amount.saturating_sub(refunded(original)).saturating_sub(*asked).max(0);
        // A fee for what comes back does not raise what else may be paid out.
        let refund = line.amount.saturating_neg().max(0);
        *asked = asked.saturating_add(refund);
        if refund > left {
            return Err(Refusal::NotRefundable { line: line.no, left });
        }
    }
    paid_out::check_receipts(draft, |line| match known.get(&line.original?.basket)? {
        Known::Receipt(receipt) => Some(&receipt.transaction),
        Known::Nothing => None,
    })
}

/// Says of each line how many its receipt sold, where this terminal holds it: others may not, and nobody judges from what is missing.
pub(super) fn name_sold(draft: &mut Draft, known: &BTreeMap<BasketId, Known>) {
    for line in &mut draft.lines {
        let Some(original) = line.original else { continue };
        let Some(Known::Receipt(..)) = known.get(&original.basket) else { continue };
        let sold = line_of(known, original);
        line.sold = sold.map(|sold| sold.quantity).filter(|quantity| *quantity > 0);
    }
}

/// What each line that something comes back of came to, of receipts that are held here.
pub(super) fn lines_of(draft: &Draft, known: &BTreeMap<BasketId, Known>) -> HeldLines {
    let originals = draft.lines.iter().filter_map(|line| line.original);
    let came_to = |of: OriginalLine| Some(((of.basket, of.line), line_of(known, of)?.amount));
    originals.filter_map(came_to).collect()
}

/// The line of a receipt that is held here.
pub(super) fn line_of(known: &BTreeMap<BasketId, Known>, original: OriginalLine) -> Option<&Line> {
    match known.get(&original.basket)? {
        Known::Receipt(receipt) => receipt.transaction.lines.iter().find(|sold| sold.no == original.line),
        Known::Nothing => None,
    }
}

/// The line of the receipt that this one takes back, where it is one of that product.
fn sold<'a>(
    draft: &Draft,
    line: &Line,
    receipt: &'a Transaction,
    original: OriginalLine,
) -> Result<&'a Line, Refusal> {
    if receipt.currency != draft.currency {
        return bad(line, "the receipt is of another currency");
    }
    let Some(sold) = receipt.lines.iter().find(|sold| sold.no == original.line) else {
        return bad(line, "the receipt has no such line");
    };
    if code::key(&sold.product) != code::key(&line.product) {
        return bad(line, "the receipt's line is another product");
    }
    if sold.scale != line.scale && line.quantity != 0 {
        return bad(line, "the receipt counts it with another number of decimal digits");
    }
    match (sold.quantity, line.quantity) {
        (sold, 0) if sold > 0 && line.amount < 0 => bad(line, "money comes back with goods"),
        (sold, back) if back < 0 && sold <= 0 => bad(line, "nothing of it went over the counter"),
        _ => Ok(sold),
    }
}

fn bad<T>(line: &Line, reason: &'static str) -> Result<T, Refusal> {
    Err(Refusal::BadLine { line: line.no, reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retail::money::Currency;
    use crate::retail::sale::body::DocType;

    const RECEIPT: BasketId = BasketId([1; 16]);

    fn line(product: &str, quantity: i64, amount: i64) -> Line {
        Line { no: 1, product: product.into(), quantity, amount, ..Line::default() }
    }

    fn receipt() -> Known {
        let goods = [
            line("milk", 3, 300),
            line("service", 0, 500),
            line("012345678905", 2, 200),
            line("coupon", 0, -50),
        ];
        let lines = goods.into_iter().zip(1..).map(|(line, no)| Line { no, ..line }).collect();
        let transaction = Transaction {
            basket: RECEIPT,
            doc_type: DocType::Sale,
            series: "S".into(),
            number: 1,
            customer: None,
            currency: Currency::EUR,
            lines,
            tenders: Vec::new(),
            taxes: Vec::new(),
            rounding: 0,
            total: 950,
            change: None,
            unreferenced: None,
        };
        Known::Receipt(Box::new(Receipt { transaction, mode: Mode::Live, beside: Vec::new() }))
    }

    fn draft(lines: Vec<Line>) -> Draft {
        Draft { doc_type: DocType::Return, ..Draft::sale(BasketId([2; 16]), Currency::EUR, lines) }
    }

    fn back(of: u16, product: &str, quantity: i64, amount: i64) -> Line {
        Line { original: Some(OriginalLine { basket: RECEIPT, line: of }), ..line(product, quantity, amount) }
    }

    fn checked(draft: &Draft, known: Known, refunded: i64) -> Result<(), Refusal> {
        check(draft, &BTreeMap::from([(RECEIPT, known)]), true, |_| refunded)
    }

    #[test]
    fn what_was_sold_comes_back_for_what_it_cost() {
        for back in [
            back(1, "milk", -1, -100),
            back(1, "milk", -3, -300),
            back(1, "milk", -1, 0),
            back(1, "milk", -1, 20),
            back(2, "service", 0, -500),
            back(3, "0012345678905", -1, -100),
        ] {
            assert_eq!(checked(&draft(vec![back.clone()]), receipt(), 0), Ok(()), "{back:?}");
        }
        let fee = vec![back(1, "milk", -3, -300), line("fee", 0, 50)];
        assert_eq!(checked(&draft(fee), receipt(), 0), Ok(()));
    }

    #[test]
    fn nothing_else_does() {
        for back in [
            back(1, "television", -1, -100),
            back(1, "milk", 0, -1),
            back(1, "milk", 1, -100),
            back(1, "milk", 1, 100),
            back(2, "service", -1, -500),
            back(4, "coupon", -1, -50),
            back(9, "milk", -1, -100),
            Line { scale: 3, ..back(1, "milk", -1, -100) },
        ] {
            let refused = checked(&draft(vec![back.clone()]), receipt(), 0);
            assert!(matches!(refused, Err(Refusal::BadLine { .. })), "{back:?} was {refused:?}");
        }
        let dollars = Draft { currency: Currency::USD, ..draft(vec![back(1, "milk", -1, -100)]) };
        assert!(checked(&dollars, receipt(), 0).is_err());
        let Known::Receipt(sale) = receipt() else { panic!("a receipt") };
        let trained = Known::Receipt(Box::new(Receipt { mode: Mode::Training, ..*sale }));
        assert!(checked(&draft(vec![back(1, "milk", -1, -100)]), trained, 0).is_err());
    }

    #[test]
    fn money_is_bounded_over_all_returns_of_a_line() {
        let refused = |left| Err(Refusal::NotRefundable { line: 1, left });
        assert_eq!(checked(&draft(vec![back(1, "milk", -1, -99_900)]), receipt(), 0), refused(300));
        assert_eq!(checked(&draft(vec![back(1, "milk", -1, -101)]), receipt(), 200), refused(100));
        assert_eq!(checked(&draft(vec![back(1, "milk", -1, -1)]), receipt(), 400), refused(0));
        let twice = vec![back(1, "milk", -1, -200), back(1, "milk", -1, -101)];
        assert_eq!(checked(&draft(twice), receipt(), 0), refused(100));
        let with_fee = vec![back(1, "milk", -1, 100), back(1, "milk", -1, -301)];
        assert_eq!(checked(&draft(with_fee), receipt(), 0), refused(300), "a fee pays for nothing");
        assert_eq!(checked(&draft(vec![back(4, "coupon", 0, -1)]), receipt(), 0), refused(0));
    }

    #[test]
    fn a_receipt_of_elsewhere_is_not_judged_and_pays_for_goods_alone() {
        assert_eq!(checked(&draft(vec![back(1, "milk", -9, -99_900)]), Known::Nothing, 0), Ok(()));
        assert!(checked(&draft(vec![back(1, "milk", 0, -1)]), Known::Nothing, 0).is_err());
        let unknown = BTreeMap::from([(RECEIPT, Known::Nothing)]);
        let refused = check(&draft(vec![back(1, "milk", -1, -100)]), &unknown, false, |_| 0);
        assert!(
            matches!(refused, Err(Refusal::BadLine { line: 1, .. })),
            "a store that takes none: {refused:?}"
        );
        let known = BTreeMap::from([(RECEIPT, receipt())]);
        assert_eq!(check(&draft(vec![back(1, "milk", -1, -100)]), &known, false, |_| 0), Ok(()));
    }

    #[test]
    fn what_has_no_receipt_is_a_matter_of_policy() {
        let silent = draft(vec![line("milk", -1, -100)]);
        assert!(check_unreferenced(&silent, true).is_err(), "nobody says that there is no receipt");
        let goods = Draft { unreferenced: true, ..silent };
        assert_eq!(
            (check_unreferenced(&goods, true), check_unreferenced(&goods, false).is_err()),
            (Ok(()), true)
        );
        let money = Draft { unreferenced: true, ..draft(vec![line("milk", 0, -100)]) };
        assert!(check_unreferenced(&money, true).is_err());
        let coupon = Draft { doc_type: DocType::Sale, ..money };
        assert_eq!(check_unreferenced(&coupon, false), Ok(()), "a coupon of a sale");
        let hidden = Draft { doc_type: DocType::Sale, ..goods };
        assert!(check_unreferenced(&hidden, false).is_err(), "a return under the name of a sale");
        assert!(check_unreferenced(&Draft { unreferenced: false, ..hidden }, true).is_err());
    }

    #[test]
    fn a_receipt_says_how_many_were_sold_whatever_the_till_read() {
        let read = Line { sold: Some(99), ..back(1, "milk", -1, -100) };
        let mut named = draft(vec![read.clone(), back(2, "service", 0, -500), line("fee", 0, 50)]);
        name_sold(&mut named, &BTreeMap::from([(RECEIPT, receipt())]));
        assert_eq!(named.lines.iter().map(|line| line.sold).collect::<Vec<_>>(), [Some(3), None, None]);
        let mut unknown = draft(vec![read]);
        name_sold(&mut unknown, &BTreeMap::from([(RECEIPT, Known::Nothing)]));
        assert_eq!(unknown.lines[0].sold, Some(99));
    }
}

//! What a document may pay out beside its lines: a cash rounding is smaller than a coin, a tax comes back with what it was taken of, and
//! what is taken off a sale is no more than the sale.

use std::collections::BTreeMap;

use super::body::{DocType, Line, Tax, Transaction};
use super::draft::Draft;
use crate::terminal::refusal::Refusal;

/// 100 %, in millionths.
const WHOLE: i128 = 1_000_000;

/// Taxes that prices do not include, of one code and rate.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    base: i128,
    amount: i128,
}

/// By code and rate.
type Groups = BTreeMap<(u16, u32), Sum>;

/// Refuses a document that pays out more than its lines and what goes with them.
pub(crate) fn check(sale: &Transaction) -> Result<(), Refusal> {
    // It is made of its receipt, here, and pays out what was paid.
    if sale.doc_type == DocType::Void {
        return Ok(());
    }
    if sale.rounding.unsigned_abs() >= sale.currency.rounds_below() {
        return bad("rounding", "a cash rounding is less than the smallest coin");
    }
    let taxes = groups(&sale.taxes);
    if sale.lines.is_empty() {
        if sale.rounding != 0 {
            return bad("rounding", "there are no lines whose total is rounded");
        }
        if taxes.values().any(|tax| tax.amount != 0) {
            return bad("taxes", "there are no lines that are taxed");
        }
    }
    let back: i128 = paid_back(&taxes).map(|(_, tax)| tax.amount).sum();
    for ((code, rate), tax) in paid_back(&taxes) {
        let negative = of_code(&sale.lines, code).filter(|line| line.amount < 0);
        // A tax may be of another tax as well.
        let least = negative.map(|line| i128::from(line.amount)).sum::<i128>() + back - tax.amount;
        let is_rate = (tax.amount * WHOLE - tax.base * i128::from(rate)).abs() <= slack(&sale.lines) * WHOLE;
        if tax.base < least || !is_rate {
            return bad("taxes", "what is paid back is not the rate of what comes back");
        }
    }
    let kept = sale.lines.iter().filter(|line| !gives_back(sale.doc_type, line));
    let kept: i128 = kept.map(|line| i128::from(line.amount)).sum();
    let all: i128 = sale.lines.iter().map(|line| i128::from(line.amount)).sum();
    let total = all + taxes.values().map(|tax| tax.amount).sum::<i128>();
    let returns = sale.lines.iter().any(|line| gives_back(sale.doc_type, line));
    if total < 0 && (kept < 0 || !returns) {
        return bad("lines", "more is taken off than is sold: money goes out with goods that come back");
    }
    Ok(())
}

/// Refuses taxes that the receipts of what comes back do not have. What comes back without a receipt that is known here is bounded by its
/// lines alone.
pub(crate) fn check_receipts<'a>(
    draft: &Draft,
    known: impl Fn(&Line) -> Option<&'a Transaction>,
) -> Result<(), Refusal> {
    if draft.doc_type == DocType::Void {
        return Ok(());
    }
    let taxes = groups(&draft.taxes);
    let mut receipts: BTreeMap<_, &Transaction> = BTreeMap::new();
    let mut unknown: i128 = 0;
    for line in draft.lines.iter().filter(|line| line.amount < 0) {
        match known(line) {
            Some(receipt) => drop(receipts.insert(receipt.basket, receipt)),
            None => unknown -= i128::from(line.amount),
        }
    }
    for (of, tax) in paid_back(&taxes) {
        let carried = receipts.values().filter_map(|receipt| groups(&receipt.taxes).get(&of).copied());
        let carried: i128 = carried.map(|tax| tax.amount.max(0)).sum();
        let is_carried = carried > 0 && -tax.amount <= carried + slack(&draft.lines);
        let is_of_others = i128::from(of.1) <= WHOLE && -tax.base <= unknown;
        if !is_carried && !is_of_others {
            return bad("taxes", "more tax would come back than was paid by the receipt");
        }
    }
    Ok(())
}

/// A tax is rounded on each line.
fn slack(lines: &[Line]) -> i128 {
    lines.len() as i128 + 1
}

fn groups(taxes: &[Tax]) -> Groups {
    let mut groups = Groups::new();
    for tax in taxes.iter().filter(|tax| !tax.included) {
        let sum = groups.entry((tax.code, tax.rate_ppm)).or_default();
        sum.base += i128::from(tax.base);
        sum.amount += i128::from(tax.amount);
    }
    groups
}

fn paid_back(taxes: &Groups) -> impl Iterator<Item = ((u16, u32), Sum)> + '_ {
    taxes.iter().filter(|(_, tax)| tax.amount < 0).map(|(of, tax)| (*of, *tax))
}

/// The lines that a tax may be of: those of its code and of none, or all where none has its code.
fn of_code(lines: &[Line], code: u16) -> impl Iterator<Item = &Line> {
    let is_named = lines.iter().any(|line| line.tax_code == Some(code));
    lines.iter().filter(move |line| !is_named || line.tax_code.is_none_or(|of| of == code))
}

/// Whether a line gives money back for what comes back.
fn gives_back(doc_type: DocType, line: &Line) -> bool {
    let comes_back = line.original.is_some() || line.quantity < 0 || doc_type.gives_back();
    comes_back && line.amount < 0
}

fn bad<T>(field: &'static str, reason: &'static str) -> Result<T, Refusal> {
    Err(Refusal::BadField { field, reason })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::super::body::BasketId;
    use super::*;
    use crate::retail::money::Currency;

    fn line(no: u16, quantity: i64, amount: i64) -> Line {
        Line { no, product: "milk".into(), quantity, amount, ..Line::default() }
    }

    fn tax(base: i64, amount: i64) -> Tax {
        Tax { code: 1, rate_ppm: 190_000, base, amount, included: false }
    }

    fn document(doc_type: DocType, lines: Vec<Line>, taxes: Vec<Tax>, rounding: i64) -> Transaction {
        Transaction {
            basket: BasketId([1; 16]),
            doc_type,
            series: "S".into(),
            number: 0,
            customer: None,
            currency: Currency::EUR,
            lines,
            tenders: Vec::new(),
            taxes,
            rounding,
            total: 0,
            change: None,
            unreferenced: None,
        }
    }

    #[test]
    fn what_goes_with_the_lines_is_paid_out() {
        let (sale, back) = (DocType::Sale, DocType::Return);
        for good in [
            document(sale, vec![line(1, 1, 300)], vec![tax(300, 57)], 3),
            document(sale, vec![line(1, 1, 300), line(2, 0, -50)], vec![tax(250, 48)], -3),
            document(back, vec![line(1, -1, -300)], vec![tax(-300, -57)], -2),
            document(
                back,
                vec![line(1, -1, -150), line(2, -1, -150)],
                vec![tax(-150, -28), tax(-150, -29)],
                0,
            ),
            document(DocType::Exchange, vec![line(1, -1, -300), line(2, 1, 100)], vec![tax(-200, -38)], 0),
            document(
                back,
                vec![line(1, -1, -300)],
                vec![tax(-300, -57), Tax { code: 2, ..tax(-357, -68) }],
                0,
            ),
            document(sale, vec![], vec![], 0),
            document(DocType::NoSale, vec![], vec![], 0),
        ] {
            assert_eq!(check(&good), Ok(()), "{good:?}");
        }
    }

    #[test]
    fn nothing_else_is() {
        let (sale, back) = (DocType::Sale, DocType::Return);
        for bad in [
            document(back, vec![line(1, -1, -300)], vec![], -100),
            document(back, vec![line(1, -1, -300)], vec![tax(0, -99_600)], 0),
            document(back, vec![line(1, -1, -300)], vec![tax(-600, -114)], 0),
            document(back, vec![line(1, -1, -300)], vec![tax(-300, -57), tax(-300, -57)], 0),
            document(back, vec![], vec![], -50_000),
            document(back, vec![], vec![], -1),
            document(DocType::NoSale, vec![], vec![tax(0, -1)], 0),
            document(sale, vec![], vec![tax(-100, -19)], 0),
            document(sale, vec![line(1, 1, 300)], vec![tax(0, -99_600)], 0),
            document(sale, vec![line(1, 1, 300), line(2, 0, -301)], vec![], 0),
            document(DocType::Exchange, vec![line(1, -1, -300), line(2, 0, -50)], vec![], 0),
        ] {
            assert!(check(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_rounding_is_below_the_smallest_coin() {
        let rounds = |code: &str, rounding| {
            let currency = code.parse().unwrap();
            check(&Transaction {
                currency,
                ..document(DocType::Sale, vec![line(1, 1, 90_000)], vec![], rounding)
            })
        };
        for (code, most) in [("EUR", 99), ("CHF", 99), ("HUF", 499), ("JPY", 99), ("KWD", 999), ("VND", 999)]
        {
            assert_eq!([rounds(code, most), rounds(code, -most)], [Ok(()), Ok(())], "{code}");
            assert!(rounds(code, most + 1).is_err() && rounds(code, -most - 1).is_err(), "{code}");
        }
    }
}

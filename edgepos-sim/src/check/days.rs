//! A business day comes to the sum of its receipts, on time and late, and to the same at every terminal.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::crdt::VersionVector;
use edgepos::model::{CashMoved, CashReason, DayClosed, Reversal, ShiftId, TenderType};
use edgepos::{DayFigures, MAX_LATE, Sums};

use super::day_entry::{DayEntry, TakenBack};
use super::rule::{Rule, Violation};
use super::view::{Facts, StoreView};

/// Sums of receipts: how many, their totals, and what was paid by each means, as tax, to each operator and into each drawer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Paid {
    receipts: u64,
    total: i64,
    tenders: BTreeMap<TenderType, i64>,
    /// By code, rate and whether prices include it: base and tax.
    taxes: BTreeMap<(u16, u32, bool), (i64, i64)>,
    operators: BTreeMap<Option<String>, i64>,
    /// What sales moved, what went in beside them, and what left.
    drawers: BTreeMap<String, [i64; 3]>,
    /// Cash that moved without a sale, by reason.
    moved: BTreeMap<CashReason, i64>,
}

impl Paid {
    /// Adds what an entry adds to its day, or to its shift; a close adds nothing.
    fn add(&mut self, entry: &DayEntry) {
        let (total, change, tenders, taxes) = match (&entry.sold, &entry.taken_back) {
            (Some(sold), _) => {
                let tenders: Vec<_> = sold.tenders.iter().map(|paid| (paid.kind, paid.amount)).collect();
                (sold.total, sold.change.unwrap_or(0), tenders, &sold.taxes)
            }
            (None, Some(TakenBack { reversal, .. })) => {
                let tenders = reversal.tenders.iter().map(|paid| (paid.kind, paid.amount)).collect();
                (reversal.total, reversal.change, tenders, &reversal.taxes)
            }
            (None, None) => {
                let Some(CashMoved { reason, amount, from, to, .. }) = &entry.moved else { return };
                *self.moved.entry(*reason).or_default() += amount;
                for (drawer, place) in [(to, 1), (from, 2)] {
                    if let Some(drawer) = drawer {
                        self.drawers.entry(drawer.clone()).or_default()[place] += amount;
                    }
                }
                return;
            }
        };
        self.receipts += 1;
        self.total += total;
        *self.operators.entry(entry.operator.clone()).or_default() += total;
        for tax in taxes {
            let sums = self.taxes.entry((tax.code, tax.rate_ppm, tax.included)).or_default();
            *sums = (sums.0 + tax.base, sums.1 + tax.amount);
        }
        let cash = tenders.iter().filter(|(kind, _)| *kind == TenderType::CASH).map(|(_, amount)| amount);
        if cash.clone().next().is_some() || change != 0 {
            let drawer = entry.drawer.clone().unwrap_or_else(|| format!("terminal-{}", entry.terminal));
            self.drawers.entry(drawer).or_default()[0] += cash.sum::<i64>() - change;
        }
        tenders.iter().for_each(|(kind, amount)| *self.tenders.entry(*kind).or_default() += amount);
    }
}

/// A void takes out what the sale came to, to the cent, and its undoing puts that back. A sale that is held under another name by now is
/// not looked for.
fn check_reversal(facts: &Facts, taken_back: &TakenBack, found: &mut Vec<Violation>) {
    let TakenBack { reversal, sale, refund, undoes } = taken_back;
    let sale = sale.and_then(|sale| facts.transactions.iter().find(|(id, _)| *id == sale));
    let undone = undoes.and_then(|undone| facts.days.iter().find(|entry| entry.id == undone));
    let undone = undone.and_then(|entry| entry.taken_back.as_ref()).map(|undone| &undone.reversal);
    let amounts = |of: &Reversal| -> Vec<i64> {
        let tenders = of.tenders.iter().map(|tender| tender.amount);
        let taxes = of.taxes.iter().flat_map(|tax| [tax.base, tax.amount]);
        [of.total, of.rounding, of.change].into_iter().chain(tenders).chain(taxes).collect()
    };
    let expected: Option<Vec<i64>> = match (sale, undone) {
        (Some((_, sold)), _) => {
            let paid: Vec<i64> =
                sold.tenders.iter().filter(|_| *refund).map(|tender| tender.amount).collect();
            let change = sold.change.filter(|_| *refund).unwrap_or(0);
            let taxes = sold.taxes.iter().flat_map(|tax| [tax.base, tax.amount]);
            Some([sold.total, sold.rounding, change].into_iter().chain(paid).chain(taxes).collect())
        }
        (None, Some(undone)) => Some(amounts(undone)),
        (None, None) => None,
    };
    let back: Vec<i64> = amounts(reversal).iter().map(|amount| -amount).collect();
    if expected.is_some_and(|expected| expected != back) {
        found.push(wrong(format!("{reversal:?} is not what was sold, the other way round")));
    }
}

pub(super) fn check(view: &StoreView, found: &mut Vec<Violation>) {
    let facts = Facts::of(view.events());
    let sums_up =
        |entry: &&DayEntry| entry.sold.is_some() || entry.taken_back.is_some() || entry.moved.is_some();
    let days: BTreeSet<u32> = facts.days.iter().filter(sums_up).map(|entry| entry.day).collect();
    for taken_back in facts.days.iter().filter_map(|entry| entry.taken_back.as_ref()) {
        check_reversal(&facts, taken_back, found);
    }
    for terminal in view.terminals.iter().filter(|terminal| !terminal.later) {
        let replica = terminal.replica;
        for day in &days {
            let (on_time, late) = sums(&facts, *day);
            let Some(figures) = terminal.days.iter().find(|figures| figures.day == *day) else {
                found.push(wrong(format!("{replica} has no figures of {day}")));
                continue;
            };
            let shown = [paid(&figures.figures), paid(&figures.late)];
            if shown != [on_time.clone(), late.clone()] {
                found.push(wrong(format!(
                    "{replica} says that {day} comes to {shown:?}, and its receipts to {on_time:?} and, late, {late:?}"
                )));
            }
            let (said, summed) = (shifts_shown(figures), shifts(&facts, *day));
            if said != summed {
                found.push(wrong(format!(
                    "{replica} says that the shifts of {day} come to {said:?}, and their events to {summed:?}"
                )));
            }
            if !lists_all(figures.late_sales.len(), late.receipts) {
                found.push(wrong(format!(
                    "{replica} lists {} late receipts of {day}",
                    figures.late_sales.len()
                )));
            }
        }
    }
    let mut today = view.terminals.iter().filter(|terminal| !terminal.later);
    let Some(first) = today.next() else { return };
    let same = |figures: &[DayFigures]| -> Vec<DayFigures> {
        // Each says up to where it holds what is in them.
        figures.iter().map(|day| DayFigures { seen: VersionVector::new(), ..day.clone() }).collect()
    };
    for other in today.filter(|other| same(&other.days) != same(&first.days)) {
        found.push(wrong(format!("{} and {} differ in what days come to", other.replica, first.replica)));
    }
}

/// Whether a list of late receipts is as long as it must be: it ends where there are too many.
fn lists_all(listed: usize, receipts: u64) -> bool {
    listed as u64 == receipts.min(MAX_LATE as u64)
}

/// On time and late, by the first close that concerns each receipt.
fn sums(facts: &Facts, day: u32) -> (Paid, Paid) {
    let of_day = || facts.days.iter().filter(|entry| entry.day == day);
    let mut closes: Vec<_> = of_day()
        .filter_map(|entry| {
            entry.closed.as_ref().map(|(hlc, closed)| (*hlc, entry.id, entry.terminal, closed))
        })
        .collect();
    closes.sort_unstable_by_key(|(hlc, id, ..)| (*hlc, *id));
    let (mut on_time, mut late) = (Paid::default(), Paid::default());
    for entry in of_day() {
        let concerns =
            |terminal: u16, closed: &DayClosed| closed.store == Some(true) || terminal == entry.terminal;
        let close = closes.iter().find(|(.., terminal, closed)| concerns(*terminal, closed));
        let is_late = close.is_some_and(|(.., closed)| !closed.watermark().covers(entry.first));
        if is_late { &mut late } else { &mut on_time }.add(entry);
    }
    (on_time, late)
}

/// What each shift of a day comes to, late or not.
fn shifts(facts: &Facts, day: u32) -> BTreeMap<ShiftId, Paid> {
    let mut shifts: BTreeMap<ShiftId, Paid> = BTreeMap::new();
    for entry in facts.days.iter().filter(|entry| entry.day == day) {
        if let Some(shift) = entry.shift {
            shifts.entry(shift).or_default().add(entry);
        }
    }
    shifts.retain(|_, paid| *paid != Paid::default());
    shifts
}

/// The same as a terminal shows it, without those in which nothing was done.
fn shifts_shown(figures: &DayFigures) -> BTreeMap<ShiftId, Paid> {
    let shifts = figures.shifts.iter().map(|of| (of.shift, paid(&of.figures)));
    shifts.filter(|(_, paid)| *paid != Paid::default()).collect()
}

/// What a terminal shows, in the same words. The simulated stores know one currency.
fn paid(sums: &Sums) -> Paid {
    let Some(euros) = sums.currencies.first() else { return Paid::default() };
    Paid {
        receipts: sums.transactions,
        total: euros.total,
        tenders: euros.tenders.iter().map(|tender| (tender.kind, tender.amount)).collect(),
        taxes: (euros.taxes.iter())
            .map(|tax| ((tax.code, tax.rate_ppm, tax.included), (tax.base, tax.amount)))
            .collect(),
        operators: euros.operators.iter().map(|of| (of.operator.clone(), of.total)).collect(),
        drawers: euros
            .drawers
            .iter()
            .map(|of| (of.drawer.clone(), [of.cash, of.moved_in, of.moved_out]))
            .collect(),
        moved: euros.movements.iter().map(|of| (of.reason, of.amount)).collect(),
    }
}

fn wrong(what: String) -> Violation {
    Violation::new(Rule::DayFigures, what)
}

#[cfg(test)]
mod tests {
    use edgepos::model::Envelope;

    use super::super::view::tests::store_with_one_sale;
    use super::*;

    /// Seed 241 of `--images` has more late receipts of a day than are listed.
    #[test]
    fn a_list_that_lacks_a_late_receipt_is_noticed_and_one_that_is_full_is_not() {
        let most = MAX_LATE as u64;
        assert!(
            lists_all(0, 0) && lists_all(2, 2) && lists_all(MAX_LATE, most) && lists_all(MAX_LATE, most + 80)
        );
        assert!(!lists_all(1, 2) && !lists_all(3, 2) && !lists_all(MAX_LATE - 1, most + 80));
    }

    #[test]
    fn a_day_without_its_receipts_is_noticed() {
        let mut view = store_with_one_sale();
        let count = |view: &StoreView| {
            let mut found = Vec::new();
            check(view, &mut found);
            assert!(found.iter().all(|violation| violation.rule == Rule::DayFigures), "{found:?}");
            found.len()
        };
        assert_eq!(count(&view), 0, "the sale belongs to no day");
        for payload in view.cloud.events.values_mut() {
            let mut envelope = Envelope::decode(payload).unwrap();
            envelope.business_day = Some(20_261_201);
            *payload = envelope.encode();
        }
        assert_eq!(count(&view), 2, "neither terminal has figures");
    }
}

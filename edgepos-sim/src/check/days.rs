//! A business day comes to the sum of its receipts, on time and late, and to the same at every terminal.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::crdt::VersionVector;
use edgepos::model::{DayClosed, TenderType};
use edgepos::{DayFigures, Sums};

use super::rule::{Rule, Violation};
use super::view::{Facts, StoreView};

/// Sums of receipts: how many, their totals, and what was paid by each means.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Paid {
    receipts: u64,
    total: i64,
    tenders: BTreeMap<TenderType, i64>,
}

pub(super) fn check(view: &StoreView, found: &mut Vec<Violation>) {
    let facts = Facts::of(view.events());
    let days: BTreeSet<u32> =
        facts.days.iter().filter(|entry| entry.sold.is_some()).map(|entry| entry.day).collect();
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
            if figures.late_sales.len() as u64 != late.receipts {
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
    for (entry, sold) in of_day().filter_map(|entry| Some((entry, entry.sold.as_ref()?))) {
        let concerns =
            |terminal: u16, closed: &DayClosed| closed.store == Some(true) || terminal == entry.terminal;
        let close = closes.iter().find(|(.., terminal, closed)| concerns(*terminal, closed));
        let is_late = close.is_some_and(|(.., closed)| !closed.watermark().covers(entry.first));
        let sums = if is_late { &mut late } else { &mut on_time };
        sums.receipts += 1;
        sums.total += sold.total;
        for tender in &sold.tenders {
            *sums.tenders.entry(tender.kind).or_default() += tender.amount;
        }
    }
    (on_time, late)
}

/// What a terminal shows, in the same words. The simulated stores know one currency.
fn paid(sums: &Sums) -> Paid {
    let Some(euros) = sums.currencies.first() else { return Paid::default() };
    let tenders = euros.tenders.iter().map(|tender| (tender.kind, tender.amount)).collect();
    Paid { receipts: sums.transactions, total: euros.total, tenders }
}

fn wrong(what: String) -> Violation {
    Violation::new(Rule::DayFigures, what)
}

#[cfg(test)]
mod tests {
    use edgepos::model::Envelope;

    use super::super::view::tests::store_with_one_sale;
    use super::*;

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

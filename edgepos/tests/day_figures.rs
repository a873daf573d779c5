//! The X and Z figures of a business day: to the cent, with a watermark and late arrivals, the same from every terminal.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{IdempotencyKey, Now, Space};
use edgepos::model::{BasketId, CashCount, Currency, DocType, Mode, Tax, Tender, TenderType, Tenders};
use edgepos::{BusinessDayOf, Commit, DayFigures, Draft, Record, Store};
use support::{Shop, Till, WALL, draft, line};

const NOW: Now = Now::new(0, WALL);
const MONDAY: u32 = 20_261_130;
const TUESDAY: u32 = 20_261_201;

fn figures(till: &Till, day: u32, terminal: Option<u16>) -> DayFigures {
    DayFigures::from_store(&till.disk, day, terminal, till.terminal.durable()).unwrap()
}

/// What is said of a day, without up to where each terminal holds what.
fn said(till: &Till, day: u32, terminal: Option<u16>) -> DayFigures {
    DayFigures { seen: Default::default(), ..figures(till, day, terminal) }
}

fn pay(till: &mut Till, now: Now, draft: Draft, tenders: Tenders) {
    let (basket, key) = (draft.basket, IdempotencyKey(draft.basket.0));
    till.begin(now, draft).unwrap();
    let request = till.request();
    till.terminal.commit(now, request, Commit { basket, key, tenders }).unwrap();
    till.run(now);
    assert!(till.replies.remove(&request).unwrap().is_ok());
}

fn by(operator: &str, draft: Draft) -> Draft {
    Draft { operator: Some(operator.into()), ..draft }
}

#[test]
fn a_day_comes_to_its_receipts_by_tender_tax_operator_and_drawer() {
    let mut till = Till::new(1, 1, NOW);
    till.record(NOW, Record::day_opened_with(MONDAY, 0, vec![CashCount::new(Currency::EUR, 10_000)]))
        .unwrap();
    let taxed = |basket, amount, code, base, tax| {
        let taxes = vec![Tax { code, rate_ppm: 190_000, base, amount: tax, included: true }];
        Draft { taxes, ..draft(basket, vec![line(1, "milk", 1, amount)]) }
    };
    pay(
        &mut till,
        NOW,
        by("Ada", taxed(1, 119, 1, 100, 19)),
        Tenders::from(Tender::cash(150)).with_change(31),
    );
    let card = Tender::new(TenderType::CARD, 200, None);
    let mixed = Tenders::new(vec![card, Tender::cash(38)]).unwrap().in_drawer(Some("front".into()));
    pay(&mut till, NOW, by("Bob", taxed(2, 238, 1, 200, 38)), mixed);
    let dollars = Draft { currency: Currency::USD, ..draft(3, vec![line(1, "map", 1, 500)]) };
    pay(&mut till, NOW, by("Ada", dollars), Tender::new(TenderType::CARD, 500, None).into());
    let back = Draft { doc_type: DocType::Return, ..draft(4, vec![support::back(1, 1, "milk", 1)]) };
    pay(&mut till, NOW, by("Bob", back), Tender::cash(-100).into());
    // A trainee's sale is none, and a basket that is given up leaves its number.
    pay(
        &mut till,
        NOW,
        Draft { mode: Mode::Training, ..draft(5, vec![line(1, "milk", 1, 77)]) },
        Tender::cash(77).into(),
    );
    till.begin(NOW, draft(6, vec![line(1, "milk", 1, 9)])).unwrap();
    let request = till.request();
    till.terminal.abandon(NOW, request, BasketId([6; 16])).unwrap();
    till.run(NOW);

    let x = figures(&till, MONDAY, None);
    assert!(!x.closed && x.complete && x.closes.is_empty());
    assert_eq!((x.figures.transactions, x.figures.voided_numbers, x.late.transactions), (4, 1, 0));
    let [euros, dollars] = &x.figures.currencies[..] else { panic!("{x:?}") };
    assert_eq!((euros.currency, euros.transactions, euros.total, euros.change), (Currency::EUR, 3, 257, 31));
    let documents: Vec<_> = euros.documents.iter().map(|d| (d.doc_type, d.transactions, d.total)).collect();
    assert_eq!(documents, [(DocType::Sale, 2, 357), (DocType::Return, 1, -100)]);
    let tenders: Vec<_> = euros.tenders.iter().map(|t| (t.kind, t.payments, t.amount)).collect();
    assert_eq!(tenders, [(TenderType::CASH, 3, 88), (TenderType::CARD, 1, 200)]);
    let taxes: Vec<_> = euros.taxes.iter().map(|t| (t.code, t.rate_ppm, t.base, t.amount)).collect();
    assert_eq!(taxes, [(1, 190_000, 300, 57)]);
    let operators: Vec<_> =
        euros.operators.iter().map(|o| (o.operator.as_deref(), o.transactions, o.total)).collect();
    assert_eq!(operators, [(Some("Ada"), 1, 119), (Some("Bob"), 2, 138)]);
    let drawers: Vec<_> = euros.drawers.iter().map(|d| (d.drawer.as_str(), d.cash)).collect();
    assert_eq!(drawers, [("front", 38), ("terminal-1", 19)]);
    assert_eq!((dollars.currency, dollars.total, dollars.drawers.len()), (Currency::USD, 500, 0));

    till.record(NOW, Record::day_closed_with(0, vec![CashCount::new(Currency::EUR, 10_000)])).unwrap();
    let z = figures(&till, MONDAY, Some(1));
    assert!(z.closed && z.complete);
    assert_eq!(z.figures, x.figures, "the close adds nothing");
    assert_eq!((z.openings.len(), z.closes[0].cash[0].expected), (1, Some(10_019)));
    let till = till.crash(NOW);
    assert_eq!(said(&till, MONDAY, Some(1)), DayFigures { seen: Default::default(), ..z });
    assert_eq!(figures(&till, TUESDAY, None).figures, Default::default(), "another day");
}

/// The store's day is closed while a till is cut off; what it sells on comes late, and the Z figures stay what they were.
#[test]
fn what_comes_after_z_is_listed_as_late_and_changes_no_figure() {
    let mut shop = Shop::with(3, |config| config.business_day_of = BusinessDayOf::Store);
    shop.elect();
    let now = shop.now;
    shop.tills[0].record(now, Record::day_opened(MONDAY, 0)).unwrap();
    shop.pass(1_000);
    shop.sell_milk(2, 1);
    shop.pass(1_000);
    shop.sell_milk(0, 2);
    shop.cut(2);
    shop.sell_milk(2, 3);
    let now = shop.now;
    shop.tills[0].record(now, Record::day_closed(0)).unwrap();
    shop.pass(1_000);
    let z = said(&shop.tills[0], MONDAY, None);
    assert!(z.closed && z.complete);
    assert_eq!((z.figures.transactions, z.late.transactions), (2, 0));
    shop.sell_milk(2, 4);
    shop.heal();
    shop.pass(2_000);
    let after = said(&shop.tills[0], MONDAY, None);
    assert_eq!(after.figures, z.figures, "the Z figures stay");
    assert_eq!((after.late.transactions, after.late.currencies[0].total), (2, 200));
    let late: Vec<_> = after.late_sales.iter().map(|sale| (sale.terminal, sale.number, sale.total)).collect();
    assert_eq!(late, [(3, 2, 100), (3, 3, 100)]);
    for till in &shop.tills {
        assert_eq!(said(till, MONDAY, None), after, "the same from every terminal");
        assert_eq!(said(till, MONDAY, Some(3)).late.transactions, 2);
    }
    shop.crash(1);
    assert_eq!(said(&shop.tills[1], MONDAY, None), after, "after a start");
}

/// A basket that was begun before the close and is paid after it is of the day that it was begun on, and is listed as late: also after a
/// start in between, and beside one that is parked by the close, which is of the day of its recall.
#[test]
fn what_was_begun_before_the_close_is_late_and_of_that_day() {
    let mut shop = Shop::with(3, |config| config.business_day_of = BusinessDayOf::Store);
    shop.elect();
    let now = shop.now;
    shop.tills[0].record(now, Record::day_opened(MONDAY, 0)).unwrap();
    shop.pass(1_000);
    shop.sell_milk(0, 1);
    let now = shop.now;
    shop.tills[2].begin(now, by("Ada", draft(2, vec![line(1, "milk", 2, 250)]))).unwrap();
    shop.tills[1].begin(now, draft(3, vec![line(1, "milk", 1, 70)])).unwrap();
    // A close parks what is open at its own till, and waits for no other till.
    let parked = shop.tills[0].begin(now, draft(4, vec![line(1, "milk", 1, 30)]));
    assert_eq!(parked, Ok(2));
    shop.tills[0].record(now, Record::day_closed(0).parking()).unwrap();
    shop.pass(1_000);
    let z = said(&shop.tills[1], MONDAY, None);
    assert_eq!((z.closed, z.figures.transactions, z.late.transactions), (true, 1, 0));
    shop.crash(2);
    shop.heal();
    let now = shop.now;
    shop.tills[0].record(now, Record::day_opened(TUESDAY, 0)).unwrap();
    shop.pass(1_000);
    let now = shop.now;
    shop.tills[2].commit(now, 2, 2).unwrap();
    shop.tills[1].commit(now, 3, 3).unwrap();
    let request = shop.tills[0].request();
    shop.tills[0].terminal.claim(now, request, BasketId([4; 16])).unwrap();
    shop.tills[0].run(now);
    shop.tills[0].commit(now, 4, 4).unwrap();
    shop.pass(2_000);
    let after = said(&shop.tills[0], MONDAY, None);
    assert_eq!(after.figures, z.figures, "the Z figures stay");
    assert_eq!((after.late.transactions, after.late.currencies[0].total), (2, 320));
    let mut late: Vec<_> =
        after.late_sales.iter().map(|sale| (sale.terminal, sale.number, sale.total)).collect();
    late.sort_unstable();
    assert_eq!(late, [(2, 1, 70), (3, 1, 250)]);
    for till in &shop.tills {
        assert_eq!(said(till, MONDAY, None), after, "the same from every terminal");
        let next = said(till, TUESDAY, None);
        assert_eq!((next.figures.transactions, next.late.transactions), (1, 0), "the one that was parked");
        assert_eq!(next.figures.currencies[0].total, 30);
    }
}

/// Who does not hold all that a close had seen says so.
#[test]
fn figures_that_lack_something_say_so() {
    let mut shop = Shop::with(3, |config| config.business_day_of = BusinessDayOf::Store);
    shop.elect();
    let now = shop.now;
    shop.tills[0].record(now, Record::day_opened(MONDAY, 0)).unwrap();
    shop.pass(1_000);
    shop.sell_milk(1, 1);
    shop.pass(1_000);
    let held = shop.tills[2].terminal.durable().clone();
    shop.sell_milk(1, 2);
    shop.pass(1_000);
    let now = shop.now;
    shop.tills[0].record(now, Record::day_closed(0)).unwrap();
    shop.pass(1_000);
    let closed = figures(&shop.tills[2], MONDAY, None);
    assert!(closed.complete && closed.figures.transactions == 2);
    // The close is there, and a sale before it is not.
    let mut lacking = closed.seen.clone();
    let sold = shop.tills[1].config.me;
    lacking = lacking
        .iter()
        .map(|(chain, seq)| (chain, if chain.replica == sold { held.get(chain) } else { seq }))
        .collect();
    let figures = DayFigures::from_store(&shop.tills[2].disk, MONDAY, None, &lacking).unwrap();
    assert_eq!((figures.closed, figures.complete, figures.figures.transactions), (true, false, 1));
}

/// Rows that another version has not written are made of the events at the next start, and of those that had some none twice.
#[test]
fn rows_that_are_missing_are_made_of_the_events() {
    let mut till = Till::new(1, 1, NOW);
    till.record(NOW, Record::day_opened(MONDAY, 0)).unwrap();
    for basket in 1..=20 {
        till.sell(NOW, basket, vec![line(1, "milk", 1, 100)]);
    }
    till.record(NOW, Record::day_closed(0)).unwrap();
    let before = said(&till, MONDAY, None);
    assert_eq!(before.figures.transactions, 20);
    let rows = till.disk.scan(Space::DayFigures, &[], &[0xFF; 32], u32::MAX).unwrap();
    let writes =
        rows.into_iter().step_by(2).map(|(key, _)| edgepos::core::Write::delete(Space::DayFigures, key));
    let persist = edgepos::core::Persist { id: edgepos::core::PersistId(0), writes: writes.collect() };
    till.disk.commit(&[persist]).unwrap();
    assert_ne!(said(&till, MONDAY, None), before);
    let till = till.crash(NOW);
    assert_eq!(said(&till, MONDAY, None), before);
}

//! A sale that the store's log voids leaves the figures of the day, to the cent and under its own heads, at every terminal.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{EventId, IdempotencyKey};
use edgepos::model::{
    BasketId, CounterRow, StockLine, StockMoved, StockReason, Tax, Tender, TenderType, Tenders,
};
use edgepos::{Action, BusinessDayOf, Commit, CurrencyFigures, DayFigures, Draft, Record, Resolve};
use support::{Shop, Till, draft, line};

const MONDAY: u32 = 20_261_130;
const TUESDAY: u32 = 20_261_201;

fn figures(till: &Till, day: u32) -> DayFigures {
    let figures = DayFigures::from_store(&till.disk, day, None, till.terminal.durable()).unwrap();
    DayFigures { seen: Default::default(), ..figures }
}

/// What a manager wants done about the exception of milk; its event.
fn resolve(shop: &mut Shop, till: usize, key: u8, action: Action) -> EventId {
    let (actor, reason, key) = ("Max".to_owned(), "it was a mistake".to_owned(), IdempotencyKey([key; 16]));
    let exception = CounterRow::stock("milk", 0).to_key();
    let now = shop.now;
    let call = Resolve { exception, episode: 1, action, actor, reason, base: None, key };
    let request = shop.tills[till].resolve(now, &call).unwrap();
    shop.pass(2_000);
    shop.tills[till].resolved(request).unwrap().event
}

/// A store whose day is open and in which Ada, at the first till, has sold one bottle more than came: 357 with 57 of tax, paid by card and
/// with too much cash into the drawer in front.
fn sold() -> (Shop, EventId) {
    let mut shop = Shop::with(2, |config| config.business_day_of = BusinessDayOf::Store);
    shop.elect();
    let now = shop.now;
    shop.tills[0].record(now, Record::day_opened(MONDAY, 0)).unwrap();
    let lines = vec![StockLine { product: "milk".into(), quantity: 1 }];
    let goods = StockMoved { reason: StockReason::Receipt, from: None, to: None, lines };
    shop.tills[0].record(now, Record::stock_moved(&goods, 0)).unwrap();
    shop.pass(1_000);
    let now = shop.now;
    let taxes = vec![Tax { code: 1, rate_ppm: 190_000, base: 300, amount: 57, included: true }];
    let sale = Draft { taxes, operator: Some("Ada".into()), ..draft(1, vec![line(1, "milk", 2, 357)]) };
    let tenders = vec![Tender::new(TenderType::CARD, 200, None), Tender::cash(160)];
    let tenders = Tenders::new(tenders).unwrap().with_change(3).in_drawer(Some("front".into()));
    shop.tills[0].begin(now, sale).unwrap();
    let request = shop.tills[0].request();
    let commit = Commit { basket: BasketId([1; 16]), key: IdempotencyKey([1; 16]), tenders };
    shop.tills[0].terminal.commit(now, request, commit).unwrap();
    shop.tills[0].run(now);
    shop.pass(3_000);
    let sale = shop.tills[0].sell_id(1);
    (shop, sale)
}

fn euros(till: &Till, day: u32) -> CurrencyFigures {
    figures(till, day).figures.currencies.remove(0)
}

#[test]
fn a_void_takes_the_sale_out_of_the_day_under_its_own_heads() {
    for refund in [true, false] {
        let (mut shop, transaction) = sold();
        let before = figures(&shop.tills[0], MONDAY);
        assert_eq!(before.figures.currencies[0].total, 357);
        let void = Action::VoidTransaction { transaction, refund, approved_by: "Bo".into() };
        let of = resolve(&mut shop, 1, 1, void);
        let after = euros(&shop.tills[0], MONDAY);
        assert_eq!((after.transactions, after.total), (2, 0));
        let documents: Vec<_> = after.documents.iter().map(|of| (of.transactions, of.total)).collect();
        assert_eq!(documents, [(1, 357), (1, -357)], "it is a document of its own");
        let taxes: Vec<_> = after.taxes.iter().map(|tax| (tax.base, tax.amount)).collect();
        assert_eq!(taxes, [(0, 0)]);
        let operators: Vec<_> = after.operators.iter().map(|of| (of.operator.as_deref(), of.total)).collect();
        assert_eq!(operators, [(Some("Ada"), 0)], "who sold it, and not who decided");
        // Where no money went back it is still in the drawer, as its counter says.
        let paid: Vec<_> = after.tenders.iter().map(|tender| (tender.kind, tender.amount)).collect();
        let (cash, card, change) = if refund { (0, 0, 0) } else { (160, 200, 3) };
        assert_eq!(paid, [(TenderType::CASH, cash), (TenderType::CARD, card)]);
        let drawers: Vec<_> = after.drawers.iter().map(|of| (of.drawer.as_str(), of.cash)).collect();
        assert_eq!((after.change, drawers), (change, vec![("front", cash - change)]));
        assert_eq!(figures(&shop.tills[1], MONDAY), figures(&shop.tills[0], MONDAY), "at every terminal");

        resolve(&mut shop, 0, 2, Action::Undo { of });
        let undone = euros(&shop.tills[1], MONDAY);
        let sums = |of: &CurrencyFigures| {
            let drawers: Vec<_> = of.drawers.iter().map(|of| of.cash).collect();
            let tenders: Vec<_> = of.tenders.iter().map(|tender| tender.amount).collect();
            (of.total, of.change, of.taxes.clone(), tenders, drawers)
        };
        assert_eq!(sums(&undone), sums(&before.figures.currencies[0]), "an undone void gives all of it back");
        shop.crash(1);
        assert_eq!(figures(&shop.tills[1], MONDAY), figures(&shop.tills[0], MONDAY), "after a start");
    }
}

/// What is voided on the next day is in the figures of that one, and the closed day stays what it was.
#[test]
fn a_void_belongs_to_the_day_that_is_open_when_it_is_decided() {
    let (mut shop, transaction) = sold();
    let now = shop.now;
    shop.tills[0].record(now, Record::day_closed(0)).unwrap();
    shop.pass(1_000);
    let z = figures(&shop.tills[0], MONDAY);
    let now = shop.now;
    shop.tills[0].record(now, Record::day_opened(TUESDAY, 0)).unwrap();
    shop.pass(1_000);
    let void = Action::VoidTransaction { transaction, refund: true, approved_by: "Bo".into() };
    resolve(&mut shop, 1, 1, void);
    for till in &shop.tills {
        assert_eq!(figures(till, MONDAY), z);
        let tuesday = euros(till, TUESDAY);
        assert_eq!((tuesday.total, tuesday.taxes[0].amount, tuesday.drawers[0].cash), (-357, -57, -157));
    }
}

/// With no day open a void comes late to the day of its sale, as whatever comes after a close does, and is listed there.
#[test]
fn a_void_behind_the_close_is_late() {
    let (mut shop, transaction) = sold();
    let now = shop.now;
    shop.tills[0].record(now, Record::day_closed(0)).unwrap();
    shop.pass(1_000);
    let z = figures(&shop.tills[0], MONDAY);
    let void = Action::VoidTransaction { transaction, refund: true, approved_by: "Bo".into() };
    let of = resolve(&mut shop, 1, 1, void);
    for till in &shop.tills {
        let after = figures(till, MONDAY);
        assert_eq!(after.figures, z.figures);
        assert_eq!((after.late.transactions, after.late.currencies[0].total), (1, -357));
        assert_eq!((after.late_sales[0].event, after.late_sales[0].terminal), (of, 1));
    }
}

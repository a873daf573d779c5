//! A currency that ISO 4217 lists no more: what was sold in it comes back on its receipt, and nothing new is sold in it.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{Now, Persist, PersistId, Space, Write};
use edgepos::model::{BasketId, CounterRow, Currency, DocType, Line, Transaction};
use edgepos::{DayFigures, Draft, Record, Refusal, Reply, Store};
use support::{Shop, Till, back, draft, line};

/// The lev, until the euro came to Bulgaria.
fn lev() -> Currency {
    Currency::of_receipt("BGN").unwrap()
}

/// Begins a basket in lev, as a till did while it was in use: its row says so at the next start.
fn begun_in_lev(till: &mut Till, now: Now, basket: u8, lines: Vec<Line>) {
    till.begin(now, draft(basket, lines)).unwrap();
    let key = [basket; 16];
    let (key, row) = till.disk.scan(Space::Basket, &key, &key, u32::MAX).unwrap().remove(0);
    let at = row.windows(4).position(|part| part == b"\x63EUR").unwrap();
    let row = [&row[..at], b"\x63BGN", &row[at + 4..]].concat();
    let persist = Persist { id: PersistId(1), writes: vec![Write::put(Space::Basket, key, row)] };
    till.disk.commit(&[persist]).unwrap();
}

/// Two tills of which the first sold four bottles in lev, and one in euro; both hold the receipts.
fn shop() -> Shop {
    let mut shop = Shop::new(2);
    shop.elect();
    let now = shop.now;
    shop.tills[0].record(now, Record::day_opened(20_231_114, 0)).unwrap();
    begun_in_lev(&mut shop.tills[0], now, 1, vec![line(1, "milk", 4, 400)]);
    begun_in_lev(&mut shop.tills[0], now, 2, vec![line(1, "wine", 1, 900)]);
    shop.crash(0);
    shop.heal();
    let now = shop.now;
    assert_eq!(
        shop.tills[0].terminal.unresolved().iter().map(|open| open.currency).collect::<Vec<_>>(),
        [lev(); 2]
    );
    for (basket, total) in [(1, 400), (2, 900)] {
        shop.tills[0].knows_total(BasketId([basket; 16]), total);
        shop.tills[0].commit(now, basket, basket).unwrap();
    }
    shop.tills[0].sell(now, 3, vec![line(1, "milk", 1, 100)]);
    shop.pass(2_000);
    shop
}

fn as_return(basket: u8, line: Line) -> Draft {
    Draft { doc_type: DocType::Return, currency: lev(), series: "R".into(), ..draft(basket, vec![line]) }
}

fn void(basket: u8, receipt: u8) -> Draft {
    let voids = Some(BasketId([receipt; 16]));
    Draft { doc_type: DocType::Void, currency: lev(), series: "R".into(), voids, ..draft(basket, Vec::new()) }
}

#[test]
fn what_was_sold_in_it_comes_back_at_any_till_that_holds_the_receipt() {
    let mut shop = shop();
    let drawer = |till: &Till, terminal: &str| till.terminal.counter(&CounterRow::cash(terminal, lev()));
    assert_eq!(drawer(&shop.tills[1], "terminal-1"), Some(1_300));
    let now = shop.now;
    shop.tills[0].begin(now, as_return(11, back(1, 1, "milk", 1))).unwrap();
    shop.tills[1].begin(now, as_return(12, back(1, 1, "milk", 1))).unwrap();
    shop.crash(1);
    shop.heal();
    let now = shop.now;
    // A basket that is open goes on, and is bounded by its receipt as any other.
    let request = shop.tills[1].request();
    let two = || as_return(12, Line { amount: -150, ..back(1, 1, "milk", 2) });
    shop.tills[1].terminal.update(now, request, two()).unwrap();
    shop.tills[1].run(now);
    let changed = shop.tills[1].replies.remove(&request).unwrap();
    assert_eq!(changed, Ok(Reply::Begun { number: 1, total: -150 }));
    shop.tills[1].knows_total(BasketId([12; 16]), -150);
    shop.tills[0].commit(now, 11, 11).unwrap();
    shop.tills[1].commit(now, 12, 12).unwrap();
    assert!(matches!(shop.tills[1].begin(now, two()), Err(Refusal::BasketBooked(_))), "a repeat");
    shop.pass(2_000);
    let now = shop.now;
    let more = shop.tills[0].begin(now, as_return(13, Line { amount: -151, ..back(1, 1, "milk", 1) }));
    assert_eq!(more, Err(Refusal::NotRefundable { line: 1, left: 150 }));
    shop.tills[1].begin(now, void(14, 2)).unwrap();
    let (receipt, _) = shop.tills[1].commit(now, 14, 14).unwrap();
    assert_eq!(receipt.total, -900);
    shop.pass(2_000);
    for till in &shop.tills {
        assert_eq!(drawer(till, "terminal-1"), Some(1_300 - 100));
        assert_eq!(drawer(till, "terminal-2"), Some(-150 - 900));
        assert_eq!(till.terminal.status().exceptions, []);
        let events = support::envelopes(&till.disk).into_iter();
        let booked = events.filter_map(|(_, event)| minicbor::decode::<Transaction>(&event.body).ok());
        assert_eq!(booked.filter(|booked| booked.currency == lev()).count(), 5);
    }
    let till = &shop.tills[1];
    let day = DayFigures::from_store(&till.disk, 20_231_114, Some(1), till.terminal.durable()).unwrap();
    let figures = day.figures.currencies.iter().map(|of| (of.currency, of.total));
    assert_eq!(figures.collect::<Vec<_>>(), [(lev(), 1_300 - 100), (Currency::EUR, 100)]);
}

#[test]
fn nothing_else_is_begun_in_it() {
    let mut shop = shop();
    let milk = || line(2, "milk", 1, 100);
    let with = |lines: Vec<Line>| Draft { lines, ..as_return(20, milk()) };
    let typo = Currency::of_receipt("BGM").unwrap();
    for (what, bad) in [
        ("a sale", Draft { doc_type: DocType::Sale, ..with(vec![milk()]) }),
        ("a sale on the receipt's back", with(vec![back(1, 1, "milk", 1), milk()])),
        ("an exchange", Draft { doc_type: DocType::Exchange, ..with(vec![back(1, 1, "milk", 1), milk()]) }),
        ("without a receipt", Draft { unreferenced: true, ..with(vec![line(1, "milk", -1, -100)]) }),
        ("a receipt that nobody holds", with(vec![back(99, 1, "milk", 1)])),
        ("a receipt in euro", with(vec![back(3, 1, "milk", 1)])),
        ("with one in euro", with(vec![back(1, 1, "milk", 1), Line { no: 2, ..back(3, 1, "milk", 1) }])),
        ("a void of one in euro", void(20, 3)),
        ("nothing at all", Draft { doc_type: DocType::NoSale, ..with(Vec::new()) }),
        ("a typing error", Draft { currency: typo, ..with(vec![back(1, 1, "milk", 1)]) }),
    ] {
        for till in &mut shop.tills {
            let refused = till.begin(shop.now, bad.clone());
            assert!(
                matches!(refused, Err(Refusal::BadField { field: "currency", .. })),
                "{what}: {refused:?}"
            );
        }
    }
    // Nor does what was sold in it come back in another currency.
    let euro = Draft { currency: Currency::EUR, ..with(vec![back(1, 1, "milk", 1)]) };
    let refused = shop.tills[0].begin(shop.now, euro);
    assert!(matches!(refused, Err(Refusal::BadLine { line: 1, .. })), "{refused:?}");
}

//! An event of each kind says how far its shop's clocks were ahead of UTC, and how far the time that it says can be trusted.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::collections::BTreeSet;

use edgepos::Zone;
use edgepos::model::{
    BasketId, CashMoved, CashReason, ClockQuality, CountLine, Currency, CustomerKey, CustomerLink,
    DocumentSet, Kind, KnownKind, PaymentId, PaymentIntent, PaymentOutcome, PaymentState, ProductSet,
    ReceiptPrinted, ShiftId, Signature, TenderType,
};
use edgepos::{Action, Record};
use support::resolving::{call, goods, resolve};
use support::{Shop, draft, envelopes, line};

/// In Nepal, with receipts of one series that are signed.
fn shop(terminals: u16) -> Shop {
    let mut shop = Shop::with(terminals, |config| {
        config.zone = "Asia/Kathmandu".parse::<Zone>().unwrap();
        config.signed_series = vec!["F".into()];
    });
    shop.elect();
    // Three clocks vouch for each other once they have been compared.
    shop.pass(1_000);
    shop
}

fn record(shop: &mut Shop, record: Record) {
    let now = shop.now;
    shop.tills[0].record(now, record).unwrap();
    shop.pass(100);
}

/// What is said of goods, customers and documents.
fn master_data(shop: &mut Shop) {
    let milk = ProductSet {
        product: "milk".into(),
        name: "Milk".into(),
        base_unit: "piece".into(),
        scale: 0,
        tax_code: None,
        counted: None,
        floor: None,
        valid_from: None,
        valid_to: None,
        version: None,
    };
    let (namespace, key) = ("promotions".into(), "may".into());
    let document = DocumentSet { namespace, key, version: None, effective_at: None, content: b"{}".to_vec() };
    let link = CustomerLink { customer: "c9".into(), name: "card-7".into() };
    for said in [
        Record::product(&milk),
        Record::price(&support::price("milk", 99)),
        Record::customer(b"Ada", CustomerKey::new("c9", [7; 32])),
        Record::customer_linked(&link),
        Record::customer_unlinked(&link),
        Record::customer_erased("c9"),
        Record::document(&document),
        Record::custom(b"vendor".to_vec(), Vec::new()),
    ] {
        record(shop, said);
    }
}

/// Baskets that are paid, signed, printed, given up, parked and recalled, and a card.
fn baskets(shop: &mut Shop) {
    let milk = |basket| draft(basket, vec![line(1, "milk", 1, 100)]);
    let now = shop.now;
    let receipt = shop.tills[0].sell(now, 1, vec![line(1, "milk", 1, 100)]);
    let printed = ReceiptPrinted { basket: receipt.basket, series: "S".into(), number: 1, copy: 0 };
    record(shop, Record::receipt_printed(&printed));
    for part in Record::attachment(receipt.basket, ("front.png", "image/png"), b"picture").unwrap() {
        record(shop, part);
    }
    let signed = edgepos::Draft { series: "F".into(), ..milk(2) };
    let till = &mut shop.tills[0];
    till.begin(now, signed).unwrap();
    till.ask_commit(now, 2, 2).unwrap();
    till.run(now);
    let asked = till.terminal.next_to_sign(now).unwrap();
    till.terminal.signed(now, asked.id, Ok(Signature::new("F", 1, b"signed".to_vec()).unwrap()));
    till.run(now);
    for basket in 3..=5 {
        till.begin(now, milk(basket)).unwrap();
    }
    let (payment, basket) = (PaymentId([7; 16]), BasketId([3; 16]));
    let intent = PaymentIntent { payment, basket, tender: TenderType::CARD, amount: 100 };
    record(shop, Record::payment_intent(intent));
    let declined = PaymentOutcome::new(payment, basket, PaymentState::DECLINED, 0, None);
    record(shop, Record::payment_outcome(declined));
    // One is given up as it is; two are parked, of which one is recalled and the other given up.
    let till = &mut shop.tills[0];
    let mut asked = Vec::new();
    for basket in [4, 5] {
        asked.push(till.request());
        till.terminal.park(now, asked[asked.len() - 1], BasketId([basket; 16])).unwrap();
        till.run(now);
    }
    asked.push(till.request());
    till.terminal.claim(now, asked[2], BasketId([4; 16])).unwrap();
    till.run(now);
    for basket in [3, 5] {
        asked.push(till.request());
        till.terminal.abandon(now, asked[asked.len() - 1], BasketId([basket; 16])).unwrap();
        till.run(now);
    }
    for request in asked {
        till.replies.remove(&request).unwrap().unwrap();
    }
    shop.pass(500);
}

/// Goods that were sold and had not come: what the store tells, proposes, decides and ends.
fn exceptions(shop: &mut Shop) {
    record(shop, goods(1));
    let now = shop.now;
    shop.tills[1].sell(now, 6, vec![line(1, "milk", 9, 900)]);
    shop.pass(3_000);
    resolve(shop, 0, &call(1, 1, Action::Backorder)).unwrap();
    let now = shop.now;
    shop.tills[0].sell(now, 7, vec![line(1, "milk", 2, 200)]);
    shop.pass(3_000);
    record(shop, goods(50));
    shop.pass(3_000);
}

/// Goods that two count who do not hear each other.
fn counts(shop: &mut Shop) {
    shop.cut(1);
    let now = shop.now;
    for till in [0, 1] {
        let counted = Record::stock_counted(vec![CountLine::new("milk", 30)], 0);
        shop.tills[till].record(now, counted).unwrap();
    }
    shop.heal();
    shop.pass(4_000);
}

/// A day with a shift and with cash that goes to the safe.
fn day(shop: &mut Shop, then: impl FnOnce(&mut Shop)) {
    let (shift, ada) = (ShiftId([8; 16]), Some("Ada".to_owned()));
    record(shop, Record::day_opened(20_231_115, 0));
    record(shop, Record::shift_opened(shift, ada.clone(), Vec::new()));
    record(shop, Record::cash_moved(CashMoved::new(CashReason::SKIM, Currency::EUR, 100), ada));
    then(shop);
    record(shop, Record::shift_closed(shift, Vec::new()));
    record(shop, Record::day_closed(0).parking());
}

#[test]
fn each_kind_says_the_offset_and_how_far_its_time_is_trusted() {
    for (terminals, trusted) in [(2, ClockQuality::Unset), (3, ClockQuality::Synced)] {
        let mut shop = shop(terminals);
        master_data(&mut shop);
        day(&mut shop, |shop| {
            baskets(shop);
            exceptions(shop);
            counts(shop);
        });
        shop.pass(3_000);
        let events = envelopes(&shop.tills[1].disk);
        for (id, event) in &events {
            // Goods were counted while two clocks heard each other and one nobody, and settled as soon as the counts met.
            let apart = [Kind::STOCK_COUNTED, Kind::COUNT_SETTLED].contains(&event.kind);
            let is_apart = apart && trusted == ClockQuality::Synced;
            let trusted = if is_apart { ClockQuality::Drifting } else { trusted };
            let said = (event.utc_offset_min, event.clock_quality);
            assert_eq!(said, (345, trusted), "{id:?} {}", event.kind.name());
        }
        let kinds: BTreeSet<Kind> = events.iter().map(|(_, event)| event.kind).collect();
        let missing: Vec<_> = KnownKind::ALL.iter().filter(|kind| !kinds.contains(&kind.kind())).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}

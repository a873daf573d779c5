//! Gift cards, points and coupons are checked at `begin`, against what is known and what other open baskets take.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::collections::BTreeMap;

use edgepos::core::{IdempotencyKey, Now};
use edgepos::model::{
    BasketId, Counter, CounterRow, DocType, Effect, Mode, StockState, Tender, TenderType, Tenders,
};
use edgepos::{Commit, Draft, Notice, Refusal, Reply};
use support::{Shop, Till, WALL, draft, line};

const NOW: Now = Now::new(0, WALL);

fn row(counter: Counter) -> CounterRow {
    CounterRow { counter, location: 0, state: StockState::OnHand, key: b"c9".to_vec() }
}

/// Goods, and so much less or more on the card, the customer's points or the coupon.
fn moving(basket: u8, counter: Counter, delta: i64) -> Draft {
    let effects = vec![Effect::new(row(counter), delta, Some(0))];
    Draft { effects, ..draft(basket, vec![line(1, "milk", 1, 100)]) }
}

fn loaded(counter: Counter, with: i64) -> Till {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, moving(9, counter, with)).unwrap();
    till.commit(NOW, 9, 9).unwrap();
    till
}

#[test]
fn no_more_leaves_a_card_than_is_there() {
    for counter in [Counter::STORED_VALUE, Counter::POINTS, Counter::COUPON_USE] {
        let mut till = loaded(counter, 1_000);
        let overdrawn = |left| Err(Refusal::Overdrawn { counter, left });
        assert_eq!(till.begin(NOW, moving(1, counter, -5_000)), overdrawn(1_000));
        assert_eq!(till.begin(NOW, moving(1, counter, -1_001)), overdrawn(1_000));
        assert_eq!(till.begin(NOW, moving(1, counter, -700)), Ok(2));
        assert_eq!(till.begin(NOW, moving(2, counter, -700)), overdrawn(300), "the open basket takes 700");
        let mut till = till.crash(NOW);
        assert_eq!(till.begin(NOW, moving(2, counter, -301)), overdrawn(300), "also after a restart");
        assert_eq!(till.begin(NOW, moving(2, counter, -300)), Ok(3));
        till.knows_total(BasketId([1; 16]), 100);
        till.commit(NOW, 1, 1).unwrap();
        assert_eq!(till.terminal.counter(&row(counter)), Some(300));
        assert_eq!(till.begin(NOW, moving(3, counter, -1)), overdrawn(0), "the second still takes 300");
        let request = till.request();
        till.terminal.abandon(NOW, request, BasketId([2; 16])).unwrap();
        till.run(NOW);
        assert_eq!(till.replies.remove(&request), Some(Ok(Reply::Abandoned)));
        assert_eq!(till.begin(NOW, moving(3, counter, -300)), Ok(4), "given up, it takes nothing");
    }
}

#[test]
fn a_basket_that_changes_is_held_to_it_without_what_it_took_before() {
    let mut till = loaded(Counter::STORED_VALUE, 1_000);
    till.begin(NOW, moving(1, Counter::STORED_VALUE, -800)).unwrap();
    let mut update = |delta| {
        let request = till.request();
        till.terminal.update(NOW, request, moving(1, Counter::STORED_VALUE, delta))?;
        till.run(NOW);
        till.replies.remove(&request).expect("answered")
    };
    assert!(update(-1_000).is_ok());
    assert_eq!(update(-1_001), Err(Refusal::Overdrawn { counter: Counter::STORED_VALUE, left: 1_000 }));
}

#[test]
fn what_is_loaded_and_spent_in_one_basket_is_one_sum() {
    let mut till = loaded(Counter::STORED_VALUE, 100);
    let twice = |first, second| {
        let card = row(Counter::STORED_VALUE);
        let effects = vec![Effect::new(card.clone(), first, Some(0)), Effect::new(card, second, Some(0))];
        Draft { effects, ..draft(1, vec![line(1, "milk", 1, 100)]) }
    };
    assert!(matches!(till.begin(NOW, twice(-60, -60)), Err(Refusal::Overdrawn { left: 100, .. })));
    assert_eq!(till.begin(NOW, twice(-150, 50)), Ok(2));
}

/// A till judges by what it knows: a card that it has never heard of may have been loaded at one that is cut off, a trainee takes nothing,
/// and who names no floor asks for no check.
#[test]
fn what_is_not_known_or_does_not_count_is_not_refused() {
    let mut till = Till::new(1, 1, NOW);
    assert_eq!(till.begin(NOW, moving(1, Counter::STORED_VALUE, -5_000)), Ok(1));
    let mut till = loaded(Counter::STORED_VALUE, 10);
    let training = Draft { mode: Mode::Training, ..moving(1, Counter::STORED_VALUE, -50) };
    assert_eq!(till.begin(NOW, training), Ok(0));
    let mut unchecked = moving(2, Counter::STORED_VALUE, -50);
    unchecked.effects[0].floor = None;
    assert_eq!(till.begin(NOW, unchecked), Ok(2));
    let vendors = moving(3, Counter::VENDOR, -50);
    assert_eq!(till.begin(NOW, vendors), Ok(3));
    let mut till = loaded(Counter::POINTS, 10);
    let back = Draft { doc_type: DocType::Return, unreferenced: true, ..moving(4, Counter::POINTS, -50) };
    assert_eq!(till.begin(NOW, back), Ok(2), "goods that come back take the points that they brought");
}

/// The till asks again since the answer was lost: the receipt is the answer, and not that the card is empty.
#[test]
fn a_basket_that_emptied_a_card_answers_its_receipt() {
    for restarts in [false, true] {
        let mut till = loaded(Counter::STORED_VALUE, 1_000);
        till.begin(NOW, moving(1, Counter::STORED_VALUE, -1_000)).unwrap();
        till.commit(NOW, 1, 1).unwrap();
        let mut till = if restarts { till.crash(NOW) } else { till };
        let again = till.begin(NOW, moving(1, Counter::STORED_VALUE, -1_000));
        assert!(matches!(again, Err(Refusal::BasketBooked { .. })), "{again:?}");
    }
}

/// Two tills that cannot see each other both take it: one exception for the manager.
#[test]
fn two_tills_that_are_apart_overdraw_a_card_once() {
    let mut shop = Shop::new(3);
    shop.elect();
    let now = shop.now;
    shop.tills[0].begin(now, moving(9, Counter::STORED_VALUE, 1_000)).unwrap();
    shop.tills[0].commit(now, 9, 9).unwrap();
    shop.pass(500);
    shop.cut(2);
    let now = shop.now;
    for (till, basket) in [(1, 1), (2, 2)] {
        shop.tills[till].begin(now, moving(basket, Counter::STORED_VALUE, -800)).unwrap();
        shop.tills[till].commit(now, basket, basket).unwrap();
    }
    shop.heal();
    shop.pass(3_000);
    for till in &shop.tills {
        assert_eq!(till.terminal.counter(&row(Counter::STORED_VALUE)), Some(-600));
        assert_eq!(till.terminal.status().open_exceptions, 1);
    }
    let now = shop.now;
    let refused = shop.tills[1].begin(now, moving(3, Counter::STORED_VALUE, -1));
    assert_eq!(refused, Err(Refusal::Overdrawn { counter: Counter::STORED_VALUE, left: 0 }));
}

fn pay(till: &mut Till, basket: u8, tenders: Tenders) -> Result<edgepos::Receipt, Refusal> {
    let request = till.request();
    let (basket, key) = (BasketId([basket; 16]), IdempotencyKey([basket; 16]));
    till.terminal.commit(NOW, request, Commit { basket, key, tenders })?;
    till.run(NOW);
    match till.replies.remove(&request).unwrap()? {
        Reply::Committed { receipt, .. } => Ok(receipt),
        other => panic!("{other:?}"),
    }
}

fn by_card(amount: i64) -> Tenders {
    let taken = Effect::new(row(Counter::STORED_VALUE), -amount, Some(0));
    Tenders::from(Tender::new(TenderType::STORED_VALUE, amount, None)).with_effects(vec![taken])
}

fn card(till: &Till) -> Option<i64> {
    till.terminal.counter(&row(Counter::STORED_VALUE))
}

/// The card is shown when the goods are scanned already: the commit takes the money from it, once, and no more than is there.
#[test]
fn a_card_that_is_shown_at_the_end_pays_with_what_is_on_it() {
    let mut till = loaded(Counter::STORED_VALUE, 150);
    till.begin(NOW, draft(1, vec![line(1, "milk", 1, 100)])).unwrap();
    till.begin(NOW, draft(2, vec![line(1, "milk", 1, 100)])).unwrap();
    let first = pay(&mut till, 1, by_card(100)).unwrap();
    assert_eq!(card(&till), Some(50));
    let mut till = till.crash(NOW);
    assert_eq!(
        pay(&mut till, 1, by_card(100)),
        Ok(first),
        "a repeat takes nothing, though the card has less"
    );
    let left = |left| Err(Refusal::Overdrawn { counter: Counter::STORED_VALUE, left });
    assert_eq!(pay(&mut till, 2, by_card(100)), left(50));
    till.begin(NOW, moving(3, Counter::STORED_VALUE, -30)).unwrap();
    assert_eq!(pay(&mut till, 2, by_card(100)), left(20), "an open basket takes 30");
    assert_eq!(card(&till), Some(50), "nothing is booked, and the basket is open");
    let both = vec![Tender::cash(80), Tender::new(TenderType::STORED_VALUE, 20, None)];
    let taken = |delta| Effect::new(row(Counter::STORED_VALUE), delta, Some(0));
    let twice = Tenders::new(both.clone()).unwrap().with_effects(vec![taken(-15), taken(-15)]);
    assert_eq!(pay(&mut till, 2, twice), left(5), "two effects on one card are one sum");
    pay(&mut till, 2, Tenders::new(both).unwrap().with_effects(vec![taken(-20)])).unwrap();
    assert_eq!(card(&till), Some(30));
}

/// Who takes the money is in the event, with a vendor's additions, and what is said beside the payments has its bounds.
#[test]
fn a_commit_says_who_took_the_money_and_what_a_vendor_adds() {
    let mut till = Till::new(1, 1, NOW);
    let scanned = Draft { operator: Some("ann".into()), ..draft(1, vec![line(1, "milk", 1, 100)]) };
    till.begin(NOW, scanned).unwrap();
    let cash = || Tenders::from(Tender::cash(100));
    let ext = |name: &str, bytes: usize| BTreeMap::from([(name.to_owned(), vec![7; bytes])]);
    let points = |count| vec![Effect::new(row(Counter::POINTS), 1, None); count];
    let stock = vec![Effect::new(CounterRow::stock("milk", 0), 5, None)];
    for (what, bad) in [
        ("who has no name", cash().taken_by(Some("o".repeat(65)))),
        ("a card number", cash().taken_by(Some("4111111111111111".into()))),
        ("goods", cash().with_effects(stock)),
        ("five effects", cash().with_effects(points(5))),
        ("too much", cash().with_ext(ext("vendor", 1_024))),
        ("no name", cash().with_ext(ext("", 1))),
    ] {
        assert!(pay(&mut till, 1, bad).is_err(), "{what}");
    }
    let said = cash().taken_by(Some("bo".into())).with_effects(points(4)).with_ext(ext("vendor", 500));
    let receipt = pay(&mut till, 1, said).unwrap();
    let of_it = |notice: &Notice| match notice {
        Notice::Recorded { id, envelope } if *id == receipt.event => Some(envelope.as_ref().clone()),
        _ => None,
    };
    let envelope = till.notices.iter().find_map(of_it).unwrap();
    assert_eq!((envelope.operator.as_deref(), &envelope.ext), (Some("bo"), &ext("vendor", 500)));
    assert_eq!(till.terminal.counter(&row(Counter::POINTS)), Some(4));
}

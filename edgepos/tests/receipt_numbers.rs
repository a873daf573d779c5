//! Receipt numbers are gapless for each series through any crash; a number that is not used is voided on record.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{IdempotencyKey, Now};
use edgepos::model::{BasketId, Kind, Mode, NumberVoided, Tender};
use edgepos::{Commit, Config, Draft, MemoryStore, NumberAt, Refusal, Reply};
use support::{Till, WALL, draft, line};

const NOW: Now = Now::new(0, WALL);

#[test]
fn numbers_go_on_after_a_crash() {
    let mut till = Till::new(1, 1, NOW);
    assert_eq!(till.begin(NOW, draft(1, vec![line(1, "a", 1, 1)])), Ok(1));
    till.writing = false;
    let request = till.request();
    till.terminal.begin(NOW, request, draft(2, vec![line(1, "a", 1, 1)])).unwrap();
    till.run(NOW);
    assert!(till.replies.is_empty(), "the number is not told before it is on disk");
    let mut till = till.crash(NOW);
    assert_eq!(till.terminal.unresolved().len(), 1, "the second basket was never told");
    assert_eq!(till.begin(NOW, draft(3, vec![line(1, "a", 1, 1)])), Ok(2));
}

#[test]
fn beginning_again_gives_the_same_number_and_other_contents_are_refused() {
    let mut till = Till::new(1, 1, NOW);
    assert_eq!(till.begin(NOW, draft(1, vec![line(1, "a", 1, 1)])), Ok(1));
    let later = Now::new(5_000, WALL + 5_000);
    assert_eq!(till.begin(later, draft(1, vec![line(1, "a", 1, 1)])), Ok(1));
    let other = till.begin(later, draft(1, vec![line(1, "a", 2, 1)]));
    assert_eq!(other, Err(Refusal::BasketExists(BasketId([1; 16]))));
}

#[test]
fn series_count_apart_and_training_counts_nothing() {
    let mut till = Till::new(1, 1, NOW);
    let series =
        |basket, series: &str| Draft { series: series.into(), ..draft(basket, vec![line(1, "a", 1, 1)]) };
    assert_eq!(till.begin(NOW, series(1, "S")), Ok(1));
    assert_eq!(till.begin(NOW, series(2, "R")), Ok(1));
    let training = Draft { mode: Mode::Training, ..draft(3, vec![line(1, "a", 1, 1)]) };
    assert_eq!(till.begin(NOW, training), Ok(0));
    till.commit(NOW, 3, 3).unwrap();
    assert_eq!(till.terminal.counters(), [], "training moves no counter");
    assert_eq!(till.begin(NOW, series(4, "S")), Ok(2));
}

#[test]
fn an_abandoned_number_is_voided() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, draft(1, vec![line(1, "a", 1, 1)])).unwrap();
    let request = till.request();
    till.terminal.abandon(NOW, request, BasketId([1; 16])).unwrap();
    till.run(NOW);
    assert_eq!(till.replies.remove(&request), Some(Ok(edgepos::Reply::Abandoned)));
    assert!(till.terminal.unresolved().is_empty());
    let unused = NumberVoided { series: "S".into(), number: 1, basket: BasketId([1; 16]) };
    assert_eq!(voided(&till), std::slice::from_ref(&unused));
    let request = till.request();
    till.terminal.abandon(NOW, request, BasketId([1; 16])).unwrap();
    till.run(NOW);
    let again = till.replies.remove(&request);
    assert_eq!(again, Some(Err(Refusal::UnknownBasket(BasketId([1; 16])))));
    assert_eq!(till.commit(NOW, 1, 1), Err(Refusal::UnknownBasket(BasketId([1; 16]))));
    assert_eq!(till.begin(NOW, draft(2, vec![line(1, "a", 1, 1)])), Ok(2));
    assert_eq!(voided(&till.crash(NOW)), [unused], "once, and also after a start");
}

/// A till whose receipts get their numbers when they are booked.
fn at_commit() -> Till {
    let mut config = support::config(1, 1);
    config.number_at = NumberAt::Commit;
    Till::open(config, MemoryStore::new(), NOW)
}

fn abandon(till: &mut Till, basket: u8) -> Result<Reply, Refusal> {
    let request = till.request();
    till.terminal.abandon(NOW, request, BasketId([basket; 16])).unwrap();
    till.run(NOW);
    till.replies.remove(&request).unwrap()
}

/// The numbers that stay unused, as their events say.
fn voided(till: &Till) -> Vec<NumberVoided> {
    let events = support::envelopes(&till.disk).into_iter().map(|(_, event)| event);
    let voided = events.filter(|event| event.kind == Kind::NUMBER_VOIDED);
    voided.map(|event| minicbor::decode(&event.body).unwrap()).collect()
}

#[test]
fn a_number_at_the_commit_follows_the_receipts_and_not_the_baskets() {
    let mut till = at_commit();
    let milk = || vec![line(1, "a", 1, 1)];
    for basket in 1..=4 {
        assert_eq!(till.begin(NOW, draft(basket, milk())), Ok(0));
    }
    assert_eq!(till.terminal.unresolved().len(), 4);
    assert_eq!(abandon(&mut till, 2), Ok(Reply::Abandoned));
    let request = till.request();
    till.terminal.park(NOW, request, BasketId([3; 16])).unwrap();
    till.run(NOW);
    assert_eq!(till.replies.remove(&request), Some(Ok(Reply::Parked)));
    assert_eq!(till.commit(NOW, 4, 4).unwrap().0.number, 1);
    let mut till = till.crash(NOW);
    assert_eq!(till.commit(NOW, 1, 1).unwrap().0.number, 2);
    let (again, repeated) = till.commit(NOW, 4, 4).unwrap();
    assert!(repeated && again.number == 1);
    let request = till.request();
    till.terminal.claim(NOW, request, BasketId([3; 16])).unwrap();
    till.run(NOW);
    let claimed = till.replies.remove(&request);
    assert!(matches!(claimed, Some(Ok(Reply::Claimed { number: 0, .. }))), "{claimed:?}");
    assert_eq!(till.commit(NOW, 3, 3).unwrap().0.number, 3);
    assert_eq!(voided(&till), [], "nothing was reserved, so nothing is burnt");
}

#[test]
fn what_commit_refuses_burns_no_number() {
    let mut till = at_commit();
    till.begin(NOW, draft(1, vec![line(1, "a", 1, 100)])).unwrap();
    let request = till.request();
    let short =
        Commit { basket: BasketId([1; 16]), key: IdempotencyKey([1; 16]), tenders: Tender::cash(1).into() };
    till.terminal.commit(NOW, request, short).unwrap();
    till.run(NOW);
    assert!(matches!(till.replies.remove(&request), Some(Err(Refusal::Tenders(_)))));
    assert_eq!(till.commit(NOW, 1, 1).unwrap().0.number, 1);
}

/// The sale and the number of its series are one transaction: whatever the power takes, it takes both.
#[test]
fn a_power_cut_takes_the_number_with_the_sale() {
    let mut till = at_commit();
    for basket in 1..=2 {
        till.begin(NOW, draft(basket, vec![line(1, "a", 1, 1)])).unwrap();
    }
    till.writing = false;
    till.ask_commit(NOW, 1, 1).unwrap();
    till.run(NOW);
    let mut till = till.crash(NOW);
    assert_eq!(till.commit(NOW, 2, 2).unwrap().0.number, 1);
    assert_eq!(till.commit(NOW, 1, 1).unwrap().0.number, 2);
}

/// How receipts are numbered may change from one start to the next: an open basket keeps what it was promised.
#[test]
fn an_open_basket_keeps_what_it_has_where_the_setting_changes() {
    let mut till = Till::new(1, 1, NOW);
    let milk = || vec![line(1, "a", 1, 1)];
    assert_eq!(till.begin(NOW, draft(1, milk())), Ok(1));
    let mut till = Till::open(Config { number_at: NumberAt::Commit, ..till.config }, till.disk, NOW);
    assert_eq!(till.begin(NOW, draft(1, milk())), Ok(1), "a repeat of what has its number");
    assert_eq!(till.begin(NOW, draft(2, milk())), Ok(0));
    let mut till = Till::open(support::config(1, 1), till.disk, NOW);
    till.knows_total(BasketId([1; 16]), 1);
    assert_eq!(till.begin(NOW, draft(2, milk())), Ok(0), "a repeat of what has none");
    assert_eq!(till.begin(NOW, draft(3, milk())), Ok(2));
    assert_eq!(till.commit(NOW, 2, 2).unwrap().0.number, 3);
    assert_eq!(till.commit(NOW, 1, 1).unwrap().0.number, 1);
}

//! Receipt numbers are gapless for each series through any crash; a number that is not used is voided on record.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::Now;
use edgepos::model::{BasketId, Mode};
use edgepos::{Draft, Refusal};
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
    let request = till.request();
    till.terminal.abandon(NOW, request, BasketId([1; 16])).unwrap();
    till.run(NOW);
    let again = till.replies.remove(&request);
    assert_eq!(again, Some(Err(Refusal::UnknownBasket(BasketId([1; 16])))));
    assert_eq!(till.commit(NOW, 1, 1), Err(Refusal::UnknownBasket(BasketId([1; 16]))));
    assert_eq!(till.begin(NOW, draft(2, vec![line(1, "a", 1, 1)])), Ok(2));
}

//! A basket changes as the cashier scans, under the number that it was begun with.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::Now;
use edgepos::model::{BasketId, CounterRow, DocType, Line, Mode};
use edgepos::{Draft, Record, Refusal, Reply};
use support::{Till, WALL, back, draft, line};

const NOW: Now = Now::new(0, WALL);
const ID: BasketId = BasketId([1; 16]);

fn update(till: &mut Till, draft: Draft) -> Result<(u64, i64), Refusal> {
    let request = till.request();
    till.terminal.update(NOW, request, draft)?;
    till.run(NOW);
    match till.replies.remove(&request).expect("changed and written")? {
        Reply::Begun { number, total } => Ok((number, total)),
        other => panic!("{other:?}"),
    }
}

fn of(quantities: &[i64]) -> Draft {
    let lines = quantities.iter().zip(1..).map(|(quantity, no)| line(no, "milk", *quantity, 100 * quantity));
    draft(1, lines.collect())
}

#[test]
fn it_grows_line_by_line_and_is_booked_as_it_is_then() {
    let mut till = Till::new(1, 1, NOW);
    till.record(NOW, Record::day_opened(20_231_114, 0)).unwrap();
    assert_eq!(till.begin(NOW, of(&[1])), Ok(1));
    assert_eq!(update(&mut till, of(&[1, 2])), Ok((1, 300)));
    assert_eq!(update(&mut till, of(&[1, 2])), Ok((1, 300)), "a repeat");
    let mut till = till.crash(NOW);
    let open = till.terminal.unresolved();
    assert_eq!((open.len(), open[0].lines.len(), open[0].total, open[0].begun_ms), (1, 2, 300, WALL));
    assert_eq!(update(&mut till, of(&[1, 2, 3])), Ok((1, 600)));
    assert_eq!(update(&mut till, of(&[2])), Ok((1, 200)), "lines go as well");
    till.knows_total(ID, 200);
    let (receipt, _) = till.commit(NOW, 1, 1).unwrap();
    assert_eq!((receipt.number, receipt.total), (1, 200));
    assert_eq!(till.terminal.counter(&CounterRow::stock("milk", 0)), Some(-2));
    assert_eq!(till.begin(NOW, draft(2, vec![line(1, "milk", 1, 100)])), Ok(2), "no number was burnt");
    assert!(matches!(update(&mut till, of(&[1])), Err(Refusal::UnknownBasket(ID))), "it is sold");
}

#[test]
fn what_was_begun_stays_what_it_is() {
    let mut till = Till::new(1, 1, NOW);
    assert_eq!(update(&mut till, of(&[1])), Err(Refusal::UnknownBasket(ID)));
    till.begin(NOW, of(&[1])).unwrap();
    for other in [
        Draft { doc_type: DocType::Exchange, ..of(&[2]) },
        Draft { series: "B".into(), ..of(&[2]) },
        Draft { mode: Mode::Training, ..of(&[2]) },
        Draft { currency: edgepos::model::Currency::USD, ..of(&[2]) },
    ] {
        assert_eq!(update(&mut till, other), Err(Refusal::BasketIsOther(ID)));
    }
    let twice = vec![line(1, "milk", 1, 100), line(1, "milk", 1, 100)];
    assert!(matches!(update(&mut till, draft(1, twice)), Err(Refusal::BadLine { .. })));
    let open = till.terminal.unresolved();
    assert_eq!((open.len(), open[0].total), (1, 100), "a change that is refused changes nothing");
    assert!(
        matches!(till.begin(NOW, of(&[5])), Err(Refusal::BasketExists(ID))),
        "a beginning changes nothing"
    );
}

/// What it took back before it changes is not counted against it, and what it takes back then is counted against others.
#[test]
fn a_change_is_held_to_the_receipts() {
    let mut till = Till::new(1, 1, NOW);
    till.sell(NOW, 9, vec![line(1, "milk", 3, 300)]);
    let returns = |basket, quantity| draft(basket, vec![back(9, 1, "milk", quantity)]);
    till.begin(NOW, returns(1, 1)).unwrap();
    assert_eq!(update(&mut till, returns(1, 3)), Ok((2, -300)));
    let (pieces, money) = (returns(1, 4), Line { amount: -301, ..back(9, 1, "milk", 3) });
    assert_eq!(update(&mut till, pieces), Err(Refusal::NotReturnable { line: 1, remaining: 3 }));
    assert_eq!(update(&mut till, draft(1, vec![money])), Err(Refusal::NotRefundable { line: 1, left: 300 }));
    let none = Err(Refusal::NotReturnable { line: 1, remaining: 0 });
    let free = Line { amount: 0, ..back(9, 1, "milk", 1) };
    assert_eq!(till.begin(NOW, draft(2, vec![free.clone()])), none);
    assert_eq!(update(&mut till, returns(1, 2)), Ok((2, -200)));
    till.begin(NOW, draft(2, vec![free])).unwrap();
    till.knows_total(ID, -200);
    till.commit(NOW, 1, 1).unwrap();
}

/// A commit that is under way books what the basket was when it was asked for: nothing changes beneath it.
#[test]
fn it_does_not_change_beneath_a_commit() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, of(&[1])).unwrap();
    let commit = till.ask_commit(NOW, 1, 1).unwrap();
    let request = till.request();
    assert_eq!(till.terminal.update(NOW, request, of(&[2])), Err(Refusal::BasketBusy(ID)));
    till.run(NOW);
    assert!(till.replies.remove(&commit).unwrap().is_ok());
    // The other way round: the change is asked for first, and whichever is second sees the first.
    till.begin(NOW, draft(2, vec![line(1, "milk", 1, 100)])).unwrap();
    let changed = till.request();
    till.terminal.update(NOW, changed, draft(2, vec![line(1, "milk", 2, 200)])).unwrap();
    let commit = till.ask_commit(NOW, 2, 2).unwrap();
    till.run(NOW);
    let changed = till.replies.remove(&changed).unwrap();
    let committed = till.replies.remove(&commit).unwrap();
    match (changed, committed) {
        (Ok(_), Err(Refusal::Tenders(_)))
        | (Err(Refusal::BasketBusy(_) | Refusal::UnknownBasket(_)), Ok(_)) => {}
        other => panic!("{other:?}"),
    }
}

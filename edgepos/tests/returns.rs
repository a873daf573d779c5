//! What came back may come back once: refused where it is known, an exception where it was not.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::Refusal;
use edgepos::core::Now;
use edgepos::model::{CounterRow, ExceptionType};
use support::{Shop, Till, WALL, back, draft, line};

const NOW: Now = Now::new(0, WALL);

#[test]
fn a_till_that_knows_the_receipt_takes_back_what_is_left() {
    let mut till = Till::new(1, 1, NOW);
    till.sell(NOW, 1, vec![line(1, "milk", 3, 300)]);
    till.sell(NOW, 2, vec![back(1, 1, "milk", 2)]);
    assert_eq!(till.terminal.counter(&CounterRow::stock("milk", 0)), Some(-1));
    let too_much = till.begin(NOW, draft(3, vec![back(1, 1, "milk", 2)]));
    assert_eq!(too_much, Err(Refusal::NotReturnable { line: 1, remaining: 1 }));
    assert_eq!(till.begin(NOW, draft(4, vec![back(1, 1, "milk", 1)])), Ok(3));
    let while_open = till.begin(NOW, draft(5, vec![back(1, 1, "milk", 1)]));
    assert_eq!(while_open, Err(Refusal::NotReturnable { line: 1, remaining: 0 }), "an open basket counts");
    assert!(
        till.begin(NOW, draft(6, vec![back(99, 1, "milk", 1)])).is_ok(),
        "a receipt of elsewhere is taken"
    );
}

#[test]
fn two_cut_off_tills_that_take_the_same_goods_back_raise_one_exception() {
    let mut shop = Shop::new(5);
    shop.elect();
    let now = shop.now;
    // Enough on the shelf, so that only the return is in question.
    shop.tills[0].terminal.flush(now);
    shop.tills[0].sell(now, 1, vec![line(1, "milk", 1, 100)]);
    shop.pass(2_000);
    let returnable = CounterRow::returnable(edgepos::model::BasketId([1; 16]), 1);
    let now = shop.now;
    assert!(shop.tills.iter_mut().all(|till| till.counter(now, &returnable) == Some(1)));
    shop.cut(3);
    shop.cut(4);
    let now = shop.now;
    shop.tills[3].sell(now, 2, vec![back(1, 1, "milk", 1)]);
    shop.tills[4].sell(now, 3, vec![back(1, 1, "milk", 1)]);
    shop.pass(2_000);
    let raised = |shop: &Shop, kind| -> Vec<usize> {
        let count =
            |till: &Till| till.terminal.status().exceptions.iter().filter(|e| e.exception == kind).count();
        shop.tills.iter().map(count).collect()
    };
    assert_eq!(raised(&shop, ExceptionType::RETURNED_TWICE), [0; 5]);
    shop.heal();
    shop.pass(10_000);
    assert!(shop.tills.iter().all(|till| till.terminal.counter(&returnable) == Some(-1)));
    assert_eq!(raised(&shop, ExceptionType::RETURNED_TWICE), [1; 5]);
    let vectors: Vec<_> = shop.tills.iter().map(|till| till.terminal.status().durable).collect();
    assert!(vectors.windows(2).all(|pair| pair[0] == pair[1]), "{vectors:?}");
    // A new leader sees the same rows and raises nothing again, also after a restart.
    for till in 0..5 {
        shop.crash(till);
        shop.heal();
        shop.pass(3_000);
    }
    assert_eq!(raised(&shop, ExceptionType::RETURNED_TWICE), [1; 5]);
}

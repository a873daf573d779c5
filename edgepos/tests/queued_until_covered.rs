//! Whoever holds events that the cloud does not says so, and only as long: `queued` is never zero before the cloud holds them all, and is
//! zero within ten seconds after.

mod support;

use support::Shop;
use support::cloud::Cloud;

/// Whether the cloud holds all that this till does.
fn is_covered(shop: &Shop, till: usize) -> bool {
    shop.cloud.as_ref().is_some_and(|cloud| cloud.holds(shop.tills[till].terminal.durable()))
}

fn queued(shop: &Shop, till: usize) -> u64 {
    shop.tills[till].terminal.status().queued
}

/// Passes time in small steps, and looks at each till after each. How long after all were covered the last one said so.
fn watch(shop: &mut Shop, ms: u64) -> Option<u64> {
    let (mut covered, mut said) = (None, None);
    for passed in (0..ms).step_by(10) {
        shop.pass_by(10, 10);
        let tills = 0..shop.tills.len();
        for till in tills.clone() {
            let queued = queued(shop, till);
            assert!(queued > 0 || is_covered(shop, till), "till {till} says that nothing waits, and it does");
        }
        if tills.clone().all(|till| is_covered(shop, till)) {
            covered.get_or_insert(passed);
            if tills.clone().all(|till| queued(shop, till) == 0) {
                said.get_or_insert(passed);
            }
        }
    }
    Some(said? - covered?)
}

#[test]
fn nobody_says_that_nothing_waits_before_it_is_so_and_all_do_soon_after() {
    for cut_off in [None, Some(0), Some(1), Some(2)] {
        let mut shop = Shop::new(3);
        shop.elect();
        for till in 0..3 {
            shop.sell_milk(till, 1 + till as u8);
        }
        // The cloud is away: everybody who holds something says so, the others' events included.
        assert_eq!(watch(&mut shop, 20_000), None);
        if let Some(till) = cut_off {
            shop.cut(till);
            shop.sell_milk(till, 60);
        }
        shop.cloud = Some(Cloud::default());
        let took = watch(&mut shop, 180_000);
        assert!(took.is_some_and(|ms| ms <= 10_000), "cut off: {cut_off:?}, took {took:?} ms");
        for till in 0..3 {
            shop.sell_milk(till, 10 + till as u8);
            assert!(queued(&shop, till) > 0, "acknowledged, and nowhere else");
        }
        shop.heal();
        let took = watch(&mut shop, 120_000);
        assert!(took.is_some_and(|ms| ms <= 10_000), "healed after {cut_off:?}, took {took:?} ms");
    }
}

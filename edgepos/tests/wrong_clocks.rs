//! A wrong clock writes a price so far ahead that a right one would never be seen: who has seen it can correct it.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{EventId, Now};
use edgepos::{Record, Refusal};
use support::{Shop, line};

const MINUTE_MS: u64 = 60_000;
const TEN_YEARS_MS: u64 = 315_576_000_000;

fn price(amount: i64) -> Record {
    Record::price(&support::price("milk", amount))
}

/// What each till shows.
fn prices(shop: &Shop) -> Vec<i64> {
    let price = |till: &support::Till| till.terminal.price("milk", 0, shop.now.wall.0).unwrap().amount;
    shop.tills.iter().map(price).collect()
}

/// Sets a price at a till whose clock is ahead, and lets everybody hear of it.
fn set(shop: &mut Shop, till: usize, amount: i64, ahead_ms: u64) -> Result<EventId, Refusal> {
    let now = Now::new(shop.now.mono.0, shop.now.wall.0.saturating_add(ahead_ms));
    // The guard refuses it otherwise, where enough clocks are compared.
    let record = if ahead_ms > 0 { price(amount).whatever_clock() } else { price(amount) };
    let recorded = shop.tills[till].record(now, record);
    shop.pass(1_000);
    recorded
}

#[test]
fn a_price_of_a_fast_clock_is_corrected_by_a_right_one() {
    for ahead_ms in [MINUTE_MS + 1_000, 24 * 60 * MINUTE_MS, TEN_YEARS_MS] {
        let mut shop = Shop::new(3);
        shop.elect();
        set(&mut shop, 1, 1, ahead_ms).unwrap();
        assert_eq!(prices(&shop), [1, 1, 1]);
        set(&mut shop, 0, 129, 0).unwrap();
        assert_eq!(prices(&shop), [129, 129, 129]);
        // Its clock is set right, and each can set a price that holds everywhere.
        shop.crash(1);
        shop.heal();
        shop.pass(1_000);
        set(&mut shop, 1, 130, 0).unwrap();
        assert_eq!(prices(&shop), [130, 130, 130]);
        set(&mut shop, 2, 131, 0).unwrap();
        assert_eq!(prices(&shop), [131, 131, 131]);
    }
}

/// One register does not draw the clock of a till along: its other events keep their time.
#[test]
fn a_correction_does_not_poison_other_registers() {
    let mut shop = Shop::new(2);
    shop.elect();
    set(&mut shop, 1, 1, TEN_YEARS_MS).unwrap();
    set(&mut shop, 0, 129, 0).unwrap();
    let now = shop.now;
    shop.tills[0].notices.clear();
    shop.tills[0].sell(now, 1, vec![line(1, "milk", 1, 129)]);
    let stamps: Vec<u64> = shop.tills[0]
        .notices
        .iter()
        .filter_map(|notice| match notice {
            edgepos::Notice::Recorded { envelope, .. } => Some(envelope.hlc().ms()),
            _ => None,
        })
        .collect();
    assert!(!stamps.is_empty() && stamps.iter().all(|ms| *ms < now.wall.0 + MINUTE_MS), "{stamps:?}");
}

/// At the end of all time nothing is above: that is said, and a repair is the way.
#[test]
fn a_register_at_the_ceiling_is_repaired() {
    let mut shop = Shop::new(2);
    shop.elect();
    shop.pass(1_000);
    set(&mut shop, 1, 1, u64::MAX).unwrap();
    shop.crash(1);
    shop.heal();
    shop.pass(1_000);
    set(&mut shop, 1, 2, 0).unwrap();
    for till in 0..2 {
        let refused = set(&mut shop, till, 129, 0);
        assert!(matches!(refused, Err(Refusal::RegisterAtCeiling { .. })), "{refused:?}");
    }
    let now = shop.now;
    shop.tills[0].record(now, price(129).repairing()).unwrap();
    shop.pass(1_000);
    assert_eq!(prices(&shop), [129, 129]);
    for (till, amount) in [(1, 130), (0, 131)] {
        if till == 1 {
            // Its clock stays at the end of all time, so it can only repair.
            let now = shop.now;
            shop.tills[1].record(now, price(amount).repairing()).unwrap();
            shop.pass(1_000);
        } else {
            let now = shop.now;
            shop.tills[0].record(now, price(amount).repairing()).unwrap();
            shop.pass(1_000);
        }
        assert_eq!(prices(&shop), [amount, amount]);
    }
}

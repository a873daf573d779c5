//! A clock that is off: shown while it is, by whoever sees it; no price is set there; and what it has written is replaced by whoever has
//! seen it.

mod support;

use edgepos::core::WallMs;
use edgepos::{ConditionKind, Input, Record, Refusal};
use support::{Shop, Till, line};

const TEN_YEARS: i64 = 315_576_000_000;

fn price(amount: i64) -> Record {
    Record::price(&support::price("milk", amount))
}

fn set(shop: &mut Shop, till: usize, record: Record) -> Result<(), Refusal> {
    let now = shop.now_of(till);
    shop.tills[till].record(now, record).map(drop)
}

fn prices(shop: &Shop) -> Vec<Option<i64>> {
    let at = shop.now.wall.0;
    shop.tills.iter().map(|till| till.terminal.price("milk", 0, at).map(|price| price.amount)).collect()
}

fn clock_off(till: &Till) -> Option<String> {
    let conditions = till.terminal.status().conditions;
    conditions
        .into_iter()
        .find(|condition| condition.kind == ConditionKind::ClockOff)
        .map(|condition| condition.about)
}

#[test]
fn a_clock_61_s_ahead_of_the_others_is_shown_by_all_and_sets_no_price() {
    let mut shop = Shop::new(3);
    shop.elect();
    shop.pass(1_000);
    assert!(shop.tills.iter().all(|till| clock_off(till).is_none()));
    shop.ahead.insert(2, 61_000);
    shop.pass(1_000);
    let about: Vec<_> = shop.tills.iter().map(|till| clock_off(till).expect("shown")).collect();
    assert_eq!(about[2], "this clock is 61 s ahead of most terminals");
    let me = shop.tills[2].config.me;
    assert_eq!(about[0], format!("the clock of terminal {me} is 61 s ahead of most terminals"));
    let refused = set(&mut shop, 2, price(1));
    assert_eq!(refused, Err(Refusal::ClockOff { ahead_ms: 61_000, reference: "most terminals" }));
    let now = shop.now_of(2);
    shop.tills[2].sell(now, 1, vec![line(1, "milk", 1, 100)]);
    set(&mut shop, 2, price(1).whatever_clock()).expect("as is asked for");
    shop.pass(1_000);
    assert_eq!(prices(&shop), [Some(1); 3]);
    set(&mut shop, 0, price(129)).expect("the clock is right");
    shop.pass(1_000);
    assert_eq!(prices(&shop), [Some(129); 3], "who has seen it replaces it");
    shop.ahead.clear();
    shop.pass(1_000);
    assert!(shop.tills.iter().all(|till| clock_off(till).is_none()), "it is over");
    set(&mut shop, 2, price(130)).expect("the clock is right");
    shop.pass(1_000);
    assert_eq!(prices(&shop), [Some(130); 3]);
}

#[test]
fn a_clock_ten_years_ahead_owns_no_price() {
    let mut shop = Shop::new(3);
    shop.elect();
    shop.ahead.insert(2, TEN_YEARS);
    shop.pass(1_000);
    assert!(set(&mut shop, 2, price(1)).is_err());
    set(&mut shop, 2, price(999).whatever_clock()).expect("as is asked for");
    shop.pass(1_000);
    set(&mut shop, 0, price(129)).expect("the clock is right");
    shop.pass(1_000);
    assert_eq!(prices(&shop), [Some(129); 3]);
    shop.ahead.clear();
    shop.crash(2);
    shop.heal();
    shop.pass(2_000);
    for (till, amount) in [(2, 130), (1, 131)] {
        set(&mut shop, till, price(amount)).expect("the clock is right");
        shop.pass(1_000);
        assert_eq!(prices(&shop), [Some(amount); 3]);
    }
    assert!(shop.tills.iter().all(|till| clock_off(till).is_none()));
}

#[test]
fn of_two_clocks_the_leaders_stands_and_both_show_it() {
    let mut shop = Shop::new(2);
    let leader = shop.elect();
    shop.ahead.insert(1 - leader, -7_000);
    shop.pass(1_000);
    let own = clock_off(&shop.tills[1 - leader]).expect("shown");
    assert_eq!(own, "this clock is 7 s behind the terminal that leads");
    assert!(clock_off(&shop.tills[leader]).expect("shown").ends_with("behind this clock, which leads"));
    assert!(set(&mut shop, 1 - leader, price(1)).is_err());
    set(&mut shop, leader, price(2)).expect("its clock stands");
    shop.ahead.insert(1 - leader, -4_000);
    shop.pass(1_000);
    assert!(shop.tills.iter().all(|till| clock_off(till).is_none()), "within the guard");
}

#[test]
fn the_clouds_time_counts_for_a_day() {
    let mut shop = Shop::new(1);
    shop.elect();
    let wall = WallMs(shop.now.wall.0 + 6_000);
    shop.tills[0].terminal.handle(shop.now, Input::CloudTime(wall));
    shop.pass(200);
    assert_eq!(clock_off(&shop.tills[0]).as_deref(), Some("this clock is 6 s behind the cloud"));
    assert!(set(&mut shop, 0, price(1)).is_err());
    shop.ahead.insert(0, 6_000);
    shop.pass(200);
    assert_eq!(clock_off(&shop.tills[0]), None);
    set(&mut shop, 0, price(1)).expect("it was set right");
    shop.ahead.clear();
    shop.now.mono.0 += 24 * 3_600_000;
    shop.now.wall.0 += 24 * 3_600_000;
    shop.pass(200);
    assert_eq!(clock_off(&shop.tills[0]), None, "what was heard a day ago says nothing");
}

/// Clocks are told again now and then: what is shown of them is not what was said hours ago, and does not end with it.
#[test]
fn a_clock_that_stays_off_stays_shown() {
    let mut shop = Shop::new(3);
    shop.elect();
    shop.ahead.insert(2, 61_000);
    shop.pass(1_000);
    assert!(shop.tills.iter().all(|till| clock_off(till).is_some()));
    shop.pass_by(3 * 3_600_000, 5_000);
    assert!(shop.tills.iter().all(|till| clock_off(till).is_some()), "after three hours");
}

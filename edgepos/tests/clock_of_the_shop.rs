//! Every event says how far the shop's clocks were ahead of UTC when it was recorded, and how far that time can be trusted.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{Now, WallMs};
use edgepos::model::{ClockQuality, Envelope, Kind};
use edgepos::{Input, Record, Zone};
use support::{Shop, Till, WALL, line};

const HOUR_MS: u64 = 3_600_000;

/// A till in this zone.
fn till(zone: &str, now: Now) -> Till {
    let mut config = support::config(1, 1);
    config.zone = zone.parse().unwrap();
    Till::open(config, edgepos::MemoryStore::new(), now)
}

fn last(till: &Till, kind: Kind) -> Envelope {
    let envelopes = support::envelopes(&till.disk).into_iter().map(|(_, envelope)| envelope);
    envelopes.filter(|envelope| envelope.kind == kind).max_by_key(Envelope::hlc).unwrap()
}

/// The offsets of sales a millisecond before a moment, at it, and an hour later.
fn offsets(zone: &str, moment_ms: u64) -> [i16; 3] {
    let mut till = till(zone, Now::new(0, moment_ms - 10_000));
    let mut basket = 0;
    [moment_ms - 1, moment_ms, moment_ms + HOUR_MS].map(|wall| {
        basket += 1;
        let now = Now::new(wall - (moment_ms - 10_000), wall);
        till.sell(now, basket, vec![line(1, "milk", 1, 100)]);
        let sale = last(&till, Kind::TRANSACTION);
        assert_eq!(sale.utc_ms, wall);
        sale.utc_offset_min
    })
}

#[test]
fn a_change_of_clocks_is_in_the_events_in_both_directions() {
    // 2026-03-29T01:00Z and 2026-10-25T01:00Z.
    assert_eq!(offsets("Europe/Berlin", 1_774_746_000_000), [60, 120, 120]);
    assert_eq!(offsets("Europe/Berlin", 1_792_890_000_000), [120, 60, 60]);
    // Half an hour, 2026-04-04T15:00Z.
    assert_eq!(offsets("Australia/Lord_Howe", 1_775_314_800_000), [660, 630, 630]);
}

#[test]
fn quarters_and_halves_of_an_hour_and_a_leap_day_are_in_the_events() {
    // 2028-02-28T18:30Z and 18:15Z: midnight of the leap day in Kolkata and in Kathmandu.
    assert_eq!(offsets("Asia/Kolkata", 1_835_375_400_000), [330; 3]);
    assert_eq!(offsets("Asia/Kathmandu", 1_835_374_500_000), [345; 3]);
    // 2026-12-01T12:00Z, which rules of 2025 have an hour wrong.
    assert_eq!(offsets("America/Vancouver", 1_796_126_400_000), [-420; 3]);
}

/// Sales, records, parked baskets and what the store decides: all of them.
#[test]
fn no_event_is_without_its_offset() {
    let mut shop = Shop::with(2, |config| config.zone = "Asia/Kathmandu".parse::<Zone>().unwrap());
    shop.elect();
    let now = shop.now;
    shop.tills[0].record(now, Record::day_opened(20_231_115, 0)).unwrap();
    shop.tills[0].record(now, Record::price(&support::price("milk", 99))).unwrap();
    // More than the stock that a movement told of: the store raises an exception.
    let lines = vec![edgepos::model::StockLine { product: "milk".into(), quantity: 1 }];
    let reason = edgepos::model::StockReason::Receipt;
    let moved = edgepos::model::StockMoved { reason, from: None, to: None, lines };
    shop.tills[0].record(now, Record::stock_moved(&moved, 0)).unwrap();
    shop.tills[1].sell(now, 1, vec![line(1, "milk", 3, 300)]);
    shop.tills[1].begin(now, support::draft(2, vec![line(1, "milk", 1, 100)])).unwrap();
    let request = shop.tills[1].request();
    shop.tills[1].terminal.abandon(now, request, edgepos::model::BasketId([2; 16])).unwrap();
    shop.pass(2_000);
    let events = support::envelopes(&shop.tills[0].disk);
    assert!(events.iter().any(|(_, envelope)| envelope.kind == Kind::EXCEPTION_RAISED), "{events:?}");
    assert!(events.iter().any(|(_, envelope)| envelope.kind == Kind::NUMBER_VOIDED));
    assert!(events.iter().all(|(_, envelope)| envelope.utc_offset_min == 345), "{events:?}");
}

#[test]
fn a_clock_is_trusted_once_it_agreed_with_the_cloud_and_for_a_day() {
    let mut till = till("UTC", Now::new(0, WALL));
    let mut basket = 0;
    let mut quality = |till: &mut Till, now: Now| {
        basket += 1;
        till.sell(now, basket, vec![line(1, "milk", 1, 100)]);
        last(till, Kind::TRANSACTION).clock_quality
    };
    assert_eq!(quality(&mut till, Now::new(1, WALL + 1)), ClockQuality::Unset, "nobody has said anything");
    let at = |ms: u64| Now::new(ms, WALL + ms);
    till.terminal.handle(at(10), Input::CloudTime(WallMs(WALL + 60_010)));
    assert_eq!(quality(&mut till, at(20)), ClockQuality::Unset, "it is a minute off, and always was");
    till.terminal.handle(at(30), Input::CloudTime(WallMs(WALL + 1_030)));
    assert_eq!(quality(&mut till, at(40)), ClockQuality::Synced, "within a second");
    let set_back = Now::new(50, WALL - 10_000);
    assert_eq!(quality(&mut till, set_back), ClockQuality::Drifting, "somebody has set it back");
    assert_eq!(quality(&mut till, at(60)), ClockQuality::Synced);
    assert_eq!(quality(&mut till, at(24 * HOUR_MS)), ClockQuality::Synced);
    assert_eq!(quality(&mut till, at(24 * HOUR_MS + 31)), ClockQuality::Drifting, "a day without the cloud");
    let mut till = till.crash(at(25 * HOUR_MS));
    assert_eq!(quality(&mut till, at(25 * HOUR_MS)), ClockQuality::Unset, "since this start nobody has said");
}

#[test]
fn three_clocks_vouch_for_each_other_and_two_do_not() {
    for (terminals, trusted) in [(2, ClockQuality::Unset), (3, ClockQuality::Synced)] {
        let mut shop = Shop::new(terminals);
        shop.elect();
        shop.pass(1_000);
        shop.sell_milk(1, 1);
        assert_eq!(last(&shop.tills[1], Kind::TRANSACTION).clock_quality, trusted, "{terminals}");
    }
}

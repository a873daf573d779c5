//! Counter rows on disk may be behind the events; a start counts what they lack.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{EventId, Lane, Now, Persist, PersistId, Space, Write};
use edgepos::model::CounterRow;
use edgepos::{ConditionKind, CounterValue, MemoryStore, Restored, Store};
use support::{Till, WALL, config, line};

const NOW: Now = Now::new(0, WALL);

fn till(max_rows_behind: u32) -> Till {
    let mut config = config(1, 1);
    config.max_rows_behind = max_rows_behind;
    Till::open(config, MemoryStore::new(), NOW)
}

fn sell(till: &mut Till, baskets: std::ops::RangeInclusive<u8>) {
    for basket in baskets {
        till.sell(NOW, basket, vec![line(1, "milk", 1, 100), line(2, "bread", 2, 50)]);
    }
}

/// Counters that move with each sale.
fn moved(till: &Till) -> Vec<CounterValue> {
    till.terminal.counters()
}

/// What `docs/formats.md` says of the row: a list of event ids.
fn applied(till: &Till) -> Vec<EventId> {
    let rows = till.disk.scan(Space::Applied, b"rows", b"rows", u32::MAX).unwrap();
    let mut decoder = minicbor::Decoder::new(&rows[0].1);
    let ids = decoder.array_iter::<minicbor::bytes::ByteVec>().unwrap();
    ids.map(|id| EventId::from_key(&id.unwrap()).unwrap()).collect()
}

fn put(till: &mut Till, writes: Vec<Write>) {
    till.disk.commit(&[Persist { id: PersistId(0), writes }]).unwrap();
}

#[test]
fn a_sale_writes_no_counter_row_and_a_crash_loses_no_count() {
    let mut till = till(2_000);
    sell(&mut till, 1..=9);
    assert_eq!(till.rows(Space::Counter), 0);
    let before = moved(&till);
    let till = till.crash(NOW);
    assert_eq!(moved(&till), before);
    assert_eq!(till.terminal.counter(&CounterRow::stock("bread", 0)), Some(-18));
    assert_eq!(moved(&till.crash(NOW)), before, "counted once, however often it starts");
}

#[test]
fn rows_are_written_together_when_enough_events_have_come() {
    let mut till = till(10);
    sell(&mut till, 1..=9);
    assert_eq!(till.rows(Space::Counter), 0);
    sell(&mut till, 10..=10);
    let rows = till.rows(Space::Counter);
    assert!(rows > 0);
    assert_eq!(applied(&till).iter().map(|id| id.seq.0).max(), Some(10));
    sell(&mut till, 11..=15);
    assert_eq!(till.rows(Space::Counter), rows, "behind again");
    let before = moved(&till);
    let mut till = till.crash(NOW);
    assert_eq!(moved(&till), before);
    // Those that were counted at the start are behind as well.
    sell(&mut till, 16..=20);
    assert_eq!(applied(&till).iter().map(|id| id.seq.0).max(), Some(20));
}

/// The golden bytes of the row.
#[test]
fn the_row_that_says_how_far_is_a_list_of_event_ids() {
    let mut till = till(1);
    sell(&mut till, 1..=1);
    let rows = till.disk.scan(Space::Applied, &[], &[255; 16], u32::MAX).unwrap();
    let id = [0, 1, 0, 0, 0, 0, 0, 101, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    assert_eq!(rows, [(b"rows".to_vec(), [&[0x81, 0x51][..], &id].concat())]);
}

#[test]
fn a_clean_stop_leaves_no_row_behind() {
    let mut till = till(2_000);
    sell(&mut till, 1..=3);
    till.terminal.write_rows();
    till.run(NOW);
    assert_eq!(applied(&till).iter().map(|id| id.seq.0).max(), Some(3));
    let before = moved(&till);
    let mut till = till.crash(NOW);
    assert_eq!(moved(&till), before);
    till.terminal.write_rows();
    till.run(NOW);
    assert!(till.unwritten.is_empty(), "nothing to write");
}

/// The first version wrote each row with its event, and no row that says how far.
#[test]
fn a_disk_of_the_first_version_is_counted_as_it_is() {
    let mut old = till(1);
    sell(&mut old, 1..=5);
    put(&mut old, vec![Write::delete(Space::Applied, b"rows")]);
    let before = moved(&old);
    old.config.max_rows_behind = 2_000;
    let mut till = old.crash(NOW);
    assert_eq!(moved(&till), before);
    assert_eq!(applied(&till).iter().map(|id| id.seq.0).max(), Some(5), "from here on rows may be behind");
    sell(&mut till, 6..=8);
    let before = moved(&till);
    assert_eq!(moved(&till.crash(NOW)), before);
}

/// Rows that count more than `applied` says, as after a version that writes each row with its event: their stamps say what they count.
#[test]
fn what_a_row_counts_already_is_not_counted_again() {
    let mut till = till(1);
    sell(&mut till, 1..=2);
    let [row] = &till.disk.scan(Space::Applied, b"rows", b"rows", u32::MAX).unwrap()[..] else { panic!() };
    let row = Write::put(Space::Applied, b"rows", row.1.clone());
    sell(&mut till, 3..=6);
    put(&mut till, vec![row]);
    let before = moved(&till);
    assert_eq!(moved(&till.crash(NOW)), before);
}

#[test]
fn an_event_that_moves_nothing_is_passed_over_at_a_start_too() {
    let mut till = till(2_000);
    let body = minicbor::to_vec(7).unwrap();
    let record = edgepos::Record::custom(body, Vec::new());
    till.record(NOW, record).unwrap();
    let mut trainee = support::draft(1, vec![line(1, "milk", 1, 100)]);
    trainee.mode = edgepos::model::Mode::Training;
    till.begin(NOW, trainee).unwrap();
    till.commit(NOW, 1, 1).unwrap();
    assert_eq!(moved(&till), []);
    assert_eq!(moved(&till.crash(NOW)), []);
    assert!(Restored::spaces().contains(&Space::Applied));
}

/// A bit of the tail that a start counts was flipped: what cannot be read as it was written is not counted, once and for all, and told.
#[test]
fn a_damaged_event_of_the_tail_is_not_counted_and_told() {
    let milk = CounterRow::stock("milk", 0);
    for seq in 1..=6u64 {
        for byte in [0, 31, 40, 90] {
            let mut till = till(2_000);
            sell(&mut till, 1..=6);
            let rows = till.disk.scan(Space::Event, &[], &[255; 17], u32::MAX).unwrap();
            let (key, mut value) = rows
                .into_iter()
                .find(|(key, _)| {
                    EventId::from_key(key)
                        .is_some_and(|id| id.seq.0 == seq && id.chain.lane == Lane::Transactions)
                })
                .unwrap();
            value[byte] ^= 1;
            put(&mut till, vec![Write::put(Space::Event, key, value)]);
            let mut till = till.crash(NOW);
            let lacks = i64::from(byte >= 32);
            let told = |till: &Till| {
                till.terminal
                    .status()
                    .conditions
                    .iter()
                    .any(|condition| condition.kind == ConditionKind::Damaged)
            };
            for _ in 0..2 {
                assert_eq!(till.terminal.counter(&milk), Some(-6 + lacks), "event {seq}, byte {byte}");
                assert_eq!(lacks == 1, told(&till), "event {seq}, byte {byte}");
                till = till.crash(NOW);
            }
            sell(&mut till, 7..=7);
            assert_eq!(
                till.terminal.counter(&milk),
                Some(-7 + lacks),
                "it sells on: event {seq}, byte {byte}"
            );
        }
    }
}

/// An earlier version could not read an event and moved nothing for it; this one can, and counts it once.
#[test]
fn what_an_earlier_version_could_not_read_is_counted_when_it_can_be() {
    let milk = CounterRow::stock("milk", 0);
    for rows_written in [false, true] {
        let mut till = till(2_000);
        sell(&mut till, 1..=2);
        if rows_written {
            till.terminal.write_rows();
            till.run(NOW);
        }
        let of_sale = |id: &EventId| id.chain.lane == Lane::Transactions && id.seq.0 == 3;
        sell(&mut till, 3..=4);
        let rows = till.disk.scan(Space::Event, &[], &[255; 17], u32::MAX).unwrap();
        let id = rows.iter().find_map(|(key, _)| EventId::from_key(key).filter(of_sale)).unwrap();
        put(&mut till, vec![Write::put(Space::Quarantine, id.to_key(), b"of a later version")]);
        for _ in 0..3 {
            till = till.crash(NOW);
            assert_eq!(till.terminal.counter(&milk), Some(-4), "rows written: {rows_written}");
            assert_eq!(till.terminal.status().quarantined, 0);
            assert_eq!(till.rows(Space::Quarantine), 0);
        }
    }
}

//! An event that the counters never counted leaves its place: nothing is taken back of it, and all terminals count the same.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{EventId, Lane, Persist, PersistId, Space, Write};
use edgepos::model::{CounterRow, Effect, Envelope, Kind};
use edgepos::sync::{self, EventRecord};
use edgepos::{ConditionKind, MemoryStore, Record, Store};
use support::{Shop, Till, WALL};

fn milk(till: &Till) -> Option<i64> {
    till.terminal.counter(&CounterRow::stock("milk", 0))
}

/// Till 2 sells three bottles that till 0 alone hears; it is then put back, and sells three others that till 1 alone hears.
fn two_histories(shop: &mut Shop) {
    shop.two_histories([2, 0, 1], [2..5, 12..15], |_| {});
}

/// The rows of the events of the third terminal, by position.
fn rows_of_third(till: &Till) -> Vec<(EventId, Vec<u8>)> {
    let rows = till.disk.scan(Space::Event, &[], &[255; 17], u32::MAX).unwrap();
    let of_third = rows.into_iter().filter_map(|(key, value)| Some((EventId::from_key(&key)?, value)));
    of_third.filter(|(id, _)| id.chain.replica.terminal() == 3).collect()
}

/// Flips a bit of the product's name in the body, so that the event can be read and is not what was written.
fn damage(till: &mut Till, number: usize) {
    let (id, mut value) = rows_of_third(till)[number].clone();
    let at = value.windows(4).rposition(|bytes| bytes == b"milk").expect("it sold milk");
    value[at] ^= 1;
    let writes = vec![Write::put(Space::Event, id.to_key(), value)];
    till.disk.commit(&[Persist { id: PersistId(0), writes }]).unwrap();
}

/// What the third terminal has recorded with a version that bounded no quantity.
fn disk_of_before(shop: &Shop, row: &CounterRow, deltas: [i64; 4]) -> MemoryStore {
    let me = shop.tills[2].config.me;
    let config = sync::Config::standard(shop.tills[2].config.genesis.store, me, 1);
    let mut outbox = sync::Outbox::new(shop.now, config, sync::Restored::new()).unwrap();
    // Its rows count none of them yet.
    let mut disk = MemoryStore::new();
    let writes = vec![Write::put(Space::Applied, *b"rows", [0x80])];
    disk.commit(&[Persist { id: PersistId(0), writes }]).unwrap();
    for (delta, hlc) in deltas.into_iter().zip(1..) {
        let mut envelope = Envelope::new(Kind::CUSTOM, WALL, edgepos::crdt::Hlc(hlc), vec![0xF6]);
        envelope.effects = vec![Effect::new(row.clone(), delta, None)];
        outbox.record(shop.now, Lane::Transactions, envelope.encode()).unwrap();
        while let Some(output) = outbox.poll_output() {
            if let sync::Output::Persist(persist) = output {
                disk.commit(std::slice::from_ref(&persist)).unwrap();
                outbox.handle(shop.now, sync::Input::Persisted(persist.id));
            }
        }
    }
    disk
}

fn assert_agreed(shop: &Shop, stock: i64, about: &str) {
    for till in &shop.tills {
        assert_eq!(milk(till), Some(stock), "at {}: {about}", till.terminal.status().me);
    }
}

/// Till 1 holds the branch that loses. Each of its events in turn was damaged there, and not counted at the start.
#[test]
fn what_the_counters_lack_is_not_taken_back() {
    for number in [1, 2, 3] {
        let mut shop = Shop::new(3);
        two_histories(&mut shop);
        shop.cut(1);
        damage(&mut shop.tills[1], number);
        shop.crash(1);
        assert_eq!(milk(&shop.tills[1]), Some(-3), "event {number}: one of four is not counted");
        shop.heal();
        shop.pass_by(90_000, 10);
        assert!(shop.tills[1].terminal.status().set_aside >= 3, "event {number}");
        assert_agreed(&shop, -7, &format!("event {number}"));
        (0..3).for_each(|till| shop.crash(till));
        shop.heal();
        shop.pass_by(5_000, 10);
        assert_agreed(&shop, -7, &format!("event {number}, after a restart"));
        let is_damage = |condition: &edgepos::Condition| condition.kind == ConditionKind::Damaged;
        let told = shop.tills.iter().any(|till| till.terminal.status().conditions.iter().any(is_damage));
        assert!(!told, "event {number}: nothing is missing any more");
    }
}

/// What would overflow a counter is quarantined and moves none; written again in another chain it may.
#[test]
fn what_was_quarantined_is_not_taken_back() {
    let mut shop = Shop::new(3);
    let tea = CounterRow::stock("tea", 0);
    let disk = disk_of_before(&shop, &tea, [i64::MAX, -i64::MAX, i64::MAX, -i64::MAX]);
    shop.put_back(2, disk, 3);
    shop.heal();
    let moves = |delta| Record::custom(vec![0xF6], vec![Effect::new(tea.clone(), delta, None)]);
    let record = |shop: &mut Shop, deltas: &[i64]| {
        let now = shop.now;
        for delta in deltas {
            shop.tills[2].record(now, moves(*delta)).unwrap();
        }
    };
    two_histories(&mut shop);
    record(&mut shop, &[5, 6]);
    shop.pass(1_000);
    let counted = |shop: &Shop| shop.tills.iter().map(|till| till.terminal.counter(&tea)).collect::<Vec<_>>();
    assert_eq!(counted(&shop)[1..], [Some(0); 2], "5 and 6 do not fit any more");
    assert_eq!(shop.tills[2].terminal.status().quarantined, 2);
    shop.heal();
    shop.pass_by(90_000, 10);
    assert_agreed(&shop, -7, "all milk");
    let sums = counted(&shop);
    assert_eq!(sums, [Some(11); 3], "their new chain has room for them");
    let quarantined: Vec<_> = shop.tills.iter().map(|till| till.terminal.status().quarantined).collect();
    assert!(quarantined.iter().all(|count| *count == quarantined[0]), "{quarantined:?}");
    (0..3).for_each(|till| shop.crash(till));
    assert_eq!(counted(&shop), sums);
    let rows = shop.tills[0].disk.scan(Space::Event, &[], &[255; 17], u32::MAX).unwrap();
    assert!(rows.iter().all(|(key, value)| EventRecord::from_row(key, value).is_some()));
}

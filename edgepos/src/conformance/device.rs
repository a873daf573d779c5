//! What a store keeps when its device fails, and when it is opened again.

use edgepos_core::{Chain, EventId, Lane, Persist, PersistId, ReplicaId, Seq, Space, Write};
use edgepos_sync::{EventRecord, Hash};

use crate::ports::{Rows, Store, StoreFailure};

/// How much more room the device gets with each try, in bytes.
const STEP: u64 = 4_096;
/// A group that needs more room than this is taken for one that never succeeds.
const MOST: u64 = 4 << 20;

/// What a store lives on, as far as a vendor's test can have it fail.
pub trait StoreDevice {
    /// Nothing is on it.
    fn wipe(&mut self);

    /// Opens the store on what is there. With `room` the device fails once about so many further bytes were written to it, and goes
    /// on failing: a full disk, or one that is dying. `None`: it is healthy.
    fn open(&mut self, room: Option<u64>) -> Box<dyn Store>;

    /// Ends the store as a killed process or a power cut does: nothing of it is closed or tidied up, and what was not durable is
    /// gone.
    fn cut(&mut self, store: Box<dyn Store>);
}

/// Runs every check of what is kept through failures and cuts.
///
/// # Panics
/// With what is wrong, when a check fails.
pub fn store_device(device: &mut dyn StoreDevice) {
    what_is_committed_is_kept(device);
    let mut room = 0;
    while !a_group_is_whole_or_absent(device, room) {
        room += STEP;
        assert!(room < MOST, "a store with {MOST} bytes of room commits {} rows", after().len());
    }
    assert!(room > 0, "the device fails when it has no room");
}

/// Rows that are there before the group.
fn before() -> Vec<Write> {
    (0..20u8).map(|key| Write::put(Space::Counter, [key], [0; 200])).collect()
}

/// Two lists of writes that belong together: a sale's event, counters that it moves, a key that it deletes, its chain's head.
fn group() -> [Persist; 2] {
    let sale = |seq: u64| {
        let id = EventId::new(Chain::new(ReplicaId::new(3, 5), Lane::Transactions), Seq(seq));
        let row = EventRecord { id, payload: vec![0xFF; 20_000] }.to_row(Hash([9; 32]));
        let mut writes = vec![Write::put(Space::Event, id.to_key(), row)];
        let moved = (0..10).map(|number| 10 * (seq as u8 - 1) + number);
        writes.extend(moved.map(|key| Write::put(Space::Counter, [key], [seq as u8; 1_000])));
        writes.push(Write::delete(Space::Counter, [10 * (seq as u8 - 1)]));
        writes.push(Write::put(Space::Head, id.chain.to_key(), seq.to_be_bytes()));
        Persist { id: PersistId(1 + seq), writes }
    };
    [sale(1), sale(2)]
}

fn commit_before(store: &mut dyn Store) {
    let first = Persist { id: PersistId(1), writes: before() };
    store.commit(&[first]).expect("a healthy store commits");
}

fn rows(store: &dyn Store) -> Rows {
    let mut rows = Vec::new();
    for space in [Space::Event, Space::Counter, Space::Head] {
        rows.extend(store.scan(space, &[], &[255; 17], u32::MAX).expect("a healthy store reads"));
    }
    rows
}

/// What a store in memory makes of the writes.
fn expected(groups: &[&[Persist]]) -> Rows {
    let mut store = crate::ports::MemoryStore::new();
    for group in groups {
        store.commit(group).expect("memory does not fail");
    }
    rows(&store)
}

fn after() -> Rows {
    expected(&[&[Persist { id: PersistId(1), writes: before() }], &group()])
}

fn what_is_committed_is_kept(device: &mut dyn StoreDevice) {
    device.wipe();
    let mut store = device.open(None);
    commit_before(store.as_mut());
    store.commit(&group()).expect("a healthy store commits");
    for times in 1..=2 {
        device.cut(store);
        store = device.open(None);
        assert_eq!(
            rows(store.as_ref()),
            after(),
            "what was committed is there when the store is opened again: {times}"
        );
    }
    store.close().expect("a healthy store closes");
    assert_eq!(rows(device.open(None).as_ref()), after(), "what was committed is there after a clean stop");
}

/// Whether the group went through with this much room.
fn a_group_is_whole_or_absent(device: &mut dyn StoreDevice, room: u64) -> bool {
    let none = expected(&[&[Persist { id: PersistId(1), writes: before() }]]);
    device.wipe();
    let mut store = device.open(None);
    commit_before(store.as_mut());
    device.cut(store);
    let mut store = device.open(Some(room));
    let result = store.commit(&group());
    let failure = result.as_ref().err().map(|error| error.failure);
    if let Some(failure) = failure {
        assert_eq!(rows(store.as_ref()), none, "nothing of a group that failed is visible: {failure:?}");
    }
    device.cut(store);
    let mut store = device.open(None);
    let kept = rows(store.as_ref());
    match failure {
        None => {
            assert_eq!(kept, after(), "a group that was committed is there when the store is opened again")
        }
        // Nobody was told that it is durable, and a restart finds out: as when the process dies before it hears.
        Some(StoreFailure::Fatal) => {
            assert!(
                kept == none || kept == after(),
                "a group is kept whole or not at all, through any failure"
            );
        }
        Some(failure) => assert_eq!(kept, none, "nothing was written where the store says so: {failure:?}"),
    }
    store.commit(&group()).expect("a group that failed can be committed when the device is healthy again");
    assert_eq!(rows(store.as_ref()), after(), "committed again, a group is as if it had been committed once");
    failure.is_none()
}

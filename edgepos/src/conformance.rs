//! Checks that a vendor runs against its own ports.
//!
//! ```
//! edgepos::conformance::store(&mut || Box::new(edgepos::MemoryStore::new()));
//! ```

mod alerts;
mod clock;
mod device;
mod signer;
mod transport;
mod uplink;

use edgepos_core::{Chain, EventId, Lane, Persist, PersistId, ReplicaId, Seq, Space, Write};
use edgepos_sync::{EventRecord, Hash};

pub use self::alerts::{Arrived, ScriptedManager, alerts};
pub use self::clock::clock;
pub use self::device::{StoreDevice, store_device};
pub use self::signer::signer;
pub use self::transport::{TransportEnd, transport};
pub use self::uplink::{CloudAnswer, ScriptedCloud, uplink};
use crate::ports::{Rows, Sealing, Store};

/// Runs every check against stores that `make` returns, each empty.
///
/// # Panics
/// With what is wrong, when a check fails.
pub fn store(make: &mut dyn FnMut() -> Box<dyn Store>) {
    reads_what_was_written(make().as_mut());
    spaces_are_apart(make().as_mut());
    later_writes_win(make().as_mut());
    ranges_are_inclusive_and_ordered(make().as_mut());
    pieces_add_up(make().as_mut());
    events_read_back(make().as_mut());
    sealed_events_read_as_before(make().as_mut());
    rows_of_old_events_read_as_before(make().as_mut());
}

fn commit(store: &mut dyn Store, writes: Vec<Write>) {
    store.commit(&[Persist { id: PersistId(1), writes }]).expect("a healthy store commits");
}

fn scan(store: &dyn Store, space: Space, from: &[u8], to: &[u8], max_bytes: u32) -> Rows {
    store.scan(space, from, to, max_bytes).expect("a healthy store reads")
}

fn keys(rows: &Rows) -> Vec<&[u8]> {
    rows.iter().map(|(key, _)| key.as_slice()).collect()
}

fn reads_what_was_written(store: &mut dyn Store) {
    commit(store, vec![Write::put(Space::Head, [0, 255], [1, 2]), Write::put(Space::Head, [], [])]);
    let rows = scan(store, Space::Head, &[], &[255; 8], u32::MAX);
    assert_eq!(rows, [(vec![], vec![]), (vec![0, 255], vec![1, 2])], "empty keys and values are legal");
}

fn spaces_are_apart(store: &mut dyn Store) {
    for space in Space::ALL.into_iter().filter(|space| *space != Space::Event) {
        commit(store, vec![Write::put(space, [7], [space.code()])]);
    }
    for space in Space::ALL.into_iter().filter(|space| *space != Space::Event) {
        assert_eq!(scan(store, space, &[7], &[7], 0), [(vec![7], vec![space.code()])], "{space:?}");
    }
    commit(store, vec![Write::delete(Space::Basket, [7])]);
    assert!(scan(store, Space::Basket, &[], &[255], u32::MAX).is_empty(), "deleted");
    assert_eq!(scan(store, Space::Series, &[], &[255], u32::MAX).len(), 1, "another space is untouched");
}

fn later_writes_win(store: &mut dyn Store) {
    let (a, b) = (Write::put(Space::Series, "k", "a"), Write::put(Space::Series, "k", "b"));
    commit(store, vec![a.clone(), b]);
    let is = |value: &str| vec![(b"k".to_vec(), value.as_bytes().to_vec())];
    assert_eq!(scan(store, Space::Series, b"k", b"k", 0), is("b"), "the later write of a list wins");
    let group = [
        Persist { id: PersistId(2), writes: vec![Write::delete(Space::Series, "k")] },
        Persist { id: PersistId(3), writes: vec![a] },
    ];
    store.commit(&group).expect("a healthy store commits");
    assert_eq!(scan(store, Space::Series, b"k", b"k", 0), is("a"), "the later list of a group wins");
    commit(store, vec![Write::delete(Space::Series, "absent")]);
}

fn ranges_are_inclusive_and_ordered(store: &mut dyn Store) {
    let unsorted: [&[u8]; 5] = [&[2], &[1, 0], &[1], &[3], &[1, 255, 0]];
    commit(store, unsorted.iter().map(|key| Write::put(Space::Register, *key, [0])).collect());
    let rows = scan(store, Space::Register, &[1], &[2], u32::MAX);
    assert_eq!(keys(&rows), [&[1][..], &[1, 0], &[1, 255, 0], &[2]], "both ends, by rising bytes");
    assert!(scan(store, Space::Register, &[2], &[1], u32::MAX).is_empty(), "an empty range");
}

fn pieces_add_up(store: &mut dyn Store) {
    let rows = (0..100u8).map(|key| Write::put(Space::Counter, [key], vec![key; 100])).collect();
    commit(store, rows);
    assert_eq!(
        scan(store, Space::Counter, &[0], &[255], 0).len(),
        1,
        "the first row comes however large it is"
    );
    let piece = scan(store, Space::Counter, &[0], &[255], 300);
    assert_eq!(piece.len(), 3, "up to and including the row that reaches the limit");
    let mut seen = Vec::new();
    store
        .scan_all(Space::Counter, &mut |key, _| {
            seen.push(key[0]);
            Ok(())
        })
        .expect("a healthy store reads");
    assert_eq!(seen, (0..100).collect::<Vec<u8>>(), "every row once, in order");
}

fn events_read_back(store: &mut dyn Store) {
    let id = |terminal, seq| EventId::new(Chain::new(ReplicaId::new(terminal, 5), Lane::Stock), Seq(seq));
    // The second payload is no envelope: a store keeps what it cannot read.
    let ids = [id(1, 255), id(1, 256), id(40_000, 1)];
    let rows: Vec<_> = ids
        .iter()
        .map(|&id| {
            let record = EventRecord { id, payload: vec![0xFF; 3] };
            (id.to_key().to_vec(), record.to_row(Hash([9; 32])))
        })
        .collect();
    let writes =
        rows.iter().map(|(key, value)| Write::put(Space::Event, key.clone(), value.clone())).collect();
    commit(store, writes);
    assert_eq!(scan(store, Space::Event, &[0], &[255; 17], u32::MAX), rows, "events, byte by byte, by chain");
    let (first, last) = (ids[0].to_key(), ids[1].to_key());
    assert_eq!(scan(store, Space::Event, &first, &last, u32::MAX), rows[..2], "one chain's events");
    commit(store, vec![Write::delete(Space::Event, first)]);
    assert_eq!(scan(store, Space::Event, &[0], &[255; 17], u32::MAX), rows[1..], "a pruned event is gone");
}

/// Names of sealed events, as a terminal writes them, read as before, and so does what is written over them.
fn rows_of_old_events_read_as_before(store: &mut dyn Store) {
    let chain = Chain::new(ReplicaId::new(1, 5), Lane::Stock);
    let mut hash = Hash::ZERO;
    let (mut names, mut writes) = (Rows::new(), Vec::new());
    for seq in 1..=600u64 {
        let record = EventRecord { id: EventId::new(chain, Seq(seq)), payload: b"milk, 2".to_vec() };
        hash = hash.link(record.id, &record.payload);
        let name = u128::from(seq).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835).to_be_bytes();
        let key = [name.as_slice(), &record.id.to_key()].concat();
        names.push((key, [&b"receipt "[..], &seq.to_be_bytes()].concat()));
        writes.push(Write::put(Space::Event, record.id.to_key(), record.to_row(hash)));
    }
    names.sort();
    writes
        .extend(names.iter().map(|(key, value)| Write::put(Space::BookedBasket, key.clone(), value.clone())));
    commit(store, writes);
    let floor = [(chain, Seq(600))].into_iter().collect();
    let sealing = Sealing { floor, before_utc_ms: u64::MAX, archive_before_utc_ms: Some(u64::MAX) };
    while store.seal(&sealing).expect("a healthy store seals") {}
    let all = |store: &dyn Store| scan(store, Space::BookedBasket, &[], &[255; 40], u32::MAX);
    assert!(all(store) == names, "rows of old events read as before");
    let some = scan(store, Space::BookedBasket, &names[99].0, &names[400].0, 2_000);
    assert!(!some.is_empty() && some == names[99..99 + some.len()], "a piece of them reads as before");
    names[200].1 = b"another".to_vec();
    commit(store, vec![Write::put(Space::BookedBasket, names[200].0.clone(), names[200].1.clone())]);
    let gone = names.remove(7);
    commit(store, vec![Write::delete(Space::BookedBasket, gone.0)]);
    assert!(all(store) == names, "what is written over one reads back, and what is deleted is gone");
}

fn sealed_events_read_as_before(store: &mut dyn Store) {
    let chain = Chain::new(ReplicaId::new(1, 5), Lane::Stock);
    let mut hash = Hash::ZERO;
    let mut rows: Rows = (1..=700)
        .map(|seq| {
            let record = EventRecord { id: EventId::new(chain, Seq(seq)), payload: b"milk, 2".to_vec() };
            hash = hash.link(record.id, &record.payload);
            (record.id.to_key().to_vec(), record.to_row(hash))
        })
        .collect();
    let put = |(key, value): &(Vec<u8>, Vec<u8>)| Write::put(Space::Event, key.clone(), value.clone());
    commit(store, rows.iter().map(put).collect());
    let floor = [(chain, Seq(700))].into_iter().collect();
    let sealing = Sealing { floor, before_utc_ms: u64::MAX, archive_before_utc_ms: Some(u64::MAX) };
    let most = 10 * rows.len();
    let calls = (0..most).take_while(|_| store.seal(&sealing).expect("a healthy store seals")).count();
    assert!(calls < most, "a round of sealing ends");
    let all = |store: &dyn Store| scan(store, Space::Event, &[0], &[255; 17], u32::MAX);
    assert!(all(store) == rows, "sealed events read as before");
    let some = scan(store, Space::Event, &rows[99].0, &rows[600].0, 20_000);
    assert!(
        !some.is_empty() && some == rows[99..99 + some.len()],
        "a piece of sealed events reads as before"
    );
    rows[299].1.truncate(33);
    commit(store, vec![put(&rows[299])]);
    assert!(all(store) == rows, "what is written over a sealed event reads back");
    let gone = rows.remove(4);
    commit(store, vec![Write::delete(Space::Event, gone.0)]);
    assert!(all(store) == rows, "a sealed event that is deleted is gone");
}

//! What a call does at most, and for how long: where a disk hangs, and where much is gone.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::path::Path;
use std::ptr;
use std::thread;
use std::time::{Duration, Instant};

use edgepos::core::{EventId, Persist, PersistId, Seq, Space, Write};
use edgepos::{SqliteStore, Store as _};
use edgepos_ffi::*;
use serde_json::json;
use support::calls::{Shared, answer, ask, close, detail, open};

const GOODS: &str =
    r#"{"type":"stock_received","from":"dairy","lines":[{"product":"4006381333931","quantity":1}]}"#;

/// While nothing of the terminal goes on, closing it comes back with an answer, and can be asked again.
#[test]
fn a_terminal_that_hangs_is_closed_in_time_or_says_that_it_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let node = open(folder.path(), "");
    ask(node, edgepos_node_record, GOODS).unwrap();
    assert_eq!(edgepos_node_poison_stand_still(node), EDGEPOS_OK);
    let (began, mut left) = (Instant::now(), 7_u64);
    // SAFETY: a number may be written there.
    let status = unsafe { edgepos_node_close(node, 0, &mut left) };
    assert_eq!((status, left), (EDGEPOS_BUSY, 7), "{}", detail());
    assert!(detail().contains("hangs"), "{}", detail());
    assert!(began.elapsed() >= Duration::from_secs(29), "as long as the header says: {:?}", began.elapsed());

    // It stops by itself once it goes on, and whoever asks again is told once what is left.
    edgepos_node_poison_go_on();
    let notice = |node| {
        let mut notice = ptr::null_mut();
        // SAFETY: a pointer may be written there.
        let status = unsafe { edgepos_node_next_notice(node, 60_000, &mut notice) };
        edgepos_text_free(notice);
        status
    };
    while notice(node) == EDGEPOS_OK {}
    assert_eq!(notice(node), EDGEPOS_STOPPED);
    for expected in [(EDGEPOS_OK, 1), (EDGEPOS_STOPPED, 7)] {
        let mut left = 7_u64;
        // SAFETY: a number may be written there.
        let status = unsafe { edgepos_node_close(node, 0, &mut left) };
        assert_eq!((status, left), expected, "{}", detail());
    }
    edgepos_node_free(node);
    // Its files are free.
    close(open(folder.path(), ""));
}

fn delete(folder: &Path, gone: &[EventId]) {
    let writes = gone.iter().map(|event| Write::delete(Space::Event, event.to_key())).collect();
    let mut store = SqliteStore::open(&folder.join("till-1.db")).unwrap();
    store.commit(&[Persist { id: PersistId(1), writes }]).unwrap();
}

/// One call looks at 4,096 positions at most; the next goes on from there, and what is there behind them is read.
#[test]
fn a_call_passes_by_so_many_events_and_the_next_goes_on() {
    const MOST: u64 = 4096;
    const THREADS: u64 = 64;
    const EACH: u64 = 66;
    let folder = tempfile::tempdir().unwrap();
    let node = Shared(open(folder.path(), ""));
    let records = |_| {
        thread::spawn(move || -> Vec<EventId> {
            let record = |_| ask(node.node(), edgepos_node_record, GOODS).unwrap().parse().unwrap();
            (0..EACH).map(record).collect()
        })
    };
    let threads: Vec<_> = (0..THREADS).map(records).collect();
    let mut events: Vec<EventId> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    events.sort_unstable();
    close(node.node());
    let (first, last) = (events[1], events[events.len() - 2]);
    assert!(last.seq.0 - first.seq.0 > MOST && first.chain == last.chain);
    let gone: Vec<EventId> =
        (first.seq.0..=last.seq.0).map(|seq| EventId::new(first.chain, Seq(seq))).collect();
    delete(folder.path(), &gone);

    let node = open(folder.path(), "");
    let mut reading = ptr::null_mut();
    // SAFETY: a cursor of no bytes is none, and a pointer may be written there.
    let status = unsafe { edgepos_node_events_since(node, ptr::null(), 0, 0, &mut reading) };
    assert_eq!(status, EDGEPOS_OK, "{}", detail());
    let (mut read, mut skipped) = (Vec::new(), Vec::new());
    loop {
        let mut event = ptr::null_mut();
        // SAFETY: a pointer may be written there.
        match unsafe { edgepos_events_next(reading, 60_000, &mut event) } {
            EDGEPOS_OK => read.push(answer(EDGEPOS_OK, event).unwrap()),
            EDGEPOS_DAMAGED => {
                let mut passed = ptr::null_mut();
                // SAFETY: a pointer may be written there.
                let status = unsafe { edgepos_events_skip(reading, &mut passed) };
                skipped.push(answer(status, passed).unwrap());
            }
            EDGEPOS_END => break,
            other => panic!("{other}: {}", detail()),
        }
    }
    edgepos_events_free(reading);
    let second = EventId::new(first.chain, Seq(first.seq.0 + MOST));
    let expected = [
        json!({ "first": first.to_string(), "last": second.seq.0 - 1 }),
        json!({ "first": second.to_string(), "last": last.seq.0 }),
    ];
    assert_eq!(skipped, expected);
    let is_read = |event: &EventId| read.iter().any(|read| read["id"] == event.to_string());
    assert!(is_read(&events[0]) && is_read(&events[events.len() - 1]));
    close(node);
}

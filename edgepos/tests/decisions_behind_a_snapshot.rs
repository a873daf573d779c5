//! A terminal that missed more decisions than the log keeps goes on from a snapshot: it counts the store's chain as the others do, also
//! while the events of before are still on their way.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::consensus::Attachment;
use edgepos::core::{EventId, Seq};
use edgepos::model::{CounterRow, ExceptionRaised, Kind};
use edgepos::sync::{self, Hash};
use edgepos::{ConditionKind, Notice, Status};
use support::Till;
use support::mixed::{Mixed, STORE_EVENT, chain, event, payloads};

/// Decisions while the second till is away: more than the log keeps.
const MISSED: u64 = 40;

fn raised() -> ExceptionRaised {
    ExceptionRaised::new(&CounterRow::stock("milk", 0), -3, 0, Vec::new())
}

fn exception() -> Vec<u8> {
    event(Kind::EXCEPTION_RAISED, &minicbor::to_vec(raised()).unwrap())
}

/// The second till is away while the store raises an exception and decides more than the log keeps. What was decided, in order.
fn away() -> (Mixed, Vec<Vec<u8>>) {
    let mut mixed = Mixed::new();
    mixed.cut[1] = true;
    let mut decided = vec![exception()];
    decided.extend((1..MISSED).map(|number| event(Kind(999), &number.to_be_bytes())));
    for payload in &decided {
        mixed.decide(STORE_EVENT, payload.clone());
    }
    (mixed, decided)
}

/// What the leader's application keeps of the decisions: position and hash of the store's chain.
fn state(decided: &[Vec<u8>]) -> Vec<u8> {
    let (mut seq, mut hash) = (Seq(0), Hash::ZERO);
    for payload in decided {
        seq = seq.next();
        hash = hash.link(EventId::new(chain(), seq), payload);
    }
    [seq.0.to_be_bytes().as_slice(), &hash.0].concat()
}

fn installed(till: &Till) -> bool {
    let snapshot = |notice: &Notice| {
        matches!(notice, Notice::Election(edgepos::consensus::Notice::SnapshotInstalled { .. }))
    };
    till.notices.iter().any(snapshot)
}

fn forked(till: &Till) -> bool {
    till.notices.iter().any(|notice| matches!(notice, Notice::Sync(sync::Notice::Fork { .. })))
}

#[test]
fn it_counts_on_from_where_the_sender_was() {
    let (mut mixed, mut decided) = away();
    mixed.later.election.attach(Attachment::State(state(&decided)));
    mixed.cut[1] = false;
    mixed.pass(3_000);
    assert!(installed(&mixed.tills[1]));

    // Decided while what was before is not here: a second proposal of the episode, which has no place, and an event, which has one.
    mixed.decide(STORE_EVENT, exception());
    let after = event(Kind(999), b"after the snapshot");
    mixed.decide(STORE_EVENT, after.clone());
    decided.push(after);
    assert_eq!(payloads(&mixed.tills[0]), decided);
    assert_eq!(payloads(&mixed.tills[1]), Vec::<Vec<u8>>::new(), "it waits for what was before");

    // The power fails while it waits.
    let now = mixed.now;
    let till = mixed.tills.remove(1).crash(now);
    mixed.tills.push(till);
    mixed.connect_again(1);
    mixed.let_tills_talk();
    for till in &mixed.tills {
        assert_eq!(payloads(till), decided);
        assert!(!forked(till));
        let Status { exceptions, .. } = till.terminal.status();
        assert_eq!(exceptions.as_slice(), std::slice::from_ref(&raised()));
    }
    let last = event(Kind(999), b"and goes on");
    mixed.decide(STORE_EVENT, last.clone());
    decided.push(last);
    for till in &mixed.tills {
        assert_eq!(payloads(till), decided, "derived by each for itself");
        assert!(!forked(till));
    }
}

/// Version 0.1.0 says nothing of the chain in its snapshots: the terminal derives nothing then, and takes what others derive.
#[test]
fn a_snapshot_that_does_not_say_makes_no_fork() {
    let (mut mixed, mut decided) = away();
    mixed.cut[1] = false;
    mixed.pass(3_000);
    assert!(installed(&mixed.tills[1]));
    let after = event(Kind(999), b"after the snapshot");
    mixed.decide(STORE_EVENT, after.clone());
    decided.push(after);
    mixed.let_tills_talk();
    for till in &mixed.tills {
        assert_eq!(payloads(till), decided);
        assert!(!forked(till));
    }
}

/// The store decided that another box takes the place of terminal 3 while this one was away.
#[test]
fn it_knows_the_replacements_that_are_not_done() {
    let (mut mixed, decided) = away();
    let leaving = support::replica(3).0.to_be_bytes();
    let intent = [&[0xA3, 0, 3, 1, 0x81, 0x1B][..], &leaving, &[2, 0xF4]].concat();
    let attached = [state(&decided), vec![0x81], intent].concat();
    mixed.later.election.attach(Attachment::State(attached));
    mixed.cut[1] = false;
    mixed.pass(3_000);
    assert!(installed(&mixed.tills[1]));
    let waits = |till: &Till| {
        let conditions = till.terminal.status().conditions;
        conditions.into_iter().find(|held| held.kind == ConditionKind::Replacing).map(|held| held.about)
    };
    let about = Some("terminal 3: no other box of its number has come".to_owned());
    assert_eq!(waits(&mixed.tills[1]), about);
    let now = mixed.now;
    let till = mixed.tills.remove(1).crash(now);
    assert_eq!(waits(&till), about, "after a restart");
}

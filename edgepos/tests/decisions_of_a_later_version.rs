//! A leader of a later version decides what this one does not know: each decision of the store has its place all the same, on every
//! terminal alike, and what follows it goes on.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::Notice;
use edgepos::core::Seq;
use edgepos::crdt::Hlc;
use edgepos::model::{CounterRow, Effect, Envelope, ExceptionRaised, Kind};
use edgepos::sync;
use support::WALL;
use support::mixed::{Mixed, STORE_EVENT, chain, event, payloads};

#[test]
fn every_decided_event_has_its_place() {
    let mut mixed = Mixed::new();
    let milk = CounterRow::stock("milk", 0);
    let mut moving = Envelope::new(Kind(999), WALL, Hlc(1), b"of a later version".to_vec());
    moving.effects = vec![Effect::new(milk.clone(), -3, Some(0))];
    let raised = ExceptionRaised::new(&milk, -3, 0, Vec::new());
    let decided = [
        moving.encode(),
        b"no envelope at all".to_vec(),
        event(Kind::EXCEPTION_RAISED, b"no exception"),
        event(Kind(1_000), b""),
        event(Kind::EXCEPTION_RAISED, &minicbor::to_vec(&raised).unwrap()),
    ];
    for bytes in &decided {
        mixed.decide(STORE_EVENT, bytes.clone());
    }
    for till in &mixed.tills {
        assert_eq!(payloads(till), decided, "stored as it was decided, in order");
        assert_eq!(till.terminal.status().durable.get(chain()), Seq(5));
        assert_eq!(till.terminal.counter(&milk), Some(-3), "effects of a later version's kind count");
        assert_eq!(till.terminal.status().exceptions.as_slice(), std::slice::from_ref(&raised), "goes on");
        let quarantined: Vec<_> = till
            .notices
            .iter()
            .filter_map(|event| match event {
                Notice::Quarantined { id, .. } => Some(id.seq.0),
                _ => None,
            })
            .collect();
        assert_eq!(quarantined, [2, 3], "what cannot be read is shown");
        assert_eq!(till.terminal.status().quarantined, 2);
        assert!(!till.notices.iter().any(|notice| matches!(notice, Notice::Sync(sync::Notice::Fork { .. }))));
    }
}

/// The rule of the first version for the kind that it knew: kept, so that both count alike.
#[test]
fn a_second_proposal_of_one_episode_has_no_place() {
    let mut mixed = Mixed::new();
    let raised = ExceptionRaised::new(&CounterRow::stock("milk", 0), -3, 0, Vec::new());
    let bytes = event(Kind::EXCEPTION_RAISED, &minicbor::to_vec(&raised).unwrap());
    mixed.decide(STORE_EVENT, bytes.clone());
    mixed.decide(STORE_EVENT, bytes.clone());
    for till in &mixed.tills {
        assert_eq!(payloads(till).as_slice(), std::slice::from_ref(&bytes));
    }
}

/// A decision that is no event has no place in the store's chain; that it was not understood is on record.
#[test]
fn an_unknown_kind_of_decision_is_shown() {
    let mut mixed = Mixed::new();
    mixed.decide(77, b"what a later version decides".to_vec());
    for till in &mut mixed.tills {
        assert_eq!(payloads(till), Vec::<Vec<u8>>::new());
        assert_eq!(till.terminal.status().quarantined, 1);
        let told = |notice: &Notice| matches!(notice, Notice::DecisionSkipped { kind: 77, .. });
        assert_eq!(till.notices.iter().filter(|notice| told(notice)).count(), 1);
    }
    let now = mixed.now;
    let restarted = mixed.tills.remove(0).crash(now);
    assert_eq!(restarted.terminal.status().quarantined, 1, "and stays there");
}

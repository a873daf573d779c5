#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::{Election, RestoreError, Restored, StartError};
use edgepos_core::{Now, Space};

use crate::support::{Rows, World};

fn restore(rows: &Rows) -> Result<Restored, RestoreError> {
    let mut restored = Restored::new();
    for ((space, key), value) in rows {
        restored.insert(*space, key, value)?;
    }
    Ok(restored)
}

/// E3: the term and the vote survive: a terminal that voted does not vote again in that term.
#[test]
fn the_term_never_falls() {
    let mut world = World::new(5, 3);
    world.elect();
    for round in 0..20 {
        let node = round % 3;
        let before = world.nodes[node].election.as_ref().unwrap().term();
        world.crash(node);
        world.run_for(37 * round as u64);
        world.boot(node);
        let after = world.nodes[node].election.as_ref().unwrap().term();
        assert!(after.0 + 1 >= before.0, "a term that was never durable was never used: {before} {after}");
        world.run_for(700);
    }
}

/// Rows that contradict each other are an error, never a panic: each row lost or damaged in turn.
#[test]
fn broken_rows_are_errors() {
    let mut world = World::with(9, 1, |config| config.max_log_entries = 16);
    world.elect();
    for number in 0..40 {
        world.propose(0, &[number; 9]);
        world.run_for(20);
    }
    let config = world.nodes[0].config.clone();
    let whole = world.nodes[0].disk.clone();
    let mut inconsistent = 0;
    for key in whole.keys() {
        let mut rows = whole.clone();
        rows.remove(key);
        match Election::new(Now::new(0, 0), config.clone(), restore(&rows).unwrap()) {
            Ok(_) | Err(StartError::Refused { .. }) => {
                assert!(
                    key.1.starts_with(b"decided")
                        || key.1.starts_with(b"version")
                        || key.1 == b"applied"
                        || key.0 == Space::ElectionLog,
                    "{key:?}"
                );
            }
            Err(error) => {
                inconsistent += 1;
                assert!(matches!(error, StartError::Inconsistent { .. }), "{key:?} {error}");
            }
        }
        for bit in 0..whole[key].len() * 8 {
            let mut rows = whole.clone();
            rows.get_mut(key).unwrap()[bit / 8] ^= 1 << (bit % 8);
            if let Ok(restored) = restore(&rows) {
                let _ = Election::new(Now::new(0, 0), config.clone(), restored);
            }
        }
    }
    assert!(inconsistent > 8, "{inconsistent}");
    let error = Restored::new().insert(Space::Event, b"x", b"y").unwrap_err();
    assert_eq!(error, RestoreError::Space { space: Space::Event });
}

/// Entries that were replaced leave no rows behind, which a restart would take for the log.
#[test]
fn replaced_entries_do_not_return() {
    for seed in 0..10 {
        let mut world = World::new(seed, 3);
        let old = world.elect();
        world.run_for(500);
        world.isolate(old);
        for number in 0..8 {
            world.propose(old, &[number]);
        }
        world.run_for(2500);
        let new = world.elect();
        assert_ne!(new, old);
        world.nodes[old].config.max_pending_proposals = 1;
        world.crash(old);
        world.boot(old);
        world.heal();
        world.run_for(2000);
        world.crash(old);
        let log = |node: usize| {
            let rows = world.nodes[node].disk.iter().filter(|((space, _), _)| *space == Space::ElectionLog);
            rows.map(|((_, key), value)| (key.clone(), value.clone())).collect::<Vec<_>>()
        };
        assert_eq!(log(old), log(new));
        world.boot(old);
        world.run_for(500);
    }
}

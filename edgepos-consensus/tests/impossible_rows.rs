//! Each disk here makes raft panic at its start, where nothing stands before it. Here each is an error that says what is wrong.

#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::{Election, RestoreError, Restored, StartError};
use edgepos_core::{Now, ReplicaId, Space};
use minicbor::Encoder;

use crate::support::{Rows, World, replica};

const HARD: (Space, &[u8]) = (Space::Election, b"hard");
const APPLIED: (Space, &[u8]) = (Space::Election, b"applied");
const BASE: (Space, &[u8]) = (Space::ElectionSnapshot, b"base");
const MEMBERS: (Space, &[u8]) = (Space::ElectionSnapshot, b"members");

/// A store of one after 40 decisions, with a log that was compacted: its rows, the first index held and the last.
fn disk() -> (World, Rows, u64, u64) {
    let mut world = World::with(9, 1, |config| config.max_log_entries = 16);
    world.elect();
    for number in 0..40 {
        world.propose(0, &[number; 9]);
        world.run_for(20);
    }
    world.run_for(100);
    let rows = world.nodes[0].disk.clone();
    let log = rows.keys().filter(|(space, _)| *space == Space::ElectionLog);
    let indexes: Vec<u64> = log.map(|(_, key)| u64::from_be_bytes(key[..].try_into().unwrap())).collect();
    (world, rows, indexes[0], *indexes.last().unwrap())
}

/// A map from 0, 1 … to numbers.
fn numbers(values: &[u64]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.map(values.len() as u64).unwrap();
    for (key, value) in (0_u64..).zip(values) {
        encoder.u64(key).unwrap().u64(*value).unwrap();
    }
    encoder.into_writer()
}

fn members(voters: &[ReplicaId], learners: &[ReplicaId]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.map(2).unwrap();
    for (key, members) in [(0, voters), (1, learners)] {
        encoder.u8(key).unwrap().array(members.len() as u64).unwrap();
        for member in members {
            encoder.u64(member.0).unwrap();
        }
    }
    encoder.into_writer()
}

fn restore(rows: &Rows) -> Result<Restored, RestoreError> {
    let mut restored = Restored::new();
    rows.iter().try_for_each(|((space, key), value)| restored.insert(*space, key, value))?;
    Ok(restored)
}

#[test]
fn numbers_that_contradict_the_log() {
    let (world, rows, first, last) = disk();
    let outside = "the applied index is outside the decided log";
    let missing = "a decided entry of the log is missing";
    let large = "a number is impossibly large";
    let newer = "an entry of the log is newer than the term";
    let me = replica(0).0;
    let broken = [
        (APPLIED, numbers(&[last + 1]), outside),
        (APPLIED, numbers(&[u64::MAX]), outside),
        (APPLIED, numbers(&[first - 2]), outside),
        (HARD, numbers(&[2, me, last - 1]), outside),
        (HARD, numbers(&[2, me, last + 1]), missing),
        (HARD, numbers(&[2, me, first - 2]), missing),
        (HARD, numbers(&[2, me, u64::MAX]), large),
        (HARD, numbers(&[u64::MAX, me, last]), large),
        (HARD, numbers(&[1 << 48, me, last]), large),
        (HARD, numbers(&[0, 0, last]), newer),
        (HARD, numbers(&[1, me, last]), newer),
        (BASE, numbers(&[u64::MAX, 2]), large),
        (BASE, numbers(&[first - 3, 2]), "an entry of the log is missing"),
        (BASE, numbers(&[last + 5, 2]), missing),
        (BASE, numbers(&[first - 1, 3]), "the terms of the log's entries fall"),
    ];
    for ((space, key), value, expected) in broken {
        let mut rows = rows.clone();
        rows.insert((space, key.to_vec()), value.clone()).expect("the row is there");
        let config = world.nodes[0].config.clone();
        let error = Election::new(Now::new(0, 0), config, restore(&rows).unwrap()).unwrap_err();
        assert_eq!(error, StartError::Inconsistent { what: expected }, "{space:?} {value:02x?}");
    }
}

#[test]
fn members_that_contradict_themselves() {
    let (_, rows, ..) = disk();
    let (a, b) = (replica(0), replica(1));
    let many: Vec<_> = (0..16).map(replica).collect();
    for value in [
        members(&[a], &[a]),
        members(&[a, b, a], &[]),
        members(&[], &[a]),
        members(&[], &[]),
        members(&[a, ReplicaId(0)], &[]),
        members(&many, &[]),
    ] {
        let mut rows = rows.clone();
        rows.insert((MEMBERS.0, MEMBERS.1.to_vec()), value.clone());
        let error = restore(&rows).map(|_| ()).unwrap_err();
        assert!(matches!(error, RestoreError::Malformed { .. }), "{value:02x?}");
        assert!(error.to_string().contains("ElectionSnapshot"), "{error}");
    }
}

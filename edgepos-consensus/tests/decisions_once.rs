#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::{Election, Input, MAX_LEVEL, MAX_SUBJECT_BYTES, Proposal, ProposeError};
use edgepos_core::Now;

use crate::support::forge::{self, Forged};
use crate::support::{World, replica};

/// E6: proposals of all terminals, through a crash after each, are applied once, in one order, everywhere.
/// The world checks order and repetition at every write.
#[test]
fn through_crashes_of_everyone() {
    for seed in 0..15 {
        let mut world = World::new(seed, 3);
        world.elect();
        for round in 0..12_u64 {
            let node = (round % 3) as usize;
            for _ in 0..3 {
                let key = world.propose(node, &round.to_be_bytes());
                world.nodes[node].wants.push(key);
            }
            world.run_for(seed + round % 7);
            let victim = ((round / 2) % 3) as usize;
            world.crash(victim);
            world.run_for(800);
            world.boot(victim);
            world.repropose();
            world.run_for(900);
        }
        world.run_until(10_000, |world| world.nodes.iter().all(|node| node.applied.len() == 36));
    }
}

fn propose(election: &mut Election, bytes: usize) -> Result<u64, ProposeError> {
    let proposal = Proposal { kind: 1, subject: vec![], base: None, bytes: vec![7; bytes] };
    election.propose(Now::new(5000, 0), proposal).map(|key| key.number)
}

/// What is not taken is handed back with the reason.
#[test]
fn refused_proposals_name_the_reason() {
    let mut world = World::with(1, 3, |config| config.max_pending_proposals = 2);
    world.isolate(0);
    world.run_for(1000);
    let election = world.nodes[0].election.as_mut().unwrap();
    let large = 64 * 1024 + 1;
    assert_eq!(propose(election, large), Err(ProposeError::TooLarge { bytes: large, limit: 65536 }));
    let now = Now::new(5000, 0);
    let about = |kind, subject| Proposal { kind, subject, base: None, bytes: vec![7; 65536 - 100] };
    assert_eq!(
        election.propose(now, about(1, vec![1; 101])),
        Err(ProposeError::TooLarge { bytes: 65537, limit: 65536 })
    );
    assert_eq!(
        election.propose(now, about(1, vec![1; 129])),
        Err(ProposeError::SubjectTooLong { bytes: 129, limit: MAX_SUBJECT_BYTES })
    );
    assert_eq!(
        election.propose(now, about(u16::MAX, vec![])),
        Err(ProposeError::KindReserved { kind: u16::MAX })
    );
    let level = |given| Err(ProposeError::Level { given, current: 0, limit: MAX_LEVEL });
    assert_eq!((election.raise_level(now, 0), election.raise_level(now, 2)), (level(0), level(2)));
    assert_eq!(propose(election, large - 1), Ok(1));
    assert_eq!(propose(election, 1), Ok(2));
    assert_eq!(propose(election, 1), Err(ProposeError::Full { limit: 2 }));
    assert_eq!(election.pending_proposals(), 2);
    world.flush(0);
    world.heal();
    world.run_for(3000);
    let election = world.nodes[0].election.as_mut().unwrap();
    assert_eq!((election.pending_proposals(), election.decided(replica(0))), (0, 2));
    assert_eq!(propose(election, 1), Ok(3));
}

/// A follower far behind gets a snapshot, is told what it skipped, and takes part again.
#[test]
fn a_terminal_far_behind_gets_a_snapshot() {
    let mut world = World::with(4, 3, |config| config.max_log_entries = 32);
    let leader = world.elect();
    let behind = (leader + 1) % 3;
    world.propose(leader, b"seen");
    world.run_for(300);
    world.crash(behind);
    for number in 0..100_u8 {
        world.propose(leader, &[number]);
        world.run_for(30);
    }
    world.boot(behind);
    world.run_for(2000);
    let skipped = world.nodes[behind]
        .saw(|notice| matches!(notice, edgepos_consensus::Notice::SnapshotInstalled { .. }));
    assert!(skipped.is_some());
    let rows = world.nodes[behind].disk.len();
    assert!(rows < 60, "the log does not grow without end: {rows} rows");
    let after = world.propose(behind, b"after");
    world.run_for(1000);
    assert_eq!(world.nodes[behind].applied.last().unwrap().key, after);
    let me = replica(leader);
    let known = world.nodes[behind].election.as_ref().unwrap().decided(me);
    assert_eq!(known, 101, "the numbers decided travel with the snapshot");
    world.crash(behind);
    world.boot(behind);
    world.run_for(1000);
    assert_eq!(world.nodes[behind].election.as_ref().unwrap().decided(me), 101);
}

/// A log that holds a proposal twice, or leaves a number out, as a faulty leader might append it: it is applied once, in order.
#[test]
fn repeated_and_skipped_numbers_in_the_log_do_not_count() {
    let mut world = World::new(5, 3);
    let leader = world.elect();
    world.propose(leader, b"one");
    world.run_for(500);
    let follower = (leader + 1) % 3;
    let election = world.nodes[follower].election.as_ref().unwrap();
    let (term, index) = (election.term().0, world.nodes[follower].applied[0].index);
    world.isolate(leader);
    for (offset, number) in [(0, 1), (1, 3), (2, 2), (3, 2), (4, 3)] {
        let append = Forged::new(forge::APPEND, replica(leader), replica(follower), term);
        let append = append.with(forge::INDEX, index + offset).with(forge::LOG_TERM, term);
        let append = append.with(forge::COMMIT, index + offset + 1);
        let payload = forge::proposal(replica(leader), number, 4);
        let append = append.entries_of(&[(index + offset + 1, term, 0)], &payload);
        world.tell(follower, Input::Message(append.message()));
    }
    world.run_for(50);
    let numbers: Vec<_> = world.nodes[follower].applied.iter().map(|decision| decision.key.number).collect();
    assert_eq!(numbers, [1, 2, 3]);
}

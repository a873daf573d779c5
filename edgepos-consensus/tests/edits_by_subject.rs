#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::{DropReason, Input, Notice, Proposal, ProposalKey};
use edgepos_core::Now;

use crate::support::forge::{self, Forged};
use crate::support::{World, replica};

const PRICES: u16 = 9;

/// Proposes an edit that builds on what the terminal has seen.
fn edit(world: &mut World, node: usize, subject: &[u8]) -> ProposalKey {
    let election = world.nodes[node].election.as_mut().unwrap();
    let base = Some(election.version_of(PRICES, subject));
    let proposal = Proposal { kind: PRICES, subject: subject.to_vec(), base, bytes: subject.to_vec() };
    let key = election.propose(Now::new(world.now, 0), proposal).unwrap();
    world.flush(node);
    key
}

fn raise(world: &mut World, node: usize) {
    let now = Now::new(world.now, 0);
    world.nodes[node].election.as_mut().unwrap().raise_level(now, 1).unwrap();
    world.flush(node);
    world.run_for(500);
    assert!(world.nodes.iter().all(|node| node.election.as_ref().unwrap().level() == 1));
}

fn refused(world: &World, node: usize, key: ProposalKey) -> bool {
    let refused = |notice: &Notice| matches!(notice, Notice::ProposalRefused { key: of, .. } if *of == key);
    world.nodes[node].saw(refused).is_some()
}

fn versions(world: &World, node: usize) -> [u64; 3] {
    let election = world.nodes[node].election.as_ref().unwrap();
    [&b"milk"[..], b"bread", b""].map(|subject| election.version_of(PRICES, subject))
}

/// Two terminals edit two subjects of one kind without hearing of each other. From level 1 on both edits count, where only two of
/// the same subject do not; below it the later one is refused, as the first version does.
#[test]
fn an_edit_is_refused_for_its_subject_alone() {
    for (seed, level) in (0..10).flat_map(|seed| [(seed, 0), (seed, 1)]) {
        let mut world = World::new(seed, 3);
        let leader = world.elect();
        let away = (leader + 1) % 3;
        if level == 1 {
            raise(&mut world, leader);
        }
        edit(&mut world, leader, b"milk");
        edit(&mut world, leader, b"bread");
        world.run_for(500);
        world.isolate(away);
        let (milk, bread) = (edit(&mut world, away, b"milk"), edit(&mut world, away, b"bread"));
        edit(&mut world, leader, b"bread");
        world.run_for(500);
        world.heal();
        world.run_for(3000);
        for node in 0..3 {
            let refused = [refused(&world, node, milk), refused(&world, node, bread)];
            assert_eq!(refused, [level == 0, true], "seed {seed} level {level} node {node}");
            assert_eq!(versions(&world, node), versions(&world, leader));
        }
        // The same after a restart of all, and for an edit that knows what holds.
        let before = versions(&world, leader);
        (0..3).for_each(|node| world.crash(node));
        (0..3).for_each(|node| world.boot(node));
        world.elect();
        assert_eq!(versions(&world, away), before);
        let anew = edit(&mut world, away, b"bread");
        world.run_for(1000);
        assert!((0..3).all(|node| world.nodes[node].applied.last().unwrap().key == anew));
    }
}

/// A terminal that gets a snapshot instead of the log knows the level and the subjects, also after a restart.
#[test]
fn a_snapshot_carries_level_and_subjects() {
    let mut world = World::with(4, 3, |config| config.max_log_entries = 16);
    let leader = world.elect();
    let away = (leader + 1) % 3;
    world.run_for(300);
    world.crash(away);
    let now = Now::new(world.now, 0);
    world.nodes[leader].election.as_mut().unwrap().raise_level(now, 1).unwrap();
    world.flush(leader);
    world.run_for(500);
    edit(&mut world, leader, b"milk");
    for _ in 0..40 {
        edit(&mut world, leader, b"bread");
        world.run_for(100);
    }
    world.boot(away);
    world.run_for(2000);
    assert!(world.nodes[away].saw(|notice| matches!(notice, Notice::SnapshotInstalled { .. })).is_some());
    for _ in 0..2 {
        assert_eq!(world.nodes[away].election.as_ref().unwrap().level(), 1);
        let [milk, bread, none] = versions(&world, away);
        assert_eq!([milk, bread, none], versions(&world, leader));
        assert!(none < milk && milk < bread, "what was not decided counts as decided when the level rose");
        world.crash(away);
        world.boot(away);
        world.run_for(2000);
    }
}

/// A terminal whose store has gone on to a level that its version does not know neither stands nor votes.
#[test]
fn who_is_below_the_level_does_not_vote() {
    let mut world = World::new(5, 3);
    let leader = world.elect();
    world.propose(leader, b"one");
    world.run_for(500);
    let (below, other) = ((leader + 1) % 3, (leader + 2) % 3);
    let term = world.nodes[below].election.as_ref().unwrap().term().0;
    let index = world.nodes[below].applied[0].index;
    world.isolate(below);
    let append = Forged::new(forge::APPEND, replica(leader), replica(below), term);
    let append = append.with(forge::INDEX, index).with(forge::LOG_TERM, term).with(forge::COMMIT, index + 1);
    let append = append.entries_of(&[(index + 1, term, 0)], &forge::level(replica(leader), 2, 2));
    world.tell(below, Input::Message(append.message()));
    world.run_for(20_000);
    let election = world.nodes[below].election.as_ref().unwrap();
    assert_eq!((election.level(), election.term().0), (2, term), "it does not even ask");
    let vote = Forged::new(forge::VOTE, replica(other), replica(below), term + 1);
    let vote = vote.with(forge::INDEX, index + 1).with(forge::LOG_TERM, term);
    let vote = vote.with(forge::COMMIT, index).with(forge::COMMIT_TERM, term);
    world.tell(below, Input::Message(vote.message()));
    let told = |notice: &Notice| matches!(notice, Notice::Refused { reason: DropReason::BelowLevel, .. });
    assert!(world.nodes[below].saw(told).is_some());
}

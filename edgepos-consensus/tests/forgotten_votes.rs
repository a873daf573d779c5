//! A disk is put back, and nobody but the votes and decisions themselves knows it: what others state bounds what its terminal gives.

use edgepos_consensus::{Election, Input};
use edgepos_core::{LogPosition, LogState, Term};

use crate::support::{World, replica};

/// More terms than elections that any of these tests holds.
const MANY: u64 = 100;

fn store(seed: u64) -> World {
    World::with(seed, 3, |config| config.hears_states = true)
}

/// A leader, one whose disk goes back to what it was now, and the third, which is away from here on.
fn roles(world: &mut World) -> (usize, usize, usize) {
    let leader = world.elect();
    world.run_for(500);
    (leader, (leader + 1) % 3, (leader + 2) % 3)
}

/// The leader and the one take five decisions, of which the disk of the one knows nothing after; both are off then.
fn forget_decisions(world: &mut World) -> (usize, usize, usize) {
    let (leader, restored, other) = roles(world);
    let (disk, applied) = (world.nodes[restored].disk.clone(), world.nodes[restored].applied.clone());
    world.crash(other);
    for number in 0..5 {
        world.propose(leader, &[number]);
    }
    world.run_for(500);
    world.crash(leader);
    world.crash(restored);
    (world.nodes[restored].disk, world.nodes[restored].applied) = (disk, applied);
    (leader, restored, other)
}

/// Nobody who is there knows of the vote, nor that the disk went back: no other vote is given in its term.
#[test]
fn a_vote_that_nobody_present_knows_of_is_not_given_twice() {
    for seed in 0..10 {
        let mut world = store(seed);
        world.run_for(50);
        let disks: Vec<_> =
            world.nodes.iter().map(|node| (node.disk.clone(), node.applied.clone())).collect();
        let (leader, restored, _) = roles(&mut world);
        let promised = world.term(leader);
        world.crash(leader);
        world.crash(restored);
        (world.nodes[restored].disk, world.nodes[restored].applied) = disks[restored].clone();
        world.boot(restored);
        world.run_until(10_000, |world| world.leader().is_some());
        let elected = world.leader().expect("the two elect one");
        assert!(world.term(elected) > promised + MANY, "the terms are left in which it may have voted");
        world.boot(leader);
        world.run_for(3_000);
        assert!(world.leader().is_some(), "the checks of the world say that no term has two");
    }
}

/// Where all others are heard after a start, none can have been given a vote that they do not know of: nothing is left, and no election
/// takes longer.
#[test]
fn a_restart_among_all_the_others_leaves_no_term() {
    for seed in 0..10 {
        let mut world = store(seed);
        let (leader, restarted, _) = roles(&mut world);
        let before = world.term(leader);
        world.crash(restarted);
        world.boot(restarted);
        world.run_for(500);
        world.crash(leader);
        world.run_until(10_000, |world| world.leader().is_some_and(|elected| elected != leader));
        let elected = world.leader().expect("elected");
        assert!(world.term(elected) < before + MANY, "term {} after {before}", world.term(elected));
    }
}

/// How long an election takes behind a restart while the third is away, and its term.
fn elects_with_one_away(seed: u64, hears_states: bool) -> (u64, u64) {
    let mut world = World::with(seed, 3, |config| config.hears_states = hears_states);
    let (leader, ..) = roles(&mut world);
    (0..3).for_each(|node| world.crash(node));
    (0..3).filter(|node| *node != leader).for_each(|node| world.boot(node));
    let took = world.run_until(10_000, |world| world.leader().is_some());
    (took, world.term(world.leader().expect("elected")))
}

/// Terms are left in the step in which the election is won: a restart with somebody away costs no round and no moment.
#[test]
fn a_restart_with_one_away_takes_no_longer() {
    for seed in 0..20 {
        let [(plain, before), (took, term)] = [false, true].map(|hears| elects_with_one_away(seed, hears));
        assert_eq!(took, plain, "seed {seed}");
        assert!(term > before + MANY, "seed {seed}: term {term} after {before}");
    }
}

/// Both elections of a store that forgot one decided nothing but that somebody leads: what was decided first stands, on all terminals.
#[test]
fn where_no_decision_is_at_stake_the_store_has_one_log_again() {
    for seed in 0..10 {
        let mut world = store(seed);
        let (leader, restored, other) = roles(&mut world);
        let (disk, applied) = (world.nodes[restored].disk.clone(), world.nodes[restored].applied.clone());
        world.crash(other);
        let before = world.term(leader);
        world.step_down(leader);
        world.run_until(10_000, |world| world.leader().is_some_and(|elected| world.term(elected) > before));
        world.run_for(500);
        world.crash(leader);
        world.crash(restored);
        (world.nodes[restored].disk, world.nodes[restored].applied) = (disk, applied);
        world.boot(restored);
        world.boot(other);
        world.elect();
        world.run_for(500);
        world.boot(leader);
        world.run_for(5_000);
        let elected = world.elect();
        for number in 0..5 {
            world.propose(elected, &[number]);
        }
        world.run_for(2_000);
        for node in 0..3 {
            assert_eq!(world.nodes[node].applied.len(), 5, "seed {seed}, {node}: {}", world.summary());
            let election = world.nodes[node].election.as_ref().expect("up");
            assert_eq!(election.parted().count(), 0, "seed {seed}: nothing is lost");
        }
    }
}

/// All others are heard, and one of them has the term of a vote that was given and forgotten.
#[test]
fn no_vote_is_given_in_a_term_that_another_has_stated() {
    let mut world = store(3);
    let (leader, restored, other) = roles(&mut world);
    world.crash(leader);
    world.crash(restored);
    world.boot(restored);
    world.run_for(10);
    let mut state = world.nodes[restored].election.as_ref().expect("up").log_state();
    state.term = Term(state.term.0 + 3);
    world.tell(restored, Input::Stated(replica(leader), state));
    world.run_until(10_000, |world| world.leader().is_some());
    let elected = world.leader().expect("the two elect one");
    assert!(world.term(elected) > state.term.0 && world.term(elected) < state.term.0 + MANY);
    assert!([restored, other].contains(&elected));
}

/// Whoever states a decision keeps one from being elected that lacks it, as long as no other knows it.
#[test]
fn who_lacks_what_another_states_to_be_decided_is_not_elected() {
    for seed in 0..10 {
        let mut world = store(seed);
        let (leader, restored, other) = forget_decisions(&mut world);
        world.boot(leader);
        let state = world.nodes[leader].election.as_ref().expect("up").log_state();
        world.crash(leader);
        world.boot(restored);
        world.boot(other);
        world.tell(restored, Input::Stated(replica(leader), state));
        world.run_for(10_000);
        assert_eq!(world.leader(), None, "neither has what was decided");
        world.boot(leader);
        world.run_until(10_000, |world| world.leader().is_some());
        world.run_for(500);
        assert_eq!(world.nodes[other].applied.len(), 5);
    }
}

/// Who knows that its disk went back helps nobody, also after a restart, before it hears enough others to meet each majority that it was
/// part of; then it helps whoever has most, and is a voter like any other once that one leads.
#[test]
fn who_knows_that_it_forgot_hears_enough_others_first() {
    for seed in 0..10 {
        let mut world = store(seed);
        let (leader, restored, other) = forget_decisions(&mut world);
        world.boot(restored);
        world.call(restored, Election::renounce_terms);
        world.boot(other);
        world.run_for(5_000);
        assert_eq!(world.leader(), None, "the two lack what was decided");
        world.crash(restored);
        world.boot(restored);
        world.run_for(5_000);
        assert_eq!(world.leader(), None, "it remembers that it forgot");
        let misses = |world: &World| world.nodes[restored].election.as_ref().expect("up").misses();
        assert_eq!(misses(&world), Some(1));
        world.boot(leader);
        world.run_until(20_000, |world| world.leader().is_some());
        world.run_for(1_000);
        assert_eq!((world.nodes[other].applied.len(), misses(&world)), (5, None));
    }
}

/// A statement that no honest terminal makes bounds nothing.
#[test]
fn what_cannot_be_is_not_believed() {
    let mut world = store(1);
    let (leader, restarted, _) = roles(&mut world);
    world.crash(restarted);
    world.boot(restarted);
    world.run_for(500);
    let far = LogPosition { term: Term(1 << 40), index: 1 << 40 };
    let state = LogState { term: Term(1 << 40), last: far, decided: far, ..LogState::default() };
    world.tell(restarted, Input::Stated(replica(leader), state));
    world.crash(leader);
    world.run_until(10_000, |world| world.leader().is_some());
}

/// Nobody present knew of the decisions, and other ones were taken in their place: both sides say so once they hear each other.
#[test]
fn who_holds_other_decisions_is_told_of() {
    let mut world = store(2);
    let (leader, restored, other) = forget_decisions(&mut world);
    world.lenient = true;
    world.boot(restored);
    world.boot(other);
    world.run_until(10_000, |world| world.leader().is_some());
    let elected = world.leader().expect("the two elect one");
    for number in 100..105 {
        world.propose(elected, &[number]);
    }
    world.run_for(1_000);
    world.boot(leader);
    world.run_for(3_000);
    let parted = |node: usize| {
        let election = world.nodes[node].election.as_ref().expect("up");
        election.parted().collect::<Vec<_>>()
    };
    assert!(parted(leader).contains(&replica(elected)), "{:?}", parted(leader));
    assert_eq!(parted(elected), [replica(leader)]);
}

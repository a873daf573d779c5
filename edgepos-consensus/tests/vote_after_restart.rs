#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::Input;

use crate::support::forge::{self, Forged};
use crate::support::{World, replica};

const TERM: u64 = 7;
const VOTER: usize = 2;

/// A candidate asks for the voter's vote, with a log as good as the voter's.
fn ask(world: &mut World, candidate: usize) {
    let request = Forged::new(forge::VOTE, replica(candidate), replica(VOTER), TERM);
    let request = request.with(forge::INDEX, 0).with(forge::LOG_TERM, 0);
    let request = request.with(forge::COMMIT, 0).with(forge::COMMIT_TERM, 0);
    world.tell(VOTER, Input::Message(request.message()));
}

/// Whether the voter has given its vote to the candidate, and whether it has refused it.
fn answered(world: &World, candidate: usize) -> (bool, bool) {
    let said = |what: &str| {
        let to = format!(" {VOTER} -> {candidate} ");
        let lines = world.trace.as_ref().unwrap().iter();
        lines.filter(|line| line.contains(&to)).any(|line| line.contains(what))
    };
    (said("VoteReply { pre: false, reject: false"), said("VoteReply { pre: false, reject: true"))
}

/// E3: a voter loses power at any moment after it was asked, and starts from what its disk holds. Whatever it had said by then, it
/// does not give its vote to two candidates in one term: the vote is durable before the answer leaves.
#[test]
fn nobody_votes_twice_in_a_term() {
    let (mut kept, mut free) = (0, 0);
    for moment in 0..12 {
        let mut world = World::new(moment, 3);
        world.nodes[VOTER].disk_ms = 5;
        world.crash(0);
        world.crash(1);
        world.run_for(20);
        world.trace = Some(Vec::new());
        ask(&mut world, 0);
        world.run_for(moment);
        world.crash(VOTER);
        let (given, _) = answered(&world, 0);
        world.boot(VOTER);
        // Long enough that no promise to a leader keeps it silent.
        world.run_for(400);
        ask(&mut world, 1);
        world.run_for(50);
        let (given_too, refused) = answered(&world, 1);
        assert!(!(given && given_too), "moment {moment}: two candidates have its vote in term {TERM}");
        assert!(given_too || refused, "moment {moment}: the second question is answered");
        if given {
            kept += 1;
            ask(&mut world, 0);
            world.run_for(50);
            assert!(!answered(&world, 0).1, "moment {moment}: whoever has the vote is not refused it");
        } else {
            free += u32::from(given_too);
        }
    }
    assert!(kept > 3 && free > 3, "the power fails before and after the answer: {kept} and {free}");
}

#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::{Input, Message};
use edgepos_core::Jitter;

use crate::support::World;

/// Every message of three leaderships arrives once more, in any order, in front of whom it was for. The world's promises hold: what
/// was true once, and said once, changes nothing.
#[test]
fn a_whole_history_comes_again() {
    for seed in 0..6 {
        let mut world = World::with(seed, 3, |config| config.max_log_entries = 16);
        world.recorded = Some(Vec::new());
        for _ in 0..3 {
            let leader = world.elect();
            for number in 0..10 {
                world.propose_next(leader, &[number]);
                world.run_for(40);
            }
            world.crash(leader);
            world.run_for(1500);
            world.boot(leader);
            world.run_for(800);
        }
        let history = world.recorded.take().unwrap();
        assert!(history.len() > 200);
        let decided = world.nodes[0].applied.len();
        let mut jitter = Jitter::new(seed);
        for round in 0..1500 {
            let bytes = &history[jitter.range(0, history.len() as u64) as usize];
            let message = Message::decode(bytes).unwrap();
            let to = world.nodes.iter().position(|node| node.config.me == message.to()).unwrap();
            world.tell(to, Input::Message(message));
            if round % 10 == 0 {
                world.run_for(7);
            }
        }
        world.run_for(3000);
        let leader = world.elect();
        world.propose_next(leader, b"and on");
        world.run_for(1000);
        for node in &world.nodes {
            assert_eq!(node.election.as_ref().unwrap().halted(), None);
            assert_eq!(node.election.as_ref().unwrap().pending_proposals(), 0);
        }
        assert!(world.nodes.iter().any(|node| node.applied.len() > decided), "{}", world.summary());
    }
}

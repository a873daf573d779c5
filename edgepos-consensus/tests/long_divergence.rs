#![allow(clippy::unwrap_used, reason = "a test")]

use crate::support::World;

/// A leader that was cut off comes back with a hundred entries that nobody else has, to a log that is as long without them. The place
/// where the logs part is found in a few questions, not in one for each entry.
#[test]
fn the_parting_is_found_in_a_few_questions() {
    for seed in 0..10 {
        let mut world = World::with(seed, 3, |config| config.max_pending_proposals = 200);
        let old = world.elect();
        world.run_for(500);
        world.isolate(old);
        for number in 0..100 {
            world.propose(old, &[number]);
        }
        world.run_for(2000);
        let new = world.elect();
        assert_ne!(new, old);
        for number in 0..120 {
            world.propose(new, &[number]);
            world.run_for(5);
        }
        // The next leader begins to ask at the end of its own log.
        world.step_down(new);
        world.run_for(1000);
        assert!(world.leader().is_some_and(|leader| leader != new));
        world.trace = Some(Vec::new());
        world.heal();
        world.run_for(400);
        let from = format!(" {old} -> ");
        let lines = world.trace.take().unwrap();
        let refused =
            lines.iter().filter(|line| line.contains(&from) && line.contains("reject: Some")).count();
        assert!((1..=6).contains(&refused), "seed {seed}: {refused} questions");
        world.run_for(3000);
        assert!(world.nodes.iter().all(|node| node.applied.len() == 220), "{}", world.summary());
    }
}

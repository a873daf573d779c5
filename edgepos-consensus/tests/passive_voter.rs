#![allow(clippy::unwrap_used, reason = "a test")]

use crate::support::World;

/// E9: two terminals and a third voter that never stands, such as the cloud. Either terminal and the third elect a leader; the third
/// alone, or with nobody, leads nothing; and an order to take over is refused by it.
#[test]
fn one_of_two_terminals_leads_with_the_third_vote() {
    for seed in 0..20 {
        let mut world =
            World::with(seed, 3, |config| config.campaigns = config.me != crate::support::replica(2));
        world.sees_disconnects = seed % 2 == 0;
        let first = world.elect();
        assert_ne!(first, 2);
        world.run_for(500);
        world.crash(first);
        let took = world.run_until(2500, |world| world.leader().is_some());
        assert_eq!(world.leader(), Some(1 - first), "after {took} ms");
        let key = world.propose(1 - first, b"with the third vote");
        world.run_for(500);
        assert_eq!(world.nodes[2].applied[0].key, key);
        world.step_down(1 - first);
        world.run_for(2000);
        assert_ne!(world.leader(), Some(2));
        world.crash(1 - first);
        world.run_for(5000);
        assert_eq!(world.leader(), None);
        assert_eq!(world.nodes[2].election.as_ref().unwrap().leader(), None);
        world.boot(first);
        world.run_for(5000);
        assert_eq!(world.leader(), None, "it has not heard of the decision, and who has does not lead");
        world.boot(1 - first);
        world.run_until(3000, |world| world.leader() == Some(1 - first));
        world.run_for(500);
        assert_eq!(world.nodes[first].applied[0].key, key);
        assert!(world.elections.iter().all(|(_, node)| *node != 2));
    }
}

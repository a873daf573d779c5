#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_core::Space;
use minicbor::Encoder;

use crate::support::World;

/// E4: a terminal that was cut off for ten minutes comes back in the term in which it left, and no election follows.
#[test]
fn ten_minutes_apart_cost_no_term() {
    let mut world = World::new(1, 3);
    let leader = world.elect();
    let away = (leader + 1) % 3;
    world.run_for(500);
    let term = world.nodes[away].election.as_ref().unwrap().term();
    world.isolate(away);
    world.run_for(600_000);
    assert_eq!(world.nodes[away].election.as_ref().unwrap().term(), term);
    world.heal();
    world.run_for(2000);
    assert_eq!((world.leader(), world.elections.len()), (Some(leader), 1));
}

/// A terminal comes back with a term far above everyone's, and an older log: one election later the store goes on in a higher term,
/// with every decision.
#[test]
fn an_inflated_term_costs_one_election() {
    for seed in 0..10 {
        let mut world = World::new(seed, 3);
        let leader = world.elect();
        let inflated = (leader + 1) % 3;
        world.run_for(500);
        world.crash(inflated);
        world.propose(leader, b"decided");
        world.run_for(500);
        let mut hard = Encoder::new(Vec::new());
        hard.map(3).unwrap().u8(0).unwrap().u64(5000).unwrap();
        hard.u8(1).unwrap().u64(0).unwrap().u8(2).unwrap().u64(0).unwrap();
        world.nodes[inflated].disk.insert((Space::Election, b"hard".to_vec()), hard.into_writer());
        world.nodes[inflated].disk.remove(&(Space::Election, b"applied".to_vec()));
        world.boot(inflated);
        world.run_for(5000);
        let leader = world.leader().expect("there is a leader again");
        assert_ne!(leader, inflated, "its log is behind");
        let term = world.nodes[leader].election.as_ref().unwrap().term().0;
        assert!((5000..5010).contains(&term), "{term}");
        assert!(world.nodes.iter().all(|node| node.applied.len() == 1));
    }
}

#![allow(clippy::unwrap_used, reason = "a test")]

use crate::support::World;

/// E4: two leaders with different terms. For a moment both believe in themselves, but only one is entitled at any time (the world
/// checks); when they meet, the higher term wins, the older one steps down and what it had not decided is replaced.
#[test]
fn the_higher_term_wins() {
    let mut overlaps = 0;
    for seed in 0..40 {
        let mut world = World::new(seed, 3);
        let old = world.elect();
        world.run_for(1000 + 7 * seed);
        let others: Vec<_> = (0..3).filter(|node| *node != old).collect();
        world.isolate(old);
        let lost = world.propose(old, b"only the old leader has it");
        let mut together = 0;
        for _ in 0..1500 {
            world.run_for(1);
            let leads = |node: &usize| {
                let election = world.nodes[*node].election.as_ref().unwrap();
                election.leader().is_some_and(|leader| leader.replica == world.nodes[*node].config.me)
            };
            together += u32::from((0..3).filter(leads).count() > 1);
        }
        overlaps += u32::from(together > 0);
        let new = world.leader().expect("the majority has a leader");
        let kept = world.propose(new, b"decided");
        world.run_for(500);
        world.heal();
        world.run_for(3000);
        let term = |node: usize| world.nodes[node].election.as_ref().unwrap().term();
        assert!(others.iter().all(|node| term(*node) == term(old)));
        for node in &world.nodes {
            let keys: Vec<_> = node.applied.iter().map(|decision| decision.key).collect();
            assert_eq!(keys, [kept, lost], "the stranded proposal comes after what the majority decided");
        }
    }
    assert!(overlaps > 20, "both believed that they lead in {overlaps} of 40 only: nothing was tested");
}

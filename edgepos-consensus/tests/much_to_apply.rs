#![allow(clippy::unwrap_used, reason = "a test")]

use crate::support::World;

/// More is decided than is handed out at once, and the terminal loses power in the middle of applying it, again and again: what is
/// left comes after each restart, and nothing comes twice (the world checks).
#[test]
fn restarts_in_the_middle_of_applying() {
    let mut cut_short = 0;
    for seed in 0..10 {
        let mut world = World::new(seed, 3);
        let leader = world.elect();
        let late = (leader + 1) % 3;
        world.run_for(500);
        world.crash(late);
        for _ in 0..40 {
            world.propose(leader, &[7; 60_000]);
            world.run_for(30);
        }
        for round in 0..12 {
            world.boot(late);
            world.nodes[late].disk_ms = 4;
            world.run_for(8 + 3 * seed + 9 * round);
            let applied = world.nodes[late].applied.len();
            cut_short += u32::from(applied > 0 && applied < 40);
            world.crash(late);
        }
        world.boot(late);
        world.run_for(3000);
        assert_eq!(world.nodes[late].applied.len(), 40);
    }
    assert!(cut_short > 5, "{cut_short}");
}

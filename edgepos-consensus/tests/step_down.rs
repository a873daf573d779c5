use edgepos_consensus::Notice;

use crate::support::World;

/// E7: a planned hand-over takes a few round trips, and two terminals are never entitled together (the world checks).
#[test]
fn the_leadership_is_handed_over() {
    let mut slowest = 0;
    for seed in 0..50 {
        let mut world = World::new(seed, 5);
        let old = world.elect();
        world.run_for(700);
        world.propose(old, b"last words");
        world.step_down(old);
        assert_eq!(world.leader(), None, "not entitled from here on");
        let took = world.run_until(1000, |world| world.leader().is_some());
        slowest = slowest.max(took);
        assert_ne!(world.leader(), Some(old));
        world.run_for(1000);
        assert!(world.nodes.iter().all(|node| node.applied.len() == 1));
    }
    println!("slowest hand-over {slowest} ms");
    assert!(slowest <= 60, "{slowest}");
}

/// Whoever steps aside gives to the next, so that each comes to lead once before any leads again. The best follower is the same one each
/// time, and two could hand the leadership to and fro without end.
#[test]
fn who_steps_aside_gives_to_the_next() {
    for seed in 0..10 {
        let mut world = World::new(seed, 5);
        let mut at = world.elect();
        for _ in 0..10 {
            world.run_for(700);
            world.call(at, |election, now| election.step_aside(now).expect("it leads"));
            world.run_until(1000, |world| world.leader().is_some());
            assert_eq!(world.leader(), Some((at + 1) % 5));
            at = (at + 1) % 5;
        }
        world.crash((at + 1) % 5);
        world.run_for(2000);
        at = world.leader().expect("four of five lead on");
        world.call(at, |election, now| election.step_aside(now).expect("it leads"));
        world.run_until(2000, |world| world.leader().is_some());
        assert_eq!(world.leader(), Some((at + 2) % 5), "who is gone is passed over");
    }
}

/// The order is lost: it is repeated, and the leadership changes all the same.
#[test]
fn a_lost_order_is_repeated() {
    for seed in 0..20 {
        let mut world = World::new(seed, 3);
        let old = world.elect();
        world.run_for(700);
        world.drops = Some("TimeoutNow");
        world.step_down(old);
        world.run_for(60);
        world.drops = None;
        let took = 60 + world.run_until(2000, |world| world.leader().is_some());
        assert!(took < 130 && world.leader() != Some(old), "{took}");
    }
}

/// The best follower is gone: the next one is asked.
#[test]
fn the_next_one_is_asked_when_the_first_is_gone() {
    let mut world = World::new(1, 5);
    let old = world.elect();
    world.run_for(700);
    world.crash((old + 1) % 5);
    world.crash((old + 2) % 5);
    world.step_down(old);
    world.run_for(1500);
    assert!(world.leader().is_some_and(|leader| leader != old));
}

/// Nobody can take over: it says so, and does not pretend to lead.
#[test]
fn a_failed_hand_over_is_told() {
    let mut world = World::new(2, 2);
    let old = world.elect();
    world.run_for(700);
    world.crash(1 - old);
    world.step_down(old);
    world.run_for(1000);
    assert!(world.nodes[old].saw(|notice| *notice == Notice::HandOverFailed).is_some());
    assert_eq!(world.leader(), None);
    world.boot(1 - old);
    world.run_for(3000);
    assert!(world.leader().is_some());
}

use edgepos_consensus::{Election, Notice};

use crate::support::World;

/// E4: a disk is restored from an older copy. The terminal notices as soon as it hears the leader, and does not vote.
#[test]
fn an_older_copy_of_the_disk_is_noticed() {
    for seed in 0..10 {
        let mut world = World::new(seed, 3);
        let leader = world.elect();
        let restored = (leader + 1) % 3;
        world.propose(leader, b"first");
        world.run_for(500);
        let (disk, applied) = (world.nodes[restored].disk.clone(), world.nodes[restored].applied.clone());
        for number in 0..20 {
            world.propose(leader, &[number]);
            world.run_for(100);
        }
        world.crash(restored);
        (world.nodes[restored].disk, world.nodes[restored].applied) = (disk, applied);
        world.boot(restored);
        world.run_for(1000);
        assert!(world.nodes[restored].saw(|notice| matches!(notice, Notice::LogLost { .. })).is_some());
        assert_eq!((world.leader(), world.elections.len()), (Some(leader), 1));
        // A leader is not lost with it: the two others go on.
        world.propose(leader, b"last");
        world.run_for(500);
        assert_eq!(world.nodes[leader].applied.len(), 22);
    }
}

/// It stays out after a restart, when the leader that noticed is gone: with its vote a terminal could lead that lacks decisions.
#[test]
fn it_stays_out_after_a_restart() {
    for seed in 0..10 {
        let mut world = World::new(seed, 3);
        let leader = world.elect();
        let (restored, other) = ((leader + 1) % 3, (leader + 2) % 3);
        world.run_for(500);
        let (disk, applied) = (world.nodes[restored].disk.clone(), world.nodes[restored].applied.clone());
        world.crash(other);
        for number in 0..5 {
            world.propose(leader, &[number]);
        }
        world.run_for(500);
        world.crash(restored);
        (world.nodes[restored].disk, world.nodes[restored].applied) = (disk, applied);
        world.boot(restored);
        world.run_for(1000);
        world.crash(leader);
        world.crash(restored);
        world.boot(restored);
        world.boot(other);
        world.run_for(10_000);
        assert_eq!(world.leader(), None, "neither of the two has what was decided");
        world.boot(leader);
        world.run_until(5000, |world| world.leader().is_some());
        world.run_for(500);
        assert_eq!(world.nodes[other].applied.len(), 5);
    }
}

/// Who gave a vote in a term and has forgotten it gives no other one in that term, once it knows that its disk went back.
#[test]
fn it_leaves_the_terms_in_which_it_may_have_voted() {
    for seed in 0..10 {
        let mut world = World::new(seed, 3);
        let disks: Vec<_> =
            world.nodes.iter().map(|node| (node.disk.clone(), node.applied.clone())).collect();
        let leader = world.elect();
        let (restored, other) = ((leader + 1) % 3, (leader + 2) % 3);
        let promised = world.term(leader);
        world.crash(leader);
        world.crash(restored);
        (world.nodes[restored].disk, world.nodes[restored].applied) = disks[restored].clone();
        world.boot(restored);
        world.call(restored, Election::renounce_terms);
        world.run_until(10_000, |world| world.leader().is_some());
        let elected = world.leader().expect("the two elect one");
        assert!([restored, other].contains(&elected));
        assert!(world.term(elected) > promised + 1_000, "{} after {promised}", world.term(elected));
        world.boot(leader);
        world.run_for(5_000);
        assert_eq!(world.leader(), Some(elected), "who led before follows");
    }
}

/// Others hold what it wrote and does not have: it leads no longer, and takes part again once it holds what was decided.
#[test]
fn a_leader_whose_disk_went_back_takes_part_again() {
    for seed in 0..10 {
        let mut world = World::new(seed, 3);
        let leader = world.elect();
        let promised = world.term(leader);
        world.call(leader, Election::renounce_terms);
        assert_ne!(world.leader(), Some(leader), "at once");
        world.run_until(10_000, |world| world.leader().is_some());
        let next = world.leader().expect("one is elected");
        assert!(world.term(next) > promised + 1_000, "{} after {promised}", world.term(next));
        world.run_for(1_000);
        world.crash(next);
        world.run_until(10_000, |world| world.leader().is_some());
        assert!(world.leader().is_some_and(|leader| leader != next), "its vote counts again");
    }
}

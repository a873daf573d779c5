use edgepos_consensus::Notice;

use crate::support::World;

/// E4: a follower's disk stalls. It answers heartbeats all the same, and nobody is elected.
#[test]
fn a_stalled_follower_disk_disturbs_nobody() {
    let mut world = World::new(1, 3);
    let leader = world.elect();
    let slow = (leader + 1) % 3;
    world.nodes[slow].disk_ms = 800;
    for number in 0..20 {
        world.propose(leader, &[number]);
        world.run_for(100);
    }
    assert_eq!((world.leader(), world.elections.len()), (Some(leader), 1));
    world.crash((leader + 2) % 3);
    world.run_for(2000);
    assert_eq!(world.leader(), Some(leader), "the slow one alone keeps the majority");
    world.run_for(60_000);
    assert_eq!(world.nodes[slow].applied.len(), 20);
}

/// All disks take 50 ms for a flush: elections and decisions take longer and succeed.
#[test]
fn slow_disks_everywhere_only_cost_time() {
    for seed in 0..10 {
        let mut world = World::new(seed, 5);
        (0..5).for_each(|node| world.nodes[node].disk_ms = 50);
        let leader = world.elect();
        world.run_for(1000);
        world.propose(leader, b"slow");
        world.run_for(500);
        assert!(world.nodes.iter().all(|node| node.applied.len() == 1));
        world.crash(leader);
        let took = world.run_until(3000, |world| world.leader().is_some());
        assert!(took < 2000, "{took}");
    }
}

/// E4: disks that take as long for one flush as the configured timing gives a whole election, and longer. The votes of one round
/// arrive while the next one is under way, unless the candidates learn how long it takes. A leader stays, too.
#[test]
fn very_slow_disks_do_not_livelock() {
    for (flush, limit) in [(100, 10_000), (300, 20_000), (500, 30_000), (1000, 60_000)] {
        for seed in 0..20 {
            let terminals = [3, 5, 15][seed as usize % 3];
            let mut world = World::new(seed, terminals);
            world.nodes.iter_mut().for_each(|node| node.disk_ms = flush);
            world.run_until(limit, |world| world.leader().is_some());
            let leader = world.leader().unwrap();
            world.propose(leader, b"slow");
            world.run_for(10_000);
            // Four writes in a row take longer than `disk_stall_after` on the slowest: those leaders hand over, as told.
            let stays = flush <= 300;
            assert!(!stays || world.leader() == Some(leader), "flush {flush} seed {seed}: it keeps the lead");
            world.run_until(limit, |world| world.nodes.iter().all(|node| node.applied.len() == 1));
            world.run_until(limit, |world| world.leader().is_some());
            let leader = world.leader().unwrap();
            world.crash(leader);
            world.run_until(limit, |world| world.leader().is_some());
        }
    }
}

/// The leader's disk hangs for good while its followers' work. It hands the leadership to one that can apply what it decides.
#[test]
fn a_leader_with_a_hanging_disk_hands_over() {
    for seed in 0..10 {
        let mut world = World::new(seed, 3);
        let hanging = world.elect();
        world.run_for(500);
        world.nodes[hanging].disk_ms = 10_000_000;
        let key = world.propose((hanging + 1) % 3, b"decided without the leader's disk");
        world.propose(hanging, b"never written down, and so never heard of");
        world.run_for(4000);
        assert!(world.nodes[hanging].saw(|notice| matches!(notice, Notice::DiskStalled { .. })).is_some());
        let leader = world.leader().expect("another one leads");
        assert_ne!(leader, hanging);
        let applied: Vec<_> = world.nodes[leader].applied.iter().map(|decision| decision.key).collect();
        assert_eq!(applied, [key]);
        world.run_for(60_000);
        assert_eq!((world.leader(), world.elections.len()), (Some(leader), 2));
    }
}

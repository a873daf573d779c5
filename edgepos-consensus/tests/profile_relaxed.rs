use edgepos_consensus::Timing;

use crate::support::World;

/// E1: Wi-Fi with 3 % loss and 100 ms delays: one leader for half an hour, and a failover within four seconds.
#[test]
fn poor_wifi_keeps_its_leader() {
    for seed in 0..3 {
        let mut world = World::with(seed, 5, |config| config.timing = Timing::relaxed());
        (world.loss, world.latency) = (30, (2, 100));
        let leader = world.elect();
        world.run_for(1_800_000);
        assert_eq!((world.leader(), world.elections.len()), (Some(leader), 1));
        world.crash(leader);
        let took = world.run_until(8000, |world| world.leader().is_some());
        assert!(took < 4000, "{took}");
    }
}

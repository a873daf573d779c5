//! Trap: resuming from one number. Terminal 2 is cut off and sells; the others sell on, upload, and lose their leader. What terminal 2
//! sold lies *below* every number that the cloud has seen by then, and must still arrive.

mod world;

use edgepos_core::Lane;
use world::World;

#[test]
fn late_sales_of_a_cut_off_terminal_reach_the_cloud_through_a_new_leader() {
    let mut world = World::new(1, 3);
    world.connect_all();
    world.elect(Some(0), 1);
    world.sell(2, Lane::Transactions, b"c1");
    world.run(20_000);
    assert_eq!(world.cloud.events.len(), 1);

    world.cut(2, 0);
    world.cut(2, 1);
    world.nodes[2].uplink = false;
    let late: Vec<_> =
        [b"c2", b"c3", b"c4"].iter().map(|sale| world.sell(2, Lane::Transactions, *sale)).collect();
    for _ in 0..5 {
        world.sell(0, Lane::Transactions, b"a");
        world.sell(1, Lane::Transactions, b"b");
    }
    world.run(20_000);
    assert_eq!(world.cloud.events.len(), 11, "a scalar cursor stands far above the late sales now");

    world.crash(0);
    world.elect(Some(1), 2);
    world.connect(1, 2);
    world.run(20_000);
    for id in late {
        assert!(world.cloud.events.contains_key(&id), "{id} is lost");
    }
    world.start(0);
    world.connect_all();
    world.run(20_000);
    world.assert_converged();
}

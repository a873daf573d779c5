#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::{DropReason, Input, Message, Notice};

use crate::support::{Node, World};

/// E4: two terminals run on copies of one disk, with one name. The copy of the leader's disk hears its own name from outside: that
/// is refused and told, and it is not entitled while the other one lives.
#[test]
fn a_copy_of_the_leader_hears_its_own_name() {
    for seed in 0..10 {
        let mut world = World::new(seed, 3);
        let leader = world.elect();
        world.propose(leader, b"before");
        world.run_for(1000);
        let mut copy = Node::new(world.nodes[leader].config.clone());
        (copy.disk, copy.applied) = (world.nodes[leader].disk.clone(), world.nodes[leader].applied.clone());
        world.nodes.push(copy);
        world.boot(3);
        world.run_for(10_000);
        assert_eq!(world.leader(), Some(leader), "{}", world.summary());
        world.propose(leader, b"after");
        world.run_for(1000);
        assert!((0..3).all(|node| world.nodes[node].applied.len() == 2));
    }
}

/// The same where a transport brings our own words back to us.
#[test]
fn our_own_name_from_outside_is_refused() {
    let mut world = World::new(1, 3);
    world.recorded = Some(Vec::new());
    let leader = world.elect();
    world.run_for(1000);
    let own: Vec<_> = world.recorded.take().unwrap();
    let me = world.nodes[leader].config.me;
    for message in
        own.iter().map(|bytes| Message::decode(bytes).unwrap()).filter(|message| message.from() == me)
    {
        world.tell(leader, Input::Message(message));
    }
    assert!(world.drops()[&DropReason::FromMyself] > 5);
    let told = |notice: &Notice| matches!(notice, Notice::Refused { reason: DropReason::FromMyself, .. });
    assert!(world.nodes[leader].saw(told).is_some());
    world.run_for(1000);
    assert_eq!((world.leader(), world.elections.len()), (Some(leader), 1));
}

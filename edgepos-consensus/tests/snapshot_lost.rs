#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::{DropReason, Input};

use crate::support::forge::{self, Forged};
use crate::support::replica;
use crate::support::snapshots::{behind, installed};

/// The snapshot is lost on its way, again and again. Raft would wait for its answer for ever; it is sent again.
#[test]
fn it_is_sent_again() {
    let (mut world, leader, behind) = behind(1);
    world.drops = Some("Snapshot(");
    world.boot(behind);
    world.run_for(5000);
    assert_eq!(world.nodes[behind].saw(installed), None);
    world.drops = None;
    world.run_for(3000);
    assert!(world.nodes[behind].saw(installed).is_some(), "{}", world.summary());
    let key = world.propose(leader, b"after");
    world.run_for(500);
    assert_eq!(world.nodes[behind].applied.last().unwrap().key, key);
}

/// While the snapshot is being written there is no log to look into: everything else waits.
#[test]
fn nothing_is_taken_while_it_is_written() {
    let (mut world, leader, behind) = behind(2);
    world.nodes[behind].disk_ms = 900;
    world.boot(behind);
    world.run_until(5000, |world| world.nodes[behind].saw(installed).is_some());
    let term = world.nodes[behind].election.as_ref().unwrap().term().0;
    let order = Forged::new(forge::TIMEOUT_NOW, replica(leader), replica(behind), term);
    world.tell(behind, Input::Message(order.message()));
    assert!(world.drops()[&DropReason::Busy] >= 1);
    assert_eq!(world.nodes[behind].election.as_ref().unwrap().halted(), None);
    world.run_for(10_000);
    let key = world.propose(leader, b"after");
    world.run_for(5000);
    assert_eq!(world.nodes[behind].applied.last().unwrap().key, key);
}

//! What an application keeps of the decisions travels with the snapshot that takes their place, and never an older state of it.

#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::{Attachment, MAX_ATTACHMENT_BYTES};

use crate::support::World;
use crate::support::snapshots::{behind, installed};

fn attach(world: &mut World, node: usize, attachment: Attachment) {
    world.nodes[node].election.as_mut().unwrap().attach(attachment);
}

#[test]
fn it_arrives_with_the_snapshot() {
    let (mut world, leader, behind) = behind(1);
    attach(&mut world, leader, Attachment::State(b"after 60".to_vec()));
    world.boot(behind);
    world.run_until(5000, |world| world.nodes[behind].saw(installed).is_some());
    assert_eq!(world.nodes[behind].installed, [Some(b"after 60".to_vec())]);
}

#[test]
fn no_snapshot_is_sent_before_it_is_known() {
    let (mut world, leader, behind) = behind(2);
    attach(&mut world, leader, Attachment::Pending);
    world.boot(behind);
    world.run_for(5000);
    assert_eq!(world.nodes[behind].saw(installed), None, "an older state would be wrong");
    attach(&mut world, leader, Attachment::State(b"after 60".to_vec()));
    world.run_until(5000, |world| world.nodes[behind].saw(installed).is_some());
    assert_eq!(world.nodes[behind].installed, [Some(b"after 60".to_vec())]);
}

/// A state that was told before the last decisions is not sent in their place.
#[test]
fn an_older_state_is_not_sent() {
    let (mut world, leader, behind) = behind(3);
    attach(&mut world, leader, Attachment::State(b"after 60".to_vec()));
    world.propose(leader, b"one more");
    world.run_for(200);
    world.boot(behind);
    world.run_for(5000);
    assert_eq!(world.nodes[behind].saw(installed), None);
    attach(&mut world, leader, Attachment::State(b"after 61".to_vec()));
    world.run_until(5000, |world| world.nodes[behind].saw(installed).is_some());
    assert_eq!(world.nodes[behind].installed, [Some(b"after 61".to_vec())]);
}

#[test]
fn who_attaches_nothing_or_too_much_sends_snapshots_without() {
    for (seed, attachment) in
        [Attachment::Nothing, Attachment::State(vec![0; MAX_ATTACHMENT_BYTES + 1])].into_iter().enumerate()
    {
        let (mut world, leader, behind) = behind(10 + seed as u64);
        attach(&mut world, leader, attachment);
        world.boot(behind);
        world.run_until(5000, |world| world.nodes[behind].saw(installed).is_some());
        assert_eq!(world.nodes[behind].installed, [None]);
    }
}

//! Small worlds, as far as a test has the time; `edgepos-sim worlds --complete` explores them to the end.

use edgepos_sim::small::{Explored, Limits, WORLDS, World, explore, replay};

/// The long ones less far: CI walks them as well, optimised and further.
fn limits(world: &World) -> Limits {
    Limits { depth: 60, states: if world.long { 120 } else { 300 } }
}

fn world(name: &str) -> World {
    *WORLDS.iter().find(|world| world.name == name).expect("one of the worlds")
}

fn holds(name: &str) -> Explored {
    let world = world(name);
    let limits = limits(&world);
    let found = explore(world, limits);
    if let Some(failure) = &found.failure {
        panic!("{name}: {:?} after {:?}", failure.violations, failure.steps);
    }
    assert!(found.states > limits.states || found.complete, "{found:?}");
    assert!(found.settled > 0, "no path was brought to rest: {found:?}");
    found
}

#[test]
fn every_world_holds_as_far_as_it_is_explored() {
    for world in WORLDS {
        holds(world.name);
    }
}

#[test]
fn a_world_is_the_same_each_time() {
    let (first, second) = (holds("one-sale"), holds("one-sale"));
    assert_eq!(
        (first.states, first.steps, first.merged, first.settled, first.deepest),
        (second.states, second.steps, second.merged, second.settled, second.deepest)
    );
    assert!(first.merged > 0, "two orders of what does not depend on each other lead to one state");
}

#[test]
fn a_disk_that_reports_early_is_found_and_its_path_leads_there_again() {
    let mut lying = world("one-sale");
    lying.disks_lie = true;
    let failure = explore(lying, Limits { depth: 60, states: 20_000 }).failure.expect("a sale is lost");
    let lines = replay(lying, &failure.path);
    let said = failure.violations[0].to_string();
    assert_eq!(lines.last(), Some(&said), "{:?}", failure.steps);
}

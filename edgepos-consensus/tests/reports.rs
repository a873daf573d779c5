#![allow(clippy::unwrap_used, reason = "a test")]

use core::time::Duration;

use edgepos_core::Now;

use crate::support::World;

/// E11: elections per hour, failover durations and time without quorum, as each terminal saw them.
#[test]
fn a_terminal_reports_what_it_saw() {
    let mut world = World::new(1, 5);
    world.elect();
    world.run_for(1000);
    let watcher = (0..5).find(|node| Some(*node) != world.leader()).unwrap();
    let start = world.report(watcher);
    assert_eq!((start.elections, start.elections_last_hour, start.split_brains), (1, 1, 0));
    assert_eq!(start.failover_max, Duration::ZERO);
    let before = start.without_quorum;
    assert!(before > Duration::from_millis(100) && before < Duration::from_millis(600), "{before:?}");
    for _ in 0..4 {
        let leader = world.elect();
        if leader == watcher {
            world.step_down(watcher);
            world.run_for(1000);
            continue;
        }
        world.crash(leader);
        world.run_for(2000);
        world.boot(leader);
        world.run_for(1000);
    }
    let report = world.report(watcher);
    assert_eq!(report.elections, 5);
    assert_eq!(report.elections_last_hour, 5);
    assert!(
        report.failover_p50 > Duration::from_millis(5) && report.failover_max < Duration::from_millis(1500),
        "{report:?}"
    );
    assert!(report.failover_p50 <= report.failover_p99 && report.failover_p99 <= report.failover_max);
    assert!(report.without_quorum > before && report.without_quorum < Duration::from_secs(5));
    world.run_for(3_700_000);
    let later = world.report(watcher);
    assert_eq!((later.elections, later.elections_last_hour, later.split_brains), (5, 0, 0));
    assert_eq!(later.without_quorum, report.without_quorum);
}

/// Time without quorum counts while a terminal is cut off.
#[test]
fn time_without_quorum_counts_while_cut_off() {
    let mut world = World::new(2, 3);
    let leader = world.elect();
    world.run_for(500);
    let before = world.report(leader).without_quorum;
    world.isolate(leader);
    world.run_for(10_000);
    let during = world.nodes[leader].election.as_ref().unwrap().report(Now::new(world.now, 0)).without_quorum;
    assert!(during - before > Duration::from_millis(9500), "{during:?}");
    world.heal();
    world.run_for(2000);
    let after = world.report(leader).without_quorum;
    assert!(after - before < Duration::from_millis(11_500), "{after:?}");
}

#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::{Config, Timing};

use crate::support::World;

fn fast(config: &mut Config) {
    (config.timing, config.lossy_transport) = (Timing::fast(), true);
}

fn failovers(terminals: usize, loss: u64, seeds: u64) -> Vec<u64> {
    let mut times: Vec<_> = (0..seeds)
        .map(|seed| {
            let mut world = World::with(seed, terminals, fast);
            world.loss = loss;
            let leader = world.elect();
            world.run_for(1000 + seed * 13 % 50);
            world.crash(leader);
            world.run_until(3000, |world| world.leader().is_some())
        })
        .collect();
    times.sort_unstable();
    times
}

/// E1: a power cut, five terminals: every failover within about 350 ms, since each follower has a slot of its own.
#[test]
fn failover_is_short_and_even() {
    let times = failovers(5, 0, 150);
    println!("no loss: p50 {} p99 {} max {} ms", times[75], times[148], times[149]);
    assert!(times[149] <= 360, "{times:?}");
    let lossy = failovers(5, 50, 150);
    println!("5 % loss: p50 {} p99 {} max {} ms", lossy[75], lossy[148], lossy[149]);
    assert!(lossy[148] <= 900, "{lossy:?}");
}

/// E5: the leader is isolated. Two terminals never both believe that they lead, entitled or not.
#[test]
fn no_two_ever_believe_that_they_lead() {
    for seed in 0..150 {
        let mut world = World::with(seed, 3 + 2 * (seed % 2) as usize, fast);
        let leader = world.elect();
        world.run_for(500 + seed % 50);
        world.isolate(leader);
        for _ in 0..700 {
            world.run_for(1);
            let believes = |node: &&crate::support::Node| {
                let known = node.election.as_ref().unwrap().leader();
                known.is_some_and(|leader| leader.replica == node.config.me)
            };
            assert!(world.nodes.iter().filter(believes).count() <= 1, "{}", world.summary());
        }
        assert!(world.leader().is_some());
    }
}

/// Requests for votes are lost: they are repeated after 30 ms, where raft would wait for another timeout.
#[test]
fn lost_votes_are_asked_for_again() {
    for seed in 0..20 {
        let mut world = World::with(seed, 5, fast);
        let leader = world.elect();
        world.run_for(700);
        world.trace = Some(Vec::new());
        world.drops = Some("Vote {");
        world.crash(leader);
        world
            .run_until(600, |world| world.trace.as_ref().unwrap().iter().any(|line| line.contains("Vote {")));
        world.drops = None;
        let took = world.run_until(2000, |world| world.leader().is_some());
        assert!(took < 90, "{took}");
    }
}

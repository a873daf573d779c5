#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::recovery::{Recovery, adopt, recover};
use edgepos_consensus::{
    Config, DropReason, Election, MembershipError, Notice, RecoverError, Restored, StartError,
};
use edgepos_core::{Now, StoreGeneration, Write};

use crate::support::{World, replica};

fn write(world: &mut World, node: usize, writes: Vec<Write>) {
    for write in writes {
        match write {
            Write::Put { space, key, value } => world.nodes[node].disk.insert((space, key), value),
            Write::Delete { space, key } => world.nodes[node].disk.remove(&(space, key)),
        };
    }
}

fn next_generation(world: &World, node: usize) -> Config {
    let mut config = world.nodes[node].config.clone();
    config.generation.0 += 1;
    config
}

fn try_recover(world: &World, node: usize) -> Result<(Recovery, Vec<Write>), RecoverError> {
    recover(&next_generation(world, node), world.nodes[node].restored())
}

/// An operator makes the stopped terminal the only voter.
fn recover_by_force(world: &mut World, node: usize) -> Recovery {
    let (recovery, writes) = try_recover(world, node).unwrap();
    write(world, node, writes);
    world.nodes[node].config = next_generation(world, node);
    recovery
}

/// An operator makes the stopped terminal a follower of the recovered one.
fn adopt_by_force(world: &mut World, node: usize, recovery: &Recovery) {
    let mut config = next_generation(world, node);
    let writes = adopt(&config, world.nodes[node].restored(), recovery).unwrap();
    write(world, node, writes);
    (config.voters, config.joins) = (vec![recovery.survivor], true);
    world.nodes[node].config = config;
}

fn admit(world: &mut World, leader: usize, node: usize) {
    for _ in 0..50 {
        let now = Now::new(world.now, 0);
        let election = world.nodes[leader].election.as_mut().unwrap();
        let admitted = election.admit(now, replica(node));
        world.flush(leader);
        match admitted {
            Ok(()) => return world.run_for(500),
            Err(MembershipError::ChangeUnderWay | MembershipError::NotEntitled) => world.run_for(50),
            Err(error) => panic!("{error}"),
        }
    }
    panic!("nobody admits");
}

/// E8: three of five terminals burned down. An operator picks the survivor that knows more; it leads by itself and takes decisions,
/// the other one follows it with all that it had, and nothing is applied twice. What the store decided before is still decided.
#[test]
fn two_of_five_go_on() {
    for seed in 0..20 {
        let mut world = World::new(seed, 5);
        world.elect();
        for number in 0..10 {
            let leader = world.elect();
            world.propose_next(leader, &[number]);
            world.run_for(40 * seed);
        }
        (2..5).for_each(|node| world.crash(node));
        world.run_for(3000);
        assert_eq!(world.leader(), None, "two of five decide nothing");
        (0..2).for_each(|node| world.crash(node));
        let plans = [0, 1].map(|node| try_recover(&world, node).unwrap().0);
        let best = usize::from((plans[1].last_term, plans[1].last) > (plans[0].last_term, plans[0].last));
        let other = 1 - best;
        let recovery = recover_by_force(&mut world, best);
        assert_eq!((recovery.survivor, recovery.left_out), (replica(best), 4));
        adopt_by_force(&mut world, other, &recovery);
        world.boot(best);
        world.boot(other);
        let leader = world.elect();
        assert_eq!(leader, best);
        let told =
            |notice: &Notice| matches!(notice, Notice::StoreRecovered { generation: StoreGeneration(1), .. });
        assert!(world.nodes[best].saw(told).is_some(), "it is never silent");
        admit(&mut world, best, other);
        let key = world.propose_next(best, b"we go on");
        world.run_for(1000);
        for node in [best, other] {
            assert_eq!(world.nodes[node].applied.last().unwrap().key, key, "seed {seed}");
        }
        assert_eq!(world.nodes[best].applied, world.nodes[other].applied, "seed {seed}");
        // With both as voters, either is needed; a restart changes nothing of it.
        world.run_for(1000);
        assert_eq!(world.nodes[best].election.as_ref().unwrap().voters().len(), 2);
        world.crash(best);
        world.run_for(1000);
        world.boot(best);
        world.elect();
    }
}

/// One of those thought dead comes back on its old rows: it is refused and disturbs nobody. After it has adopted the recovery
/// it follows.
#[test]
fn a_returning_terminal_of_the_old_generation_is_refused() {
    let mut world = World::new(3, 3);
    let old_leader = world.elect();
    world.propose_next(old_leader, b"before");
    world.run_for(500);
    (0..3).for_each(|node| world.crash(node));
    let recovery = recover_by_force(&mut world, 0);
    world.boot(0);
    world.elect();
    world.run_for(500);
    world.boot(1);
    world.run_for(5000);
    assert_eq!(world.leader(), Some(0));
    let refused = |notice: &Notice| matches!(notice, Notice::Refused { reason: DropReason::WrongStore, .. });
    assert!(world.nodes[0].saw(refused).is_some(), "its words are refused, and that is told");
    assert_eq!(world.nodes[1].election.as_ref().unwrap().leader(), None);
    world.crash(1);
    adopt_by_force(&mut world, 1, &recovery);
    world.boot(1);
    admit(&mut world, 0, 1);
    let key = world.propose_next(0, b"after");
    world.run_for(1000);
    assert_eq!(world.nodes[1].applied.last().unwrap().key, key);
    assert_eq!(world.nodes[1].applied, world.nodes[0].applied);
}

/// E9: a store of two, the cloud out of reach, and one terminal is replaced. The survivor is recovered and admits the new one; from
/// then on the two decide together.
#[test]
fn a_replacement_in_a_store_of_two() {
    let mut world = World::new(5, 2);
    let leader = world.elect();
    world.propose_next(leader, b"with the old one");
    world.run_for(500);
    let (survivor, dead) = (0, 1);
    world.crash(dead);
    world.run_for(2000);
    assert_eq!(world.leader(), None);
    world.crash(survivor);
    recover_by_force(&mut world, survivor);
    world.boot(survivor);
    world.elect();
    let mut config = Config::standard(replica(2), vec![replica(survivor)], 5);
    (config.joins, config.generation) = (true, StoreGeneration(1));
    let newcomer = world.add(config);
    world.boot(newcomer);
    admit(&mut world, survivor, newcomer);
    world.run_for(1000);
    assert_eq!(world.nodes[survivor].election.as_ref().unwrap().voters().len(), 2);
    let key = world.propose_next(survivor, b"with the new one");
    world.run_for(500);
    assert_eq!(world.nodes[newcomer].applied.last().unwrap().key, key);
}

/// A change of members that was under way does not bring the dead back.
#[test]
fn a_change_under_way_is_dropped() {
    let mut world = World::new(7, 3);
    let leader = world.elect();
    world.run_for(500);
    world.isolate(leader);
    let now = Now::new(world.now, 0);
    world.nodes[leader].election.as_mut().unwrap().admit(now, replica(9)).unwrap();
    world.flush(leader);
    world.run_for(100);
    (0..3).for_each(|node| world.crash(node));
    world.heal();
    let recovery = recover_by_force(&mut world, leader);
    assert!(recovery.last > recovery.decided);
    world.boot(leader);
    world.elect();
    world.run_for(1000);
    let election = world.nodes[leader].election.as_ref().unwrap();
    assert_eq!((election.voters(), election.learners()), (&[replica(leader)][..], &[][..]));
}

/// What cannot be recovered, and what must not be.
#[test]
fn what_is_refused() {
    let mut world = World::new(9, 3);
    let leader = world.elect();
    world.run_for(500);
    let behind = (leader + 1) % 3;
    world.crash(behind);
    (0..5).for_each(|_| {
        world.propose_next(leader, b"more");
    });
    world.run_for(500);
    (0..3).filter(|node| *node != behind).for_each(|node| world.crash(node));
    let config = world.nodes[leader].config.clone();
    let rows = |node: usize| world.nodes[node].restored();
    let same = RecoverError::Generation { rows: StoreGeneration(0), asked: StoreGeneration(0) };
    assert_eq!(recover(&config, rows(leader)).unwrap_err(), same);
    let raised = next_generation(&world, leader);
    assert_eq!(recover(&raised, Restored::new()).unwrap_err(), RecoverError::Empty);
    let (poor, _) = try_recover(&world, behind).unwrap();
    let adopted = adopt(&raised, rows(leader), &poor);
    assert!(matches!(adopted, Err(RecoverError::KnowsMore { decided, survivor }) if decided > survivor));
    let other = Config { generation: StoreGeneration(2), ..config.clone() };
    let wrong = adopt(&other, rows(leader), &poor).unwrap_err();
    assert_eq!(wrong, RecoverError::Generation { rows: StoreGeneration(1), asked: StoreGeneration(2) });
    // The configuration alone does not change the generation.
    let started = Election::new(Now::new(0, 0), raised, rows(leader));
    let expected = StartError::Generation { rows: StoreGeneration(0), config: StoreGeneration(1) };
    assert_eq!(started.err(), Some(expected));
}

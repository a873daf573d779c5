#![allow(clippy::unwrap_used, reason = "a test")]

use core::time::Duration;

use edgepos_consensus::{Config, Election, MembershipError, Notice, Restored, StartError};
use edgepos_core::{Now, ReplicaId};

use crate::support::{World, replica, replicas};

fn admit(world: &mut World, newcomer: ReplicaId) -> Result<(), MembershipError> {
    let leader = world.elect();
    let now = Now::new(world.now, 0);
    let result = world.nodes[leader].election.as_mut().unwrap().admit(now, newcomer);
    world.flush(leader);
    result
}

fn retire(world: &mut World, member: ReplicaId) -> Result<(), MembershipError> {
    let leader = world.elect();
    let now = Now::new(world.now, 0);
    let result = world.nodes[leader].election.as_mut().unwrap().retire(now, member);
    world.flush(leader);
    result
}

fn joining(genesis: usize, me: usize, seed: u64) -> Config {
    Config { joins: true, ..Config::standard(replica(me), replicas(genesis), seed) }
}

fn voters(world: &World, node: usize) -> Vec<ReplicaId> {
    world.nodes[node].election.as_ref().unwrap().voters().to_vec()
}

/// E8: a terminal is added as a learner, gets the whole log, and votes once it has caught up; then it can lead.
#[test]
fn a_newcomer_learns_then_votes_then_leads() {
    for seed in 0..10 {
        let mut world = World::new(seed, 3);
        let leader = world.elect();
        for number in 0..20 {
            world.propose(leader, &[number]);
        }
        world.run_for(500);
        let newcomer = world.add(joining(3, 3, seed));
        world.boot(newcomer);
        world.run_for(2000);
        assert!(world.nodes[newcomer].applied.is_empty(), "not admitted yet");
        admit(&mut world, replica(newcomer)).unwrap();
        world.run_for(50);
        world.run_until(5000, |world| voters(world, newcomer).contains(&replica(newcomer)));
        world.run_for(1000);
        assert_eq!(world.nodes[newcomer].applied.len(), 20);
        assert!((0..4).all(|node| voters(&world, node) == replicas(4)), "{}", world.summary());
        let told = |notice: &Notice| matches!(notice, Notice::MembersChanged { learners, .. } if *learners == [replica(3)]);
        assert!(world.nodes[leader].saw(told).is_some(), "a learner first");
        world.propose(newcomer, b"from the newcomer");
        world.run_for(500);
        assert_eq!(world.nodes[0].applied.len(), 21);
        // With two of the old ones off, three of four are gone from no majority: the newcomer counts.
        world.crash((leader + 1) % 3);
        world.run_for(3000);
        assert!(world.leader().is_some());
    }
}

/// A newcomer to a store whose log was compacted gets a snapshot with the members in it, and restarts from its disk.
#[test]
fn a_newcomer_to_a_long_log_gets_a_snapshot() {
    let mut world = World::with(2, 3, |config| config.max_log_entries = 16);
    let leader = world.elect();
    for number in 0..60 {
        world.propose(leader, &[number]);
        world.run_for(30);
    }
    let newcomer = world.add(joining(3, 3, 2));
    world.boot(newcomer);
    admit(&mut world, replica(newcomer)).unwrap();
    world.run_until(5000, |world| voters(world, newcomer).contains(&replica(newcomer)));
    assert!(world.nodes[newcomer].saw(|notice| matches!(notice, Notice::SnapshotInstalled { .. })).is_some());
    world.run_for(500);
    world.crash(newcomer);
    world.boot(newcomer);
    world.run_for(1000);
    assert_eq!(voters(&world, newcomer), replicas(4));
    let key = world.propose(newcomer, b"after");
    world.run_for(500);
    assert!(world.nodes.iter().all(|node| node.applied.last().unwrap().key == key));
}

/// A retired terminal counts no more: a store of three that loses one for good works on with two, and tolerates no ghost.
#[test]
fn a_retired_terminal_does_not_count() {
    for seed in 0..10 {
        let mut world = World::new(seed, 4);
        let leader = world.elect();
        let (gone, other) = ((leader + 1) % 4, (leader + 2) % 4);
        world.run_for(300);
        world.crash(gone);
        retire(&mut world, replica(gone)).unwrap();
        world.run_for(500);
        assert_eq!(voters(&world, leader).len(), 3);
        world.crash(other);
        world.run_for(3000);
        let leader = world.leader().expect("two of three are a majority, though two of four are not");
        let again = admit(&mut world, replica(gone));
        assert_eq!(again, Err(MembershipError::Retired { replica: replica(gone) }), "not under this name");
        // It comes back from its old disk: nobody votes for it, and it disturbs nobody.
        world.boot(gone);
        world.run_for(20_000);
        assert_eq!(world.leader(), Some(leader));
    }
}

/// One change at a time, by the leader, and never the leader itself.
#[test]
fn impossible_changes_are_refused() {
    let mut world = World::new(1, 3);
    let leader = world.elect();
    world.run_for(300);
    let now = Now::new(world.now, 0);
    let follower = (leader + 1) % 3;
    let election = world.nodes[follower].election.as_mut().unwrap();
    assert_eq!(election.admit(now, replica(7)), Err(MembershipError::NotEntitled));
    let me = replica(leader);
    let election = world.nodes[leader].election.as_mut().unwrap();
    assert_eq!(election.retire(now, me), Err(MembershipError::Leads { replica: me }));
    assert_eq!(election.retire(now, replica(9)), Err(MembershipError::NotAMember { replica: replica(9) }));
    assert_eq!(election.admit(now, me), Err(MembershipError::AlreadyMember { replica: me }));
    assert_eq!(
        election.admit(now, ReplicaId(3)),
        Err(MembershipError::NotATerminal { replica: ReplicaId(3) })
    );
    let cloud = ReplicaId::cloud(7);
    let refused = election.admit(now, cloud).unwrap_err();
    assert_eq!(refused, MembershipError::NotATerminal { replica: cloud });
    assert!(refused.to_string().starts_with("replica: 65535-000000000007 is no terminal"), "{refused}");
    assert!(refused.to_string().ends_with("from 1 to 65534"), "{refused}");
    assert_eq!(election.admit(now, replica(7)), Ok(()));
    assert_eq!(election.admit(now, replica(8)), Err(MembershipError::ChangeUnderWay));
}

#[test]
fn the_sixteenth_is_not_admitted() {
    let mut world = World::new(1, 15);
    world.elect();
    world.run_for(300);
    assert_eq!(admit(&mut world, ReplicaId::new(99, 1)), Err(MembershipError::Full { limit: 15 }));
}

/// E8: a voter is off for ten minutes. A learner gets its vote, and the store survives the next failures; when it comes back, it
/// learns.
#[test]
fn an_absent_voter_is_replaced_by_a_learner() {
    let mut world = World::new(5, 7);
    let leader = world.elect();
    let absent = (0..5).find(|node| *node != leader).unwrap();
    world.crash(absent);
    world.run_for(590_000);
    assert!(voters(&world, leader).contains(&replica(absent)), "not before ten minutes");
    world.run_for(15_000);
    let now = voters(&world, leader);
    assert!(!now.contains(&replica(absent)) && now.len() == 5, "{now:?}");
    assert!(now.contains(&replica(5)) || now.contains(&replica(6)));
    world.boot(absent);
    world.run_for(2000);
    assert_eq!(voters(&world, absent), now);
    assert_eq!(world.elections.len(), 1, "nobody was disturbed");
    let key = world.propose(absent, b"as a learner");
    world.run_for(500);
    assert!(world.nodes.iter().all(|node| node.applied.last().unwrap().key == key));
}

/// Learners alone elect nobody, and never below three voters.
#[test]
fn three_voters_are_never_given_up() {
    let mut world = World::with(6, 3, |config| config.replace_voter_after = Duration::from_secs(10));
    let leader = world.elect();
    world.crash((leader + 1) % 3);
    world.run_for(60_000);
    assert_eq!(voters(&world, leader).len(), 3);
}

/// A terminal that the log does not list does not start as if it were a member.
#[test]
fn a_stranger_does_not_start_from_the_disk_of_another() {
    let mut world = World::new(7, 3);
    world.elect();
    let mut config = world.nodes[0].config.clone();
    config.me = replica(8);
    config.voters.push(replica(8));
    let restored: Restored = world.nodes[0].restored();
    let error = Election::new(Now::new(0, 0), config, restored).unwrap_err();
    assert_eq!(error, StartError::NotAMember { me: replica(8) });
}

/// A member is away while a newcomer joins and becomes the leader. It follows it when it returns, though its own list does not
/// name it.
#[test]
fn a_returning_member_follows_a_leader_it_has_never_heard_of() {
    for seed in 0..10 {
        let mut world = World::new(seed, 3);
        let leader = world.elect();
        let away = (leader + 1) % 3;
        world.run_for(500);
        world.crash(away);
        let newcomer = world.add(joining(3, 3, seed));
        world.boot(newcomer);
        admit(&mut world, replica(newcomer)).unwrap();
        world.run_until(5000, |world| voters(world, newcomer).len() == 4);
        world.run_for(500);
        for _ in 0..8 {
            if let Some(leader) = world.leader().filter(|leader| *leader != newcomer) {
                world.step_down(leader);
                world.run_for(1500);
            }
        }
        assert_eq!(world.leader(), Some(newcomer));
        world.boot(away);
        world.run_for(1500);
        let known = world.nodes[away].election.as_ref().unwrap().leader();
        assert_eq!(known.map(|leader| leader.replica), Some(replica(newcomer)));
        assert_eq!(voters(&world, away).len(), 4);
    }
}

/// A terminal is retired, and elected before the decision is known: it leads until the decision reaches it, and not any more then.
#[test]
fn a_leader_that_is_retired_stops_leading() {
    let mut led = 0;
    for seed in 0..60 {
        let mut world = World::new(seed, 4);
        let old = world.elect();
        world.run_for(500);
        let retired = (old + 1) % 4;
        retire(&mut world, replica(retired)).unwrap();
        world.run_for(2 + seed % 5);
        world.crash(old);
        world.run_for(2500);
        led += u32::from(world.elections.iter().any(|(_, node)| *node == retired));
        world.propose_next((old + 2) % 4, b"makes the log move");
        world.run_for(3000);
        let leader = world.elect();
        assert!(
            leader != retired || voters(&world, leader).contains(&replica(retired)),
            "{}",
            world.summary()
        );
        assert!(
            world
                .nodes
                .iter()
                .filter_map(|node| node.election.as_ref())
                .all(|election| election.halted().is_none())
        );
    }
    assert!(led > 0, "the case occurs");
}

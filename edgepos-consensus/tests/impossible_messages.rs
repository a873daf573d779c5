//! Each message here makes raft panic, or take what it can never give back, where nothing stands before it. Here each is refused
//! with its reason, and the store goes on.

#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::{DecodeError, DecodeFault, DropReason, Input, Message};
use edgepos_core::ReplicaId;

use crate::support::forge::{self, Forged};
use crate::support::{World, replica, replicas};

/// A store of three with a leader and some decisions: the terminal, a peer that does not lead, and the term.
struct Scene {
    world: World,
    leader: usize,
    follower: usize,
    other: usize,
    term: u64,
    last: u64,
}

fn scene() -> Scene {
    let mut world = World::new(11, 3);
    let leader = world.elect();
    for number in 0..3 {
        world.propose(leader, &[number]);
    }
    world.run_for(1000);
    let term = world.nodes[leader].election.as_ref().unwrap().term().0;
    let last = world.nodes[leader].applied.last().unwrap().index;
    Scene { world, leader, follower: (leader + 1) % 3, other: (leader + 2) % 3, term, last }
}

impl Scene {
    /// From the leader to the follower.
    fn down(&self, kind: u64) -> Forged {
        Forged::new(kind, replica(self.leader), replica(self.follower), self.term)
    }

    /// From the follower to the leader.
    fn up(&self, kind: u64) -> Forged {
        Forged::new(kind, replica(self.follower), replica(self.leader), self.term)
    }

    fn append(&self, index: u64, log_term: u64, entries: &[forge::Entry]) -> Forged {
        let append = self.down(forge::APPEND).with(forge::INDEX, index).with(forge::LOG_TERM, log_term);
        append.with(forge::COMMIT, self.last).entries(entries)
    }

    fn vote(&self, term: u64) -> Forged {
        let vote = Forged::new(forge::VOTE, replica(self.other), replica(self.follower), term);
        vote.with(forge::INDEX, self.last)
            .with(forge::LOG_TERM, self.term)
            .with(forge::COMMIT, 0)
            .with(forge::COMMIT_TERM, 0)
    }

    fn told(&mut self, node: usize, forged: &Forged) -> Option<DropReason> {
        let before = self.world.nodes[node].notices.len();
        self.world.tell(node, Input::Message(forged.message()));
        assert_eq!(self.world.nodes[node].election.as_ref().unwrap().halted(), None);
        let news = &self.world.nodes[node].notices[before..];
        news.iter().find_map(|(_, notice)| match notice {
            edgepos_consensus::Notice::Refused { reason, .. } => Some(*reason),
            _ => None,
        })
    }

    fn refused(&mut self, node: usize, forged: &Forged, reason: DropReason) {
        let before = self.world.drops().get(&reason).copied().unwrap_or_default();
        assert_eq!(self.told(node, forged), Some(reason));
        assert_eq!(self.world.drops()[&reason], before + 1, "it is counted");
    }

    /// The store still decides, under the same leader.
    fn unharmed(mut self) {
        let key = self.world.propose(self.follower, b"still alive");
        self.world.run_for(1500);
        assert!(self.world.nodes.iter().all(|node| node.applied.last().unwrap().key == key));
        assert_eq!((self.world.leader(), self.world.elections.len()), (Some(self.leader), 1));
    }
}

#[test]
fn terms_of_zero_and_term_bombs() {
    let mut scene = scene();
    let follower = scene.follower;
    for term in [0, scene.term + (1 << 20) + 1, 1 << 48, u64::MAX] {
        let vote = scene.vote(term);
        scene.refused(follower, &vote, DropReason::ImpossibleTerm);
        let pre_vote = scene.vote(term).with(forge::FLAGS, 2);
        scene.refused(follower, &pre_vote, DropReason::ImpossibleTerm);
        let heartbeat = scene.down(forge::HEARTBEAT).with(4, term).with(forge::COMMIT, 0);
        scene.refused(follower, &heartbeat, DropReason::ImpossibleTerm);
    }
    scene.unharmed();
}

#[test]
fn entries_that_no_leader_appends() {
    let mut scene = scene();
    let (follower, term, last) = (scene.follower, scene.term, scene.last);
    let cases: [(u64, u64, Vec<forge::Entry>, DropReason); 9] = [
        (last, term, vec![(last + 2, term, 0)], DropReason::ImpossibleEntries),
        (last, term, vec![(last + 1, term, 0), (last + 3, term, 0)], DropReason::ImpossibleEntries),
        (last, term, vec![(last + 1, term + 1, 0)], DropReason::ImpossibleEntries),
        (last, term, vec![(last + 1, term - 1, 0)], DropReason::ImpossibleEntries),
        (last, term, vec![(last, term, 0)], DropReason::ImpossibleEntries),
        (last + 50, 0, vec![(last + 51, term, 0)], DropReason::ImpossibleIndex),
        (0, term, vec![(1, term, 0)], DropReason::ImpossibleIndex),
        (u64::MAX, term, vec![(0, term, 0)], DropReason::ImpossibleIndex),
        (last, term + 1, vec![], DropReason::ImpossibleIndex),
    ];
    for (index, log_term, entries, reason) in cases {
        let append = scene.append(index, log_term, &entries);
        scene.refused(follower, &append, reason);
    }
    let commit = scene.append(last, term, &[]).with(forge::COMMIT, u64::MAX);
    scene.refused(follower, &commit, DropReason::ImpossibleIndex);
    scene.unharmed();
}

/// Old, early and conflicting entries that an honest leader may send in some order: taken without harm.
#[test]
fn replayed_and_overlapping_entries_are_harmless() {
    let mut scene = scene();
    let (follower, term, last) = (scene.follower, scene.term, scene.last);
    for (index, log_term) in [(0, 0), (1, term), (last, term), (last + 7, term), (2, 1)] {
        let append = scene.append(index, log_term, &[(index + 1, term, 0)]).with(forge::COMMIT, 0);
        if index != last {
            assert_eq!(scene.told(follower, &append), None);
        }
    }
    scene.unharmed();
}

#[test]
fn a_second_leader_in_one_term() {
    let mut scene = scene();
    let (leader, follower, other) = (scene.leader, scene.follower, scene.other);
    let usurper =
        Forged::new(forge::HEARTBEAT, replica(other), replica(follower), scene.term).with(forge::COMMIT, 0);
    scene.refused(follower, &usurper, DropReason::SecondLeader);
    let usurper =
        Forged::new(forge::HEARTBEAT, replica(other), replica(leader), scene.term).with(forge::COMMIT, 0);
    scene.refused(leader, &usurper, DropReason::SecondLeader);
    scene.unharmed();
}

#[test]
fn answers_beyond_the_leaders_log() {
    let mut scene = scene();
    let (leader, last) = (scene.leader, scene.last);
    for (index, commit) in [(last + 9, 0), (u64::MAX, 0), (1, last + 9)] {
        let reply = scene.up(forge::APPEND_REPLY).with(forge::INDEX, index).with(forge::COMMIT, commit);
        scene.refused(leader, &reply, DropReason::ImpossibleIndex);
    }
    let hint =
        scene.up(forge::APPEND_REPLY).with(forge::INDEX, 1).with(forge::COMMIT, 0).with(forge::FLAGS, 1);
    let hint = hint.with(forge::HINT, u64::MAX).with(forge::LOG_TERM, 1);
    scene.refused(leader, &hint, DropReason::ImpossibleIndex);
    let beat = scene.up(forge::HEARTBEAT_REPLY).with(forge::COMMIT, last + 9);
    scene.refused(leader, &beat, DropReason::ImpossibleIndex);
    scene.unharmed();
}

#[test]
fn snapshots_that_no_leader_sends() {
    let mut scene = scene();
    let (follower, term, last) = (scene.follower, scene.term, scene.last);
    let three = replicas(3);
    let others = [replica(scene.leader), replica(scene.other)];
    for (index, snapshot_term, voters) in [
        (0, term, &three[..]),
        (u64::MAX, term, &three[..]),
        (last, 0, &three[..]),
        (last, term + 1, &three[..]),
        (last, term, &others[..]),
    ] {
        let snapshot = scene.down(forge::SNAPSHOT).snapshot(index, snapshot_term, voters, &[]);
        scene.refused(follower, &snapshot, DropReason::ImpossibleSnapshot);
    }
    for (voters, learners) in
        [(vec![], three.clone()), (three.clone(), vec![three[0]]), (vec![three[0], three[0]], vec![])]
    {
        let bytes = scene.down(forge::SNAPSHOT).snapshot(last, term, &voters, &learners).bytes();
        assert!(matches!(Message::decode(&bytes), Err(DecodeError { fault: DecodeFault::Impossible, .. })));
    }
    scene.unharmed();
}

#[test]
fn orders_to_take_over_from_others() {
    let mut scene = scene();
    let (follower, other) = (scene.follower, scene.other);
    let order = Forged::new(forge::TIMEOUT_NOW, replica(other), replica(follower), scene.term);
    scene.refused(follower, &order, DropReason::NotFromLeader);
    let early = scene.down(forge::TIMEOUT_NOW).with(4, scene.term + 1);
    scene.refused(follower, &early, DropReason::NotFromLeader);
    scene.unharmed();
}

#[test]
fn votes_that_contradict_themselves() {
    let mut scene = scene();
    let (follower, term) = (scene.follower, scene.term);
    let next = term + 1;
    for vote in [
        scene.vote(next).with(forge::LOG_TERM, 0),
        scene.vote(next).with(forge::LOG_TERM, next),
        scene.vote(next).with(forge::COMMIT, 5),
        scene.vote(next).with(forge::COMMIT, scene.last + 1).with(forge::COMMIT_TERM, 1),
        scene.vote(next).with(forge::INDEX, u64::MAX),
    ] {
        scene.refused(follower, &vote, DropReason::ImpossibleIndex);
    }
    scene.unharmed();
}

#[test]
fn strangers_and_strays() {
    let mut scene = scene();
    let (leader, follower) = (scene.leader, scene.follower);
    let stranger = ReplicaId::new(77, 7);
    let beat =
        Forged::new(forge::HEARTBEAT, stranger, replica(follower), scene.term + 1).with(forge::COMMIT, 0);
    scene.refused(follower, &beat, DropReason::UnknownSender);
    let stray = scene
        .down(forge::HEARTBEAT)
        .with(3, replica(leader).0)
        .with(2, replica(scene.other).0)
        .with(forge::COMMIT, 0);
    scene.refused(follower, &stray, DropReason::WrongDestination);
    let foreign = scene.down(forge::HEARTBEAT).with(forge::COMMIT, 0).of_store([7; 16]);
    scene.refused(follower, &foreign, DropReason::WrongStore);
    let generation = scene.down(forge::HEARTBEAT).with(forge::COMMIT, 0).with(1, 3);
    scene.refused(follower, &generation, DropReason::WrongStore);
    scene.unharmed();
}

#[test]
fn proposals_in_anothers_name_or_to_the_wrong_terminal() {
    let mut scene = scene();
    let (leader, follower) = (scene.leader, scene.follower);
    let forged = scene.up(forge::PROPOSE).proposal(replica(scene.other), 1, 3);
    scene.refused(leader, &forged, DropReason::ImpossibleProposal);
    let astray = scene.down(forge::PROPOSE).proposal(replica(leader), 4, 3);
    scene.refused(follower, &astray, DropReason::NotLeading);
    // A gap, and one above the limit of the size: not appended, and nothing else happens.
    for (number, bytes) in [(7, 3), (1, 70_000)] {
        let proposal = scene.up(forge::PROPOSE).proposal(replica(follower), number, bytes);
        assert_eq!(scene.told(leader, &proposal), None);
    }
    scene.world.run_for(500);
    assert!(scene.world.nodes.iter().all(|node| node.applied.len() == 3));
    scene.unharmed();
}

#[test]
fn kinds_that_are_local_or_unknown() {
    let scene = scene();
    for kind in [0, 10, 14, 99, u64::MAX] {
        let error = Message::decode(&scene.down(kind).bytes()).unwrap_err();
        assert_eq!(error.fault, DecodeFault::Unknown { code: kind });
    }
    let bare = scene.down(forge::APPEND).bytes();
    assert!(matches!(Message::decode(&bare), Err(DecodeError { fault: DecodeFault::Missing { .. }, .. })));
    scene.unharmed();
}

/// At a terminal that stands for election, a leader's word without a term would end the candidacy in an older one.
#[test]
fn a_leaders_words_without_a_term_at_a_candidate() {
    let mut scene = scene();
    let (leader, candidate) = (scene.leader, scene.follower);
    scene.world.isolate(candidate);
    scene.world.run_for(800);
    let term = scene.world.nodes[candidate].election.as_ref().unwrap().term().0;
    assert_eq!(scene.world.nodes[candidate].election.as_ref().unwrap().leader(), None);
    let append = scene.append(scene.last, scene.term, &[]).with(4, 0);
    scene.refused(candidate, &append, DropReason::ImpossibleTerm);
    let heartbeat = scene.down(forge::HEARTBEAT).with(4, 0).with(forge::COMMIT, 0);
    scene.refused(candidate, &heartbeat, DropReason::ImpossibleTerm);
    let snapshot = scene.down(forge::SNAPSHOT).with(4, 0).snapshot(scene.last, 1, &replicas(3), &[]);
    scene.refused(candidate, &snapshot, DropReason::ImpossibleTerm);
    assert_eq!(scene.world.nodes[candidate].election.as_ref().unwrap().term().0, term);
    scene.world.heal();
    scene.world.run_for(1000);
    assert_eq!(scene.world.leader(), Some(leader));
    scene.unharmed();
}

/// A change of members that names nobody, or that does not read: raft would take it for an empty one.
#[test]
fn changes_of_members_that_name_nobody() {
    let mut scene = scene();
    let (follower, term, last) = (scene.follower, scene.term, scene.last);
    let nobody = [0xA2, 0x00, 0x00, 0x01, 0x00];
    let unknown = [0xA2, 0x00, 0x07, 0x01, 0x1A, 0x00, 0x01, 0x00, 0x00];
    for payload in [&b""[..], b"garbage", &nobody, &unknown] {
        let append = scene.down(forge::APPEND).with(forge::INDEX, last).with(forge::LOG_TERM, term);
        let append = append.with(forge::COMMIT, last).entries_of(&[(last + 1, term, 1)], payload);
        scene.refused(follower, &append, DropReason::ImpossibleEntries);
    }
    scene.unharmed();
}

/// A proposal message with nothing in it does nothing at the leader.
#[test]
fn a_proposal_of_nothing() {
    let mut scene = scene();
    let leader = scene.leader;
    let empty = scene.up(forge::PROPOSE).proposals(0);
    assert_eq!(scene.told(leader, &empty), None);
    scene.world.run_for(500);
    assert!(scene.world.nodes.iter().all(|node| node.applied.len() == 3));
    scene.unharmed();
}

/// A heartbeat that calls more decided than this terminal holds: by an honest leader's count it once held it. It is told, and this
/// terminal votes for nobody any more; raft would panic.
#[test]
fn a_heartbeat_beyond_the_own_log() {
    let mut scene = scene();
    let (follower, last) = (scene.follower, scene.last);
    let beyond = scene.down(forge::HEARTBEAT).with(forge::COMMIT, last + 9);
    scene.refused(follower, &beyond, DropReason::LogLost);
    let told = |notice: &edgepos_consensus::Notice| {
        *notice == edgepos_consensus::Notice::LogLost { held: last, known: last + 9 }
    };
    assert!(scene.world.nodes[follower].saw(told).is_some());
    let vote = scene.vote(scene.term + 1);
    scene.refused(follower, &vote, DropReason::LogLost);
    let far = scene.down(forge::HEARTBEAT).with(forge::COMMIT, u64::MAX);
    scene.refused(follower, &far, DropReason::ImpossibleIndex);
    scene.unharmed();
}

/// An answer to votes that have not left yet: a terminal that believed it would lead with a log that it has not written.
#[test]
fn votes_that_nobody_can_have_given() {
    let mut world = World::new(3, 3);
    world.nodes[0].disk_ms = 400;
    world.isolate(0);
    world.run_for(2500);
    let election = world.nodes[0].election.as_ref().unwrap();
    let term = election.term().0;
    for (flags, vote_term) in [(2, term + 1), (0, term), (0, term + 1)] {
        for peer in [1, 2] {
            let reply = Forged::new(forge::VOTE_REPLY, replica(peer), replica(0), vote_term);
            let reply = reply.with(forge::COMMIT, 0).with(forge::COMMIT_TERM, 0).with(forge::FLAGS, flags);
            world.lenient = true;
            (world.checks_leaders, world.checks_entitlement) = (false, false);
            world.tell(0, Input::Message(reply.message()));
        }
    }
    assert_eq!(world.nodes[0].election.as_ref().unwrap().halted(), None);
    assert!(world.drops().contains_key(&DropReason::Unsolicited), "{:?}", world.drops());
}

/// A learner asks for votes: nobody that has none may lead.
#[test]
fn votes_for_those_that_have_none() {
    let mut world = World::new(4, 7);
    let leader = world.elect();
    world.run_for(500);
    world.crash(leader);
    world.run_for(320);
    let voter = (leader + 1) % 5;
    let term = world.nodes[voter].election.as_ref().unwrap().term().0;
    let vote = Forged::new(forge::VOTE, replica(6), replica(voter), term + 9);
    let vote = vote
        .with(forge::INDEX, 99)
        .with(forge::LOG_TERM, term)
        .with(forge::COMMIT, 0)
        .with(forge::COMMIT_TERM, 0);
    world.tell(voter, Input::Message(vote.message()));
    assert_eq!(world.drops()[&DropReason::NotAVoter], 1);
    assert!(world.nodes[voter].election.as_ref().unwrap().term().0 < term + 9);
}

/// The store's only voter is made to step down by a terminal that was retired, while its disk is slow. It leads again when what it
/// wrote is durable, and not before.
#[test]
fn a_higher_term_to_a_lone_voter_with_a_slow_disk() {
    let mut world = World::new(5, 2);
    let leader = world.elect();
    world.run_for(300);
    let now = edgepos_core::Now::new(world.now, 0);
    world.nodes[leader].election.as_mut().unwrap().retire(now, replica(1 - leader)).unwrap();
    world.flush(leader);
    world.run_for(500);
    assert_eq!(world.nodes[leader].election.as_ref().unwrap().voters().len(), 1);
    world.crash(1 - leader);
    let term = world.nodes[leader].election.as_ref().unwrap().term().0;
    let retired = Forged::new(forge::PROPOSE, replica(1 - leader), replica(leader), term);
    world.tell(leader, Input::Message(retired.proposal(replica(1 - leader), 1, 5).message()));
    assert_eq!(world.drops()[&DropReason::UnknownSender], 1, "a retired terminal proposes nothing");
    world.nodes[leader].disk_ms = 1500;
    world.propose(leader, b"slow");
    let usurper = Forged::new(forge::HEARTBEAT, replica(1 - leader), replica(leader), term + 5);
    world.tell(leader, Input::Message(usurper.with(forge::COMMIT, 0).message()));
    assert_ne!(world.leader(), Some(leader));
    world.run_for(10_000);
    assert_eq!(world.nodes[leader].election.as_ref().unwrap().halted(), None);
    assert_eq!(world.leader(), Some(leader));
    assert_eq!(world.nodes[leader].applied.len(), 1);
}

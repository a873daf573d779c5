//! A leader of a later version decides what this one does not know: each decision of the store has its place all the same, on every
//! terminal alike, and what follows it goes on.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::consensus::{self, Election, Proposal};
use edgepos::core::{Chain, ConnectionId, EventId, Lane, Now, ReplicaId, Seq, Space, StoreGeneration};
use edgepos::crdt::Hlc;
use edgepos::model::{CounterRow, Effect, Envelope, ExceptionRaised, Kind};
use edgepos::sync::{self, EventRecord};
use edgepos::{Input, MemoryStore, Notice, Store};
use support::{Till, WALL, genesis, replica};

/// The decision's kind under which events of the store's chain are in the log.
const STORE_EVENT: u16 = 1;

/// The voter that leads: an election without a terminal, so that it can propose anything.
struct Later {
    me: ReplicaId,
    election: Election,
    disk: MemoryStore,
    proposed: u64,
}

/// Two of today's tills beside it. Time passes for the later one alone until somebody says otherwise, so it leads.
struct Mixed {
    later: Later,
    tills: Vec<Till>,
    now: Now,
}

impl Mixed {
    fn new() -> Self {
        let now = Now::new(1_000, WALL);
        let me = replica(3);
        let genesis = genesis(3);
        let mut config = consensus::Config::standard(me, genesis.voters.clone(), 3);
        (config.store, config.generation) = (genesis.store, genesis.generation);
        let election = Election::new(now, config, consensus::Restored::new()).unwrap();
        let tills = vec![Till::new(1, 3, now), Till::new(2, 3, now)];
        let later = Later { me, election, disk: MemoryStore::new(), proposed: 0 };
        let mut mixed = Self { later, tills, now };
        for at in 0..mixed.tills.len() {
            mixed.connect(at);
        }
        while !mixed.later.election.entitled() {
            mixed.pass(10);
            assert!(mixed.now.mono.0 < 60_000, "nobody else stands, so it leads");
        }
        mixed
    }

    fn link(at: usize) -> ConnectionId {
        ConnectionId(10 + at as u64)
    }

    fn connect(&mut self, at: usize) {
        let peer = self.tills[at].config.me;
        self.later.election.handle(self.now, consensus::Input::PeerUp(peer, Self::link(at)));
        self.tills[at].terminal.handle(self.now, Input::PeerUp(self.later.me, Self::link(at)));
    }

    fn pass(&mut self, ms: u64) {
        for _ in 0..ms {
            self.now = Now::new(self.now.mono.0 + 1, self.now.wall.0 + 1);
            if self.later.election.poll_timeout().is_some_and(|deadline| deadline <= self.now.mono) {
                self.later.election.handle(self.now, consensus::Input::Timeout);
            }
            self.deliver();
        }
    }

    fn deliver(&mut self) {
        loop {
            let mut quiet = true;
            while let Some(output) = self.later.election.poll_output() {
                quiet = false;
                match output {
                    consensus::Output::Persist(persist) => {
                        self.later.disk.commit(std::slice::from_ref(&persist)).unwrap();
                        self.later.election.handle(self.now, consensus::Input::Persisted(persist.id));
                    }
                    consensus::Output::Transmit(message) => {
                        let frame = [&[1], message.encode().as_slice()].concat();
                        let at = self.tills.iter().position(|till| till.config.me == message.to());
                        let Some(at) = at else { continue };
                        let input = Input::Frame(self.later.me, Self::link(at), frame);
                        self.tills[at].terminal.handle(self.now, input);
                    }
                    _ => {}
                }
            }
            for till in &mut self.tills {
                till.run(self.now);
                for (to, _, frame) in std::mem::take(&mut till.sent) {
                    if to == self.later.me && frame[0] == 1 {
                        quiet = false;
                        let message = consensus::Message::decode(&frame[1..]).unwrap();
                        self.later.election.handle(self.now, consensus::Input::Message(message));
                    }
                }
            }
            if quiet {
                return;
            }
        }
    }

    fn decide(&mut self, kind: u16, bytes: Vec<u8>) {
        self.later.proposed += 1;
        self.later.election.propose(self.now, Proposal { kind, subject: Vec::new(), base: None, bytes }).unwrap();
        self.pass(500);
        assert_eq!(self.later.election.decided(self.later.me), self.later.proposed);
    }
}

fn event(kind: Kind, body: &[u8]) -> Vec<u8> {
    Envelope::new(kind, WALL, Hlc(1), body.to_vec()).encode()
}

fn chain() -> Chain {
    Chain::new(ReplicaId::store(StoreGeneration(0)), Lane::Transactions)
}

fn payloads(till: &Till) -> Vec<Vec<u8>> {
    let key = |seq| EventId::new(chain(), Seq(seq)).to_key();
    let rows = till.disk.scan(Space::Event, &key(0), &key(u64::MAX), u32::MAX).unwrap();
    rows.iter().map(|(key, row)| EventRecord::from_row(key, row).unwrap().0.payload).collect()
}

#[test]
fn every_decided_event_has_its_place() {
    let mut mixed = Mixed::new();
    let milk = CounterRow::stock("milk", 0);
    let mut moving = Envelope::new(Kind(999), WALL, Hlc(1), b"of a later version".to_vec());
    moving.effects = vec![Effect::new(milk.clone(), -3, Some(0))];
    let raised = ExceptionRaised::new(&milk, -3, 0, Vec::new());
    let decided = [
        moving.encode(),
        b"no envelope at all".to_vec(),
        event(Kind::EXCEPTION_RAISED, b"no exception"),
        event(Kind(1_000), b""),
        event(Kind::EXCEPTION_RAISED, &minicbor::to_vec(&raised).unwrap()),
    ];
    for bytes in &decided {
        mixed.decide(STORE_EVENT, bytes.clone());
    }
    for till in &mixed.tills {
        assert_eq!(payloads(till), decided, "stored as it was decided, in order");
        assert_eq!(till.terminal.status().durable.get(chain()), Seq(5));
        assert_eq!(till.terminal.counter(&milk), Some(-3), "effects of a later version's kind count");
        assert_eq!(till.terminal.status().exceptions.as_slice(), std::slice::from_ref(&raised), "goes on");
        let quarantined: Vec<_> = till
            .notices
            .iter()
            .filter_map(|event| match event {
                Notice::Quarantined { id, .. } => Some(id.seq.0),
                _ => None,
            })
            .collect();
        assert_eq!(quarantined, [2, 3], "what cannot be read is shown");
        assert_eq!(till.terminal.status().quarantined, 2);
        assert!(!till.notices.iter().any(|notice| matches!(notice, Notice::Sync(sync::Event::Fork { .. }))));
    }
}

/// The rule of the first version for the kind that it knew: kept, so that both count alike.
#[test]
fn a_second_proposal_of_one_episode_has_no_place() {
    let mut mixed = Mixed::new();
    let raised = ExceptionRaised::new(&CounterRow::stock("milk", 0), -3, 0, Vec::new());
    let bytes = event(Kind::EXCEPTION_RAISED, &minicbor::to_vec(&raised).unwrap());
    mixed.decide(STORE_EVENT, bytes.clone());
    mixed.decide(STORE_EVENT, bytes.clone());
    for till in &mixed.tills {
        assert_eq!(payloads(till).as_slice(), std::slice::from_ref(&bytes));
    }
}

/// A decision that is no event has no place in the store's chain; that it was not understood is on record.
#[test]
fn an_unknown_kind_of_decision_is_shown() {
    let mut mixed = Mixed::new();
    mixed.decide(77, b"what a later version decides".to_vec());
    for till in &mut mixed.tills {
        assert_eq!(payloads(till), Vec::<Vec<u8>>::new());
        assert_eq!(till.terminal.status().quarantined, 1);
        let told = |notice: &Notice| matches!(notice, Notice::DecisionSkipped { kind: 77, .. });
        assert_eq!(till.notices.iter().filter(|notice| told(notice)).count(), 1);
    }
    let now = mixed.now;
    let restarted = mixed.tills.remove(0).crash(now);
    assert_eq!(restarted.terminal.status().quarantined, 1, "and stays there");
}

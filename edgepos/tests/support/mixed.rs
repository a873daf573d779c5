//! A leader of a later version, and two of today's tills beside it.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "a module of tests, of which each uses its own part"
)]

use std::collections::BTreeMap;

use edgepos::consensus::{self, Election, Proposal};
use edgepos::core::{Chain, ConnectionId, EventId, Lane, Now, ReplicaId, Seq, Space, StoreGeneration};
use edgepos::crdt::{Hlc, VersionVector};
use edgepos::model::{Envelope, Kind};
use edgepos::sync::{self, EventRecord};
use edgepos::{Input, MemoryStore, Store};

use super::{Till, WALL, genesis, replica};

/// The decision's kind under which events of the store's chain are in the log.
pub const STORE_EVENT: u16 = 1;

/// The first byte of a frame of the event log.
const SYNC: u8 = 2;

/// The voter that leads: an election without a terminal, so that it can propose anything.
pub struct Later {
    pub me: ReplicaId,
    pub election: Election,
    disk: MemoryStore,
    proposed: u64,
}

/// Two of today's tills beside it. Time passes for the later one alone until somebody says otherwise, so it leads.
pub struct Mixed {
    pub later: Later,
    pub tills: Vec<Till>,
    pub now: Now,
    links: Vec<ConnectionId>,
    /// Tills that the later one does not reach.
    pub cut: Vec<bool>,
    /// Whether the two tills exchange events.
    pub tills_talk: bool,
}

impl Mixed {
    pub fn new() -> Self {
        let now = Now::new(1_000, WALL);
        let me = replica(3);
        let genesis = genesis(3);
        let mut config = consensus::Config::standard(me, genesis.voters.clone(), 3);
        (config.store, config.generation) = (genesis.store, genesis.generation);
        // So short that who is away for a while needs a snapshot.
        config.max_log_entries = 16;
        let election = Election::new(now, config, consensus::Restored::new()).unwrap();
        let tills = vec![Till::new(1, 3, now), Till::new(2, 3, now)];
        let later = Later { me, election, disk: MemoryStore::new(), proposed: 0 };
        let mut mixed = Self {
            later,
            tills,
            now,
            links: vec![Self::link(0), Self::link(1)],
            cut: vec![false; 2],
            tills_talk: false,
        };
        for at in 0..mixed.tills.len() {
            mixed.connect(at);
        }
        while !mixed.later.election.entitled() {
            mixed.pass(10);
            assert!(mixed.now.mono.0 < 60_000, "nobody else stands, so it leads");
        }
        // It exchanges no events: over new connections the tills hear its decisions alone.
        for at in 0..mixed.tills.len() {
            mixed.connect_again(at);
        }
        mixed
    }

    fn link(at: usize) -> ConnectionId {
        ConnectionId(10 + at as u64)
    }

    pub fn connect(&mut self, at: usize) {
        let peer = self.tills[at].config.me;
        self.later.election.handle(self.now, consensus::Input::PeerUp(peer, Self::link(at)));
        self.tills[at].terminal.handle(self.now, Input::PeerUp(self.later.me, Self::link(at)));
        self.greet(at);
    }

    /// The later one has no events of its own. Without its greeting it would be given no vote.
    fn greet(&mut self, at: usize) {
        let hello = sync::Hello {
            versions: (1, 1),
            store: genesis(3).store,
            heard: true,
            vector: VersionVector::new(),
            heads: BTreeMap::new(),
            relay: false,
            dictionaries: Default::default(),
            level: 0,
            wall: None,
            lost: None,
            number: 0,
            batch_format: 0,
            log: None,
        };
        let frame = [vec![SYNC], sync::Message::Hello(hello).encode()].concat();
        self.tills[at].terminal.handle(self.now, Input::Frame(self.later.me, self.links[at], frame));
    }

    /// A till that has started anew.
    pub fn connect_again(&mut self, at: usize) {
        let peer = self.tills[at].config.me;
        let link = ConnectionId(self.links[at].0 + 100);
        self.later.election.handle(self.now, consensus::Input::PeerUp(peer, link));
        self.tills[at].terminal.handle(self.now, Input::PeerUp(self.later.me, link));
        self.links[at] = link;
    }

    pub fn pass(&mut self, ms: u64) {
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
                        let Some(at) = at.filter(|at| !self.cut[*at]) else { continue };
                        let input = Input::Frame(self.later.me, self.links[at], frame);
                        self.tills[at].terminal.handle(self.now, input);
                    }
                    _ => {}
                }
            }
            for at in 0..self.tills.len() {
                self.tills[at].run(self.now);
                for (to, connection, frame) in std::mem::take(&mut self.tills[at].sent) {
                    let (from, other) = (self.tills[at].config.me, 1 - at);
                    if self.tills_talk && to == self.tills[other].config.me {
                        quiet = false;
                        self.tills[other].terminal.handle(self.now, Input::Frame(from, connection, frame));
                    } else if to == self.later.me && frame[0] == 1 && !self.cut[at] {
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

    pub fn decide(&mut self, kind: u16, bytes: Vec<u8>) {
        self.later.proposed += 1;
        self.later
            .election
            .propose(self.now, Proposal { kind, subject: Vec::new(), base: None, bytes })
            .unwrap();
        self.pass(500);
        assert_eq!(self.later.election.decided(self.later.me), self.later.proposed);
    }

    /// Connects the two tills, and lets their deadlines come.
    pub fn let_tills_talk(&mut self) {
        self.tills_talk = true;
        for at in 0..2 {
            let peer = self.tills[1 - at].config.me;
            self.tills[at].terminal.handle(self.now, Input::PeerUp(peer, ConnectionId(20)));
        }
        for _ in 0..200 {
            self.pass(10);
            for till in &mut self.tills {
                till.terminal.flush(self.now);
            }
        }
    }
}

pub fn event(kind: Kind, body: &[u8]) -> Vec<u8> {
    Envelope::new(kind, WALL, Hlc(1), body.to_vec()).encode()
}

pub fn chain() -> Chain {
    Chain::new(ReplicaId::store(StoreGeneration(0)), Lane::Transactions)
}

pub fn payloads(till: &Till) -> Vec<Vec<u8>> {
    let key = |seq| EventId::new(chain(), Seq(seq)).to_key();
    let rows = till.disk.scan(Space::Event, &key(0), &key(u64::MAX), u32::MAX).unwrap();
    rows.iter().map(|(key, row)| EventRecord::from_row(key, row).unwrap().0.payload).collect()
}

//! Raft panics below a terminal: the election is over, and nothing else is.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::panic;

use edgepos_consensus::Health;
use edgepos_core::{ConnectionId, IdempotencyKey, Now, ReplicaId, StoreGeneration, StoreId};

use super::{Config, Genesis, Input, Notice, Output, Reply, RequestId, Restored, Terminal};
use crate::model::{BasketId, CounterRow, Currency, Line, Tender};
use crate::ports::{MemoryStore, Store};
use crate::{Commit, Draft, Receipt};

/// A terminal and its disk.
struct Till {
    terminal: Terminal,
    disk: MemoryStore,
    replies: Vec<Reply>,
    notices: Vec<Notice>,
    frames: Vec<(ReplicaId, ConnectionId, Vec<u8>)>,
}

fn replica(terminal: u16) -> ReplicaId {
    ReplicaId::new(terminal, 100 + u64::from(terminal))
}

fn open(terminal: u16, terminals: u16, disk: MemoryStore, now: Now) -> Till {
    let voters = (1..=terminals).map(replica).collect();
    let genesis = Genesis { store: StoreId([7; 16]), generation: StoreGeneration(0), voters, recovery: None };
    let mut config = Config::new(replica(terminal), genesis, u64::from(terminal));
    config.flush_interval = std::time::Duration::from_millis(50);
    let terminal = Terminal::new(now, config, Restored::from_store(&disk).unwrap()).unwrap();
    let mut till = Till { terminal, disk, replies: vec![], notices: vec![], frames: vec![] };
    till.run(now);
    till
}

impl Till {
    fn run(&mut self, now: Now) {
        while let Some(output) = self.terminal.poll_output() {
            match output {
                Output::Persist(persist) | Output::Write(persist) => {
                    self.disk.commit(std::slice::from_ref(&persist)).unwrap();
                    self.terminal.handle(now, Input::Persisted(persist.id));
                }
                Output::Load(load) => {
                    let rows = self.disk.scan(load.space, &load.from, &load.to, load.max_bytes).unwrap();
                    self.terminal.handle(now, Input::Loaded(load.id, rows));
                }
                Output::Reply(_, reply) => self.replies.push(reply.unwrap()),
                Output::Notice(notice) => self.notices.push(notice),
                Output::Transmit { to, connection, frame } => self.frames.push((to, connection, frame)),
                Output::Uplink(..) => {}
            }
        }
    }

    fn sell(&mut self, now: Now, number: u8) -> Receipt {
        let basket = BasketId([number; 16]);
        let milk = Line { no: 1, product: "milk".into(), quantity: 2, amount: 258, ..Line::default() };
        let draft = Draft::sale(basket, Currency::EUR, vec![milk]);
        self.terminal.begin(now, RequestId(u64::from(number) * 2), draft).unwrap();
        self.run(now);
        let (key, tenders) = (IdempotencyKey([number; 16]), Tender::cash(258).into());
        self.terminal
            .commit(now, RequestId(u64::from(number) * 2 + 1), Commit { basket, key, tenders })
            .unwrap();
        self.run(now);
        match self.replies.pop() {
            Some(Reply::Committed { receipt, repeated: false }) => receipt,
            other => panic!("{other:?}"),
        }
    }

    fn halt(&mut self, now: Now) {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(|_| {}));
        self.terminal.election.poison();
        panic::set_hook(hook);
        self.terminal.handle(now, Input::Timeout);
        self.run(now);
        let halts = self
            .notices
            .iter()
            .filter(|notice| matches!(notice, Notice::Election(edgepos_consensus::Notice::Halted(_))))
            .count();
        assert_eq!(halts, 1, "told once");
    }
}

fn pass(tills: &mut [&mut Till], now: &mut Now, ms: u64) {
    for _ in 0..ms {
        *now = Now::new(now.mono.0 + 1, now.wall.0 + 1);
        for till in tills.iter_mut() {
            if till.terminal.poll_timeout().is_some_and(|deadline| deadline <= now.mono) {
                till.terminal.handle(*now, Input::Timeout);
            }
            till.run(*now);
        }
        let frames = tills.iter_mut().map(|till| (till.terminal.config.me, std::mem::take(&mut till.frames)));
        for (from, frames) in frames.collect::<Vec<_>>() {
            for (to, connection, frame) in frames {
                let peer = tills.iter_mut().find(|till| till.terminal.config.me == to).unwrap();
                peer.terminal.handle(*now, Input::Frame(from, connection, frame));
                peer.run(*now);
            }
        }
    }
}

const START: Now = Now::new(0, 1_700_000_000_000);

/// E10: it goes on selling, its receipts stay in order and durable, and a restart elects again.
#[test]
fn a_terminal_sells_on_when_its_election_has_halted() {
    let mut now = START;
    let mut till = open(1, 1, MemoryStore::new(), now);
    pass(&mut [&mut till], &mut now, 1000);
    assert!(till.terminal.status().entitled);
    assert_eq!(till.sell(now, 1).number, 1);
    till.halt(now);
    let status = till.terminal.status();
    assert!(!status.entitled && status.leader.is_none() && status.health == Health::Leaderless);
    assert_eq!([till.sell(now, 2).number, till.sell(now, 3).number], [2, 3]);
    let deadline = till.terminal.poll_timeout();
    assert!(deadline.is_none_or(|deadline| deadline > now.mono), "it does not spin: {deadline:?}");
    pass(&mut [&mut till], &mut now, 1000);

    let mut till = open(1, 1, till.disk, now);
    let durable: Vec<u64> = till.terminal.status().durable.iter().map(|(_, seq)| seq.0).collect();
    assert_eq!(durable, [3], "one lane, three sales");
    pass(&mut [&mut till], &mut now, 1000);
    assert!(till.terminal.status().entitled, "the restart elects again");
    assert_eq!(till.sell(now, 4).number, 4);
}

/// What it sells reaches the others, and what they sell reaches it, as between terminals without a leader; the others elect one of
/// themselves.
#[test]
fn its_sales_reach_the_others() {
    let mut now = START;
    let mut tills: Vec<Till> = (1..=3).map(|terminal| open(terminal, 3, MemoryStore::new(), now)).collect();
    for (till, peer) in (0..3).flat_map(|till| (0..3).map(move |peer| (till, peer))).filter(|(a, b)| a != b) {
        let link = ConnectionId((till.min(peer) * 3 + till.max(peer)) as u64);
        tills[till].terminal.handle(now, Input::PeerUp(replica(peer as u16 + 1), link));
    }
    let mut all: Vec<&mut Till> = tills.iter_mut().collect();
    pass(&mut all, &mut now, 2000);
    let halted = all.iter().position(|till| till.terminal.status().entitled).expect("there is a leader");
    all[halted].halt(now);
    let receipt = all[halted].sell(now, 9);
    pass(&mut all, &mut now, 5000);
    let stock = CounterRow::stock("milk", 0);
    for till in &all {
        assert_eq!(till.terminal.counter(&stock), Some(-2), "the sale of receipt {} arrived", receipt.number);
    }
    assert!(!all[halted].terminal.status().entitled);
    let leader =
        all.iter().position(|till| till.terminal.status().entitled).expect("the others have elected");
    all[leader].sell(now, 10);
    pass(&mut all, &mut now, 5000);
    assert_eq!(all[halted].terminal.counter(&stock), Some(-4));
}

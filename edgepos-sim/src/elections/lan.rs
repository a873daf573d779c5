//! The store's network and its agenda, in virtual milliseconds.

use std::collections::{BTreeMap, BTreeSet};

use edgepos_consensus::{Config, Input, Message};
use edgepos_core::{ConnectionId, Jitter, Now, ReplicaId, Term};
use serde::Serialize;

use super::error::TrialError;
use super::terminal::Terminal;

/// How messages travel, and what a loss does to them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wire {
    /// Each message by itself: it arrives, or it does not.
    Datagram,
    /// In order: a lost one comes again later, and the ones behind it wait.
    Stream,
}

/// The first wait before a stream sends a segment again, in milliseconds; it doubles. Linux' minimum (RFC 6298 asks for a second).
const RETRANSMIT_MS: u64 = 200;
/// Between two questions of a transport for datagrams to a silent peer, in milliseconds.
const KEEP_ALIVE_MS: u64 = 50;
/// One way, in milliseconds: a wired or good wireless network of a shop.
const LATENCY_MS: (u64, u64) = (1, 5);

enum Happening {
    Timer { node: usize },
    Arrival { to: usize, from: usize, message: Box<Message> },
    Flushed { node: usize },
    Connected { node: usize, peer: usize },
    Disconnected { node: usize, peer: usize },
}

/// Terminals on a network.
pub(super) struct Lan {
    now: u64,
    terminals: Vec<Terminal>,
    wire: Wire,
    /// Messages lost of 1,000.
    loss: u64,
    /// What one way adds for the named terminals, in milliseconds: the cloud is far.
    far: BTreeMap<usize, (u64, u64)>,
    jitter: Jitter,
    agenda: BTreeMap<(u64, u64), (u64, Happening)>,
    sequence: u64,
    cut: BTreeSet<(usize, usize)>,
    /// What streams hold back behind cut links: since when, and the segments in order.
    held: BTreeMap<(usize, usize), (u64, Vec<Message>)>,
    /// Of each directed link of a stream: when the latest segment arrives.
    arrives: BTreeMap<(usize, usize), u64>,
    connections: BTreeMap<(usize, usize), u64>,
    index: BTreeMap<ReplicaId, usize>,
    /// Who led in each term.
    leaders: BTreeMap<u64, usize>,
    /// Who believes to lead, as of the last call of each.
    believers: BTreeSet<usize>,
    /// Since when more than one believes to lead.
    overlap_since: Option<u64>,
    /// The longest time that more than one believed to lead, in milliseconds.
    overlap_max: u64,
    /// How many elections were won.
    elections: u64,
    /// The first broken promise of raft.
    broken: Option<TrialError>,
}

impl Lan {
    pub(super) fn new(seed: u64, wire: Wire, loss_percent: u64, flush_ms: u64, configs: Vec<Config>) -> Self {
        let index = configs.iter().enumerate().map(|(node, config)| (config.me, node)).collect();
        Self {
            now: 1000,
            terminals: configs.into_iter().map(|config| Terminal::new(config, flush_ms)).collect(),
            wire,
            loss: loss_percent * 10,
            far: BTreeMap::new(),
            jitter: Jitter::derive(seed, &[0x1A4]),
            agenda: BTreeMap::new(),
            sequence: 0,
            cut: BTreeSet::new(),
            held: BTreeMap::new(),
            arrives: BTreeMap::new(),
            connections: BTreeMap::new(),
            index,
            leaders: BTreeMap::new(),
            believers: BTreeSet::new(),
            overlap_since: None,
            overlap_max: 0,
            elections: 0,
            broken: None,
        }
    }

    /// Puts a terminal behind a long line: one way takes this long in addition, in milliseconds.
    pub(super) fn put_far(&mut self, node: usize, one_way_ms: (u64, u64)) {
        self.far.insert(node, one_way_ms);
    }

    pub(super) fn boot(&mut self, node: usize) {
        self.terminals[node].boot(self.now);
        self.collect(node);
        for peer in (0..self.terminals.len()).filter(|peer| *peer != node) {
            if self.terminals[peer].runs() {
                let at = self.now + self.latency(node, peer);
                self.at(at, node, Happening::Connected { node, peer });
                self.at(at, peer, Happening::Connected { node: peer, peer: node });
            }
        }
    }

    /// The power goes: nobody is told.
    pub(super) fn cut_power(&mut self, node: usize) {
        self.terminals[node].crash();
        self.watch(node);
    }

    /// The process dies: its system closes the connections or answers that nobody listens, and the others see it. A word of it that
    /// is lost comes again: on a stream from the system, on datagrams with the next keep-alive.
    pub(super) fn kill(&mut self, node: usize) {
        self.cut_power(node);
        for peer in (0..self.terminals.len()).filter(|peer| *peer != node) {
            let mut later = 0;
            let at = loop {
                match self.arrival(node, peer) {
                    Some(at) => break at + later,
                    None => later += KEEP_ALIVE_MS,
                }
            };
            self.at(at, peer, Happening::Disconnected { node: peer, peer: node });
        }
    }

    pub(super) fn isolate(&mut self, node: usize) {
        for other in (0..self.terminals.len()).filter(|other| *other != node) {
            self.cut.extend([(node, other), (other, node)]);
        }
    }

    /// The links of an isolated terminal carry again. What streams held back comes with the next try of its first segment, all at once.
    pub(super) fn mend(&mut self, node: usize) {
        self.cut.retain(|(from, to)| *from != node && *to != node);
        for ((from, to), (since, messages)) in std::mem::take(&mut self.held) {
            let (mut retry, mut wait) = (since, RETRANSMIT_MS);
            while retry < self.now {
                retry += wait;
                wait *= 2;
            }
            let at = retry + self.latency(from, to);
            self.arrives.insert((from, to), at);
            for message in messages {
                self.at(at, to, Happening::Arrival { to, from, message: Box::new(message) });
            }
        }
    }

    /// Sends a message, or has its stream hold it back.
    fn send(&mut self, from: usize, to: usize, message: Message) {
        if self.cut.contains(&(from, to)) {
            self.hold(from, to, message);
        } else if let Some(at) = self.arrival(from, to) {
            self.at(at, to, Happening::Arrival { to, from, message: Box::new(message) });
        }
    }

    fn hold(&mut self, from: usize, to: usize, message: Message) {
        if self.wire == Wire::Stream {
            let now = self.now;
            self.held.entry((from, to)).or_insert_with(|| (now, Vec::new())).1.push(message);
        }
    }

    /// Acts on a terminal's election, and does what follows.
    pub(super) fn act(&mut self, node: usize, act: impl FnOnce(&mut edgepos_consensus::Election, Now)) {
        if self.terminals[node].act(self.now, act) {
            self.collect(node);
        }
    }

    pub(super) fn now(&self) -> u64 {
        self.now
    }

    pub(super) fn terminals(&self) -> &[Terminal] {
        &self.terminals
    }

    /// How many elections were won.
    pub(super) fn elections(&self) -> u64 {
        self.elections
    }

    /// The first broken promise of raft, where one was broken.
    pub(super) fn verdict(&self) -> Result<(), TrialError> {
        self.broken.clone().map_or(Ok(()), Err)
    }

    pub(super) fn leader(&self) -> Option<usize> {
        self.terminals.iter().position(Terminal::entitled)
    }

    /// Runs until the condition holds or the time is over; whether it holds.
    pub(super) fn run_until(&mut self, end: u64, mut condition: impl FnMut(&Self) -> bool) -> bool {
        loop {
            if condition(self) {
                return true;
            }
            let Some((&(time, sequence), _)) =
                self.agenda.first_key_value().filter(|((time, _), _)| *time <= end)
            else {
                self.now = end.max(self.now);
                return condition(self);
            };
            let (life, happening) = self.agenda.remove(&(time, sequence)).expect("it was just seen");
            self.now = time.max(self.now);
            self.happen(life, happening);
        }
    }

    /// Counts from this moment on.
    pub(super) fn restart_overlap(&mut self) {
        self.overlap_max = 0;
        self.overlap_since = self.overlap_since.map(|_| self.now);
    }

    /// The longest time that more than one believed to lead, up to this moment, in milliseconds.
    pub(super) fn overlap(&self) -> u64 {
        self.overlap_max.max(self.overlap_since.map_or(0, |since| self.now - since))
    }

    pub(super) fn run_for(&mut self, ms: u64) {
        self.run_until(self.now + ms, |_| false);
    }

    fn at(&mut self, time: u64, whose: usize, happening: Happening) {
        self.sequence += 1;
        let life = self.terminals[whose].life();
        self.agenda.insert((time, self.sequence), (life, happening));
    }

    fn latency(&mut self, a: usize, b: usize) -> u64 {
        let mut latency = self.jitter.range(LATENCY_MS.0, LATENCY_MS.1 + 1);
        for node in [a, b] {
            if let Some((from, to)) = self.far.get(&node).copied() {
                latency += self.jitter.range(from, to + 1);
            }
        }
        latency
    }

    /// When something sent at this moment arrives; `None` when it does not.
    fn arrival(&mut self, from: usize, to: usize) -> Option<u64> {
        if self.cut.contains(&(from, to)) {
            return None;
        }
        let mut at = self.now + self.latency(from, to);
        match self.wire {
            Wire::Datagram => (self.jitter.range(0, 1000) >= self.loss).then_some(at),
            Wire::Stream => {
                let mut wait = RETRANSMIT_MS;
                while self.jitter.range(0, 1000) < self.loss {
                    at += wait;
                    wait *= 2;
                }
                let latest = self.arrives.entry((from, to)).or_default();
                *latest = at.max(*latest);
                Some(*latest)
            }
        }
    }

    fn happen(&mut self, life: u64, happening: Happening) {
        let node = match &happening {
            Happening::Timer { node }
            | Happening::Flushed { node }
            | Happening::Connected { node, .. }
            | Happening::Disconnected { node, .. } => *node,
            Happening::Arrival { to, .. } => *to,
        };
        let terminal = &mut self.terminals[node];
        if terminal.life() != life || !terminal.runs() {
            return;
        }
        let input = match happening {
            Happening::Timer { .. } => match terminal.expired(self.now) {
                Some(timeout) => timeout,
                None => return,
            },
            Happening::Arrival { from, message, .. } => {
                if self.cut.contains(&(from, node)) {
                    return self.hold(from, node, *message);
                }
                Input::Message(*message)
            }
            Happening::Flushed { .. } => match terminal.flushed() {
                Some(id) => Input::Persisted(id),
                None => return,
            },
            Happening::Connected { peer, .. } => {
                let connection = self.connections.entry((node, peer)).or_default();
                *connection += 1;
                Input::PeerUp(self.terminals[peer].me(), ConnectionId(*connection))
            }
            Happening::Disconnected { peer, .. } => {
                let connection = self.connections.get(&(node, peer)).copied().unwrap_or_default();
                Input::PeerLost(self.terminals[peer].me(), ConnectionId(connection))
            }
        };
        self.act(node, |election, now| election.handle(now, input));
    }

    fn collect(&mut self, node: usize) {
        let now = self.now;
        let duties = self.terminals[node].duties(now);
        for at in duties.flushes {
            self.at(at, node, Happening::Flushed { node });
        }
        for message in duties.messages {
            let Some(to) = self.index.get(&message.to()).copied() else { continue };
            self.send(node, to, message);
        }
        if let Some(at) = self.terminals[node].new_deadline(now) {
            self.at(at, node, Happening::Timer { node });
        }
        self.watch(node);
    }

    /// Keeps count of who believes to lead.
    fn watch(&mut self, node: usize) {
        let believes = self.terminals[node].believes();
        if believes {
            let term = self.terminals[node].term();
            let first = *self.leaders.entry(term).or_insert_with(|| {
                self.elections += 1;
                node
            });
            if first != node && self.broken.is_none() {
                self.broken = Some(TrialError::TwoLeaders { first, second: node, term: Term(term) });
            }
        }
        let changed = if believes { self.believers.insert(node) } else { self.believers.remove(&node) };
        if !changed {
            return;
        }
        match (self.believers.len() > 1, self.overlap_since) {
            (true, None) => self.overlap_since = Some(self.now),
            (false, Some(since)) => {
                self.overlap_max = self.overlap_max.max(self.now - since);
                self.overlap_since = None;
            }
            _ => {}
        }
    }
}

//! A store in a box: terminals, their disks and a network, in virtual milliseconds and from one seed.
//!
//! After every event the invariants are checked: one leader in each term, one entitled terminal at a time, and the same decisions in
//! the same order, each once, on every disk.

pub(crate) mod forge;
mod node;
pub(crate) mod snapshots;

use std::collections::{BTreeMap, BTreeSet};

use edgepos_consensus::{
    Config, Decision, DropReason, Health, Input, Message, Notice, Proposal, ProposalKey,
};
use edgepos_core::{ConnectionId, Jitter, Now, ReplicaId, Term};

pub(crate) use node::{Node, Rows};

/// What happens at a moment.
enum Happening {
    Timer { node: usize, life: u64 },
    Arrival { from: usize, from_life: u64, to: usize, life: u64, bytes: Vec<u8> },
    Durable { node: usize, life: u64 },
    PeerLost { node: usize, life: u64, peer: usize, peer_life: u64 },
    PeerUp { node: usize, life: u64, peer: usize },
}

/// The whole world.
pub(crate) struct World {
    pub(crate) nodes: Vec<Node>,
    pub(crate) now: u64,
    jitter: Jitter,
    queue: BTreeMap<(u64, u64), Happening>,
    sequence: u64,
    /// Things that happened without time passing: an engine that asks for the same moment for ever is found.
    at_this_moment: u32,
    /// Directed links that drop everything.
    cut: BTreeSet<(usize, usize)>,
    /// Messages lost, and messages repeated late, in 1,000.
    pub(crate) loss: u64,
    pub(crate) duplicates: u64,
    /// Messages whose description contains this never arrive.
    pub(crate) drops: Option<&'static str>,
    pub(crate) latency: (u64, u64),
    /// The transport sees connections die.
    pub(crate) sees_disconnects: bool,
    /// One line for each thing that happened, when kept.
    pub(crate) trace: Option<Vec<String>>,
    /// Every message sent, when kept.
    pub(crate) recorded: Option<Vec<Vec<u8>>>,
    pub(crate) leaders: BTreeMap<Term, ReplicaId>,
    /// Elections won: when, and by whom.
    pub(crate) elections: Vec<(u64, usize)>,
    decided: BTreeMap<u64, Decision>,
    /// Off where the transport lies about living connections, or one identity runs twice.
    pub(crate) checks_entitlement: bool,
    pub(crate) checks_leaders: bool,
    /// On where messages are forged: then nothing is promised but survival.
    pub(crate) lenient: bool,
    /// Messages that reached a running terminal.
    pub(crate) delivered: u64,
    /// What was refused of what arrived: why, and which kind of message.
    pub(crate) refused_kinds: BTreeMap<(DropReason, String), u64>,
    /// Refusals on terminals that have crashed since.
    refused: BTreeMap<DropReason, u64>,
}

pub(crate) fn replica(node: usize) -> ReplicaId {
    ReplicaId::new(node as u16 + 1, 0xABC0 + node as u64)
}

pub(crate) fn replicas(count: usize) -> Vec<ReplicaId> {
    (0..count).map(replica).collect()
}

impl World {
    pub(crate) fn new(seed: u64, terminals: usize) -> Self {
        Self::with(seed, terminals, |_| {})
    }

    /// A store whose terminals share a configuration changed by `change`.
    pub(crate) fn with(seed: u64, terminals: usize, change: impl Fn(&mut Config)) -> Self {
        println!("seed {seed}");
        let mut world = Self {
            nodes: Vec::new(),
            now: 1000,
            jitter: Jitter::new(seed ^ 0xD15C),
            queue: BTreeMap::new(),
            sequence: 0,
            at_this_moment: 0,
            cut: BTreeSet::new(),
            loss: 0,
            duplicates: 0,
            drops: None,
            latency: (1, 5),
            sees_disconnects: false,
            trace: None,
            recorded: None,
            leaders: BTreeMap::new(),
            elections: Vec::new(),
            decided: BTreeMap::new(),
            checks_entitlement: true,
            checks_leaders: true,
            lenient: false,
            delivered: 0,
            refused_kinds: BTreeMap::new(),
            refused: BTreeMap::new(),
        };
        for node in 0..terminals {
            let mut config = Config::standard(replica(node), replicas(terminals), seed);
            change(&mut config);
            world.nodes.push(Node::new(config));
        }
        for node in 0..terminals {
            world.boot(node);
        }
        world
    }

    /// A terminal that was not there at the beginning; it is off.
    pub(crate) fn add(&mut self, config: Config) -> usize {
        self.nodes.push(Node::new(config));
        self.nodes.len() - 1
    }

    fn at(&mut self, time: u64, happening: Happening) {
        self.sequence += 1;
        self.queue.insert((time, self.sequence), happening);
    }

    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{now} {}", line()));
        }
    }

    /// Starts a terminal from what is on its disk.
    pub(crate) fn boot(&mut self, node: usize) {
        let now = Now::new(self.now, self.now);
        self.nodes[node].boot(now);
        self.note(|| format!("boot {node}"));
        self.collect(node);
        for peer in (0..self.nodes.len()).filter(|peer| *peer != node) {
            if self.nodes[peer].election.is_some() {
                for (node, peer) in [(node, peer), (peer, node)] {
                    let life = self.nodes[node].life;
                    self.at(self.now + 3, Happening::PeerUp { node, life, peer });
                }
            }
        }
    }

    /// Power off: what was not durable is gone.
    pub(crate) fn crash(&mut self, node: usize) {
        self.refused = self.drops_with(node..node + 1);
        let peer_life = self.nodes[node].life;
        self.nodes[node].crash();
        self.note(|| format!("crash {node}"));
        if self.sees_disconnects {
            for peer in (0..self.nodes.len()).filter(|peer| *peer != node) {
                let (life, at) = (self.nodes[peer].life, self.now + self.jitter.range(1, 6));
                self.at(at, Happening::PeerLost { node: peer, life, peer: node, peer_life });
            }
        }
    }

    pub(crate) fn cut(&mut self, from: usize, to: usize) {
        self.cut.insert((from, to));
    }

    /// Nothing passes between the two groups.
    pub(crate) fn partition(&mut self, left: &[usize], right: &[usize]) {
        for (a, b) in left.iter().flat_map(|a| right.iter().map(move |b| (*a, *b))) {
            self.cut.extend([(a, b), (b, a)]);
        }
    }

    pub(crate) fn isolate(&mut self, node: usize) {
        let others: Vec<_> = (0..self.nodes.len()).filter(|other| *other != node).collect();
        self.partition(&[node], &others);
    }

    pub(crate) fn heal(&mut self) {
        self.cut.clear();
    }

    /// Stops the process for a while: what arrives waits in its sockets.
    pub(crate) fn pause(&mut self, node: usize, for_ms: u64) {
        self.nodes[node].paused_until = self.now + for_ms;
    }

    pub(crate) fn run_for(&mut self, ms: u64) {
        let end = self.now + ms;
        while let Some((&(time, sequence), _)) = self.queue.first_key_value()
            && time <= end
        {
            let happening = self.queue.remove(&(time, sequence)).unwrap();
            self.at_this_moment = if time > self.now { 0 } else { self.at_this_moment + 1 };
            assert!(self.at_this_moment < 100_000, "time stands still: {}", self.summary());
            self.now = time.max(self.now);
            self.happen(happening);
        }
        self.now = end;
    }

    /// Runs until the condition holds; how long it took.
    pub(crate) fn run_until(&mut self, limit: u64, condition: impl Fn(&Self) -> bool) -> u64 {
        let start = self.now;
        while !condition(self) {
            let waited = self.now - start;
            assert!(waited < limit, "condition not reached within {limit} ms: {}", self.summary());
            self.run_for(1);
        }
        self.now - start
    }

    fn happen(&mut self, happening: Happening) {
        let (node, life) = match &happening {
            Happening::Timer { node, life }
            | Happening::Durable { node, life }
            | Happening::PeerLost { node, life, .. }
            | Happening::PeerUp { node, life, .. } => (*node, *life),
            Happening::Arrival { to, life, .. } => (*to, *life),
        };
        let state = &mut self.nodes[node];
        if state.life != life || state.election.is_none() {
            return;
        }
        if state.paused_until > self.now {
            let at = state.paused_until;
            if matches!(happening, Happening::Timer { .. }) && state.timer.is_some() {
                state.timer = Some(at);
            }
            return self.at(at, happening);
        }
        match happening {
            Happening::Timer { .. } => {
                if self.nodes[node].timer != Some(self.now) {
                    return;
                }
                self.nodes[node].timer = None;
                self.tell(node, Input::Timeout);
            }
            Happening::Arrival { from, from_life, bytes, .. } => {
                if !self.nodes[node].hears(from, from_life) {
                    return;
                }
                self.delivered += 1;
                let message = Message::decode(&bytes).expect("honest bytes decode");
                let heard = self.nodes[node].notices.len();
                self.tell(node, Input::Message(message));
                for (_, notice) in &self.nodes[node].notices[heard..] {
                    if let Notice::Refused { reason, .. } = notice {
                        let message = format!("{:?}", Message::decode(&bytes).unwrap());
                        let body = message.split("body: ").nth(1).unwrap();
                        let kind = body.split([' ', '(']).next().unwrap();
                        *self.refused_kinds.entry((*reason, kind.to_owned())).or_default() += 1;
                    }
                }
            }
            Happening::Durable { .. } => {
                // A pause may swap two moments, never two writes.
                if let Some((id, decisions)) = self.nodes[node].make_durable() {
                    self.check_decisions(node, decisions);
                    self.tell(node, Input::Persisted(id));
                }
            }
            Happening::PeerLost { peer, peer_life, .. } => {
                self.nodes[node].linked.remove(&peer);
                self.nodes[node].lost.insert(peer, peer_life);
                let connection = ConnectionId(self.nodes[node].connections[peer]);
                self.tell(node, Input::PeerLost(replica(peer), connection));
            }
            Happening::PeerUp { peer, .. } => {
                self.nodes[node].linked.insert(peer);
                self.nodes[node].connections[peer] += 1;
                let connection = ConnectionId(self.nodes[node].connections[peer]);
                let name = self.nodes[peer].config.me;
                self.tell(node, Input::PeerUp(name, connection));
                self.state(peer, node);
            }
        }
    }

    /// Tells a terminal something and does what it asks for.
    pub(crate) fn tell(&mut self, node: usize, input: Input) {
        let now = Now::new(self.now, self.now);
        let Some(election) = &mut self.nodes[node].election else { return };
        election.handle(now, input);
        self.collect(node);
    }

    /// A terminal states to another where it stands, as greetings do, where the store hears that.
    pub(crate) fn state(&mut self, from: usize, to: usize) {
        let heard = self.nodes[to].config.hears_states && !self.cut.contains(&(from, to));
        if let Some(state) =
            self.nodes[from].election.as_ref().map(|election| election.log_state()).filter(|_| heard)
        {
            self.tell(to, Input::Stated(self.nodes[from].config.me, state));
        }
    }

    /// Proposes on a terminal, under the name that the terminal gives.
    pub(crate) fn propose(&mut self, node: usize, bytes: &[u8]) -> ProposalKey {
        let now = Now::new(self.now, self.now);
        let proposal = Proposal { kind: 9, subject: Vec::new(), base: None, bytes: bytes.to_vec() };
        let election = self.nodes[node].election.as_mut().expect("the terminal is up");
        let key = election.propose(now, proposal).expect("the proposal is taken");
        self.collect(node);
        key
    }

    /// The same where too many may wait; the name that a further one gets then.
    pub(crate) fn propose_next(&mut self, node: usize, bytes: &[u8]) -> ProposalKey {
        let election = self.nodes[node].election.as_ref().expect("the terminal is up");
        if election.pending_proposals() < 60 {
            return self.propose(node, bytes);
        }
        ProposalKey { replica: self.nodes[node].config.me, number: self.known(node) + 1 }
    }

    /// The last number that the terminal knows of: decided or waiting.
    fn known(&self, node: usize) -> u64 {
        let election = self.nodes[node].election.as_ref().expect("the terminal is up");
        election.decided(self.nodes[node].config.me) + election.pending_proposals() as u64
    }

    /// Whether the terminal's disk lets it start: one that was removed does not.
    pub(crate) fn starts(&self, node: usize) -> bool {
        let node = &self.nodes[node];
        edgepos_consensus::Election::new(Now::new(self.now, 0), node.config.clone(), node.restored()).is_ok()
    }

    /// Calls a terminal and does what it asks for.
    pub(crate) fn call(&mut self, node: usize, call: impl FnOnce(&mut edgepos_consensus::Election, Now)) {
        let now = Now::new(self.now, self.now);
        call(self.nodes[node].election.as_mut().expect("the terminal is up"), now);
        self.collect(node);
    }

    /// The term of the leader that the terminal knows; 0 for none.
    pub(crate) fn term(&self, node: usize) -> u64 {
        let election = self.nodes[node].election.as_ref().expect("the terminal is up");
        election.leader().map_or(0, |leader| leader.term.0)
    }

    pub(crate) fn step_down(&mut self, node: usize) {
        let now = Now::new(self.now, self.now);
        self.nodes[node].election.as_mut().unwrap().step_down(now).expect("it leads");
        self.collect(node);
    }

    /// Every terminal proposes again what it wants and lost before it was durable, as after a crash.
    pub(crate) fn repropose(&mut self) {
        for node in 0..self.nodes.len() {
            if self.nodes[node].election.is_none() {
                continue;
            }
            let known = self.known(node);
            let (kept, lost): (Vec<_>, Vec<_>) =
                self.nodes[node].wants.iter().partition(|key| key.number <= known);
            self.nodes[node].wants = kept;
            for _ in lost {
                let key = self.propose(node, &[node as u8; 40]);
                self.nodes[node].wants.push(key);
            }
        }
    }

    /// Does what a terminal asks for after a command.
    pub(crate) fn flush(&mut self, node: usize) {
        self.collect(node);
    }

    pub(crate) fn report(&self, node: usize) -> edgepos_consensus::Report {
        self.nodes[node].election.as_ref().expect("the terminal is up").report(Now::new(self.now, self.now))
    }

    fn collect(&mut self, node: usize) {
        let (messages, writes, notices) = self.nodes[node].drain();
        let life = self.nodes[node].life;
        for id in writes {
            let at = self.nodes[node].disk_time(self.now);
            self.note(|| format!("{node} persist {}", id.0));
            self.at(at, Happening::Durable { node, life });
        }
        for message in messages {
            self.post(node, message);
        }
        for notice in notices {
            self.note(|| format!("{node} {notice:?}"));
            if let Notice::LeaderChanged(Some(leader)) = &notice
                && self.checks_leaders
            {
                let known = *self.leaders.entry(leader.term).or_insert(leader.replica);
                assert_eq!(known, leader.replica, "two leaders in term {}", leader.term);
                if leader.replica == self.nodes[node].config.me {
                    self.elections.push((self.now, node));
                }
            }
            self.nodes[node].notices.push((self.now, notice));
        }
        if let Some(at) = self.nodes[node].election.as_ref().and_then(|election| election.poll_timeout()) {
            // A deadline that has passed is due at once; the engine must not ask for the same moment for ever.
            let at = at.0.max(self.now);
            if self.nodes[node].timer != Some(at) {
                self.nodes[node].timer = Some(at);
                self.at(at, Happening::Timer { node, life });
            }
        }
        self.check_entitlement();
    }

    fn post(&mut self, from: usize, message: Message) {
        let bytes = message.encode();
        let named = |node: &usize| self.nodes[*node].config.me == message.to();
        let addressed: Vec<_> = (0..self.nodes.len()).filter(named).collect();
        for to in addressed {
            self.deliver(from, to, &message, bytes.clone());
        }
    }

    fn deliver(&mut self, from: usize, to: usize, message: &Message, bytes: Vec<u8>) {
        self.note(|| format!("{from} -> {to} {message:?}"));
        if let Some(recorded) = &mut self.recorded {
            recorded.push(bytes.clone());
        }
        if self.cut.contains(&(from, to)) || self.jitter.range(0, 1000) < self.loss {
            return;
        }
        if self.drops.is_some_and(|kind| format!("{message:?}").contains(kind)) {
            return;
        }
        let (from_life, life) = (self.nodes[from].life, self.nodes[to].life);
        let lag = self.nodes[from].lag_ms + self.nodes[to].lag_ms;
        let at = self.now + lag + self.jitter.range(self.latency.0, self.latency.1 + 1);
        if self.jitter.range(0, 1000) < self.duplicates {
            let late = at + self.jitter.range(0, 400);
            self.at(late, Happening::Arrival { from, from_life, to, life, bytes: bytes.clone() });
        }
        self.at(at, Happening::Arrival { from, from_life, to, life, bytes });
    }

    fn check_entitlement(&self) {
        let entitled = |node: &&Node| {
            let until = node.election.as_ref().and_then(|election| election.entitled_until());
            until.is_some_and(|until| until.0 > self.now)
        };
        let count = self.nodes.iter().filter(entitled).count();
        assert!(count <= 1 || !self.checks_entitlement, "{count} entitled: {}", self.summary());
    }

    fn check_decisions(&mut self, node: usize, decisions: Vec<Decision>) {
        if self.lenient {
            return;
        }
        for decision in decisions {
            let known = self.decided.entry(decision.index).or_insert_with(|| decision.clone());
            assert_eq!(*known, decision, "terminal {node} applied another decision");
            let applied = &mut self.nodes[node].applied;
            assert!(applied.last().is_none_or(|last| last.index < decision.index), "out of order");
            assert!(
                applied.iter().all(|earlier| earlier.key != decision.key),
                "{:?} applied twice",
                decision.key
            );
            applied.push(decision);
        }
    }

    /// The entitled terminal.
    pub(crate) fn leader(&self) -> Option<usize> {
        let entitled = |node: &usize| {
            let until = self.nodes[*node].election.as_ref().and_then(|election| election.entitled_until());
            until.is_some_and(|until| until.0 > self.now)
        };
        (0..self.nodes.len()).find(entitled)
    }

    /// Runs until one terminal is entitled and every reachable one follows it.
    pub(crate) fn elect(&mut self) -> usize {
        self.run_until(20_000, |world| world.leader().is_some());
        self.leader().unwrap()
    }

    pub(crate) fn health(&self, node: usize) -> Health {
        self.nodes[node].election.as_ref().expect("the terminal is up").health()
    }

    pub(crate) fn summary(&self) -> String {
        let line = |node: &Node| match &node.election {
            Some(election) => format!("{election:?} {:?} applied {}", election.health(), node.applied.len()),
            None => "off".to_owned(),
        };
        let lines: Vec<_> = self.nodes.iter().map(line).collect();
        format!("at {}:\n{}", self.now, lines.join("\n"))
    }

    /// Refusals on all terminals, in all their lives.
    pub(crate) fn drops(&self) -> BTreeMap<DropReason, u64> {
        self.drops_with(0..self.nodes.len())
    }

    /// Those of past lives, and those of these terminals.
    fn drops_with(&self, nodes: std::ops::Range<usize>) -> BTreeMap<DropReason, u64> {
        let mut sum = self.refused.clone();
        for election in self.nodes[nodes].iter().filter_map(|node| node.election.as_ref()) {
            for (reason, count) in election.drops() {
                *sum.entry(reason).or_default() += count;
            }
        }
        sum
    }
}

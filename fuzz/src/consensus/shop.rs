//! Terminals on a network that does what the input says. After every step the promises of the election are checked.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use edgepos_consensus::{
    Config, Decision, Election, Input, Message, Notice, Output, Proposal, Restored, Timing,
};
use edgepos_core::{ConnectionId, Now, PersistId, ReplicaId, Space, Term, Write};

use super::forge::Fields;

/// Messages on their way at a time; the oldest gets lost.
const MAX_IN_FLIGHT: usize = 256;
/// Messages of a kind kept for replay.
const MAX_TRACE: usize = 64;
/// The field of a message that holds its kind.
const KIND: u64 = 6;

pub(super) type Rows = BTreeMap<(Space, Vec<u8>), Vec<u8>>;

/// Writes and decisions that become durable together.
struct Transaction {
    id: PersistId,
    writes: Vec<Write>,
    decisions: Vec<Decision>,
}

struct Terminal {
    config: Config,
    election: Option<Election>,
    disk: Rows,
    applied: Vec<Decision>,
    under_way: VecDeque<Transaction>,
    last_write: PersistId,
    /// Writes wait for the input to let them through.
    stalled: bool,
    connection: u64,
}

pub(super) struct Shop {
    terminals: Vec<Terminal>,
    now: u64,
    network: VecDeque<(usize, usize, Vec<u8>)>,
    /// What was sent, newest last, by kind.
    trace: BTreeMap<u64, VecDeque<Vec<u8>>>,
    cut: BTreeSet<(usize, usize)>,
    leaders: BTreeMap<Term, ReplicaId>,
    decided: BTreeMap<u64, Decision>,
    /// Off once a message was forged: what is promised then is survival.
    honest: bool,
    /// Off once one of two voters was retired: if the other loses power before it has written that this was decided, it needs the vote of
    /// the retired one, which may be off for good.
    recovers: bool,
    /// Off once a living connection was reported dead: then two may be entitled for a moment.
    truthful: bool,
}

pub(super) fn replica(terminal: usize) -> ReplicaId {
    ReplicaId::new(terminal as u16 + 1, 0xABC0 + terminal as u64)
}

/// The configuration of a terminal, where the first `genesis` begin the store.
pub(super) fn config(terminal: usize, genesis: usize, fast: bool) -> Config {
    let mut config = Config::standard(replica(terminal), (0..genesis).map(replica).collect(), 7);
    config.max_log_entries = 16;
    config.max_pending_proposals = 8;
    config.joins = terminal >= genesis;
    if fast {
        (config.timing, config.lossy_transport) = (Timing::fast(), true);
    }
    config
}

impl Terminal {
    fn new(config: Config) -> Self {
        Self {
            config,
            election: None,
            disk: Rows::new(),
            applied: Vec::new(),
            under_way: VecDeque::new(),
            last_write: PersistId(0),
            stalled: false,
            connection: 1,
        }
    }

    fn leads(&self) -> bool {
        let leader = self.election.as_ref().and_then(Election::leader);
        leader.is_some_and(|leader| leader.replica == self.config.me)
    }
}

impl Shop {
    pub(super) fn new(terminals: usize, fast: bool) -> Self {
        let mut shop = Self {
            terminals: Vec::new(),
            now: 1000,
            network: VecDeque::new(),
            trace: BTreeMap::new(),
            cut: BTreeSet::new(),
            leaders: BTreeMap::new(),
            decided: BTreeMap::new(),
            honest: true,
            recovers: true,
            truthful: true,
        };
        for terminal in 0..terminals {
            shop.add(config(terminal, terminals, fast));
        }
        shop
    }

    /// A further terminal, started.
    pub(super) fn add(&mut self, config: Config) {
        self.terminals.push(Terminal::new(config));
        self.boot(self.terminals.len() - 1);
    }

    /// Starts a terminal from its disk; a retired one stays off.
    pub(super) fn boot(&mut self, terminal: usize) {
        let state = &mut self.terminals[terminal];
        if state.election.is_some() {
            return;
        }
        let mut restored = Restored::new();
        for ((space, key), value) in &state.disk {
            restored.insert(*space, key, value).expect("what was written reads back");
        }
        state.last_write = PersistId(0);
        match Election::new(Now::new(self.now, 0), state.config.clone(), restored) {
            Ok(election) => state.election = Some(election),
            Err(error) => assert!(!self.honest || error.to_string().contains("not a member"), "{error}"),
        }
        self.collect(terminal);
        for peer in 0..self.terminals.len() {
            self.connect(terminal, peer);
            self.connect(peer, terminal);
        }
    }

    /// Power off: what was not durable is gone.
    pub(super) fn crash(&mut self, terminal: usize) {
        self.terminals[terminal].election = None;
        self.terminals[terminal].under_way.clear();
    }

    pub(super) fn connect(&mut self, terminal: usize, peer: usize) {
        self.terminals[terminal].connection += 1;
        let connection = ConnectionId(self.terminals[terminal].connection);
        let replica = self.terminals[peer].config.me;
        if self.terminals[peer].election.is_some() {
            self.tell(terminal, Input::PeerUp(replica, connection));
        }
    }

    /// Reports a connection dead, which it may not be.
    pub(super) fn disconnect(&mut self, terminal: usize, peer: usize) {
        self.truthful &= self.terminals[peer].election.is_none();
        let connection = ConnectionId(self.terminals[terminal].connection);
        let replica = self.terminals[peer].config.me;
        self.tell(terminal, Input::PeerLost(replica, connection));
    }

    /// The link from one terminal to another drops everything, or does not any more.
    pub(super) fn toggle_link(&mut self, from: usize, to: usize) {
        if !self.cut.remove(&(from, to)) {
            self.cut.insert((from, to));
        }
    }

    /// Nothing passes between a terminal and the others.
    pub(super) fn isolate(&mut self, terminal: usize) {
        let others = (0..self.terminals.len()).filter(|other| *other != terminal);
        self.cut.extend(others.flat_map(|other| [(terminal, other), (other, terminal)]));
    }

    pub(super) fn join_links(&mut self) {
        self.cut.clear();
    }

    /// After [`heal`](Self::heal): somebody is entitled before long, and decides, where that is still promised.
    pub(super) fn recover(&mut self) {
        if !self.honest || !self.recovers {
            return;
        }
        // Leases and patience may have been stretched by answers that came seconds late.
        for _ in 0..40 {
            let entitled =
                |terminal: &Terminal| terminal.election.as_ref().is_some_and(|election| election.entitled());
            if let Some(leader) = self.terminals.iter().position(entitled) {
                let before = self.decided.len();
                self.propose(leader, b"the end");
                self.run(1000);
                if self.decided.len() > before {
                    return;
                }
            }
            self.run(1000);
        }
        panic!("a healed store decides nothing");
    }

    pub(super) fn heal(&mut self) {
        self.join_links();
        for terminal in 0..self.terminals.len() {
            self.terminals[terminal].stalled = false;
            self.boot(terminal);
        }
    }

    /// How many terminals there are.
    pub(super) fn len(&self) -> usize {
        self.terminals.len()
    }

    /// Which terminal has this name.
    pub(super) fn place_of(&self, replica: ReplicaId) -> Option<usize> {
        self.terminals.iter().position(|terminal| terminal.config.me == replica)
    }

    /// The name of a terminal.
    pub(super) fn name_of(&self, terminal: usize) -> ReplicaId {
        self.terminals[terminal].config.me
    }

    /// The term that a terminal is in; none while it is off.
    pub(super) fn term_at(&self, terminal: usize) -> Term {
        self.terminals[terminal].election.as_ref().map_or(Term(0), Election::term)
    }

    /// What was sent, newest last, a kind each.
    pub(super) fn sent(&self) -> impl ExactSizeIterator<Item = &VecDeque<Vec<u8>>> {
        self.trace.values()
    }

    /// What is on the disk of a terminal at the end.
    pub(super) fn into_disk(mut self, terminal: usize) -> Rows {
        self.terminals.swap_remove(terminal).disk
    }

    /// Time passes in which nobody is told anything.
    pub(super) fn pass(&mut self, ms: u64) {
        self.now += ms;
    }

    /// The writes of a terminal wait for the input to let them through, or do not any more.
    pub(super) fn toggle_disk(&mut self, terminal: usize) {
        self.terminals[terminal].stalled ^= true;
    }

    /// Tells a terminal what nobody said: what is promised from here on is survival.
    pub(super) fn tell_forged(&mut self, terminal: usize, message: Message) {
        self.honest = false;
        self.tell(terminal, Input::Message(message));
    }

    /// Tells a terminal something and does what it asks for.
    pub(super) fn tell(&mut self, terminal: usize, input: Input) {
        if let Some(election) = &mut self.terminals[terminal].election {
            election.handle(Now::new(self.now, 0), input);
            self.collect(terminal);
        }
    }

    /// Gives a command, whose refusal is no fault.
    pub(super) fn command(&mut self, terminal: usize, command: impl FnOnce(&mut Election, Now)) {
        if let Some(election) = &mut self.terminals[terminal].election {
            command(election, Now::new(self.now, 0));
            self.collect(terminal);
        }
    }

    pub(super) fn propose(&mut self, terminal: usize, bytes: &[u8]) {
        self.command(terminal, |election, now| {
            // Full is no fault.
            let proposal = Proposal { kind: 9, subject: Vec::new(), base: None, bytes: bytes.to_vec() };
            let _ = election.propose(now, proposal);
        });
    }

    /// Tells the leader to retire a terminal, which it may refuse.
    pub(super) fn retire(&mut self, terminal: usize) {
        let (leader, replica) = (self.leader(), self.terminals[terminal].config.me);
        let mut pair = false;
        self.command(leader, |election, now| {
            pair = election.voters().len() <= 2;
            pair &= election.retire(now, replica).is_ok();
        });
        self.recovers &= !pair;
    }

    /// The terminal that believes that it leads.
    pub(super) fn leader(&self) -> usize {
        self.terminals.iter().position(Terminal::leads).unwrap_or_default()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.network.len()
    }

    /// A message on its way arrives; one that is kept arrives again later.
    pub(super) fn deliver(&mut self, position: usize, kept: bool) {
        let Some((from, to, bytes)) = self.network.remove(position) else { return };
        if kept {
            self.network.push_back((from, to, bytes.clone()));
        }
        if !self.cut.contains(&(from, to)) {
            let message = Message::decode(&bytes).expect("honest bytes decode");
            self.tell(to, Input::Message(message));
        }
    }

    pub(super) fn drop_message(&mut self, position: usize) {
        self.network.remove(position);
    }

    /// The oldest write of a terminal is on its disk; without one, the last is reported again.
    pub(super) fn persist(&mut self, terminal: usize) {
        let state = &mut self.terminals[terminal];
        let Some(Transaction { id, writes, decisions }) = state.under_way.pop_front() else {
            let again = state.last_write;
            if again.0 > 0 {
                self.tell(terminal, Input::Persisted(again));
            }
            return;
        };
        state.last_write = id;
        for write in writes {
            match write {
                Write::Put { space, key, value } => drop(state.disk.insert((space, key), value)),
                Write::Delete { space, key } => drop(state.disk.remove(&(space, key))),
            }
        }
        if self.honest {
            self.check_decisions(terminal, decisions);
        }
        self.tell(terminal, Input::Persisted(id));
    }

    /// Lets time pass in which everything works: messages take a millisecond, and so do writes where the disk is not stalled.
    pub(super) fn run(&mut self, ms: u64) {
        let end = self.now + ms;
        while self.now < end {
            for terminal in 0..self.terminals.len() {
                while !self.terminals[terminal].stalled && !self.terminals[terminal].under_way.is_empty() {
                    self.persist(terminal);
                }
            }
            for _ in 0..self.network.len() {
                self.deliver(0, false);
            }
            let deadlines =
                self.terminals.iter().filter_map(|terminal| terminal.election.as_ref()?.poll_timeout());
            let next = match self.network.is_empty() {
                true => deadlines.min().map_or(end, |deadline| deadline.0.clamp(self.now + 1, end)),
                false => self.now + 1,
            };
            self.now = next;
            for terminal in 0..self.terminals.len() {
                let deadline = self.terminals[terminal].election.as_ref().and_then(Election::poll_timeout);
                if deadline.is_some_and(|deadline| deadline.0 <= self.now) {
                    self.tell(terminal, Input::Timeout);
                }
            }
        }
    }

    fn collect(&mut self, terminal: usize) {
        let state = &mut self.terminals[terminal];
        let Some(election) = &mut state.election else { return };
        let (mut decisions, mut news, mut messages) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(output) = election.poll_output() {
            match output {
                Output::Persist(persist) => state.under_way.push_back(Transaction {
                    id: persist.id,
                    writes: persist.writes,
                    decisions: std::mem::take(&mut decisions),
                }),
                Output::Apply(decision) => decisions.push(decision),
                // Nothing is attached here, so there is nothing to take.
                Output::Install(state) => assert_eq!(state, None),
                Output::Transmit(message) => messages.push(message),
                Output::Notice(notice) => news.push(notice),
            }
        }
        assert!(decisions.is_empty(), "a decision without the write that follows it");
        assert_eq!(election.halted(), None);
        if election.entitled() {
            assert_eq!(election.leader().map(|leader| leader.replica), Some(state.config.me));
        }
        for notice in news {
            self.check_news(terminal, &notice);
        }
        for message in messages {
            self.post(terminal, &message);
        }
        self.check_entitlement();
    }

    fn post(&mut self, from: usize, message: &Message) {
        let bytes = message.encode();
        let kind = Fields::parse(&bytes).map_or(0, |fields| fields.number(KIND));
        let trace = self.trace.entry(kind).or_default();
        if trace.len() == MAX_TRACE {
            trace.pop_front();
        }
        trace.push_back(bytes.clone());
        let Some(to) = self.terminals.iter().position(|other| other.config.me == message.to()) else {
            return;
        };
        if self.network.len() == MAX_IN_FLIGHT {
            self.network.pop_front();
        }
        self.network.push_back((from, to, bytes));
    }

    fn check_news(&mut self, terminal: usize, notice: &Notice) {
        match notice {
            Notice::LeaderChanged(Some(leader)) if self.honest => {
                let known = *self.leaders.entry(leader.term).or_insert(leader.replica);
                assert_eq!(known, leader.replica, "two leaders in term {}", leader.term);
            }
            Notice::LogLost { .. } if self.honest => panic!("terminal {terminal} lost nothing: {notice:?}"),
            _ => {}
        }
    }

    fn check_entitlement(&self) {
        let entitled = |terminal: &&Terminal| {
            let until = terminal.election.as_ref().and_then(Election::entitled_until);
            until.is_some_and(|until| until.0 > self.now)
        };
        let count = self.terminals.iter().filter(entitled).count();
        assert!(count <= 1 || !self.honest || !self.truthful, "{count} are entitled at {}", self.now);
    }

    /// The same decisions on each terminal, in the same order, each once.
    fn check_decisions(&mut self, terminal: usize, decisions: Vec<Decision>) {
        for decision in decisions {
            let known = self.decided.entry(decision.index).or_insert_with(|| decision.clone());
            assert_eq!(*known, decision, "terminal {terminal} applied another decision");
            let applied = &mut self.terminals[terminal].applied;
            assert!(applied.last().is_none_or(|last| last.index < decision.index), "out of order");
            assert!(applied.iter().all(|earlier| earlier.key != decision.key), "{:?} twice", decision.key);
            applied.push(decision);
        }
    }
}

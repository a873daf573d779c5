//! Every interleaving of a small store of three terminals, breadth first.
//!
//! The network is the worst there is: each state that a terminal ever passed through stays there for ever as something it may have
//! sent, whole or since anything that the receiver ever acknowledged, with the folded rows or without; each may arrive at any time,
//! any number of times, or never. So the number of sends is not bounded at all. What a step does to one terminal is computed by the
//! crate's own code, once, and remembered.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::eprintln;
use std::format;
use std::rc::Rc;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use edgepos_core::{FoldEpoch, Lane, ReplicaId};

use super::truth::{Event, Node, Truth, chain, event};
use crate::replica::mutant::Mutant;
use crate::{Fold, FoldError, Frame, MergeError, Replica, Retirement, VersionVector};

type LocalId = u32;
type LogId = u32;
/// What a terminal can send in a state: states that differ only in what is never sent are one.
type SentId = u32;
/// A set of those.
type PastId = u32;

/// What may happen besides selling and sending.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Scenario {
    /// A sells once, seals and goes on, while B sells.
    Seal,
    /// The same, with two sales before the seal.
    LargeSeal,
    /// A seals and goes on; the relay C loses its disk, and peers may go by what the lost one acknowledged.
    Relay,
    /// B loses its disk, goes on as another incarnation, and the old one is written off.
    WriteOff,
}

impl Scenario {
    const SMALL: [Self; 3] = [Self::Seal, Self::Relay, Self::WriteOff];
    const LARGE: [Self; 3] = [Self::LargeSeal, Self::Relay, Self::WriteOff];
}

/// One terminal and how far it followed the log.
#[derive(Clone)]
struct Local {
    node: Node,
    applied: usize,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Decision {
    Retire(Retirement),
    Fold(Fold),
}

/// The store: where each terminal is, every state that each one passed through, the log, and what happened once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct State {
    at: [LocalId; 3],
    past: [PastId; 3],
    log: LogId,
    wiped: bool,
    /// The second life of a reused incarnation wrote.
    reused: bool,
}

struct Model {
    scenario: Scenario,
    mutant: Option<Mutant>,
    locals: Vec<Local>,
    local_ids: HashMap<Vec<u8>, LocalId>,
    logs: Vec<Vec<Decision>>,
    log_ids: HashMap<Vec<Decision>, LogId>,
    /// Of each sent state: one terminal state that sends it.
    sent: Vec<LocalId>,
    sent_of: HashMap<LocalId, SentId>,
    sent_ids: HashMap<Vec<u8>, SentId>,
    pasts: Vec<Vec<SentId>>,
    past_ids: HashMap<Vec<SentId>, PastId>,
    frames: Vec<Frame<u64, u8, u64>>,
    frame_ids: HashMap<Vec<u8>, u32>,
    /// What may arrive, by what the sender and the receiver passed through.
    arriving: HashMap<(PastId, PastId), Rc<[u32]>>,
    merged: HashMap<(LocalId, u32), Result<LocalId, String>>,
    followed: HashMap<(LocalId, LogId), Result<LocalId, String>>,
    checked: HashMap<(LocalId, bool), Option<String>>,
}

const SEALS: u16 = 1;
const LOSES: u16 = 2;

/// How many events each incarnation writes.
fn limit(replica: ReplicaId, scenario: Scenario) -> usize {
    match (replica.terminal(), replica.0 & 0xFF, scenario) {
        (SEALS, 1, Scenario::LargeSeal | Scenario::Relay) | (LOSES, 1, Scenario::WriteOff) => 2,
        (SEALS, _, Scenario::Seal | Scenario::LargeSeal) => 1,
        (LOSES, 1, Scenario::Seal | Scenario::LargeSeal) => 1,
        _ => 0,
    }
}

/// Amounts are powers of two, so that whatever is lost or counted twice shows.
fn nth_event(replica: ReplicaId, number: usize, second_life: bool) -> Event {
    let incarnation = (replica.0 & 0xFF) as u32 - 1;
    let position = u32::from(replica.terminal()) * 4 + incarnation * 2 + number as u32;
    event(replica, 1 << (position + if second_life { 12 } else { 0 }), 0, u64::from(position) + 1)
}

impl Model {
    fn new(scenario: Scenario, mutant: Option<Mutant>) -> Self {
        Self {
            scenario,
            mutant,
            locals: Vec::new(),
            local_ids: HashMap::new(),
            logs: vec![Vec::new()],
            log_ids: HashMap::from([(Vec::new(), 0)]),
            sent: Vec::new(),
            sent_of: HashMap::new(),
            sent_ids: HashMap::new(),
            pasts: Vec::new(),
            past_ids: HashMap::new(),
            frames: Vec::new(),
            frame_ids: HashMap::new(),
            arriving: HashMap::new(),
            merged: HashMap::new(),
            followed: HashMap::new(),
            checked: HashMap::new(),
        }
    }

    fn local(&mut self, node: Node, applied: usize) -> LocalId {
        let key = serde_json::to_vec(&(&node, applied)).expect("serialises");
        let next = self.locals.len() as LocalId;
        *self.local_ids.entry(key).or_insert_with(|| {
            self.locals.push(Local { node, applied });
            next
        })
    }

    fn extended(&mut self, log: LogId, decision: Decision) -> LogId {
        let mut longer = self.logs[log as usize].clone();
        longer.push(decision);
        let next = self.logs.len() as LogId;
        *self.log_ids.entry(longer.clone()).or_insert_with(|| {
            self.logs.push(longer);
            next
        })
    }

    fn sent(&mut self, local: LocalId) -> SentId {
        if let Some(&known) = self.sent_of.get(&local) {
            return known;
        }
        let whole = self.locals[local as usize].node.delta_since(FoldEpoch(0), &VersionVector::new());
        let key = serde_json::to_vec(&whole).expect("serialises");
        let next = self.sent.len() as SentId;
        let id = *self.sent_ids.entry(key).or_insert_with(|| {
            self.sent.push(local);
            next
        });
        self.sent_of.insert(local, id);
        id
    }

    fn past(&mut self, sent: Vec<SentId>) -> PastId {
        let next = self.pasts.len() as PastId;
        *self.past_ids.entry(sent.clone()).or_insert_with(|| {
            self.pasts.push(sent);
            next
        })
    }

    /// Every frame that may arrive: any state of the sender, whole or since any state of the receiver, with the folded rows or not.
    fn arriving(&mut self, sender: PastId, receiver: PastId) -> Rc<[u32]> {
        if let Some(known) = self.arriving.get(&(sender, receiver)) {
            return Rc::clone(known);
        }
        let mut arriving = std::collections::BTreeSet::new();
        for &sent in &self.pasts[sender as usize] {
            let from = &self.locals[self.sent[sent as usize] as usize].node;
            let reports = self.pasts[receiver as usize].iter().map(|report| {
                let peer = &self.locals[self.sent[*report as usize] as usize].node;
                (peer.epoch(), peer.vector().clone())
            });
            for (epoch, vector) in reports.chain([(FoldEpoch(0), VersionVector::new())]) {
                let frame = from.delta_since(epoch, &vector);
                for frame in [frame.clone(), frame.without_checkpoint()] {
                    let key = serde_json::to_vec(&frame).expect("serialises");
                    let next = self.frames.len() as u32;
                    arriving.insert(*self.frame_ids.entry(key).or_insert_with(|| {
                        self.frames.push(frame);
                        next
                    }));
                }
            }
        }
        let arriving: Rc<[u32]> = arriving.into_iter().collect();
        self.arriving.insert((sender, receiver), Rc::clone(&arriving));
        arriving
    }

    fn merge(&mut self, receiver: LocalId, frame: u32) -> Result<LocalId, String> {
        if let Some(known) = self.merged.get(&(receiver, frame)) {
            return known.clone();
        }
        let Local { mut node, applied } = self.locals[receiver as usize].clone();
        let result = match node.merge(&self.frames[frame as usize]) {
            Ok(merged) if merged.base_agreed == Some(false) => Err("a frame brings another base".to_string()),
            Ok(_) => self.kept(receiver, &node).map(|()| self.local(node, applied)),
            Err(
                MergeError::Gap { .. } | MergeError::EpochAhead { .. } | MergeError::OwnChainAhead { .. },
            ) => Ok(receiver),
            Err(other) => Err(format!("an honest frame is refused: {other}")),
        };
        self.merged.insert((receiver, frame), result.clone());
        result
    }

    /// What a terminal knew it still knows, covered or put aside.
    fn kept(&self, before: LocalId, after: &Node) -> Result<(), String> {
        let before = &self.locals[before as usize].node;
        let known = |node: &Node, chain| {
            let aside = node
                .amendments()
                .find(|amendment| amendment.chain() == chain)
                .map_or(edgepos_core::Seq::ZERO, |amendment| amendment.last());
            node.vector().get(chain).max(aside)
        };
        match before.vector().iter().find(|(chain, _)| known(after, *chain) < known(before, *chain)) {
            Some((chain, _)) => Err(format!("events of {chain} are forgotten")),
            None => Ok(()),
        }
    }

    fn follow(&mut self, at: LocalId, log: LogId) -> Result<LocalId, String> {
        if let Some(known) = self.followed.get(&(at, log)) {
            return known.clone();
        }
        let Local { mut node, applied } = self.locals[at as usize].clone();
        let result = match self.logs[log as usize].get(applied).cloned() {
            None => Ok(at),
            Some(decision) => {
                let outcome = match &decision {
                    Decision::Retire(retirement) => {
                        node.retire(retirement);
                        Ok(())
                    }
                    Decision::Fold(fold) => node.apply_fold(fold),
                };
                match outcome {
                    Err(FoldError::BaseHash) => Err("a terminal folds to another base".to_string()),
                    _ => self.kept(at, &node).map(|()| self.local(node, applied + 1)),
                }
            }
        };
        self.followed.insert((at, log), result.clone());
        result
    }

    /// Values equal the events that the vector covers.
    fn check(&mut self, at: LocalId, reused: bool) -> Option<String> {
        if let Some(known) = self.checked.get(&(at, reused)) {
            return known.clone();
        }
        let node = &self.locals[at as usize].node;
        let mut truth = Truth { write_offs: self.scenario == Scenario::WriteOff, chains: BTreeMap::new() };
        for (chain, _) in node.vector().iter() {
            let second = reused && chain.replica.terminal() == LOSES;
            let events = (0..8).map(|number| nth_event(chain.replica, number, second && number == 0));
            truth.chains.insert(chain, events.collect());
        }
        let violation = truth.violation(node);
        self.checked.insert((at, reused), violation.clone());
        violation
    }

    fn start(&mut self) -> State {
        let mut at = [0; 3];
        for (number, at) in at.iter_mut().enumerate() {
            let mut node = Replica::new(ReplicaId::new(number as u16 + 1, 1));
            node.break_rule(self.mutant);
            *at = self.local(node, 0);
        }
        let past = at.map(|id| {
            let sent = self.sent(id);
            self.past(Vec::from([sent]))
        });
        State { at, past, log: 0, wiped: false, reused: false }
    }

    fn moved(&mut self, state: &State, terminal: usize, to: LocalId) -> State {
        let mut next = *state;
        next.at[terminal] = to;
        let sent = self.sent(to);
        let past = &self.pasts[next.past[terminal] as usize];
        if let Err(place) = past.binary_search(&sent) {
            let mut longer = past.clone();
            longer.insert(place, sent);
            next.past[terminal] = self.past(longer);
        }
        next
    }

    /// What led to a state: the terminal that each step changed.
    fn path(&self, seen: &HashMap<State, State>, last: State) -> String {
        let mut steps = Vec::new();
        let mut state = last;
        while let Some(&before) = seen.get(&state).filter(|before| **before != state) {
            let changed = (0..3).find(|terminal| before.at[*terminal] != state.at[*terminal]);
            steps.push(match changed {
                None => format!("the log gets {:?}", self.logs[state.log as usize].last()),
                Some(terminal) => {
                    let local = &self.locals[state.at[terminal] as usize];
                    let (node, applied) = (&local.node, local.applied);
                    let written = node.registers().entries_since(&VersionVector::new());
                    let register = written.get(&0).map(|e| (e.dot.to_string(), *e.register.value()));
                    let aside = node.amendments().count();
                    format!(
                        "{terminal} as {} at {}, log {applied}: {:?}, {register:?}, aside {aside}",
                        node.me(),
                        node.epoch(),
                        node.vector()
                    )
                }
            });
            state = before;
        }
        steps.reverse();
        steps.join("\n")
    }

    /// Every state that one step leads to.
    fn steps(&mut self, state: &State) -> Result<Vec<State>, String> {
        let mut next = Vec::new();
        for terminal in 0..3 {
            let at = state.at[terminal];
            let Local { node, applied } = self.locals[at as usize].clone();
            self.sell(state, terminal, &node, applied, &mut next);
            let followed = self.follow(at, state.log)?;
            next.push(self.moved(state, terminal, followed));
            self.decide(state, terminal, &node, applied, &mut next);
            for sender in (0..3).filter(|sender| *sender != terminal) {
                for &frame in self.arriving(state.past[sender], state.past[terminal]).iter() {
                    let merged = self.merge(at, frame)?;
                    if merged != at {
                        next.push(self.moved(state, terminal, merged));
                    }
                }
            }
        }
        Ok(next)
    }

    fn sell(&mut self, state: &State, terminal: usize, node: &Node, applied: usize, next: &mut Vec<State>) {
        let me = node.me();
        let written = node.vector().get(chain(me)).0 as usize;
        if written >= limit(me, self.scenario) + usize::from(self.mutant == Some(Mutant::SellAfterSeal)) {
            return;
        }
        let second = state.wiped && self.mutant == Some(Mutant::ReuseInc) && me.terminal() == LOSES;
        let mut after = node.clone();
        if after.record(Lane::Transactions, nth_event(me, written, second && written == 0)).is_ok() {
            let after = self.local(after, applied);
            let mut sold = self.moved(state, terminal, after);
            sold.reused |= second;
            next.push(sold);
        }
    }

    /// Seals, losses, write-offs, folds and amends.
    fn decide(&mut self, state: &State, terminal: usize, node: &Node, applied: usize, next: &mut Vec<State>) {
        let number = terminal as u16 + 1;
        let whole_log = applied == self.logs[state.log as usize].len();
        let logged = |decision: &Decision, model: &Self| model.logs[state.log as usize].contains(decision);
        let first_life = node.me() == ReplicaId::new(number, 1);
        let second = ReplicaId::new(number, 2);
        if self.scenario != Scenario::WriteOff && number == SEALS && first_life && !node.is_sealed() {
            let mut after = node.clone();
            if let Some(retirement) = after.seal() {
                if self.mutant != Some(Mutant::SellAfterSeal) {
                    after.begin(second).expect("a fresh one");
                }
                let after = self.local(after, applied);
                let mut sealed = self.moved(state, terminal, after);
                sealed.log = self.extended(state.log, Decision::Retire(retirement));
                next.push(sealed);
            }
        }
        let reuse = self.mutant == Some(Mutant::ReuseInc);
        let loses = match self.scenario {
            Scenario::Seal | Scenario::LargeSeal => reuse && number == LOSES,
            Scenario::Relay => number == 3,
            Scenario::WriteOff => number == LOSES,
        };
        if loses && !state.wiped {
            let mut empty = Replica::new(ReplicaId::new(number, if reuse { 1 } else { 2 }));
            empty.break_rule(self.mutant);
            let empty = self.local(empty, 0);
            let mut wiped = self.moved(state, terminal, empty);
            wiped.wiped = true;
            next.push(wiped);
        }
        if !whole_log {
            return;
        }
        if self.scenario == Scenario::WriteOff && state.wiped && number != LOSES {
            let retired = self.logs[state.log as usize].iter().any(|d| matches!(d, Decision::Retire(_)));
            if let Some(retirement) = node.write_off(ReplicaId::new(LOSES, 1)).filter(|_| !retired) {
                let mut written_off = *state;
                written_off.log = self.extended(state.log, Decision::Retire(retirement));
                next.push(written_off);
            }
            for other in (0..3).filter(|other| *other != terminal) {
                let held: Vec<_> = self.locals[state.at[other] as usize].node.amendments().cloned().collect();
                for amendment in held {
                    let mut after = node.clone();
                    if after.absorb(&amendment).is_ok() {
                        let after = self.local(after, applied);
                        next.push(self.moved(state, terminal, after));
                    }
                }
            }
        }
        if let Some(fold) = node.propose_fold() {
            let decision = Decision::Fold(fold);
            if !logged(&decision, self) {
                let mut proposed = *state;
                proposed.log = self.extended(state.log, decision);
                next.push(proposed);
            }
        }
    }
}

/// Explores all states up to a limit. How many there are, or the first violation with its depth.
fn explore(
    scenario: Scenario,
    mutant: Option<Mutant>,
    limit: usize,
) -> Result<(usize, bool), (usize, String)> {
    let mut model = Model::new(scenario, mutant);
    let start = model.start();
    // Each state with the one that led to it.
    let mut seen = HashMap::from([(start, start)]);
    let mut queue = VecDeque::from([(start, 0)]);
    while let Some((state, depth)) = queue.pop_front() {
        for (terminal, at) in state.at.into_iter().enumerate() {
            if let Some(violation) = model.check(at, state.reused) {
                let path = model.path(&seen, state);
                return Err((depth, format!("terminal {terminal}: {violation}\n{path}")));
            }
        }
        for next in model.steps(&state).map_err(|violation| (depth, violation))? {
            if seen.len() < limit && !seen.contains_key(&next) {
                seen.insert(next, state);
                queue.push_back((next, depth + 1));
            }
        }
    }
    eprintln!(
        "{scenario:?}: {} states, {} of one terminal, {} pasts, {} frames, {} merges",
        seen.len(),
        model.locals.len(),
        model.pasts.len(),
        model.frames.len(),
        model.merged.len()
    );
    Ok((seen.len(), seen.len() < limit))
}

fn explore_whole(scenarios: [Scenario; 3]) {
    for scenario in scenarios {
        let explored = explore(scenario, None, 1_000_000);
        let (states, whole) =
            explored.unwrap_or_else(|(depth, violation)| panic!("{scenario:?}, depth {depth}: {violation}"));
        assert!(
            whole && states > 1_000,
            "{scenario:?}: {states} states are not all, or too few to mean anything"
        );
    }
}

#[test]
fn no_interleaving_breaks_a_value() {
    explore_whole(Scenario::SMALL);
}

/// 450,000 states: seconds when optimised, minutes when not.
#[test]
#[ignore = "minutes without optimisation: `.ci/run --long` runs it with"]
fn no_interleaving_of_a_larger_store_breaks_a_value() {
    explore_whole(Scenario::LARGE);
}

#[test]
fn every_broken_rule_breaks_some_interleaving() {
    for mutant in Mutant::ALL {
        let caught = Scenario::LARGE.into_iter().find_map(|scenario| {
            explore(scenario, Some(mutant), 20_000).err().map(|found| (scenario, found))
        });
        let Some((scenario, (depth, violation))) = caught else {
            panic!("{mutant:?} breaks no interleaving")
        };
        eprintln!(
            "{mutant:?}: {scenario:?}, depth {depth}: {}",
            violation.lines().next().unwrap_or_default()
        );
    }
}

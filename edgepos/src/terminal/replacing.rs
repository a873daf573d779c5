//! How another box takes the place of a terminal: an operator says so at any till, the store's log takes it down, and whoever leads does
//! it, a step at a time, when a box of that number is there.
//!
//! The log says which incarnations are to go and nothing of who comes: the newest box of the number that is heard goes on. What is to be
//! done follows from the log and the members alone, so that any leader goes on where the one before it stopped.

use std::collections::BTreeMap;
use std::time::Duration;

use edgepos_consensus::{Election, Health, MAX_TERMINALS, MembershipError, Proposal, ProposeError};
use edgepos_core::{Now, ReplicaId, Space, Time, Write};
use edgepos_wire::{from_cbor, to_cbor};
use minicbor::{Decode, Encode};
use thiserror::Error;

use super::condition::Finding;
use super::ledger::Ledger;
use super::links::Links;
use super::unit_of_work::UnitOfWork;
use super::unsent::{Sight, Unsent, WRITE_OFF};
use crate::retail::unreadable::Unreadable;

/// A decision's kind, in the log for ever: its bytes are an [`Intent`].
const REPLACE: u16 = 2;

/// How long no leader may be known before somebody must look: an election takes a second or two.
const LED_WITHIN: Duration = Duration::from_secs(10);

/// How long a box that came must be away before another of its number is let in without a further word of the operator.
const KEPT_FOR: Duration = Duration::from_secs(600);

/// Bytes that go into a snapshot of the store's log, at most; what is beyond is left out.
const MAX_ATTACHED: usize = 768;

/// The first byte of a row's key; the terminal's number follows, 2 bytes, big endian.
const INTENT: u8 = 0;

/// Another box cannot take the place of a terminal.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum ReplaceError {
    /// This terminal does not belong to the store yet: ask one that does.
    #[error("{me} does not belong to the store yet; ask at a terminal that does")]
    NotAMember {
        /// This terminal, which was asked.
        me: ReplicaId,
    },
    /// No terminal may have this number: 0 is the store's, 65,535 the cloud's.
    #[error("terminal: {terminal} is no number of a terminal: they go from 1 to {last}", last = ReplicaId::LAST_TERMINAL)]
    NotATerminal {
        /// The number that was given.
        terminal: u16,
    },
    /// No member of the store has this number.
    #[error("no terminal of the store has the number {terminal}")]
    NoSuchTerminal {
        /// The number that was given.
        terminal: u16,
    },
    /// The terminal is there: only a planned replacement takes the place of one that sells.
    #[error("{replica} is connected; to replace it all the same, say that it is planned")]
    Connected {
        /// The incarnation that is there.
        replica: ReplicaId,
    },
    /// The store decides nothing: no majority of its terminals is heard.
    #[error(
        "no majority of the store's {voters} voters is heard, so that it decides nothing: switch one more of them on, or use the manager's recovery kit; the cloud's vote keeps a store of two deciding"
    )]
    NoMajority {
        /// How many vote.
        voters: usize,
    },
    /// Nobody who is gone for good is known to have left events that nobody has.
    #[error("no retired incarnation of terminal {terminal} is known to have left anything unsent")]
    NothingUnsent {
        /// The number that was given.
        terminal: u16,
    },
    /// The election does not take the proposal.
    #[error("the election does not take it")]
    Election(#[source] ProposeError),
}

/// What the store has decided about one terminal.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
struct Intent {
    /// Which number.
    #[n(0)]
    terminal: u16,
    /// The incarnations that go.
    #[n(1)]
    leaving: Vec<u64>,
    /// Whether they go although they are heard.
    #[n(2)]
    planned: bool,
}

impl Intent {
    fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        Ok(from_cbor("replacement of a terminal", bytes)?)
    }

    fn leaving(&self) -> impl Iterator<Item = ReplicaId> + '_ {
        self.leaving.iter().copied().map(ReplicaId)
    }

    fn leaves(&self, replica: ReplicaId) -> bool {
        self.leaving.contains(&replica.0)
    }

    /// Members that are to go.
    fn left<'a>(&'a self, election: &'a Election) -> impl Iterator<Item = ReplicaId> + 'a {
        self.leaving().filter(|replica| members(election).any(|member| member == *replica))
    }

    /// Members that came in their place.
    fn came<'a>(&'a self, election: &'a Election) -> impl Iterator<Item = ReplicaId> + 'a {
        members(election).filter(|member| member.terminal() == self.terminal && !self.leaves(*member))
    }

    /// A box that is there and belongs to the store neither now nor before; of several the one with the lowest id, whoever looks.
    fn newcomer(&self, election: &Election, links: &Links) -> Option<ReplicaId> {
        let comes = |peer: &ReplicaId| {
            let stranger = peer.terminal() == self.terminal && !self.leaves(*peer);
            stranger && !election.is_retired(*peer) && members(election).all(|member| member != *peer)
        };
        links.peers().filter(comes).min()
    }
}

/// The replacements that the store has decided and that are not done; one for each number, [`MAX_TERMINALS`] at most.
#[derive(Debug, Default)]
pub(crate) struct Replacing {
    intents: BTreeMap<u16, Intent>,
    /// Whether the election was told since the last change.
    told: bool,
    /// Since when nobody is known to lead, who alone could go on with them.
    unled: Option<Time>,
    /// Since when none of the boxes that came for a number is connected to this terminal.
    away: BTreeMap<u16, Time>,
    unsent: Unsent,
}

impl Replacing {
    /// A row of [`Space::Replacement`].
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        // A kind of row of a later version: kept by not touching it.
        if !self.unsent.restore(key, value)? && key.first() == Some(&INTENT) {
            let intent = Intent::read(value)?;
            self.intents.insert(intent.terminal, intent);
        }
        Ok(())
    }

    /// Asks the store to decide that another box takes the place of `terminal`.
    ///
    /// # Errors
    /// When there is no such terminal, it is there and nothing was planned, or the store decides nothing.
    pub(super) fn propose(
        &self,
        now: Now,
        (terminal, planned): (u16, bool),
        election: &mut Election,
        links: &Links,
        me: ReplicaId,
    ) -> Result<(), ReplaceError> {
        check_number(terminal)?;
        check_member(election, me)?;
        let of_number: Vec<_> = members(election).filter(|member| member.terminal() == terminal).collect();
        let present = |member: &&ReplicaId| **member == me || links.to(**member).is_some();
        // A box that was admitted already and has not got the vote is the one that comes, as long as it is there.
        let comes = |member: &ReplicaId| {
            let is_there = *member == me || links.to(*member).is_some();
            election.learners().contains(member) && of_number.len() > 1 && is_there
        };
        let leaving: Vec<_> = of_number.iter().filter(|member| !comes(member)).collect();
        if of_number.is_empty() {
            return Err(ReplaceError::NoSuchTerminal { terminal });
        }
        if let Some(replica) = leaving.iter().copied().find(present).filter(|_| !planned) {
            return Err(ReplaceError::Connected { replica: *replica });
        }
        let leaving = leaving.into_iter().map(|replica| replica.0).collect();
        self.decide(now, election, REPLACE, to_cbor(&Intent { terminal, leaving, planned }))
    }

    /// Asks the store to give up what the retired incarnations of this number have left and nobody has.
    ///
    /// # Errors
    /// When nothing is known to be missing, or the store decides nothing.
    pub(super) fn write_off(
        &self,
        now: Now,
        terminal: u16,
        election: &mut Election,
        me: ReplicaId,
    ) -> Result<(), ReplaceError> {
        check_number(terminal)?;
        check_member(election, me)?;
        let bytes = self.unsent.proposal(terminal).ok_or(ReplaceError::NothingUnsent { terminal })?;
        self.decide(now, election, WRITE_OFF, bytes)
    }

    fn decide(
        &self,
        now: Now,
        election: &mut Election,
        kind: u16,
        bytes: Vec<u8>,
    ) -> Result<(), ReplaceError> {
        // Between two leaders the wish waits for the next one.
        if matches!(election.health(), Health::Degraded { .. }) || self.is_unled(now) {
            return Err(ReplaceError::NoMajority { voters: election.voters().len() });
        }
        let proposal = Proposal { kind, subject: Vec::new(), base: None, bytes };
        election.propose(now, proposal).map(drop).map_err(ReplaceError::Election)
    }

    /// The store has decided something. Whether it is of these kinds and can be read: what cannot is passed over, like a decision of an
    /// unknown kind.
    pub(super) fn decided(&mut self, kind: u16, bytes: &[u8], out: &mut UnitOfWork) -> bool {
        match kind {
            REPLACE => self.intended(bytes, out),
            WRITE_OFF => self.unsent.decided(bytes, out),
            _ => false,
        }
    }

    fn intended(&mut self, bytes: &[u8], out: &mut UnitOfWork) -> bool {
        let Ok(intent) = Intent::read(bytes) else { return false };
        let known = self.intents.contains_key(&intent.terminal);
        if !known && self.intents.len() >= MAX_TERMINALS || intent.leaving.len() > MAX_TERMINALS {
            return false;
        }
        out.write(Write::put(Space::Replacement, row(intent.terminal), bytes));
        self.intents.insert(intent.terminal, intent);
        self.told = false;
        true
    }

    /// What of it goes into a snapshot of the store's log, for a terminal that was away when it was decided.
    pub(super) fn attached(&self) -> Vec<u8> {
        let mut fitting: Vec<&Intent> = Vec::new();
        let mut bytes = 0;
        for intent in self.intents.values() {
            bytes += to_cbor(intent).len();
            if bytes <= MAX_ATTACHED {
                fitting.push(intent);
            }
        }
        [to_cbor(&fitting), self.unsent.attached()].concat()
    }

    /// A snapshot of the store's log took the place of decisions: what it says counts. One of an earlier version says nothing.
    pub(super) fn install(&mut self, attached: &[u8], out: &mut UnitOfWork) {
        // A later version may have added to it.
        let mut decoder = minicbor::Decoder::new(attached);
        let read = decoder.decode::<Vec<Intent>>().ok();
        let Some(read) = read.filter(|intents| intents.len() <= MAX_TERMINALS) else { return };
        self.unsent.install(&attached[decoder.position()..], out);
        for terminal in std::mem::take(&mut self.intents).into_keys() {
            out.write(Write::delete(Space::Replacement, row(terminal)));
        }
        for intent in read {
            out.write(Write::put(Space::Replacement, row(intent.terminal), to_cbor(&intent)));
            self.intents.insert(intent.terminal, intent);
        }
        self.told = false;
    }

    /// Notes which of the boxes that came are not connected here. This terminal is always there.
    fn watch(&mut self, now: Now, me: ReplicaId, election: &Election, links: &Links) {
        let Self { intents, away, .. } = self;
        let is_there = |intent: &&Intent| {
            let mut came = intent.came(election).peekable();
            came.peek().is_none() || came.any(|member| member == me || links.to(member).is_some())
        };
        away.retain(|terminal, _| intents.get(terminal).is_some_and(|intent| !is_there(&intent)));
        for intent in intents.values().filter(|intent| !is_there(intent)) {
            away.entry(intent.terminal).or_insert(now.mono);
        }
    }

    /// Whether nobody has been known to lead for so long that no election explains it.
    pub(super) fn is_unled(&self, now: Now) -> bool {
        self.unled.is_some_and(|since| now.mono >= since + LED_WITHIN)
    }

    /// Does the next step of each replacement, where this terminal is the entitled leader. Whether it told the election something.
    pub(super) fn tend(
        &mut self,
        now: Now,
        me: ReplicaId,
        election: &mut Election,
        ledger: &Ledger,
        links: &Links,
        out: &mut UnitOfWork,
    ) -> bool {
        self.watch(now, me, election, links);
        if self.unsent.is_due(now) {
            let leaving = self.intents.values().flat_map(Intent::leaving);
            let gone = leaving.chain(election.retired().iter().copied()).filter(|replica| *replica != me);
            self.unsent.look(now, &gone.collect(), &Sight { me, election, ledger, links }, out);
        }
        let led = election.health() != Health::Leaderless;
        self.unled = if led { None } else { self.unled.or(Some(now.mono)) };
        let done = |intent: &Intent| {
            intent.left(election).next().is_none() && intent.came(election).next().is_some()
        };
        let done: Vec<_> = self.intents.values().filter(|intent| done(intent)).map(|i| i.terminal).collect();
        for terminal in done {
            self.intents.remove(&terminal);
            out.write(Write::delete(Space::Replacement, row(terminal)));
            self.told = false;
        }
        if !std::mem::replace(&mut self.told, true) {
            let planned = self.intents.values().filter(|intent| intent.planned);
            election.replace(planned.flat_map(Intent::leaving));
        }
        let Self { intents, away, .. } = self;
        let gone = |terminal| away.get(&terminal).is_some_and(|since| now.mono >= *since + KEPT_FOR);
        election.entitled()
            && intents.values().any(|intent| step(now, intent, gone(intent.terminal), election, links))
    }

    /// What those who are gone for good have left and nobody has.
    pub(super) fn unsent(&self) -> Option<Finding> {
        self.unsent.finding()
    }

    /// What waits for somebody: a box that has not come, or one that is not let in because the one before it is heard.
    pub(super) fn waits(&self, election: &Election) -> Option<Finding> {
        let held = election
            .held()
            .iter()
            .map(|held| format!("{} waits: {} of the same number is heard", held.newcomer, held.incumbent));
        let missing = self.intents.values().filter(|intent| intent.came(election).next().is_none());
        let missing = missing
            .map(|intent| format!("terminal {}: no other box of its number has come", intent.terminal));
        let about: Vec<_> = held.chain(missing).collect();
        (!about.is_empty()).then(|| Finding { count: about.len() as u64, about: about.join("; ") })
    }
}

/// Lets the newcomer in, where there is one and none has come before it that is not `gone`. The rest follows from the members: see
/// [`Election::replace`].
fn step(now: Now, intent: &Intent, gone: bool, election: &mut Election, links: &Links) -> bool {
    let Some(newcomer) = intent.newcomer(election, links) else { return false };
    if intent.came(election).next().is_some() && !gone {
        return false;
    }
    match election.admit(now, newcomer) {
        Ok(()) => true,
        Err(MembershipError::Full { .. }) => {
            // Every place is taken: the silent one gives up its own.
            let gone = intent.left(election).find(|left| election.is_silent(now, *left));
            gone.is_some_and(|gone| election.retire(now, gone).is_ok())
        }
        // Another change is under way, or this terminal leads no more: at another turn.
        Err(_) => false,
    }
}

/// Refuses a number that no terminal may have.
fn check_number(terminal: u16) -> Result<(), ReplaceError> {
    if ReplicaId::is_terminal_number(terminal) {
        Ok(())
    } else {
        Err(ReplaceError::NotATerminal { terminal })
    }
}

fn check_member(election: &Election, me: ReplicaId) -> Result<(), ReplaceError> {
    let belongs = members(election).any(|member| member == me);
    if belongs { Ok(()) } else { Err(ReplaceError::NotAMember { me }) }
}

fn members(election: &Election) -> impl Iterator<Item = ReplicaId> + '_ {
    election.voters().iter().chain(election.learners()).copied()
}

fn row(terminal: u16) -> Vec<u8> {
    let [high, low] = terminal.to_be_bytes();
    vec![INTENT, high, low]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    /// As it is in the log and on disk for ever.
    #[test]
    fn an_intent_has_these_bytes() {
        let intent = Intent { terminal: 3, leaving: vec![ReplicaId::new(3, 0xAB).0], planned: true };
        let bytes = [&[0xA3, 0, 3, 1, 0x81, 0x1B][..], &[0, 3, 0, 0, 0, 0, 0, 0xAB], &[2, 0xF5]].concat();
        assert_eq!(to_cbor(&intent), bytes);
        let mut replacing = Replacing::default();
        replacing.restore(&row(3), &bytes).unwrap();
        replacing.restore(&[9, 9], b"a later version's").unwrap();
        assert_eq!(replacing.intents, BTreeMap::from([(3, intent)]));
        assert!(replacing.restore(&row(3), &bytes[1..]).is_err());
        assert!(!replacing.decided(REPLACE, &bytes[1..], &mut UnitOfWork::default()), "passed over");
    }

    /// What a snapshot carries reads back, takes the place of what was there, and one of before carries nothing.
    #[test]
    fn a_snapshot_carries_what_is_decided_and_not_done() {
        let intent =
            |terminal| Intent { terminal, leaving: vec![ReplicaId::new(terminal, 7).0], planned: false };
        let mut out = UnitOfWork::default();
        let mut giver = Replacing::default();
        assert_eq!(giver.attached(), [0x80, 0x80]);
        for terminal in [3, 5] {
            assert!(giver.decided(REPLACE, &to_cbor(&intent(terminal)), &mut out));
        }
        let mut taker = Replacing::default();
        assert!(taker.decided(REPLACE, &to_cbor(&intent(9)), &mut out));
        taker.install(&[], &mut out);
        assert_eq!(taker.intents.keys().collect::<Vec<_>>(), [&9], "one of before says nothing");
        let longer = [giver.attached(), b"of a later version".to_vec()].concat();
        taker.install(&longer, &mut out);
        assert_eq!(taker.intents, giver.intents);
        taker.install(&[0x80], &mut out);
        assert!(taker.intents.is_empty());
        let many = Intent { leaving: vec![ReplicaId::new(4, u64::MAX >> 16).0; 15], ..intent(4) };
        for terminal in 1..=15 {
            giver.intents.insert(terminal, Intent { terminal, ..many.clone() });
        }
        assert!((MAX_ATTACHED / 2..=MAX_ATTACHED + 8).contains(&giver.attached().len()));
    }
}

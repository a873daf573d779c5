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
use super::links::Links;
use super::unit_of_work::UnitOfWork;
use crate::retail::unreadable::Unreadable;

/// A decision's kind, in the log for ever: its bytes are an [`Intent`].
pub(super) const REPLACE: u16 = 2;

/// How long no leader may be known before somebody must look: an election takes a second or two.
const LED_WITHIN: Duration = Duration::from_secs(10);

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

    /// The box that came last and belongs to the store neither now nor before.
    fn newcomer(&self, election: &Election, links: &Links) -> Option<ReplicaId> {
        let comes = |peer: &ReplicaId| {
            let stranger = peer.terminal() == self.terminal && !self.leaves(*peer);
            stranger && !election.is_retired(*peer) && members(election).all(|member| member != *peer)
        };
        links.peers().filter(comes).max_by_key(|peer| links.to(*peer))
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
}

impl Replacing {
    /// A row of [`Space::Replacement`].
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        // A kind of row of a later version: kept by not touching it.
        if key.first() == Some(&INTENT) {
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
        if !members(election).any(|member| member == me) {
            return Err(ReplaceError::NotAMember { me });
        }
        let of_number: Vec<_> = members(election).filter(|member| member.terminal() == terminal).collect();
        let present = |member: &&ReplicaId| **member == me || links.to(**member).is_some();
        // A box that was admitted already and has not got the vote is the one that comes.
        let comes = |member: &ReplicaId| election.learners().contains(member) && of_number.len() > 1;
        let leaving: Vec<_> = of_number.iter().filter(|member| !comes(member)).collect();
        if of_number.is_empty() {
            return Err(ReplaceError::NoSuchTerminal { terminal });
        }
        if let Some(replica) = leaving.iter().copied().find(present).filter(|_| !planned) {
            return Err(ReplaceError::Connected { replica: *replica });
        }
        // Between two leaders the wish waits for the next one.
        if matches!(election.health(), Health::Degraded { .. }) || self.is_unled(now) {
            return Err(ReplaceError::NoMajority { voters: election.voters().len() });
        }
        let leaving = leaving.into_iter().map(|replica| replica.0).collect();
        let bytes = to_cbor(&Intent { terminal, leaving, planned });
        let proposal = Proposal { kind: REPLACE, subject: Vec::new(), base: None, bytes };
        election.propose(now, proposal).map(drop).map_err(ReplaceError::Election)
    }

    /// The store has decided it. Whether it can be read: what cannot is passed over, like a decision of an unknown kind.
    pub(super) fn decided(&mut self, bytes: &[u8], out: &mut UnitOfWork) -> bool {
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

    /// Whether nobody has been known to lead for so long that no election explains it.
    pub(super) fn is_unled(&self, now: Now) -> bool {
        self.unled.is_some_and(|since| now.mono >= since + LED_WITHIN)
    }

    /// Does the next step of each replacement, where this terminal is the entitled leader. Whether it told the election something.
    pub(super) fn tend(
        &mut self,
        now: Now,
        election: &mut Election,
        links: &Links,
        out: &mut UnitOfWork,
    ) -> bool {
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
        election.entitled() && self.intents.values().any(|intent| step(now, intent, election, links))
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

/// Lets the newcomer in, where there is one and nobody goes on before it. The rest follows from the members: see [`Election::replace`].
fn step(now: Now, intent: &Intent, election: &mut Election, links: &Links) -> bool {
    let Some(newcomer) = intent.newcomer(election, links) else { return false };
    if intent.came(election).any(|member| !election.is_silent(now, member)) {
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
        assert!(!replacing.decided(&bytes[1..], &mut UnitOfWork::default()), "passed over");
    }
}

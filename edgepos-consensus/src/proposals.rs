//! Proposals that wait for the store's decision, and the order in which a leader appends them.

use std::collections::{BTreeMap, VecDeque};

use edgepos_core::{ReplicaId, Time, Write};

use crate::config::Config;
use crate::entry::{Entry, MAX_SUBJECT_BYTES, Numbered, Proposal, ProposalKey};
use crate::error::{ProposeError, StartError};
use crate::io::{Leader, Output};
use crate::message::Body;
use crate::rows;
use crate::turn::Turn;

/// Bytes of proposals in one message to the leader.
const BATCH_BYTES: usize = 512 * 1024;
/// Proposals in one message to the leader.
const BATCH_ITEMS: usize = 64;

/// This terminal's own proposals, oldest first, and what the current leadership of this terminal has appended.
///
/// Each is a row until it is decided, and nobody hears of it before the row is durable: so no number means two things, and none is
/// missing before one that was sent, which would hold up all that follow. A leader appends at once, and writes row and entry
/// together: a write more for each would be felt on a slow disk.
#[derive(Clone, Debug)]
pub(crate) struct Proposals {
    /// With the numbers that follow the decided ones, without gaps.
    pending: VecDeque<Numbered>,
    /// Rows that go with the next write.
    unwritten: Vec<Write>,
    /// Those up to this number are on the disk.
    durable: u64,
    /// The first entry with one that is not: others may hear of it, and of those behind it, once all is durable.
    held_from: Option<u64>,
    /// Highest number of each replica in the log of this leadership, decided or not.
    appended: BTreeMap<ReplicaId, u64>,
    /// Whom the pending ones were last sent to, and when to send them again.
    sent: Option<(Leader, Time)>,
}

impl Proposals {
    /// Those of the last run that wait, given the highest decided number of `me`. The writes delete the rows of the others: decided
    /// by a version that kept no such rows, or of another incarnation.
    ///
    /// # Errors
    /// When one is missing in between.
    pub(crate) fn open(
        me: ReplicaId,
        decided: u64,
        restored: BTreeMap<u64, Numbered>,
    ) -> Result<(Self, Vec<Write>), StartError> {
        let waits = |numbered: &Numbered| numbered.key.replica == me && numbered.key.number > decided;
        let (pending, over): (Vec<_>, Vec<_>) = restored.into_values().partition(waits);
        let pending = VecDeque::from(pending);
        let follows =
            |(place, numbered): (usize, &Numbered)| numbered.key.number - decided == place as u64 + 1;
        if !pending.iter().enumerate().all(follows) {
            return Err(StartError::Inconsistent { what: "a proposal that waits is missing" });
        }
        let writes = over.iter().map(|numbered| rows::delete_proposal(numbered.key.number)).collect();
        let durable = pending.back().map_or(decided, |last| last.key.number);
        let (unwritten, held_from) = (Vec::new(), None);
        Ok((Self { pending, unwritten, durable, held_from, appended: BTreeMap::new(), sent: None }, writes))
    }

    /// Whether a proposal can be taken.
    ///
    /// # Errors
    /// When it is too large, or too many wait.
    pub(crate) fn check(&self, config: &Config, proposal: &Proposal) -> Result<(), ProposeError> {
        if proposal.subject.len() > MAX_SUBJECT_BYTES {
            let (bytes, limit) = (proposal.subject.len(), MAX_SUBJECT_BYTES);
            return Err(ProposeError::SubjectTooLong { bytes, limit });
        }
        if !fits(config, proposal) {
            return Err(ProposeError::TooLarge { bytes: proposal.len(), limit: config.max_entry_bytes });
        }
        if self.pending.len() >= config.max_pending_proposals as usize {
            return Err(ProposeError::Full { limit: config.max_pending_proposals });
        }
        Ok(())
    }

    /// Takes a proposal and numbers it; `level` is the one that it raises the store to, or 0. Its row is
    /// [among the next](Self::rows).
    pub(crate) fn take(&mut self, turn: &Turn<'_>, proposal: Proposal, level: u32) -> ProposalKey {
        let replica = turn.config.me;
        let last = self.pending.back().map(|last| last.key.number);
        let last = last.unwrap_or_else(|| turn.raft.log().decisions().number(replica));
        let key = ProposalKey { replica, number: last.saturating_add(1) };
        let numbered = Numbered { key, proposal, level };
        self.unwritten.push(rows::put_proposal(&numbered));
        self.pending.push_back(numbered);
        key
    }

    /// The rows to write, and up to which number; 0 for none.
    pub(crate) fn rows(&mut self) -> (Vec<Write>, u64) {
        let last = self.pending.back().map_or(0, |last| last.key.number);
        let number = if self.unwritten.is_empty() { 0 } else { last };
        (std::mem::take(&mut self.unwritten), number)
    }

    /// Those up to this number are on the disk, and may leave.
    pub(crate) fn durable(&mut self, number: u64) {
        if number > self.durable {
            self.durable = number;
            self.sent = None;
        }
        if self.pending.back().is_none_or(|last| last.key.number <= self.durable) {
            self.held_from = None;
        }
    }

    /// Whether others may not hear of the entry yet.
    pub(crate) fn holds(&self, index: u64) -> bool {
        self.held_from.is_some_and(|from| index >= from)
    }

    pub(crate) fn len(&self) -> usize {
        self.pending.len()
    }

    /// Forgets what was decided.
    pub(crate) fn decided(&mut self, number: u64, writes: &mut Vec<Write>) {
        while let Some(oldest) = self.pending.pop_front_if(|oldest| oldest.key.number <= number) {
            writes.push(rows::delete_proposal(oldest.key.number));
        }
    }

    /// A new leadership of this terminal begins, with numbers in its log above the decided ones.
    pub(crate) fn lead(&mut self, turn: &Turn<'_>) {
        let log = turn.raft.log();
        let tail = log.range(log.applied() + 1, log.last() + 1).filter_map(Entry::proposal);
        // Later entries win: numbers in the log rise for each replica, or do not count.
        self.appended = tail.map(|numbered| (numbered.key.replica, numbered.key.number)).collect();
        self.sent = None;
    }

    /// Appends a proposal to the log if this terminal leads and it is the next of its replica. Whether it did; if not, it has to wait.
    pub(crate) fn append(&mut self, turn: &mut Turn<'_>, numbered: &Numbered) -> bool {
        let decisions = turn.raft.log().decisions();
        let next = self.is_next(numbered.key, decisions.number(numbered.key.replica));
        if !decisions.has_room(numbered) || !fits(turn.config, &numbered.proposal) || !next {
            return false;
        }
        let Some(index) = turn.raft.propose(numbered.encode()) else { return false };
        let ProposalKey { replica, number } = numbered.key;
        self.appended.insert(replica, number);
        if replica == turn.config.me && number > self.durable {
            self.held_from = Some(self.held_from.map_or(index, |from| from.min(index)));
        }
        true
    }

    /// Appends the next of the waiting ones, on the leader itself. Whether there was one that did not have to wait.
    pub(crate) fn append_own(&mut self, turn: &mut Turn<'_>) -> bool {
        let decided = turn.raft.log().decisions().number(turn.config.me);
        let next = self.pending.iter().find(|numbered| self.is_next(numbered.key, decided)).cloned();
        next.is_some_and(|next| self.append(turn, &next))
    }

    /// Those that are on the disk.
    fn ready(&self) -> impl Iterator<Item = &Numbered> {
        self.pending.iter().take_while(|numbered| numbered.key.number <= self.durable)
    }

    /// Whether a leader whose log has `decided` applied for the replica may append this number: the next one, and no other, so
    /// that lost or reordered messages leave no gap.
    fn is_next(&self, key: ProposalKey, decided: u64) -> bool {
        let appended = self.appended.get(&key.replica).copied().unwrap_or_default().max(decided);
        key.number == appended.saturating_add(1)
    }

    /// Sends the waiting ones to the leader, where they were not sent to it or long ago.
    pub(crate) fn pass_on(&mut self, turn: &mut Turn<'_>, leader: Leader) {
        let again = self.sent.is_none_or(|(to, at)| to != leader || turn.now >= at);
        if self.ready().next().is_none() || !again {
            return;
        }
        self.sent = Some((leader, turn.now + turn.config.timing.election_max));
        let mut bytes = 0;
        let fits = |numbered: &&Numbered| {
            bytes += numbered.proposal.len();
            bytes <= BATCH_BYTES
        };
        let batch = self.ready().take(BATCH_ITEMS).take_while(fits).cloned().collect();
        let message = turn.raft.message(leader.replica, Body::Propose(batch));
        turn.out.push(Output::Transmit(message));
    }

    /// When waiting ones are tried again.
    pub(crate) fn deadline(&self) -> Option<Time> {
        let (_, at) = self.sent.filter(|_| self.ready().next().is_some())?;
        Some(at)
    }
}

fn fits(config: &Config, proposal: &Proposal) -> bool {
    proposal.len() <= config.max_entry_bytes as usize
}

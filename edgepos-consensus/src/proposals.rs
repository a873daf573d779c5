//! Proposals that wait for the store's decision, and the order in which a leader appends them.

use std::collections::{BTreeMap, VecDeque};

use edgepos_core::{ReplicaId, Time};

use crate::config::Config;
use crate::entry::{Entry, Proposal, ProposalKey};
use crate::error::ProposeError;
use crate::io::{Leader, Output};
use crate::message::Body;
use crate::turn::Turn;

/// Bytes of proposals in one message to the leader.
const BATCH_BYTES: usize = 512 * 1024;
/// Proposals in one message to the leader.
const BATCH_ITEMS: usize = 64;

/// This terminal's own proposals, oldest first, and what the current leadership of this terminal has appended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proposals {
    pending: VecDeque<Proposal>,
    /// Highest number of each replica in the log of this leadership, decided or not.
    appended: BTreeMap<ReplicaId, u64>,
    /// Whom the pending ones were last sent to, and when to send them again.
    sent: Option<(Leader, Time)>,
}

impl Proposals {
    /// Takes a proposal of this terminal, whose highest decided number is `decided`. A repeat of a waiting one is no error.
    pub(crate) fn submit(
        &mut self,
        config: &Config,
        decided: u64,
        proposal: Proposal,
    ) -> Result<(), ProposeError> {
        let ProposalKey { replica, number } = proposal.key;
        if replica != config.me {
            return Err(ProposeError::NotMine { replica });
        }
        if !fits(config, &proposal) {
            return Err(ProposeError::TooLarge {
                bytes: proposal.bytes.len(),
                limit: config.max_entry_bytes,
            });
        }
        if number <= decided && number > 0 {
            return Err(ProposeError::AlreadyDecided { number });
        }
        let expected = self.pending.back().map_or(decided, |last| last.key.number).saturating_add(1);
        if number < expected && number > 0 {
            return Ok(());
        }
        if number != expected {
            return Err(ProposeError::Gap { given: number, expected });
        }
        if self.pending.len() >= config.max_pending_proposals as usize {
            return Err(ProposeError::Full { limit: config.max_pending_proposals });
        }
        self.pending.push_back(proposal);
        self.sent = None;
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.pending.len()
    }

    /// Forgets what was decided.
    pub(crate) fn decided(&mut self, number: u64) {
        while self.pending.front().is_some_and(|oldest| oldest.key.number <= number) {
            self.pending.pop_front();
        }
    }

    /// A new leadership of this terminal begins, with numbers in its log above the decided ones.
    pub(crate) fn lead(&mut self, turn: &Turn<'_>) {
        let log = turn.raft.log();
        let tail = log.range(log.applied() + 1, log.last() + 1).filter_map(Entry::proposal);
        // Later entries win: numbers in the log rise for each replica, or do not count.
        self.appended = tail.map(|proposal| (proposal.key.replica, proposal.key.number)).collect();
        self.sent = None;
    }

    /// Appends a proposal to the log if this terminal leads and it is the next of its replica. Whether it did; if not, it has to wait.
    pub(crate) fn append(&mut self, turn: &mut Turn<'_>, proposal: &Proposal) -> bool {
        let decisions = turn.raft.log().decisions();
        let next = self.is_next(proposal.key, decisions.number(proposal.key.replica));
        if !decisions.has_room(proposal) || !fits(turn.config, proposal) || !next {
            return false;
        }
        let appended = turn.raft.propose(proposal.encode());
        if appended {
            self.appended.insert(proposal.key.replica, proposal.key.number);
        }
        appended
    }

    /// Appends the next of the waiting ones, on the leader itself. Whether there was one that did not have to wait.
    pub(crate) fn append_own(&mut self, turn: &mut Turn<'_>) -> bool {
        let decided = turn.raft.log().decisions().number(turn.config.me);
        let next = self.pending.iter().find(|proposal| self.is_next(proposal.key, decided)).cloned();
        next.is_some_and(|next| self.append(turn, &next))
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
        if self.pending.is_empty() || !again {
            return;
        }
        self.sent = Some((leader, turn.now + turn.config.timing.election_max));
        let mut bytes = 0;
        let fits = |proposal: &&Proposal| {
            bytes += proposal.bytes.len();
            bytes <= BATCH_BYTES
        };
        let batch = self.pending.iter().take(BATCH_ITEMS).take_while(fits).cloned().collect();
        let message = turn.raft.message(leader.replica, Body::Propose(batch));
        turn.out.push_back(Output::Transmit(message));
    }

    /// When waiting ones are tried again.
    pub(crate) fn deadline(&self) -> Option<Time> {
        let (_, at) = self.sent.filter(|_| !self.pending.is_empty())?;
        Some(at)
    }
}

fn fits(config: &Config, proposal: &Proposal) -> bool {
    proposal.bytes.len() <= config.max_entry_bytes as usize
}

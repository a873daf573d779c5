//! Proposals that wait for the store's decision, and the order in which a leader appends them.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use edgepos_core::{ReplicaId, Time};

use crate::entry::{Proposal, ProposalKey};
use crate::error::ProposeError;
use crate::io::Leader;

/// Bytes of proposals in one message to the leader.
const BATCH_BYTES: usize = 512 * 1024;
/// Proposals in one message to the leader.
const BATCH_ITEMS: usize = 64;

/// This terminal's own proposals, oldest first, and what the current leadership of this terminal has appended.
#[derive(Clone, Debug)]
pub(crate) struct Proposals {
    limit: u32,
    max_bytes: u32,
    retry_after: Duration,
    pending: VecDeque<Proposal>,
    /// Highest number of each replica in the log of this leadership, decided or not.
    appended: BTreeMap<ReplicaId, u64>,
    /// Whom the pending ones were last sent to, and when to send them again.
    sent: Option<(Leader, Time)>,
}

impl Proposals {
    pub(crate) fn new(limit: u32, max_bytes: u32, retry_after: Duration) -> Self {
        Self {
            limit,
            max_bytes,
            retry_after,
            pending: VecDeque::new(),
            appended: BTreeMap::new(),
            sent: None,
        }
    }

    /// Takes a proposal of `me`, whose highest decided number is `decided`. A repeat of a waiting one is no error.
    pub(crate) fn submit(
        &mut self,
        me: ReplicaId,
        decided: u64,
        proposal: Proposal,
    ) -> Result<(), ProposeError> {
        let ProposalKey { replica, number } = proposal.key;
        if replica != me {
            return Err(ProposeError::NotMine { replica });
        }
        if !self.fits(&proposal) {
            return Err(ProposeError::TooLarge { bytes: proposal.bytes.len(), limit: self.max_bytes });
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
        if self.pending.len() >= self.limit as usize {
            return Err(ProposeError::Full { limit: self.limit });
        }
        self.pending.push_back(proposal);
        self.sent = None;
        Ok(())
    }

    pub(crate) fn fits(&self, proposal: &Proposal) -> bool {
        proposal.bytes.len() <= self.max_bytes as usize
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

    /// A new leadership of this terminal begins with these numbers in its log above the decided ones.
    pub(crate) fn lead(&mut self, appended: BTreeMap<ReplicaId, u64>) {
        self.appended = appended;
        self.sent = None;
    }

    /// Whether a leader whose log has `decided` applied for the replica may append this number: the next one, and no other, so
    /// that lost or reordered messages leave no gap.
    pub(crate) fn is_next(&self, key: ProposalKey, decided: u64) -> bool {
        let appended = self.appended.get(&key.replica).copied().unwrap_or_default().max(decided);
        key.number == appended.saturating_add(1)
    }

    pub(crate) fn append(&mut self, key: ProposalKey) {
        self.appended.insert(key.replica, key.number);
    }

    /// The waiting ones, oldest first.
    pub(crate) fn pending(&self) -> impl Iterator<Item = &Proposal> {
        self.pending.iter()
    }

    /// What to send to the leader, when it was not sent to it or long ago.
    pub(crate) fn batch(&mut self, now: Time, leader: Leader) -> Option<Vec<Proposal>> {
        let again = self.sent.is_none_or(|(to, at)| to != leader || now >= at);
        if self.pending.is_empty() || !again {
            return None;
        }
        self.sent = Some((leader, now + self.retry_after));
        let mut bytes = 0;
        let fits = |proposal: &&Proposal| {
            bytes += proposal.bytes.len();
            bytes <= BATCH_BYTES
        };
        Some(self.pending.iter().take(BATCH_ITEMS).take_while(fits).cloned().collect())
    }

    /// When waiting ones are tried again.
    pub(crate) fn deadline(&self) -> Option<Time> {
        let (_, at) = self.sent.filter(|_| !self.pending.is_empty())?;
        Some(at)
    }
}

//! The durable state, kept in memory as well: what raft reads back at any moment, and the rows that make it survive.

use std::collections::{BTreeMap, VecDeque};

use edgepos_core::{ReplicaId, Space, Write};

use crate::config::{Config, MAX_VOTERS};
use crate::entry::Entry;
use crate::error::StartError;
use crate::guard::{MAX_INDEX, MAX_TERM};
use crate::members::Members;
use crate::rows::{self, Restored};
use crate::snapshot::{MAX_KINDS, Snapshot};

/// What raft must never forget: the term, the vote given in it, and how far the log is decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Hard {
    pub(crate) term: u64,
    pub(crate) vote: u64,
    pub(crate) commit: u64,
}

/// A position of the log that is not held as an entry: everything up to it was dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Position {
    pub(crate) index: u64,
    pub(crate) term: u64,
}

/// The log and what belongs to it. Every change returns the rows that make it durable.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    hard: Hard,
    applied: u64,
    base: Position,
    members: Members,
    decided: BTreeMap<ReplicaId, u64>,
    /// The index of the last decision of each kind.
    versions: BTreeMap<u16, u64>,
    entries: VecDeque<Entry>,
}

impl Log {
    /// From the rows of the last run, or, where there are none, the beginning of a store. The writes make a beginning durable.
    pub(crate) fn open(config: &Config, restored: Restored) -> Result<(Self, Vec<Write>), StartError> {
        let inconsistent = |what| StartError::Inconsistent { what };
        let Some(members) = restored.members else {
            if restored.hard.is_some() || !restored.entries.is_empty() || restored.applied.is_some() {
                return Err(inconsistent("there is a log but no list of members"));
            }
            return Ok(Self::begin(config));
        };
        let hard =
            restored.hard.ok_or_else(|| inconsistent("there are members but neither term nor vote"))?;
        let base = restored.base.unwrap_or_default();
        if hard.term >= MAX_TERM || hard.commit >= MAX_INDEX || base.index >= MAX_INDEX {
            return Err(inconsistent("a number is impossibly large"));
        }
        let mut entries = VecDeque::with_capacity(restored.entries.len());
        let (mut index, mut term) = (base.index, base.term);
        for (_, entry) in restored.entries.range(base.index + 1..) {
            if entry.index != index + 1 {
                return Err(inconsistent("an entry of the log is missing"));
            }
            if entry.term < term {
                return Err(inconsistent("the terms of the log's entries fall"));
            }
            (index, term) = (entry.index, entry.term);
            entries.push_back(entry.clone());
        }
        let applied = restored.applied.unwrap_or_default();
        if hard.term == 0 || term > hard.term {
            return Err(inconsistent("an entry of the log is newer than the term"));
        }
        if hard.commit > index || hard.commit < base.index {
            return Err(inconsistent("a decided entry of the log is missing"));
        }
        if applied > hard.commit || applied < base.index {
            return Err(inconsistent("the applied index is outside the decided log"));
        }
        if !members.contains(config.me) && !config.joins {
            return Err(StartError::NotAMember { me: config.me });
        }
        let (decided, versions) = (restored.decided, restored.versions);
        Ok((Self { hard, applied, base, members, decided, versions, entries }, Vec::new()))
    }

    /// Term 1 and an empty log: at term 0 honest replicas would send each other what raft can not take.
    fn begin(config: &Config) -> (Self, Vec<Write>) {
        let (voters, learners) = config.voters.split_at(config.voters.len().min(MAX_VOTERS));
        let log = Self {
            hard: Hard { term: 1, vote: 0, commit: 0 },
            applied: 0,
            base: Position::default(),
            members: Members { voters: voters.to_vec(), learners: learners.to_vec(), retired: vec![] },
            decided: BTreeMap::new(),
            versions: BTreeMap::new(),
            entries: VecDeque::new(),
        };
        let mut writes = vec![rows::put_members(&log.members), rows::put_hard(&log.hard)];
        if config.generation.0 > 0 {
            writes.push(rows::put_generation(config.generation));
        }
        (log, writes)
    }

    pub(crate) fn hard(&self) -> Hard {
        self.hard
    }

    pub(crate) fn applied(&self) -> u64 {
        self.applied
    }

    pub(crate) fn members(&self) -> &Members {
        &self.members
    }

    /// Index of the first entry held.
    pub(crate) fn first(&self) -> u64 {
        self.base.index + 1
    }

    pub(crate) fn last(&self) -> u64 {
        self.base.index + self.entries.len() as u64
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The term at an index; `None` outside the log.
    pub(crate) fn term(&self, index: u64) -> Option<u64> {
        if index == self.base.index {
            return Some(self.base.term);
        }
        self.entry(index).map(|entry| entry.term)
    }

    pub(crate) fn entry(&self, index: u64) -> Option<&Entry> {
        let offset = index.checked_sub(self.first())?;
        self.entries.get(usize::try_from(offset).ok()?)
    }

    /// The entries of `low..high`; both must lie inside the log.
    pub(crate) fn range(&self, low: u64, high: u64) -> impl Iterator<Item = &Entry> {
        (low..high).map_while(|index| self.entry(index))
    }

    /// The highest number of the replica that was applied; 0 for none.
    pub(crate) fn decided(&self, replica: ReplicaId) -> u64 {
        self.decided.get(&replica).copied().unwrap_or_default()
    }

    /// How many replicas ever had a proposal applied.
    pub(crate) fn proposers(&self) -> usize {
        self.decided.len()
    }

    pub(crate) fn set_hard(&mut self, hard: Hard, writes: &mut Vec<Write>) {
        self.hard = hard;
        writes.push(rows::put_hard(&hard));
    }

    /// Adds entries; those that were at their place or behind it are replaced.
    pub(crate) fn append(&mut self, entries: Vec<Entry>, writes: &mut Vec<Write>) {
        let Some(from) = entries.first().map(|entry| entry.index) else { return };
        let old_last = self.last();
        let keep = usize::try_from(from.saturating_sub(self.first())).unwrap_or(usize::MAX);
        self.entries.truncate(keep);
        for entry in entries {
            writes.push(rows::put_entry(&entry));
            self.entries.push_back(entry);
        }
        for index in self.last() + 1..=old_last {
            writes.push(Write::delete(Space::ElectionLog, rows::entry_key(index)));
        }
    }

    /// Marks the number as the replica's latest decision.
    pub(crate) fn set_decided(&mut self, replica: ReplicaId, number: u64, writes: &mut Vec<Write>) {
        self.decided.insert(replica, number);
        writes.push(rows::put_decided(replica, number));
    }

    /// The index of the last decision of the kind; 0 for none.
    pub(crate) fn version(&self, kind: u16) -> u64 {
        self.versions.get(&kind).copied().unwrap_or_default()
    }

    /// Whether there may be a decision of the kind: of one that was there before, or of a further one within the limit.
    pub(crate) fn takes_kind(&self, kind: u16) -> bool {
        self.versions.contains_key(&kind) || self.versions.len() < MAX_KINDS
    }

    pub(crate) fn set_version(&mut self, kind: u16, index: u64, writes: &mut Vec<Write>) {
        self.versions.insert(kind, index);
        writes.push(rows::put_version(kind, index));
    }

    pub(crate) fn set_members(&mut self, members: Members, writes: &mut Vec<Write>) {
        self.members = members;
        writes.push(rows::put_members(&self.members));
    }

    pub(crate) fn set_applied(&mut self, index: u64, writes: &mut Vec<Write>) {
        self.applied = index;
        writes.push(rows::put_applied(index));
    }

    /// Drops the entries up to `index`, which must be applied.
    pub(crate) fn compact(&mut self, index: u64, writes: &mut Vec<Write>) {
        let index = index.min(self.applied);
        let Some(term) = self.term(index).filter(|_| index > self.base.index) else { return };
        for dropped in self.first()..=index {
            self.entries.pop_front();
            writes.push(Write::delete(Space::ElectionLog, rows::entry_key(dropped)));
        }
        self.base = Position { index, term };
        writes.push(rows::put_base(&self.base));
    }

    /// What a terminal needs that is too far behind for the entries held: the state at the applied index.
    pub(crate) fn snapshot(&self) -> Option<Snapshot> {
        let term = self.term(self.applied)?;
        (self.applied > 0).then(|| Snapshot {
            index: self.applied,
            term,
            members: self.members.clone(),
            decided: self.decided.clone(),
            versions: self.versions.clone(),
        })
    }

    /// Becomes what the snapshot says. Nothing of the old log is kept.
    pub(crate) fn install(&mut self, snapshot: Snapshot, writes: &mut Vec<Write>) {
        for index in self.first()..=self.last() {
            writes.push(Write::delete(Space::ElectionLog, rows::entry_key(index)));
        }
        for replica in self.decided.keys().filter(|replica| !snapshot.decided.contains_key(replica)) {
            writes.push(rows::delete_decided(*replica));
        }
        for kind in self.versions.keys().filter(|kind| !snapshot.versions.contains_key(kind)) {
            writes.push(rows::delete_version(*kind));
        }
        self.entries.clear();
        self.base = Position { index: snapshot.index, term: snapshot.term };
        self.hard.commit = self.hard.commit.max(snapshot.index);
        self.applied = snapshot.index;
        self.members = snapshot.members;
        self.decided = snapshot.decided;
        self.versions = snapshot.versions;
        writes.push(rows::put_base(&self.base));
        writes.push(rows::put_members(&self.members));
        writes.push(rows::put_hard(&self.hard));
        writes.push(rows::put_applied(self.applied));
        writes.extend(self.versions.iter().map(|(kind, index)| rows::put_version(*kind, *index)));
        writes.extend(self.decided.iter().map(|(replica, number)| rows::put_decided(*replica, *number)));
    }
}

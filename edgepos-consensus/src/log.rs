//! The durable state, kept in memory as well: what raft reads back at any moment, and the rows that make it survive.

use std::collections::VecDeque;

use edgepos_core::{LogPosition, ReplicaId, Write};

use crate::config::{Config, MAX_VOTERS};
use crate::decisions::{Decisions, Verdict};
use crate::entry::{Entry, MAX_INDEX, MAX_TERM, Numbered};
use crate::error::StartError;
use crate::forgotten::{Forgotten, position};
use crate::members::Members;
use crate::restored::Found;
use crate::rows::{self, Hard, Position};
use crate::snapshot::{Attachment, MAX_ATTACHMENT_BYTES, Snapshot};

/// The log and what belongs to it. Every change returns the rows that make it durable.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    hard: Hard,
    applied: u64,
    base: Position,
    members: Members,
    decisions: Decisions,
    entries: VecDeque<Entry>,
    /// What the application keeps of the decisions handed out, once it has said so; and up to which of them.
    attachment: Option<(u64, Vec<u8>)>,
    /// It lacks what this terminal once held, which then must not help to elect anyone.
    lost: bool,
    /// The highest feature level that this terminal knows.
    knows: u32,
    forgotten: Forgotten,
}

impl Log {
    /// From the rows of the last run, or, where there are none, the beginning of a store. The writes make a beginning durable.
    pub(crate) fn open(config: &Config, restored: Found) -> Result<(Self, Vec<Write>), StartError> {
        let inconsistent = |what| StartError::Inconsistent { what };
        let Some(members) = restored.members else {
            if restored.hard.is_some() || !restored.entries.is_empty() || restored.applied.is_some() {
                return Err(inconsistent("there is a log but no list of members"));
            }
            return Ok(Self::begin(config, restored.log_lost));
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
        let (decisions, lost) = (restored.decisions, restored.log_lost);
        let attachment = None;
        let knows = config.level;
        let forgotten = Forgotten::new(hard.term, restored.behind);
        let log =
            Self { hard, applied, base, members, decisions, entries, attachment, lost, knows, forgotten };
        Ok((log, Vec::new()))
    }

    /// Term 1 and an empty log: at term 0 honest replicas would send each other what raft cannot take.
    fn begin(config: &Config, lost: bool) -> (Self, Vec<Write>) {
        let (voters, learners) = config.voters.split_at(config.voters.len().min(MAX_VOTERS));
        let log = Self {
            hard: Hard { term: 1, vote: 0, commit: 0 },
            applied: 0,
            base: Position::default(),
            members: Members { voters: voters.to_vec(), learners: learners.to_vec(), retired: vec![] },
            decisions: Decisions::default(),
            entries: VecDeque::new(),
            attachment: None,
            lost,
            knows: config.level,
            forgotten: Forgotten::default(),
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

    /// How far the store has decided.
    pub(crate) fn decisions(&self) -> &Decisions {
        &self.decisions
    }

    /// Whether this terminal is known to have held more.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost
    }

    /// What the rows do not tell.
    pub(crate) fn forgotten(&self) -> &Forgotten {
        &self.forgotten
    }

    pub(crate) fn forgotten_mut(&mut self) -> &mut Forgotten {
        &mut self.forgotten
    }

    /// Whether a log that ends there may win with the vote of `me`, as far as others have stated what they hold.
    pub(crate) fn may_help(&self, me: ReplicaId, end: LogPosition) -> bool {
        let is_true = |at: LogPosition| {
            at.index > self.hard.commit || self.term(at.index).is_none_or(|ours| ours == at.term.0)
        };
        self.forgotten.may_elect(me, &self.members, end, is_true)
    }

    /// Whether a decision stands between there and the end of what is decided: something besides the first word of a leader.
    pub(crate) fn has_decisions_from(&self, index: u64) -> bool {
        self.range(index.max(self.first()), self.hard.commit + 1).any(|entry| !entry.payload.is_empty())
    }

    /// The first entry of a later term than this one.
    pub(crate) fn first_later(&self, term: u64) -> Option<u64> {
        self.entries.iter().find(|entry| entry.term > term).map(|entry| entry.index)
    }

    /// The same, where nothing stands from there on but the first words of leaders.
    pub(crate) fn empty_since(&self, term: u64) -> Option<u64> {
        let later = self.first_later(term)?;
        self.range(later, self.last() + 1).all(|entry| entry.payload.is_empty()).then_some(later)
    }

    /// Drops the entries from there on, decided or not, and goes on in this term; where it is a later one nobody has this terminal's vote
    /// in it.
    pub(crate) fn cut(&mut self, me: ReplicaId, index: u64, term: u64) -> Vec<Write> {
        let (end, last) = (index - 1, self.last());
        let mut writes: Vec<_> = (index..=last).map(rows::delete_entry).collect();
        self.entries.truncate(usize::try_from(index.saturating_sub(self.first())).unwrap_or(usize::MAX));
        let vote = if term > self.hard.term { me.0 } else { self.hard.vote };
        self.set_hard(Hard { term, vote, commit: self.hard.commit.min(end) }, &mut writes);
        self.set_applied(self.applied.min(end), &mut writes);
        writes
    }

    /// The entry at an index that is held.
    pub(crate) fn position(&self, index: u64) -> LogPosition {
        position(self.term(index).unwrap_or_default(), index)
    }

    /// Whether the store decides by rules that this terminal does not know.
    pub(crate) fn is_beyond(&self) -> bool {
        self.decisions.level() > self.knows
    }

    /// Whether a request for a vote may be answered: it comes from a voter, from a terminal that a change in the log makes one, or
    /// from one that knows decisions that this log lacks, among which its vote may be.
    pub(crate) fn may_elect(&self, candidate: ReplicaId, commit: u64, commit_term: u64) -> bool {
        let knows_more = commit >= self.first() && self.term(commit) != Some(commit_term);
        let changed = || {
            let changes = self.range(self.applied + 1, self.last() + 1).filter_map(Entry::members_change);
            changes.into_iter().any(|change| change.replica() == candidate)
        };
        knows_more || self.members.voters.contains(&candidate) || changed()
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
            writes.push(rows::delete_entry(index));
        }
    }

    /// Judges the proposal of the decided entry at `index`.
    pub(crate) fn judge(&mut self, index: u64, numbered: &Numbered, writes: &mut Vec<Write>) -> Verdict {
        self.decisions.judge(index, numbered, writes)
    }

    /// A leader knows that this terminal once held the log up to `known`. It must stay out after a restart as well, when nobody may
    /// be there to tell it again. `None` where that was known before.
    pub(crate) fn lose(&mut self, known: u64) -> Option<Vec<Write>> {
        let before = std::mem::replace(&mut self.lost, true);
        (!before).then(|| vec![rows::put_lost(known)])
    }

    pub(crate) fn set_members(&mut self, members: Members, writes: &mut Vec<Write>) {
        self.members = members;
        writes.push(rows::put_members(&self.members));
    }

    pub(crate) fn set_applied(&mut self, index: u64, writes: &mut Vec<Write>) {
        self.applied = index;
        writes.push(rows::put_applied(index));
    }

    /// Drops the older half of the applied entries where there are more than `limit`.
    pub(crate) fn compact(&mut self, limit: u32, writes: &mut Vec<Write>) {
        if self.entries.len() <= limit as usize {
            return;
        }
        let index = self.applied.saturating_sub(u64::from(limit) / 2);
        let Some(term) = self.term(index).filter(|_| index > self.base.index) else { return };
        for dropped in self.first()..=index {
            self.entries.pop_front();
            writes.push(rows::delete_entry(dropped));
        }
        self.base = Position { index, term };
        writes.push(rows::put_base(&self.base));
    }

    /// The application's state after every decision that was handed out.
    pub(crate) fn attach(&mut self, attachment: Attachment) {
        self.attachment = match attachment {
            Attachment::State(state) if state.len() <= MAX_ATTACHMENT_BYTES => {
                Some((self.decisions.last(), state))
            }
            Attachment::Pending => Some((0, Vec::new())),
            Attachment::State(_) | Attachment::Nothing => None,
        };
    }

    /// What a terminal needs that is too far behind for the entries held: the state at the applied index. `None` as well while the
    /// application has not yet told its own state there: an older one would be wrong.
    pub(crate) fn snapshot(&self) -> Option<Snapshot> {
        let term = self.term(self.applied)?;
        if self.attachment.as_ref().is_some_and(|(upto, _)| *upto < self.decisions.last()) {
            return None;
        }
        (self.applied > 0).then(|| Snapshot {
            index: self.applied,
            term,
            members: self.members.clone(),
            decisions: self.decisions.clone(),
            attachment: self.attachment.as_ref().map(|(_, state)| state.clone()),
        })
    }

    /// Becomes what the snapshot says. Nothing of the old log is kept.
    pub(crate) fn install(&mut self, snapshot: Snapshot, writes: &mut Vec<Write>) {
        for index in self.first()..=self.last() {
            writes.push(rows::delete_entry(index));
        }
        self.decisions.install(snapshot.decisions, writes);
        self.attach(snapshot.attachment.map_or(Attachment::Nothing, Attachment::State));
        self.entries.clear();
        self.base = Position { index: snapshot.index, term: snapshot.term };
        self.hard.commit = self.hard.commit.max(snapshot.index);
        self.applied = snapshot.index;
        self.members = snapshot.members;
        writes.push(rows::put_base(&self.base));
        writes.push(rows::put_members(&self.members));
        writes.push(rows::put_hard(&self.hard));
        writes.push(rows::put_applied(self.applied));
        writes.extend(self.decisions.rows());
    }
}

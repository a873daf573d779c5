//! One terminal with its disk.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use edgepos_consensus::{Config, Decision, Election, Message, Notice, Output, ProposalKey, Restored};
use edgepos_core::{Now, PersistId, Space, Write};

/// What a disk holds.
pub(crate) type Rows = BTreeMap<(Space, Vec<u8>), Vec<u8>>;

/// Writes and decisions that become durable together.
struct Transaction {
    id: PersistId,
    writes: Vec<Write>,
    decisions: Vec<Decision>,
}

pub(crate) struct Node {
    pub(crate) config: Config,
    pub(crate) election: Option<Election>,
    /// Rises with each boot and crash: what was meant for an earlier life does not happen.
    pub(crate) life: u64,
    pub(crate) disk: Rows,
    /// Decisions whose effects are on the disk.
    pub(crate) applied: Vec<Decision>,
    /// What snapshots brought for the application.
    pub(crate) installed: Vec<Option<Vec<u8>>>,
    under_way: VecDeque<Transaction>,
    /// How long a flush takes, in milliseconds; flushes do not overlap.
    pub(crate) disk_ms: u64,
    disk_free_at: u64,
    /// How much later than others it sends and hears, in milliseconds.
    pub(crate) lag_ms: u64,
    pub(crate) paused_until: u64,
    pub(crate) timer: Option<u64>,
    pub(crate) notices: Vec<(u64, Notice)>,
    pub(crate) connections: [u64; 16],
    /// Terminals whose connection was told to be up.
    pub(crate) linked: BTreeSet<usize>,
    /// Terminals whose connection was told to be dead, and in which of their lives.
    pub(crate) lost: BTreeMap<usize, u64>,
    /// Keys that the application wants decided, whatever crashes.
    pub(crate) wants: Vec<ProposalKey>,
}

impl Node {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            election: None,
            life: 0,
            disk: Rows::new(),
            applied: Vec::new(),
            installed: Vec::new(),
            under_way: VecDeque::new(),
            disk_ms: 1,
            disk_free_at: 0,
            lag_ms: 0,
            paused_until: 0,
            timer: None,
            notices: Vec::new(),
            connections: [1; 16],
            linked: BTreeSet::new(),
            lost: BTreeMap::new(),
            wants: Vec::new(),
        }
    }

    pub(crate) fn restored(&self) -> Restored {
        let mut restored = Restored::new();
        for ((space, key), value) in &self.disk {
            restored.insert(*space, key, value).expect("rows read back");
        }
        restored
    }

    pub(crate) fn boot(&mut self, now: Now) {
        assert!(self.election.is_none(), "it runs");
        self.life += 1;
        self.linked.clear();
        self.timer = None;
        self.disk_free_at = now.mono.0;
        let election = Election::new(now, self.config.clone(), self.restored());
        self.election = Some(election.expect("it starts from its disk"));
    }

    /// Whether the transport hands over what a life of another terminal sent: over a connection that is up, and not what a dead one
    /// still brings.
    pub(crate) fn hears(&self, peer: usize, peer_life: u64) -> bool {
        self.linked.contains(&peer) && self.lost.get(&peer).is_none_or(|lost| peer_life > *lost)
    }

    pub(crate) fn crash(&mut self) {
        self.election = None;
        self.life += 1;
        self.under_way.clear();
        self.paused_until = 0;
    }

    pub(crate) fn disk_time(&mut self, now: u64) -> u64 {
        self.disk_free_at = self.disk_free_at.max(now) + self.disk_ms;
        self.disk_free_at
    }

    /// Does what needs no world: keeps transactions. Decisions belong to the write that follows them.
    pub(crate) fn drain(&mut self) -> (Vec<Message>, Vec<PersistId>, Vec<Notice>) {
        let (mut messages, mut writes, mut notices, mut decisions) = (vec![], vec![], vec![], vec![]);
        let Some(election) = &mut self.election else { return (messages, writes, notices) };
        while let Some(output) = election.poll_output() {
            match output {
                Output::Transmit(message) => messages.push(message),
                Output::Notice(notice) => notices.push(notice),
                Output::Apply(decision) => decisions.push(decision),
                Output::Install(state) => self.installed.push(state),
                Output::Persist(persist) => {
                    writes.push(persist.id);
                    let decisions = std::mem::take(&mut decisions);
                    let transaction = Transaction { id: persist.id, writes: persist.writes, decisions };
                    self.under_way.push_back(transaction);
                }
            }
        }
        assert!(decisions.is_empty(), "a decision without the write that follows it");
        (messages, writes, notices)
    }

    /// The oldest transaction reaches the disk: its id and its decisions.
    pub(crate) fn make_durable(&mut self) -> Option<(PersistId, Vec<Decision>)> {
        let transaction = self.under_way.pop_front()?;
        for write in transaction.writes {
            match write {
                Write::Put { space, key, value } => {
                    self.disk.insert((space, key), value);
                }
                Write::Delete { space, key } => {
                    self.disk.remove(&(space, key));
                }
            }
        }
        Some((transaction.id, transaction.decisions))
    }

    pub(crate) fn saw(&self, wanted: impl Fn(&Notice) -> bool) -> Option<u64> {
        self.notices.iter().find(|(_, notice)| wanted(notice)).map(|(at, _)| *at)
    }
}

//! One terminal: its election, its disk, and the deadline it waits for.

use std::collections::{BTreeMap, VecDeque};

use edgepos_consensus::{Config, Election, Input, Message, Output, Restored};
use edgepos_core::{Now, PersistId, ReplicaId, Space, Write};

/// A terminal that runs or is off.
pub(super) struct Terminal {
    config: Config,
    /// `None` while it is off.
    election: Option<Election>,
    /// Rises with each boot and crash: what was meant for an earlier life does not happen.
    life: u64,
    /// The deadline that is in the agenda.
    timer: Option<u64>,
    /// How long a flush takes, in milliseconds; flushes do not overlap.
    flush_ms: u64,
    disk_free_at: u64,
    rows: BTreeMap<(Space, Vec<u8>), Vec<u8>>,
    under_way: VecDeque<(PersistId, Vec<Write>)>,
}

/// What the world must do for it.
#[derive(Default)]
pub(super) struct Duties {
    pub(super) messages: Vec<Message>,
    /// When each write that was handed out is durable.
    pub(super) flushes: Vec<u64>,
}

impl Terminal {
    pub(super) fn new(config: Config, flush_ms: u64) -> Self {
        Self {
            config,
            election: None,
            life: 0,
            timer: None,
            flush_ms,
            disk_free_at: 0,
            rows: BTreeMap::new(),
            under_way: VecDeque::new(),
        }
    }

    /// Starts from what is on the disk.
    pub(super) fn boot(&mut self, now: u64) {
        let mut restored = Restored::new();
        for ((space, key), value) in &self.rows {
            restored.insert(*space, key, value).expect("rows that were written read back");
        }
        self.life += 1;
        self.timer = None;
        self.disk_free_at = now;
        let election = Election::new(Now::new(now, now), self.config.clone(), restored);
        self.election = Some(election.expect("a valid configuration and its own rows"));
    }

    /// Power off: what was not durable is gone.
    pub(super) fn crash(&mut self) {
        self.election = None;
        self.life += 1;
        self.under_way.clear();
    }

    pub(super) fn me(&self) -> ReplicaId {
        self.config.me
    }

    pub(super) fn runs(&self) -> bool {
        self.election.is_some()
    }

    /// Counts its lives: what was meant for an earlier one does not happen.
    pub(super) fn life(&self) -> u64 {
        self.life
    }

    /// Acts on its election; `false` while it is off.
    pub(super) fn act(&mut self, now: u64, act: impl FnOnce(&mut Election, Now)) -> bool {
        let Some(election) = &mut self.election else { return false };
        act(election, Now::new(now, now));
        true
    }

    /// A deadline in the agenda is reached; `None` where it has another by now.
    pub(super) fn expired(&mut self, now: u64) -> Option<Input> {
        self.timer.take_if(|at| *at == now)?;
        Some(Input::Timeout)
    }

    /// The deadline that the agenda does not have yet.
    pub(super) fn new_deadline(&mut self, now: u64) -> Option<u64> {
        let deadline = self.election.as_ref().and_then(Election::poll_timeout).map(|at| at.0.max(now));
        if self.timer == deadline {
            return None;
        }
        self.timer = deadline;
        deadline
    }

    /// Takes what the election wants.
    pub(super) fn duties(&mut self, now: u64) -> Duties {
        let mut duties = Duties::default();
        let Some(election) = &mut self.election else { return duties };
        while let Some(output) = election.poll_output() {
            match output {
                Output::Transmit(message) => duties.messages.push(message),
                Output::Persist(persist) => {
                    self.under_way.push_back((persist.id, persist.writes));
                    self.disk_free_at = self.disk_free_at.max(now) + self.flush_ms;
                    duties.flushes.push(self.disk_free_at);
                }
                Output::Apply(_) | Output::Install(_) | Output::Notice(_) => {}
            }
        }
        duties
    }

    /// The oldest write has reached the disk.
    pub(super) fn flushed(&mut self) -> Option<PersistId> {
        let (id, writes) = self.under_way.pop_front()?;
        for write in writes {
            match write {
                Write::Put { space, key, value } => {
                    self.rows.insert((space, key), value);
                }
                Write::Delete { space, key } => {
                    self.rows.remove(&(space, key));
                }
            }
        }
        Some(id)
    }

    /// Whether it takes itself for the leader.
    pub(super) fn believes(&self) -> bool {
        let election = self.election.as_ref();
        election.and_then(Election::leader).is_some_and(|leader| leader.replica == self.config.me)
    }

    /// Whether it leads with a majority behind it.
    pub(super) fn entitled(&self) -> bool {
        self.election.as_ref().is_some_and(Election::entitled)
    }

    pub(super) fn term(&self) -> u64 {
        self.election.as_ref().map_or(0, |election| election.term().0)
    }
}

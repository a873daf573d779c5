//! Who belongs to the store, and how that changes: one terminal at a time, through the log.

use edgepos_core::ReplicaId;
use edgepos_wire::{DecodeError, DecodeFault, Reader, Sink, Written, put_u64, write};

use crate::config::MAX_TERMINALS;
use crate::error::MembershipError;

/// Retired names that are kept; the oldest go first. A name is 48 random bits, so that chance alone repeats none.
pub(crate) const MAX_RETIRED: usize = 1024;

/// Who belongs to the store, as the log says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Members {
    pub(crate) voters: Vec<ReplicaId>,
    /// In the order in which they came: of two incarnations of one terminal the later one goes on.
    pub(crate) learners: Vec<ReplicaId>,
    /// Those that belonged to it and were removed, oldest first: they do not return under these names.
    pub(crate) retired: Vec<ReplicaId>,
}

impl Members {
    pub(crate) fn contains(&self, replica: ReplicaId) -> bool {
        self.iter().any(|member| member == replica)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = ReplicaId> {
        self.voters.iter().chain(&self.learners).copied()
    }

    /// The change that adds a terminal, which learns first.
    ///
    /// # Errors
    /// When the store is full, or the terminal belongs or belonged to it, or is not one.
    pub(crate) fn admit(&self, replica: ReplicaId) -> Result<MembersChange, MembershipError> {
        if !replica.is_terminal() {
            return Err(MembershipError::NotATerminal { replica });
        }
        if self.contains(replica) {
            return Err(MembershipError::AlreadyMember { replica });
        }
        if self.retired.contains(&replica) {
            return Err(MembershipError::Retired { replica });
        }
        if self.iter().count() >= MAX_TERMINALS {
            return Err(MembershipError::Full { limit: MAX_TERMINALS });
        }
        Ok(MembersChange::Learn(replica))
    }

    /// The change that removes a terminal on the word of the leader `me`.
    ///
    /// # Errors
    /// When it is the leader itself, or does not belong to the store.
    pub(crate) fn remove(&self, me: ReplicaId, replica: ReplicaId) -> Result<MembersChange, MembershipError> {
        if replica == me {
            return Err(MembershipError::Leads { replica });
        }
        if !self.contains(replica) {
            return Err(MembershipError::NotAMember { replica });
        }
        Ok(MembersChange::Remove(replica))
    }

    /// Takes over from the members before the change in which order they came, who was retired then, and who is by the change.
    pub(crate) fn following(mut self, before: &Self, change: MembersChange) -> Self {
        let age = |replica: &ReplicaId| before.learners.iter().position(|known| known == replica);
        self.learners.sort_by_key(|replica| (age(replica).unwrap_or(usize::MAX), *replica));
        let mut retired = before.retired.clone();
        if let MembersChange::Remove(replica) = change {
            retired.retain(|known| *known != replica);
            retired.push(replica);
            retired.drain(..retired.len().saturating_sub(MAX_RETIRED));
        }
        Self { retired, ..self }
    }

    /// At least one voter, nobody twice, within the limits.
    pub(crate) fn well_formed(&self) -> bool {
        let mut all: Vec<_> = self.iter().collect();
        all.sort_unstable();
        let distinct = all.windows(2).all(|pair| pair[0] != pair[1]);
        !self.voters.is_empty() && distinct && all.len() <= MAX_TERMINALS && !all.contains(&ReplicaId(0))
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        write(|out| self.write(out))
    }

    pub(crate) fn write(&self, out: &mut Sink<'_>) -> Written {
        let lists = [(0, &self.voters), (1, &self.learners), (2, &self.retired)];
        let lists = lists.iter().filter(|(key, replicas)| *key < 2 || !replicas.is_empty());
        out.map(lists.clone().count() as u64)?;
        for (key, replicas) in lists {
            out.u8(*key)?.array(replicas.len() as u64)?;
            for replica in *replicas {
                out.u64(replica.0)?;
            }
        }
        Ok(())
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut members = Self::default();
        reader.fields_in_any_order(|reader, key| {
            let (replicas, limit) = match key {
                0 => (&mut members.voters, MAX_TERMINALS),
                1 => (&mut members.learners, MAX_TERMINALS),
                2 => (&mut members.retired, MAX_RETIRED),
                _ => return Ok(false),
            };
            *replicas = reader.items("members", limit as u32, |reader| Ok(ReplicaId(reader.u64()?)))?;
            Ok(true)
        })?;
        if members.well_formed() { Ok(members) } else { Err(reader.fault(DecodeFault::Impossible)) }
    }
}

/// One change, as it stands in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum MembersChange {
    /// A newcomer, or a voter that loses its vote.
    Learn(ReplicaId),
    Vote(ReplicaId),
    Remove(ReplicaId),
}

impl MembersChange {
    pub(crate) fn replica(self) -> ReplicaId {
        match self {
            Self::Learn(replica) | Self::Vote(replica) | Self::Remove(replica) => replica,
        }
    }

    pub(crate) fn encode(self) -> Vec<u8> {
        let operation = match self {
            Self::Learn(_) => 0,
            Self::Vote(_) => 1,
            Self::Remove(_) => 2,
        };
        write(|out| {
            out.map(2)?;
            put_u64(out, 0, operation)?;
            put_u64(out, 1, self.replica().0)
        })
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Reader::all("change of members", bytes, u32::MAX, |reader| {
            let (mut operation, mut replica) = (None, None);
            reader.fields_in_any_order(|reader, key| {
                match key {
                    0 => operation = Some(reader.u64()?),
                    1 => replica = Some(ReplicaId(reader.u64()?)),
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
            // Number 0 is no terminal. The cloud's was admitted once: what is in the log means the same to every version, and it must be
            // possible to take it out.
            let replica = reader.required(replica.filter(|replica| replica.terminal() != 0), 1)?;
            match reader.required(operation, 0)? {
                0 => Ok(Self::Learn(replica)),
                1 => Ok(Self::Vote(replica)),
                2 => Ok(Self::Remove(replica)),
                code => Err(reader.fault(DecodeFault::Unknown { code })),
            }
        })
    }
}

//! Who belongs to the store, and how that changes: one terminal at a time, through the log.

use edgepos_core::ReplicaId;
use minicbor::decode::Error;
use minicbor::{Decoder, Encoder};

use crate::cbor::{self, infallible};
use crate::config::{MAX_TERMINALS, MAX_VOTERS};
use crate::error::MembershipError;

/// Voters that are never given up for absence where there are as many terminals.
const MIN_VOTERS: usize = 3;
/// Retired names that are kept; the oldest go first. A name is 48 random bits, so that chance alone repeats none.
pub(crate) const MAX_RETIRED: usize = 1024;

/// Who belongs to the store, as the log says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Members {
    pub(crate) voters: Vec<ReplicaId>,
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
    /// When the store is full, or the terminal belongs or belonged to it, or is none.
    pub(crate) fn admit(&self, replica: ReplicaId) -> Result<MembersChange, MembershipError> {
        if replica.terminal() == 0 {
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

    /// What a leader does unasked: gives a free vote to a learner that is `ready`, and takes the vote of a voter that was `absent` for
    /// too long when a learner can have it.
    pub(crate) fn due_change(
        &self,
        ready: impl Fn(ReplicaId) -> bool,
        absent: impl Fn(ReplicaId) -> bool,
    ) -> Option<MembersChange> {
        let learner = self.learners.iter().find(|learner| ready(**learner))?;
        if self.voters.len() < MAX_VOTERS {
            return Some(MembersChange::Vote(*learner));
        }
        let absent = self.voters.iter().find(|voter| absent(**voter))?;
        (self.voters.len() > MIN_VOTERS).then_some(MembersChange::Learn(*absent))
    }

    /// Takes over who was retired before the change, and who is by it.
    pub(crate) fn retire(&mut self, mut retired: Vec<ReplicaId>, change: MembersChange) {
        if let MembersChange::Remove(replica) = change {
            retired.retain(|known| *known != replica);
            retired.push(replica);
            retired.drain(..retired.len().saturating_sub(MAX_RETIRED));
        }
        self.retired = retired;
    }

    /// At least one voter, nobody twice, within the limits.
    pub(crate) fn well_formed(&self) -> bool {
        let mut all: Vec<_> = self.iter().collect();
        all.sort_unstable();
        let distinct = all.windows(2).all(|pair| pair[0] != pair[1]);
        !self.voters.is_empty() && distinct && all.len() <= MAX_TERMINALS && !all.contains(&ReplicaId(0))
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new());
        self.encode_into(&mut encoder);
        encoder.into_writer()
    }

    pub(crate) fn encode_into(&self, encoder: &mut Encoder<Vec<u8>>) {
        let lists = [(0, &self.voters), (1, &self.learners), (2, &self.retired)];
        let lists = lists.iter().filter(|(key, replicas)| *key < 2 || !replicas.is_empty());
        infallible(encoder.map(lists.clone().count() as u64));
        for (key, replicas) in lists {
            infallible(encoder.u8(*key).and_then(|encoder| encoder.array(replicas.len() as u64)));
            for replica in *replicas {
                infallible(encoder.u64(replica.0));
            }
        }
    }

    pub(crate) fn decode_from(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        let mut members = Self::default();
        cbor::visit_map(decoder, |key, decoder| {
            let (replicas, limit) = match key {
                0 => (&mut members.voters, MAX_TERMINALS),
                1 => (&mut members.learners, MAX_TERMINALS),
                2 => (&mut members.retired, MAX_RETIRED),
                _ => return Ok(false),
            };
            *replicas = cbor::array(decoder, limit, |decoder| Ok(ReplicaId(decoder.u64()?)))?;
            Ok(true)
        })?;
        if members.well_formed() { Ok(members) } else { Err(Error::message("impossible list of members")) }
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
        let mut encoder = cbor::map(2);
        cbor::put_u64(&mut encoder, 0, operation);
        cbor::put_u64(&mut encoder, 1, self.replica().0);
        encoder.into_writer()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut decoder = Decoder::new(bytes);
        let (mut operation, mut replica) = (None, None);
        cbor::visit_map(&mut decoder, |key, decoder| {
            match key {
                0 => operation = Some(decoder.u64()?),
                1 => replica = Some(ReplicaId(decoder.u64()?)),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        cbor::end(&decoder)?;
        let replica = replica.filter(|replica| replica.terminal() != 0);
        let replica = replica.ok_or_else(|| Error::message("change of no terminal"))?;
        match operation {
            Some(0) => Ok(Self::Learn(replica)),
            Some(1) => Ok(Self::Vote(replica)),
            Some(2) => Ok(Self::Remove(replica)),
            _ => Err(Error::message("unknown change of members")),
        }
    }
}

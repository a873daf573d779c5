//! Who belongs to the store, and how that changes: one terminal at a time, through the log.

use edgepos_core::{Now, ReplicaId};
use minicbor::decode::Error;
use minicbor::{Decoder, Encoder};

use crate::cbor::{self, infallible};
use crate::config::{MAX_TERMINALS, MAX_VOTERS};
use crate::election::Election;
use crate::error::MembershipError;
use crate::guard::Role;
use crate::message::{Body, Message};

/// Entries that a learner may lack and still count as caught up.
const CAUGHT_UP: u64 = 8;
/// Voters that are never given up for absence where there are as many terminals.
const MIN_VOTERS: usize = 3;
/// Retired names that are kept; the oldest go first. A name is 48 random bits, so that chance alone repeats none.
const MAX_RETIRED: usize = 1024;

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

impl Election {
    /// Adds a terminal to the store: it learns first, and gets a vote once it has caught up, as long as fewer than
    /// [`MAX_VOTERS`](crate::MAX_VOTERS) vote. The new terminal starts with [`Config::joins`](crate::Config::joins).
    ///
    /// `Ok` says that the change is in the leader's log; [`Event::MembersChanged`](crate::Event::MembersChanged) says that it is decided.
    ///
    /// # Errors
    /// When this terminal is not entitled, another change is under way, the store is full, or the terminal belongs to it already.
    pub fn admit(&mut self, now: Now, replica: ReplicaId) -> Result<(), MembershipError> {
        let members = self.core.log().members();
        if replica.terminal() == 0 {
            return Err(MembershipError::NotATerminal { replica });
        }
        if members.contains(replica) {
            return Err(MembershipError::AlreadyMember { replica });
        }
        if members.retired.contains(&replica) {
            return Err(MembershipError::Retired { replica });
        }
        if members.iter().count() >= MAX_TERMINALS {
            return Err(MembershipError::Full { limit: MAX_TERMINALS });
        }
        self.change_members(now, MembersChange::Learn(replica))
    }

    /// Removes a terminal that is retired. It counts no more, and does not return under this name.
    ///
    /// The leader does not remove itself: it steps down first. `Ok` as for [`admit`](Self::admit).
    ///
    /// # Errors
    /// When this terminal is not entitled, another change is under way, or the terminal does not belong to the store or leads it.
    pub fn retire(&mut self, now: Now, replica: ReplicaId) -> Result<(), MembershipError> {
        if replica == self.config.me {
            return Err(MembershipError::Leads { replica });
        }
        if !self.core.log().members().contains(replica) {
            return Err(MembershipError::NotAMember { replica });
        }
        self.change_members(now, MembersChange::Remove(replica))
    }

    fn change_members(&mut self, now: Now, change: MembersChange) -> Result<(), MembershipError> {
        if !self.entitled() {
            return Err(MembershipError::NotEntitled);
        }
        if self.core.changes_members() {
            return Err(MembershipError::ChangeUnderWay);
        }
        let mut taken = false;
        self.guarded(|election| {
            election.advance(now.mono);
            taken = election.core.propose_members(change);
            election.drain();
            election.settle();
        });
        if taken { Ok(()) } else { Err(MembershipError::NotEntitled) }
    }

    /// What a leader does unasked: gives a free vote to a learner that has caught up, and takes the vote of a voter that has been
    /// silent for too long when a learner can have it.
    pub(crate) fn tend_members(&mut self) {
        if !self.entitled() || self.core.changes_members() {
            return;
        }
        let members = self.core.log().members();
        let last = self.core.log().last();
        let ready = |learner: &&ReplicaId| {
            self.quorum.reaches(**learner, self.now) && self.core.matched(**learner) + CAUGHT_UP >= last
        };
        let Some(learner) = members.learners.iter().find(ready) else { return };
        let change = if members.voters.len() < MAX_VOTERS {
            MembersChange::Vote(*learner)
        } else if let Some(absent) = self.absent_voter().filter(|_| members.voters.len() > MIN_VOTERS) {
            MembersChange::Learn(absent)
        } else {
            return;
        };
        self.core.propose_members(change);
        self.drain();
    }

    fn absent_voter(&self) -> Option<ReplicaId> {
        let since = self.quorum.leads_since()?;
        let absent = |voter: &&ReplicaId| {
            let heard = self.quorum.heard_at(**voter).max(since);
            **voter != self.config.me && self.now.since(heard) >= self.config.replace_voter_after
        };
        self.voters().iter().find(absent).copied()
    }

    /// Whether a request for a vote may be answered: it comes from a voter, from a terminal that a change in the log makes one, or from
    /// one that knows decisions that this log lacks, among which its vote may be. Any other message may.
    pub(crate) fn may_lead(&self, message: &Message) -> bool {
        let Body::Vote { commit, commit_term, .. } = message.body else { return true };
        let log = self.core.log();
        let knows_more = commit >= log.first() && log.term(commit) != Some(commit_term);
        let changed = || {
            log.range(log.applied() + 1, log.last() + 1)
                .filter_map(crate::entry::Entry::members_change)
                .any(|change| change.replica() == message.from)
        };
        knows_more || log.members().voters.contains(&message.from) || changed()
    }

    /// A terminal that lost its vote by a decision must not lead.
    pub(crate) fn leave_if_removed(&mut self) {
        if self.core.role() == Role::Leader && !self.core.votes() {
            self.core.resign();
        }
    }
}

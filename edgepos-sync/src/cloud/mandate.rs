//! By what right this terminal uploads: it leads with a quorum behind it, or nobody has led for a while.

use edgepos_core::{ReplicaId, Term, Time};

use crate::config::Config;
use crate::wire::claim::CloudInstance;
use crate::wire::request::CloudRequest;

/// The right to ask for the upload lease.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Mandate {
    leader: bool,
    term: Term,
}

impl Mandate {
    /// Whether it is a leader's.
    pub(crate) fn is_leader(self) -> bool {
        self.leader
    }

    /// The request for the lease; `restored` is as in [`CloudRequest::Lease`].
    pub(crate) fn request(self, config: &Config, restored: Option<CloudInstance>) -> CloudRequest {
        CloudRequest::Lease {
            store: config.store,
            replica: config.me,
            generation: config.generation,
            term: self.term,
            leader: self.leader,
            restored,
        }
    }
}

/// What the election says, as far as it concerns uploading.
#[derive(Debug)]
pub(crate) struct Claim {
    standing: Standing,
    /// The highest term heard of.
    term: Term,
}

#[derive(Clone, Copy, Debug)]
enum Standing {
    /// This terminal leads, with a quorum behind it.
    Entitled(Term),
    /// Somebody leads, and has to upload if anybody has.
    Led,
    /// No leader is known.
    Leaderless { since: Time },
}

impl Claim {
    /// No leader is known yet.
    pub(crate) fn new(now: Time) -> Self {
        Self { standing: Standing::Leaderless { since: now }, term: Term(0) }
    }

    /// The election's state, repeated or changed.
    pub(crate) fn elected(
        &mut self,
        now: Time,
        me: ReplicaId,
        leader: Option<(ReplicaId, Term)>,
        entitled: bool,
    ) {
        if let Some((_, term)) = leader {
            self.term = self.term.max(term);
        }
        self.standing = match (leader, self.standing) {
            (Some((leader, term)), _) if leader == me && entitled => Standing::Entitled(term),
            (Some(_), _) => Standing::Led,
            (None, Standing::Leaderless { since }) => Standing::Leaderless { since },
            (None, Standing::Entitled(_) | Standing::Led) => Standing::Leaderless { since: now },
        };
    }

    pub(crate) fn mandate(&self, now: Time, config: &Config) -> Option<Mandate> {
        match self.standing {
            Standing::Entitled(term) => Some(Mandate { leader: true, term }),
            Standing::Leaderless { since } if now >= since + config.leaderless_lease_after => {
                Some(Mandate { leader: false, term: self.term })
            }
            Standing::Led | Standing::Leaderless { .. } => None,
        }
    }

    /// When a mandate begins because no leader was known for long enough; past once it has begun.
    pub(crate) fn leaderless_at(&self, config: &Config) -> Option<Time> {
        match self.standing {
            Standing::Leaderless { since } => Some(since + config.leaderless_lease_after),
            Standing::Entitled(_) | Standing::Led => None,
        }
    }
}

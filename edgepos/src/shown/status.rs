//! Who a terminal is, what someone must act on, how its elections went.

use std::time::Duration;

use edgepos_consensus::Health;
use edgepos_core::ReplicaId;
use edgepos_crdt::VersionVector;
use serde::{Serialize, Serializer};

use super::text;
use crate::model::ExceptionRaised;
use crate::monitor::alert::Alert;
use crate::retail::day::shift::OpenShift;
use crate::retail::sale::fiscal::UnsignedReceipt;
use crate::terminal::{Condition, ConditionKind, Status};

/// A status as it is shown.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(with = "text")]
    me: ReplicaId,
    #[serde(with = "text")]
    author: ReplicaId,
    #[serde(serialize_with = "text::option::serialize")]
    leader: Option<ReplicaId>,
    term: Option<u64>,
    leads: bool,
    entitled: bool,
    /// `normal`, `degraded` or `leaderless`.
    #[serde(serialize_with = "text::serialize")]
    mode: Health,
    feature_level: u32,
    below_level: bool,
    business_day: Option<u32>,
    open_shifts: &'a [OpenShift],
    queued: u64,
    open_baskets: usize,
    quarantined: u64,
    set_aside: u64,
    disk_free: Option<u64>,
    #[serde(serialize_with = "text::list::serialize")]
    connected: &'a [ReplicaId],
    #[serde(serialize_with = "text::list::serialize")]
    voters: &'a [ReplicaId],
    #[serde(serialize_with = "text::list::serialize")]
    learners: &'a [ReplicaId],
    exceptions: &'a [ExceptionRaised],
    conditions: &'a [Condition],
    alerts: &'a [Alert],
    #[serde(serialize_with = "text::vector::serialize")]
    durable: &'a VersionVector,
    #[serde(serialize_with = "text::vector::serialize")]
    cloud: &'a VersionVector,
    open_exceptions: usize,
    unsigned: &'a [UnsignedReceipt],
    unsigned_receipts: usize,
    erasures_known: bool,
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        // Every field by its name: one that is added is shown.
        let Self {
            me,
            author,
            leader,
            entitled,
            health,
            durable,
            cloud,
            queued,
            connected,
            voters,
            learners,
            open_baskets,
            unsigned,
            unsigned_receipts,
            level,
            below_level,
            exceptions,
            open_exceptions,
            quarantined,
            set_aside,
            disk_free,
            erasures_known,
            business_day,
            open_shifts,
            conditions,
            alerts,
        } = self;
        let shown = Shown {
            me: *me,
            author: *author,
            leader: leader.map(|leader| leader.replica),
            term: leader.map(|leader| leader.term.0),
            leads: leader.is_some_and(|leader| leader.replica == *me),
            entitled: *entitled,
            mode: *health,
            feature_level: *level,
            below_level: *below_level,
            business_day: *business_day,
            open_shifts,
            queued: *queued,
            open_baskets: *open_baskets,
            quarantined: *quarantined,
            set_aside: *set_aside,
            disk_free: *disk_free,
            connected,
            voters,
            learners,
            exceptions,
            conditions,
            alerts,
            durable,
            cloud,
            open_exceptions: *open_exceptions,
            unsigned,
            unsigned_receipts: *unsigned_receipts,
            erasures_known: *erasures_known,
        };
        shown.serialize(to)
    }
}

/// A condition as it is shown.
#[derive(Serialize)]
struct ShownCondition<'a> {
    condition: ConditionKind,
    says: &'static str,
    remedy: &'static str,
    about: &'a str,
    count: u64,
    since_ms: u64,
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { kind, since_ms, count, about } = self;
        let (says, remedy) = (kind.says(), kind.remedy());
        let shown =
            ShownCondition { condition: *kind, says, remedy, about, count: *count, since_ms: *since_ms };
        shown.serialize(to)
    }
}

/// Milliseconds.
pub(super) fn ms(duration: &Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

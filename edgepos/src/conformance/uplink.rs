//! Checks of an uplink.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use edgepos_core::{Chain, Lane, ReplicaId, Seq, StoreGeneration, StoreId, Term, UploadEpoch};
use edgepos_crdt::VersionVector;
use edgepos_sync::{CloudReply, CloudRequest, RefusedReason, UplinkError};
use tokio::time::timeout;

use crate::ports::Uplink;

/// Longest time that anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The largest batch that a terminal uploads, about.
const LARGE: usize = 4 << 20;

/// What the cloud of a check does with a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CloudAnswer {
    /// It gives this reply.
    Reply(CloudReply),
    /// It asks for patience: over HTTP, status 429 or 503 with `Retry-After` in seconds.
    Overloaded {
        /// For how long, in whole seconds.
        retry_after: Duration,
    },
    /// It fails: over HTTP, any other status.
    Broken,
    /// It answers with bytes that are no reply.
    Garbage,
}

/// The cloud of the checks: whoever tests an uplink serves it in the way of that uplink, and hands each request that arrives to
/// [`answer`](Self::answer).
#[derive(Clone, Debug, Default)]
pub struct ScriptedCloud {
    heard: Arc<Mutex<Vec<CloudRequest>>>,
}

impl ScriptedCloud {
    /// What it says to a request. Requests of other stores than the checks' own are broken.
    pub fn answer(&self, request: CloudRequest) -> CloudAnswer {
        let answer = match &request {
            CloudRequest::Head { store } if *store == OVERLOADED => {
                CloudAnswer::Overloaded { retry_after: Duration::from_secs(7) }
            }
            CloudRequest::Head { store } if *store == BROKEN => CloudAnswer::Broken,
            CloudRequest::Head { store } if *store == GARBAGE => CloudAnswer::Garbage,
            CloudRequest::Head { .. } => CloudAnswer::Reply(CloudReply::Fork { chain: CHAIN }),
            CloudRequest::Lease { .. } => CloudAnswer::Reply(CloudReply::Busy { retry_after_ms: 1_234 }),
            CloudRequest::Append { .. } => {
                CloudAnswer::Reply(CloudReply::Refused { reason: RefusedReason::TooLarge })
            }
            _ => CloudAnswer::Broken,
        };
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        answer
    }

    fn heard(&self) -> Vec<CloudRequest> {
        std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

const STORE: StoreId = StoreId([7; 16]);
const OVERLOADED: StoreId = StoreId([1; 16]);
const BROKEN: StoreId = StoreId([2; 16]);
const GARBAGE: StoreId = StoreId([3; 16]);
const CHAIN: Chain = Chain::new(ReplicaId::new(1, 5), Lane::Stock);

/// Runs every check on an uplink whose requests reach `cloud`, and on one that reaches nothing.
///
/// # Panics
/// With what is wrong, when a check fails.
pub async fn uplink(uplink: &dyn Uplink, cloud: &ScriptedCloud, nowhere: &dyn Uplink) {
    requests_and_replies_pass_unchanged(uplink, cloud).await;
    calls_at_once_are_not_mixed_up(uplink).await;
    failures_are_told_apart(uplink).await;
    let away = ask(nowhere, CloudRequest::Head { store: STORE }).await;
    assert!(away.is_err(), "a cloud that is away is an error: {away:?}");
    // A call that nobody waits for any more does no harm.
    drop(uplink.call(CloudRequest::Head { store: STORE }));
    requests_and_replies_pass_unchanged(uplink, cloud).await;
}

async fn ask(uplink: &dyn Uplink, request: CloudRequest) -> Result<CloudReply, UplinkError> {
    timeout(PATIENCE, uplink.call(request)).await.expect("a call ends within a bounded time")
}

async fn requests_and_replies_pass_unchanged(uplink: &dyn Uplink, cloud: &ScriptedCloud) {
    let (replica, vector): (_, VersionVector) =
        (ReplicaId::new(1, 5), [(CHAIN, Seq(300))].into_iter().collect());
    let lease = CloudRequest::Lease {
        store: STORE,
        replica,
        generation: StoreGeneration(2),
        term: Term(9),
        leader: true,
        restored: None,
    };
    let append = CloudRequest::Append {
        store: STORE,
        replica,
        epoch: UploadEpoch(4),
        old: VersionVector::new(),
        new: vector,
        batch: (0..LARGE).map(|index| u8::try_from(index % 253).expect("below 256")).collect(),
    };
    cloud.heard();
    for (request, reply) in [
        (lease, CloudReply::Busy { retry_after_ms: 1_234 }),
        (append, CloudReply::Refused { reason: RefusedReason::TooLarge }),
        (CloudRequest::Head { store: STORE }, CloudReply::Fork { chain: CHAIN }),
    ] {
        assert_eq!(ask(uplink, request.clone()).await, Ok(reply), "a reply passes unchanged");
        assert!(cloud.heard() == [request], "a request passes unchanged, once");
    }
}

async fn calls_at_once_are_not_mixed_up(uplink: &dyn Uplink) {
    let replica = ReplicaId::new(1, 5);
    let lease = CloudRequest::Lease {
        store: STORE,
        replica,
        generation: StoreGeneration(0),
        term: Term(1),
        leader: false,
        restored: None,
    };
    let (first, second) = (uplink.call(lease), uplink.call(CloudRequest::Head { store: STORE }));
    let (first, second) = timeout(PATIENCE, async { tokio::join!(first, second) })
        .await
        .expect("a call ends within a bounded time");
    assert_eq!(first, Ok(CloudReply::Busy { retry_after_ms: 1_234 }), "each call gets its own reply");
    assert_eq!(second, Ok(CloudReply::Fork { chain: CHAIN }), "each call gets its own reply");
}

async fn failures_are_told_apart(uplink: &dyn Uplink) {
    let overloaded = ask(uplink, CloudRequest::Head { store: OVERLOADED }).await;
    let patience = UplinkError::Overloaded { retry_after: Duration::from_secs(7) };
    assert_eq!(overloaded, Err(patience), "a cloud that asks for patience is told, with how long");
    let broken = ask(uplink, CloudRequest::Head { store: BROKEN }).await;
    assert!(broken.is_err(), "a cloud that fails is an error: {broken:?}");
    let garbage = ask(uplink, CloudRequest::Head { store: GARBAGE }).await;
    assert!(garbage.is_err(), "bytes that are no reply are an error: {garbage:?}");
}

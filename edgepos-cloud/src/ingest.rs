//! One request of a store: decided upon by [`IngestState`], made durable by an [`IngestStore`].

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use edgepos_core::{Chain, EventId, Seq, StoreId, UploadEpoch, WallMs};
use edgepos_sync::{Batch, CloudReply, CloudRequest, Hash, IngestState, Ingested, Limits};
use thiserror::Error;

/// How often one request is decided upon, where others move the same row meanwhile or the database changes hands.
const ATTEMPTS: u32 = 5;
/// What is waited before the second attempt; twice that before the third, and so on.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// Why a request has no answer. It may have been carried out all the same: the uploader asks again, which is harmless.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IngestError {
    /// The database refused or failed; asking again at once may help nobody.
    #[error("the cloud's database failed: {0}")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database is away, changes hands, or took back a transaction.
    #[error("the cloud's database is away: {0}")]
    Away(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A row does not read.
    #[error("what is kept of store {store} is damaged: {what}")]
    Damaged {
        /// The store whose row it is.
        store: StoreId,
        /// The kind of row that it is.
        what: &'static str,
    },
    /// Too many requests wait already.
    #[error("the cloud is busy")]
    Busy,
    /// Another gateway moved the store's row each time that this one had decided.
    #[error("store {0} is asked about at too many places at once")]
    Contended(StoreId),
    /// It was closed.
    #[error("the cloud is closing")]
    Closed,
}

/// A decision that is to become durable.
#[derive(Clone, Debug)]
pub struct Step {
    /// The store that it is about.
    pub store: StoreId,
    /// The row that was decided upon.
    pub before: IngestState,
    /// The row that takes its place.
    pub after: IngestState,
    /// What [`Batch::encode`] wrote of the events that are new, and those that take the place of lost ones; `None` where the request
    /// brought none.
    pub batch: Option<Vec<u8>>,
    /// The same events one by one, with the hash of their chain after each.
    pub events: Vec<Ingested>,
}

/// What a step takes of one chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Taken {
    /// Whose events, in which lane.
    pub chain: Chain,
    /// The first position that is new.
    pub first: Seq,
    /// The last one.
    pub last: Seq,
    /// The chain's hash there.
    pub head: Hash,
}

impl Step {
    /// The epoch and the number of batches that the row must still have.
    pub fn guard(&self) -> (UploadEpoch, u64) {
        (self.before.epoch(), self.before.batches())
    }

    /// What is new of each chain.
    pub fn taken(&self) -> impl Iterator<Item = Taken> + '_ {
        self.after.vector().iter().filter_map(|(chain, last)| {
            let held = self.before.vector().get(chain);
            let head = *self.after.heads().get(&chain)?;
            (last > held).then(|| Taken { chain, first: held.next(), last, head })
        })
    }
}

/// Where a cloud keeps what stores upload. [`conformance::ingest_store`](crate::conformance::ingest_store) says whether one does.
///
/// Each call is about one store alone, so that a database which spreads stores over machines needs no transaction across them. Any number
/// of processes may share one place.
#[async_trait]
pub trait IngestStore: Send + Sync {
    /// The row of a store; [`IngestState::new`] for one that was never heard from.
    ///
    /// # Errors
    /// When the database fails, is away, or the row does not read.
    async fn load(&self, store: StoreId) -> Result<IngestState, IngestError>;

    /// Makes a step durable: the row, and its batch where it has one. All of it or nothing, and only while the row's epoch and number of
    /// batches are those of [`Step::guard`]; a store without a row has 0 and 0. `false`: the row is another one by now, and nothing was
    /// written. Durable when this returns `true`, against whatever the operator promises to survive.
    ///
    /// # Errors
    /// When the database fails or is away. The step may have become durable all the same.
    async fn commit(&self, step: &Step) -> Result<bool, IngestError>;

    /// The hash of a chain at one of its events; `None` where the event is not held, its bytes are lost, or it came before hashes were
    /// kept.
    ///
    /// # Errors
    /// When the database fails, is away, or a row does not read.
    async fn hash(&self, store: StoreId, event: EventId) -> Result<Option<Hash>, IngestError>;

    /// The events from `first` to `last` of its chain as one batch of one run; `None` where they are not all there, or take more than half
    /// of [`Limits::max_body_bytes`].
    ///
    /// # Errors
    /// When the database fails, is away, or a row does not read.
    async fn events(&self, store: StoreId, first: EventId, last: Seq)
    -> Result<Option<Vec<u8>>, IngestError>;

    /// Lets go of files and connections after the work that waits. Later calls are told that the cloud is closing.
    ///
    /// # Errors
    /// When something could not be tidied up; what was answered is durable all the same.
    async fn close(&self) -> Result<(), IngestError>;
}

/// The cloud's side of every store, on one database. Without a state of its own: any number may serve one database at once.
#[derive(Clone)]
pub struct Ingest {
    store: Arc<dyn IngestStore>,
}

impl std::fmt::Debug for Ingest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ingest").finish_non_exhaustive()
    }
}

impl Ingest {
    /// Over this database.
    pub fn new(store: Arc<dyn IngestStore>) -> Self {
        Self { store }
    }

    /// Where everything is kept.
    pub fn store(&self) -> &dyn IngestStore {
        self.store.as_ref()
    }

    /// Decides about one request and makes the decision durable, on this machine's clock. Dropped, it may or may not have been carried
    /// out.
    ///
    /// # Errors
    /// [`IngestError`]: the uploader then knows nothing, and asks again.
    pub async fn handle(&self, request: &CloudRequest) -> Result<CloudReply, IngestError> {
        let mut attempts = Attempts::new(request.store());
        loop {
            let outcome = self.attempt(wall(), request).await;
            if let Some(reply) = attempts.judge(outcome).await? {
                return Ok(reply);
            }
        }
    }

    /// `None`: the row moved meanwhile.
    async fn attempt(&self, wall: WallMs, request: &CloudRequest) -> Result<Option<CloudReply>, IngestError> {
        let store = request.store();
        match request {
            CloudRequest::Probe { event, .. } => {
                let hash = self.store.hash(store, *event).await?;
                return Ok(Some(CloudReply::Hash { event: *event, hash }));
            }
            CloudRequest::Fetch { first, last, .. } => {
                let batch = self.store.events(store, *first, *last).await?;
                let base = match first.seq.0.checked_sub(1).filter(|before| *before > 0 && batch.is_some()) {
                    Some(before) => self.store.hash(store, EventId::new(first.chain, Seq(before))).await?,
                    None => None,
                };
                return Ok(Some(CloudReply::Events { first: *first, last: *last, batch, base }));
            }
            _ => {}
        }
        let before = self.store.load(store).await?;
        let mut after = before.clone();
        let (reply, events) = after.handle(wall, request, &Limits::DEFAULT);
        if after == before {
            return Ok(Some(reply));
        }
        let batch = match request {
            CloudRequest::Append { batch, new, .. } => {
                // Most are taken whole, and need not be read a second time.
                let whole =
                    new.iter().all(|(chain, _)| after.vector().get(chain) > before.vector().get(chain));
                Some(if whole { batch.clone() } else { taken_of(batch, &before, &after) })
            }
            _ => None,
        };
        let step = Step { store, before, after, batch, events };
        Ok(self.store.commit(&step).await?.then_some(reply))
    }
}

/// One request that is decided upon again where others move the same row meanwhile, or the database changes hands.
pub(crate) struct Attempts {
    store: StoreId,
    left: u32,
    pause: Duration,
}

impl Attempts {
    /// Of a request about this store.
    pub(crate) fn new(store: StoreId) -> Self {
        Self { store, left: ATTEMPTS - 1, pause: FIRST_PAUSE }
    }

    /// What came of an attempt, where it decided something; `None`, after a pause, where the next one is to be made.
    ///
    /// # Errors
    /// When it failed for good, or was the last one.
    pub(crate) async fn judge<T>(
        &mut self,
        outcome: Result<Option<T>, IngestError>,
    ) -> Result<Option<T>, IngestError> {
        let error = match outcome {
            Ok(None) => IngestError::Contended(self.store),
            Err(error @ IngestError::Away(_)) => error,
            decided => return decided,
        };
        self.left = self.left.checked_sub(1).ok_or(error)?;
        tokio::time::sleep(self.pause).await;
        self.pause *= 2;
        Ok(None)
    }
}

/// The batch without the runs of which nothing is new: repeated ones, and those of another history.
fn taken_of(batch: &[u8], before: &IngestState, after: &IngestState) -> Vec<u8> {
    let limits = &Limits::DEFAULT;
    let moved = |chain| after.vector().get(chain) > before.vector().get(chain);
    let mut read =
        Batch::decode(batch, limits).expect("a batch of which something was taken has been read before");
    read.runs.retain(|run| moved(run.chain));
    read.encode(limits)
}

/// This machine's clock. It decides how long others wait for the lease, never whether an event is taken.
pub(crate) fn wall() -> WallMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

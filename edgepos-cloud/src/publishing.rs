//! What comes down to a store: written into the store's row and its events by the cloud itself, like a batch of an uploader.

use edgepos_core::{Chain, EventId, Seq, StoreId, WallMs};
use edgepos_sync::{Batch, IngestState, Ingested, Limits, Run};

use crate::ingest::{Attempts, Ingest, IngestError, Step, wall};

/// What became of a publication.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Published {
    /// It is durable, and comes down with whatever the store's leader asks next.
    Written {
        /// The chain that the events are of.
        chain: Chain,
        /// The position of the first one.
        first: Seq,
        /// The position of the last one; before `first` where nothing was published.
        last: Seq,
    },
    /// Something else was published since, and nothing was written.
    Moved {
        /// How far the chain goes.
        last: Seq,
    },
    /// The store has as many chains as a cloud keeps of one, and nothing was written.
    Full,
}

impl Ingest {
    /// How far what was published for the store goes: its chain and its last position. `None` where nothing was published and nothing
    /// uploaded.
    ///
    /// # Errors
    /// When the database fails, is away, or the row does not read.
    pub async fn feed(&self, store: StoreId) -> Result<Option<(Chain, Seq)>, IngestError> {
        Ok(self.store().load(store).await?.feed())
    }

    /// Writes the next events of what comes down to the store, all or none, durable when this returns. `write` makes their payloads from
    /// the cloud's time and the payload of the last one; it is called again where another publication or an upload came first.
    ///
    /// `after`: how far the publication goes that the caller knows. Where something was published since, nothing is written. A caller that
    /// repeats what was not answered passes it, and then writes nothing twice.
    ///
    /// # Errors
    /// When the database fails or is away. It may have been written all the same.
    pub async fn publish(
        &self,
        store: StoreId,
        after: Option<Seq>,
        write: impl Fn(WallMs, Option<&[u8]>) -> Vec<Vec<u8>> + Send + Sync,
    ) -> Result<Published, IngestError> {
        let mut attempts = Attempts::new(store);
        loop {
            let outcome = self.try_to_publish(store, after, &write).await;
            if let Some(published) = attempts.judge(outcome).await? {
                return Ok(published);
            }
        }
    }

    /// `None`: the row moved meanwhile.
    async fn try_to_publish(
        &self,
        store: StoreId,
        known: Option<Seq>,
        write: &(impl Fn(WallMs, Option<&[u8]>) -> Vec<Vec<u8>> + Send + Sync),
    ) -> Result<Option<Published>, IngestError> {
        let before = self.store().load(store).await?;
        let last = before.feed().map_or(Seq::ZERO, |(_, last)| last);
        if known.is_some_and(|known| known != last) {
            return Ok(Some(Published::Moved { last }));
        }
        let payload = self.last_published(store, &before).await?;
        let (now, mut after) = (wall(), before.clone());
        let payloads = write(now, payload.as_deref());
        let Some(events) = after.publish(now, payloads, &Limits::DEFAULT) else {
            return Ok(Some(Published::Full));
        };
        let (chain, end) = after.feed().expect("an instance is drawn by the first publication");
        let written = Published::Written { chain, first: last.next(), last: end };
        if events.is_empty() {
            return Ok(Some(written));
        }
        let batch = Some(batch_of(chain, &events));
        let step = Step { store, before, after, batch, events };
        Ok(self.store().commit(&step).await?.then_some(written))
    }

    async fn last_published(
        &self,
        store: StoreId,
        state: &IngestState,
    ) -> Result<Option<Vec<u8>>, IngestError> {
        let Some((chain, last)) = state.feed().filter(|(_, last)| *last > Seq::ZERO) else { return Ok(None) };
        let batch = self.store().events(store, EventId::new(chain, last), last).await?;
        let damaged = || IngestError::Damaged { store, what: "what was published last" };
        let read =
            batch.and_then(|batch| Batch::decode(&batch, &Limits::DEFAULT).ok()).ok_or_else(damaged)?;
        let run = read.runs.into_iter().next();
        Ok(Some(run.and_then(|run| run.payloads.into_iter().next()).ok_or_else(damaged)?))
    }
}

/// The events as an uploader would send them.
fn batch_of(chain: Chain, events: &[Ingested]) -> Vec<u8> {
    let (first, head) = match events {
        [(first, _), .., (_, head)] | [(first, head)] => (first.id.seq, *head),
        [] => return Batch::default().encode(&Limits::DEFAULT),
    };
    let payloads = events.iter().map(|(record, _)| record.payload.clone()).collect();
    Batch { runs: vec![Run { chain, first, head, payloads, gaps: Vec::new() }] }.encode(&Limits::DEFAULT)
}

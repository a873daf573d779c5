//! Reading back what a terminal holds: its own events and everybody's, from any point on.
//!
//! What is read comes from the store, a piece at a time and on the store's own thread: no question here holds up a sale, and a slow
//! reader misses nothing.

pub(crate) mod attachments;
mod backwards;
pub(crate) mod baskets;
pub(crate) mod beside;
pub(crate) mod customers;
pub(crate) mod days;
pub(crate) mod documents;
pub(crate) mod durability;
mod merge;
mod stored;
pub(crate) mod transactions;

use std::pin::Pin;
use std::task::{Context, Poll};

use edgepos_core::EventId;
use edgepos_crdt::VersionVector;
use futures_core::Stream;
use tokio::sync::mpsc;

use self::durability::Durability;
use self::merge::Merge;
use self::stored::load;
pub use self::stored::{HistoryError, StoredEvent};
use crate::node::Node;
use crate::terminal::Terminal;
use crate::terminal::refusal::Refusal;

/// Events that are read ahead of a reader.
const AHEAD: usize = 256;

/// What a reading hands over: an event, a failure, or that everything was read.
type Read = Result<StoredEvent, Option<HistoryError>>;

/// Events as they are read back, a [`Stream`]. Those of one chain come in the order of their positions; those of several in the order of
/// their hybrid logical clocks, as far as they are here when they are read.
#[derive(Debug)]
pub struct Events {
    events: mpsc::Receiver<Read>,
    /// Whether it was said that nothing follows.
    ended: bool,
}

impl Events {
    /// Reads on in a task of its own, until the reader or the terminal is gone.
    pub(crate) fn read(node: Node, cursor: VersionVector, follow: bool) -> Self {
        let (out, events) = mpsc::channel(AHEAD);
        tokio::spawn(async move {
            let ended = feed(&node, cursor, follow, &out).await.err();
            // The reader may have gone.
            let _ = out.send(Err(ended)).await;
        });
        Self { events, ended: false }
    }

    /// The next event; `None` where everything was read that was wanted. Cancel safe: an event that was not returned is returned by the
    /// next call.
    ///
    /// # Errors
    /// [`HistoryError`]; nothing follows it. A reading whose runtime ends before it does has [stopped](HistoryError::Stopped).
    pub async fn next(&mut self) -> Option<Result<StoredEvent, HistoryError>> {
        let read = self.events.recv().await;
        self.said(read)
    }

    fn said(&mut self, read: Option<Read>) -> Option<Result<StoredEvent, HistoryError>> {
        let ended = match read {
            Some(Ok(event)) => return Some(Ok(event)),
            Some(Err(ended)) => ended,
            None if self.ended => None,
            // Its task is gone, and has said nothing of an end: what is missing must not count as read.
            None => Some(stopped()),
        };
        self.ended = true;
        ended.map(Err)
    }
}

impl Stream for Events {
    type Item = Result<StoredEvent, HistoryError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let events = self.get_mut();
        events.events.poll_recv(context).map(|read| events.said(read))
    }
}

fn stopped() -> HistoryError {
    Refusal::Stopped("it is not running".into()).into()
}

/// Sends what is durable above the cursor, and then what becomes so.
async fn feed(
    node: &Node,
    mut cursor: VersionVector,
    follow: bool,
    out: &mpsc::Sender<Read>,
) -> Result<(), HistoryError> {
    let mut written = node.written();
    loop {
        written.borrow_and_update();
        let durable = node.query(|terminal| terminal.durable().clone()).await?;
        let mut merge = Merge::new(&cursor, &durable);
        while let Some(event) = merge.next(node).await? {
            cursor.set_max(event.id.chain, event.id.seq);
            if out.send(Ok(event)).await.is_err() {
                return Ok(());
            }
        }
        if !follow {
            return Ok(());
        }
        tokio::select! {
            changed = written.changed() => if changed.is_err() {
                return Err(stopped());
            },
            () = out.closed() => return Ok(()),
        }
    }
}

impl Node {
    /// Every event that this terminal holds above `cursor`, its own and others', and then each that comes: nothing is lost, however
    /// slow the reader is. An application keeps the positions of what it has dealt with, as a version vector, and goes on from there;
    /// an empty one begins with the first event.
    ///
    /// A chain of which `cursor` says more than is here brings nothing until more is. Dropping the stream ends it.
    pub fn events_since(&self, cursor: VersionVector) -> Events {
        Events::read(self.clone(), cursor, true)
    }

    /// The same, until everything that is durable now was read.
    pub fn stored_events(&self, cursor: VersionVector) -> Events {
        Events::read(self.clone(), cursor, false)
    }

    /// One event; `None` where it is not here.
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn event(&self, id: EventId) -> Result<Option<StoredEvent>, Refusal> {
        let rows = self.rows(load(id.chain, id.seq.0, id.seq.0, 1)).await?;
        Ok(rows.first().and_then(|(key, value)| StoredEvent::from_row(key, value)))
    }

    /// How safe an event is, as far as this terminal knows; `None` where it is not durable here.
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn durability(&self, id: EventId) -> Result<Option<Durability>, Refusal> {
        self.query(move |terminal: &Terminal| terminal.durability(id)).await
    }
}

//! Asks a resolver about each exception, while this terminal leads.

use std::sync::Arc;
use std::time::Duration;

use edgepos_core::EventId;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use crate::model::{Envelope, ExceptionRaised, Kind};
use crate::node::{Command, Node};
use crate::ports::{Case, Resolver};
use crate::terminal::{Notice, Refusal};

/// How long nothing happens until exceptions are looked for all the same: a notice may have been lost, or this terminal leads now.
const LOOK: Duration = Duration::from_secs(1);

/// Asks a resolver what to do about exceptions, beside a running terminal. Run one on each terminal of the store, with
/// [`Policy::model_within_ms`](crate::Policy::model_within_ms) set; without that nobody is asked.
#[derive(Clone)]
pub struct Adviser {
    resolver: Arc<dyn Resolver>,
}

impl Adviser {
    /// One that asks this resolver.
    pub fn new(resolver: Arc<dyn Resolver>) -> Self {
        Self { resolver }
    }

    /// Asks about each exception while this terminal leads, and hands in what is said, until the terminal stops. A future that is dropped
    /// asks no more: the rules propose then.
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn run(&self, node: &Node) -> Result<(), Refusal> {
        let mut notices = node.notices();
        loop {
            while let Some(raised) = node.next_to_advise().await? {
                let case = case(node, raised).await?;
                let advice = self.resolver.advise(&case).await;
                node.tell(Command::Advise(Box::new((case.raised, advice)))).await?;
            }
            // Whether or not one was raised: it is looked for.
            if let Ok(Err(RecvError::Closed)) = timeout(LOOK, raised(&mut notices)).await {
                return Err(Refusal::Stopped("it is not running".into()));
            }
        }
    }
}

impl std::fmt::Debug for Adviser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Adviser").finish_non_exhaustive()
    }
}

/// The exception with the sales that are involved, as far as they are here.
async fn case(node: &Node, raised: ExceptionRaised) -> Result<Case, Refusal> {
    let mut sales: Vec<(EventId, Envelope)> = Vec::new();
    for id in &raised.involved {
        let envelope = node.event(*id).await?.and_then(|event| event.envelope);
        sales.extend(envelope.filter(|envelope| envelope.kind == Kind::TRANSACTION).map(|e| (*id, e)));
    }
    Ok(Case { raised, sales })
}

/// Waits for the next exception.
async fn raised(notices: &mut Receiver<Notice>) -> Result<(), RecvError> {
    loop {
        match notices.recv().await {
            Ok(Notice::ExceptionRaised(_)) | Err(RecvError::Lagged(_)) => return Ok(()),
            Ok(_) => {}
            Err(RecvError::Closed) => return Err(RecvError::Closed),
        }
    }
}

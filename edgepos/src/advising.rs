//! Asks a resolver about each exception, while this terminal leads.

use std::time::Duration;

use edgepos_core::EventId;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::model::{Envelope, ExceptionRaised, Kind};
use crate::node::{Command, Node};
use crate::ports::{Case, Resolver};
use crate::terminal::{Notice, Refusal};

/// How long nothing happens until exceptions are looked for all the same: a notice may have been lost, or this terminal leads now.
const LOOK: Duration = Duration::from_secs(1);

impl Node {
    /// Asks `resolver` about each exception while this terminal leads, and hands in what it says, until the terminal stops. Run it as a
    /// task, on each terminal of the store, with [`Policy::model_within_ms`](crate::Policy::model_within_ms) set; without that nobody is
    /// asked. A future that is dropped asks no more: the rules propose then.
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn advise_with(&self, resolver: &dyn Resolver) -> Result<(), Refusal> {
        let mut notices = self.notices();
        loop {
            while let Some(raised) = self.next_to_advise().await? {
                let case = self.case(raised).await?;
                let advice = resolver.advise(&case).await;
                self.tell(Command::Advise(Box::new((case.raised, advice)))).await?;
            }
            // Whether or not one was raised: it is looked for.
            if let Ok(Err(RecvError::Closed)) = timeout(LOOK, raised(&mut notices)).await {
                return Err(Refusal::Stopped("it is not running".into()));
            }
        }
    }

    async fn next_to_advise(&self) -> Result<Option<ExceptionRaised>, Refusal> {
        let (reply, next) = oneshot::channel();
        self.tell(Command::NextToAdvise(reply)).await?;
        next.await.map_err(|_| Refusal::Stopped("it is not running".into()))
    }

    /// The exception with the sales that are involved, as far as they are here.
    async fn case(&self, raised: ExceptionRaised) -> Result<Case, Refusal> {
        let mut sales: Vec<(EventId, Envelope)> = Vec::new();
        for id in &raised.involved {
            let event = self.event(*id).await?;
            let envelope = event.and_then(|event| event.envelope);
            sales.extend(envelope.filter(|envelope| envelope.kind == Kind::TRANSACTION).map(|e| (*id, e)));
        }
        Ok(Case { raised, sales })
    }
}

/// Waits for the next exception.
async fn raised(notices: &mut tokio::sync::broadcast::Receiver<Notice>) -> Result<(), RecvError> {
    loop {
        match notices.recv().await {
            Ok(Notice::ExceptionRaised(_)) | Err(RecvError::Lagged(_)) => return Ok(()),
            Ok(_) => {}
            Err(RecvError::Closed) => return Err(RecvError::Closed),
        }
    }
}

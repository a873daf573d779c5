//! The application as a fiscal device: the receipts that it is asked to sign, and who waits for its answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use edgepos::model::Signature;
use edgepos::{Node, SignError, Signatory, Signer, ToSign, async_trait};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use crate::status::Failure;

/// What a device says of a receipt.
pub(crate) type Answer = Result<Signature, SignError>;

/// A receipt that is to be signed, and who waits for that.
pub(crate) struct Asked {
    pub(crate) receipt: ToSign,
    answer: oneshot::Sender<Answer>,
}

/// The application's device, as the terminal sees it.
struct Device(mpsc::Sender<Asked>);

#[async_trait]
impl Signer for Device {
    async fn sign(&self, receipt: &ToSign) -> Answer {
        let (answer, said) = oneshot::channel();
        let away = || SignError::Away("the application asks for no receipts to sign".into());
        self.0.send(Asked { receipt: receipt.clone(), answer }).await.map_err(|_| away())?;
        said.await.map_err(|_| away())?
    }
}

/// Receipts that the application is asked to sign.
pub(crate) struct Signing {
    /// One thread at a time takes them.
    queue: Mutex<Queue>,
    /// Who waits for an answer, by the number of the question.
    waiting: Mutex<BTreeMap<u64, oneshot::Sender<Answer>>>,
}

/// The receipts to come.
pub(crate) struct Queue {
    asked: mpsc::Receiver<Asked>,
    last: u64,
}

impl Signing {
    /// Begins to ask the application.
    pub(crate) fn start(node: Node, runtime: &Handle) -> Self {
        // The terminal asks about one receipt at a time.
        let (ask, asked) = mpsc::channel(1);
        let signatory = Signatory::new(Arc::new(Device(ask)));
        // It ends with the terminal, which says so itself.
        runtime.spawn(async move { signatory.run(&node).await });
        Self { queue: Mutex::new(Queue { asked, last: 0 }), waiting: Mutex::default() }
    }

    /// The receipts to come, for one thread at a time.
    pub(crate) fn queue(&self) -> Result<MutexGuard<'_, Queue>, Failure> {
        match self.queue.try_lock() {
            Ok(queue) => Ok(queue),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(Failure::in_use("the receipts to sign of this node")),
        }
    }

    /// Remembers who waits for the answer to a question.
    pub(crate) fn wait_for(&self, id: u64, asked: Asked) {
        let mut waiting = self.waiting();
        waiting.retain(|_, answer| !answer.is_closed());
        waiting.insert(id, asked.answer);
    }

    /// Hands an answer to whoever waits for it; whether anybody does.
    pub(crate) fn answer(&self, id: u64, answer: Answer) -> bool {
        let waits = self.waiting().remove(&id);
        waits.is_some_and(|waits| waits.send(answer).is_ok())
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<u64, oneshot::Sender<Answer>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// The number of the next question.
    pub(crate) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// The next receipt that somebody still waits for.
    pub(crate) async fn next(&mut self) -> Option<Asked> {
        loop {
            let asked = self.asked.recv().await?;
            if !asked.answer.is_closed() {
                return Some(asked);
            }
        }
    }
}

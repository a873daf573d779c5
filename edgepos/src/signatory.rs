//! Asks a fiscal device for the signatures of receipts, beside a running terminal.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::model::{BookedName, Signature, Transaction};
use crate::node::{Command, Node};
use crate::ports::Signer;
use crate::retail::sale::fiscal::{SignError, ToSign, UnsignedReceipt};
use crate::retail::sale::signing::SignatureWanted;
use crate::terminal::Refusal;

/// How long it waits for the next question until it looks whether the terminal runs.
const LOOK: Duration = Duration::from_secs(1);

/// Asks a [`Signer`] for the signature of each receipt of a [signed series](crate::Config::signed_series). Run one on each terminal that
/// has such series; without it their sales are booked unsigned, and wait.
#[derive(Clone)]
pub struct Signatory {
    signer: Arc<dyn Signer>,
}

/// A call of the device, on a thread of its own: libraries of devices block, and a till may not.
struct Call {
    answer: oneshot::Receiver<Result<Signature, SignError>>,
}

impl Signatory {
    /// One that asks this device.
    pub fn new(signer: Arc<dyn Signer>) -> Self {
        Self { signer }
    }

    /// Asks, and hands in what is said, until the terminal stops. A future that is dropped asks no more; a call that is under way then
    /// comes to its end, and nobody hears its answer.
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn run(&self, node: &Node) -> Result<(), Refusal> {
        let mut stuck = None;
        loop {
            let Some(asked) = node.next_to_sign(LOOK).await? else { continue };
            let until = Instant::now() + asked.within;
            let receipt = match asked.wanted {
                SignatureWanted::Now(receipt) => Ok(*receipt),
                SignatureWanted::Later(unsigned) => booked(node, &unsigned).await,
            };
            let answer = match receipt {
                Ok(receipt) => self.ask(&mut stuck, receipt, until).await,
                Err(error) => Err(error),
            };
            node.tell(Command::Signed(Box::new((asked.id, answer)))).await?;
        }
    }

    /// Asks the device, once it has returned from the call before.
    async fn ask(
        &self,
        stuck: &mut Option<Call>,
        receipt: ToSign,
        until: Instant,
    ) -> Result<Signature, SignError> {
        if let Some(call) = stuck {
            let returned = timeout_at(until, &mut call.answer).await;
            drop(returned.map_err(|_| SignError::Away("it has not returned from the call before".into()))?);
            *stuck = None;
        }
        let mut call = Call::begin(Arc::clone(&self.signer), receipt, until)?;
        match timeout_at(until, &mut call.answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(SignError::Away("its call panicked".into())),
            Err(_) => {
                *stuck = Some(call);
                Err(SignError::Away("it did not answer in time".into()))
            }
        }
    }
}

impl Call {
    fn begin(signer: Arc<dyn Signer>, receipt: ToSign, until: Instant) -> Result<Self, SignError> {
        let (tell, answer) = oneshot::channel();
        let runtime = Handle::current();
        let call = move || {
            let said = runtime.block_on(async { timeout_at(until, signer.sign(&receipt)).await });
            let said = said.unwrap_or_else(|_| Err(SignError::Away("it did not answer in time".into())));
            // Nobody may wait for it any more.
            drop(tell.send(said));
        };
        let thread = thread::Builder::new().name("edgepos-signer".into()).spawn(call);
        thread.map_err(|error| SignError::Away(format!("no thread to ask it from: {error}")))?;
        Ok(Self { answer })
    }
}

impl std::fmt::Debug for Signatory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signatory").finish_non_exhaustive()
    }
}

/// A receipt that is booked, as its event says it. The event may have another name by now.
async fn booked(node: &Node, unsigned: &UnsignedReceipt) -> Result<ToSign, SignError> {
    let unread = |reason: String| SignError::Away(format!("the receipt cannot be read: {reason}"));
    let receipts = node.receipts(BookedName::Basket(unsigned.basket)).await;
    let receipts = receipts.map_err(|error| unread(error.to_string()))?;
    let is_meant = |series: &str, number| series == unsigned.series && number == unsigned.number;
    let found = receipts.into_iter().find(|receipt| is_meant(&receipt.series, receipt.number));
    let event = found.map_or(unsigned.event, |receipt| receipt.event);
    let stored = node.event(event).await.map_err(|error| unread(error.to_string()))?;
    let envelope =
        stored.and_then(|stored| stored.envelope).ok_or_else(|| unread("it is not here".into()))?;
    let transaction: Transaction =
        edgepos_wire::from_cbor("transaction", &envelope.body).map_err(|error| unread(error.to_string()))?;
    Ok(ToSign::of(&transaction, envelope.body, Some(event)))
}

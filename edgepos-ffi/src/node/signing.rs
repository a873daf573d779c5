//! A fiscal device that the application speaks to: which receipts it is to sign, and what it said.

use std::collections::BTreeMap;
use std::ffi::c_char;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::Duration;

use edgepos::model::Signature;
use edgepos::{SignError, Signatory, Signer, ToSign, async_trait};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use super::{End, NodeHandle, Till, with};
use crate::argument::{Input, Output};
use crate::handle;
use crate::hexadecimal::bytes_of;
use crate::patience::wait_for;
use crate::status::{EDGEPOS_NOTHING, EDGEPOS_OK, Failure};
use crate::text::TextHandle;

/// A receipt that is to be signed, and who waits for that.
struct Asked {
    receipt: ToSign,
    answer: oneshot::Sender<Result<Signature, SignError>>,
}

/// The application's device, as the terminal sees it.
struct Device(mpsc::Sender<Asked>);

#[async_trait]
impl Signer for Device {
    async fn sign(&self, receipt: &ToSign) -> Result<Signature, SignError> {
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
    waiting: Mutex<BTreeMap<u64, oneshot::Sender<Result<Signature, SignError>>>>,
}

struct Queue {
    asked: mpsc::Receiver<Asked>,
    /// The number of the last question.
    last: u64,
}

impl Signing {
    /// Begins to ask the application.
    fn start(till: &Till) -> Self {
        // The terminal asks about one receipt at a time.
        let (ask, asked) = mpsc::channel(1);
        let (signatory, node) = (Signatory::new(Arc::new(Device(ask))), till.node.clone());
        // It ends with the terminal, which says so itself.
        till.runtime().spawn(async move { signatory.run(&node).await });
        Self { queue: Mutex::new(Queue { asked, last: 0 }), waiting: Mutex::default() }
    }

    fn queue(&self) -> Result<MutexGuard<'_, Queue>, Failure> {
        match self.queue.try_lock() {
            Ok(queue) => Ok(queue),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(Failure::in_use("the receipts to sign of this node")),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<u64, oneshot::Sender<Result<Signature, SignError>>>> {
        self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Queue {
    /// The next receipt that somebody still waits for.
    async fn next(&mut self) -> Option<Asked> {
        loop {
            let asked = self.asked.recv().await?;
            if !asked.answer.is_closed() {
                return Some(asked);
            }
        }
    }
}

/// A question as it is shown.
#[derive(Serialize)]
struct Question<'a> {
    id: u64,
    receipt: &'a ToSign,
}

/// What the device says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    id: u64,
    series: Option<String>,
    number: Option<u64>,
    signature: Option<String>,
    away: Option<String>,
    refused: Option<String>,
}

impl Said {
    fn answer(self) -> Result<Result<Signature, SignError>, Failure> {
        match self {
            Self {
                series: Some(series),
                number: Some(number),
                signature: Some(digits),
                away: None,
                refused: None,
                ..
            } => {
                let wrong =
                    || Failure::bad_request("answer: signature: expected hexadecimal digits, two a byte");
                let bytes = bytes_of(&digits).ok_or_else(wrong)?;
                Signature::new(series, number, bytes)
                    .map(Ok)
                    .map_err(|error| Failure::bad_request(format!("answer: {error}")))
            }
            Self { series: None, number: None, signature: None, away: Some(why), refused: None, .. } => {
                Ok(Err(SignError::Away(why)))
            }
            Self { series: None, number: None, signature: None, away: None, refused: Some(why), .. } => {
                Ok(Err(SignError::Refused(why)))
            }
            _ => Err(Failure::bad_request(
                "answer: expected series, number and signature, or away alone, or refused alone",
            )),
        }
    }
}

/// The next receipt that a fiscal device is to sign, as JSON; waits for one at most `timeout_ms`, and answers `EDGEPOS_NOTHING` where none
/// came. For a till whose configuration has `signed_series`: a commit waits for the answer, at most `sign_within_ms`, so that a thread of its own
/// calls this, again and again. Where no answer comes in time the sale is booked unsigned, and the receipt is asked for again later: the status
/// lists what waits.
///
/// `*out` has `id`, and under `receipt` its `basket`, `series`, `number`, `total`, `currency`, the `transaction` as it is booked, the same as
/// CBOR in hexadecimal digits as `body`, and `event` where it is booked already. A receipt is named by its series and number: who signed it
/// before says the same again. One is asked for at a time. `EDGEPOS_STOPPED` where the terminal has stopped.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_next_to_sign(
    node: *const NodeHandle,
    timeout_ms: u64,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    with(node, |till| {
        out.check()?;
        let signing = till.signing.get_or_init(|| Signing::start(till));
        let mut queue = signing.queue()?;
        let next = async {
            tokio::select! {
                biased;
                end = till.ended() => Err(end),
                asked = queue.next() => asked.ok_or(End::Closed),
            }
        };
        match wait_for(next, Duration::from_millis(timeout_ms)) {
            Some(Ok(Asked { receipt, answer })) => {
                queue.last += 1;
                let id = queue.last;
                let status = out.json(&Question { id, receipt: &receipt })?;
                let mut waiting = signing.waiting();
                waiting.retain(|_, answer| !answer.is_closed());
                waiting.insert(id, answer);
                Ok(status)
            }
            Some(Err(end)) => Err(end.into()),
            None => Ok(EDGEPOS_NOTHING),
        }
    })
}

/// What the device says of a receipt. `answer` is JSON with the question's `id` and either `series` and `number` of the receipt that the device
/// has signed, as it says them, and its `signature` in hexadecimal digits, at most 4,096 bytes; or `away`, why it cannot sign for the moment: the
/// receipt is asked for again; or `refused`, why it will not sign this receipt, now or later. The sale is booked in each case, and a signature
/// that names another receipt counts as none. `EDGEPOS_NOTHING` where nobody waits for it any more: the receipt is asked for again.
///
/// Threads: any, at any time.
///
/// # Safety
/// `answer` points to `answer_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_signed(
    node: *const NodeHandle,
    answer: *const c_char,
    answer_length: usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let answer = unsafe { Input::new("answer", answer, answer_length) };
    handle::with(node, |till| {
        till.runs()?;
        let said: Said = answer.json()?;
        let id = said.id;
        let answer = said.answer()?;
        let waiting = till.signing.get().and_then(|signing| signing.waiting().remove(&id));
        let heard = waiting.is_some_and(|waiting| waiting.send(answer).is_ok());
        Ok(if heard { EDGEPOS_OK } else { EDGEPOS_NOTHING })
    })
}

//! A fiscal device that the application speaks to: which receipts it is to sign, and what it said.

use std::ffi::c_char;
use std::time::Duration;

use edgepos::model::Signature;
use edgepos::{SignError, ToSign};
use serde::{Deserialize, Serialize};

use super::{NodeHandle, with};
use crate::argument::{Input, Output};
use crate::handle;
use crate::hexadecimal::bytes_of;
use crate::patience::wait_for;
use crate::signing::{Answer, Signing};
use crate::status::{EDGEPOS_NOTHING, EDGEPOS_OK, Failure};
use crate::text::TextHandle;

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
    fn answer(self) -> Result<Answer, Failure> {
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
/// `*out` has `id`, and under `receipt` its `basket`, `series`, `number`, `total`, `currency`, the `transaction` as it is booked (absent where
/// it cannot be read), the same as CBOR in hexadecimal digits as `body`, and `event` where it is booked already. A receipt is named by its series and number: who signed it
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
        let signing = till.signing.get_or_init(|| Signing::start(till.node.clone(), till.runtime().handle()));
        let mut queue = signing.queue()?;
        let next = async {
            tokio::select! {
                biased;
                end = till.ended() => Err(end),
                // Nobody asks any more: the terminal has stopped, and says in a moment how.
                asked = queue.next() => match asked {
                    Some(asked) => Ok(asked),
                    None => Err(till.ended().await),
                },
            }
        };
        match wait_for(next, Duration::from_millis(timeout_ms)) {
            Some(Ok(asked)) => {
                let id = queue.number();
                let status = out.json(&Question { id, receipt: &asked.receipt })?;
                signing.wait_for(id, asked);
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
/// that names another receipt counts as none. `EDGEPOS_NOTHING` where nobody waits for it any more, and the receipt is asked for again; so it is
/// behind an `EDGEPOS_OK` that came at the last moment, and gets the signature that it has.
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
        let heard = till.signing.get().is_some_and(|signing| signing.answer(id, answer));
        Ok(if heard { EDGEPOS_OK } else { EDGEPOS_NOTHING })
    })
}

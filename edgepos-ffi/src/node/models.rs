//! Models: what is on a picture, which barcode, whether a payment looks like fraud, what somebody said.

use std::ffi::c_char;
use std::time::Duration;

use serde::Serialize;

use super::{NodeHandle, Till, asks, does};
use crate::argument::{EDGEPOS_MAX_MEDIA, Input, Output};
use crate::models::Models;
use crate::status::{EDGEPOS_NO_MODEL, Failure};
use crate::text::TextHandle;

impl Till {
    fn models(&self) -> Result<&Models, Failure> {
        self.models.get().ok_or_else(|| Failure {
            status: EDGEPOS_NO_MODEL,
            detail: "no models are used: edgepos_node_use_models says where they are".into(),
        })
    }
}

/// A call of a model with a picture or a clip.
fn looks<T: Serialize>(
    node: *const NodeHandle,
    media: Input<'_>,
    out: Output<*mut TextHandle>,
    ask: impl FnOnce(&Models, &[u8]) -> Result<T, Failure>,
) -> i32 {
    asks(node, out, |till| {
        let bytes = media.bytes(EDGEPOS_MAX_MEDIA)?;
        ask(till.models()?, bytes)
    })
}

/// Says which models are used, once. Each is loaded when it is first asked, and runs on a thread of its own. Where one is missing the
/// condition `model_missing` says so; what they did goes into the metrics. Where the configuration has `model_within_ms` under
/// `resolver`, the one for `fraud` looks at exceptions.
///
/// `request` is JSON: `folder`, with their `manifest.json`; `jobs`, some of `product`, `barcode`, `fraud` and `voice`, all of them where absent;
/// and `deadline_ms`, how long one may take for an answer, 300 where absent: an engine that needs longer is not used.
/// `EDGEPOS_NO_MODEL` where this library was built without models, `EDGEPOS_BAD_REQUEST` where some are used already.
///
/// Threads: any, at any time.
///
/// # Safety
/// `request` points to `request_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_use_models(
    node: *const NodeHandle,
    request: *const c_char,
    request_length: usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let request = unsafe { Input::new("request", request, request_length) };
    does(node, |till| {
        let models = Models::new(&till.node, till.runtime().handle(), request.json()?)?;
        till.models.set(models).map_err(|_| Failure::bad_request("models are used already"))?;
        if let Some(models) = till.models.get() {
            models.start(till.advised);
        }
        Ok(())
    })
}

/// Says which products a PNG or JPEG shows; at most 16 MiB. A PNG that is cut off is refused by its `code`, `decode`; of a JPEG that is cut off
/// behind its headers what is there is looked at, and the answer has `requires_confirmation`. Waits at most `timeout_ms`, loading included.
///
/// On success `*out` is JSON with `outcome`. `answer`: `label` and `confidence` (0 to 1) of the most likely product, `requires_confirmation`,
/// `candidates`, `region` where it is known, and `total_us`. `fallback`: no answer in time, or none that counts: the person at the till does
/// `action`; `code` says why for programs, and `reason` for people. `EDGEPOS_NO_MODEL` where there is none.
///
/// Threads: any, at any time.
///
/// # Safety
/// `picture` points to `picture_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_recognise(
    node: *const NodeHandle,
    picture: *const u8,
    picture_length: usize,
    timeout_ms: u64,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (picture, out) = unsafe { (Input::new("picture", picture, picture_length), Output::new("out", out)) };
    looks(node, picture, out, |models, bytes| models.recognise(bytes, Duration::from_millis(timeout_ms)))
}

/// Reads the barcode on a PNG or JPEG; at most 16 MiB. Waits as `edgepos_node_recognise` does, and answers like it; an `answer` has `text`,
/// `symbology`, `gtin`, `add_on`, `gs1` (each null where there is none), `confidence`, `requires_confirmation` and `region`.
///
/// Threads: any, at any time.
///
/// # Safety
/// `picture` points to `picture_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_read_barcode(
    node: *const NodeHandle,
    picture: *const u8,
    picture_length: usize,
    timeout_ms: u64,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (picture, out) = unsafe { (Input::new("picture", picture, picture_length), Output::new("out", out)) };
    looks(node, picture, out, |models, bytes| models.read_barcode(bytes, Duration::from_millis(timeout_ms)))
}

/// Says how likely a payment is fraud. Waits as `edgepos_node_recognise` does, and answers like it; an `answer` has `score` (0 to 1) and
/// `suspicious`.
///
/// `payment` is JSON: `amount` in minor units, `currency`, `card_present`, `weekday` (0 is Monday) and `second_of_day` on the store's clock; where they are
/// known `billing`, `shipping` and `terminal`, each with `latitude` and `longitude` in degrees; `customer`, what this customer paid up to and with
/// this payment: `day`, `week` and `month`, each with `payments` and `total`, and `seconds_since_last`; and `at_terminal` with
/// `payments_7d`, `fraud_share_7d` and `fraud_share_30d`. What is absent counts as a first payment.
///
/// Threads: any, at any time.
///
/// # Safety
/// `payment` points to `payment_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_score(
    node: *const NodeHandle,
    payment: *const c_char,
    payment_length: usize,
    timeout_ms: u64,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (payment, out) = unsafe { (Input::new("payment", payment, payment_length), Output::new("out", out)) };
    asks(node, out, |till| {
        let payment = payment.json()?;
        till.models()?.score(payment, Duration::from_millis(timeout_ms))
    })
}

/// Hears the command in a WAV file of 16-bit PCM; at most 30 s and 16 MiB. Waits as `edgepos_node_recognise` does, and answers like it; an
/// `answer` has `heard`: `silence`, `unknown`, or `command` with `word`, `confidence` and `requires_confirmation`. `EDGEPOS_BAD_REQUEST` where
/// it is no such file.
///
/// Threads: any, at any time.
///
/// # Safety
/// `clip` points to `clip_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_hear(
    node: *const NodeHandle,
    clip: *const u8,
    clip_length: usize,
    timeout_ms: u64,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (clip, out) = unsafe { (Input::new("clip", clip, clip_length), Output::new("out", out)) };
    looks(node, clip, out, |models, bytes| models.hear(bytes, Duration::from_millis(timeout_ms)))
}

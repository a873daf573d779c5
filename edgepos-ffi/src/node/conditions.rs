//! What somebody must act on.

use std::ffi::c_char;
use std::time::Duration;

use edgepos::model::ExceptionRaised;
use edgepos::{ConditionKind, Finding, Inference, MAX_PAGE};
use serde::Serialize;

use super::{NodeHandle, asks, does};
use crate::argument::{Input, Output};
use crate::hexadecimal::hexadecimal;
use crate::status::Failure;
use crate::text::TextHandle;

/// What a model did: it answered in time and was sure enough.
pub const EDGEPOS_ANSWERED: u32 = 0;
/// What a model did: the caller got a fallback.
pub const EDGEPOS_FALLBACK: u32 = 1;
/// What a model did: a person confirmed its answer.
pub const EDGEPOS_RIGHT: u32 = 2;
/// What a model did: a person corrected its answer.
pub const EDGEPOS_WRONG: u32 = 3;

/// A page of exceptions.
#[derive(Serialize)]
struct Page {
    exceptions: Vec<ExceptionRaised>,
    /// What the last one is about, in hexadecimal.
    next: Option<String>,
}

/// A page of the exceptions that are raised and have not ended, at most 1,000, by what they are about. `after` is `next` of the page
/// before, or of length 0 for the first. On success `*out` is JSON with `exceptions` and `next`, which is null behind the last page.
///
/// Threads: any, at any time.
///
/// # Safety
/// `after` points to `after_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_exceptions_after(
    node: *const NodeHandle,
    after: *const c_char,
    after_length: usize,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (after, out) = unsafe { (Input::new("after", after, after_length), Output::new("out", out)) };
    asks(node, out, |till| {
        let exceptions = till.wait(till.node.exceptions_after(after.optional_hexadecimal()?))?;
        let is_last = exceptions.len() < MAX_PAGE;
        let last = exceptions.last().map(|last| hexadecimal(last.subject()));
        Ok(Page { exceptions, next: last.filter(|_| !is_last) })
    })
}

/// A condition by its name.
pub(crate) fn kind(name: &str) -> Result<ConditionKind, Failure> {
    let found = ConditionKind::ALL.iter().copied().find(|kind| kind.name() == name);
    found.ok_or_else(|| {
        Failure::bad_request(format!("kind: {name:?} is no condition that this version knows"))
    })
}

/// Reports a condition that the application alone can see: `kind` is its name, `about` says in English what it is about, and `count` how
/// many are concerned; 0: it is over.
///
/// Threads: any, at any time.
///
/// # Safety
/// `kind` points to `kind_length` bytes, and `about` to `about_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_report_condition(
    node: *const NodeHandle,
    kind: *const c_char,
    kind_length: usize,
    count: u64,
    about: *const c_char,
    about_length: usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let (kind, about) =
        unsafe { (Input::new("kind", kind, kind_length), Input::new("about", about, about_length)) };
    does(node, |till| {
        let kind = self::kind(kind.name()?)?;
        let about = about.name()?.to_owned();
        let found = (count > 0).then_some(Finding { count, about });
        Ok(till.wait(till.node.report_condition(kind, found))?)
    })
}

/// Reports what a model of the application did, for the metrics and alerts. `what` is `EDGEPOS_ANSWERED`, `EDGEPOS_FALLBACK`, `EDGEPOS_RIGHT`
/// or `EDGEPOS_WRONG`, and `took_us` how long the caller waited in microseconds, which the last two do not need.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_node_report_inference(node: *const NodeHandle, what: u32, took_us: u64) -> i32 {
    does(node, |till| {
        let took = Duration::from_micros(took_us);
        let what = match what {
            EDGEPOS_ANSWERED => Inference::Answered { took },
            EDGEPOS_FALLBACK => Inference::Fallback { took },
            EDGEPOS_RIGHT => Inference::Checked { correct: true },
            EDGEPOS_WRONG => Inference::Checked { correct: false },
            other => return Err(Failure::invalid(format!("what: {other} is nothing that a model does"))),
        };
        Ok(till.wait(till.node.report_inference(what))?)
    })
}

//! One pool of memory, with a limit, for what flows through the networks of this process. The binding can ask sessions to
//! use such a pool, and has no safe function to make one.
#![allow(unsafe_code, reason = "three calls of the C API that the binding does not wrap")]

use std::ptr;

use ort::AsPointer;
use ort::environment::Environment;
use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};
use ort::sys::{OrtArenaCfg, OrtStatusPtr};

use super::error::OnnxError;

const DOING: &str = "making the pool of memory";

/// Registers a pool of at most `bytes` with `environment`; sessions that ask for the environment's allocators draw on it.
///
/// # Errors
/// [`OnnxError::Refused`] with what the runtime said.
pub(super) fn register(environment: &Environment, bytes: usize) -> Result<(), OnnxError> {
    let info = MemoryInfo::new(AllocationDevice::CPU, 0, AllocatorType::Arena, MemoryType::Default)
        .map_err(OnnxError::refused(DOING))?;
    let api = ort::api();
    // Grows by what is asked for: doubling would reach the limit with half of it unused.
    let keys = [c"max_mem".as_ptr(), c"arena_extend_strategy".as_ptr()];
    let values = [bytes, 1];
    let mut settings: *mut OrtArenaCfg = ptr::null_mut();
    // SAFETY: both arrays have the length given and outlive the call, and the target is valid for writes.
    let made = unsafe { (api.CreateArenaCfgV2)(keys.as_ptr(), values.as_ptr(), keys.len(), &mut settings) };
    check(made)?;
    // SAFETY: the three objects are alive, and the runtime copies what it needs of the last two. The environment is
    // behind a shared pointer in the binding; the runtime guards its list of allocators with a lock of its own.
    let registered =
        unsafe { (api.CreateAndRegisterAllocator)(environment.ptr().cast_mut(), info.ptr(), settings) };
    // SAFETY: made above, and given back once.
    unsafe { (api.ReleaseArenaCfg)(settings) };
    check(registered)
}

/// The error of a call, if any; the runtime's own is released.
fn check(status: OrtStatusPtr) -> Result<(), OnnxError> {
    if status.0.is_null() {
        return Ok(());
    }
    // SAFETY: a status that is not null belongs to the caller; its text lives as long as it does.
    let text = unsafe { std::ffi::CStr::from_ptr((ort::api().GetErrorMessage)(status.0)) };
    let said = text.to_string_lossy().into_owned();
    // SAFETY: as above; it is given back once and not used afterwards.
    unsafe { (ort::api().ReleaseStatus)(status.0) };
    Err(OnnxError::Refused { doing: DOING, said })
}

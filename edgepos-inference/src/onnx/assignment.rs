//! Which execution provider runs which nodes: the runtime's own account, since a provider that is registered may
//! still take nothing. The binding has no safe function for it.
#![allow(unsafe_code, reason = "four calls of the C API that the binding does not wrap")]

use std::ffi::{CStr, c_char};
use std::ptr;

use ort::AsPointer;
use ort::session::Session;
use ort::sys::{OrtEpAssignedNode, OrtEpAssignedSubgraph, OrtStatusPtr};

use crate::backend::Placement;

const PROCESSOR: &str = "CPUExecutionProvider";

/// Where the nodes of `session` run. The processor, when the runtime does not say.
pub(super) fn placement(session: &Session) -> Placement {
    let Some(shares) = shares(session) else { return Placement::Cpu };
    let total = shares.iter().map(|share| share.1).sum();
    let accelerated = shares.into_iter().filter(|share| share.0 != PROCESSOR).max_by_key(|share| share.1);
    match accelerated {
        Some((provider, nodes)) if nodes > 0 => Placement::Accelerated { provider, nodes, total },
        _ => Placement::Cpu,
    }
}

/// The providers and how many nodes each runs; one entry per subgraph.
fn shares(session: &Session) -> Option<Vec<(String, usize)>> {
    let api = ort::api();
    let mut subgraphs: *const *const OrtEpAssignedSubgraph = ptr::null();
    let mut count = 0_usize;
    // SAFETY: the session is alive, the two targets are valid for writes, and the library has this function: it is
    // part of API 24, and a library with a lower one is refused when it is loaded.
    let status = unsafe { (api.Session_GetEpGraphAssignmentInfo)(session.ptr(), &mut subgraphs, &mut count) };
    if !succeeded(status) || subgraphs.is_null() {
        return None;
    }
    // SAFETY: the call succeeded, so that the array has `count` entries; it belongs to the session.
    let subgraphs = unsafe { std::slice::from_raw_parts(subgraphs, count) };
    let mut shares: Vec<(String, usize)> = Vec::new();
    for &subgraph in subgraphs {
        let mut name: *const c_char = ptr::null();
        let mut nodes: *const *const OrtEpAssignedNode = ptr::null();
        let mut nodes_count = 0_usize;
        // SAFETY: `subgraph` is an entry of the session's array and lives as long; the target is valid.
        let named = succeeded(unsafe { (api.EpAssignedSubgraph_GetEpName)(subgraph, &mut name) });
        // SAFETY: as above.
        let counted =
            succeeded(unsafe { (api.EpAssignedSubgraph_GetNodes)(subgraph, &mut nodes, &mut nodes_count) });
        if !named || !counted || name.is_null() {
            return None;
        }
        // SAFETY: the runtime's names end with a zero byte and live as long as the session.
        let name = unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned();
        match shares.iter_mut().find(|share| share.0 == name) {
            Some(share) => share.1 += nodes_count,
            None => shares.push((name, nodes_count)),
        }
    }
    Some(shares)
}

/// Whether a call succeeded; its error, if any, is released.
fn succeeded(status: OrtStatusPtr) -> bool {
    if status.0.is_null() {
        return true;
    }
    // SAFETY: a status that is not null belongs to the caller, who gives it back once.
    unsafe { (ort::api().ReleaseStatus)(status.0) };
    false
}

//! What a caller must do.

use std::ptr;

use edgepos::core::Write;
use edgepos::model::BasketId;
use edgepos::{Begun, Claimed, Committed, OpenBasket, Output as Duty, Reply, Resolution};
use serde::Serialize;

use super::{TerminalHandle, alone};
use crate::argument::Output;
use crate::handle::{self, Handle, Table};
use crate::status::{EDGEPOS_NOTHING, Failure};
use crate::text::TextHandle;

/// A duty: make its writes durable, with everything that was written before, then tell `edgepos_terminal_persisted`. It may have none.
pub const EDGEPOS_PERSIST: u32 = 1;
/// A duty: write, in order with each `EDGEPOS_PERSIST`, and tell `edgepos_terminal_persisted` as soon as no end of this process can lose it.
pub const EDGEPOS_WRITE: u32 = 2;
/// A duty: read, then tell `edgepos_terminal_loaded`.
pub const EDGEPOS_LOAD: u32 = 3;
/// A duty: send a frame, which may be lost.
pub const EDGEPOS_TRANSMIT: u32 = 4;
/// A duty: ask the cloud, then tell `edgepos_terminal_answered` or `edgepos_terminal_unanswered`.
pub const EDGEPOS_UPLINK: u32 = 5;
/// A duty: answer whoever made the request with this id.
pub const EDGEPOS_REPLY: u32 = 6;
/// Something happened; may be dropped.
pub const EDGEPOS_NOTICE: u32 = 7;

/// Something that a caller must do. Whoever got it frees it. Any thread may call its functions, and what they lend is good until it is freed.
pub struct OutputHandle(());

/// What a handle of an output names.
pub(crate) struct Due {
    duty: Duty,
    /// What the cloud is asked, as it goes over the wire.
    request: Vec<u8>,
}

impl Handle for OutputHandle {
    type Value = Due;
    const WHAT: &'static str = "output";
    fn table() -> &'static Table<Due> {
        static TABLE: Table<Due> = Table::new();
        &TABLE
    }
}

impl Due {
    fn writes(&self) -> &[Write] {
        match &self.duty {
            Duty::Persist(persist) | Duty::Write(persist) => &persist.writes,
            _ => &[],
        }
    }

    fn kind(&self) -> u32 {
        match &self.duty {
            Duty::Persist(_) => EDGEPOS_PERSIST,
            Duty::Write(_) => EDGEPOS_WRITE,
            Duty::Load(_) => EDGEPOS_LOAD,
            Duty::Transmit { .. } => EDGEPOS_TRANSMIT,
            Duty::Uplink(..) => EDGEPOS_UPLINK,
            Duty::Reply(..) => EDGEPOS_REPLY,
            Duty::Notice(_) => EDGEPOS_NOTICE,
        }
    }

    fn id(&self) -> u64 {
        match &self.duty {
            Duty::Persist(persist) | Duty::Write(persist) => persist.id.0,
            Duty::Load(load) => load.id.0,
            Duty::Uplink(id, _) => id.0,
            Duty::Reply(id, _) => id.0,
            Duty::Transmit { .. } | Duty::Notice(_) => 0,
        }
    }
}

/// What a reply says, as the batteries-included level does.
#[derive(Serialize)]
#[serde(untagged)]
enum Said {
    Begun(Begun),
    Committed(Committed),
    Claimed(Claimed),
    Recorded { event: String },
    Counter { value: Option<i64> },
    Unresolved { baskets: Vec<OpenBasket>, next: Option<BasketId> },
    Resolved(Box<Resolution>),
    Done {},
}

impl From<Reply> for Said {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::Begun { number, total } => Self::Begun(Begun { number, total }),
            Reply::Committed { receipt, repeated } => {
                Self::Committed(Committed { receipt, repeated, fiscal: None })
            }
            Reply::Claimed { number, total, lines } => Self::Claimed(Claimed { number, total, lines }),
            Reply::Recorded(event) => Self::Recorded { event: event.to_string() },
            Reply::Counter(value) => Self::Counter { value },
            Reply::Unresolved { baskets, next } => Self::Unresolved { baskets, next },
            Reply::Resolved(resolution) => Self::Resolved(resolution),
            Reply::Abandoned | Reply::Parked | Reply::Kept => Self::Done {},
        }
    }
}

/// Where bytes are lent.
struct Lent {
    data: Output<*const u8>,
    length: Output<usize>,
}

impl Lent {
    /// # Safety
    /// Where they are not NULL, a pointer and a number may be written there until the call ends.
    unsafe fn new(data: *mut *const u8, length: *mut usize) -> Self {
        // SAFETY: as the caller promises.
        let (data, length) = unsafe { (Output::new("data", data), Output::new("length", length)) };
        Self { data, length }
    }

    fn check(&self) -> Result<(), Failure> {
        self.data.check()?;
        self.length.check()
    }

    fn lend(self, bytes: &[u8]) -> Result<i32, Failure> {
        self.data.write(bytes.as_ptr())?;
        self.length.write(bytes.len())
    }

    fn lend_some(self, bytes: Option<&[u8]>) -> Result<i32, Failure> {
        match bytes {
            Some(bytes) => self.lend(bytes),
            None => {
                self.data.write(ptr::null())?;
                self.length.write(0)
            }
        }
    }
}

fn not_of_this(what: &str) -> Failure {
    Failure::invalid(format!("output is no {what}"))
}

/// The next duty, in order; `EDGEPOS_NOTHING` where there is none. On success `*out` is a handle, to be freed by `edgepos_output_free`.
///
/// Threads: one at a time for each handle; another is answered `EDGEPOS_BUSY`.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_poll_output(
    terminal: *const TerminalHandle,
    out: *mut *mut OutputHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    alone(terminal, |terminal| {
        out.check()?;
        let Some(duty) = terminal.poll_output() else { return Ok(EDGEPOS_NOTHING) };
        let request = if let Duty::Uplink(_, request) = &duty { request.encode() } else { Vec::new() };
        out.give(Due { duty, request })
    })
}

/// What an output is: `EDGEPOS_PERSIST` and the like; 0 where it is no living handle.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_output_kind(output: *const OutputHandle) -> u32 {
    handle::look(output, Due::kind).unwrap_or(0)
}

/// The id of a persist, a write, a load, a request to the cloud or a reply: the one that the answer names; 0 where it has none.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_output_id(output: *const OutputHandle) -> u64 {
    handle::look(output, Due::id).unwrap_or(0)
}

/// How many rows a persist or a write changes; 0 for anything else.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_output_writes(output: *const OutputHandle) -> usize {
    handle::look(output, |due| due.writes().len()).unwrap_or(0)
}

/// Where the row at `index` lies: `*space` is its key space, of which the numbers never change, and the bytes are its key.
///
/// Threads: any, at any time.
///
/// # Safety
/// `space`, `key` and `key_length` point to where each may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_output_row(
    output: *const OutputHandle,
    index: usize,
    space: *mut u32,
    key: *mut *const u8,
    key_length: *mut usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let (place, lent) = unsafe { (Output::new("space", space), Lent::new(key, key_length)) };
    handle::with(output, |due| {
        place.check()?;
        lent.check()?;
        let Some(write) = due.writes().get(index) else { return Ok(EDGEPOS_NOTHING) };
        let (Write::Put { space, key, .. } | Write::Delete { space, key }) = write;
        place.write(space.code().into())?;
        lent.lend(key)
    })
}

/// What the row at `index` shall be; the pointer is NULL where it is removed.
///
/// Threads: any, at any time.
///
/// # Safety
/// `value` and `value_length` point to where each may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_output_value(
    output: *const OutputHandle,
    index: usize,
    value: *mut *const u8,
    value_length: *mut usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let lent = unsafe { Lent::new(value, value_length) };
    handle::with(output, |due| {
        lent.check()?;
        match due.writes().get(index) {
            Some(Write::Put { value, .. }) => lent.lend(value),
            Some(Write::Delete { .. }) => lent.lend_some(None),
            None => Ok(EDGEPOS_NOTHING),
        }
    })
}

/// Which rows a load asks for: those of `*space` from the key `from` to the key of `edgepos_output_load_to`, both inclusive, up to and
/// including the row that makes the keys and values reach `*max_bytes`.
///
/// Threads: any, at any time.
///
/// # Safety
/// `space`, `from`, `from_length` and `max_bytes` point to where each may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_output_load(
    output: *const OutputHandle,
    space: *mut u32,
    from: *mut *const u8,
    from_length: *mut usize,
    max_bytes: *mut u32,
) -> i32 {
    // SAFETY: as the caller promises.
    let (place, lent) = unsafe { (Output::new("space", space), Lent::new(from, from_length)) };
    // SAFETY: as the caller promises.
    let limit = unsafe { Output::new("max_bytes", max_bytes) };
    handle::with(output, |due| {
        place.check()?;
        lent.check()?;
        limit.check()?;
        let Duty::Load(load) = &due.duty else { return Err(not_of_this("load")) };
        place.write(load.space.code().into())?;
        limit.write(load.max_bytes)?;
        lent.lend(&load.from)
    })
}

/// Up to which key a load asks for rows, inclusive.
///
/// Threads: any, at any time.
///
/// # Safety
/// `to` and `to_length` point to where each may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_output_load_to(
    output: *const OutputHandle,
    to: *mut *const u8,
    to_length: *mut usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let lent = unsafe { Lent::new(to, to_length) };
    handle::with(output, |due| {
        lent.check()?;
        let Duty::Load(load) = &due.duty else { return Err(not_of_this("load")) };
        lent.lend(&load.to)
    })
}

/// The frame of a transmit: to which peer, over which connection, and the bytes. Drop it where that is no longer the newest connection to
/// that peer.
///
/// Threads: any, at any time.
///
/// # Safety
/// `peer`, `connection`, `frame` and `frame_length` point to where each may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_output_frame(
    output: *const OutputHandle,
    peer: *mut u64,
    connection: *mut u64,
    frame: *mut *const u8,
    frame_length: *mut usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let (to, over) = unsafe { (Output::new("peer", peer), Output::new("connection", connection)) };
    // SAFETY: as the caller promises.
    let lent = unsafe { Lent::new(frame, frame_length) };
    handle::with(output, |due| {
        to.check()?;
        over.check()?;
        lent.check()?;
        let Duty::Transmit { to: peer, connection, frame } = &due.duty else {
            return Err(not_of_this("transmit"));
        };
        to.write(peer.0)?;
        over.write(connection.0)?;
        lent.lend(frame)
    })
}

/// What the cloud is asked: the bytes of a request to `/v1/stores/STORE/uplink`.
///
/// Threads: any, at any time.
///
/// # Safety
/// `request` and `request_length` point to where each may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_output_request(
    output: *const OutputHandle,
    request: *mut *const u8,
    request_length: *mut usize,
) -> i32 {
    // SAFETY: as the caller promises.
    let lent = unsafe { Lent::new(request, request_length) };
    handle::with(output, |due| {
        lent.check()?;
        let Duty::Uplink(..) = &due.duty else { return Err(not_of_this("request to the cloud")) };
        lent.lend(&due.request)
    })
}

/// The answer of a request of the till, as the function of the batteries-included level answers: with its status, and on success with JSON.
///
/// Threads: any, at any time.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_output_reply(output: *const OutputHandle, out: *mut *mut TextHandle) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    handle::with(output, |due| {
        out.check()?;
        let Duty::Reply(_, reply) = &due.duty else { return Err(not_of_this("reply")) };
        out.json(&Said::from(reply.clone()?))
    })
}

/// What a notice says, as JSON.
///
/// Threads: any, at any time.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_output_notice(
    output: *const OutputHandle,
    out: *mut *mut TextHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    handle::with(output, |due| {
        out.check()?;
        let Duty::Notice(notice) = &due.duty else { return Err(not_of_this("notice")) };
        out.json(notice)
    })
}

/// Frees an output, done or not. NULL and a handle that was freed are let pass.
///
/// Threads: any, once nobody reads what it has lent.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_output_free(output: *mut OutputHandle) {
    handle::free(output);
}

//! The sans-IO level: a terminal without threads, files and sockets, for whoever has a transport and a store of their own.
//!
//! The contract is that of the Rust `Terminal`: tell it what happened and what time it is, take its outputs until there are none, do each
//! in order, and come back when `edgepos_terminal_poll_timeout` says so.

pub(crate) mod commands;
pub(crate) mod getters;
pub(crate) mod inputs;
pub(crate) mod outputs;
pub(crate) mod rows;

use std::ffi::{c_char, c_void};
use std::sync::{Mutex, MutexGuard, TryLockError};

use edgepos::core::{Now, Persist, Space};
use edgepos::{Delivery, Restored, Rows, Store, StoreError, Terminal};

use self::rows::RowsHandle;
use crate::argument::{Input, Output};
use crate::guard::guard;
use crate::handle::{self, Handle, Table};
use crate::node::setup;
use crate::status::{EDGEPOS_OK, EDGEPOS_SETUP, Failure};

/// One terminal of a store, as a value that does nothing by itself. Whoever made it frees it.
///
/// One thread at a time calls its functions: another gets `EDGEPOS_BUSY`.
pub struct TerminalHandle(());

/// What a handle of a terminal names.
pub(crate) struct Machine(Mutex<Terminal>);

impl Handle for TerminalHandle {
    type Value = Machine;
    const WHAT: &'static str = "terminal";
    fn table() -> &'static Table<Machine> {
        static TABLE: Table<Machine> = Table::new();
        &TABLE
    }
}

impl Machine {
    fn only(&self) -> Result<MutexGuard<'_, Terminal>, Failure> {
        match self.0.try_lock() {
            Ok(terminal) => Ok(terminal),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => Err(Failure::in_use("this terminal")),
        }
    }
}

/// A call of a terminal, alone with it.
pub(crate) fn alone(
    terminal: *const TerminalHandle,
    call: impl FnOnce(&mut Terminal) -> Result<i32, Failure>,
) -> i32 {
    handle::with(terminal, |machine| call(&mut *machine.only()?))
}

/// The same without an answer.
pub(crate) fn tells(terminal: *const TerminalHandle, call: impl FnOnce(&mut Terminal)) -> i32 {
    alone(terminal, |terminal| {
        call(terminal);
        Ok(EDGEPOS_OK)
    })
}

/// How a caller's store is read while a terminal starts: it adds to `rows`, by rising key, the rows of `space` from the key `from` to the
/// key `to`, both inclusive, up to and including the row that makes the keys and values reach `max_bytes`, and returns 0; anything else
/// says that the store cannot be read. It is called on the thread that starts the terminal, which holds no lock, and never afterwards. It must
/// return: an exception or a `longjmp` out of it ends the process. `edgepos::start` of `edgepos.hpp` keeps an exception and throws it behind
/// the call.
pub type Scan = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        space: u32,
        from: *const u8,
        from_length: usize,
        to: *const u8,
        to_length: usize,
        max_bytes: u32,
        rows: *mut RowsHandle,
    ) -> i32,
>;

/// A caller's store while a terminal starts from it.
struct Scanned {
    scan: Scan,
    user: *mut c_void,
}

// SAFETY: it lives inside one call and never leaves the thread of that call; the trait that it implements demands it for others.
unsafe impl Send for Scanned {}

impl Store for Scanned {
    fn commit(&mut self, _: &[Persist]) -> Result<(), StoreError> {
        Err(StoreError::plain("a start only reads"))
    }

    fn scan(&self, space: Space, from: &[u8], to: &[u8], max_bytes: u32) -> Result<Rows, StoreError> {
        // A first start has nothing to read.
        let Some(scan) = self.scan else { return Ok(Rows::new()) };
        let failed = |what: String| StoreError::plain(format!("the caller's store, {space:?}: {what}"));
        let rows = rows::empty().map_err(|failure| failed(failure.detail))?;
        // SAFETY: whoever started the terminal promised that it may be called with `user`; what it is lent outlives the call.
        let status = unsafe {
            scan(
                self.user,
                space.code().into(),
                from.as_ptr(),
                from.len(),
                to.as_ptr(),
                to.len(),
                max_bytes,
                rows,
            )
        };
        let read = rows::taken(rows);
        handle::free(rows);
        if status != EDGEPOS_OK {
            return Err(failed(format!("status {status}")));
        }
        let read = read.map_err(|failure| failed(failure.detail))?;
        // Rows rise as they are added. One that was not asked for would be asked for without end.
        let wanted = |row: Option<&(Vec<u8>, Vec<u8>)>| {
            row.is_none_or(|(key, _)| from <= key.as_slice() && key.as_slice() <= to)
        };
        if wanted(read.first()) && wanted(read.last()) {
            Ok(read)
        } else {
            Err(failed("a row that was not asked for".to_owned()))
        }
    }
}

/// The moment that a caller tells.
pub(crate) fn now(mono_ms: u64, wall_ms: u64) -> Now {
    Now::new(mono_ms, wall_ms)
}

/// Starts a terminal from what a store holds.
///
/// `config` is what `edgepos_node_open` takes; `database`, `listen` and `cloud` must be there and are not used. `mono_ms` is a clock that
/// never goes back, of milliseconds that count while the device is suspended, and `wall_ms` is the time of day, in ms since 1970 UTC.
/// `nonce` is a random number, drawn anew for each start. `lossy` is not 0 where the transport may lose frames. `scan` reads the
/// store and is given `user`; NULL on the first start. On success `*out` is a handle, to be freed by `edgepos_terminal_free`.
///
/// `EDGEPOS_SETUP` where the configuration does not read, or the store is another terminal's or cannot be read.
///
/// Threads: any, at any time.
///
/// # Safety
/// `config` points to `config_length` bytes, `scan` may be called with `user` until this returns, and `out` points to where a pointer may be
/// written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_terminal_new(
    config: *const c_char,
    config_length: usize,
    mono_ms: u64,
    wall_ms: u64,
    nonce: u64,
    lossy: u32,
    scan: Scan,
    user: *mut c_void,
    out: *mut *mut TerminalHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (config, out) = unsafe { (Input::new("config", config, config_length), Output::new("out", out)) };
    guard(None, || {
        out.check()?;
        let refused = |error: &dyn std::error::Error| Failure::of(EDGEPOS_SETUP, error);
        let mut config = setup(config.request()?)?.config().map_err(|error| refused(&error))?;
        config.nonce = nonce;
        config.delivery = if lossy == 0 { Delivery::Stream } else { Delivery::Lossy };
        let restored = Restored::from_store(&Scanned { scan, user }).map_err(|error| refused(&error))?;
        let terminal =
            Terminal::new(now(mono_ms, wall_ms), config, restored).map_err(|error| refused(&error))?;
        out.give(Machine(Mutex::new(terminal)))
    })
}

/// Frees the handle, as the end of a process would: what was made durable is. NULL and a handle that was freed are let pass.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_terminal_free(terminal: *mut TerminalHandle) {
    handle::free(terminal);
}

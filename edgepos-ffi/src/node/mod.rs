//! The batteries-included level: a terminal with its own threads, files and sockets, opened by one call.

pub(crate) mod conditions;
pub(crate) mod counters;
pub(crate) mod documents;
pub(crate) mod events;
pub(crate) mod members;
pub(crate) mod models;
pub(crate) mod receipts;
pub(crate) mod resolving;
pub(crate) mod selling;
pub(crate) mod signing;
pub(crate) mod watching;

use std::env;
use std::ffi::c_char;
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use edgepos::{Node, Notice, Refusal, Setup, SetupError, forms};
use serde::Serialize;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use crate::argument::{Input, Output};
use crate::closing::Closing;
use crate::forks;
use crate::guard::{THREADS, guard};
use crate::handle::{self, Handle, Table};
use crate::models::Models;
use crate::patience::wait_for;
use crate::signals;
use crate::signing::Signing;
use crate::status::{EDGEPOS_OK, EDGEPOS_SETUP, EDGEPOS_STOPPED, Failure};
use crate::text::TextHandle;

/// Threads that run the terminal; its store has one more.
pub(crate) const WORKERS: usize = 2;
/// How long a terminal that is freed has to let go of its files: more than it needs, unless the disk hangs.
const RELEASE: Duration = Duration::from_secs(30);
/// How long its threads have to end after that: what waits there waits for something that does not come, and the thread that frees must not.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// A running terminal, to sell through. Whoever opened it closes and frees it.
///
/// All its functions may be called from any thread, and from several at once, unless a function says otherwise.
pub struct NodeHandle(());

/// How a terminal ended.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// It was closed, or its handle was freed.
    Closed,
    /// Its store failed, in these words.
    Failed(String),
}

impl From<End> for Failure {
    fn from(end: End) -> Self {
        match end {
            End::Closed => Self::closed(),
            End::Failed(detail) => Self { status: EDGEPOS_STOPPED, detail },
        }
    }
}

/// What a handle of a node names.
pub(crate) struct Till {
    pub(crate) node: Node,
    /// The place in the store that goods are received at.
    pub(crate) location: u32,
    address: SocketAddr,
    /// One reader at a time.
    pub(crate) notices: Mutex<broadcast::Receiver<Notice>>,
    /// The receipts that the application signs; none until it first asks for one.
    pub(crate) signing: OnceLock<Signing>,
    /// How it ended, once it has.
    end: watch::Sender<Option<End>>,
    /// Whether its handle was freed: who waits in a call of it waits no longer.
    freed: watch::Sender<bool>,
    /// Who closes it.
    closing: Closing,
    /// Ends when its files and its address are free.
    released: JoinHandle<()>,
    /// None until the application says where they are.
    pub(crate) models: OnceLock<Models>,
    /// Whether the fraud model is to look at exceptions.
    pub(crate) advised: bool,
    /// Ends with the handle, and with it whatever was not closed. Some until then.
    runtime: Option<Runtime>,
}

impl Handle for NodeHandle {
    type Value = Till;
    const WHAT: &'static str = "node";
    const THREADS: bool = true;
    fn table() -> &'static Table<Till> {
        static TABLE: Table<Till> = Table::new();
        &TABLE
    }
}

impl Till {
    fn open(mut setup: Setup) -> Result<Self, Failure> {
        // What is opened later is where it was said to be, also where the program works in another directory by then.
        let here = env::current_dir().map_err(|error| Failure::of(EDGEPOS_SETUP, &error))?;
        setup.place_beside(&here.join("till.toml"));
        let (location, advised) = (setup.location.unwrap_or(0), setup.resolver.model_within_ms.is_some());
        let runtime = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name(THREADS)
            .on_thread_start(signals::leave_to_the_host)
            .enable_all()
            .build()
            .map_err(|error| Failure::of(EDGEPOS_SETUP, &error))?;
        // On a thread of its own, from which the store's thread has what it does about signals, and its stack.
        let open = runtime.block_on(runtime.spawn(async move { setup.open().await }));
        let open = open.unwrap_or_else(|fault| resume_unwind(fault.into_panic()));
        let open = open.map_err(|error| not_open(&error))?;
        let (node, address) = (open.node.clone(), open.address);
        let notices = Mutex::new(node.notices());
        let (end, _) = watch::channel(None);
        let tell = end.clone();
        let released = runtime.spawn(async move {
            let ended = open.join().await;
            let end = ended.map_or_else(
                |error| End::Failed(Failure::of(EDGEPOS_STOPPED, &error).detail),
                |()| End::Closed,
            );
            tell.send_replace(Some(end));
        });
        let (freed, closing) = (watch::Sender::new(false), Closing::default());
        let (signing, models) = (OnceLock::new(), OnceLock::new());
        let runtime = Some(runtime);
        Ok(Self {
            node,
            location,
            address,
            notices,
            signing,
            end,
            freed,
            closing,
            released,
            models,
            advised,
            runtime,
        })
    }

    /// Refuses where it has ended: for calls that a terminal which has stopped would not answer.
    pub(crate) fn runs(&self) -> Result<(), Failure> {
        self.end.borrow().clone().map_or(Ok(()), |end| Err(end.into()))
    }

    /// How many events the cloud is not known to hold.
    fn close(&self, patience: Duration) -> Result<u64, Failure> {
        let call = self.closing.begin(self.node.clone(), patience, self.runtime().handle());
        let ended = async {
            // Of the others that stop it each has said by then what it has to say.
            call.is_over().await;
            self.stopped().await
        };
        let ended = async {
            tokio::select! {
                biased;
                end = ended => end,
                () = self.is_freed() => End::Closed,
            }
        };
        match self.wait_at_most(patience.saturating_add(RELEASE), ended) {
            Some(End::Closed) => call.left().ok_or_else(Failure::closed),
            Some(failed) => Err(failed.into()),
            None => {
                call.give_up();
                Err(Failure::hangs())
            }
        }
    }

    /// Waits until it has stopped, or its handle is freed: for who waits for something that does not come then.
    pub(crate) async fn ended(&self) -> End {
        tokio::select! {
            biased;
            end = self.stopped() => end,
            () = self.is_freed() => End::Closed,
        }
    }

    /// Waits until it has stopped.
    async fn stopped(&self) -> End {
        let mut end = self.end.subscribe();
        // The sender lives as long as this.
        end.wait_for(Option::is_some).await.ok().and_then(|end| end.clone()).unwrap_or(End::Closed)
    }

    /// Waits until its handle is freed.
    async fn is_freed(&self) {
        let mut freed = self.freed.subscribe();
        // The sender lives as long as this.
        let _ = freed.wait_for(|freed| *freed).await;
    }

    /// What takes as long as the caller says, unless the terminal ends meanwhile, or its handle is freed.
    pub(crate) async fn unless_it_ends<T>(
        &self,
        waits: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            done = waits => Ok(done?),
            end = self.ended() => Err(end.into()),
        }
    }

    /// What a future of its node comes to.
    pub(crate) fn wait<F: Future>(&self, future: F) -> F::Output {
        self.runtime().block_on(future)
    }

    /// The same where it may not come to anything, also while none of its threads goes on.
    fn wait_at_most<F: Future>(&self, patience: Duration, future: F) -> Option<F::Output> {
        let _inside = self.runtime().enter();
        wait_for(future, patience)
    }

    /// What its threads are.
    pub(crate) fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it is there until this is dropped")
    }
}

impl Drop for Till {
    /// Whoever frees a terminal may open its files anew at once. Whatever hangs, it comes to an end.
    fn drop(&mut self) {
        let Self { node, released, runtime, .. } = self;
        let Some(runtime) = runtime.take() else { return };
        let release = async {
            node.shutdown().await;
            // How it ended is said already.
            let _ = released.await;
        };
        // One whose disk hangs is left to itself.
        let inside = runtime.enter();
        wait_for(release, RELEASE);
        drop(inside);
        // Dropped it would wait for each of its threads, however long one is in a call that does not return.
        runtime.shutdown_timeout(SHUTDOWN);
    }
}

fn not_open(error: &SetupError) -> Failure {
    Failure::of(EDGEPOS_SETUP, error)
}

/// A configuration: an object in JSON, or TOML.
pub(crate) fn setup(config: &str) -> Result<Setup, Failure> {
    if config.trim_start().starts_with('{') {
        let wrong = |error| Failure::of(EDGEPOS_SETUP, &error);
        return forms::read(config.as_bytes()).map_err(wrong);
    }
    config.parse().map_err(|error| not_open(&error))
}

/// A call of a node that runs: one that has ended says so, whatever it is asked.
pub(crate) fn with(node: *const NodeHandle, call: impl FnOnce(&Till) -> Result<i32, Failure>) -> i32 {
    handle::with(node, |till| {
        till.runs()?;
        call(till)
    })
}

/// A call of a node that answers with JSON.
pub(crate) fn asks<T: Serialize>(
    node: *const NodeHandle,
    out: Output<*mut TextHandle>,
    question: impl FnOnce(&Till) -> Result<T, Failure>,
) -> i32 {
    with(node, |till| {
        out.check()?;
        out.json(&question(till)?)
    })
}

/// The same where there may be nothing.
pub(crate) fn asks_for<T: Serialize>(
    node: *const NodeHandle,
    out: Output<*mut TextHandle>,
    question: impl FnOnce(&Till) -> Result<Option<T>, Failure>,
) -> i32 {
    with(node, |till| {
        out.check()?;
        out.some_json(question(till)?.as_ref())
    })
}

/// A call of a node that has no answer.
pub(crate) fn does(node: *const NodeHandle, call: impl FnOnce(&Till) -> Result<(), Failure>) -> i32 {
    with(node, |till| call(till).map(|()| EDGEPOS_OK))
}

/// Opens a terminal: its database, its address, its threads.
///
/// `config` is what a file of the Rust interface says, as TOML or as an object in JSON: `terminal`, `store`, `database`, `listen` and
/// `cloud` at least. A relative `database` is in the process's working directory. On success `*out` is a handle, to be freed by
/// `edgepos_node_free`.
///
/// `EDGEPOS_SETUP` where it does not read, an address is taken, or the database is another terminal's. No event
/// was written then; a database that was not there may be, with nothing in it. It runs in the process that opened it: in one that was forked from that, every call of the handle but
/// freeing answers `EDGEPOS_STOPPED`.
///
/// Threads: any, at any time.
///
/// # Safety
/// `config` points to `config_length` bytes, and `out` to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_open(
    config: *const c_char,
    config_length: usize,
    out: *mut *mut NodeHandle,
) -> i32 {
    // SAFETY: as the caller promises.
    let (config, out) = unsafe { (Input::new("config", config, config_length), Output::new("out", out)) };
    guard(None, || {
        out.check()?;
        forks::watch();
        out.give(Till::open(setup(config.request()?)?)?)
    })
}

/// Where the other terminals may call this one, as `address:port`: what `listen` says, with the port that was free where it says 0.
///
/// Threads: any, at any time.
///
/// # Safety
/// `out` points to where a pointer may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_address(node: *const NodeHandle, out: *mut *mut TextHandle) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("out", out) };
    with(node, |till| {
        out.check()?;
        out.text(till.address.to_string())
    })
}

/// Closes a terminal: sends what is batched until the cloud holds all events, or until `patience_ms` is over, hands the leadership over
/// where it has it, stops it, and waits until its files and its address are free. On success, where `left` is not NULL, `*left` is how many events the cloud is not known to hold; they
/// are on disk, and go up after the next start. `EDGEPOS_STOPPED` where it was closed before. `EDGEPOS_BUSY` where it does not come to an end
/// within 30 s beyond the patience, as where its disk hangs: it stops as soon as it goes on, and whoever closes it again is told how many events are
/// left, then or afterwards; freeing leaves it to itself. Of two threads that close it at once one is told that, and the other
/// `EDGEPOS_STOPPED`. Calls of other threads that are under way
/// end, with their answer or with `EDGEPOS_STOPPED`; so does every later one. Works on a handle that is poisoned.
///
/// Threads: any, at any time.
///
/// # Safety
/// `left` is NULL, or points to where a number may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn edgepos_node_close(
    node: *const NodeHandle,
    patience_ms: u64,
    left: *mut u64,
) -> i32 {
    // SAFETY: as the caller promises.
    let out = unsafe { Output::new("left", left) };
    handle::with_any(node, |till| {
        let events = till.close(Duration::from_millis(patience_ms))?;
        if left.is_null() { Ok(EDGEPOS_OK) } else { out.write(events) }
    })
}

/// Frees the handle. One that was not closed ends as in a crash: what was acknowledged is on disk. Its files and its address are free when this
/// returns, unless the disk hangs. It waits 30 s at most for them, and then 5 s for the threads of the terminal: one that hangs is left to itself,
/// with what it holds. NULL and a handle that was freed are let pass. A call that is under way on another thread ends first with
/// its answer, and then they are free; no later one knows the handle.
///
/// Threads: any, at any time.
#[unsafe(no_mangle)]
pub extern "C" fn edgepos_node_free(node: *mut NodeHandle) {
    // Whoever waits for a notice waits no longer.
    handle::look(node, |till| till.freed.send_replace(true));
    handle::free(node);
}

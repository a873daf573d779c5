//! What the way through C costs: `cargo bench -p edgepos-benches --bench c_api`; `c_api.py` beside it asks from Python.
//!
//! The same is asked through Rust and through C by turns, on terminals of their own; the figures are medians. What C asks is linked into this
//! program, and compiled as it is; with `-- --library PATH` it is the shared library there, such as the one that `cargo xtask capi` installs.

#[path = "c_api/library.rs"]
mod library;

use std::collections::BTreeSet;
use std::env;
use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::ptr;
use std::time::{Duration, Instant};

use edgepos::core::{IdempotencyKey, Now};
use edgepos::model::{BasketId, Counter, CounterRow, Currency, Line, StockState, Tender};
use edgepos::{Commit, Draft, Input, Restored, Setup, Terminal};
use edgepos_ffi::*;
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Runtime;

use self::library::{Asks, Calls, Number};

/// Calls of a getter that are timed together.
const GETS: u32 = 10_000;
/// How often, by turns; what is asked for changes in between.
const ROUNDS: u64 = 201;
/// From one round to the next, in ms: nothing that it writes is written, so that after a while it would wait for nothing more.
const STEP: u64 = 50;
/// Sales, by turns.
const SALES: usize = 400;
/// Questions to a running terminal, by turns.
const ASKED: usize = 4_000;
/// When it all begins, in ms since 1970 UTC.
const WALL: u64 = 1_700_000_000_000;

fn config(folder: &Path, name: &str) -> String {
    let database = folder.join(name).display().to_string();
    format!(
        "{{\"terminal\":1,\"store\":\"07070707070707070707070707070707\",\"database\":{database:?},\"listen\":\"127.0.0.1:0\",\
         \"cloud\":\"http://127.0.0.1:9\"}}"
    )
}

/// The middle one, in nanoseconds.
fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn timed<T>(call: impl FnOnce() -> T) -> f64 {
    let began = Instant::now();
    black_box(call());
    began.elapsed().as_secs_f64() * 1e9
}

/// What the processor does for this thread, whoever else works on this machine; in nanoseconds for each call.
fn busy(call: impl Fn()) -> f64 {
    let spent = || {
        let spent = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(u64::try_from(spent.tv_sec).unwrap_or(0), u32::try_from(spent.tv_nsec).unwrap_or(0))
    };
    let began = spent();
    for _ in 0..GETS {
        call();
    }
    (spent() - began).as_secs_f64() * 1e9 / f64::from(GETS)
}

/// Nothing that a program would do about it: the figures are worth nothing then.
fn done(status: i32) {
    assert_eq!(status, EDGEPOS_OK, "a call was not done");
}

/// A number of a terminal: how Rust asks for it, how C does, what was seen, and what each took.
struct Getter {
    name: &'static str,
    rust: fn(&Terminal) -> Option<u64>,
    c: Number,
    seen: BTreeSet<u64>,
    of_rust: Vec<f64>,
    of_c: Vec<f64>,
}

impl Getter {
    fn new(name: &'static str, rust: fn(&Terminal) -> Option<u64>, c: Number) -> Self {
        Self { name, rust, c, seen: BTreeSet::new(), of_rust: Vec::new(), of_c: Vec::new() }
    }

    fn ask(&mut self, terminal: &Terminal, handle: *mut TerminalHandle) {
        let Self { rust, c, .. } = *self;
        self.of_rust.push(busy(|| {
            black_box(rust(black_box(terminal)));
        }));
        self.of_c.push(busy(|| {
            let mut number = 0;
            // SAFETY: a number may be written there.
            black_box(unsafe { c(black_box(handle), &mut number) });
            black_box(number);
        }));
        let mut number = 0;
        // SAFETY: a number may be written there.
        done(unsafe { c(handle, &mut number) });
        self.seen.insert(number);
    }

    fn print(self) {
        let (rust, c) = (median(self.of_rust), median(self.of_c));
        let (name, seen) = (self.name, self.seen.len());
        println!(
            "{name}: Rust {rust:.0} ns, C {c:.0} ns, {:.0} ns more; {seen} values in {ROUNDS} rounds",
            c - rust
        );
    }
}

/// Getters of a terminal that does nothing by itself: what the first one asks changes from round to round.
fn getters(folder: &Path, calls: &Calls) -> Result<(), Box<dyn Error>> {
    let config = config(folder, "none.db");
    let setup: Setup = serde_json::from_str(&config)?;
    let mut rust = Terminal::new(Now::new(0, WALL), setup.config()?, Restored::new())?;
    let mut c = ptr::null_mut();
    let (text, length) = (config.as_ptr().cast(), config.len());
    // SAFETY: the text and the place for the handle live as long as the call.
    done(unsafe { (calls.terminal_new)(text, length, 0, WALL, 7, 0, None, ptr::null_mut(), &mut c) });
    let mut getters = [
        Getter::new(
            "poll_timeout of a terminal",
            |terminal| Some(terminal.poll_timeout()?.0),
            calls.poll_timeout,
        ),
        Getter::new("promised of a terminal", |terminal| Some(terminal.promised()), calls.promised),
    ];
    for round in 1..=ROUNDS {
        let (mono, wall) = (round * STEP, WALL + round * STEP);
        rust.handle(Now::new(mono, wall), Input::Timeout);
        done((calls.timeout)(c, mono, wall));
        for getter in &mut getters {
            getter.ask(&rust, c);
        }
    }
    assert!(getters[0].seen.len() > 1, "what is asked for changes between the rounds");
    (calls.terminal_free)(c);
    getters.into_iter().for_each(Getter::print);
    Ok(())
}

fn hexadecimal(bytes: &[u8; 16]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn name(kind: u8, no: usize) -> [u8; 16] {
    let mut name = [kind; 16];
    name[8..].copy_from_slice(&(no as u64).to_be_bytes());
    name
}

/// A request in JSON, and the answer, which is freed.
fn ask(calls: &Calls, node: *mut NodeHandle, call: Asks, request: &str) {
    let mut answer = ptr::null_mut();
    // SAFETY: the text and the place for the answer live as long as the call.
    done(unsafe { call(node, request.as_ptr().cast(), request.len(), &mut answer) });
    black_box((calls.text_data)(answer));
    (calls.text_free)(answer);
}

/// Sales and questions, on two terminals with files and threads of their own.
fn node(folder: &Path, calls: &Calls) -> Result<(), Box<dyn Error>> {
    let runtime = Runtime::new()?;
    let setup: Setup = serde_json::from_str(&config(folder, "rust.db"))?;
    let rust = runtime.block_on(setup.open())?;
    let (config, mut c) = (config(folder, "c.db"), ptr::null_mut());
    // SAFETY: the text and the place for the handle live as long as the call.
    done(unsafe { (calls.open)(config.as_ptr().cast(), config.len(), &mut c) });
    let (mut of_rust, mut of_c) = (Vec::new(), Vec::new());
    for no in 0..SALES {
        let (basket, key) = (name(1, no), name(2, no));
        let milk =
            Line { no: 1, product: "4006381333931".into(), quantity: 2, amount: 258, ..Line::default() };
        runtime.block_on(rust.node.begin(Draft::sale(BasketId(basket), Currency::EUR, vec![milk])))?;
        let paid =
            Commit { basket: BasketId(basket), key: IdempotencyKey(key), tenders: Tender::cash(258).into() };
        of_rust.push(timed(|| runtime.block_on(rust.node.commit(paid))));
        let (basket, key) = (hexadecimal(&basket), hexadecimal(&key));
        let line = "{\"no\":1,\"product\":\"4006381333931\",\"quantity\":2,\"amount\":258}";
        ask(
            calls,
            c,
            calls.begin,
            &format!("{{\"basket\":\"{basket}\",\"currency\":\"EUR\",\"lines\":[{line}]}}"),
        );
        let paid = "\"tenders\":[{\"kind\":\"cash\",\"amount\":258}]";
        let paid = format!("{{\"basket\":\"{basket}\",\"key\":\"{key}\",{paid}}}");
        of_c.push(timed(|| ask(calls, c, calls.commit, &paid)));
    }
    let (sale_rust, sale_c) = (median(of_rust), median(of_c));
    let more = (sale_c / sale_rust - 1.0) * 100.0;
    println!("commit: Rust {:.0} µs, C {:.0} µs, {more:+.1} %", sale_rust / 1e3, sale_c / 1e3);

    let row =
        CounterRow { counter: Counter::POINTS, location: 0, state: StockState::OnHand, key: b"x".to_vec() };
    let (mut of_rust, mut of_c) = (Vec::new(), Vec::new());
    for _ in 0..ASKED {
        of_rust.push(timed(|| runtime.block_on(rust.node.counter(row.clone()))));
        of_c.push(timed(|| {
            let mut value = 0;
            // SAFETY: the key has one byte, and a number may be written there.
            unsafe { (calls.counter)(c, EDGEPOS_POINTS, 0, EDGEPOS_ON_HAND, b"x".as_ptr(), 1, &mut value) }
        }));
    }
    let empty: Vec<f64> = (0..ASKED)
        .map(|_| {
            timed(|| {
                let mut notice = ptr::null_mut();
                // SAFETY: the place for the answer lives as long as the call.
                unsafe { (calls.next_notice)(c, 0, &mut notice) };
                (calls.text_free)(notice);
            })
        })
        .collect();
    println!("a notice that is not there: C {:.2} µs; `c_api.py` asks the same", median(empty) / 1e3);
    println!("counter of a node: Rust {:.1} µs, C {:.1} µs", median(of_rust) / 1e3, median(of_c) / 1e3);
    // SAFETY: nobody wants to know how many events are left.
    done(unsafe { (calls.close)(c, 0, ptr::null_mut()) });
    (calls.free)(c);
    runtime.block_on(rust.close())?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let calls = match &given[..] {
        [] => {
            let program = env::current_exe()?;
            println!("linked into this program: {}", program.display());
            Calls::linked()
        }
        [option, path] if option == "--library" => {
            println!("the library {path}: {} bytes", fs::metadata(path)?.len());
            Calls::of_library(path)?
        }
        _ => return Err("usage: c_api [--library PATH]".into()),
    };
    let folder = env::temp_dir().join(format!("edgepos-cost-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    getters(&folder, &calls)?;
    node(&folder, &calls)?;
    fs::remove_dir_all(&folder)?;
    Ok(())
}

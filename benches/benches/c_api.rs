//! What the way through C costs: `cargo bench -p edgepos-benches --bench c_api`; `c_api.py` beside it asks from Python.
//!
//! The same is asked through Rust and through C by turns, on terminals of their own; the figures are medians.

use std::collections::BTreeSet;
use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::ptr;
use std::time::Instant;

use edgepos::core::{IdempotencyKey, Now};
use edgepos::model::{BasketId, Counter, CounterRow, Currency, Line, StockState, Tender};
use edgepos::{Commit, Draft, Input, Restored, Setup, Terminal};
use edgepos_ffi::*;
use tokio::runtime::Runtime;

/// Calls of a getter that are timed together.
const GETS: u32 = 200_000;
/// Sales, by turns.
const SALES: usize = 400;
/// Questions to a running terminal, by turns.
const ASKED: usize = 4_000;

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

/// Nothing that a program would do about it: the figures are worth nothing then.
fn done(status: i32) {
    assert_eq!(status, EDGEPOS_OK, "a call was not done");
}

/// A getter of a terminal that does nothing by itself: what is asked changes between the calls.
fn getter(folder: &Path) -> Result<(), Box<dyn Error>> {
    let config = config(folder, "none.db");
    let setup: Setup = serde_json::from_str(&config)?;
    let mut rust = Terminal::new(Now::new(0, 1_700_000_000_000), setup.config()?, Restored::new())?;
    let mut c = ptr::null_mut();
    // SAFETY: the text and the place for the handle live as long as the call.
    done(unsafe {
        edgepos_terminal_new(
            config.as_ptr().cast(),
            config.len(),
            0,
            1_700_000_000_000,
            7,
            0,
            None,
            ptr::null_mut(),
            &mut c,
        )
    });
    let (mut of_rust, mut of_c, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for round in 1..=11 {
        let now = round * 1_000;
        rust.handle(Now::new(now, 1_700_000_000_000 + now), Input::Timeout);
        done(edgepos_terminal_timeout(c, now, 1_700_000_000_000 + now));
        of_rust.push(timed(|| {
            for _ in 0..GETS {
                black_box(black_box(&rust).poll_timeout());
            }
        }));
        of_c.push(timed(|| {
            for _ in 0..GETS {
                let mut due = 0;
                // SAFETY: a number may be written there.
                black_box(unsafe { edgepos_terminal_poll_timeout(black_box(c), &mut due) });
                black_box(due);
            }
        }));
        let mut due = 0;
        // SAFETY: a number may be written there.
        done(unsafe { edgepos_terminal_poll_timeout(c, &mut due) });
        seen.insert(due);
    }
    assert!(seen.len() > 1, "what is asked for changes between the rounds: {seen:?}");
    edgepos_terminal_free(c);
    let (rust, c) = (median(of_rust) / f64::from(GETS), median(of_c) / f64::from(GETS));
    println!("getter of a terminal: Rust {rust:.0} ns, C {c:.0} ns, {:.0} ns more", c - rust);
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
fn ask(
    node: *mut NodeHandle,
    call: unsafe extern "C" fn(
        *const NodeHandle,
        *const std::ffi::c_char,
        usize,
        *mut *mut TextHandle,
    ) -> i32,
    request: &str,
) {
    let mut answer = ptr::null_mut();
    // SAFETY: the text and the place for the answer live as long as the call.
    done(unsafe { call(node, request.as_ptr().cast(), request.len(), &mut answer) });
    black_box(edgepos_text_data(answer));
    edgepos_text_free(answer);
}

/// Sales and questions, on two terminals with files and threads of their own.
fn node(folder: &Path) -> Result<(), Box<dyn Error>> {
    let runtime = Runtime::new()?;
    let setup: Setup = serde_json::from_str(&config(folder, "rust.db"))?;
    let rust = runtime.block_on(setup.open())?;
    let (config, mut c) = (config(folder, "c.db"), ptr::null_mut());
    // SAFETY: the text and the place for the handle live as long as the call.
    done(unsafe { edgepos_node_open(config.as_ptr().cast(), config.len(), &mut c) });
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
            c,
            edgepos_node_begin,
            &format!("{{\"basket\":\"{basket}\",\"currency\":\"EUR\",\"lines\":[{line}]}}"),
        );
        let paid = "\"tenders\":[{\"kind\":\"cash\",\"amount\":258}]";
        let paid = format!("{{\"basket\":\"{basket}\",\"key\":\"{key}\",{paid}}}");
        of_c.push(timed(|| ask(c, edgepos_node_commit, &paid)));
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
            unsafe {
                edgepos_node_counter(c, EDGEPOS_POINTS, 0, EDGEPOS_ON_HAND, b"x".as_ptr(), 1, &mut value)
            }
        }));
    }
    let empty: Vec<f64> = (0..ASKED)
        .map(|_| {
            timed(|| {
                let mut notice = ptr::null_mut();
                // SAFETY: the place for the answer lives as long as the call.
                unsafe { edgepos_node_next_notice(c, 0, &mut notice) };
                edgepos_text_free(notice);
            })
        })
        .collect();
    println!("a notice that is not there: C {:.2} µs; `c_api.py` asks the same", median(empty) / 1e3);
    println!("counter of a node: Rust {:.1} µs, C {:.1} µs", median(of_rust) / 1e3, median(of_c) / 1e3);
    // SAFETY: nobody wants to know how many events are left.
    done(unsafe { edgepos_node_close(c, 0, ptr::null_mut()) });
    edgepos_node_free(c);
    runtime.block_on(rust.close())?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("edgepos-cost-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    getter(&folder)?;
    node(&folder)?;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

//! How long a question holds the loop that sells, on a till that is full of what is asked about.
//!
//! `cargo bench -p edgepos-benches --bench queries`; it ends with 1 where a question takes longer than [`LIMIT`] at the 99th of 100 calls.
//! `docs/monitoring.md` has a run of it.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

use edgepos::core::{EventId, IdempotencyKey, Now, ReplicaId, Seq, Space, StoreGeneration, StoreId};
use edgepos::model::{BasketId, CounterRow, Currency, Line, StockLine, StockMoved, StockReason, Tender};
use edgepos::{
    Commit, Config, Draft, Genesis, Input, Monitor, Output, Record, RequestId, Restored, SqliteStore, Store,
    Terminal,
};

/// What a question may hold the loop for.
const LIMIT: Duration = Duration::from_millis(1);
/// Calls of each question.
const CALLS: usize = 1_000;
/// Counters, open baskets and open exceptions of the till.
const COUNTERS: usize = 100_000;
const BASKETS: usize = 1_000;
const EXCEPTIONS: usize = 1_100;
/// What the store's thread reads for one slice of events: see `edgepos/src/history/backwards.rs`.
const SLICE: u64 = 64;
const SLICE_BYTES: u32 = 256 << 10;

/// A terminal without a driver, alone in its store.
struct Till {
    terminal: Terminal,
    store: SqliteStore,
    now: Now,
    requests: u64,
}

impl Till {
    fn open(store: SqliteStore) -> Self {
        let me = ReplicaId::new(1, 5);
        let (store_id, generation) = (StoreId([1; 16]), StoreGeneration(0));
        let genesis = Genesis { store: store_id, generation, voters: vec![me], recovery: None };
        let mut config = Config::new(me, genesis, 9);
        config.exception_grace = Duration::from_millis(100);
        let now = Now::new(1_000, 1_700_000_000_000);
        let terminal = Terminal::new(now, config, Restored::new()).expect("a till");
        let mut till = Self { terminal, store, now, requests: 0 };
        till.run();
        till
    }

    fn run(&mut self) {
        while let Some(output) = self.terminal.poll_output() {
            match output {
                Output::Persist(persist) | Output::Write(persist) => {
                    self.store.commit(std::slice::from_ref(&persist)).expect("durable");
                    self.terminal.handle(self.now, Input::Persisted(persist.id));
                }
                Output::Load(load) => {
                    let rows =
                        self.store.scan(load.space, &load.from, &load.to, load.max_bytes).expect("rows");
                    self.terminal.handle(self.now, Input::Loaded(load.id, rows));
                }
                Output::Reply(_, reply) => drop(reply.expect("done")),
                Output::Transmit { .. } | Output::Uplink(..) | Output::Notice(_) => {}
            }
        }
    }

    fn pass(&mut self, ms: u64) {
        self.now = Now::new(self.now.mono.0 + ms, self.now.wall.0 + ms);
        self.terminal.handle(self.now, Input::Timeout);
        self.run();
    }

    fn request(&mut self) -> RequestId {
        self.requests += 1;
        RequestId(self.requests)
    }

    fn goods(&mut self, products: std::ops::Range<usize>, reason: StockReason, quantity: i64) {
        let lines = products.map(|number| StockLine { product: code(number), quantity }).collect();
        let record = Record::stock_moved(&StockMoved { reason, from: None, to: None, lines }, 0);
        let request = self.request();
        self.terminal.record(self.now, request, record).expect("recorded");
        self.run();
    }

    fn begin(&mut self, basket: u128, products: std::ops::Range<usize>) -> i64 {
        let lines: Vec<_> = products
            .zip(1..)
            .map(|(number, no)| Line {
                no,
                product: code(number),
                quantity: 1,
                amount: 100,
                ..Line::default()
            })
            .collect();
        let total = 100 * i64::try_from(lines.len()).expect("a short receipt");
        let draft = Draft::sale(BasketId(basket.to_be_bytes()), Currency::EUR, lines);
        let request = self.request();
        self.terminal.begin(self.now, request, draft).expect("begun");
        self.run();
        total
    }

    fn sell(&mut self, basket: u128, products: std::ops::Range<usize>) {
        let total = self.begin(basket, products);
        let (basket, key) = (BasketId(basket.to_be_bytes()), IdempotencyKey(basket.to_be_bytes()));
        let request = self.request();
        let commit = Commit { basket, key, tenders: Tender::cash(total).into() };
        self.terminal.commit(self.now, request, commit).expect("booked");
        self.run();
    }

    /// Counters, exceptions and open baskets, as many as a page has and more.
    fn fill(&mut self) {
        for first in (0..COUNTERS).step_by(300) {
            let last = (first + 300).min(COUNTERS);
            self.goods(first..last, StockReason::Receipt, 0);
        }
        for (basket, first) in (1..).zip((0..EXCEPTIONS).step_by(100)) {
            self.sell(basket, first..first + 100);
        }
        while self.terminal.status().open_exceptions < EXCEPTIONS {
            assert!(self.now.mono.0 < 10_000_000, "exceptions are raised");
            self.pass(100);
        }
        for basket in 0..BASKETS - 1 {
            self.begin(1_000_000 + basket as u128, 0..7);
        }
    }
}

fn code(number: usize) -> String {
    format!("product {number:06}")
}

/// Time of the processor that this thread has taken: what other programs do to the machine is no fault of a question.
fn taken() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The median, the 99th of 100 and the longest of many calls.
fn measure(call: &mut dyn FnMut()) -> [Duration; 3] {
    let mut took: Vec<_> = (0..CALLS)
        .map(|_| {
            let began = taken();
            call();
            taken() - began
        })
        .collect();
    took.sort_unstable();
    [took[CALLS / 2], took[CALLS * 99 / 100], took[CALLS - 1]]
}

fn main() -> ExitCode {
    // `cargo test --benches` runs it as well.
    if std::env::args().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let mut till = Till::open(SqliteStore::open(&dir.path().join("till.db")).expect("a file"));
    till.fill();
    let Till { terminal, store, now, .. } = &till;
    let all = terminal.counters_after(None, None);
    let middle = all.last().map(|value| value.row.clone());
    let sold = terminal.durable().iter().max_by_key(|(_, seq)| *seq).expect("events");
    let key = |seq: u64| EventId::new(sold.0, Seq(seq)).to_key();
    let (from, to) = (key(sold.1.0.saturating_sub(SLICE - 1).max(1)), key(sold.1.0));
    let mut monitor = Monitor::new(*now);
    let report = terminal.elections(*now);
    let status = terminal.status();
    println!(
        "{COUNTERS} counters, {} exceptions, {} baskets, {CALLS} calls\n",
        status.open_exceptions, status.open_baskets
    );
    let questions: [(&str, &mut dyn FnMut()); 8] = [
        ("status, with the first 1,000 exceptions", &mut || drop(black_box(terminal.status()))),
        ("the first page of counters", &mut || drop(black_box(terminal.counters_after(None, None)))),
        ("a later page of counters", &mut || drop(black_box(terminal.counters_after(None, middle.as_ref())))),
        ("all open baskets", &mut || drop(black_box(terminal.unresolved()))),
        ("one counter", &mut || {
            black_box(terminal.counter(&CounterRow::stock(&code(77), 0)));
        }),
        ("diagnosis", &mut || drop(black_box(terminal.diagnosis(*now)))),
        ("figures and alerts", &mut || drop(black_box(monitor.sample(*now, &status, &report)))),
        ("a slice of 64 events, on the store's thread", &mut || {
            drop(black_box(store.scan(Space::Event, &from, &to, SLICE_BYTES).expect("rows")));
        }),
    ];
    let mut holds = true;
    println!("{:<48}{:>12}{:>12}{:>12}", "question", "median", "99 of 100", "longest");
    for (name, question) in questions {
        let [median, most, longest] = measure(question);
        let us = |time: Duration| format!("{:.1} µs", time.as_secs_f64() * 1e6);
        println!("{name:<48}{:>12}{:>12}{:>12}", us(median), us(most), us(longest));
        holds &= most <= LIMIT;
    }
    println!("\nthe text for Prometheus has {} bytes", monitor.text().len());
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

//! What `begin` promises: the end of the process takes no basket that was answered, a power cut takes none whose pause is over, and one
//! that it takes leaves no trace and is begun once more.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::time::Duration;

use edgepos::core::{IdempotencyKey, Now};
use edgepos::model::BasketId;
use edgepos::{
    Commit, Config, Input, MemoryStore, Output, Refusal, Reply, RequestId, Restored, Store, Terminal,
};
use support::{WALL, config, draft, line};

const PAUSE: Duration = Duration::from_millis(50);

/// A terminal whose disk has a cache: what is only written is not in `durable`.
struct Till {
    terminal: Terminal,
    written: MemoryStore,
    durable: MemoryStore,
    now: Now,
    replies: Vec<Result<Reply, Refusal>>,
    requests: u64,
    flushes: u32,
}

impl Till {
    fn start(disk: &MemoryStore, change: impl Fn(Config) -> Config) -> Self {
        let now = Now::new(1_000, WALL);
        let config = change(Config { begin_pause: PAUSE, ..config(1, 1) });
        let terminal = Terminal::new(now, config, Restored::from_store(disk).unwrap()).unwrap();
        let (written, durable) = (disk.clone(), disk.clone());
        let mut till = Self { terminal, written, durable, now, replies: Vec::new(), requests: 0, flushes: 0 };
        till.run();
        // The election of a terminal that is alone.
        till.wait(Duration::from_secs(2));
        till.flushes = 0;
        till
    }

    fn run(&mut self) {
        while let Some(output) = self.terminal.poll_output() {
            match output {
                Output::Persist(persist) => {
                    self.flushes += 1;
                    self.written.commit(std::slice::from_ref(&persist)).unwrap();
                    self.durable = self.written.clone();
                    self.terminal.handle(self.now, Input::Persisted(persist.id));
                }
                Output::Write(persist) => {
                    self.written.write(std::slice::from_ref(&persist)).unwrap();
                    self.terminal.handle(self.now, Input::Persisted(persist.id));
                }
                Output::Load(load) => {
                    let rows = self.written.scan(load.space, &load.from, &load.to, load.max_bytes).unwrap();
                    self.terminal.handle(self.now, Input::Loaded(load.id, rows));
                }
                Output::Reply(_, reply) => self.replies.push(reply),
                Output::Transmit { .. } | Output::Uplink(..) | Output::Notice(_) => {}
            }
        }
    }

    fn wait(&mut self, time: Duration) {
        let end = self.now.mono + time;
        while let Some(at) = self.terminal.poll_timeout().filter(|at| *at <= end) {
            self.now.mono = self.now.mono.max(at);
            self.terminal.handle(self.now, Input::Timeout);
            self.run();
        }
        self.now.mono = end;
    }

    fn begin(&mut self, basket: u8) -> u64 {
        self.requests += 1;
        let draft = draft(basket, vec![line(1, "milk", 1, 100)]);
        self.terminal.begin(self.now, RequestId(self.requests), draft).unwrap();
        self.run();
        match self.replies.pop() {
            Some(Ok(Reply::Begun { number, .. })) => number,
            other => panic!("{other:?}"),
        }
    }

    fn commit(&mut self, basket: u8) -> Result<(u64, bool), Refusal> {
        self.requests += 1;
        let (key, basket) = (IdempotencyKey([basket; 16]), BasketId([basket; 16]));
        let tenders = edgepos::model::Tender::cash(100).into();
        self.terminal.commit(self.now, RequestId(self.requests), Commit { basket, key, tenders })?;
        self.run();
        match self.replies.pop().unwrap()? {
            Reply::Committed { receipt, repeated } => Ok((receipt.number, repeated)),
            other => panic!("{other:?}"),
        }
    }

    fn open(&self) -> Vec<u8> {
        self.terminal.unresolved().iter().map(|open| open.basket.0[0]).collect()
    }
}

fn as_it_is(config: Config) -> Config {
    config
}

#[test]
fn a_sale_within_the_pause_needs_one_flush_and_a_longer_one_two() {
    let mut till = Till::start(&MemoryStore::new(), as_it_is);
    for sale in 1..=10 {
        till.begin(sale);
        till.commit(sale).unwrap();
    }
    assert_eq!(till.flushes, 10);
    till.begin(11);
    till.wait(PAUSE);
    till.commit(11).unwrap();
    assert_eq!(till.flushes, 12);
}

#[test]
fn the_end_of_the_process_takes_no_basket_that_was_answered() {
    let mut till = Till::start(&MemoryStore::new(), as_it_is);
    let number = till.begin(1);
    let mut till = Till::start(&till.written, as_it_is);
    assert_eq!(till.open(), [1]);
    assert_eq!(till.begin(2), number + 1, "a number is not given twice");
    assert_eq!(till.commit(1), Ok((number, false)));
    let mut till = Till::start(&till.written, as_it_is);
    assert_eq!(till.commit(1), Ok((number, true)), "booked once");
}

#[test]
fn a_power_cut_within_the_pause_leaves_nothing_and_the_basket_is_begun_once_more() {
    let mut till = Till::start(&MemoryStore::new(), as_it_is);
    till.begin(1);
    till.commit(1).unwrap();
    let number = till.begin(2);
    let mut till = Till::start(&till.durable, as_it_is);
    assert_eq!(till.open(), [] as [u8; 0]);
    assert_eq!(till.commit(2), Err(Refusal::UnknownBasket(BasketId([2; 16]))));
    assert_eq!(till.begin(3), number, "of its number nothing is on record");
    assert_eq!(till.begin(2), number + 1);
    assert_eq!(till.commit(2), Ok((number + 1, false)));
    assert_eq!(till.commit(2), Ok((number + 1, true)));
    assert_eq!(till.commit(3), Ok((number, false)));
}

#[test]
fn a_power_cut_behind_the_pause_or_any_commit_takes_nothing() {
    let mut till = Till::start(&MemoryStore::new(), as_it_is);
    till.begin(1);
    till.wait(PAUSE);
    assert_eq!(till.flushes, 1, "a flush without a write of its own");
    till.wait(10 * PAUSE);
    assert_eq!(till.flushes, 1, "and no more of them");
    assert_eq!(Till::start(&till.durable, as_it_is).open(), [1]);

    till.begin(2);
    till.begin(3);
    till.commit(1).unwrap();
    let mut till = Till::start(&till.durable, as_it_is);
    assert_eq!(till.open(), [2, 3]);
    assert_eq!((till.commit(3), till.commit(2)), (Ok((3, false)), Ok((2, false))));
}

#[test]
fn without_a_pause_a_basket_is_durable_before_its_answer() {
    let at_once = |config| Config { begin_pause: Duration::ZERO, ..config };
    let mut till = Till::start(&MemoryStore::new(), at_once);
    till.begin(1);
    assert_eq!(Till::start(&till.durable, at_once).open(), [1]);
    assert_eq!(till.flushes, 1);
}

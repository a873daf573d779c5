//! A till that catches up with another one, event by event, through the frames that they would send each other.

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

use edgepos::core::{ConnectionId, Now, Persist, ReplicaId, StoreGeneration, StoreId};
use edgepos::{Config, Genesis, Input, Output, RequestId, Restored, SqliteStore, Store, Terminal};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use crate::ours::calls;
use crate::sale::Sales;

/// Steps of virtual time in which nothing arrives any more: then something is wrong, and the bench says so.
const PATIENCE: usize = 200_000;

/// What one of the two has taken.
#[derive(Clone, Copy, Default)]
struct Taken {
    time: Duration,
    cpu: Duration,
}

struct Side {
    terminal: Terminal,
    store: SqliteStore,
    waiting: Vec<Persist>,
    sent: VecDeque<Vec<u8>>,
    requests: u64,
    taken: Taken,
}

impl Side {
    fn open(path: &Path, terminal: u16, now: Now) -> Self {
        let store = SqliteStore::open(path).expect("a file");
        let restored = Restored::from_store(&store).expect("rows");
        let voters = vec![ReplicaId::new(1, 5), ReplicaId::new(2, 5)];
        let genesis =
            Genesis { store: StoreId([1; 16]), generation: StoreGeneration(0), voters, recovery: None };
        let config = Config::new(ReplicaId::new(terminal, 5), genesis, 9);
        let terminal = Terminal::new(now, config, restored).expect("a till");
        let mut side = Self {
            terminal,
            store,
            waiting: Vec::new(),
            sent: VecDeque::new(),
            requests: 0,
            taken: Taken::default(),
        };
        side.settle(now);
        side
    }

    fn run(&mut self, now: Now) {
        while let Some(output) = self.terminal.poll_output() {
            match output {
                Output::Persist(persist) | Output::Write(persist) => self.waiting.push(persist),
                Output::Load(load) => {
                    let rows =
                        self.store.scan(load.space, &load.from, &load.to, load.max_bytes).expect("rows");
                    self.terminal.handle(now, Input::Loaded(load.id, rows));
                }
                Output::Transmit { frame, .. } => self.sent.push_back(frame),
                Output::Reply(_, reply) => drop(reply.expect("done")),
                Output::Uplink(..) | Output::Notice(_) => {}
            }
        }
    }

    /// Everything that waits becomes durable, as a group, until nothing waits.
    fn settle(&mut self, now: Now) {
        self.run(now);
        while !self.waiting.is_empty() {
            let group = std::mem::take(&mut self.waiting);
            self.store.commit(&group).expect("durable");
            for persist in group {
                self.terminal.handle(now, Input::Persisted(persist.id));
            }
            self.run(now);
        }
    }

    /// Tells it something, and counts what that takes.
    fn tell(&mut self, now: Now, input: Input) {
        let (began, cpu) = (Instant::now(), cpu());
        self.terminal.handle(now, input);
        self.settle(now);
        self.taken.time += began.elapsed();
        self.taken.cpu += cpu_since(cpu);
    }

    fn wake(&mut self, now: Now) {
        if self.terminal.poll_timeout().is_some_and(|at| at <= now.mono) {
            self.tell(now, Input::Timeout);
        }
    }
}

fn cpu() -> Duration {
    let read = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(read.tv_sec.unsigned_abs(), read.tv_nsec.unsigned_abs() as u32)
}

fn cpu_since(before: Duration) -> Duration {
    cpu().saturating_sub(before)
}

/// One till has sold so much while the other was away; then it comes back.
pub(crate) fn catch_up(sales: usize) -> Value {
    let dir = tempfile::tempdir().expect("a folder");
    let mut now = Now::new(0, 1_700_000_000_000);
    let mut giver = Side::open(&dir.path().join("1.db"), 1, now);
    let mut stream = Sales::new(7);
    for _ in 0..sales {
        let (draft, commit) = calls(&stream.next());
        giver.requests += 2;
        giver.terminal.begin(now, RequestId(giver.requests), draft).expect("begun");
        giver.run(now);
        giver.terminal.commit(now, RequestId(giver.requests + 1), commit).expect("booked");
        giver.run(now);
        now = Now::new(now.mono.0 + 7, now.wall.0 + 7);
        if giver.waiting.len() >= 512 {
            giver.settle(now);
        }
    }
    giver.settle(now);
    giver.sent.clear();
    giver.taken = Taken::default();
    let mut receiver = Side::open(&dir.path().join("2.db"), 2, now);
    let link = ConnectionId(1);
    giver.tell(now, Input::PeerUp(ReplicaId::new(2, 5), link));
    receiver.tell(now, Input::PeerUp(ReplicaId::new(1, 5), link));
    let (goal, mut bytes, mut idle) = (giver.terminal.durable().clone(), 0, 0);
    while !receiver.terminal.durable().dominates(&goal) && idle < PATIENCE {
        idle += 1;
        while let Some(frame) = giver.sent.pop_front() {
            bytes += frame.len();
            idle = 0;
            receiver.tell(now, Input::Frame(ReplicaId::new(1, 5), link, frame));
        }
        while let Some(frame) = receiver.sent.pop_front() {
            giver.tell(now, Input::Frame(ReplicaId::new(2, 5), link, frame));
        }
        now = Now::new(now.mono.0 + 1, now.wall.0 + 1);
        giver.wake(now);
        receiver.wake(now);
    }
    let caught_up = receiver.terminal.durable().dominates(&goal);
    let micros = |taken: Duration| (taken.as_secs_f64() * 1e7 / sales as f64).round() / 10.0;
    json!({
        "events": sales,
        "caught_up": caught_up,
        "seconds": ((giver.taken.time + receiver.taken.time).as_secs_f64() * 100.0).round() / 100.0,
        "receiver_cpu_us_an_event": micros(receiver.taken.cpu),
        "giver_cpu_us_an_event": micros(giver.taken.cpu),
        "wire_bytes_an_event": bytes / sales,
    })
}

//! What a sale costs the network, in counts that do not depend on the machine.
#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos::core::{Chain, IdempotencyKey, Jitter, Now, ReplicaId, Seq, Space, StoreGeneration, StoreId};
use edgepos::model::{BasketId, Currency, Line, Tender};
use edgepos::sync::{BATCH_FORMAT, Batch, EventRecord, Hash, Limits, Run};
use edgepos::{
    Commit, Config, Draft, Genesis, Input, MemoryStore, Output, RequestId, Restored, Store, Terminal,
};

/// Events of a batch: about what 256 KiB hold.
const BATCH: usize = 330;
const SALES: usize = 3 * BATCH;
const LINES: u16 = 7;
const PRODUCTS: u64 = 1_000;
/// Basket and key, drawn by the till.
const RANDOM_BYTES: usize = 32;

struct Till {
    terminal: Terminal,
    store: MemoryStore,
    now: Now,
    requests: u64,
    jitter: Jitter,
}

impl Till {
    fn open() -> Self {
        let me = ReplicaId::new(1, 5);
        let genesis = Genesis {
            store: StoreId([1; 16]),
            generation: StoreGeneration(0),
            voters: vec![me],
            recovery: None,
        };
        let store = MemoryStore::new();
        let now = Now::new(0, 1_700_000_000_000);
        let restored = Restored::from_store(&store).unwrap();
        let terminal = Terminal::new(now, Config::new(me, genesis, 9), restored).unwrap();
        let mut till = Self { terminal, store, now, requests: 0, jitter: Jitter::new(3) };
        till.run();
        till
    }

    fn run(&mut self) {
        while let Some(output) = self.terminal.poll_output() {
            match output {
                Output::Persist(persist) | Output::Write(persist) => {
                    self.store.commit(std::slice::from_ref(&persist)).unwrap();
                    self.terminal.handle(self.now, Input::Persisted(persist.id));
                }
                Output::Load(load) => {
                    let rows = self.store.scan(load.space, &load.from, &load.to, load.max_bytes).unwrap();
                    self.terminal.handle(self.now, Input::Loaded(load.id, rows));
                }
                Output::Reply(_, reply) => drop(reply.unwrap()),
                Output::Transmit { .. } | Output::Uplink(..) | Output::Notice(_) => {}
            }
        }
    }

    fn name(&mut self) -> [u8; 16] {
        let (high, low) = (self.jitter.next_u64(), self.jitter.next_u64());
        (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
    }

    /// A sale after up to 20 s, paid up to 20 s later.
    fn sell(&mut self) {
        let lines = (1..=LINES).map(|no| {
            let product = format!("product-{:05}", self.jitter.range(0, PRODUCTS));
            Line { no, product, quantity: 1, unit_price: 129, amount: 129, ..Line::default() }
        });
        let draft = Draft::sale(BasketId([0; 16]), Currency::EUR, lines.collect());
        let basket = BasketId(self.name());
        self.pass();
        self.requests += 2;
        self.terminal.begin(self.now, RequestId(self.requests), Draft { basket, ..draft }).unwrap();
        self.run();
        self.pass();
        let key = IdempotencyKey(self.name());
        let tenders = Tender::cash(129 * i64::from(LINES)).into();
        self.terminal
            .commit(self.now, RequestId(self.requests + 1), Commit { basket, key, tenders })
            .unwrap();
        self.run();
    }

    fn pass(&mut self) {
        let ms = self.jitter.range(0, 20_000);
        self.now = Now::new(self.now.mono.0 + ms, self.now.wall.0 + ms);
    }
}

/// The batches in which a peer gets all events of the till.
fn batches(till: &Till) -> Vec<Batch> {
    let rows = till.store.scan(Space::Event, &[], &[255; 18], u32::MAX).unwrap();
    let records: Vec<(EventRecord, Hash)> =
        rows.iter().map(|(key, value)| EventRecord::from_row(key, value).unwrap()).collect();
    let run = |events: &[(EventRecord, Hash)]| Run {
        chain: events[0].0.id.chain,
        first: events[0].0.id.seq,
        head: events.last().unwrap().1,
        payloads: events.iter().map(|(record, _)| record.payload.clone()).collect(),
        gaps: Vec::new(),
    };
    records.chunks_exact(BATCH).map(|events| Batch { runs: vec![run(events)] }).collect()
}

#[test]
fn a_sale_costs_the_network_no_more_than_it_may() {
    let mut till = Till::open();
    (0..SALES).for_each(|_| till.sell());
    let batches = batches(&till);
    assert_eq!(batches.len(), SALES / BATCH);
    let per_event = |format: u16, dictionary: u32| {
        let bytes = batches.iter().map(|batch| {
            let bytes = batch.encode_for(format, dictionary, &Limits::DEFAULT);
            assert_eq!(Batch::decode(&bytes, &Limits::DEFAULT).as_ref(), Ok(batch));
            bytes.len()
        });
        bytes.sum::<usize>() / SALES
    };
    let (rows, columns) = (per_event(1, 1), per_event(BATCH_FORMAT, 1));
    let plain: usize = batches.iter().flat_map(|batch| &batch.runs[0].payloads).map(Vec::len).sum();
    println!(
        "an event of {} bytes: {columns} bytes in columns, of which {RANDOM_BYTES} are random, {rows} in rows; {} in columns without a dictionary",
        plain / SALES,
        per_event(BATCH_FORMAT, 0)
    );
    assert!(columns <= 70, "{columns} bytes an event");
    assert!(rows <= 185, "{rows} bytes an event for those who read no columns");
    let chain = Chain::new(ReplicaId::new(1, 5), edgepos::core::Lane::Transactions);
    assert_eq!((batches[0].runs[0].chain, batches[0].runs[0].first), (chain, Seq(1)));
}

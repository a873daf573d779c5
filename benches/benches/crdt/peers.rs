//! The same random retail work on document CRDTs: 15 terminals, 1,000 products, 200 sales each, every sale committed alone; then all
//! 15 are merged into one.
//!
//! They keep history and order, which a counter has no use for: figures to get a sense of scale, not a contest. yrs has no counter, so
//! each terminal writes its cumulative total under a key of its own; loro's counter is a floating-point number.

use std::time::Duration;

use automerge::transaction::Transactable;
use automerge::{ActorId, AutoCommit, ObjType, ROOT, ReadDoc, ScalarValue};
use edgepos_core::{EventId, Jitter, Seq};
use edgepos_crdt::{Item, Limits, PnDelta, PnTable, Session, VersionVector, Wire};
use loro::{ExportMode, LoroDoc};
use yrs::updates::decoder::Decode;
use yrs::{Any, Doc, Map, Out, ReadTxn, StateVector, Transact, Update};

use crate::measure::{Side, alone};
use crate::store::{self, TERMINALS};

const PRODUCTS: u64 = 1_000;
const SALES: usize = 200;
const ROUNDS: usize = 7;

/// (product, pieces) of one terminal, in order.
fn sales(terminal: usize) -> impl Iterator<Item = (u64, u64)> {
    let mut jitter = Jitter::derive(21, &[terminal as u64]);
    (0..SALES).map(move |_| (jitter.range(0, PRODUCTS), jitter.range(1, 6)))
}

fn truth() -> Vec<i64> {
    let mut stock = vec![0; PRODUCTS as usize];
    (0..TERMINALS).flat_map(sales).for_each(|(product, pieces)| stock[product as usize] -= pieces as i64);
    stock
}

struct Outcome {
    name: &'static str,
    /// What one terminal sends after its 200 sales.
    delta: usize,
    /// Merging the deltas of all, for each sale.
    merge: Duration,
    /// The whole state afterwards.
    state: usize,
}

pub(crate) fn run() {
    println!(
        "| | delta of one terminal, {SALES} sales | merging {TERMINALS} of them, per sale | the whole state |"
    );
    println!("|---|---|---|---|");
    for outcome in [ours(), yrs_map(), loro_counters(), automerge_counters()] {
        let Outcome { name, delta, merge, state } = outcome;
        println!("| {name} | {delta} B | {merge:.2?} | {state} B |");
    }
}

/// Times merging all deltas into a fresh document, and checks what comes out.
fn merging<D>(
    fresh: impl FnMut() -> D,
    mut merge: impl FnMut(&mut D, usize),
    mut show: impl FnMut(&D, u64) -> i64,
) -> Duration {
    let truth = truth();
    let side = Side::new(
        fresh,
        |document| (0..TERMINALS).for_each(|terminal| merge(document, terminal)),
        |document| {
            for (product, value) in (0..).zip(&truth) {
                assert_eq!(show(document, product), *value, "product {product}");
            }
        },
    );
    alone(ROUNDS, side) / (TERMINALS * SALES) as u32
}

fn ours() -> Outcome {
    let chains = store::chains();
    let session = Session::new(chains.clone(), VersionVector::new());
    let deltas: Vec<Vec<u8>> = (0..TERMINALS)
        .map(|terminal| {
            let mut table = PnTable::new();
            for (seq, (product, pieces)) in (1..).zip(sales(terminal)) {
                let dot = EventId::new(chains[terminal], Seq(seq));
                table.apply(dot, Item(product), -(pieces as i64)).expect("one event after the other");
            }
            table.delta_since(session.acknowledged()).encode_session(&session).expect("of this session")
        })
        .collect();
    let read = |terminal: usize| {
        PnDelta::decode_session(&deltas[terminal], &session, &Limits::default()).expect("of this session")
    };
    let merge = merging(
        PnTable::new,
        |table, terminal| {
            table.merge(&read(terminal)).expect("it follows");
        },
        |table, product| table.value(Item(product)).expect("a small number"),
    );
    let mut all = PnTable::new();
    (0..TERMINALS).for_each(|terminal| {
        all.merge(&read(terminal)).expect("it follows");
    });
    Outcome { name: "`PnTable`", delta: deltas[0].len(), merge, state: all.to_bytes().len() }
}

fn yrs_map() -> Outcome {
    let key = |product: u64, terminal: usize| format!("{product}/{terminal}");
    let deltas: Vec<Vec<u8>> = (0..TERMINALS)
        .map(|terminal| {
            let document = Doc::with_client_id(terminal as u64 + 1);
            let stock = document.get_or_insert_map("stock");
            let mut totals = vec![0_i64; PRODUCTS as usize];
            for (product, pieces) in sales(terminal) {
                totals[product as usize] -= pieces as i64;
                let mut transaction = document.transact_mut();
                stock.insert(&mut transaction, key(product, terminal), totals[product as usize]);
            }
            document.transact().encode_state_as_update_v1(&StateVector::default())
        })
        .collect();
    let apply = |document: &Doc, terminal: usize| {
        let update = Update::decode_v1(&deltas[terminal]).expect("it was just written");
        document.transact_mut().apply_update(update).expect("it is whole");
    };
    let merge = merging(
        Doc::new,
        |document, terminal| apply(document, terminal),
        |document, product| {
            let stock = document.get_or_insert_map("stock");
            let transaction = document.transact();
            let share = |terminal| match stock.get(&transaction, &key(product, terminal)) {
                Some(Out::Any(Any::Number(yrs::Number::Int(total)))) => total,
                Some(Out::Any(Any::Number(yrs::Number::Float(total)))) => total as i64,
                _ => 0,
            };
            (0..TERMINALS).map(share).sum()
        },
    );
    let all = Doc::new();
    (0..TERMINALS).for_each(|terminal| apply(&all, terminal));
    let state = all.transact().encode_state_as_update_v1(&StateVector::default()).len();
    Outcome { name: "yrs, a map of totals", delta: deltas[0].len(), merge, state }
}

fn loro_counters() -> Outcome {
    let key = |product: u64| format!("stock/{product}");
    let deltas: Vec<Vec<u8>> = (0..TERMINALS)
        .map(|terminal| {
            let document = LoroDoc::new();
            document.set_peer_id(terminal as u64 + 1).expect("a fresh document");
            for (product, pieces) in sales(terminal) {
                document.get_counter(key(product)).decrement(pieces as f64).expect("a counter");
                document.commit();
            }
            document.export(ExportMode::all_updates()).expect("a whole document")
        })
        .collect();
    let merge = merging(
        LoroDoc::new,
        |document, terminal| {
            document.import(&deltas[terminal]).expect("it was just written");
        },
        |document, product| document.get_counter(key(product)).get_value() as i64,
    );
    let all = LoroDoc::new();
    for delta in &deltas {
        all.import(delta).expect("it was just written");
    }
    let state = all.export(ExportMode::Snapshot).expect("a whole document").len();
    Outcome { name: "loro, counters", delta: deltas[0].len(), merge, state }
}

fn automerge_counters() -> Outcome {
    // Counters that are made apart would be different ones: all terminals begin with the same.
    let mut base = AutoCommit::new();
    base.set_actor(ActorId::from([0_u8; 8]));
    let stock = base.put_object(ROOT, "stock", ObjType::Map).expect("a fresh document");
    for product in 0..PRODUCTS {
        base.put(&stock, product.to_string(), ScalarValue::counter(0)).expect("a map");
    }
    let heads = base.get_heads();
    let deltas: Vec<Vec<u8>> = (0..TERMINALS)
        .map(|terminal| {
            let mut document = base.fork();
            document.set_actor(ActorId::from([terminal as u8 + 1; 8]));
            for (product, pieces) in sales(terminal) {
                document.increment(&stock, product.to_string(), -(pieces as i64)).expect("a counter");
                document.commit();
            }
            document.save_after(&heads)
        })
        .collect();
    let base = std::cell::RefCell::new(base);
    let merge = merging(
        || base.borrow_mut().fork(),
        |document, terminal| {
            document.load_incremental(&deltas[terminal]).expect("it was just written");
        },
        |document, product| {
            let (value, _) = document.get(&stock, product.to_string()).expect("a map").expect("a counter");
            value.as_i64().expect("a counter")
        },
    );
    let mut all = base.borrow_mut().fork();
    for delta in &deltas {
        all.load_incremental(delta).expect("it was just written");
    }
    Outcome { name: "automerge, counters", delta: deltas[0].len(), merge, state: all.save().len() }
}

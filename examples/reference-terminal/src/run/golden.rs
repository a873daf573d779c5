//! What the till API answers, to the byte: names and values of fields stay as they are; there may be more of them.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;

use edgepos::consensus::{Health, Leader};
use edgepos::core::{Chain, EventId, Lane, ReplicaId, Seq, StoreGeneration, Term};
use edgepos::crdt::VersionVector;
use edgepos::model::{
    BasketId, BookedName, Counter, CounterRow, Currency, ExceptionRaised, ExceptionResolved, Line, PriceSet,
    ShiftId, StockState,
};
use edgepos::{
    AuditEntry, Audited, Begun, Committed, Condition, ConditionKind, CounterValue, OpenBasket, OpenException,
    OpenShift, Refusal, Resolution, ResolutionState, ResolveError, Status, UnsignedReceipt,
};
use serde::Serialize;
use serde_json::Value;

use super::convert;

const ONE: ReplicaId = ReplicaId::new(1, 0x0123_4567_89ab);
const TWO: ReplicaId = ReplicaId::new(2, 0xabc);

fn event(seq: u64) -> EventId {
    EventId::new(Chain::new(TWO, Lane::Transactions), Seq(seq))
}

fn status() -> Status {
    let vector = |seq| -> VersionVector {
        let store = Chain::new(ReplicaId::store(StoreGeneration(0)), Lane::Transactions);
        [(store, Seq(3)), (Chain::new(TWO, Lane::Stock), Seq(seq))].into_iter().collect()
    };
    let milk = CounterRow::stock("milk", 0);
    Status {
        me: ONE,
        author: ONE,
        leader: Some(Leader { replica: ONE, term: Term(7) }),
        entitled: true,
        health: Health::Normal,
        durable: vector(17),
        cloud: vector(16),
        queued: 1,
        connected: vec![TWO],
        voters: vec![ONE, TWO],
        learners: vec![],
        open_shifts: vec![OpenShift {
            shift: ShiftId([0xcd; 16]),
            operator: Some("Ada".into()),
            since_ms: 1_700_000_000_000,
        }],
        open_baskets: 2,
        unsigned: vec![UnsignedReceipt {
            basket: BasketId([0xab; 16]),
            event: event(17),
            series: "S".into(),
            number: 4,
            since_ms: 1_700_000_000_000,
        }],
        unsigned_receipts: 1,
        erasures_known: true,
        level: 3,
        below_level: false,
        exceptions: vec![
            ExceptionRaised::new(&milk, -2, 0, vec![event(1), event(2)]),
            ExceptionRaised::duplicate(BookedName::Basket(BasketId([9; 16])), vec![event(3), event(4)]),
        ],
        open_exceptions: 2,
        quarantined: 5,
        set_aside: 0,
        disk_free: Some(7 << 20),
        business_day: Some(20_260_130),
        conditions: vec![Condition {
            kind: ConditionKind::DiskFull,
            since_ms: 1_700_000_000_000,
            count: 1,
            about: "the \"disk\"".into(),
        }],
        alerts: Vec::new(),
    }
}

fn receipt() -> edgepos::Receipt {
    edgepos::Receipt {
        event: event(17),
        basket: BasketId([0xab; 16]),
        series: "S".into(),
        number: 4,
        total: -258,
    }
}

/// An answer says all that it said in 0.1.0, name by name and value by value, and nothing but `added` beside it.
fn is(answer: &impl Serialize, name: &str, added: &[&str]) {
    let golden = GOLDEN.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap();
    let text = serde_json::to_string(answer).unwrap();
    let (said, golden): (Value, Value) =
        (serde_json::from_str(&text).unwrap(), serde_json::from_str(golden).unwrap());
    let mut more = BTreeSet::new();
    compare(&said, &golden, "", &mut more);
    assert_eq!(more, added.iter().map(|field| (*field).to_owned()).collect(), "{text}");
}

fn compare(said: &Value, golden: &Value, place: &str, more: &mut BTreeSet<String>) {
    match (said, golden) {
        (Value::Object(said), Value::Object(golden)) => {
            for (field, golden) in golden {
                let said = said.get(field).unwrap_or_else(|| panic!("{place}.{field} is gone"));
                compare(said, golden, &format!("{place}.{field}"), more);
            }
            more.extend(
                said.keys()
                    .filter(|field| !golden.contains_key(*field))
                    .map(|field| format!("{place}.{field}")),
            );
        }
        (Value::Array(said), Value::Array(golden)) => {
            assert_eq!(said.len(), golden.len(), "{place}");
            said.iter().zip(golden).for_each(|(said, golden)| compare(said, golden, place, more));
        }
        _ => assert_eq!(said, golden, "{place}"),
    }
}

/// What version 0.1.0 said, a line each; behind it what later versions were the first to say.
const GOLDEN: &str = include_str!("golden.txt");

#[test]
fn a_status_says_this() {
    // The exceptions beyond the first page are asked for, so that a status says how many there are.
    let added = [
        ".alerts",
        ".disk_free",
        ".erasures_known",
        ".open_exceptions",
        ".exceptions.floor",
        ".learners",
        ".set_aside",
        ".voters",
        ".open_shifts",
        ".unsigned",
        ".unsigned_receipts",
    ];
    is(&status(), "status", &added);
    let nobody = Status { leader: None, health: Health::Leaderless, business_day: None, ..status() };
    is(&nobody, "status of nobody", &added);
}

#[test]
fn what_a_sale_is_told_says_this() {
    is(&Begun { number: 4, total: 258 }, "begun", &[]);
    is(&Committed { receipt: receipt(), repeated: false, fiscal: None }, "receipt", &[]);
    is(&convert::problem(&Refusal::BasketBooked(receipt())), "booked", &[]);
    is(&convert::problem(&Refusal::DiskFull), "disk full", &[]);
    let line =
        Line { no: 1, product: "milk".into(), quantity: 2, amount: 258, unit_price: 129, ..Line::default() };
    let claimed = edgepos::Claimed { number: 4, total: 258, lines: vec![line] };
    is(&convert::claimed(BasketId([0xab; 16]), claimed), "claimed", &[]);
    let open = OpenBasket {
        basket: BasketId([1; 16]),
        series: "S".into(),
        number: 4,
        total: 258,
        begun_ms: 9,
        currency: Currency::EUR,
        lines: Vec::new(),
        operator: None,
        terminal: 3,
    };
    is(&open, "open basket", &[".begun_ms", ".currency", ".lines", ".operator", ".terminal"]);
}

/// A decision with every field, as `edgepos/tests/golden.rs` has its bytes.
fn resolved() -> ExceptionResolved {
    let hex = "af004b000000000001006d696c6b010102040363416461047069742077617320736f6c64206f6e6365051b0000018bcfe5680006090750cccccccccccccccccccccccccccccccc0851000300000000000501000000000000000909220a5100030000000000050100000000000000090bf50c62426f0da60004015100030000000000050100000000000000090265667261756403816a6c6f6f6b2061742069740481825100030000000000050100000000000000091902bc05000e02";
    let bytes: Vec<u8> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    minicbor::decode(&bytes).unwrap()
}

#[test]
fn resolutions_say_this() {
    let resolved = resolved();
    let proposed = resolved.advice.clone();
    is(&Resolution { event: event(17), resolved: resolved.clone(), repeated: true }, "resolution", &[]);
    let raised = ExceptionRaised::new(&CounterRow::stock("milk", 0), -2, 0, vec![event(1)]);
    let (resolution, base) = (Some(event(17)), 9);
    let open = OpenException { raised, base, proposed, resolution, resolved: Some(resolved.clone()) };
    is(&open, "open exception", &[]);
    let (what, state) = (Audited::Resolved(resolved), ResolutionState::Refused);
    is(&AuditEntry { event: event(17), what, state }, "audit", &[]);
    let stale = ResolveError::Stale { base: 3, current: 4 };
    is(&convert::problem(&stale.into()), "stale", &[]);
}

#[test]
fn counters_and_prices_say_this() {
    let row = |counter, key: &[u8]| CounterRow {
        counter,
        location: 2,
        state: StockState::OnHand,
        key: key.to_vec(),
    };
    for (row, name) in [
        (CounterRow::stock("milk", 0), "stock"),
        (CounterRow::returnable(BasketId([0x41; 16]), 0x4142), "returnable"),
        (CounterRow::cash("drawer \"1\"", Currency::EUR), "cash"),
        (row(Counter::POINTS, "Jürgen".as_bytes()), "points"),
        (row(Counter(0x8001), &[0x41, 0x00]), "vendor counter"),
        (row(Counter(0x8001), &[0xff]), "vendor bytes"),
    ] {
        is(&CounterValue { row, value: -7 }, name, &[]);
    }
    let price = PriceSet {
        product: "milk".into(),
        list: 1,
        amount: 129,
        currency: Currency::EUR,
        tax_included: true,
        valid_from: Some(1),
        valid_to: None,
        version: None,
    };
    is(&price, "price", &[".version"]);
}

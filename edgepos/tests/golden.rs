//! The bytes of events, which are on disks and in clouds: they change by addition only.

#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos::core::{Chain, EventId, IdempotencyKey, Lane, ReplicaId, Seq};
use edgepos::crdt::{Hlc, VersionVector};
use edgepos::model::{
    BasketId, CounterRow, Currency, DayClosed, DocType, Effect, Envelope, ExceptionRaised, Kind, Line, Ref,
    RefRole, Tender, Transaction,
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn sale() -> Envelope {
    let transaction = Transaction {
        basket: BasketId([0xBB; 16]),
        doc_type: DocType::Sale,
        series: "S".into(),
        number: 7,
        customer: None,
        currency: Currency::EUR,
        lines: vec![Line { no: 1, product: "milk".into(), quantity: 2, amount: 258, ..Line::default() }],
        tenders: vec![Tender::cash(258)],
        taxes: vec![],
        rounding: 0,
        total: 258,
    };
    let body = minicbor::to_vec(&transaction).unwrap();
    let mut envelope =
        Envelope::new(Kind::TRANSACTION, 1_700_000_000_000, Hlc::from_parts(1_700_000_000_000, 3), body)
            .with_key(Some(IdempotencyKey([0xCC; 16])));
    envelope.business_day = Some(20_231_114);
    envelope.workstation = 2;
    envelope.refs = vec![Ref { role: RefRole::CUSTOMER, id: b"c9".to_vec() }];
    envelope.effects = vec![Effect::new(CounterRow::stock("milk", 0), -2, Some(0))];
    envelope
}

const SALE: &str = "af00010101021b0000018bcfe5680003000400051b018bcfe568000003061a0134b3ca070008020b000c8182034263390d81\
    a7000001446d696c6b020003000421050006000e5845aa0050bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb010002615303070563\
    4555520681a7000101646d696c6b02020300040005190102068007818200190102088009000a1901020fa01150cccccccccc\
    cccccccccccccccccccccc";

#[test]
fn a_sale_is_these_bytes() {
    assert_eq!(hex(&sale().encode()), SALE);
    assert_eq!(Envelope::decode(&bytes(SALE)).unwrap(), sale());
}

#[test]
fn a_later_versions_keys_are_skipped_and_its_kinds_are_carried() {
    // {0: 999, 1: 2, 2: 5, 5: 6, 14: h'01', 200: "new"}
    let later = bytes("a6001903e7010202050506 0e4101 18c8636e6577".replace(' ', "").as_str());
    let envelope = Envelope::decode(&later).unwrap();
    assert_eq!((envelope.kind, envelope.schema, envelope.hlc()), (Kind(999), 2, Hlc(6)));
    assert_eq!(envelope.body, [1]);
}

#[test]
fn what_is_no_envelope_is_an_error_with_its_place() {
    for bad in [
        "",
        "a0",
        "80",
        "ff",
        "a1001903e7",
        "a6001903e7010202050506\
        0e410118c8636e657700",
    ] {
        let error = Envelope::decode(&bytes(bad)).unwrap_err().to_string();
        assert!(error.starts_with("envelope does not decode"), "{bad}: {error}");
    }
}

#[test]
fn small_bodies_are_these_bytes() {
    let id = EventId::new(Chain::new(ReplicaId::new(3, 5), Lane::Stock), Seq(9));
    let mut seen = VersionVector::new();
    seen.set_max(id.chain, id.seq);
    let closed = DayClosed::new(20_231_114, 5_000, &seen);
    assert_eq!(hex(&minicbor::to_vec(&closed).unwrap()), CLOSED);
    let closed: DayClosed = minicbor::decode(&bytes(CLOSED)).unwrap();
    assert_eq!(closed.watermark(), seen);

    let raised = ExceptionRaised::new(&CounterRow::stock("milk", 1), -3, 0, vec![id]);
    assert_eq!(hex(&minicbor::to_vec(&raised).unwrap()), RAISED);
    let raised: ExceptionRaised = minicbor::decode(&bytes(RAISED)).unwrap();
    assert_eq!(raised.row(), Some(CounterRow::stock("milk", 1)));
}

const CLOSED: &str = "a3001a0134b3ca011913880281510003000000000005010000000000000009";
const RAISED: &str = "a60000014b000000000001006d696c6b0201032204000581510003000000000005010000000000000009";

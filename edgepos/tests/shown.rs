//! What a vendor shows, as JSON: ids as text, bodies in words, bytes in hexadecimal.
#![cfg(feature = "serde")]
#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos::consensus::{self, Leader};
use edgepos::core::{Chain, EventId, IdempotencyKey, Lane, ReplicaId, Seq, Term};
use edgepos::crdt::Hlc;
use edgepos::model::{BasketId, CounterRow, Currency, Effect, Envelope, Kind, Line, Tender};
use edgepos::sync::{self, Hash};
use edgepos::{Alert, Committed, Durability, Notice, Receipt, StoredEvent};
use serde_json::{Value, json, to_value};

const ONE: ReplicaId = ReplicaId::new(1, 0x0123_4567_89ab);

fn event() -> EventId {
    EventId::new(Chain::new(ONE, Lane::Transactions), Seq(17))
}

#[test]
fn an_event_is_shown_with_what_its_body_says() {
    let mut envelope = Envelope::new(Kind(999), 5, Hlc::from_parts(5, 1), vec![8, 255])
        .with_key(Some(IdempotencyKey([0xab; 16])));
    envelope.effects = vec![Effect::new(CounterRow::stock("milk", 0), -2, Some(0))];
    envelope.ext.insert("vendor".into(), vec![1, 2]);
    let stored =
        StoredEvent { id: event(), hash: Hash([7; 32]), envelope: Some(envelope), payload: vec![0xa0] };
    let shown = to_value(&stored).unwrap();
    assert_eq!(shown["id"], "1-0123456789ab/0:17");
    assert_eq!(shown["payload"], "a0");
    let envelope = &shown["envelope"];
    assert_eq!(envelope["body"], json!({ "unknown": [999, "08ff"] }));
    assert_eq!(envelope["hlc"], "5.1");
    assert_eq!(envelope["key"], "ab".repeat(16));
    assert_eq!(envelope["ext"], json!({ "vendor": "0102" }));
    let row = json!({ "counter": 0, "key": "milk", "location": 0 });
    assert_eq!(envelope["effects"], json!([{ "row": row, "delta": -2, "scale": 0, "floor": 0 }]));
    let broken = Envelope::new(Kind::TRANSACTION, 5, Hlc(1), vec![0xff]);
    assert_eq!(to_value(&broken).unwrap()["body"], "ff");
}

#[test]
fn what_is_data_reads_back() {
    let receipt =
        Receipt { event: event(), basket: BasketId([9; 16]), series: "S".into(), number: 4, total: -258 };
    let committed = Committed { receipt, repeated: true, fiscal: None };
    let text = serde_json::to_string(&committed).unwrap();
    assert_eq!(serde_json::from_str::<Committed>(&text).unwrap(), committed, "{text}");
    let line = Line { no: 1, product: "milk".into(), quantity: 2, amount: 258, ..Line::default() };
    let text = serde_json::to_string(&(line.clone(), Tender::cash(258), Currency::EUR)).unwrap();
    assert_eq!(
        serde_json::from_str::<(Line, Tender, Currency)>(&text).unwrap(),
        (line, Tender::cash(258), Currency::EUR)
    );
}

#[test]
fn notices_have_a_name_and_their_fields() {
    let leader = Leader { replica: ONE, term: Term(3) };
    let alert =
        Alert { name: "queue", firing: true, value: 2.0, threshold: 1.0, says: "much", remedy: "less" };
    let said: [(Notice, Value); 4] = [
        (
            Notice::Election(consensus::Notice::LeaderChanged(Some(leader))),
            json!({ "notice": "leader_changed", "leader": "1-0123456789ab", "term": 3 }),
        ),
        (
            Notice::Sync(sync::Notice::Damaged { id: event() }),
            json!({ "notice": "damaged", "id": "1-0123456789ab/0:17" }),
        ),
        (
            Notice::Refused { from: ONE, reason: "why".into() },
            json!({ "notice": "frame_refused", "from": "1-0123456789ab", "reason": "why" }),
        ),
        (
            Notice::Alert(alert),
            json!({ "notice": "alert", "alert": "queue", "firing": true, "value": 2.0, "threshold": 1.0, "says": "much", "remedy": "less" }),
        ),
    ];
    for (notice, expected) in said {
        assert_eq!(to_value(&notice).unwrap(), expected);
    }
    assert_eq!(to_value(Durability::AtLeader).unwrap(), "at_leader");
    assert_eq!(to_value(consensus::Report::default()).unwrap()["failover_max_ms"], 0);
}

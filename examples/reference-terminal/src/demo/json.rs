//! The same events as a vendor would post them: readable JSON with names, each event whole. A yardstick for the bytes on the wire.

use edgepos::core::EventId;
use edgepos::model::{
    DayClosed, DayOpened, DocType, Envelope, ExceptionRaised, KnownKind, NumberVoided, PriceSet, ProductSet,
    StockMoved, Transaction,
};
use serde_json::{Value, json};

use crate::names::hex;

/// How many bytes the event takes in JSON.
pub(super) fn vendor_bytes(id: EventId, envelope: &Envelope) -> u64 {
    serde_json::to_vec(&vendor(id, envelope)).map_or(0, |bytes| bytes.len() as u64)
}

/// The event as readable JSON.
pub(crate) fn vendor(id: EventId, envelope: &Envelope) -> Value {
    let mut event = json!({
        "id": id.to_string(),
        "type": envelope.kind.name(),
        "timestamp": envelope.utc_ms,
        "business_day": envelope.business_day,
        "location": envelope.location,
        "terminal": envelope.workstation,
    });
    if let Some(key) = envelope.idempotency_key() {
        event["idempotency_key"] = json!(key.to_string());
    }
    event[envelope.kind.name()] = body(envelope).unwrap_or_else(|| json!({ "bytes": hex(&envelope.body) }));
    event
}

/// The body by its kind; `None` where it is no body that this version knows.
fn body(envelope: &Envelope) -> Option<Value> {
    let body = &envelope.body;
    Some(match envelope.kind.known() {
        Some(KnownKind::Transaction) => transaction(&minicbor::decode(body).ok()?),
        Some(KnownKind::NumberVoided) => {
            let voided: NumberVoided = minicbor::decode(body).ok()?;
            json!({ "series": voided.series, "number": voided.number, "basket": voided.basket.to_string() })
        }
        Some(KnownKind::StockMoved) => {
            let moved: StockMoved = minicbor::decode(body).ok()?;
            let line = |line: &edgepos::model::StockLine| json!({ "product": line.product, "quantity": line.quantity });
            json!({
                "reason": format!("{:?}", moved.reason).to_lowercase(),
                "from": moved.from,
                "lines": moved.lines.iter().map(line).collect::<Vec<_>>(),
            })
        }
        Some(KnownKind::ProductSet) => {
            let set: ProductSet = minicbor::decode(body).ok()?;
            json!({ "product": set.product, "name": set.name, "base_unit": set.base_unit })
        }
        Some(KnownKind::PriceSet) => {
            let set: PriceSet = minicbor::decode(body).ok()?;
            json!({ "product": set.product, "amount": set.amount, "currency": set.currency.to_string() })
        }
        Some(KnownKind::DayOpened) => {
            let opened: DayOpened = minicbor::decode(body).ok()?;
            json!({ "day": opened.day, "float": opened.float })
        }
        Some(KnownKind::DayClosed) => {
            let closed: DayClosed = minicbor::decode(body).ok()?;
            json!({ "day": closed.day, "counted": closed.counted })
        }
        Some(KnownKind::ExceptionRaised) => {
            let raised: ExceptionRaised = minicbor::decode(body).ok()?;
            let involved: Vec<String> = raised.involved.iter().map(ToString::to_string).collect();
            json!({ "exception": raised.exception.name(), "value": raised.value, "involved": involved })
        }
        // As bytes: the demo raises none of these, and a vendor's own says nothing to us.
        Some(
            KnownKind::ExceptionEnded
            | KnownKind::PaymentIntent
            | KnownKind::PaymentOutcome
            | KnownKind::ResolutionProposed
            | KnownKind::ExceptionResolved
            | KnownKind::BasketParked
            | KnownKind::BasketClaimed
            | KnownKind::BasketClosed
            | KnownKind::FiscalSigned
            | KnownKind::ReceiptPrinted
            | KnownKind::CustomerSet
            | KnownKind::CustomerLinked
            | KnownKind::CustomerUnlinked
            | KnownKind::CustomerErased
            | KnownKind::DocumentSet
            | KnownKind::CashMoved
            | KnownKind::ShiftOpened
            | KnownKind::ShiftClosed
            | KnownKind::StockCounted
            | KnownKind::CountSettled
            | KnownKind::Attached
            | KnownKind::Custom,
        )
        | None => return None,
    })
}

fn transaction(transaction: &Transaction) -> Value {
    let lines = transaction.lines.iter().map(|line| {
        let mut object = json!({
            "no": line.no,
            "product": line.product,
            "quantity": line.quantity,
            "unit_price": line.unit_price,
            "amount": line.amount,
        });
        if !line.discounts.is_empty() {
            let discount = |d: &edgepos::model::Discount| json!({ "code": d.code, "amount": d.amount });
            object["discounts"] = line.discounts.iter().map(discount).collect();
        }
        if let Some(original) = line.original {
            object["original"] = json!({ "basket": original.basket.to_string(), "line": original.line });
        }
        object
    });
    let tenders =
        transaction.tenders.iter().map(|tender| json!({ "kind": tender.kind.0, "amount": tender.amount }));
    json!({
        "basket": transaction.basket.to_string(),
        "type": match transaction.doc_type {
            DocType::Sale => "sale",
            DocType::Return => "return",
            DocType::Exchange => "exchange",
            DocType::Void => "void",
            DocType::NoSale => "no_sale",
        },
        "series": transaction.series,
        "number": transaction.number,
        "customer": transaction.customer,
        "currency": transaction.currency.to_string(),
        "lines": lines.collect::<Vec<_>>(),
        "tenders": tenders.collect::<Vec<_>>(),
        "total": transaction.total,
    })
}

//! Checks of who signs receipts.

use std::time::Duration;

use edgepos_core::{Chain, EventId, Lane, ReplicaId, Seq};
use edgepos_wire::to_cbor;
use tokio::time::timeout;

use crate::model::{BasketId, Currency, DocType, Signature, Tender, Transaction};
use crate::ports::Signer;
use crate::retail::sale::fiscal::{SignError, ToSign};

/// Longest time that anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs every check on a signer whose device is there, and on one whose device is `away`. Receipts 1 to 3 of a series `CONFORMANCE` are
/// signed: use a device that is made for tests.
///
/// # Panics
/// With what is wrong, when a check fails.
pub async fn signer(signer: &dyn Signer, away: &dyn Signer) {
    let first = sign(signer, &receipt(1, 258)).await;
    let second = sign(signer, &receipt(2, 258)).await;
    assert_ne!(first.as_bytes(), second.as_bytes(), "two receipts have one signature");
    // The process ended before the sale was booked, and the till asks again.
    let again = sign(signer, &receipt(1, 258)).await;
    assert_eq!(again, first, "a receipt that is asked for again gets the signature that it has");
    let event = Some(EventId::new(Chain::new(ReplicaId::new(1, 5), Lane::Transactions), Seq(9)));
    let later = sign(signer, &ToSign { event, ..receipt(2, 258) }).await;
    assert_eq!(later, second, "a receipt that is booked by now gets the signature that it has");
    // A call that nobody waits for any more does no harm.
    drop(signer.sign(&receipt(3, 1)));
    sign(signer, &receipt(3, 1)).await;
    match ask(away, &receipt(1, 258)).await {
        Err(SignError::Away(_)) => {}
        other => panic!("a device that is away is no answer, so that it is asked again later: {other:?}"),
    }
}

async fn sign(signer: &dyn Signer, receipt: &ToSign) -> Signature {
    let signature =
        ask(signer, receipt).await.unwrap_or_else(|error| panic!("a device that is there signs: {error}"));
    assert!(!signature.as_bytes().is_empty(), "a signature has at least one byte");
    let meant = signature.meant_for(&receipt.series, receipt.number);
    meant.unwrap_or_else(|error| panic!("a signature names the receipt that was asked for: {error}"))
}

async fn ask(signer: &dyn Signer, receipt: &ToSign) -> Result<Signature, SignError> {
    timeout(PATIENCE, signer.sign(receipt)).await.expect("a call ends within a bounded time")
}

fn receipt(number: u64, total: i64) -> ToSign {
    let transaction = Transaction {
        basket: BasketId([number as u8; 16]),
        doc_type: DocType::Sale,
        series: "CONFORMANCE".into(),
        number,
        customer: None,
        currency: Currency::EUR,
        lines: Vec::new(),
        tenders: vec![Tender::cash(total)],
        taxes: Vec::new(),
        rounding: 0,
        total,
        change: None,
        unreferenced: None,
    };
    ToSign::of(&transaction, to_cbor(&transaction), None)
}

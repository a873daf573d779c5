//! Receipts of one number.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::Store;
use edgepos::core::Space;
use edgepos::model::{BasketId, Envelope, ExceptionRaised, Kind, ReceiptNumber, Transaction};
use edgepos::sync::EventRecord;

use super::Till;

/// The numbers of receipts that are raised; nothing else is.
pub fn raised(exceptions: &[ExceptionRaised]) -> Vec<ReceiptNumber> {
    exceptions.iter().map(|raised| raised.receipt_number().expect("nothing but numbers is raised")).collect()
}

/// The numbers that two baskets have among the sales that a till holds.
pub fn shared(till: &Till) -> Vec<ReceiptNumber> {
    let mut baskets: BTreeMap<ReceiptNumber, BTreeSet<BasketId>> = BTreeMap::new();
    for (key, value) in till.disk.scan(Space::Event, &[], &[255; 64], u32::MAX).expect("memory") {
        let Some((record, _)) = EventRecord::from_row(&key, &value) else { continue };
        let envelope = Envelope::decode(&record.payload).expect("a sale");
        if envelope.kind == Kind::TRANSACTION {
            let sale: Transaction = minicbor::decode(&envelope.body).expect("a sale");
            let first = envelope.reissue_of().map_or(record.id, |of| of.event);
            let terminal = first.chain.replica.terminal();
            let number = ReceiptNumber { terminal, number: sale.number, series: sale.series };
            baskets.entry(number).or_default().insert(sale.basket);
        }
    }
    baskets.into_iter().filter(|(_, baskets)| baskets.len() > 1).map(|(number, _)| number).collect()
}

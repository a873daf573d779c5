//! Nothing that was acknowledged is lost: the tills' ledger against every disk and the cloud.

use edgepos::model::{DecodeError, Envelope, Transaction};
use edgepos_core::EventId;
use thiserror::Error;

use super::events::Events;
use super::held::Held;
use super::ledger::Ledger;
use super::rule::{Rule, Violation};
use super::view::StoreView;

pub(super) fn check(view: &StoreView, ledger: &Ledger, found: &mut Vec<Violation>) {
    let disks = view.terminals.iter().map(|terminal| (terminal.replica.to_string(), &terminal.events));
    if !view.put_back.is_empty() {
        return in_cloud(view, ledger, found);
    }
    for (holder, events) in disks.chain([("the cloud".to_owned(), &view.cloud.events)]) {
        for (id, basket) in ledger.baskets() {
            for receipt in basket.receipt.iter().chain(&basket.second) {
                if let Err(why) = holds(events, receipt) {
                    found.push(lost(format!("receipt {} of basket {id} at {holder}: {why}", receipt.number)));
                }
            }
        }
        for (event, _) in ledger.recorded().filter(|(event, _)| !events.contains_key(event)) {
            found.push(lost(format!("event {event}, said to be recorded, is not at {holder}")));
        }
    }
}

/// With disks that were put back: what anybody held when it was is in the cloud, under whatever name.
fn in_cloud(view: &StoreView, ledger: &Ledger, found: &mut Vec<Violation>) {
    let mut held = Held::default();
    held.add(&view.cloud.events);
    for (id, receipt) in ledger.kept_receipts().filter(|(_, receipt)| !held.has_sale(receipt)) {
        let number = receipt.number;
        found.push(lost(format!("receipt {number} of basket {id}, {}, is not in the cloud", receipt.event)));
    }
    for (event, _) in ledger.kept_events().filter(|(event, hash)| !held.has_event(*event, *hash)) {
        found.push(lost(format!("event {event}, said to be recorded, is not in the cloud under any name")));
    }
}

/// Why a holder does not have what a receipt promised.
#[derive(Debug, Error)]
enum NotHeld {
    #[error("event {0} is missing")]
    Missing(EventId),
    #[error("event {0}: {1}")]
    Envelope(EventId, DecodeError),
    #[error("event {0}: {1}")]
    Body(EventId, minicbor::decode::Error),
    #[error("event {0} says {1:?}")]
    Other(EventId, Box<Transaction>),
}

fn holds(events: &Events, receipt: &edgepos::Receipt) -> Result<(), NotHeld> {
    let event = receipt.event;
    let payload = events.get(&event).ok_or(NotHeld::Missing(event))?;
    let envelope = Envelope::decode(payload).map_err(|error| NotHeld::Envelope(event, error))?;
    let transaction: Transaction =
        minicbor::decode(&envelope.body).map_err(|error| NotHeld::Body(event, error))?;
    let same = transaction.basket == receipt.basket
        && transaction.series == receipt.series
        && transaction.number == receipt.number
        && transaction.total == receipt.total;
    if same { Ok(()) } else { Err(NotHeld::Other(event, Box::new(transaction))) }
}

fn lost(what: String) -> Violation {
    Violation::new(Rule::NothingLost, what)
}

#[cfg(test)]
mod tests {
    use super::super::ledger::tests::{paid, receipt};
    use super::super::view::tests::store_with_one_sale;
    use super::*;

    fn rules(view: &StoreView, ledger: &Ledger) -> Vec<Rule> {
        let mut found = Vec::new();
        check(view, ledger, &mut found);
        found.into_iter().map(|violation| violation.rule).collect()
    }

    #[test]
    fn a_receipt_must_be_on_every_disk_and_in_the_cloud() {
        let whole = store_with_one_sale();
        assert_eq!(rules(&whole, &paid()), []);
        let mut view = whole.clone();
        view.terminals[1].events.remove(&receipt(1, 1).event);
        assert_eq!(rules(&view, &paid()), [Rule::NothingLost]);
        let mut view = whole;
        view.cloud.events.clear();
        assert_eq!(rules(&view, &paid()), [Rule::NothingLost]);
    }

    #[test]
    fn an_event_with_other_contents_is_no_proof() {
        let mut view = store_with_one_sale();
        let payload = view.terminals[0].events[&receipt(2, 1).event].clone();
        view.terminals[0].events.insert(receipt(1, 1).event, payload);
        assert_eq!(rules(&view, &paid()), [Rule::NothingLost]);
    }

    #[test]
    fn other_events_count_as_well() {
        let mut ledger = paid();
        ledger.records(0, receipt(3, 1).event).unwrap();
        assert_eq!(rules(&store_with_one_sale(), &ledger), [Rule::NothingLost; 3]);
    }
}

//! What a set of events holds of what was promised, whatever names it has: a disk that is put back costs its events their names.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::Receipt;
use edgepos::model::{BasketId, Envelope, Kind, Transaction};
use edgepos_core::{Chain, EventId, Seq};
use edgepos_sync::Hash;

use super::events::Events;

/// Sales by what is printed on them, and events by their names and the hash of the chain there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held {
    sales: BTreeSet<(BasketId, String, u64)>,
    names: BTreeSet<(EventId, Hash)>,
}

impl Held {
    /// What these hold, too.
    pub(crate) fn add(&mut self, events: &Events) {
        for (id, hash) in hashes(events) {
            self.names.insert((id, hash));
        }
        for payload in events.values() {
            let Ok(envelope) = Envelope::decode(payload) else { continue };
            let before = envelope.origin.as_ref().map(|origin| [origin.reissue_of, origin.replaces]);
            let before = before.into_iter().flatten().flatten();
            self.names.extend(before.map(|old| (old.event, old.hash())));
            if envelope.kind == Kind::TRANSACTION
                && let Ok(sale) = minicbor::decode::<Transaction>(&envelope.body)
            {
                self.sales.insert((sale.basket, sale.series, sale.number));
            }
        }
    }

    /// Whether the sale is there.
    pub(crate) fn has_sale(&self, receipt: &Receipt) -> bool {
        self.sales.contains(&(receipt.basket, receipt.series.clone(), receipt.number))
    }

    /// Whether the event is there that had this name where its chain had this hash.
    pub(crate) fn has_event(&self, id: EventId, hash: Hash) -> bool {
        self.names.contains(&(id, hash))
    }
}

/// The hash of its chain at each event. Behind a gap there is none.
pub(crate) fn hashes(events: &Events) -> BTreeMap<EventId, Hash> {
    let mut ends: BTreeMap<Chain, (Seq, Hash)> = BTreeMap::new();
    let mut hashes = BTreeMap::new();
    for (id, payload) in events {
        let (last, hash) = ends.get(&id.chain).copied().unwrap_or((Seq::ZERO, Hash::ZERO));
        if id.seq == last.next() {
            let hash = hash.link(*id, payload);
            ends.insert(id.chain, (id.seq, hash));
            hashes.insert(*id, hash);
        }
    }
    hashes
}

#[cfg(test)]
mod tests {
    use edgepos::model::{Origin, Reissue};

    use super::super::ledger::tests::receipt;
    use super::super::view::tests::store_with_one_sale;
    use super::*;

    #[test]
    fn a_sale_is_held_under_its_old_and_under_its_new_name() {
        let events = store_with_one_sale().cloud.events;
        let receipt = receipt(1, 1);
        let hash = hashes(&events)[&receipt.event];
        let mut held = Held::default();
        held.add(&events);
        assert!(held.has_sale(&receipt) && held.has_event(receipt.event, hash));
        assert!(!held.has_event(receipt.event, Hash([9; 32])));

        let mut envelope = Envelope::decode(&events[&receipt.event]).unwrap();
        let reissue_of = Some(Reissue::new(receipt.event, hash));
        envelope.origin = Some(Origin { reissue_of, ..Origin::default() });
        let chain = Chain { replica: edgepos_core::ReplicaId::new(1, 2), ..receipt.event.chain };
        let events = Events::from([(EventId::new(chain, Seq(1)), envelope.encode())]);
        let mut held = Held::default();
        assert!(!held.has_sale(&receipt));
        held.add(&events);
        assert!(held.has_sale(&receipt) && held.has_event(receipt.event, hash));
    }
}

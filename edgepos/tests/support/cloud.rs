//! A cloud that keeps what it takes, and what can be asked of it.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::core::{EventId, Seq, WallMs};
use edgepos::crdt::VersionVector;
use edgepos::model::{BasketId, Body, Envelope, Kind};
use edgepos::sync::{Batch, CloudReply, CloudRequest, Hash, IngestState, Limits, Run};

#[derive(Default)]
pub(crate) struct Cloud {
    state: IngestState,
    events: BTreeMap<EventId, (Vec<u8>, Hash)>,
}

impl Cloud {
    pub(crate) fn answer(&mut self, wall: WallMs, request: &CloudRequest) -> CloudReply {
        let (reply, taken) = self.state.handle(wall, request, &Limits::DEFAULT);
        self.events.extend(taken.into_iter().map(|(record, hash)| (record.id, (record.payload, hash))));
        match reply {
            CloudReply::Hash { event, .. } => {
                CloudReply::Hash { event, hash: self.events.get(&event).map(|(_, hash)| *hash) }
            }
            CloudReply::Events { first, last, .. } => self.give(first, last),
            reply => reply,
        }
    }

    /// The events as one run; what it lacks one of it does not give.
    fn give(&self, first: EventId, last: Seq) -> CloudReply {
        let id = |seq| EventId::new(first.chain, Seq(seq));
        let base = self.events.get(&id(first.seq.0.saturating_sub(1))).map(|(_, hash)| *hash);
        let held = (first.seq.0..=last.0).map(|seq| self.events.get(&id(seq)).cloned());
        let run = held.collect::<Option<Vec<_>>>().and_then(|events| {
            let (payloads, hashes): (Vec<_>, Vec<_>) = events.into_iter().unzip();
            let (chain, first, head) = (first.chain, first.seq, *hashes.last()?);
            Some(Run { chain, first, head, payloads, gaps: Vec::new() })
        });
        let batch = run.map(|run| Batch { runs: vec![run] }.encode(&Limits::DEFAULT));
        CloudReply::Events { first, last, batch, base }
    }

    /// Whether it has every event up to these positions.
    pub(crate) fn holds(&self, vector: &VersionVector) -> bool {
        let has = |chain, seq| self.events.contains_key(&EventId::new(chain, Seq(seq)));
        vector.iter().all(|(chain, last)| (1..=last.0).all(|seq| has(chain, seq)))
    }

    /// What it has of an event: the bytes and the hash of the chain up to it.
    #[allow(dead_code, reason = "not every test compares bytes")]
    pub(crate) fn event(&self, id: EventId) -> Option<&(Vec<u8>, Hash)> {
        self.events.get(&id)
    }

    fn envelopes(&self) -> impl Iterator<Item = (EventId, Envelope)> + '_ {
        self.events.iter().filter_map(|(id, (payload, _))| Some((*id, Envelope::decode(payload).ok()?)))
    }

    /// The sales that it has, in order: the basket of each that counts. Of all that repeat one event one counts, and none where that event itself is
    /// here.
    pub(crate) fn sales(&self) -> Vec<BasketId> {
        let mut repeated = BTreeSet::new();
        let counts = |(id, envelope): &(EventId, Envelope)| {
            let Some(of) = envelope.reissue_of() else { return envelope.duplicate_of.is_none() };
            let is_here = self.events.get(&of.event).is_some_and(|(_, hash)| *hash == of.hash());
            *id != of.event
                && !is_here
                && envelope.duplicate_of.is_none()
                && repeated.insert((of.event, of.hash()))
        };
        let counting: Vec<_> = self.envelopes().filter(counts).collect();
        let sales = counting.into_iter().filter(|(_, envelope)| envelope.kind == Kind::TRANSACTION);
        let basket = |(_, envelope): (EventId, Envelope)| match envelope.read_body().ok()? {
            Body::Transaction(sale) => Some(sale.basket),
            _ => None,
        };
        let mut baskets: Vec<_> = sales.filter_map(basket).collect();
        baskets.sort();
        baskets
    }
}

//! The cloud: the same decisions as the real one, behind a network that loses requests, replies and patience.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::model::DecodeError;
use edgepos_core::{EventId, Jitter, ReplicaId, Seq, UploadEpoch, WallMs};
use edgepos_sync::{Batch, CloudReply, CloudRequest, Hash, IngestState, Limits, Run, UplinkError};
use thiserror::Error;

use crate::check::CloudView;
use crate::plan::{CloudStyle, Sabotage, happens};

/// How long a caller waits for a reply.
const PATIENCE_US: u64 = 3_000_000;

/// What becomes of one call: when the request arrives (several times, once or never), and when the caller hears what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Call {
    /// Times of arrival; the reply to the first is the one that travels back.
    pub arrivals: Vec<u64>,
    /// Whether, and how long after the first arrival, the reply comes back in time.
    pub reply_after_us: Option<u64>,
    /// Otherwise, when the caller gives up, and why.
    pub failure: Option<(u64, UplinkError)>,
}

/// No honest terminal, and no sound cloud, gets there.
#[derive(Debug, Error)]
pub(crate) enum CloudError {
    #[error("a request: {0}")]
    Request(DecodeError),
    #[error("the cloud's row: {0}")]
    Row(DecodeError),
}

/// The cloud's side of one store.
#[derive(Clone, Debug)]
pub(crate) struct Cloud {
    /// The state as it lies in the cloud's database between two requests.
    row: Vec<u8>,
    events: BTreeMap<EventId, Vec<u8>>,
    hashes: BTreeMap<EventId, Hash>,
    stored_twice: Vec<EventId>,
    published: BTreeMap<EventId, Vec<u8>>,
    uploaders: BTreeMap<UploadEpoch, BTreeSet<ReplicaId>>,
    style: CloudStyle,
    rng: Jitter,
    away_until_us: u64,
    forget: bool,
}

impl Cloud {
    /// A cloud that has never heard from the store.
    pub(crate) fn new(style: CloudStyle, rng: Jitter, sabotage: Option<Sabotage>) -> Self {
        Self {
            row: IngestState::new().encode(),
            events: BTreeMap::new(),
            hashes: BTreeMap::new(),
            stored_twice: Vec::new(),
            published: BTreeMap::new(),
            uploaders: BTreeMap::new(),
            style,
            rng,
            away_until_us: 0,
            forget: sabotage == Some(Sabotage::CloudForgets),
        }
    }

    /// Nobody reaches the cloud until then.
    pub(crate) fn away_until(&mut self, until_us: u64) {
        self.away_until_us = self.away_until_us.max(until_us);
    }

    /// It is there, and nothing is lost on the way from here on.
    pub(crate) fn heal(&mut self) {
        self.away_until_us = 0;
        self.style = CloudStyle { delay_us: self.style.delay_us, ..CloudStyle::NONE };
    }

    /// Decides what becomes of a call that a terminal makes now. `connected`: whether its own uplink works.
    pub(crate) fn call(&mut self, now_us: u64, connected: bool) -> Call {
        if !connected || now_us < self.away_until_us {
            // Refused at once, or swallowed.
            let failure = if self.rng.range(0, 2) == 0 {
                (now_us + self.rng.range(1_000, 50_000), UplinkError::Unreachable)
            } else {
                (now_us + PATIENCE_US, UplinkError::TimedOut)
            };
            return Call { arrivals: Vec::new(), reply_after_us: None, failure: Some(failure) };
        }
        let there = now_us + self.way();
        let back = self.way();
        let gave_up = Some((now_us + PATIENCE_US, UplinkError::TimedOut));
        if happens(&mut self.rng, self.style.lost_request_ppm) {
            return Call { arrivals: Vec::new(), reply_after_us: None, failure: gave_up };
        }
        if happens(&mut self.rng, self.style.late_ppm) {
            let late = now_us + self.rng.range(PATIENCE_US, PATIENCE_US * 10);
            return Call { arrivals: vec![late], reply_after_us: None, failure: gave_up };
        }
        let mut arrivals = vec![there];
        if happens(&mut self.rng, self.style.duplicate_ppm) {
            arrivals.push(there + self.rng.range(0, PATIENCE_US * 2));
        }
        if happens(&mut self.rng, self.style.lost_reply_ppm) {
            return Call { arrivals, reply_after_us: None, failure: gave_up };
        }
        Call { arrivals, reply_after_us: Some(back), failure: None }
    }

    /// One request arrives, as bytes, and is answered.
    ///
    /// # Errors
    /// When the request or the cloud's own row does not decode.
    pub(crate) fn receive(&mut self, now_us: u64, request: &[u8]) -> Result<CloudReply, CloudError> {
        let limits = Limits::DEFAULT;
        let request = CloudRequest::decode(request, &limits).map_err(CloudError::Request)?;
        if let CloudRequest::Probe { event, .. } = request {
            return Ok(CloudReply::Hash { event, hash: self.hashes.get(&event).copied() });
        }
        if let CloudRequest::Fetch { first, last, .. } = request {
            let before = EventId::new(first.chain, Seq(first.seq.0.saturating_sub(1)));
            let base = self.hashes.get(&before).copied();
            return Ok(CloudReply::Events { first, last, batch: self.give(first, last), base });
        }
        let mut state = IngestState::decode(&self.row, &limits).map_err(CloudError::Row)?;
        let (reply, events) = state.handle(WallMs(1_790_000_000_000 + now_us / 1000), &request, &limits);
        if let CloudRequest::Append { epoch, replica, .. } = request
            && !events.is_empty()
        {
            self.uploaders.entry(epoch).or_default().insert(replica);
        }
        let forgets = self.forget && events.len() > 1;
        if forgets {
            self.forget = false;
        } else {
            for (event, hash) in events {
                self.hashes.insert(event.id, hash);
                if self.events.insert(event.id, event.payload).is_some() {
                    self.stored_twice.push(event.id);
                }
            }
        }
        self.row = state.encode();
        Ok(reply)
    }

    /// The events as one run, where they fit into one answer.
    fn give(&self, first: EventId, last: Seq) -> Option<Vec<u8>> {
        let id = |seq| EventId::new(first.chain, Seq(seq));
        let payloads = (first.seq.0..=last.0).map(|seq| self.events.get(&id(seq)).cloned());
        let payloads = payloads.collect::<Option<Vec<_>>>()?;
        let bytes: usize = payloads.iter().map(Vec::len).sum();
        let head = *self.hashes.get(&id(last.0))?;
        let run = Run { chain: first.chain, first: first.seq, head, payloads, gaps: Vec::new() };
        let limits = Limits::DEFAULT;
        (bytes <= limits.max_body_bytes as usize / 2).then(|| Batch { runs: vec![run] }.encode(&limits))
    }

    /// The head office has these come down.
    ///
    /// # Errors
    /// When the cloud's row does not decode.
    pub(crate) fn publish(&mut self, wall: WallMs, payloads: Vec<Vec<u8>>) -> Result<(), CloudError> {
        let limits = Limits::DEFAULT;
        let mut state = IngestState::decode(&self.row, &limits).map_err(CloudError::Row)?;
        for (event, hash) in state.publish(wall, payloads, &limits).into_iter().flatten() {
            self.hashes.insert(event.id, hash);
            self.published.insert(event.id, event.payload.clone());
            if self.events.insert(event.id, event.payload).is_some() {
                self.stored_twice.push(event.id);
            }
        }
        self.row = state.encode();
        Ok(())
    }

    /// Everything that the cloud holds.
    pub(crate) fn events(&self) -> &BTreeMap<EventId, Vec<u8>> {
        &self.events
    }

    /// What the checkers see of it.
    pub(crate) fn view(&self) -> CloudView {
        CloudView {
            events: self.events.clone(),
            vector: self.state().vector().clone(),
            stored_twice: self.stored_twice.clone(),
            published: self.published.clone(),
            uploaders: self.uploaders.clone(),
        }
    }

    /// It is put back to what it was: its database was restored.
    pub(crate) fn put_back(&mut self, image: &Self) {
        self.row.clone_from(&image.row);
        self.events.clone_from(&image.events);
        self.hashes.clone_from(&image.hashes);
        self.published.clone_from(&image.published);
        // It gives epochs again that it gave before.
        self.uploaders.clear();
    }

    /// The cloud's row.
    ///
    /// # Panics
    /// When the row does not decode, which [`receive`](Self::receive) would have reported before.
    pub(crate) fn state(&self) -> IngestState {
        IngestState::decode(&self.row, &Limits::DEFAULT).expect("written by encode")
    }

    fn way(&mut self) -> u64 {
        self.rng.range(self.style.delay_us / 4, self.style.delay_us + 1)
    }
}

impl CloudStyle {
    /// Nothing goes wrong and nothing takes time.
    pub const NONE: Self =
        Self { delay_us: 0, lost_request_ppm: 0, lost_reply_ppm: 0, duplicate_ppm: 0, late_ppm: 0 };
}

#[cfg(test)]
mod tests {
    use edgepos_core::{ReplicaId, StoreGeneration, StoreId, Term, UploadEpoch};

    use super::*;

    fn cloud(style: CloudStyle) -> Cloud {
        Cloud::new(style, Jitter::new(1), None)
    }

    #[test]
    fn a_call_is_answered_within_patience_or_fails_at_its_end() {
        let mut cloud = cloud(CloudStyle {
            delay_us: 300_000,
            lost_request_ppm: 200_000,
            lost_reply_ppm: 200_000,
            duplicate_ppm: 200_000,
            late_ppm: 200_000,
        });
        let calls: Vec<_> = (0..400).map(|_| cloud.call(1_000, true)).collect();
        for call in &calls {
            assert_ne!(call.reply_after_us.is_some(), call.failure.is_some(), "{call:?}");
            if let Some(after) = call.reply_after_us {
                assert!(call.arrivals[0] + after < 1_000 + PATIENCE_US);
            }
        }
        let count = |of: &dyn Fn(&Call) -> bool| calls.iter().filter(|call| of(call)).count();
        assert!(count(&|call| call.arrivals.len() == 2) > 20);
        assert!(count(&|call| call.arrivals.is_empty()) > 20);
        assert!(count(&|call| call.arrivals.first().is_some_and(|at| *at > PATIENCE_US)) > 20);
        assert!(
            count(&|call| call.failure.is_some() && call.arrivals.first().is_some_and(|at| *at < PATIENCE_US))
                > 20
        );
    }

    #[test]
    fn an_outage_ends_with_heal() {
        let mut cloud = cloud(CloudStyle::NONE);
        cloud.away_until(10_000_000);
        assert!(cloud.call(0, true).failure.is_some());
        cloud.heal();
        assert!(cloud.call(0, true).failure.is_none());
        assert!(cloud.call(0, false).failure.is_some());
    }

    #[test]
    fn the_state_survives_in_its_row() {
        let mut cloud = cloud(CloudStyle::NONE);
        let lease = CloudRequest::Lease {
            store: StoreId([1; 16]),
            replica: ReplicaId::new(1, 1),
            generation: StoreGeneration(0),
            term: Term(1),
            leader: true,
            restored: None,
        };
        for epoch in 1..=2 {
            let reply = cloud.receive(0, &lease.encode()).unwrap();
            assert!(matches!(reply, CloudReply::Lease { epoch: UploadEpoch(given), .. } if given == epoch));
        }
        assert_eq!(cloud.state().epoch(), UploadEpoch(2));
        assert!(matches!(cloud.receive(0, b"no request"), Err(CloudError::Request(_))));
    }
}

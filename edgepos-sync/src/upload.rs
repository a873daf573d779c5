//! Towards the cloud: who may upload, one batch at a time, and what each answer means.

use std::collections::BTreeSet;
use std::time::Duration;

use edgepos_core::{Chain, LoadId, Term, Time, UploadEpoch};
use edgepos_crdt::VersionVector;

use crate::compress;
use crate::gather::{Budget, Fault, Gather};
use crate::outbox::lacks;
use crate::{
    Batch, CloudReply, CloudRequest, Event, Outbox, Output, RefusedReason, UplinkError, UplinkId, Witness,
};

/// The state of uploading.
pub(crate) struct Uploader {
    stage: Stage,
    mandate: Option<Mandate>,
    last_id: UplinkId,
    /// Requests in a row that failed.
    failures: u32,
    /// What the cloud shall hold before uploading rests until the next flush.
    pub(crate) goal: VersionVector,
    /// What the cloud said last that it holds. Unlike `Outbox::cloud` it may go back, with a cloud that was restored.
    base: VersionVector,
    /// Chains that the cloud will not take, or that are not on this disk any more.
    apart: BTreeSet<Chain>,
    /// Payload bytes of a batch: halved when the cloud says that one is too large.
    budget: u32,
    after: Option<Chain>,
    /// What batches are compressed with: the newest, until the cloud says that it does not have it.
    dictionary: u32,
}

/// By what right this terminal uploads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Mandate {
    leader: bool,
    term: Term,
}

enum Stage {
    /// No lease, none asked for.
    Off,
    Asking {
        id: UplinkId,
        deadline: Time,
    },
    Resting {
        until: Time,
        epoch: Option<UploadEpoch>,
    },
    Holding {
        epoch: UploadEpoch,
    },
    Gathering {
        epoch: UploadEpoch,
        gather: Box<Gather>,
    },
    Sending {
        epoch: UploadEpoch,
        id: UplinkId,
        new: VersionVector,
        largest: Option<Chain>,
        deadline: Time,
    },
}

impl Uploader {
    pub(crate) fn new(budget: u32) -> Self {
        Self {
            stage: Stage::Off,
            mandate: None,
            last_id: UplinkId(0),
            failures: 0,
            goal: VersionVector::new(),
            base: VersionVector::new(),
            apart: BTreeSet::new(),
            budget,
            after: None,
            dictionary: compress::NEWEST,
        }
    }

    fn expects(&self, reply: UplinkId) -> bool {
        match &self.stage {
            Stage::Asking { id, .. } | Stage::Sending { id, .. } => *id == reply,
            _ => false,
        }
    }

    fn epoch(&self) -> Option<UploadEpoch> {
        match self.stage {
            Stage::Holding { epoch } | Stage::Gathering { epoch, .. } | Stage::Sending { epoch, .. } => {
                Some(epoch)
            }
            Stage::Resting { epoch, .. } => epoch,
            Stage::Off | Stage::Asking { .. } => None,
        }
    }
}

impl Outbox {
    /// Whether this terminal hears from the cloud itself.
    pub(crate) fn uploads(&self) -> bool {
        self.uploader.mandate.is_some()
    }

    fn mandate(&self, now: Time) -> Option<Mandate> {
        match (self.leader, self.leaderless_since) {
            (Some((leader, term)), _) if leader == self.config.me && self.entitled => {
                Some(Mandate { leader: true, term })
            }
            (None, Some(since)) if now >= since + self.config.leaderless_lease_after => {
                Some(Mandate { leader: false, term: self.term })
            }
            _ => None,
        }
    }

    pub(crate) fn upload_timeout(&self) -> Option<Time> {
        match &self.uploader.stage {
            Stage::Asking { deadline, .. } | Stage::Sending { deadline, .. } => Some(*deadline),
            Stage::Resting { until, .. } => Some(*until),
            Stage::Off if self.uploader.mandate.is_none() && self.leader.is_none() => {
                self.leaderless_since.map(|since| since + self.config.leaderless_lease_after)
            }
            Stage::Off | Stage::Holding { .. } | Stage::Gathering { .. } => None,
        }
    }

    pub(crate) fn wake_uploader(&mut self, now: Time) {
        match self.uploader.stage {
            Stage::Asking { deadline, .. } | Stage::Sending { deadline, .. } if deadline <= now => {
                self.upload_failed(now, UplinkError::TimedOut);
            }
            Stage::Resting { until, epoch } if until <= now => {
                self.uploader.stage = epoch.map_or(Stage::Off, |epoch| Stage::Holding { epoch });
            }
            _ => {}
        }
    }

    pub(crate) fn pump_upload(&mut self, now: Time) {
        let mandate = self.mandate(now);
        if mandate != self.uploader.mandate {
            // Whatever is under way was asked for by another right. Its answer is heard for the vector alone.
            self.uploader.mandate = mandate;
            self.uploader.stage = Stage::Off;
            self.uploader.failures = 0;
        }
        let Some(mandate) = mandate else { return };
        match self.uploader.stage {
            // A leader asks for the cloud's state at once; others only for what they have to give.
            Stage::Off if mandate.leader || self.queue_len() > 0 => {
                let request = CloudRequest::Lease {
                    store: self.config.store,
                    replica: self.config.me,
                    generation: self.config.generation,
                    term: mandate.term,
                    leader: mandate.leader,
                };
                let (id, deadline) = self.ask(now, request);
                self.uploader.stage = Stage::Asking { id, deadline };
            }
            Stage::Holding { epoch } => {
                let (apart, suspended) = (&self.uploader.apart, self.log.suspended());
                let skip = |chain: Chain| apart.contains(&chain) || suspended.contains(&chain);
                let uploader = &self.uploader;
                if !lacks(&uploader.base, &uploader.goal, skip) {
                    return;
                }
                let budget = Budget::new(&self.config, uploader.budget);
                if let Some(gather) =
                    Gather::new(self.log.durable(), &uploader.base, skip, uploader.after, budget)
                {
                    self.uploader.stage = Stage::Gathering { epoch, gather: Box::new(gather) };
                    self.gather_upload(now);
                }
            }
            _ => {}
        }
    }

    pub(crate) fn on_loaded(&mut self, now: Time, load: LoadId, rows: &[(Vec<u8>, Vec<u8>)]) {
        match &mut self.uploader.stage {
            Stage::Gathering { gather, .. } if gather.waiting == Some(load) => {
                gather.loaded(rows);
                self.gather_upload(now);
            }
            _ => {
                // Rows for a conversation that has ended are of no use.
                self.on_loaded_for_peer(now, load, rows);
            }
        }
    }

    fn gather_upload(&mut self, now: Time) {
        let stage = std::mem::replace(&mut self.uploader.stage, Stage::Off);
        let Stage::Gathering { epoch, mut gather } = stage else {
            self.uploader.stage = stage;
            return;
        };
        if let Some(want) = gather.want() {
            gather.waiting = Some(self.load(want));
            self.uploader.stage = Stage::Gathering { epoch, gather };
            return;
        }
        let (batch, faults) = gather.finish();
        for fault in faults {
            let (event, chain) = match fault {
                Fault::Damaged(id) => (Event::Damaged { id }, id.chain),
                Fault::Pruned(id, _) => (Event::Pruned { id, peer: None }, id.chain),
            };
            self.uploader.apart.insert(chain);
            self.news(event);
        }
        if batch.runs.is_empty() {
            self.uploader.stage = Stage::Holding { epoch };
            return;
        }
        self.send_upload(now, epoch, &batch);
    }

    fn send_upload(&mut self, now: Time, epoch: UploadEpoch, batch: &Batch) {
        let new = batch.last();
        let old = batch.runs.iter().map(|run| (run.chain, self.uploader.base.get(run.chain))).collect();
        let size = |payloads: &[Vec<u8>]| payloads.iter().map(Vec::len).max();
        let largest = batch.runs.iter().max_by_key(|run| size(&run.payloads)).map(|run| run.chain);
        self.uploader.after = batch.runs.last().map(|run| run.chain);
        let request = CloudRequest::Append {
            store: self.config.store,
            replica: self.config.me,
            epoch,
            old,
            new: new.clone(),
            batch: batch.encode_with(self.uploader.dictionary, &self.config.limits),
        };
        let (id, deadline) = self.ask(now, request);
        self.uploader.stage = Stage::Sending { epoch, id, new, largest, deadline };
    }

    fn ask(&mut self, now: Time, request: CloudRequest) -> (UplinkId, Time) {
        self.uploader.last_id = UplinkId(self.uploader.last_id.0 + 1);
        let id = self.uploader.last_id;
        self.put(Output::Uplink(id, request));
        (id, now + self.config.uplink_timeout)
    }

    pub(crate) fn on_uplink(&mut self, now: Time, id: UplinkId, reply: Result<CloudReply, UplinkError>) {
        if id.0 == 0 || id > self.uploader.last_id {
            self.ignore();
            return;
        }
        // What the cloud holds it holds, whoever asked and however late the answer is.
        if let Ok(
            CloudReply::Lease { vector, .. }
            | CloudReply::Head { vector, .. }
            | CloudReply::Ack { vector }
            | CloudReply::Conflict { vector },
        ) = &reply
        {
            self.adopt_cloud(vector, Witness::Cloud);
        }
        if !self.uploader.expects(id) {
            return;
        }
        match reply {
            Ok(CloudReply::Lease { epoch, vector }) => self.leased(now, epoch, vector),
            Ok(CloudReply::Ack { vector } | CloudReply::Conflict { vector }) => self.moved(now, vector),
            Ok(CloudReply::Busy { retry_after_ms }) => {
                let wait = Duration::from_millis(retry_after_ms).min(self.config.uplink_max);
                let wait = wait + self.full_jitter(0);
                self.rest(now, wait, self.uploader.epoch());
            }
            Ok(CloudReply::Fenced { epoch }) => {
                self.news(Event::Fenced { epoch });
                let wait = self.full_jitter(self.uploader.failures);
                self.uploader.failures = self.uploader.failures.saturating_add(1);
                self.rest(now, wait, None);
            }
            Ok(CloudReply::Fork { chain }) => {
                self.uploader.apart.insert(chain);
                let seq = self.log.accepted().get(chain);
                self.news(Event::Fork { chain, seq, witness: Witness::Cloud });
                self.hold_or_rest(now);
            }
            Ok(CloudReply::Refused { reason }) => self.refused(now, reason),
            Ok(CloudReply::Head { .. }) => self.upload_failed(now, UplinkError::Unreadable),
            Err(error) => self.upload_failed(now, error),
        }
    }

    fn leased(&mut self, now: Time, epoch: UploadEpoch, vector: VersionVector) {
        let (Stage::Asking { .. }, Some(mandate)) = (&self.uploader.stage, self.uploader.mandate) else {
            self.upload_failed(now, UplinkError::Unreadable);
            return;
        };
        self.uploader.base = vector;
        self.uploader.goal = self.log.durable().clone();
        self.uploader.failures = 0;
        self.uploader.stage = Stage::Holding { epoch };
        self.news(Event::Leased { epoch, leader: mandate.leader });
    }

    /// The cloud's vector after an append: further, by this batch or by another uploader's.
    fn moved(&mut self, now: Time, vector: VersionVector) {
        let (Stage::Sending { epoch, new, .. }, uploader) = (&self.uploader.stage, &self.uploader) else {
            self.upload_failed(now, UplinkError::Unreadable);
            return;
        };
        let epoch = *epoch;
        let forward = new.iter().any(|(chain, _)| vector.get(chain) != uploader.base.get(chain));
        self.uploader.base = vector;
        if forward {
            self.uploader.failures = 0;
            self.uploader.stage = Stage::Holding { epoch };
        } else {
            // The same answer to the same question would go round for ever.
            self.upload_failed(now, UplinkError::Unreadable);
        }
    }

    fn refused(&mut self, now: Time, reason: RefusedReason) {
        let largest = match &self.uploader.stage {
            Stage::Sending { largest, .. } => *largest,
            _ => None,
        };
        if reason == RefusedReason::TooLarge && self.uploader.budget > 0 {
            self.uploader.budget /= 2;
            self.hold_or_rest(now);
            return;
        }
        if reason == RefusedReason::UnknownCodec && self.uploader.dictionary != 0 {
            self.uploader.dictionary = 0;
            self.hold_or_rest(now);
            return;
        }
        self.news(Event::UploadRefused { reason });
        if reason == RefusedReason::TooLarge
            && let Some(chain) = largest
        {
            // Not even alone: the others go on without this chain.
            self.uploader.apart.insert(chain);
            self.uploader.budget = self.config.batch_bytes;
            self.hold_or_rest(now);
            return;
        }
        let wait = self.full_jitter(self.uploader.failures);
        self.uploader.failures = self.uploader.failures.saturating_add(1);
        self.rest(now, wait, self.uploader.epoch());
    }

    fn upload_failed(&mut self, now: Time, error: UplinkError) {
        let at_least = match &error {
            UplinkError::Overloaded { retry_after } => (*retry_after).min(self.config.uplink_max),
            _ => Duration::ZERO,
        };
        let wait = at_least + self.full_jitter(self.uploader.failures);
        self.uploader.failures = self.uploader.failures.saturating_add(1);
        self.news(Event::UplinkFailed { error, attempts: self.uploader.failures });
        self.rest(now, wait, self.uploader.epoch());
    }

    /// Goes on with the lease; without one, rests.
    fn hold_or_rest(&mut self, now: Time) {
        match self.uploader.epoch() {
            Some(epoch) => self.uploader.stage = Stage::Holding { epoch },
            None => self.upload_failed(now, UplinkError::Unreadable),
        }
    }

    fn rest(&mut self, now: Time, wait: Duration, epoch: Option<UploadEpoch>) {
        self.uploader.stage = Stage::Resting { until: now + wait, epoch };
    }

    /// Anything up to the bound, so that a million stores that failed together do not come back together.
    fn full_jitter(&mut self, failures: u32) -> Duration {
        let bound =
            self.config.uplink_initial.saturating_mul(1 << failures.min(20)).min(self.config.uplink_max);
        let bound = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.jitter.range(1, bound.saturating_add(1)))
    }
}

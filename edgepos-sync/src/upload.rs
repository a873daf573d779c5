//! Towards the cloud: who may upload, one batch at a time, and what each answer means.

use std::time::Duration;

use edgepos_core::{Chain, LoadId, Term, Time, UploadEpoch};
use edgepos_crdt::VersionVector;

use crate::gather::Gather;
use crate::receiver::{Reading, Receiver};
use crate::wire::compress;
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
    /// What it holds is what it said last. Unlike `Outbox::cloud` that may go back, with a cloud that was restored.
    pub(crate) receiver: Receiver,
    /// Payload bytes of a batch: halved when the cloud says that one is too large.
    budget: u32,
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
            receiver: Receiver::default(),
            budget,
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
                let bytes = self.uploader.budget;
                if let Some(gather) = self.uploader.receiver.gather(&self.log, &self.config, bytes) {
                    self.uploader.stage = Stage::Gathering { epoch, gather };
                    self.gather_upload(now);
                }
            }
            _ => {}
        }
    }

    pub(crate) fn on_loaded(&mut self, now: Time, load: LoadId, rows: &[(Vec<u8>, Vec<u8>)]) {
        match &mut self.uploader.stage {
            Stage::Gathering { gather, .. } if gather.awaits(load) => {
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
        let Stage::Gathering { epoch, gather } = stage else {
            self.uploader.stage = stage;
            return;
        };
        match self.uploader.receiver.read_on(gather, None, &mut self.out) {
            Reading::On(gather) => self.uploader.stage = Stage::Gathering { epoch, gather },
            Reading::Done { batch, .. } if batch.runs.is_empty() => {
                self.uploader.stage = Stage::Holding { epoch };
            }
            Reading::Done { batch, .. } => self.send_upload(now, epoch, &batch),
        }
    }

    fn send_upload(&mut self, now: Time, epoch: UploadEpoch, batch: &Batch) {
        let new = batch.last();
        let held = self.uploader.receiver.held();
        let old = batch.runs.iter().map(|run| (run.chain, held.get(run.chain))).collect();
        let size = |payloads: &[Vec<u8>]| payloads.iter().map(Vec::len).max();
        let largest = batch.runs.iter().max_by_key(|run| size(&run.payloads)).map(|run| run.chain);
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
        self.out.put(Output::Uplink(id, request));
        (id, now + self.config.uplink_timeout)
    }

    pub(crate) fn on_uplink(&mut self, now: Time, id: UplinkId, reply: Result<CloudReply, UplinkError>) {
        if id.0 == 0 || id > self.uploader.last_id {
            self.out.ignore();
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
                self.out.notice(Event::Fenced { epoch });
                let wait = self.full_jitter(self.uploader.failures);
                self.uploader.failures = self.uploader.failures.saturating_add(1);
                self.rest(now, wait, None);
            }
            Ok(CloudReply::Fork { chain }) => {
                self.uploader.receiver.set_apart(chain);
                let seq = self.log.accepted().get(chain);
                self.out.notice(Event::Fork { chain, seq, witness: Witness::Cloud });
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
        self.uploader.receiver.holds(vector);
        self.uploader.receiver.aim(self.log.durable());
        self.uploader.failures = 0;
        self.uploader.stage = Stage::Holding { epoch };
        self.out.notice(Event::Leased { epoch, leader: mandate.leader });
    }

    /// The cloud's vector after an append: further, by this batch or by another uploader's.
    fn moved(&mut self, now: Time, vector: VersionVector) {
        let (Stage::Sending { epoch, new, .. }, uploader) = (&self.uploader.stage, &self.uploader) else {
            self.upload_failed(now, UplinkError::Unreadable);
            return;
        };
        let epoch = *epoch;
        let forward = new.iter().any(|(chain, _)| vector.get(chain) != uploader.receiver.held().get(chain));
        self.uploader.receiver.holds(vector);
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
        self.out.notice(Event::UploadRefused { reason });
        if reason == RefusedReason::TooLarge
            && let Some(chain) = largest
        {
            // Not even alone: the others go on without this chain.
            self.uploader.receiver.set_apart(chain);
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
        self.out.notice(Event::UplinkFailed { error, attempts: self.uploader.failures });
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

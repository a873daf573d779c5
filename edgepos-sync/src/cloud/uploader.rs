//! Towards the cloud: the lease, one batch at a time, and what each answer means.

use std::time::Duration;

use edgepos_core::{Chain, EventId, LoadId, ReplicaId, Seq, Term, Time, UploadEpoch};
use edgepos_crdt::VersionVector;

use super::feed::Feed;
use super::head_watch::HeadWatch;
use super::health::{CloudRefusal, Reachability};
use super::mandate::{Claim, Mandate};
use super::packing::Packing;
use super::retry::Retry;
use crate::backoff;
use crate::config::Config;
use crate::gap::Lost;
use crate::gather::Gather;
use crate::io::{Mistake, Notice, UplinkError, UplinkId, Witness};
use crate::receiver::{Reading, Receiver};
use crate::turn::Turn;
use crate::wire::batch::Batch;
use crate::wire::claim::{Claim as Held, CloudInstance};
use crate::wire::reply::{CloudReply, RefusedReason};
use crate::wire::request::CloudRequest;

/// Asks for the lease while this terminal has a mandate, and appends batches while it holds the lease.
pub(crate) struct Uploader {
    claim: Claim,
    /// The mandate under which the stage was reached.
    mandate: Option<Mandate>,
    stage: Stage,
    last_id: UplinkId,
    retry: Retry,
    health: Reachability,
    /// What the cloud holds is what it said last. Unlike what the log knows of the cloud, that may go back, with a cloud that was
    /// restored.
    receiver: Receiver,
    packing: Packing,
    /// When what peers have batched goes up.
    pass_on_at: Option<Time>,
    head: HeadWatch,
    feed: Feed,
    /// The instance of the cloud that was proved to hold more than it does. It is told so with the next request for the lease.
    restored: Option<CloudInstance>,
    /// Whose hash is to be asked for next.
    question: Option<EventId>,
    /// Events that are to be fetched next.
    wanted: Option<(EventId, Seq)>,
    /// What the cloud lacks below what it holds, where it has said so: it takes gaps, and gives events back.
    lost: Option<Lost>,
    /// Whether the cloud has answered since the start. A terminal that does not upload asks once, for its own sake: a disk that was
    /// restored shows by what the cloud holds of its chains.
    heard: bool,
}

enum Stage {
    /// No lease, none asked for.
    Off,
    Asking {
        id: UplinkId,
        deadline: Time,
    },
    /// What the cloud holds is asked for, with the lease or without.
    Looking {
        epoch: Option<UploadEpoch>,
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
        /// The chain of the largest event.
        largest: Option<Chain>,
        deadline: Time,
    },
}

impl Stage {
    fn awaits(&self, reply: UplinkId) -> bool {
        match self {
            Self::Asking { id, .. } | Self::Sending { id, .. } | Self::Looking { id, .. } => *id == reply,
            _ => false,
        }
    }

    /// The epoch of the lease, while one is held.
    fn epoch(&self) -> Option<UploadEpoch> {
        match self {
            Self::Holding { epoch } | Self::Gathering { epoch, .. } | Self::Sending { epoch, .. } => {
                Some(*epoch)
            }
            Self::Resting { epoch, .. } | Self::Looking { epoch, .. } => *epoch,
            Self::Off | Self::Asking { .. } => None,
        }
    }
}

impl Uploader {
    pub(crate) fn new(now: Time, config: &Config) -> Self {
        Self {
            claim: Claim::new(now),
            mandate: None,
            stage: Stage::Off,
            last_id: UplinkId(0),
            retry: Retry::default(),
            health: Reachability::default(),
            receiver: Receiver::default(),
            packing: Packing::new(config),
            pass_on_at: None,
            head: HeadWatch::default(),
            feed: Feed::default(),
            restored: None,
            question: None,
            wanted: None,
            lost: None,
            heard: false,
        }
    }

    /// The election's state, repeated or changed.
    pub(crate) fn elected(&mut self, turn: &Turn<'_>, leader: Option<(ReplicaId, Term)>, entitled: bool) {
        self.claim.elected(turn.now, turn.config.me, leader, entitled);
    }

    /// Whether this terminal hears from the cloud itself.
    pub(crate) fn hears_cloud(&self) -> bool {
        self.mandate.is_some()
    }

    /// The cloud shall hold this, without waiting for more.
    pub(crate) fn aim(&mut self, goal: &VersionVector) {
        self.pass_on_at = None;
        self.receiver.aim(goal);
    }

    /// The cloud is asked soon what it holds, where there is nothing to send.
    pub(crate) fn ask_soon(&mut self, now: Time) {
        self.head.hurry(now);
    }

    /// Events of others became durable here. They have waited for their batch, and do not wait as long again.
    pub(crate) fn took_in(&mut self, turn: &Turn<'_>) {
        if self.mandate.is_some() {
            self.pass_on_at.get_or_insert(turn.now + turn.config.upload_interval);
        }
    }

    pub(crate) fn poll_timeout(&self, config: &Config) -> Option<Time> {
        let stage = match &self.stage {
            Stage::Asking { deadline, .. }
            | Stage::Sending { deadline, .. }
            | Stage::Looking { deadline, .. } => Some(*deadline),
            Stage::Resting { until, .. } => Some(*until),
            Stage::Holding { .. } => {
                [self.head.poll_timeout(), self.feed.poll_timeout(config)].into_iter().flatten().min()
            }
            Stage::Off if self.mandate.is_none() => {
                [self.claim.leaderless_at(config), self.head.poll_timeout()].into_iter().flatten().min()
            }
            Stage::Off | Stage::Gathering { .. } => None,
        };
        stage.into_iter().chain(self.pass_on_at).min()
    }

    /// Gives up on what was not answered in time, and rests no longer than it has to.
    pub(crate) fn wake(&mut self, turn: &mut Turn<'_>) {
        if self.pass_on_at.is_some_and(|at| at <= turn.now) {
            self.aim(turn.log.durable());
        }
        match self.stage {
            Stage::Asking { deadline, .. }
            | Stage::Sending { deadline, .. }
            | Stage::Looking { deadline, .. }
                if deadline <= turn.now =>
            {
                self.failed(turn, UplinkError::TimedOut);
            }
            Stage::Resting { until, epoch } if until <= turn.now => {
                self.stage = epoch.map_or(Stage::Off, |epoch| Stage::Holding { epoch });
            }
            _ => {}
        }
    }

    /// Starts what the mandate allows and nothing holds up. `doubts`: the cloud claims to hold what nobody here has.
    pub(crate) fn pump(&mut self, turn: &mut Turn<'_>, doubts: bool) {
        let mandate = self.claim.mandate(turn.now, turn.config);
        if mandate.is_some() || turn.log.above_proved() > 0 {
            self.head.update(turn, doubts || !self.receiver.disputed().is_empty());
        } else {
            self.head.looked();
        }
        if mandate != self.mandate {
            // Whatever is under way was asked for by another right. Its answer is heard for the vector alone.
            self.mandate = mandate;
            self.stage = Stage::Off;
            self.retry.reset();
        }
        let Some(mandate) = mandate else {
            // Who leads may speak no hashes: what the cloud holds is then heard from itself.
            let asks = !self.heard || self.asks() || self.head.is_due(turn.now);
            if matches!(self.stage, Stage::Off) && asks {
                self.look(turn, None);
            }
            return;
        };
        match self.stage {
            // A leader asks for the cloud's state at once; others only for what they have to give.
            Stage::Off if mandate.is_leader() || turn.log.above_proved() > 0 => {
                let (id, deadline) = self.ask(turn, mandate.request(turn.config, self.restored));
                self.stage = Stage::Asking { id, deadline };
            }
            Stage::Holding { epoch } if self.asks() || self.head.is_urgent(turn.now) => {
                self.look(turn, Some(epoch));
            }
            Stage::Holding { epoch } => {
                let gather = self.gather(turn);
                if (gather.is_none() || self.feed.goes_first()) && self.reads_feed(turn) {
                    self.look(turn, Some(epoch));
                } else if let Some(gather) = gather {
                    self.read_on(turn, epoch, gather);
                } else if self.head.is_due(turn.now) {
                    self.look(turn, Some(epoch));
                }
            }
            _ => {}
        }
    }

    /// Whether there is more of what comes down: the next question asks for it.
    fn reads_feed(&mut self, turn: &Turn<'_>) -> bool {
        let Self { receiver, feed, wanted, lost, .. } = self;
        let held = (receiver.held(), lost.is_some());
        *wanted = feed.next_page(turn, held, |chain| receiver.is_apart(chain));
        wanted.is_some()
    }

    /// Takes in what came down.
    pub(crate) fn take_in(&mut self, turn: &mut Turn<'_>) {
        self.feed.take_in(turn);
    }

    /// Whether something that came down has become durable, so that peers are sent it.
    pub(crate) fn passes_on(&mut self, turn: &Turn<'_>) -> bool {
        self.feed.is_to_be_passed_on(turn)
    }

    fn gather(&self, turn: &Turn<'_>) -> Option<Box<Gather>> {
        // What the cloud itself has stated with the lease frees our own chains, as long as nothing is doubtful about them.
        let author = &*turn.author;
        self.receiver.gather(turn.log, turn.config, self.packing.bytes(), |chain| author.doubts(chain))
    }

    /// The ends of these chains leave them: what is being read is read anew, and what the cloud holds is compared with what stays.
    pub(crate) fn set_aside<'c>(&mut self, chains: impl Iterator<Item = &'c Chain>) {
        chains.for_each(|chain| self.receiver.agree(*chain));
        if let Stage::Gathering { epoch, .. } = self.stage {
            self.stage = Stage::Holding { epoch };
        }
    }

    fn look(&mut self, turn: &mut Turn<'_>, epoch: Option<UploadEpoch>) {
        let store = turn.config.store;
        let request = if let Some(event) = self.question.take() {
            CloudRequest::Probe { store, event }
        } else if let Some((first, last)) = self.wanted.take() {
            CloudRequest::Fetch { store, first, last }
        } else {
            CloudRequest::Head { store }
        };
        let (id, deadline) = self.ask(turn, request);
        self.stage = Stage::Looking { epoch, id, deadline };
    }

    /// Which hash the cloud has at this event is to be asked.
    pub(crate) fn question(&mut self, event: EventId) {
        self.question = Some(event);
    }

    fn asks(&self) -> bool {
        self.question.is_some() || self.wanted.is_some()
    }

    /// These events are to be fetched. Whether they will be: one such question waits at a time.
    pub(crate) fn fetch(&mut self, first: EventId, last: Seq) -> bool {
        let free = self.wanted.is_none();
        self.wanted.get_or_insert((first, last));
        free
    }

    /// Whether the cloud has said that it holds these events, and gives events back.
    pub(crate) fn holds(&self, first: EventId, last: Seq) -> bool {
        let has_them = |lost: &Lost| !lost.contains(first) && !lost.contains(EventId::new(first.chain, last));
        self.receiver.held().get(first.chain) >= last && self.lost.as_ref().is_some_and(has_them)
    }

    /// What the cloud has said that it holds, since the start.
    pub(crate) fn claimed(&self) -> impl Iterator<Item = (Chain, Seq)> + '_ {
        self.receiver.held().iter()
    }

    /// Whether the cloud has answered since the start.
    pub(crate) fn has_heard(&self) -> bool {
        self.heard
    }

    /// What the cloud lacks, as it says itself.
    pub(crate) fn lost(&self) -> Option<&Lost> {
        self.lost.as_ref()
    }

    /// All that the cloud holds, and what it lacks below.
    fn holds_all(&mut self, held: Held) {
        self.receiver.holds(held.vector);
        self.receiver.takes_gaps(held.lost.is_some());
        self.packing.reads(held.batch_format);
        self.feed.look_again();
        self.lost = held.lost;
    }

    /// Whether the rows were for the cloud.
    pub(crate) fn loaded(&mut self, turn: &mut Turn<'_>, load: LoadId, rows: &[(Vec<u8>, Vec<u8>)]) -> bool {
        match std::mem::replace(&mut self.stage, Stage::Off) {
            Stage::Gathering { epoch, mut gather } if gather.awaits(load) => {
                gather.loaded(rows);
                self.read_on(turn, epoch, gather);
                true
            }
            stage => {
                self.stage = stage;
                false
            }
        }
    }

    /// Asks for more rows, or sends what was read.
    fn read_on(&mut self, turn: &mut Turn<'_>, epoch: UploadEpoch, gather: Box<Gather>) {
        self.stage = match self.receiver.read_on(gather, None, turn.log, turn.out) {
            Reading::On(gather) => Stage::Gathering { epoch, gather },
            Reading::Done { batch, .. } if batch.runs.is_empty() => Stage::Holding { epoch },
            Reading::Done { batch, .. } => self.send(turn, epoch, &batch),
        };
    }

    fn send(&mut self, turn: &mut Turn<'_>, epoch: UploadEpoch, batch: &Batch) -> Stage {
        self.feed.yielded();
        let new = batch.last();
        let held = self.receiver.held();
        let size = |payloads: &[Vec<u8>]| payloads.iter().map(Vec::len).max();
        let largest = batch.runs.iter().max_by_key(|run| size(&run.payloads)).map(|run| run.chain);
        let request = CloudRequest::Append {
            store: turn.config.store,
            replica: turn.config.me,
            epoch,
            old: batch.runs.iter().map(|run| (run.chain, held.get(run.chain))).collect(),
            new: new.clone(),
            batch: self.packing.pack(batch, &turn.config.limits),
        };
        let (id, deadline) = self.ask(turn, request);
        Stage::Sending { epoch, id, new, largest, deadline }
    }

    fn ask(&mut self, turn: &mut Turn<'_>, request: CloudRequest) -> (UplinkId, Time) {
        self.last_id = UplinkId(self.last_id.0 + 1);
        turn.out.ask_cloud(self.last_id, request);
        (self.last_id, turn.now + turn.config.uplink_timeout)
    }

    /// Whether this is the request under way: its answer is newer than all that were heard.
    pub(crate) fn awaits(&self, id: UplinkId) -> bool {
        self.stage.awaits(id)
    }

    /// The cloud holds the history of the chain that is held here.
    pub(crate) fn agree(&mut self, chain: Chain) {
        self.receiver.agree(chain);
    }

    /// The cloud holds another history of the chain: no other waits for it.
    pub(crate) fn dispute(&mut self, turn: &mut Turn<'_>, chain: Chain) {
        if self.receiver.dispute(chain) {
            let seq = turn.log.accepted().get(chain);
            turn.out.notice(Notice::Fork { chain, seq, witness: Witness::Cloud });
        }
    }

    /// The chains of which the cloud holds another history.
    pub(crate) fn disputed(&self) -> impl Iterator<Item = Mistake> + '_ {
        self.receiver
            .disputed()
            .iter()
            .map(|chain| Mistake::Disputed { chain: *chain, witness: Witness::Cloud })
    }

    /// The cloud holds less than this instance of it was proved to hold.
    pub(crate) fn tell_restored(&mut self, instance: Option<CloudInstance>) {
        self.restored = instance;
        self.stage = Stage::Off;
    }

    /// Whether there was such a request.
    pub(crate) fn has_asked(&self, id: UplinkId) -> bool {
        id.0 != 0 && id <= self.last_id
    }

    /// The answer to a request, or that there is none. One that is late means nothing more here.
    pub(crate) fn answered(
        &mut self,
        turn: &mut Turn<'_>,
        id: UplinkId,
        reply: Result<CloudReply, UplinkError>,
    ) {
        if !self.stage.awaits(id) {
            return;
        }
        match reply {
            Ok(CloudReply::Lease { epoch, held }) => self.leased(turn, epoch, held),
            Ok(CloudReply::Ack { held, forks }) => {
                for chain in forks {
                    self.dispute(turn, chain);
                }
                self.moved(turn, held.vector);
            }
            Ok(CloudReply::Conflict { held }) => self.moved(turn, held.vector),
            Ok(CloudReply::Busy { retry_after_ms }) => {
                let wait = Duration::from_millis(retry_after_ms).min(turn.config.uplink_max);
                let wait = wait + backoff::full_jitter(turn, 0);
                self.rest(turn.now, wait, self.stage.epoch());
            }
            Ok(CloudReply::Fenced { epoch }) => {
                turn.out.notice(Notice::Fenced { epoch });
                let (_, wait) = self.retry.failed(turn);
                self.rest(turn.now, wait, None);
            }
            Ok(CloudReply::Fork { chain }) => {
                self.dispute(turn, chain);
                self.hold_or_rest(turn);
            }
            Ok(CloudReply::Refused { reason }) => self.refused(turn, reason),
            Ok(CloudReply::Head { held, .. }) => self.looked(turn, held),
            Ok(CloudReply::Hash { .. }) => self.answered_question(turn),
            Ok(CloudReply::Events { first, last, batch, .. }) => {
                self.feed.found(turn, first, last, batch.as_deref());
                self.answered_question(turn);
            }
            Err(error) => self.failed(turn, error),
        }
    }

    fn leased(&mut self, turn: &mut Turn<'_>, epoch: UploadEpoch, held: Held) {
        let (Stage::Asking { .. }, Some(mandate)) = (&self.stage, self.mandate) else {
            self.failed(turn, UplinkError::Unreadable);
            return;
        };
        self.holds_all(held);
        self.receiver.aim(turn.log.durable());
        self.works(turn);
        self.head.looked();
        self.heard = true;
        self.stage = Stage::Holding { epoch };
        // An instance that was told that it is over has drawn another one, or never will.
        self.restored = None;
        turn.out.notice(Notice::Leased { epoch, leader: mandate.is_leader() });
    }

    /// What the cloud holds, as was asked: more, or less where it was repaired or restored.
    fn looked(&mut self, turn: &mut Turn<'_>, held: Held) {
        let Stage::Looking { epoch, .. } = self.stage else {
            self.failed(turn, UplinkError::Unreadable);
            return;
        };
        self.holds_all(held);
        self.receiver.aim(turn.log.durable());
        self.works(turn);
        self.head.looked();
        self.answered_look(epoch);
    }

    fn answered_question(&mut self, turn: &mut Turn<'_>) {
        match self.stage {
            Stage::Looking { epoch, .. } => self.answered_look(epoch),
            _ => self.failed(turn, UplinkError::Unreadable),
        }
    }

    fn answered_look(&mut self, epoch: Option<UploadEpoch>) {
        self.heard = true;
        self.retry.reset();
        self.stage = epoch.map_or(Stage::Off, |epoch| Stage::Holding { epoch });
    }

    /// The cloud's vector after an append: further, by this batch or by another uploader's.
    fn moved(&mut self, turn: &mut Turn<'_>, vector: VersionVector) {
        let Stage::Sending { epoch, new, .. } = &self.stage else {
            self.failed(turn, UplinkError::Unreadable);
            return;
        };
        let epoch = *epoch;
        let held = self.receiver.held();
        let forward = new.iter().any(|(chain, _)| vector.get(chain) != held.get(chain));
        self.receiver.holds(vector);
        if forward {
            self.works(turn);
            self.stage = Stage::Holding { epoch };
        } else {
            // The same answer to the same question would go round for ever.
            self.failed(turn, UplinkError::Unreadable);
        }
    }

    fn refused(&mut self, turn: &mut Turn<'_>, reason: RefusedReason) {
        if self.packing.adapt(reason) {
            self.hold_or_rest(turn);
            return;
        }
        self.health.refused(reason);
        turn.out.notice(Notice::UploadRefused { reason });
        if reason == RefusedReason::TooLarge
            && let Stage::Sending { largest: Some(chain), .. } = self.stage
        {
            // Not even alone: the others go on without this chain.
            self.receiver.set_apart(chain);
            self.packing.grow_back(turn.config);
            self.hold_or_rest(turn);
            return;
        }
        let (_, wait) = self.retry.failed(turn);
        self.rest(turn.now, wait, self.stage.epoch());
    }

    fn failed(&mut self, turn: &mut Turn<'_>, error: UplinkError) {
        let at_least = match &error {
            UplinkError::Overloaded { retry_after } => (*retry_after).min(turn.config.uplink_max),
            _ => Duration::ZERO,
        };
        self.health.failed(&error);
        let (attempts, wait) = self.retry.failed(turn);
        turn.out.notice(Notice::UplinkFailed { error, attempts });
        self.rest(turn.now, at_least + wait, self.stage.epoch());
    }

    /// A request was of use.
    fn works(&mut self, turn: &mut Turn<'_>) {
        self.retry.reset();
        if let Some(attempts) = self.health.works() {
            turn.out.notice(Notice::UplinkFound { attempts });
        }
    }

    /// Why the cloud refuses, while it does.
    pub(crate) fn refusal(&self) -> Option<CloudRefusal> {
        self.health.refusal()
    }

    /// Goes on with the lease; without one, rests.
    fn hold_or_rest(&mut self, turn: &mut Turn<'_>) {
        match self.stage.epoch() {
            Some(epoch) => self.stage = Stage::Holding { epoch },
            None => self.failed(turn, UplinkError::Unreadable),
        }
    }

    fn rest(&mut self, now: Time, wait: Duration, epoch: Option<UploadEpoch>) {
        self.stage = Stage::Resting { until: now + wait, epoch };
    }
}

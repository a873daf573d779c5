//! What a terminal notices, as log lines with fields: at `info` the story of a day, at `warn` what is odd and works, at `error` what
//! somebody must look at. No line holds anything of a customer, an operator or a sale.
//!
//! Notices are matched without a wildcard: one that nobody could see would not build.

use std::collections::BTreeSet;

use edgepos_consensus::{self as consensus, DropReason, Leader};
use edgepos_core::{ReplicaId, Time};
use edgepos_sync::{self as sync, UplinkError};
use tracing::{debug, error, info, warn};

use super::alert::Alert;
use super::inference::Inference;
use crate::terminal::Notice;

/// Refusals of election messages that are told at `info`: one for each peer and reason.
const MAX_REFUSALS: usize = 64;

/// Tells what is noticed, and how long what has a beginning and an end took.
#[derive(Debug)]
pub(super) struct Story {
    /// Since when no leader is known.
    unled: Option<Time>,
    /// Since when the cloud is not reached, and the latest reason.
    cloudless: Option<(Time, String)>,
    /// Whose election messages were refused, and why, as far as that was told.
    refusals: BTreeSet<(ReplicaId, DropReason)>,
}

impl Story {
    /// A start: no leader is known yet.
    pub(super) fn new(now: Time) -> Self {
        Self { unled: Some(now), cloudless: None, refusals: BTreeSet::new() }
    }

    /// Writes the line. The notice's name, which is its label in the metric.
    pub(super) fn tell(&mut self, now: Time, notice: &Notice) -> &'static str {
        match notice {
            Notice::Election(notice) => self.tell_election(now, notice),
            Notice::Sync(notice) => self.tell_sync(now, notice),
            Notice::PeerConnected { peer } => {
                info!(peer = peer.terminal(), "a terminal is connected");
                "peer_connected"
            }
            Notice::PeerLost { peer } => {
                info!(peer = peer.terminal(), "a terminal is no longer connected");
                "peer_lost"
            }
            Notice::Recorded { id, envelope } => {
                debug!(%id, kind = envelope.kind.name(), "an event is on disk");
                "recorded"
            }
            Notice::ExceptionRaised(raised) => {
                warn!(
                    exception = raised.exception.name(),
                    value = raised.value,
                    floor = raised.floor,
                    episode = raised.episode,
                    "an exception is raised"
                );
                "exception_raised"
            }
            Notice::ExceptionEnded(ended) => {
                info!(value = ended.value, episode = ended.episode, "an exception has ended");
                "exception_ended"
            }
            Notice::ResolutionProposed(proposed) => {
                info!(
                    action = proposed.advice.action.name(),
                    episode = proposed.episode,
                    fallback = proposed.advice.fallback.map(|fallback| fallback.name()),
                    "a resolution of an exception is proposed"
                );
                "resolution_proposed"
            }
            Notice::ExceptionResolved(resolved) => {
                info!(
                    action = resolved.action.name(),
                    episode = resolved.episode,
                    amount = resolved.amount,
                    "an exception is resolved, or an earlier resolution goes on"
                );
                "exception_resolved"
            }
            Notice::Quarantined { id, reason } => {
                error!(%id, reason, "an event cannot be read here; it is kept and passed on");
                "quarantined"
            }
            Notice::DecisionSkipped { index, kind } => {
                warn!(index, kind, "the store decided something of a kind that this version does not know");
                "decision_skipped"
            }
            Notice::ClockAhead { by_ms } => {
                warn!(by_ms, "a peer's clock is far ahead; ours did not follow");
                "clock_ahead"
            }
            Notice::Alert(Alert { name, firing: true, value, threshold, says, remedy }) => {
                warn!(alert = name, value, threshold, remedy, "{says}");
                "alert"
            }
            Notice::Alert(Alert { name, value, .. }) => {
                info!(alert = name, value, "an alert ended");
                "alert"
            }
            Notice::Condition { condition, holds: true } => {
                error!(
                    condition = condition.kind.name(),
                    about = condition.about,
                    count = condition.count,
                    remedy = condition.kind.remedy(),
                    "{}",
                    condition.kind.says()
                );
                "condition"
            }
            Notice::Condition { condition, .. } => {
                info!(
                    condition = condition.kind.name(),
                    since_ms = condition.since_ms,
                    "a condition is over"
                );
                "condition"
            }
            Notice::Refused { from, reason } => {
                warn!(peer = from.terminal(), reason, "a frame was refused");
                "frame_refused"
            }
        }
    }

    fn tell_election(&mut self, now: Time, notice: &consensus::Notice) -> &'static str {
        use consensus::Notice;
        match notice {
            Notice::LeaderChanged(leader) => self.tell_leader(now, *leader),
            Notice::QuorumLost { reachable, needed, .. } => {
                warn!(reachable, needed, "this leader no longer hears a majority; sales go on");
                "quorum_lost"
            }
            Notice::QuorumRegained => {
                info!("a majority is heard again");
                "quorum_regained"
            }
            Notice::Halted(reason) => {
                error!(%reason, "the election has stopped; sales go on");
                "election_halted"
            }
            Notice::Refused { from, reason } => {
                // The first of its kind is told, and those that follow are the same story.
                if self.refusals.len() < MAX_REFUSALS && self.refusals.insert((*from, *reason)) {
                    info!(peer = from.terminal(), ?reason, "an election message was refused");
                } else {
                    debug!(peer = from.terminal(), ?reason, "an election message was refused");
                }
                "message_refused"
            }
            Notice::LogLost { held, known } => {
                error!(held, known, "this disk lost decisions that it had reported durable");
                "log_lost"
            }
            Notice::ProposalRefused { kind, base, current, .. } => {
                info!(kind, base, current, "the store refused a proposal: another decision came first");
                "proposal_refused"
            }
            Notice::StoreRecovered { generation, last, decided } => {
                warn!(generation = generation.0, last, decided, "this store was recovered by force");
                "store_recovered"
            }
            Notice::MembersChanged { voters, learners } => {
                info!(
                    voters = voters.len(),
                    learners = learners.len(),
                    "the store decided who belongs to it"
                );
                "members_changed"
            }
            Notice::DiskStalled { .. } => {
                warn!("a write takes longer than it should; the disk may be failing");
                "disk_stalled"
            }
            Notice::HandOverFailed => {
                warn!("nobody took the leadership over; the next election decides");
                "hand_over_failed"
            }
            Notice::LevelRaised { level } => {
                info!(level, "the store raised its feature level");
                "level_raised"
            }
            Notice::SnapshotInstalled { from, to } => {
                info!(from, to, "decisions were missed, and taken from a snapshot");
                "decisions_from_snapshot"
            }
        }
    }

    fn tell_sync(&mut self, now: Time, notice: &sync::Notice) -> &'static str {
        use sync::Notice;
        match notice {
            Notice::LeaderHas(vector) => {
                debug!(chains = vector.len(), "the leader holds more");
                "leader_has"
            }
            Notice::CloudHas(vector) => {
                debug!(chains = vector.len(), "the cloud holds more");
                "cloud_has"
            }
            Notice::Leased { epoch, leader } => {
                info!(epoch = epoch.0, leader, "this terminal uploads to the cloud");
                "leased"
            }
            Notice::Fenced { epoch } => {
                info!(epoch = epoch.0, "another terminal uploads to the cloud");
                "fenced"
            }
            Notice::UploadRefused { reason } => {
                error!(%reason, "the cloud refused an upload");
                "upload_refused"
            }
            Notice::UplinkFound { attempts } => self.tell_cloud_found(now, *attempts),
            Notice::UplinkFailed { error, attempts } => self.tell_cloud_lost(now, error, *attempts),
            Notice::Backpressure { peer, retry_after } => {
                warn!(
                    peer = peer.terminal(),
                    ?retry_after,
                    "a peer whose disk is behind asks for a pause; sales go on"
                );
                "backpressure"
            }
            Notice::Pruned { id, peer } => {
                warn!(%id, peer = peer.map(|peer| peer.terminal()), "an event is asked for that is pruned here");
                "pruned"
            }
            Notice::SnapshotNeeded { peer, chain, floor } => {
                warn!(peer = peer.terminal(), %chain, floor = floor.0, "what is missing here is pruned there");
                "snapshot_needed"
            }
            Notice::Fork { .. }
            | Notice::RollbackSuspected { .. }
            | Notice::CloneSuspected { .. }
            | Notice::Damaged { .. }
            | Notice::Lost { .. }
            | Notice::Mended { .. }
            | Notice::TooManyChains { .. } => tell_damage(notice),
            Notice::Mistaken { chain, claimed, own, witness } => {
                warn!(%chain, claimed = claimed.0, own = own.0, %witness, "a claim about the cloud is not so; it counts for nothing");
                "claim_mistaken"
            }
            Notice::Reincarnated { replica } => {
                warn!(%replica, "a terminal goes on as another incarnation: its disk was restored, lost or replaced");
                "reincarnated"
            }
            Notice::CloudRestored { witness } => {
                warn!(%witness, "the cloud lost what it held; it is given all that it lacks");
                "cloud_restored"
            }
            Notice::Incompatible { peer, versions: (oldest, newest) } => {
                warn!(
                    peer = peer.terminal(),
                    oldest, newest, "a peer speaks no version that this terminal speaks"
                );
                "peer_incompatible"
            }
            Notice::WrongStore { peer, store } => {
                warn!(peer = peer.terminal(), %store, "a peer belongs to another store");
                "peer_of_another_store"
            }
            Notice::PeerRefused { peer } => {
                warn!(peer = peer.terminal(), "there are too many peers; this one is ignored");
                "peer_refused"
            }
            Notice::Undecodable { peer, error } => {
                warn!(peer = peer.terminal(), %error, "a batch of a peer does not decode");
                "batch_undecodable"
            }
        }
    }

    fn tell_leader(&mut self, now: Time, leader: Option<Leader>) -> &'static str {
        match leader {
            Some(Leader { replica, term }) => {
                let without_ms = self.unled.take().map(|since| ms(now, since));
                info!(leader = replica.terminal(), term = term.0, without_ms, "a leader is known");
            }
            None => {
                self.unled.get_or_insert(now);
                info!("no leader is known; sales go on");
            }
        }
        "leader_changed"
    }

    /// The first failure is told, and those that follow are the same story.
    fn tell_cloud_lost(&mut self, now: Time, error: &UplinkError, attempts: u32) -> &'static str {
        let (_, reason) = self.cloudless.get_or_insert((now, String::new()));
        *reason = error.to_string();
        if attempts == 1 {
            warn!(%error, "the cloud is not reached; sales go on");
        } else {
            debug!(%error, attempts, "the cloud is still not reached");
        }
        "uplink_failed"
    }

    fn tell_cloud_found(&mut self, now: Time, attempts: u32) -> &'static str {
        let (away_ms, reason) = match self.cloudless.take() {
            Some((since, reason)) => (Some(ms(now, since)), Some(reason)),
            None => (None, None),
        };
        info!(attempts, away_ms, reason, "the cloud is reached again");
        "uplink_found"
    }
}

/// Writes the line about what a model did, as the application reports it. Its name, which is its label in the metric.
pub(super) fn tell_inference(what: Inference) -> &'static str {
    match what {
        Inference::Answered { took } => {
            debug!(?took, "a model answered");
            "model_answered"
        }
        Inference::Fallback { took } => {
            debug!(?took, "whoever asked a model got a fallback");
            "model_fallback"
        }
        Inference::Checked { correct } => {
            debug!(correct, "a person looked at an answer of a model");
            "answer_checked"
        }
    }
}

fn ms(now: Time, since: Time) -> u64 {
    u64::try_from(now.since(since).as_millis()).unwrap_or(u64::MAX)
}

/// What is wrong with a disk, here or elsewhere. Other notices of the log are told by [`Story::tell_sync`].
fn tell_damage(notice: &sync::Notice) -> &'static str {
    use sync::Notice;
    if let Notice::Fork { chain, seq, witness } = notice {
        error!(%chain, held = seq.0, ?witness, "two histories of one chain: a disk was cloned or restored");
        return "forked";
    }
    if let Notice::RollbackSuspected { chain, known, own, witness } = notice {
        error!(%chain, known = known.0, own = own.0, ?witness, "this disk was restored: others hold more of its chain");
        return "rollback_suspected";
    }
    if let Notice::Damaged { id } = notice {
        error!(%id, "a stored event does not match its hash");
        return "damaged";
    }
    if let Notice::Lost { first, last } = notice {
        error!(%first, last = last.0, "the bytes of own events are lost: nobody who was asked has them; the rest goes on");
        return "lost";
    }
    if let Notice::Mended { first, last } = notice {
        info!(%first, last = last.0, "damaged events are there again, as they were");
        return "mended";
    }
    if let Notice::TooManyChains { witness } = notice {
        error!(?witness, "there are more chains than the limit");
        return "too_many_chains";
    }
    error!("a peer uses this terminal's own id: its disk was cloned");
    "clone_suspected"
}

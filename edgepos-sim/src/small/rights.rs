//! What a terminal does only by right: it sends its own events once somebody else has stated how far they go, and uploads as the leader or
//! where nobody leads. Read from the frames and requests themselves.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::Status;
use edgepos_core::{ReplicaId, UploadEpoch};
use edgepos_sync::{Batch, CloudReply, CloudRequest, Limits, Message};

use crate::check::{Rule, Violation};

/// The first byte of a frame about elections.
pub(super) const ELECTION: u8 = 1;

/// How long after a start the word of a peer alone frees nothing.
const UNCONFIRMED_MS: u64 = 30_000;

/// What a process was told since it started.
#[derive(Debug)]
struct Told {
    started_ms: u64,
    author: ReplicaId,
    greeted_by: BTreeSet<ReplicaId>,
    cloud_spoke: bool,
    epochs: BTreeSet<UploadEpoch>,
}

/// What each process may do.
#[derive(Debug, Default)]
pub(super) struct Rights {
    told: BTreeMap<usize, Told>,
}

impl Rights {
    /// A process starts, and writes under this name.
    pub(super) fn starts(&mut self, place: usize, now_ms: u64, author: ReplicaId) {
        let (greeted_by, epochs) = (BTreeSet::new(), BTreeSet::new());
        let told = Told { started_ms: now_ms, author, greeted_by, cloud_spoke: false, epochs };
        self.told.insert(place, told);
    }

    /// Whether this process writes under another name than that under which it started.
    pub(super) fn has_new_name(&self, place: usize, author: ReplicaId) -> bool {
        self.told.get(&place).is_some_and(|told| told.author != author)
    }

    /// A frame arrives.
    pub(super) fn hears(&mut self, place: usize, from: ReplicaId, frame: &[u8]) {
        if let Some(told) = self.told.get_mut(&place)
            && let Some(Message::Hello(_)) = message(frame)
        {
            told.greeted_by.insert(from);
        }
    }

    /// The cloud answers.
    pub(super) fn cloud_answers(&mut self, place: usize, reply: &CloudReply) {
        let Some(told) = self.told.get_mut(&place) else { return };
        match reply {
            CloudReply::Lease { epoch, .. } => {
                told.epochs.insert(*epoch);
                told.cloud_spoke = true;
            }
            CloudReply::Head { .. } | CloudReply::Ack { .. } | CloudReply::Conflict { .. } => {
                told.cloud_spoke = true;
            }
            _ => {}
        }
    }

    /// A frame sets out.
    ///
    /// # Errors
    /// When it carries events of the sender's own that nobody else has vouched for.
    pub(super) fn sends(
        &self,
        place: usize,
        now_ms: u64,
        frame: &[u8],
        status: impl FnOnce() -> Option<Status>,
    ) -> Result<(), Violation> {
        let Some(Message::Batch { batch, .. }) = message(frame) else { return Ok(()) };
        let Some((told, status)) = self.told.get(&place).zip(status()) else { return Ok(()) };
        let runs = Batch::decode(&batch, &Limits::DEFAULT).map(|batch| batch.runs).unwrap_or_default();
        let own = runs.iter().find(|run| run.chain.replica == status.author);
        // Nobody else can have written under a name that it took since.
        let Some(run) = own.filter(|_| told.author == status.author) else { return Ok(()) };
        let by_leader = status.leader.is_some_and(|leader| told.greeted_by.contains(&leader.replica));
        let by_majority = told.greeted_by.len() >= status.voters.len() / 2;
        let has_waited = now_ms >= told.started_ms + UNCONFIRMED_MS;
        if told.cloud_spoke || by_leader || by_majority || has_waited {
            return Ok(());
        }
        let what = format!(
            "T{} sends events of its own, {} from {} on, of which since its start nobody else has stated how far they go",
            place + 1,
            run.chain,
            run.first
        );
        Err(Violation::new(Rule::Honest, what))
    }

    /// It asks the cloud.
    ///
    /// # Errors
    /// When it uploads and neither leads nor is without a leader, or under an epoch that was never its own.
    pub(super) fn asks_cloud(
        &self,
        place: usize,
        request: &CloudRequest,
        status: impl FnOnce() -> Option<Status>,
    ) -> Result<(), Violation> {
        let wrong = |what: String| Err(Violation::new(Rule::Honest, format!("T{} {what}", place + 1)));
        match request {
            CloudRequest::Lease { leader, .. } => match status() {
                Some(status) if *leader && !status.entitled => {
                    wrong(format!("asks for the upload as the leader, and follows {:?}", status.leader))
                }
                Some(status) if !*leader && status.leader.is_some() => {
                    wrong(format!("asks for the upload although {:?} leads", status.leader))
                }
                Some(_) | None => Ok(()),
            },
            CloudRequest::Append { epoch, .. } => match self.told.get(&place) {
                Some(told) if !told.epochs.contains(epoch) => {
                    wrong(format!("uploads in epoch {}, which was never its own", epoch.0))
                }
                Some(_) | None => Ok(()),
            },
            // Whoever merely asks changes nothing.
            _ => Ok(()),
        }
    }
}

fn message(frame: &[u8]) -> Option<Message> {
    let (_, body) = frame.split_first().filter(|(kind, _)| **kind != ELECTION)?;
    Message::decode(body, &Limits::DEFAULT).ok()
}

//! A leader's heartbeat: when the latest one left, and whom to ask again.

use core::time::Duration;

use edgepos_core::{ReplicaId, Time};

use crate::message::Message;
use crate::turn::Turn;

/// The latest heartbeat of this leadership; nothing while another one leads.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Beat {
    /// When it left, and when to ask the silent ones again.
    latest: Option<(Time, Option<Time>)>,
    /// When those that do not belong to the store were last told who leads it.
    guests_told: Time,
}

impl Beat {
    /// This terminal leads, or does so no more.
    pub(crate) fn change_role(&mut self, turn: &Turn<'_>) {
        // The first entry proves the majority; a lost one shall not wait for the next heartbeat.
        let soon = turn.leads() && turn.config.lossy_transport;
        self.latest = soon.then(|| (turn.now, Some(turn.now + turn.config.timing.soon())));
    }

    /// A heartbeat leaves.
    pub(crate) fn sent(&mut self, turn: &Turn<'_>) {
        self.latest = Some((turn.now, Some(turn.now + again_after(turn))));
    }

    /// Whether it is time to ask those again that are silent: when they were asked.
    pub(crate) fn due(&self, now: Time) -> Option<Time> {
        let (asked, again) = self.latest?;
        again.filter(|at| now >= *at).map(|_| asked)
    }

    /// Asks these voters again.
    pub(crate) fn again(&mut self, turn: &Turn<'_>, silent: &[ReplicaId]) -> Vec<Message> {
        let more = turn.config.lossy_transport && !silent.is_empty();
        self.latest = self.latest.map(|(asked, _)| (asked, more.then(|| turn.now + again_after(turn))));
        let heartbeat = |voter: &ReplicaId| {
            let message = turn.raft.heartbeat(*voter);
            message.stamped(turn.now, None)
        };
        silent.iter().map(heartbeat).collect()
    }

    /// A heartbeat for everybody who is connected and does not belong to the store, once a heartbeat interval while this terminal leads.
    pub(crate) fn greet_guests(
        &mut self,
        turn: &Turn<'_>,
        connected: impl Iterator<Item = ReplicaId>,
    ) -> Vec<Message> {
        if !turn.leads() || turn.now < self.guests_told + turn.config.timing.heartbeat {
            return Vec::new();
        }
        self.guests_told = turn.now;
        let guests = connected.filter(|peer| !turn.raft.log().members().contains(*peer));
        guests.map(|guest| turn.raft.heartbeat(guest).stamped(turn.now, None)).collect()
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        self.latest.and_then(|(_, again)| again)
    }
}

/// How long after a heartbeat to ask the silent ones again. On a stream once, since it is late and not lost.
fn again_after(turn: &Turn<'_>) -> Duration {
    turn.config.timing.heartbeat / if turn.config.lossy_transport { 4 } else { 2 }
}

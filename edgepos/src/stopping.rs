//! A planned stop: what was recorded goes up, the leadership goes to another, and then the terminal ends.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::node::Node;
use crate::terminal::{Refusal, Terminal};

/// How long a flush has before it is looked at, and made once more.
const LOOK: Duration = Duration::from_millis(50);
/// How long the store has to find another leader: an election takes no longer where somebody could lead.
const HAND_OVER: Duration = Duration::from_secs(2);

/// What a terminal left behind that was stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Stopped {
    /// How many of its events the cloud is not known to hold; 0 where all are safe.
    pub queued: u64,
    /// How many of them no other terminal is known to hold either: they wait on this disk for the next start.
    pub only_here: u64,
    /// Whether another terminal leads the store, where this one did.
    pub handed_over: bool,
}

impl Node {
    /// Sends what is batched until the cloud holds every event of this terminal, or until `patience` is over: what a planned stop does
    /// first. How many events the cloud is not known to hold after that; 0 where all are safe.
    ///
    /// A terminal that does not lead sends to the one that does, and waits until that has uploaded. A future that is dropped stops
    /// asking, and nothing else.
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn flush_until_uploaded(&self, patience: Duration) -> Result<u64, Refusal> {
        let end = Instant::now() + patience;
        loop {
            self.flush().await;
            let queued = self.query(|terminal| terminal.status().queued).await?;
            if queued == 0 || Instant::now() >= end {
                return Ok(queued);
            }
            sleep(LOOK).await;
        }
    }

    /// A planned stop. Sends what is batched until the cloud holds it, for at most `patience`; hands the leadership over, where this
    /// terminal has it and another is connected, for at most 2 s more; and ends. What the cloud does not hold then is on this disk, and on
    /// those of the terminals that were in reach.
    ///
    /// A future that is dropped leaves the terminal running, with or without the leadership.
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn stop(&self, patience: Duration) -> Result<Stopped, Refusal> {
        self.flush_until_uploaded(patience).await?;
        let handed_over = self.hand_over().await?;
        // Last of all: who hands over still sells.
        let lacks = self.diagnosis().await?.peers.into_iter().filter_map(|peer| peer.lacks).min();
        let queued = self.query(|terminal| terminal.status().queued).await?;
        self.shutdown().await;
        Ok(Stopped { queued, only_here: queued.min(lacks.unwrap_or(queued)), handed_over })
    }

    /// Whether another leads after this terminal did.
    async fn hand_over(&self) -> Result<bool, Refusal> {
        let leads = |terminal: &Terminal| {
            let status = terminal.status();
            let leads = status.leader.map(|leader| leader.replica == status.me);
            (leads, status.connected.iter().any(|peer| status.voters.contains(peer)))
        };
        if self.query(leads).await? != (Some(true), true) {
            return Ok(false);
        }
        self.step_down().await;
        let end = Instant::now() + HAND_OVER;
        loop {
            let (leads, _) = self.query(leads).await?;
            if leads == Some(false) || Instant::now() >= end {
                return Ok(leads == Some(false));
            }
            sleep(LOOK).await;
        }
    }
}

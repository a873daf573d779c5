//! One loss of a leader, and how long the store was without one.

use edgepos_consensus::{Config, Timing};
use edgepos_core::{Jitter, ReplicaId};
use serde::Serialize;

use super::error::TrialError;
use super::lan::{Lan, Wire};

/// Which durations the terminals have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// The durations of [`Timing::standard`].
    Standard,
    /// [`Timing::fast`], on datagrams only.
    Fast,
    /// The durations of [`Timing::relaxed`].
    Relaxed,
}

impl Profile {
    fn timing(self) -> Timing {
        match self {
            Self::Standard => Timing::standard(),
            Self::Fast => Timing::fast(),
            Self::Relaxed => Timing::relaxed(),
        }
    }
}

/// What happens to the leader.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Its power is cut, and only its silence tells.
    Timeout,
    /// Its process dies, and the transport sees the connections die.
    PeerLost,
    /// It hands over.
    Transfer,
    /// Its network cable is pulled: it runs on and reaches nobody.
    Isolation,
    /// Its cable is pulled for 1 to 3 s and put back, and within half a minute the power of whoever leads then is cut.
    AfterFault,
}

/// One kind of trial.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cell {
    /// The profile that sets the durations.
    pub profile: Profile,
    /// What happens to the leader.
    pub what: What,
    /// How many terminals the store has; the first five vote.
    pub terminals: usize,
    /// How messages travel.
    pub wire: Wire,
    /// Messages lost, in percent.
    pub loss: u64,
    /// How long each flush of a disk takes, in milliseconds.
    pub flush_ms: u64,
    /// The round trip to the cloud that votes and never stands, in milliseconds; `None` for a store that votes by itself.
    pub cloud_rtt_ms: Option<u64>,
}

/// What one seed gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Trial {
    /// From the fault until another terminal is entitled to act for the store, in milliseconds; `None` for never.
    pub(super) took_ms: Option<u64>,
    /// The election needed more than one term.
    pub(super) split: bool,
    /// The longest time that two terminals believed to lead, in milliseconds.
    pub(super) two_leaders_ms: u64,
}

/// A store that found no leader by then is reported as one without, in milliseconds.
const PATIENCE_MS: u64 = 60_000;

pub(super) fn replica(node: usize) -> ReplicaId {
    ReplicaId::new(node as u16 + 1, 0xC0FFEE + node as u64)
}

/// The same configuration for each terminal of a store.
pub(super) fn configs(seed: u64, terminals: usize, timing: &Timing, wire: Wire) -> Vec<Config> {
    let voters: Vec<_> = (0..terminals).map(replica).collect();
    let config = |node: usize| Config {
        timing: timing.clone(),
        lossy_transport: wire == Wire::Datagram,
        ..Config::standard(voters[node], voters.clone(), seed)
    };
    (0..terminals).map(config).collect()
}

/// Runs one seed.
///
/// # Errors
/// When raft's promise of one leader in each term was broken, or the store found no first leader.
pub(super) fn run(cell: &Cell, seed: u64) -> Result<Trial, TrialError> {
    let nodes = cell.terminals + usize::from(cell.cloud_rtt_ms.is_some());
    let mut configs = configs(seed, nodes, &cell.profile.timing(), cell.wire);
    configs.iter_mut().skip(cell.terminals).for_each(|cloud| cloud.campaigns = false);
    let mut lan = Lan::new(seed, cell.wire, cell.loss, cell.flush_ms, configs);
    if let Some(rtt) = cell.cloud_rtt_ms {
        // A tenth more or less each way.
        lan.put_far(cell.terminals, (rtt * 9 / 20, rtt * 11 / 20));
    }
    (0..nodes).for_each(|node| lan.boot(node));
    let mut old = settle(&mut lan, seed)?;
    if cell.what == What::AfterFault {
        old = cable_fault(&mut lan, seed, old)?;
    }
    let term = lan.terminals()[old].term();
    let start = lan.now();
    lan.restart_overlap();
    match cell.what {
        What::Timeout | What::AfterFault => lan.cut_power(old),
        What::PeerLost => lan.kill(old),
        What::Isolation => lan.isolate(old),
        What::Transfer => lan.act(old, |election, now| {
            // It leads, as was seen a moment ago; a refusal would show as a failover that never ends.
            let _ = election.step_down(now);
        }),
    }
    let other = |lan: &Lan| {
        lan.terminals().iter().enumerate().any(|(node, terminal)| {
            // A leader whose hand-over failed may win again, in a later term.
            terminal.entitled() && (node != old || terminal.term() > term)
        })
    };
    let found = lan.run_until(start + PATIENCE_MS, other);
    let took_ms = found.then_some(lan.now() - start);
    let new_term = lan.leader().map_or(term, |leader| lan.terminals()[leader].term());
    lan.run_for(2000);
    lan.verdict()?;
    Ok(Trial { took_ms, split: new_term > term + 1, two_leaders_ms: lan.overlap() })
}

/// A leader's cable is pulled and put back; who leads some time later, within half a minute.
fn cable_fault(lan: &mut Lan, seed: u64, leader: usize) -> Result<usize, TrialError> {
    let mut jitter = Jitter::derive(seed, &[0xCAB1]);
    lan.isolate(leader);
    lan.run_for(jitter.range(1_000, 3_001));
    lan.mend(leader);
    lan.run_for(jitter.range(2_000, 28_001));
    lan.run_until(lan.now() + PATIENCE_MS, |lan| lan.leader().is_some());
    lan.leader().ok_or(TrialError::NoLeaderAfterFault)
}

/// Waits for the first leader and then for a moment that nothing in the run depends on.
fn settle(lan: &mut Lan, seed: u64) -> Result<usize, TrialError> {
    let mut jitter = Jitter::derive(seed, &[0x5E77]);
    for _ in 0..20 {
        lan.run_until(lan.now() + PATIENCE_MS, |lan| lan.leader().is_some());
        lan.run_for(jitter.range(1000, 2000));
        if let Some(leader) = lan.leader() {
            return Ok(leader);
        }
    }
    Err(TrialError::NoFirstLeader)
}

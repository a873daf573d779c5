//! Every cell of the table, and what the figures are held against.

use thiserror::Error;

use super::error::TrialError;
use super::lan::Wire;
use super::row::Row;
use super::trial::{self, Cell, Profile, What};
use crate::runner::in_order;

/// One run of many went wrong.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("seed {seed} of {cell:?}")]
pub struct CellError {
    /// What was run.
    pub cell: Cell,
    /// With which seed.
    pub seed: u64,
    /// What went wrong in it.
    pub source: TrialError,
}

/// The cells of the full table, with each of these times for a flush: each profile on the transports that it may run on, stores of two
/// terminals in which the cloud votes, and failovers soon after a cable fault.
pub fn cells(flushes_ms: &[u64]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (profile, wire) in [
        (Profile::Standard, Wire::Datagram),
        (Profile::Standard, Wire::Stream),
        (Profile::Fast, Wire::Datagram),
        (Profile::Relaxed, Wire::Datagram),
        (Profile::Relaxed, Wire::Stream),
    ] {
        for what in [What::Timeout, What::PeerLost, What::Transfer, What::Isolation] {
            for terminals in [3, 5, 15] {
                for loss in [0, 1, 5] {
                    let cell = |flush_ms| Cell {
                        profile,
                        what,
                        terminals,
                        wire,
                        loss,
                        flush_ms,
                        cloud_rtt_ms: None,
                    };
                    cells.extend(flushes_ms.iter().copied().map(cell));
                }
            }
        }
    }
    for cloud_rtt_ms in [10, 80, 160, 600] {
        for what in [What::Timeout, What::PeerLost, What::Transfer, What::Isolation] {
            for loss in [0, 1] {
                cells.push(Cell {
                    profile: Profile::Standard,
                    what,
                    terminals: 2,
                    wire: Wire::Stream,
                    loss,
                    flush_ms: 0,
                    cloud_rtt_ms: Some(cloud_rtt_ms),
                });
            }
        }
    }
    for wire in [Wire::Datagram, Wire::Stream] {
        for terminals in [3, 5] {
            for loss in [0, 1] {
                cells.push(Cell {
                    profile: Profile::Standard,
                    what: What::AfterFault,
                    terminals,
                    wire,
                    loss,
                    flush_ms: 0,
                    cloud_rtt_ms: None,
                });
            }
        }
    }
    cells
}

/// Runs a cell on seeds `start .. start + seeds`, on all cores. The row depends on the seeds alone.
///
/// # Errors
/// The first seed that broke a promise of raft's, and which.
pub fn measure(cell: &Cell, start: u64, seeds: u64) -> Result<Row, CellError> {
    let mut trials = Vec::new();
    let mut broken = None;
    in_order(
        start,
        seeds,
        |seed| trial::run(cell, seed),
        |seed, trial| match trial {
            Ok(trial) => trials.push(trial),
            Err(source) => {
                broken.get_or_insert(CellError { cell: *cell, seed, source });
            }
        },
    );
    match broken {
        Some(broken) => Err(broken),
        None => Ok(Row::new(cell, &trials)),
    }
}

/// A limit that rows are held against.
#[derive(Clone, Copy)]
pub struct Target {
    /// The limit in words.
    pub says: &'static str,
    /// Whether the row is one that the limit is about.
    pub concerns: fn(&Row) -> bool,
    /// Whether the row keeps it.
    pub holds: fn(&Row) -> bool,
}

impl Cell {
    /// Whether a target is about its row.
    pub fn has_target(&self) -> bool {
        let row = Row::new(self, &[]);
        targets().iter().any(|target| (target.concerns)(&row))
    }
}

/// The targets. They hold on datagrams with disks that flush at once: that is what they were set for, and the other rows say what
/// streams and slow disks cost. The one about a cable fault is about streams as well, which deliver late what was sent meanwhile.
pub fn targets() -> [Target; 7] {
    fn plain(row: &Row) -> bool {
        row.transport == Wire::Datagram && row.flush_ms == 0 && row.cloud_rtt_ms.is_none()
    }
    fn power_cut(row: &Row, profile: Profile) -> bool {
        plain(row) && (row.profile, row.cause, row.loss) == (profile, What::Timeout, 1)
    }
    [
        Target {
            says: "Standard, power cut: p99 at most 800 ms at 1 % loss",
            concerns: |row| power_cut(row, Profile::Standard),
            holds: |row| row.p99_ms <= 800,
        },
        Target {
            says: "Standard, power cut: none above 2 s at 1 % loss",
            concerns: |row| power_cut(row, Profile::Standard),
            holds: |row| row.max_ms <= 2000,
        },
        Target {
            says: "Fast, power cut: p99 at most 360 ms at 1 % loss",
            concerns: |row| power_cut(row, Profile::Fast),
            holds: |row| row.p99_ms <= 360,
        },
        Target {
            says: "a connection seen to die: p50 at most 30 ms and p99 at most 100 ms at 0 and 1 % loss",
            concerns: |row| {
                plain(row) && row.cause == What::PeerLost && row.loss <= 1 && row.profile != Profile::Relaxed
            },
            holds: |row| row.p50_ms <= 30 && row.p99_ms <= 100,
        },
        Target {
            says: "hand-over: p99 at most 25 ms",
            concerns: |row| plain(row) && row.cause == What::Transfer && row.profile != Profile::Relaxed,
            holds: |row| row.p99_ms <= 25,
        },
        Target {
            says: "Fast, leader cut off: two never both believe that they lead",
            concerns: |row| (row.profile, row.cause) == (Profile::Fast, What::Isolation),
            holds: |row| row.two_leaders_ms_max == 0,
        },
        Target {
            says: "Standard, power cut within half a minute after a cable fault: p50 at most 350 ms at 0 and 1 % loss",
            concerns: |row| row.cause == What::AfterFault,
            holds: |row| row.p50_ms <= 350,
        },
    ]
}

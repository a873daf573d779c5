//! The total order of register writes.

use edgepos_core::{Chain, RepairGen};
use serde::{Deserialize, Serialize};

use crate::Hlc;

/// When and by whom a register was written: by repair generation, then time, then chain.
///
/// Within one chain stamps rise (see [`HybridClock`](crate::HybridClock)), so two writes never share one. A write copies the generation that it
/// sees; a committed repair raises it, and with it beats even a stamp of the far future.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Stamp {
    /// How often the register was repaired.
    pub repair: RepairGen,
    /// When it was written.
    pub hlc: Hlc,
    /// Who wrote it, which breaks ties.
    pub chain: Chain,
}

impl Stamp {
    /// A stamp of these parts.
    pub const fn new(repair: RepairGen, hlc: Hlc, chain: Chain) -> Self {
        Self { repair, hlc, chain }
    }
}

//! Which events the store may put closer together.

use edgepos_core::Now;

use super::Terminal;
use crate::ports::Sealing;

impl Terminal {
    /// What is older than the configuration says, as far as the cloud holds it by its hash. `None`: nothing ever.
    ///
    /// Nothing is given up by it, so that no peer is asked; but what is damaged in a segment is damaged together, and must be had again.
    pub fn sealing(&self, now: Now) -> Option<Sealing> {
        let after = u64::try_from(self.config.seal_after.as_millis()).ok().filter(|after| *after > 0)?;
        Some(Sealing { floor: self.ledger.floor(&[]), before_utc_ms: now.wall.0.saturating_sub(after) })
    }
}

//! How it goes with the cloud: away, refusing, or of use.

use crate::io::UplinkError;
use crate::wire::reply::RefusedReason;

/// Why the cloud does not take what is uploaded. It answers, so that waiting alone does not help.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CloudRefusal {
    /// It says why.
    Reason(RefusedReason),
    /// It, or somebody in its place, answers with a status between 400 and 499.
    Status(u16),
}

/// What the latest requests came to.
#[derive(Debug, Default)]
pub(crate) struct Reachability {
    /// Requests in a row that were not answered.
    away: u32,
    refusal: Option<CloudRefusal>,
}

impl Reachability {
    /// A request failed.
    pub(crate) fn failed(&mut self, error: &UplinkError) {
        self.away = self.away.saturating_add(1);
        if let UplinkError::Rejected { status: status @ 400..=499 } = error {
            self.refusal = Some(CloudRefusal::Status(*status));
        }
    }

    /// A request was refused for good.
    pub(crate) fn refused(&mut self, reason: RefusedReason) {
        self.refusal = Some(CloudRefusal::Reason(reason));
    }

    /// A request was of use. After how many that failed, where some did.
    pub(crate) fn works(&mut self) -> Option<u32> {
        self.refusal = None;
        Some(std::mem::take(&mut self.away)).filter(|away| *away > 0)
    }

    /// Why the cloud refuses, while it does.
    pub(crate) fn refusal(&self) -> Option<CloudRefusal> {
        self.refusal
    }
}

//! What the leader proposes to the store's log.

use edgepos_consensus::{Election, Proposal};
use edgepos_core::Now;

use super::config::Config;
use super::ledger::Ledger;
use super::level;
use crate::retail::shop::Shop;

/// A decision's kind, in the log for ever: its bytes are the payload of an event of the store's own chain.
pub(super) const STORE_EVENT: u16 = 1;

/// Proposes what has been so for long enough: an exception, or its end. Whether something was proposed.
pub(super) fn propose_due(
    now: Now,
    config: &Config,
    election: &mut Election,
    ledger: &mut Ledger,
    shop: &mut Shop,
) -> bool {
    if !election.entitled() || !ledger.derives() {
        return false;
    }
    let grace = config.exception_grace;
    let mut any = false;
    for due in shop.due(now, grace, level::ends_exceptions(election)) {
        let bytes = ledger.proposal(now, config, due.kind, due.body);
        let proposal = Proposal { kind: STORE_EVENT, subject: Vec::new(), base: None, bytes };
        let taken = election.propose(now, proposal).is_ok();
        shop.proposed(now, grace, due.subject, taken);
        any |= taken;
    }
    any
}

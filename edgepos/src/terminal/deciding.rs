//! What the store's log has decided: events of the store's own chain get their place, in order, the same on every terminal.

use edgepos_consensus::{Decision, Election};
use edgepos_core::Now;

use super::ledger::Ledger;
use super::proposing::STORE_EVENT;
use super::replacing::Replacing;
use super::unit_of_work::UnitOfWork;
use crate::retail::shop::Shop;

/// What a decision concerns.
pub(super) struct Concerned<'t> {
    pub(super) election: &'t Election,
    pub(super) replacing: &'t mut Replacing,
    pub(super) ledger: &'t mut Ledger,
    pub(super) shop: &'t mut Shop,
    pub(super) out: &'t mut UnitOfWork,
}

/// A decision of the log, in order: it does the same on every terminal, whether its event is here already, whether it can be read.
pub(super) fn decided(decision: Decision, concerned: Concerned<'_>) {
    let Decision { index, kind, bytes, .. } = decision;
    let Concerned { election, replacing, ledger, shop, out } = concerned;
    ledger.note_decision();
    match kind {
        STORE_EVENT => {}
        _ if replacing.decided(kind, &bytes, out) => return,
        _ => return shop.skip_decision(index, kind, out),
    }
    if election.is_below_level() {
        // By which rules the others decide is not known here, so which of the decisions have a place is not either.
        return ledger.lose_places(out);
    }
    ledger.decide(index, bytes, out);
}

/// Gives the next decided event its place, where what was decided before it is here; whether there was one. A verdict follows from the
/// chain up to there, so everything that the ledger has to say is heard before: an event of the chain that a peer has brought, and that
/// is not interpreted yet, would be missing from it.
pub(super) fn place_next(now: Now, ledger: &mut Ledger, shop: &mut Shop, out: &mut UnitOfWork) -> bool {
    if shop.uncounted().is_looking() {
        // What is open and what is resolved is being made again.
        ledger.keep_waiting(out);
        return false;
    }
    let next = ledger.next_decided(now, out);
    let any = next.is_some();
    if let Some(payload) = next.and_then(|payload| shop.exceptions().judge(payload, ledger.decided_event())) {
        ledger.place(now, payload);
        shop.interpret(now, ledger, out);
    }
    ledger.keep_waiting(out);
    any
}

//! What the leader proposes to the store's log.

use edgepos_consensus::{Election, Proposal};
use edgepos_core::{Now, Time};

use super::config::Config;
use super::ledger::Ledger;
use super::level;
use super::links::Links;
use super::unit_of_work::UnitOfWork;
use crate::retail::shop::Shop;

/// A decision's kind, in the log for ever: its bytes are the payload of an event of the store's own chain.
pub(super) const STORE_EVENT: u16 = 1;

/// When something is due to be proposed. Where this terminal may propose nothing, what is due waits for no clock.
pub(super) fn next_due(config: &Config, election: &Election, ledger: &Ledger, shop: &Shop) -> Option<Time> {
    let grace = config.exception_grace;
    proposes(election, ledger)
        .then(|| shop.exceptions().next_due(grace, level::ends_exceptions(election)))
        .flatten()
}

/// Proposes what has been so for long enough: an exception, or its end. Whether something was proposed.
pub(super) fn propose_due(
    now: Now,
    config: &Config,
    election: &mut Election,
    ledger: &mut Ledger,
    shop: &mut Shop,
    out: &mut UnitOfWork,
) -> bool {
    if !proposes(election, ledger) {
        return false;
    }
    let grace = config.exception_grace;
    let mut any = false;
    let (exceptions, standing) = shop.watch();
    for due in exceptions.due(now, grace, level::ends_exceptions(election), standing, out) {
        let bytes = ledger.proposal(now, config, due.kind, due.body);
        let proposal = Proposal { kind: STORE_EVENT, subject: Vec::new(), base: None, bytes };
        let taken = election.propose(now, proposal).is_ok();
        exceptions.proposed(now, grace, due.subject, taken);
        any |= taken;
    }
    any
}

/// Hands the leadership over where this terminal does not know the places of decisions: it could raise no exception. Whether it did.
pub(super) fn stand_aside(now: Now, election: &mut Election, ledger: &mut Ledger, links: &Links) -> bool {
    let another = election.voters().iter().any(|voter| links.to(*voter).is_some());
    election.entitled() && another && ledger.stands_aside(now) && election.step_down(now).is_ok()
}

/// Whether this terminal leads, and would see what it proposes decided.
fn proposes(election: &Election, ledger: &Ledger) -> bool {
    election.entitled() && ledger.derives()
}

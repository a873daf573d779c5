//! What is proposed to the store's log: exceptions and their ends by the leader, resolutions by whoever is asked.

use edgepos_consensus::{Election, Health, Proposal, ProposeError};
use edgepos_core::{Now, Time};
use edgepos_wire::to_cbor;

use super::config::Config;
use super::ledger::Ledger;
use super::level;
use super::links::Links;
use super::refusal::Refusal;
use super::unit_of_work::UnitOfWork;
use crate::retail::exception::resolution::ResolveError;
use crate::retail::exception::resolving::Ready;
use crate::retail::exception::watched::Proposer;
use crate::retail::kind::KnownKind;
use crate::retail::shop::Shop;

/// A decision's kind, in the log for ever: its bytes are the payload of an event of the store's own chain.
pub(super) const STORE_EVENT: u16 = 1;

fn proposer<'c>(config: &'c Config, election: &Election, ledger: &'c Ledger) -> Proposer<'c> {
    Proposer {
        me: config.me,
        grace: config.exception_grace,
        knows_ends: level::ends_exceptions(election),
        policy: &config.policy,
        advice_within: config.policy.model_within(),
        held: ledger.held(),
    }
}

/// When something is due to be proposed, or a caller to be answered, also one whose receipt is not signed in time. Where this terminal may propose nothing, what is due waits for no
/// clock.
pub(super) fn next_due(config: &Config, election: &Election, ledger: &Ledger, shop: &Shop) -> Option<Time> {
    let exceptions = shop.exceptions();
    let due = judges(election, ledger, shop)
        .then(|| exceptions.next_due(proposer(config, election, ledger)))
        .flatten();
    due.into_iter().chain(exceptions.next_to_give_up()).chain(shop.sales().signer().next_due()).min()
}

/// Proposes what is due, and what was asked for here; settles counts, which needs nobody. Whether something was proposed or recorded.
pub(super) fn propose_all(
    now: Now,
    config: &Config,
    election: &mut Election,
    ledger: &mut Ledger,
    shop: &mut Shop,
    out: &mut UnitOfWork,
) -> bool {
    let any = shop.settle_counts(now, config, ledger);
    // Rows that are written with this call say that they count it.
    shop.interpret(now, ledger, out);
    let any = propose_due(now, config, election, ledger, shop, out) || any;
    propose_resolutions(now, config, election, ledger, shop, out) || any
}

/// Proposes what has been so for long enough: an exception, its end, what the resolver says. Whether something was proposed.
fn propose_due(
    now: Now,
    config: &Config,
    election: &mut Election,
    ledger: &mut Ledger,
    shop: &mut Shop,
    out: &mut UnitOfWork,
) -> bool {
    if !judges(election, ledger, shop) {
        return false;
    }
    let grace = config.exception_grace;
    let mut any = false;
    let (exceptions, standing) = shop.watch();
    for due in exceptions.due(now, proposer(config, election, ledger), standing, out) {
        let bytes = ledger.proposal(now, config, due.kind, (due.body, Vec::new()));
        let taken = propose(now, election, bytes).is_ok();
        exceptions.proposed(now, grace, due.subject, taken);
        any |= taken;
    }
    any
}

/// Proposes the resolutions that were asked for here, and tells who has waited too long. Whether something was proposed.
fn propose_resolutions(
    now: Now,
    config: &Config,
    election: &mut Election,
    ledger: &mut Ledger,
    shop: &mut Shop,
    out: &mut UnitOfWork,
) -> bool {
    let open_day = shop.day().open();
    let (exceptions, _) = shop.watch();
    let calls = exceptions.calls();
    calls.give_up(now.mono, out);
    let ready = calls.take_ready();
    let mut any = false;
    for Ready { key, body, effects } in ready {
        let proposed = may_resolve(election).and_then(|()| {
            let kind = KnownKind::ExceptionResolved;
            let bytes = ledger.proposal(now, config, kind, (to_cbor(&body.on_day(open_day)), effects));
            propose(now, election, bytes).map_err(|error| match error {
                ProposeError::TooLarge { limit, .. } => {
                    Refusal::TooLarge { field: "what the resolution does to counters", limit: limit as usize }
                }
                _ => ResolveError::Busy.into(),
            })
        });
        match proposed {
            Ok(()) => any = true,
            Err(refusal) => calls.refuse(out, key, &refusal),
        }
    }
    any
}

/// Whether the store can be asked to resolve something at this moment.
///
/// # Errors
/// When nobody leads it, or not all of its terminals know resolutions.
pub(super) fn may_resolve(election: &Election) -> Result<(), Refusal> {
    let level = election.level();
    if !level::ends_exceptions(election) {
        return Err(Refusal::BelowLevel { level, needs: 1 });
    }
    match election.health() {
        Health::Normal => Ok(()),
        Health::Leaderless | Health::Degraded { .. } => Err(ResolveError::NoMajority.into()),
    }
}

fn propose(now: Now, election: &mut Election, bytes: Vec<u8>) -> Result<(), ProposeError> {
    let proposal = Proposal { kind: STORE_EVENT, subject: Vec::new(), base: None, bytes };
    election.propose(now, proposal).map(drop)
}

/// Hands the leadership over where this terminal does not know the places of decisions: it could raise no exception. Whether it did.
pub(super) fn stand_aside(now: Now, election: &mut Election, ledger: &mut Ledger, links: &Links) -> bool {
    let another = election.voters().iter().any(|voter| links.to(*voter).is_some());
    election.entitled() && another && ledger.stands_aside(now) && election.step_aside(now).is_ok()
}

/// Whether this terminal proposes what it sees for itself: not while its counters are made again.
fn judges(election: &Election, ledger: &Ledger, shop: &Shop) -> bool {
    proposes(election, ledger) && !shop.uncounted().is_looking()
}

/// Whether this terminal leads, and would see what it proposes decided.
pub(super) fn proposes(election: &Election, ledger: &Ledger) -> bool {
    election.entitled() && ledger.derives()
}

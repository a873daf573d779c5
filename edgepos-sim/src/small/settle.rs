//! Before the faults and after them: the steps of a store in which nothing goes wrong, in a fixed order, until it is whole.

use edgepos::Status;
use edgepos_core::ReplicaId;

use super::device::Device;
use super::prelude::{begin, branch, bury, fill};
use super::stamps;
use super::store::Store;
use super::tills::{OVERSOLD, draft, payment};
use super::worlds::{Fault, World};
use crate::check::{Rule, Violation, judge};
use crate::errand::Ask;

/// How long a store has, in virtual time, to be whole once nothing goes wrong any more.
const PATIENCE_MS: u64 = 90_000;

/// More steps than any store takes in that time.
const MAX_STEPS: u32 = 200_000;

/// How long a terminal that is gone is silent before anybody replaces it: a replacement begins after five seconds.
const SILENT_MS: u64 = 8_000;

/// How long a fault that stands goes on before it is over, so that who is stuck must say so.
const STANDS_MS: u64 = 30_000;

/// How often a store that is whole is judged again, where something is still to be decided.
const AGAIN_MS: u64 = 1_000;

/// A store that has a leader, goods and open baskets, all of it in the cloud: where the exploration begins.
///
/// # Errors
/// When it does not get there.
pub(super) fn prepared(world: World, told: bool) -> Result<Store, Violation> {
    let mut store = Store::new(world, told);
    until_whole(&mut store)?;
    fill(&mut store)?;
    until_whole(&mut store)?;
    begin(&mut store)?;
    until_whole(&mut store)?;
    if world.resolves() {
        oversell(&mut store)?;
    }
    if let Fault::OldBox(place) = world.fault {
        bury(&mut store, place)?;
        let end = now_ms(&store) + SILENT_MS;
        until(&mut store, "time stands still", |store| now_ms(store) >= end)?;
        until_whole(&mut store)?;
    }
    if let Fault::Branches(place) = world.fault {
        branch(&mut store, place)?;
        until_whole(&mut store)?;
    }
    store.open()?;
    Ok(store)
}

/// One piece more is sold than there is, which everybody hears of, with what the rules propose.
fn oversell(store: &mut Store) -> Result<(), Violation> {
    ask(store, 0, Ask::Begin(draft(OVERSOLD)))?;
    ask(store, 0, Ask::Commit(payment(OVERSOLD)))?;
    until(store, "nothing is raised", |store| store.devices().iter().all(Device::has_exception))?;
    until_whole(store)
}

/// Nothing goes wrong any more: tills ask again for what was not answered, and the store must come to rest and keep every promise.
///
/// # Errors
/// When it does not.
pub(super) fn settle(store: &mut Store) -> Result<(), Vec<Violation>> {
    let only = |violation: Violation| vec![violation];
    if let Fault::ClaimStands(_) = store.world().fault {
        let end = now_ms(store) + STANDS_MS;
        until(store, "time stands still", |store| now_ms(store) >= end).map_err(only)?;
    }
    store.close();
    let end = now_ms(store) + PATIENCE_MS;
    until_whole(store).map_err(only)?;
    ask_again(store).map_err(only)?;
    loop {
        until_whole(store).map_err(only)?;
        let mut found = match store.view() {
            Ok(view) => {
                let mut found = judge(&view, store.tills().ledger());
                found.extend(store.tills().prices().check(&view));
                found
            }
            Err(violation) => vec![violation],
        };
        found.extend(stamps::check(store.cloud().events()));
        if found.is_empty() {
            return Ok(());
        }
        if now_ms(store) > end {
            return Err(found);
        }
        // A decision may still be on its way.
        let again = now_ms(store) + AGAIN_MS;
        while now_ms(store) < again {
            calm(store).map_err(only)?;
        }
    }
}

/// A till that got no answer asks once more, under the same key; where nobody knows the basket any more, it begins it first.
fn ask_again(store: &mut Store) -> Result<(), Violation> {
    for (place, basket) in store.tills().unanswered() {
        let commit = payment(basket);
        ask(store, place, Ask::Commit(commit.clone()))?;
        if store.tills().unanswered().contains(&(place, basket)) {
            ask(store, place, Ask::Begin(draft(basket)))?;
            ask(store, place, Ask::Commit(commit))?;
        }
        if store.tills().unanswered().contains(&(place, basket)) {
            let what = format!("basket {basket} is paid, and T{} does not book it", place + 1);
            return Err(Violation::new(Rule::NothingLost, what));
        }
    }
    for (place, way) in store.tills().managers().unanswered() {
        ask(store, place, Ask::Resolve(Box::new(way.call())))?;
    }
    let managers = store.tills().managers();
    if !managers.unanswered().is_empty() || managers.have_resolved_nothing() {
        let what = format!("managers asked, and the store has not decided {:?}", managers.unanswered());
        return Err(Violation::new(Rule::Liveness, what));
    }
    Ok(())
}

fn ask(store: &mut Store, place: usize, ask: Ask) -> Result<(), Violation> {
    store.ask(place, ask)?;
    until(store, "a till has no answer", |store| store.tills().are_answered())
}

fn until_whole(store: &mut Store) -> Result<(), Violation> {
    until(store, "not whole", is_whole)
}

fn until(store: &mut Store, what: &str, is_over: impl Fn(&Store) -> bool) -> Result<(), Violation> {
    let end = now_ms(store) + PATIENCE_MS;
    for _ in 0..MAX_STEPS {
        if is_over(store) {
            return Ok(());
        }
        if now_ms(store) > end {
            break;
        }
        calm(store)?;
    }
    Err(Violation::new(Rule::Liveness, format!("{what} after {PATIENCE_MS} ms: {}", told(store))))
}

/// The first thing that can happen, where nothing goes wrong.
fn calm(store: &mut Store) -> Result<(), Violation> {
    let step = store.steps().into_iter().find(|step| step.is_calm()).expect("time can always move on");
    store.take(step)
}

/// Whether all hold the same, all of it is in the cloud, and nobody waits for anything.
fn is_whole(store: &Store) -> bool {
    let there = || store.devices().iter().filter(|device| !device.is_gone());
    let states: Vec<_> = there().filter_map(Device::status).collect();
    let cloud = store.cloud().state();
    let even = states.len() == there().count()
        && states.iter().all(|state| {
            let in_cloud = state.durable.iter().all(|(chain, seq)| cloud.vector().get(chain) >= seq);
            in_cloud && state.durable == states[0].durable && state.queued == 0
        });
    // Who is gone leaves the others without a majority of two.
    let leads = |state: &&Status| state.entitled;
    let is_there = |voter: &&ReplicaId| there().any(|device| device.me() == **voter);
    let may_lead = |state: &Status| state.voters.iter().filter(is_there).count() * 2 > state.voters.len();
    let led = states.iter().filter(leads).count() == usize::from(states.iter().any(may_lead));
    even && led && store.tills().are_answered() && !store.devices().iter().any(Device::is_writing)
}

fn told(store: &Store) -> String {
    let cloud: u64 = store.cloud().state().vector().iter().map(|(_, seq)| seq.0).sum();
    let mut text = format!("the cloud holds {cloud}");
    for state in store.devices().iter().filter_map(Device::status) {
        let held: u64 = state.durable.iter().map(|(_, seq)| seq.0).sum();
        let conditions: Vec<_> = state.conditions.iter().map(|condition| condition.kind).collect();
        let leader = state.leader.map(|leader| leader.replica);
        text += &format!(
            "; {} holds {held}, queues {}, {}, leader {leader:?}, conditions {conditions:?}",
            state.me, state.queued, state.health
        );
    }
    text
}

fn now_ms(store: &Store) -> u64 {
    store.now().mono.0
}

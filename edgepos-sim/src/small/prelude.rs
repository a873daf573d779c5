//! What has happened in a store before it is explored, and how it comes to rest in between.

use edgepos::Record;
use edgepos::model::{StockLine, StockMoved, StockReason};

use super::device::Device;
use super::step::Step;
use super::store::Store;
use super::tills::{GOODS, baskets, draft, payment};
use crate::check::Violation;
use crate::errand::Ask;
use crate::goods::products;

/// How long a store takes to hold all that it has everywhere, in milliseconds.
const RESTS_WITHIN_MS: u64 = 20_000;

/// How long a sale takes to the next till, in milliseconds.
const SPREADS_WITHIN_MS: u64 = 500;

/// The basket that a till sells unheard.
const UNHEARD: u8 = 8;

/// The sale that one hears who is then gone, and the one that has its name in the cloud.
const HEARD: u8 = 6;
const IN_CLOUD: u8 = 7;

/// The goods that the tills sell are recorded.
///
/// # Errors
/// When that is refused.
pub(super) fn fill(store: &mut Store) -> Result<(), Violation> {
    let lines = products().take(3).map(|product| StockLine { product, quantity: GOODS }).collect();
    let moved = StockMoved { reason: StockReason::Receipt, from: None, to: None, lines };
    store.ask(0, Ask::Record(Record::stock_moved(&moved, 0)))
}

/// The baskets of this world are begun.
///
/// # Errors
/// When that is refused.
pub(super) fn begin(store: &mut Store) -> Result<(), Violation> {
    let open = baskets(store.world());
    open.into_iter().try_for_each(|(place, basket)| store.ask(place, Ask::Begin(draft(basket))))
}

/// A device sells while nobody hears it, and is gone.
///
/// # Errors
/// When the sale breaks a promise.
pub(super) fn bury(store: &mut Store, who: usize) -> Result<(), Violation> {
    store.unplug(Some(who))?;
    sell(store, who, UNHEARD)?;
    store.carry_off(who)?;
    store.unplug(None)
}

/// A device sells, all others hear it and are gone, its disk is put back and it sells again: what it does then goes to the cloud.
///
/// # Errors
/// When a sale breaks a promise.
pub(super) fn branch(store: &mut Store, who: usize) -> Result<(), Violation> {
    store.keep_image(who);
    sell(store, who, HEARD)?;
    let end = store.now().mono.0 + SPREADS_WITHIN_MS;
    while !is_even(store) && store.now().mono.0 < end {
        let spreads = |step: &Step| matches!(step, Step::Flush(_) | Step::Deliver(..));
        let step = store.steps().into_iter().find(spreads);
        store.take(step.unwrap_or(Step::Tick))?;
    }
    (0..store.devices().len()).filter(|other| *other != who).try_for_each(|other| store.carry_off(other))?;
    store.goes_back(who)?;
    store.take(Step::Start(who))?;
    sell(store, who, IN_CLOUD)
}

/// Everything that is on its way arrives, and time passes, until all that are on hold the same and the cloud has it.
///
/// # Errors
/// When a promise is broken.
pub(super) fn come_to_rest(store: &mut Store) -> Result<(), Violation> {
    let end = store.now().mono.0 + RESTS_WITHIN_MS;
    while !(is_even(store) && is_in_cloud(store)) && store.now().mono.0 < end {
        let step = store.steps().into_iter().find(|step| step.is_calm());
        store.take(step.unwrap_or(Step::Tick))?;
    }
    Ok(())
}

/// Whether all that are on have the same on their disks.
fn is_even(store: &Store) -> bool {
    let held: Vec<_> =
        store.devices().iter().filter_map(Device::status).map(|status| status.durable).collect();
    held.iter().all(|durable| *durable == held[0])
}

fn is_in_cloud(store: &Store) -> bool {
    let cloud = store.cloud().state();
    let mut states = store.devices().iter().filter_map(Device::status);
    states.all(|state| {
        state.queued == 0 && state.durable.iter().all(|(chain, seq)| cloud.vector().get(chain) >= seq)
    })
}

fn sell(store: &mut Store, who: usize, basket: u8) -> Result<(), Violation> {
    for ask in [Ask::Begin(draft(basket)), Ask::Commit(payment(basket))] {
        store.ask(who, ask)?;
        while store.devices()[who].is_writing() {
            store.take(Step::Flush(who))?;
        }
    }
    Ok(())
}

//! How a terminal is set up: what a shop would choose once, drawn for each.

use std::time::Duration;

use edgepos::consensus::Timing;
use edgepos::recovery::{RecoveryCode, RecoveryKit};
use edgepos::{BusinessDayOf, Config, Delivery, Genesis, NumberAt};
use edgepos_core::StoreGeneration;

use crate::plan::{Plan, Purpose};
use crate::signer;

/// The recovery kit of every store.
const KIT: RecoveryKit = RecoveryKit::from_secret(*b"in a simulation.");

/// The page of the kit that leads to the generation after this one.
///
/// # Panics
/// When the kit has no page left.
pub(crate) fn next_code(generation: StoreGeneration) -> RecoveryCode {
    KIT.code(StoreGeneration(generation.0 + 1)).expect("nobody recovers so often")
}

/// The configuration of the terminal at this place.
///
/// # Panics
/// When the plan names no zone of the IANA database.
pub(crate) fn config(plan: &Plan, place: usize) -> Config {
    let replicas = plan.replicas();
    let replica = replicas[place];
    let (store, generation, recovery) = (plan.store(), plan.generation(), Some(KIT.anchor()));
    let genesis = Genesis { store, generation, voters: replicas, recovery };
    let mut config = Config::new(replica, genesis, plan.rng(Purpose::Terminal, place).next_u64());
    // So that a run of some hundred events sees rows written and events counted again.
    config.max_rows_behind = 20;
    config.business_day_of = if plan.seed % 4 < 2 { BusinessDayOf::Store } else { BusinessDayOf::Terminal };
    // Mixed in one store: what a till promises of its numbers is its own.
    config.number_at =
        if (plan.seed + place as u64).is_multiple_of(3) { NumberAt::Commit } else { NumberAt::Begin };
    if (plan.seed / 3 + place as u64) % 4 == 1 {
        config.signed_series = vec![signer::SERIES.into()];
        config.sign_within = Duration::from_secs(2);
    }
    if (plan.seed / 2 + place as u64).is_multiple_of(3) {
        // Two are in memory at once: the others are read again when somebody asks for them.
        config.max_open_baskets = 2;
    }
    config.zone = plan.moment.zone.parse().expect("a zone of the IANA database");
    if !plan.network.stream {
        config.delivery = Delivery::Lossy;
        config.timing = if plan.seed.is_multiple_of(2) { Timing::fast() } else { Timing::standard() };
    }
    config
}

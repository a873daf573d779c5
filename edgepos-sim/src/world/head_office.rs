//! What the head office has come down to the store, drawn from the seed: when, and what.

use edgepos::crdt::{Hlc, HybridClock};
use edgepos::model::{Envelope, Kind};
use edgepos_core::{Jitter, WallMs};

use super::happening::Happening;
use crate::agenda::Agenda;
use crate::check::{Rule, Violation};
use crate::cloud::Cloud;
use crate::goods::{some_price, some_product};
use crate::papers::Papers;
use crate::plan::{Plan, Purpose};

/// Most publications of one run.
const MAX_PUBLICATIONS: u64 = 5;
/// Most prices of one publication: several pages of what comes down at once.
const MAX_PRICES: u64 = 700;
/// Most of what is said beside prices in one publication.
const MAX_BESIDE: u64 = 8;

/// The head office of one store.
#[derive(Clone, Debug)]
pub(super) struct HeadOffice {
    rng: Jitter,
    /// Draws what is said beside prices.
    beside: Jitter,
    papers: Papers,
    clock: HybridClock,
    moment_ms: u64,
    epoch_ms: u64,
}

impl HeadOffice {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            rng: plan.rng(Purpose::HeadOffice, 0),
            beside: plan.rng(Purpose::Clerk, usize::MAX),
            papers: Papers::new(plan.moment.at_ms),
            clock: HybridClock::new(Hlc::ZERO),
            moment_ms: plan.moment.at_ms,
            epoch_ms: plan.moment.epoch_ms(),
        }
    }

    /// Enters when it publishes: before the store opens, while things go wrong, and once after.
    pub(super) fn enter(&mut self, plan: &Plan, agenda: &mut Agenda<Happening>) {
        for _ in 0..self.rng.range(0, MAX_PUBLICATIONS) {
            agenda.at(self.rng.range(0, plan.faults_us), Happening::Publish);
        }
        agenda.at(plan.faults_us + 1_000_000, Happening::Publish);
    }

    /// Mostly a few prices, at times a whole list, and a few documents, customers and products.
    ///
    /// # Errors
    /// When the cloud's row does not decode.
    pub(super) fn publish(&mut self, now_us: u64, cloud: &mut Cloud) -> Result<(), Violation> {
        let wall = WallMs(self.epoch_ms + now_us / 1_000);
        let most = if self.rng.range(0, 8) == 0 { MAX_PRICES } else { 12 };
        let count = self.rng.range(1, most);
        let prices = (0..count).map(|_| {
            let product = some_product(&mut self.rng);
            let price = some_price(&mut self.rng, product, self.moment_ms);
            (Kind::PRICE_SET, minicbor::to_vec(&price).expect("a price is written into memory"))
        });
        let beside = self.beside.range(0, MAX_BESIDE);
        let beside = (0..beside).map(|_| self.papers.head_office(&mut self.beside));
        let payloads = prices.chain(beside).map(|(kind, body)| {
            let mut envelope = Envelope::new(kind, wall.0, self.clock.now(wall), body);
            envelope.workstation = edgepos_core::ReplicaId::CLOUD;
            envelope.encode()
        });
        let published = cloud.publish(wall, payloads.collect());
        published.map_err(|error| Violation::new(Rule::Alive, error.to_string()))
    }
}

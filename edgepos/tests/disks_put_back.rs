//! Disks are put back to older images at any moment, among crashes, cuts and outages of the cloud: what was sold and is still held by
//! anybody is in the cloud once, and all terminals count the same.
//!
//! `EDGEPOS_SEEDS=200 cargo test -p edgepos --test disks_put_back` runs more of them.

mod support;

use std::collections::BTreeSet;

use edgepos::core::{Jitter, Space};
use edgepos::model::{BasketId, Body, CounterRow, Envelope, StockLine, StockMoved, StockReason};
use edgepos::sync::EventRecord;
use edgepos::{ConditionKind, MemoryStore, Record, Store};
use support::Shop;
use support::cloud::Cloud;

const TILLS: u64 = 3;

/// The baskets that a disk has sales of.
fn baskets(disk: &MemoryStore) -> BTreeSet<BasketId> {
    let rows = disk.scan(Space::Event, &[], &[255; 64], u32::MAX).expect("memory");
    let basket = |(key, value): &(Vec<u8>, Vec<u8>)| {
        let (record, _) = EventRecord::from_row(key, value)?;
        match Envelope::decode(&record.payload).ok()?.read_body().ok()? {
            Body::Transaction(sale) => Some(sale.basket),
            _ => None,
        }
    };
    rows.iter().filter_map(basket).collect()
}

struct Run {
    shop: Shop,
    rng: Jitter,
    images: Vec<(usize, MemoryStore)>,
    sold: BTreeSet<BasketId>,
    /// Sold, and put back with the only disk that had it.
    lost: BTreeSet<BasketId>,
    /// The cloud while it is away.
    away: Option<Cloud>,
    said: Vec<String>,
}

impl Run {
    fn cloud(&self) -> &Cloud {
        self.shop.cloud.as_ref().or(self.away.as_ref()).expect("here or away")
    }

    /// What somebody other than `but` holds.
    fn held(&self, but: Option<usize>) -> BTreeSet<BasketId> {
        let tills = self.shop.tills.iter().enumerate().filter(|(at, _)| Some(*at) != but);
        tills.flat_map(|(_, till)| baskets(&till.disk)).collect()
    }

    fn step(&mut self, number: u64) {
        let till = self.rng.range(0, TILLS) as usize;
        let what = self.rng.range(0, 20);
        match what {
            0..8 if self.sold.len() < 250 => {
                let basket = self.sold.len() as u8;
                self.shop.sell_milk(till, basket);
                self.sold.insert(BasketId([basket; 16]));
                self.said.push(format!("{till} sells {basket}"));
            }
            8..10 => {
                self.shop.cut(till);
                self.said.push(format!("{till} is cut off"));
            }
            10..12 => {
                self.shop.heal();
                self.said.push("the network heals".into());
            }
            12 => {
                self.shop.crash(till);
                self.said.push(format!("{till} crashes"));
            }
            13..15 => self.images.push((till, self.shop.tills[till].disk.clone())),
            15..17 if !self.images.is_empty() => {
                let at = self.rng.range(0, self.images.len() as u64) as usize;
                let (till, image) = self.images[at].clone();
                let elsewhere = self.held(Some(till));
                let in_cloud: BTreeSet<_> = self.cloud().sales().into_iter().collect();
                let image_has = baskets(&image);
                let gone = baskets(&self.shop.tills[till].disk).into_iter().filter(|basket| {
                    !elsewhere.contains(basket) && !in_cloud.contains(basket) && !image_has.contains(basket)
                });
                self.lost.extend(gone);
                self.shop.put_back(till, image, 1_000 + number);
                self.said.push(format!("{till} is put back to image {at}"));
            }
            17 => match self.away.take() {
                Some(cloud) => self.shop.cloud = Some(cloud),
                None => self.away = self.shop.cloud.take(),
            },
            _ => {}
        }
        let ms = [5, 50, 500, 3_000, 12_000][self.rng.range(0, 5) as usize];
        self.shop.pass_by(ms, 5);
    }
}

fn run(seed: u64) {
    let mut shop = Shop::new(TILLS as u16);
    shop.cloud = Some(Cloud::default());
    shop.elect();
    let rng = Jitter::derive(seed, &[]);
    let (sold, lost) = (BTreeSet::new(), BTreeSet::new());
    let mut run = Run { shop, rng, images: Vec::new(), sold, lost, away: None, said: Vec::new() };
    for number in 0..40 {
        run.step(number);
    }
    if let Some(cloud) = run.away.take() {
        run.shop.cloud = Some(cloud);
    }
    run.shop.heal();
    run.shop.pass_by(400_000, 50);
    let said = run.said.join("\n");
    let sales = run.cloud().sales();
    let once: BTreeSet<_> = sales.iter().copied().collect();
    assert_eq!(once.len(), sales.len(), "seed {seed}: one is in the cloud twice: {sales:?}\n{said}");
    let missing: Vec<_> = run.sold.difference(&once).filter(|basket| !run.lost.contains(basket)).collect();
    assert!(missing.is_empty(), "seed {seed}: {missing:?} is not in the cloud\n{said}");
    let milk =
        |till: &support::Till| till.terminal.counter(&CounterRow::stock("milk", 0)).unwrap_or_default();
    let counted: Vec<_> = run.shop.tills.iter().map(milk).collect();
    assert!(counted.iter().all(|stock| *stock == counted[0]), "seed {seed}: they count {counted:?}\n{said}");
    // What the cloud alone has does not come back.
    let held = run.held(None).len() as i64;
    assert_eq!(counted[0], -held, "seed {seed}: they hold {held} sales and count {counted:?}\n{said}");
    let authors: BTreeSet<_> = run.shop.tills.iter().map(|till| till.terminal.status().author).collect();
    assert_eq!(authors.len(), TILLS as usize);
}

#[test]
fn what_anybody_still_holds_is_in_the_cloud_once() {
    let seeds = std::env::var("EDGEPOS_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(3);
    (0..seeds).for_each(run);
}

/// The disks of all tills go back and the cloud does not: every sale of either time is there once, and what the store decides anew beside
/// what the cloud was told before is said to need the recovery kit.
#[test]
fn all_tills_put_back_say_that_it_takes_the_recovery_kit() {
    let mut shop = Shop::new(3);
    shop.cloud = Some(Cloud::default());
    shop.elect();
    let lines = vec![StockLine { product: "milk".into(), quantity: 1 }];
    let moved = StockMoved { reason: StockReason::Receipt, from: None, to: None, lines };
    let now = shop.now;
    shop.tills[0].record(now, Record::stock_moved(&moved, 0)).expect("it is taken");
    shop.pass_by(3_000, 5);
    let images: Vec<_> = shop.tills.iter().map(|till| till.disk.clone()).collect();
    // One more than there is, each time: the store raises that.
    (2..4).for_each(|basket| drop(shop.sell_milk(2, basket)));
    shop.pass_by(40_000, 20);
    assert!(shop.tills.iter().all(|till| till.terminal.status().open_exceptions == 1));
    for (till, image) in images.into_iter().enumerate() {
        shop.put_back(till, image, 7 + till as u64);
    }
    // The cloud is not heard until the store has decided something else in that place.
    let cloud = shop.cloud.take();
    shop.heal();
    shop.pass_by(5_000, 5);
    (12..15).for_each(|basket| drop(shop.sell_milk(2, basket)));
    shop.pass_by(60_000, 20);
    assert!(shop.tills.iter().all(|till| till.terminal.status().open_exceptions == 1));
    shop.cloud = cloud;
    shop.pass_by(200_000, 50);
    let mut sales = shop.cloud.as_ref().expect("it is there").sales();
    let all = sales.len();
    sales.dedup();
    assert_eq!((all, sales.len()), (5, 5), "every sale, and none twice");
    let told: Vec<_> = shop.tills.iter().flat_map(|till| till.terminal.status().conditions).collect();
    let kit =
        told.iter().find(|told| told.kind == ConditionKind::Forked && told.about.contains("recovery kit"));
    assert!(kit.is_some(), "{told:?}");
}

//! Each condition is absent before, present during, and gone when it is over; a kind without such a test fails.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{
    Chain, EventId, IdempotencyKey, Lane, Now, Persist, PersistId, ReplicaId, Seq, Space, Write,
};
use edgepos::model::{CounterRow, StockLine, StockMoved, StockReason};
use edgepos::sync::{CloudReply, CloudRequest, Hash, Limits, Message, UplinkError};
use edgepos::{
    Action, Condition, ConditionKind, Config, Disk, Finding, Input, MemoryStore, Notice, Record, Resolve,
    Store, StoreFailure,
};
use support::cloud::Cloud;
use support::{Shop, Till, WALL, config, line, replica, with_cloud};

const NOW: Now = Now::new(1_000, WALL);

/// What one test has seen of its condition, in order.
struct Phases {
    kind: ConditionKind,
    seen: Vec<&'static str>,
}

impl Phases {
    fn new(kind: ConditionKind) -> Self {
        Self { kind, seen: Vec::new() }
    }

    fn find(&self, till: &Till) -> Option<Condition> {
        till.terminal.status().conditions.into_iter().find(|condition| condition.kind == self.kind)
    }

    fn before(&mut self, till: &Till) {
        assert_eq!(self.find(till), None, "it is absent before");
        self.seen.push("before");
    }

    fn during(&mut self, till: &Till) {
        let held = till.terminal.status().conditions;
        let condition = self.find(till).unwrap_or_else(|| panic!("it is not present: {held:?}"));
        assert!(condition.count > 0 && !condition.about.is_empty(), "{condition:?}");
        assert!(condition.since_ms >= WALL, "{condition:?}");
        assert!(self.told(till, true), "that it begins is a notice");
        self.seen.push("during");
    }

    fn after(&mut self, till: &Till) {
        assert_eq!(self.find(till), None, "it is gone when it is over");
        self.seen.push("after");
    }

    /// The same, where no restart was what ended it.
    fn after_all(&mut self, till: &Till) {
        self.after(till);
        assert!(self.told(till, false), "that it ends is a notice");
    }

    fn told(&self, till: &Till, begins: bool) -> bool {
        let of_kind = |notice: &Notice| match notice {
            Notice::Condition { condition, holds } => condition.kind == self.kind && *holds == begins,
            _ => false,
        };
        till.notices.iter().any(of_kind)
    }
}

macro_rules! tested {
    ($($test:ident $kind:ident;)+) => {
        const TESTED: &[ConditionKind] = &[$(ConditionKind::$kind,)+];

        $(
            #[test]
            fn $test() {
                let mut phases = Phases::new(ConditionKind::$kind);
                scenarios::$test(&mut phases);
                assert_eq!(phases.seen, ["before", "during", "after"], "all three were looked at");
            }
        )+
    };
}

tested! {
    forked Forked;
    restored Restored;
    second_holder SecondHolder;
    waiting_for_proof WaitingForProof;
    mistaken_claim MistakenClaim;
    refused_by_cloud RefusedByCloud;
    quarantined Quarantined;
    damaged Damaged;
    database_damaged DatabaseDamaged;
    disk_busy DiskBusy;
    disk_full DiskFull;
    disk_low DiskLow;
    clock_off ClockOff;
    tolerance_lost ToleranceLost;
    decisions_lost DecisionsLost;
    replacing Replacing;
    unsent Unsent;
    exceptions Exceptions;
    level_behind LevelBehind;
    insecure Insecure;
    certificate Certificate;
    model_missing ModelMissing;
}

#[test]
fn every_kind_has_its_test() {
    for kind in ConditionKind::ALL {
        assert!(TESTED.contains(kind), "{} has no test of before, during and after", kind.name());
    }
    assert_eq!(TESTED.len(), ConditionKind::ALL.len(), "each is tested once");
}

/// Passes time until it is so, for two minutes at most.
fn until(shop: &mut Shop, what: &str, so: impl Fn(&Shop) -> bool) {
    for _ in 0..12_000 {
        if so(shop) {
            return;
        }
        shop.pass_by(10, 10);
    }
    panic!("{what} did not come about");
}

fn put(till: &mut Till, writes: Vec<Write>) {
    till.disk.commit(&[Persist { id: PersistId(1), writes }]).unwrap();
}

mod scenarios {
    use super::*;

    /// The till is told how its disk is.
    fn disk(phases: &mut Phases, broken: Disk, mended: Disk) {
        let mut till = Till::new(1, 1, NOW);
        phases.before(&till);
        till.terminal.handle(NOW, Input::Disk(broken));
        till.run(NOW);
        phases.during(&till);
        till.terminal.handle(NOW, Input::Disk(mended));
        till.run(NOW);
        phases.after_all(&till);
    }

    /// An exception is open until somebody decides about it, also where it stays open after that.
    pub(super) fn exceptions(phases: &mut Phases) {
        let mut shop = Shop::new(1);
        shop.elect();
        shop.pass(1_000);
        phases.before(&shop.tills[0]);
        let now = shop.now;
        let twice = [1, 2].map(|receipt| support::draft(receipt, vec![support::back(9, 1, "milk", 1)]));
        for (number, draft) in (1..).zip(twice) {
            shop.tills[0].begin(now, draft).unwrap();
            shop.tills[0].commit(now, number, number).unwrap();
        }
        shop.pass(2_000);
        phases.during(&shop.tills[0]);
        let raised = shop.tills[0].terminal.status().exceptions.remove(0);
        let call = Resolve {
            exception: raised.subject().to_vec(),
            episode: 1,
            action: Action::Accept,
            actor: "Ada".into(),
            reason: String::new(),
            base: None,
            key: IdempotencyKey([1; 16]),
        };
        let now = shop.now;
        shop.tills[0].resolve(now, &call).unwrap();
        shop.pass(100);
        phases.after_all(&shop.tills[0]);
    }

    pub(super) fn disk_busy(phases: &mut Phases) {
        disk(phases, Disk { waits: Some(StoreFailure::Busy), ..Disk::default() }, Disk::default());
    }

    pub(super) fn disk_full(phases: &mut Phases) {
        disk(phases, Disk { room: 0, ..Disk::default() }, Disk::default());
    }

    pub(super) fn disk_low(phases: &mut Phases) {
        let free = |mib: u64| Disk { free: Some(mib << 20), ..Disk::default() };
        // 512 MiB is the default, and a quarter more ends it.
        let mut till = Till::new(1, 1, NOW);
        for enough in [Disk::default(), free(10_000), free(512)] {
            till.terminal.handle(NOW, Input::Disk(enough));
            assert_eq!(phases.find(&till), None, "{enough:?}");
        }
        phases.before(&till);
        for low in [free(511), free(513), free(639)] {
            till.terminal.handle(NOW, Input::Disk(low));
            till.run(NOW);
            assert!(phases.find(&till).is_some(), "what hovers is told once: {low:?}");
        }
        phases.during(&till);
        till.terminal.handle(NOW, Input::Disk(free(640)));
        till.run(NOW);
        phases.after_all(&till);
        let told = till.notices.iter().filter(|notice| matches!(notice, Notice::Condition { .. }));
        assert_eq!(told.count(), 2, "once that it begins, once that it ends");
    }

    /// Only the application or a port sees it, and reports it.
    fn reported(phases: &mut Phases, kind: ConditionKind, about: &str) {
        let mut till = Till::new(1, 1, NOW);
        phases.before(&till);
        let found = Finding { count: 1, about: about.into() };
        till.terminal.report_condition(NOW, kind, Some(found));
        till.run(NOW);
        phases.during(&till);
        till.terminal.handle(NOW, Input::Timeout);
        assert!(phases.find(&till).is_some(), "the terminal itself says nothing of it");
        till.terminal.report_condition(NOW, kind, None);
        till.run(NOW);
        phases.after_all(&till);
    }

    pub(super) fn database_damaged(phases: &mut Phases) {
        reported(phases, ConditionKind::DatabaseDamaged, "1 damaged file is kept");
    }

    pub(super) fn model_missing(phases: &mut Phases) {
        reported(phases, ConditionKind::ModelMissing, "product: the file is not there");
    }

    pub(super) fn insecure(phases: &mut Phases) {
        reported(phases, ConditionKind::Insecure, "insecure = true");
    }

    pub(super) fn certificate(phases: &mut Phases) {
        reported(phases, ConditionKind::Certificate, "the certificate is due to be renewed");
    }

    pub(super) fn tolerance_lost(phases: &mut Phases) {
        let mut shop = Shop::new(3);
        let leader = shop.elect();
        phases.before(&shop.tills[leader]);
        shop.cut(leader);
        until(&mut shop, "the loss", |shop| phases.find(&shop.tills[leader]).is_some());
        phases.during(&shop.tills[leader]);
        shop.heal();
        until(&mut shop, "the end", |shop| phases.find(&shop.tills[leader]).is_none());
        phases.after_all(&shop.tills[leader]);
    }

    /// The till sells a bottle more than came, and the store decides that somebody has to look at it.
    fn oversell(shop: &mut Shop, till: usize, product: &str) {
        let (now, lines) = (shop.now, vec![StockLine { product: product.into(), quantity: 1 }]);
        let came = StockMoved { reason: StockReason::Receipt, from: None, to: None, lines };
        shop.tills[till].record(now, Record::stock_moved(&came, 0)).unwrap();
        shop.tills[till].sell(now, 1, vec![line(1, product, 2, 200)]);
        until(shop, "the exception", |shop| shop.tills[till].terminal.status().exceptions.len() == 1);
    }

    /// A disk goes back behind what its till and one that is off then have decided; it has sold nothing since, and nobody there knows better.
    pub(super) fn decisions_lost(phases: &mut Phases) {
        let mut shop = Shop::new(3);
        let leader = shop.elect();
        let (back, third) = ((leader + 1) % 3, (leader + 2) % 3);
        shop.pass(2_000);
        let image = shop.tills[back].disk.clone();
        shop.cut(third);
        oversell(&mut shop, leader, "milk");
        phases.before(&shop.tills[leader]);
        shop.cut(leader);
        shop.put_back(back, image, 7);
        shop.heal_but(&[leader]);
        until(&mut shop, "another leader", |shop| {
            [back, third].iter().any(|till| shop.tills[*till].terminal.status().entitled)
        });
        oversell(&mut shop, third, "tea");
        shop.heal();
        until(&mut shop, "the difference", |shop| phases.find(&shop.tills[leader]).is_some());
        phases.during(&shop.tills[leader]);
        shop.crash(leader);
        shop.pass(1_000);
        phases.after(&shop.tills[leader]);
    }

    pub(super) fn clock_off(phases: &mut Phases) {
        let mut shop = Shop::new(3);
        shop.elect();
        shop.pass(1_000);
        phases.before(&shop.tills[0]);
        shop.ahead.insert(2, 61_000);
        shop.pass(1_000);
        phases.during(&shop.tills[0]);
        shop.ahead.clear();
        shop.pass(1_000);
        phases.after_all(&shop.tills[0]);
    }

    pub(super) fn level_behind(phases: &mut Phases) {
        let reopen = |shop: &mut Shop, level: u32| {
            shop.cut(2);
            let disk = std::mem::take(&mut shop.tills[2].disk);
            shop.tills[2] = Till::open(Config { level, ..config(3, 3) }, disk, shop.now);
            shop.heal();
            shop.pass(3_000);
        };
        let mut shop = Shop::new(3);
        shop.elect();
        shop.pass(2_000);
        phases.before(&shop.tills[2]);
        reopen(&mut shop, 0);
        phases.during(&shop.tills[2]);
        reopen(&mut shop, 1);
        phases.after(&shop.tills[2]);
    }

    pub(super) fn replacing(phases: &mut Phases) {
        let mut shop = Shop::new(3);
        shop.elect();
        shop.pass(1_000);
        shop.cut(2);
        shop.tills.remove(2);
        shop.pass(10_000);
        shop.elect();
        phases.before(&shop.tills[0]);
        let now = shop.now;
        shop.tills[0].terminal.replace(now, 3, false).unwrap();
        shop.pass(2_000);
        phases.during(&shop.tills[0]);
        let box_three = Config { me: ReplicaId::new(3, 0xB0B), ..config(3, 3) };
        shop.tills.push(Till::open(box_three, MemoryStore::new(), shop.now));
        shop.heal();
        shop.pass(12_000);
        phases.after_all(&shop.tills[0]);
    }

    /// Terminal 3 sells three bottles while nobody hears it, says so in its greetings, and burns.
    pub(super) fn unsent(phases: &mut Phases) {
        let mut shop = Shop::new(3);
        shop.elect();
        shop.sell_milk(2, 1);
        shop.pass(1_000);
        shop.cut(2);
        (2..5).for_each(|basket| drop(shop.sell_milk(2, basket)));
        shop.heal();
        let now = shop.now;
        shop.tills[2].run(now);
        for (to, connection, frame) in std::mem::take(&mut shop.tills[2].sent) {
            let message = Message::decode(&frame[1..], &Limits::DEFAULT);
            if frame[0] == 2 && matches!(message, Ok(Message::Hello(_))) {
                let at = usize::from(to.terminal()) - 1;
                shop.tills[at].terminal.handle(now, Input::Frame(replica(3), connection, frame));
            }
        }
        shop.cut(2);
        shop.tills.remove(2);
        shop.pass(10_000);
        shop.elect();
        phases.before(&shop.tills[0]);
        let now = shop.now;
        shop.tills[0].terminal.replace(now, 3, false).unwrap();
        let box_three = Config { me: ReplicaId::new(3, 0xB0B), ..config(3, 3) };
        shop.tills.push(Till::open(box_three, MemoryStore::new(), now));
        shop.heal();
        shop.pass(15_000);
        phases.during(&shop.tills[0]);
        let now = shop.now;
        shop.tills[0].terminal.write_off(now, 3).unwrap();
        shop.pass(3_000);
        phases.after_all(&shop.tills[0]);
    }

    pub(super) fn restored(phases: &mut Phases) {
        // The cloud alone knows better: where peers do, it stays until the till is replaced.
        let mut shop = Shop::new(1);
        shop.cloud = Some(Cloud::default());
        shop.elect();
        shop.sell_milk(0, 1);
        shop.pass_by(40_000, 10);
        let image = shop.tills[0].disk.clone();
        (2..4).for_each(|basket| drop(shop.sell_milk(0, basket)));
        shop.pass_by(40_000, 10);
        phases.before(&shop.tills[0]);
        shop.put_back(0, image, 7);
        shop.pass_by(5_000, 10);
        phases.during(&shop.tills[0]);
        shop.crash(0);
        shop.pass_by(5_000, 10);
        phases.after(&shop.tills[0]);
    }

    pub(super) fn forked(phases: &mut Phases) {
        let mut shop = Shop::new(3);
        shop.elect();
        shop.sell_milk(2, 1);
        shop.pass(500);
        let image = shop.tills[2].disk.clone();
        shop.cut(1);
        (2..5).for_each(|basket| drop(shop.sell_milk(2, basket)));
        shop.pass(1_000);
        phases.before(&shop.tills[0]);
        shop.put_back(2, image, 7);
        shop.heal();
        shop.cut(0);
        shop.pass_by(3_000, 5);
        (102..105).for_each(|basket| drop(shop.sell_milk(2, basket)));
        shop.pass(2_000);
        // Till 0 heard the one history and till 1 the other; whose chain it is is not there.
        shop.cut(2);
        let told = |shop: &Shop| [0, 1].map(|till| phases.told(&shop.tills[till], true));
        assert_eq!(told(&shop), [false, false], "on either side");
        shop.heal_but(&[2]);
        shop.pass_by(5_000, 5);
        assert_eq!(told(&shop), [true, true], "both say so within 5 s");
        let till = usize::from(phases.find(&shop.tills[0]).is_none());
        phases.during(&shop.tills[till]);
        shop.heal();
        until(&mut shop, "the end", |shop| phases.find(&shop.tills[till]).is_none());
        shop.pass_by(10_000, 5);
        phases.after_all(&shop.tills[till]);
        assert_eq!(phases.find(&shop.tills[1 - till]), None, "it is over on the other side as well");
    }

    /// Two clones of one disk at once. It stands for ten minutes after the last sign of the other.
    pub(super) fn second_holder(phases: &mut Phases) {
        let mut shop = Shop::new(2);
        shop.cloud = Some(Cloud::default());
        shop.elect();
        shop.sell_milk(1, 1);
        shop.pass(3_000);
        phases.before(&shop.tills[1]);
        let mut clone = config(2, 2);
        clone.nonce = 77;
        let clone = Till::open(clone, shop.tills[1].disk.clone(), shop.now);
        shop.tills.push(clone);
        shop.cut(1);
        for round in 0..12 {
            shop.sell_milk(1, 10 + round);
            shop.sell_milk(2, 40 + round);
            shop.cut(1);
            shop.cut(2);
            shop.heal_but(&[1 + usize::from(round % 2)]);
            shop.pass_by(1_500, 5);
        }
        phases.during(&shop.tills[1]);
        shop.cut(2);
        shop.heal_but(&[2]);
        // The last sign of it may be a page that the cloud gives.
        shop.pass_by(700_000, 50);
        phases.after_all(&shop.tills[1]);
    }

    pub(super) fn waiting_for_proof(phases: &mut Phases) {
        let mut shop = Shop::new(2);
        shop.elect();
        shop.sell_milk(1, 1);
        shop.pass(500);
        phases.before(&shop.tills[1]);
        shop.crash(1);
        shop.pass(5_000);
        assert_eq!(phases.find(&shop.tills[1]), None, "a start has some seconds");
        shop.pass(6_000);
        phases.during(&shop.tills[1]);
        shop.heal();
        shop.pass(3_000);
        phases.after_all(&shop.tills[1]);
    }

    pub(super) fn refused_by_cloud(phases: &mut Phases) {
        let mut now = NOW;
        let mut till = Till::new(1, 1, now);
        let mut cloud = Cloud::default();
        let wall = now.wall;
        with_cloud(&mut till, &mut now, 3_000, &mut |request| Some(Ok(cloud.answer(wall, request))));
        phases.before(&till);
        till.sell(now, 1, vec![line(1, "milk", 1, 100)]);
        with_cloud(&mut till, &mut now, 10_000, &mut |_| Some(Err(UplinkError::Rejected { status: 403 })));
        phases.during(&till);
        assert!(phases.find(&till).unwrap().about.contains("403"));
        let wall = now.wall;
        with_cloud(&mut till, &mut now, 120_000, &mut |request| Some(Ok(cloud.answer(wall, request))));
        phases.after_all(&till);
        assert_eq!(till.terminal.status().queued, 0);
    }

    /// The cloud claims more of a chain than anybody can prove, until it says otherwise.
    pub(super) fn mistaken_claim(phases: &mut Phases) {
        let mut now = NOW;
        let mut till = Till::new(1, 1, now);
        let (mut cloud, wall) = (Cloud::default(), now.wall);
        till.sell(now, 1, vec![line(1, "milk", 1, 100)]);
        with_cloud(&mut till, &mut now, 5_000, &mut |request| Some(Ok(cloud.answer(wall, request))));
        phases.before(&till);
        let mut claiming = |request: &CloudRequest| {
            let mut reply = cloud.answer(wall, request);
            if let CloudReply::Lease { held, .. }
            | CloudReply::Head { held, .. }
            | CloudReply::Ack { held, .. }
            | CloudReply::Conflict { held } = &mut reply
            {
                let theirs = Chain::new(replica(2), Lane::Transactions);
                held.vector.set_max(theirs, Seq(40));
                held.heads.insert(theirs, Hash([0xEE; 32]));
            }
            Some(Ok(reply))
        };
        till.sell(now, 2, vec![line(1, "milk", 1, 100)]);
        with_cloud(&mut till, &mut now, 20_000, &mut claiming);
        phases.during(&till);
        till.sell(now, 3, vec![line(1, "milk", 1, 100)]);
        with_cloud(&mut till, &mut now, 120_000, &mut |request| Some(Ok(cloud.answer(wall, request))));
        phases.after_all(&till);
    }

    /// The only row of this sale's kind in the till's file.
    fn sale(till: &Till) -> (Vec<u8>, Vec<u8>) {
        let rows = till.disk.scan(Space::Event, &[], &[255; 17], u32::MAX).unwrap();
        let is_sale =
            |key: &[u8]| EventId::from_key(key).is_some_and(|id| id.chain.lane == Lane::Transactions);
        rows.into_iter().find(|(key, _)| is_sale(key)).unwrap()
    }

    pub(super) fn damaged(phases: &mut Phases) {
        let mut shop = Shop::new(2);
        shop.elect();
        shop.sell_milk(0, 1);
        shop.pass(1_000);
        phases.before(&shop.tills[0]);
        let (key, mut row) = sale(&shop.tills[0]);
        row[90] ^= 1;
        put(&mut shop.tills[0], vec![Write::put(Space::Event, key, row)]);
        shop.crash(0);
        shop.pass(100);
        phases.during(&shop.tills[0]);
        shop.heal();
        until(&mut shop, "the mending", |shop| phases.find(&shop.tills[0]).is_none());
        phases.after_all(&shop.tills[0]);
        let milk = CounterRow::stock("milk", 0);
        assert_eq!(shop.tills[0].terminal.counter(&milk), Some(-1), "it counts, once");
    }

    /// A version that cannot read a sale keeps it; one that can counts it.
    pub(super) fn quarantined(phases: &mut Phases) {
        let mut till = Till::open(Config { max_rows_behind: 1, ..config(1, 1) }, MemoryStore::new(), NOW);
        till.sell(NOW, 1, vec![line(1, "milk", 1, 100)]);
        phases.before(&till);
        let (key, row) = sale(&till);
        // What the one leaves: the event, here with a body that nobody can read, the reason, and no counter that it has moved.
        let milk = CounterRow::stock("milk", 0);
        let counters = till.disk.scan(Space::Counter, &milk.to_key(), &[255; 64], u32::MAX).unwrap();
        let of_milk = counters.into_iter().filter(|(key, _)| key.starts_with(&milk.to_key()));
        let mut writes: Vec<_> = of_milk.map(|(key, _)| Write::delete(Space::Counter, key)).collect();
        assert_eq!(writes.len(), 1);
        writes.push(Write::put(Space::Quarantine, key.clone(), b"a body of a later version".as_slice()));
        writes.push(Write::put(Space::Event, key.clone(), [&row[..32], b"a later version's"].concat()));
        put(&mut till, writes);
        let mut till = till.crash(NOW);
        phases.during(&till);
        assert_eq!(till.terminal.counter(&milk), None, "it has moved nothing");
        put(&mut till, vec![Write::put(Space::Event, key, row)]);
        let till = till.crash(NOW);
        phases.after(&till);
        assert_eq!(till.terminal.counter(&milk), Some(-1), "it counts");
        assert_eq!(till.rows(Space::Quarantine), 0);
        assert_eq!(till.crash(NOW).terminal.counter(&milk), Some(-1), "once");
    }
}

/// Who was sent what it wrote itself and does not have has forgotten its votes as well. It says so until it starts again, and takes part
/// in elections once it holds what was decided.
#[test]
fn a_till_that_has_forgotten_its_votes_takes_part_again() {
    let mut shop = Shop::new(3);
    shop.elect();
    shop.sell_milk(2, 1);
    shop.pass(500);
    let image = shop.tills[2].disk.clone();
    (2..4).for_each(|basket| drop(shop.sell_milk(2, basket)));
    shop.pass(500);
    shop.put_back(2, image, 7);
    shop.heal();
    shop.pass(2_000);
    let restored = |shop: &Shop| {
        let conditions = shop.tills[2].terminal.status().conditions;
        conditions.into_iter().find(|condition| condition.kind == ConditionKind::Restored)
    };
    let about = restored(&shop).expect("it says so").about;
    assert!(about.ends_with("0 events are still to be written again"), "nobody is missed: {about}");
    shop.crash(2);
    shop.heal();
    shop.pass(2_000);
    assert_eq!(restored(&shop), None);
    // Whoever of the two others leads is off: the vote of the one that was put back counts.
    let led = shop.tills.iter().position(|till| till.terminal.status().entitled).expect("one leads");
    let off = if led == 2 { 0 } else { led };
    shop.cut(off);
    shop.pass(5_000);
    let leads: Vec<_> = shop.tills.iter().map(|till| till.terminal.status().entitled).collect();
    assert_eq!(leads.iter().filter(|leads| **leads).count(), 1, "{leads:?}");
    assert!(!leads[off]);
}

//! A store of two burns in part, the cloud is away, and the manager has the kit.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::consensus;
use edgepos::core::{Chain, Lane, Now, ReplicaId, Space, StoreGeneration};
use edgepos::model::{CounterRow, StockLine, StockMoved, StockReason};
use edgepos::recovery::{RecoveryError, RecoveryKit, adopt, recover};
use edgepos::{ConditionKind, Config, MemoryStore, Notice, Record, Store};
use support::{KIT, Shop, Till, config, genesis, line, replica};

fn all_rows(disk: &MemoryStore) -> Vec<(Vec<u8>, Vec<u8>)> {
    let spaces = [Space::Election, Space::ElectionLog, Space::ElectionSnapshot];
    let mut rows = Vec::new();
    for space in spaces {
        let each = &mut |key: &[u8], value: &[u8]| {
            rows.push((key.to_vec(), value.to_vec()));
            Ok(())
        };
        disk.scan_all(space, each).unwrap();
    }
    rows
}

fn milk(till: &Till) -> Option<i64> {
    till.terminal.counter(&CounterRow::stock("milk", 0))
}

/// Makes a store of two, sells, burns the second terminal, and stops the first.
fn burned() -> (MemoryStore, Now) {
    let mut shop = Shop::new(2);
    shop.elect();
    shop.tills[0].sell(shop.now, 1, vec![line(1, "milk", 1, 100)]);
    shop.tills[1].sell(shop.now, 2, vec![line(1, "milk", 2, 100)]);
    shop.pass(1000);
    shop.cut(1);
    drop(shop.tills.remove(1));
    shop.pass(3000);
    assert!(!shop.tills[0].terminal.status().entitled, "one of two decides nothing");
    let receipt = shop.tills[0].sell(shop.now, 3, vec![line(1, "milk", 3, 100)]);
    assert_eq!(receipt.number, 2, "and sells all the same");
    shop.pass(1000);
    (shop.tills.remove(0).disk, shop.now)
}

#[test]
fn one_of_two_goes_on_and_takes_a_replacement() {
    let (mut disk, now) = burned();
    let code = KIT.code(StoreGeneration(1)).unwrap();
    let recovery = recover(&mut disk, replica(1), &genesis(2), &code).unwrap();
    assert_eq!((recovery.generation, recovery.survivor), (StoreGeneration(1), replica(1)));
    let mut again = config(1, 2);
    again.genesis.generation = code.generation();
    let mut shop = Shop::new(0);
    shop.now = now;
    shop.tills.push(Till::open(again, disk, now));
    let (last, decided) = (recovery.last, recovery.decided);
    let told =
        Notice::Election(consensus::Notice::StoreRecovered { generation: StoreGeneration(1), last, decided });
    assert!(shop.tills[0].notices.contains(&told), "it is never silent");
    assert_eq!(shop.elect(), 0, "it leads by itself");
    assert_eq!(milk(&shop.tills[0]), Some(-6));

    // A replacement: another incarnation of terminal 2, which sells before it is admitted.
    let newcomer = ReplicaId::new(2, 999);
    let mut fresh = Config::new(newcomer, genesis(2), 9);
    fresh.genesis.generation = StoreGeneration(1);
    fresh.genesis.voters = vec![replica(1)];
    fresh.flush_interval = std::time::Duration::from_millis(50);
    shop.tills.push(Till::open(fresh, MemoryStore::new(), shop.now));
    shop.heal();
    shop.tills[1].sell(shop.now, 4, vec![line(1, "milk", 4, 100)]);
    shop.pass(1000);
    assert_eq!((milk(&shop.tills[0]), milk(&shop.tills[1])), (Some(-10), Some(-10)));
    let now = shop.now;
    shop.tills[0].terminal.admit(now, newcomer).unwrap();
    shop.pass(2000);
    let both = Notice::Election(consensus::Notice::MembersChanged {
        voters: vec![replica(1), newcomer],
        learners: vec![],
    });
    assert!(shop.tills.iter().all(|till| till.notices.contains(&both)), "it has caught up and votes");
    shop.crash(0);
    shop.heal();
    shop.elect();
}

/// What was decided before the recovery has its place in the chain of before: a replacement, which gets the whole log, gives it none in
/// the chain that begins with it.
#[test]
fn a_replacement_decides_nothing_of_before_once_more() {
    let mut shop = Shop::new(2);
    shop.elect();
    oversell(&mut shop, 0, (1, "milk"));
    shop.pass(2_000);
    shop.cut(1);
    drop(shop.tills.remove(1));
    let (mut disk, now) = (shop.tills.remove(0).disk, shop.now);
    let code = KIT.code(StoreGeneration(1)).unwrap();
    recover(&mut disk, replica(1), &genesis(2), &code).unwrap();
    let mut again = config(1, 2);
    again.genesis.generation = code.generation();
    let mut shop = Shop::new(0);
    shop.now = now;
    shop.tills.push(Till::open(again.clone(), disk, now));
    shop.elect();
    let newcomer = ReplicaId::new(2, 999);
    let mut fresh = Config { me: newcomer, ..again };
    fresh.genesis.voters = vec![replica(1)];
    shop.tills.push(Till::open(fresh, MemoryStore::new(), shop.now));
    shop.heal();
    shop.pass(1_000);
    let now = shop.now;
    shop.tills[0].terminal.admit(now, newcomer).unwrap();
    shop.pass(5_000);
    oversell(&mut shop, 0, (2, "tea"));
    shop.pass(5_000);
    let status = |at: usize| shop.tills[at].terminal.status();
    assert_eq!(status(0).voters.len(), 2);
    assert_eq!(status(0).durable, status(1).durable);
    assert_eq!(status(0).exceptions, status(1).exceptions);
    for at in 0..2 {
        let status = status(at);
        let raised: Vec<_> = status.conditions.iter().map(|held| (held.kind, held.about.clone())).collect();
        assert_eq!(status.open_exceptions, 2, "{raised:?}");
        let of_store =
            |generation| Chain::new(ReplicaId::store(StoreGeneration(generation)), Lane::Transactions);
        assert_eq!([0, 1].map(|generation| status.durable.get(of_store(generation)).0), [2, 2], "at {at}");
        assert!(!raised.iter().any(|(kind, _)| *kind == ConditionKind::Forked), "{raised:?}");
    }
}

/// One piece comes, two are sold, and the store raises that.
fn oversell(shop: &mut Shop, till: usize, (basket, product): (u8, &str)) {
    let before = shop.tills[till].terminal.status().open_exceptions;
    let lines = vec![StockLine { product: product.into(), quantity: 1 }];
    let came = StockMoved { reason: StockReason::Receipt, from: None, to: None, lines };
    let now = shop.now;
    shop.tills[till].record(now, Record::stock_moved(&came, 0)).unwrap();
    shop.tills[till].sell(now, basket, vec![line(1, product, 2, 200)]);
    for _ in 0..1_000 {
        if shop.tills[till].terminal.status().open_exceptions > before {
            return;
        }
        shop.pass_by(100, 10);
    }
    panic!("nothing is raised");
}

/// A survivor that was off at the time keeps what it sold, and follows.
#[test]
fn another_survivor_adopts_the_recovery() {
    let mut shop = Shop::new(3);
    shop.elect();
    shop.tills[2].sell(shop.now, 1, vec![line(1, "milk", 1, 100)]);
    shop.pass(1000);
    let mut disks: Vec<_> = shop.tills.drain(..).map(|till| till.disk).collect();
    let code = KIT.code(StoreGeneration(1)).unwrap();
    let recovery = recover(&mut disks[0], replica(1), &genesis(3), &code).unwrap();
    adopt(&mut disks[2], replica(3), &genesis(3), &code, &recovery).unwrap();
    let mut later = Shop::new(0);
    later.now = shop.now;
    for (terminal, disk) in [(3, disks.remove(2)), (1, disks.remove(0))] {
        let mut config = config(terminal, 3);
        config.genesis.generation = StoreGeneration(1);
        config.genesis.voters = vec![replica(1)];
        later.tills.push(Till::open(config, disk, later.now));
    }
    later.heal();
    assert_eq!(later.elect(), 1);
    let now = later.now;
    later.tills[1].terminal.admit(now, replica(3)).unwrap();
    later.pass(2000);
    let receipt = later.tills[0].sell(later.now, 2, vec![line(1, "milk", 1, 100)]);
    assert_eq!(receipt.number, 2, "its numbers go on");
    later.pass(1000);
    assert_eq!((milk(&later.tills[0]), milk(&later.tills[1])), (Some(-2), Some(-2)));
    assert_eq!(later.tills[0].terminal.status().leader.map(|leader| leader.replica), Some(replica(1)));
}

/// Whoever has no code of this store's kit changes nothing.
#[test]
fn what_does_not_open() {
    let (mut disk, _) = burned();
    let before = all_rows(&disk);
    let code = KIT.code(StoreGeneration(1)).unwrap();
    let other = RecoveryKit::from_secret([6; 16]).code(StoreGeneration(1)).unwrap();
    let wrong = recover(&mut disk, replica(1), &genesis(2), &other);
    assert!(matches!(wrong, Err(RecoveryError::WrongCode)));
    let without = edgepos::Genesis { recovery: None, ..genesis(2) };
    assert!(matches!(recover(&mut disk, replica(1), &without, &code), Err(RecoveryError::NoKit)));
    let mut fresh = MemoryStore::new();
    let empty = recover(&mut fresh, replica(1), &genesis(2), &code);
    assert!(matches!(empty, Err(RecoveryError::Refused(_))), "{empty:?}");
    assert_eq!(all_rows(&disk), before);
    recover(&mut disk, replica(1), &genesis(2), &code).unwrap();
    let twice = recover(&mut disk, replica(1), &genesis(2), &code);
    assert!(matches!(twice, Err(RecoveryError::Refused(_))), "a code is good once");
}

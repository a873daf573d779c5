//! A terminal burns with sales that nobody has: how many is told, an operator writes them off, and what turns up all the same counts once.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::ReplicaId;
use edgepos::model::CounterRow;
use edgepos::sync::{Limits, Message};
use edgepos::{ConditionKind, Config, Input, MemoryStore, ReplaceError};
use support::{Shop, Till, config, replica};

/// The place of terminal 3.
const DEAD: usize = 2;

fn unsent(till: &Till) -> Option<(u64, String)> {
    let conditions = till.terminal.status().conditions;
    let held = conditions.into_iter().find(|held| held.kind == ConditionKind::Unsent);
    held.map(|held| (held.count, held.about))
}

fn milk(till: &Till) -> Option<i64> {
    till.terminal.counter(&CounterRow::stock("milk", 0))
}

/// The till in this place greets the others, and its network fails before it says anything else.
fn greets(shop: &mut Shop, place: usize) {
    shop.heal();
    let (now, till) = (shop.now, &mut shop.tills[place]);
    till.run(now);
    let me = till.config.me;
    for (to, connection, frame) in std::mem::take(&mut till.sent) {
        let is_hello =
            frame[0] == 2 && matches!(Message::decode(&frame[1..], &Limits::DEFAULT), Ok(Message::Hello(_)));
        if is_hello {
            let at = usize::from(to.terminal()) - 1;
            shop.tills[at].terminal.handle(now, Input::Frame(me, connection, frame));
        }
    }
    shop.cut(place);
}

/// Terminal 3 sells three bottles while it is cut off, says so in its greetings, and burns. Its disk.
fn burnt() -> (Shop, MemoryStore) {
    let mut shop = Shop::new(3);
    shop.elect();
    shop.sell_milk(DEAD, 1);
    shop.pass(1_000);
    shop.cut(DEAD);
    (2..5).for_each(|basket| drop(shop.sell_milk(DEAD, basket)));
    shop.pass(500);
    greets(&mut shop, DEAD);
    let disk = shop.tills.remove(DEAD).disk;
    shop.pass(10_000);
    shop.elect();
    (shop, disk)
}

/// Another box takes its place.
fn replaced(shop: &mut Shop) {
    let now = shop.now;
    shop.tills[0].terminal.replace(now, 3, false).unwrap();
    let config = Config { me: ReplicaId::new(3, 0xB0B), ..config(3, 3) };
    shop.tills.push(Till::open(config, MemoryStore::new(), now));
    shop.heal();
    shop.pass(15_000);
    assert!(shop.tills[0].terminal.status().voters.contains(&ReplicaId::new(3, 0xB0B)));
}

#[test]
fn what_is_left_is_told_until_it_is_written_off_and_counts_once_where_it_turns_up() {
    let (mut shop, disk) = burnt();
    assert_eq!(unsent(&shop.tills[0]), None, "it may come back");
    let now = shop.now;
    let refused = shop.tills[0].terminal.write_off(now, 3);
    assert_eq!(refused, Err(ReplaceError::NothingUnsent { terminal: 3 }));
    replaced(&mut shop);
    let left = Some((3, format!("{} left 3 events", replica(3))));
    assert_eq!([unsent(&shop.tills[0]), unsent(&shop.tills[1])], [left.clone(), left.clone()]);
    shop.crash(0);
    shop.crash(1);
    shop.heal();
    shop.pass(5_000);
    shop.elect();
    assert_eq!([unsent(&shop.tills[0]), unsent(&shop.tills[1])], [left.clone(), left], "after a restart");
    let now = shop.now;
    shop.tills[1].terminal.write_off(now, 3).unwrap();
    shop.pass(3_000);
    assert_eq!([0, 1, 2].map(|till| unsent(&shop.tills[till])), [None, None, None], "written off");
    let now = shop.now;
    let again = shop.tills[1].terminal.write_off(now, 3);
    assert_eq!(again, Err(ReplaceError::NothingUnsent { terminal: 3 }), "there is nothing more");
    shop.crash(0);
    shop.heal();
    shop.pass(5_000);
    assert_eq!(
        [0, 1, 2].map(|till| (unsent(&shop.tills[till]), milk(&shop.tills[till]))),
        [(None, Some(-1)), (None, Some(-1)), (None, Some(-1))]
    );
    // The disk was saved from the fire.
    shop.tills.push(Till::open(config(3, 3), disk, shop.now));
    shop.heal();
    shop.pass_by(60_000, 10);
    for till in &shop.tills {
        assert_eq!(milk(till), Some(-4), "at {}", till.terminal.status().me);
        assert_eq!(till.terminal.status().exceptions, []);
        assert_eq!(unsent(till), None);
    }
    assert_eq!(shop.tills[0].terminal.status().quarantined, 0, "the decision is known");
}

#[test]
fn it_ends_by_itself_where_the_events_turn_up() {
    let (mut shop, disk) = burnt();
    replaced(&mut shop);
    assert!(unsent(&shop.tills[0]).is_some());
    shop.tills.push(Till::open(config(3, 3), disk, shop.now));
    shop.heal();
    shop.pass_by(60_000, 10);
    for till in &shop.tills[..3] {
        assert_eq!((milk(till), unsent(till)), (Some(-4), None), "at {}", till.terminal.status().me);
    }
}

/// Its sales are written off when the old box is switched on, sells two more where nobody hears it, greets, and burns again.
#[test]
fn the_word_is_amended_where_more_turns_out_to_be_missing() {
    let (mut shop, disk) = burnt();
    replaced(&mut shop);
    let now = shop.now;
    shop.tills[1].terminal.write_off(now, 3).unwrap();
    shop.pass(3_000);
    assert_eq!([unsent(&shop.tills[0]), unsent(&shop.tills[1])], [None, None]);
    let old = shop.tills.len();
    shop.tills.push(Till::open(config(3, 3), disk, shop.now));
    [5, 6].into_iter().for_each(|basket| drop(shop.sell_milk(old, basket)));
    greets(&mut shop, old);
    let disk = shop.tills.remove(old).disk;
    shop.pass(3_000);
    let left = Some((2, format!("{} left 2 events", replica(3))));
    assert_eq!([unsent(&shop.tills[0]), unsent(&shop.tills[1])], [left.clone(), left], "beyond the three");
    let now = shop.now;
    shop.tills[0].terminal.write_off(now, 3).unwrap();
    shop.pass(3_000);
    [0, 1].into_iter().for_each(|till| shop.crash(till));
    shop.heal();
    shop.pass(5_000);
    assert_eq!([unsent(&shop.tills[0]), unsent(&shop.tills[1])], [None, None], "the second word as well");
    shop.tills.push(Till::open(config(3, 3), disk, shop.now));
    shop.heal();
    shop.pass_by(60_000, 10);
    for till in &shop.tills[..3] {
        assert_eq!((milk(till), unsent(till)), (Some(-6), None), "at {}", till.terminal.status().me);
    }
}

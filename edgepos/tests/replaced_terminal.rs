//! A terminal burns, another box takes its number: by one command at any till, with no file edited.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::ReplicaId;
use edgepos::model::{ExceptionType, StockLine, StockMoved, StockReason};
use edgepos::{ConditionKind, Config, MemoryStore, Notice, Record, Refusal, ReplaceError, consensus};
use support::{Shop, Till, config, draft, genesis, line, replica};

/// The place of terminal 3.
const DEAD: usize = 2;

fn successor(terminal: u16) -> ReplicaId {
    ReplicaId::new(terminal, 0xB0B)
}

/// Another box of this number is there, with an empty disk.
fn newcomer(shop: &mut Shop, terminal: u16, terminals: u16) -> usize {
    let config = Config { me: successor(terminal), ..config(terminal, terminals) };
    assert!(!genesis(terminals).voters.contains(&config.me));
    shop.tills.push(Till::open(config, MemoryStore::new(), shop.now));
    shop.tills.len() - 1
}

/// A store of three whose third terminal is gone for good.
fn burnt() -> Shop {
    let mut shop = Shop::new(3);
    shop.elect();
    let now = shop.now;
    shop.tills[DEAD].sell(now, 1, vec![line(1, "milk", 1, 100)]);
    shop.pass(1_000);
    shop.cut(DEAD);
    shop.tills.remove(DEAD);
    shop.pass(10_000);
    shop.elect();
    shop
}

fn voters(shop: &Shop, till: usize) -> Vec<ReplicaId> {
    shop.tills[till].terminal.status().voters
}

fn waits(shop: &Shop, till: usize) -> bool {
    shop.tills[till].terminal.status().conditions.iter().any(|held| held.kind == ConditionKind::Replacing)
}

#[test]
fn one_command_at_any_till_replaces_a_dead_terminal() {
    for asked_first in [true, false] {
        for at in 0..2 {
            let mut shop = burnt();
            let now = shop.now;
            if asked_first {
                shop.tills[at].terminal.replace(now, 3, false).unwrap();
                shop.pass(2_000);
                assert!(waits(&shop, 0) && waits(&shop, 1), "no other box has come");
            }
            let new = newcomer(&mut shop, 3, 3);
            let now = shop.now;
            let receipt = shop.tills[new].sell(now, 9, vec![line(1, "milk", 2, 200)]);
            assert_ne!(receipt.series, "S", "it sells at once, in a series of its own");
            shop.heal();
            shop.pass(2_000);
            assert!(shop.tills[new].terminal.status().leader.is_some(), "it knows who leads");
            let stock = edgepos::model::CounterRow::stock("milk", 0);
            assert_eq!(shop.tills[0].terminal.counter(&stock), Some(-3), "its sale is at the others");
            if !asked_first {
                let now = shop.now;
                shop.tills[at].terminal.replace(now, 3, false).unwrap();
            }
            shop.pass(10_000);
            for till in 0..3 {
                assert_eq!(voters(&shop, till), [replica(1), replica(2), successor(3)]);
                assert!(!waits(&shop, till));
            }
            // One more is off for the night: two of three decide.
            shop.cut(at);
            shop.pass(8_000);
            assert!(shop.tills.iter().any(|till| till.terminal.status().entitled));
        }
    }
}

/// The wish is in the log: a leader that was elected after it, and one that was started anew, go on with it.
#[test]
fn any_leader_goes_on_with_a_replacement() {
    let mut shop = burnt();
    let leader = shop.elect();
    let now = shop.now;
    shop.tills[leader].terminal.replace(now, 3, false).unwrap();
    shop.pass(1_000);
    for till in 0..2 {
        shop.crash(till);
    }
    shop.heal();
    shop.pass(5_000);
    assert!(waits(&shop, 0) && waits(&shop, 1));
    newcomer(&mut shop, 3, 3);
    shop.heal();
    shop.pass(15_000);
    assert_eq!(voters(&shop, 0), [replica(1), replica(2), successor(3)]);
}

#[test]
fn what_makes_no_sense_is_refused_with_its_reason() {
    let mut shop = Shop::new(3);
    let leader = shop.elect();
    shop.pass(1_000);
    let now = shop.now;
    let terminal = &mut shop.tills[leader].terminal;
    assert_eq!(terminal.replace(now, 9, false), Err(ReplaceError::NoSuchTerminal { terminal: 9 }));
    let alive = replica(3);
    assert_eq!(terminal.replace(now, 3, false), Err(ReplaceError::Connected { replica: alive }));
    let new = newcomer(&mut shop, 3, 3);
    let asked = shop.tills[new].terminal.replace(now, 3, false);
    assert_eq!(asked, Err(ReplaceError::NotAMember { me: successor(3) }));
}

/// Two voters, one of them dead: the one left decides nothing, and says what helps.
#[test]
fn one_of_two_says_what_helps() {
    let mut shop = Shop::new(2);
    let leader = shop.elect();
    shop.pass(1_000);
    for left in [leader, 1 - leader] {
        shop.cut(1 - left);
        shop.pass(15_000);
        let dead = 2 - left as u16;
        let now = shop.now;
        let till = &mut shop.tills[left].terminal;
        let refused = till.replace(now, dead, false);
        assert_eq!(refused, Err(ReplaceError::NoMajority { voters: 2 }));
        assert!(refused.unwrap_err().to_string().contains("recovery kit"));
        let told = |held: &edgepos::Condition| held.kind == ConditionKind::ToleranceLost;
        assert!(till.status().conditions.iter().any(told), "also where nobody leads");
        shop.heal();
        shop.elect();
    }
}

/// A planned swap: the old box sells until the new one votes.
#[test]
fn a_planned_replacement_adds_first() {
    for terminal in 1..=3 {
        let mut shop = Shop::new(3);
        shop.elect();
        let new = newcomer(&mut shop, terminal, 3);
        shop.heal();
        shop.pass(1_000);
        let now = shop.now;
        shop.tills[terminal as usize % 3].terminal.replace(now, terminal, true).unwrap();
        shop.pass(10_000);
        let mut expected: Vec<_> = (1..=3).filter(|other| *other != terminal).map(replica).collect();
        expected.push(successor(terminal));
        expected.sort_unstable();
        assert_eq!(voters(&shop, new), expected);
        let told = shop.tills[new].notices.iter().filter_map(|notice| match notice {
            Notice::Election(consensus::Notice::MembersChanged { voters, .. }) => Some(voters.len()),
            _ => None,
        });
        assert_eq!(told.max(), Some(4), "it votes beside the old one before that goes");
    }
}

/// Two boxes have come with one number. The store keeps to one of them, also while it is away for a while, and both are told.
#[test]
fn of_two_boxes_with_one_number_one_is_kept() {
    let mut shop = Shop::new(3);
    let leader = shop.elect();
    shop.pass(1_000);
    let old = (leader + 1) % 3;
    let number = old as u16 + 1;
    shop.cut(old);
    shop.pass(10_000);
    let now = shop.now;
    shop.tills[leader].terminal.replace(now, number, false).unwrap();
    shop.pass(500);
    // The old one is heard again, so that the replacement waits.
    shop.heal();
    shop.pass(500);
    let other = ReplicaId::new(number, 0xC0C);
    for me in [other, successor(number)] {
        let config = Config { me, ..config(number, 3) };
        shop.tills.push(Till::open(config, MemoryStore::new(), shop.now));
    }
    shop.heal();
    shop.pass(3_000);
    let learners = |shop: &Shop| shop.tills[leader].terminal.status().learners;
    assert_eq!(learners(&shop), [other], "the one that came first");
    let told = |till: &Till| {
        let conditions = till.terminal.status().conditions;
        conditions.iter().any(|held| held.kind == ConditionKind::SecondHolder)
    };
    assert!([old, 3, 4].iter().all(|till| told(&shop.tills[*till])), "all three that use the number");
    assert!(!told(&shop.tills[leader]));
    // Both others are away now and then, one after the other.
    for _ in 0..3 {
        for away in [4, 3] {
            shop.cut(away);
            shop.pass_by(20_000, 5);
            assert_eq!(learners(&shop), [other]);
            shop.heal();
            shop.pass_by(5_000, 5);
            assert_eq!(learners(&shop), [other]);
        }
    }
    // It does not come back: the other one takes the place.
    shop.cut(3);
    shop.pass_by(590_000, 100);
    assert_eq!(learners(&shop), [other]);
    shop.pass_by(30_000, 50);
    assert!(learners(&shop).contains(&successor(number)), "{:?}", learners(&shop));
}

/// The answer of the box that burnt was lost: its sale is asked for once more at the one in its place, which has heard of it.
#[test]
fn a_sale_of_the_dead_box_is_known_at_the_one_in_its_place() {
    let mut shop = Shop::new(3);
    let leader = shop.elect();
    let now = shop.now;
    let milk = || draft(1, vec![line(1, "milk", 2, 200)]);
    shop.tills[DEAD].begin(now, milk()).unwrap();
    let (receipt, _) = shop.tills[DEAD].commit(now, 1, 9).unwrap();
    shop.pass(1_000);
    shop.cut(DEAD);
    shop.tills.remove(DEAD);
    shop.pass(10_000);
    let now = shop.now;
    shop.tills[leader % 2].terminal.replace(now, 3, false).unwrap();
    let new = newcomer(&mut shop, 3, 3);
    shop.heal();
    shop.pass(10_000);
    assert_eq!(voters(&shop, new), [replica(1), replica(2), successor(3)]);
    for _ in 0..2 {
        let now = shop.now;
        let till = &mut shop.tills[new];
        assert_eq!(till.begin(now, milk()), Err(Refusal::BasketBooked(receipt.clone())));
        assert_eq!(till.commit(now, 1, 9), Ok((receipt.clone(), true)));
        assert_eq!(till.commit(now, 1, 8), Err(Refusal::BasketBooked(receipt.clone())), "under another key");
        shop.crash(new);
        shop.heal();
        shop.pass(2_000);
    }
    let stock = edgepos::model::CounterRow::stock("milk", 0);
    for till in &shop.tills {
        assert_eq!((till.terminal.counter(&stock), till.terminal.status().exceptions), (Some(-2), vec![]));
    }
}

/// It had not heard of it when it was asked: both book, which one exception says and one resolution settles.
#[test]
fn a_sale_that_nobody_could_know_of_is_booked_once_more_and_told_once() {
    let mut shop = Shop::new(3);
    shop.elect();
    let new = {
        shop.pass(1_000);
        shop.cut(DEAD);
        newcomer(&mut shop, 3, 3)
    };
    let now = shop.now;
    let milk = || draft(1, vec![line(1, "milk", 2, 200)]);
    for till in [DEAD, new] {
        shop.tills[till].begin(now, milk()).unwrap();
        assert!(!shop.tills[till].commit(now, 1, 9).unwrap().1);
    }
    shop.heal();
    shop.elect();
    shop.pass(10_000);
    let first = shop.tills[0].commit(shop.now, 1, 9).unwrap().0;
    for till in 0..4 {
        let raised = shop.tills[till].terminal.status().exceptions;
        let duplicates = raised.iter().filter(|raised| raised.exception == ExceptionType::DUPLICATE);
        assert_eq!(duplicates.count(), 1, "at {till}: {raised:?}");
        let now = shop.now;
        assert_eq!(shop.tills[till].commit(now, 1, 9).unwrap(), (first.clone(), true), "at {till}");
    }
}

/// A disk that was put back unnoticed has helped to decide otherwise what its till and another had decided. The two that hold the same lead;
/// another box in the place of the third ends `decisions_lost`, and what was sold at any of them is everywhere.
#[test]
fn another_box_takes_the_place_of_a_till_that_holds_other_decisions() {
    let mut shop = Shop::new(3);
    let old = shop.elect();
    let (back, third) = ((old + 1) % 3, (old + 2) % 3);
    shop.pass(2_000);
    let image = shop.tills[back].disk.clone();
    shop.cut(third);
    oversell(&mut shop, old, (1, "milk"));
    shop.cut(old);
    shop.put_back(back, image, 7);
    shop.heal_but(&[old]);
    shop.pass(20_000);
    oversell(&mut shop, third, (2, "tea"));
    shop.heal();
    shop.pass(5_000);
    let holds = |shop: &Shop, at: [usize; 3], kind: ConditionKind| {
        let conditions = at.into_iter().flat_map(|at| shop.tills[at].terminal.status().conditions);
        conditions.filter(|condition| condition.kind == kind).count()
    };
    assert_eq!(holds(&shop, [0, 1, 2], ConditionKind::DecisionsLost), 3, "each says so");
    let leader = shop.tills.iter().position(|till| till.terminal.status().entitled).unwrap();
    assert_ne!(leader, old);
    // It is switched off once its sales are at the others.
    shop.cut(old);
    shop.pass(1_000);
    let (number, now) = (old as u16 + 1, shop.now);
    shop.tills[leader].terminal.replace(now, number, false).unwrap();
    let new = newcomer(&mut shop, number, 3);
    shop.heal_but(&[old]);
    shop.pass(30_000);
    let there = [back, third, new];
    assert_eq!(voters(&shop, leader).len(), 3);
    assert!(voters(&shop, leader).contains(&successor(number)));
    let over = [ConditionKind::DecisionsLost, ConditionKind::Forked, ConditionKind::Replacing];
    assert_eq!(over.map(|kind| holds(&shop, there, kind)), [0; 3]);
    for till in there.map(|at| &shop.tills[at]) {
        let status = till.terminal.status();
        assert_eq!(status.open_exceptions, 2, "both are raised at {}", status.me);
        for product in ["milk", "tea"] {
            let row = edgepos::model::CounterRow::stock(product, 0);
            assert_eq!(till.terminal.counter(&row), Some(-1), "{product} at {}", status.me);
        }
    }
    let receipt = shop.tills[new].sell(shop.now, 9, vec![line(1, "milk", 1, 100)]);
    assert_ne!(receipt.series, "S");
}

/// One piece comes, two are sold, and the store raises that.
fn oversell(shop: &mut Shop, till: usize, (basket, product): (u8, &str)) {
    let lines = vec![StockLine { product: product.into(), quantity: 1 }];
    let came = StockMoved { reason: StockReason::Receipt, from: None, to: None, lines };
    let now = shop.now;
    shop.tills[till].record(now, Record::stock_moved(&came, 0)).unwrap();
    shop.tills[till].sell(now, basket, vec![line(1, product, 2, 200)]);
    for _ in 0..1_000 {
        if shop.tills[till].terminal.status().open_exceptions > 0 {
            return;
        }
        shop.pass_by(100, 10);
    }
    panic!("nothing is raised");
}

//! A till's disk answers once that it has what it has not, and the power fails: what anybody else heard comes back, what nobody did is gone
//! and is told, and every other sale and every later one leaves.

mod support;

use std::collections::BTreeSet;

use edgepos::ConditionKind;
use edgepos::model::{BasketId, Body, CounterRow, Kind};
use support::cloud::Cloud;
use support::{Shop, Till, envelopes};

/// Who hears of the sales that the disk does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Everybody,
    Peers,
    Cloud,
    Nobody,
}

/// What tells of it: that the disk is behind what others know, or that positions of the chain are gone.
const TELLS: [ConditionKind; 3] = [ConditionKind::Restored, ConditionKind::Damaged, ConditionKind::Forked];

fn basket(number: u8) -> BasketId {
    BasketId([number; 16])
}

fn baskets(till: &Till) -> BTreeSet<BasketId> {
    let sales = envelopes(&till.disk).into_iter().filter(|(_, envelope)| envelope.kind == Kind::TRANSACTION);
    let basket = |(_, envelope): (_, edgepos::model::Envelope)| match envelope.read_body() {
        Ok(Body::Transaction(sale)) => sale.basket,
        other => panic!("{other:?}"),
    };
    sales.map(basket).collect()
}

fn told(till: &Till) -> Vec<ConditionKind> {
    let begun = till.notices.iter().filter_map(|notice| match notice {
        edgepos::Notice::Condition { condition, holds: true } => Some(condition.kind),
        _ => None,
    });
    begun.filter(|kind| TELLS.contains(kind)).collect()
}

/// One of so many tills, that which leads or another, lies about the sales 4 to 6. `behind` more follow that its disk has, and the power
/// fails.
fn run(tills: u16, leads: bool, heard: Heard, behind: u8) {
    let case = format!("{tills} tills, leads: {leads}, {heard:?} heard it, {behind} behind it");
    let mut shop = Shop::new(tills);
    shop.cloud = Some(Cloud::default());
    let leader = shop.elect();
    let liar = if leads { leader } else { (leader + 1) % usize::from(tills) };
    (1..4).for_each(|basket| drop(shop.sell_milk(liar, basket)));
    shop.pass_by(3_000, 5);
    let away = if matches!(heard, Heard::Peers | Heard::Nobody) { shop.cloud.take() } else { None };
    if matches!(heard, Heard::Cloud | Heard::Nobody) {
        shop.cut(liar);
        shop.pass_by(15_000, 10);
    }
    shop.tills[liar].lying = true;
    (4..7).for_each(|basket| drop(shop.sell_milk(liar, basket)));
    shop.pass(5);
    shop.tills[liar].lying = false;
    (7..7 + behind).for_each(|basket| drop(shop.sell_milk(liar, basket)));
    shop.pass_by(20_000, 10);
    shop.tills[liar].config.nonce = 77;
    shop.crash(liar);
    let mut held: BTreeSet<_> = shop.tills.iter().flat_map(baskets).collect();
    held.extend(shop.cloud.iter().flat_map(Cloud::sales));
    let gone = (4..7).map(basket).filter(|basket| !held.contains(basket)).count();
    assert_eq!(gone, if heard == Heard::Nobody { 3 } else { 0 }, "{case}");
    shop.cloud = shop.cloud.take().or(away);
    shop.heal();
    shop.pass(500);
    (20..23).for_each(|basket| drop(shop.sell_milk(liar, basket)));
    drop(shop.sell_milk(0, 30));
    held.extend([20, 21, 22, 30].map(basket));
    shop.pass_by(100_000, 20);
    let sales = shop.cloud.as_ref().expect("it is there").sales();
    assert_eq!(sales, held.iter().copied().collect::<Vec<_>>(), "{case}: each that anybody held, once");
    for till in &shop.tills {
        let status = till.terminal.status();
        let counted = till.terminal.counter(&CounterRow::stock("milk", 0));
        let case = format!("{case}, at {}: {:?}", status.me, status.conditions);
        assert_eq!((status.queued, status.quarantined), (0, 0), "{case}");
        assert_eq!(counted, Some(-(held.len() as i64)), "{case}");
        let stands = status.conditions.iter().any(|condition| condition.kind == ConditionKind::Damaged);
        assert_eq!(stands, heard == Heard::Nobody && behind > 0, "what came back is not missing: {case}");
    }
    // Where what is gone is the end of all that was known, nothing is left that could tell it from what was never sold.
    let can_be_seen = heard != Heard::Nobody || behind > 0;
    assert_eq!(!told(&shop.tills[liar]).is_empty(), can_be_seen, "{case}");
}

/// Every store in which somebody hears of the sales, with sales behind them on the disk and without.
fn run_all(heard: Heard) {
    for (tills, leads) in [(1, true), (2, true), (2, false), (3, true), (3, false)] {
        // One on its own has no peers.
        if tills > 1 || heard != Heard::Peers {
            [0, 2].into_iter().for_each(|behind| run(tills, leads, heard, behind));
        }
    }
}

#[test]
fn what_everybody_heard_comes_back_and_all_leaves() {
    run_all(Heard::Everybody);
}

#[test]
fn what_peers_alone_heard_comes_back_and_all_leaves() {
    run_all(Heard::Peers);
}

#[test]
fn what_the_cloud_alone_heard_comes_back_and_all_leaves() {
    run_all(Heard::Cloud);
}

#[test]
fn what_nobody_heard_is_declared_lost_and_all_else_leaves() {
    run_all(Heard::Nobody);
}

/// What a disk lost that others had sold: they still have it.
#[test]
fn what_a_till_lost_of_others_comes_again() {
    for (tills, leads, has_cloud, behind) in [2u16, 3]
        .into_iter()
        .flat_map(|tills| [(tills, true), (tills, false)])
        .flat_map(|(tills, leads)| [(tills, leads, true), (tills, leads, false)])
        .flat_map(|(tills, leads, has_cloud)| [0, 2].map(|behind| (tills, leads, has_cloud, behind)))
    {
        let case = format!("{tills} tills, leads: {leads}, a cloud: {has_cloud}, {behind} behind it");
        let mut shop = Shop::new(tills);
        shop.cloud = Some(Cloud::default());
        let leader = shop.elect();
        let liar = if leads { leader } else { (leader + 1) % usize::from(tills) };
        let seller = (liar + 1) % usize::from(tills);
        (1..4).for_each(|basket| drop(shop.sell_milk(seller, basket)));
        shop.pass_by(3_000, 5);
        let away = if has_cloud { None } else { shop.cloud.take() };
        shop.tills[liar].lying = true;
        (4..7).for_each(|basket| drop(shop.sell_milk(seller, basket)));
        shop.pass_by(1_000, 5);
        shop.tills[liar].lying = false;
        (7..7 + behind).for_each(|basket| drop(shop.sell_milk(seller, basket)));
        shop.pass_by(20_000, 10);
        shop.tills[liar].config.nonce = 77;
        shop.crash(liar);
        shop.cloud = shop.cloud.take().or(away);
        shop.heal();
        shop.pass(500);
        for till in [seller, liar] {
            shop.sell_milk(till, 20 + till as u8);
        }
        shop.pass_by(100_000, 20);
        let sold = 6 + usize::from(behind) + 2;
        assert_eq!(shop.cloud.as_ref().expect("it is there").sales().len(), sold, "{case}");
        for till in &shop.tills {
            let status = till.terminal.status();
            let case = format!("{case}, at {}: {:?}", status.me, status.conditions);
            assert_eq!((status.queued, status.quarantined, baskets(till).len()), (0, 0, sold), "{case}");
            assert_eq!(till.terminal.counter(&CounterRow::stock("milk", 0)), Some(-(sold as i64)), "{case}");
            assert!(
                !status.conditions.iter().any(|condition| condition.kind == ConditionKind::Damaged),
                "{case}"
            );
        }
    }
}

//! One sale is written again by a terminal that held it, and later by its owner, whose name for it is the lower one: it counts once,
//! whatever was on disk when the power failed, and its goods come back once.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

#[path = "support/alone.rs"]
mod alone;

use std::collections::BTreeSet;
use std::sync::Arc;

use edgepos::core::EventId;
use edgepos::model::{BasketId, BookedName, CounterRow, DocType, Envelope};
use edgepos::{ConditionKind, Driver, LogOnly, MemoryStore, Ports, SystemClock, TransactionQuery};
use support::cloud::Cloud;
use support::numbers::{raised, shared};
use support::{Shop, Till, back, draft};

fn milk(till: &Till) -> Option<i64> {
    till.terminal.counter(&CounterRow::stock("milk", 0))
}

fn assert_agreed(shop: &Shop, stock: i64, about: &str) {
    for till in &shop.tills {
        let status = till.terminal.status();
        assert_eq!(milk(till), Some(stock), "at {}: {about}", status.me);
        let forked = status.conditions.iter().find(|condition| condition.kind == ConditionKind::Forked);
        assert_eq!(forked, None, "at {}: {about}", status.me);
        assert_eq!(raised(&status.exceptions), shared(till), "at {}: {about}", status.me);
    }
}

/// Till 0 sold bottles 2 to 4 that till 1 alone heard, was put back, sold others that the leader heard, and was put back once more. Till
/// 1, which is cut off, has waited for the owner of its branch in vain, written it again and counts that. Meanwhile the owner's disk with
/// that branch is there again, and it has written it again too, in the hearing of the leader.
fn written_again_by_both() -> Shop {
    let (mut shop, sold) = written_by_one();
    shop.cut(1);
    shop.put_back(0, sold, 9);
    shop.heal_but(&[1]);
    shop.pass_by(90_000, 10);
    assert_eq!([again(&shop.tills[0], 1), again(&shop.tills[0], 2)], [3, 0], "the owner's");
    assert_eq!([again(&shop.tills[1], 1), again(&shop.tills[1], 2)], [0, 3], "the holder's");
    assert_eq!([0, 1, 2].map(|till| milk(&shop.tills[till])), [Some(-8), Some(-4), Some(-8)]);
    shop
}

/// The same before either has written it again, and the disk of the owner.
fn written_by_one() -> (Shop, MemoryStore) {
    let (shop, sold, _) = written_by_one_beside(None);
    (shop, sold)
}

/// The same, where the cloud took what till 0 sold first and was away from then on.
fn written_by_one_beside(cloud: Option<Cloud>) -> (Shop, MemoryStore, Option<Cloud>) {
    let mut shop = Shop::new(3);
    shop.cloud = cloud;
    let mut left = None;
    let [image, sold] = shop.two_histories([0, 1, 2], [2..5, 12..16], |shop| {
        if shop.cloud.is_some() {
            shop.pass_by(15_000, 5);
        }
        left = shop.cloud.take();
    });
    shop.put_back(0, image, 8);
    shop.heal();
    shop.pass_by(5_000, 10);
    (shop, sold, left)
}

/// How many events are written again in chains of this terminal.
fn again(till: &Till, terminal: u16) -> usize {
    let by_it = |(id, envelope): &&(EventId, Envelope)| {
        envelope.reissue_of().is_some() && id.chain.replica.terminal() == terminal
    };
    support::envelopes(&till.disk).iter().filter(by_it).count()
}

#[test]
fn a_crash_between_any_two_writes_counts_it_once() {
    for written in 0..14 {
        let mut shop = written_again_by_both();
        // Rows of what was counted are on disk at the holder.
        shop.tills[1].terminal.write_rows();
        let now = shop.now;
        shop.tills[1].run(now);
        shop.tills[1].writing = false;
        shop.heal();
        for _ in 0..written {
            shop.pass(400);
            let now = shop.now;
            shop.tills[1].write_one(now);
        }
        shop.crash(1);
        shop.heal();
        shop.pass_by(30_000, 10);
        for till in &shop.tills {
            assert_eq!([again(till, 1), again(till, 2)], [3, 3], "all have both");
        }
        assert_agreed(&shop, -8, &format!("{written} writes were durable"));
        (0..3).for_each(|till| shop.crash(till));
        assert_agreed(&shop, -8, &format!("{written} writes were durable, and another restart"));
    }
}

/// The sale is there under its holder's name for it and under its owner's: what may be returned is what was sold, and no more.
#[test]
fn goods_of_it_come_back_once() {
    let mut shop = written_again_by_both();
    shop.heal();
    shop.pass_by(30_000, 10);
    for till in 0..3 {
        let (now, left) = (shop.now, CounterRow::returnable(BasketId([3; 16]), 1));
        assert_eq!(shop.tills[till].counter(now, &left), Some(1), "nothing has come back: till {till}");
    }
    let now = shop.now;
    let mut return_ = draft(50, vec![back(3, 1, "milk", 1)]);
    return_.doc_type = DocType::Return;
    shop.tills[1].begin(now, return_).unwrap();
    shop.tills[1].commit(now, 50, 50).unwrap();
    shop.pass_by(3_000, 10);
    let left = CounterRow::returnable(BasketId([3; 16]), 1);
    for till in 0..3 {
        let now = shop.now;
        assert_eq!(shop.tills[till].counter(now, &left), Some(0), "it has come back: till {till}");
    }
    (0..3).for_each(|till| shop.crash(till));
    for till in 0..3 {
        let now = shop.now;
        assert_eq!(shop.tills[till].counter(now, &left), Some(0), "after a restart: till {till}");
    }
    assert_agreed(&shop, -7, "one came back");
}

/// The owner comes back with its branch and hears that another has written it again before it knows that its own has lost.
#[test]
fn it_counts_once_where_the_owner_hears_of_the_other_first() {
    let (mut shop, sold) = written_by_one();
    shop.pass_by(90_000, 10);
    assert_agreed(&shop, -8, "the holder has written it again");
    shop.put_back(0, sold, 9);
    shop.heal();
    shop.pass_by(30_000, 10);
    assert_agreed(&shop, -8, "the owner is back");
    assert!(shop.tills.iter().all(|till| till.terminal.status().quarantined == 0));
    shop.crash(0);
    assert_agreed(&shop, -8, "after a restart");
}

/// The cloud has the sales under their old names, which stay there: each counts once, and nothing is in dispute once they are set aside
/// here.
#[test]
fn each_is_there_once_where_the_cloud_has_the_old_names() {
    let (mut shop, sold, cloud) = written_by_one_beside(Some(Cloud::default()));
    assert_eq!(cloud.as_ref().map(|cloud| cloud.sales().len()), Some(4), "1 and 2 to 4");
    shop.pass_by(90_000, 10);
    assert_agreed(&shop, -8, "the holder has written it again");
    shop.cloud = cloud;
    shop.put_back(0, sold, 9);
    shop.heal();
    shop.pass_by(200_000, 20);
    assert_agreed(&shop, -8, "the cloud and the owner are back");
    assert_eq!(shop.cloud.as_ref().map(|cloud| cloud.sales().len()), Some(8));
}

#[tokio::test]
async fn it_is_found_once_and_its_other_names_say_which_counts() {
    let mut shop = written_again_by_both();
    shop.heal();
    shop.pass_by(30_000, 10);
    let Till { config, disk, .. } = shop.tills.remove(1);
    let events = support::envelopes(&disk);
    let (_events, transport_events) = tokio::sync::mpsc::channel(1);
    let ports = Ports {
        store: Box::new(disk),
        transport: Box::new(alone::Alone),
        transport_events,
        uplink: Arc::new(alone::Cloudless),
        clock: Arc::new(SystemClock::new()),
        alerts: Arc::new(LogOnly),
    };
    let (node, _driver) = Driver::start(config, ports).unwrap();
    let page = node.transactions(&TransactionQuery::default(), None, 100).await.unwrap();
    let baskets: Vec<_> = page.transactions.iter().map(|booked| booked.transaction.basket).collect();
    assert_eq!(baskets.len(), 8, "{baskets:?}");
    assert_eq!(baskets.iter().collect::<BTreeSet<_>>().len(), 8, "{baskets:?}");
    for basket in 2..5 {
        let name = BookedName::Basket(BasketId([basket; 16]));
        let receipts = node.receipts(name).await.unwrap();
        assert_eq!(receipts.len(), 1, "basket {basket}");
        assert_eq!(receipts[0].event.chain.replica.terminal(), 1, "the lower one");
    }
    let mut shown = Vec::new();
    for (id, envelope) in events.iter().filter(|(_, envelope)| envelope.reissue_of().is_some()) {
        let booked = node.transaction(*id).await.unwrap().unwrap();
        shown.push((id.chain.replica.terminal(), booked.repeat_of.map(|id| id.chain.replica.terminal())));
        assert_eq!(booked.duplicate_of, None, "{envelope:?}");
    }
    assert_eq!(shown, [(1, None), (1, None), (1, None), (2, Some(1)), (2, Some(1)), (2, Some(1))]);
}

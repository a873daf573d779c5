//! A basket is parked at one till, recalled at another and sold once; with a leader or without one.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::Now;
use edgepos::model::{BasketId, CounterRow, ExceptionType, Kind, Line, Mode};
use edgepos::{Draft, Notice, Record, Refusal, Reply, RequestId};
use support::{Shop, Till, WALL, draft, line};

const NOW: Now = Now::new(0, WALL);
const ID: BasketId = BasketId([1; 16]);

fn wine() -> Draft {
    draft(1, vec![line(1, "wine", 2, 1_600), Line { lot: Some("A7".into()), ..line(2, "bread", 1, 300) }])
}

fn park(till: &mut Till, now: Now) -> Result<(), Refusal> {
    let request = till.request();
    till.terminal.park(now, request, ID)?;
    till.run(now);
    till.replies.remove(&request).expect("parked and durable").map(|reply| assert_eq!(reply, Reply::Parked))
}

fn claim(till: &mut Till, now: Now) -> Result<(u64, Vec<Line>), Refusal> {
    let request = till.request();
    till.terminal.claim(now, request, ID)?;
    till.run(now);
    match till.replies.remove(&request).expect("claimed and durable")? {
        Reply::Claimed { number, total, lines } => {
            assert_eq!(total, 1_900);
            till.knows_total(ID, total);
            Ok((number, lines))
        }
        other => panic!("{other:?}"),
    }
}

fn recorded(till: &Till, kind: Kind) -> usize {
    let of_kind =
        |notice: &&Notice| matches!(notice, Notice::Recorded { envelope, .. } if envelope.kind == kind);
    till.notices.iter().filter(of_kind).count()
}

#[test]
fn a_basket_goes_on_at_the_next_till_and_is_sold_once() {
    let mut shop = Shop::new(2);
    let now = shop.now;
    let lines = wine().lines;
    // Nobody leads yet.
    shop.tills[0].begin(now, wine()).unwrap();
    park(&mut shop.tills[0], now).unwrap();
    assert!(shop.tills[0].terminal.unresolved().is_empty());
    assert_eq!(recorded(&shop.tills[0], Kind::NUMBER_VOIDED), 1, "its number is not used");
    assert_eq!(park(&mut shop.tills[0], now), Ok(()), "a repeat is answered as the first");
    assert_eq!(claim(&mut shop.tills[1], now), Err(Refusal::UnknownBasket(ID)), "it has not heard of it");
    shop.pass(3_000);
    shop.crash(0);
    shop.crash(1);
    shop.heal();
    let now = shop.now;
    assert_eq!(claim(&mut shop.tills[1], now), Ok((1, lines.clone())));
    assert_eq!(claim(&mut shop.tills[1], now), Ok((1, lines)), "a repeat gets the same number");
    let open = shop.tills.iter().flat_map(|till| till.terminal.unresolved());
    assert_eq!(open.map(|open| (open.basket, open.terminal)).collect::<Vec<_>>(), [(ID, 2)]);
    shop.crash(1);
    shop.heal();
    shop.pass(3_000);
    let now = shop.now;
    assert_eq!(claim(&mut shop.tills[0], now), Err(Refusal::BasketElsewhere(ID)));
    shop.tills[1].knows_total(ID, 1_900);
    shop.tills[1].commit(now, 1, 9).unwrap();
    shop.pass(3_000);
    let now = shop.now;
    assert!(shop.tills.iter().all(|till| till.terminal.counter(&CounterRow::stock("wine", 0)) == Some(-2)));
    assert!(shop.tills[0].commit(now, 1, 8).is_err(), "the first till cannot sell it any more");
    assert!(shop.tills.iter().all(|till| till.terminal.status().open_baskets == 0));
}

#[test]
fn it_comes_back_to_its_own_till_and_may_be_parked_again() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, wine()).unwrap();
    for number in 2..=4 {
        park(&mut till, NOW).unwrap();
        till = till.crash(NOW);
        assert_eq!(claim(&mut till, NOW).unwrap().0, number, "each recall has a number of its own");
    }
    let (receipt, _) = till.commit(NOW, 1, 9).unwrap();
    assert_eq!((receipt.number, receipt.total), (4, 1_900));
    assert!(park(&mut till, NOW).is_err() && claim(&mut till, NOW).is_err());
}

#[test]
fn what_is_parked_keeps_no_day_open_and_belongs_to_the_day_of_its_recall() {
    let mut till = Till::new(1, 1, NOW);
    till.record(NOW, Record::day_opened(20_261_128, 0)).unwrap();
    till.begin(NOW, wine()).unwrap();
    assert!(till.record(NOW, Record::day_closed(0)).is_err());
    park(&mut till, NOW).unwrap();
    till.record(NOW, Record::day_closed(0)).unwrap();
    assert_eq!(claim(&mut till, NOW), Err(Refusal::DayClosed(20_261_128)));
    till.record(NOW, Record::day_opened(20_261_129, 0)).unwrap();
    claim(&mut till, NOW).unwrap();
    till.commit(NOW, 1, 9).unwrap();
    let day = till.notices.iter().find_map(|notice| match notice {
        Notice::Recorded { envelope, .. } if envelope.kind == Kind::TRANSACTION => envelope.business_day,
        _ => None,
    });
    assert_eq!(day, Some(20_261_129));
}

#[test]
fn a_parked_basket_is_given_up_once() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, wine()).unwrap();
    park(&mut till, NOW).unwrap();
    let abandon = |till: &mut Till| {
        let request = till.request();
        till.terminal.abandon(NOW, request, ID).unwrap();
        till.run(NOW);
        till.replies.remove(&request).unwrap()
    };
    assert_eq!(abandon(&mut till), Ok(Reply::Abandoned));
    assert_eq!(recorded(&till, Kind::BASKET_CLOSED), 1);
    assert_eq!(abandon(&mut till), Err(Refusal::BasketEnded(ID)));
    assert_eq!(claim(&mut till, NOW), Err(Refusal::BasketEnded(ID)), "it goes on nowhere");
    assert!(till.begin(NOW, wine()).is_ok(), "its name is free");
}

#[test]
fn a_trainees_basket_is_not_parked() {
    let mut till = Till::new(1, 1, NOW);
    till.begin(NOW, Draft { mode: Mode::Training, ..wine() }).unwrap();
    assert!(matches!(park(&mut till, NOW), Err(Refusal::BadField { field: "basket", .. })));
    assert_eq!(till.terminal.unresolved().len(), 1);
}

/// Two windows of one till ask for it while its rows are read: it is opened once, and both hear of that.
#[test]
fn two_claims_at_once_open_it_once() {
    let mut shop = Shop::new(2);
    let now = shop.now;
    shop.tills[0].begin(now, wine()).unwrap();
    park(&mut shop.tills[0], now).unwrap();
    shop.pass(3_000);
    let (now, till) = (shop.now, &mut shop.tills[1]);
    let requests = [till.request(), till.request()];
    for request in requests {
        till.terminal.claim(now, request, ID).unwrap();
    }
    till.run(now);
    let claimed = |reply| matches!(reply, Some(Ok(Reply::Claimed { number: 1, total: 1_900, .. })));
    assert!(requests.into_iter().all(|request| claimed(till.replies.remove(&request))));
    assert_eq!(recorded(till, Kind::BASKET_CLAIMED), 1);
    assert_eq!(till.terminal.unresolved().len(), 1);
}

/// One window of a till gives it up and another recalls it, while its rows are read: whoever asked first is answered, and the other hears so.
#[test]
fn it_is_not_given_up_and_recalled_at_once() {
    for (gives_up_first, again) in [(true, Refusal::BasketEnded(ID)), (false, Refusal::BasketBusy(ID))] {
        let mut till = Till::new(1, 1, NOW);
        till.begin(NOW, wine()).unwrap();
        park(&mut till, NOW).unwrap();
        let [first, second] = [till.request(), till.request()];
        for (request, gives_up) in [(first, gives_up_first), (second, !gives_up_first)] {
            match gives_up {
                true => till.terminal.abandon(NOW, request, ID).unwrap(),
                false => till.terminal.claim(NOW, request, ID).unwrap(),
            }
        }
        till.run(NOW);
        assert!(till.replies.remove(&first).unwrap().is_ok());
        assert_eq!(till.replies.remove(&second).unwrap(), Err(again));
        let taken = [Kind::BASKET_CLOSED, Kind::BASKET_CLAIMED].map(|kind| recorded(&till, kind));
        assert_eq!(taken, if gives_up_first { [1, 0] } else { [0, 1] });
        assert_eq!(till.terminal.unresolved().len(), usize::from(!gives_up_first));
    }
}

/// The disk answers a read before it has written what was asked for just before: that counts all the same.
#[test]
fn what_is_on_its_way_to_the_disk_counts() {
    let parked = |begun: bool| {
        let mut till = Till::new(1, 1, NOW);
        till.begin(NOW, wine()).unwrap();
        if begun {
            park(&mut till, NOW).unwrap();
        }
        till.writing = false;
        till
    };
    let answers = |mut till: Till, requests: [RequestId; 2]| {
        till.writing = true;
        till.run(NOW);
        (requests.map(|request| till.replies.remove(&request).unwrap()), till)
    };

    let mut till = parked(true);
    let requests = [till.request(), till.request()];
    till.terminal.abandon(NOW, requests[0], ID).unwrap();
    till.run(NOW);
    till.terminal.claim(NOW, requests[1], ID).unwrap();
    till.run(NOW);
    let (replies, till) = answers(till, requests);
    assert_eq!(replies, [Ok(Reply::Abandoned), Err(Refusal::BasketEnded(ID))]);
    assert_eq!(recorded(&till, Kind::BASKET_CLAIMED), 0, "what was given up goes on nowhere");

    let mut till = parked(false);
    let requests = [till.request(), till.request()];
    till.terminal.park(NOW, requests[0], ID).unwrap();
    till.run(NOW);
    till.terminal.begin(NOW, requests[1], wine()).unwrap();
    till.run(NOW);
    let (replies, till) = answers(till, requests);
    assert_eq!(replies, [Ok(Reply::Parked), Err(Refusal::BasketParked(ID))]);
    assert!(till.terminal.unresolved().is_empty(), "it is not here and parked at once");
}

/// Two tills that cannot hear each other recall it, and both are paid: both sales stand, and the store raises one exception.
#[test]
fn two_completions_raise_one_exception() {
    let mut shop = Shop::new(3);
    shop.elect();
    let now = shop.now;
    shop.tills[0].begin(now, wine()).unwrap();
    park(&mut shop.tills[0], now).unwrap();
    shop.pass(3_000);
    shop.cut(2);
    let now = shop.now;
    for (till, key) in [(1, 8), (2, 9)] {
        claim(&mut shop.tills[till], now).unwrap();
        shop.tills[till].commit(now, 1, key).unwrap();
    }
    shop.heal();
    shop.pass(10_000);
    for till in &shop.tills {
        let exceptions = till.terminal.status().exceptions;
        let doubles = exceptions.iter().filter(|raised| raised.exception == ExceptionType::DUPLICATE).count();
        assert_eq!(doubles, 1);
    }
}

/// What would not fit into an event of the till that recalls it is refused there, before the customer pays.
#[test]
fn a_basket_that_is_too_large_for_the_next_till_is_not_claimed_there() {
    let mut shop = Shop::with(2, |config| {
        if config.me.terminal() == 2 {
            config.max_event_bytes = 10 << 10;
        }
    });
    let now = shop.now;
    let lines = (1..=200).map(|no| line(no, "wine", 1, if no == 1 { 1_701 } else { 1 })).collect();
    shop.tills[0].begin(now, draft(1, lines)).unwrap();
    park(&mut shop.tills[0], now).unwrap();
    shop.pass(3_000);
    let refused = claim(&mut shop.tills[1], now);
    assert!(matches!(refused, Err(Refusal::TooLarge { field: "basket", .. })), "{refused:?}");
    assert_eq!(recorded(&shop.tills[1], Kind::BASKET_CLAIMED), 0);
    assert_eq!(claim(&mut shop.tills[0], now).unwrap().1.len(), 200, "it is free for others");
}

/// What is parked is claimed, and what goes on at another till is not begun here: it would be paid twice.
#[test]
fn what_is_parked_or_goes_on_elsewhere_is_not_begun() {
    let mut shop = Shop::new(2);
    shop.elect();
    let now = shop.now;
    shop.tills[0].begin(now, wine()).unwrap();
    park(&mut shop.tills[0], now).unwrap();
    shop.pass(2_000);
    let now = shop.now;
    assert_eq!(shop.tills[0].begin(now, wine()), Err(Refusal::BasketParked(ID)));
    assert_eq!(shop.tills[1].begin(now, wine()), Err(Refusal::BasketParked(ID)));
    claim(&mut shop.tills[1], now).unwrap();
    assert!(shop.tills[1].begin(now, wine()).is_ok(), "a repeat where it is open");
    shop.pass(2_000);
    shop.crash(0);
    shop.heal();
    let now = shop.now;
    assert_eq!(shop.tills[0].begin(now, wine()), Err(Refusal::BasketElsewhere(ID)));
    shop.tills[1].knows_total(ID, 1_900);
    assert!(shop.tills[1].commit(now, 1, 9).is_ok());
}

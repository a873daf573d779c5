//! An exception is resolved once, by the store's log, wherever it is asked and whatever fails; what was done can be undone.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{EventId, Space};
use edgepos::model::{ActionCode, Counter, Envelope, ExceptionType, Kind, Line, Verdict};
use edgepos::{
    Action, AuditEntry, Audited, Handling, Policy, Refusal, ResolutionState, Resolve, ResolveError,
};
use support::resolving::{call, goods, milk, of_kind, open, record, resolve, stock};
use support::{Shop, Till, back, draft, envelopes, line};

/// A store in which one bottle more was sold than came, and everybody knows.
fn oversold(terminals: u16) -> Shop {
    let mut shop = Shop::new(terminals);
    shop.elect();
    shop.pass(1_000);
    let now = shop.now;
    shop.tills[0].record(now, goods(1)).unwrap();
    shop.tills[0].sell(now, 1, vec![line(1, "milk", 2, 200)]);
    shop.pass(3_000);
    for till in &shop.tills {
        assert_eq!(open(till), [(1, -1)]);
    }
    shop
}

fn audit(till: &Till) -> Vec<AuditEntry> {
    till.terminal.resolutions(None)
}

/// What was decided, and what has become of it; proposals aside.
fn decisions(till: &Till) -> Vec<(ActionCode, ResolutionState)> {
    let decided = |entry: AuditEntry| match entry.what {
        Audited::Resolved(resolved) => Some((resolved.action, entry.state)),
        Audited::Proposed(_) => None,
    };
    audit(till).into_iter().filter_map(decided).collect()
}

fn error(error: ResolveError) -> Refusal {
    error.into()
}

#[test]
fn a_back_order_is_owed_until_goods_come_and_is_handed_out() {
    let mut shop = oversold(2);
    let of = resolve(&mut shop, 1, &call(1, 1, Action::Backorder)).unwrap();
    for till in &shop.tills {
        assert_eq!((stock(till), open(till)), ((0, 1), vec![]), "nothing is missing any more");
        assert_eq!(decisions(till), [(ActionCode::BACKORDER, ResolutionState::Open)]);
    }
    record(&mut shop, goods(10));
    resolve(&mut shop, 0, &call(2, 1, Action::Fulfil { of })).unwrap();
    let again = resolve(&mut shop, 0, &call(3, 1, Action::Cancel { of }));
    assert_eq!(again, Err(error(ResolveError::NoSuchStep { of })));
    for till in &shop.tills {
        assert_eq!(stock(till), (9, 0));
        assert_eq!(decisions(till)[0], (ActionCode::BACKORDER, ResolutionState::Fulfilled));
    }
}

#[test]
fn a_back_order_that_is_cancelled_leaves_the_return_to_bring_the_quantity_back() {
    let mut shop = oversold(1);
    let of = resolve(&mut shop, 0, &call(1, 1, Action::Backorder)).unwrap();
    resolve(&mut shop, 0, &call(2, 1, Action::Cancel { of })).unwrap();
    assert_eq!(stock(&shop.tills[0]), (-1, 0));
    let now = shop.now;
    shop.tills[0].begin(now, draft(2, vec![back(1, 1, "milk", 1)])).unwrap();
    shop.tills[0].commit(now, 2, 2).unwrap();
    shop.pass(2_000);
    assert_eq!((stock(&shop.tills[0]), open(&shop.tills[0])), ((0, 0), vec![]));
    assert_eq!(decisions(&shop.tills[0])[0].1, ResolutionState::Cancelled);
}

/// −1 is told, goods come, −8 is told again; each is resolved for itself.
#[test]
fn each_episode_has_a_resolution_of_its_own() {
    let mut shop = oversold(1);
    record(&mut shop, goods(5));
    let late = resolve(&mut shop, 0, &call(1, 1, Action::Accept));
    assert_eq!(late, Err(error(ResolveError::Ended { episode: 1 })));
    let now = shop.now;
    shop.tills[0].sell(now, 2, vec![line(1, "milk", 12, 1_200)]);
    shop.pass(2_000);
    assert_eq!(open(&shop.tills[0]), [(2, -8)]);
    resolve(&mut shop, 0, &call(2, 2, Action::AdjustInventory { delta: 8 })).unwrap();
    assert_eq!((stock(&shop.tills[0]).0, open(&shop.tills[0])), (0, vec![]));
    let now = shop.now;
    shop.tills[0].sell(now, 3, vec![line(1, "milk", 1, 100)]);
    shop.pass(2_000);
    assert_eq!(open(&shop.tills[0]), [(3, -1)], "what was resolved and falls again is raised anew");
}

#[test]
fn an_accepted_one_stays_open_and_marked() {
    let mut shop = oversold(2);
    let by = resolve(&mut shop, 0, &call(1, 1, Action::Accept)).unwrap();
    for till in &shop.tills {
        assert_eq!((stock(till).0, open(till)), (-1, vec![(1, -1)]));
        let marked = &till.terminal.open_exceptions(None)[0];
        assert_eq!((marked.resolution, marked.base), (Some(by), by.seq.0));
        assert_eq!(marked.resolved.as_ref().unwrap().actor, "Ada");
    }
    record(&mut shop, goods(1));
    assert_eq!(open(&shop.tills[1]), []);
}

#[test]
fn stock_is_counted_at_once_or_later() {
    let mut shop = oversold(1);
    let of = resolve(&mut shop, 0, &call(1, 1, Action::Recount { counted: None })).unwrap();
    assert_eq!((stock(&shop.tills[0]).0, open(&shop.tills[0])), (-1, vec![(1, -1)]));
    assert_eq!(decisions(&shop.tills[0]), [(ActionCode::RECOUNT, ResolutionState::Open)]);
    resolve(&mut shop, 0, &call(2, 1, Action::Count { of, counted: 3 })).unwrap();
    assert_eq!((stock(&shop.tills[0]).0, open(&shop.tills[0])), (3, vec![]));
    assert_eq!(decisions(&shop.tills[0])[0].1, ResolutionState::Counted);

    let mut shop = oversold(1);
    let of = resolve(&mut shop, 0, &call(1, 1, Action::Recount { counted: Some(4) })).unwrap();
    assert_eq!(stock(&shop.tills[0]).0, 4);
    let twice = resolve(&mut shop, 0, &call(2, 1, Action::Count { of, counted: 5 }));
    assert_eq!(twice, Err(error(ResolveError::NoSuchStep { of })));
}

/// The first that the log decides counts; the other has its place without effects, on every terminal the same bytes.
#[test]
fn two_managers_at_two_tills_resolve_one_exception_once() {
    let mut shop = oversold(3);
    let now = shop.now;
    let first = shop.tills[0].resolve(now, &call(1, 1, Action::AdjustInventory { delta: 1 })).unwrap();
    let second = shop.tills[1].resolve(now, &call(2, 1, Action::Backorder)).unwrap();
    shop.pass(3_000);
    let outcomes = [shop.tills[0].resolved(first), shop.tills[1].resolved(second)];
    let counts = outcomes.iter().flatten().map(|resolution| resolution.event).next().unwrap();
    let refused = outcomes.into_iter().filter_map(Result::err).collect::<Vec<_>>();
    assert_eq!(refused, [error(ResolveError::ResolvedBefore { by: counts })]);
    for till in &shop.tills {
        assert_eq!((stock(till).0, open(till)), (0, vec![]));
        let states: Vec<_> = decisions(till).into_iter().map(|(_, state)| state).collect();
        assert_eq!(states.len(), 2);
        assert_eq!(states[1], ResolutionState::Refused);
        let placed: Vec<Envelope> = of_kind(till, Kind::EXCEPTION_RESOLVED);
        assert!(!placed[0].effects.is_empty() && placed[1].effects.is_empty());
    }
}

/// The leader dies when the proposal is on its way. It is decided under the next one, once, and the same key finds it.
#[test]
fn a_leader_that_is_killed_between_proposal_and_application_resolves_nothing_twice() {
    for after_ms in [0, 1, 2, 3, 5, 20] {
        let mut shop = oversold(3);
        let leader = shop.tills.iter().position(|till| till.terminal.status().entitled).unwrap();
        let (asked, now) = ((leader + 1) % 3, shop.now);
        let call = call(1, 1, Action::AdjustInventory { delta: 1 });
        shop.tills[asked].resolve(now, &call).unwrap();
        shop.pass(after_ms);
        shop.crash(leader);
        shop.pass(3_000);
        shop.heal();
        shop.elect();
        shop.pass(3_000);
        let repeat = resolve(&mut shop, leader, &call).unwrap();
        assert_eq!(resolve(&mut shop, asked, &call), Ok(repeat));
        for till in &shop.tills {
            assert_eq!(stock(till).0, 0, "killed after {after_ms} ms");
            let counting =
                decisions(till).iter().filter(|(_, state)| *state == ResolutionState::Done).count();
            assert_eq!(counting, 1);
        }
    }
}

#[test]
fn a_repeat_answers_the_first_result_wherever_it_is_asked() {
    let mut shop = oversold(2);
    let (adjust, accept) = (call(1, 1, Action::AdjustInventory { delta: 1 }), call(2, 1, Action::Accept));
    let event = resolve(&mut shop, 0, &adjust).unwrap();
    for till in [1, 0] {
        let now = shop.now;
        let request = shop.tills[till].resolve(now, &adjust).unwrap();
        shop.pass(100);
        let resolution = shop.tills[till].resolved(request).unwrap();
        assert_eq!((resolution.event, resolution.repeated), (event, true));
        let other = call(1, 1, Action::AdjustInventory { delta: 2 });
        assert_eq!(resolve(&mut shop, till, &other), Err(Refusal::KeyInUse { event }));
        shop.crash(till);
        shop.heal();
        shop.elect();
        shop.pass(1_000);
    }
    assert_eq!(resolve(&mut shop, 1, &accept), Err(error(ResolveError::ResolvedBefore { by: event })));
    assert_eq!(stock(&shop.tills[1]).0, 0);
}

/// What somebody writes may be anything: a card number does not get into the log, and the repeat is the same call all the same.
#[test]
fn a_card_number_in_a_reason_is_masked() {
    let mut shop = oversold(1);
    let accept = Resolve { reason: "paid with 4111 1111 1111 1111".into(), ..call(1, 1, Action::Accept) };
    let event = resolve(&mut shop, 0, &accept).unwrap();
    assert_eq!(resolve(&mut shop, 0, &accept), Ok(event));
    let reason = shop.tills[0].terminal.open_exceptions(None)[0].resolved.clone().unwrap().reason;
    assert!(reason.starts_with("paid with ") && !reason.contains("4111 1111"), "{reason}");
}

#[test]
fn two_calls_at_once_under_one_key_are_one() {
    let mut shop = oversold(2);
    let now = shop.now;
    let adjust = call(1, 1, Action::AdjustInventory { delta: 1 });
    let requests = [0, 0, 1].map(|till| (till, shop.tills[till].resolve(now, &adjust).unwrap()));
    assert_eq!(shop.tills[0].resolve(now, &call(1, 1, Action::Accept)).unwrap_err(), Refusal::KeyBusy);
    shop.pass(2_000);
    let events = requests.map(|(till, request)| shop.tills[till].resolved(request).unwrap().event);
    assert!(events.iter().all(|event| *event == events[0]), "{events:?}");
    assert_eq!(stock(&shop.tills[0]).0, 0);
}

#[test]
fn what_cannot_be_resolved_is_refused_by_name_and_nothing_is_written() {
    let mut shop = oversold(2);
    let rows = shop.tills[0].rows(Space::Event);
    let mut refused = |call: &Resolve| resolve(&mut shop, 0, call).unwrap_err();
    assert_eq!(refused(&call(1, 2, Action::Accept)), error(ResolveError::Unknown { episode: 2 }));
    let nothing = call(1, 1, Action::AdjustInventory { delta: 0 });
    assert!(matches!(refused(&nothing), Refusal::Resolve(ResolveError::BadAction { .. })));
    let stale = Resolve { base: Some(0), ..call(1, 1, Action::Accept) };
    assert!(matches!(refused(&stale), Refusal::Resolve(ResolveError::Stale { base: 0, current: 1.. })));
    let nobody = Resolve { actor: String::new(), ..call(1, 1, Action::Accept) };
    assert!(matches!(refused(&nobody), Refusal::BadField { field: "actor", .. }));
    for delta in [i64::MAX, i64::MIN, 1_000_000_000_001] {
        let action = Action::AdjustInventory { delta };
        assert_eq!(refused(&call(1, 1, action)), Refusal::Overflow, "{delta}");
    }
    let less_than_nothing = call(1, 1, Action::Recount { counted: Some(-1) });
    assert!(matches!(refused(&less_than_nothing), Refusal::BadField { field: "counted", .. }));
    let sale = shop.tills[0].sell_id(1);
    let mut refused = |call: &Resolve| resolve(&mut shop, 0, call).unwrap_err();
    let void = |approved_by: &str, transaction| {
        call(1, 1, Action::VoidTransaction { transaction, refund: true, approved_by: approved_by.into() })
    };
    assert!(matches!(refused(&void("", sale)), Refusal::BadField { field: "approved_by", .. }));
    let none = EventId { seq: edgepos::core::Seq(999), ..sale };
    assert!(matches!(refused(&void("Bo", none)), Refusal::Resolve(ResolveError::BadTransaction { .. })));
    assert_eq!(shop.tills[0].rows(Space::Event), rows);
    assert_eq!(decisions(&shop.tills[0]), []);
    // And the right call goes through under the same key.
    resolve(&mut shop, 0, &call(1, 1, Action::Accept)).unwrap();
}

#[test]
fn a_store_that_decides_nothing_says_so_at_once() {
    let mut shop = oversold(3);
    shop.cut(0);
    shop.pass(5_000);
    let refused = resolve(&mut shop, 0, &call(1, 1, Action::Accept));
    assert_eq!(refused, Err(error(ResolveError::NoMajority)));
    shop.heal();
    shop.elect();
    shop.pass(2_000);
    resolve(&mut shop, 0, &call(1, 1, Action::Accept)).unwrap();
}

/// The majority is lost just after the call: who asked is told that nothing is decided, and the key finds what becomes of it.
#[test]
fn a_caller_is_told_when_the_store_takes_too_long() {
    let mut shop = oversold(3);
    let leader = shop.tills.iter().position(|till| till.terminal.status().entitled).unwrap();
    let follower = (leader + 1) % 3;
    let now = shop.now;
    let adjust = call(1, 1, Action::AdjustInventory { delta: 1 });
    let request = shop.tills[follower].resolve(now, &adjust).unwrap();
    shop.cut(follower);
    shop.pass(11_000);
    assert_eq!(shop.tills[follower].resolved(request), Err(error(ResolveError::Undecided)));
    shop.heal();
    shop.elect();
    shop.pass(3_000);
    resolve(&mut shop, follower, &adjust).unwrap();
    for till in &shop.tills {
        assert_eq!(stock(till).0, 0);
    }
}

#[test]
fn what_was_done_is_undone_by_what_compensates_it_and_resolved_anew() {
    let mut shop = oversold(2);
    let of = resolve(&mut shop, 0, &call(1, 1, Action::Backorder)).unwrap();
    assert_eq!(open(&shop.tills[0]), []);
    resolve(&mut shop, 1, &call(2, 1, Action::Undo { of })).unwrap();
    let again = resolve(&mut shop, 0, &call(3, 1, Action::Undo { of }));
    assert_eq!(again, Err(error(ResolveError::NoSuchStep { of })), "once");
    for till in &shop.tills {
        assert_eq!((stock(till), open(till)), ((-1, 0), vec![(2, -1)]), "it falls again, and is told again");
        assert_eq!(decisions(till)[0], (ActionCode::BACKORDER, ResolutionState::Undone));
    }
    let accepted = resolve(&mut shop, 0, &call(4, 2, Action::Accept)).unwrap();
    resolve(&mut shop, 0, &call(5, 2, Action::Undo { of: accepted })).unwrap();
    resolve(&mut shop, 1, &call(6, 2, Action::AdjustInventory { delta: 1 })).unwrap();
    for till in &shop.tills {
        assert_eq!((stock(till), open(till)), ((0, 0), vec![]));
    }
}

/// A step is undone first, and the resolution after it.
#[test]
fn only_the_latest_decision_is_undone() {
    let mut shop = oversold(1);
    let of = resolve(&mut shop, 0, &call(1, 1, Action::Backorder)).unwrap();
    record(&mut shop, goods(5));
    let handed_out = resolve(&mut shop, 0, &call(2, 1, Action::Fulfil { of })).unwrap();
    assert_eq!(stock(&shop.tills[0]), (4, 0));
    let early = resolve(&mut shop, 0, &call(3, 1, Action::Undo { of }));
    assert_eq!(early, Err(error(ResolveError::NoSuchStep { of })));
    resolve(&mut shop, 0, &call(4, 1, Action::Undo { of: handed_out })).unwrap();
    assert_eq!(stock(&shop.tills[0]), (5, 1));
    assert_eq!(decisions(&shop.tills[0])[0].1, ResolutionState::Open);
    resolve(&mut shop, 0, &call(5, 1, Action::Undo { of })).unwrap();
    assert_eq!(stock(&shop.tills[0]), (4, 0));
}

#[test]
fn a_restart_and_a_restored_disk_know_what_was_resolved() {
    let mut shop = oversold(2);
    let image = shop.tills[1].disk.clone();
    let of = resolve(&mut shop, 0, &call(1, 1, Action::Backorder)).unwrap();
    resolve(&mut shop, 0, &call(2, 1, Action::Undo { of })).unwrap();
    resolve(&mut shop, 0, &call(3, 2, Action::Accept)).unwrap();
    let before = (audit(&shop.tills[0]), stock(&shop.tills[0]), open(&shop.tills[0]));
    for till in [0, 1] {
        shop.crash(till);
        shop.heal();
        shop.elect();
        shop.pass(3_000);
        assert_eq!((audit(&shop.tills[till]), stock(&shop.tills[till]), open(&shop.tills[till])), before);
    }
    shop.put_back(1, image, 9);
    shop.heal();
    shop.pass(8_000);
    assert_eq!((audit(&shop.tills[1]), stock(&shop.tills[1]), open(&shop.tills[1])), before);
}

/// One page behind the other, the audit record is read whole.
#[test]
fn the_audit_record_is_read_by_page() {
    let mut shop = oversold(1);
    let mut last = resolve(&mut shop, 0, &call(1, 1, Action::Accept)).unwrap();
    for key in 2..8 {
        let action = if key % 2 == 0 { Action::Undo { of: last } } else { Action::Accept };
        last = resolve(&mut shop, 0, &call(key, 1, action)).unwrap();
    }
    let all = audit(&shop.tills[0]);
    let mut read = Vec::new();
    loop {
        let after = read.last().map(|entry: &AuditEntry| entry.event);
        let page = shop.tills[0].terminal.resolutions(after);
        let Some(first) = page.into_iter().next() else { break };
        read.push(first);
    }
    assert_eq!(read, all);
    assert_eq!(decisions(&shop.tills[0]).len(), 7);
}

#[test]
fn a_void_takes_everything_back_but_the_money_that_was_not_given_back() {
    for refund in [false, true] {
        let mut shop = oversold(2);
        let transaction = shop.tills[0].sell_id(1);
        let cash = |till: &Till| {
            let counters = till.terminal.counters_after(Some(Counter::CASH), None);
            counters.iter().map(|counter| counter.value).sum::<i64>()
        };
        assert_eq!(cash(&shop.tills[1]), 200);
        let void = Action::VoidTransaction { transaction, refund, approved_by: "Bo".into() };
        resolve(&mut shop, 1, &call(1, 1, void.clone())).unwrap();
        for till in &shop.tills {
            assert_eq!((stock(till).0, open(till)), (1, vec![]));
            assert_eq!(cash(till), if refund { 0 } else { 200 });
        }
        let now = shop.now;
        let returned = shop.tills[1].begin(now, draft(2, vec![back(1, 1, "milk", 1)]));
        assert!(matches!(returned, Err(Refusal::NotReturnable { remaining: 0, .. })), "{returned:?}");
        // The sale is void for every exception that it has a part in.
        let now = shop.now;
        shop.tills[0].sell(now, 3, vec![line(1, "milk", 2, 200)]);
        shop.pass(2_000);
        let again = resolve(&mut shop, 0, &call(2, 2, void));
        assert_eq!(again, Err(error(ResolveError::VoidedBefore { transaction })));
    }
}

#[test]
fn the_rules_propose_and_every_terminal_knows() {
    let shop = oversold(2);
    for till in &shop.tills {
        let open = till.terminal.open_exceptions(None);
        let proposed = open[0].proposed.as_ref().unwrap();
        assert_eq!((proposed.action, proposed.by.as_str()), (ActionCode::RECOUNT, "rules"));
        assert!(!proposed.reasons[0].is_empty() && proposed.fallback.is_none());
        assert_eq!(audit(till).len(), 1);
        assert_eq!(audit(till)[0].state, ResolutionState::Proposed);
    }
}

/// A store whose tills resolve by themselves what they run out of.
fn by_itself(policy: &Policy) -> Shop {
    let mut shop = Shop::new(2);
    for till in 0..2 {
        let mut config = support::config(till as u16 + 1, 2);
        config.policy = policy.clone();
        shop.tills[till] = Till::open(config, edgepos::MemoryStore::new(), shop.now);
    }
    for till in 0..2 {
        shop.cut(till);
    }
    shop.heal();
    shop.elect();
    shop.pass(1_000);
    record(&mut shop, goods(1));
    let now = shop.now;
    shop.tills[0].sell(now, 1, vec![line(1, "milk", 2, 200)]);
    shop.pass(3_000);
    shop
}

#[test]
fn the_store_resolves_by_itself_what_the_policy_says() {
    let shop = by_itself(&Policy { oversold: Handling::Apply, ..Policy::default() });
    for till in &shop.tills {
        let open = till.terminal.open_exceptions(None);
        let resolved = open[0].resolved.as_ref().unwrap();
        assert_eq!((resolved.action, resolved.actor.as_str()), (ActionCode::RECOUNT, "rules"));
        assert_eq!(resolved.advice.as_ref().unwrap().action, ActionCode::RECOUNT, "with its reasons");
        assert_eq!(audit(till).len(), 1);
    }
    let shop = by_itself(&Policy { oversold: Handling::Off, ..Policy::default() });
    assert_eq!((audit(&shop.tills[0]).len(), open(&shop.tills[0])), (0, vec![(1, -1)]));
}

/// Terminals that may not know resolutions would count the store's chain without them.
#[test]
fn below_its_level_a_store_resolves_nothing() {
    let mut shop = Shop::new(1);
    let mut config = support::config(1, 1);
    config.level = 0;
    shop.tills[0] = Till::open(config, edgepos::MemoryStore::new(), shop.now);
    shop.elect();
    record(&mut shop, goods(1));
    let now = shop.now;
    shop.tills[0].sell(now, 1, vec![line(1, "milk", 2, 200)]);
    shop.pass(3_000);
    assert_eq!(open(&shop.tills[0]), [(1, -1)]);
    let refused = resolve(&mut shop, 0, &call(1, 1, Action::Accept));
    assert_eq!(refused, Err(Refusal::BelowLevel { level: 0, needs: 1 }));
    assert_eq!(audit(&shop.tills[0]), []);
}

/// Whoever sums up effects without knowing resolutions, as version 0.1.0 does, comes to the same stock.
#[test]
fn an_earlier_version_counts_the_same() {
    let mut shop = oversold(2);
    let now = shop.now;
    shop.tills[0].resolve(now, &call(1, 1, Action::AdjustInventory { delta: 1 })).unwrap();
    shop.tills[1].resolve(now, &call(2, 1, Action::AdjustInventory { delta: 1 })).unwrap();
    shop.pass(3_000);
    let placed = of_kind(&shop.tills[1], Kind::EXCEPTION_RESOLVED);
    let read: Vec<_> = placed.iter().map(|envelope| envelope.read_body().unwrap()).collect();
    let refused = |body: &edgepos::model::Body| match body {
        edgepos::model::Body::ExceptionResolved(resolved) => resolved.refused,
        other => panic!("{other:?}"),
    };
    assert_eq!(read.iter().map(refused).collect::<Vec<_>>(), [None, Some(Verdict::RESOLVED_BEFORE)]);
    let effects = envelopes(&shop.tills[1].disk).into_iter().flat_map(|(_, envelope)| envelope.effects);
    let sum: i64 = effects.filter(|effect| effect.row() == milk()).map(|effect| effect.delta).sum();
    assert_eq!((sum, stock(&shop.tills[1]).0), (0, 0));
}

/// A service has no pieces: the money that a manager gives back with a void counts, before and after a return of it.
#[test]
fn a_service_that_a_manager_gave_back_is_not_paid_back_again() {
    for returned_before in [false, true] {
        let mut shop = Shop::new(2);
        shop.elect();
        shop.pass(1_000);
        record(&mut shop, goods(1));
        let now = shop.now;
        let sale = vec![line(1, "milk", 2, 200), line(2, "repair", 0, 500)];
        let transaction = shop.tills[0].sell(now, 1, sale).event;
        shop.pass(3_000);
        let now = shop.now;
        let service = |basket| draft(basket, vec![Line { amount: -500, ..back(1, 2, "repair", 0) }]);
        if returned_before {
            shop.tills[0].begin(now, service(2)).unwrap();
            shop.tills[0].commit(now, 2, 2).unwrap();
            shop.pass(1_000);
        }
        let void = |refund| Action::VoidTransaction { transaction, refund, approved_by: "Bo".into() };
        resolve(&mut shop, 1, &call(1, 1, void(true))).unwrap();
        shop.pass(3_000);
        let now = shop.now;
        assert_eq!(shop.tills[1].begin(now, service(3)), Err(Refusal::NotRefundable { line: 1, left: 0 }));
        for till in &shop.tills {
            let raised = till.terminal.status().exceptions;
            let twice =
                raised.iter().filter(|raised| raised.exception == ExceptionType::REFUNDED_TWICE).count();
            assert_eq!(twice, usize::from(returned_before), "{raised:?}");
        }
    }
}

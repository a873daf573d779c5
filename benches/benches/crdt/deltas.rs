//! What a sale costs on the wire and at the receiver.

use crdts::CmRDT;
use edgepos_core::{EventId, Jitter, Seq};
use edgepos_crdt::{Item, Limits, PnDelta, PnTable, Session, Wire};

use crate::measure::{Side, alone, compare};
use crate::store::{self, ITEMS, MORNING, Theirs, Ways};
use crate::verdict::{Figure, Report, Target};

/// Random sales of one terminal after the morning.
fn sold(count: u64) -> Vec<(u64, u64, i64)> {
    let mut jitter = Jitter::new(9);
    (1..=count)
        .map(|number| (MORNING + number, jitter.range(0, ITEMS), -(jitter.range(1, 4) as i64)))
        .collect()
}

fn evening(morning: &PnTable, sales: &[(u64, u64, i64)]) -> PnTable {
    let mut table = morning.clone();
    sell(&mut table, sales);
    table
}

fn sell(table: &mut PnTable, sales: &[(u64, u64, i64)]) {
    let chain = store::chains()[3];
    for (seq, item, amount) in sales {
        table.apply(EventId::new(chain, Seq(*seq)), Item(*item), *amount).expect("one event after the other");
    }
}

pub(crate) fn run(report: &mut Report) {
    let morning = store::ours(MORNING, Ways::Both);
    let session = Session::new(store::chains(), morning.vector().clone());
    for (count, most) in [(1, 20.0), (10, 20.0), (1_000, 7.0), (10_000, 7.0)] {
        let table = evening(&morning, &sold(count));
        let delta = table.delta_since(session.acknowledged());
        let bytes = delta.encode_session(&session).expect("the session is the table's");
        let read =
            PnDelta::decode_session(&bytes, &session, &Limits::default()).expect("it was just written");
        let mut receiver = morning.clone();
        receiver.merge(&read).expect("it follows");
        assert_eq!(receiver, table);
        let what = format!("bytes a sale on the wire, delta of {count} random sales");
        report.row(what, Figure::Bytes(bytes.len() as f64 / count as f64), None, Target::AtMost(most));
    }
    apply(report, &morning, &session);
    extract(report, &morning, &session);
}

/// 1,000 sales at a terminal that holds the store and has it out of its cache.
fn apply(report: &mut Report, morning: &PnTable, session: &Session) {
    let sales = sold(1_000);
    let after = evening(morning, &sales);
    let bytes = after.delta_since(session.acknowledged()).encode_session(session).expect("of this session");

    let old = store::theirs(MORNING, Ways::Both);
    let mut values: Vec<i64> = store::truth(MORNING, Ways::Both);
    sales.iter().for_each(|(_, item, amount)| values[*item as usize] += amount);
    let theirs = || {
        Side::new(
            || old.clone(),
            |table: &mut Theirs| {
                for (_, item, amount) in &sales {
                    let counter = table.get_mut(&(*item as u32)).expect("each product is there");
                    counter.apply(counter.dec_many(3, amount.unsigned_abs()));
                }
            },
            |table| store::check_theirs(table, &values),
        )
    };
    // Clones share their pages until one of them writes. A table that was read from bytes shares with nobody.
    let whole = morning.to_bytes();
    let of_its_own = || PnTable::from_bytes(&whole, &Limits::default()).expect("it was just written");
    let events = |prepare: &dyn Fn() -> PnTable| {
        let side = Side::new(prepare, |table| sell(table, &sales), |table| store::check_ours(table, &values));
        compare(9, side, theirs())
    };
    let limit = Target::AtMost(0.3e-3);
    let peer = "`crdts`, map of counters";
    let took = events(&of_its_own);
    report.times("applying 1,000 sales, event by event", peer, took, limit);
    let took = events(&|| morning.clone());
    report.times("the same, while a snapshot of the table is held", peer, took, Target::None);

    let delta = Side::new(
        of_its_own,
        |table| {
            let delta =
                PnDelta::decode_session(&bytes, session, &Limits::default()).expect("of this session");
            assert_eq!(table.merge(&delta), Ok(true));
        },
        |table| store::check_ours(table, &values),
    );
    let took = compare(9, delta, theirs());
    report.times(
        "the same 1,000 sales as one delta, read from its bytes",
        "`crdts`, sale by sale",
        took,
        limit,
    );
}

/// The sender finds and writes what changed; the peer has no deltas, so nothing stands beside it.
fn extract(report: &mut Report, morning: &PnTable, session: &Session) {
    for count in [1, 1_000] {
        let after = evening(morning, &sold(count));
        let side = Side::new(
            || (after.clone(), Vec::new()),
            |(table, bytes)| {
                let delta = table.delta_since(session.acknowledged());
                *bytes = delta.encode_session(session).expect("of this session");
            },
            |(_, bytes)| {
                PnDelta::decode_session(bytes, session, &Limits::default()).expect("of this session");
            },
        );
        let what = format!("finding and writing the delta of {count} sales");
        report.row(what, Figure::Time(alone(9, side)), None, Target::None);
    }
}

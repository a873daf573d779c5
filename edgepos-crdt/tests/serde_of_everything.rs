//! Each type that holds something can be written and read by any `serde` format.

// A test fails by panicking.
#![allow(clippy::unwrap_used)]

use std::fmt::Debug;
use std::time::Duration;

use edgepos_core::{Chain, EventId, FoldEpoch, Lane, Now, RepairGen, ReplicaId, Seq, WallMs};
use edgepos_crdt::{
    Amendment, BoundedCounter, Change, ClockAhead, Final, Fold, Frame, GCounter, GTable, Hlc, HybridClock,
    Item, Limits, LwwMap, LwwRegister, Merged, MvRegister, OrSet, OriginGuard, PnCounter, PnTable, Recount,
    RecountLog, Replica, Session, SetDelta, Stability, Stamp, TxSet, VersionVector, WouldLose,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn reads_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let json = serde_json::to_string(value).unwrap();
    let read: T = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
    assert_eq!(&read, value, "{json}");
    assert_eq!(serde_json::to_string(&read).unwrap(), json);
}

fn chain(terminal: u16) -> Chain {
    Chain::new(ReplicaId::new(terminal, 7), Lane::Transactions)
}

fn dot(terminal: u16, seq: u64) -> EventId {
    EventId::new(chain(terminal), Seq(seq))
}

fn stamp(ms: u64) -> Stamp {
    Stamp::new(RepairGen(1), Hlc::from_parts(ms, 3), chain(1))
}

#[test]
fn tables_and_counters() {
    let (mut stock, mut points) = (PnTable::new(), GTable::new());
    let (mut one, mut other) = (PnCounter::new(), GCounter::new());
    for seq in 1..40 {
        let amount = i64::try_from(seq).unwrap() - 20;
        reads_back(&stock.apply(dot(1, seq), Item(seq * 91), amount).unwrap());
        reads_back(&points.apply(dot(2, seq), Item(seq), seq).unwrap());
        one.apply(dot(1, seq), amount).unwrap();
        other.apply(dot(1, seq), seq).unwrap();
    }
    reads_back(&stock);
    reads_back(&points);
    reads_back(&one);
    reads_back(&other);
    reads_back(&stock.delta_since(&VersionVector::new()));
    reads_back(&points.delta_since(&VersionVector::new()));
    reads_back(&Session::new([chain(1)], stock.vector().clone()));
    reads_back(stock.vector());

    let mut bounded = BoundedCounter::new();
    bounded.grow(chain(1).replica, 9).unwrap();
    bounded.transfer(chain(1).replica, chain(2).replica, 4).unwrap();
    bounded.spend(chain(2).replica, 1).unwrap();
    reads_back(&bounded);
    let recount = Recount::of(&stock, Item(91), 7).unwrap();
    let mut log = RecountLog::new();
    log.decide(dot(3, 1), &recount).unwrap();
    reads_back(&recount);
    reads_back(&log);
}

#[test]
fn sets_and_registers() {
    let mut set = TxSet::new();
    set.add(dot(1, 1), "a".to_owned()).unwrap();
    set.add(dot(1, 200), "b".to_owned()).unwrap();
    set.remove(dot(2, 1), [dot(1, 1)]).unwrap();
    set.apply_removal(dot(2, 2), [dot(3, 1), dot(3, 2)]).unwrap();
    reads_back(&set);
    let delta: SetDelta<String> = set.delta_since(&VersionVector::new());
    reads_back(&delta);
    reads_back(&OrSet::from(set));
    let mut register = MvRegister::new();
    register.set(dot(1, 1), 5_u64).unwrap();
    reads_back(&register);
    reads_back(&LwwRegister::new(stamp(5), 250_u64));
    let mut map = LwwMap::new();
    map.set(dot(1, 1), 3_u64, stamp(5), 250_u64).unwrap();
    map.remove(dot(1, 2), 4, stamp(6)).unwrap();
    reads_back(&map);
    reads_back(&map.delta_since(&VersionVector::new()));
    reads_back(&WouldLose { current: stamp(5) });
}

#[test]
fn replicas_with_folded_and_stranded_chains() {
    type Node = Replica<u64, u64, u64>;
    let change = |ms| Change {
        stock: vec![(Item(ms), -2)],
        points: vec![(Item(ms), 3)],
        add: Some(ms),
        remove: Vec::new(),
        write: vec![(1, stamp(ms), Some(ms))],
    };
    reads_back(&change(1));
    let (mut lost, mut leader, mut holder) =
        (Node::new(chain(1).replica), Node::new(chain(2).replica), Node::new(chain(3).replica));
    lost.record(Lane::Transactions, change(1)).unwrap();
    leader.merge(&lost.delta_since(FoldEpoch(0), &VersionVector::new())).unwrap();
    lost.record(Lane::Transactions, change(2)).unwrap();
    holder.merge(&lost.delta_since(FoldEpoch(0), &VersionVector::new())).unwrap();
    let retirement = leader.write_off(chain(1).replica).unwrap();
    leader.retire(&retirement);
    let fold = leader.propose_fold().unwrap();
    leader.apply_fold(&fold).unwrap();
    holder.retire(&retirement);
    let frame: Frame<u64, u64, u64> = leader.delta_since(holder.epoch(), holder.vector());
    let merged: Merged = holder.merge(&frame).unwrap();
    assert!(merged.epoch_raised);
    let aside: &Amendment<u64, u64, u64> = holder.amendments().next().unwrap();
    reads_back(aside);
    leader.absorb(aside).unwrap();
    let amended: Fold = leader.propose_fold().unwrap();
    reads_back(&amended);
    reads_back(&retirement);
    reads_back(&Final { seq: Seq(3), written_off: true });
    reads_back(&frame);
    reads_back(&merged);
    reads_back(&holder);
    assert!(holder.apply_fold(&amended).is_ok());
    reads_back(&holder);
}

#[test]
fn clocks_members_and_limits() {
    let mut members = Stability::new([chain(1).replica]);
    members.acknowledge(chain(1).replica, &[(chain(1), Seq(4))].into_iter().collect());
    reads_back(&members);
    reads_back(&Hlc::from_parts(7, 9));
    reads_back(&stamp(7));
    reads_back(&Item(u64::MAX));
    reads_back(&Limits::default());
    reads_back(&ClockAhead { remote: Hlc::from_parts(9, 0), ahead: Duration::from_secs(61) });
    // These two are read back as what is safe after a restart, which their own tests look at.
    reads_back(&HybridClock::new(Hlc::from_parts(7, 0)));
    let mut guard = OriginGuard::new();
    guard.heard(Now::new(1, 2), WallMs(2));
    let json = serde_json::to_string(&guard).unwrap();
    assert_eq!(serde_json::from_str::<OriginGuard>(&json).unwrap(), OriginGuard::new());
}

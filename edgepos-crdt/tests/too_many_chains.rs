//! A vector that has more chains than any reader accepts is never built from the states and deltas that peers send: the own state would
//! be unreadable after the next restart. Events one by one are not counted here; whoever takes them from peers limits the chains.

// A test fails by panicking.
#![allow(clippy::unwrap_used)]

use edgepos_core::{Chain, EventId, FoldEpoch, Lane, ReplicaId, Seq};
use edgepos_crdt::{
    Change, GTable, Limits, LwwMap, MergeError, MvRegister, OrSet, PnTable, Replica, TxSet, VersionVector,
    Wire,
};

const TOO_MANY: MergeError = MergeError::TooMany { what: "chains", limit: VersionVector::MAX_CHAINS };

/// More than half of what is allowed.
fn vector(first: u64) -> VersionVector {
    let chains = first..first + 40_000;
    chains.map(|n| (Chain::new(ReplicaId(n), Lane::Transactions), Seq(1))).collect()
}

macro_rules! refuses {
    ($name:ident, $empty:expr) => {
        #[test]
        fn $name() {
            let (mut ours, mut theirs) = ($empty, $empty);
            ours.advance(&vector(1_000_000));
            theirs.advance(&vector(2_000_000));
            let before = ours.clone();
            assert_eq!(ours.merge(&theirs.delta_since(&VersionVector::new())), Err(TOO_MANY));
            assert_eq!(ours.join(&theirs), Err(TOO_MANY));
            assert_eq!(ours, before);
            assert_eq!(ours.join(&before), Ok(false), "what is known costs nothing");
        }
    };
}

refuses!(a_stock_table_refuses_them, PnTable::new());
refuses!(a_points_table_refuses_them, GTable::new());
refuses!(a_set_refuses_them, TxSet::<u64>::new());
refuses!(a_set_of_values_refuses_them, OrSet::<u64>::new());
refuses!(a_map_refuses_them, LwwMap::<u64, u64>::new());

#[test]
fn a_register_refuses_them() {
    let read = |first| {
        let mut set = TxSet::<u64>::new();
        set.advance(&vector(first));
        MvRegister::<u64>::from_bytes(&set.to_bytes(), &Limits::default()).unwrap()
    };
    let (mut ours, theirs) = (read(1_000_000), read(2_000_000));
    let before = ours.clone();
    assert_eq!(ours.merge(&theirs.delta_since(&VersionVector::new())), Err(TOO_MANY));
    assert_eq!(ours.join(&theirs), Err(TOO_MANY));
    assert_eq!(ours, before);
}

#[test]
fn a_replica_refuses_them() {
    let of = |me, first| {
        let mut replica: Replica<u64, u64, u64> = Replica::new(ReplicaId(me));
        for (chain, seq) in vector(first).iter() {
            replica.apply(EventId::new(chain, seq), Change::default()).unwrap();
        }
        replica
    };
    let (mut ours, theirs) = (of(1, 1_000_000), of(2, 2_000_000));
    let before = ours.clone();
    assert_eq!(ours.merge(&theirs.delta_since(FoldEpoch(0), &VersionVector::new())), Err(TOO_MANY));
    assert_eq!(ours, before);
}

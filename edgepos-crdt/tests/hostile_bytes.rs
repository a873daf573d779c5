//! Bytes from outside: equal states have equal bytes, what was written reads back, and nothing else is read, panics, or takes more
//! memory than its length justifies.

// A test fails by panicking.
#![allow(clippy::unwrap_used)]

use edgepos_core::{Chain, EventId, FoldEpoch, Jitter, Lane, RepairGen, ReplicaId, Seq};
use edgepos_crdt::{
    Change, Corruption, Fold, FoldError, Frame, GTable, Hlc, Item, Limits, LwwMap, PnDelta, PnTable, Replica,
    Retirement, SetDelta, Stamp, TxSet, VersionVector, Wire, WireError,
};
use proptest::prelude::*;

fn chain(terminal: u16) -> Chain {
    Chain::new(ReplicaId::new(terminal, 9), Lane::Transactions)
}

/// A replica with everything in it: two chains, one of them folded, an element removed.
fn replica(seed: u64) -> Replica<u64, u64, u64> {
    let mut jitter = Jitter::new(seed);
    let mut replica: Replica<u64, u64, u64> = Replica::new(ReplicaId::new(1, 9));
    let sell = |replica: &mut Replica<u64, u64, u64>, jitter: &mut Jitter, ms: u64| {
        let me = Chain::new(replica.me(), Lane::Transactions);
        let first = replica.sales().iter().next().map(|(id, _)| id);
        let change = Change {
            stock: vec![(Item(jitter.range(0, 900)), jitter.range(0, 9) as i64 - 4)],
            points: vec![(Item(jitter.range(0, 9)), jitter.range(0, 900))],
            add: Some(jitter.next_u64()),
            remove: first.filter(|_| ms.is_multiple_of(3)).into_iter().collect(),
            write: vec![(jitter.range(0, 4), Stamp::new(RepairGen(0), Hlc(ms), me), Some(ms))],
        };
        replica.record(Lane::Transactions, change).unwrap();
    };
    (1..12).for_each(|ms| sell(&mut replica, &mut jitter, ms));
    let retirement = replica.seal().unwrap();
    replica.begin(ReplicaId::new(1, 10)).unwrap();
    replica.retire(&retirement);
    let fold = replica.propose_fold().unwrap();
    replica.apply_fold(&fold).unwrap();
    (12..24).for_each(|ms| sell(&mut replica, &mut jitter, ms));
    replica
}

fn reads_back<T: Wire + PartialEq + std::fmt::Debug>(value: &T) {
    let bytes = value.to_bytes();
    assert_eq!(T::from_bytes(&bytes, &Limits::default()).as_ref(), Ok(value));
    for length in 0..bytes.len() {
        assert!(T::from_bytes(&bytes[..length], &Limits::default()).is_err(), "{length} of {}", bytes.len());
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(T::from_bytes(&longer, &Limits::default()).is_err());
    // Whatever a flipped bit turns it into, it either reads as another value with exactly these bytes or not at all.
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(other) = T::from_bytes(&flipped, &Limits::default()) {
            assert_eq!(other.to_bytes(), flipped, "bit {bit}");
        }
    }
}

#[test]
fn every_type_reads_back_and_has_one_form() {
    let replica = replica(1);
    reads_back(replica.stock());
    reads_back(replica.points());
    reads_back(replica.sales());
    reads_back(replica.registers());
    reads_back(replica.vector());
    reads_back(&replica.stock().delta_since(&VersionVector::new()));
    reads_back(&replica.sales().delta_since(&VersionVector::new()));
    reads_back(&replica.registers().delta_since(&VersionVector::new()));
    reads_back(&replica.delta_since(FoldEpoch(0), &VersionVector::new()));
    reads_back(&replica.delta_since(replica.epoch(), replica.vector()));
    reads_back(&Fold { parent: FoldEpoch(3), finals: Vec::new(), base_hash: [7; 32] });
}

#[test]
fn json_reads_back_too() {
    let replica = replica(2);
    let json = serde_json::to_string(&replica).unwrap();
    assert_eq!(serde_json::from_str::<Replica<u64, u64, u64>>(&json).unwrap(), replica);
    let frame = replica.delta_since(FoldEpoch(0), &VersionVector::new());
    let json = serde_json::to_string(&frame).unwrap();
    assert_eq!(serde_json::from_str::<Frame<u64, u64, u64>>(&json).unwrap(), frame);
}

#[test]
fn limits_are_named_in_the_error() {
    let mut table = PnTable::new();
    for seq in 1..=10 {
        table.apply(EventId::new(chain(1), Seq(seq)), Item(seq), 1).unwrap();
    }
    let limits = Limits { max_entries: 9, ..Limits::default() };
    let refused = PnTable::from_bytes(&table.to_bytes(), &limits);
    assert_eq!(refused, Err(WireError::TooMany { what: "entries", limit: 9 }));
}

/// It would be counted twice.
#[test]
fn a_fold_that_names_a_chain_twice_is_refused() {
    let mut replica = replica(3);
    let retirement = replica.seal().unwrap();
    replica.retire(&retirement);
    let mut fold = replica.propose_fold().unwrap();
    fold.finals.extend(fold.finals.clone());
    let twice = Err(WireError::Corrupt(Corruption::Order));
    assert_eq!(Fold::from_bytes(&fold.to_bytes(), &Limits::default()), twice);
    let before = replica.clone();
    assert_eq!(replica.apply_fold(&fold), Err(FoldError::BaseHash));
    assert_eq!(replica, before);
    let retirement = Retirement { finals: fold.finals };
    let refused = Retirement::from_bytes(&retirement.to_bytes(), &Limits::default());
    assert_eq!(refused, Err(WireError::Corrupt(Corruption::Order)));
}

/// A chain that the receiver has never heard of costs it what the entries cost, not the arrays of a page for each of them.
#[test]
fn a_scattered_delta_takes_no_more_memory_than_it_justifies() {
    let mut large = PnTable::new();
    for seq in 1..=100_000 {
        large.apply(EventId::new(chain(1), Seq(seq)), Item(seq - 1), 1).unwrap();
    }
    let mut hostile = PnTable::new();
    for (seq, item) in (1..).zip((0..100_000).step_by(8_192)) {
        hostile.apply(EventId::new(chain(2), Seq(seq)), Item(item), 1).unwrap();
    }
    let delta = hostile.delta_since(&VersionVector::new());
    large.merge(&delta).unwrap();
    assert_eq!(large.rows(Item(8_192)).count(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn noise_never_panics(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), known_format: bool) {
        if known_format && let Some(first) = bytes.first_mut() {
            *first = 1;
        }
        let limits = Limits::default();
        let _ = PnTable::from_bytes(&bytes, &limits);
        let _ = GTable::from_bytes(&bytes, &limits);
        let _ = TxSet::<Vec<u8>>::from_bytes(&bytes, &limits);
        let _ = LwwMap::<String, i64>::from_bytes(&bytes, &limits);
        let _ = SetDelta::<u64>::from_bytes(&bytes, &limits);
        if let Ok(frame) = Frame::<u64, u64, u64>::from_bytes(&bytes, &limits) {
            let _ = Replica::new(ReplicaId::new(1, 1)).merge(&frame);
        }
        if let Ok(delta) = PnDelta::from_bytes(&bytes, &limits) {
            let _ = PnTable::new().merge(&delta);
        }
    }

    /// Broken frames of a real store, merged by a real store: never a panic, and a refusal changes nothing.
    #[test]
    fn broken_frames_are_refused_or_harmless(seed in 0_u64..50, at: prop::sample::Index, bit in 0_u8..8) {
        let sender = replica(seed);
        let honest = sender.delta_since(FoldEpoch(0), &VersionVector::new());
        let mut bytes = honest.to_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(frame) = Frame::<u64, u64, u64>::from_bytes(&bytes, &Limits::default()) {
            let newcomer: Replica<u64, u64, u64> = Replica::new(ReplicaId::new(2, 1));
            let mut peer = newcomer.clone();
            peer.merge(&honest).unwrap();
            for mut receiver in [newcomer, peer] {
                let before = receiver.clone();
                if receiver.merge(&frame).is_err() {
                    prop_assert_eq!(&receiver, &before);
                }
                // Whatever it took, it can still be written, read and added to.
                let json = serde_json::to_string(&receiver).unwrap();
                prop_assert_eq!(&serde_json::from_str::<Replica<u64, u64, u64>>(&json).unwrap(), &receiver);
                let _ = receiver.record(Lane::Stock, Change::default());
                let _ = receiver.propose_fold();
            }
        }
    }

    #[test]
    fn equal_states_have_equal_bytes_and_other_states_others(a in 0_u64..40, b in 0_u64..40) {
        let (a, b) = (replica(a), replica(b));
        prop_assert_eq!(a.stock() == b.stock(), a.stock().to_bytes() == b.stock().to_bytes());
        prop_assert_eq!(a.sales() == b.sales(), a.sales().content_hash() == b.sales().content_hash());
        prop_assert_eq!(a.registers() == b.registers(), a.registers().to_bytes() == b.registers().to_bytes());
    }
}

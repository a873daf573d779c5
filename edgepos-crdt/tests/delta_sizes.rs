//! What a sale costs on the wire within a session: at most 20 bytes alone, at most 7 in bulk.

// A test fails by panicking.
#![allow(clippy::unwrap_used)]

use edgepos_core::{Chain, EventId, Jitter, Lane, ReplicaId, Seq};
use edgepos_crdt::{Item, Limits, PnDelta, PnTable, Session, VersionVector, Wire, WireError};

/// 100,000 items and 15 terminals, each of which has sold for a while.
fn store() -> (PnTable, Vec<Chain>) {
    let mut jitter = Jitter::new(1);
    let chains: Vec<Chain> =
        (1..=15).map(|n| Chain::new(ReplicaId::new(n, jitter.next_u64()), Lane::Transactions)).collect();
    let mut table = PnTable::new();
    for chain in &chains {
        for seq in 1..=20_000 {
            let item = Item(jitter.range(0, 100_000));
            table.apply(EventId::new(*chain, Seq(seq)), item, -(jitter.range(1, 4) as i64)).unwrap();
        }
    }
    (table, chains)
}

#[test]
fn a_sale_is_small() {
    let (before, chains) = store();
    let session = Session::new(chains.iter().copied(), before.vector().clone());
    let mut jitter = Jitter::new(2);
    for (sales, most) in [(1_u64, 20.0), (1_000, 7.0), (10_000, 7.0)] {
        let mut table = before.clone();
        for number in 1..=sales {
            let item = Item(jitter.range(0, 100_000));
            table.apply(EventId::new(chains[3], Seq(20_000 + number)), item, -1).unwrap();
        }
        let delta = table.delta_since(session.acknowledged());
        let bytes = delta.encode_session(&session).unwrap();
        let each = bytes.len() as f64 / sales as f64;
        eprintln!(
            "{sales} sales: {} bytes, {each:.2} each; {} self-contained",
            bytes.len(),
            delta.to_bytes().len()
        );
        assert!(each <= most, "{each} bytes a sale");
        let mut receiver = before.clone();
        receiver.merge(&PnDelta::decode_session(&bytes, &session, &Limits::default()).unwrap()).unwrap();
        assert_eq!(receiver, table);
    }
}

#[test]
fn ends_that_disagree_notice_it() {
    let (table, chains) = store();
    let ours = Session::new(chains.iter().copied(), VersionVector::new());
    let theirs = Session::new(chains.iter().copied(), table.vector().clone());
    let bytes = table.delta_since(&VersionVector::new()).encode_session(&ours).unwrap();
    assert_eq!(PnDelta::decode_session(&bytes, &theirs, &Limits::default()), Err(WireError::OtherBase));
    let unknown = Session::new([], VersionVector::new());
    assert_eq!(table.delta_since(&VersionVector::new()).encode_session(&unknown), None);
}

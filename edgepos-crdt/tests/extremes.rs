//! The largest and smallest numbers, and what does not fit: an error, and nothing changed.

// A test fails by panicking.
#![allow(clippy::unwrap_used)]

use edgepos_core::{Chain, EventId, FoldEpoch, Lane, ReplicaId, Seq};
use edgepos_crdt::{
    ApplyError, Change, GTable, Item, Limits, Overflow, PnTable, RecordError, Replica, TxSet, VersionVector,
    Wire,
};

type Node = Replica<u64, u64, u64>;

fn chain(terminal: u16) -> Chain {
    Chain::new(ReplicaId::new(terminal, 7), Lane::Transactions)
}

fn dot(terminal: u16, seq: u64) -> EventId {
    EventId::new(chain(terminal), Seq(seq))
}

fn stock(lines: &[i64]) -> Change<u64, u64, u64> {
    Change { stock: lines.iter().map(|amount| (Item(3), *amount)).collect(), ..Change::default() }
}

#[test]
fn an_event_that_overflows_in_its_last_part_changes_none_of_the_others() {
    let mut node = Node::new(chain(1).replica);
    node.record(Lane::Transactions, stock(&[i64::MIN])).unwrap();
    let before = node.clone();
    let overflow = RecordError::Apply(ApplyError::Overflow(Overflow));
    assert_eq!(node.record(Lane::Transactions, stock(&[i64::MIN])), Err(overflow.clone()));
    assert_eq!(node.record(Lane::Transactions, stock(&[5, i64::MIN, i64::MIN])), Err(overflow.clone()));
    let points = Change { points: vec![(Item(1), u64::MAX), (Item(1), 1)], ..stock(&[1]) };
    assert_eq!(node.record(Lane::Transactions, points), Err(overflow));
    assert_eq!(node, before);
    assert_eq!(node.stock().value(Item(3)), Ok(i64::MIN));
    node.record(Lane::Transactions, stock(&[i64::MAX])).unwrap();
    assert_eq!(node.stock().value(Item(3)), Ok(-1));
}

#[test]
fn a_chain_that_reached_the_last_position_takes_no_more() {
    let mut table = PnTable::new();
    table.apply(dot(1, u64::MAX), Item(1), 1).unwrap();
    assert!(table.apply(dot(1, u64::MAX), Item(1), 1).is_err());
    assert!(table.apply(dot(1, 1), Item(2), 1).is_err());
    let mut set = TxSet::new();
    set.add(dot(1, u64::MAX), 5_u64).unwrap();
    assert!(set.add(dot(1, u64::MAX), 6).is_err());
    let mut other = TxSet::new();
    other.merge(&set.delta_since(&VersionVector::new())).unwrap();
    assert_eq!(other, set);
    assert_eq!(TxSet::from_bytes(&set.to_bytes(), &Limits::default()), Ok(set.clone()));
    set.remove(dot(2, u64::MAX), [dot(1, u64::MAX)]).unwrap();
    other.join(&set).unwrap();
    assert!(other.is_empty());

    // A peer that claims the last position of somebody's chain: that somebody takes it as the alarm.
    let mut liar = Node::new(chain(2).replica);
    let mut claim = VersionVector::new();
    claim.set_max(chain(1), Seq(u64::MAX));
    let bytes = {
        let honest = liar.delta_since(FoldEpoch(0), &VersionVector::new()).to_bytes();
        let (empty, claimed) = (VersionVector::new().to_bytes(), claim.to_bytes());
        // Format, epoch, the empty start, then the claimed end in place of the empty one.
        let head = 2 + (empty.len() - 1);
        [&honest[..head], &claimed[1..], &honest[head + (empty.len() - 1)..]].concat()
    };
    let frame = edgepos_crdt::Frame::<u64, u64, u64>::from_bytes(&bytes, &Limits::default()).unwrap();
    assert_eq!(frame.to(), &claim);
    let mut victim = Node::new(chain(1).replica);
    assert!(matches!(victim.merge(&frame), Err(edgepos_crdt::MergeError::OwnChainAhead { .. })));
    liar.merge(&frame).unwrap();
    victim.begin(ReplicaId::new(1, 8)).unwrap();
    victim.merge(&frame).unwrap();
    victim.record(Lane::Transactions, stock(&[1])).unwrap();
    let full = liar.apply(dot(1, u64::MAX), stock(&[1]));
    assert!(matches!(full, Err(ApplyError::AlreadyApplied { .. })), "and no position follows the last");
}

#[test]
fn a_chain_that_does_not_fit_into_the_base_holds_back_no_other() {
    let mut leader = Node::new(chain(9).replica);
    for terminal in 1..=3 {
        let mut till = Node::new(chain(terminal).replica);
        let amount = if terminal == 3 { 7 } else { u64::MAX };
        let change = Change { points: vec![(Item(u64::from(terminal / 3)), amount)], ..Change::default() };
        till.record(Lane::Transactions, change).unwrap();
        let retirement = till.seal().unwrap();
        leader.merge(&till.delta_since(FoldEpoch(0), leader.vector())).unwrap();
        leader.retire(&retirement);
    }
    let fold = leader.propose_fold().unwrap();
    assert_eq!(fold.finals.iter().map(|(chain, _)| *chain).collect::<Vec<_>>(), [chain(1), chain(3)]);
    leader.apply_fold(&fold).unwrap();
    assert_eq!(leader.points().value(Item(1)), Ok(7));
    assert_eq!(leader.points().value(Item(0)), Err(Overflow), "as before: the shares are all there");
    assert_eq!(leader.points().rows(Item(0)).count(), 1);
    assert_eq!(leader.propose_fold(), None);
}

#[test]
fn rows_and_folded_rows_that_are_written_one_by_one_are_the_table_again() {
    let mut leader = Node::new(chain(1).replica);
    let points = vec![(Item(8), 5)];
    leader.record(Lane::Transactions, Change { points: points.clone(), ..stock(&[4, -9]) }).unwrap();
    let retirement = leader.seal().unwrap();
    leader.begin(ReplicaId::new(1, 8)).unwrap();
    leader.retire(&retirement);
    leader.apply_fold(&leader.propose_fold().unwrap()).unwrap();
    leader.record(Lane::Transactions, Change { points, ..stock(&[2]) }).unwrap();

    let table = leader.stock();
    let mut read = PnTable::new();
    read.restore_base(table.epoch(), table.base_since(FoldEpoch(0))).unwrap();
    for (chain, row) in table.rows(Item(3)) {
        read.restore(chain, Item(3), row).unwrap();
    }
    read.advance(table.vector());
    assert_eq!(&read, table);
    let twice = read.restore_base(table.epoch(), table.base_since(FoldEpoch(0)));
    assert_eq!(twice, Err(ApplyError::FoldedTwice(Item(3))));

    let table = leader.points();
    let mut read = GTable::new();
    read.restore_base(table.epoch(), table.base_since(FoldEpoch(0))).unwrap();
    for (chain, row) in table.rows(Item(8)) {
        read.restore(chain, Item(8), row).unwrap();
    }
    read.advance(table.vector());
    assert_eq!(&read, table);
    assert_eq!(table.base_since(table.epoch()).count(), 0);
}

//! A replica on disk, and a frame on the wire, are the bytes that earlier versions wrote: fields are only added, and these read on.

// A test fails by panicking.
#![allow(clippy::unwrap_used)]

use edgepos_core::{Chain, EventId, FoldEpoch, Lane, RepairGen, ReplicaId, Seq};
use edgepos_crdt::{Change, FoldError, Frame, Hlc, Item, Limits, Replica, Stamp, VersionVector, Wire};

type Node = Replica<u64, u64, u64>;

/// What [`stored`] gives, as JSON. A line that changes is a file that earlier versions cannot read, or that this one reads otherwise.
const STORED: &str = include_str!("golden/replica.json");

/// What [`frame`] gives, in hexadecimal digits.
const FRAME: &str = include_str!("golden/frame.txt");

fn replica(terminal: u16) -> ReplicaId {
    ReplicaId::new(terminal, 7)
}

fn change(ms: u64) -> Change<u64, u64, u64> {
    let chain = Chain::new(replica(1), Lane::Transactions);
    let stamp = Stamp::new(RepairGen(1), Hlc::from_parts(ms, 3), chain);
    Change {
        stock: vec![(Item(ms), -2)],
        points: vec![(Item(ms), 3)],
        add: Some(ms),
        remove: Vec::new(),
        write: vec![(1, stamp, Some(ms))],
    }
}

/// A leader that has folded the chain of a terminal that is gone, and one that holds more of that chain and does not know it yet.
fn leader_and_holder() -> (Node, Node) {
    let [mut lost, mut leader, mut holder] = [1, 2, 3].map(|terminal| Node::new(replica(terminal)));
    let all = |node: &Node| node.delta_since(FoldEpoch(0), &VersionVector::new());
    lost.record(Lane::Transactions, change(1)).unwrap();
    leader.merge(&all(&lost)).unwrap();
    lost.record(Lane::Transactions, change(2)).unwrap();
    holder.merge(&all(&lost)).unwrap();
    let taken = EventId::new(Chain::new(replica(1), Lane::Transactions), Seq(1));
    holder.record(Lane::Stock, Change { remove: vec![taken], ..change(5) }).unwrap();
    let retirement = leader.write_off(replica(1)).unwrap();
    leader.retire(&retirement);
    let fold = leader.propose_fold().unwrap();
    leader.apply_fold(&fold).unwrap();
    holder.retire(&retirement);
    (leader, holder)
}

/// A replica of which every part has content: folded chains, events of one that were stranded, a fold that is awaited.
fn stored() -> Node {
    let (mut leader, mut holder) = leader_and_holder();
    holder.merge(&leader.delta_since(holder.epoch(), holder.vector())).unwrap();
    let aside = holder.amendments().next().unwrap().clone();
    leader.absorb(&aside).unwrap();
    leader.record(Lane::Transactions, change(9)).unwrap();
    leader.merge(&holder.delta_since(leader.epoch(), leader.vector())).unwrap();
    // The folding of a chain that the holder does not hold to its end waits for the rest.
    let retirement = leader.seal().unwrap();
    leader.retire(&retirement);
    let awaited = leader.propose_fold().unwrap();
    holder.retire(&retirement);
    assert!(matches!(holder.apply_fold(&awaited), Err(FoldError::Incomplete { .. })));
    holder
}

fn frame() -> Frame<u64, u64, u64> {
    let (leader, holder) = leader_and_holder();
    leader.delta_since(holder.epoch(), holder.vector())
}

#[test]
fn a_stored_replica_is_written_and_read_as_before() {
    let replica = stored();
    let written = serde_json::to_value(&replica).unwrap();
    for (part, value) in written.as_object().unwrap() {
        let empty = matches!(value, serde_json::Value::Array(all) if all.is_empty()) || *value == 0;
        assert!(!empty, "{part} is empty, so that its form is not held: {written}");
    }
    let golden: serde_json::Value = serde_json::from_str(STORED).unwrap();
    assert!(written == golden, "the stored form is another one: {written:#}");
    assert!(
        serde_json::to_string(&replica).unwrap() == golden_text(),
        "the order of the fields is another one"
    );
    let read: Node = serde_json::from_str(STORED).unwrap();
    assert_eq!(read, replica);
}

/// The golden file without its white space, with the fields in their order.
fn golden_text() -> String {
    STORED.split_whitespace().collect()
}

#[test]
fn what_was_stored_goes_on() {
    let mut read: Node = serde_json::from_str(STORED).unwrap();
    let before = read.written(Lane::Stock);
    let event = read.record(Lane::Stock, change(11)).unwrap();
    assert_eq!(event.seq, before.next());
    assert_eq!(read.amendments().count(), 1);
    assert_eq!(read.stock().value(Item(1)), Ok(-2), "what was folded counts");
}

#[test]
fn a_frame_is_written_and_read_as_before() {
    let hex: String = frame().to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, FRAME.trim());
    let bytes: Vec<u8> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    assert_eq!(Frame::from_bytes(&bytes, &Limits::default()).unwrap(), frame());
}

//! The bytes on the wire and on the disk are for ever: what a released version wrote, every later one reads and writes alike.

#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::Message;

use crate::support::forge::{self, Forged};
use crate::support::{World, replica, replicas};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn forged(kind: u64) -> Forged {
    Forged::new(kind, replica(0), replica(1), 7)
}

/// Each kind of message, as an older version would have written it: read, and written again byte by byte.
#[test]
fn messages_keep_their_bytes() {
    let append = forged(forge::APPEND).with(forge::INDEX, 3).with(forge::LOG_TERM, 6).with(forge::COMMIT, 2);
    let reply = forged(forge::APPEND_REPLY).with(forge::INDEX, 4).with(forge::COMMIT, 2);
    let vote = forged(forge::VOTE).with(forge::INDEX, 4).with(forge::LOG_TERM, 6).with(forge::COMMIT, 2);
    let vote_reply = forged(forge::VOTE_REPLY).with(forge::COMMIT, 0).with(forge::COMMIT_TERM, 0);
    let forged = [
        append.entries(&[(4, 7, 0)]),
        reply,
        vote.with(forge::COMMIT_TERM, 5).with(forge::FLAGS, 2),
        vote_reply.with(forge::FLAGS, 3),
        forged(forge::HEARTBEAT).with(forge::COMMIT, 2),
        forged(forge::HEARTBEAT_REPLY).with(forge::COMMIT, 2),
        forged(forge::SNAPSHOT).snapshot(9, 6, &replicas(3), &[replica(3)]),
        forged(forge::TIMEOUT_NOW),
        forged(forge::PROPOSE).proposal(replica(0), 1, 2),
    ];
    // The frame of all: store, generation, from, to, term, stamp. The count of fields before it, the kind after it.
    let frame = "0050000000000000000000000000000000000100021b000100000000abc0031b000200000000abc104070500";
    let bodies = [
        ("ab", "06010703080609020d81a40004010702000340"),
        ("a9", "060207040902"),
        ("ac", "06030704080609020a050b02"),
        ("aa", "060409000a000b03"),
        ("a8", "06050902"),
        ("a8", "06060902"),
        (
            "a8",
            "06070ea40009010602a200831b000100000000abc01b000200000000abc11b000300000000abc201811b000400000000abc30380",
        ),
        ("a7", "0608"),
        ("a8", "06090f81a4001b000100000000abc00101020103420101"),
    ];
    assert_eq!(forged.len(), bodies.len());
    for (forged, (count, body)) in forged.iter().zip(bodies) {
        let bytes = forged.message().encode();
        assert_eq!(hex(&bytes), format!("{count}{frame}{body}"));
        assert_eq!(Message::decode(&bytes).unwrap().encode(), bytes);
    }
}

/// The rows of a store of one after two decisions.
#[test]
fn rows_keep_their_bytes() {
    let mut world = World::new(1, 1);
    world.elect();
    world.propose(0, b"a");
    world.run_for(50);
    world.propose(0, b"b");
    world.run_for(50);
    let rows: Vec<_> = world.nodes[0]
        .disk
        .iter()
        .map(|((space, key), value)| format!("{space:?} {} {}", hex(key), hex(value)))
        .collect();
    let expected = [
        "Election 6170706c696564 a10003",
        "Election 646563696465642f000100000000abc0 a10002",
        "Election 68617264 a30002011b000100000000abc00203",
        "Election 76657273696f6e2f0009 a10003",
        "ElectionLog 0000000000000001 a40001010202000340",
        "ElectionLog 0000000000000002 a40002010202000352a4001b000100000000abc001010209034161",
        "ElectionLog 0000000000000003 a40003010202000352a4001b000100000000abc001020209034162",
        "ElectionSnapshot 6d656d62657273 a200811b000100000000abc00180",
    ];
    assert_eq!(rows, expected);
}

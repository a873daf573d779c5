//! The bytes on the wire and on the disk are for ever: what a released version wrote, every later one reads and writes alike.

#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::{Message, Proposal};
use edgepos_core::Now;

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

/// Every row of a terminal's disk.
fn rows(world: &World, node: usize) -> Vec<String> {
    let rows = world.nodes[node].disk.iter();
    rows.map(|((space, key), value)| format!("{space:?} {} {}", hex(key), hex(value))).collect()
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
    assert_eq!(rows(&world, 0), expected);
}

/// The rows that feature level 1 adds, and that of a proposal that waits: a store of one raises the level and decides about a
/// subject; a terminal without the others proposes.
#[test]
fn rows_of_level_1_keep_their_bytes() {
    let mut world = World::new(1, 1);
    world.elect();
    let now = Now::new(world.now, world.now);
    world.nodes[0].election.as_mut().unwrap().raise_level(now, 1).unwrap();
    world.flush(0);
    world.run_for(50);
    let proposal = Proposal { kind: 9, subject: b"milk".to_vec(), base: Some(2), bytes: b"a".to_vec() };
    world.nodes[0].election.as_mut().unwrap().propose(now, proposal).unwrap();
    world.flush(0);
    world.run_for(50);
    let added = [
        "Election 6c6576656c a200010102",
        "Election 7375626a6563742f00096d696c6b a10003",
        "ElectionLog 0000000000000002 a40002010202000355a5001b000100000000abc001010219ffff03400601",
        "ElectionLog 0000000000000003 a400030102020003581aa6001b000100000000abc00102020903416104020544\
         6d696c6b",
    ];
    let rows_now = rows(&world, 0);
    for row in added {
        assert!(rows_now.contains(&row.to_owned()), "{row} is not in {rows_now:#?}");
    }
    let mut alone = World::new(1, 3);
    alone.isolate(0);
    alone.propose(0, b"a");
    alone.run_for(50);
    let waits = "Election 70726f706f73616c2f0000000000000001 a4001b000100000000abc001010209034161";
    assert!(rows(&alone, 0).contains(&waits.to_owned()), "{:#?}", rows(&alone, 0));
}

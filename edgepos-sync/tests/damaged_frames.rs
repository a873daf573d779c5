//! A message that is not what was sent: its events are refused, none is taken for another, and the right one is taken afterwards.

#![allow(clippy::unwrap_used, reason = "a test")]

mod world;

use std::time::Duration;

use edgepos_core::{Chain, ConnectionId, Lane};
use edgepos_crdt::VersionVector;
use edgepos_sync::{Input, Limits, Message};
use world::bench::{Bench, hello};
use world::replica;

fn greet(bench: &mut Bench, peer: usize) {
    bench.tell(Input::PeerUp(replica(peer), ConnectionId(1)));
    bench.say(replica(peer), 1, hello(VersionVector::new()));
}

#[test]
fn a_flipped_byte_of_a_frame_is_no_event() {
    let mut author = Bench::terminal(0);
    for sale in 0..6u8 {
        author.record(
            Lane::Transactions,
            &[b"two coffees, paid in cash, number ".as_slice(), &[sale]].concat(),
        );
    }
    greet(&mut author, 1);
    author.outbox.flush(author.now);
    author.drain();
    author.wait(Duration::from_secs(40));
    let mut sent = author.sent.iter().map(|(_, _, message)| message);
    let batch = sent.rfind(|message| matches!(message, Message::Batch { .. })).unwrap();
    let bytes = batch.encode();
    let chain = Chain::new(replica(0), Lane::Transactions);
    let (mut refused, mut taken) = (0, 0);
    for at in 0..bytes.len() {
        for bit in [0, 3, 7] {
            let mut other = Bench::terminal(1);
            greet(&mut other, 0);
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            match Message::decode(&flipped, &Limits::DEFAULT) {
                Ok(message) => other.say(replica(0), 1, message),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
            let is_whole = other.accepted.iter().all(|event| {
                author
                    .rows
                    .iter()
                    .any(|((_, key), row)| *key == event.id.to_key() && row[32..] == event.payload)
            });
            assert!(is_whole, "byte {at}, bit {bit}: {:?}", other.accepted);
            if other.accepted.is_empty() {
                refused += 1
            } else {
                taken += 1
            }
            // Behind it the right one is taken, and nothing twice.
            other.tell(Input::PeerLost(replica(0), ConnectionId(1)));
            other.tell(Input::PeerUp(replica(0), ConnectionId(2)));
            other.say(replica(0), 2, hello(VersionVector::new()));
            other.say(replica(0), 2, batch.clone());
            assert_eq!(
                other.outbox.vector().get(chain),
                author.outbox.vector().get(chain),
                "byte {at}, bit {bit}"
            );
            assert_eq!(other.accepted.len(), 6, "byte {at}, bit {bit}");
        }
    }
    assert!(refused > 10 * taken, "{refused} were refused, {taken} said the same");
}

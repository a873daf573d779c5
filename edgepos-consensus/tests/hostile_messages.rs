#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::{Input, Message};
use edgepos_core::Jitter;
use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

use crate::support::World;

/// Values that break arithmetic, or sit at the edge of a check.
const NUMBERS: [u64; 12] =
    [0, 1, 2, 3, 7, 100, (1 << 20) + 5, (1 << 48) - 1, 1 << 48, u64::MAX - 1, u64::MAX, 1 << 63];

fn record(seed: u64) -> (World, Vec<Vec<u8>>) {
    let mut world = World::with(seed, 4, |config| config.max_log_entries = 16);
    world.recorded = Some(Vec::new());
    (world.loss, world.duplicates) = (20, 20);
    let leader = world.elect();
    world.crash((leader + 1) % 4);
    for number in 0..30 {
        world.run_for(40);
        if world.nodes[leader].election.is_some() {
            world.propose(leader, &[number; 5]);
        }
        world.propose((leader + 2) % 4, b"forwarded");
    }
    world.boot((leader + 1) % 4);
    world.run_for(1500);
    if let Some(leader) = world.leader() {
        world.step_down(leader);
    }
    world.run_for(500);
    let honest = world.recorded.take().unwrap();
    (world, honest)
}

/// Copies one item, passing each number through `change`.
fn copy(decoder: &mut Decoder<'_>, encoder: &mut Encoder<Vec<u8>>, change: &mut impl FnMut(u64) -> u64) {
    match decoder.datatype().unwrap() {
        Type::Map => {
            let fields = decoder.map().unwrap().unwrap();
            encoder.map(fields).unwrap();
            (0..2 * fields).for_each(|_| copy(decoder, encoder, change));
        }
        Type::Array => {
            let items = decoder.array().unwrap().unwrap();
            encoder.array(items).unwrap();
            (0..items).for_each(|_| copy(decoder, encoder, change));
        }
        Type::Bytes => {
            encoder.bytes(decoder.bytes().unwrap()).unwrap();
        }
        _ => {
            encoder.u64(change(decoder.u64().unwrap())).unwrap();
        }
    }
}

/// Changes one to three numbers of an honest message: keys and values alike.
fn mutate(honest: &[u8], jitter: &mut Jitter) -> Vec<u8> {
    let mut count = 0;
    let mut encoder = Encoder::new(Vec::new());
    copy(&mut Decoder::new(honest), &mut encoder, &mut |number| {
        count += 1;
        number
    });
    let chosen: Vec<u64> = (0..jitter.range(1, 4)).map(|_| jitter.range(0, count)).collect();
    let mut position = 0;
    let mut encoder = Encoder::new(Vec::new());
    copy(&mut Decoder::new(honest), &mut encoder, &mut |number| {
        position += 1;
        if !chosen.contains(&(position - 1)) {
            return number;
        }
        match jitter.range(0, 4) {
            0 => NUMBERS[jitter.range(0, NUMBERS.len() as u64) as usize],
            1 => number.wrapping_add(1),
            2 => number.wrapping_sub(1),
            _ => jitter.range(0, 12),
        }
    });
    encoder.into_writer()
}

/// E10: honest traffic, replayed, misdirected in time and mutated field by field. No terminal panics or halts, and afterwards the
/// store elects a leader and decides.
#[test]
fn mutated_traffic_halts_nobody() {
    let mut taken = 0;
    for seed in 0..12 {
        let (mut world, honest) = record(seed);
        (world.checks_entitlement, world.checks_leaders) = (false, false);
        world.lenient = true;
        let mut jitter = Jitter::new(seed);
        for _ in 0..6000 {
            let bytes = &honest[jitter.range(0, honest.len() as u64) as usize];
            let bytes = if jitter.range(0, 5) == 0 { bytes.clone() } else { mutate(bytes, &mut jitter) };
            if let Ok(message) = Message::decode(&bytes) {
                let node = jitter.range(0, 4) as usize;
                taken += 1;
                world.tell(node, Input::Message(message));
            }
            if jitter.range(0, 20) == 0 {
                let ms = jitter.range(1, 200);
                world.run_for(ms);
            }
        }
        for node in &world.nodes {
            assert_eq!(node.election.as_ref().unwrap().halted(), None);
        }
        let refused: u64 = world.drops().values().sum();
        assert!(refused > 1000, "{:?}", world.drops());
    }
    assert!(taken > 10_000, "{taken}");
}

/// Random bytes, and honest ones with flipped bits or cut short, never panic the decoder.
#[test]
fn random_bytes_are_errors() {
    let (_, honest) = record(99);
    let mut jitter = Jitter::new(1);
    for _ in 0..60_000 {
        let mut bytes = honest[jitter.range(0, honest.len() as u64) as usize].clone();
        match jitter.range(0, 3) {
            0 => bytes.truncate(jitter.range(0, bytes.len() as u64) as usize),
            1 => {
                let at = jitter.range(0, bytes.len() as u64) as usize;
                bytes[at] ^= 1 << jitter.range(0, 8);
            }
            _ => bytes = (0..jitter.range(0, 80)).map(|_| jitter.next_u64() as u8).collect(),
        }
        let _ = Message::decode(&bytes);
    }
    assert!(Message::decode(&vec![0; edgepos_consensus::MAX_MESSAGE_BYTES + 1]).is_err());
}

/// What is encoded reads back as the same, and a field from the future is skipped.
#[test]
fn messages_read_back() {
    let (_, honest) = record(7);
    assert!(honest.len() > 300);
    for bytes in &honest {
        let message = Message::decode(bytes).unwrap();
        assert_eq!(&message.encode(), bytes);
        // A map of up to 23 fields has its length in the first byte.
        let mut future = bytes.clone();
        future[0] += 1;
        future.extend([0x18, 99, 0x82, 0x01, 0x61, b'x']);
        assert_eq!(Message::decode(&future).unwrap(), message);
    }
}

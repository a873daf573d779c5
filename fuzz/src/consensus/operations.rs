//! Everything that may happen to a store, in any order.

use edgepos_consensus::{Input as Told, Message, Proposal};

use super::input::Input;
use super::shop::{Shop, config, replica};

/// Steps of one run.
const MAX_STEPS: usize = 300;
/// Terminals, those that join included.
const MAX_TERMINALS: usize = 6;

/// Ticks, time-outs, reports of durability, lost peers, restarts, changes of members, proposals, hand-overs, lost, late and repeated
/// messages, and messages decoded from the input itself. As long as no message is forged, all promises hold: one leader in a term,
/// one entitled terminal, the same decisions once and in order, and a leader that decides once the disturbances end. Nobody halts in
/// any case.
///
/// # Panics
/// When a promise is broken.
pub fn operations(input: &[u8]) {
    let input = &mut Input::new(input);
    let shape = input.byte();
    let (genesis, fast) = (1 + usize::from(shape & 7) % 5, shape & 8 != 0);
    let mut shop = Shop::new(genesis, fast);
    if shape & 16 != 0 {
        shop.run(1200);
    }
    for _ in 0..MAX_STEPS {
        if input.is_empty() {
            break;
        }
        step(&mut shop, input, genesis, fast);
    }
    shop.heal();
    shop.run(3000);
    shop.recover();
}

fn step(shop: &mut Shop, input: &mut Input<'_>, genesis: usize, fast: bool) {
    let choice = input.byte();
    let terminal = input.below(shop.len());
    match choice % 27 {
        0..=2 => shop.run(4 * u64::from(input.byte())),
        3 => {
            shop.pass(u64::from(input.byte()));
            shop.tell(terminal, Told::Timeout);
        }
        4 => shop.tell(terminal, Told::Timeout),
        5 => shop.persist(terminal),
        6..=8 => {
            let (position, kept) = (input.below(shop.in_flight()), choice & 128 != 0);
            shop.deliver(position, kept);
        }
        9 => {
            let position = input.below(shop.in_flight());
            shop.drop_message(position);
        }
        10 => shop.crash(terminal),
        11 => shop.boot(terminal),
        12 => {
            let peer = input.below(shop.len());
            shop.disconnect(terminal, peer);
        }
        13 => {
            let peer = input.below(shop.len());
            shop.connect(terminal, peer);
        }
        14 | 15 => shop.propose(terminal, input.bytes(20)),
        // What is not taken is handed back: no fault.
        16 => shop.command(shop.leader(), |election, now| {
            let _ = election.step_down(now);
        }),
        17 => shop.command(shop.leader(), |election, now| {
            let _ = election.admit(now, replica(terminal));
        }),
        18 => shop.retire(terminal),
        19 => {
            let peer = input.below(shop.len());
            shop.toggle_link(terminal, peer);
        }
        20 => shop.toggle_disk(terminal),
        21 if shop.len() < MAX_TERMINALS => shop.add(config(shop.len(), genesis, fast)),
        22 => {
            let (kind, base) = (input.below(shop.len()) as u16, Some(input.number(1)));
            let (subject, bytes) = (vec![input.byte() % 4], input.bytes(20).to_vec());
            shop.command(terminal, |election, now| {
                let _ = match subject[0] {
                    0 => election.raise_level(now, 1),
                    _ => election.propose(now, Proposal { kind, subject, base, bytes }),
                };
            });
        }
        23 => {
            if let Ok(message) = Message::decode(input.bytes(400)) {
                shop.tell_forged(terminal, message);
            }
        }
        24 => shop.isolate(terminal),
        25 => shop.join_links(),
        26 => {
            shop.crash(terminal);
            shop.boot(terminal);
        }
        _ => {}
    }
}

//! Honest messages, recorded and changed, in front of honest terminals.

use edgepos_consensus::Message;

use super::forge::Fields;
use super::input::Input;
use super::shop::{Shop, replica};

/// Steps of one run.
const MAX_STEPS: usize = 200;
const FROM: u64 = 2;
const TO: u64 = 3;
const TERM: u64 = 4;

/// A small store works, and in between messages that it once sent come again: late, to others, from others, and changed field by
/// field. Nobody panics or halts.
///
/// # Panics
/// When somebody does.
pub fn guard(input: &[u8]) {
    let input = &mut Input::new(input);
    let shape = input.byte();
    let mut shop = Shop::new(1 + usize::from(shape & 3), shape & 4 != 0);
    shop.run(1200);
    for _ in 0..MAX_STEPS {
        if input.is_empty() {
            break;
        }
        let terminal = input.below(shop.terminals.len());
        match input.byte() % 16 {
            0 => shop.run(8 * u64::from(input.byte())),
            1 => shop.propose(terminal, input.bytes(20)),
            2 => shop.crash(terminal),
            3 => shop.boot(terminal),
            4 => {
                let leader = shop.leader();
                // A terminal that does not lead refuses: no fault.
                shop.command(leader, |election, now| {
                    let _ = election.step_down(now);
                });
            }
            5 => shop.terminals[terminal].stalled ^= true,
            6 => shop.persist(terminal),
            7 => {
                let peer = input.below(shop.terminals.len());
                shop.disconnect(terminal, peer);
            }
            8 => shop.now += u64::from(input.byte()),
            _ => forge(&mut shop, terminal, input),
        }
    }
    // Whatever it was told, it goes on.
    shop.heal();
    shop.run(800);
}

/// An honest message, with up to three changes, at a terminal of the input's choice.
fn forge(shop: &mut Shop, terminal: usize, input: &mut Input<'_>) {
    let latest = input.below(shop.trace.len());
    let Some(bytes) = shop.trace.len().checked_sub(latest + 1).and_then(|at| shop.trace.get(at)) else {
        return;
    };
    let mut fields = Fields::parse(bytes).expect("a message is a map");
    let address = input.byte();
    if address & 1 == 0 {
        fields.set(TO, shop.terminals[terminal].config.me.0);
    }
    if address & 2 != 0 {
        fields.set(FROM, replica(input.below(shop.terminals.len())).0);
    }
    if address & 4 != 0 {
        let term = shop.terminals[terminal].election.as_ref().map_or(0, |election| election.term().0);
        fields.set(TERM, term + u64::from(address >> 7));
    }
    for _ in 0..(address >> 4) & 3 {
        fields.change(input);
    }
    if let Ok(message) = Message::decode(&fields.encode()) {
        shop.honest = false;
        shop.tell(terminal, edgepos_consensus::Input::Message(message));
    }
}

//! Honest messages, recorded and changed, in front of honest terminals.

use edgepos_consensus::Message;
use edgepos_core::ReplicaId;

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
    // One is away for longer than the log is, where the input says so: then there is a snapshot to be changed.
    let away = (shape & 8 != 0).then(|| shop.len() - 1).filter(|away| *away != shop.leader());
    away.into_iter().for_each(|away| shop.crash(away));
    for number in 0..if away.is_some() { 20 } else { 3 } {
        let leader = shop.leader();
        shop.propose(leader, &[number; 4]);
        shop.run(10);
    }
    away.into_iter().for_each(|away| shop.boot(away));
    shop.run(400);
    for _ in 0..MAX_STEPS {
        if input.is_empty() {
            break;
        }
        let terminal = input.below(shop.len());
        match input.byte() % 32 {
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
            5 => shop.toggle_disk(terminal),
            6 => shop.persist(terminal),
            7 => {
                let peer = input.below(shop.len());
                shop.disconnect(terminal, peer);
            }
            8 => shop.pass(u64::from(input.byte())),
            _ => forge(&mut shop, input),
        }
    }
    // Whatever it was told, it goes on.
    shop.heal();
    shop.run(800);
}

/// An honest message with up to three changes, at whom it was for, or at another terminal.
fn forge(shop: &mut Shop, input: &mut Input<'_>) {
    let kinds = shop.sent().len();
    let Some(sent) = shop.sent().nth(input.below(kinds)) else { return };
    let Some(bytes) = sent.iter().rev().nth(input.below(sent.len())) else { return };
    let mut fields = Fields::parse(bytes).expect("a message is a map");
    let how = input.byte();
    let honest = shop.place_of(ReplicaId(fields.number(TO)));
    let terminal = honest.filter(|_| how & 7 != 0).unwrap_or_else(|| input.below(shop.len()));
    if how & 8 == 0 {
        fields.set(TO, shop.name_of(terminal).0);
    }
    if how & 0x30 == 0x30 {
        fields.set(FROM, replica(input.below(shop.len())).0);
    }
    shop.boot(terminal);
    if how & 0x40 != 0 {
        let term = shop.term_at(terminal).0;
        fields.set(TERM, term + u64::from(how >> 7));
    }
    for _ in 0..input.below(4) {
        fields.change(input);
    }
    if let Ok(message) = Message::decode(&fields.encode()) {
        shop.tell_forged(terminal, message);
    }
}

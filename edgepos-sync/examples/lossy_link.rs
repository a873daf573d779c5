//! Two outboxes exchange their events over a link that loses every third message, each exactly once.
//!
//! ```text
//! cargo run -p edgepos-sync --example lossy_link
//! ```

use std::collections::BTreeMap;

use edgepos_core::{ConnectionId, Lane, Now, ReplicaId, Space, StoreId, Time, Write};
use edgepos_sync::{Config, Input, Limits, Message, Outbox, Output, Restored};

/// An outbox with the rows that it asked to be kept, and what it accepted of the other.
struct Terminal {
    outbox: Outbox,
    rows: BTreeMap<(Space, Vec<u8>), Vec<u8>>,
    accepted: Vec<String>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let names = [1, 2].map(|number| ReplicaId::new(number, 0xBEE));
    let link = ConnectionId(1);
    let mut terminals = names.map(|me| {
        let config = Config::standard(StoreId([7; 16]), me, 42);
        let outbox = Outbox::new(Now::new(0, 0), config, Restored::new()).expect("the defaults are allowed");
        Terminal { outbox, rows: BTreeMap::new(), accepted: Vec::new() }
    });
    for (index, terminal) in terminals.iter_mut().enumerate() {
        terminal.outbox.handle(Now::new(0, 0), Input::PeerUp(names[1 - index], link));
        for number in 1..=20 {
            let sale = format!("sale {number} of {}", names[index]);
            terminal.outbox.record(Now::new(0, 0), Lane::Transactions, sale.into_bytes())?;
        }
    }
    let (mut sent, mut lost) = (0, 0);
    for ms in 0..120_000 {
        let now = Now::new(ms, 0);
        let mut wire = Vec::new();
        for (index, terminal) in terminals.iter_mut().enumerate() {
            let Terminal { outbox, rows, accepted } = terminal;
            if outbox.poll_timeout().is_some_and(|deadline| deadline <= Time(ms)) {
                outbox.handle(now, Input::Timeout);
            }
            while let Some(output) = outbox.poll_output() {
                match output {
                    Output::Persist(persist) => {
                        for write in persist.writes {
                            match write {
                                Write::Put { space, key, value } => drop(rows.insert((space, key), value)),
                                Write::Delete { space, key } => drop(rows.remove(&(space, key))),
                            }
                        }
                        outbox.handle(now, Input::Persisted(persist.id));
                    }
                    Output::Load(load) => {
                        let found = rows.range((load.space, load.from)..=(load.space, load.to));
                        let found = found.map(|((_, key), value)| (key.clone(), value.clone())).collect();
                        outbox.handle(now, Input::Loaded(load.id, found));
                    }
                    Output::Accepted(event) => accepted.push(String::from_utf8(event.payload)?),
                    Output::Transmit { message, .. } => {
                        sent += 1;
                        if sent % 3 == 0 { lost += 1 } else { wire.push((1 - index, message.encode())) }
                    }
                    // No disk is put back here.
                    Output::Uplink(..)
                    | Output::Notice(_)
                    | Output::Reissue { .. }
                    | Output::Healed { .. } => {}
                }
            }
        }
        for (to, bytes) in wire {
            let message = Message::decode(&bytes, &Limits::DEFAULT)?;
            terminals[to]
                .outbox
                .handle(now, Input::Message { from: names[1 - to], connection: link, message });
        }
        if terminals.iter().all(|terminal| terminal.accepted.len() >= 20) {
            println!("after {ms} ms: {sent} messages, {lost} of them lost, 20 events taken on each side");
            for terminal in &terminals {
                let mut distinct = terminal.accepted.clone();
                distinct.dedup();
                assert_eq!((distinct.len(), terminal.accepted.len()), (20, 20), "each once");
            }
            return Ok(());
        }
    }
    Err("not everything came through within two minutes".into())
}

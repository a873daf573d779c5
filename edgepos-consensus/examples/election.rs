//! Three terminals elect a leader over channels, the leader's plug is pulled, and the other two elect another.
//!
//! ```text
//! cargo run -p edgepos-consensus --example election
//! ```

use std::collections::BTreeMap;
use std::sync::mpsc::channel;

use edgepos_consensus::{Config, Election, Input, Output, Restored};
use edgepos_core::{ConnectionId, Now, ReplicaId, Time};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let names = [1, 2, 3].map(|terminal| ReplicaId::new(terminal, 0xC0FFEE));
    let link = ConnectionId(1);
    let mut terminals = BTreeMap::new();
    for me in names {
        let config = Config::standard(me, names.to_vec(), 7);
        let mut election = Election::new(Now::new(0, 0), config, Restored::new())?;
        for peer in names.into_iter().filter(|peer| *peer != me) {
            election.handle(Now::new(0, 0), Input::PeerUp(peer, link));
        }
        terminals.insert(me, election);
    }
    let (send, receive) = channel();
    let mut unplugged = None;
    for ms in 0..20_000 {
        let now = Now::new(ms, 0);
        for election in terminals.values_mut() {
            if election.poll_timeout().is_some_and(|deadline| deadline <= Time(ms)) {
                election.handle(now, Input::Timeout);
            }
            while let Some(output) = election.poll_output() {
                match output {
                    // A real one makes it durable first.
                    Output::Persist(persist) => election.handle(now, Input::Persisted(persist.id)),
                    Output::Transmit(message) => send.send(message)?,
                    Output::Apply(_) | Output::Install(_) | Output::Notice(_) => {}
                }
            }
        }
        for message in receive.try_iter() {
            if let Some(election) = terminals.get_mut(&message.to()) {
                election.handle(now, Input::Message(message));
            }
        }
        let leader = terminals.iter().find(|(_, election)| election.entitled()).map(|(name, _)| *name);
        match (leader, unplugged) {
            (Some(first), None) => {
                println!("{ms:5} ms  {first} leads; its plug is pulled");
                terminals.remove(&first);
                for election in terminals.values_mut() {
                    election.handle(now, Input::PeerLost(first, link));
                }
                unplugged = Some(first);
            }
            (Some(second), Some(first)) => {
                println!("{ms:5} ms  {second} leads instead of {first}");
                return Ok(());
            }
            (None, _) => {}
        }
    }
    Err("no second leader within 20 s".into())
}

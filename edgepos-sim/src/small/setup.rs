//! How the terminals of a small world are set up, what a cloud that claims too much says, and duties in words.

use edgepos::{Config, Genesis, Output};
use edgepos_core::{Chain, Lane, ReplicaId, Seq};
use edgepos_sync::{CloudReply, Limits, Message};

/// How far above what it holds a cloud claims.
const TOO_HIGH: u64 = 100_000;

/// Short waits: time moves only where nothing else can happen.
pub(super) fn config(me: ReplicaId, genesis: Genesis) -> Config {
    let mut config = Config::new(me, genesis, u64::from(me.terminal()));
    let short = std::time::Duration::from_millis(10);
    config.flush_interval = short;
    config.peak_flush_interval = short;
    config.exception_grace = std::time::Duration::ZERO;
    config.begin_pause = std::time::Duration::ZERO;
    // What is told ahead of an event is one more frame to every order of frames, and nothing depends on it but a retry within the flush.
    config.announce_sales = false;
    let second = std::time::Duration::from_secs(1);
    config.leaderless_upload_after = second;
    config.uplink_timeout = second;
    config.uplink_retry = second;
    config
}

/// A cloud that says how far it holds a chain says far more. Whether it spoke of that at all.
pub(super) fn raise(reply: &mut CloudReply, of: ReplicaId) -> bool {
    let (CloudReply::Lease { held, .. }
    | CloudReply::Head { held, .. }
    | CloudReply::Ack { held, .. }
    | CloudReply::Conflict { held, .. }) = reply
    else {
        return false;
    };
    let chain = Chain::new(of, Lane::Transactions);
    held.vector.set_max(chain, Seq(held.vector.get(chain).0 + TOO_HIGH));
    true
}

/// A duty, and what a frame says.
pub(super) fn words(output: &Output) -> String {
    match output {
        Output::Transmit { to, frame, .. } => {
            match Message::decode(frame.get(1..).unwrap_or_default(), &Limits::DEFAULT) {
                Ok(message) => format!("to {to}: {message:?}"),
                Err(_) => format!("to {to}: {} bytes about elections", frame.len()),
            }
        }
        output => format!("{output:?}"),
    }
}

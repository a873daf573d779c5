//! What a frame between terminals carries.

use edgepos_consensus::{self as consensus, Election};
use edgepos_core::{ConnectionId, Now, ReplicaId};
use edgepos_sync as sync;
use thiserror::Error;

use super::io::{Notice, Output};
use super::ledger::Ledger;
use super::links::Links;
use super::unit_of_work::UnitOfWork;

/// Largest frame, in bytes: the largest message of either engine, and its kind.
pub const MAX_FRAME: usize = (6 << 20) + 1;

/// The first byte of a frame; on the wire for ever.
const ELECTION: u8 = 1;
const SYNC: u8 = 2;

/// A decoded frame.
#[derive(Debug)]
pub(super) enum Frame {
    Election(consensus::Message),
    Sync(sync::Message),
}

/// Bytes that are no frame for this terminal.
#[derive(Debug, Error)]
pub(super) enum FrameError {
    #[error("an empty frame")]
    Empty,
    #[error("{0} bytes are over the limit of {MAX_FRAME}")]
    TooLarge(usize),
    #[error("an election message does not decode: {0}")]
    Election(#[source] consensus::DecodeError),
    #[error("a sync message does not decode: {0}")]
    Sync(#[source] sync::DecodeError),
    /// A kind of a later version: skipped.
    #[error("a frame of the unknown kind {0}")]
    Unknown(u8),
    #[error("an election message in another terminal's name")]
    OtherName,
}

impl Frame {
    /// A frame that this peer sends, in its own name.
    pub(super) fn from_peer(peer: ReplicaId, bytes: &[u8]) -> Result<Self, FrameError> {
        match Self::decode(bytes)? {
            Self::Election(message) if message.from() != peer => Err(FrameError::OtherName),
            frame => Ok(frame),
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        if bytes.len() > MAX_FRAME {
            return Err(FrameError::TooLarge(bytes.len()));
        }
        match bytes.split_first() {
            None => Err(FrameError::Empty),
            Some((&ELECTION, body)) => {
                consensus::Message::decode(body).map(Self::Election).map_err(FrameError::Election)
            }
            Some((&SYNC, body)) => {
                sync::Message::decode(body, &sync::Limits::DEFAULT).map(Self::Sync).map_err(FrameError::Sync)
            }
            Some((&kind, _)) => Err(FrameError::Unknown(kind)),
        }
    }
}

/// Sends a message of the election. A peer that is not connected gets nothing: raft sends again.
pub(super) fn send(message: &consensus::Message, links: &Links, out: &mut UnitOfWork) {
    if let Some(connection) = links.to(message.to()) {
        let (to, frame) = (message.to(), framed(ELECTION, &message.encode()));
        out.push(Output::Transmit { to, connection, frame });
    }
}

pub(super) fn sync(message: &sync::Message) -> Vec<u8> {
    framed(SYNC, &message.encode())
}

fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(1 + body.len());
    frame.push(kind);
    frame.extend_from_slice(body);
    frame
}

/// Hands a peer's frame to the engine that it is for.
pub(super) fn hand_in(
    now: Now,
    (peer, connection, bytes): (ReplicaId, ConnectionId, &[u8]),
    election: &mut Election,
    ledger: &mut Ledger,
    is_full: bool,
    out: &mut UnitOfWork,
) {
    match Frame::from_peer(peer, bytes) {
        // Who may have forgotten a vote gives none, to whomever, while somebody is there who knows better.
        Ok(Frame::Election(message))
            if message.is_about_votes() && (!ledger.remembers(peer) || ledger.is_contradicted()) => {}
        Ok(Frame::Election(message)) => election.handle(now, consensus::Input::Message(message)),
        // A full disk has room for what this till has promised. The peer sends again.
        Ok(Frame::Sync(sync::Message::Batch { .. })) if is_full => {}
        Ok(Frame::Sync(message)) => {
            let state = if let sync::Message::Hello(hello) = &message { hello.log } else { None };
            ledger.handle(now, sync::Input::Message { from: peer, connection, message });
            if let Some(state) = state.filter(|_| ledger.hears(peer, connection)) {
                election.handle(now, consensus::Input::Stated(peer, state));
            }
        }
        Err(error) => out.tell(Notice::Refused { from: peer, reason: error.to_string() }),
    }
}

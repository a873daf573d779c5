//! What a frame between terminals carries.

use edgepos_consensus::{self as consensus, Election};
use edgepos_core::{ConnectionId, Now, ReplicaId};
use edgepos_sync as sync;
use thiserror::Error;

use super::config::Config;
use super::io::{Notice, Output};
use super::ledger::Ledger;
use super::links::Links;
use super::unit_of_work::{Then, UnitOfWork};
use crate::retail::keys::{booked::Booked, told};
use crate::retail::shop::Shop;
use crate::retail::unreadable::Unreadable;

/// Largest frame, in bytes: the largest message of either engine, and its kind.
pub const MAX_FRAME: usize = (6 << 20) + 1;

/// The first byte of a frame; on the wire for ever.
const ELECTION: u8 = 1;
const SYNC: u8 = 2;
const BOOKED: u8 = 3;

/// A decoded frame.
#[derive(Debug)]
pub(super) enum Frame {
    Election(consensus::Message),
    Sync(sync::Message),
    /// The peer has booked these; the events come with its next batch.
    Booked(Vec<Booked>),
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
    #[error("a message in another terminal's name")]
    OtherName,
    #[error("what is said of a sale does not decode: {0}")]
    Booked(#[source] Unreadable),
}

impl Frame {
    /// A frame that this peer sends, in its own name.
    pub(super) fn from_peer(peer: ReplicaId, bytes: &[u8]) -> Result<Self, FrameError> {
        let of = |said: &Booked| said.event().chain.replica.terminal();
        match Self::decode(bytes)? {
            Self::Election(message) if message.from() != peer => Err(FrameError::OtherName),
            // A disk that was put back writes under another name than that of its connections.
            Self::Booked(all) if all.iter().any(|said| of(said) != peer.terminal()) => {
                Err(FrameError::OtherName)
            }
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
            Some((&BOOKED, body)) if body.len() > told::MAX_BYTES => Err(FrameError::TooLarge(bytes.len())),
            Some((&BOOKED, body)) => Booked::from_said(body).map(Self::Booked).map_err(FrameError::Booked),
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

/// What waited for a write goes on. First every connected terminal is told what this one has booked by it, and then who asked: a retry at
/// a neighbour is not booked again while the sale waits to be sent.
pub(super) fn go_on(
    then: Vec<Then>,
    (config, links, ledger): (&Config, &Links, &Ledger),
    shop: &mut Shop,
    out: &mut UnitOfWork,
) {
    let (named, rest): (Vec<Then>, Vec<Then>) =
        then.into_iter().partition(|then| matches!(then, Then::Named(_)));
    named.into_iter().for_each(|then| shop.durable(then, out));
    announce(&shop.keys().take_said(), (config, links, ledger), out);
    rest.into_iter().for_each(|then| shop.durable(then, out));
}

fn announce(all: &[Booked], (config, links, ledger): (&Config, &Links, &Ledger), out: &mut UnitOfWork) {
    // One of before the first feature level takes it for damage.
    let hears =
        |peer: &ReplicaId| config.announce_sales && ledger.level_of(*peer).is_some_and(|level| level > 0);
    for to in links.peers().filter(hears) {
        let Some(connection) = links.to(to) else { continue };
        // Together where they were written together: a peer's queue counts frames.
        for said in all.chunks(told::MAX_AT_ONCE) {
            out.push(Output::Transmit { to, connection, frame: framed(BOOKED, &Booked::to_said(said)) });
        }
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
    shop: &mut Shop,
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
            let mut state = None;
            if let sync::Message::Hello(hello) = &message {
                state = hello.log;
                shop.keys().told().holds(peer, &hello.vector);
            }
            ledger.handle(now, sync::Input::Message { from: peer, connection, message });
            if let Some(state) = state.filter(|_| ledger.hears(peer, connection)) {
                election.handle(now, consensus::Input::Stated(peer, state));
            }
        }
        // Who has not greeted may be of another store.
        Ok(Frame::Booked(all)) if ledger.hears(peer, connection) => {
            let news = all.into_iter().take(told::MAX_AT_ONCE);
            for booked in news.filter(|booked| !ledger.held().covers(booked.event())) {
                shop.keys().told().tell(now.mono, peer, booked);
            }
        }
        Ok(Frame::Booked(_)) => {}
        Err(error) => out.tell(Notice::Refused { from: peer, reason: error.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Chain, EventId, Lane, Seq};

    use super::*;
    use crate::retail::keys::booked::What;
    use crate::retail::sale::body::BasketId;
    use crate::retail::sale::receipt::Receipt;

    fn said(series: &str) -> Vec<u8> {
        let event = EventId::new(Chain::new(ReplicaId::new(2, 7), Lane::Transactions), Seq(9));
        let basket = BasketId([1; 16]);
        let receipt = Receipt { event, basket, series: series.into(), number: 3, total: 258 };
        framed(BOOKED, &Booked::to_said(&[Booked { key: None, what: What::Sale(receipt) }]))
    }

    /// A disk that was put back writes under another name than the one that its box greets with.
    #[test]
    fn what_is_booked_is_told_by_the_terminal_that_books_it() {
        for nonce in [7, 8] {
            let told = Frame::from_peer(ReplicaId::new(2, nonce), &said("S"));
            assert!(
                matches!(&told, Ok(Frame::Booked(all)) if all[0].basket() == Some(BasketId([1; 16]))),
                "{told:?}"
            );
        }
        let other = Frame::from_peer(ReplicaId::new(3, 7), &said("S"));
        assert!(matches!(other, Err(FrameError::OtherName)), "{other:?}");
    }

    #[test]
    fn a_word_has_its_bounds() {
        let peer = ReplicaId::new(2, 7);
        let long = Frame::from_peer(peer, &said(&"S".repeat(told::MAX_BYTES)));
        assert!(matches!(long, Err(FrameError::TooLarge(_))), "{long:?}");
        let none = Frame::from_peer(peer, &framed(BOOKED, b"\x81\x80"));
        assert!(matches!(none, Err(FrameError::Booked(_))), "{none:?}");
    }
}

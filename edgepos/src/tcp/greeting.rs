//! The first words of a connection: who is there, and whether it is let in.
//!
//! Where a terminal has an identity, certificates come first, then both ends' rosters, and only then names: a stranger hears nothing of
//! the store, and whoever was enrolled a moment ago brings the roster that lists it.

use std::io;
use std::sync::Arc;

use edgepos_core::{ReplicaId, StoreGeneration, StoreId};
use edgepos_wire::{DecodeError, from_cbor, to_cbor};
use minicbor::{Decode, Encode};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;

use super::framing::{Parcel, read_frame, write_frame, write_parcel};
use super::links::{Links, Party};
use crate::identity::roster_file::TakeError;
use crate::identity::{Identity, KeyId, MAX_ROSTER};
use crate::tls::{Duplex, peers::Secured};

/// The versions of the framing that this build speaks, oldest and newest.
const VERSIONS: (u16, u16) = (1, 1);
const MAGIC: &str = "edgepos";
const MAX_HELLO: usize = 256;

/// The first frame of a connection, both ways.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
struct Hello {
    #[n(0)]
    magic: String,
    #[n(1)]
    oldest: u16,
    #[n(2)]
    newest: u16,
    #[n(3)]
    #[cbor(with = "minicbor::bytes")]
    store: [u8; 16],
    #[n(4)]
    generation: u32,
    #[n(5)]
    replica: u64,
    /// Drawn at each start. A box of the same name says another.
    #[n(6)]
    start: Option<u64>,
}

/// Who has been let in.
pub(super) struct Caller {
    pub(super) party: Party,
    pub(super) stream: Box<dyn Duplex>,
}

/// Why a peer is turned away.
#[derive(Debug, thiserror::Error)]
pub(super) enum TurnedAway {
    #[error("the connection failed: {0}")]
    Broken(#[from] io::Error),
    #[error("its greeting cannot be read: {0}")]
    Unreadable(#[from] DecodeError),
    #[error("its roster is not taken: {0}")]
    Roster(#[source] TakeError),
    #[error("its key {0} is not on the roster")]
    NotListed(KeyId),
    #[error("it is the store's authority, which has brought a roster")]
    Authority,
    #[error("its certificate is not that of terminal {0} of this store")]
    OtherSubject(u16),
    #[error("it has the key of terminal {listed} and calls itself {named}")]
    OtherKey { listed: u16, named: ReplicaId },
    #[error("it does not speak this protocol")]
    OtherProtocol,
    #[error("it speaks versions {oldest} to {newest}")]
    Version { oldest: u16, newest: u16 },
    #[error("it belongs to store {0}")]
    OtherStore(StoreId),
    #[error("it is of generation {0}")]
    OldGeneration(u32),
    #[error("it calls itself {0}")]
    BadName(ReplicaId),
    #[error("it has this terminal's own name, {0}")]
    MyName(ReplicaId),
    #[error("another box calls itself {0}")]
    Rival(ReplicaId),
    #[error("{0} answers there")]
    OtherTerminal(ReplicaId),
    #[error("it is connected already")]
    Connected,
    #[error("too many peers")]
    TooMany,
}

/// What a terminal says of itself, and whom it lets in.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) me: ReplicaId,
    pub(super) store: StoreId,
    pub(super) generation: StoreGeneration,
    /// Tells this start from another box of the same name.
    pub(super) start: u64,
    /// Without one, connections are not encrypted, and everybody is who it says.
    pub(super) identity: Option<Arc<Identity>>,
}

impl Host {
    /// Says who we are, hears who is there. `called` is the terminal that we have called, `None` where it has called us.
    pub(super) async fn greet(
        &self,
        links: &Links,
        stream: TcpStream,
        called: Option<u16>,
    ) -> Result<Caller, TurnedAway> {
        stream.set_nodelay(true)?;
        let (mut stream, listed) = match &self.identity {
            None => (Box::new(stream) as Box<dyn Duplex>, None),
            Some(identity) => {
                let (stream, terminal, key) = prove(identity, stream, called).await?;
                (stream, Some((terminal, key)))
            }
        };
        write_frame(&mut stream, &to_cbor(&self.hello())).await?;
        let bytes = read_frame(&mut stream, MAX_HELLO).await?;
        let hello: Hello = from_cbor("greeting", &bytes)?;
        let peer = self.judge(&hello)?;
        if let Some((listed, _)) = listed.filter(|(listed, _)| *listed != peer.terminal()) {
            return Err(TurnedAway::OtherKey { listed, named: peer });
        }
        if called.is_some_and(|called| called != peer.terminal()) {
            return Err(TurnedAway::OtherTerminal(peer));
        }
        let party = Party { peer, start: hello.start, key: listed.map(|(_, key)| key) };
        if links.waits_its_turn(&party) {
            write_parcel(&mut stream, &Parcel::Rival).await?;
            return Err(TurnedAway::Rival(peer));
        }
        let called_by_higher = match called {
            Some(_) => self.me > peer,
            None => peer > self.me,
        };
        // Two that call each other at one moment would each drop the call that the other one keeps: that of the lower id stays.
        if called_by_higher && links.has(&party) {
            return Err(TurnedAway::Connected);
        }
        if links.has_room_for(&party) { Ok(Caller { party, stream }) } else { Err(TurnedAway::TooMany) }
    }

    fn hello(&self) -> Hello {
        Hello {
            magic: MAGIC.into(),
            oldest: VERSIONS.0,
            newest: VERSIONS.1,
            store: self.store.0,
            generation: self.generation.0,
            replica: self.me.0,
            start: Some(self.start),
        }
    }

    /// The peer, or why it is turned away.
    fn judge(&self, hello: &Hello) -> Result<ReplicaId, TurnedAway> {
        let peer = ReplicaId(hello.replica);
        if hello.magic != MAGIC {
            return Err(TurnedAway::OtherProtocol);
        }
        if hello.newest < VERSIONS.0 || hello.oldest > VERSIONS.1 {
            return Err(TurnedAway::Version { oldest: hello.oldest, newest: hello.newest });
        }
        if hello.store != self.store.0 {
            return Err(TurnedAway::OtherStore(StoreId(hello.store)));
        }
        if hello.generation < self.generation.0 {
            return Err(TurnedAway::OldGeneration(hello.generation));
        }
        if peer == self.me && hello.start.is_some_and(|start| start != self.start) {
            return Err(TurnedAway::MyName(peer));
        }
        if peer == self.me || !peer.is_terminal() {
            return Err(TurnedAway::BadName(peer));
        }
        Ok(peer)
    }
}

/// Certificates, then rosters: the stream, the terminal at its other end, and its key. Nothing else is said before that.
async fn prove(
    identity: &Arc<Identity>,
    stream: TcpStream,
    called: Option<u16>,
) -> Result<(Box<dyn Duplex>, u16, KeyId), TurnedAway> {
    let Secured { mut stream, peer } = match called {
        Some(terminal) => identity.tls.connect(stream, terminal).await?,
        None => identity.tls.accept(stream).await?,
    };
    write_frame(&mut stream, &identity.roster.held().sealed).await?;
    let sealed = read_frame(&mut stream, MAX_ROSTER as usize).await?;
    take_roster(identity, sealed).await.map_err(TurnedAway::Roster)?;
    let key = peer.key();
    let Some(terminal) = identity.roster.held().roster.terminal_of(key) else {
        // The other end reads our roster whatever we think of it.
        let _ = stream.shutdown().await;
        let away =
            if peer.is_of(identity.store, 0) { TurnedAway::Authority } else { TurnedAway::NotListed(key) };
        return Err(away);
    };
    if !peer.is_of(identity.store, terminal) {
        return Err(TurnedAway::OtherSubject(terminal));
    }
    Ok((stream, terminal, key))
}

/// Takes a roster where it is newer than the one that is known. One that the disk does not take counts for nothing: this terminal goes on
/// by the one that it has, and says so.
pub(super) async fn take_roster(identity: &Arc<Identity>, sealed: Vec<u8>) -> Result<(), TakeError> {
    if identity.roster.held().sealed == sealed {
        return Ok(());
    }
    let identity = Arc::clone(identity);
    let taken = spawn_blocking(move || identity.take_roster(&sealed)).await.map_err(io::Error::other)?;
    match taken {
        Ok(true) => tracing::info!("a newer roster says who belongs to the store"),
        Ok(false) => {}
        Err(TakeError::Io(error)) => tracing::warn!(%error, "a newer roster cannot be written down"),
        Err(error) => return Err(error),
    }
    Ok(())
}

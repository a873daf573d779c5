//! The transport over TCP: one connection for each pair of terminals, dialled by the one with the lower id.
//!
//! An address belongs to a terminal, whatever incarnation answers there: a box that takes a dead one's place is let in at once. One whose
//! address nobody knows calls those of its own list that have not called it.

mod complaints;
mod framing;
mod greeting;
mod links;
mod waiting_room;

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use edgepos_core::{ConnectionId, Jitter, ReplicaId};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

use self::complaints::Complaints;
use self::framing::{Parcel, read_parcel, write_parcel};
use self::greeting::{Caller, Host, TurnedAway, take_roster};
use self::links::{Links, Party, TURN};
use self::waiting_room::WaitingRoom;
use crate::identity::Identity;
use crate::ports::{Delivery, Transport, TransportEvent};
use crate::terminal::{ConditionKind, Config, Finding, Genesis};

/// An empty frame is sent where nothing else was for this long, and a connection that brought nothing for five times as long is dead.
const PING: Duration = Duration::from_secs(1);
const SILENCE: Duration = Duration::from_secs(5);
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Frames that wait for a slow connection; further ones are dropped, as the network may at any time.
const SEND_QUEUE: usize = 256;
/// Frames that wait for the driver; further ones wait in the network.
const RECEIVE_QUEUE: usize = 256;
const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(2);
/// How long the one with the higher id waits to be called before it calls: the other may know no address of it.
const UNCALLED: Duration = Duration::from_secs(2);
/// How often an own certificate is looked at: it ends some day.
const LOOKS: Duration = Duration::from_secs(3_600);

/// Where a terminal listens, and where its peers do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TcpConfig {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    /// `host:port` of each peer by its number in the store, whatever incarnation it is. Those with a higher number than this terminal's
    /// are dialled at once; those with a lower one dial us, and are dialled where they do not.
    pub peers: BTreeMap<u16, String>,
}

/// A [`Transport`] over TCP. Frames are length-prefixed (4 bytes, big endian); the first on a connection says who is there.
///
/// Dropping it closes every connection.
#[derive(Debug)]
pub struct TcpTransport {
    shared: Arc<Shared>,
    local: SocketAddr,
    tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    host: Host,
    links: Links,
    waiting: WaitingRoom,
    complaints: Complaints,
    next_connection: AtomicU64,
    events: mpsc::Sender<TransportEvent>,
}

impl TcpTransport {
    /// Listens, and begins to dial, over TLS 1.3: both ends of a connection show a certificate of the store's authority, and both are on
    /// the newest roster that either has heard. Must be called inside a tokio runtime. What a peer is told of this terminal, and which
    /// peers are turned away, is as `terminal` says: those of another store or an older generation, and those beyond its `max_peers`.
    ///
    /// # Errors
    /// When the address cannot be listened at.
    pub async fn start_secured(
        terminal: &Config,
        tcp: TcpConfig,
        identity: Identity,
    ) -> io::Result<(Self, mpsc::Receiver<TransportEvent>)> {
        Self::begin(terminal, tcp, Some(Arc::new(identity))).await
    }

    /// The same without certificates and without encryption: everybody in reach can read, and be any terminal.
    ///
    /// # Errors
    /// When the address cannot be listened at.
    pub async fn start(
        terminal: &Config,
        tcp: TcpConfig,
    ) -> io::Result<(Self, mpsc::Receiver<TransportEvent>)> {
        Self::begin(terminal, tcp, None).await
    }

    async fn begin(
        terminal: &Config,
        tcp: TcpConfig,
        identity: Option<Arc<Identity>>,
    ) -> io::Result<(Self, mpsc::Receiver<TransportEvent>)> {
        let listener = TcpListener::bind(tcp.listen).await?;
        let local = listener.local_addr()?;
        let (events, receiver) = mpsc::channel(RECEIVE_QUEUE);
        let Config { me, genesis: Genesis { store, generation, .. }, max_peers, .. } = *terminal;
        let start = RandomState::new().build_hasher().finish();
        let shared = Arc::new(Shared {
            host: Host { me, store, generation, start, identity: identity.clone() },
            links: Links::new(max_peers),
            waiting: WaitingRoom::default(),
            complaints: Complaints::default(),
            next_connection: AtomicU64::new(1),
            events,
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(shared.clone(), listener));
        for (peer, address) in tcp.peers.into_iter().filter(|(peer, _)| *peer != me.terminal()) {
            tasks.spawn(dial(shared.clone(), peer, address));
        }
        if let Some(identity) = identity {
            tasks.spawn(look_after(shared.clone(), identity));
        }
        Ok((Self { shared, local, tasks }, receiver))
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }
}

#[async_trait]
impl Transport for TcpTransport {
    fn delivery(&self) -> Delivery {
        Delivery::Stream
    }

    fn send(&mut self, to: ReplicaId, connection: ConnectionId, frame: Vec<u8>) {
        if !self.shared.links.send(to, connection, frame) {
            debug!(peer = %to, "dropped a frame: the connection is slow or gone");
        }
    }

    async fn close(&mut self) {
        // A task that is aborted holds its sockets until it has ended.
        self.tasks.shutdown().await;
    }
}

impl Shared {
    fn connection(&self) -> ConnectionId {
        ConnectionId(self.next_connection.fetch_add(1, Ordering::Relaxed))
    }

    /// Another box of this terminal's name is there.
    async fn met_itself(&self) {
        warn!(me = %self.host.me, "another box uses the name of this one");
        // When the driver is gone there is nobody to tell.
        let _ = self.events.send(TransportEvent::PeerUp(self.host.me, self.connection())).await;
    }

    /// Within the time that a greeting may take: who is there.
    async fn greet(&self, stream: TcpStream, called: Option<u16>) -> Result<Caller, TurnedAway> {
        let greeted = self.host.greet(&self.links, stream, called).await;
        if matches!(greeted, Err(TurnedAway::MyName(_))) {
            self.met_itself().await;
        }
        greeted
    }
}

async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, from)) => {
                let answering = |number| connections.spawn(answer(shared.clone(), stream, from, number));
                if shared.waiting.enter(from.ip(), answering) {
                    debug!(%from, "too many say nothing: the oldest is dropped");
                }
            }
            Err(error) => {
                // Out of file descriptors, most likely: try again when some are free.
                warn!(%error, "cannot accept");
                sleep(FIRST_RETRY).await;
            }
        }
    }
}

/// Hears who has called, and serves it where it is let in.
async fn answer(shared: Arc<Shared>, stream: TcpStream, from: SocketAddr, number: u64) {
    let greeted = timeout(HANDSHAKE, shared.greet(stream, None)).await;
    shared.waiting.leave(number);
    match greeted {
        Ok(Ok(caller)) => serve(&shared, caller).await,
        Ok(Err(reason @ TurnedAway::Authority)) => info!(%from, %reason, "a visit"),
        Ok(Err(error)) => {
            if let Some(untold) = shared.complaints.one_more(Instant::now()) {
                warn!(%from, %error, untold, "turned a connection away");
            }
        }
        Err(_) => {
            if let Some(untold) = shared.complaints.one_more(Instant::now()) {
                warn!(%from, untold, "a connection did not say who it is");
            }
        }
    }
}

/// Keeps a connection to whoever is at the address of terminal `peer`.
async fn dial(shared: Arc<Shared>, peer: u16, address: String) {
    let me = shared.host.me;
    let mut jitter = Jitter::derive(me.0, &[u64::from(peer)]);
    let mut retry = FIRST_RETRY;
    let waits_to_be_called = peer < me.terminal();
    loop {
        if waits_to_be_called {
            sleep(UNCALLED).await;
            if shared.links.is_connected(peer) {
                continue;
            }
        }
        let greeted = async {
            let stream = TcpStream::connect(&address).await?;
            shared.greet(stream, Some(peer)).await
        };
        match timeout(HANDSHAKE, greeted).await {
            Ok(Ok(caller)) => {
                let began = Instant::now();
                serve(&shared, caller).await;
                // Who is turned away behind the greeting calls less and less often.
                if began.elapsed() >= TURN {
                    retry = FIRST_RETRY;
                }
            }
            Ok(Err(error)) => debug!(peer, address, %error, "cannot connect"),
            Err(_) => debug!(peer, address, "connecting takes too long"),
        }
        sleep(jitter.spread(retry)).await;
        retry = (retry * 2).min(LAST_RETRY);
    }
}

/// Carries frames both ways until the connection ends, a newer one takes its place, or a newer roster does not list the peer.
async fn serve(shared: &Shared, caller: Caller) {
    let Caller { party, stream } = caller;
    let (peer, connection) = (party.peer, shared.connection());
    let (frames, queue) = mpsc::channel(SEND_QUEUE);
    shared.links.add(party, connection, frames);
    info!(%peer, %connection, "connected");
    if shared.events.send(TransportEvent::PeerUp(peer, connection)).await.is_ok() {
        let (reader, writer) = tokio::io::split(stream);
        tokio::select! {
            ended = receive(shared, peer, connection, reader) => debug!(%peer, ?ended, "stopped reading"),
            ended = transmit(shared, queue, writer) => debug!(%peer, ?ended, "stopped writing"),
            () = revoked(shared, &party) => warn!(%peer, "is not on the roster any more"),
        }
    }
    shared.links.remove(peer, connection);
    info!(%peer, %connection, "disconnected");
    // When the driver is gone there is nobody to tell.
    let _ = shared.events.send(TransportEvent::PeerLost(peer, connection)).await;
}

async fn receive(
    shared: &Shared,
    peer: ReplicaId,
    connection: ConnectionId,
    mut reader: impl AsyncRead + Unpin,
) -> io::Result<()> {
    loop {
        let parcel = timeout(SILENCE, read_parcel(&mut reader)).await??;
        shared.links.heard(peer, connection);
        let frame = match (parcel, &shared.host.identity) {
            (Parcel::Rival, _) => {
                shared.met_itself().await;
                continue;
            }
            (Parcel::Roster(sealed), Some(identity)) => {
                take_roster(identity, sealed).await.map_err(io::Error::other)?;
                continue;
            }
            (Parcel::Roster(_), None) => return Err(io::Error::other("a roster, and nobody has signed it")),
            (Parcel::Frame(frame), _) if frame.is_empty() => continue,
            (Parcel::Frame(frame), _) => frame,
        };
        if shared.events.send(TransportEvent::Frame(peer, connection, frame)).await.is_err() {
            return Ok(());
        }
    }
}

async fn transmit(
    shared: &Shared,
    mut queue: mpsc::Receiver<Parcel>,
    mut writer: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let mut roster = shared.host.identity.as_ref().map(|identity| identity.roster.watch());
    // One that came between the greeting and here is sent: the other end may not have heard it.
    roster.iter_mut().for_each(|roster| roster.mark_changed());
    loop {
        let newer = async {
            if let Some(roster) = &mut roster
                && roster.changed().await.is_ok()
            {
                return roster.borrow_and_update().sealed.clone();
            }
            std::future::pending().await
        };
        let parcel = tokio::select! {
            queued = timeout(PING, queue.recv()) => match queued {
                Ok(Some(parcel)) => parcel,
                Ok(None) => return Ok(()),
                Err(_) => Parcel::Frame(Vec::new()),
            },
            sealed = newer => Parcel::Roster(sealed),
        };
        timeout(SILENCE, write_parcel(&mut writer, &parcel)).await??;
    }
}

/// Returns once a roster does not list this peer.
async fn revoked(shared: &Shared, party: &Party) {
    let (Some(identity), Some(key)) = (&shared.host.identity, party.key) else {
        return std::future::pending().await;
    };
    let mut roster = identity.roster.watch();
    while roster.borrow_and_update().roster.lists(key, party.peer.terminal()) {
        if roster.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// Tells the driver what somebody must do about this terminal's own certificate.
async fn look_after(shared: Arc<Shared>, identity: Arc<Identity>) {
    let mut roster = identity.roster.watch();
    let mut unwritten = identity.roster.watch_failures();
    let mut told = false;
    loop {
        let about = identity.finding();
        if about.is_some() || told {
            told = about.is_some();
            let found = about.map(|about| Finding { count: 1, about });
            let event = TransportEvent::Condition(ConditionKind::Certificate, found);
            if shared.events.send(event).await.is_err() {
                return;
            }
        }
        tokio::select! {
            _ = roster.changed() => drop(roster.borrow_and_update()),
            _ = unwritten.changed() => drop(unwritten.borrow_and_update()),
            () = sleep(LOOKS) => {}
        }
    }
}

//! The transport over TCP: one connection for each pair of terminals, dialled by the one with the lower id.
//!
//! An address belongs to a terminal, whatever incarnation answers there: a box that takes a dead one's place is let in at once. One whose
//! address nobody knows calls those of its own list that have not called it.

use std::collections::BTreeMap;
use std::error::Error;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use edgepos_core::{ConnectionId, Jitter, ReplicaId, StoreGeneration, StoreId};
use edgepos_wire::{from_cbor, to_cbor};
use minicbor::{Decode, Encode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

use crate::ports::{Delivery, Transport, TransportEvent};
use crate::terminal::{Config, Genesis, MAX_FRAME};

/// The versions of the framing that this build speaks, oldest and newest.
const VERSIONS: (u16, u16) = (1, 1);
const MAGIC: &str = "edgepos";
const MAX_HELLO: usize = 256;
/// An empty frame is sent where nothing else was for this long, and a connection that brought nothing for five times as long is dead.
const PING: Duration = Duration::from_secs(1);
const SILENCE: Duration = Duration::from_secs(5);
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Frames that wait for a slow connection; further ones are dropped, as the network may at any time.
const SEND_QUEUE: usize = 256;
/// Frames that wait for the driver; further ones wait in the network.
const RECEIVE_QUEUE: usize = 256;
/// Connections that have not yet said who they are.
const MAX_HANDSHAKES: usize = 64;
const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(2);
/// How long a connection is kept before another box of the same name may take its place: both are heard by turns then.
const TURN: Duration = Duration::from_secs(5);
/// In the place of a frame's length: another box of the receiver's name is connected to the sender.
const RIVAL: u32 = 1 << 31;
/// How long the one with the higher id waits to be called before it calls: the other may know no address of it.
const UNCALLED: Duration = Duration::from_secs(2);

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
    me: ReplicaId,
    store: StoreId,
    generation: StoreGeneration,
    max_peers: u32,
    /// Tells this start from another box of the same name.
    start: u64,
    next_connection: AtomicU64,
    links: Mutex<BTreeMap<ReplicaId, Link>>,
    events: mpsc::Sender<TransportEvent>,
}

#[derive(Debug)]
struct Link {
    connection: ConnectionId,
    frames: mpsc::Sender<Parcel>,
    /// As its greeting says; those of earlier versions do not.
    start: Option<u64>,
    since: Instant,
    /// When it last brought something.
    heard: Instant,
    /// When another box of its name was first turned away because of it.
    rival: Option<Instant>,
}

/// What goes over a connection behind the greetings.
#[derive(Debug)]
enum Parcel {
    /// A terminal's; an empty one says that somebody is there.
    Frame(Vec<u8>),
    /// Another box of the receiver's name is connected to the sender.
    Rival,
}

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

/// Who is there, as its greeting says.
#[derive(Debug)]
struct Caller {
    peer: ReplicaId,
    start: Option<u64>,
    stream: TcpStream,
}

impl TcpTransport {
    /// Listens, and begins to dial. Must be called inside a tokio runtime. What a peer is told of this terminal, and which peers are turned
    /// away, is as `terminal` says: those of another store or an older generation, and those beyond its `max_peers`.
    ///
    /// # Errors
    /// When the address cannot be listened at.
    pub async fn start(
        terminal: &Config,
        tcp: TcpConfig,
    ) -> io::Result<(Self, mpsc::Receiver<TransportEvent>)> {
        let listener = TcpListener::bind(tcp.listen).await?;
        let local = listener.local_addr()?;
        let (events, receiver) = mpsc::channel(RECEIVE_QUEUE);
        let Config { me, genesis: Genesis { store, generation, .. }, max_peers, .. } = *terminal;
        let shared = Arc::new(Shared {
            me,
            store,
            generation,
            max_peers,
            start: RandomState::new().build_hasher().finish(),
            next_connection: AtomicU64::new(1),
            links: Mutex::new(BTreeMap::new()),
            events,
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(shared.clone(), listener));
        for (peer, address) in tcp.peers.into_iter().filter(|(peer, _)| *peer != me.terminal()) {
            tasks.spawn(dial(shared.clone(), peer, address));
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
        let links = self.shared.links();
        if let Some(link) = links.get(&to).filter(|link| link.connection == connection)
            && link.frames.try_send(Parcel::Frame(frame)).is_err()
        {
            debug!(peer = %to, "dropped a frame: the connection is slow or gone");
        }
    }

    async fn close(&mut self) {
        // A task that is aborted holds its sockets until it has ended.
        self.tasks.shutdown().await;
    }
}

/// Why a peer is turned away.
#[derive(Debug, thiserror::Error)]
enum TurnedAway {
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
    #[error("another box calls itself {0}")]
    Rival(ReplicaId),
    #[error("{0} answers there")]
    OtherTerminal(ReplicaId),
    #[error("it is connected already")]
    Connected,
    #[error("too many peers")]
    TooMany,
}

impl Shared {
    fn links(&self) -> MutexGuard<'_, BTreeMap<ReplicaId, Link>> {
        // Every change of the map is one call: a panic elsewhere leaves it whole.
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether any incarnation of the terminal is connected.
    fn is_connected(&self, terminal: u16) -> bool {
        self.links().keys().any(|peer| peer.terminal() == terminal)
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

    /// Whether a box that has the name of a connected one is to wait, because that one's turn is not over. Both are told, once it is sure
    /// that both are alive: a link that is dead is noticed a little later than its peer calls again.
    fn waits_its_turn(&self, caller: &Caller) -> bool {
        let (now, mut links) = (Instant::now(), self.links());
        let Some(link) = links.get_mut(&caller.peer) else { return false };
        if link.start.is_none() || caller.start.is_none() || link.start == caller.start {
            return false;
        }
        let first = *link.rival.get_or_insert(now);
        let is_alive = link.heard > first;
        if is_alive {
            // A queue that is full has no room for news either; the next call brings it.
            let _ = link.frames.try_send(Parcel::Rival);
        }
        !is_alive || now.duration_since(link.since) < TURN
    }

    /// Another box of this terminal's name is there.
    async fn met_itself(&self) {
        warn!(me = %self.me, "another box uses the name of this one");
        let connection = ConnectionId(self.next_connection.fetch_add(1, Ordering::Relaxed));
        // When the driver is gone there is nobody to tell.
        let _ = self.events.send(TransportEvent::PeerUp(self.me, connection)).await;
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
            return Err(TurnedAway::Rival(peer));
        }
        if peer == self.me || peer.terminal() == 0 {
            return Err(TurnedAway::BadName(peer));
        }
        Ok(peer)
    }
}

async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    let permits = Arc::new(Semaphore::new(MAX_HANDSHAKES));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(permit) = permits.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, from)) => {
                let shared = shared.clone();
                connections.spawn(async move {
                    match timeout(HANDSHAKE, greet(&shared, stream, None)).await {
                        Ok(Ok(caller)) => {
                            drop(permit);
                            serve(&shared, caller).await;
                        }
                        Ok(Err(error)) => warn!(%from, %error, "turned a connection away"),
                        Err(_) => warn!(%from, "a connection did not say who it is"),
                    }
                });
            }
            Err(error) => {
                // Out of file descriptors, most likely: try again when some are free.
                warn!(%error, "cannot accept");
                sleep(FIRST_RETRY).await;
            }
        }
    }
}

/// Keeps a connection to whoever is at the address of terminal `peer`.
async fn dial(shared: Arc<Shared>, peer: u16, address: String) {
    let mut jitter = Jitter::derive(shared.me.0, &[u64::from(peer)]);
    let mut retry = FIRST_RETRY;
    let waits_to_be_called = peer < shared.me.terminal();
    loop {
        if waits_to_be_called {
            sleep(UNCALLED).await;
            if shared.is_connected(peer) {
                continue;
            }
        }
        let greeted = async {
            let stream = TcpStream::connect(&address).await?;
            greet(&shared, stream, Some(peer)).await
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

/// Says who we are, hears who is there.
async fn greet(shared: &Shared, mut stream: TcpStream, expected: Option<u16>) -> io::Result<Caller> {
    stream.set_nodelay(true)?;
    write_frame(&mut stream, &to_cbor(&shared.hello())).await?;
    let bytes = read_frame(&mut stream, MAX_HELLO).await?;
    let invalid = |reason| io::Error::new(io::ErrorKind::InvalidData, reason);
    let hello: Hello = from_cbor("greeting", &bytes)
        .map_err(|error| invalid(Box::<dyn Error + Send + Sync>::from(error)))?;
    let judged = shared.judge(&hello);
    if matches!(judged, Err(TurnedAway::Rival(_))) {
        shared.met_itself().await;
    }
    let peer = judged.map_err(|reason| invalid(reason.into()))?;
    if expected.is_some_and(|expected| expected != peer.terminal()) {
        return Err(invalid(TurnedAway::OtherTerminal(peer).into()));
    }
    let mut caller = Caller { peer, start: hello.start, stream };
    if shared.waits_its_turn(&caller) {
        caller.stream.write_u32(RIVAL).await?;
        return Err(invalid(TurnedAway::Rival(peer).into()));
    }
    let links = shared.links();
    let dialled_by_higher = match expected {
        Some(_) => shared.me > peer,
        None => peer > shared.me,
    };
    // Two that call each other at one moment would each drop the call that the other one keeps: that of the lower id stays.
    if dialled_by_higher && links.get(&peer).is_some_and(|link| link.start == caller.start) {
        return Err(invalid(TurnedAway::Connected.into()));
    }
    if !links.contains_key(&peer) && links.len() >= shared.max_peers as usize {
        return Err(invalid(TurnedAway::TooMany.into()));
    }
    drop(links);
    Ok(caller)
}

/// Carries frames both ways until the connection ends or a newer one takes its place.
async fn serve(shared: &Shared, caller: Caller) {
    let Caller { peer, start, stream } = caller;
    let connection = ConnectionId(shared.next_connection.fetch_add(1, Ordering::Relaxed));
    let (frames, queue) = mpsc::channel(SEND_QUEUE);
    // Replacing the link drops the older one's queue, which ends its connection.
    let now = Instant::now();
    let link = Link { connection, frames, start, since: now, heard: now, rival: None };
    shared.links().insert(peer, link);
    info!(%peer, %connection, "connected");
    if shared.events.send(TransportEvent::PeerUp(peer, connection)).await.is_ok() {
        let (reader, writer) = stream.into_split();
        tokio::select! {
            ended = receive(shared, peer, connection, reader) => debug!(%peer, ?ended, "stopped reading"),
            ended = transmit(queue, writer) => debug!(%peer, ?ended, "stopped writing"),
        }
    }
    {
        let mut links = shared.links();
        if links.get(&peer).is_some_and(|link| link.connection == connection) {
            links.remove(&peer);
        }
    }
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
        if let Some(link) = shared.links().get_mut(&peer).filter(|link| link.connection == connection) {
            link.heard = Instant::now();
        }
        let frame = match parcel {
            Parcel::Rival => {
                shared.met_itself().await;
                continue;
            }
            Parcel::Frame(frame) if frame.is_empty() => continue,
            Parcel::Frame(frame) => frame,
        };
        if shared.events.send(TransportEvent::Frame(peer, connection, frame)).await.is_err() {
            return Ok(());
        }
    }
}

async fn transmit(mut queue: mpsc::Receiver<Parcel>, mut writer: impl AsyncWrite + Unpin) -> io::Result<()> {
    loop {
        match timeout(PING, queue.recv()).await {
            Ok(Some(Parcel::Frame(frame))) => timeout(SILENCE, write_frame(&mut writer, &frame)).await??,
            Ok(Some(Parcel::Rival)) => timeout(SILENCE, writer.write_u32(RIVAL)).await??,
            Ok(None) => return Ok(()),
            Err(_) => timeout(SILENCE, write_frame(&mut writer, &[])).await??,
        }
    }
}

async fn write_frame(writer: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> io::Result<()> {
    let length = u32::try_from(frame.len()).map_err(|_| io::Error::other("a frame over 4 GiB"))?;
    // One write: two small segments would wait for each other.
    let mut bytes = Vec::with_capacity(4 + frame.len());
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(frame);
    writer.write_all(&bytes).await
}

async fn read_parcel(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Parcel> {
    match reader.read_u32().await? {
        RIVAL => Ok(Parcel::Rival),
        length => read_bytes(reader, length as usize, MAX_FRAME).await.map(Parcel::Frame),
    }
}

async fn read_frame(reader: &mut (impl AsyncRead + Unpin), limit: usize) -> io::Result<Vec<u8>> {
    let length = reader.read_u32().await? as usize;
    read_bytes(reader, length, limit).await
}

async fn read_bytes(
    reader: &mut (impl AsyncRead + Unpin),
    length: usize,
    limit: usize,
) -> io::Result<Vec<u8>> {
    if length > limit {
        let reason = format!("a frame of {length} bytes is over the limit of {limit}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
    }
    // `take` and not a buffer of `length`: a liar must send what it makes us allocate.
    let mut frame = Vec::new();
    reader.take(length as u64).read_to_end(&mut frame).await?;
    if frame.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(frame)
}

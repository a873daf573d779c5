//! A link that can be cut: a TCP proxy that counts what goes through it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

/// Connections through one link at a time; a further one waits.
const MAX_CONNECTIONS: usize = 64;
/// Bytes read at once.
const PIECE: usize = 16 * 1024;

/// Bytes of a refused call that are read, so that its caller reads the refusal.
const REFUSED: u64 = 1 << 20;
/// How long a refused caller may take to send them.
const REFUSED_TIME: Duration = Duration::from_secs(2);
/// What a refused call hears (RFC 9110, 15.6.4).
const UNAVAILABLE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\ncontent-length: 22\r\n\
    connection: close\r\n\r\nthe cloud is refusing\n";

/// What an open link does with what goes through it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Weather {
    /// It carries it at once.
    #[default]
    Clear,
    /// It holds each piece back for so long, both ways.
    Slow(Duration),
    /// It answers in place of the other end that it is unavailable.
    Refusing,
}

/// One link, from its own port on loopback to wherever the target listens.
#[derive(Debug)]
pub(super) struct Link {
    listen: SocketAddr,
    wire: watch::Sender<Wire>,
    bytes: Arc<AtomicU64>,
}

#[derive(Clone, Copy, Debug)]
struct Wire {
    open: bool,
    weather: Weather,
    target: Option<SocketAddr>,
}

impl Link {
    /// An open link that leads nowhere so far.
    pub(super) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let listen = listener.local_addr()?;
        let (wire, watched) = watch::channel(Wire { open: true, weather: Weather::Clear, target: None });
        let bytes = Arc::new(AtomicU64::new(0));
        tokio::spawn(accept(listener, watched, Arc::clone(&bytes)));
        Ok(Self { listen, wire, bytes })
    }

    /// Where to connect to.
    pub(super) fn address(&self) -> SocketAddr {
        self.listen
    }

    /// Where it leads from here on: a restarted process has another port.
    pub(super) fn lead_to(&self, target: SocketAddr) {
        self.wire.send_modify(|wire| wire.target = Some(target));
    }

    /// Closed, it drops what is connected and refuses what comes.
    pub(super) fn set_open(&self, open: bool) {
        self.wire.send_if_modified(|wire| std::mem::replace(&mut wire.open, open) != open);
    }

    /// Slow, refusing or neither. What is connected is dropped where the link refuses from here on.
    pub(super) fn set_weather(&self, weather: Weather) {
        self.wire.send_modify(|wire| wire.weather = weather);
    }

    /// What went through, both ways.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// Ends when the [`Link`] is dropped.
async fn accept(listener: TcpListener, mut watched: watch::Receiver<Wire>, bytes: Arc<AtomicU64>) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            changed = watched.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
        };
        let Ok((near, _)) = accepted else { continue };
        let wire = *watched.borrow();
        // Dropping the connection is how a proxy refuses: its listener stays, or somebody else might take the port.
        let Wire { open: true, target: Some(target), weather } = wire else { continue };
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let (watched, bytes) = (watched.clone(), Arc::clone(&bytes));
        tokio::spawn(async move {
            let _slot = slot;
            if weather == Weather::Refusing {
                let _ = tokio::time::timeout(REFUSED_TIME, refuse(near)).await;
                return;
            }
            tokio::select! {
                _ = carry(near, target, &bytes, &watched) => {}
                () = cut(watched.clone()) => {}
            }
        });
    }
}

/// Resolves when the link is cut, refuses or is gone.
async fn cut(mut watched: watch::Receiver<Wire>) {
    let _ = watched.wait_for(|wire| !wire.open || wire.weather == Weather::Refusing).await;
}

async fn refuse(mut near: TcpStream) -> io::Result<()> {
    near.write_all(UNAVAILABLE).await?;
    near.shutdown().await?;
    tokio::io::copy(&mut near.take(REFUSED), &mut tokio::io::sink()).await?;
    Ok(())
}

async fn carry(
    near: TcpStream,
    target: SocketAddr,
    bytes: &AtomicU64,
    watched: &watch::Receiver<Wire>,
) -> io::Result<()> {
    let far = TcpStream::connect(target).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    tokio::try_join!(one_way(near_in, far_out, bytes, watched), one_way(far_in, near_out, bytes, watched))?;
    Ok(())
}

async fn one_way(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    bytes: &AtomicU64,
    watched: &watch::Receiver<Wire>,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let read = from.read(&mut piece).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        let weather = watched.borrow().weather;
        if let Weather::Slow(delay) = weather {
            tokio::time::sleep(delay).await;
        }
        to.write_all(&piece[..read]).await?;
        bytes.fetch_add(read as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers each connection's bytes with the same bytes.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.into_split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        address
    }

    async fn exchange(stream: &mut TcpStream) -> io::Result<()> {
        stream.write_all(b"hello").await?;
        let mut back = [0; 5];
        stream.read_exact(&mut back).await?;
        assert_eq!(&back, b"hello");
        Ok(())
    }

    #[tokio::test]
    async fn a_cut_link_drops_and_refuses_and_a_healed_one_counts_on() {
        let link = Link::start().await.unwrap();
        let mut early = TcpStream::connect(link.address()).await.unwrap();
        assert!(exchange(&mut early).await.is_err(), "a link that leads nowhere must refuse");
        link.lead_to(echo().await);
        let mut stream = TcpStream::connect(link.address()).await.unwrap();
        exchange(&mut stream).await.unwrap();
        assert_eq!(link.bytes(), 10);

        link.set_open(false);
        let mut byte = [0];
        assert!(matches!(stream.read(&mut byte).await, Ok(0) | Err(_)), "a cut must close what is connected");
        let mut refused = TcpStream::connect(link.address()).await.unwrap();
        assert!(exchange(&mut refused).await.is_err());

        link.set_open(true);
        link.set_weather(Weather::Refusing);
        let mut unavailable = TcpStream::connect(link.address()).await.unwrap();
        let mut said = String::new();
        unavailable.write_all(b"hello").await.unwrap();
        unavailable.read_to_string(&mut said).await.unwrap();
        assert!(said.starts_with("HTTP/1.1 503 ") && said.ends_with("refusing\n"), "{said}");
        link.set_weather(Weather::Clear);
        let mut healed = TcpStream::connect(link.address()).await.unwrap();
        exchange(&mut healed).await.unwrap();
        assert_eq!(link.bytes(), 20);
    }
}

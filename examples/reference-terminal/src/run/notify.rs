//! Tells the service manager how the terminal is: `Type=notify` with a watchdog, as systemd has them (`sd_notify(3)`).
//!
//! Without `NOTIFY_SOCKET` in the environment nothing is told and nothing is watched.

use std::env;
use std::ffi::OsStr;
use std::time::Duration;

use edgepos::Node;
use tokio::time::sleep;

/// A terminal that does not say how it is within this share of the watchdog's time is not well.
const SHARE: u32 = 3;

/// A service manager that listens.
#[derive(Debug, Clone)]
pub(super) struct ServiceManager {
    #[cfg(unix)]
    socket: std::sync::Arc<(std::os::unix::net::UnixDatagram, std::os::unix::net::SocketAddr)>,
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// The one that started this process, where one did and listens.
    pub(super) fn of_environment() -> Option<Self> {
        let watchdog =
            env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse().ok()).map(Duration::from_micros);
        Self::at(&env::var_os("NOTIFY_SOCKET")?, watchdog)
    }

    #[cfg(unix)]
    fn at(name: &OsStr, watchdog: Option<Duration>) -> Option<Self> {
        use std::os::unix::ffi::OsStrExt;
        use std::os::unix::net::{SocketAddr, UnixDatagram};
        let socket = UnixDatagram::unbound().ok()?;
        socket.set_nonblocking(true).ok()?;
        let address = match name.as_bytes() {
            #[cfg(target_os = "linux")]
            [b'@', rest @ ..] => {
                use std::os::linux::net::SocketAddrExt;
                SocketAddr::from_abstract_name(rest).ok()?
            }
            _ => SocketAddr::from_pathname(name).ok()?,
        };
        Some(Self { socket: std::sync::Arc::new((socket, address)), watchdog })
    }

    #[cfg(not(unix))]
    fn at(_: &OsStr, _: Option<Duration>) -> Option<Self> {
        None
    }

    /// Tells it something. A manager that does not listen any more is no reason not to sell.
    pub(super) fn tell(&self, state: &str) {
        #[cfg(unix)]
        if let Err(error) = self.socket.0.send_to_addr(state.as_bytes(), &self.socket.1) {
            tracing::debug!(%error, "the service manager does not listen");
        }
        #[cfg(not(unix))]
        let _ = state;
    }

    /// Says again and again that the terminal is well, as long as its loop answers. Where it does not, nothing is said, and the manager
    /// starts it again. Ends with the terminal.
    pub(super) async fn watch(self, node: Node) {
        let Some(pause) = self.watchdog.map(|watchdog| watchdog / SHARE).filter(|pause| !pause.is_zero())
        else {
            return;
        };
        loop {
            match tokio::time::timeout(pause, node.status()).await {
                Ok(Ok(status)) => {
                    let queued = status.queued;
                    self.tell(&format!("WATCHDOG=1\nSTATUS={queued} events are not in the cloud yet"));
                }
                Ok(Err(_)) => return,
                Err(_) => tracing::warn!(
                    "the terminal does not answer: the service manager is not told that it is well"
                ),
            }
            sleep(pause).await;
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn what_is_told_arrives_and_a_manager_that_is_gone_hurts_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let manager = ServiceManager::at(path.as_os_str(), None).unwrap();
        manager.tell("READY=1");
        let mut heard = [0; 32];
        let length = socket.recv(&mut heard).unwrap();
        assert_eq!(&heard[..length], b"READY=1");
        drop(socket);
        manager.tell("STOPPING=1");
    }
}

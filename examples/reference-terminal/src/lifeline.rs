//! A child process ends with its parent, however the parent ends: its standard input is a pipe that the parent holds open.

use std::io::{self, Read};
use std::process;
use std::time::Duration;

use tokio::sync::oneshot;

/// How long a child has to end by itself once its parent is gone.
const GRACE: Duration = Duration::from_secs(8);

/// Resolves when standard input ends. [`GRACE`] later the process ends, whatever it is doing.
///
/// On a thread of its own: a blocking read would hold up the end of the async runtime.
pub(crate) fn parent_gone() -> io::Result<oneshot::Receiver<()>> {
    let (gone, resolves) = oneshot::channel();
    std::thread::Builder::new().name("lifeline".into()).spawn(move || {
        let mut bytes = [0; 64];
        let mut input = io::stdin().lock();
        loop {
            match input.read(&mut bytes) {
                Ok(0) => break,
                Err(error) if error.kind() != io::ErrorKind::Interrupted => break,
                _ => {}
            }
        }
        drop(gone);
        std::thread::sleep(GRACE);
        tracing::error!("the parent is gone and this process did not end in time");
        process::exit(1);
    })?;
    Ok(resolves)
}

/// Requests to stop: Ctrl-C, and a request to terminate.
///
/// Listens from when it is made, and keeps one that comes while nobody waits for whoever waits next: the first listener of a process takes
/// the signal from the system for good, so that one between two listeners would be lost.
pub(crate) struct StopRequests {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

impl StopRequests {
    /// # Errors
    /// Where the system lets nobody listen.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub(crate) fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let (interrupt, terminate) = (SignalKind::interrupt(), SignalKind::terminate());
            Ok(Self { interrupt: signal(interrupt)?, terminate: signal(terminate)? })
        }
        #[cfg(windows)]
        Ok(Self { interrupt: tokio::signal::windows::ctrl_c()? })
    }

    /// Resolves with the next. Cancel safe: one that comes afterwards is kept.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(windows)]
        let _ = self.interrupt.recv().await;
    }
}

/// Resolves on the first request to stop; never where the system lets nobody listen, which then ends the process itself.
pub(crate) async fn asked_to_stop() {
    match StopRequests::listen() {
        Ok(mut requests) => requests.next().await,
        Err(error) => {
            tracing::warn!(%error, "nobody is told of a request to stop");
            std::future::pending().await
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::*;

    /// The demo was asked to end between two steps that each listened for themselves, and went on.
    #[tokio::test]
    async fn a_request_while_nobody_waits_is_kept() {
        let mut requests = StopRequests::listen().unwrap();
        tokio::select! {
            biased;
            () = requests.next() => panic!("nobody asked"),
            () = std::future::ready(()) => {}
        }
        let me = std::process::id().to_string();
        assert!(Command::new("kill").args(["-TERM", &me]).status().unwrap().success());
        tokio::time::timeout(Duration::from_secs(60), requests.next()).await.expect("it was kept");
    }
}

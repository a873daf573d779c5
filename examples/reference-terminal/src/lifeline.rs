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

/// Resolves on Ctrl-C or a request to terminate.
pub(crate) async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

//! A gateway before a PostgreSQL: `edgepos-cloud LISTEN URL [CREDENTIALS]`.
//!
//! `LISTEN` is an address such as `0.0.0.0:8080`, `URL` a PostgreSQL with one or more hosts, `CREDENTIALS` a file of who may speak for
//! which store. Prints `READY http://ADDR` on standard output once it serves. TLS ends before it. Exit status: 0 when it was asked to
//! stop, 1 when it cannot serve, 2 for a wrong command line.

use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use edgepos_cloud::gateway::{Credentials, Options, router};
use edgepos_cloud::{Ingest, PostgresIngest, PostgresOptions};
use tokio::net::TcpListener;

/// How often the file of credentials is read again.
const REREAD: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (listen, url, credentials) = match arguments.as_slice() {
        [listen, url] => (listen, url, None),
        [listen, url, credentials] => (listen, url, Some(credentials)),
        _ => return usage("expected LISTEN URL [CREDENTIALS]"),
    };
    let Ok(listen) = listen.parse() else { return usage("LISTEN is no address such as 127.0.0.1:8080") };
    match serve(listen, url, credentials.map(Path::new)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("edgepos-cloud: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage(fault: &str) -> ExitCode {
    eprintln!("edgepos-cloud: {fault}");
    ExitCode::from(2)
}

async fn serve(listen: SocketAddr, url: &str, credentials: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let credentials = credentials.map(Credentials::read).transpose()?.map(Arc::new);
    let store = Arc::new(PostgresIngest::connect(url, PostgresOptions::default()).await?);
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    if let Some(credentials) = credentials.clone() {
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(REREAD).await;
                if let Err(error) = credentials.reread() {
                    eprintln!("edgepos-cloud: {error}; what was read before goes on to count");
                }
            }
        });
    }
    let app = router(Ingest::new(store), Options { credentials, ..Options::default() });
    let _ = writeln!(std::io::stdout(), "READY http://{address}");
    // Whoever is answered at the moment gets the answer.
    axum::serve(listener, app).with_graceful_shutdown(asked_to_stop()).await?;
    Ok(())
}

async fn asked_to_stop() {
    let interrupted = async { drop(tokio::signal::ctrl_c().await) };
    tokio::select! {
        () = interrupted => {}
        () = terminated() => {}
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminated) => drop(terminated.recv().await),
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}

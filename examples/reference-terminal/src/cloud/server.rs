//! The cloud as a process.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use edgepos_cloud::gateway::{Credentials, CredentialsError, Options as Gateway, router};
use edgepos_cloud::{Ingest, IngestError, IngestStore, OpenError, SqliteIngest};
use thiserror::Error;
use tokio::net::TcpListener;

use crate::lifeline;

/// How the cloud runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Its SQLite file.
    pub db: PathBuf,
    /// A file of who may speak for which store; without one, whoever reaches the port may speak for every store.
    pub credentials: Option<PathBuf>,
    /// Whether it ends when its standard input does.
    pub supervised: bool,
}

/// The cloud cannot run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CloudError {
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the call beneath it says.
        source: io::Error,
    },
    /// The file cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The file of credentials cannot be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The file could not be closed.
    #[error(transparent)]
    Close(#[from] IngestError),
    /// The server ended with an error.
    #[error("serving ended: {0}")]
    Serve(#[source] io::Error),
}

/// Serves until it is asked to stop; prints `READY http://ADDR` on standard output once it does.
///
/// # Errors
/// [`CloudError`].
pub async fn serve(options: Options) -> Result<(), CloudError> {
    let address = options.listen;
    let listener =
        TcpListener::bind(address).await.map_err(|source| CloudError::Listen { address, source })?;
    let address = listener.local_addr().map_err(|source| CloudError::Listen { address, source })?;
    let parent = options.supervised.then(lifeline::parent_gone).transpose().map_err(CloudError::Serve)?;
    let credentials = options.credentials.as_deref().map(Credentials::read).transpose()?.map(Arc::new);
    let db = Arc::new(SqliteIngest::open(&options.db)?);
    let app = router(Ingest::new(Arc::clone(&db) as _), Gateway { credentials, ..Gateway::default() });
    // Whoever started this may have closed the pipe: that is no reason not to serve.
    let _ = writeln!(io::stdout(), "READY http://{address}");
    tracing::info!(%address, db = %options.db.display(), "the cloud is up");
    let stop = async move {
        match parent {
            Some(gone) => tokio::select! {
                _ = gone => {}
                () = lifeline::asked_to_stop() => {}
            },
            None => lifeline::asked_to_stop().await,
        }
    };
    tokio::select! {
        served = async { axum::serve(listener, app).await } => served.map_err(CloudError::Serve)?,
        () = stop => {}
    }
    db.close().await?;
    tracing::info!("the cloud is down");
    Ok(())
}

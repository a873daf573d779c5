//! Puts a terminal together from its ports, and takes it apart again.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use edgepos::inference::Task;
use edgepos::{Adviser, Alerts, LogOnly, Signatory, Stopped, TillModels};
use edgepos_inference::with_causes;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::asked::Till;
use super::http_signer::HttpSigner;
use super::notify::ServiceManager;
use super::webhook::Webhook;
use super::{Config, till_api};
use crate::lifeline;

/// A terminal could not start, or did not end well.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// An address is taken, or not this machine's.
    #[error("{what} cannot listen on {address}: {source}")]
    Listen {
        /// Who wants to listen there.
        what: &'static str,
        /// The address that was asked for.
        address: SocketAddr,
        /// What the call beneath it says.
        source: io::Error,
    },
    /// What it was started from does not do.
    #[error("{what}: {reason}")]
    Start {
        /// The part that did not start.
        what: String,
        /// What stood in the way, in words.
        reason: String,
    },
    /// It ran and stopped for a reason.
    #[error("the terminal stopped: {0}")]
    Stopped(String),
}

/// Runs until it is asked to stop; prints `READY till=ADDR peer=ADDR` on standard output once the till may call.
///
/// With `supervised` it ends when standard input does.
///
/// # Errors
/// [`RunError`].
pub async fn run(config: Config, supervised: bool) -> Result<(), RunError> {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: &dyn std::error::Error| RunError::Start { what, reason: with_causes(error) }
    };
    let parent = supervised.then(lifeline::parent_gone).transpose();
    let parent = parent.map_err(|error| failed("standard input")(&error))?;
    let till = listen("the till API", config.till).await?;
    let till_address = till.local_addr().map_err(|error| failed("the till API")(&error))?;
    let Config {
        setup,
        till: _,
        till_token,
        stop_patience,
        recognition_deadline,
        models,
        alerts_webhook,
        signer,
    } = config;
    let (location, asks_model) = (setup.location.unwrap_or(0), setup.resolver.model_within_ms.is_some());
    let alerts: Arc<dyn Alerts> = match alerts_webhook {
        Some(url) => Arc::new(Webhook::new(url)),
        None => Arc::new(LogOnly),
    };
    let terminal = setup.open_telling(alerts).await.map_err(|error| failed("the terminal")(&error))?;
    let (node, peer_address) = (terminal.node.clone(), terminal.address);
    let me = node.status().await.map_err(|refusal| RunError::Stopped(refusal.to_string()))?.me;

    let jobs = [Some(Task::PRODUCT), asks_model.then_some(Task::FRAUD)];
    let models = TillModels::new(models, jobs.into_iter().flatten(), recognition_deadline, node.clone());
    // These end with the terminal.
    tokio::spawn(models.watch().run(node.clone()));
    if asks_model {
        let (adviser, node) = (Adviser::new(Arc::new(models.clone())), node.clone());
        tokio::spawn(async move { adviser.run(&node).await });
    }
    if let Some(url) = signer {
        let (signatory, node) = (Signatory::new(Arc::new(HttpSigner::new(url))), node.clone());
        tokio::spawn(async move { signatory.run(&node).await });
    }
    let stop = Arc::new(Notify::new());
    let calls = Till { node: node.clone(), location, models, stop: Arc::clone(&stop) };
    let app = till_api::router(calls, till_token);
    // Whoever started this may have closed the pipe: that is no reason not to sell.
    let _ = writeln!(io::stdout(), "READY till={till_address} peer={peer_address}");
    tracing::info!(%me, till = %till_address, peer = %peer_address, "the terminal is up");
    let manager = ServiceManager::of_environment();
    if let Some(manager) = &manager {
        manager.tell("READY=1");
        tokio::spawn(manager.clone().watch(node.clone()));
    }

    let mut ended = Box::pin(terminal.join());
    let gone = async {
        match parent {
            Some(gone) => drop(gone.await),
            None => std::future::pending().await,
        }
    };
    let early = tokio::select! {
        served = async { axum::serve(till, app).await } => Some(served.map_err(|error| with_causes(&error))),
        ended = &mut ended => Some(ended.map_err(|error| with_causes(&error))),
        () = gone => None,
        () = lifeline::asked_to_stop() => None,
        () = stop.notified() => None,
    };
    if let Some(manager) = &manager {
        manager.tell("STOPPING=1");
    }
    if let Some(early) = early {
        return early.map_err(RunError::Stopped);
    }
    // Nobody sells any more: the last sales go up, as far as the cloud can be reached, and another leads.
    match node.stop(stop_patience).await {
        Ok(Stopped { queued: 0, handed_over, .. }) => {
            tracing::info!(handed_over, "the terminal stops; the cloud holds all that it recorded");
        }
        Ok(Stopped { queued, only_here, handed_over, .. }) => {
            tracing::warn!(
                queued,
                only_here,
                handed_over,
                "the terminal stops before the cloud holds all that it recorded"
            );
        }
        Err(refusal) => tracing::warn!(%refusal, "the terminal stops"),
    }
    ended.await.map_err(|error| RunError::Stopped(with_causes(&error)))
}

async fn listen(what: &'static str, address: SocketAddr) -> Result<TcpListener, RunError> {
    TcpListener::bind(address).await.map_err(|source| RunError::Listen { what, address, source })
}

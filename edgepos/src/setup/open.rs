//! Opens what a [`Setup`] names: SQLite, TCP, HTTP to the cloud and the system's clock.

use std::net::SocketAddr;
use std::sync::Arc;

use super::security::{Security, choose};
use super::{Setup, SetupError};
use crate::driver::Driver;
use crate::http_uplink::HttpUplink;
use crate::identity::Identity;
use crate::node::Node;
use crate::ports::{Alerts, LogOnly, Ports, StoreError, SystemClock};
use crate::sqlite_store::SqliteStore;
use crate::tcp::{TcpConfig, TcpTransport};
use crate::terminal::{ConditionKind, Finding};
use crate::token_file::read_token;

/// An open terminal. Sell through [`node`](Self::node); dropping this lets it run on.
#[derive(Debug)]
pub struct OpenTerminal {
    /// To sell through; cheap to clone.
    pub node: Node,
    /// Where the other terminals may call.
    pub address: SocketAddr,
    driver: Driver,
}

impl Setup {
    /// Opens the store and the ports and starts the terminal, which tells the log what someone must act on. Must be called inside a tokio
    /// runtime.
    ///
    /// # Errors
    /// When a field says what it may not, an address is taken, or the database is another terminal's. Nothing was written then.
    pub async fn open(self) -> Result<OpenTerminal, SetupError> {
        self.open_telling(Arc::new(LogOnly)).await
    }

    /// The same, with somebody beside the log who is told what someone must act on.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub async fn open_telling(self, alerts: Arc<dyn Alerts>) -> Result<OpenTerminal, SetupError> {
        let config = self.config()?;
        let security = choose(self.identity.as_deref(), self.insecure, self.listen, self.peers.values());
        let security = security.map_err(|error| SetupError::plain(error.to_string()))?;
        let identity = match security {
            Security::Identity(directory) => {
                let identity = Identity::read(directory, self.store, self.terminal.number());
                Some(identity.map_err(|error| SetupError::because("field identity", error))?)
            }
            Security::ThisMachine | Security::Insecure => None,
        };
        let roots = self.cloud_roots.as_deref();
        let mut uplink = HttpUplink::with_roots(&self.cloud, self.store, roots)
            .map_err(|error| SetupError::because("field cloud", error))?;
        if let Some(path) = &self.cloud_credential {
            let place = || format!("field cloud_credential: {}", path.display());
            let token = read_token(path).map_err(|error| SetupError::because(place(), error))?;
            uplink = uplink.with_credential(&token).map_err(|error| SetupError::because(place(), error))?;
        }
        let database = || self.database.display().to_string();
        let store =
            SqliteStore::open(&self.database).map_err(|error| SetupError::because(database(), error))?;
        let peers = self.peers.iter().map(|(peer, address)| (peer.number(), address.clone())).collect();
        let tcp = TcpConfig { listen: self.listen, peers };
        let listens = |error| SetupError::because(format!("listen = {}", self.listen), error);
        let (transport, transport_events) = match identity {
            Some(identity) => TcpTransport::start_secured(&config, tcp, identity).await,
            None => TcpTransport::start(&config, tcp).await,
        }
        .map_err(listens)?;
        let address = transport.local_addr();
        let ports = Ports {
            store: Box::new(store),
            transport: Box::new(transport),
            transport_events,
            uplink: Arc::new(uplink),
            clock: Arc::new(SystemClock::new()),
            alerts,
        };
        let (node, driver) =
            Driver::start(config, ports).map_err(|error| SetupError::because(database(), error))?;
        if security == Security::Insecure {
            let finding = Finding { count: 1, about: "insecure = true".into() };
            // A driver that has ended says so itself.
            let _ = node.report_condition(ConditionKind::Insecure, Some(finding)).await;
        }
        Ok(OpenTerminal { node, address, driver })
    }
}

impl OpenTerminal {
    /// Sends what is batched, stops the terminal and waits until its files are free.
    ///
    /// # Errors
    /// The store's error, when it failed.
    pub async fn close(self) -> Result<(), StoreError> {
        self.node.flush().await;
        self.node.shutdown().await;
        self.join().await
    }

    /// Waits until the terminal was shut down, or until its store failed: see [`Driver::join`].
    ///
    /// # Errors
    /// The store's error, when it was fatal.
    pub async fn join(self) -> Result<(), StoreError> {
        self.driver.join().await
    }
}

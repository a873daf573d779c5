//! A terminal from one configuration: SQLite, TCP, HTTP to the cloud and the system's clock, opened by one call.
//!
//! Whoever brings a port of their own starts a [`Driver`](crate::Driver) with it instead.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use edgepos_core::{ReplicaId, StoreGeneration, StoreId};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::driver::{Driver, DriverConfig};
use crate::http_uplink::HttpUplink;
use crate::node::Node;
use crate::ports::{StoreError, SystemClock};
use crate::sqlite_store::SqliteStore;
use crate::tcp::{TcpConfig, TcpTransport};
use crate::terminal::{Config, Genesis};

/// Largest file that is read.
const MAX_BYTES: u64 = 1 << 20;
/// Terminals of a store that vote.
const VOTERS: usize = 5;

/// What a terminal must be told, in TOML:
///
/// ```
/// let setup: edgepos::Setup = r#"
///     terminal = 1
///     store = "00000000000000000000000000000001"
///     database = "till-1.db"
///     listen = "0.0.0.0:7201"
///     cloud = "http://127.0.0.1:7000"
///     [peers]
///     2 = "192.168.0.2:7201"
///     3 = "192.168.0.3:7201"
/// "#.parse()?;
/// assert_eq!(setup.terminal, 1);
/// # Ok::<(), edgepos::SetupError>(())
/// ```
///
/// Optional are `generation`, `voters` (numbers; default the five lowest of this terminal and its peers), `location`, `flush_ms`,
/// `exception_grace_ms`, `replace_voter_after_s` and `disk_stall_after_ms`, with the defaults of [`Config`]. A field that does not exist is
/// refused.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// The number of this terminal in the store, from 1.
    pub terminal: u16,
    /// The store, 32 hexadecimal digits; the same on all its terminals.
    pub store: String,
    /// The SQLite file.
    pub database: PathBuf,
    /// Where the other terminals call; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The cloud, as `http://host:port`.
    pub cloud: String,
    /// Where the other terminals are, `host:port` by their numbers.
    #[serde(default)]
    pub peers: BTreeMap<u16, String>,
    /// The numbers of the store's first voters, the same on all its terminals.
    pub voters: Option<Vec<u16>>,
    /// Raised by a forced recovery.
    #[serde(default)]
    pub generation: u32,
    /// The place in the store that it sells from.
    pub location: Option<u32>,
    /// How long events are batched, in ms.
    pub flush_ms: Option<u64>,
    /// How long a counter must be below its floor before that is an exception, in ms.
    pub exception_grace_ms: Option<u64>,
    /// How long a voter must be silent to lose its vote, in s.
    pub replace_voter_after_s: Option<u64>,
    /// How long a write may take before a leader hands over, in ms.
    pub disk_stall_after_ms: Option<u64>,
}

/// A terminal cannot be opened.
#[derive(Debug, Error)]
#[error("{what}")]
pub struct SetupError {
    /// What is wrong, and where.
    what: String,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl SetupError {
    fn because(what: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { what: what.into(), source: Some(source.into()) }
    }

    fn plain(what: impl Into<String>) -> Self {
        Self { what: what.into(), source: None }
    }
}

/// An open terminal. Sell through [`node`](Self::node); dropping this lets it run on.
#[derive(Debug)]
pub struct OpenTerminal {
    /// To sell through; cheap to clone.
    pub node: Node,
    /// Where the other terminals may call.
    pub address: SocketAddr,
    driver: Driver,
}

impl std::str::FromStr for Setup {
    type Err = SetupError;

    fn from_str(text: &str) -> Result<Self, SetupError> {
        toml::from_str(text).map_err(|error| SetupError::plain(error.to_string()))
    }
}

impl Setup {
    /// Reads a file. A relative `database` is beside it.
    ///
    /// # Errors
    /// When it cannot be read, is no TOML, or has a field too few or too many.
    pub fn read(path: &Path) -> Result<Self, SetupError> {
        let place = path.display().to_string();
        let text = read_limited(path).map_err(|error| SetupError::because(place.clone(), error))?;
        let mut setup: Self = text.parse().map_err(|error| SetupError::because(place, error))?;
        setup.database = path.parent().unwrap_or(Path::new("")).join(setup.database);
        Ok(setup)
    }

    /// Opens the store and the ports and starts the terminal. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When a field says what it may not, an address is taken, or the database is another terminal's. Nothing was written then.
    pub async fn open(self) -> Result<OpenTerminal, SetupError> {
        let config = self.config()?;
        let store = SqliteStore::open(&self.database)
            .map_err(|error| SetupError::because(self.database.display().to_string(), error))?;
        let (id, peers) = (config.genesis.store, self.peers.clone());
        let tcp = TcpConfig {
            me: config.me,
            store: id,
            generation: config.genesis.generation,
            listen: self.listen,
            peers: peers
                .into_iter()
                .map(|(terminal, address)| (first_incarnation(id, terminal), address))
                .collect(),
            max_peers: config.max_peers,
        };
        let listens = |error| SetupError::because(format!("listen = {}", self.listen), error);
        let (transport, events) = TcpTransport::start(tcp).await.map_err(listens)?;
        let address = transport.local_addr();
        let uplink = HttpUplink::new(&self.cloud, id).map_err(|error| SetupError::because("cloud", error))?;
        let (node, driver) = Driver::start(
            DriverConfig { terminal: config },
            Box::new(store),
            Box::new(transport),
            events,
            Arc::new(uplink),
            Arc::new(SystemClock::new()),
        )
        .map_err(|error| SetupError::because(self.database.display().to_string(), error))?;
        Ok(OpenTerminal { node, address, driver })
    }

    /// What the terminal itself is told.
    fn config(&self) -> Result<Config, SetupError> {
        let store: StoreId = self.store.parse().map_err(|error| SetupError::because("store", error))?;
        let voters = self.voters.clone().unwrap_or_else(|| {
            let mut all: Vec<_> = self.peers.keys().copied().chain([self.terminal]).collect();
            all.sort_unstable();
            all.dedup();
            all.truncate(VOTERS);
            all
        });
        if self.terminal == 0 || voters.contains(&0) || self.peers.contains_key(&0) {
            return Err(SetupError::plain("terminal numbers start at 1"));
        }
        if self.peers.contains_key(&self.terminal) {
            return Err(SetupError::plain(format!("peers: {} is this terminal", self.terminal)));
        }
        let genesis = Genesis {
            store,
            generation: StoreGeneration(self.generation),
            voters: voters.into_iter().map(|terminal| first_incarnation(store, terminal)).collect(),
            recovery: None,
        };
        let mut seed = [0; 8];
        getrandom::fill(&mut seed)
            .map_err(|error| SetupError::because("the system gives no random bytes", error))?;
        let mut config =
            Config::new(first_incarnation(store, self.terminal), genesis, u64::from_ne_bytes(seed));
        let ms = |field: &mut Duration, value: Option<u64>| {
            *field = value.map_or(*field, Duration::from_millis);
        };
        ms(&mut config.flush_interval, self.flush_ms);
        config.peak_flush_interval = config.peak_flush_interval.max(config.flush_interval);
        ms(&mut config.exception_grace, self.exception_grace_ms);
        ms(&mut config.disk_stall_after, self.disk_stall_after_ms);
        ms(
            &mut config.replace_voter_after,
            self.replace_voter_after_s.map(|seconds| seconds.saturating_mul(1_000)),
        );
        config.location = self.location.unwrap_or(config.location);
        Ok(config)
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
        self.driver.join().await
    }
}

/// The incarnation that a terminal of a new store begins as. All terminals know it of each other without having met, so that a file names
/// numbers alone; whoever finds that others know more of it than its disk does goes on as another.
fn first_incarnation(store: StoreId, terminal: u16) -> ReplicaId {
    let mut sha = Sha256::new_with_prefix(b"edgepos first incarnation");
    sha.update(store.0);
    sha.update(terminal.to_be_bytes());
    let digest: [u8; 32] = sha.finalize().into();
    let nonce = digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    ReplicaId::new(terminal, nonce)
}

fn read_limited(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("larger than {MAX_BYTES} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    const TEXT: &str = "terminal = 2\nstore = \"000102030405060708090a0b0c0d0e0f\"\ndatabase = \"till.db\"\n\
                        listen = \"127.0.0.1:0\"\ncloud = \"http://127.0.0.1:9\"\n";

    fn setup(more: &str) -> Setup {
        format!("{TEXT}{more}").parse().unwrap()
    }

    fn refusal(more: &str) -> String {
        match format!("{TEXT}{more}").parse::<Setup>().and_then(|setup| setup.config()) {
            Ok(config) => panic!("{config:?}"),
            Err(error) => format!("{error} {:?}", error.source),
        }
    }

    #[test]
    fn terminals_know_each_other_by_number() {
        let two = setup("[peers]\n1 = \"a:1\"\n3 = \"c:1\"\n").config().unwrap();
        let three = "terminal = 3\n".to_owned()
            + &TEXT["terminal = 2\n".len()..]
            + "[peers]\n1 = \"a:1\"\n2 = \"b:1\"\n";
        let three = three.parse::<Setup>().unwrap().config().unwrap();
        assert_eq!(two.genesis, three.genesis, "the same record, without having met");
        assert_eq!(two.me, two.genesis.voters[1]);
        assert_eq!(two.me.terminal(), 2);
        let other = StoreId([9; 16]);
        assert_ne!(first_incarnation(other, 2), two.me, "another store, another incarnation");
    }

    #[test]
    fn five_vote_unless_said() {
        let peers: String = (3..=9).map(|peer| format!("{peer} = \"x:1\"\n")).collect();
        let voters = |more: &str| {
            let config = setup(&format!("{more}[peers]\n{peers}")).config().unwrap();
            config.genesis.voters.iter().map(|voter| voter.terminal()).collect::<Vec<_>>()
        };
        assert_eq!(voters(""), [2, 3, 4, 5, 6]);
        assert_eq!(voters("voters = [7, 8, 9]\n"), [7, 8, 9]);
    }

    #[test]
    fn engines_are_set_through_it() {
        let config =
            setup("replace_voter_after_s = 30\ndisk_stall_after_ms = 500\nflush_ms = 60000\nlocation = 4\n");
        let config = config.config().unwrap();
        assert_eq!(config.replace_voter_after, Duration::from_secs(30));
        assert_eq!(config.disk_stall_after, Duration::from_millis(500));
        assert_eq!(
            (config.flush_interval, config.peak_flush_interval),
            (Duration::from_secs(60), Duration::from_secs(60))
        );
        assert_eq!(config.location, 4);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (more, named) in [
            ("lokation = 4\n", "lokation"),
            ("location = \"four\"\n", "location"),
            ("[peers]\n2 = \"b:1\"\n", "2 is this terminal"),
            ("[peers]\n0 = \"b:1\"\n", "start at 1"),
            ("voters = [0]\n", "start at 1"),
        ] {
            let said = refusal(more);
            assert!(said.contains(named), "expected {named}: {said}");
        }
        let short = TEXT.replace("0c0d0e0f", "");
        let said = short.parse::<Setup>().unwrap().config().unwrap_err();
        assert_eq!((said.to_string().as_str(), said.source.is_some()), ("store", true));
    }
}

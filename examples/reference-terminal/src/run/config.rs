//! What a terminal must be told, in TOML.
//!
//! ```toml
//! store = "00000000000000000000000000000001"
//! me = "1-0123456789ab"
//! voters = ["1-0123456789ab", "2-0123456789ab", "3-0123456789ab"]
//! db = "terminal-1.db"              # beside this file, unless absolute
//! till = "127.0.0.1:7101"           # loopback only
//! listen = "0.0.0.0:7201"           # for the other terminals
//! cloud = "http://127.0.0.1:7000"
//!
//! [peers]
//! "2-0123456789ab" = "192.168.0.2:7201"
//! "3-0123456789ab" = "192.168.0.3:7201"
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use edgepos::Genesis;
use edgepos::core::{ReplicaId, StoreGeneration, StoreId};
use edgepos::recovery::RecoveryAnchor;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::names::{NameError, parse_16, parse_replica};
use crate::nearest;

/// Largest file that is read.
const MAX_BYTES: u64 = 1 << 20;
/// Longest patience of a planned stop: systems kill a service that takes longer.
const LONGEST_STOP: Duration = Duration::from_secs(60);

/// A terminal's configuration, checked.
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// The name of this terminal's incarnation.
    pub me: ReplicaId,
    /// The store's first record, the same on each of its first terminals.
    pub genesis: Genesis,
    /// The SQLite file.
    pub db: PathBuf,
    /// Where the till calls. A loopback address: whoever can call it can sell.
    pub till: SocketAddr,
    /// Where the other terminals call.
    pub listen: SocketAddr,
    /// The cloud's base URL.
    pub cloud: String,
    /// Where the other terminals are: `host:port`.
    pub peers: BTreeMap<ReplicaId, String>,
    /// Spreads timers. Default 0.
    pub seed: u64,
    /// How long events are batched. Default 5 s.
    pub flush_interval: Duration,
    /// How long a counter must be below its floor before that is an exception. Default 5 s.
    pub exception_grace: Duration,
    /// Whether goods come back without their receipt. Default true.
    pub unreferenced_returns: bool,
    /// How long a planned stop may wait for the cloud to hold the last events, at most a minute. Default 5 s.
    pub stop_patience: Duration,
    /// How long a model may take to answer before the cashier keys the product in; an engine that is slower than this on a known
    /// sample is not used. Default 300 ms.
    pub recognition_deadline: Duration,
    /// Where the models are. Default: those of the source tree that this program was built from.
    pub models: PathBuf,
}

/// The file says nothing that a terminal can start from.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// It cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// Where the file should be.
        path: PathBuf,
        /// What the call beneath it says.
        source: io::Error,
    },
    /// It is no TOML, or has a field too few or too many.
    #[error("{}: {reason}", path.display())]
    Malformed {
        /// Where the file should be.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// A field says what it may not.
    #[error("{}: field {field}: {reason}", path.display())]
    Field {
        /// Where the file should be.
        path: PathBuf,
        /// The field, with the table that it is in.
        field: String,
        /// What is wrong.
        reason: String,
    },
}

/// The file as it is written.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) store: String,
    #[serde(default)]
    pub(crate) generation: u32,
    /// The anchor of the recovery kit, 32 hexadecimal digits.
    pub(crate) recovery: Option<String>,
    /// This terminal comes to an existing store, and is not among `voters`.
    #[serde(default)]
    pub(crate) joins: bool,
    pub(crate) me: String,
    pub(crate) voters: Vec<String>,
    pub(crate) db: PathBuf,
    pub(crate) till: String,
    pub(crate) listen: String,
    pub(crate) cloud: String,
    #[serde(default)]
    pub(crate) seed: u64,
    pub(crate) flush_interval_ms: Option<u64>,
    pub(crate) exception_grace_ms: Option<u64>,
    pub(crate) stop_patience_ms: Option<u64>,
    pub(crate) unreferenced_returns: Option<bool>,
    pub(crate) recognition_deadline_ms: Option<u64>,
    pub(crate) models: Option<PathBuf>,
    #[serde(default)]
    pub(crate) peers: BTreeMap<String, String>,
}

impl Config {
    /// Reads and checks a file. A relative `db` is beside it.
    ///
    /// # Errors
    /// [`ConfigError`], naming the file and the field.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::Read { path: path.to_owned(), source };
        if fs::metadata(path).map_err(unreadable)?.len() > MAX_BYTES {
            let reason = format!("is larger than {MAX_BYTES} bytes");
            return Err(ConfigError::Malformed { path: path.to_owned(), reason });
        }
        let text = fs::read_to_string(path).map_err(unreadable)?;
        let file: File = toml::from_str(&text).map_err(|error| ConfigError::Malformed {
            path: path.to_owned(),
            reason: nearest::explain(error.to_string().trim_end()),
        })?;
        file.check(path)
    }
}

impl File {
    fn check(self, path: &Path) -> Result<Config, ConfigError> {
        let wrong = |field: &str, reason: String| ConfigError::Field {
            path: path.to_owned(),
            field: field.to_owned(),
            reason,
        };
        let named = |field: &'static str| move |error: NameError| wrong(field, error.to_string());
        let me = parse_replica(&self.me).map_err(named("me"))?;
        if me.terminal() == 0 {
            return Err(wrong("me", "terminal numbers start at 1".into()));
        }
        let voters = self.voters.iter().map(|voter| parse_replica(voter)).collect::<Result<Vec<_>, _>>();
        let voters = voters.map_err(named("voters"))?;
        if !(1..=15).contains(&voters.len()) {
            return Err(wrong("voters", format!("a store has 1 to 15 terminals, not {}", voters.len())));
        }
        if !voters.contains(&me) && !self.joins {
            return Err(wrong("voters", format!("this terminal, {me}, is not among them")));
        }
        if voters.contains(&me) && self.joins {
            return Err(wrong("joins", format!("this terminal, {me}, is among the voters already")));
        }
        let anchor = self.recovery.as_deref().map(parse_16).transpose().map_err(named("recovery"))?;
        let mut peers = BTreeMap::new();
        for (peer, address) in self.peers {
            let id = parse_replica(&peer).map_err(named("peers"))?;
            if !address.contains(':') {
                return Err(wrong(&format!("peers.{peer}"), format!("{address:?} is no host:port")));
            }
            peers.insert(id, address);
        }
        let till = address(&self.till).map_err(|reason| wrong("till", reason))?;
        if !till.ip().is_loopback() {
            return Err(wrong(
                "till",
                format!("{till} is no loopback address; whoever can call it can sell"),
            ));
        }
        if !self.cloud.starts_with("http://") {
            return Err(wrong("cloud", format!("{:?} does not begin with http://", self.cloud)));
        }
        let stop_patience = Duration::from_millis(self.stop_patience_ms.unwrap_or(5_000));
        if stop_patience > LONGEST_STOP {
            return Err(wrong("stop_patience_ms", format!("is more than {LONGEST_STOP:?}")));
        }
        let store = parse_16(&self.store).map(StoreId).map_err(named("store"))?;
        let beside = path.parent().unwrap_or(Path::new(""));
        let models = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models");
        Ok(Config {
            me,
            genesis: Genesis {
                store,
                generation: StoreGeneration(self.generation),
                voters,
                recovery: anchor.map(RecoveryAnchor),
            },
            db: beside.join(self.db),
            till,
            listen: address(&self.listen).map_err(|reason| wrong("listen", reason))?,
            cloud: self.cloud,
            peers,
            seed: self.seed,
            flush_interval: Duration::from_millis(self.flush_interval_ms.unwrap_or(5_000)),
            exception_grace: Duration::from_millis(self.exception_grace_ms.unwrap_or(5_000)),
            unreferenced_returns: self.unreferenced_returns.unwrap_or(true),
            stop_patience,
            recognition_deadline: Duration::from_millis(self.recognition_deadline_ms.unwrap_or(300)),
            models: self.models.map_or_else(|| models.into(), |models| beside.join(models)),
        })
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("{text:?} is no address such as 127.0.0.1:7101"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        store = "00000000000000000000000000000001"
        me = "1-0123456789ab"
        voters = ["1-0123456789ab", "2-0123456789ab"]
        db = "t.db"
        till = "127.0.0.1:0"
        listen = "127.0.0.1:0"
        cloud = "http://127.0.0.1:7000"
        [peers]
        "2-0123456789ab" = "127.0.0.1:7202"
    "#;

    fn read(text: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("terminal.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn a_good_file_reads() {
        let config = read(GOOD).unwrap();
        assert_eq!(config.me, ReplicaId::new(1, 0x0123_4567_89ab));
        assert_eq!(config.peers.len(), 1);
        assert_eq!(config.flush_interval, Duration::from_secs(5));
    }

    #[test]
    fn each_mistake_names_the_file_and_the_field() {
        for (from, to, field) in [
            ("me = \"1-0123456789ab\"", "me = \"one\"", "field me: \"one\""),
            ("me = \"1-0123456789ab\"", "me = \"3-0123456789ab\"", "field voters"),
            ("till = \"127.0.0.1:0\"", "till = \"0.0.0.0:0\"", "field till"),
            ("till = \"127.0.0.1:0\"", "till = \"here\"", "field till"),
            ("listen = \"127.0.0.1:0\"", "listen = \"\"", "field listen"),
            ("http://127.0.0.1:7000", "ftp://x", "field cloud"),
            ("127.0.0.1:7202", "nowhere", "field peers.2-0123456789ab"),
            ("db = \"t.db\"", "database = \"t.db\"", "unknown field `database`"),
            ("db = \"t.db\"", "db = \"t.db\"\nflush_intervall_ms = 1", "did you mean `flush_interval_ms`?"),
            ("store = \"00000000000000000000000000000001\"", "", "missing field `store`"),
            ("store = \"0000", "store = \"x000", "field store"),
        ] {
            let error = read(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains("terminal.toml") && error.contains(field), "{to}: {error}");
        }
    }
}

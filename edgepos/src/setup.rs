//! A terminal from one configuration: SQLite, TCP, HTTP to the cloud and the system's clock, opened by one call.
//!
//! Whoever brings a port of their own starts a [`Driver`](crate::Driver) with it instead.

pub(crate) mod open;
pub(crate) mod security;
pub(crate) mod terminal_name;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use edgepos_consensus::MAX_TERMINALS;
use edgepos_core::{StoreGeneration, StoreId, parse_hexadecimal};
use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

use self::terminal_name::TerminalName;
use crate::http_uplink::HttpUplink;
use crate::recovery::kit::RecoveryAnchor;
use crate::retail::exception::policy::Policy;
use crate::terminal::{Config, Genesis};

/// Largest file that is read.
const MAX_BYTES: u64 = 1 << 20;
/// Terminals of a store that vote.
const VOTERS: usize = 5;
/// Longest flush interval.
const LONGEST_FLUSH: Duration = Duration::from_secs(3_600);

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
/// assert_eq!(setup.terminal.number(), 1);
/// # Ok::<(), edgepos::SetupError>(())
/// ```
///
/// Everything else is optional, with the default of the field of [`Config`] that it sets. A field that does not exist is refused.
/// `me`, `db` and `flush_interval_ms` are read as `terminal`, `database` and `flush_ms`, and incarnations such as `1-0123456789ab` in
/// place of numbers, as files of before have them.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// The number of this terminal in the store, from 1.
    #[serde(alias = "me")]
    pub terminal: TerminalName,
    /// The store, 32 hexadecimal digits; the same on all its terminals.
    #[serde(with = "crate::shown::text")]
    pub store: StoreId,
    /// The SQLite file.
    #[serde(alias = "db")]
    pub database: PathBuf,
    /// Where the other terminals call; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The cloud, as `https://host` or `http://host:port`.
    pub cloud: String,
    /// The certificates that may vouch for a cloud at `https`, a PEM file. Default: those that the system trusts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_roots: Option<PathBuf>,
    /// A file with the token that the cloud knows this store by: [`read_token`](crate::read_token). Default: none is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_credential: Option<PathBuf>,
    /// The directory of this terminal's [`Identity`](crate::identity::Identity): connections are encrypted, and both ends prove who they
    /// are. Without it a terminal talks to others on its own machine alone, unless `insecure` is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<PathBuf>,
    /// Talks to other machines without encryption and without certificates: everybody in reach can read, and be any terminal.
    #[serde(default, skip_serializing_if = "is_false")]
    pub insecure: bool,
    /// The store's first voters, the same on all its terminals. Default the five lowest of this terminal and its peers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voters: Option<Vec<TerminalName>>,
    /// Whether this terminal comes to an existing store, and is not among `voters`; where nothing is said that follows from them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joins: Option<bool>,
    /// Raised by a forced recovery. Default 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub generation: u32,
    /// The anchor of the recovery kit, 32 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery: Option<String>,
    /// Spreads timers. Default: random.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The place in the store that it sells from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<u32>,
    /// How long events are batched, in ms.
    #[serde(alias = "flush_interval_ms", skip_serializing_if = "Option::is_none")]
    pub flush_ms: Option<u64>,
    /// The same while this terminal is busy, in ms. Default six times `flush_ms`, at most an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub busy_flush_ms: Option<u64>,
    /// Its events a minute above which this terminal is busy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub busy_above: Option<u32>,
    /// How long a counter must be below its floor before that is an exception, in ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception_grace_ms: Option<u64>,
    /// Whether goods come back without their receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreferenced_returns: Option<bool>,
    /// Whether payments that do not come to the total are booked, as an exception.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub book_differences: Option<bool>,
    /// How long after its reply a power cut may still take a basket that was begun, in ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begin_pause_ms: Option<u64>,
    /// Whether it ever leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaigns: Option<bool>,
    /// How long a voter must be silent to lose its vote, in s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replace_voter_after_s: Option<u64>,
    /// How long a write may take before a leader hands over, in ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_stall_after_ms: Option<u64>,
    /// How long all members must know a feature level before the store is raised to it, in s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level_after_s: Option<u64>,
    /// How long a request to the cloud may take, in ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uplink_timeout_ms: Option<u64>,
    /// The longest wait between two requests to a cloud that fails, in ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uplink_retry_ms: Option<u64>,
    /// How long no leader must be known before it uploads for itself, in ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaderless_upload_after_ms: Option<u64>,
    /// Events that wait for the disk above which the others are asked to pause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause_above: Option<u32>,
    /// Largest event, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_event_bytes: Option<u32>,
    /// Free MiB on the disk below which that is told; 0: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_low_below_mib: Option<u32>,
    /// Baskets that may be open at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_open_baskets: Option<usize>,
    /// Commits that may be under way at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_commits: Option<usize>,
    /// Events that the counter rows on disk may lack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_rows_behind: Option<u32>,
    /// Peers that may be connected at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_peers: Option<u32>,
    /// What the store's resolver does about exceptions.
    #[serde(default, skip_serializing_if = "is_default")]
    pub resolver: Policy,
    /// Where the other terminals are, `host:port` by their numbers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", serialize_with = "by_name")]
    pub peers: BTreeMap<TerminalName, String>,
}

/// A terminal cannot be opened.
#[derive(Debug, Error)]
#[error("{what}")]
pub struct SetupError {
    /// What is wrong, and where: the file, the field, the address.
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

impl std::str::FromStr for Setup {
    type Err = SetupError;

    fn from_str(text: &str) -> Result<Self, SetupError> {
        toml::from_str(text).map_err(|error| SetupError::plain(error.to_string()))
    }
}

impl Setup {
    /// What must be said, and nothing else.
    pub fn new(
        terminal: TerminalName,
        store: StoreId,
        database: PathBuf,
        listen: SocketAddr,
        cloud: String,
    ) -> Self {
        Self {
            terminal,
            store,
            database,
            listen,
            cloud,
            cloud_roots: None,
            cloud_credential: None,
            identity: None,
            insecure: false,
            voters: None,
            joins: None,
            generation: 0,
            recovery: None,
            seed: None,
            location: None,
            flush_ms: None,
            busy_flush_ms: None,
            busy_above: None,
            exception_grace_ms: None,
            resolver: Policy::default(),
            unreferenced_returns: None,
            book_differences: None,
            begin_pause_ms: None,
            campaigns: None,
            replace_voter_after_s: None,
            disk_stall_after_ms: None,
            level_after_s: None,
            uplink_timeout_ms: None,
            uplink_retry_ms: None,
            leaderless_upload_after_ms: None,
            pause_above: None,
            max_event_bytes: None,
            disk_low_below_mib: None,
            max_open_baskets: None,
            max_commits: None,
            max_rows_behind: None,
            max_peers: None,
            peers: BTreeMap::new(),
        }
    }

    /// Reads a file. A relative `database`, `identity`, `cloud_roots` or `cloud_credential` is beside it.
    ///
    /// # Errors
    /// When it cannot be read, is no TOML, or has a field too few or too many.
    pub fn read(path: &Path) -> Result<Self, SetupError> {
        let place = path.display().to_string();
        let text = read_limited(path).map_err(|error| SetupError::because(place.clone(), error))?;
        let mut setup: Self = text.parse().map_err(|error| SetupError::because(place, error))?;
        setup.place_beside(path);
        Ok(setup)
    }

    /// Takes relative paths as seen from the directory of this file.
    pub fn place_beside(&mut self, file: &Path) {
        let beside = file.parent().unwrap_or(Path::new(""));
        self.database = beside.join(&self.database);
        let files = [&mut self.identity, &mut self.cloud_roots, &mut self.cloud_credential];
        for path in files.into_iter().flatten() {
            *path = beside.join(&*path);
        }
    }

    /// What the terminal itself is told.
    ///
    /// # Errors
    /// When a field says what it may not.
    pub fn config(&self) -> Result<Config, SetupError> {
        let genesis = self.genesis()?;
        let me = self.terminal.incarnation(self.store);
        let mut numbers: BTreeMap<u16, TerminalName> = BTreeMap::new();
        for (peer, address) in &self.peers {
            if peer.number() == self.terminal.number() {
                return Err(SetupError::plain(format!("field peers: {peer} is this terminal")));
            }
            if let Some(other) = numbers.insert(peer.number(), *peer) {
                let said = format!("field peers: {other} and {peer} are one terminal; name it once");
                return Err(SetupError::plain(said));
            }
            if !address.contains(':') {
                return Err(SetupError::plain(format!("field peers.{peer}: {address:?} is no host:port")));
            }
        }
        HttpUplink::check(&self.cloud, self.store)
            .map_err(|error| SetupError::because("field cloud", error))?;
        let seed = match self.seed {
            Some(seed) => seed,
            None => {
                drawn().map_err(|error| SetupError::because("the system gives no random bytes", error))?
            }
        };
        let mut config = Config::new(me, genesis, seed);
        // Every field by its name: one that is added is set.
        let Self {
            terminal: _,
            store: _,
            database: _,
            listen: _,
            cloud: _,
            cloud_roots: _,
            cloud_credential: _,
            identity: _,
            insecure: _,
            voters: _,
            joins: _,
            generation: _,
            recovery: _,
            seed: _,
            peers: _,
            location,
            flush_ms,
            busy_flush_ms,
            busy_above,
            exception_grace_ms,
            resolver,
            unreferenced_returns,
            book_differences,
            begin_pause_ms,
            campaigns,
            replace_voter_after_s,
            disk_stall_after_ms,
            level_after_s,
            uplink_timeout_ms,
            uplink_retry_ms,
            leaderless_upload_after_ms,
            pause_above,
            max_event_bytes,
            disk_low_below_mib,
            max_open_baskets,
            max_commits,
            max_rows_behind,
            max_peers,
        } = self;
        set(&mut config.location, *location);
        set(&mut config.flush_interval, ms(*flush_ms));
        let busy = (config.flush_interval * 6).min(LONGEST_FLUSH).max(config.flush_interval);
        config.peak_flush_interval = ms(*busy_flush_ms).unwrap_or(busy);
        set(&mut config.busy_above, *busy_above);
        set(&mut config.exception_grace, ms(*exception_grace_ms));
        config.policy = resolver.clone();
        set(&mut config.unreferenced_returns, *unreferenced_returns);
        set(&mut config.book_differences, *book_differences);
        set(&mut config.begin_pause, ms(*begin_pause_ms));
        set(&mut config.campaigns, *campaigns);
        set(&mut config.replace_voter_after, replace_voter_after_s.map(Duration::from_secs));
        set(&mut config.disk_stall_after, ms(*disk_stall_after_ms));
        set(&mut config.level_after, level_after_s.map(Duration::from_secs));
        set(&mut config.uplink_timeout, ms(*uplink_timeout_ms));
        set(&mut config.uplink_retry, ms(*uplink_retry_ms));
        set(&mut config.leaderless_upload_after, ms(*leaderless_upload_after_ms));
        set(&mut config.pause_above, *pause_above);
        set(&mut config.max_event_bytes, *max_event_bytes);
        set(&mut config.disk_low_below, disk_low_below_mib.map(|mib| u64::from(mib) << 20));
        set(&mut config.max_open_baskets, *max_open_baskets);
        set(&mut config.max_commits, *max_commits);
        set(&mut config.max_rows_behind, *max_rows_behind);
        set(&mut config.max_peers, *max_peers);
        Ok(config)
    }

    /// The record that the store begins from.
    fn genesis(&self) -> Result<Genesis, SetupError> {
        let voters = self.voters.clone().unwrap_or_else(|| {
            // By number alone: a box that takes another's place is an incarnation that no other file knows.
            let named = self.peers.keys().copied().chain([self.terminal]);
            let mut all: Vec<_> = named.map(TerminalName::first).collect();
            all.sort_unstable();
            all.dedup();
            all.truncate(VOTERS);
            all
        });
        if !(1..=MAX_TERMINALS).contains(&voters.len()) {
            let said =
                format!("field voters: a store has 1 to {MAX_TERMINALS} terminals, not {}", voters.len());
            return Err(SetupError::plain(said));
        }
        let voters: Vec<_> = voters.iter().map(|voter| voter.incarnation(self.store)).collect();
        let votes = voters.contains(&self.terminal.incarnation(self.store));
        match self.joins {
            Some(true) if votes => {
                let said =
                    format!("field joins: this terminal, {}, is among the voters already", self.terminal);
                return Err(SetupError::plain(said));
            }
            Some(false) if !votes => {
                let said = format!("field voters: this terminal, {}, is not among them", self.terminal);
                return Err(SetupError::plain(said));
            }
            _ => {}
        }
        let anchor = self.recovery.as_deref().map(|anchor| {
            let anchor = parse_hexadecimal(anchor).map(RecoveryAnchor);
            anchor.ok_or_else(|| SetupError::plain("field recovery: expected 32 hexadecimal digits"))
        });
        Ok(Genesis {
            store: self.store,
            generation: StoreGeneration(self.generation),
            voters,
            recovery: anchor.transpose()?,
        })
    }
}

fn is_default(policy: &Policy) -> bool {
    *policy == Policy::default()
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn ms(value: Option<u64>) -> Option<Duration> {
    value.map(Duration::from_millis)
}

fn drawn() -> Result<u64, getrandom::Error> {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed)?;
    Ok(u64::from_ne_bytes(seed))
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_false(said: &bool) -> bool {
    !said
}

/// Keys of a table are text.
fn by_name<S: Serializer>(peers: &BTreeMap<TerminalName, String>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(peers.iter().map(|(peer, address)| (peer.to_string(), address)))
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
    use crate::retail::exception::policy::Handling;

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

    /// A field of [`Config`] that is added and cannot be set from a file fails here.
    #[test]
    fn everything_is_set_through_it() {
        let all = "voters = [1]\njoins = true\ngeneration = 3\nrecovery = \"000102030405060708090a0b0c0d0e0f\"\nseed = 4\n\
                   location = 5\nflush_ms = 60000\nbusy_flush_ms = 70000\nbusy_above = 6\nexception_grace_ms = 7\n\
                   unreferenced_returns = false\nbook_differences = true\nbegin_pause_ms = 7\ncampaigns = false\n\
                   replace_voter_after_s = 30\ndisk_stall_after_ms = 500\n\
                   level_after_s = 8\nuplink_timeout_ms = 9000\nuplink_retry_ms = 10000\nleaderless_upload_after_ms = 11000\n\
                   pause_above = 12\nmax_event_bytes = 2048\ndisk_low_below_mib = 17\nmax_open_baskets = 13\nmax_commits = 14\nmax_rows_behind = 15\n\
                   max_peers = 16\n[resolver]\noversold = \"apply\"\nmodel_within_ms = 18\n";
        let setup = setup(all);
        let Config {
            me,
            genesis,
            timing: _,
            delivery: _,
            nonce: _,
            seed,
            flush_interval,
            peak_flush_interval,
            exception_grace,
            policy,
            level: _,
            level_after,
            replace_voter_after,
            disk_stall_after,
            campaigns,
            busy_above,
            uplink_timeout,
            uplink_retry,
            leaderless_upload_after,
            pause_above,
            max_event_bytes,
            disk_low_below,
            location,
            unreferenced_returns,
            book_differences,
            begin_pause,
            max_open_baskets,
            max_commits,
            max_rows_behind,
            max_peers,
        } = setup.config().unwrap();
        let (s, ms) = (Duration::from_secs, Duration::from_millis);
        assert_eq!((me.terminal(), genesis.voters.len(), genesis.generation.0, seed), (2, 1, 3, 4));
        assert!(genesis.recovery.is_some() && !unreferenced_returns && book_differences && !campaigns);
        assert_eq!((flush_interval, peak_flush_interval), (s(60), s(70)));
        assert_eq!((exception_grace, begin_pause, disk_stall_after), (ms(7), ms(7), ms(500)));
        assert_eq!((replace_voter_after, level_after, policy.model_within_ms), (s(30), s(8), Some(18)));
        assert_eq!((uplink_timeout, uplink_retry, leaderless_upload_after), (s(9), s(10), s(11)));
        assert_eq!((location, busy_above, pause_above, max_event_bytes), (5, 6, 12, 2_048));
        assert_eq!((max_open_baskets, max_commits, max_rows_behind, max_peers), (13, 14, 15, 16));
        assert_eq!((disk_low_below, policy.oversold), (17 << 20, Handling::Apply));
        assert_eq!(toml::to_string(&setup).unwrap().parse::<Setup>().unwrap(), setup, "it reads back");
    }

    #[test]
    fn one_number_sets_both_flush_intervals() {
        let flushes = |more| {
            let config = setup(more).config().unwrap();
            (config.flush_interval.as_secs(), config.peak_flush_interval.as_secs())
        };
        assert_eq!(flushes(""), (5, 30));
        assert_eq!(flushes("flush_ms = 60000\n"), (60, 360));
        assert_eq!(flushes("flush_ms = 3600000\n"), (3_600, 3_600));
    }

    #[test]
    fn files_with_incarnations_are_read() {
        let text = "me = \"1-0123456789ab\"\nvoters = [\"1-0123456789ab\", \"2-0123456789ab\"]\ndb = \"till.db\"\n\
                    store = \"000102030405060708090a0b0c0d0e0f\"\nlisten = \"127.0.0.1:0\"\ncloud = \"http://127.0.0.1:9\"\n\
                    flush_interval_ms = 250\njoins = false\n[peers]\n\"2-0123456789ab\" = \"192.168.0.2:7201\"\n";
        let setup: Setup = text.parse().unwrap();
        let config = setup.config().unwrap();
        assert_eq!(config.me.to_string(), "1-0123456789ab");
        assert_eq!(config.genesis.voters[1].to_string(), "2-0123456789ab");
        assert_eq!(config.flush_interval, Duration::from_millis(250));
        assert_eq!((setup.database.as_path(), setup.peers.len()), (Path::new("till.db"), 1));
        assert_eq!(toml::to_string(&setup).unwrap().parse::<Setup>().unwrap(), setup);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (more, named) in [
            ("lokation = 4\n", "lokation"),
            ("location = \"four\"\n", "location"),
            ("[peers]\n2 = \"b:1\"\n", "2 is this terminal"),
            ("[peers]\n1 = \"nowhere\"\n", "peers.1: \"nowhere\" is no host:port"),
            ("[peers]\n0 = \"b:1\"\n", "from 1"),
            ("voters = [0]\n", "start at 1"),
            ("voters = [1]\njoins = false\n", "field voters: this terminal, 2, is not among them"),
            ("voters = [2]\njoins = true\n", "field joins"),
            ("recovery = \"00\"\n", "field recovery"),
        ] {
            let said = refusal(more);
            assert!(said.contains(named), "expected {named}: {said}");
        }
        let short = TEXT.replace("0c0d0e0f", "").parse::<Setup>().unwrap_err().to_string();
        assert!(short.contains("store") && short.contains("32 hexadecimal digits"), "{short}");
    }
}

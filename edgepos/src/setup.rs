//! A terminal from one configuration: SQLite, TCP, HTTP to the cloud and the system's clock, opened by one call.
//!
//! Whoever brings a port of their own starts a [`Driver`](crate::Driver) with it instead.

mod bounds;
pub(crate) mod open;
mod place;
mod reading;
pub(crate) mod security;
pub(crate) mod terminal_name;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
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
use crate::retail::label::Labels;
use crate::terminal::{BusinessDayOf, Config, Genesis, NumberAt, OldEvents};
use crate::zone::Zone;

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
    /// Where the shop stands, by its IANA name such as `Europe/Berlin`.
    #[serde(default, with = "crate::shown::text::maybe", skip_serializing_if = "Option::is_none")]
    pub zone: Option<Zone>,
    /// Whose the business day is: `terminal` or `store`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business_day_of: Option<BusinessDayOf>,
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
    /// Whether connected terminals are told of each sale at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub announce_sales: Option<bool>,
    /// When a receipt gets its number: at `begin` or at `commit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number_at: Option<NumberAt>,
    /// The series whose receipts a fiscal device signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_series: Option<Vec<String>>,
    /// How long a commit waits for the signature of its receipt, in ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_within_ms: Option<u64>,
    /// Whether goods come back without their receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreferenced_returns: Option<bool>,
    /// Whether goods come back on receipts that this terminal does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown_receipts: Option<bool>,
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
    /// Days after which events are put closer together on the disk; 0: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seal_after_days: Option<u32>,
    /// Days after which they are archived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive_after_days: Option<u32>,
    /// What becomes of them then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_events: Option<OldEvents>,
    /// Baskets that may be open and in memory at once.
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
    #[serde(default, deserialize_with = "crate::object::one", skip_serializing_if = "is_default")]
    pub resolver: Policy,
    /// Which numbers have a price, a weight or a count in them.
    #[serde(default, deserialize_with = "crate::object::one", skip_serializing_if = "is_default")]
    pub labels: Labels,
    /// Where the other terminals are, `host:port` by their numbers.
    #[serde(
        default,
        deserialize_with = "place::peers",
        skip_serializing_if = "BTreeMap::is_empty",
        serialize_with = "by_name"
    )]
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

    /// A key of a file says what it may not: for whoever reads a setup as a part of a file of their own.
    pub fn of_field(field: &str, reason: impl fmt::Display) -> Self {
        Self::plain(format!("field {field}: {reason}"))
    }

    /// The key of the file that it is about, such as `flush_ms` or `peers.2`; `None` where it is about no key.
    pub fn field(&self) -> Option<&str> {
        self.what.strip_prefix("field ")?.split(':').next()
    }

    /// The same with the line of `text` in which the key stands, and with the key as it is written there.
    pub fn in_text(mut self, text: &str) -> Self {
        let Some(field) = self.field().map(str::to_owned) else { return self };
        if let Some((line, written)) = place::of(text, &field) {
            let written =
                field.rsplit_once('.').map_or(written.clone(), |(table, _)| format!("{table}.{written}"));
            self.what = format!("line {line}: field {written}{}", &self.what["field ".len() + field.len()..]);
        }
        self
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
            zone: None,
            business_day_of: None,
            flush_ms: None,
            busy_flush_ms: None,
            busy_above: None,
            exception_grace_ms: None,
            resolver: Policy::default(),
            labels: Labels::default(),
            announce_sales: None,
            number_at: None,
            signed_series: None,
            sign_within_ms: None,
            unreferenced_returns: None,
            unknown_receipts: None,
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
            seal_after_days: None,
            archive_after_days: None,
            old_events: None,
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
    /// When it cannot be read, is no TOML, has a field too few or too many, or one says what it may not.
    pub fn read(path: &Path) -> Result<Self, SetupError> {
        let place = path.display().to_string();
        let text = reading::limited(path).map_err(|error| SetupError::because(place.clone(), error))?;
        let mut setup: Self = text.parse().map_err(|error| SetupError::because(place.clone(), error))?;
        setup.config().map_err(|error| SetupError::because(place, error.in_text(&text)))?;
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
            let is_address =
                |(host, port): (&str, &str)| !host.is_empty() && port.parse().is_ok_and(|port: u16| port > 0);
            if !address.rsplit_once(':').is_some_and(is_address) {
                return Err(SetupError::plain(format!("field peers.{peer}: {address:?} is no host:port")));
            }
        }
        if self.database.as_os_str().is_empty() {
            return Err(SetupError::plain(
                "field database: is empty; it names a file, which need not be there yet",
            ));
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
            zone,
            business_day_of,
            flush_ms,
            busy_flush_ms,
            busy_above,
            exception_grace_ms,
            resolver,
            labels,
            announce_sales,
            number_at,
            signed_series,
            sign_within_ms,
            unreferenced_returns,
            unknown_receipts,
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
            seal_after_days,
            archive_after_days,
            old_events,
            max_open_baskets,
            max_commits,
            max_rows_behind,
            max_peers,
        } = self;
        set(&mut config.location, *location);
        set(&mut config.zone, zone.clone());
        set(&mut config.business_day_of, *business_day_of);
        set(&mut config.flush_interval, ms(*flush_ms));
        let busy = (config.flush_interval * 6).min(LONGEST_FLUSH).max(config.flush_interval);
        config.peak_flush_interval = ms(*busy_flush_ms).unwrap_or(busy);
        set(&mut config.busy_above, *busy_above);
        set(&mut config.exception_grace, ms(*exception_grace_ms));
        config.policy = resolver.clone();
        config.labels = labels.clone();
        set(&mut config.announce_sales, *announce_sales);
        set(&mut config.number_at, *number_at);
        set(&mut config.signed_series, signed_series.clone());
        set(&mut config.sign_within, ms(*sign_within_ms));
        set(&mut config.unreferenced_returns, *unreferenced_returns);
        set(&mut config.unknown_receipts, *unknown_receipts);
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
        let days = |days: Option<u32>| days.map(|days| Duration::from_secs(u64::from(days) * 24 * 3600));
        set(&mut config.seal_after, days(*seal_after_days));
        set(&mut config.archive_after, days(*archive_after_days));
        set(&mut config.old_events, *old_events);
        set(&mut config.max_open_baskets, *max_open_baskets);
        set(&mut config.max_commits, *max_commits);
        set(&mut config.max_rows_behind, *max_rows_behind);
        set(&mut config.max_peers, *max_peers);
        bounds::check(&config).map_err(|error| SetupError::plain(error.to_string()))?;
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

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
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

#[cfg(test)]
mod tests;

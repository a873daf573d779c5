//! What a terminal must be told, in TOML.
//!
//! ```toml
//! terminal = 1
//! store = "00000000000000000000000000000001"
//! database = "terminal-1.db"        # beside this file, unless absolute
//! listen = "0.0.0.0:7201"           # for the other terminals
//! cloud = "http://127.0.0.1:7000"
//! identity = "identity"             # made by `enrol`; without it, everything is on this machine
//! till = "127.0.0.1:7101"           # loopback, unless till_token names a file with a token
//!
//! [peers]
//! 2 = "192.168.0.2:7201"
//! 3 = "192.168.0.3:7201"
//! ```
//!
//! All but the till's address and a few keys beside it are [`Setup`]'s, those of files of before included.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use edgepos::{Setup, SetupError, forms};
use edgepos_inference::with_causes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;
use toml::Table;

use super::till_token::TillToken;
use super::webhook::WebhookUrl;

/// Largest file that is read.
const MAX_BYTES: u64 = 1 << 20;
/// Longest patience of a planned stop: systems kill a service that takes longer.
const LONGEST_STOP: Duration = Duration::from_secs(60);

/// A terminal's configuration, checked.
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// What every terminal of edgepos is told.
    pub setup: Setup,
    /// Where the till calls. A loopback address, unless there is a token: whoever can call it can sell.
    pub till: SocketAddr,
    /// What a call must show.
    pub till_token: Option<TillToken>,
    /// How long a planned stop may wait for the cloud to hold the last events, at most a minute. Default 5 s.
    pub stop_patience: Duration,
    /// How long a model may take to answer before the cashier keys the product in; an engine that is slower than this on a known
    /// sample is not used. Default 300 ms.
    pub recognition_deadline: Duration,
    /// Where the models are. Default: those of the source tree that this program was built from.
    pub models: PathBuf,
    /// Who is told what someone must act on, beside the log. Default: nobody.
    pub alerts_webhook: Option<WebhookUrl>,
    /// The fiscal device that signs receipts. Without one those of [signed series](edgepos::Config::signed_series) are booked unsigned.
    pub signer: Option<WebhookUrl>,
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
}

/// The file as it is written.
#[derive(Debug, Serialize)]
pub(crate) struct File {
    #[serde(flatten)]
    pub(crate) own: Own,
    #[serde(flatten)]
    pub(crate) setup: Setup,
}

/// What this program reads beside it.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Own {
    pub(crate) till: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) till_token: Option<PathBuf>,
    pub(crate) stop_patience_ms: Option<u64>,
    pub(crate) recognition_deadline_ms: Option<u64>,
    pub(crate) models: Option<PathBuf>,
    pub(crate) alerts_webhook: Option<WebhookUrl>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signer: Option<WebhookUrl>,
}

impl Own {
    const KEYS: [&str; 7] = [
        "till",
        "till_token",
        "stop_patience_ms",
        "recognition_deadline_ms",
        "models",
        "alerts_webhook",
        "signer",
    ];
}

impl Config {
    /// Reads and checks a file. A relative `database` is beside it.
    ///
    /// # Errors
    /// [`ConfigError`], naming the file and the field.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::Read { path: path.to_owned(), source };
        let malformed = |reason| ConfigError::Malformed { path: path.to_owned(), reason };
        if fs::metadata(path).map_err(unreadable)?.len() > MAX_BYTES {
            return Err(malformed(format!("is larger than {MAX_BYTES} bytes")));
        }
        let text = fs::read_to_string(path).map_err(unreadable)?;
        let plain = |error: toml::de::Error| malformed(forms::explain(error.to_string().trim_end(), None));
        let all: Table = toml::from_str(&text).map_err(plain)?;
        let said = serde_json::to_value(&all).ok();
        let explained = |error: toml::de::Error| malformed(placed(&error.to_string(), said.as_ref(), &text));
        let (own, setup): (Table, Table) =
            all.into_iter().partition(|(key, _)| Own::KEYS.contains(&key.as_str()));
        let setup: Setup = setup.try_into().map_err(explained)?;
        let own: Own = own.try_into().map_err(explained)?;
        check((path, &text), own, setup)
    }
}

/// What is wrong of a table that was cut out of the file, with the line: `toml` names the keys behind the error alone, in a line of its own.
fn placed(error: &str, said: Option<&Value>, text: &str) -> String {
    let error = error.trim_end();
    match error.rsplit_once("\nin `") {
        Some((reason, field)) => {
            SetupError::of_field(field.trim_end_matches('`'), forms::explain(reason, None))
                .in_text(text)
                .to_string()
        }
        None => forms::explain(error, said),
    }
}

fn check((path, text): (&Path, &str), own: Own, mut setup: Setup) -> Result<Config, ConfigError> {
    let told = |error: SetupError| {
        let reason = with_causes(&error.in_text(text));
        ConfigError::Malformed { path: path.to_owned(), reason }
    };
    let wrong = |field: &str, reason: String| told(SetupError::of_field(field, reason));
    if setup.voters.is_some() {
        // Whoever lists the voters and is not among them says so, lest a slip of the pen makes a second store.
        setup.joins.get_or_insert(false);
    }
    setup.config().map_err(told)?;
    let till: SocketAddr = own
        .till
        .parse()
        .map_err(|_| wrong("till", format!("{:?} is no address such as 127.0.0.1:7101", own.till)))?;
    if till == setup.listen && till.port() > 0 {
        return Err(wrong("till", format!("{till} is where listen takes the calls of other terminals")));
    }
    let beside = path.parent().unwrap_or(Path::new(""));
    let token = own.till_token.map(|token| {
        let token = beside.join(token);
        TillToken::read(&token).map_err(|error| wrong("till_token", format!("{}: {error}", token.display())))
    });
    let till_token = token.transpose()?;
    if till_token.is_none() && !till.ip().is_loopback() {
        let said = "whoever can call it can sell; name a file with a token as till_token";
        return Err(wrong("till", format!("{till} is no loopback address, and {said}")));
    }
    let stop_patience = Duration::from_millis(own.stop_patience_ms.unwrap_or(5_000));
    if stop_patience > LONGEST_STOP {
        return Err(wrong("stop_patience_ms", format!("is more than {LONGEST_STOP:?}")));
    }
    setup.place_beside(path);
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models");
    Ok(Config {
        setup,
        till,
        till_token,
        stop_patience,
        recognition_deadline: Duration::from_millis(own.recognition_deadline_ms.unwrap_or(300)),
        models: own.models.map_or_else(|| models.into(), |models| beside.join(models)),
        alerts_webhook: own.alerts_webhook,
        signer: own.signer,
    })
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
        assert_eq!((config.setup.terminal.number(), config.setup.peers.len()), (1, 1));
        let terminal = config.setup.config().unwrap();
        assert_eq!(terminal.flush_interval, Duration::from_secs(5));
        assert_eq!(terminal.me.to_string(), "1-0123456789ab", "a file of before names incarnations");
        assert_eq!(terminal.genesis.voters[1].to_string(), "2-0123456789ab");
    }

    /// Every key that a file could have in 0.1.0 is read, and says what it said.
    #[test]
    fn a_file_of_before_is_read_whole() {
        let more = "generation = 2\nrecovery = \"000102030405060708090a0b0c0d0e0f\"\njoins = false\nseed = 7\n\
                    flush_interval_ms = 250\nexception_grace_ms = 9\nstop_patience_ms = 1000\n\
                    unreferenced_returns = false\nrecognition_deadline_ms = 77\nmodels = \"m\"\n";
        let config = read(&format!("{more}{GOOD}")).unwrap();
        let terminal = config.setup.config().unwrap();
        assert_eq!((terminal.genesis.generation.0, terminal.seed), (2, 7));
        assert!(terminal.genesis.recovery.is_some() && !terminal.unreferenced_returns);
        assert_eq!(terminal.flush_interval, Duration::from_millis(250));
        assert_eq!(terminal.peak_flush_interval, Duration::from_millis(1_500));
        assert_eq!(terminal.exception_grace, Duration::from_millis(9));
        assert_eq!(config.stop_patience, Duration::from_secs(1));
        assert_eq!(config.recognition_deadline, Duration::from_millis(77));
        assert!(config.models.ends_with("m") && config.setup.database.ends_with("t.db"));
    }

    #[test]
    fn numbers_alone_will_do() {
        let text =
            GOOD.replace("1-0123456789ab", "1").replace("2-0123456789ab", "2").replace("me =", "terminal =");
        let config = read(&text).unwrap();
        let voters = config.setup.config().unwrap().genesis.voters;
        assert_eq!(voters.iter().map(|voter| voter.terminal()).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn what_is_written_reads_back() {
        let config = read(GOOD).unwrap();
        let own = Own {
            till: config.till.to_string(),
            till_token: None,
            stop_patience_ms: Some(5_000),
            recognition_deadline_ms: None,
            models: None,
            alerts_webhook: Some("http://127.0.0.1:9/hook".parse().unwrap()),
            signer: Some("http://127.0.0.1:9/sign".parse().unwrap()),
        };
        let text = toml::to_string(&File { own, setup: config.setup.clone() }).unwrap();
        let again = read(&text).unwrap();
        assert_eq!(again.setup, config.setup, "{text}");
        assert_eq!(again.alerts_webhook, "http://127.0.0.1:9/hook".parse().ok());
        assert_eq!(again.signer, "http://127.0.0.1:9/sign".parse().ok());
        for good in ["http://manager/hook", "http://[::1]/hook", "http://[::1]:80/hook"] {
            assert!(good.parse::<WebhookUrl>().is_ok(), "{good}");
        }
    }

    #[test]
    fn each_mistake_names_the_file_and_the_field() {
        for (from, to, field) in [
            (
                "me = \"1-0123456789ab\"",
                "me = \"one\"",
                "line 3: field me: \"one\": expected the number of a terminal",
            ),
            ("me = \"1-0123456789ab\"", "me = \"3-0123456789ab\"", "field voters"),
            ("till = \"127.0.0.1:0\"", "till = \"0.0.0.0:0\"", "line 6: field till"),
            ("till = \"127.0.0.1:0\"", "till = \"here\"", "field till"),
            ("till = \"127.0.0.1:0\"", "till = \"127.0.0.1:0\"\ntill_token = \"absent\"", "field till_token"),
            (
                "db = \"t.db\"",
                "db = \"t.db\"\nalerts_webhook = \"https://x\"",
                "expected http://host:port/path",
            ),
            (
                "db = \"t.db\"",
                "db = \"t.db\"\nalerts_webhook = \"http://x:99999/hook\"",
                "expected http://host:port/path",
            ),
            (
                "db = \"t.db\"",
                "db = \"t.db\"\nsigner = \"http://[::1]:/sign\"",
                "expected http://host:port/path",
            ),
            ("db = \"t.db\"", "db = \"\"", "line 5: field db: is empty"),
            (
                "till = \"127.0.0.1:0\"\n        listen = \"127.0.0.1:0\"",
                "till = \"127.0.0.1:7201\"\n        listen = \"127.0.0.1:7201\"",
                "field till: 127.0.0.1:7201 is where listen",
            ),
            ("listen = \"127.0.0.1:0\"", "listen = \"\"", "line 7: field listen: "),
            ("http://127.0.0.1:7000", "ftp://x", "field cloud"),
            ("127.0.0.1:7202", "nowhere", "field peers.2-0123456789ab"),
            (
                "db = \"t.db\"",
                "db = \"t.db\"\nflush_interval_ms = 0",
                "line 6: field flush_interval_ms: is out of its",
            ),
            (
                "db = \"t.db\"",
                "db = \"t.db\"\nmax_commits = 0",
                "line 6: field max_commits: is out of its bounds",
            ),
            ("http://127.0.0.1:7000", "http://h:x", "line 8: field cloud: invalid cloud URL"),
            ("me = \"1-0123456789ab\"", "me = 65535", "from 1 to 65534"),
            ("db = \"t.db\"", "db = \"t.db\"\ndatabse = 1", "unknown field `databse`"),
            ("db = \"t.db\"", "db = \"t.db\"\nflush_mss = 1", "did you mean `flush_ms`?"),
            ("store = \"00000000000000000000000000000001\"", "", "missing field `store`"),
            ("store = \"0000", "store = \"x000", "line 2: field store: expected 32 hexadecimal digits"),
            (
                "db = \"t.db\"",
                "db = \"t.db\"\nbusiness_day_of = \"shop\"",
                "line 6: field business_day_of: unknown variant `shop`",
            ),
            (
                "[peers]",
                "[labels]\ncountry = \"SW\"\n[peers]",
                "line 10: field labels.country: unknown variant `SW`",
            ),
        ] {
            let error = read(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains("terminal.toml") && error.contains(field), "{to}: {error}");
        }
    }
}

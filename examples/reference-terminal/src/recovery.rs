//! The manager's recovery kit on the command line: make it, lead a store on with one survivor, let another follow.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Subcommand;
use edgepos::core::{ReplicaId, StoreGeneration};
use edgepos::recovery::{self, Recovery, RecoveryCode, RecoveryKit};
use edgepos::{Genesis, SqliteStore};
use thiserror::Error;

use crate::names::{NameError, hex, parse_replica};
use crate::run;

/// Codes that a new kit prints.
const CODES: u32 = 8;

/// What to do with a kit.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Make a kit: an anchor for every terminal's configuration, and codes to print and lock away
    Kit,
    /// Lead the store on with this stopped terminal alone; prints the record that other survivors need
    Recover {
        /// The stopped terminal's configuration, as it ran
        #[arg(long, value_name = "FILE.toml")]
        config: PathBuf,
        /// The kit's next code
        #[arg(long, value_name = "CODE")]
        code: RecoveryCode,
    },
    /// Let this stopped terminal follow the one that was recovered
    Adopt {
        /// The stopped terminal's configuration, as it ran
        #[arg(long, value_name = "FILE.toml")]
        config: PathBuf,
        /// The code that the survivor was recovered with
        #[arg(long, value_name = "CODE")]
        code: RecoveryCode,
        /// What `recover` printed
        #[arg(long, value_name = "RECORD", value_parser = parse_record)]
        record: Recovery,
    },
}

/// Why it was not done. Nothing was changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ActionError {
    /// The configuration does not do.
    #[error(transparent)]
    Config(#[from] run::ConfigError),
    /// A field of it says what it may not.
    #[error(transparent)]
    Setup(#[from] edgepos::SetupError),
    /// There is no database to recover: opening one would make it.
    #[error("{}: there is no such database", path.display())]
    Missing {
        /// Where the file should be.
        path: PathBuf,
    },
    /// The database cannot be opened; the terminal may be running.
    #[error("{}: {source}", path.display())]
    Open {
        /// Where the file should be.
        path: PathBuf,
        /// What the call beneath it says.
        source: edgepos::StoreError,
    },
    /// It is refused.
    #[error("{}: {source}", path.display())]
    Refused {
        /// Where the terminal's database is.
        path: PathBuf,
        /// What the call beneath it says.
        source: recovery::RecoveryError,
    },
    /// This machine gives no random bytes.
    #[error("no random bytes: {0}")]
    Random(String),
}

impl Action {
    /// Does it, and says what to do next.
    ///
    /// # Errors
    /// [`ActionError`]; nothing was changed then.
    pub fn run(&self) -> Result<String, ActionError> {
        match self {
            Self::Kit => kit(),
            Self::Recover { config, code } => {
                let terminal = Stopped::open(config)?;
                let record = terminal.recover(code)?;
                let (generation, me) = (record.generation, record.survivor);
                Ok(format!(
                    "record: {}\n\
                     Terminal {me} leads on alone. Its log has {} positions, {} of them known to be decided before.\n\
                     Now set generation = {generation} in its configuration and start it. For each other survivor run `adopt` with\n\
                     this code and record, then set generation = {generation}, voters = [\"{me}\"] and joins = true, start it, and\n\
                     admit it on this one (POST /admit). The same settings are right for a replacement, which adopts nothing.\n",
                    record_text(&record),
                    record.last,
                    record.decided,
                ))
            }
            Self::Adopt { config, code, record } => {
                let terminal = Stopped::open(config)?;
                let me = terminal.me;
                terminal.adopt(code, record)?;
                Ok(format!(
                    "Terminal {me} follows {}. Now set generation = {}, voters = [\"{}\"] and joins = true, start it, and admit it\n\
                     on that one (POST /admit).\n",
                    record.survivor, record.generation, record.survivor,
                ))
            }
        }
    }
}

fn kit() -> Result<String, ActionError> {
    let mut secret = [0; 16];
    getrandom::fill(&mut secret).map_err(|error| ActionError::Random(error.to_string()))?;
    let kit = RecoveryKit::from_secret(secret);
    let mut text = format!("recovery = \"{}\"\n\n", hex(&kit.anchor().0));
    text.push_str("The line above belongs into the configuration of every terminal. Print the codes, lock them away, and use each once:\n");
    for code in (1..=CODES).filter_map(|generation| kit.code(StoreGeneration(generation))) {
        text.push_str(&format!("  {code}\n"));
    }
    Ok(text)
}

/// A terminal that does not run.
struct Stopped {
    path: PathBuf,
    store: SqliteStore,
    me: ReplicaId,
    genesis: Genesis,
}

impl Stopped {
    fn open(config: &std::path::Path) -> Result<Self, ActionError> {
        let setup = run::Config::read(config)?.setup;
        let edgepos::Config { me, genesis, .. } = setup.config()?;
        let path = setup.database;
        if !path.is_file() {
            return Err(ActionError::Missing { path });
        }
        match SqliteStore::open(&path) {
            Ok(store) => Ok(Self { path, store, me, genesis }),
            Err(source) => Err(ActionError::Open { path, source }),
        }
    }

    fn recover(mut self, code: &RecoveryCode) -> Result<Recovery, ActionError> {
        recovery::recover(&mut self.store, self.me, &self.genesis, code)
            .map_err(|source| ActionError::Refused { path: self.path, source })
    }

    fn adopt(mut self, code: &RecoveryCode, record: &Recovery) -> Result<(), ActionError> {
        recovery::adopt(&mut self.store, self.me, &self.genesis, code, record)
            .map_err(|source| ActionError::Refused { path: self.path, source })
    }
}

/// A recovery as one word: generation, survivor, last position, its term, last decided position, terminals left out.
fn record_text(recovery: &Recovery) -> String {
    let Recovery { generation, survivor, last, last_term, decided, left_out } = recovery;
    format!("{generation}/{survivor}/{last}/{last_term}/{decided}/{left_out}")
}

/// A record that `recover` did not print.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
enum RecordTextError {
    #[error("a record has six parts: generation/survivor/last/term/decided/left out")]
    Parts,
    #[error("{part}: {text:?} is not a number")]
    Number { part: &'static str, text: String },
    #[error("survivor: {0}")]
    Survivor(#[from] NameError),
}

fn parse_record(text: &str) -> Result<Recovery, RecordTextError> {
    let parts: Vec<_> = text.split('/').collect();
    let [generation, survivor, last, last_term, decided, left_out] = parts[..] else {
        return Err(RecordTextError::Parts);
    };
    fn number<T: FromStr>(part: &'static str, text: &str) -> Result<T, RecordTextError> {
        text.parse().map_err(|_| RecordTextError::Number { part, text: text.to_owned() })
    }
    Ok(Recovery {
        generation: StoreGeneration(number("generation", generation)?),
        survivor: parse_replica(survivor)?,
        last: number("last", last)?,
        last_term: number("term", last_term)?,
        decided: number("decided", decided)?,
        left_out: number("left out", left_out)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_back() {
        let recovery = Recovery {
            generation: StoreGeneration(2),
            survivor: ReplicaId::new(3, 0xABC),
            last: 17,
            last_term: 5,
            decided: 16,
            left_out: 4,
        };
        assert_eq!(parse_record(&record_text(&recovery)), Ok(recovery));
        for bad in
            ["", "1/2", "1/3-000000000abc/1/1/1", "1/3-000000000abc/1/1/1/x", "x/3-000000000abc/1/1/1/1"]
        {
            assert!(parse_record(bad).is_err(), "{bad}");
        }
    }
}

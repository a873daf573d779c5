//! What a person breaks and mends by hand: processes, links, disks, the way to the cloud.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use edgepos::{Clock, SystemClock};
use edgepos_authority::{Authority, AuthorityError, Holder};
use rusqlite::{Connection, OpenFlags};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::process::Command;
use toml::{Table, Value};

use super::draw::draw;
use super::error::DemoError;
use super::places::{authority_dir, db_path};
use super::process::State;
use super::proxy::Weather;
use super::supervisor::Supervisor;

/// How long each piece takes to a slow cloud and back.
const SLOW: Duration = Duration::from_millis(1_500);
/// Files that SQLite has beside a database while it is open.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// How the cloud is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CloudState {
    #[default]
    On,
    Off,
    Slow,
    Refusing,
}

/// Something could not be broken, or not be mended.
#[derive(Debug, Error)]
pub(super) enum FaultError {
    #[error("terminal {0} is down: start it first")]
    Down(usize),
    #[error("this system has no signal to stop a process with")]
    NoSignal,
    #[error("{what}: {source}")]
    Io { what: String, source: io::Error },
    #[error("{}: {source}", path.display())]
    Copy { path: PathBuf, source: rusqlite::Error },
    #[error("no copy of the disk was made")]
    NoCopy,
    #[error("the configuration does not read: {0}")]
    Config(String),
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error(transparent)]
    Draw(#[from] DemoError),
}

/// What is broken at the moment.
#[derive(Debug)]
pub(super) struct Faults {
    supervisor: Arc<Supervisor>,
    dir: PathBuf,
    broken: Mutex<Broken>,
}

#[derive(Debug, Default)]
struct Broken {
    /// Stopped processes, by terminal.
    frozen: BTreeMap<usize, u32>,
    cloud: CloudState,
}

impl Faults {
    pub(super) fn new(supervisor: Arc<Supervisor>, dir: &Path) -> Self {
        Self { supervisor, dir: dir.to_owned(), broken: Mutex::default() }
    }

    /// SIGKILL; it stays dead.
    pub(super) async fn hold(&self, terminal: usize) {
        self.supervisor.process(terminal).hold().await;
        self.broken().frozen.remove(&terminal);
    }

    /// Starts what was killed.
    pub(super) async fn start(&self, terminal: usize) {
        self.supervisor.process(terminal).release().await;
    }

    /// Whether it was killed and not started again.
    pub(super) fn is_held(&self, terminal: usize) -> bool {
        *self.supervisor.process(terminal).state().borrow() == State::Held
    }

    /// SIGSTOP: its connections stay, and nothing answers.
    pub(super) async fn freeze(&self, terminal: usize) -> Result<(), FaultError> {
        let pid = self.supervisor.process(terminal).pid().ok_or(FaultError::Down(terminal + 1))?;
        signal("-STOP", pid).await?;
        self.broken().frozen.insert(terminal, pid);
        Ok(())
    }

    /// SIGCONT.
    pub(super) async fn thaw(&self, terminal: usize) -> Result<(), FaultError> {
        let pid = self.broken().frozen.remove(&terminal);
        match pid.filter(|pid| self.supervisor.process(terminal).pid() == Some(*pid)) {
            Some(pid) => signal("-CONT", pid).await,
            None => Ok(()),
        }
    }

    pub(super) fn is_frozen(&self, terminal: usize) -> bool {
        let frozen = self.broken().frozen.get(&terminal).copied();
        frozen.is_some_and(|pid| self.supervisor.process(terminal).pid() == Some(pid))
    }

    /// Makes the cloud so.
    pub(super) async fn set_cloud(&self, state: CloudState) {
        let process = self.supervisor.cloud_process();
        let weather = match state {
            CloudState::On | CloudState::Off => Weather::Clear,
            CloudState::Slow => Weather::Slow(SLOW),
            CloudState::Refusing => Weather::Refusing,
        };
        self.supervisor.set_cloud_weather(weather);
        if state == CloudState::Off {
            process.hold().await;
        } else {
            process.release().await;
        }
        self.broken().cloud = state;
    }

    pub(super) fn cloud(&self) -> CloudState {
        self.broken().cloud
    }

    /// Copies every disk as it is, in the place of an earlier copy. Blocks.
    pub(super) fn copy_disks(&self) -> Result<(), FaultError> {
        (0..self.supervisor.len()).try_for_each(|terminal| {
            let (from, to) = (db_path(&self.dir, Some(terminal)), self.copy_path(terminal));
            remove(&to)?;
            copy(&from, &to).map_err(|source| FaultError::Copy { path: from, source })
        })
    }

    /// Puts the copy back in the place of the disk of a terminal that is down.
    pub(super) fn put_back(&self, terminal: usize) -> Result<(), FaultError> {
        let (copy, disk) = (self.copy_path(terminal), db_path(&self.dir, Some(terminal)));
        if !copy.is_file() {
            return Err(FaultError::NoCopy);
        }
        for part in BESIDE {
            remove(&beside(&disk, part))?;
        }
        fs::copy(&copy, &disk).map_err(|source| io_error(&disk, source))?;
        Ok(())
    }

    /// Sets another box up in the place of a terminal that is down: an empty disk, an identity of its own, another name. Says the name.
    pub(super) fn furnish(&self, terminal: usize) -> Result<String, FaultError> {
        let number = self.supervisor.id(terminal).terminal();
        let disk = db_path(&self.dir, Some(terminal));
        // Whoever has replaced it before has left its files behind.
        let identity_of = |boxes: u32| self.dir.join(format!("terminal-{number}.identity-{boxes}"));
        let is_free =
            |boxes: &u32| !identity_of(*boxes).exists() && !beside(&disk, &format!(".gone-{boxes}")).exists();
        let boxes = (1..).find(is_free).expect("a folder has fewer files than there are numbers");
        for part in [""].into_iter().chain(BESIDE) {
            let (from, to) = (beside(&disk, part), beside(&disk, &format!(".gone-{boxes}{part}")));
            if from.exists() {
                fs::rename(&from, &to).map_err(|source| io_error(&from, source))?;
            }
        }
        let identity = identity_of(boxes);
        let mut authority = Authority::open(&authority_dir(&self.dir))?;
        authority.issue(number, Holder::InPlace, &identity, SystemClock::new().now().wall)?;
        let [a, b, c, d, e, f, ..] = draw()?;
        let name = format!("{number}-{a:02x}{b:02x}{c:02x}{d:02x}{e:02x}{f:02x}");
        self.configure(terminal, |config| {
            config.insert("terminal".into(), Value::String(name.clone()));
            config.insert("joins".into(), Value::Boolean(true));
            config.insert("identity".into(), Value::String(identity.display().to_string()));
        })?;
        Ok(name)
    }

    /// Changes the file of a terminal that is down.
    pub(super) fn configure(
        &self,
        terminal: usize,
        change: impl FnOnce(&mut Table),
    ) -> Result<(), FaultError> {
        let number = self.supervisor.id(terminal).terminal();
        let path = self.dir.join(format!("terminal-{number}.toml"));
        let text = fs::read_to_string(&path).map_err(|source| io_error(&path, source))?;
        let mut config: Table =
            text.parse().map_err(|error: toml::de::Error| FaultError::Config(error.to_string()))?;
        change(&mut config);
        let text = toml::to_string(&config).map_err(|error| FaultError::Config(error.to_string()))?;
        fs::write(&path, text).map_err(|source| io_error(&path, source))
    }

    /// Mends all of it.
    pub(super) async fn mend(&self) {
        let frozen: BTreeSet<usize> = self.broken().frozen.keys().copied().collect();
        for terminal in frozen {
            if let Err(error) = self.thaw(terminal).await {
                tracing::warn!(terminal, %error, "it stays frozen");
            }
        }
        for terminal in 0..self.supervisor.len() {
            self.start(terminal).await;
            self.supervisor.heal(terminal);
        }
        self.set_cloud(CloudState::On).await;
    }

    fn copy_path(&self, terminal: usize) -> PathBuf {
        self.dir.join(format!("terminal-{}.copy.db", terminal + 1))
    }

    fn broken(&self) -> MutexGuard<'_, Broken> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A consistent copy of a database that another process has open.
fn copy(from: &Path, to: &Path) -> rusqlite::Result<()> {
    let connection = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.execute("VACUUM INTO ?1", [to.display().to_string()]).map(drop)
}

fn beside(disk: &Path, part: &str) -> PathBuf {
    let mut name = disk.as_os_str().to_owned();
    name.push(part);
    name.into()
}

fn remove(path: &Path) -> Result<(), FaultError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(path, error)),
        _ => Ok(()),
    }
}

fn io_error(path: &Path, source: io::Error) -> FaultError {
    FaultError::Io { what: path.display().to_string(), source }
}

/// By the program `kill`, which every Unix has: the standard library can only end a process.
async fn signal(which: &str, pid: u32) -> Result<(), FaultError> {
    if !cfg!(unix) {
        return Err(FaultError::NoSignal);
    }
    let sent = Command::new("kill").args([which, &pid.to_string()]).output().await;
    match sent {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Err(FaultError::Io { what: format!("kill {which} {pid}"), source: io::Error::other(said) })
        }
        Err(source) => Err(FaultError::Io { what: "kill".into(), source }),
    }
}

//! A whole store on one machine, and the proof that it loses nothing.
//!
//! The supervisor starts a cloud and the terminals, each a process of its own, and puts a proxy into every link. It fills the shelves,
//! sells the baskets of a file at the tills, and meanwhile kills and cuts off what it may. It keeps its own book of what tills were
//! told. At the end it stops everything and compares the files ([`verify()`]).

mod director;
mod draw;
mod error;
mod figures;
mod json;
mod ledger;
mod observer;
mod options;
mod places;
mod plan;
mod process;
mod proxy;
mod register;
mod replayer;
mod report;
mod screen;
mod seen;
mod supervisor;
mod table;
mod verify;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

use director::Director;
pub use error::{DemoError, StartFailure};
use figures::Figures;
pub use figures::Percentiles;
use ledger::Ledger;
pub use ledger::{Acknowledged, Entry, LedgerError};
use observer::Observer;
pub use options::Options;
use places::{ledger_path, manifest_path};
use plan::Plan;
use register::Registers;
pub use report::Report;
use report::{Summary, Target};
use screen::Screen;
use supervisor::{Ports, Supervisor};
use table::Table;
use verify::Manifest;
pub use verify::{Evidence, Verdict, VerifyError, verify};

use crate::lifeline;
use crate::replay;

/// How long the first election may take. A vote is on disk before it is sent: where a flush takes longer than the election's
/// timeout, because something else keeps the disk busy, several rounds fail before one succeeds.
const ELECTION_LIMIT: Duration = Duration::from_secs(120);
/// How long everybody may take to hold everything, once nothing is cut any more.
const SETTLE_LIMIT: Duration = Duration::from_secs(180);

/// How a demo came to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// Every check holds.
    Green,
    /// A check does not hold; the report says which.
    Failed,
    /// Somebody stopped it. No report was written.
    Interrupted,
}

/// Does it all, and prints how it goes on standard output.
///
/// # Errors
/// [`DemoError`] where it could not be done. A check that does not hold is no error: it is in the report.
pub async fn run(options: Options) -> Result<Ending, DemoError> {
    let began = Instant::now();
    let data = options.data.clone().unwrap_or_else(replay::shipped_week);
    let baskets = replay::read_baskets(&data, &replay::Limits::default())?;
    let names = replay::read_products(&replay::shipped_products());
    let plan = Plan::new(&baskets, &names, usize::from(options.terminals), options.duration, options.seed)?;
    drop((baskets, names));
    let target = options.report.as_deref().map(target).transpose()?;
    let ports = Ports::new(options.base_port, usize::from(options.terminals))?;
    let dir = Dir::new(options.dir.as_deref())?;
    let ledger =
        Ledger::create(&ledger_path(dir.path())).map_err(|error| DemoError::io("the ledger", error))?;

    let screen = Screen::new(options.headless, usize::from(options.terminals));
    screen.say(&format!(
        "{} customers from {}, {} products, terminals: {}, seed {}; files in {}",
        plan.customers(),
        data.display(),
        plan.products,
        options.terminals,
        options.seed,
        dir.path().display()
    ));
    screen.phase("starting the cloud and the terminals", 1);
    let store = tokio::select! {
        started = Supervisor::start(&options, &ports, dir.path()) => started,
        () = lifeline::asked_to_stop() => return Ok(Ending::Interrupted),
    };
    let (supervisor, deaths) = match store {
        Ok(store) => store,
        Err(error) => {
            screen.close();
            if error.is_usage() {
                dir.discard();
            }
            return Err(error);
        }
    };
    let figures = Arc::new(Figures::default());
    let registers = Registers {
        supervisor: Arc::clone(&supervisor),
        ledger: Arc::new(ledger),
        figures: Arc::clone(&figures),
    };
    let observer = Observer::new(Arc::clone(&supervisor), Arc::clone(&figures));
    let watching = observer.watch(deaths, screen.clone());
    let table = Table {
        supervisor: Arc::clone(&supervisor),
        observer: Arc::clone(&observer),
        figures: Arc::clone(&figures),
        ledger: Arc::clone(&registers.ledger),
    };
    let drawing = screen.draw(move || table.lines());

    let shift = Shift { options: &options, registers: &registers, observer: &observer, screen: &screen };
    let worked = tokio::select! {
        worked = shift.work(plan) => worked,
        () = lifeline::asked_to_stop() => {
            drop(drawing);
            screen.close();
            supervisor.stop().await;
            screen.say("interrupted: every process is stopped, and no report was written");
            return Ok(Ending::Interrupted);
        }
    };
    screen.phase("stopping", 1);
    drop(watching);
    supervisor.stop().await;
    drop(drawing);
    screen.close();
    let provoked = worked.unwrap_or_else(|error| {
        // What was acknowledged until then must be there all the same.
        figures.find(format!("the run ended early: {error}"));
        BTreeMap::new()
    });

    let acknowledged = registers.ledger.acknowledged();
    let manifest =
        Manifest { store: supervisor.store.to_string(), terminals: supervisor.len(), exceptions: provoked };
    let path = manifest_path(dir.path());
    let text = serde_json::to_vec_pretty(&manifest).expect("a plain struct with text keys");
    std::fs::write(&path, text).map_err(|error| DemoError::io(path.display(), error))?;
    screen.say("comparing the files of all terminals, the cloud and the ledger");
    let verdict = verify(&Evidence::of_demo(dir.path())?)?;
    let report = report(&options, &acknowledged, &figures, &supervisor, verdict, began.elapsed());
    screen.say(&Summary { report: &report, story: &figures.story() }.to_string());
    if let Some(target) = target {
        let path = options.report.clone().unwrap_or_default();
        target.write(&report).map_err(|error| DemoError::io(path.display(), error))?;
    }
    if report.ok {
        return Ok(Ending::Green);
    }
    screen.say(&format!("the files are kept in {}", dir.keep().display()));
    Ok(Ending::Failed)
}

/// What the store does between its start and its end.
struct Shift<'a> {
    options: &'a Options,
    registers: &'a Registers,
    observer: &'a Arc<Observer>,
    screen: &'a Screen,
}

impl Shift<'_> {
    /// Says which exceptions were provoked, by type.
    async fn work(&self, mut plan: Plan) -> Result<BTreeMap<String, u64>, DemoError> {
        let Self { options, registers, observer, screen } = self;
        let until = Instant::now() + ELECTION_LIMIT;
        while observer.find_leader().await.is_none() {
            if Instant::now() > until {
                return Err(DemoError::Broken(format!("no terminal led within {ELECTION_LIMIT:?}")));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let records = plan.stocking.iter().map(Vec::len).sum();
        screen.phase("filling the shelves: products, prices, goods receipts", records);
        replayer::stock(registers, &mut plan, screen).await?;
        if let Err(lacking) = replayer::settle(registers, observer, false, SETTLE_LIMIT).await? {
            registers.figures.find(format!("the shelves were not known everywhere in time: {lacking}"));
        }
        screen.phase("selling", plan.customers());
        let director = Director {
            registers: (*registers).clone(),
            observer: Arc::clone(observer),
            screen: (*screen).clone(),
            duration: options.duration,
            seed: options.seed,
        };
        let twice = plan.twice.take();
        let picture = options.models.join("samples/espresso.png");
        let start = Instant::now();
        let (sold, directed) = tokio::join!(
            replayer::sell(registers, &mut plan, start, screen),
            director.direct(start, twice.as_ref(), &picture),
        );
        sold?;
        let provoked = directed?;
        screen.phase("closing the day, and waiting until everybody holds everything", 1);
        replayer::close(registers).await?;
        if let Err(lacking) = replayer::settle(registers, observer, true, SETTLE_LIMIT).await? {
            registers
                .figures
                .find(format!("not everybody held everything after {SETTLE_LIMIT:?}: {lacking}"));
        }
        Ok(provoked)
    }
}

fn report(
    options: &Options,
    acknowledged: &Acknowledged,
    figures: &Figures,
    supervisor: &Supervisor,
    verdict: Verdict,
    took: Duration,
) -> Report {
    let findings = [figures.findings(), verdict.findings].concat();
    let returns =
        acknowledged.receipts.iter().filter(|entry| entry.kind == edgepos::model::DocType::Return).count();
    let (lan, cloud) = supervisor.bytes_on_wire();
    Report {
        ok: findings.is_empty(),
        findings,
        sales: (acknowledged.receipts.len() - returns) as u64,
        returns: returns as u64,
        events_recorded: verdict.events_recorded,
        events_in_cloud: verdict.events_in_cloud,
        lost: verdict.lost,
        duplicated: verdict.duplicated,
        converged: verdict.converged,
        stock_mismatches: verdict.stock_mismatches,
        failovers_ms: figures.failovers(),
        sale_commit_ms: figures.commit_ms(),
        sync_lag_ms: figures.lag_ms(),
        bytes_on_wire: lan + cloud,
        bytes_between_terminals: lan,
        bytes_to_cloud: cloud,
        json_bytes: verdict.json_bytes,
        terminals: options.terminals,
        unplanned_restarts: figures.restarts(),
        skipped: figures.skipped(),
        seconds: (took.as_secs_f64() * 10.0).round() / 10.0,
    }
}

fn target(path: &Path) -> Result<Target, DemoError> {
    Target::new(path).map_err(|source| DemoError::Report { path: path.to_owned(), source })
}

/// Where the files of a run are.
enum Dir {
    Temporary(TempDir),
    Kept { path: PathBuf, made: bool },
}

impl Dir {
    fn new(kept: Option<&Path>) -> Result<Self, DemoError> {
        let Some(path) = kept else {
            let dir = tempfile::Builder::new().prefix("edgepos-demo-").tempdir();
            return dir.map(Self::Temporary).map_err(|error| DemoError::io("a temporary directory", error));
        };
        let failed = |reason: String| DemoError::Dir { path: path.to_owned(), reason };
        let made = !path.exists();
        std::fs::create_dir_all(path).map_err(|error| failed(error.to_string()))?;
        if std::fs::read_dir(path).map_err(|error| failed(error.to_string()))?.next().is_some() {
            return Err(failed("it is not empty".into()));
        }
        // Processes may be started from elsewhere one day; their paths must not change with that.
        let path = path.canonicalize().map_err(|error| failed(error.to_string()))?;
        Ok(Self::Kept { path, made })
    }

    fn path(&self) -> &Path {
        match self {
            Self::Temporary(dir) => dir.path(),
            Self::Kept { path, .. } => path,
        }
    }

    /// Leaves the files where they are.
    fn keep(self) -> PathBuf {
        match self {
            Self::Temporary(dir) => dir.keep(),
            Self::Kept { path, .. } => path,
        }
    }

    /// Nothing was done, so nothing is left: the directory was new or empty.
    fn discard(self) {
        let Self::Kept { path, made } = self else { return };
        let _ = std::fs::remove_dir_all(&path);
        if !made {
            let _ = std::fs::create_dir(&path);
        }
    }
}

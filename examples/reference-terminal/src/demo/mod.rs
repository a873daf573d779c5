//! A whole store on one machine, and the proof that it loses nothing.
//!
//! The supervisor starts a cloud and the terminals, each a process of its own, and puts a proxy into every link. It fills the shelves,
//! sells the baskets of a file at the tills, and meanwhile kills and cuts off what it may. It keeps its own book of what tills were
//! told. At the end it stops everything and compares the files ([`verify()`]).

mod boxes;
mod dashboard;
mod director;
mod draw;
mod error;
mod faults;
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
mod scenes;
mod screen;
mod seen;
mod story;
mod supervisor;
mod table;
mod verify;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::Instant;

use boxes::Boxes;
use dashboard::{Dashboard, Floor, Parts, Shown};
use director::Director;
pub use error::{DemoError, StartFailure};
use faults::Faults;
use figures::Figures;
pub use figures::{BoxesDone, Percentiles};
pub(crate) use json::vendor as vendor_json;
use ledger::Ledger;
pub use ledger::{Acknowledged, Entry, LedgerError};
use observer::Observer;
pub use options::Options;
use places::{ledger_path, manifest_path};
use plan::Plan;
use process::Death;
use register::Registers;
pub use report::Report;
use report::{Summary, Target};
use scenes::Scenes;
use screen::Screen;
use supervisor::{Ports, Supervisor};
use table::Table;
use verify::Manifest;
pub use verify::{Evidence, Verdict, VerifyError, verify};

use crate::lifeline::StopRequests;
use crate::replay;

/// How long the first election may take. A vote is on disk before it is sent: where a flush takes longer than the election's
/// timeout, because something else keeps the disk busy, several rounds fail before one succeeds.
const ELECTION_LIMIT: Duration = Duration::from_secs(120);
/// How long everybody may take to hold everything, once nothing is cut any more.
const SETTLE_LIMIT: Duration = Duration::from_secs(180);

/// Where the page is, unless somebody says otherwise or has the port.
const DASHBOARD_PORT: u16 = 7070;

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
    let terminals = usize::from(options.terminals);
    let mut plan = Plan::new(&baskets, &names, terminals, options.duration, options.seed)?;
    let target = options.report.as_deref().map(target).transpose()?;
    let ports = Ports::new(options.base_port, terminals)?;
    let page = page(&options).await?;
    if page.is_some() {
        plan.stocking[0].extend(dashboard::stocking());
    }
    let dir = Dir::new(options.dir.as_deref())?;
    let mut requests = StopRequests::listen().map_err(|error| DemoError::io("requests to stop", error))?;
    let ledger =
        Ledger::create(&ledger_path(dir.path())).map_err(|error| DemoError::io("the ledger", error))?;

    let screen = Screen::new(options.headless, terminals);
    introduce(&screen, &plan, &data, &options, dir.path());
    screen.phase("starting the cloud and the terminals", 1);
    let alerts = page.as_ref().and_then(Dashboard::alerts);
    let store = tokio::select! {
        started = Supervisor::start(&options, &ports, dir.path(), alerts) => started,
        () = requests.next() => return Ok(Ending::Interrupted),
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
    let registers = Registers { supervisor, ledger: Arc::new(ledger), figures };
    let observer = Observer::new(Arc::clone(&registers.supervisor), Arc::clone(&registers.figures));
    let faults = Faults::new(Arc::clone(&registers.supervisor), dir.path());
    let floor = page.is_some().then(|| {
        Floor::new(Parts {
            faults: Faults::new(Arc::clone(&registers.supervisor), dir.path()),
            products: dashboard::products(&baskets, &names),
            registers: registers.clone(),
            observer: Arc::clone(&observer),
            screen: screen.clone(),
            baskets: &baskets,
            day: plan.last_day,
            seed: options.seed,
        })
    });
    drop((baskets, names));
    let shift = Shift {
        options: &options,
        registers: &registers,
        faults: &faults,
        observer: &observer,
        screen: &screen,
        floor: floor.as_ref(),
    };
    let shown = page.zip(floor.as_ref()).map(|(page, floor)| {
        screen.say(&format!("look at it, poke it, break it: {}", page.url()));
        page.serve(Arc::clone(floor), options.models.clone())
    });
    let Some(worked) = shift.until_over(plan, deaths, &mut requests).await else {
        return Ok(Ending::Interrupted);
    };
    shift.prove(worked, dir, (target, shown), began).await
}

fn introduce(screen: &Screen, plan: &Plan, data: &Path, options: &Options, dir: &Path) {
    screen.say(&format!(
        "{} customers from {}, {} products, terminals: {}, seed {}; files in {}",
        plan.customers(),
        data.display(),
        plan.products,
        options.terminals,
        options.seed,
        dir.display()
    ));
}

/// The page that shows it, unless nobody looks. The usual port, or a free one where somebody has that.
async fn page(options: &Options) -> Result<Option<Dashboard>, DemoError> {
    match (options.headless, options.dashboard) {
        (true, _) => Ok(None),
        (false, Some(address)) => Dashboard::bind(address).await.map(Some),
        (false, None) => match Dashboard::bind((Ipv4Addr::LOCALHOST, DASHBOARD_PORT).into()).await {
            Err(DemoError::Port { .. }) => Dashboard::bind((Ipv4Addr::LOCALHOST, 0).into()).await.map(Some),
            page => page.map(Some),
        },
    }
}

/// What the store does between its start and its end.
struct Shift<'a> {
    options: &'a Options,
    registers: &'a Registers,
    faults: &'a Faults,
    observer: &'a Arc<Observer>,
    screen: &'a Screen,
    /// Where a person may break things.
    floor: Option<&'a Arc<Floor>>,
}

/// How many exceptions were provoked, by type; `None` where a person did it.
type Provoked = Option<BTreeMap<String, u64>>;

impl Shift<'_> {
    /// Works until everything is sold and stopped, or why that went wrong; `None` where somebody interrupted it.
    async fn until_over(
        &self,
        plan: Plan,
        deaths: mpsc::Receiver<Death>,
        requests: &mut StopRequests,
    ) -> Option<Result<Provoked, DemoError>> {
        let Self { registers, observer, screen, .. } = self;
        let watching = observer.watch(deaths, (*screen).clone());
        let table = Table {
            supervisor: Arc::clone(&registers.supervisor),
            observer: Arc::clone(observer),
            figures: Arc::clone(&registers.figures),
            ledger: Arc::clone(&registers.ledger),
        };
        let drawing = screen.draw(move || table.lines());
        let worked = tokio::select! {
            worked = self.work(plan) => worked,
            () = self.interrupted(requests) => {
                drop(drawing);
                screen.close();
                if let Some(floor) = self.floor {
                    floor.mend().await;
                }
                registers.supervisor.stop().await;
                screen.say("interrupted: every process is stopped, and no report was written");
                return None;
            }
        };
        screen.phase("stopping", 1);
        drop(watching);
        registers.supervisor.stop().await;
        drop(drawing);
        screen.close();
        Some(worked)
    }

    /// Resolves when somebody stops it. Where a page is open, the first time means: mend everything and prove it.
    async fn interrupted(&self, requests: &mut StopRequests) {
        loop {
            requests.next().await;
            if !self.floor.is_some_and(|floor| floor.finish()) {
                return;
            }
            self.screen.say("closing: everything is mended and compared; once more ends it at once");
        }
    }

    /// Compares all files, and says and shows what came of it.
    async fn prove(
        &self,
        worked: Result<Provoked, DemoError>,
        dir: Dir,
        (target, shown): (Option<Target>, Option<Shown>),
        began: Instant,
    ) -> Result<Ending, DemoError> {
        let Self { options, registers, screen, .. } = self;
        let Registers { supervisor, ledger, figures } = registers;
        let exceptions = worked.unwrap_or_else(|error| {
            // What was acknowledged until then must be there all the same.
            figures.find(format!("the run ended early: {error}"));
            Some(BTreeMap::new())
        });
        let manifest =
            Manifest { store: supervisor.store.to_string(), terminals: supervisor.len(), exceptions };
        let path = manifest_path(dir.path());
        let text = serde_json::to_vec_pretty(&manifest).expect("a plain struct with text keys");
        std::fs::write(&path, text).map_err(|error| DemoError::io(path.display(), error))?;
        screen.say("comparing the files of all terminals, the cloud and the ledger");
        let verdict = verify(&Evidence::of_demo(dir.path())?)?;
        let report = report(options, &ledger.acknowledged(), figures, supervisor, verdict, began.elapsed());
        screen.say(&Summary { report: &report, story: &figures.story() }.to_string());
        if let Some(target) = target {
            let path = options.report.clone().unwrap_or_default();
            target.write(&report).map_err(|error| DemoError::io(path.display(), error))?;
        }
        if let Some(shown) = shown {
            shown.prove(serde_json::to_value(&report).unwrap_or_default()).await;
        }
        if report.ok {
            return Ok(Ending::Green);
        }
        screen.say(&format!("the files are kept in {}", dir.keep().display()));
        Ok(Ending::Failed)
    }

    /// Says which exceptions were provoked, by type.
    async fn work(&self, mut plan: Plan) -> Result<Provoked, DemoError> {
        let Self { options, registers, faults, observer, screen, floor } = self;
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
        let product = plan.product.clone();
        let twice = plan.twice.take();
        let picture = options.models.join("samples/espresso.png");
        let start = Instant::now();
        let (sold, directed) = tokio::join!(
            replayer::sell(registers, &mut plan, start, screen),
            director.direct(start, twice.as_ref(), &picture),
        );
        sold?;
        let mut provoked = Some(directed?);
        screen.phase("boxes: a retry at the neighbour, an old disk, another box", 1);
        let day = plan.last_day;
        let boxes = Boxes { registers, observer, screen, faults, product, day };
        registers.figures.boxes(boxes.all().await?);
        screen.phase("a day at the counter: prices, weights, cards, a parked basket, the close", 1);
        Scenes::new(registers, observer, screen, faults).all(floor.is_some()).await?;
        if let Some(floor) = floor {
            screen.phase("open: break it", 0);
            floor.open().await?;
            provoked = None;
        }
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
        boxes: figures.boxes_done(),
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

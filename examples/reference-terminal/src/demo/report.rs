//! The figures of a run: for programs in JSON, for people in words.

use std::fmt::{self, Display};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::NamedTempFile;

use super::figures::{BoxesDone, Percentiles};

/// The figures of a run, each measured in it. `null` where nothing was measured.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Report {
    /// Whether every check holds.
    pub ok: bool,
    /// What does not hold.
    pub findings: Vec<String>,
    /// Sales that a terminal acknowledged.
    pub sales: u64,
    /// Returns that a terminal acknowledged.
    pub returns: u64,
    /// Different events on the terminals' disks.
    pub events_recorded: u64,
    /// Events in the cloud's file.
    pub events_in_cloud: u64,
    /// What was acknowledged and is not in the cloud.
    pub lost: u64,
    /// Transactions in the cloud beyond those that were acknowledged.
    pub duplicated: u64,
    /// Whether every terminal and the cloud hold the same events.
    pub converged: bool,
    /// Counter rows that are not the sum of their effects, over all terminals.
    pub stock_mismatches: u64,
    /// From the death of a leader until another terminal says that it leads, in ms; looked for every 5 ms.
    pub failovers_ms: Vec<f64>,
    /// From the till's call of `commit` to its answer, in ms: the call that was answered, where it took several.
    pub sale_commit_ms: Percentiles,
    /// From the answer at the till until the cloud says that it holds the transaction, in ms; looked for every 50 ms. Outages count.
    pub sync_lag_ms: Percentiles,
    /// Bytes through all links, both ways: between terminals, and between terminals and the cloud.
    pub bytes_on_wire: u64,
    /// Of these, between terminals: elections and heartbeats, and every event to every other terminal.
    pub bytes_between_terminals: u64,
    /// Of these, between terminals and the cloud.
    pub bytes_to_cloud: u64,
    /// The same events as readable JSON, each once.
    pub json_bytes: u64,
    /// How many terminals.
    pub terminals: u16,
    /// Processes that died without having been killed by the script.
    pub unplanned_restarts: u32,
    /// What was done to boxes once the week was sold.
    #[serde(flatten)]
    pub boxes: BoxesDone,
    /// What was left out, and why.
    pub skipped: Vec<String>,
    /// The whole run, in s.
    pub seconds: f64,
}

/// Where the report goes: proven writable before anything else is done, and replaced in one step at the end.
#[derive(Debug)]
pub(super) struct Target {
    path: PathBuf,
}

impl Target {
    /// Leaves nothing behind.
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        if path.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let this = Self { path: path.to_owned() };
        drop(this.beside()?);
        if path.exists() {
            // A report that may not be written must not be replaced either.
            File::options().append(true).open(path)?;
        }
        Ok(this)
    }

    /// Writes the report and puts it in its place.
    pub(super) fn write(self, report: &Report) -> io::Result<()> {
        let mut file = self.beside()?;
        serde_json::to_writer_pretty(&mut file, report)?;
        file.write_all(b"\n")?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // Temporary files are private; a report is not.
            file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        }
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        Ok(())
    }

    /// A file in the same directory, which goes away unless it takes the report's place.
    fn beside(&self) -> io::Result<NamedTempFile> {
        let dir = self.path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        tempfile::Builder::new().prefix(".report").suffix(".json").tempfile_in(dir)
    }
}

/// The report in words.
pub(super) struct Summary<'a> {
    pub(super) report: &'a Report,
    pub(super) story: &'a [String],
}

impl Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { sales, returns, terminals, seconds, .. } = self.report;
        let report = self.report;
        writeln!(f)?;
        let plural = if *terminals == 1 { "" } else { "s" };
        writeln!(f, "{sales} sales and {returns} returns at {terminals} terminal{plural} in {seconds:.0} s")?;
        for what in self.story {
            writeln!(f, "  - {what}")?;
        }
        for what in &report.skipped {
            writeln!(f, "  - skipped: {what}")?;
        }
        if report.unplanned_restarts > 0 {
            let restarts = report.unplanned_restarts;
            writeln!(f, "  - {restarts} processes died that nobody here had killed, and were started again")?;
        }
        writeln!(f)?;
        let row = |f: &mut fmt::Formatter<'_>, what: &str, figure: &str| writeln!(f, "  {what:<34}{figure}");
        row(
            f,
            "events on the terminals / cloud",
            &format!("{} / {}", report.events_recorded, report.events_in_cloud),
        )?;
        row(f, "lost", &report.lost.to_string())?;
        row(f, "duplicated", &report.duplicated.to_string())?;
        row(f, "same events everywhere", if report.converged { "yes" } else { "NO" })?;
        row(f, "counter rows that are off", &report.stock_mismatches.to_string())?;
        let BoxesDone { retried_elsewhere, disks_restored, tills_replaced } = report.boxes;
        row(
            f,
            "retried / restored / replaced",
            &format!("{retried_elsewhere} / {disks_restored} / {tills_replaced}"),
        )?;
        let failovers: Vec<String> = report.failovers_ms.iter().map(|ms| format!("{ms:.0} ms")).collect();
        let failovers = if failovers.is_empty() { "none timed".into() } else { failovers.join(", ") };
        row(f, "failover", &failovers)?;
        row(f, "commit at the till, p50 / p99", &percentiles(report.sale_commit_ms))?;
        row(f, "till to cloud, p50 / p99", &percentiles(report.sync_lag_ms))?;
        let (wire, lan, cloud) =
            (report.bytes_on_wire, report.bytes_between_terminals, report.bytes_to_cloud);
        row(f, "bytes on the wire", &format!("{wire} ({lan} between terminals, {cloud} to the cloud)"))?;
        row(f, "the same events once in JSON", &report.json_bytes.to_string())?;
        writeln!(f)?;
        if report.findings.is_empty() {
            return writeln!(f, "All checks hold: nothing lost, nothing twice, everybody agrees.");
        }
        writeln!(f, "FAILED:")?;
        report.findings.iter().try_for_each(|finding| writeln!(f, "  - {finding}"))
    }
}

fn percentiles(Percentiles { p50, p99 }: Percentiles) -> String {
    match p50.zip(p99) {
        Some((p50, p99)) => format!("{p50:.1} / {p99:.1} ms"),
        None => "not measured".into(),
    }
}

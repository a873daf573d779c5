//! The subcommands: elections alone, and small worlds.

mod worlds;

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use edgepos_sim::elections::{Row, Wire, cells, measure, targets, week};
use serde::Serialize;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measures how long a store is without a leader, and holds the figures against the targets.
    ///
    /// Exit status: 0 when raft's promises held, 1 when one was broken or, with --strict, a target was missed.
    Elections(Elections),
    /// Runs a store for a long time in which nothing happens but lost messages, and counts the elections.
    ///
    /// Exit status: 0 when there was none, 1 otherwise.
    Week(WeekArgs),
    /// Explores every order in which a few things can happen to two terminals and a cloud.
    ///
    /// Exit status: 0 when every rule holds, 1 when one was broken or, with --complete, a world was not explored to its end.
    Worlds(worlds::Worlds),
}

#[derive(Debug, Args)]
pub(crate) struct Elections {
    /// Runs of each cell.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The first seed.
    #[arg(long, value_name = "S", default_value_t = 0)]
    start: u64,
    /// Writes the rows to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Runs only the cells that a target is about.
    #[arg(long)]
    targets: bool,
    /// How long each flush of a disk takes, in milliseconds; give it more than once for more than one table.
    #[arg(long, value_name = "MS", default_values_t = [0, 10], value_parser = clap::value_parser!(u64).range(0..=5000))]
    flush: Vec<u64>,
    /// A missed target is a failure.
    #[arg(long)]
    strict: bool,
}

#[derive(Debug, Args)]
pub(crate) struct WeekArgs {
    /// Virtual hours; 168 are a week.
    #[arg(long, value_name = "N", default_value_t = 168, value_parser = clap::value_parser!(u64).range(1..=8760))]
    hours: u64,
    /// The seed that losses and delays are drawn from.
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Terminals of the store.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(2..=15))]
    terminals: u8,
    /// Messages lost, in percent; give it more than once for more than one run.
    #[arg(long, value_name = "PERCENT", default_values_t = [1, 5], value_parser = clap::value_parser!(u64).range(0..=50))]
    loss: Vec<u64>,
    /// Writes the rows to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Command {
    pub(crate) fn run(&self) -> ExitCode {
        match self {
            Self::Elections(args) => args.run(),
            Self::Week(args) => args.run(),
            Self::Worlds(args) => args.run(),
        }
    }
}

impl Elections {
    fn run(&self) -> ExitCode {
        let file = match open(self.json.as_deref()) {
            Ok(file) => file,
            Err(code) => return code,
        };
        println!("{} runs of each cell, seeds {} on; times in virtual milliseconds", self.seeds, self.start);
        println!("{}", Row::HEADING);
        let mut rows = Vec::new();
        for cell in cells(&self.flush) {
            if self.targets && !cell.has_target() {
                continue;
            }
            match measure(&cell, self.start, self.seeds) {
                Ok(row) => {
                    println!("{row}");
                    rows.push(row);
                }
                Err(broken) => {
                    eprintln!("error: {broken}: {}", broken.source);
                    return ExitCode::from(1);
                }
            }
        }
        let mut missed = 0;
        for target in targets() {
            let concerned: Vec<_> = rows.iter().filter(|row| (target.concerns)(row)).collect();
            let short: Vec<_> = concerned.iter().filter(|row| !(target.holds)(row)).collect();
            missed += short.len();
            let verdict = if short.is_empty() { "holds" } else { "MISSED" };
            println!(
                "{verdict:<7} {} ({} of {} rows)",
                target.says,
                concerned.len() - short.len(),
                concerned.len()
            );
            short.iter().for_each(|row| println!("        {row}"));
        }
        if let Err(code) = save(file, self.json.as_deref(), &rows) {
            return code;
        }
        ExitCode::from(u8::from(self.strict && missed > 0))
    }
}

impl WeekArgs {
    fn run(&self) -> ExitCode {
        let file = match open(self.json.as_deref()) {
            Ok(file) => file,
            Err(code) => return code,
        };
        let mut rows = Vec::new();
        for loss in &self.loss {
            match week(self.seed, usize::from(self.terminals), Wire::Datagram, *loss, self.hours) {
                Ok(row) => {
                    println!(
                        "{} terminals, {loss} % loss, {} h: {} needless elections, {} ms without a quorum",
                        row.terminals, row.hours, row.needless_elections, row.without_quorum_ms
                    );
                    rows.push(row);
                }
                Err(broken) => {
                    eprintln!("error: seed {}, {loss} % loss: {broken}", self.seed);
                    return ExitCode::from(1);
                }
            }
        }
        let needless: u64 = rows.iter().map(|row| row.needless_elections).sum();
        match save(file, self.json.as_deref(), &rows) {
            Ok(()) => ExitCode::from(u8::from(needless > 0)),
            Err(code) => code,
        }
    }
}

/// Opened before any work is done for it.
fn open(path: Option<&Path>) -> Result<Option<File>, ExitCode> {
    path.map(|path| File::create(path).map_err(|error| cannot_write(path, &error))).transpose()
}

fn save(file: Option<File>, path: Option<&Path>, rows: &impl Serialize) -> Result<(), ExitCode> {
    let (Some(mut file), Some(path)) = (file, path) else { return Ok(()) };
    let text = serde_json::to_string_pretty(rows).map_err(std::io::Error::from);
    let written = text.and_then(|text| writeln!(file, "{text}"));
    written.map_err(|error| cannot_write(path, &error))
}

pub(crate) fn cannot_write(path: &Path, error: &std::io::Error) -> ExitCode {
    eprintln!("error: {} cannot be written: {error}", path.display());
    ExitCode::from(2)
}

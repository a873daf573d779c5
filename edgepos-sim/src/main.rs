//! The simulator's command line.

mod command;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
use command::cannot_write;
use edgepos_sim::{Digests, Keep, Outcome, Plan, Violation, report, run, run_seeds, run_twice};

/// Runs whole stores in virtual time and checks that nothing is lost, doubled or left behind.
///
/// Exit status: 0 when every rule holds, 1 when one was broken, 2 for a mistake in the command or a file that cannot be written.
#[derive(Debug, Parser)]
#[command(name = "edgepos-sim", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<command::Command>,
    /// How many seeds to run, from --start on.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The first seed.
    #[arg(long, value_name = "S", default_value_t = 0)]
    start: u64,
    /// Takes the first seed from the clock of this machine, so that each run sees other stores.
    #[arg(long, conflicts_with = "start")]
    fresh: bool,
    /// Replays this one seed and shows what it decides and how it ends.
    #[arg(long, value_name = "S", conflicts_with_all = ["seeds", "start", "fresh"])]
    seed: Option<u64>,
    /// With --seed: writes every input and output to this file.
    #[arg(long, value_name = "FILE", requires = "seed")]
    trace: Option<PathBuf>,
    /// With --seed: shows every input and output.
    #[arg(long, short, requires = "seed")]
    verbose: bool,
    /// Puts a terminal of a later version into each store, or starts terminals from disks that one has used, or both.
    #[arg(long)]
    later: bool,
    /// Puts the disk of one terminal in each store back to an older image of itself, once or twice.
    #[arg(long, conflicts_with = "later")]
    images: bool,
    /// Puts the cloud back to an older image of itself, in half of the stores together with the disks of all tills.
    #[arg(long, conflicts_with_all = ["later", "images"])]
    boxes: bool,
    /// Runs each seed twice and compares the two traces byte by byte.
    #[arg(long)]
    twice: bool,
    /// Writes one row for each seed to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Writes the digest of each seed's trace to this file: every input and output of every terminal, and every byte written or sent.
    #[arg(long, value_name = "FILE", conflicts_with = "seed")]
    digests: Option<PathBuf>,
    /// Compares the digests with a file that --digests wrote; a seed that differs, or is not in it, is a failure.
    #[arg(long, value_name = "FILE", conflicts_with = "seed")]
    expect: Option<PathBuf>,
}

impl Cli {
    fn plan(&self, seed: u64) -> Plan {
        let plan = Plan::from_seed(seed);
        if self.later {
            plan.with_later()
        } else if self.images {
            plan.with_images()
        } else if self.boxes {
            plan.with_boxes()
        } else {
            plan
        }
    }

    /// The option that a replay needs as well.
    fn mode(&self) -> &'static str {
        match (self.later, self.images, self.boxes) {
            (true, ..) => "--later ",
            (_, true, _) => "--images ",
            (.., true) => "--boxes ",
            _ => "",
        }
    }
}

/// How many of the seeds that differ are named.
const NAMED: usize = 10;

thread_local! {
    /// Where the last panic of this thread was: a panic inside a run is a violation, reported with its seed.
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(command) = &cli.command {
        return command.run();
    }
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        LAST_PANIC.with(|last| *last.borrow_mut() = Some(place.clone()));
        eprintln!("panic at {place}");
    }));
    match cli.seed {
        Some(seed) => replay(&cli, seed),
        None => many(&cli),
    }
}

/// A file that can be written, opened before any work is done for it.
fn create(path: &Path) -> Result<BufWriter<File>, ExitCode> {
    File::create(path).map(BufWriter::new).map_err(|error| cannot_write(path, &error))
}

fn many(cli: &Cli) -> ExitCode {
    let start = if cli.fresh { from_clock() } else { cli.start };
    println!("seeds {start} to {}", start.saturating_add(cli.seeds - 1));
    let files = cli.json.as_deref().map(create).transpose().and_then(|json| {
        let digests = cli.digests.as_deref().map(create).transpose()?;
        Ok((json, digests, cli.expect.as_deref().map(expected).transpose()?))
    });
    let (mut json, mut digests_file, expected) = match files {
        Ok(files) => files,
        Err(code) => return code,
    };
    let began = Instant::now();
    let mut totals = report::Totals::default();
    let (mut rows, mut digests) = (Vec::new(), Digests::new());
    run_seeds(
        start,
        cli.seeds,
        cli.twice,
        |seed| cli.plan(seed),
        |outcome| {
            totals.add(&outcome);
            digests.add(&outcome);
            rows.push(report::Row::from(&outcome));
            if !outcome.is_good() {
                // Runs are cheap and traces are not: it is run again, with a trace.
                let again = run(cli.plan(outcome.seed), Keep::Tail(VecDeque::new()));
                print!("{}", report::violation(&outcome, cli.mode(), &again.trace.lines));
            }
            if totals.seeds % 10 == 0 || totals.seeds == cli.seeds {
                eprintln!("{} of {} seeds, {:.0} s", totals.seeds, cli.seeds, began.elapsed().as_secs_f64());
            }
        },
    );
    println!("{}", totals.line());
    println!("digest of all traces: {}", digests.total());
    if let (Some(json), Some(path)) = (&mut json, &cli.json) {
        let written = serde_json::to_writer_pretty(&mut *json, &rows).map_err(std::io::Error::from);
        if let Err(error) = written.and_then(|()| json.flush()) {
            return cannot_write(path, &error);
        }
    }
    if let (Some(file), Some(path)) = (&mut digests_file, &cli.digests)
        && let Err(error) = write!(file, "{digests}").and_then(|()| file.flush())
    {
        return cannot_write(path, &error);
    }
    let as_expected = expected.is_none_or(|expected| compare(&digests, &expected));
    if totals.bad == 0 && as_expected { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

/// The digests that a run before wrote.
fn expected(path: &Path) -> Result<Digests, ExitCode> {
    let refuse = |error: &dyn std::error::Error| {
        eprintln!("error: {} holds no digests: {error}", path.display());
        ExitCode::from(2)
    };
    let text = std::fs::read_to_string(path).map_err(|error| refuse(&error))?;
    Digests::parse(&text).map_err(|error| refuse(&error))
}

/// Whether every seed has the digest that is expected; tells the first that have not.
fn compare(digests: &Digests, expected: &Digests) -> bool {
    let differing = digests.differing(expected);
    if differing.is_empty() {
        println!("every trace is the expected one");
        return true;
    }
    let named: Vec<String> = differing.iter().take(NAMED).map(u64::to_string).collect();
    let more = if differing.len() > NAMED { ", …" } else { "" };
    println!(
        "{} of the traces differ from what is expected: seeds {}{more}",
        differing.len(),
        named.join(", ")
    );
    false
}

fn replay(cli: &Cli, seed: u64) -> ExitCode {
    println!("seed {seed}");
    let plan = cli.plan(seed);
    println!("{plan:#?}");
    let mut file = match cli.trace.as_deref().map(create).transpose() {
        Ok(file) => file,
        Err(code) => return code,
    };
    let mut json = match cli.json.as_deref().map(create).transpose() {
        Ok(json) => json,
        Err(code) => return code,
    };
    let all = file.is_some() || cli.verbose;
    let keep = if all { Keep::Lines(Vec::new()) } else { Keep::Tail(VecDeque::new()) };
    let mut outcome = run(plan.clone(), keep);
    if let Some(place) = LAST_PANIC.with(|last| last.borrow_mut().take()) {
        println!("panic at {place}");
    }
    if cli.twice {
        outcome.violations.extend(only_new(run_twice(plan), &outcome));
    }
    let lines = std::mem::take(&mut outcome.trace.lines);
    if let (Some(file), Some(path)) = (&mut file, &cli.trace) {
        let written = lines.iter().try_for_each(|line| writeln!(file, "{line}"));
        if let Err(error) = written.and_then(|()| file.flush()) {
            return cannot_write(path, &error);
        }
    }
    if cli.verbose {
        lines.iter().for_each(|line| println!("{line}"));
    }
    if !outcome.is_good() {
        let tail = lines.len().saturating_sub(40);
        print!("{}", report::violation(&outcome, cli.mode(), &lines[tail..]));
    }
    println!("{}", report::line(&outcome));
    if let (Some(json), Some(path)) = (&mut json, &cli.json) {
        let rows = [report::Row::from(&outcome)];
        let written = serde_json::to_writer_pretty(&mut *json, &rows).map_err(std::io::Error::from);
        if let Err(error) = written.and_then(|()| json.flush()) {
            return cannot_write(path, &error);
        }
    }
    if outcome.is_good() { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

/// What the two runs found beyond the first.
fn only_new(twice: Outcome, first: &Outcome) -> Vec<Violation> {
    twice.violations.into_iter().filter(|violation| !first.violations.contains(violation)).collect()
}

fn from_clock() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Far from the fixed seeds, and short enough to be typed.
    since.as_millis() as u64 % 1_000_000_000_000
}

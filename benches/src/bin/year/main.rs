//! A year of a busy grocery store at one till, in virtual time: what its disk and its memory come to, day by day.
//!
//! ```sh
//! cargo run --release -p edgepos-benches --bin year -- [--days 365] [--tills 15] [--sales 1500] [--json FILE] [--svg FILE] [--dir DIR]
//! ```
//!
//! The till is a real terminal on a real store. It sells like one till of the store; the others' sales come to it from a peer, the same
//! goods under other names, each in a chain of its own; a cloud in memory takes all of it. What is due with old events is done each
//! night. Ends with an error where a limit is passed.

mod goods;
mod report;
mod till;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use thiserror::Error;

use self::report::{Day, Report};
use self::till::Till;

/// Days between two nights in which rows of old events are put together: a till does so twice a day, which changes nothing but the time
/// that this run takes.
const ARCHIVES_EVERY: u32 = 7;

struct Arguments {
    days: u32,
    tills: u16,
    sales: u32,
    json: Option<PathBuf>,
    svg: Option<PathBuf>,
    dir: Option<PathBuf>,
}

/// What is wrong with what was asked for.
#[derive(Debug, Error)]
enum Wrong {
    #[error("{0} has no value")]
    NoValue(String),
    #[error("{0} {1}: a number from 1 on")]
    NoNumber(String, String),
    #[error("{0} is none of --days, --tills, --sales, --json, --svg, --dir")]
    Unknown(String),
}

fn arguments() -> Result<Arguments, Wrong> {
    let mut read = Arguments { days: 365, tills: 15, sales: 1_500, json: None, svg: None, dir: None };
    let mut words = std::env::args().skip(1);
    while let Some(name) = words.next() {
        let Some(value) = words.next() else { return Err(Wrong::NoValue(name)) };
        let wrong = || Wrong::NoNumber(name.clone(), value.clone());
        let number = || value.parse::<u32>().ok().filter(|number| *number > 0).ok_or_else(wrong);
        match name.as_str() {
            "--days" => read.days = number()?,
            "--tills" => read.tills = number()?.try_into().map_err(|_| wrong())?,
            "--sales" => read.sales = number()?,
            "--json" => read.json = Some(value.into()),
            "--svg" => read.svg = Some(value.into()),
            "--dir" => read.dir = Some(value.into()),
            _ => return Err(Wrong::Unknown(name)),
        }
    }
    Ok(read)
}

/// The business day: of months of 28 days, which every calendar has.
fn business_day(day: u32) -> u32 {
    20_260_000 + 10_000 * (day / 336) + 100 * (day / 28 % 12 + 1) + day % 28 + 1
}

fn run(arguments: &Arguments) -> std::io::Result<Report> {
    let dir = match &arguments.dir {
        Some(dir) => tempfile::tempdir_in(dir)?,
        None => tempfile::tempdir()?,
    };
    let mut till = Till::open(&dir.path().join("till.db"), arguments.tills);
    let (began, mut days) = (Instant::now(), Vec::new());
    for day in 0..arguments.days {
        let archives = day % ARCHIVES_EVERY == ARCHIVES_EVERY - 1 || day + 1 == arguments.days;
        till.day(business_day(day), arguments.sales, archives);
        let today = Day::of(day + 1, &till)?;
        if day % 30 == 29 {
            eprintln!("day {}: {today:?}, {} s", day + 1, began.elapsed().as_secs());
        }
        days.push(today);
    }
    Report::of(days, &till)
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::from(2);
        }
    };
    let report = match run(&arguments) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    println!("{}", report.summary());
    let files = [(&arguments.json, report.json()), (&arguments.svg, report.svg())];
    for (path, text) in files {
        if let Some(path) = path
            && let Err(error) = std::fs::write(path, text)
        {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    let passed = report.passed();
    passed.iter().for_each(|limit| eprintln!("{limit}"));
    if passed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

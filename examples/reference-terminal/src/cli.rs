//! The command line.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, Subcommand};
use edgepos::core::StoreId;
use edgepos::{StoreError, StoreFailure};
use thiserror::Error;

use crate::{audit, authority, cloud, demo, doctor, logging, members, names, operate, recovery, run, signer};

/// A store of terminals and a cloud on one machine, to evaluate `edgepos` with.
#[derive(Debug, Parser)]
#[command(name = NAME, version, about, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a whole store on this machine, sell a real week through it, break what can break, prove that nothing was lost
    Demo(DemoArgs),
    /// Run one terminal
    Run(RunArgs),
    /// Run the chain's cloud
    Cloud(CloudArgs),
    /// Run a stand-in for a fiscal device, to try `signed_series` with: it signs each receipt that a terminal sends it
    Signer(SignerArgs),
    /// Lead a store on that lost the majority of its terminals for good, with the manager's recovery kit
    #[command(subcommand)]
    Recovery(recovery::Action),
    /// Tell the store through a running terminal who belongs to it
    #[command(subcommand)]
    Terminal(members::Action),
    /// The authority of a store, on a machine that is no till: make it, enrol and revoke terminals, tell the store
    #[command(subcommand)]
    Authority(authority::Action),
    /// Have this box enrolled by the authority of its store, with the token that was made for it
    Enrol(authority::Enrol),
    /// Compare the files that a demo left in its --dir once more
    Verify(VerifyArgs),
    /// Compare tills and the cloud by the hashes where their chains end: exit 0 where they agree, 1 where histories differ
    Audit(AuditArgs),
    /// Tell how a running terminal is: exit 0 where nothing must be acted on, 1 where a condition or an alert is on, 3 where it does not
    /// answer
    Status(operate::StatusArgs),
    /// Show the events in a till's file, or those that come into it
    Events(operate::EventsArgs),
    /// Write everything that a till's file holds as JSON lines or CSV
    Export(operate::ExportArgs),
    /// Copy a till's file while it sells; the copy goes on as another incarnation wherever it is started
    Backup(operate::BackupArgs),
    /// Put a copy into the place of a till's file, whose terminal does not run; what was there is set aside
    Restore(operate::RestoreArgs),
    /// Write the file of a till that does not run anew, without its holes
    Compact(operate::CompactArgs),
    /// Tell what a till's file is made of: chains, kinds, rows, bytes; exit 1 where --check finds damage
    Inspect(operate::InspectArgs),
    /// Print what a shell completes, for its start-up file
    Completions {
        /// The shell that shall complete it
        shell: clap_complete::Shell,
    },
    /// Write a manual page for each command
    Man {
        /// The directory that they go to, which must exist
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Tell which engine would run which model on this machine, and why no better one does
    Doctor(DoctorArgs),
}

#[derive(Debug, Args)]
struct DoctorArgs {
    /// Where the models are [default: those of the source tree]
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
    /// Try this library of ONNX Runtime before those that the system has
    #[arg(long, value_name = "FILE")]
    library: Option<PathBuf>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct AuditArgs {
    /// The SQLite file of a till, running or not; repeat it for each
    #[arg(long = "till", value_name = "FILE")]
    tills: Vec<PathBuf>,
    /// The SQLite file of the cloud, running or not
    #[arg(long, value_name = "FILE", requires = "store")]
    cloud: Option<PathBuf>,
    /// The address of a running cloud
    #[arg(long, value_name = "ADDR", requires = "store")]
    cloud_at: Option<SocketAddr>,
    /// Which store to look at in the cloud, 32 hexadecimal digits
    #[arg(long, value_name = "ID", value_parser = store)]
    store: Option<StoreId>,
    /// Exit with 1 also where one holds less than another
    #[arg(long)]
    complete: bool,
}

#[derive(Debug, Args)]
struct VerifyArgs {
    /// The demo's directory
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Print JSON instead of sentences
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct DemoArgs {
    /// How many terminals the store has, 1 to 15
    #[arg(long, value_name = "N", default_value = "5", value_parser = terminals)]
    terminals: u16,
    /// How long the sales take, from 1s to 24h: 30s, 1500ms, 5m; the start, the end and the outages come on top
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    duration: Duration,
    /// Sell these baskets: a CSV file with the columns of data/week.csv [default: the shipped week]
    #[arg(long, value_name = "FILE.csv")]
    data: Option<PathBuf>,
    /// Write the figures here, as JSON
    #[arg(long, value_name = "FILE.json")]
    report: Option<PathBuf>,
    /// Keep the databases, logs and the ledger in this directory, which must be new or empty [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Print the story line by line, draw no table and serve no page; end when the week is over
    #[arg(long)]
    headless: bool,
    /// Serve the page here [default: 127.0.0.1:7070, or a free port]. Elsewhere than on loopback it asks for a token
    #[arg(long, value_name = "ADDR", conflicts_with = "headless")]
    dashboard: Option<SocketAddr>,
    /// Use fixed ports: this one for the cloud, then two for each terminal (till, peers); 0 takes free ones
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    base_port: u16,
    /// Chooses the returns; the same seed chooses the same ones
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Where the models are [default: those of the source tree]
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct RunArgs {
    /// What the terminal must be told, in TOML
    #[arg(long, value_name = "FILE.toml", required_unless_present = "print_config")]
    config: Option<PathBuf>,
    /// Print a file to begin with: every key with its default and a word on it
    #[arg(long)]
    print_config: bool,
    /// Tell this webhook what someone must act on, in place of `alerts_webhook` of the file
    #[arg(long, value_name = "URL")]
    alerts_webhook: Option<run::WebhookUrl>,
    /// End when standard input ends
    #[arg(long, hide = true)]
    supervised: bool,
}

#[derive(Debug, Args)]
struct SignerArgs {
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7301")]
    listen: SocketAddr,
}

#[derive(Debug, Args)]
struct CloudArgs {
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7000")]
    listen: SocketAddr,
    /// The SQLite file
    #[arg(long, value_name = "FILE")]
    db: PathBuf,
    /// A file of who may speak for which store: a line for each, the store and the SHA-256 of its token
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,
    /// End when standard input ends
    #[arg(long, hide = true)]
    supervised: bool,
}

/// What the program is called.
const NAME: &str = "reference-terminal";

/// Exit status for bad usage and for input that does not do: nothing was done.
const USAGE: u8 = 2;

/// Reads the command line, does what it says, and says how that went: 0 all is well, 1 it went wrong or a check failed, 2 bad usage or
/// input, 3 a terminal that was asked for its status does not answer, 130 interrupted.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // A demo's children do the work; its own thread draws and waits.
    let threads = if matches!(cli.command, Command::Demo(_)) { 4 } else { 2 };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fail(1, &format!("no threads to run on: {error}")),
    };
    let exit = runtime.block_on(dispatch(cli.command));
    // A blocking read or a model's run may still be under way; the process need not wait for it.
    runtime.shutdown_background();
    exit
}

async fn dispatch(command: Command) -> ExitCode {
    match command {
        Command::Demo(args) => demo_command(args).await,
        Command::Run(args) => run_command(args).await,
        Command::Cloud(CloudArgs { listen, db, credentials, supervised }) => {
            logging::to_stderr();
            match cloud::serve(cloud::Options { listen, db, credentials, supervised }).await {
                Ok(()) => ExitCode::SUCCESS,
                Err(error @ cloud::CloudError::Serve(_)) => fail(1, &error.to_string()),
                Err(error) => fail(USAGE, &error.to_string()),
            }
        }
        Command::Signer(SignerArgs { listen }) => match signer::serve(listen).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(USAGE, &format!("cannot sign on {listen}: {error}")),
        },
        Command::Recovery(action) => match action.run() {
            Ok(said) => {
                print!("{said}");
                ExitCode::SUCCESS
            }
            Err(error) => fail(USAGE, &error.to_string()),
        },
        Command::Terminal(action) => match action.run().await {
            Ok(said) => {
                print!("{said}");
                ExitCode::SUCCESS
            }
            Err(error) => fail(error.status(), &error.to_string()),
        },
        Command::Authority(action) => say(action.run().await),
        Command::Enrol(enrol) => say(enrol.run().await),
        Command::Verify(VerifyArgs { dir, json }) => verify_command(&dir, json),
        Command::Audit(args) => audit_command(args).await,
        Command::Status(args) => status_command(args).await,
        Command::Events(args) => read_command(|| operate::follow(&args)),
        Command::Export(args) => read_command(|| operate::export(&args)),
        Command::Backup(args) => file_command(|| operate::backup(&args)),
        Command::Restore(args) => file_command(|| operate::restore(&args)),
        Command::Compact(args) => file_command(|| operate::compact(&args)),
        Command::Inspect(args) => inspect_command(&args),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), NAME, &mut std::io::stdout());
            ExitCode::SUCCESS
        }
        Command::Man { out } => man_command(&out),
        Command::Doctor(args) => tokio::task::block_in_place(|| doctor_command(args)),
    }
}

async fn run_command(RunArgs { config, print_config, alerts_webhook, supervised }: RunArgs) -> ExitCode {
    let Some(path) = config.filter(|_| !print_config) else {
        print!("{}", run::DEFAULT_CONFIG);
        return ExitCode::SUCCESS;
    };
    logging::to_stderr();
    let mut config = match run::Config::read(&path) {
        Ok(config) => config,
        Err(error) => return fail(USAGE, &error.to_string()),
    };
    config.alerts_webhook = alerts_webhook.or(config.alerts_webhook);
    match run::run(config, supervised).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ run::RunError::Stopped(_)) => fail(1, &error.to_string()),
        Err(error) => fail(USAGE, &error.to_string()),
    }
}

fn man_command(out: &Path) -> ExitCode {
    match clap_mangen::generate_to(Cli::command(), out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(USAGE, &format!("{}: {error}", out.display())),
    }
}

async fn status_command(args: operate::StatusArgs) -> ExitCode {
    match operate::status(&args).await {
        Ok((said, well)) => {
            print!("{said}");
            if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => fail(error.status(), &error.to_string()),
    }
}

/// Reads a file, and says what stood in the way.
fn read_command<T>(read: impl FnOnce() -> Result<T, operate::EventsError>) -> ExitCode {
    match tokio::task::block_in_place(read) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error @ operate::EventsError::Write(_)) => fail(1, &error.to_string()),
        Err(error) => fail(USAGE, &error.to_string()),
    }
}

/// Works on a file, and says what was done or why nothing was.
fn file_command(work: impl FnOnce() -> Result<String, StoreError>) -> ExitCode {
    match tokio::task::block_in_place(work) {
        Ok(said) => {
            print!("{said}");
            ExitCode::SUCCESS
        }
        // Busy or full is for another time; anything else is about what was named.
        Err(error) if error.failure != StoreFailure::Fatal => fail(1, &chain(&error)),
        Err(error) => fail(USAGE, &chain(&error)),
    }
}

/// An error with what lies beneath it.
fn chain(error: &StoreError) -> String {
    let beneath = error.source.as_ref().map_or_else(String::new, |source| format!(": {source}"));
    format!("{}{beneath}", error.doing)
}

fn inspect_command(args: &operate::InspectArgs) -> ExitCode {
    match tokio::task::block_in_place(|| operate::inspect(args)) {
        Ok((said, sound)) => {
            print!("{said}");
            if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => fail(USAGE, &error.to_string()),
    }
}

/// What was done, or why nothing was.
fn say(outcome: Result<String, authority::ActionError>) -> ExitCode {
    match outcome {
        Ok(said) => {
            print!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => fail(error.status(), &error.to_string()),
    }
}

async fn audit_command(args: AuditArgs) -> ExitCode {
    let AuditArgs { tills, cloud, cloud_at, store, complete } = args;
    let options = audit::Options { tills, cloud: cloud.zip(store), cloud_at: cloud_at.zip(store) };
    let holders =
        options.tills.len() + usize::from(options.cloud.is_some()) + usize::from(options.cloud_at.is_some());
    if holders < 2 {
        return fail(USAGE, "name two at least of --till, --cloud and --cloud-at");
    }
    let found = match audit::compare(&options).await {
        Ok(found) => found,
        Err(error) => return fail(USAGE, &error.to_string()),
    };
    print!("{found}");
    let holds = if complete { found.complete() } else { found.agree() };
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn doctor_command(DoctorArgs { models, library, json }: DoctorArgs) -> ExitCode {
    let models = models.unwrap_or_else(shipped_models);
    let found = doctor::examine(&doctor::Options { models, library });
    if json {
        println!("{:#}", found.json());
    } else {
        print!("{}", found.table());
    }
    if found.all_served() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn shipped_models() -> PathBuf {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../models").into()
}

fn verify_command(dir: &Path, json: bool) -> ExitCode {
    let verdict = match demo::Evidence::of_demo(dir).and_then(|evidence| demo::verify(&evidence)) {
        Ok(verdict) => verdict,
        Err(error) => return fail(USAGE, &error.to_string()),
    };
    if json {
        println!("{}", serde_json::to_string_pretty(&verdict).expect("a plain struct with text keys"));
        return if verdict.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let demo::Verdict { findings, events_recorded, events_in_cloud, lost, duplicated, .. } = verdict;
    println!(
        "{events_recorded} events on the terminals, {events_in_cloud} in the cloud, {lost} lost, {duplicated} twice"
    );
    if findings.is_empty() {
        println!("all checks hold");
        return ExitCode::SUCCESS;
    }
    findings.iter().for_each(|finding| println!("  - {finding}"));
    fail(1, "not all checks hold")
}

async fn demo_command(args: DemoArgs) -> ExitCode {
    let models = args.models.unwrap_or_else(shipped_models);
    let options = demo::Options {
        terminals: args.terminals,
        duration: args.duration,
        data: args.data,
        report: args.report,
        dir: args.dir,
        headless: args.headless,
        dashboard: args.dashboard,
        base_port: args.base_port,
        seed: args.seed,
        models,
    };
    match demo::run(options).await {
        Ok(demo::Ending::Green) => ExitCode::SUCCESS,
        Ok(demo::Ending::Failed) => ExitCode::FAILURE,
        Ok(demo::Ending::Interrupted) => ExitCode::from(130),
        Err(error) if error.is_usage() => fail(USAGE, &error.to_string()),
        Err(error) => fail(1, &error.to_string()),
    }
}

fn fail(status: u8, message: &str) -> ExitCode {
    eprintln!("error: {message}");
    ExitCode::from(status)
}

/// An option says what it may not.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
enum OptionError {
    #[error("not a number from 1 to 15")]
    NoCount,
    #[error("a store has at least 1 terminal")]
    TooFew,
    #[error("a store has at most 15 terminals")]
    TooMany,
    #[error("not a time such as 30s, 1500ms or 5m")]
    NoTime,
    #[error("not between 1s and 24h")]
    TimeOutOfBounds,
}

fn terminals(text: &str) -> Result<u16, OptionError> {
    let number: u16 = text.parse().map_err(|_| OptionError::NoCount)?;
    match number {
        0 => Err(OptionError::TooFew),
        1..=15 => Ok(number),
        _ => Err(OptionError::TooMany),
    }
}

fn store(text: &str) -> Result<StoreId, names::NameError> {
    names::parse_16(text).map(StoreId)
}

/// Reads `1500ms`, `30s`, `5m` or `1h`.
fn duration(text: &str) -> Result<Duration, OptionError> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: Option<u64> = number.parse().ok();
    let factor = match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    let ms = number.zip(factor).ok_or(OptionError::NoTime)?;
    let ms = ms.0.checked_mul(ms.1).filter(|ms| (1_000..=86_400_000).contains(ms));
    ms.map(Duration::from_millis).ok_or(OptionError::TimeOutOfBounds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times_read_or_say_why_not() {
        assert_eq!(duration("1500ms"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("24h"), Ok(Duration::from_secs(86_400)));
        for bad in [
            "",
            "s",
            "30",
            "-1s",
            "1.5s",
            "999ms",
            "25h",
            "99999999999999999999s",
            "99999999999999999h",
            "3 s",
        ] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_store_has_1_to_15_terminals() {
        assert_eq!(terminals("15"), Ok(15));
        assert_eq!(terminals("16"), Err(OptionError::TooMany));
        assert_eq!(
            [terminals("0"), terminals("five")],
            [Err(OptionError::TooFew), Err(OptionError::NoCount)]
        );
    }
}

//! What is written about a run: one row for each seed, and the words for a violation.

use std::fmt::Write as _;

use serde::Serialize;

use crate::outcome::Outcome;

/// One seed in the JSON report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Row {
    /// The seed that the plan came from.
    pub seed: u64,
    /// Terminals of the store.
    pub terminals: usize,
    /// Events in the cloud at the end.
    pub events: u64,
    /// Receipts given, returns among them.
    pub sales: u64,
    /// Receipts for goods that came back.
    pub returns: u64,
    /// Exceptions that the store has raised.
    pub exceptions: u64,
    /// Decisions about them that counted.
    pub resolved: u64,
    /// Decisions about them that have no effect, since another came first.
    pub overruled: u64,
    /// How often the leadership went to another terminal.
    pub failovers: u64,
    /// Terms that had a leader.
    pub terms: u64,
    /// Faults that came.
    pub faults: u64,
    /// Starts of a terminal from its disk.
    pub restarts: u64,
    /// Messages of honest terminals that were refused.
    pub refused: u64,
    /// Tenths of a second in which two terminals said that they may decide, in different terms.
    pub overlaps: u64,
    /// Frames that terminals handed to the network.
    pub frames: u64,
    /// Milliseconds of virtual time.
    pub virtual_ms: u64,
    /// SHA-256 over all inputs and outputs, in hexadecimal.
    pub trace_hash: String,
    /// What was wrong.
    pub violations: Vec<String>,
}

impl From<&Outcome> for Row {
    fn from(outcome: &Outcome) -> Self {
        Self {
            seed: outcome.seed,
            terminals: outcome.terminals,
            events: outcome.events,
            sales: outcome.sales,
            returns: outcome.returns,
            exceptions: outcome.exceptions,
            resolved: outcome.resolved,
            overruled: outcome.overruled,
            failovers: outcome.failovers,
            terms: outcome.terms,
            faults: outcome.faults,
            restarts: outcome.restarts,
            refused: outcome.refused,
            overlaps: outcome.overlaps,
            frames: outcome.frames,
            virtual_ms: outcome.virtual_ms,
            trace_hash: outcome.trace.hash.clone(),
            violations: outcome.violations.iter().map(ToString::to_string).collect(),
        }
    }
}

/// All rows summed up.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Totals {
    /// How many seeds were added.
    pub seeds: u64,
    /// Seeds with a violation.
    pub bad: u64,
    events: u64,
    sales: u64,
    returns: u64,
    exceptions: u64,
    resolved: u64,
    failovers: u64,
    faults: u64,
    restarts: u64,
    virtual_ms: u64,
}

impl Totals {
    /// One more seed.
    pub fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.bad += u64::from(!outcome.is_good());
        self.events += outcome.events;
        self.sales += outcome.sales;
        self.returns += outcome.returns;
        self.exceptions += outcome.exceptions;
        self.resolved += outcome.resolved;
        self.failovers += outcome.failovers;
        self.faults += outcome.faults;
        self.restarts += outcome.restarts;
        self.virtual_ms += outcome.virtual_ms;
    }

    /// One line for people.
    pub fn line(&self) -> String {
        format!(
            "{} seeds, {} with violations: {} receipts ({} returns), {} events, {} exceptions, {} resolutions, {} faults, {} restarts, {} failovers, {} virtual minutes",
            self.seeds,
            self.bad,
            self.sales,
            self.returns,
            self.events,
            self.exceptions,
            self.resolved,
            self.faults,
            self.restarts,
            self.failovers,
            self.virtual_ms / 60_000
        )
    }
}

/// One line about one seed.
pub fn line(outcome: &Outcome) -> String {
    format!(
        "seed {}: {} terminals, {} receipts ({} returns), {} events, {} exceptions, {} faults, {} restarts, {} failovers, {} virtual ms, trace {}",
        outcome.seed,
        outcome.terminals,
        outcome.sales,
        outcome.returns,
        outcome.events,
        outcome.exceptions,
        outcome.faults,
        outcome.restarts,
        outcome.failovers,
        outcome.virtual_ms,
        outcome.trace.hash
    )
}

/// What was wrong with a seed, which ran with the options `mode`, how to see it again, and the last lines of its trace.
pub fn violation(outcome: &Outcome, mode: &str, tail: &[String]) -> String {
    let mut text = String::new();
    for violation in &outcome.violations {
        writeln!(text, "seed {} broke a rule: {violation}", outcome.seed).expect("strings do not fail");
    }
    let seed = outcome.seed;
    writeln!(text, "replay: cargo run --release -p edgepos-sim -- {mode}--seed {seed} --trace trace.txt")
        .expect("strings do not fail");
    for line in tail {
        writeln!(text, "  {line}").expect("strings do not fail");
    }
    text
}

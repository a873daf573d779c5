//! What came of one run.

use crate::check::{Rule, Violation};
use crate::plan::Plan;
use crate::trace::Finished;

/// What came of one plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The seed that the plan came from.
    pub seed: u64,
    /// How many terminals the store had.
    pub terminals: usize,
    /// How many events the cloud holds.
    pub events: u64,
    /// How many receipts were given, returns among them.
    pub sales: u64,
    /// How many of them were returns.
    pub returns: u64,
    /// How many exceptions the store has raised.
    pub exceptions: u64,
    /// How many decisions about them counted.
    pub resolved: u64,
    /// How many had their place and no effect.
    pub overruled: u64,
    /// How often the leadership went to another terminal.
    pub failovers: u64,
    /// How many terms had a leader.
    pub terms: u64,
    /// How many faults came.
    pub faults: u64,
    /// How often a terminal started again from its disk.
    pub restarts: u64,
    /// How many messages of honest terminals were refused.
    pub refused: u64,
    /// How often, of ten times a second, two terminals said at once that they may decide, in different terms.
    pub overlaps: u64,
    /// How many frames were sent.
    pub frames: u64,
    /// How long it took, in milliseconds of virtual time.
    pub virtual_ms: u64,
    /// All inputs and outputs, as far as they were kept.
    pub trace: Finished,
    /// What was wrong; nothing, if all is well.
    pub violations: Vec<Violation>,
}

impl Outcome {
    /// A run that ended in a panic.
    pub fn panicked(plan: &Plan, message: &str) -> Self {
        Self {
            seed: plan.seed,
            terminals: plan.terminals,
            events: 0,
            sales: 0,
            returns: 0,
            exceptions: 0,
            resolved: 0,
            overruled: 0,
            failovers: 0,
            terms: 0,
            faults: 0,
            restarts: 0,
            refused: 0,
            overlaps: 0,
            frames: 0,
            virtual_ms: 0,
            trace: Finished::default(),
            violations: vec![Violation::new(Rule::Alive, format!("panic: {message}"))],
        }
    }

    /// Whether nothing was wrong.
    pub fn is_good(&self) -> bool {
        self.violations.is_empty()
    }
}

//! One plan, once or twice; and many seeds on all cores, with outcomes in the order of the seeds.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::check::{Rule, Violation};
use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::trace::Keep;
use crate::world::World;

/// Runs one plan to its end. A panic is a violation like any other.
pub fn run(plan: Plan, keep: Keep) -> Outcome {
    let world = std::panic::AssertUnwindSafe(|| World::new(plan.clone(), keep).run());
    std::panic::catch_unwind(world).unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("without a message");
        Outcome::panicked(&plan, message)
    })
}

/// Runs one plan twice and compares the traces byte by byte; a difference is a violation.
pub fn run_twice(plan: Plan) -> Outcome {
    let mut first = run(plan.clone(), Keep::Bytes(Vec::new()));
    let bytes = std::mem::take(&mut first.trace.bytes);
    let second = run(plan, Keep::Compare(bytes, 0));
    if let Some(at) = second.trace.diverged.filter(|_| first.is_good()) {
        first.violations.push(Violation::new(Rule::Deterministic, format!("a second run differs at {at}")));
    } else if first.trace.hash != second.trace.hash {
        first.violations.push(Violation::new(Rule::Deterministic, "a second run has another hash"));
    }
    first
}

/// Runs the plans of seeds `start .. start + count`, each twice where `twice`, and hands each outcome to `each`, by rising seed.
///
/// A run depends on its plan alone: how many threads there are changes nothing but the time.
pub fn run_seeds(
    start: u64,
    count: u64,
    twice: bool,
    plan_of: impl Fn(u64) -> Plan + Sync,
    mut each: impl FnMut(Outcome),
) {
    let work = |seed| {
        let plan = plan_of(seed);
        if twice { run_twice(plan) } else { run(plan, Keep::Hash) }
    };
    in_order(start, count, work, |_, outcome| each(outcome));
}

/// Does the work for each seed on all cores, and hands out what came of it by rising seed.
pub(crate) fn in_order<T: Send>(
    start: u64,
    count: u64,
    work: impl Fn(u64) -> T + Sync,
    mut each: impl FnMut(u64, T),
) {
    let threads =
        thread::available_parallelism().map_or(1, NonZero::get).min(usize::try_from(count).unwrap_or(1));
    let next = AtomicU64::new(0);
    let (send, receive) = mpsc::channel::<(u64, T)>();
    thread::scope(|scope| {
        for _ in 0..threads {
            let (send, next, work) = (send.clone(), &next, &work);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count || send.send((number, work(start.wrapping_add(number)))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(send);
        let mut waiting = BTreeMap::new();
        let mut expected = 0;
        for (number, result) in receive {
            waiting.insert(number, result);
            while let Some(result) = waiting.remove(&expected) {
                each(start.wrapping_add(expected), result);
                expected += 1;
            }
        }
    });
}

//! Many seeds on all cores; outcomes in the order of the seeds.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::outcome::{Outcome, run, run_twice};
use crate::plan::Plan;
use crate::trace::Keep;

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

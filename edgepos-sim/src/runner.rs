//! Many seeds on all cores; outcomes in the order of the seeds.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::outcome::{Outcome, run, run_twice};
use crate::plan::Plan;
use crate::trace::Keep;

/// Runs seeds `start .. start + count`, each twice where `twice`, and hands each outcome to `each`, by rising seed.
///
/// A run depends on its seed alone: how many threads there are changes nothing but the time.
pub fn run_seeds(start: u64, count: u64, twice: bool, mut each: impl FnMut(Outcome)) {
    let threads =
        thread::available_parallelism().map_or(1, NonZero::get).min(usize::try_from(count).unwrap_or(1));
    let next = AtomicU64::new(0);
    let (send, receive) = mpsc::channel::<Outcome>();
    thread::scope(|scope| {
        for _ in 0..threads {
            let send = send.clone();
            let next = &next;
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    let plan = Plan::from_seed(start.wrapping_add(number));
                    let outcome = if twice { run_twice(plan) } else { run(plan, Keep::Hash) };
                    if send.send(outcome).is_err() {
                        break;
                    }
                }
            });
        }
        drop(send);
        let mut waiting = BTreeMap::new();
        let mut expected = 0;
        for outcome in receive {
            waiting.insert(outcome.seed.wrapping_sub(start), outcome);
            while let Some(outcome) = waiting.remove(&expected) {
                each(outcome);
                expected += 1;
            }
        }
    });
}

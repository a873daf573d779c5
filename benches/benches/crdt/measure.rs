//! Processor time of one call, from a cold cache, of two sides in turn.

use std::hint::black_box;
use std::time::Duration;

/// Lets glibc keep the memory that is freed; other allocators do not look at it.
pub(crate) const KEEP_MEMORY: (&str, &str) =
    ("GLIBC_TUNABLES", "glibc.malloc.trim_threshold=8589934592:glibc.malloc.mmap_threshold=33554432");

/// More than the last-level cache of the machines at hand.
const EVICTING_WORDS: usize = 12 << 20;

/// A buffer whose reading pushes everything else out of the cache.
struct Evictor(Vec<u64>);

impl Evictor {
    fn new() -> Self {
        Self((0..EVICTING_WORDS as u64).collect())
    }

    fn evict(&mut self) {
        for word in &mut self.0 {
            *word = word.wrapping_add(1);
        }
        black_box(&self.0);
    }
}

/// What this thread has computed so far. Waiting for a processor that others use does not count.
fn processor_time() -> Duration {
    #[cfg(unix)]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).expect("below one second"))
    }
    #[cfg(not(unix))]
    {
        use std::sync::OnceLock;
        use std::time::Instant;
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }
}

/// One side: a state for each round, and what is timed.
pub(crate) struct Side<'a, S> {
    prepare: Box<dyn FnMut() -> S + 'a>,
    run: Box<dyn FnMut(&mut S) + 'a>,
    check: Box<dyn FnMut(&S) + 'a>,
}

impl<'a, S> Side<'a, S> {
    /// `prepare` makes the state of a round and `check` looks at the outcome, neither timed; `run` is.
    pub(crate) fn new(
        prepare: impl FnMut() -> S + 'a,
        run: impl FnMut(&mut S) + 'a,
        check: impl FnMut(&S) + 'a,
    ) -> Self {
        Self { prepare: Box::new(prepare), run: Box::new(run), check: Box::new(check) }
    }
}

fn round<S>(side: &mut Side<'_, S>, evictor: Option<&mut Evictor>) -> Duration {
    let mut state = (side.prepare)();
    if let Some(evictor) = evictor {
        evictor.evict();
    }
    let start = processor_time();
    (side.run)(black_box(&mut state));
    let took = processor_time() - start;
    (side.check)(black_box(&state));
    took
}

/// The median of each side, in turns, so that a slow minute of the machine hits both.
pub(crate) fn compare<A, B>(rounds: usize, mut a: Side<'_, A>, mut b: Side<'_, B>) -> (Duration, Duration) {
    let mut evictor = Evictor::new();
    let (mut of_a, mut of_b) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        of_a.push(round(&mut a, Some(&mut evictor)));
        of_b.push(round(&mut b, Some(&mut evictor)));
    }
    (median(of_a), median(of_b))
}

/// As [`compare`], with whatever the preparation left in the cache.
pub(crate) fn compare_warm<A, B>(
    rounds: usize,
    mut a: Side<'_, A>,
    mut b: Side<'_, B>,
) -> (Duration, Duration) {
    let (mut of_a, mut of_b) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        of_a.push(round(&mut a, None));
        of_b.push(round(&mut b, None));
    }
    (median(of_a), median(of_b))
}

/// The median of one side alone.
pub(crate) fn alone<A>(rounds: usize, mut a: Side<'_, A>) -> Duration {
    let mut evictor = Evictor::new();
    median((0..rounds).map(|_| round(&mut a, Some(&mut evictor))).collect())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

//! One thread per loaded model, and callers that never wait longer than their deadline.
//!
//! No engine can be stopped at any moment: some look at a flag between nodes, some never. So a run happens on the
//! worker's thread, the caller waits for its reply with a timeout, and a run that overstays makes the worker busy, not
//! the till. There is exactly one thread per worker, whatever happens; nothing is spawned per call.
//!
//! Each loaded model has its own worker: a payment is never queued behind pictures.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::backend::RunError;
use crate::outcome::Reason;
use crate::reply::{Replier, Reply, reply};
use crate::stop::{self, Stop};

/// How a worker treats its callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerConfig {
    /// How long a caller waits for an answer, decoding included. Default 300 ms.
    pub deadline: Duration,
    /// Most requests that wait while another runs, at least 1. Default 8. One more is told [`Reason::Busy`] at once,
    /// unless one of a lower [`Priority`] waits: that one is told so in its place.
    pub queue_limit: usize,
    /// Most requests answered by one run. Default 4; fewer where as many would take longer, by the latest runs, than one
    /// of them may wait, and one before the first run. A lone request never waits for others to join it.
    pub max_batch: usize,
    /// How long dropping the worker waits for a run to end before it leaves the thread to finish alone. Default 2 s.
    pub shutdown_grace: Duration,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            deadline: Duration::from_millis(300),
            queue_limit: 8,
            max_batch: 4,
            shutdown_grace: Duration::from_secs(2),
        }
    }
}

/// Who is served first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// A customer stands at the till.
    #[default]
    Checkout,
    /// Somebody waits, but not a customer: a shelf check, an enrolment.
    Interactive,
    /// Nobody waits: re-scoring, self-tests.
    Background,
}

/// What a worker does with requests: owned by the worker's thread.
pub(crate) trait Handler<Q, A>: Send + 'static {
    /// Answers every request, in order; as many answers as requests.
    fn handle(&mut self, requests: &[Q], stop: &Stop) -> Vec<Result<A, Reason>>;

    /// Called between runs, when nobody waits.
    fn idle(&mut self) {}
}

/// A thread that answers requests.
pub(crate) struct Worker<Q, A> {
    shared: Arc<Shared<Q, A>>,
    config: WorkerConfig,
    thread: Option<JoinHandle<()>>,
}

struct Shared<Q, A> {
    state: Mutex<State<Q, A>>,
    /// Something waits, or the worker is to end.
    wake: Condvar,
    /// The thread has ended.
    ended: Condvar,
}

struct State<Q, A> {
    waiting: VecDeque<Ticket<Q, A>>,
    running: Option<Running>,
    /// How long a request takes of a run, lately; none before the first.
    pace: Option<Duration>,
    next: u64,
    closing: bool,
    ended: bool,
}

struct Ticket<Q, A> {
    number: u64,
    priority: Priority,
    deadline: Instant,
    request: Q,
    reply: Replier<A>,
}

/// A run under way.
struct Running {
    stop: Arc<Stop>,
    /// The requests whose callers still wait for it.
    wanted: Vec<u64>,
}

impl<Q: Send + 'static, A: Send + 'static> Worker<Q, A> {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system's, when it gives no thread.
    pub(crate) fn start(
        name: &str,
        config: WorkerConfig,
        handler: impl Handler<Q, A>,
    ) -> std::io::Result<Self> {
        let state = State {
            waiting: VecDeque::new(),
            running: None,
            pace: None,
            next: 0,
            closing: false,
            ended: false,
        };
        let shared =
            Arc::new(Shared { state: Mutex::new(state), wake: Condvar::new(), ended: Condvar::new() });
        let own = Arc::clone(&shared);
        let max_batch = config.max_batch.max(1);
        let thread = std::thread::Builder::new()
            .name(format!("edgepos-{name}"))
            .spawn(move || own.serve(handler, max_batch))?;
        Ok(Self { shared, config, thread: Some(thread) })
    }

    /// Asks and waits, at most until `started` plus the deadline.
    pub(crate) fn call(&self, started: Instant, priority: Priority, request: Q) -> Result<A, Reason> {
        let deadline = stop::deadline(started, self.config.deadline);
        let (number, reply) = self.submit(deadline, priority, request)?;
        reply.wait(deadline).unwrap_or_else(|| {
            self.shared.give_up(number);
            Err(Reason::Timeout)
        })
    }

    /// Asks at once, and gives the answer to whoever polls, at the latest at `started` plus the deadline. A future that
    /// is dropped takes its request back.
    pub(crate) fn call_async(
        &self,
        started: Instant,
        priority: Priority,
        request: Q,
    ) -> impl Future<Output = Result<A, Reason>> + Send + use<Q, A> {
        let deadline = stop::deadline(started, self.config.deadline);
        let answering = self.submit(deadline, priority, request).map(|(number, reply)| {
            let shared = Arc::clone(&self.shared);
            reply.within(deadline, move || shared.give_up(number))
        });
        async move { answering?.await }
    }

    fn submit(&self, deadline: Instant, priority: Priority, request: Q) -> Result<(u64, Reply<A>), Reason> {
        let (replier, answer) = reply();
        let mut state = self.shared.lock();
        if state.closing || state.ended {
            return Err(Reason::Unavailable);
        }
        let now = Instant::now();
        if state.running.as_ref().is_some_and(|running| now >= running.stop.deadline()) {
            return Err(Reason::Busy);
        }
        let mut displaced = None;
        if state.waiting.len() >= self.config.queue_limit.max(1) {
            // The last to come of the least important; a newcomer that is no more important is the last itself.
            let last = (0..state.waiting.len()).rev().max_by_key(|&place| state.waiting[place].priority);
            let place = last.filter(|&place| state.waiting[place].priority > priority);
            displaced = state.waiting.remove(place.ok_or(Reason::Busy)?);
        }
        let number = state.next;
        state.next += 1;
        state.waiting.push_back(Ticket { number, priority, deadline, request, reply: replier });
        drop(state);
        self.shared.wake.notify_one();
        if let Some(displaced) = displaced {
            displaced.reply.send(Err(Reason::Busy));
        }
        Ok((number, answer))
    }
}

impl<Q, A> Shared<Q, A> {
    fn lock(&self) -> MutexGuard<'_, State<Q, A>> {
        // Every section leaves the state whole, and the handler runs outside the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a request whose caller has gone: out of the queue, or, when nobody else waits for the run, out of the
    /// engine as far as that listens.
    fn give_up(&self, number: u64) {
        let mut state = self.lock();
        let place = state.waiting.iter().position(|ticket| ticket.number == number);
        let gone = place.and_then(|place| state.waiting.remove(place));
        let unwanted = state.running.as_mut().and_then(|running| {
            running.wanted.retain(|wanted| *wanted != number);
            (running.wanted.is_empty() || running.stop.is_due()).then(|| Arc::clone(&running.stop))
        });
        drop(state);
        drop(gone);
        if let Some(stop) = unwanted {
            stop.ask();
        }
    }

    fn serve(&self, mut handler: impl Handler<Q, A>, max_batch: usize) {
        while let Some(batch) = self.next_round(max_batch) {
            let (requests, replies): (Vec<Q>, Vec<_>) =
                batch.tickets.into_iter().map(|ticket| (ticket.request, ticket.reply)).unzip();
            let start = Instant::now();
            let run = catch_unwind(AssertUnwindSafe(|| handler.handle(&requests, &batch.stop)));
            let pace = start.elapsed() / u32::try_from(requests.len()).unwrap_or(u32::MAX).max(1);
            let mut state = self.lock();
            state.pace = Some(state.pace.map_or(pace, |before| (before + pace) / 2));
            // Before the replies: a caller that asks again at once must not find the worker overstaying.
            state.running = None;
            drop(state);
            let mut answers = run
                .unwrap_or_else(|_| replies.iter().map(|_| Err(Reason::Engine(RunError::Panicked))).collect())
                .into_iter();
            for reply in replies {
                // A caller that has gone is no error; a handler that answers too little is told apart.
                reply.send(answers.next().unwrap_or(Err(Reason::Unavailable)));
            }
            if self.lock().waiting.is_empty() {
                // A panic here is contained as one in a run is.
                let _ = catch_unwind(AssertUnwindSafe(|| handler.idle()));
            }
        }
        let mut state = self.lock();
        let left = std::mem::take(&mut state.waiting);
        state.ended = true;
        drop(state);
        // Whoever still waits is told by this.
        drop(left);
        self.ended.notify_all();
    }

    fn next_round(&self, max_batch: usize) -> Option<Round<Q, A>> {
        let mut state = self.lock();
        loop {
            if state.closing {
                return None;
            }
            let now = Instant::now();
            // Their callers have gone, or are about to.
            for place in (0..state.waiting.len()).rev() {
                if state.waiting[place].deadline <= now
                    && let Some(late) = state.waiting.remove(place)
                {
                    late.reply.send(Err(Reason::Timeout));
                }
            }
            let Some(priority) = state.waiting.iter().map(|ticket| ticket.priority).min() else {
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let own = || state.waiting.iter().filter(|ticket| ticket.priority == priority);
            // Together they would all be late where one after the other some are in time.
            let left = own().map(|ticket| ticket.deadline - now).min().unwrap_or_default();
            let fit = state.pace.map_or(1, |pace| left.as_nanos() / pace.as_nanos().max(1));
            let max_batch = usize::try_from(fit).unwrap_or(usize::MAX).clamp(1, max_batch);
            let mut tickets = Vec::with_capacity(max_batch);
            let mut rest = VecDeque::with_capacity(state.waiting.len());
            // Of one priority only: a background request must not lengthen a customer's run.
            for ticket in state.waiting.drain(..) {
                if ticket.priority == priority && tickets.len() < max_batch {
                    tickets.push(ticket);
                } else {
                    rest.push_back(ticket);
                }
            }
            state.waiting = rest;
            // The last caller to wait decides how long the run is worth anything.
            let deadline = tickets.iter().map(|ticket| ticket.deadline).max().unwrap_or(now);
            let stop = Arc::new(Stop::at(deadline));
            let wanted = tickets.iter().map(|ticket| ticket.number).collect();
            state.running = Some(Running { stop: Arc::clone(&stop), wanted });
            return Some(Round { tickets, stop });
        }
    }
}

struct Round<Q, A> {
    tickets: Vec<Ticket<Q, A>>,
    stop: Arc<Stop>,
}

impl<Q, A> Drop for Worker<Q, A> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closing = true;
        let running = state.running.as_ref().map(|running| Arc::clone(&running.stop));
        drop(state);
        self.shared.wake.notify_all();
        if let Some(stop) = running {
            stop.ask();
        }
        let state = self.shared.lock();
        let (state, _) = self
            .shared
            .ended
            .wait_timeout_while(state, self.config.shutdown_grace, |state| !state.ended)
            .unwrap_or_else(PoisonError::into_inner);
        let ended = state.ended;
        drop(state);
        let Some(thread) = self.thread.take() else { return };
        if ended {
            // It has nothing left to do but return.
            let _ = thread.join();
        } else {
            tracing::warn!("a model run outlives its worker; its thread ends with the run");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Says what it was given, then waits for permission: tests steer it without sleeping.
    struct Gate {
        seen: Sender<Vec<u32>>,
        go: Receiver<()>,
    }

    impl Handler<u32, u32> for Gate {
        fn handle(&mut self, requests: &[u32], _stop: &Stop) -> Vec<Result<u32, Reason>> {
            let _ = self.seen.send(requests.to_vec());
            let _ = self.go.recv();
            requests.iter().map(|request| Ok(request * 2)).collect()
        }
    }

    /// A worker, what its handler was given, and the permission for it to go on.
    type Gated = (Arc<Worker<u32, u32>>, Receiver<Vec<u32>>, Sender<()>);

    fn gate(config: WorkerConfig) -> Gated {
        let (seen, watch) = channel();
        let (permit, go) = channel();
        (Arc::new(Worker::start("test", config, Gate { seen, go }).unwrap()), watch, permit)
    }

    fn patient() -> WorkerConfig {
        WorkerConfig { deadline: Duration::from_secs(60), ..WorkerConfig::default() }
    }

    fn ask(
        worker: &Arc<Worker<u32, u32>>,
        priority: Priority,
        request: u32,
    ) -> JoinHandle<Result<u32, Reason>> {
        let worker = Arc::clone(worker);
        std::thread::spawn(move || worker.call(Instant::now(), priority, request))
    }

    fn wait_for_queue(worker: &Arc<Worker<u32, u32>>, length: usize) {
        while worker.shared.lock().waiting.len() != length {
            std::thread::yield_now();
        }
    }

    #[test]
    fn waiting_requests_share_a_run_by_priority_and_a_lone_one_starts_at_once() {
        let (worker, watch, permit) = gate(patient());
        let mut callers = vec![ask(&worker, Priority::Checkout, 1)];
        assert_eq!(watch.recv().unwrap(), [1]);
        for (place, (priority, request)) in [
            (Priority::Background, 9),
            (Priority::Checkout, 2),
            (Priority::Checkout, 3),
            (Priority::Checkout, 4),
            (Priority::Checkout, 5),
            (Priority::Checkout, 6),
        ]
        .into_iter()
        .enumerate()
        {
            callers.push(ask(&worker, priority, request));
            wait_for_queue(&worker, place + 1);
        }
        for expected in [&[2, 3, 4, 5][..], &[6], &[9]] {
            permit.send(()).unwrap();
            assert_eq!(watch.recv().unwrap(), expected);
        }
        permit.send(()).unwrap();
        let answers: Vec<_> = callers.into_iter().map(|caller| caller.join().unwrap()).collect();
        assert_eq!(answers, [2, 18, 4, 6, 8, 10, 12].map(Ok));
    }

    #[test]
    fn no_more_requests_share_a_run_than_their_time_allows() {
        let (worker, watch, permit) = gate(patient());
        let mut callers = vec![ask(&worker, Priority::Checkout, 1)];
        assert_eq!(watch.recv().unwrap(), [1]);
        for request in 2..=6 {
            callers.push(ask(&worker, Priority::Checkout, request));
            wait_for_queue(&worker, request as usize - 1);
        }
        // Halved by the first run, which takes next to nothing: 20 s each, and a minute for all.
        worker.shared.lock().pace = Some(Duration::from_secs(40));
        permit.send(()).unwrap();
        assert_eq!(watch.recv().unwrap(), [2, 3]);
        for _ in 0..5 {
            let _ = permit.send(());
        }
        assert!(callers.into_iter().all(|caller| caller.join().unwrap().is_ok()));
    }

    #[test]
    fn a_deadline_beyond_the_clock_is_none() {
        let config = WorkerConfig { deadline: Duration::MAX, ..WorkerConfig::default() };
        let (worker, _watch, permit) = gate(config);
        permit.send(()).unwrap();
        assert_eq!(worker.call(Instant::now(), Priority::Checkout, 1), Ok(2));
    }

    #[test]
    fn a_run_that_overstays_makes_the_worker_busy_and_later_usable_again() {
        let (worker, watch, permit) = gate(patient());
        let first = ask(&worker, Priority::Checkout, 1);
        assert_eq!(watch.recv().unwrap(), [1]);
        // The minute is over, without waiting for it.
        let stop = Arc::new(Stop::at(Instant::now()));
        worker.shared.lock().running.as_mut().expect("the run waits for permission").stop = stop;
        for _ in 0..20 {
            assert_eq!(worker.call(Instant::now(), Priority::Checkout, 2), Err(Reason::Busy));
        }
        permit.send(()).unwrap();
        assert_eq!(first.join().unwrap(), Ok(2));
        permit.send(()).unwrap();
        assert_eq!(worker.call(Instant::now(), Priority::Checkout, 3), Ok(6));
    }

    #[test]
    fn a_full_queue_is_said_at_once() {
        let (worker, watch, permit) = gate(WorkerConfig { queue_limit: 1, ..patient() });
        let first = ask(&worker, Priority::Checkout, 1);
        watch.recv().unwrap();
        let second = ask(&worker, Priority::Checkout, 2);
        wait_for_queue(&worker, 1);
        assert_eq!(worker.call(Instant::now(), Priority::Checkout, 3), Err(Reason::Busy));
        permit.send(()).unwrap();
        permit.send(()).unwrap();
        assert_eq!((first.join().unwrap(), second.join().unwrap()), (Ok(2), Ok(4)));
    }

    #[test]
    fn a_customer_takes_the_place_of_a_background_request_in_a_full_queue() {
        let (worker, watch, permit) = gate(WorkerConfig { queue_limit: 2, ..patient() });
        let first = ask(&worker, Priority::Checkout, 1);
        watch.recv().unwrap();
        let waiting = [1, 2].map(|length| {
            let caller = ask(&worker, Priority::Background, 7);
            wait_for_queue(&worker, length);
            caller
        });
        let customer = ask(&worker, Priority::Checkout, 2);
        while !worker.shared.lock().waiting.iter().any(|ticket| ticket.request == 2) {
            std::thread::yield_now();
        }
        assert_eq!(worker.call(Instant::now(), Priority::Background, 8), Err(Reason::Busy));
        for expected in [&[2][..], &[7]] {
            permit.send(()).unwrap();
            assert_eq!(watch.recv().unwrap(), expected);
        }
        permit.send(()).unwrap();
        assert_eq!((first.join().unwrap(), customer.join().unwrap()), (Ok(2), Ok(4)));
        let told: Vec<_> = waiting.into_iter().map(|caller| caller.join().unwrap()).collect();
        assert!(told.contains(&Err(Reason::Busy)) && told.contains(&Ok(14)), "{told:?}");
    }

    #[test]
    fn a_dropped_future_takes_its_request_back_and_stops_a_run_that_nobody_wants() {
        /// Runs until told to stop.
        struct Listens(Sender<u32>);
        impl Handler<u32, u32> for Listens {
            fn handle(&mut self, requests: &[u32], stop: &Stop) -> Vec<Result<u32, Reason>> {
                let (told, hear) = channel();
                stop.on_ask(move || told.send(()).unwrap());
                let _ = self.0.send(requests[0]);
                let _ = hear.recv();
                stop.clear();
                requests.iter().map(|_| Err(Reason::Timeout)).collect()
            }
        }
        let (seen, watch) = channel();
        let worker = Worker::start("listens", patient(), Listens(seen)).unwrap();
        let running = worker.call_async(Instant::now(), Priority::Checkout, 1);
        assert_eq!(watch.recv().unwrap(), 1);
        let waiting = worker.call_async(Instant::now(), Priority::Checkout, 2);
        drop(waiting);
        assert_eq!(worker.shared.lock().waiting.len(), 0);
        drop(running);
        let next = worker.call_async(Instant::now(), Priority::Checkout, 3);
        // It comes only after the unwanted run has ended.
        assert_eq!(watch.recv().unwrap(), 3);
        drop(next);
    }

    #[test]
    fn a_panic_is_contained_and_the_worker_serves_on() {
        struct Panics(AtomicUsize);
        impl Handler<u32, u32> for Panics {
            fn handle(&mut self, requests: &[u32], _stop: &Stop) -> Vec<Result<u32, Reason>> {
                assert!(self.0.fetch_add(1, Ordering::SeqCst) != 0, "the first run fails");
                requests.iter().map(|request| Ok(*request)).collect()
            }
        }
        let worker = Worker::start("panics", patient(), Panics(AtomicUsize::new(0))).unwrap();
        let first = worker.call(Instant::now(), Priority::Checkout, 1);
        assert_eq!(first, Err(Reason::Engine(RunError::Panicked)));
        assert_eq!(worker.call(Instant::now(), Priority::Checkout, 2), Ok(2));
    }

    #[test]
    fn dropping_a_worker_whose_run_hangs_does_not_hang() {
        let config = WorkerConfig {
            deadline: Duration::from_millis(1),
            shutdown_grace: Duration::from_millis(10),
            ..WorkerConfig::default()
        };
        let (worker, _watch, permit) = gate(config);
        let _ = worker.call(Instant::now(), Priority::Checkout, 1);
        drop(worker);
        drop(permit);
    }
}

//! What all jobs are around the model: a worker that answers in time, what to do without an answer, and the engine's report.

use std::fmt;
use std::future::Future;
use std::time::Instant;

use crate::delegate::LoadError;
use crate::engine_chain::{EngineChain, LiveReport};
use crate::manifest::ModelEntry;
use crate::notice::{Listener, Notice};
use crate::outcome::{Action, Outcome, Reason};
use crate::report::Report;
use crate::worker::{Handler, Priority, Worker, WorkerConfig};

/// A placed model behind its worker. `Q` are its requests, `A` its answers.
pub(crate) struct Shell<Q, A> {
    worker: Worker<Q, A>,
    report: Report,
    live: LiveReport,
    listener: Listener,
    /// What whoever asked does without an answer.
    otherwise: Action,
}

impl<Q: Send + 'static, A: Send + 'static> Shell<Q, A> {
    /// Starts the worker of `entry`, whose handler is made of the placed model.
    ///
    /// # Errors
    /// [`LoadError::Thread`], and those of `handler`.
    pub(crate) fn start<H: Handler<Q, A>>(
        entry: &ModelEntry,
        session: EngineChain,
        config: WorkerConfig,
        otherwise: Action,
        handler: impl FnOnce(EngineChain) -> Result<H, LoadError>,
    ) -> Result<Self, LoadError> {
        let (live, listener) = (session.report(), session.listener());
        let report = live.get();
        let worker = Worker::start(&entry.name, config, handler(session)?)
            .map_err(|source| LoadError::Thread { model: entry.name.clone(), source })?;
        Ok(Self { worker, report, live, listener, otherwise })
    }

    /// Asks and waits, at most until `started` plus the deadline. A request that could not be made is an answer too.
    pub(crate) fn ask(&self, started: Instant, priority: Priority, query: Result<Q, Reason>) -> Outcome<A> {
        let result = query.and_then(|query| self.worker.call(started, priority, query));
        outcome(&self.listener, &self.report.model, self.otherwise, result)
    }

    /// As [`Shell::ask`], without blocking: the request is on its way when this returns.
    pub(crate) fn ask_async(
        &self,
        started: Instant,
        priority: Priority,
        query: Result<Q, Reason>,
    ) -> impl Future<Output = Outcome<A>> + Send + use<Q, A> {
        let answer = query.map(|query| self.worker.call_async(started, priority, query));
        let (listener, model, otherwise) = (self.listener.clone(), self.report.model.clone(), self.otherwise);
        async move {
            let result = match answer {
                Ok(answer) => answer.await,
                Err(reason) => Err(reason),
            };
            outcome(&listener, &model, otherwise, result)
        }
    }

    /// The report of loading.
    pub(crate) fn report(&self) -> &Report {
        &self.report
    }

    /// The report at present.
    pub(crate) fn live_report(&self) -> Report {
        self.live.get()
    }
}

impl<Q, A> fmt::Debug for Shell<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shell").field("report", &self.report).finish_non_exhaustive()
    }
}

fn outcome<A>(listener: &Listener, model: &str, action: Action, result: Result<A, Reason>) -> Outcome<A> {
    match result {
        Ok(answer) => Outcome::Answer(answer),
        Err(reason) => {
            listener.tell(Notice::NoAnswer { model: model.to_owned(), reason: reason.clone() });
            Outcome::Fallback { action, reason }
        }
    }
}

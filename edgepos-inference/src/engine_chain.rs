//! A placed model that changes its engine when that fails at run time, and goes back when it has recovered.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::backend::{Port, RunError, Session};
use crate::breaker::Breaker;
use crate::delegate::{Engines, LoadError, Placed, PlacementConfig, place};
use crate::manifest::ModelEntry;
use crate::notice::{Listener, Notice};
use crate::report::Report;
use crate::stop::Stop;
use crate::tensor::Tensor;

/// The session of a worker. All files are read and checked again whenever the engine changes.
pub(crate) struct EngineChain {
    dir: PathBuf,
    entry: Arc<ModelEntry>,
    engines: Engines,
    config: PlacementConfig,
    sample: Option<Arc<Tensor>>,
    session: Box<dyn Session>,
    engine: &'static str,
    breakers: BTreeMap<&'static str, Breaker>,
    report: LiveReport,
    trial: Option<Trial>,
}

/// Better engines that are being tried again.
struct Trial {
    due: Vec<&'static str>,
    found: Receiver<Result<Placed, LoadError>>,
}

/// The report of a chain, readable while it works.
#[derive(Clone, Debug)]
pub(crate) struct LiveReport(Arc<Mutex<Report>>);

impl LiveReport {
    pub(crate) fn get(&self) -> Report {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, report: Report) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = report;
    }
}

impl EngineChain {
    /// Places the model on the best engine.
    pub(crate) fn start(
        dir: &Path,
        entry: &ModelEntry,
        engines: &Engines,
        config: &PlacementConfig,
        sample: Option<Tensor>,
    ) -> Result<Self, LoadError> {
        let (entry, sample) = (Arc::new(entry.clone()), sample.map(Arc::new));
        let Placed { session, report } = place(dir, &entry, engines, config, sample.as_ref())?;
        Ok(Self {
            dir: dir.to_path_buf(),
            entry,
            engines: engines.clone(),
            config: *config,
            sample,
            session,
            engine: report.engine,
            breakers: BTreeMap::new(),
            report: LiveReport(Arc::new(Mutex::new(report))),
            trial: None,
        })
    }

    /// Who is told what becomes of it.
    pub(crate) fn listener(&self) -> Listener {
        self.engines.listener().clone()
    }

    pub(crate) fn report(&self) -> LiveReport {
        self.report.clone()
    }

    /// Between requests: tries a better engine whose rest is over, on a thread of its own, since loading may take longer
    /// than a customer waits. It serves from the first run after it has passed the examination again.
    pub(crate) fn idle(&mut self, now: Instant) {
        if self.trial.is_some() {
            return self.adopt(now);
        }
        let better = self.engines.names().take_while(|name| *name != self.engine);
        let due: Vec<&'static str> = better
            .filter(|name| self.breakers.get(name).is_some_and(|breaker| breaker.wants_trial(now)))
            .collect();
        if due.is_empty() {
            return;
        }
        let engines = self.engines.only(|name| due.contains(&name));
        let (dir, entry, config) = (self.dir.clone(), Arc::clone(&self.entry), self.config);
        let sample = self.sample.clone();
        let (send, found) = sync_channel(1);
        let thread = std::thread::Builder::new().name("edgepos-retry".to_owned());
        let started =
            thread.spawn(move || drop(send.send(place(&dir, &entry, &engines, &config, sample.as_ref()))));
        match started {
            Ok(_) => self.trial = Some(Trial { due, found }),
            Err(error) => {
                let (model, reason) = (self.entry.name.clone(), error.to_string());
                self.engines.listener().tell(Notice::NoTrial { model, reason });
            }
        }
    }

    /// Takes the result of a trial that has ended.
    fn adopt(&mut self, now: Instant) {
        let Some(Trial { due, found }) = self.trial.take() else { return };
        match found.try_recv() {
            Err(TryRecvError::Empty) => return self.trial = Some(Trial { due, found }),
            Ok(Ok(placed)) => self.serve_on(placed),
            Ok(Err(_)) | Err(TryRecvError::Disconnected) => {}
        }
        for name in due {
            if name != self.engine
                && let Some(breaker) = self.breakers.get_mut(name)
            {
                breaker.trip(now);
            }
        }
    }

    fn serve_on(&mut self, Placed { session, report }: Placed) {
        self.session = session;
        self.engine = report.engine;
        self.report.set(report);
    }

    fn note(&mut self, failed: bool, now: Instant) {
        let config = self.config.breaker;
        let breaker = self.breakers.entry(self.engine).or_insert_with(|| Breaker::new(config));
        if !failed {
            breaker.succeeded();
        } else if breaker.failed(now) {
            let (model, engine) = (self.entry.name.clone(), self.engine);
            self.engines.listener().tell(Notice::Demoted { model, engine });
            self.change(now);
        }
    }

    /// Places the model on the best engine that is not resting; keeps the present one where there is no other.
    fn change(&mut self, now: Instant) {
        let allowed =
            self.engines.only(|name| self.breakers.get(name).is_none_or(|breaker| breaker.allows(now)));
        match place(&self.dir, &self.entry, &allowed, &self.config, self.sample.as_ref()) {
            Ok(placed) => self.serve_on(placed),
            Err(error) => {
                let (model, reason) = (self.entry.name.clone(), error.to_string());
                self.engines.listener().tell(Notice::NoOtherEngine { model, reason });
            }
        }
    }
}

impl Session for EngineChain {
    fn inputs(&self) -> &[Port] {
        self.session.inputs()
    }

    fn outputs(&self) -> &[Port] {
        self.session.outputs()
    }

    fn max_rows(&self) -> Option<usize> {
        let row = self.entry.memory_per_row.filter(|row| *row > 0)?;
        let rows = usize::try_from(self.config.batch_memory / row).unwrap_or(usize::MAX).max(1);
        Some(self.session.max_rows().map_or(rows, |own| own.min(rows)))
    }

    fn run(
        &mut self,
        inputs: &[(&str, &Tensor)],
        outputs: &[&str],
        stop: &Stop,
    ) -> Result<Vec<Tensor>, RunError> {
        let start = Instant::now();
        self.adopt(start);
        let session = &mut self.session;
        let run = catch_unwind(AssertUnwindSafe(|| session.run(inputs, outputs, stop)));
        let result = run.unwrap_or(Err(RunError::Panicked));
        let now = Instant::now();
        match &result {
            Ok(_) => self.note(false, now),
            Err(RunError::Failed { .. } | RunError::Panicked) => self.note(true, now),
            // A run that was stopped early waited too long for its turn; only one that had its time is the engine's.
            Err(RunError::Stopped) if now - start >= self.config.latency_budget / 2 => self.note(true, now),
            Err(_) => {}
        }
        result
    }
}

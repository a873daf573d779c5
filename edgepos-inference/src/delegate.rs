//! Which engine runs a model: tried in order, on a sample whose answer is known, against a latency budget.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::backend::{Backend, LoadOptions, RunError, Session};
use crate::breaker::BreakerConfig;
use crate::integrity::{IntegrityError, VerifiedBytes};
use crate::manifest::{
    Activation, InterfaceError, KnownAnswer, ManifestError, ModelEntry, Precision, Variant,
};
use crate::notice::{Listener, Notice};
use crate::picture::PictureError;
use crate::report::{RefusedEngine, Report, micros};
use crate::stop::Stop;
use crate::tensor::Tensor;

/// The engines to try, best first.
#[derive(Clone)]
pub struct Engines {
    order: Vec<Arc<dyn Backend>>,
    listener: Listener,
}

impl Engines {
    /// No engine; add some with [`Engines::then`].
    #[must_use]
    pub fn none() -> Self {
        Self { order: Vec::new(), listener: Listener::default() }
    }

    /// The engines compiled into this build, best first.
    #[must_use]
    pub fn standard() -> Self {
        let engines = Self::none();
        #[cfg(feature = "embedded")]
        let engines = engines.then(crate::embedded::Embedded);
        engines.then(crate::trees::Trees)
    }

    /// Every execution provider of an ONNX Runtime library found by `search`, in the order of [`Provider::ORDER`], then
    /// the engines of [`Engines::standard`]. Without a library a refusal in each report says why.
    ///
    /// [`Provider::ORDER`]: crate::Provider::ORDER
    #[cfg(feature = "onnxruntime")]
    #[must_use]
    pub fn accelerated(search: &crate::library::LibrarySearch) -> Self {
        let mut engines = Self::none();
        match crate::onnx::OnnxRuntime::open(search) {
            Ok(runtime) => {
                for provider in crate::onnx::Provider::ORDER {
                    engines = engines.then(runtime.with(provider));
                }
            }
            Err(error) => engines = engines.then(Absent { engine: "onnxruntime", reason: error.to_string() }),
        }
        engines.order.extend(Self::standard().order);
        engines
    }

    /// Adds an engine behind the others.
    #[must_use]
    pub fn then(mut self, engine: impl Backend + 'static) -> Self {
        self.order.push(Arc::new(engine));
        self
    }

    /// Tells `listener` what becomes of the models that these engines run, in place of the log. It is called on the threads of models and
    /// of whoever asks them, and must not wait.
    #[must_use]
    pub fn telling(mut self, listener: impl Fn(Notice) + Send + Sync + 'static) -> Self {
        self.listener = Listener::new(listener);
        self
    }

    /// Who is told.
    pub(crate) fn listener(&self) -> &Listener {
        &self.listener
    }

    /// Those whose name passes.
    pub(crate) fn only(&self, passes: impl Fn(&'static str) -> bool) -> Self {
        let order = self.order.iter().filter(|engine| passes(engine.name())).cloned().collect();
        Self { order, listener: self.listener.clone() }
    }

    /// The engines' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.order.iter().map(|engine| engine.name())
    }
}

/// Stands for an engine that could not be started, so that every report says why it is not the one.
#[cfg(feature = "onnxruntime")]
struct Absent {
    engine: &'static str,
    reason: String,
}

#[cfg(feature = "onnxruntime")]
impl Backend for Absent {
    fn name(&self) -> &'static str {
        self.engine
    }

    fn load(
        &self,
        _: &VerifiedBytes,
        _: &LoadOptions,
    ) -> Result<Box<dyn Session>, crate::backend::EngineError> {
        Err(crate::backend::EngineError::Unavailable { engine: self.engine, reason: self.reason.clone() })
    }
}

impl Default for Engines {
    fn default() -> Self {
        Self::standard()
    }
}

impl std::fmt::Debug for Engines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// How a model is placed on an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlacementConfig {
    /// Slowest run on the known sample that an engine may need, after a warm-up run. Default 300 ms, the deadline of
    /// a call: an engine that needs longer would miss every one.
    pub latency_budget: Duration,
    /// Threads per run. Default 4, or the processor's cores where those are fewer; bounds 1–64. Trees take one in any
    /// case: more made them slower.
    pub threads: u32,
    /// Whether a delegate may compute with 16-bit floats. Default true: the known sample still has to be answered within
    /// its tolerance. Engines on the processor compute with 32 bits in any case.
    pub allow_fp16: bool,
    /// Whether files of 8-bit integers may be used. Default true.
    pub allow_quantised: bool,
    /// How long an engine may take to load the model and answer the known sample, compiling kernels included, before it
    /// is given up. Default 30 s. An engine that never comes back costs one thread, not the till's start.
    pub load_limit: Duration,
    /// Most memory that one run's batch may take, by the manifest's `memory_per_row`. Default 128 MiB. A batch that
    /// would take more is run in parts; one row is run in any case.
    pub batch_memory: u64,
    /// When an engine that fails at run time is given up for another.
    pub breaker: BreakerConfig,
}

impl Default for PlacementConfig {
    fn default() -> Self {
        let cores =
            std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(4));
        Self {
            latency_budget: Duration::from_millis(300),
            threads: cores.min(4),
            allow_fp16: true,
            allow_quantised: true,
            load_limit: Duration::from_secs(30),
            batch_memory: 128 << 20,
            breaker: BreakerConfig::default(),
        }
    }
}

/// Why a model cannot be served.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The manifest is missing or wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The manifest has no such model.
    #[error("the manifest has no model for {wanted}")]
    NoSuchModel {
        /// The name or job asked for.
        wanted: String,
    },
    /// A file is missing, truncated or changed.
    #[error(transparent)]
    Integrity(#[from] IntegrityError),
    /// The file's ports are not the promised ones.
    #[error(transparent)]
    Interface(#[from] InterfaceError),
    /// The manifest's entry lacks what this pipeline needs, or the configuration's threshold is not a number.
    #[error("model {model} cannot do this job: {problem}")]
    Unsuitable {
        /// The name of the model that was to be loaded.
        model: String,
        /// What is missing.
        problem: &'static str,
    },
    /// The known sample cannot be prepared.
    #[error("the sample of model {model} cannot be used: {source}")]
    Sample {
        /// The name of the model that was to be loaded.
        model: String,
        /// What is wrong with the picture.
        source: PictureError,
    },
    /// Every engine refused.
    #[error("no engine runs model {model}: {}", list(refused))]
    NoEngine {
        /// The name of the model that was to be loaded.
        model: String,
        /// Who refused, and why.
        refused: Vec<RefusedEngine>,
    },
    /// The system gives no thread for the worker.
    #[error("cannot start the worker of model {model}")]
    Thread {
        /// The name of the model that was to be loaded.
        model: String,
        /// What the file system said.
        source: std::io::Error,
    },
}

fn list(refused: &[RefusedEngine]) -> String {
    if refused.is_empty() {
        return "none is compiled in or configured".to_owned();
    }
    refused.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// A model on an engine.
pub(crate) struct Placed {
    pub(crate) session: Box<dyn Session>,
    pub(crate) report: Report,
}

/// Loads `entry` on the first engine that passes. Among an engine's files the fastest passing one is taken.
///
/// `sample` is the known sample as the model's first input, where there is one.
pub(crate) fn place(
    dir: &Path,
    entry: &Arc<ModelEntry>,
    engines: &Engines,
    config: &PlacementConfig,
    sample: Option<&Arc<Tensor>>,
) -> Result<Placed, LoadError> {
    let mut files: Vec<(&Variant, Arc<VerifiedBytes>)> = Vec::new();
    for variant in &entry.variants {
        match variant.file.read(dir) {
            Ok(bytes) => files.push((variant, Arc::new(bytes))),
            Err(IntegrityError::Missing { .. }) if variant.optional => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut refused = Vec::new();
    for engine in &engines.order {
        let mut best: Option<Placed> = None;
        for (variant, bytes) in &files {
            let precision = variant.precision;
            if precision == Precision::Int8 && !config.allow_quantised {
                refused.push(RefusedEngine::new(engine.name(), precision, "8-bit files are not allowed"));
                continue;
            }
            let candidate = Candidate {
                entry: Arc::clone(entry),
                engine: Arc::clone(engine),
                variant: (*variant).clone(),
                bytes: Arc::clone(bytes),
                config: *config,
                sample: sample.cloned(),
            };
            match candidate.try_within(config.load_limit)? {
                Err(refusal) => refused.push(refusal),
                Ok(placed) => best = Some(faster(best, placed, &mut refused)),
            }
        }
        if let Some(mut placed) = best {
            placed.report.refused = refused;
            engines.listener.tell(Notice::Placed { report: Box::new(placed.report.clone()) });
            return Ok(placed);
        }
    }
    Err(LoadError::NoEngine { model: entry.name.clone(), refused })
}

fn faster(best: Option<Placed>, placed: Placed, refused: &mut Vec<RefusedEngine>) -> Placed {
    let Some(best) = best else { return placed };
    // Without a sample there is nothing to measure: the manifest's order decides.
    let time = |placed: &Placed| placed.report.warm_run_us.unwrap_or(u64::MAX);
    let (winner, loser) = if time(&placed) < time(&best) { (placed, best) } else { (best, placed) };
    let reason = format!("slower than {}", winner.report.precision);
    refused.push(RefusedEngine::new(loser.report.engine, loser.report.precision, reason));
    winner
}

/// An engine and a file that may fit together.
struct Candidate {
    entry: Arc<ModelEntry>,
    engine: Arc<dyn Backend>,
    variant: Variant,
    bytes: Arc<VerifiedBytes>,
    config: PlacementConfig,
    sample: Option<Arc<Tensor>>,
}

/// The outer error ends the search (the file itself is wrong), the inner one only excludes this engine.
type Trial = Result<Result<Placed, RefusedEngine>, LoadError>;

impl Candidate {
    /// Tries on a thread of its own: drivers were seen that never come back from loading.
    fn try_within(self, limit: Duration) -> Trial {
        let (engine, precision) = (self.engine.name(), self.variant.precision);
        let model = self.entry.name.clone();
        let (send, found) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("edgepos-trial".to_owned())
            .spawn(move || drop(send.send(self.try_here())))
            .map_err(|source| LoadError::Thread { model, source })?;
        let refused = |reason: String| Ok(Err(RefusedEngine::new(engine, precision, reason)));
        let trial = match found.recv_timeout(limit) {
            Ok(trial) => trial,
            // The thread is left to itself.
            Err(RecvTimeoutError::Timeout) => {
                return refused(format!("it has not loaded within {limit:?}; given up"));
            }
            Err(RecvTimeoutError::Disconnected) => refused("it panicked while loading".to_owned()),
        };
        // It has nothing left to do but return.
        let _ = thread.join();
        trial
    }

    fn try_here(&self) -> Trial {
        let (engine, precision) = (self.engine.name(), self.variant.precision);
        let options = LoadOptions { threads: self.config.threads, reduced_precision: self.config.allow_fp16 };
        let start = Instant::now();
        let mut session = match self.engine.load(&self.bytes, &options) {
            Ok(session) => session,
            Err(error) => return Ok(Err(RefusedEngine::engine(&error, engine, precision))),
        };
        let load_us = micros(start.elapsed());
        self.entry.check_interface(&self.variant.file.file, session.as_ref())?;
        let mut report = Report {
            model: self.entry.name.clone(),
            version: self.entry.version.clone(),
            sha256: self.bytes.sha256(),
            precision,
            engine,
            placement: session.placement().to_string(),
            load_us,
            warm_run_us: None,
            known_answer: None,
            refused: Vec::new(),
        };
        if let (Some(answer), Some(sample)) = (&self.entry.known_answer, &self.sample) {
            match examine(session.as_mut(), &self.entry, answer, sample, self.config.latency_budget) {
                Ok(run) => {
                    report.warm_run_us = Some(micros(run));
                    report.known_answer = Some(true);
                }
                Err(error) => return Ok(Err(RefusedEngine::new(engine, precision, error.to_string()))),
            }
        }
        Ok(Ok(Placed { session, report }))
    }
}

/// How long the first run on a cold engine may take before it is given up: it may compile kernels.
const COLD_RUN_LIMIT: Duration = Duration::from_secs(30);
/// Warm runs; the fastest counts, since a busy machine slows some of them.
const WARM_RUNS: usize = 3;

/// What an engine makes of the known sample.
#[derive(Debug, Error)]
enum SampleError {
    #[error("known sample: {0}")]
    Run(#[from] RunError),
    #[error("known sample: output {output} is missing")]
    NoOutput { output: String },
    #[error("known sample: output {output} is not of floats")]
    NotFloats { output: String },
    #[error("known sample: value {index} is {found}, expected {expected} ± {tolerance}")]
    Differs { index: usize, found: f32, expected: f32, tolerance: f32 },
    #[error("known sample took {took:.1?}, the budget is {budget:.1?}")]
    Slow { took: Duration, budget: Duration },
}

fn examine(
    session: &mut dyn Session,
    entry: &ModelEntry,
    answer: &KnownAnswer,
    sample: &Tensor,
    budget: Duration,
) -> Result<Duration, SampleError> {
    let input = entry.inputs[0].name.as_str();
    let output = || answer.output.clone();
    let ask = |session: &mut dyn Session| -> Result<Tensor, SampleError> {
        let stop = Stop::within(COLD_RUN_LIMIT);
        let outputs = session.run(&[(input, sample)], &[answer.output.as_str()], &stop)?;
        outputs.into_iter().next().ok_or_else(|| SampleError::NoOutput { output: output() })
    };
    let answered = ask(session)?;
    let values = answered.as_f32().ok_or_else(|| SampleError::NotFloats { output: output() })?;
    let values = activate(values, answer.activation);
    for expected in &answer.expect {
        let found = values.get(expected.index).copied().unwrap_or(f32::NAN);
        let difference = (found - expected.value).abs();
        // Written so that a difference that is not a number is refused.
        if !matches!(difference.partial_cmp(&answer.tolerance), Some(order) if order.is_le()) {
            let (index, tolerance) = (expected.index, answer.tolerance);
            return Err(SampleError::Differs { index, found, expected: expected.value, tolerance });
        }
    }
    let mut fastest = Duration::MAX;
    for _ in 0..WARM_RUNS {
        let start = Instant::now();
        ask(session)?;
        fastest = fastest.min(start.elapsed());
    }
    if fastest > budget {
        return Err(SampleError::Slow { took: fastest, budget });
    }
    Ok(fastest)
}

/// Turns an output into probabilities.
pub(crate) fn activate(values: &[f32], activation: Activation) -> Vec<f32> {
    match activation {
        Activation::None => values.to_vec(),
        Activation::Sigmoid => values.iter().map(|value| 1.0 / (1.0 + (-value).exp())).collect(),
        Activation::Softmax => softmax(values),
    }
}

/// Softmax, shifted by the largest value so that no exponent overflows.
pub(crate) fn softmax(values: &[f32]) -> Vec<f32> {
    let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut shares: Vec<f32> = values.iter().map(|value| (value - largest).exp()).collect();
    let sum: f32 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= sum);
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_adds_up_and_survives_large_logits() {
        let shares = softmax(&[1000.0, 999.0, -1000.0]);
        assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!((shares[0] / shares[1] - std::f32::consts::E).abs() < 1e-4);
        assert!(softmax(&[f32::NAN, 1.0]).iter().all(|share| share.is_nan()));
        assert!(softmax(&[]).is_empty());
    }
}

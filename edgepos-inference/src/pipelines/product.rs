//! Product recognition: a picture in, the most likely classes out.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::batch::run_rows;
use crate::chain::{Chain, LiveReport};
use crate::delegate::{Engines, LoadError, PlacementConfig, softmax};
use crate::manifest::{Manifest, ModelEntry, Task};
use crate::outcome::{Action, Outcome, Reason};
use crate::picture::{Picture, PictureLimits, PictureSpec, Prepared};
use crate::pipelines::{find, labels};
use crate::report::{Report, micros};
use crate::stop::Stop;
use crate::tensor::Tensor;
use crate::worker::{Handler, Priority, Worker, WorkerConfig};

/// How products are recognised.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductConfig {
    /// The model's name in the manifest. Default `None`: the first for the job `product`.
    pub model: Option<String>,
    /// How many candidates an answer has. Default 5, at least 1.
    pub top_k: usize,
    /// Below this confidence a person confirms. Default `None`: the manifest's, 0.7 there.
    pub confirm_below: Option<f32>,
    /// What a picture may cost.
    pub picture: PictureLimits,
    /// Deadline, queue and batch.
    pub worker: WorkerConfig,
    /// Engine, budget and threads.
    pub placement: PlacementConfig,
}

impl Default for ProductConfig {
    fn default() -> Self {
        Self {
            model: None,
            top_k: 5,
            confirm_below: None,
            picture: PictureLimits::default(),
            worker: WorkerConfig::default(),
            placement: PlacementConfig::default(),
        }
    }
}

/// What a picture shows.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Recognition {
    /// The most likely classes, most likely first; never empty.
    pub candidates: Vec<Candidate>,
    /// Whether a person must confirm before this counts: the best confidence is below the threshold.
    pub requires_confirmation: bool,
    /// How long each step took.
    pub timing: Timing,
}

impl Recognition {
    /// The most likely class.
    #[must_use]
    pub fn best(&self) -> &Candidate {
        &self.candidates[0]
    }
}

/// One class that a picture may show.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The class's number in the model.
    pub class: usize,
    /// Its name.
    pub label: String,
    /// How sure the model is, 0 to 1; all classes add up to 1.
    pub confidence: f32,
}

/// How long the steps of one answer took, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timing {
    /// Decoding, scaling, normalising.
    pub prepare_us: u64,
    /// The run, shared by `batch` requests.
    pub run_us: u64,
    /// How many requests shared the run.
    pub batch: usize,
    /// From the call to the answer.
    pub total_us: u64,
}

/// Recognises products on pictures.
///
/// One thread runs the model; any number of threads may ask. Dropping it ends the thread.
///
/// ```
/// use std::path::Path;
/// use edgepos_inference::{Outcome, ProductConfig, ProductRecognizer};
/// # use edgepos_inference::{PlacementConfig, WorkerConfig};
/// # use std::time::Duration;
/// # let slow = Duration::from_secs(60); // an unoptimised build on a busy machine
/// # let config = ProductConfig {
/// #     worker: WorkerConfig { deadline: slow, ..WorkerConfig::default() },
/// #     placement: PlacementConfig { latency_budget: slow, ..PlacementConfig::default() },
/// #     ..ProductConfig::default()
/// # };
/// # if !cfg!(feature = "embedded") { return Ok(()) }
/// let models = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../models"));
/// # #[cfg(any())]
/// let config = ProductConfig::default();
/// let recognizer = ProductRecognizer::load(models, config)?;
/// let photo = std::fs::read(models.join("samples/espresso.png"))?;
/// match recognizer.recognise(&photo) {
///     Outcome::Answer(answer) => assert_eq!(answer.best().label, "espresso"),
///     Outcome::Fallback { action, reason } => panic!("{action:?}: {reason}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ProductRecognizer {
    worker: Worker<Query, Recognition>,
    report: Report,
    live: LiveReport,
}

enum Query {
    File(Vec<u8>),
    Pixels(Picture),
}

impl ProductRecognizer {
    /// Loads the model from `models_dir` onto the best of [`Engines::standard`].
    ///
    /// Blocks for as long as reading, checking and warming up take: tens of milliseconds.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load(models_dir: &Path, config: ProductConfig) -> Result<Self, LoadError> {
        Self::load_with(models_dir, config, &Engines::standard())
    }

    /// As [`ProductRecognizer::load`], with the engines to try.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load_with(models_dir: &Path, config: ProductConfig, engines: &Engines) -> Result<Self, LoadError> {
        let manifest = Manifest::read(models_dir)?;
        let entry = find(&manifest, config.model.as_deref(), Task::PRODUCT)?;
        let unsuitable = |problem| LoadError::Unsuitable { model: entry.name.clone(), problem };
        let spec =
            entry.picture.clone().ok_or_else(|| unsuitable("it does not say how to prepare a picture"))?;
        let labels = labels(models_dir, &entry)?;
        let sample = sample(models_dir, &entry, &spec, &config.picture)?;
        let session = Chain::start(models_dir, &entry, engines, &config.placement, sample)?;
        let live = session.report();
        let report = live.get();
        let handler = Recognise {
            session,
            shape: shape(&spec),
            input: entry.inputs[0].name.clone(),
            output: entry.outputs[0].name.clone(),
            spec,
            labels,
            top_k: config.top_k.max(1),
            confirm_below: config.confirm_below.unwrap_or(entry.thresholds.confirm_below),
            discard_below: entry.thresholds.discard_below,
            picture: config.picture,
        };
        let worker = Worker::start(&entry.name, config.worker, handler)
            .map_err(|source| LoadError::Thread { model: entry.name.clone(), source })?;
        Ok(Self { worker, report, live })
    }

    /// Recognises the product on a PNG or JPEG. Returns within the deadline, whatever happens.
    pub fn recognise(&self, image_bytes: &[u8]) -> Outcome<Recognition> {
        self.recognise_as(Priority::Checkout, image_bytes)
    }

    /// As [`ProductRecognizer::recognise`], for a caller who is not a customer at the till.
    pub fn recognise_as(&self, priority: Priority, image_bytes: &[u8]) -> Outcome<Recognition> {
        self.ask(priority, Query::File(image_bytes.to_vec()))
    }

    /// As [`ProductRecognizer::recognise`], for a decoded frame from a camera.
    pub fn recognise_picture(&self, picture: Picture) -> Outcome<Recognition> {
        self.ask(Priority::Checkout, Query::Pixels(picture))
    }

    /// Which engine ran which file when the model was loaded, and why the others did not.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The same at present: the engine changes when it fails at run time.
    #[must_use]
    pub fn live_report(&self) -> Report {
        self.live.get()
    }

    fn ask(&self, priority: Priority, query: Query) -> Outcome<Recognition> {
        let started = Instant::now();
        match self.worker.call(started, priority, query) {
            Ok(mut recognition) => {
                recognition.timing.total_us = micros(started.elapsed());
                Outcome::Answer(recognition)
            }
            Err(reason) => {
                tracing::debug!(model = %self.report.model, reason = reason.label(), "no recognition");
                Outcome::Fallback { action: Action::ManualEntry, reason }
            }
        }
    }
}

impl std::fmt::Debug for ProductRecognizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProductRecognizer").field("report", &self.report).finish_non_exhaustive()
    }
}

/// Channels, height, width: one entry of an NCHW batch.
fn shape(spec: &PictureSpec) -> [usize; 3] {
    let (width, height) = spec.fit.size();
    [spec.colour.channels(), height as usize, width as usize]
}

fn sample(
    dir: &Path,
    entry: &ModelEntry,
    spec: &PictureSpec,
    limits: &PictureLimits,
) -> Result<Option<Tensor>, LoadError> {
    let Some(file) = entry.known_answer.as_ref().and_then(|answer| answer.sample.as_ref()) else {
        return Ok(None);
    };
    let bytes = file.read(dir)?;
    let prepared = Picture::decode(bytes.bytes(), limits)
        .and_then(|picture| spec.prepare(&picture))
        .map_err(|source| LoadError::Sample { model: entry.name.clone(), source })?;
    let [channels, height, width] = shape(spec);
    let tensor = Tensor::f32([1, channels, height, width], prepared.planes)
        .expect("a prepared picture has the size of its spec");
    Ok(Some(tensor))
}

/// The worker's side.
struct Recognise {
    session: Chain,
    shape: [usize; 3],
    input: String,
    output: String,
    spec: PictureSpec,
    labels: Vec<String>,
    top_k: usize,
    confirm_below: f32,
    discard_below: f32,
    picture: PictureLimits,
}

impl Handler<Query, Recognition> for Recognise {
    fn handle(&mut self, requests: &[Query], stop: &Stop) -> Vec<Result<Recognition, Reason>> {
        let prepared: Vec<Result<(Prepared, Duration), Reason>> = requests
            .iter()
            .map(|request| {
                let start = Instant::now();
                let prepared = if stop.is_due() { Err(Reason::Timeout) } else { self.prepare(request) };
                prepared.map(|prepared| (prepared, start.elapsed()))
            })
            .collect();
        let rows: Vec<&[f32]> = prepared.iter().flatten().map(|(row, _)| &row.planes[..]).collect();
        let start = Instant::now();
        let batch = rows.len();
        let outputs = [self.output.as_str()];
        let mut found =
            run_rows(&mut self.session, &self.input, &self.shape, &rows, &outputs, stop).into_iter();
        let run_us = micros(start.elapsed());
        prepared
            .iter()
            .map(|prepared| {
                let (_, prepare) = prepared.as_ref().map_err(Clone::clone)?;
                let outputs = found.next().unwrap_or(Err(crate::backend::RunError::Stopped))?;
                let timing = Timing { prepare_us: micros(*prepare), run_us, batch, total_us: 0 };
                self.read(&outputs[0], timing)
            })
            .collect()
    }

    fn idle(&mut self) {
        self.session.idle(Instant::now());
    }
}

impl Recognise {
    fn prepare(&self, request: &Query) -> Result<Prepared, Reason> {
        let decoded;
        let picture = match request {
            Query::Pixels(picture) => picture,
            Query::File(bytes) => {
                decoded = Picture::decode(bytes, &self.picture).map_err(Reason::Decode)?;
                &decoded
            }
        };
        self.spec.prepare(picture).map_err(Reason::Decode)
    }

    fn read(&self, logits: &[f32], timing: Timing) -> Result<Recognition, Reason> {
        let shares = softmax(logits);
        // A network that overflows answers NaN: no answer, and never a confident one.
        if shares.len() != self.labels.len() || shares.iter().any(|share| !share.is_finite()) {
            return Err(Reason::Unsure);
        }
        let mut order: Vec<usize> = (0..shares.len()).collect();
        order.sort_unstable_by(|&a, &b| shares[b].total_cmp(&shares[a]).then(a.cmp(&b)));
        order.truncate(self.top_k);
        let best = order.first().map_or(0.0, |&class| shares[class]);
        if order.is_empty() || best < self.discard_below {
            return Err(Reason::Unsure);
        }
        let candidate =
            |class: usize| Candidate { class, label: self.labels[class].clone(), confidence: shares[class] };
        Ok(Recognition {
            candidates: order.into_iter().map(candidate).collect(),
            requires_confirmation: best < self.confirm_below,
            timing,
        })
    }
}

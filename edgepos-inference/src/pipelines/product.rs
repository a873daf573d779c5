//! Product recognition: a picture in, the most likely classes out.

mod place;

use std::future::Future;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::batch::run_rows;
use crate::cache::{Cache, CacheConfig, PictureHash};
use crate::delegate::{Engines, LoadError, PlacementConfig, softmax};
use crate::engine_chain::EngineChain;
use crate::gallery::Embedding;
use crate::manager::Pipeline;
use crate::manifest::{Manifest, ModelEntry, Task};
use crate::outcome::{Action, Outcome, Reason};
use crate::picture::{Picture, PictureLimits, PictureSpec, Prepared};
use crate::pipelines::shell::Shell;
use crate::pipelines::{find, labels, threshold};
use crate::report::{Report, micros};
use crate::stop::Stop;
use crate::worker::{Handler, Priority, WorkerConfig};
pub use place::BoundingBox;

/// How products are recognised.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductConfig {
    /// The model's name in the manifest. Default `None`: the first for the job `product`.
    pub model: Option<String>,
    /// How many candidates an answer has. Default 5, at least 1.
    pub top_k: usize,
    /// Below this confidence a person confirms. Default `None`: the manifest's, 0.7 there.
    pub confirm_below: Option<f32>,
    /// Answers of a moment ago.
    pub cache: CacheConfig,
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
            cache: CacheConfig::default(),
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
    /// Where on the picture, where the model tells (output `activation`).
    pub region: Option<BoundingBox>,
    /// What the network sees, for a [`Gallery`](crate::Gallery), where the model gives it (output `embedding`).
    pub embedding: Option<Embedding>,
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
    /// The name of the class, as its model gives it.
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
    /// Whether the answer is one of a moment ago.
    pub cached: bool,
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
#[derive(Debug)]
pub struct ProductRecognizer {
    shell: Shell<Query, Recognition>,
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
        let sample = spec.sample(models_dir, &entry, &config.picture)?;
        let session = EngineChain::start(models_dir, &entry, engines, &config.placement, sample)?;
        let shell = Shell::start(&entry, session, config.worker, Action::ManualEntry, |session| {
            Ok(Recognise {
                session,
                shape: shape(&spec),
                input: entry.inputs[0].name.clone(),
                outputs: Outputs::of(&entry),
                cache: Cache::new(config.cache),
                spec,
                labels,
                top_k: config.top_k.max(1),
                confirm_below: threshold(config.confirm_below, entry.thresholds.confirm_below, &entry)?,
                discard_below: entry.thresholds.discard_below,
                picture: config.picture,
            })
        })?;
        Ok(Self { shell })
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

    /// As [`ProductRecognizer::recognise_as`], without blocking, on any executor or none: the request is on its way when
    /// this returns, and the deadline runs from then on. Dropping the future takes the request back.
    pub fn recognise_async(
        &self,
        priority: Priority,
        image_bytes: Vec<u8>,
    ) -> impl Future<Output = Outcome<Recognition>> + Send + use<> {
        self.ask_async(priority, Query::File(image_bytes))
    }

    /// The same for a decoded frame from a camera.
    pub fn recognise_picture_async(
        &self,
        priority: Priority,
        picture: Picture,
    ) -> impl Future<Output = Outcome<Recognition>> + Send + use<> {
        self.ask_async(priority, Query::Pixels(picture))
    }

    /// Which engine ran which file when the model was loaded, and why the others did not.
    #[must_use]
    pub fn report(&self) -> &Report {
        self.shell.report()
    }

    /// The same at present: the engine changes when it fails at run time.
    #[must_use]
    pub fn live_report(&self) -> Report {
        self.shell.live_report()
    }

    fn ask(&self, priority: Priority, query: Query) -> Outcome<Recognition> {
        let started = Instant::now();
        timed(started, self.shell.ask(started, priority, Ok(query)))
    }

    fn ask_async(
        &self,
        priority: Priority,
        query: Query,
    ) -> impl Future<Output = Outcome<Recognition>> + Send + use<> {
        let started = Instant::now();
        let answer = self.shell.ask_async(started, priority, Ok(query));
        async move { timed(started, answer.await) }
    }
}

fn timed(started: Instant, mut outcome: Outcome<Recognition>) -> Outcome<Recognition> {
    if let Outcome::Answer(recognition) = &mut outcome {
        recognition.timing.total_us = micros(started.elapsed());
    }
    outcome
}

/// Channels, height, width: one entry of an NCHW batch.
fn shape(spec: &PictureSpec) -> [usize; 3] {
    let (width, height) = spec.fit.size();
    [spec.colour.channels(), height as usize, width as usize]
}

impl Pipeline for ProductRecognizer {
    type Config = ProductConfig;
    const TASK: &'static str = Task::PRODUCT;

    fn load(dir: &Path, config: ProductConfig, engines: &Engines) -> Result<Self, LoadError> {
        Self::load_with(dir, config, engines)
    }
}

/// The worker's side.
struct Recognise {
    session: EngineChain,
    shape: [usize; 3],
    input: String,
    outputs: Outputs,
    cache: Cache<Recognition>,
    spec: PictureSpec,
    labels: Vec<String>,
    top_k: usize,
    confirm_below: f32,
    discard_below: f32,
    picture: PictureLimits,
}

/// The outputs to ask for: the first has the classes, the others are extras that a model may lack.
struct Outputs {
    names: Vec<String>,
    embedding: Option<usize>,
    activation: Option<usize>,
}

impl Outputs {
    fn of(entry: &ModelEntry) -> Self {
        let mut outputs =
            Self { names: vec![entry.outputs[0].name.clone()], embedding: None, activation: None };
        for port in &entry.outputs[1..] {
            let place = match port.name.as_str() {
                "embedding" => &mut outputs.embedding,
                "activation" => &mut outputs.activation,
                _ => continue,
            };
            *place = Some(outputs.names.len());
            outputs.names.push(port.name.clone());
        }
        outputs
    }
}

impl Recognition {
    /// Of a picture of which a part is missing: a person looks, however sure the network is of the rest.
    fn of_what_is_there(mut self, is_cut_off: bool) -> Self {
        self.requires_confirmation |= is_cut_off;
        self
    }
}

/// A request on its way.
enum Step {
    /// Nothing to run: it failed, or was answered a moment ago.
    Done(Result<Recognition, Reason>),
    Run {
        prepared: Prepared,
        source: (u32, u32),
        hash: Option<PictureHash>,
        is_cut_off: bool,
        took: Duration,
    },
}

impl Handler<Query, Recognition> for Recognise {
    fn handle(&mut self, requests: &[Query], stop: &Stop) -> Vec<Result<Recognition, Reason>> {
        let steps: Vec<Step> = requests.iter().map(|request| self.prepare(request, stop)).collect();
        let rows: Vec<&[f32]> = steps
            .iter()
            .filter_map(|step| match step {
                Step::Run { prepared, .. } => Some(&prepared.planes[..]),
                Step::Done(_) => None,
            })
            .collect();
        let start = Instant::now();
        let batch = rows.len();
        let outputs: Vec<&str> = self.outputs.names.iter().map(String::as_str).collect();
        let mut found =
            run_rows(&mut self.session, &self.input, &self.shape, &rows, &outputs, stop).into_iter();
        let run_us = micros(start.elapsed());
        let mut answers = Vec::with_capacity(steps.len());
        for step in steps {
            answers.push(match step {
                Step::Done(answer) => answer,
                Step::Run { prepared, source, hash, is_cut_off, took } => {
                    let timing = Timing { prepare_us: micros(took), run_us, batch, ..Timing::default() };
                    let outputs = found.next().unwrap_or(Err(crate::backend::RunError::Stopped));
                    let answer = outputs
                        .map_err(Reason::from)
                        .and_then(|outputs| self.read(&outputs, &prepared, source, timing))
                        .map(|answer| answer.of_what_is_there(is_cut_off));
                    if let (Some(hash), Ok(answer)) = (hash, &answer)
                        && !answer.requires_confirmation
                    {
                        self.cache.put(Instant::now(), hash, answer.clone());
                    }
                    answer
                }
            });
        }
        answers
    }

    fn idle(&mut self) {
        self.session.idle(Instant::now());
    }
}

impl Recognise {
    fn prepare(&mut self, request: &Query, stop: &Stop) -> Step {
        if stop.is_due() {
            return Step::Done(Err(Reason::Timeout));
        }
        let start = Instant::now();
        let decoded;
        let picture = match request {
            Query::Pixels(picture) => picture,
            Query::File(bytes) => match Picture::decode(bytes, &self.picture) {
                Ok(picture) => {
                    decoded = picture;
                    &decoded
                }
                Err(error) => return Step::Done(Err(Reason::Decode(error))),
            },
        };
        let prepared = match self.spec.prepare(picture) {
            Ok(prepared) => prepared,
            Err(error) => return Step::Done(Err(Reason::Decode(error))),
        };
        let [_, height, width] = self.shape;
        let hash = PictureHash::of(&prepared.planes, width, height);
        let took = start.elapsed();
        if let Some(mut answer) = hash.as_ref().and_then(|hash| self.cache.get(Instant::now(), hash)) {
            answer.timing = Timing { prepare_us: micros(took), cached: true, ..Timing::default() };
            return Step::Done(Ok(answer.of_what_is_there(picture.is_cut_off())));
        }
        let (source, is_cut_off) = ((picture.width(), picture.height()), picture.is_cut_off());
        Step::Run { prepared, source, hash, is_cut_off, took }
    }

    fn read(
        &self,
        outputs: &[Vec<f32>],
        prepared: &Prepared,
        source: (u32, u32),
        timing: Timing,
    ) -> Result<Recognition, Reason> {
        let shares = softmax(outputs.first().ok_or(Reason::Unsure)?);
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
        let extra = |place: Option<usize>| place.and_then(|place| outputs.get(place));
        let region = extra(self.outputs.activation).and_then(|map| {
            let side = map.len().isqrt();
            BoundingBox::of(map, side, self.spec.fit.size(), prepared, source)
        });
        Ok(Recognition {
            candidates: order.into_iter().map(candidate).collect(),
            requires_confirmation: best < self.confirm_below,
            region,
            embedding: extra(self.outputs.embedding).and_then(|features| Embedding::new(features.clone())),
            timing,
        })
    }
}

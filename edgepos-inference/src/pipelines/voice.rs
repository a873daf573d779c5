//! Voice commands: a second of speech in, a word out, or that nobody spoke.

use std::future::Future;
use std::path::Path;
use std::time::Instant;

use crate::audio::{Clip, GateConfig, SAMPLE_RATE};
use crate::batch::run_rows;
use crate::delegate::{Engines, LoadError, PlacementConfig, softmax};
use crate::engine_chain::EngineChain;
use crate::manager::Pipeline;
use crate::manifest::{Manifest, Task};
use crate::outcome::{Action, Outcome, Reason};
use crate::pipelines::shell::Shell;
use crate::pipelines::{find, labels, threshold};
use crate::report::Report;
use crate::stop::Stop;
use crate::tensor::Tensor;
use crate::worker::{Handler, Priority, WorkerConfig};

/// How commands are heard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VoiceConfig {
    /// The model's name in the manifest. Default `None`: the first for the job `voice`.
    pub model: Option<String>,
    /// Below this confidence a person confirms. Default `None`: the manifest's.
    pub confirm_below: Option<f32>,
    /// When somebody speaks.
    pub gate: GateConfig,
    /// Deadline, queue and batch.
    pub worker: WorkerConfig,
    /// Engine, budget and threads.
    pub placement: PlacementConfig,
}

/// The label of a class that stands for words that are no command.
pub const UNKNOWN_LABEL: &str = "<unknown>";

/// What was heard.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Heard {
    /// Nobody spoke in the clip.
    Silence,
    /// Somebody spoke, but none of the commands, or not clearly.
    Unknown,
    /// A command was recognised.
    Command {
        /// The word, one of the model's labels.
        word: String,
        /// How sure the model is, 0 to 1.
        confidence: f32,
        /// Whether a person must confirm before this counts.
        requires_confirmation: bool,
    },
}

/// Hears commands.
///
/// ```
/// use std::path::Path;
/// use edgepos_inference::{Clip, Heard, Outcome, VoiceConfig, VoiceRecognizer};
/// # use edgepos_inference::{PlacementConfig, WorkerConfig};
/// # let slow = std::time::Duration::from_secs(60);
/// # let worker = WorkerConfig { deadline: slow, ..WorkerConfig::default() };
/// # let placement = PlacementConfig { latency_budget: slow, ..PlacementConfig::default() };
/// # if !cfg!(feature = "embedded") { return Ok(()) }
/// let models = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../models"));
/// let recognizer = VoiceRecognizer::load(models, VoiceConfig {
/// #   worker, placement,
///     ..VoiceConfig::default()
/// })?;
/// let clip = Clip::from_wav(&std::fs::read(models.join("samples/refund.wav"))?)?;
/// match recognizer.listen(&clip) {
///     Outcome::Answer(Heard::Command { word, .. }) => assert_eq!(word, "refund"),
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct VoiceRecognizer {
    shell: Shell<Vec<f32>, Heard>,
    gate: GateConfig,
}

impl VoiceRecognizer {
    /// Loads the model from `models_dir` onto the best of [`Engines::standard`].
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load(models_dir: &Path, config: VoiceConfig) -> Result<Self, LoadError> {
        Self::load_with(models_dir, config, &Engines::standard())
    }

    /// As [`VoiceRecognizer::load`], with the engines to try.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load_with(models_dir: &Path, config: VoiceConfig, engines: &Engines) -> Result<Self, LoadError> {
        let manifest = Manifest::read(models_dir)?;
        let entry = find(&manifest, config.model.as_deref(), Task::VOICE)?;
        let unsuitable = |problem| LoadError::Unsuitable { model: entry.name.clone(), problem };
        if entry.inputs[0].shape.last() != Some(&Some(SAMPLE_RATE as usize)) {
            return Err(unsuitable("its input is not a second at 16 kHz"));
        }
        let labels = labels(models_dir, &entry)?;
        let sample = match &entry.known_answer {
            None => None,
            Some(answer) => {
                let without = || unsuitable("its known answer has values instead of a clip");
                let file = answer.sample.as_ref().ok_or_else(without)?;
                let bytes = file.read(models_dir)?;
                let speech = Clip::from_wav(bytes.bytes()).ok().and_then(|clip| clip.speech(&config.gate));
                let speech = speech.ok_or_else(|| unsuitable("its sample is no speech"))?;
                Some(Tensor::f32([1, speech.len()], speech).expect("one second has the length of one second"))
            }
        };
        let session = EngineChain::start(models_dir, &entry, engines, &config.placement, sample)?;
        let shell = Shell::start(&entry, session, config.worker, Action::UseScreen, |session| {
            Ok(Listen {
                session,
                input: entry.inputs[0].name.clone(),
                output: entry.outputs[0].name.clone(),
                labels,
                confirm_below: threshold(config.confirm_below, entry.thresholds.confirm_below, &entry)?,
                discard_below: entry.thresholds.discard_below,
            })
        })?;
        Ok(Self { shell, gate: config.gate })
    }

    /// Hears the command in a clip. Silence is told without running the network. Returns within the deadline.
    pub fn listen(&self, clip: &Clip) -> Outcome<Heard> {
        let started = Instant::now();
        let Some(speech) = clip.speech(&self.gate) else { return Outcome::Answer(Heard::Silence) };
        self.shell.ask(started, Priority::Interactive, Ok(speech))
    }

    /// As [`VoiceRecognizer::listen`], without blocking, on any executor or none: the request is on its way when this
    /// returns, and the deadline runs from then on. Dropping the future takes the request back.
    pub fn listen_async(&self, clip: &Clip) -> impl Future<Output = Outcome<Heard>> + Send + use<> {
        let started = Instant::now();
        let speech = clip.speech(&self.gate);
        let answer = speech.map(|speech| self.shell.ask_async(started, Priority::Interactive, Ok(speech)));
        async move {
            match answer {
                Some(answer) => answer.await,
                None => Outcome::Answer(Heard::Silence),
            }
        }
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
}

impl Pipeline for VoiceRecognizer {
    type Config = VoiceConfig;
    const TASK: &'static str = Task::VOICE;

    fn load(dir: &Path, config: VoiceConfig, engines: &Engines) -> Result<Self, LoadError> {
        Self::load_with(dir, config, engines)
    }
}

/// The worker's side.
struct Listen {
    session: EngineChain,
    input: String,
    output: String,
    labels: Vec<String>,
    confirm_below: f32,
    discard_below: f32,
}

impl Handler<Vec<f32>, Heard> for Listen {
    fn handle(&mut self, requests: &[Vec<f32>], stop: &Stop) -> Vec<Result<Heard, Reason>> {
        let rows: Vec<&[f32]> = requests.iter().map(Vec::as_slice).collect();
        let outputs = [self.output.as_str()];
        run_rows(&mut self.session, &self.input, &[SAMPLE_RATE as usize], &rows, &outputs, stop)
            .into_iter()
            .map(|answer| self.read(&answer?.into_iter().next().unwrap_or_default()))
            .collect()
    }

    fn idle(&mut self) {
        self.session.idle(Instant::now());
    }
}

impl Listen {
    fn read(&self, logits: &[f32]) -> Result<Heard, Reason> {
        let shares = softmax(logits);
        if shares.len() != self.labels.len() || shares.iter().any(|share| !share.is_finite()) {
            return Err(Reason::Unsure);
        }
        let best = (0..shares.len()).max_by(|&a, &b| shares[a].total_cmp(&shares[b]));
        Ok(match best {
            Some(class) if shares[class] >= self.discard_below && self.labels[class] != UNKNOWN_LABEL => {
                Heard::Command {
                    word: self.labels[class].clone(),
                    confidence: shares[class],
                    requires_confirmation: shares[class] < self.confirm_below,
                }
            }
            _ => Heard::Unknown,
        })
    }
}

//! The models that a till asks: each costs nothing until it is asked, and none is waited for longer than the till says.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
#[cfg(feature = "barcode")]
use edgepos_inference::{BarcodeConfig, BarcodeReader, Scan};
use edgepos_inference::{
    Clip, Engines, FraudConfig, FraudScore, FraudScorer, Heard, LoadError, Outcome, Payment, PlacementConfig,
    Priority, ProductConfig, ProductRecognizer, Reason, Recognition, Task, VoiceConfig, VoiceRecognizer,
    WorkerConfig, with_causes,
};
use thiserror::Error;
use tokio::sync::OnceCell;

use crate::model::{Advice, Fallback};
use crate::models::ModelWatch;
use crate::monitor::inference::Inference;
use crate::node::Node;
use crate::ports::{Case, Resolver};
use crate::retail::exception::policy::Rules;
use crate::scored::ScoredResolver;
use crate::terminal::Refusal;

/// What the fraud model is called in what it proposes about exceptions.
const SCORER: &str = "fraud";

/// There is no model to ask. Asking again tries to load it again.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum NoModel {
    /// The application does not use models for this job.
    #[error("no model for the job {0:?} is used")]
    NotUsed(String),
    /// It cannot be loaded.
    #[error("{0}")]
    NotLoaded(String),
    /// The terminal has stopped.
    #[error(transparent)]
    Stopped(#[from] Refusal),
}

/// The models of a till, each on a worker of its own that is started when the model is first asked.
///
/// What a model did is reported to the terminal, for its metrics and alerts, and one that cannot be loaded has the
/// [`ModelWatch`] look at once. It is a [`Resolver`] as well, which asks the fraud model. All calls need a tokio runtime.
#[derive(Clone, Debug)]
pub struct TillModels {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    dir: PathBuf,
    jobs: Vec<String>,
    deadline: Duration,
    watch: ModelWatch,
    node: Node,
    product: OnceCell<Arc<ProductRecognizer>>,
    #[cfg(feature = "barcode")]
    barcode: OnceCell<Arc<BarcodeReader>>,
    fraud: OnceCell<Arc<FraudScorer>>,
    voice: OnceCell<Arc<VoiceRecognizer>>,
}

impl Shared {
    fn worker(&self) -> WorkerConfig {
        WorkerConfig { deadline: self.deadline, ..WorkerConfig::default() }
    }

    /// An engine that is slower than the deadline would miss every one.
    fn placement(&self, usual: PlacementConfig) -> PlacementConfig {
        PlacementConfig { latency_budget: self.deadline, ..usual }
    }

    fn load_product(&self, engines: &Engines) -> Result<ProductRecognizer, LoadError> {
        let usual = ProductConfig::default();
        let placement = self.placement(usual.placement);
        let config = ProductConfig { worker: self.worker(), placement, ..usual };
        ProductRecognizer::load_with(&self.dir, config, engines)
    }

    #[cfg(feature = "barcode")]
    fn load_barcode(&self, engines: &Engines) -> Result<BarcodeReader, LoadError> {
        let usual = BarcodeConfig::default();
        let placement = self.placement(usual.placement);
        BarcodeReader::load_with(
            &self.dir,
            BarcodeConfig { worker: self.worker(), placement, ..usual },
            engines,
        )
    }

    fn load_fraud(&self, engines: &Engines) -> Result<FraudScorer, LoadError> {
        let usual = FraudConfig::default();
        let placement = self.placement(usual.placement);
        FraudScorer::load_with(&self.dir, FraudConfig { worker: self.worker(), placement, ..usual }, engines)
    }

    fn load_voice(&self, engines: &Engines) -> Result<VoiceRecognizer, LoadError> {
        let usual = VoiceConfig::default();
        let placement = self.placement(usual.placement);
        VoiceRecognizer::load_with(
            &self.dir,
            VoiceConfig { worker: self.worker(), placement, ..usual },
            engines,
        )
    }
}

impl TillModels {
    /// The first model for each of these jobs of the manifest in `dir`. `deadline` is how long one may take for an answer, and how
    /// slow an engine may be that runs it; [`WorkerConfig`]'s default is 300 ms.
    pub fn new(
        dir: PathBuf,
        jobs: impl IntoIterator<Item = impl Into<String>>,
        deadline: Duration,
        node: Node,
    ) -> Self {
        let jobs: Vec<String> = jobs.into_iter().map(Into::into).collect();
        let watch = ModelWatch::new(dir.clone(), jobs.clone());
        let shared = Shared {
            dir,
            jobs,
            deadline,
            watch,
            node,
            product: OnceCell::new(),
            #[cfg(feature = "barcode")]
            barcode: OnceCell::new(),
            fraud: OnceCell::new(),
            voice: OnceCell::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Who looks whether the models are there: run it beside the terminal.
    pub fn watch(&self) -> ModelWatch {
        self.shared.watch.clone()
    }

    /// The most likely products on a PNG or JPEG. An answer or a fallback comes within `patience`, loading included; what is
    /// being loaded then is there for the next call.
    ///
    /// # Errors
    /// [`NoModel`].
    pub async fn recognise(
        &self,
        picture: Vec<u8>,
        patience: Duration,
    ) -> Result<Outcome<Recognition>, NoModel> {
        let job = Job::new(Task::PRODUCT, edgepos_inference::Action::ManualEntry, patience);
        self.ask(
            job,
            |shared| &shared.product,
            Shared::load_product,
            move |model| model.recognise_async(Priority::Checkout, picture),
        )
        .await
    }

    /// The barcode on a PNG or JPEG; the rest as in [`recognise`](Self::recognise).
    ///
    /// # Errors
    /// [`NoModel`].
    #[cfg(feature = "barcode")]
    pub async fn read_barcode(&self, picture: Vec<u8>, patience: Duration) -> Result<Outcome<Scan>, NoModel> {
        let job = Job::new(Task::BARCODE, edgepos_inference::Action::ManualEntry, patience);
        self.ask(job, |shared| &shared.barcode, Shared::load_barcode, move |model| model.read_async(picture))
            .await
    }

    /// How likely a payment is fraud; the rest as in [`recognise`](Self::recognise).
    ///
    /// # Errors
    /// [`NoModel`].
    pub async fn score(&self, payment: &Payment, patience: Duration) -> Result<Outcome<FraudScore>, NoModel> {
        let job = Job::new(Task::FRAUD, edgepos_inference::Action::ProceedUnscored, patience);
        self.ask(
            job,
            |shared| &shared.fraud,
            Shared::load_fraud,
            |model| model.score_async(Priority::Checkout, payment),
        )
        .await
    }

    /// The command that somebody spoke; the rest as in [`recognise`](Self::recognise).
    ///
    /// # Errors
    /// [`NoModel`].
    pub async fn hear(&self, clip: &Clip, patience: Duration) -> Result<Outcome<Heard>, NoModel> {
        let job = Job::new(Task::VOICE, edgepos_inference::Action::UseScreen, patience);
        self.ask(job, |shared| &shared.voice, Shared::load_voice, |model| model.listen_async(clip)).await
    }

    /// Asks a model, and reports what it did.
    async fn ask<M: Send + Sync + 'static, A, F: Future<Output = Outcome<A>>>(
        &self,
        job: Job,
        cell: fn(&Shared) -> &OnceCell<Arc<M>>,
        load: fn(&Shared, &Engines) -> Result<M, LoadError>,
        ask: impl FnOnce(&M) -> F,
    ) -> Result<Outcome<A>, NoModel> {
        let began = Instant::now();
        let answer = async {
            let model = self.load(job.task, cell, load).await?;
            Ok::<_, NoModel>(ask(&model).await)
        };
        let late = || Ok(Outcome::Fallback { action: job.otherwise, reason: Reason::Timeout });
        let outcome = tokio::time::timeout(job.patience, answer).await.unwrap_or_else(|_| late())?;
        let took = began.elapsed();
        let did =
            if outcome.is_fallback() { Inference::Fallback { took } } else { Inference::Answered { took } };
        self.shared.node.report_inference(did).await?;
        Ok(outcome)
    }

    /// The model for a job. A caller that waits no longer leaves the loading to go on.
    async fn load<M: Send + Sync + 'static>(
        &self,
        task: &'static str,
        cell: fn(&Shared) -> &OnceCell<Arc<M>>,
        load: fn(&Shared, &Engines) -> Result<M, LoadError>,
    ) -> Result<Arc<M>, NoModel> {
        if let Some(model) = cell(&self.shared).get() {
            return Ok(Arc::clone(model));
        }
        if !self.shared.jobs.iter().any(|job| job == task) {
            return Err(NoModel::NotUsed(task.to_owned()));
        }
        let shared = Arc::clone(&self.shared);
        let loading = tokio::spawn(async move {
            let load = || {
                let shared = Arc::clone(&shared);
                async move {
                    let blocking = move || {
                        let engines = Engines::standard().telling(shared.node.model_listener());
                        load(&shared, &engines)
                    };
                    Ok::<_, NoModel>(Arc::new(tokio::task::spawn_blocking(blocking).await??))
                }
            };
            let loaded = cell(&shared).get_or_try_init(load).await.cloned();
            loaded.inspect_err(|error| {
                tracing::warn!(models = %shared.dir.display(), task, %error, "a model cannot be loaded");
                shared.watch.look_again();
            })
        });
        loading.await?
    }
}

impl From<LoadError> for NoModel {
    fn from(error: LoadError) -> Self {
        Self::NotLoaded(with_causes(&error))
    }
}

impl From<tokio::task::JoinError> for NoModel {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::NotLoaded(error.to_string())
    }
}

/// What is asked for, and what is done without an answer.
struct Job {
    task: &'static str,
    otherwise: edgepos_inference::Action,
    patience: Duration,
}

impl Job {
    fn new(task: &'static str, otherwise: edgepos_inference::Action, patience: Duration) -> Self {
        Self { task, otherwise, patience }
    }
}

#[async_trait]
impl Resolver for TillModels {
    async fn advise(&self, case: &Case) -> Advice {
        match self.load(Task::FRAUD, |shared| &shared.fraud, Shared::load_fraud).await {
            Ok(scorer) => ScoredResolver::new(scorer, SCORER).advise(case).await,
            Err(_) => Advice { fallback: Some(Fallback::NO_MODEL), ..Rules.advise(&case.raised) },
        }
    }
}

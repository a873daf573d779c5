//! Product recognition, loaded when the first picture comes.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use edgepos::inference::{Engines, Outcome, ProductConfig, ProductRecognizer};
use edgepos::{ModelWatch, Node};

use crate::api::{Problem, ProblemCode, Recognised};

/// A model that costs nothing until it is asked.
#[derive(Clone, Debug)]
pub(super) struct Recogniser {
    models: PathBuf,
    deadline: Duration,
    watch: ModelWatch,
    node: Node,
    loaded: Arc<Mutex<Option<Arc<ProductRecognizer>>>>,
}

impl Recogniser {
    /// One that tells `watch` where it cannot be loaded, and `node` what becomes of it.
    pub(super) fn new(models: PathBuf, deadline: Duration, watch: ModelWatch, node: Node) -> Self {
        Self { models, deadline, watch, node, loaded: Arc::default() }
    }

    /// What is on the picture. Loading takes tens of milliseconds, once; an answer or a fallback comes within the model's deadline.
    pub(super) async fn recognise(&self, picture: Vec<u8>) -> Result<Recognised, Problem> {
        let this = self.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let recognizer = this.load()?;
            Ok(match recognizer.recognise(&picture) {
                Outcome::Answer(answer) => Recognised::Answer {
                    label: answer.best().label.clone(),
                    confidence: f64::from(answer.best().confidence),
                    requires_confirmation: answer.requires_confirmation,
                    total_us: answer.timing.total_us,
                },
                Outcome::Fallback { reason, .. } => Recognised::Fallback { reason: reason.to_string() },
            })
        });
        asked.await.unwrap_or_else(|error| Err(no_model(error)))
    }

    fn load(&self) -> Result<Arc<ProductRecognizer>, Problem> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(recognizer) = &*loaded {
            return Ok(Arc::clone(recognizer));
        }
        let mut config = ProductConfig::default();
        config.worker.deadline = self.deadline;
        config.placement.latency_budget = self.deadline;
        let engines = Engines::standard().telling(self.node.model_listener());
        let loaded_now = ProductRecognizer::load_with(&self.models, config, &engines);
        let recognizer = loaded_now.map_err(|error| {
            tracing::warn!(models = %self.models.display(), %error, "no product recognition");
            self.watch.look_again();
            no_model(error)
        })?;
        let recognizer = Arc::new(recognizer);
        *loaded = Some(Arc::clone(&recognizer));
        Ok(recognizer)
    }
}

fn no_model(error: impl ToString) -> Problem {
    Problem::new(ProblemCode::NoModel, error.to_string())
}

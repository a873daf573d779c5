//! Product recognition, loaded when the first picture comes.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use edgepos::inference::{Outcome, ProductConfig, ProductRecognizer};

use crate::api::{Problem, ProblemCode, Recognised};

/// A model that costs nothing until it is asked.
#[derive(Clone, Debug)]
pub(super) struct Recogniser {
    models: PathBuf,
    deadline: Duration,
    loaded: Arc<Mutex<Option<Arc<ProductRecognizer>>>>,
}

impl Recogniser {
    pub(super) fn new(models: PathBuf, deadline: Duration) -> Self {
        Self { models, deadline, loaded: Arc::default() }
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
        let recognizer = ProductRecognizer::load(&self.models, config).map_err(|error| {
            tracing::warn!(models = %self.models.display(), %error, "no product recognition");
            no_model(error)
        })?;
        tracing::info!(report = %recognizer.report(), "product recognition is loaded");
        let recognizer = Arc::new(recognizer);
        *loaded = Some(Arc::clone(&recognizer));
        Ok(recognizer)
    }
}

fn no_model(error: impl ToString) -> Problem {
    Problem::new(ProblemCode::NoModel, error.to_string())
}

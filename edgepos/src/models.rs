//! The models that an application uses: whether they are there, for the condition `model_missing`, and what becomes of them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use edgepos_inference::{MissingModel, Notice, missing_models};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

use crate::node::Node;
use crate::terminal::{ConditionKind, Finding, Refusal};

/// How long until models are looked at again: while one is missing, and while all are there.
const LOOKS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(600));

/// Looks after the models that an application uses.
///
/// A model is missing while it is in no manifest, a file of it is not there, or one is not byte for byte what the manifest says.
#[derive(Clone, Debug)]
pub struct ModelWatch {
    dir: PathBuf,
    jobs: Arc<[String]>,
    again: Arc<Notify>,
}

impl ModelWatch {
    /// The first model for each of these jobs of the manifest in `dir`.
    pub fn new(dir: PathBuf, jobs: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { dir, jobs: jobs.into_iter().map(Into::into).collect(), again: Arc::default() }
    }

    /// Looks at each file once, on a thread that may block, and reports what is missing to the terminal: the condition
    /// [`ModelMissing`](ConditionKind::ModelMissing) begins or ends with it. What is missing.
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn look(&self, node: &Node) -> Result<Vec<MissingModel>, Refusal> {
        let (dir, jobs) = (self.dir.clone(), Arc::clone(&self.jobs));
        let missing = spawn_blocking(move || missing_models(&dir, &jobs)).await.unwrap_or_default();
        node.report_condition(ConditionKind::ModelMissing, finding(&missing)).await?;
        Ok(missing)
    }

    /// Has [`run`](Self::run) look at once: a model could not be loaded.
    pub fn look_again(&self) {
        self.again.notify_one();
    }

    /// Looks now and then until the terminal stops: every 5 s while a model is missing, every 10 min while none is. A future that is
    /// dropped leaves what was reported last.
    pub async fn run(self, node: Node) {
        while let Ok(missing) = self.look(&node).await {
            let wait = if missing.is_empty() { LOOKS.1 } else { LOOKS.0 };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.again.notified() => {}
            }
        }
    }
}

fn finding(missing: &[MissingModel]) -> Option<Finding> {
    let about: Vec<_> = missing.iter().map(|model| format!("{}: {}", model.job, model.reason)).collect();
    (!missing.is_empty()).then(|| Finding { count: missing.len() as u64, about: about.join("; ") })
}

impl Node {
    /// Who is to be told what becomes of models: give it to [`Engines::telling`](crate::inference::Engines::telling), and each notice is a
    /// log line and a metric of this terminal. It never waits: what comes while the terminal has too much to do is dropped, and so is
    /// what comes after its end.
    pub fn model_listener(&self) -> impl Fn(Notice) + Send + Sync + 'static {
        let node = self.clone();
        move |notice| node.tell_of_model(notice)
    }
}

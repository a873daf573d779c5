//! What becomes of models, for whoever watches a terminal.

use std::fmt;
use std::sync::Arc;

use crate::outcome::Reason;
use crate::report::Report;

/// Something that a person or a program may want to know. All of it may be dropped. Whoever shows it matches without a wildcard, so that
/// one that nobody could see does not build.
#[derive(Clone, Debug)]
pub enum Notice {
    /// A model runs on an engine.
    Placed {
        /// How it came to run there.
        report: Box<Report>,
    },
    /// An engine failed too often, and another one is looked for.
    Demoted {
        /// The model's name in the manifest.
        model: String,
        /// The engine that failed.
        engine: &'static str,
    },
    /// No other engine runs a model whose engine fails: the present one stays.
    NoOtherEngine {
        /// The model's name in the manifest.
        model: String,
        /// Why the others do not.
        reason: String,
    },
    /// The system gives no thread to try a better engine on.
    NoTrial {
        /// The model's name in the manifest.
        model: String,
        /// What the system said.
        reason: String,
    },
    /// Whoever asked a model got a fallback.
    NoAnswer {
        /// The model's name in the manifest.
        model: String,
        /// Why there is no answer.
        reason: Reason,
    },
    /// A set of models is not what its manifest or signature says: the one before serves on.
    SetRefused {
        /// The set: its manifest's digest, or where it lies.
        set: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A set of models was checked and serves.
    SetInstalled {
        /// Its manifest's digest.
        set: String,
    },
    /// A model was let go so that another one fits in memory.
    Unloaded {
        /// Its job, by the name in the manifest.
        task: &'static str,
        /// What it took, in bytes.
        bytes: u64,
    },
}

impl Notice {
    /// Its name in snake case: its label in a metric.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Placed { .. } => "model_placed",
            Self::Demoted { .. } => "engine_demoted",
            Self::NoOtherEngine { .. } => "no_other_engine",
            Self::NoTrial { .. } => "no_trial",
            Self::NoAnswer { .. } => "no_answer",
            Self::SetRefused { .. } => "models_refused",
            Self::SetInstalled { .. } => "models_installed",
            Self::Unloaded { .. } => "model_unloaded",
        }
    }

    /// Writes a line of the log, as [`tracing`] events with fields.
    pub fn log(&self) {
        match self {
            Self::Placed { report } => tracing::info!(%report, "a model runs on an engine"),
            Self::Demoted { model, engine } => {
                tracing::warn!(model, engine, "an engine failed too often; another one is looked for");
            }
            Self::NoOtherEngine { model, reason } => {
                tracing::warn!(model, reason, "no other engine runs the model; the present one stays");
            }
            Self::NoTrial { model, reason } => {
                tracing::warn!(model, reason, "there is no thread to try a better engine on");
            }
            Self::NoAnswer { model, reason } => {
                tracing::debug!(model, reason = reason.label(), "a model gave no answer");
            }
            Self::SetRefused { set, reason } => {
                tracing::error!(set, reason, "a set of models is refused; the one before serves on");
            }
            Self::SetInstalled { set } => tracing::info!(set, "a set of models is installed"),
            Self::Unloaded { task, bytes } => {
                tracing::info!(task, bytes, "a model was let go to make room");
            }
        }
    }
}

/// Who is told. Whoever says nothing else: the log.
#[derive(Clone, Default)]
pub(crate) struct Listener(Option<Arc<dyn Fn(Notice) + Send + Sync>>);

impl Listener {
    pub(crate) fn new(listener: impl Fn(Notice) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listener)))
    }

    pub(crate) fn tell(&self, notice: Notice) {
        match &self.0 {
            Some(listener) => listener(notice),
            None => notice.log(),
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Listener(somebody)" } else { "Listener(the log)" })
    }
}

//! Product recognition as the till's HTTP has it.

use std::time::Duration;

use edgepos::inference::Outcome;
use edgepos::{NoModel, TillModels};

use crate::api::{Problem, ProblemCode, Recognised};

/// What is on the picture. Loading takes tens of milliseconds, once; an answer or a fallback comes within the model's deadline.
pub(super) async fn recognise(models: &TillModels, picture: Vec<u8>) -> Result<Recognised, Problem> {
    let asked = models.recognise(picture, Duration::MAX).await;
    let problem = |error| match error {
        NoModel::Stopped(refusal) => refusal.into(),
        error => Problem::new(ProblemCode::NoModel, error.to_string()),
    };
    Ok(match asked.map_err(problem)? {
        Outcome::Answer(answer) => Recognised::Answer {
            label: answer.best().label.clone(),
            confidence: f64::from(answer.best().confidence),
            requires_confirmation: answer.requires_confirmation,
            total_us: answer.timing.total_us,
        },
        Outcome::Fallback { reason, .. } => Recognised::Fallback { reason: reason.to_string() },
    })
}

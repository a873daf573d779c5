//! A small engine for gradient-boosted trees and random forests: the operators `TreeEnsembleClassifier` and
//! `TreeEnsembleRegressor` of `ai.onnx.ml`, which no light engine runs.
//!
//! A model is one such node and nothing else, as converters write it without a ZipMap. Sums are made in `f32`, tree
//! after tree, in the order of the file: the order that ONNX Runtime uses on one thread.

mod ensemble;
mod forest;

use crate::backend::{Backend, EngineError, LoadOptions, Port, RunError, Session, check_inputs};
use crate::integrity::VerifiedBytes;
use crate::onnx_file;
use crate::stop::Stop;
use crate::tensor::{Element, Tensor};
use ensemble::{Ensemble, PostTransform};
use forest::Forest;

const ENGINE: &str = "trees";

/// The tree engine. Single-threaded: a row takes microseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trees;

impl Backend for Trees {
    fn name(&self) -> &'static str {
        ENGINE
    }

    fn load(&self, model: &VerifiedBytes, _: &LoadOptions) -> Result<Box<dyn Session>, EngineError> {
        let rejected = |reason: String| EngineError::Rejected { engine: ENGINE, reason };
        onnx_file::check(model.bytes()).map_err(|error| rejected(error.to_string()))?;
        let ensemble = Ensemble::read(model.bytes()).map_err(|error| rejected(error.to_string()))?;
        let forest = Forest::build(&ensemble).map_err(|error| rejected(error.to_string()))?;
        Ok(Box::new(TreeSession::new(ensemble, forest)))
    }
}

struct TreeSession {
    forest: Forest,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    /// The integer labels of a classifier; `None` for a regressor or a classifier of strings.
    labels: Option<Vec<i64>>,
    classifier: bool,
    post: PostTransform,
    /// Two labels, but leaves that vote for one class only: the second score is derived.
    binary: bool,
    /// In that case, whether leaves hold probabilities (all weights positive) rather than margins.
    positive: bool,
    base: Vec<f32>,
    width: usize,
}

impl TreeSession {
    fn new(ensemble: Ensemble, forest: Forest) -> Self {
        let classes = ensemble.classes;
        let votes = forest.outputs();
        let binary = ensemble.classifier && classes == 2 && votes == 1;
        let width = if ensemble.classifier { classes } else { votes };
        let port = |name: &str, shape: Vec<Option<usize>>, element| Port {
            name: name.to_owned(),
            shape: Some(shape),
            element,
        };
        let mut outputs = Vec::new();
        for (place, name) in ensemble.outputs.iter().enumerate() {
            let is_label = ensemble.classifier && place == 0;
            outputs.push(match (is_label, ensemble.labels.is_some()) {
                (true, true) => port(name, vec![None], Element::I64),
                (true, false) => port(name, vec![None], Element::Other),
                (false, _) => port(name, vec![None, Some(width)], Element::F32),
            });
        }
        Self {
            inputs: vec![port(&ensemble.input, vec![None, ensemble.features], Element::F32)],
            outputs,
            labels: ensemble.labels,
            classifier: ensemble.classifier,
            post: ensemble.post,
            binary,
            positive: ensemble.positive,
            base: ensemble.base,
            width,
            forest,
        }
    }

    /// The scores of one row, and the place of the winning class.
    fn score(&self, row: &[f32], votes: &mut [f32], scores: &mut [f32]) -> usize {
        self.forest.sum(row, votes);
        for (index, vote) in votes.iter_mut().enumerate() {
            *vote += self.base.get(index).copied().unwrap_or(0.0);
        }
        if self.binary {
            return self.score_binary(votes[0], scores);
        }
        scores.copy_from_slice(votes);
        match self.post {
            PostTransform::None => {}
            PostTransform::Logistic => scores.iter_mut().for_each(|score| *score = logistic(*score)),
            PostTransform::Softmax => scores.copy_from_slice(&crate::delegate::softmax(votes)),
        }
        // The first of equals, as the operator does.
        (1..votes.len()).fold(0, |best, index| if votes[index] > votes[best] { index } else { best })
    }

    fn score_binary(&self, margin: f32, scores: &mut [f32]) -> usize {
        match (self.post, self.positive) {
            (PostTransform::Logistic, true) => {
                scores[1] = logistic(margin);
                scores[0] = 1.0 - scores[1];
            }
            (PostTransform::Logistic, false) => {
                scores[1] = logistic(margin);
                scores[0] = logistic(-margin);
            }
            (_, true) => {
                scores[1] = margin;
                scores[0] = 1.0 - margin;
            }
            (_, false) => {
                scores[1] = margin;
                scores[0] = -margin;
            }
        }
        usize::from(margin > if self.positive { 0.5 } else { 0.0 })
    }
}

impl Session for TreeSession {
    fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    fn run(
        &mut self,
        inputs: &[(&str, &Tensor)],
        outputs: &[&str],
        stop: &Stop,
    ) -> Result<Vec<Tensor>, RunError> {
        check_inputs(&self.inputs, inputs)?;
        let port = || RunError::Input { port: self.inputs[0].to_string() };
        let (_, tensor) = inputs.first().ok_or_else(port)?;
        let &[rows, columns] = tensor.shape() else { return Err(port()) };
        if columns < self.forest.features() {
            return Err(port());
        }
        let mut labels = Vec::with_capacity(rows);
        let mut scores = vec![0.0; rows * self.width];
        let mut votes = vec![0.0; self.forest.outputs()];
        for index in 0..rows {
            // Often enough: a thousand rows take milliseconds.
            if index % 1024 == 0 && stop.is_due() {
                return Err(RunError::Stopped);
            }
            let row = tensor.row(index).ok_or_else(port)?;
            let target = &mut scores[index * self.width..(index + 1) * self.width];
            let winner = self.score(row, &mut votes, target);
            labels.push(self.labels.as_ref().map_or(0, |labels| labels[winner]));
        }
        let build = |name: &str| {
            let place = self.outputs.iter().position(|port| port.name == name);
            let place = place.ok_or_else(|| RunError::NoSuchPort { port: name.to_owned() })?;
            let tensor = if self.classifier && place == 0 {
                Tensor::i64([rows], labels.clone())
            } else {
                Tensor::f32([rows, self.width], scores.clone())
            };
            tensor.map_err(|error| RunError::Failed { engine: ENGINE, reason: error.to_string() })
        };
        outputs.iter().map(|name| build(name)).collect()
    }
}

/// The logistic function in the form that ONNX Runtime uses, so that results agree to the last bit.
fn logistic(value: f32) -> f32 {
    let share = 1.0 / (1.0 + (-value.abs()).exp());
    if value < 0.0 { 1.0 - share } else { share }
}

//! A small engine for gradient-boosted trees and random forests: the operators `TreeEnsembleClassifier`,
//! `TreeEnsembleRegressor` and `TreeEnsemble` of `ai.onnx.ml`, which no light engine runs, with what converters put around
//! them.
//!
//! Sums are made in `f32`, tree after tree, in the order of the file: the order that ONNX Runtime uses on one thread.

mod attribute;
mod ensemble;
mod error;
mod forest;
mod graph;
mod node;
mod opset5;
mod plan;
mod scores;
mod step;

use crate::backend::{Backend, EngineError, LoadOptions, Port, RunError, Session, check_inputs};
use crate::integrity::VerifiedBytes;
use crate::onnx_file;
use crate::stop::Stop;
use crate::tensor::{self, Tensor};
use graph::Graph;
use step::{Array, Data, Element, Step};

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
        let graph = Graph::read(model.bytes()).map_err(|error| rejected(error.to_string()))?;
        Ok(Box::new(TreeSession::new(graph)))
    }
}

struct TreeSession {
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    graph: Graph,
    /// How many columns a row must have at least.
    features: usize,
}

impl TreeSession {
    fn new(graph: Graph) -> Self {
        let port = |name: &str, kind: Array| Port {
            name: name.to_owned(),
            shape: Some(if kind.flat { vec![None] } else { vec![None, kind.width] }),
            element: match kind.element {
                // Doubles are given as floats.
                Element::F32 | Element::F64 => tensor::Element::F32,
                Element::I64 => tensor::Element::I64,
                Element::Words => tensor::Element::Other,
            },
        };
        let needs = graph.steps.iter().map(|step| match step {
            Step::Trees(trees) => trees.forest.features(),
            _ => 0,
        });
        Self {
            inputs: vec![port(&graph.input, graph.kinds[0])],
            outputs: graph.outputs.iter().map(|(name, value)| port(name, graph.kinds[*value])).collect(),
            features: needs.max().unwrap_or(0),
            graph,
        }
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
        let (_, input) = inputs.first().ok_or_else(port)?;
        let &[rows, columns] = input.shape() else { return Err(port()) };
        if columns < self.features {
            return Err(port());
        }
        let Graph { steps, kinds, .. } = &self.graph;
        let values = step::run(steps, kinds, input, stop).map_err(|_| RunError::Stopped)?;
        let build = |name: &str| {
            let found = self.graph.outputs.iter().find(|(own, _)| own == name);
            let (_, place) = found.ok_or_else(|| RunError::NoSuchPort { port: name.to_owned() })?;
            let kind = kinds[*place];
            let shape = if kind.flat { vec![rows] } else { vec![rows, kind.width.unwrap_or(columns)] };
            let failed = |reason: String| RunError::Failed { engine: ENGINE, reason };
            let tensor = match &values[*place] {
                Data::F32(values) => Tensor::f32(shape, values.clone()),
                Data::F64(values) => Tensor::f32(shape, values.iter().map(|value| *value as f32).collect()),
                Data::I64(values) => Tensor::i64(shape, values.clone()),
                Data::None => return Err(failed(format!("output {name} has words, or is the input"))),
            };
            tensor.map_err(|error| failed(error.to_string()))
        };
        outputs.iter().map(|name| build(name)).collect()
    }
}

//! The embedded engine: pure Rust, no native set-up, on every machine. The one module that names `rten`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rten::{DataType, Dimension, Model, NodeId, RunOptions, ThreadPool, Value, ValueType, ValueView};
use rten_tensor::prelude::*;

use crate::backend::{Backend, EngineError, LoadOptions, Port, RunError, Session, check_inputs};
use crate::integrity::VerifiedBytes;
use crate::onnx_file;
use crate::stop::Stop;
use crate::tensor::{Element, Tensor, Values};

const ENGINE: &str = "rten";

/// The embedded engine.
///
/// It cannot be interrupted inside a run, and has no operators for tree ensembles ([`Trees`](crate::Trees) has).
/// 8-bit models run about half as fast as their 32-bit originals here.
#[derive(Clone, Copy, Debug, Default)]
pub struct Embedded;

impl Backend for Embedded {
    fn name(&self) -> &'static str {
        ENGINE
    }

    fn load(&self, model: &VerifiedBytes, options: &LoadOptions) -> Result<Box<dyn Session>, EngineError> {
        let rejected = |reason: String| EngineError::Rejected { engine: ENGINE, reason };
        // This engine's parser trusts lengths: a damaged file can make it loop for ever.
        onnx_file::check(model.bytes()).map_err(|error| rejected(error.to_string()))?;
        let bytes = model.bytes().to_vec();
        let model = catch_unwind(AssertUnwindSafe(|| Model::load(bytes)))
            .map_err(|_| rejected("the engine panicked while loading".to_owned()))?
            .map_err(|error| rejected(error.to_string()))?;
        let inputs = ports(&model, model.input_ids());
        let outputs = ports(&model, model.output_ids());
        // An empty file parses as an empty model.
        if inputs.is_empty() || outputs.is_empty() {
            return Err(rejected("the model has no inputs or no outputs".to_owned()));
        }
        let threads = options.threads.clamp(1, 64) as usize;
        let pool = Arc::new(ThreadPool::with_num_threads(threads));
        Ok(Box::new(EmbeddedSession { model, inputs, outputs, pool }))
    }
}

struct EmbeddedSession {
    model: Model,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    pool: Arc<ThreadPool>,
}

impl Session for EmbeddedSession {
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
        let node = |name: &str| {
            self.model.find_node(name).ok_or_else(|| RunError::NoSuchPort { port: name.to_owned() })
        };
        let mut feeds = Vec::with_capacity(inputs.len());
        for (name, tensor) in inputs {
            let Values::F32(values) = tensor.values() else {
                return Err(RunError::Input { port: (*name).to_owned() });
            };
            let view = ValueView::from_shape(tensor.shape(), values)
                .map_err(|_| RunError::Input { port: (*name).to_owned() })?;
            feeds.push((node(name)?, view.into()));
        }
        let wanted = outputs.iter().map(|name| node(name)).collect::<Result<Vec<NodeId>, _>>()?;
        if stop.is_due() {
            return Err(RunError::Stopped);
        }
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.pool)));
        let values = self
            .model
            .run(feeds, &wanted, Some(options))
            .map_err(|error| RunError::Failed { engine: ENGINE, reason: error.to_string() })?;
        // A late answer is no answer: the caller has gone on.
        if stop.is_due() {
            return Err(RunError::Stopped);
        }
        values.into_iter().map(tensor).collect()
    }
}

fn tensor(value: Value) -> Result<Tensor, RunError> {
    let failed = |reason: String| RunError::Failed { engine: ENGINE, reason };
    match value {
        Value::FloatTensor(tensor) => {
            Tensor::f32(tensor.shape().to_vec(), tensor.to_vec()).map_err(|error| failed(error.to_string()))
        }
        Value::Int32Tensor(tensor) => {
            let values = tensor.iter().map(|&value| i64::from(value)).collect();
            Tensor::i64(tensor.shape().to_vec(), values).map_err(|error| failed(error.to_string()))
        }
        other => Err(failed(format!("output is a {}", other.dtype()))),
    }
}

fn ports(model: &Model, ids: &[NodeId]) -> Vec<Port> {
    ids.iter()
        .filter_map(|&id| {
            let info = model.node_info(id)?;
            let side = |side: &Dimension| match side {
                Dimension::Fixed(length) => Some(*length),
                Dimension::Symbolic(_) => None,
            };
            Some(Port {
                name: info.name()?.to_owned(),
                shape: info.shape().map(|shape| shape.iter().map(side).collect()),
                element: match info.dtype() {
                    Some(ValueType::Tensor(DataType::Float)) | None => Element::F32,
                    Some(ValueType::Tensor(DataType::Int32)) => Element::I64,
                    Some(_) => Element::Other,
                },
            })
        })
        .collect()
}

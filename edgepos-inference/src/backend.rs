//! What an engine is to this crate: something that loads checked bytes and runs them.

use std::fmt;

use thiserror::Error;

use crate::integrity::VerifiedBytes;
use crate::stop::Stop;
use crate::tensor::{Element, Tensor};

/// An engine that turns model bytes into a [`Session`].
///
/// Object safe: a vendor's own engine plugs in beside the ones that ship. An implementation must not panic on any
/// model, must not write files, and must answer the same input with the same output.
pub trait Backend: Send + Sync {
    /// A short, stable name for reports and metrics: `"rten"`, `"trees"`.
    fn name(&self) -> &'static str;

    /// Loads a model.
    ///
    /// # Errors
    /// [`EngineError`] when the engine is missing, or cannot read or run this model.
    fn load(&self, model: &VerifiedBytes, options: &LoadOptions) -> Result<Box<dyn Session>, EngineError>;
}

/// A loaded model, ready to run. One thread uses it at a time.
pub trait Session: Send {
    /// What the model takes.
    fn inputs(&self) -> &[Port];

    /// What the model gives.
    fn outputs(&self) -> &[Port];

    /// Runs the model on `inputs` (by port name) and returns the tensors named in `outputs`, in that order.
    ///
    /// An engine that can be interrupted registers itself with `stop`; one that cannot looks at it before and after.
    ///
    /// # Errors
    /// [`RunError`]; the session stays usable afterwards.
    fn run(
        &mut self,
        inputs: &[(&str, &Tensor)],
        outputs: &[&str],
        stop: &Stop,
    ) -> Result<Vec<Tensor>, RunError>;

    /// Most rows of a batch that one run should get; `None` where the model or the memory sets no limit.
    fn max_rows(&self) -> Option<usize> {
        None
    }

    /// Where the nodes of the model run, if the engine can tell.
    fn placement(&self) -> Placement {
        Placement::Cpu
    }
}

/// Where a loaded model runs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Placement {
    /// On the processor, all of it.
    Cpu,
    /// `nodes` of `total` nodes on the execution provider of this name, the rest on the processor.
    Accelerated {
        /// The execution provider's own name.
        provider: String,
        /// Nodes that it took.
        nodes: usize,
        /// Nodes in the model.
        total: usize,
    },
}

/// How to load a model.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoadOptions {
    /// Threads that one run may use. Default 1, bounds 1–64.
    pub threads: u32,
    /// Whether an accelerator may compute with 16-bit floats. Default true.
    pub reduced_precision: bool,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { threads: 1, reduced_precision: true }
    }
}

/// An input or output of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name in the model file.
    pub name: String,
    /// The length of each axis; `None` where the model leaves it open (a batch), or does not say.
    pub shape: Option<Vec<Option<usize>>>,
    /// The element type.
    pub element: Element,
}

impl Port {
    /// Whether a tensor of `shape` fits.
    #[must_use]
    pub fn accepts(&self, shape: &[usize]) -> bool {
        let Some(own) = &self.shape else { return true };
        own.len() == shape.len()
            && own.iter().zip(shape).all(|(own, given)| own.is_none_or(|own| own == *given))
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        let Some(shape) = &self.shape else { return Ok(()) };
        f.write_str("[")?;
        for (index, side) in shape.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            match side {
                Some(side) => write!(f, "{side}")?,
                None => f.write_str("n")?,
            }
        }
        f.write_str("]")
    }
}

/// Why an engine did not load a model.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The engine is not there or does not start on this machine.
    #[error("engine {engine} is unavailable: {reason}")]
    Unavailable {
        /// Which engine it was, by its name.
        engine: &'static str,
        /// What it said.
        reason: String,
    },
    /// The engine cannot read or prepare this model.
    #[error("engine {engine} rejects the model: {reason}")]
    Rejected {
        /// Which engine it was, by its name.
        engine: &'static str,
        /// What it said.
        reason: String,
    },
}

/// Why a run gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RunError {
    /// The run was told to stop, or ended after its deadline.
    #[error("stopped before it finished")]
    Stopped,
    /// Not enough memory for this batch; a smaller one may work.
    #[error("out of memory")]
    OutOfMemory,
    /// An input does not fit the model.
    #[error("input does not fit port {port}")]
    Input {
        /// The port, with its shape.
        port: String,
    },
    /// The model has no such port.
    #[error("model has no port {port}")]
    NoSuchPort {
        /// The name asked for.
        port: String,
    },
    /// The engine failed.
    #[error("engine {engine} failed: {reason}")]
    Failed {
        /// Which engine it was, by its name.
        engine: &'static str,
        /// What it said.
        reason: String,
    },
    /// The engine panicked; the panic was contained.
    #[error("engine panicked")]
    Panicked,
}

/// Checks `inputs` against the ports of a session: every named port exists, takes this element type and this shape.
///
/// # Errors
/// [`RunError::NoSuchPort`] or [`RunError::Input`].
pub fn check_inputs(ports: &[Port], inputs: &[(&str, &Tensor)]) -> Result<(), RunError> {
    for (name, tensor) in inputs {
        let port = ports
            .iter()
            .find(|port| port.name == *name)
            .ok_or_else(|| RunError::NoSuchPort { port: (*name).to_owned() })?;
        if port.element != tensor.element() || !port.accepts(tensor.shape()) {
            return Err(RunError::Input { port: port.to_string() });
        }
    }
    Ok(())
}

//! Why a file is not a model of trees that this engine runs.

use thiserror::Error;

use crate::onnx_file::OnnxError;
use crate::wire::WireError;

/// Most nodes of all trees together: 4 million (some 64 MB when loaded, and several times that while loading).
pub(super) const MAX_NODES: usize = 4_000_000;

/// Why a file is not a model of trees that this engine runs.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum EnsembleError {
    #[error(transparent)]
    File(#[from] OnnxError),
    #[error("damaged: {0}")]
    Wire(#[from] WireError),
    #[error("graph: {0}")]
    Graph(String),
    #[error("constant {0}: too long, or of a type that is not read")]
    Constant(String),
    #[error("attribute {name}: {problem}")]
    Attribute { name: String, problem: &'static str },
    #[error("the trees have more than {MAX_NODES} nodes")]
    TooLarge,
    #[error("node {node} of tree {tree} {problem}")]
    Node { tree: i64, node: i64, problem: &'static str },
    #[error("{kind} {index} {problem}")]
    Entry { kind: &'static str, index: usize, problem: &'static str },
}

impl EnsembleError {
    pub(super) fn attribute(name: impl Into<String>, problem: &'static str) -> Self {
        Self::Attribute { name: name.into(), problem }
    }
}

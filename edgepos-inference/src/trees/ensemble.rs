//! The attributes of a tree ensemble as the ONNX file has them.

use thiserror::Error;

use crate::onnx_file::{self, OnnxError};
use crate::wire::{Fields, Value, WireError};

/// Most nodes of all trees together: 4 million (some 50 MB).
pub(super) const MAX_NODES: usize = 4_000_000;

/// Why a file is not a tree ensemble that this engine runs.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum EnsembleError {
    #[error(transparent)]
    File(#[from] OnnxError),
    #[error("damaged: {0}")]
    Wire(#[from] WireError),
    #[error("the model is not a single tree ensemble: it has {0}")]
    NotTrees(String),
    #[error("attribute {0} is missing, has the wrong length or an unknown value")]
    Attribute(&'static str),
    #[error("the trees have more than {MAX_NODES} nodes")]
    TooLarge,
    #[error("node {node} of tree {tree}: {problem}")]
    Node { tree: i64, node: i64, problem: &'static str },
}

/// A classifier or a regressor, as read.
#[derive(Debug, Default)]
pub(super) struct Ensemble {
    pub(super) classifier: bool,
    pub(super) input: String,
    pub(super) outputs: Vec<String>,
    /// The width of the input, where the file says it.
    pub(super) features: Option<usize>,
    pub(super) nodes: Nodes,
    pub(super) votes: Votes,
    /// Integer labels; `None` where they are strings.
    pub(super) labels: Option<Vec<i64>>,
    /// How many labels, or targets of a regressor.
    pub(super) classes: usize,
    pub(super) base: Vec<f32>,
    pub(super) post: PostTransform,
    /// No leaf has a negative weight.
    pub(super) positive: bool,
}

/// One entry per node, of all trees.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    pub(super) tree: Vec<i64>,
    pub(super) id: Vec<i64>,
    pub(super) feature: Vec<i64>,
    pub(super) value: Vec<f32>,
    pub(super) mode: Vec<Mode>,
    pub(super) if_true: Vec<i64>,
    pub(super) if_false: Vec<i64>,
    /// A value that is not a number takes the true branch. Empty: never.
    pub(super) missing_true: Vec<i64>,
}

/// One entry per (leaf, class).
#[derive(Debug, Default)]
pub(super) struct Votes {
    pub(super) tree: Vec<i64>,
    pub(super) node: Vec<i64>,
    pub(super) class: Vec<i64>,
    pub(super) weight: Vec<f32>,
}

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Leaf,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

/// What happens to the sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum PostTransform {
    #[default]
    None,
    Logistic,
    Softmax,
}

impl Ensemble {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, EnsembleError> {
        let graph = onnx_file::graph(bytes)?;
        let mut nodes = Vec::new();
        let mut features = None;
        for field in Fields::of(graph) {
            match field? {
                (1, value) => nodes.push(value.bytes()?),
                (11, value) if features.is_none() => features = last_dimension(value.bytes()?)?,
                _ => {}
            }
        }
        let [node] = nodes[..] else {
            return Err(EnsembleError::NotTrees(format!("{} nodes", nodes.len())));
        };
        let mut ensemble = Self { features: features.flatten(), ..Self::default() };
        ensemble.read_node(node)?;
        ensemble.check()?;
        Ok(ensemble)
    }

    fn read_node(&mut self, node: &[u8]) -> Result<(), EnsembleError> {
        let mut operator = String::new();
        let mut attributes = Vec::new();
        let mut inputs = Vec::new();
        for field in Fields::of(node) {
            match field? {
                (1, value) => inputs.push(text(value)?),
                (2, value) => self.outputs.push(text(value)?),
                (4, value) => operator = text(value)?,
                (5, value) => attributes.push(value.bytes()?),
                _ => {}
            }
        }
        self.classifier = match operator.as_str() {
            "TreeEnsembleClassifier" => true,
            "TreeEnsembleRegressor" => false,
            _ => return Err(EnsembleError::NotTrees(format!("operator {operator}"))),
        };
        let [input] = &inputs[..] else { return Err(EnsembleError::Attribute("input")) };
        self.input.clone_from(input);
        for attribute in attributes {
            self.read_attribute(&Attribute::read(attribute)?)?;
        }
        Ok(())
    }

    fn read_attribute(&mut self, attribute: &Attribute) -> Result<(), EnsembleError> {
        let Attribute { name, ints, floats, strings, text, int } = attribute;
        match name.as_str() {
            "nodes_treeids" => self.nodes.tree.clone_from(ints),
            "nodes_nodeids" => self.nodes.id.clone_from(ints),
            "nodes_featureids" => self.nodes.feature.clone_from(ints),
            "nodes_values" => self.nodes.value.clone_from(floats),
            "nodes_truenodeids" => self.nodes.if_true.clone_from(ints),
            "nodes_falsenodeids" => self.nodes.if_false.clone_from(ints),
            "nodes_missing_value_tracks_true" => self.nodes.missing_true.clone_from(ints),
            "nodes_modes" => {
                self.nodes.mode = strings.iter().map(|mode| self::mode(mode)).collect::<Result<_, _>>()?;
            }
            "class_treeids" | "target_treeids" => self.votes.tree.clone_from(ints),
            "class_nodeids" | "target_nodeids" => self.votes.node.clone_from(ints),
            "class_ids" | "target_ids" => self.votes.class.clone_from(ints),
            "class_weights" | "target_weights" => self.votes.weight.clone_from(floats),
            "classlabels_int64s" => {
                self.classes = ints.len();
                self.labels = Some(ints.clone());
            }
            "classlabels_strings" => self.classes = strings.len(),
            "n_targets" => self.classes = usize::try_from(*int).unwrap_or(0),
            "base_values" => self.base.clone_from(floats),
            "post_transform" => self.post = post_transform(text)?,
            "aggregate_function" if text != b"SUM" => {
                return Err(EnsembleError::Attribute("aggregate_function"));
            }
            // Statistics of the training, or said already.
            "nodes_hitrates" | "aggregate_function" => {}
            _ => return Err(EnsembleError::Attribute("(unknown name)")),
        }
        Ok(())
    }

    fn check(&mut self) -> Result<(), EnsembleError> {
        let nodes = self.nodes.id.len();
        if nodes > MAX_NODES || self.votes.node.len() > MAX_NODES {
            return Err(EnsembleError::TooLarge);
        }
        let lengths = [
            ("nodes_treeids", self.nodes.tree.len()),
            ("nodes_featureids", self.nodes.feature.len()),
            ("nodes_values", self.nodes.value.len()),
            ("nodes_modes", self.nodes.mode.len()),
            ("nodes_truenodeids", self.nodes.if_true.len()),
            ("nodes_falsenodeids", self.nodes.if_false.len()),
        ];
        for (name, length) in lengths {
            if length != nodes || nodes == 0 {
                return Err(EnsembleError::Attribute(name));
            }
        }
        if !self.nodes.missing_true.is_empty() && self.nodes.missing_true.len() != nodes {
            return Err(EnsembleError::Attribute("nodes_missing_value_tracks_true"));
        }
        let votes = self.votes.node.len();
        if self.votes.tree.len() != votes
            || self.votes.class.len() != votes
            || self.votes.weight.len() != votes
        {
            return Err(EnsembleError::Attribute("class_treeids, class_ids, class_weights"));
        }
        let in_range = |class: &i64| usize::try_from(*class).is_ok_and(|class| class < self.classes);
        if self.classes == 0 || self.classes > 1 << 16 || !self.votes.class.iter().all(in_range) {
            return Err(EnsembleError::Attribute("class_ids"));
        }
        if !self.base.is_empty() && self.base.len() > self.classes {
            return Err(EnsembleError::Attribute("base_values"));
        }
        self.positive = self.votes.weight.iter().all(|weight| *weight >= 0.0);
        let outputs = if self.classifier { 2 } else { 1 };
        if self.outputs.len() != outputs {
            return Err(EnsembleError::Attribute("output"));
        }
        Ok(())
    }
}

fn text(value: Value<'_>) -> Result<String, EnsembleError> {
    Ok(String::from_utf8_lossy(value.bytes()?).into_owned())
}

fn mode(name: &[u8]) -> Result<Mode, EnsembleError> {
    Ok(match name {
        b"LEAF" => Mode::Leaf,
        b"BRANCH_LT" => Mode::Less,
        b"BRANCH_LEQ" => Mode::LessOrEqual,
        b"BRANCH_GT" => Mode::Greater,
        b"BRANCH_GTE" => Mode::GreaterOrEqual,
        b"BRANCH_EQ" => Mode::Equal,
        b"BRANCH_NEQ" => Mode::NotEqual,
        _ => return Err(EnsembleError::Attribute("nodes_modes")),
    })
}

fn post_transform(name: &[u8]) -> Result<PostTransform, EnsembleError> {
    match name {
        b"" | b"NONE" => Ok(PostTransform::None),
        b"LOGISTIC" => Ok(PostTransform::Logistic),
        b"SOFTMAX" => Ok(PostTransform::Softmax),
        _ => Err(EnsembleError::Attribute("post_transform")),
    }
}

/// An AttributeProto, as far as trees need it.
#[derive(Debug, Default)]
struct Attribute {
    name: String,
    ints: Vec<i64>,
    floats: Vec<f32>,
    strings: Vec<Vec<u8>>,
    text: Vec<u8>,
    int: i64,
}

impl Attribute {
    fn read(bytes: &[u8]) -> Result<Self, EnsembleError> {
        let mut attribute = Self::default();
        for field in Fields::of(bytes) {
            match field? {
                (1, value) => attribute.name = text(value)?,
                (3, value) => attribute.int = value.int()?,
                (4, value) => attribute.text = value.bytes()?.to_vec(),
                (7, value) => value.floats(&mut attribute.floats)?,
                (8, value) => value.ints(&mut attribute.ints)?,
                (9, value) => attribute.strings.push(value.bytes()?.to_vec()),
                _ => {}
            }
        }
        Ok(attribute)
    }
}

/// The last dimension of a ValueInfoProto with two dimensions; inner `None` where it is open.
fn last_dimension(value_info: &[u8]) -> Result<Option<Option<usize>>, EnsembleError> {
    let shape = [2, 1, 2].into_iter().try_fold(Some(value_info), |message, number| {
        let Some(message) = message else { return Ok::<_, WireError>(None) };
        for field in Fields::of(message) {
            if let (found, Value::Bytes(inner)) = field?
                && found == number
            {
                return Ok(Some(inner));
            }
        }
        Ok(None)
    })?;
    let Some(shape) = shape else { return Ok(None) };
    let mut last = None;
    for dimension in Fields::of(shape) {
        let mut length = None;
        for field in Fields::of(dimension?.1.bytes()?) {
            if let (1, value) = field? {
                length = usize::try_from(value.int()?).ok().filter(|length| *length > 0);
            }
        }
        last = Some(length);
    }
    Ok(last)
}

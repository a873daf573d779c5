//! A tree ensemble as this engine runs it, and how `TreeEnsembleClassifier` and `TreeEnsembleRegressor`
//! (`ai.onnx.ml` 1 and 3) write one. The form of `ai.onnx.ml` 5 is in `opset5`.

use std::collections::{BTreeMap, BTreeSet};

use super::attribute::Attributes;
use super::error::{EnsembleError, MAX_NODES};
use super::node::{Mode, Node};

/// Most classes, or targets of a regressor.
const MAX_CLASSES: usize = 1 << 16;

/// Trees, and what becomes of what their leaves say.
#[derive(Debug, Default)]
pub(super) struct Ensemble {
    pub(super) kind: Kind,
    pub(super) nodes: Vec<Node>,
    /// Where each tree starts; they are summed in this order.
    pub(super) roots: Vec<u32>,
    /// What the leaves say, leaf after leaf.
    pub(super) votes: Vec<Vote>,
    /// The sets that nodes test for membership.
    pub(super) sets: Vec<Vec<f32>>,
    /// How many classes or targets.
    pub(super) targets: usize,
    pub(super) base: Vec<f32>,
    pub(super) aggregate: Aggregate,
    pub(super) post: PostTransform,
    pub(super) names: Names,
}

/// What the file calls a node.
#[derive(Debug)]
pub(super) enum Names {
    /// Tree and number of each.
    Numbered(Vec<(i64, i64)>),
    /// Leaves come behind as many branches.
    Listed { branches: usize },
}

impl Default for Names {
    fn default() -> Self {
        Self::Numbered(Vec::new())
    }
}

impl Names {
    /// What is wrong with the node in this place.
    pub(super) fn error(&self, place: usize, problem: &'static str) -> EnsembleError {
        match self {
            Self::Numbered(names) => {
                let (tree, node) = names[place];
                EnsembleError::Node { tree, node, problem }
            }
            Self::Listed { branches } if place < *branches => {
                EnsembleError::Entry { kind: "branch", index: place, problem }
            }
            Self::Listed { branches } => {
                EnsembleError::Entry { kind: "leaf", index: place - branches, problem }
            }
        }
    }
}

/// Whether scores are classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Regressor,
    /// With a whole number for each class.
    Classifier(Vec<i64>),
    /// With a word for each class; such labels are not given out.
    Words,
}

/// A leaf's word for one class or target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Vote {
    pub(super) target: u32,
    pub(super) weight: f32,
}

/// What the leaves that a row reaches make together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Aggregate {
    #[default]
    Sum,
    Average,
    Least,
    Greatest,
}

/// What happens to the scores in the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum PostTransform {
    #[default]
    None,
    Logistic,
    Softmax,
    SoftmaxZero,
    Probit,
}

/// The attributes of both operators. Hit rates are statistics of the training.
const KNOWN: [&str; 31] = [
    "aggregate_function",
    "base_values",
    "base_values_as_tensor",
    "class_ids",
    "class_nodeids",
    "class_treeids",
    "class_weights",
    "class_weights_as_tensor",
    "classlabels_int64s",
    "classlabels_strings",
    "n_targets",
    "nodes_falsenodeids",
    "nodes_featureids",
    "nodes_hitrates",
    "nodes_hitrates_as_tensor",
    "nodes_missing_value_tracks_true",
    "nodes_modes",
    "nodes_nodeids",
    "nodes_treeids",
    "nodes_truenodeids",
    "nodes_values",
    "nodes_values_as_tensor",
    "post_transform",
    "target_ids",
    "target_nodeids",
    "target_treeids",
    "target_weights",
    "target_weights_as_tensor",
    "name",
    "doc_string",
    "domain",
];

impl Ensemble {
    /// Reads the operator `TreeEnsembleClassifier`, or `TreeEnsembleRegressor`.
    pub(super) fn read(classifier: bool, attributes: &Attributes) -> Result<Self, EnsembleError> {
        if let Some(name) = attributes.unknown(&KNOWN) {
            return Err(EnsembleError::attribute(name, "unknown"));
        }
        let mut ensemble = Self {
            base: attributes.floats("base_values").into_iter().map(|value| value as f32).collect(),
            aggregate: aggregate(attributes.text("aggregate_function").unwrap_or(b"SUM"))?,
            post: post_transform(attributes.text("post_transform").unwrap_or(b"NONE"))?,
            ..Self::default()
        };
        if classifier {
            let (numbers, words) =
                (attributes.ints("classlabels_int64s"), attributes.texts("classlabels_strings"));
            ensemble.targets = if words.is_empty() { numbers.len() } else { words.len() };
            ensemble.kind = if words.is_empty() { Kind::Classifier(numbers.to_vec()) } else { Kind::Words };
        } else {
            ensemble.targets = attributes.int("n_targets").and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        }
        let places = Places::of(attributes)?;
        let prefix = if classifier { "class" } else { "target" };
        (ensemble.nodes, ensemble.votes) = leaves(prefix, attributes, &places, ensemble.targets)?;
        for (place, branch) in branches(attributes, &places)? {
            ensemble.nodes[place] = branch;
        }
        (ensemble.roots, ensemble.names) = (places.roots, Names::Numbered(places.names));
        ensemble.check()?;
        Ok(ensemble)
    }

    /// What holds for both forms.
    pub(super) fn check(&self) -> Result<(), EnsembleError> {
        if self.nodes.len() > MAX_NODES || self.votes.len() > MAX_NODES {
            return Err(EnsembleError::TooLarge);
        }
        if self.targets == 0 || self.targets > MAX_CLASSES {
            let name = if self.kind == Kind::Regressor { "n_targets" } else { "classlabels" };
            return Err(EnsembleError::attribute(name, "out of range"));
        }
        if self.roots.is_empty() {
            return Err(EnsembleError::attribute("tree_roots or nodes_treeids", "there is no tree"));
        }
        if self.votes.iter().any(|vote| vote.target as usize >= self.targets) {
            return Err(EnsembleError::attribute(
                "leaf_targetids",
                "a leaf votes for a target that is not there",
            ));
        }
        Ok(())
    }
}

/// Makes a leaf in every place; branches replace some of them. Votes for a node that is no leaf are left out, as ONNX Runtime
/// does: old converters wrote such.
fn leaves(
    prefix: &str,
    attributes: &Attributes,
    places: &Places,
    classes: usize,
) -> Result<(Vec<Node>, Vec<Vote>), EnsembleError> {
    let list = |name: &str| attributes.ints(&format!("{prefix}_{name}"));
    let (trees, nodes, targets) = (list("treeids"), list("nodeids"), list("ids"));
    let weights = attributes.floats(&format!("{prefix}_weights"));
    let lengths = [trees.len(), targets.len(), weights.len()];
    if lengths != [nodes.len(); 3] || nodes.len() > MAX_NODES {
        return Err(EnsembleError::attribute(
            format!("{prefix}_nodeids"),
            "has not the length of the others",
        ));
    }
    let mut leaves: BTreeMap<usize, Vec<Vote>> = BTreeMap::new();
    for (index, weight) in weights.into_iter().enumerate() {
        let (tree, node) = (trees[index], nodes[index]);
        let error = |problem| EnsembleError::Node { tree, node, problem };
        let place = places.find(tree, node).ok_or_else(|| error("votes, and is not there"))?;
        let target = usize::try_from(targets[index]).ok().filter(|target| *target < classes);
        let target = target.ok_or_else(|| error("votes for a class that is not there"))? as u32;
        leaves.entry(place).or_default().push(Vote { target, weight: weight as f32 });
    }
    let modes = attributes.texts("nodes_modes");
    let (mut made, mut all) = (Vec::with_capacity(modes.len()), Vec::new());
    for (place, &(tree, node)) in places.names.iter().enumerate() {
        let votes = leaves.remove(&place).unwrap_or_default();
        if modes[place] == b"LEAF" && votes.is_empty() {
            return Err(EnsembleError::Node { tree, node, problem: "is a leaf without a vote" });
        }
        made.push(Node::Leaf { first: all.len() as u32, count: votes.len() as u32 });
        all.extend(votes);
    }
    Ok((made, all))
}

/// The branches, with their places.
fn branches(attributes: &Attributes, places: &Places) -> Result<Vec<(usize, Node)>, EnsembleError> {
    let values = attributes.floats("nodes_values");
    let missing = attributes.ints("nodes_missing_value_tracks_true");
    if values.len() != places.names.len() || (!missing.is_empty() && missing.len() != values.len()) {
        let problem = "nodes_missing_value_tracks_true or this has not the length of the others";
        return Err(EnsembleError::attribute("nodes_values", problem));
    }
    let features = attributes.ints("nodes_featureids");
    let (if_true, if_false) = (attributes.ints("nodes_truenodeids"), attributes.ints("nodes_falsenodeids"));
    let mut branches = Vec::new();
    for (place, mode) in attributes.texts("nodes_modes").iter().enumerate() {
        let (tree, node) = places.names[place];
        let error = |problem| EnsembleError::Node { tree, node, problem };
        let mode = match mode.as_slice() {
            b"LEAF" => continue,
            b"BRANCH_LT" => Mode::Less,
            b"BRANCH_LEQ" => Mode::LessOrEqual,
            b"BRANCH_GT" => Mode::Greater,
            b"BRANCH_GTE" => Mode::GreaterOrEqual,
            b"BRANCH_EQ" => Mode::Equal,
            b"BRANCH_NEQ" => Mode::NotEqual,
            _ => return Err(error("has an unknown mode")),
        };
        let child = |id: i64| places.find(tree, id).ok_or_else(|| error("leads to a node that is not there"));
        let targets = (child(if_true[place])?, child(if_false[place])?);
        let missing = missing.get(place).is_some_and(|flag| *flag != 0);
        let feature = u16::try_from(features[place]).map_err(|_| error("has a feature out of range"))?;
        let branch = mode.node(feature, values[place], missing, targets);
        branches.push((place, branch.ok_or_else(|| error("has a threshold that is not a number"))?));
    }
    Ok(branches)
}

/// Where the nodes of a file are, by tree and number.
struct Places {
    /// Tree and number of each.
    names: Vec<(i64, i64)>,
    places: BTreeMap<(i64, i64), usize>,
    roots: Vec<u32>,
}

impl Places {
    fn of(attributes: &Attributes) -> Result<Self, EnsembleError> {
        let (trees, ids) = (attributes.ints("nodes_treeids"), attributes.ints("nodes_nodeids"));
        if ids.len() > MAX_NODES {
            return Err(EnsembleError::TooLarge);
        }
        let lengths = ["nodes_treeids", "nodes_featureids", "nodes_truenodeids", "nodes_falsenodeids"];
        let short = lengths.into_iter().find(|name| attributes.ints(name).len() != ids.len());
        let short = short.or((attributes.texts("nodes_modes").len() != ids.len()).then_some("nodes_modes"));
        if let Some(name) = short {
            return Err(EnsembleError::attribute(name, "has not the length of nodes_nodeids"));
        }
        let mut found =
            Self { names: Vec::with_capacity(ids.len()), places: BTreeMap::new(), roots: Vec::new() };
        // A tree's first node in the file is its root; trees are summed in file order.
        let (mut seen, mut last) = (BTreeSet::new(), None);
        for (place, name) in trees.iter().copied().zip(ids.iter().copied()).enumerate() {
            let error = |problem| EnsembleError::Node { tree: name.0, node: name.1, problem };
            if last != Some(name.0) {
                if !seen.insert(name.0) {
                    return Err(error("belongs to a tree that has ended before"));
                }
                found.roots.push(place as u32);
                last = Some(name.0);
            }
            if found.places.insert(name, place).is_some() {
                return Err(error("is defined twice"));
            }
            found.names.push(name);
        }
        Ok(found)
    }

    fn find(&self, tree: i64, node: i64) -> Option<usize> {
        self.places.get(&(tree, node)).copied()
    }
}

fn aggregate(name: &[u8]) -> Result<Aggregate, EnsembleError> {
    match name {
        b"SUM" => Ok(Aggregate::Sum),
        b"AVERAGE" => Ok(Aggregate::Average),
        b"MIN" => Ok(Aggregate::Least),
        b"MAX" => Ok(Aggregate::Greatest),
        _ => Err(EnsembleError::attribute("aggregate_function", "unknown value")),
    }
}

fn post_transform(name: &[u8]) -> Result<PostTransform, EnsembleError> {
    match name {
        b"" | b"NONE" => Ok(PostTransform::None),
        b"LOGISTIC" => Ok(PostTransform::Logistic),
        b"SOFTMAX" => Ok(PostTransform::Softmax),
        b"SOFTMAX_ZERO" => Ok(PostTransform::SoftmaxZero),
        b"PROBIT" => Ok(PostTransform::Probit),
        _ => Err(EnsembleError::attribute("post_transform", "unknown value")),
    }
}

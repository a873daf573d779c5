//! The operator `TreeEnsemble` of `ai.onnx.ml` 5: branches and leaves in lists of their own, and sets of members.

use super::attribute::Attributes;
use super::ensemble::{Aggregate, Ensemble, Names, PostTransform, Vote};
use super::error::{EnsembleError, MAX_NODES};
use super::node::{Mode, Node, Test};

/// Its attributes. Hit rates are statistics of the training.
const KNOWN: [&str; 16] = [
    "aggregate_function",
    "leaf_targetids",
    "leaf_weights",
    "membership_values",
    "n_targets",
    "nodes_falseleafs",
    "nodes_falsenodeids",
    "nodes_featureids",
    "nodes_hitrates",
    "nodes_missing_value_tracks_true",
    "nodes_modes",
    "nodes_splits",
    "nodes_trueleafs",
    "nodes_truenodeids",
    "post_transform",
    "tree_roots",
];

/// Reads the operator.
pub(super) fn read(attributes: &Attributes) -> Result<Ensemble, EnsembleError> {
    if let Some(name) = attributes.unknown(&KNOWN) {
        return Err(EnsembleError::attribute(name, "unknown"));
    }
    let branches = attributes.ints("nodes_featureids").len();
    let leaves = attributes.ints("leaf_targetids").len();
    if branches + leaves > MAX_NODES {
        return Err(EnsembleError::TooLarge);
    }
    let mut ensemble = Ensemble {
        targets: attributes.int("n_targets").and_then(|n| usize::try_from(n).ok()).unwrap_or(0),
        aggregate: match attributes.int("aggregate_function") {
            Some(0) => Aggregate::Average,
            None | Some(1) => Aggregate::Sum,
            Some(2) => Aggregate::Least,
            Some(3) => Aggregate::Greatest,
            Some(_) => return Err(EnsembleError::attribute("aggregate_function", "unknown value")),
        },
        // As the specification numbers them. ONNX Runtime 1.32 takes 1 for LOGISTIC and 2 for SOFTMAX.
        post: match attributes.int("post_transform") {
            None | Some(0) => PostTransform::None,
            Some(1) => PostTransform::Softmax,
            Some(2) => PostTransform::Logistic,
            Some(3) => PostTransform::SoftmaxZero,
            Some(4) => PostTransform::Probit,
            Some(_) => return Err(EnsembleError::attribute("post_transform", "unknown value")),
        },
        names: Names::Listed { branches },
        ..Ensemble::default()
    };
    read_branches(&mut ensemble, attributes, branches, leaves)?;
    read_leaves(&mut ensemble, attributes, leaves)?;
    for &root in attributes.ints("tree_roots") {
        let root = usize::try_from(root).ok().filter(|root| *root < branches);
        let root = root.ok_or_else(|| EnsembleError::attribute("tree_roots", "a root that is not there"))?;
        ensemble.roots.push(root as u32);
    }
    if ensemble.roots.len() > MAX_NODES {
        return Err(EnsembleError::TooLarge);
    }
    ensemble.check()?;
    Ok(ensemble)
}

fn read_leaves(ensemble: &mut Ensemble, attributes: &Attributes, leaves: usize) -> Result<(), EnsembleError> {
    let weights = attributes.tensor("leaf_weights");
    if weights.len() != leaves {
        return Err(EnsembleError::attribute("leaf_weights", "has not the length of leaf_targetids"));
    }
    for (&target, &weight) in attributes.ints("leaf_targetids").iter().zip(weights) {
        let target = u32::try_from(target)
            .map_err(|_| EnsembleError::attribute("leaf_targetids", "a target out of range"))?;
        ensemble.nodes.push(Node::Leaf { first: ensemble.votes.len() as u32, count: 1 });
        ensemble.votes.push(Vote { target, weight: weight as f32 });
    }
    Ok(())
}

fn read_branches(
    ensemble: &mut Ensemble,
    attributes: &Attributes,
    branches: usize,
    leaves: usize,
) -> Result<(), EnsembleError> {
    let lists = ["nodes_truenodeids", "nodes_falsenodeids", "nodes_trueleafs", "nodes_falseleafs"];
    if let Some(name) = lists.into_iter().find(|name| attributes.ints(name).len() != branches) {
        return Err(EnsembleError::attribute(name, "has not the length of nodes_featureids"));
    }
    let (modes, splits) = (attributes.tensor("nodes_modes"), attributes.tensor("nodes_splits"));
    let missing = attributes.ints("nodes_missing_value_tracks_true");
    if modes.len() != branches
        || splits.len() != branches
        || !(missing.is_empty() || missing.len() == branches)
    {
        let problem =
            "this, nodes_splits or nodes_missing_value_tracks_true has not the length of nodes_featureids";
        return Err(EnsembleError::attribute("nodes_modes", problem));
    }
    let mut members = attributes.tensor("membership_values");
    for place in 0..branches {
        let error = |problem| ensemble.names.error(place, problem);
        let child = |ids: &str, leaf_flags: &str| {
            let leaf = attributes.ints(leaf_flags)[place] != 0;
            let (start, count) = if leaf { (branches, leaves) } else { (0, branches) };
            let id = usize::try_from(attributes.ints(ids)[place]).ok().filter(|id| *id < count);
            id.map(|id| start + id).ok_or_else(|| error("leads to a node that is not there"))
        };
        let if_true = child("nodes_truenodeids", "nodes_trueleafs")?;
        let if_false = child("nodes_falsenodeids", "nodes_falseleafs")?;
        let feature = attributes.ints("nodes_featureids")[place];
        let feature = u16::try_from(feature).map_err(|_| error("has a feature out of range"))?;
        let missing_passes = missing.get(place).is_some_and(|flag| *flag != 0);
        let node = if let Some(mode) = comparison(modes[place]) {
            mode.node(feature, splits[place], missing_passes, (if_true, if_false))
                .ok_or_else(|| error("has a threshold that is not a number"))?
        } else if modes[place] == 6.0 {
            let end = members.iter().position(|member| member.is_nan()).unwrap_or(members.len());
            let set = members[..end].iter().filter(|member| f64::from(**member as f32) == **member);
            let set: Vec<f32> = set.map(|member| *member as f32).collect();
            members = members.get(end + 1..).unwrap_or_default();
            if end == 0 {
                return Err(error("asks for a member of an empty set"));
            }
            ensemble.sets.push(set);
            let test = Test::Member(ensemble.sets.len() as u32 - 1);
            Node::Branch { feature, test, missing_passes, pass: if_true as u32, fail: if_false as u32 }
        } else {
            return Err(error("has an unknown mode"));
        };
        ensemble.nodes.push(node);
    }
    Ok(())
}

fn comparison(mode: f64) -> Option<Mode> {
    let modes =
        [Mode::LessOrEqual, Mode::Less, Mode::GreaterOrEqual, Mode::Greater, Mode::Equal, Mode::NotEqual];
    (0..).map(f64::from).zip(modes).find(|(number, _)| *number == mode).map(|(_, mode)| mode)
}

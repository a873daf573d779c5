//! Trees laid out for evaluation: 12 bytes a node, children side by side and always behind their parent.

use std::collections::{BTreeMap, BTreeSet};

use super::ensemble::{Ensemble, EnsembleError, Mode};

/// Trees walked at the same time: while one waits for memory, the others go on.
const LANES: usize = 8;

/// All trees of a model.
#[derive(Debug)]
pub(super) struct Forest {
    nodes: Vec<Node>,
    /// Where each tree starts, in file order.
    roots: Vec<u32>,
    /// What the leaves vote where there is more than one output: ranges of (output, weight).
    votes: Vec<Vec<(u32, f32)>>,
    outputs: usize,
    features: usize,
}

/// A branch, or a leaf when `children` is 0.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// The threshold; in a leaf of a model with one output its weight, otherwise the bits of its place in `votes`.
    value: f32,
    /// The place of the child for "less"; the other is behind it.
    children: u32,
    feature: u16,
    /// Not a number goes the way of "less".
    missing_less: bool,
    /// Compares for equality instead of "less".
    equal: bool,
}

const EMPTY: Node = Node { value: 0.0, children: 0, feature: 0, missing_less: false, equal: false };

impl Node {
    /// The next node for this row; `self` is a branch.
    fn next(self, row: &[f32]) -> usize {
        let value = row[usize::from(self.feature)];
        let less = if self.equal { value == self.value } else { value < self.value };
        self.children as usize + usize::from(!(less | (value.is_nan() & self.missing_less)))
    }
}

impl Forest {
    /// Lays the trees out.
    ///
    /// # Errors
    /// A node that is missing, doubled, reached twice (a cycle would be) or never.
    pub(super) fn build(ensemble: &Ensemble) -> Result<Self, EnsembleError> {
        let nodes = &ensemble.nodes;
        let mut places = BTreeMap::new();
        // A tree's first node in the file is its root; trees are summed in file order.
        let mut seen = BTreeSet::new();
        let mut roots: Vec<(i64, usize)> = Vec::new();
        for (place, key) in nodes.tree.iter().copied().zip(nodes.id.iter().copied()).enumerate() {
            if seen.insert(key.0) {
                roots.push((key.0, place));
            }
            if places.insert(key, place).is_some() {
                return Err(EnsembleError::Node { tree: key.0, node: key.1, problem: "defined twice" });
            }
        }
        let mut leaves: BTreeMap<(i64, i64), Vec<(u32, f32)>> = BTreeMap::new();
        for vote in 0..ensemble.votes.node.len() {
            let class = ensemble.votes.class[vote] as u32;
            let key = (ensemble.votes.tree[vote], ensemble.votes.node[vote]);
            leaves.entry(key).or_default().push((class, ensemble.votes.weight[vote]));
        }
        // Converters name the one class of a binary model 0 or 1: what counts is that there is only one.
        let first = ensemble.votes.class.first().copied().unwrap_or(0);
        let single = ensemble.votes.class.iter().all(|class| *class == first)
            && (if ensemble.classifier { ensemble.classes <= 2 } else { ensemble.classes == 1 });
        let mut forest = Self {
            nodes: Vec::with_capacity(nodes.id.len()),
            roots: Vec::with_capacity(roots.len()),
            votes: Vec::new(),
            outputs: if single { 1 } else { ensemble.classes },
            features: 0,
        };
        for (tree, root) in roots {
            forest.add_tree(ensemble, &places, &leaves, tree, root, single)?;
        }
        if forest.nodes.len() != nodes.id.len() {
            return Err(EnsembleError::Attribute("nodes_nodeids (some are not reachable)"));
        }
        if !ensemble.base.is_empty() && ensemble.base.len() != forest.outputs {
            return Err(EnsembleError::Attribute("base_values"));
        }
        Ok(forest)
    }

    fn add_tree(
        &mut self,
        ensemble: &Ensemble,
        places: &BTreeMap<(i64, i64), usize>,
        leaves: &BTreeMap<(i64, i64), Vec<(u32, f32)>>,
        tree: i64,
        root: usize,
        single: bool,
    ) -> Result<(), EnsembleError> {
        let nodes = &ensemble.nodes;
        let limit = nodes.id.len();
        let start = self.nodes.len();
        self.roots.push(start as u32);
        self.nodes.push(EMPTY);
        let mut pending = std::collections::VecDeque::from([(root, start)]);
        while let Some((place, target)) = pending.pop_front() {
            let error = |problem| EnsembleError::Node { tree, node: nodes.id[place], problem };
            let mode = nodes.mode[place];
            if mode == Mode::Leaf {
                let votes = leaves.get(&(tree, nodes.id[place])).map_or(&[][..], Vec::as_slice);
                self.nodes[target].value = if single {
                    votes.iter().map(|vote| vote.1).sum()
                } else {
                    self.votes.push(votes.to_vec());
                    f32::from_bits((self.votes.len() - 1) as u32)
                };
                continue;
            }
            let feature = u16::try_from(nodes.feature[place]).map_err(|_| error("feature out of range"))?;
            if ensemble.features.is_some_and(|features| usize::from(feature) >= features) {
                return Err(error("feature beyond the input"));
            }
            self.features = self.features.max(usize::from(feature) + 1);
            let child = |id: i64| places.get(&(tree, id)).copied().ok_or_else(|| error("child is missing"));
            let (if_true, if_false) = (child(nodes.if_true[place])?, child(nodes.if_false[place])?);
            let missing_true = nodes.missing_true.get(place).is_some_and(|flag| *flag != 0);
            let (node, swapped) = normalise(mode, nodes.value[place], missing_true)
                .ok_or_else(|| error("threshold is not a number"))?;
            let children = self.nodes.len();
            // More nodes than the file has: one is reached twice.
            if children + 2 > limit {
                return Err(error("reached twice"));
            }
            self.nodes[target] = Node { children: children as u32, feature, ..node };
            self.nodes.extend([EMPTY; 2]);
            let (less, other) = if swapped { (if_false, if_true) } else { (if_true, if_false) };
            pending.push_back((less, children));
            pending.push_back((other, children + 1));
        }
        Ok(())
    }

    /// How many sums there are.
    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }

    /// How many features a row must have at least.
    pub(super) fn features(&self) -> usize {
        self.features
    }

    /// Adds up the votes of all trees for one row of at least [`Forest::features`] values.
    pub(super) fn sum(&self, row: &[f32], sums: &mut [f32]) {
        sums.fill(0.0);
        let (groups, rest) = self.roots.as_chunks::<LANES>();
        for group in groups {
            for leaf in self.descend_together(group, row) {
                self.vote(leaf, sums);
            }
        }
        for &root in rest {
            let mut at = root as usize;
            while self.nodes[at].children != 0 {
                at = self.nodes[at].next(row);
            }
            self.vote(at, sums);
        }
    }

    fn descend_together(&self, roots: &[u32; LANES], row: &[f32]) -> [usize; LANES] {
        let mut at = roots.map(|root| root as usize);
        loop {
            let mut moved = false;
            for place in &mut at {
                let node = self.nodes[*place];
                if node.children != 0 {
                    *place = node.next(row);
                    moved = true;
                }
            }
            if !moved {
                return at;
            }
        }
    }

    fn vote(&self, leaf: usize, sums: &mut [f32]) {
        let value = self.nodes[leaf].value;
        if self.outputs == 1 && self.votes.is_empty() {
            sums[0] += value;
            return;
        }
        for &(output, weight) in &self.votes[value.to_bits() as usize] {
            sums[output as usize] += weight;
        }
    }
}

/// A comparison as "less than" or "equal", and whether its branches are swapped for that. Exact: between a float and
/// its successor there is no other.
fn normalise(mode: Mode, threshold: f32, missing_true: bool) -> Option<(Node, bool)> {
    if threshold.is_nan() {
        return None;
    }
    let (value, equal, swapped) = match mode {
        Mode::Less => (threshold, false, false),
        Mode::GreaterOrEqual => (threshold, false, true),
        // Everything is at most infinity: "not less than minus infinity" says the same.
        Mode::LessOrEqual if threshold == f32::INFINITY => (f32::NEG_INFINITY, false, true),
        Mode::Greater if threshold == f32::INFINITY => (f32::NEG_INFINITY, false, false),
        Mode::LessOrEqual => (threshold.next_up(), false, false),
        Mode::Greater => (threshold.next_up(), false, true),
        Mode::Equal => (threshold, true, false),
        Mode::NotEqual => (threshold, true, true),
        Mode::Leaf => return None,
    };
    // What is no number differs from every threshold.
    let missing_true = missing_true || mode == Mode::NotEqual;
    Some((Node { value, equal, missing_less: missing_true != swapped, ..EMPTY }, swapped))
}

#[cfg(test)]
mod tests {
    use super::super::ensemble::{Nodes, Votes};
    use super::*;

    /// One tree: feature 0 compared with 1.0, leaves 10 (true) and 20 (false).
    fn stump(mode: Mode, missing_true: i64, threshold: f32) -> Ensemble {
        Ensemble {
            nodes: Nodes {
                tree: vec![0; 3],
                id: vec![0, 1, 2],
                feature: vec![0; 3],
                value: vec![threshold, 0.0, 0.0],
                mode: vec![mode, Mode::Leaf, Mode::Leaf],
                if_true: vec![1, 0, 0],
                if_false: vec![2, 0, 0],
                missing_true: vec![missing_true, 0, 0],
            },
            votes: Votes { tree: vec![0; 2], node: vec![1, 2], class: vec![0; 2], weight: vec![10.0, 20.0] },
            classes: 1,
            ..Ensemble::default()
        }
    }

    fn answer(ensemble: &Ensemble, value: f32) -> f32 {
        let mut sums = [0.0];
        Forest::build(ensemble).unwrap().sum(&[value], &mut sums);
        sums[0]
    }

    #[test]
    fn every_comparison_at_below_above_and_beside_its_threshold() {
        let values = [
            f32::NEG_INFINITY,
            -1.0,
            -0.0,
            0.0,
            1.0_f32.next_down(),
            1.0,
            1.0_f32.next_up(),
            2.0,
            f32::INFINITY,
        ];
        for threshold in [1.0, 0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::MAX] {
            for value in values {
                for (mode, holds) in [
                    (Mode::Less, value < threshold),
                    (Mode::LessOrEqual, value <= threshold),
                    (Mode::Greater, value > threshold),
                    (Mode::GreaterOrEqual, value >= threshold),
                    (Mode::Equal, value == threshold),
                    (Mode::NotEqual, value != threshold),
                ] {
                    let expected = if holds { 10.0 } else { 20.0 };
                    let found = answer(&stump(mode, 0, threshold), value);
                    assert_eq!(found.to_bits(), f32::to_bits(expected), "{value} {mode:?} {threshold}");
                }
            }
        }
    }

    #[test]
    fn a_missing_value_goes_where_the_model_says() {
        for mode in [Mode::Less, Mode::LessOrEqual, Mode::Greater, Mode::GreaterOrEqual, Mode::Equal] {
            assert_eq!(answer(&stump(mode, 1, 1.0), f32::NAN).to_bits(), 10.0_f32.to_bits(), "{mode:?}");
            assert_eq!(answer(&stump(mode, 0, 1.0), f32::NAN).to_bits(), 20.0_f32.to_bits(), "{mode:?}");
        }
        assert_eq!(answer(&stump(Mode::NotEqual, 0, 1.0), f32::NAN).to_bits(), 10.0_f32.to_bits());
    }

    #[test]
    fn a_cycle_a_missing_child_and_an_orphan_are_refused() {
        let mut cycle = stump(Mode::Less, 0, 1.0);
        cycle.nodes.if_true[0] = 0;
        assert!(Forest::build(&cycle).is_err());
        let mut missing = stump(Mode::Less, 0, 1.0);
        missing.nodes.if_false[0] = 7;
        assert!(Forest::build(&missing).is_err());
        let mut orphan = stump(Mode::Leaf, 0, 1.0);
        orphan.nodes.mode[0] = Mode::Leaf;
        assert!(Forest::build(&orphan).is_err());
        let mut twice = stump(Mode::Less, 0, 1.0);
        twice.nodes.id[2] = 1;
        assert!(Forest::build(&twice).is_err());
    }

    #[test]
    fn trees_beyond_a_full_group_are_counted_too() {
        for trees in [1_i64, 7, 8, 9, 17] {
            let mut many = Ensemble { classes: 1, ..Ensemble::default() };
            for tree in 0..trees {
                let one = stump(Mode::Less, 0, tree as f32);
                many.nodes.tree.extend([tree; 3]);
                many.nodes.id.extend(one.nodes.id);
                many.nodes.feature.extend(one.nodes.feature);
                many.nodes.value.extend(one.nodes.value);
                many.nodes.mode.extend(one.nodes.mode);
                many.nodes.if_true.extend(one.nodes.if_true);
                many.nodes.if_false.extend(one.nodes.if_false);
                many.votes.tree.extend([tree; 2]);
                many.votes.node.extend(one.votes.node);
                many.votes.class.extend(one.votes.class);
                many.votes.weight.extend(one.votes.weight);
            }
            // Above every threshold: all trees answer 20.
            assert_eq!(answer(&many, 100.0).to_bits(), (20.0 * trees as f32).to_bits());
        }
    }
}

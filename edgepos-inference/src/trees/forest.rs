//! Trees laid out for evaluation: 12 bytes a node, and the two that a branch leads to side by side.

use super::ensemble::{Aggregate, Ensemble, Vote};
use super::error::EnsembleError;
use super::node::{self, Test};
use super::plan::Plan;

/// Trees walked at the same time: while one waits for memory, the others go on.
const LANES: usize = 8;

const LEAF: Node = Node { value: 0.0, children: 0, feature: 0, ask: Ask::Less, missing_passes: false };

/// All trees of a model.
#[derive(Debug)]
pub(super) struct Forest {
    /// First the roots, in file order; then two for each branch, where it leads. What several branches lead to is there as often:
    /// the node alone, what is behind it only once.
    nodes: Vec<Node>,
    roots: Vec<u32>,
    /// What leaves say where there is more than one sum: ranges of `votes`.
    ranges: Vec<(u32, u32)>,
    votes: Vec<Vote>,
    sets: Vec<Vec<f32>>,
    sums: usize,
    features: usize,
    depth: u32,
    aggregate: Aggregate,
}

/// A branch, or a leaf when `children` is 0.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// The threshold, or the bits of a set's place. In a leaf of a model with one sum its weight, otherwise the bits of
    /// its place in `ranges`.
    value: f32,
    /// The place of the child for "passes"; the other is behind it.
    children: u32,
    feature: u16,
    ask: Ask,
    missing_passes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    Less,
    Equal,
    Member,
}

impl Node {
    /// The next node for this row; `self` is a branch. Without sets there is nothing to branch on.
    #[inline]
    fn next<const SETS: bool>(self, row: &[f32], sets: &[Vec<f32>]) -> u32 {
        let value = row[usize::from(self.feature)];
        let passes = if SETS && self.ask == Ask::Member {
            is_member(&sets[self.value.to_bits() as usize], value)
        } else if self.ask == Ask::Equal {
            value == self.value
        } else {
            value < self.value
        };
        self.children + u32::from(!(passes | (value.is_nan() & self.missing_passes)))
    }
}

fn is_member(set: &[f32], value: f32) -> bool {
    set.binary_search_by(|member| member.total_cmp(&(value + 0.0))).is_ok()
}

impl Forest {
    /// Lays the trees out. With `single`, all votes are for one and the same sum.
    ///
    /// # Errors
    /// Those of [`Plan::of`].
    pub(super) fn build(mut ensemble: Ensemble, single: bool) -> Result<Self, EnsembleError> {
        let Plan { order, depth } = Plan::of(&mut ensemble)?;
        let mut forest = Self {
            nodes: Vec::new(),
            roots: (0..ensemble.roots.len() as u32).collect(),
            ranges: Vec::new(),
            votes: Vec::new(),
            sets: std::mem::take(&mut ensemble.sets).into_iter().map(sorted).collect(),
            sums: if single { 1 } else { ensemble.targets },
            features: 0,
            depth,
            aggregate: ensemble.aggregate,
        };
        let mut laid = vec![LEAF; ensemble.nodes.len()];
        let mut children = ensemble.roots.len() as u32;
        for &place in &order {
            laid[place as usize] = match ensemble.nodes[place as usize] {
                node::Node::Leaf { first, count } if single => {
                    let votes = &ensemble.votes[first as usize..(first + count) as usize];
                    Node { value: votes.iter().map(|vote| vote.weight).sum(), ..LEAF }
                }
                node::Node::Leaf { first, count } => {
                    forest.ranges.push((first, first + count));
                    Node { value: f32::from_bits(forest.ranges.len() as u32 - 1), ..LEAF }
                }
                node::Node::Branch { feature, test, missing_passes, .. } => {
                    forest.features = forest.features.max(usize::from(feature) + 1);
                    let (ask, value) = match test {
                        Test::Less(value) => (Ask::Less, value),
                        Test::Equal(value) => (Ask::Equal, value),
                        Test::Member(set) => (Ask::Member, f32::from_bits(set)),
                    };
                    children += 2;
                    Node { value, children: children - 2, feature, ask, missing_passes }
                }
            };
        }
        forest.nodes.reserve_exact(children as usize);
        forest.nodes.extend(ensemble.roots.iter().map(|root| laid[*root as usize]));
        for place in order {
            let targets = ensemble.nodes[place as usize].targets();
            forest.nodes.extend(targets.map(|target| laid[target as usize]));
        }
        if !single {
            forest.votes = ensemble.votes;
        }
        Ok(forest)
    }

    /// How many sums there are.
    pub(super) fn sums(&self) -> usize {
        self.sums
    }

    /// How many features a row must have at least.
    pub(super) fn features(&self) -> usize {
        self.features
    }

    /// How many trees there are.
    pub(super) fn trees(&self) -> usize {
        self.roots.len()
    }

    /// Branches on the longest way.
    pub(super) fn depth(&self) -> u32 {
        self.depth
    }

    /// Puts together what all trees say about one row of at least [`Forest::features`] values; `voted` says which sums got
    /// a vote.
    pub(super) fn sum(&self, row: &[f32], sums: &mut [f32], voted: &mut [bool]) {
        sums.fill(0.0);
        voted.fill(false);
        if self.sets.is_empty() {
            self.put_together::<false>(row, sums, voted);
        } else {
            self.put_together::<true>(row, sums, voted);
        }
        if self.aggregate == Aggregate::Average {
            let trees = self.roots.len() as f32;
            sums.iter_mut().for_each(|sum| *sum /= trees);
        }
    }

    fn put_together<const SETS: bool>(&self, row: &[f32], sums: &mut [f32], voted: &mut [bool]) {
        if self.ranges.is_empty() && matches!(self.aggregate, Aggregate::Sum | Aggregate::Average) {
            let mut sum = 0.0;
            self.walk::<SETS>(row, |leaf| sum += leaf.value);
            (sums[0], voted[0]) = (sum, true);
        } else {
            self.walk::<SETS>(row, |leaf| self.vote(leaf, sums, voted));
        }
    }

    /// Gives the leaf of each tree, in order.
    fn walk<const SETS: bool>(&self, row: &[f32], mut reached: impl FnMut(Node)) {
        let (groups, rest) = self.roots.as_chunks::<LANES>();
        for group in groups {
            for leaf in self.descend_together::<SETS>(group, row) {
                reached(self.nodes[leaf as usize]);
            }
        }
        for &root in rest {
            let mut at = self.nodes[root as usize];
            while at.children != 0 {
                at = self.nodes[at.next::<SETS>(row, &self.sets) as usize];
            }
            reached(at);
        }
    }

    fn descend_together<const SETS: bool>(&self, roots: &[u32; LANES], row: &[f32]) -> [u32; LANES] {
        let mut at = *roots;
        loop {
            let mut moved = false;
            for place in &mut at {
                let node = self.nodes[*place as usize];
                if node.children != 0 {
                    *place = node.next::<SETS>(row, &self.sets);
                    moved = true;
                }
            }
            if !moved {
                return at;
            }
        }
    }

    fn vote(&self, leaf: Node, sums: &mut [f32], voted: &mut [bool]) {
        if self.ranges.is_empty() {
            return self.add(&mut sums[0], &mut voted[0], leaf.value);
        }
        let (first, end) = self.ranges[leaf.value.to_bits() as usize];
        for vote in &self.votes[first as usize..end as usize] {
            let target = vote.target as usize;
            self.add(&mut sums[target], &mut voted[target], vote.weight);
        }
    }

    fn add(&self, sum: &mut f32, voted: &mut bool, weight: f32) {
        match self.aggregate {
            Aggregate::Sum | Aggregate::Average => *sum += weight,
            Aggregate::Least if *voted && weight >= *sum => {}
            Aggregate::Greatest if *voted && weight <= *sum => {}
            Aggregate::Least | Aggregate::Greatest => *sum = weight,
        }
        *voted = true;
    }
}

/// In the order that the search needs, with one zero.
fn sorted(mut set: Vec<f32>) -> Vec<f32> {
    set.iter_mut().for_each(|member| *member += 0.0);
    set.sort_unstable_by(f32::total_cmp);
    set
}

#[cfg(test)]
mod tests {
    use super::super::ensemble::Names;
    use super::super::node::{Mode, Node as Raw};
    use super::*;

    /// One tree: feature 0 compared with a threshold, leaves 10 (true) and 20 (false).
    fn stump(mode: Mode, missing_true: bool, threshold: f64) -> Ensemble {
        Ensemble {
            nodes: vec![
                mode.node(0, threshold, missing_true, (1, 2)).unwrap(),
                Raw::Leaf { first: 0, count: 1 },
                Raw::Leaf { first: 1, count: 1 },
            ],
            roots: vec![0],
            votes: vec![Vote { target: 0, weight: 10.0 }, Vote { target: 0, weight: 20.0 }],
            targets: 1,
            names: Names::Listed { branches: 1 },
            ..Ensemble::default()
        }
    }

    fn answer(ensemble: Ensemble, value: f32) -> f32 {
        let mut sums = [0.0];
        Forest::build(ensemble, true).unwrap().sum(&[value], &mut sums, &mut [false]);
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
            f32::MAX,
            f32::INFINITY,
        ];
        let between = 1.0 + f64::from(f32::EPSILON) / 3.0;
        let infinity = f64::INFINITY;
        for threshold in
            [1.0, between, 0.0, -0.0, infinity, -infinity, f64::from(f32::MAX), f64::MAX, f64::MIN]
        {
            for value in values {
                let wide = f64::from(value);
                for (mode, holds) in [
                    (Mode::Less, wide < threshold),
                    (Mode::LessOrEqual, wide <= threshold),
                    (Mode::Greater, wide > threshold),
                    (Mode::GreaterOrEqual, wide >= threshold),
                    (Mode::Equal, wide == threshold),
                    (Mode::NotEqual, wide != threshold),
                ] {
                    let expected = if holds { 10.0 } else { 20.0 };
                    let found = answer(stump(mode, false, threshold), value);
                    assert_eq!(found.to_bits(), f32::to_bits(expected), "{value} {mode:?} {threshold}");
                }
            }
        }
        assert!(Mode::Less.node(0, f64::NAN, false, (1, 2)).is_none());
    }

    #[test]
    fn a_missing_value_goes_where_the_model_says() {
        for mode in [Mode::Less, Mode::LessOrEqual, Mode::Greater, Mode::GreaterOrEqual, Mode::Equal] {
            assert_eq!(answer(stump(mode, true, 1.0), f32::NAN).to_bits(), 10.0_f32.to_bits(), "{mode:?}");
            assert_eq!(answer(stump(mode, false, 1.0), f32::NAN).to_bits(), 20.0_f32.to_bits(), "{mode:?}");
        }
        assert_eq!(answer(stump(Mode::NotEqual, false, 1.0), f32::NAN).to_bits(), 10.0_f32.to_bits());
    }

    #[test]
    fn trees_beyond_a_full_group_are_counted_too() {
        for trees in [1_u32, 7, 8, 9, 17] {
            let mut many = stump(Mode::Less, false, 0.0);
            many.nodes.clear();
            many.roots = (0..trees).collect();
            many.names = Names::Listed { branches: trees as usize };
            for tree in 0..trees as usize {
                many.nodes.push(
                    Mode::Less.node(0, tree as f64, false, (trees as usize, trees as usize + 1)).unwrap(),
                );
            }
            many.nodes.extend(stump(Mode::Less, false, 0.0).nodes.drain(1..));
            // Above every threshold: all trees answer 20.
            assert_eq!(answer(many, 100.0).to_bits(), (20.0 * trees as f32).to_bits());
        }
    }
}

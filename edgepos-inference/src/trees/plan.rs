//! Which nodes of an ensemble are walked, and in what order they lie in memory.

use std::collections::VecDeque;

use super::ensemble::Ensemble;
use super::error::EnsembleError;
use super::node::{Node, Test};

/// Deepest way from a root to a leaf.
pub(super) const MAX_DEPTH: u32 = 65_536;

/// The nodes in the order of the layout: breadth first, tree after tree, each of them once however many lead to it.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) order: Vec<u32>,
    /// Branches on the longest way.
    pub(super) depth: u32,
}

impl Plan {
    /// Merges chains of comparisons into sets, and orders the nodes.
    ///
    /// # Errors
    /// A cycle, a way deeper than [`MAX_DEPTH`], or a node that no root leads to.
    pub(super) fn of(ensemble: &mut Ensemble) -> Result<Self, EnsembleError> {
        let mut parents = vec![0_u32; ensemble.nodes.len()];
        for &root in &ensemble.roots {
            parents[root as usize] += 1;
        }
        for node in &ensemble.nodes {
            node.targets().for_each(|target| parents[target as usize] += 1);
        }
        let merged = merge_chains(ensemble, &parents);
        let (order, mut waits) = reach(ensemble);
        if let Some(place) = (0..waits.len()).find(|&place| waits[place] == UNREACHED && !merged[place]) {
            return Err(ensemble.names.error(place, "is not reached"));
        }
        let depth = depth(ensemble, &order, &mut waits)?;
        Ok(Self { order, depth })
    }
}

/// Converters write "is one of a, b, c" as a chain of "is a", else "is b", else "is c". One test of a set makes the same
/// of it, without the length of the chain. Says which nodes have gone into others; each of them had one parent.
fn merge_chains(ensemble: &mut Ensemble, parents: &[u32]) -> Vec<bool> {
    let mut merged = vec![false; ensemble.nodes.len()];
    for place in 0..ensemble.nodes.len() {
        let Node::Branch { feature, test: Test::Equal(first), mut missing_passes, pass, mut fail } =
            ensemble.nodes[place]
        else {
            continue;
        };
        if merged[place] {
            continue;
        }
        let mut set = vec![first];
        while let Node::Branch {
            feature: of,
            test: Test::Equal(value),
            missing_passes: missing,
            pass: to,
            fail: next,
        } = ensemble.nodes[fail as usize]
            && (of, to) == (feature, pass)
            && parents[fail as usize] == 1
            && !merged[fail as usize]
            && fail as usize != place
        {
            merged[fail as usize] = true;
            set.push(value);
            missing_passes |= missing;
            fail = next;
        }
        if set.len() > 1 {
            let test = Test::Member(ensemble.sets.len() as u32);
            ensemble.sets.push(set);
            ensemble.nodes[place] = Node::Branch { feature, test, missing_passes, pass, fail };
        }
    }
    merged
}

const UNREACHED: u32 = u32::MAX;

/// The nodes that roots lead to, and for each of all nodes how many branches lead to it.
fn reach(ensemble: &Ensemble) -> (Vec<u32>, Vec<u32>) {
    let mut waits = vec![UNREACHED; ensemble.nodes.len()];
    let mut order = Vec::with_capacity(ensemble.nodes.len());
    for &root in &ensemble.roots {
        if waits[root as usize] == UNREACHED {
            waits[root as usize] = 0;
            order.push(root);
        }
        let mut next = order.len() - 1;
        while next < order.len() {
            for target in ensemble.nodes[order[next] as usize].targets() {
                let seen = &mut waits[target as usize];
                if *seen == UNREACHED {
                    *seen = 0;
                    order.push(target);
                }
                *seen += 1;
            }
            next += 1;
        }
    }
    (order, waits)
}

/// The longest way, by taking nodes away whose parents are gone (Kahn 1962): what is left in the end is a cycle.
fn depth(ensemble: &Ensemble, order: &[u32], waits: &mut [u32]) -> Result<u32, EnsembleError> {
    let mut free: VecDeque<u32> = order.iter().copied().filter(|&place| waits[place as usize] == 0).collect();
    let mut depths = vec![0_u32; ensemble.nodes.len()];
    let (mut taken, mut deepest) = (0, 0);
    while let Some(place) = free.pop_front() {
        taken += 1;
        let below = depths[place as usize] + 1;
        for target in ensemble.nodes[place as usize].targets() {
            let target = target as usize;
            depths[target] = depths[target].max(below);
            deepest = deepest.max(depths[target]);
            waits[target] -= 1;
            if waits[target] == 0 {
                free.push_back(target as u32);
            }
        }
        if deepest > MAX_DEPTH {
            return Err(ensemble.names.error(place as usize, "lies deeper than 65,536 branches"));
        }
    }
    if taken == order.len() {
        return Ok(deepest);
    }
    let on_cycle = order.iter().copied().find(|&place| waits[place as usize] > 0);
    Err(ensemble.names.error(on_cycle.unwrap_or(0) as usize, "is on a cycle or behind one"))
}

#[cfg(test)]
mod tests {
    use super::super::ensemble::{Names, Vote};
    use super::super::node::Mode;
    use super::*;

    /// Branches on equality with their own number, with the targets given; one leaf behind them.
    fn chain(targets: &[(usize, usize)]) -> Ensemble {
        let branch = |(place, &targets)| Mode::Equal.node(0, place as f64, false, targets).unwrap();
        let mut nodes: Vec<Node> = targets.iter().enumerate().map(branch).collect();
        nodes.push(Node::Leaf { first: 0, count: 1 });
        Ensemble {
            nodes,
            roots: vec![0],
            votes: vec![Vote { target: 0, weight: 1.0 }],
            targets: 1,
            names: Names::Listed { branches: targets.len() },
            ..Ensemble::default()
        }
    }

    fn problem(ensemble: &mut Ensemble) -> String {
        Plan::of(ensemble).unwrap_err().to_string()
    }

    #[test]
    fn a_cycle_and_an_orphan_are_refused_by_name() {
        assert_eq!(problem(&mut chain(&[(2, 1), (0, 2)])), "branch 0 is on a cycle or behind one");
        assert_eq!(problem(&mut chain(&[(1, 0)])), "branch 0 is on a cycle or behind one");
        assert_eq!(problem(&mut chain(&[(2, 2), (2, 2)])), "branch 1 is not reached");
        // A ring of comparisons that could all be merged into each other, which no root leads to.
        assert_eq!(problem(&mut chain(&[(3, 3), (3, 2), (3, 1)])), "branch 1 is not reached");
    }

    #[test]
    fn a_chain_of_comparisons_becomes_one_set_and_a_shared_part_is_kept_once() {
        let mut sets = chain(&[(3, 1), (3, 2), (3, 3)]);
        let plan = Plan::of(&mut sets).unwrap();
        assert_eq!((plan.order, plan.depth), (vec![0, 3], 1));
        assert_eq!(sets.sets, [[0.0, 1.0, 2.0]]);
        // Not merged: what follows has another parent too, so it stays for that one.
        let mut shared = chain(&[(1, 2), (3, 2), (3, 3)]);
        let plan = Plan::of(&mut shared).unwrap();
        assert_eq!((plan.order.len(), plan.depth), (4, 3));
        assert!(shared.sets.is_empty());
    }

    #[test]
    fn two_ways_at_each_of_many_steps_are_laid_out_once_and_in_no_time() {
        // 2 to the power of 20,000 ways, 40,001 nodes.
        let steps = 20_000;
        let targets: Vec<(usize, usize)> = (0..2 * steps)
            .map(|place| {
                let next = (place / 2 + 1) * 2;
                if next < 2 * steps { (next, next + 1) } else { (2 * steps, 2 * steps) }
            })
            .collect();
        let mut lattice = chain(&targets);
        lattice.roots.push(1);
        let plan = Plan::of(&mut lattice).unwrap();
        assert_eq!((plan.order.len(), plan.depth), (2 * steps + 1, steps as u32));
    }

    #[test]
    fn too_deep_is_refused() {
        let length = MAX_DEPTH as usize + 1;
        // Each branch asks another feature, so that none are merged.
        let mut deep = chain(&(0..length).map(|place| (length, place + 1)).collect::<Vec<_>>());
        for (place, node) in deep.nodes.iter_mut().enumerate() {
            if let Node::Branch { feature, .. } = node {
                *feature = (place % 2) as u16;
            }
        }
        assert!(problem(&mut deep).contains("deeper than 65,536"));
    }
}

//! Every path through a small world, as far as it leads to states that were not seen.

use std::collections::HashSet;

use edgepos_core::Jitter;

use super::prelude::come_to_rest;
use super::settle::{prepared, settle};
use super::step::Step;
use super::store::Store;
use super::worlds::World;
use crate::check::Violation;

/// How far a world is explored.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most steps of a path, before faults are over.
    pub depth: usize,
    /// Most states that are looked at.
    pub states: usize,
}

/// What an exploration came to.
#[derive(Clone, Debug, Default)]
pub struct Explored {
    /// States that differ.
    pub states: usize,
    /// Steps that led to one of them, the first time or again.
    pub steps: usize,
    /// Steps that led to a state which another path had reached.
    pub merged: usize,
    /// States from which the store was brought to rest and judged.
    pub settled: usize,
    /// The longest path.
    pub deepest: usize,
    /// Whether nothing was left out: no path was cut at [`Limits::depth`], and there were no more than [`Limits::states`].
    pub complete: bool,
    /// The first path that breaks a rule.
    pub failure: Option<Failure>,
}

/// A path that breaks a rule.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What was broken.
    pub violations: Vec<Violation>,
    /// Which of the possible steps was taken at each state: what [`replay`] takes.
    pub path: Vec<usize>,
    /// The same in words.
    pub steps: Vec<Step>,
}

/// A state and the path that led to it.
struct Walked {
    store: Store,
    path: Vec<usize>,
    steps: Vec<Step>,
}

impl Walked {
    /// The state in which the exploration begins.
    fn start(world: World, told: bool) -> Result<Self, Failure> {
        let fail = |violation| Failure { violations: vec![violation], path: Vec::new(), steps: Vec::new() };
        Ok(Self { store: prepared(world, told).map_err(fail)?, path: Vec::new(), steps: Vec::new() })
    }

    /// Takes the step of this number among those that are possible; one that is not there changes nothing.
    fn take(&mut self, choice: usize) -> Result<(), Failure> {
        let Some(step) = self.possible().get(choice).copied() else { return Ok(()) };
        self.path.push(choice);
        self.steps.push(step);
        let taken = self.store.take(step);
        let rests = taken.is_ok() && self.store.take_rest();
        let taken = if rests { come_to_rest(&mut self.store) } else { taken };
        taken.map_err(|violation| self.failure(vec![violation]))
    }

    /// What can happen next in an exploration, in which time moves on only so often.
    fn possible(&self) -> Vec<Step> {
        let ticks = self.steps.iter().filter(|step| **step == Step::Tick).count();
        let mut steps = self.store.steps();
        if ticks >= usize::from(self.store.world().ticks) {
            steps.retain(|step| *step != Step::Tick);
        }
        steps
    }

    fn failure(&self, violations: Vec<Violation>) -> Failure {
        Failure { violations, path: self.path.clone(), steps: self.steps.clone() }
    }
}

/// Explores a world until a rule is broken, a limit is reached or nothing is left. Each path is walked to its end; the next one begins
/// anywhere that is left, so that a world which is cut short is sampled from its first step to its last and not at its end alone.
pub fn explore(world: World, limits: Limits) -> Explored {
    let mut found = Explored { complete: true, ..Explored::default() };
    found.failure = go(world, limits, &mut found).err();
    found
}

fn go(world: World, limits: Limits, found: &mut Explored) -> Result<(), Failure> {
    let mut seen: HashSet<[u8; 32]> = HashSet::new();
    // Paths to walk: one of a state's steps is the next one, so that it goes on from there. Others begin anew.
    let mut left: Vec<Vec<usize>> = vec![Vec::new()];
    let mut rng = Jitter::new(1);
    let mut last: Option<Walked> = None;
    while !left.is_empty() {
        let next = if last.is_some() { left.len() - 1 } else { rng.range(0, left.len() as u64) as usize };
        let path = left.swap_remove(next);
        let here =
            match last.take().filter(|last| path.split_last().is_some_and(|(_, before)| before == last.path))
            {
                Some(mut last) => {
                    last.take(path[path.len() - 1])?;
                    last
                }
                None => walk(world, &path)?,
            };
        found.steps += 1;
        if !seen.insert(here.store.key()) {
            found.merged += 1;
            continue;
        }
        found.states += 1;
        found.deepest = found.deepest.max(path.len());
        if found.states > limits.states {
            found.complete = false;
            return Ok(());
        }
        let next = here.possible();
        let cut = path.len() == limits.depth && !next.is_empty();
        found.complete &= !cut;
        if !cut && !next.is_empty() {
            left.extend((0..next.len()).map(|choice| path.iter().copied().chain([choice]).collect()));
            // Any of them goes first.
            let end = left.len() - 1;
            left.swap(end - rng.range(0, next.len() as u64) as usize, end);
        }
        last = if cut || !next.iter().any(|step| step.is_calm()) {
            found.settled += 1;
            rest(here)?;
            None
        } else {
            Some(here)
        };
    }
    Ok(())
}

fn rest(mut here: Walked) -> Result<(), Failure> {
    settle(&mut here.store).map_err(|violations| here.failure(violations))
}

/// Walks one path and lets the store settle: everything that happens, in lines.
pub fn replay(world: World, path: &[usize]) -> Vec<String> {
    let mut here = match Walked::start(world, true) {
        Ok(here) => here,
        Err(failure) => return failure.violations.iter().map(ToString::to_string).collect(),
    };
    let broken = path.iter().try_for_each(|choice| here.take(*choice)).err();
    let broken = match broken {
        Some(failure) => failure.violations,
        None => settle(&mut here.store).err().unwrap_or_default(),
    };
    let mut lines = here.store.lines();
    lines.extend(broken.iter().map(ToString::to_string));
    lines
}

/// The state that a path leads to.
fn walk(world: World, path: &[usize]) -> Result<Walked, Failure> {
    let mut here = Walked::start(world, false)?;
    path.iter().try_for_each(|choice| here.take(*choice))?;
    Ok(here)
}

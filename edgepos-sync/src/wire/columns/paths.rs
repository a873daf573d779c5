//! Which column an item belongs to: the steps that lead to it from the payload's outermost item.

use std::collections::BTreeMap;

use super::token::Broken;

/// Columns of a batch. One with more is not written in columns.
pub(super) const MAX_PATHS: usize = 1_024;

/// From one item to one inside it. `K` is how a key is kept.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Step<K> {
    /// To the value of this key.
    Value(K),
    /// To any element of an array.
    Element,
    /// Into a string of bytes.
    Inside,
    /// To the same map, if its key 0 has this value.
    Case(i64),
}

/// Columns by the steps to them, numbered in the order in which they are first met. 0 is the outermost item.
#[derive(Debug)]
pub(super) struct Paths<K> {
    numbers: BTreeMap<(usize, Step<K>), usize>,
}

impl<K: Ord> Default for Paths<K> {
    fn default() -> Self {
        Self { numbers: BTreeMap::new() }
    }
}

impl<K: Ord> Paths<K> {
    /// The column that this step leads to, and whether it is a new one.
    pub(super) fn step(&mut self, from: usize, step: Step<K>) -> Result<(usize, bool), Broken> {
        let next = self.numbers.len() + 1;
        let number = *self.numbers.entry((from, step)).or_insert(next);
        if number >= MAX_PATHS {
            return Err(Broken);
        }
        Ok((number, number == next))
    }
}

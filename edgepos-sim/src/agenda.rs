//! What will happen, and when: the heart of a simulation in virtual time.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Happenings by virtual time in microseconds; those of one instant come in the order in which they were entered.
#[derive(Debug)]
pub(crate) struct Agenda<T> {
    heap: BinaryHeap<Reverse<Item<T>>>,
    entered: u64,
}

#[derive(Debug)]
struct Item<T> {
    at_us: u64,
    order: u64,
    what: T,
}

impl<T> Item<T> {
    fn key(&self) -> (u64, u64) {
        (self.at_us, self.order)
    }
}

impl<T> PartialEq for Item<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Item<T> {}

impl<T> PartialOrd for Item<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Item<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), entered: 0 }
    }
}

impl<T> Agenda<T> {
    /// Nothing will happen.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Some of what was entered does not happen.
    pub(crate) fn retain(&mut self, mut happens: impl FnMut(&T) -> bool) {
        self.heap.retain(|Reverse(item)| happens(&item.what));
    }

    /// Enters a happening.
    pub(crate) fn at(&mut self, at_us: u64, what: T) {
        self.entered += 1;
        self.heap.push(Reverse(Item { at_us, order: self.entered, what }));
    }

    /// Takes the next happening and its time.
    pub(crate) fn pop(&mut self) -> Option<(u64, T)> {
        self.heap.pop().map(|Reverse(item)| (item.at_us, item.what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_instant_keeps_the_order_of_entry() {
        let mut agenda = Agenda::new();
        for (at, what) in [(5, "c"), (1, "a"), (5, "d"), (1, "b")] {
            agenda.at(at, what);
        }
        let order: Vec<_> = std::iter::from_fn(|| agenda.pop()).collect();
        assert_eq!(order, [(1, "a"), (1, "b"), (5, "c"), (5, "d")]);
    }

    #[test]
    fn what_does_not_happen_leaves_the_rest_in_order() {
        let mut agenda = Agenda::new();
        for (at, what) in [(5, "c"), (1, "a"), (5, "d"), (1, "b"), (5, "e")] {
            agenda.at(at, what);
        }
        agenda.retain(|what| *what != "d");
        let order: Vec<_> = std::iter::from_fn(|| agenda.pop()).collect();
        assert_eq!(order, [(1, "a"), (1, "b"), (5, "c"), (5, "e")]);
    }
}

//! Customers with receipts in their pockets, who walk from one till to another.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use edgepos::model::BasketId;
use edgepos::{Commit, Draft};
use edgepos_core::Jitter;

/// One line of a receipt that a customer holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Bought {
    /// The receipt's basket.
    pub basket: BasketId,
    /// The line's number there.
    pub line: u16,
    /// What was bought.
    pub product: String,
    /// How many; above zero.
    pub quantity: i64,
    /// What was paid for it.
    pub amount: i64,
}

/// Everybody who is not at a till.
#[derive(Debug)]
pub(crate) struct Street {
    bought: Vec<Bought>,
    errands: Vec<VecDeque<Bought>>,
    /// Sales whose answer was lost, and which are asked for at another till.
    retries: Vec<VecDeque<(Draft, Commit)>>,
    /// Which baskets ever tried to take back a line, and how many of it.
    tried: BTreeMap<(BasketId, u16), BTreeMap<BasketId, i64>>,
    /// Receipts that a manager may have voided: whether they did is known when the till refuses.
    voided: BTreeSet<BasketId>,
}

impl Street {
    /// Nobody has bought anything at any of the tills.
    pub(crate) fn new(tills: usize) -> Self {
        Self {
            bought: Vec::new(),
            errands: vec![VecDeque::new(); tills],
            retries: vec![VecDeque::new(); tills],
            tried: BTreeMap::new(),
            voided: BTreeSet::new(),
        }
    }

    /// A customer leaves with a receipt.
    pub(crate) fn leaves(&mut self, bought: Bought) {
        self.bought.push(bought);
    }

    /// A customer who wants to give something back, with a preference for what was bought lately.
    pub(crate) fn somebody(&self, rng: &mut Jitter) -> Option<Bought> {
        let lately = (self.bought.len() as u64).min(30);
        let back = rng.range(0, lately.max(1)) as usize;
        self.bought.iter().rev().nth(back).cloned()
    }

    /// The same line will be brought back at another till as well.
    pub(crate) fn also_at(&mut self, till: usize, bought: Bought) {
        self.errands[till].push_back(bought);
    }

    /// A sale whose answer was lost is asked for at another till, with the same basket and key.
    pub(crate) fn asks_at(&mut self, till: usize, draft: Draft, commit: Commit) {
        self.retries[till].push_back((draft, commit));
    }

    /// A sale that another till has no answer for.
    pub(crate) fn retry(&mut self, till: usize) -> Option<(Draft, Commit)> {
        self.retries[till].pop_front()
    }

    /// Who waits at a till.
    pub(crate) fn errand(&mut self, till: usize) -> Option<Bought> {
        self.errands[till].pop_front()
    }

    /// A basket tries to take a line back.
    pub(crate) fn tries(&mut self, bought: &Bought, by: BasketId) {
        self.tried.entry((bought.basket, bought.line)).or_default().insert(by, bought.quantity);
    }

    /// A manager voids a receipt, perhaps.
    pub(crate) fn voids(&mut self, basket: BasketId) {
        self.voided.insert(basket);
    }

    /// Whether a till may refuse to take the line back: more was tried than was bought.
    pub(crate) fn may_be_refused(&self, basket: BasketId, line: u16) -> bool {
        let bought = self.bought.iter().find(|bought| bought.basket == basket && bought.line == line);
        let tried: i64 = self.tried.get(&(basket, line)).map_or(0, |by| by.values().sum());
        self.voided.contains(&basket) || bought.is_none_or(|bought| tried > bought.quantity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bought() -> Bought {
        Bought { basket: BasketId([1; 16]), line: 2, product: "milk".into(), quantity: 3, amount: 300 }
    }

    #[test]
    fn a_line_may_be_refused_once_more_was_tried_than_was_bought() {
        let mut street = Street::new(2);
        street.leaves(bought());
        street.tries(&bought(), BasketId([2; 16]));
        street.tries(&bought(), BasketId([2; 16]));
        assert!(!street.may_be_refused(bought().basket, 2));
        street.tries(&bought(), BasketId([3; 16]));
        assert!(street.may_be_refused(bought().basket, 2));
    }

    #[test]
    fn errands_wait_at_their_till() {
        let mut street = Street::new(2);
        assert_eq!(street.somebody(&mut Jitter::new(1)), None);
        street.also_at(1, bought());
        assert_eq!(street.errand(0), None);
        assert_eq!(street.errand(1), Some(bought()));
        assert_eq!(street.errand(1), None);
    }
}

//! A counter that never falls below zero, even between terminals that cannot talk.

use alloc::collections::BTreeMap;

use edgepos_core::ReplicaId;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::wire::{Reader, Wire, Writer, read_map, write_map};
use crate::{Overflow, WireError};

/// The replica's own share does not cover the amount. Ask another replica to transfer some, or the leader to decide.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the share is {share}, {asked} were asked for")]
pub struct NotEnough {
    /// What may be spent here.
    pub share: u64,
    /// What was asked for.
    pub asked: u64,
}

/// Limited goods, a voucher that is worth something once, points to spend: a total that is split into shares (escrow, O'Neil 1986;
/// bounded counter, Balegas and others 2015).
///
/// A replica spends from its own share alone and hands parts of it to others, so whatever is spent anywhere was there. Each number is
/// written by one replica and only grows; a merge takes the larger. A new incarnation begins with no share: what the old one held is
/// out of reach until the store decides that it is lost.
///
/// ```
/// use edgepos_core::ReplicaId;
/// use edgepos_crdt::BoundedCounter;
///
/// let [a, b] = [ReplicaId::new(1, 42), ReplicaId::new(2, 42)];
/// let mut consoles = BoundedCounter::new();
/// consoles.grow(a, 5)?;
/// consoles.transfer(a, b, 2)?;
/// assert!(consoles.spend(a, 4).is_err(), "two of the five are b's to sell");
/// assert!(consoles.spend(b, 2).is_ok());
/// assert_eq!(consoles.value(), Ok(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct BoundedCounter {
    /// (from, to) → all that was ever moved; (r, r) is what r brought in. Never zero, so that equal counters are equal values.
    #[serde(with = "crate::pairs")]
    moved: BTreeMap<(ReplicaId, ReplicaId), u64>,
    #[serde(with = "crate::pairs")]
    spent: BTreeMap<ReplicaId, u64>,
}

/// What was read and may have amounts of zero.
#[derive(Deserialize)]
struct Unchecked {
    #[serde(with = "crate::pairs")]
    moved: BTreeMap<(ReplicaId, ReplicaId), u64>,
    #[serde(with = "crate::pairs")]
    spent: BTreeMap<ReplicaId, u64>,
}

impl TryFrom<Unchecked> for BoundedCounter {
    type Error = WireError;

    fn try_from(read: Unchecked) -> Result<Self, WireError> {
        let Unchecked { moved, spent } = read;
        if moved.values().chain(spent.values()).any(|amount| *amount == 0) {
            return Err(WireError::Number);
        }
        Ok(Self { moved, spent })
    }
}

/// Why a share was not moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The giver has less.
    #[error(transparent)]
    NotEnough(#[from] NotEnough),
    /// The sum of all that was moved would exceed 64 bits.
    #[error(transparent)]
    Overflow(#[from] Overflow),
}

impl BoundedCounter {
    /// Zero, and no shares.
    pub fn new() -> Self {
        Self::default()
    }

    /// Brings in an amount, as `owner`'s share: goods received.
    ///
    /// # Errors
    /// [`Overflow`] when the replica would have brought in more than 64 bits; nothing changed.
    pub fn grow(&mut self, owner: ReplicaId, amount: u64) -> Result<(), Overflow> {
        add(&mut self.moved, (owner, owner), amount)
    }

    /// Spends from `owner`'s share, which only `owner` itself may do.
    ///
    /// # Errors
    /// [`NotEnough`]; nothing changed.
    pub fn spend(&mut self, owner: ReplicaId, amount: u64) -> Result<(), NotEnough> {
        let short = NotEnough { share: self.share(owner), asked: amount };
        if amount > short.share {
            return Err(short);
        }
        add(&mut self.spent, owner, amount).map_err(|_| short)
    }

    /// Hands a part of `from`'s share over, which only `from` itself may do. `to` can spend it when it has merged this.
    ///
    /// # Errors
    /// [`TransferError`]; nothing changed. To oneself it does nothing.
    pub fn transfer(&mut self, from: ReplicaId, to: ReplicaId, amount: u64) -> Result<(), TransferError> {
        let share = self.share(from);
        if amount > share {
            return Err(NotEnough { share, asked: amount }.into());
        }
        if from != to {
            add(&mut self.moved, (from, to), amount)?;
        }
        Ok(())
    }

    /// What `owner` may spend, as far as is known here; 0 when what it spent is known and where it got that from is not.
    pub fn share(&self, owner: ReplicaId) -> u64 {
        let mut share = 0_i128;
        for (&(from, to), &amount) in &self.moved {
            if to == owner {
                share += i128::from(amount);
            } else if from == owner {
                share -= i128::from(amount);
            }
        }
        share -= i128::from(self.spent.get(&owner).copied().unwrap_or(0));
        u64::try_from(share.max(0)).unwrap_or(u64::MAX)
    }

    /// What is left of all shares together, as far as is known here.
    ///
    /// # Errors
    /// [`Overflow`] when it does not fit in 64 bits.
    pub fn value(&self) -> Result<u64, Overflow> {
        let grown: u128 =
            self.moved.iter().filter(|((from, to), _)| from == to).map(|(_, a)| u128::from(*a)).sum();
        let spent: u128 = self.spent.values().map(|amount| u128::from(*amount)).sum();
        u64::try_from(grown.saturating_sub(spent)).map_err(|_| Overflow)
    }

    /// Takes over the larger of each number. Returns whether anything was new.
    pub fn merge(&mut self, other: &Self) -> bool {
        let moved = raise(&mut self.moved, &other.moved);
        raise(&mut self.spent, &other.spent) || moved
    }
}

fn add<K: Ord>(map: &mut BTreeMap<K, u64>, key: K, amount: u64) -> Result<(), Overflow> {
    if amount == 0 {
        return Ok(());
    }
    let sum = map.get(&key).copied().unwrap_or(0).checked_add(amount).ok_or(Overflow)?;
    map.insert(key, sum);
    Ok(())
}

fn raise<K: Ord + Copy>(map: &mut BTreeMap<K, u64>, other: &BTreeMap<K, u64>) -> bool {
    let mut news = false;
    for (&key, &amount) in other {
        let held = map.entry(key).or_insert(0);
        news |= amount > *held;
        *held = amount.max(*held);
    }
    news
}

impl Wire for BoundedCounter {
    fn write(&self, out: &mut Writer) {
        write_map(&self.moved, out);
        write_map(&self.spent, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        Unchecked { moved: read_map(17, input)?, spent: read_map(9, input)? }.try_into()
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use edgepos_core::Jitter;

    use super::*;

    #[test]
    fn an_amount_of_nothing_has_no_second_form() {
        let a = ReplicaId::new(1, 7);
        let mut nothing = Writer::new();
        nothing.byte(1);
        nothing.number(1);
        (a, a).write(&mut nothing);
        nothing.number(0);
        nothing.number(0);
        assert!(BoundedCounter::from_bytes(&nothing.into_bytes(), &crate::Limits::default()).is_err());
        let json = std::format!("{{\"moved\":[],\"spent\":[[{},0]]}}", a.0);
        assert!(serde_json::from_str::<BoundedCounter>(&json).is_err());
    }

    #[test]
    fn the_largest_amounts_are_refused_and_change_nothing() {
        let [a, b] = [1, 2].map(|terminal| ReplicaId::new(terminal, 7));
        let mut counter = BoundedCounter::new();
        counter.grow(a, u64::MAX).unwrap();
        counter.grow(b, u64::MAX).unwrap();
        let before = counter.clone();
        assert_eq!(counter.grow(a, 1), Err(Overflow));
        assert_eq!(counter.value(), Err(Overflow));
        counter.transfer(a, b, u64::MAX).unwrap();
        counter.transfer(b, a, u64::MAX).unwrap();
        counter.transfer(a, b, 0).unwrap();
        assert_eq!(counter.transfer(a, b, 1), Err(TransferError::Overflow(Overflow)));
        assert_eq!((counter.share(a), counter.share(b)), (before.share(a), before.share(b)));
        counter.spend(a, u64::MAX).unwrap();
        assert_eq!(counter.spend(a, 1), Err(NotEnough { share: 0, asked: 1 }));
        assert_eq!(counter.value(), Ok(u64::MAX));
    }

    /// Three terminals spend and hand over at random and merge now and then, in any order and with old states.
    #[test]
    fn what_is_spent_anywhere_was_there() {
        for seed in 0..200 {
            let mut jitter = Jitter::derive(seed, &[1]);
            let ids = [1, 2, 3].map(|terminal| ReplicaId::new(terminal, 7));
            let mut views = [BoundedCounter::new(), BoundedCounter::new(), BoundedCounter::new()];
            let mut old: Vec<BoundedCounter> = Vec::new();
            let (mut grown, mut spent) = (0, 0);
            for _ in 0..120 {
                let at = jitter.range(0, 3) as usize;
                let amount = jitter.range(0, 6);
                match jitter.range(0, 5) {
                    0 => {
                        views[at].grow(ids[at], amount).unwrap();
                        grown += amount;
                    }
                    1 | 2 => spent += views[at].spend(ids[at], amount).map_or(0, |()| amount),
                    3 => drop(views[at].transfer(ids[at], ids[jitter.range(0, 3) as usize], amount)),
                    _ => {
                        old.push(views[jitter.range(0, 3) as usize].clone());
                        let any = jitter.range(0, old.len() as u64) as usize;
                        views[at].merge(&old[any].clone());
                    }
                }
                assert!(spent <= grown, "seed {seed}");
            }
            let mut all = views[0].clone();
            for view in &views {
                all.merge(view);
            }
            assert_eq!(all.value(), Ok(grown - spent), "seed {seed}");
            assert_eq!(ids.map(|id| all.share(id)).iter().sum::<u64>(), grown - spent, "seed {seed}");
        }
    }
}

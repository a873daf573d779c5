//! Rows of parked baskets that the disk need not show yet: a read may be answered before the write that it should have seen.

use std::collections::{BTreeMap, VecDeque};

use edgepos_core::{Space, Write};

use crate::ports::Rows;
use crate::retail::sale::body::BasketId;
use crate::terminal::unit_of_work::{Then, UnitOfWork};

/// Baskets that are remembered behind their write: a read that began before may be answered after it.
const BEHIND: usize = 16;

/// The rows that were written last, of baskets whose writes are not durable, and of a few more.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    baskets: BTreeMap<BasketId, Latest>,
    /// Whose writes are durable, the latest last.
    durable: VecDeque<BasketId>,
}

#[derive(Debug, Default)]
struct Latest {
    /// What stands under each key; `None` where it was deleted.
    rows: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// Transactions that are not durable.
    writes: usize,
}

impl Unwritten {
    /// Writes rows of a basket, or deletes them.
    pub(super) fn write(
        &mut self,
        basket: BasketId,
        rows: impl IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>)>,
        out: &mut UnitOfWork,
    ) {
        let latest = self.baskets.entry(basket).or_default();
        latest.writes += 1;
        for (key, row) in rows {
            out.write(match &row {
                Some(row) => Write::put(Space::Parked, key.clone(), row.clone()),
                None => Write::delete(Space::Parked, key.clone()),
            });
            latest.rows.insert(key, row);
        }
        out.then(Then::ParkedWritten(basket));
    }

    /// One of these writes is durable.
    pub(super) fn written(&mut self, basket: BasketId) {
        let Some(latest) = self.baskets.get_mut(&basket) else { return };
        latest.writes = latest.writes.saturating_sub(1);
        if latest.writes > 0 {
            return;
        }
        self.durable.retain(|other| *other != basket);
        self.durable.push_back(basket);
        while self.durable.len() > BEHIND {
            let oldest = self.durable.pop_front().filter(|oldest| self.is_durable(*oldest));
            oldest.map(|oldest| self.baskets.remove(&oldest));
        }
    }

    fn is_durable(&self, basket: BasketId) -> bool {
        self.baskets.get(&basket).is_none_or(|latest| latest.writes == 0)
    }

    /// The rows of a basket, as they stand: what was read, with what was written since.
    pub(super) fn over(&self, basket: BasketId, rows: &Rows) -> Rows {
        let Some(latest) = self.baskets.get(&basket) else { return rows.clone() };
        let mut all: BTreeMap<_, _> = rows.iter().cloned().collect();
        for (key, row) in &latest.rows {
            match row {
                Some(row) => all.insert(key.clone(), row.clone()),
                None => all.remove(key),
            };
        }
        all.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> BasketId {
        BasketId([number; 16])
    }

    #[test]
    fn what_was_written_since_stands_over_what_was_read() {
        let mut out = UnitOfWork::default();
        let mut unwritten = Unwritten::default();
        let read: Rows = vec![(b"a".to_vec(), b"1".to_vec()), (b"b".to_vec(), b"1".to_vec())];
        assert_eq!(unwritten.over(id(1), &read), read);
        unwritten.write(id(1), [(b"a".to_vec(), None), (b"c".to_vec(), Some(b"2".to_vec()))], &mut out);
        let stands: Rows = vec![(b"b".to_vec(), b"1".to_vec()), (b"c".to_vec(), b"2".to_vec())];
        assert_eq!(unwritten.over(id(1), &read), stands);
        assert_eq!(unwritten.over(id(2), &read), read, "of another basket");
        unwritten.written(id(1));
        assert_eq!(unwritten.over(id(1), &read), stands, "a read from before it was durable");
    }

    #[test]
    fn few_are_remembered_behind_their_write_and_all_before() {
        let mut out = UnitOfWork::default();
        let mut unwritten = Unwritten::default();
        for number in 0..100 {
            unwritten.write(id(number), [(vec![number], Some(vec![1]))], &mut out);
        }
        unwritten.write(id(0), [(vec![0], None)], &mut out);
        assert_eq!(unwritten.baskets.len(), 100);
        (0..100).for_each(|number| unwritten.written(id(number)));
        assert_eq!(unwritten.baskets.len(), BEHIND + 1, "one has another write under way");
        unwritten.written(id(0));
        assert_eq!(unwritten.baskets.len(), BEHIND);
        assert_eq!(unwritten.over(id(0), &vec![(vec![0], vec![1])]), Rows::new());
    }
}

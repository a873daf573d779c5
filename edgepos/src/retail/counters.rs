//! Counter rows: effects summed up by the chain that made them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use edgepos_core::{Chain, EventId, Lane, Seq, Space, Write};
use edgepos_crdt::{Item, PnRow, PnTable};
use edgepos_wire::{from_cbor, to_cbor};

use super::effect::{Counter, CounterRow, Effect};
use super::sale::body::BasketId;
use super::sums::{SoldBy, Sums, basket_of, is_own, lowest, sums};
use super::unreadable::Unreadable;
use crate::terminal::unit_of_work::UnitOfWork;

/// All counters of the store as far as this terminal has seen.
///
/// Stock is a [`PnTable`] by column: every terminal sells every product. What may be returned of a receipt line is touched by one
/// or two chains for ever, so a page of a column each would be nearly empty: such rows are kept one by one, and only of lines of
/// which something came back. Until then nothing is kept of a line: see [`sold`](super::sold).
#[derive(Debug, Default)]
pub(crate) struct Counters {
    items: BTreeMap<Vec<u8>, Item>,
    /// By item: the row's key, and the lowest floor that an effect named.
    rows: Vec<Row>,
    dense: PnTable,
    sparse: BTreeMap<(Item, Chain), PnRow>,
    /// Rows that have moved since they were written.
    dirty: BTreeSet<(Item, Chain)>,
    /// Whether what is applied comes behind later events of its chain.
    late: bool,
    /// Stock of GTINs as it was found on disk, until the first event is counted on top of it.
    found: BTreeMap<(Vec<u8>, Chain), Found>,
    /// Rows on disk whose place a row of the GTIN takes.
    renamed: Vec<(Item, Chain, Vec<Vec<u8>>)>,
    /// Rows of one GTIN that cannot be one.
    broken: Option<Unreadable>,
    /// Rows of sold lines that have moved, whose sale is still to be read; and what sales have said meanwhile.
    unsold: BTreeMap<Item, BTreeMap<EventId, (i64, Option<i64>)>>,
}

/// Stock of one GTIN, under its own key and under the codes that versions up to 0.1.0 wrote it with.
#[derive(Debug, Default)]
struct Found {
    row: PnRow,
    floor: Option<i64>,
    keys: Vec<Vec<u8>>,
}

/// What an event did.
#[derive(Debug, Default)]
pub(crate) struct Effected {
    /// The rows that moved.
    pub(crate) moved: Vec<Item>,
    /// What it sold of its own lines, which have no rows.
    pub(crate) sold: Sums,
    /// Baskets whose sale is to be read, since something of a line came back.
    pub(crate) wanted: BTreeSet<BasketId>,
}

/// The effects of one event, sorted out.
#[derive(Debug, Default)]
struct Plan {
    /// Rows to move, by how much, and the lowest floor.
    rows: Vec<(Item, i64, Option<i64>)>,
    sold: Sums,
    /// Rows whose sale is still to be read.
    waiting: Vec<(Item, i64, Option<i64>)>,
    fresh: Vec<Item>,
}

#[derive(Debug)]
struct Row {
    key: Vec<u8>,
    dense: bool,
    floor: Option<i64>,
}

/// One counter, for a report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CounterValue {
    /// What is counted, of whom, where.
    pub row: CounterRow,
    /// Its value as far as this terminal has seen.
    pub value: i64,
}

/// The row on disk: stamp, plus, minus, floor.
type Stored = (u64, u64, u64, Option<i64>);

impl Counters {
    /// Applies all effects of one event, or none and says why. What a sale, of basket `own`, says of its own lines makes no row.
    pub(crate) fn apply(
        &mut self,
        id: EventId,
        effects: &[Effect],
        own: Option<BasketId>,
    ) -> Result<Effected, Unreadable> {
        let plan = self.plan(sums(effects)?, own);
        for &(item, delta, _) in &plan.rows {
            self.check(id, item, delta)?;
        }
        Ok(self.carry_out(id, plan))
    }

    /// Whether what is applied from here on comes behind later events of its chain, since its bytes were lost.
    pub(crate) fn count_late(&mut self, late: bool) {
        self.late = late;
    }

    /// Applies what of an event's effects is not in the rows yet, all of it or nothing. An earlier version that had this disk in
    /// between wrote each row with its event: the stamp of a row says which events it counts.
    pub(crate) fn replay(
        &mut self,
        id: EventId,
        effects: &[Effect],
        own: Option<BasketId>,
    ) -> Result<(), Unreadable> {
        self.gather();
        let mut plan = self.plan(sums(effects)?, own);
        plan.rows.retain(|&(item, ..)| self.cell(item, id.chain).stamp < id.seq);
        for &(item, delta, _) in &plan.rows {
            self.check(id, item, delta)?;
        }
        self.carry_out(id, plan);
        Ok(())
    }

    /// Baskets of which something came back and whose sale is still to be read.
    pub(crate) fn unsold(&self) -> BTreeSet<BasketId> {
        self.unsold.keys().filter_map(|item| basket_of(&self.rows[item.0 as usize].key)).collect()
    }

    /// Whether the sale of a line is counted in its row. What the store's own chain adds takes the void of a sale back.
    pub(crate) fn is_sold(&self, item: Item) -> bool {
        self.cells(item).iter().any(|(chain, row)| row.plus > 0 && !chain.replica.is_store())
    }

    /// By how much the sales of a line say more than the one that says most: of a basket that several terminals booked each piece has left
    /// once. The void of one of them, in the store's own chain, takes that back.
    pub(crate) fn sold_again(&self, item: Item) -> i64 {
        let (mut again, mut most) = (0, 0);
        for (chain, row) in self.cells(item) {
            let sold = i128::from(row.plus);
            again += if chain.replica.is_store() { row.net().min(0) } else { sold };
            most = most.max(if chain.replica.is_store() { 0 } else { sold });
        }
        i64::try_from((again - most).max(0)).unwrap_or(i64::MAX)
    }

    /// Every row is restored: those of sold lines that no sale has moved wait for it.
    pub(crate) fn look_for_unsold(&mut self) {
        let line = CounterRow::returnable(BasketId::default(), 0).to_key();
        let unsold = self
            .items
            .range(line..)
            .take_while(|(key, _)| key.starts_with(&Counter::RETURNABLE.0.to_be_bytes()))
            .filter(|(key, item)| basket_of(key).is_some() && !self.is_sold(**item))
            .map(|(_, item)| *item);
        let unsold: Vec<Item> = unsold.collect();
        for item in unsold {
            self.unsold.entry(item).or_default();
        }
    }

    /// The sales of a basket were read: the rows of its lines that waited for them move.
    pub(crate) fn settle(&mut self, basket: BasketId, sales: &[SoldBy]) -> Vec<Item> {
        let first = CounterRow::returnable(basket, 0).to_key();
        let last = CounterRow::returnable(basket, u16::MAX).to_key();
        let items: Vec<Item> = self.items.range(first..=last).map(|(_, item)| *item).collect();
        let mut moved = Vec::new();
        for item in items {
            let Some(mut sold) = self.unsold.remove(&item) else { continue };
            let key = &self.rows[item.0 as usize].key;
            for SoldBy { event, lines } in sales {
                sold.extend(lines.get(key).map(|sum| (*event, *sum)));
            }
            for (event, (sum, floor)) in sold {
                let cell = self.sparse.entry((item, event.chain)).or_default();
                cell.stamp = cell.stamp.max(event.seq);
                // As far above any floor as can be said.
                cell.plus = cell.plus.saturating_add(sum.unsigned_abs());
                self.dirty.insert((item, event.chain));
                let meta = &mut self.rows[item.0 as usize];
                meta.floor = lowest(floor, meta.floor);
            }
            moved.push(item);
        }
        moved
    }

    /// Whether what was sold of the line is still to be read before the row's value is known: it waits for its sale, or there is no
    /// row.
    pub(crate) fn lacks_sale(&self, row: &CounterRow) -> bool {
        let key = row.to_key();
        basket_of(&key).is_some() && self.items.get(&key).is_none_or(|item| self.unsold.contains_key(item))
    }

    /// The sum of what was ever added to the row.
    pub(crate) fn added(&self, row: &CounterRow) -> u64 {
        self.items.get(&row.to_key()).map_or(0, |&item| self.history(item).1)
    }

    /// Writes every row that has moved since it was written.
    pub(crate) fn write(&mut self, out: &mut UnitOfWork) {
        for (item, chain) in std::mem::take(&mut self.dirty) {
            out.write(self.on_disk(item, chain));
        }
    }

    fn on_disk(&self, item: Item, chain: Chain) -> Write {
        let row = self.cell(item, chain);
        let Row { key, floor, .. } = &self.rows[item.0 as usize];
        let stored: Stored = (row.stamp.0, row.plus, row.minus, *floor);
        let key = [key.as_slice(), &chain.to_key()].concat();
        match row.stamp {
            Seq::ZERO => Write::delete(Space::Counter, key),
            _ => Write::put(Space::Counter, key, to_cbor(&stored)),
        }
    }

    fn plan(&mut self, sums: Sums, own: Option<BasketId>) -> Plan {
        let mut plan = Plan::default();
        for (key, (sum, floor)) in sums {
            let known = self.items.get(&key).copied();
            match known {
                None if is_own(own, &key, sum) => {
                    plan.sold.insert(key, (sum, floor));
                }
                Some(item) if is_own(own, &key, sum) && self.unsold.contains_key(&item) => {
                    plan.sold.insert(key, (sum, floor));
                    plan.waiting.push((item, sum, floor));
                }
                _ => {
                    let line = basket_of(&key).is_some();
                    let item = self.intern(key);
                    plan.rows.push((item, sum, floor));
                    if known.is_none() && line {
                        plan.fresh.push(item);
                    }
                }
            }
        }
        plan
    }

    fn carry_out(&mut self, id: EventId, plan: Plan) -> Effected {
        let Plan { rows, sold, waiting, fresh } = plan;
        for (item, sum, floor) in waiting {
            self.unsold.entry(item).or_default().insert(id, (sum, floor));
        }
        let mut effected = Effected { sold, ..Effected::default() };
        for item in fresh {
            self.unsold.entry(item).or_default();
            effected.wanted.extend(basket_of(&self.rows[item.0 as usize].key));
        }
        for (item, delta, floor) in rows {
            self.add(id, item, delta);
            self.dirty.insert((item, id.chain));
            let meta = &mut self.rows[item.0 as usize];
            meta.floor = lowest(floor, meta.floor);
            effected.moved.push(item);
        }
        effected
    }

    /// Takes back what an event did that counts no longer; its chain is held up to `floor` then. What had made no row takes none back.
    pub(crate) fn take_back(
        &mut self,
        id: EventId,
        effects: &[Effect],
        own: Option<BasketId>,
        floor: Seq,
    ) -> Result<Vec<Item>, Unreadable> {
        let mut moved = Vec::new();
        for (key, (sum, _)) in sums(effects)? {
            let Some(&item) = self.items.get(&key) else { continue };
            // What it sold of its own lines is not counted before the row's sale is read.
            if let Some(waiting) = self.unsold.get_mut(&item).filter(|_| is_own(own, &key, sum)) {
                waiting.remove(&id);
                continue;
            }
            if self.rows[item.0 as usize].dense {
                self.dense.take_back(id, item, sum, floor);
            } else {
                self.take_from_sparse(id, item, sum, floor);
            }
            self.dirty.insert((item, id.chain));
            moved.push(item);
        }
        Ok(moved)
    }

    /// Chains end earlier than before, where `end` says: no row says any more that it counts events beyond. What they did is still in the
    /// rows, and is taken back event by event.
    pub(crate) fn fall_to(&mut self, end: impl Fn(Chain) -> Seq) {
        let fallen: Vec<(Chain, Seq)> = self
            .dense
            .vector()
            .iter()
            .filter(|(chain, seq)| end(*chain) < *seq)
            .map(|(chain, _)| (chain, end(chain)))
            .collect();
        for (chain, end) in fallen {
            let rows = self.dense.fall_to(chain, end);
            self.dirty.extend(rows.into_iter().map(|item| (item, chain)));
        }
        for (&(item, chain), row) in &mut self.sparse {
            let end = end(chain).max(Seq(1));
            if row.stamp > end {
                row.stamp = end;
                self.dirty.insert((item, chain));
            }
        }
    }

    fn take_from_sparse(&mut self, id: EventId, item: Item, delta: i64, floor: Seq) {
        let Some(row) = self.sparse.get_mut(&(item, id.chain)) else { return };
        let amount = delta.unsigned_abs();
        let (plus, minus) = if delta < 0 { (0, amount) } else { (amount, 0) };
        (row.plus, row.minus) = (row.plus.saturating_sub(plus), row.minus.saturating_sub(minus));
        row.stamp = row.stamp.min(floor.max(Seq(1)));
        if floor == Seq::ZERO && (row.plus, row.minus) == (0, 0) {
            self.sparse.remove(&(item, id.chain));
        }
    }

    /// A row as it is on disk.
    pub(crate) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let (row_key, chain) =
            key.split_last_chunk::<9>().ok_or(Unreadable::NoName { what: "a counter and its chain" })?;
        let chain = Chain::from_key(chain).ok_or(Unreadable::NoName { what: "a chain" })?;
        let counted =
            CounterRow::from_key(row_key).ok_or(Unreadable::NoName { what: "a counter" })?.by_gtin();
        let (stamp, plus, minus, floor): Stored = from_cbor("counter row", value)?;
        let row = PnRow { stamp: Seq(stamp), plus, minus };
        if counted.is_of_gtin() {
            let found = self.found.entry((counted.to_key(), chain)).or_default();
            found.row = both(found.row, row).ok_or(Unreadable::CounterOverflow)?;
            found.floor = lowest(floor, found.floor);
            found.keys.push(key.to_vec());
            return Ok(());
        }
        let item = self.intern(row_key.to_vec());
        let meta = &mut self.rows[item.0 as usize];
        meta.floor = lowest(floor, meta.floor);
        if meta.dense {
            self.dense.restore(chain, item, row)?;
        } else {
            self.sparse.insert((item, chain), row);
        }
        Ok(())
    }

    /// Every row is restored and every event counted: the stock of each GTIN is in one row, on disk as well.
    pub(crate) fn start(&mut self, out: &mut UnitOfWork) -> Result<(), Unreadable> {
        self.gather();
        if let Some(reason) = self.broken.take() {
            return Err(reason);
        }
        for (item, chain, old) in std::mem::take(&mut self.renamed) {
            out.write(self.on_disk(item, chain));
            old.into_iter().for_each(|key| out.write(Write::delete(Space::Counter, key)));
        }
        Ok(())
    }

    /// Puts the stock of each GTIN into one row.
    fn gather(&mut self) {
        for ((key, chain), Found { row, floor, keys }) in std::mem::take(&mut self.found) {
            let own = [key.as_slice(), &chain.to_key()].concat();
            let item = self.intern(key);
            let meta = &mut self.rows[item.0 as usize];
            meta.floor = lowest(floor, meta.floor);
            if let Err(reason) = self.dense.restore(chain, item, row) {
                self.broken.get_or_insert(reason.into());
            }
            let old: Vec<_> = keys.into_iter().filter(|key| *key != own).collect();
            if !old.is_empty() {
                self.renamed.push((item, chain, old));
            }
        }
    }

    /// The counter's value; `None` when nothing ever moved it.
    pub(crate) fn get(&self, row: &CounterRow) -> Option<i64> {
        self.items.get(&row.to_key()).and_then(|&item| self.value(item))
    }

    /// The item's value, and the lowest floor that an effect named.
    pub(crate) fn value_and_floor(&self, item: Item) -> Option<(i64, Option<i64>)> {
        let Row { floor, .. } = self.rows.get(item.0 as usize)?;
        if let Some(value) = self.value(item) {
            return Some((value, *floor));
        }
        // A sum over chains that leaves 64 bits is as far below or above any floor as can be said.
        Some((if self.sum(item) < 0 { i64::MIN } else { i64::MAX }, *floor))
    }

    /// Whether goods were ever moved but by a sale: they travel in a lane of their own.
    pub(crate) fn has_movements(&self, item: Item) -> bool {
        self.cells(item).iter().any(|(chain, _)| chain.lane == Lane::Stock)
    }

    /// What the item counts.
    pub(crate) fn row(&self, item: Item) -> Option<CounterRow> {
        CounterRow::from_key(&self.rows.get(item.0 as usize)?.key)
    }

    /// The latest event of each chain that moved the row, and the sum of what was ever added.
    pub(crate) fn history(&self, item: Item) -> (Vec<EventId>, u64) {
        let cells = self.cells(item);
        let added = cells.iter().fold(0u64, |sum, (_, row)| sum.saturating_add(row.plus));
        (cells.into_iter().map(|(chain, row)| EventId::new(chain, row.stamp)).collect(), added)
    }

    /// At most `limit` counters of a kind, or of all, behind the row `after`, by rising key.
    pub(crate) fn page(
        &self,
        kind: Option<Counter>,
        after: Option<&CounterRow>,
        limit: usize,
    ) -> Vec<CounterValue> {
        let first = kind.map_or_else(Vec::new, |kind| kind.0.to_be_bytes().to_vec());
        let start = after.map(CounterRow::to_key).filter(|after| *after >= first);
        let start = start.as_ref().map_or(Bound::Included(&first), Bound::Excluded);
        let rows = self.items.range::<Vec<u8>, _>((start, Bound::Unbounded));
        let rows = rows.take_while(|(key, _)| key.starts_with(&first));
        let values = rows.filter_map(|(key, &item)| CounterRow::from_key(key).zip(self.value(item)));
        values.map(|(row, value)| CounterValue { row, value }).take(limit).collect()
    }

    /// Every item.
    pub(crate) fn items(&self) -> impl Iterator<Item = Item> + '_ {
        self.items.values().copied()
    }

    /// The stock of a product, at every place and in every state. Costs a look-up for each of these and not for each product.
    pub(crate) fn stock(&self, product: &str) -> Vec<Item> {
        let mut found = Vec::new();
        let mut from = vec![0; 7];
        from[..2].copy_from_slice(&Counter::STOCK.0.to_be_bytes());
        while let Some((key, _)) = self.items.range(from..).next() {
            let is_stock = |place: &&[u8; 7]| place[..2] == Counter::STOCK.0.to_be_bytes();
            let Some(place) = key.first_chunk::<7>().filter(is_stock) else { break };
            found.extend(self.items.get(&[place, product.as_bytes()].concat()).copied());
            // Behind every product of this place and state.
            from = [place.as_slice(), &[u8::MAX; Effect::MAX_KEY + 1]].concat();
        }
        found
    }

    /// The item of a row, where anything moved it.
    pub(crate) fn item(&self, row: &CounterRow) -> Option<Item> {
        self.items.get(&row.to_key()).copied()
    }

    fn intern(&mut self, key: Vec<u8>) -> Item {
        if let Some(&item) = self.items.get(&key) {
            return item;
        }
        let item = Item(self.rows.len() as u64);
        let dense =
            key.first_chunk::<2>().map(|code| Counter(u16::from_be_bytes(*code))) == Some(Counter::STOCK);
        self.rows.push(Row { key: key.clone(), dense, floor: None });
        self.items.insert(key, item);
        item
    }

    fn value(&self, item: Item) -> Option<i64> {
        if self.rows.get(item.0 as usize)?.dense {
            return self.dense.value(item).ok();
        }
        i64::try_from(self.sum(item)).ok()
    }

    fn sum(&self, item: Item) -> i128 {
        self.cells(item).iter().map(|(_, row)| row.net()).sum()
    }

    fn cells(&self, item: Item) -> Vec<(Chain, PnRow)> {
        if self.rows[item.0 as usize].dense {
            return self.dense.rows(item).collect();
        }
        let first = Chain::from_key(&[0; 9]).expect("the lowest chain");
        self.sparse
            .range((item, first)..)
            .take_while(|((other, _), _)| *other == item)
            .map(|((_, chain), row)| (*chain, *row))
            .collect()
    }

    fn cell(&self, item: Item, chain: Chain) -> PnRow {
        if self.rows[item.0 as usize].dense {
            return self
                .dense
                .rows(item)
                .find(|(other, _)| *other == chain)
                .map(|(_, row)| row)
                .unwrap_or_default();
        }
        self.sparse.get(&(item, chain)).copied().unwrap_or_default()
    }

    fn check(&self, id: EventId, item: Item, delta: i64) -> Result<(), Unreadable> {
        let row = self.in_turn(self.cell(item, id.chain));
        row.after(id, delta).map(|_| ()).map_err(|_| Unreadable::CounterOverflow)
    }

    /// The row as it is to the next event: one that comes late finds none of the later ones.
    fn in_turn(&self, row: PnRow) -> PnRow {
        if self.late { PnRow { stamp: Seq::ZERO, ..row } } else { row }
    }

    fn add(&mut self, id: EventId, item: Item, delta: i64) {
        const CHECKED: &str = "checked above: in order and inside 64 bits";
        let dense = self.rows[item.0 as usize].dense;
        if dense && self.late {
            self.dense.add_late(id, item, delta).expect(CHECKED);
        } else if dense {
            self.dense.apply(id, item, delta).expect(CHECKED);
        } else {
            let cell = self.cell(item, id.chain);
            let mut row = self.in_turn(cell).after(id, delta).expect(CHECKED);
            row.stamp = row.stamp.max(cell.stamp);
            self.sparse.insert((item, id.chain), row);
        }
    }
}

/// Two rows of one chain as one. What moved either is at most the later stamp.
fn both(a: PnRow, b: PnRow) -> Option<PnRow> {
    let (plus, minus) = (a.plus.checked_add(b.plus)?, a.minus.checked_add(b.minus)?);
    Some(PnRow { stamp: a.stamp.max(b.stamp), plus, minus })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use edgepos_core::{ReplicaId, StoreGeneration};

    use super::*;

    /// A sale is voided, and the void undone, before the sale is read: after a restart the row waits for it all the same.
    #[test]
    fn what_the_store_adds_to_a_line_is_not_its_sale() {
        let (basket, till) = (BasketId([5; 16]), Chain::new(ReplicaId::new(1, 1), Lane::Transactions));
        let store = Chain::new(ReplicaId::store(StoreGeneration(0)), Lane::Transactions);
        let row = CounterRow::returnable(basket, 1);
        let moves = |delta| vec![Effect::new(row.clone(), delta, None)];
        let mut before = Counters::default();
        before.apply(EventId::new(till, Seq(1)), &moves(2), Some(basket)).unwrap();
        for (seq, delta) in [(1, -2), (2, 2)] {
            before.apply(EventId::new(store, Seq(seq)), &moves(delta), None).unwrap();
        }
        let rows: Vec<_> = before.dirty.iter().map(|(item, chain)| before.on_disk(*item, *chain)).collect();
        let mut after = Counters::default();
        for row in rows {
            let Write::Put { key, value, .. } = row else { panic!("{row:?}") };
            after.restore(&key, &value).unwrap();
        }
        after.look_for_unsold();
        assert_eq!((after.get(&row), after.unsold()), (Some(0), BTreeSet::from([basket])));
        let lines = sums(&moves(2)).unwrap();
        after.settle(basket, &[SoldBy { event: EventId::new(till, Seq(1)), lines }]);
        assert_eq!(after.get(&row), Some(2));
        after.look_for_unsold();
        assert!(after.unsold().is_empty(), "it is counted once");
    }

    /// A chain is cut twice: rows that nothing is taken from the second time count what comes in the place of the first.
    #[test]
    fn what_comes_in_place_of_a_branch_that_left_is_new_to_every_row() {
        let chain = Chain::new(ReplicaId::new(1, 1), Lane::Transactions);
        let at = |seq| EventId::new(chain, Seq(seq));
        // One row in the table of the products, one beside it.
        for rows in [["milk", "tea"].map(|name| CounterRow::stock(name, 0)), [1, 2].map(line_row)] {
            let [first, second] = rows.map(|row| move |delta| vec![Effect::new(row.clone(), delta, None)]);
            let mut counters = Counters::default();
            counters.apply(at(5), &first(1), None).unwrap();
            counters.apply(at(8), &second(10), None).unwrap();
            for (end, leaving, effects) in [(7, 8, second(10)), (4, 5, first(1))] {
                counters.fall_to(|_| Seq(end));
                counters.take_back(at(leaving), &effects, None, Seq(end)).unwrap();
            }
            counters.apply(at(6), &second(100), None).unwrap();
            let value =
                |effects: &[Effect]| counters.get(&CounterRow::from_key(&effects[0].row().to_key()).unwrap());
            assert_eq!((value(&first(1)), value(&second(1))), (Some(0), Some(100)));
            assert!(counters.apply(at(6), &second(100), None).is_err(), "once");
        }
    }

    fn line_row(no: u16) -> CounterRow {
        CounterRow::returnable(BasketId([5; 16]), no)
    }
}

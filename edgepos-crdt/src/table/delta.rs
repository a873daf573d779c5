//! What changed in a table since a vector.

use alloc::vec::Vec;

use edgepos_core::{Chain, FoldEpoch};
use serde::{Deserialize, Serialize};

use super::Item;
use super::cell::Cell;
use super::grid::{Columns, Grid, Rows};
use crate::delta::Session;
use crate::wire::{Reader, Wire, Writer};
use crate::{Corruption, Limits, MergeError, VersionVector, WireError};

/// The cells of a table that changed after `from`, up to `to`: a [`PnTable`](crate::PnTable)'s with `N` = 2, a [`GTable`](crate::GTable)'s with `N` = 1.
///
/// A cell is cumulative, so its size depends on how many rows changed and not on how many sales changed them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TableDelta<const N: usize> {
    pub(crate) from: VersionVector,
    pub(crate) to: VersionVector,
    pub(crate) epoch: FoldEpoch,
    pub(crate) columns: Columns<N>,
}

/// What changed in a [`PnTable`](crate::PnTable).
pub type PnDelta = TableDelta<2>;
/// What changed in a [`GTable`](crate::GTable).
pub type GDelta = TableDelta<1>;

impl<const N: usize> TableDelta<N> {
    /// What the receiver must hold already.
    pub fn from(&self) -> &VersionVector {
        &self.from
    }

    /// What the receiver holds afterwards.
    pub fn to(&self) -> &VersionVector {
        &self.to
    }

    /// How many cells it carries.
    pub fn len(&self) -> usize {
        self.columns.iter().map(|(_, rows)| rows.len()).sum()
    }

    /// Whether it carries no cell. It may still raise the vector.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The short form within a session, whose two ends know the chains and the vector that was acknowledged last.
    ///
    /// One sale takes 13 to 20 bytes. `None` when `from` is not the acknowledged vector or a chain is not in the session.
    pub fn encode_session(&self, session: &Session) -> Option<Vec<u8>> {
        let mut out = Writer::new();
        session.write_interval(&self.from, &self.to, &mut out)?;
        self.epoch.write(&mut out);
        for (chain, rows) in &self.columns {
            out.byte(session.slot(*chain)?);
            write_rows(rows, self.from.get(*chain).0, &mut out);
        }
        Some(out.into_bytes())
    }

    /// Reads what [`encode_session`](Self::encode_session) wrote at the other end.
    ///
    /// # Errors
    /// [`WireError::OtherBase`] when the ends disagree about what was acknowledged; any other for broken bytes.
    pub fn decode_session(bytes: &[u8], session: &Session, limits: &Limits) -> Result<Self, WireError> {
        let mut input = Reader::new(bytes, *limits);
        let (from, to) = session.read_interval(&mut input)?;
        let epoch = FoldEpoch::read(&mut input)?;
        let mut columns: Columns<N> = Vec::new();
        while !input.is_empty() {
            let chain = session.chain(input.byte()?)?;
            if columns.last().is_some_and(|(last, _)| chain <= *last) {
                return Err(Corruption::Order.into());
            }
            let rows = read_rows(from.get(chain).0, &mut input)?;
            columns.push((chain, rows));
        }
        let delta = Self { from, to, epoch, columns };
        delta.check()?;
        Ok(delta)
    }

    /// Whether every entry lies inside the interval, in order.
    pub(crate) fn check(&self) -> Result<(), Corruption> {
        if let Some((chain, _)) = self.to.first_gap(&self.from) {
            return Err(Corruption::OutsideInterval { chain });
        }
        check_columns(&self.columns, &self.from, &self.to)
    }
}

pub(crate) fn check_columns<const N: usize>(
    columns: &Columns<N>,
    from: &VersionVector,
    to: &VersionVector,
) -> Result<(), Corruption> {
    if !columns.windows(2).all(|pair| pair[0].0 < pair[1].0) {
        return Err(Corruption::Order);
    }
    for (chain, rows) in columns {
        if rows.is_empty() || !rows.windows(2).all(|pair| pair[0].0 < pair[1].0) {
            return Err(Corruption::Order);
        }
        let (after, last) = (from.get(*chain).0, to.get(*chain).0);
        if rows.iter().any(|(_, cell)| cell.stamp <= after || cell.stamp > last) {
            return Err(Corruption::OutsideInterval { chain: *chain });
        }
    }
    Ok(())
}

impl<const N: usize> Wire for TableDelta<N> {
    fn write(&self, out: &mut Writer) {
        self.from.write(out);
        self.to.write(out);
        self.epoch.write(out);
        write_columns(&self.columns, &self.from, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let from = VersionVector::read(input)?;
        let to = VersionVector::read(input)?;
        let epoch = FoldEpoch::read(input)?;
        let columns = read_columns(&from, input)?;
        let delta = Self { from, to, epoch, columns };
        delta.check()?;
        Ok(delta)
    }
}

pub(crate) fn write_columns<const N: usize>(columns: &Columns<N>, from: &VersionVector, out: &mut Writer) {
    out.number(columns.len() as u64);
    for (chain, rows) in columns {
        chain.write(out);
        write_rows(rows, from.get(*chain).0, out);
    }
}

pub(crate) fn read_columns<const N: usize>(
    from: &VersionVector,
    input: &mut Reader<'_>,
) -> Result<Columns<N>, WireError> {
    let count = input.length(9 + 1)?;
    let mut columns = Vec::new();
    for _ in 0..count {
        let chain = Chain::read(input)?;
        columns.push((chain, read_rows(from.get(chain).0, input)?));
    }
    Ok(columns)
}

/// Rows by rising item: the step from the item before, the stamp above `after`, the totals.
pub(crate) fn write_rows<const N: usize>(rows: &Rows<N>, after: u64, out: &mut Writer) {
    out.number(rows.len() as u64);
    let mut next = 0;
    for (item, cell) in rows {
        out.number(item.0.wrapping_sub(next));
        next = item.0.wrapping_add(1);
        out.number(cell.stamp.wrapping_sub(after));
        cell.totals.iter().for_each(|total| out.number(*total));
    }
}

pub(crate) fn read_rows<const N: usize>(after: u64, input: &mut Reader<'_>) -> Result<Rows<N>, WireError> {
    let count = input.length(2 + N)?;
    let mut rows: Rows<N> = Vec::new();
    for _ in 0..count {
        let step = input.number()?;
        let item = match rows.last() {
            None => step,
            Some((last, _)) => {
                last.0.checked_add(step).and_then(|item| item.checked_add(1)).ok_or(WireError::Number)?
            }
        };
        let stamp = input.number()?.checked_add(after).ok_or(WireError::Number)?;
        let mut cell = Cell { stamp, totals: [0; N] };
        for total in &mut cell.totals {
            *total = input.number()?;
        }
        rows.push((Item(item), cell));
    }
    Ok(rows)
}

impl<const N: usize> Grid<N> {
    /// The cells that are not covered by `after`, by rising chain and item.
    pub(crate) fn columns_since(&self, after: &VersionVector) -> Columns<N> {
        let changed = self.columns().filter_map(|(chain, column)| {
            let after = after.get(chain);
            (self.vector().get(chain) > after).then(|| (chain, self.rows_since(column, after.0)))
        });
        changed.filter(|(_, rows)| !rows.is_empty()).collect()
    }

    pub(crate) fn delta_since(&self, acknowledged: &VersionVector) -> TableDelta<N> {
        // What the peer holds beyond us is nothing that we could build on.
        let from = acknowledged.meet(self.vector());
        let columns = self.columns_since(&from);
        TableDelta { from, to: self.vector().clone(), epoch: self.epoch(), columns }
    }

    /// Whether every cell can follow what is held and fits beside the base rows, so that [`join_columns`](Self::join_columns) and
    /// [`put_base`](Self::put_base) succeed.
    pub(crate) fn check_columns(
        &self,
        columns: &Columns<N>,
        base: Option<&Rows<N>>,
    ) -> Result<(), MergeError> {
        for (chain, rows) in columns {
            for (item, cell) in rows {
                if self.cell(*chain, *item).is_some_and(|held| !held.agrees_with(cell)) {
                    return Err(MergeError::Corrupt(Corruption::DotReused { chain: *chain }));
                }
            }
        }
        let rows = columns.iter().map(|(_, rows)| rows).chain(base);
        self.room_for(rows.flatten().map(|(item, _)| *item))
    }

    pub(crate) fn merge(&mut self, delta: &TableDelta<N>) -> Result<bool, MergeError> {
        delta.check().map_err(MergeError::Corrupt)?;
        self.check_epoch(delta.epoch)?;
        if let Some((chain, needed)) = self.vector().first_gap(&delta.from) {
            return Err(MergeError::Gap { chain, held: self.vector().get(chain), needed });
        }
        self.vector().check_room(&delta.to)?;
        self.check_columns(&delta.columns, None)?;
        let news = !self.vector().dominates(&delta.to);
        self.join_columns(&delta.columns);
        self.advance(&delta.to);
        Ok(news)
    }
}

/// A stamp and totals, as a list.
impl<const N: usize> From<Cell<N>> for Vec<u64> {
    fn from(cell: Cell<N>) -> Self {
        let mut list = Self::with_capacity(1 + N);
        list.push(cell.stamp);
        list.extend(cell.totals);
        list
    }
}

impl<const N: usize> TryFrom<Vec<u64>> for Cell<N> {
    type Error = Corruption;

    fn try_from(list: Vec<u64>) -> Result<Self, Corruption> {
        let (&stamp, totals) = list.split_first().ok_or(Corruption::Order)?;
        Ok(Self { stamp, totals: totals.try_into().map_err(|_| Corruption::Order)? })
    }
}

/// The whole table: epoch, vector, the folded rows, then every column.
impl<const N: usize> Wire for Grid<N> {
    fn write(&self, out: &mut Writer) {
        let (columns, base) = self.canonical();
        self.epoch().write(out);
        self.vector().write(out);
        write_rows(&base, 0, out);
        write_columns(&columns, &VersionVector::new(), out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let epoch = FoldEpoch::read(input)?;
        let vector = VersionVector::read(input)?;
        let base = read_rows(0, input)?;
        let columns: Columns<N> = read_columns(&VersionVector::new(), input)?;
        check_columns(&columns, &VersionVector::new(), &vector)?;
        let full = WireError::TooMany { what: "items", limit: Self::MAX_ITEMS };
        let mut grid = Self::default();
        grid.advance(&vector);
        grid.restore_base(epoch, base).map_err(|_| WireError::Number)?;
        for (chain, rows) in columns {
            for (item, cell) in rows {
                grid.restore(chain, item, cell).map_err(|_| full.clone())?;
            }
        }
        Ok(grid)
    }
}

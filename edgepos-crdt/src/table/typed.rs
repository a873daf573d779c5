//! A table whose rows have names: the same body for each kind of row.

/// Defines a table over a `Grid` with `numbers` totals in each row.
///
/// By a macro, as `counter!` does: a generic table would show the number of totals in every signature of the two that there are, and
/// would be compiled anew in each crate that uses one.
macro_rules! table {
    (
        $(#[$doc:meta])*
        $name:ident($numbers:literal, $row:ident, $delta:ident, $amount:ty, $value:ty, $portable:literal),
        $added:expr,
        $sum:expr
    ) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
        #[serde(into = $portable, try_from = $portable)]
        pub struct $name {
            grid: Grid<$numbers>,
        }

        impl $name {
            /// The most distinct items: 2²⁴.
            pub const MAX_ITEMS: usize = Grid::<$numbers>::MAX_ITEMS;

            /// A table without any items.
            pub fn new() -> Self {
                Self::default()
            }

            /// Adds `amount` to an item for the event `dot`, and returns the row to write through.
            ///
            /// One event touches one item once: sum the lines of a receipt first. Zero is legal.
            ///
            /// # Errors
            /// [`ApplyError::AlreadyApplied`] for a position below what the chain is held at, or the second one on one item;
            /// [`ApplyError::Overflow`] when the chain's total would exceed 64 bits; [`ApplyError::Full`]; [`ApplyError::NoPosition`].
            /// The table is unchanged.
            pub fn apply(&mut self, dot: EventId, item: Item, amount: $amount) -> Result<$row, ApplyError> {
                self.grid.apply(dot, item, $added(amount)).map($row::from)
            }

            /// Puts back a row that was read from the store. Then tell [`advance`](Self::advance) how far the chains are held.
            ///
            /// # Errors
            /// [`ApplyError::AlreadyApplied`] when the row is there already; [`ApplyError::NoPosition`]; [`ApplyError::Full`].
            pub fn restore(&mut self, chain: Chain, item: Item, row: $row) -> Result<(), ApplyError> {
                self.grid.restore(chain, item, row.into())
            }

            /// Puts back the folded rows that were read from the store, all of them, with the epoch that they are of.
            ///
            /// # Errors
            /// [`ApplyError::NoPosition`] for a row without a stamp or of a later epoch; [`ApplyError::FoldedTwice`]; [`ApplyError::Full`].
            /// Begin anew with an empty table then.
            pub fn restore_base(
                &mut self,
                epoch: FoldEpoch,
                rows: impl IntoIterator<Item = (Item, $row)>,
            ) -> Result<(), ApplyError> {
                self.grid.restore_base(epoch, rows.into_iter().map(|(item, row)| (item, row.into())))
            }

            /// Raises the vector: the events up to there touch nothing in this table that it does not hold.
            pub fn advance(&mut self, vector: &VersionVector) {
                self.grid.advance(vector);
            }

            /// What the table covers.
            pub fn vector(&self) -> &VersionVector {
                self.grid.vector()
            }

            /// How many foldings the base has seen.
            pub fn epoch(&self) -> FoldEpoch {
                self.grid.epoch()
            }

            /// The value of an item; 0 when nothing touched it.
            ///
            /// # Errors
            /// [`Overflow`] when it does not fit in 64 bits. Each chain's share still does.
            pub fn value(&self, item: Item) -> Result<$value, Overflow> {
                $sum(self.grid.totals(item)).ok_or(Overflow)
            }

            /// Each chain's share of an item that is not folded, by rising chain.
            pub fn rows(&self, item: Item) -> impl Iterator<Item = (Chain, $row)> + '_ {
                self.grid.cells(item).map(|(chain, cell)| (chain, cell.into()))
            }

            /// One chain's share of an item.
            pub fn row(&self, chain: Chain, item: Item) -> Option<$row> {
                self.grid.cell(chain, item).map($row::from)
            }

            /// What is folded of an item.
            pub fn base(&self, item: Item) -> $row {
                self.grid.base(item).into()
            }

            /// The folded rows that foldings after `epoch` changed, by rising item: what to write through after one.
            pub fn base_since(&self, epoch: FoldEpoch) -> impl Iterator<Item = (Item, $row)> {
                self.grid.base_since(epoch).into_iter().map(|(item, cell)| (item, cell.into()))
            }

            /// Each item that was ever touched or restored, in the order of its first use.
            pub fn items(&self) -> impl Iterator<Item = Item> + '_ {
                self.grid.items()
            }

            /// What changed beyond `acknowledged`, the vector that the peer reported as durable.
            pub fn delta_since(&self, acknowledged: &VersionVector) -> $delta {
                self.grid.delta_since(acknowledged)
            }

            /// Merges what changed elsewhere; the same as joining the sender's whole table. Returns whether anything was new.
            ///
            /// # Errors
            /// [`MergeError::Gap`] when the delta starts beyond what is held; otherwise as [`join`](Self::join). The table is unchanged.
            pub fn merge(&mut self, delta: &$delta) -> Result<bool, MergeError> {
                self.grid.merge(delta)
            }

            /// Joins a whole table: of each chain the longer prefix stays. Returns whether anything was new.
            ///
            /// Only columns on which `other` is ahead are read; fastest when both tables met their items in the same order.
            ///
            /// # Errors
            /// [`MergeError::EpochAhead`] and [`MergeError::EpochBehind`] when one has folded what the other has not;
            /// [`MergeError::Corrupt`] when a chain used a position twice; [`MergeError::TooMany`] items. The values are unchanged.
            pub fn join(&mut self, other: &Self) -> Result<bool, MergeError> {
                self.grid.join(&other.grid)
            }

            /// The rows without their names, for a replica that joins tables under a vector of its own.
            pub(crate) fn grid(&self) -> &Grid<$numbers> {
                &self.grid
            }

            /// Takes over each cell that is later than the one held. The vector is raised by the caller.
            pub(crate) fn join_columns(&mut self, columns: &$crate::table::Columns<$numbers>) {
                self.grid.join_columns(columns);
            }

            /// Stores base rows of an epoch, for which there is room.
            pub(crate) fn put_base(&mut self, rows: &$crate::table::Rows<$numbers>, epoch: FoldEpoch) {
                self.grid.put_base(rows, epoch);
            }

            /// Forgets what a chain added, which the base has.
            pub(crate) fn drop_column(&mut self, chain: Chain) {
                self.grid.drop_column(chain);
            }

            /// The chain ends there, and nothing beyond is covered.
            pub(crate) fn end_chain(&mut self, chain: Chain, end: Seq) {
                self.grid.end_chain(chain, end);
            }
        }

        impl Wire for $name {
            fn write(&self, out: &mut Writer) {
                self.grid.write(out);
            }

            fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
                Grid::read(input).map(|grid| Self { grid })
            }
        }

        impl From<$name> for Portable<$row> {
            fn from(table: $name) -> Self {
                Self::of(&table.grid)
            }
        }

        impl TryFrom<Portable<$row>> for $name {
            type Error = ApplyError;

            fn try_from(portable: Portable<$row>) -> Result<Self, ApplyError> {
                portable.into_grid().map(|grid| Self { grid })
            }
        }
    };
}

pub(super) use table;

//! What turns up of a chain after it was written off.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use edgepos_core::{Chain, Seq};
use serde::{Deserialize, Serialize};

use super::mutant::Mutant;
use super::state::Replica;
use crate::register::{Entry, MIN_ENTRY, check_entries};
use crate::set::SetPart;
use crate::table::{Rows, check_columns, read_rows, write_rows};
use crate::wire::{Reader, Wire, Writer, read_map, write_map};
use crate::{Corruption, DecodeError, MergeError, VersionVector};

/// The events of a written-off chain beyond its final number, as one terminal still holds them.
///
/// Send it to the leader, which [`absorb`](Replica::absorb)s it and proposes a folding with the later end. It is kept here until
/// such a folding was applied.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(bound(
    serialize = "E: Serialize, K: Serialize, V: Serialize",
    deserialize = "E: Deserialize<'de>, K: Deserialize<'de> + Ord, V: Deserialize<'de>"
))]
pub struct Amendment<E, K, V> {
    chain: Chain,
    /// The final number beyond which it begins.
    after: Seq,
    last: Seq,
    pub(super) stock: Rows<2>,
    pub(super) points: Rows<1>,
    part: SetPart<E>,
    #[serde(with = "crate::pairs")]
    registers: BTreeMap<K, Entry<V>>,
}

impl<E, K, V> Amendment<E, K, V> {
    /// The chain whose missing events it brings.
    pub const fn chain(&self) -> Chain {
        self.chain
    }

    /// Where the chain ends with it.
    pub const fn last(&self) -> Seq {
        self.last
    }

    fn interval(&self) -> (VersionVector, VersionVector) {
        (
            VersionVector::from_iter([(self.chain, self.after)]),
            VersionVector::from_iter([(self.chain, self.last)]),
        )
    }

    fn check(&self) -> Result<(), Corruption> {
        let (from, to) = self.interval();
        if self.after >= self.last {
            return Err(Corruption::OutsideInterval { chain: self.chain });
        }
        if !self.stock.is_empty() {
            check_columns(&Vec::from([(self.chain, self.stock.clone())]), &from, &to)?;
        }
        if !self.points.is_empty() {
            check_columns(&Vec::from([(self.chain, self.points.clone())]), &from, &to)?;
        }
        self.part.check(&from, &to)?;
        check_entries(&self.registers, &from, &to)
    }
}

impl<E: Clone, K: Ord + Clone, V: Ord + Clone> Replica<E, K, V> {
    /// What is held of written-off chains beyond their ends: the manager should know, and the leader should have it.
    pub fn amendments(&self) -> impl Iterator<Item = &Amendment<E, K, V>> {
        self.stranded.values()
    }

    /// The leader takes over what another terminal holds beyond the end of a written-off chain; [`propose_fold`](Self::propose_fold)
    /// then amends the end. A shorter one than is known changes nothing.
    ///
    /// # Errors
    /// [`MergeError::Gap`] when it begins beyond the end that is known here, [`MergeError::Corrupt`]. Nothing changed.
    pub fn absorb(&mut self, amendment: &Amendment<E, K, V>) -> Result<(), MergeError> {
        amendment.check().map_err(MergeError::Corrupt)?;
        let chain = amendment.chain;
        let Some(known) = self.folded.get(&chain).filter(|known| known.written_off) else {
            return Err(MergeError::Gap { chain, held: self.vector.get(chain), needed: amendment.after });
        };
        if amendment.after > known.seq {
            return Err(MergeError::Gap { chain, held: known.seq, needed: amendment.after });
        }
        let longest = self.stranded.get(&chain).map_or(known.seq, Amendment::last);
        if amendment.last > longest {
            self.stranded.insert(chain, amendment.clone());
        }
        Ok(())
    }

    /// Puts aside what is held of a chain beyond its end.
    pub(super) fn strand(&mut self, chain: Chain, end: Seq) {
        let held = self.vector.get(chain);
        if held <= end {
            return;
        }
        let part = SetPart {
            adds: self.sales.live.split_after(chain, end),
            removals: self.sales.removals.split_after(chain, end),
        };
        let beyond = |entry: &&mut Entry<V>| entry.dot.chain == chain && entry.dot.seq > end;
        let mut registers = BTreeMap::new();
        for (key, entry) in &mut self.registers.entries {
            if beyond(&&mut *entry) {
                registers.insert(key.clone(), entry.clone());
                // What it replaced is gone, so the value stays. The event that wrote it is no longer covered, so it counts as
                // written by the last one that is; the amendment brings it to the others.
                entry.dot.seq = end;
            }
        }
        if self.breaks(Mutant::DropStranded) {
            return;
        }
        let stock = self.stock.grid.column_beyond(chain, end);
        let points = self.points.grid.column_beyond(chain, end);
        let amendment = Amendment { chain, after: end, last: held, stock, points, part, registers };
        self.stranded.insert(chain, amendment);
    }

    /// The set and the registers get back what was stranded.
    pub(super) fn join_journal_of(&mut self, amendment: &Amendment<E, K, V>) {
        let (from, to) = amendment.interval();
        self.sales.join_part(&amendment.part, &from, &to, |_| {});
        self.registers.join_entries(&amendment.registers);
    }
}

impl<E: Wire, K: Wire + Ord, V: Wire> Wire for Amendment<E, K, V> {
    fn write(&self, out: &mut Writer) {
        self.chain.write(out);
        self.after.write(out);
        self.last.write(out);
        write_rows(&self.stock, self.after.0, out);
        write_rows(&self.points, self.after.0, out);
        self.part.write(&self.interval().0, out);
        write_map(&self.registers, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let chain = Chain::read(input)?;
        let after = Seq::read(input)?;
        let last = Seq::read(input)?;
        let stock = read_rows(after.0, input)?;
        let points = read_rows(after.0, input)?;
        let part = SetPart::read(&VersionVector::from_iter([(chain, after)]), input)?;
        let registers = read_map(MIN_ENTRY, input)?;
        let amendment = Self { chain, after, last, stock, points, part, registers };
        amendment.check()?;
        Ok(amendment)
    }
}

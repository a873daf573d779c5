//! What turns up of a chain after it was written off.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use edgepos_core::{Chain, Seq};
use serde::{Deserialize, Serialize};

use crate::register::{Entry, MIN_ENTRY, check_entries};
use crate::set::SetPart;
use crate::table::{Rows, check_columns, read_rows, write_rows};
use crate::wire::{Reader, Wire, Writer, read_map, write_map};
use crate::{Corruption, VersionVector, WireError};

/// The events of a written-off chain beyond its final number, as one terminal still holds them.
///
/// Send it to the leader, which [`absorb`](crate::Replica::absorb)s it and proposes a folding with the later end. It is kept here until
/// such a folding was applied.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(bound(
    serialize = "E: Serialize, K: Serialize, V: Serialize",
    deserialize = "E: Deserialize<'de>, K: Deserialize<'de> + Ord, V: Deserialize<'de>"
))]
pub struct Amendment<E, K, V> {
    pub(super) chain: Chain,
    /// The final number beyond which it begins.
    pub(super) after: Seq,
    pub(super) last: Seq,
    pub(super) stock: Rows<2>,
    pub(super) points: Rows<1>,
    pub(super) part: SetPart<E>,
    #[serde(with = "crate::pairs")]
    pub(super) registers: BTreeMap<K, Entry<V>>,
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

    /// From where to where it goes.
    pub(super) fn interval(&self) -> (VersionVector, VersionVector) {
        (
            VersionVector::from_iter([(self.chain, self.after)]),
            VersionVector::from_iter([(self.chain, self.last)]),
        )
    }

    pub(super) fn check(&self) -> Result<(), Corruption> {
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

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
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

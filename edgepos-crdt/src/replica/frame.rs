//! What one replica sends another: the change of every type since a vector, and the base where the peer lacks it.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use edgepos_core::{Chain, FoldEpoch, Seq};
use serde::{Deserialize, Serialize};

use super::base::Ledger;
use super::finals::Final;
use super::mutant::Mutant;
use super::state::Replica;
use crate::register::{Entry, MIN_ENTRY, check_entries};
use crate::set::SetPart;
use crate::table::{
    Columns, Rows, check_base, check_columns, read_columns, read_rows, write_columns, write_rows,
};
use crate::wire::{Reader, Wire, Writer, read_map, write_map};
use crate::{Corruption, MergeError, VersionVector, WireError};

/// The base rows that changed after an epoch, and everything else that the folded state consists of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Checkpoint {
    since: FoldEpoch,
    #[serde(with = "crate::pairs")]
    folded: BTreeMap<Chain, Final>,
    stock: Rows<2>,
    points: Rows<1>,
    #[serde(with = "crate::pairs")]
    ledgers: BTreeMap<Chain, Ledger>,
}

/// Everything that changed in a [`Replica`] after `from`, up to `to`, at the sender's fold epoch.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(bound(
    serialize = "E: Serialize, K: Serialize, V: Serialize",
    deserialize = "E: Deserialize<'de>, K: Deserialize<'de> + Ord, V: Deserialize<'de>"
))]
pub struct Frame<E, K, V> {
    epoch: FoldEpoch,
    from: VersionVector,
    to: VersionVector,
    stock: Columns<2>,
    points: Columns<1>,
    sales: SetPart<E>,
    pruned: VersionVector,
    #[serde(with = "crate::pairs")]
    registers: BTreeMap<K, Entry<V>>,
    checkpoint: Option<Checkpoint>,
}

/// What a merge did.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Merged {
    /// Whether anything was new.
    pub news: bool,
    /// Whether the frame's checkpoint raised the fold epoch.
    pub epoch_raised: bool,
    /// Whether the base that the checkpoint brought is the one that was committed; `None` when this replica has not yet seen the
    /// decision. On `false` the sender is damaged: fetch the whole state from another.
    pub base_agreed: Option<bool>,
    /// Written-off chains of which the sender, at an older epoch, holds more than their end. It will send amendments.
    pub beyond_end: Vec<Chain>,
}

impl<E, K, V> Frame<E, K, V> {
    /// The sender's fold epoch.
    pub const fn epoch(&self) -> FoldEpoch {
        self.epoch
    }

    /// What the receiver must hold already.
    pub fn from(&self) -> &VersionVector {
        &self.from
    }

    /// What the receiver holds afterwards.
    pub fn to(&self) -> &VersionVector {
        &self.to
    }

    /// Whether it carries the base rows that a peer of an older epoch needs.
    pub const fn has_checkpoint(&self) -> bool {
        self.checkpoint.is_some()
    }

    /// Without its checkpoint: for a peer that said it is at the sender's epoch.
    #[must_use]
    pub fn without_checkpoint(mut self) -> Self {
        self.checkpoint = None;
        self
    }

    fn check(&self) -> Result<(), Corruption> {
        for lower in [&self.from, &self.pruned] {
            if let Some((chain, _)) = self.to.first_gap(lower) {
                return Err(Corruption::OutsideInterval { chain });
            }
        }
        check_columns(&self.stock, &self.from, &self.to)?;
        check_columns(&self.points, &self.from, &self.to)?;
        self.sales.check(&self.from, &self.to)?;
        check_entries(&self.registers, &self.from, &self.to)?;
        let Some(checkpoint) = &self.checkpoint else { return Ok(()) };
        let ends = &checkpoint.folded;
        match ends.iter().find(|&(chain, last)| self.to.get(*chain) != last.seq) {
            Some((&chain, _)) => Err(Corruption::OutsideInterval { chain }),
            None if checkpoint.since >= self.epoch => Err(Corruption::Order),
            None => Ok(()),
        }
    }
}

impl<E: Clone, K: Ord + Clone, V: Ord + Clone> Replica<E, K, V> {
    /// What a peer lacks that reported `acknowledged` as durable, at fold epoch `epoch`. The whole state, where removals that the
    /// peer may lack are forgotten; `FoldEpoch(0)` and an empty vector give it to a newcomer.
    pub fn delta_since(&self, epoch: FoldEpoch, acknowledged: &VersionVector) -> Frame<E, K, V> {
        let from = if self.sales.serves(acknowledged) {
            acknowledged.meet(&self.vector)
        } else {
            VersionVector::new()
        };
        let mut sales = self.sales.part_since(&from);
        if self.breaks(Mutant::AckSkipsFolded) {
            sales.adds.retain_chains(|chain| !self.folded.contains_key(&chain));
        }
        Frame {
            epoch: self.epoch,
            to: self.vector.clone(),
            stock: self.stock.grid().columns_since(&from),
            points: self.points.grid().columns_since(&from),
            sales,
            pruned: self.sales.pruned().clone(),
            registers: self.registers.entries_since(&from),
            checkpoint: (epoch < self.epoch).then(|| self.checkpoint_since(epoch)),
            from,
        }
    }

    fn checkpoint_since(&self, since: FoldEpoch) -> Checkpoint {
        Checkpoint {
            since,
            folded: self.folded.clone(),
            stock: self.stock.grid().base_since(since),
            points: self.points.grid().base_since(since),
            ledgers: self.ledgers.clone(),
        }
    }

    /// Merges what another replica sent, in one disk transaction.
    ///
    /// A frame of an older epoch is rebased: what it says of folded chains is dropped, since the base has all of it.
    ///
    /// # Errors
    /// [`MergeError::OwnChainAhead`] is the rollback alarm; [`MergeError::Gap`], [`MergeError::EpochAhead`],
    /// [`MergeError::Corrupt`], [`MergeError::TooMany`]. Nothing changed.
    pub fn merge(&mut self, frame: &Frame<E, K, V>) -> Result<Merged, MergeError> {
        let checkpoint = self.admit(frame)?;
        let folded = checkpoint.map_or(&self.folded, |checkpoint| &checkpoint.folded);
        // The sender does not know these ends yet: its word on those chains is void.
        let void = |chain: &Chain| frame.epoch < self.epoch && folded.contains_key(chain);
        let is_folded = |chain: &Chain| folded.contains_key(chain) && !self.breaks(Mutant::AcceptFolded);

        let mut to = frame.to.clone();
        let beyond_end = self.drop_void_claims(&mut to, &void);
        let mut sales = frame.sales.clone();
        sales.adds.retain_chains(|chain| !void(&chain));
        sales.removals.retain_chains(|chain| !void(&chain));
        let mut registers = frame.registers.clone();
        registers.retain(|_, entry| !void(&entry.dot.chain));
        let unfolded = |columns: &Columns<2>| {
            let rows = columns.iter().filter(|(chain, _)| !is_folded(chain));
            rows.cloned().collect::<Columns<2>>()
        };
        let stock = unfolded(&frame.stock);
        let points: Columns<1> =
            frame.points.iter().filter(|(chain, _)| !is_folded(chain)).cloned().collect();
        self.stock.grid().check_columns(&stock, checkpoint.map(|checkpoint| &checkpoint.stock))?;
        self.points.grid().check_columns(&points, checkpoint.map(|checkpoint| &checkpoint.points))?;

        let news = !self.vector.dominates(&to) || checkpoint.is_some();
        // The set and the registers come first: the checkpoint may raise a vector only when all types are complete.
        if checkpoint.is_some() && self.breaks(Mutant::EpochSkipsTx) {
            sales.adds.retain_chains(|chain| !folded.contains_key(&chain));
        }
        if checkpoint.is_some() && self.breaks(Mutant::EpochSkipsRegisters) {
            registers.retain(|_, entry| !folded.contains_key(&entry.dot.chain));
        }
        self.sales.join_part(&sales, &frame.from, &to, |_| {});
        self.registers.join_entries(&registers);
        self.sales.join_pruned(&frame.pruned.meet(&to));
        if let Some(checkpoint) = checkpoint {
            self.adopt(checkpoint, frame.epoch);
        }
        self.stock.join_columns(&stock);
        self.points.join_columns(&points);
        self.raise(&to);
        let base_agreed = if checkpoint.is_some() { self.check_agreed() } else { None };
        Ok(Merged { news, epoch_raised: checkpoint.is_some(), base_agreed, beyond_end })
    }

    /// Everything that refuses a frame as a whole. The checkpoint that is to be adopted, if any.
    fn admit<'a>(&self, frame: &'a Frame<E, K, V>) -> Result<Option<&'a Checkpoint>, MergeError> {
        frame.check().map_err(MergeError::Corrupt)?;
        let own = frame.to.iter().filter(|(chain, _)| chain.replica == self.me);
        for (chain, theirs) in own {
            let ours = self.vector.get(chain);
            let known = self.folded.contains_key(&chain);
            if theirs > ours && !known {
                return Err(MergeError::OwnChainAhead { chain, theirs, ours });
            }
        }
        let (ours, theirs) = (self.epoch, frame.epoch);
        let beyond = |&(chain, last): &(&Chain, &Final)| frame.to.get(*chain) > last.seq;
        if theirs == ours
            && let Some((&chain, _)) = self.folded.iter().find(beyond)
        {
            return Err(MergeError::Corrupt(Corruption::OutsideInterval { chain }));
        }
        let rebased = |chain: &Chain| theirs < ours && self.folded.contains_key(chain);
        let gap = frame.from.iter().find(|(chain, seq)| *seq > self.vector.get(*chain) && !rebased(chain));
        if let Some((chain, needed)) = gap
            && !self.breaks(Mutant::NoFromCheck)
        {
            return Err(MergeError::Gap { chain, held: self.vector.get(chain), needed });
        }
        self.vector.check_room(&frame.to)?;
        if theirs <= ours {
            return Ok(None);
        }
        match &frame.checkpoint {
            Some(checkpoint) if checkpoint.since <= ours => {
                self.check_checkpoint(checkpoint, theirs)?;
                Ok(Some(checkpoint))
            }
            _ if self.breaks(Mutant::JoinAhead) => Ok(None),
            _ => Err(MergeError::EpochAhead { theirs, ours }),
        }
    }

    fn check_checkpoint(&self, checkpoint: &Checkpoint, epoch: FoldEpoch) -> Result<(), MergeError> {
        check_base(&checkpoint.stock, checkpoint.since, epoch).map_err(MergeError::Corrupt)?;
        check_base(&checkpoint.points, checkpoint.since, epoch).map_err(MergeError::Corrupt)?;
        // What is folded stays folded, and an end only grows.
        let shrinks =
            |chain: &Chain, held: &Final| checkpoint.folded.get(chain).is_none_or(|last| last.seq < held.seq);
        match self.folded.iter().find(|(chain, held)| shrinks(chain, held)) {
            Some((&chain, _)) => Err(MergeError::Corrupt(Corruption::OutsideInterval { chain })),
            None => Ok(()),
        }
    }

    /// Takes claims about chains whose end is known out of `to`. Returns the chains that were claimed beyond their end.
    fn drop_void_claims(&self, to: &mut VersionVector, void: &dyn Fn(&Chain) -> bool) -> Vec<Chain> {
        let claims: Vec<(Chain, Seq)> = to.iter().filter(|(chain, _)| void(chain)).collect();
        let mut beyond_end = Vec::new();
        for (chain, seq) in claims {
            if seq > self.vector.get(chain) {
                beyond_end.push(chain);
            }
            to.set(chain, Seq::ZERO);
        }
        beyond_end
    }

    /// Compares the base with the folding that led to this epoch, where it is known, and goes on with what waited for it.
    fn check_agreed(&mut self) -> Option<bool> {
        let parent = FoldEpoch(self.epoch.0.saturating_sub(1));
        let agreed = self.awaited.get(&parent).map(|fold| fold.base_hash == self.base_hash());
        let epoch = self.epoch;
        self.awaited.retain(|parent, _| *parent >= epoch);
        self.resume_folding();
        agreed
    }

    fn adopt(&mut self, checkpoint: &Checkpoint, epoch: FoldEpoch) {
        for (&chain, &last) in &checkpoint.folded {
            if self.folded.get(&chain) != Some(&last) {
                self.settle(chain, last);
            }
        }
        self.replace_base(&checkpoint.stock, &checkpoint.points, checkpoint.ledgers.clone(), epoch);
    }
}

impl Wire for Checkpoint {
    fn write(&self, out: &mut Writer) {
        self.since.write(out);
        write_map(&self.folded, out);
        write_rows(&self.stock, 0, out);
        write_rows(&self.points, 0, out);
        write_map(&self.ledgers, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            since: FoldEpoch::read(input)?,
            folded: read_map(11, input)?,
            stock: read_rows(0, input)?,
            points: read_rows(0, input)?,
            ledgers: read_map(11, input)?,
        })
    }
}

impl<E: Wire, K: Wire + Ord, V: Wire> Wire for Frame<E, K, V> {
    fn write(&self, out: &mut Writer) {
        self.epoch.write(out);
        self.from.write(out);
        self.to.write(out);
        write_columns(&self.stock, &self.from, out);
        write_columns(&self.points, &self.from, out);
        self.sales.write(&self.from, out);
        self.pruned.write(out);
        write_map(&self.registers, out);
        self.checkpoint.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let epoch = FoldEpoch::read(input)?;
        let from = VersionVector::read(input)?;
        let to = VersionVector::read(input)?;
        let stock = read_columns(&from, input)?;
        let points = read_columns(&from, input)?;
        let sales = SetPart::read(&from, input)?;
        let pruned = VersionVector::read(input)?;
        let registers = read_map(MIN_ENTRY, input)?;
        let checkpoint = Option::read(input)?;
        let frame = Self { epoch, from, to, stock, points, sales, pruned, registers, checkpoint };
        frame.check()?;
        Ok(frame)
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Lane, ReplicaId};

    use super::*;
    use crate::table::Grid;
    use crate::{Change, Item, PnTable};

    /// One item is in the base that the frame brings, another in an open column, and one more fits.
    #[test]
    fn base_rows_and_columns_share_the_room_that_is_left() {
        type Node = Replica<u64, u64, u64>;
        let sale = |item| Change { stock: Vec::from([(Item(item), 2)]), ..Change::default() };
        let first = Grid::<2>::MAX_ITEMS as u64;
        let mut sender = Node::new(ReplicaId::new(1, 7));
        sender.record(Lane::Stock, sale(first)).unwrap();
        let retirement = sender.seal().unwrap();
        sender.begin(ReplicaId::new(1, 8)).unwrap();
        sender.retire(&retirement);
        sender.apply_fold(&sender.propose_fold().unwrap()).unwrap();
        sender.record(Lane::Stock, sale(first + 1)).unwrap();
        let frame = sender.delta_since(FoldEpoch(0), &VersionVector::new());

        let mut receiver = Node::new(ReplicaId::new(2, 7));
        receiver.stock = PnTable::nearly_full(1);
        let refused = MergeError::TooMany { what: "items", limit: Grid::<2>::MAX_ITEMS };
        assert_eq!(receiver.merge(&frame), Err(refused));
        assert_eq!(receiver, Node::new(ReplicaId::new(2, 7)));
        receiver.stock = PnTable::nearly_full(2);
        receiver.merge(&frame).unwrap();
        assert_eq!(receiver.stock().value(Item(first + 1)), Ok(2));
    }
    /// At one epoch everybody holds a folded chain exactly up to its end. Whoever took more would send frames that nobody reads.
    #[test]
    fn a_frame_of_the_own_epoch_goes_beyond_no_end() {
        type Node = Replica<u64, u64, u64>;
        let mut sender = Node::new(ReplicaId::new(1, 7));
        let ended = sender.record(Lane::Stock, Change::default()).unwrap();
        let retirement = sender.seal().unwrap();
        sender.begin(ReplicaId::new(1, 8)).unwrap();
        sender.retire(&retirement);
        sender.apply_fold(&sender.propose_fold().unwrap()).unwrap();
        let mut receiver = Node::new(ReplicaId::new(2, 7));
        receiver.merge(&sender.delta_since(FoldEpoch(0), &VersionVector::new())).unwrap();
        let before = receiver.clone();
        let mut frame = sender.delta_since(receiver.epoch(), receiver.vector());
        frame.to.set_max(ended.chain, Seq(65));
        let refused = MergeError::Corrupt(Corruption::OutsideInterval { chain: ended.chain });
        assert_eq!(receiver.merge(&frame), Err(refused));
        assert_eq!(receiver, before);
    }
}

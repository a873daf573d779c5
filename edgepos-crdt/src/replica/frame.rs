//! What one replica sends another: the change of every type since a vector, and the base where the peer lacks it.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use edgepos_core::{Chain, FoldEpoch, ReplicaId, Seq};
use serde::{Deserialize, Serialize};

use super::base::{Ledger, NextBase};
use super::content::{Content, Parts};
use super::finals::Final;
use super::fold::Ends;
use super::mutant::{Mutant, Rules};
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

/// Everything that changed in a [`Replica`](crate::Replica) after `from`, up to `to`, at the sender's fold epoch.
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

impl<E: Clone, K: Ord + Clone, V: Ord + Clone> Frame<E, K, V> {
    /// What a peer lacks that reported `acknowledged` as durable, at fold epoch `epoch`.
    pub(super) fn since(
        content: &Content<E, K, V>,
        ends: &Ends<E, K, V>,
        epoch: FoldEpoch,
        acknowledged: &VersionVector,
        rules: Rules,
    ) -> Self {
        let from = content.serves_from(acknowledged);
        let Parts { stock, points, mut sales, pruned, registers } = content.since(&from);
        if rules.breaks(Mutant::AckSkipsFolded) {
            sales.adds.retain_chains(|chain| !ends.is_folded(chain));
        }
        let checkpoint = (epoch < ends.epoch()).then(|| {
            let (stock, points) = content.base_since(epoch);
            let (folded, ledgers) = (ends.folded().clone(), ends.ledgers().clone());
            Checkpoint { since: epoch, folded, stock, points, ledgers }
        });
        let (epoch, to) = (ends.epoch(), content.vector().clone());
        Self { epoch, from, to, stock, points, sales, pruned, registers, checkpoint }
    }

    /// Merges it into what the incarnation `me` holds.
    pub(super) fn merge_into(
        &self,
        me: ReplicaId,
        content: &mut Content<E, K, V>,
        ends: &mut Ends<E, K, V>,
        rules: Rules,
    ) -> Result<Merged, MergeError> {
        let checkpoint = self.admitted(me, content, ends, rules)?;
        let folded = checkpoint.map_or(ends.folded(), |checkpoint| &checkpoint.folded);
        // The sender does not know these ends yet: its word on those chains is void.
        let void = |chain: &Chain| self.epoch < ends.epoch() && folded.contains_key(chain);
        let is_folded = |chain: &Chain| folded.contains_key(chain) && !rules.breaks(Mutant::AcceptFolded);

        let mut to = self.to.clone();
        let beyond_end = drop_void_claims(content.vector(), &mut to, &void);
        let mut sales = self.sales.clone();
        sales.adds.retain_chains(|chain| !void(&chain));
        sales.removals.retain_chains(|chain| !void(&chain));
        let mut registers = self.registers.clone();
        registers.retain(|_, entry| !void(&entry.dot.chain));
        let stock: Columns<2> = self.stock.iter().filter(|(chain, _)| !is_folded(chain)).cloned().collect();
        let points: Columns<1> = self.points.iter().filter(|(chain, _)| !is_folded(chain)).cloned().collect();
        let base = checkpoint.map(|checkpoint| (&checkpoint.stock, &checkpoint.points));
        content.check_columns(&stock, &points, base)?;

        let news = !content.vector().dominates(&to) || checkpoint.is_some();
        if checkpoint.is_some() && rules.breaks(Mutant::EpochSkipsTx) {
            sales.adds.retain_chains(|chain| !folded.contains_key(&chain));
        }
        if checkpoint.is_some() && rules.breaks(Mutant::EpochSkipsRegisters) {
            registers.retain(|_, entry| !folded.contains_key(&entry.dot.chain));
        }
        let parts = Parts { stock, points, sales, pruned: self.pruned.clone(), registers };
        content.join_journal(&parts, &self.from, &to);
        if let Some(Checkpoint { folded, stock, points, ledgers, .. }) = checkpoint {
            let base = NextBase { stock: stock.clone(), points: points.clone(), ledgers: ledgers.clone() };
            ends.adopt(content, folded, base, self.epoch, rules);
        }
        content.join_columns(&parts, &to);
        let base_agreed = checkpoint.and_then(|_| ends.check_agreed(content, rules));
        Ok(Merged { news, epoch_raised: checkpoint.is_some(), base_agreed, beyond_end })
    }

    /// Everything that refuses it as a whole. The checkpoint that is to be adopted, if any.
    fn admitted(
        &self,
        me: ReplicaId,
        content: &Content<E, K, V>,
        ends: &Ends<E, K, V>,
        rules: Rules,
    ) -> Result<Option<&Checkpoint>, MergeError> {
        self.check().map_err(MergeError::Corrupt)?;
        let held = content.vector();
        for (chain, theirs) in self.to.iter().filter(|(chain, _)| chain.replica == me) {
            let ours = held.get(chain);
            if theirs > ours && !ends.is_folded(chain) {
                return Err(MergeError::OwnChainAhead { chain, theirs, ours });
            }
        }
        let (ours, theirs) = (ends.epoch(), self.epoch);
        let beyond = |&(chain, last): &(&Chain, &Final)| self.to.get(*chain) > last.seq;
        if theirs == ours
            && let Some((&chain, _)) = ends.folded().iter().find(beyond)
        {
            return Err(MergeError::Corrupt(Corruption::OutsideInterval { chain }));
        }
        let rebased = |chain: &Chain| theirs < ours && ends.is_folded(*chain);
        let gap = self.from.iter().find(|(chain, seq)| *seq > held.get(*chain) && !rebased(chain));
        if let Some((chain, needed)) = gap
            && !rules.breaks(Mutant::NoFromCheck)
        {
            return Err(MergeError::Gap { chain, held: held.get(chain), needed });
        }
        held.check_room(&self.to)?;
        if theirs <= ours {
            return Ok(None);
        }
        match &self.checkpoint {
            Some(checkpoint) if checkpoint.since <= ours => {
                checkpoint.check(ends.folded(), theirs)?;
                Ok(Some(checkpoint))
            }
            _ if rules.breaks(Mutant::JoinAhead) => Ok(None),
            _ => Err(MergeError::EpochAhead { theirs, ours }),
        }
    }
}

impl Checkpoint {
    /// Whether it can follow what is folded here.
    fn check(&self, folded: &BTreeMap<Chain, Final>, epoch: FoldEpoch) -> Result<(), MergeError> {
        check_base(&self.stock, self.since, epoch).map_err(MergeError::Corrupt)?;
        check_base(&self.points, self.since, epoch).map_err(MergeError::Corrupt)?;
        // What is folded stays folded, and an end only grows.
        let shrinks =
            |chain: &Chain, held: &Final| self.folded.get(chain).is_none_or(|last| last.seq < held.seq);
        match folded.iter().find(|(chain, held)| shrinks(chain, held)) {
            Some((&chain, _)) => Err(MergeError::Corrupt(Corruption::OutsideInterval { chain })),
            None => Ok(()),
        }
    }
}

/// Takes claims about chains whose end is known out of `to`. Returns the chains that were claimed beyond their end.
fn drop_void_claims(
    held: &VersionVector,
    to: &mut VersionVector,
    void: &dyn Fn(&Chain) -> bool,
) -> Vec<Chain> {
    let claims: Vec<(Chain, Seq)> = to.iter().filter(|(chain, _)| void(chain)).collect();
    let mut beyond_end = Vec::new();
    for (chain, seq) in claims {
        if seq > held.get(chain) {
            beyond_end.push(chain);
        }
        to.set(chain, Seq::ZERO);
    }
    beyond_end
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
    use crate::{Change, Item, PnTable, Replica};

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
        receiver = receiver.with_stock(PnTable::nearly_full(1));
        let refused = MergeError::TooMany { what: "items", limit: Grid::<2>::MAX_ITEMS };
        assert_eq!(receiver.merge(&frame), Err(refused));
        assert_eq!(receiver, Node::new(ReplicaId::new(2, 7)));
        receiver = receiver.with_stock(PnTable::nearly_full(2));
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

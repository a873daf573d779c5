//! One replica: who writes here, and how its parts work together.

use alloc::vec::Vec;

use edgepos_core::{Chain, EventId, FoldEpoch, Lane, ReplicaId, Seq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use super::amend::Amendment;
use super::content::{Change, Content, RecordError};
use super::finals::{Final, Fold, Retirement};
use super::fold::{Ends, FoldError};
use super::frame::{Frame, Merged};
use super::mutant::{Mutant, Rules};
use super::stored::{Stored, Written};
use crate::{ApplyError, GTable, LwwMap, MergeError, PnTable, TxSet, VersionVector};

/// An incarnation that has written before may not begin: draw another nonce.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the incarnation {0} was used before")]
pub struct UsedBefore(pub ReplicaId);

/// The counters, the set and the registers of a store as one terminal holds them, all covered by one vector.
///
/// Everything that an event changes is under the event's dot, so one acknowledged vector tells what a peer lacks of every type, and
/// one frame brings it. Retired chains are folded into the counters' base: see [`Fold`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replica<E, K, V> {
    me: ReplicaId,
    sealed: bool,
    content: Content<E, K, V>,
    ends: Ends<E, K, V>,
    rules: Rules,
}

impl<E, K: Ord, V> Replica<E, K, V> {
    /// An empty replica that writes as `me`.
    pub fn new(me: ReplicaId) -> Self {
        Self { me, sealed: false, content: Content::new(), ends: Ends::new(), rules: Rules::default() }
    }

    /// The incarnation that writes here.
    pub const fn me(&self) -> ReplicaId {
        self.me
    }

    /// Goes on as another incarnation: after a seal, after a rollback was noticed, after an eviction.
    ///
    /// # Errors
    /// [`UsedBefore`] when events of it are known here; nothing changed. An incarnation is never reused.
    pub fn begin(&mut self, next: ReplicaId) -> Result<(), UsedBefore> {
        let chains = Lane::ALL.into_iter().map(|lane| Chain::new(next, lane));
        if chains.into_iter().any(|chain| self.vector().get(chain) != Seq::ZERO || self.ends.has_ended(chain))
        {
            return Err(UsedBefore(next));
        }
        self.me = next;
        self.sealed = false;
        Ok(())
    }

    /// What is covered, of every type.
    pub fn vector(&self) -> &VersionVector {
        self.content.vector()
    }

    /// How many foldings the base has seen.
    pub const fn epoch(&self) -> FoldEpoch {
        self.ends.epoch()
    }

    /// Each folded chain with its final number.
    pub fn folded(&self) -> impl Iterator<Item = (Chain, Final)> + '_ {
        self.ends.folded().iter().map(|(&chain, &last)| (chain, last))
    }

    /// Counters that go up and down.
    pub fn stock(&self) -> &PnTable {
        self.content.stock()
    }

    /// Counters that go up.
    pub fn points(&self) -> &GTable {
        self.content.points()
    }

    /// The set of elements, such as open transactions.
    pub fn sales(&self) -> &TxSet<E> {
        self.content.sales()
    }

    /// The registers, by their keys.
    pub fn registers(&self) -> &LwwMap<K, V> {
        self.content.registers()
    }

    /// Forgets removals of set elements that every live member has: see [`TxSet::prune`].
    pub fn prune(&mut self, stable: &VersionVector) {
        self.content.prune(stable);
    }

    /// Breaks a rule on purpose from here on.
    #[cfg(test)]
    pub(super) fn break_rule(&mut self, rule: Option<Mutant>) {
        self.rules = Rules::but(rule);
    }

    /// Whether the own incarnation has ended.
    #[cfg(test)]
    pub(super) const fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// With other counters.
    #[cfg(test)]
    pub(super) fn with_stock(mut self, stock: PnTable) -> Self {
        self.content.fill_stock(stock);
        self
    }
}

impl<E: Clone, K: Ord + Clone, V: Ord + Clone> Replica<E, K, V> {
    /// Records an own event: all of the change or nothing. Make the returned event and the change durable before anything of it
    /// is sent.
    ///
    /// # Errors
    /// [`RecordError`]; nothing changed.
    pub fn record(&mut self, lane: Lane, change: Change<E, K, V>) -> Result<EventId, RecordError> {
        let chain = Chain::new(self.me, lane);
        if (self.sealed || self.ends.has_ended(chain)) && !self.rules.breaks(Mutant::SellAfterSeal) {
            return Err(RecordError::Sealed);
        }
        self.content.check(&change)?;
        let dot = EventId::new(chain, self.vector().get(chain).next());
        self.apply(dot, change)?;
        Ok(dot)
    }

    /// Applies a peer's event, or an own one that is replayed: all of it or nothing.
    ///
    /// # Errors
    /// [`ApplyError::AlreadyApplied`], [`ApplyError::Gap`] when events of the chain are missing, and what its parts refuse.
    /// Nothing changed.
    pub fn apply(&mut self, dot: EventId, change: Change<E, K, V>) -> Result<(), ApplyError> {
        self.content.check_next(dot)?;
        if self.ends.is_folded(dot.chain) && !self.rules.breaks(Mutant::SellAfterSeal) {
            return Err(ApplyError::Folded(dot.chain));
        }
        self.content.apply(dot, change)
    }

    /// R2: ends the own incarnation, all its lanes at once. Make it durable, go on selling with [`begin`](Self::begin), and propose
    /// the retirement when the store-wide log can be reached. `None` when it wrote nothing.
    pub fn seal(&mut self) -> Option<Retirement> {
        self.sealed = true;
        self.retirement_of(self.me, false)
    }

    /// R8: the end of an incarnation whose terminal is destroyed, at what is known of it here. `None` when nothing is known of it.
    pub fn write_off(&self, replica: ReplicaId) -> Option<Retirement> {
        self.retirement_of(replica, true)
    }

    fn retirement_of(&self, replica: ReplicaId, written_off: bool) -> Option<Retirement> {
        let chains = Lane::ALL.into_iter().map(|lane| Chain::new(replica, lane));
        let ends = chains.map(|chain| (chain, Final { seq: self.vector().get(chain), written_off }));
        let finals: Vec<_> = ends.filter(|(_, last)| last.seq != Seq::ZERO).collect();
        (!finals.is_empty()).then_some(Retirement { finals })
    }

    /// A retirement was committed. Of two for one chain the first counts, on every terminal.
    pub fn retire(&mut self, retirement: &Retirement) {
        self.ends.retire(retirement);
    }

    /// R3: what the leader proposes to fold: each retired chain that it holds exactly up to its end, and each end that stranded
    /// entries amend. Chains whose totals would not fit into the base are left out. `None` when there is nothing.
    pub fn propose_fold(&self) -> Option<Fold> {
        self.ends.propose(&self.content, self.rules)
    }

    /// R4, where nothing needs to be fetched: applies a committed folding. In one disk transaction.
    ///
    /// # Errors
    /// [`FoldError`]. With [`FoldError::Incomplete`] and [`FoldError::EpochAhead`] the folding is remembered, and a peer's frame is to
    /// be asked for; otherwise nothing changed.
    pub fn apply_fold(&mut self, fold: &Fold) -> Result<(), FoldError> {
        self.ends.apply(&mut self.content, fold, self.rules)
    }

    /// SHA-256 of the folded rows and ledgers: equal on every terminal of one epoch. After a frame brought a folding, compare it with
    /// the [`Fold`] that was committed.
    pub fn base_hash(&self) -> [u8; 32] {
        self.ends.base_hash(&self.content)
    }

    /// What is held of written-off chains beyond their ends: the manager should know, and the leader should have it.
    pub fn amendments(&self) -> impl Iterator<Item = &Amendment<E, K, V>> {
        self.ends.stranded().values()
    }

    /// The leader takes over what another terminal holds beyond the end of a written-off chain; [`propose_fold`](Self::propose_fold)
    /// then amends the end. A shorter one than is known changes nothing.
    ///
    /// # Errors
    /// [`MergeError::Gap`] when it begins beyond the end that is known here, [`MergeError::Corrupt`]. Nothing changed.
    pub fn absorb(&mut self, amendment: &Amendment<E, K, V>) -> Result<(), MergeError> {
        self.ends.absorb(&self.content, amendment)
    }

    /// What a peer lacks that reported `acknowledged` as durable, at fold epoch `epoch`. The whole state, where removals that the
    /// peer may lack are forgotten; `FoldEpoch(0)` and an empty vector give it to a newcomer.
    pub fn delta_since(&self, epoch: FoldEpoch, acknowledged: &VersionVector) -> Frame<E, K, V> {
        Frame::since(&self.content, &self.ends, epoch, acknowledged, self.rules)
    }

    /// Merges what another replica sent, in one disk transaction.
    ///
    /// A frame of an older epoch is rebased: what it says of folded chains is dropped, since the base has all of it.
    ///
    /// # Errors
    /// [`MergeError::OwnChainAhead`] is the rollback alarm; [`MergeError::Gap`], [`MergeError::EpochAhead`],
    /// [`MergeError::Corrupt`], [`MergeError::TooMany`]. Nothing changed.
    pub fn merge(&mut self, frame: &Frame<E, K, V>) -> Result<Merged, MergeError> {
        frame.merge_into(self.me, &mut self.content, &mut self.ends, self.rules)
    }

    /// How far the own incarnation wrote.
    pub fn written(&self, lane: Lane) -> Seq {
        self.vector().get(Chain::new(self.me, lane))
    }
}

impl<E: Serialize, K: Serialize + Ord, V: Serialize> Serialize for Replica<E, K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written::of(self.me, self.sealed, &self.content, &self.ends).serialize(serializer)
    }
}

impl<'de, E: Deserialize<'de>, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Deserialize<'de>
    for Replica<E, K, V>
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (me, sealed, (content, ends)) = Stored::deserialize(deserializer)?.into_parts();
        Ok(Self { me, sealed, content, ends, rules: Rules::default() })
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::RepairGen;

    use super::*;
    use crate::{Hlc, Stamp, WouldLose};

    #[test]
    fn of_two_writes_of_one_register_the_second_may_not_lose_silently() {
        let me = ReplicaId::new(1, 7);
        let stamp = |ms| Stamp::new(RepairGen(0), Hlc::from_parts(ms, 0), Chain::new(me, Lane::Prices));
        let mut replica: Replica<u64, u8, u64> = Replica::new(me);
        let before = replica.clone();
        let change = |first, second| Change {
            write: Vec::from([(1, stamp(first), Some(100)), (1, stamp(second), Some(200))]),
            ..Change::default()
        };
        for (first, second) in [(9, 5), (9, 9)] {
            let refused = RecordError::WouldLose(WouldLose { current: stamp(first) });
            assert_eq!(replica.record(Lane::Prices, change(first, second)), Err(refused));
            assert_eq!(replica, before);
        }
        replica.record(Lane::Prices, change(5, 9)).unwrap();
        assert_eq!(replica.registers().get(&1), Some(&200));
    }

    #[test]
    fn an_incarnation_does_not_begin_twice() {
        let [first, second] = [1, 2].map(|nonce| ReplicaId::new(1, nonce));
        let mut replica: Replica<u64, u8, u64> = Replica::new(first);
        replica.record(Lane::Stock, Change::default()).unwrap();
        let retirement = replica.seal().unwrap();
        assert_eq!(replica.begin(first), Err(UsedBefore(first)));
        assert_eq!(replica.record(Lane::Stock, Change::default()), Err(RecordError::Sealed));
        replica.begin(second).unwrap();
        replica.retire(&retirement);
        let fold = replica.propose_fold().unwrap();
        replica.apply_fold(&fold).unwrap();
        assert_eq!(replica.begin(first), Err(UsedBefore(first)));
        assert_eq!(replica.me(), second);
    }
}

//! Folding: the columns of retired chains become one base, without anybody counting anything twice.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use edgepos_core::{Chain, FoldEpoch, Lane, ReplicaId, Seq};
use thiserror::Error;

use super::base::{Ledger, NextBase};
use super::finals::{Final, Fold, Retirement};
use super::mutant::Mutant;
use super::state::Replica;
use crate::Overflow;
use crate::table::{Rows, add_rows, extend_ledger};

/// Why a committed folding was not applied here.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum FoldError {
    /// This replica is at or beyond it: nothing is to be done.
    #[error("the folding after epoch {parent} is already applied, this replica is at {ours}")]
    AlreadyApplied {
        /// The epoch that the folding follows.
        parent: FoldEpoch,
        /// This replica's epoch.
        ours: FoldEpoch,
    },
    /// Foldings before it are missing: merge a frame of a peer that has them.
    #[error("the folding follows epoch {parent}, this replica is at {ours}")]
    EpochAhead {
        /// The epoch that the folding follows.
        parent: FoldEpoch,
        /// This replica's epoch.
        ours: FoldEpoch,
    },
    /// Another folding follows the same epoch, was committed earlier and waits for rows: this one is void on every terminal.
    #[error("another folding after epoch {parent} was committed first")]
    Superseded {
        /// The epoch that both follow.
        parent: FoldEpoch,
    },
    /// A column is not held exactly up to its final number: merge a frame of a peer that applied the folding.
    #[error("{chain} is held up to {held}, and is folded up to {last}")]
    Incomplete {
        /// The chain that it concerns.
        chain: Chain,
        /// How far it is held.
        held: Seq,
        /// Its final number.
        last: Seq,
    },
    /// The base computed here is another than the one agreed: this replica's state is damaged. Fetch the whole state.
    #[error("the folded rows do not match the agreed hash")]
    BaseHash,
    /// A total of the base would exceed 64 bits.
    #[error(transparent)]
    Overflow(#[from] Overflow),
}

impl<E: Clone, K: Ord + Clone, V: Ord + Clone> Replica<E, K, V> {
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
        let ends = chains.map(|chain| (chain, Final { seq: self.vector.get(chain), written_off }));
        let finals: Vec<_> = ends.filter(|(_, last)| last.seq != Seq::ZERO).collect();
        (!finals.is_empty()).then_some(Retirement { finals })
    }

    /// A retirement was committed. Of two for one chain the first counts, on every terminal.
    pub fn retire(&mut self, retirement: &Retirement) {
        for &(chain, last) in &retirement.finals {
            if !self.folded.contains_key(&chain) {
                self.retired.entry(chain).or_insert(last);
            }
        }
    }

    /// R3: what the leader proposes to fold: each retired chain that it holds exactly up to its end, and each end that stranded
    /// entries amend. Chains whose totals would not fit into the base are left out. `None` when there is nothing.
    pub fn propose_fold(&self) -> Option<Fold> {
        let complete = |(&chain, &last): (&Chain, &Final)| {
            let held = self.vector.get(chain);
            // Of a lost terminal more may have turned up since it was written off.
            let seq = if last.written_off { last.seq.max(held) } else { last.seq };
            let whole = held == seq || self.breaks(Mutant::FoldIncomplete);
            (whole && !self.folded.contains_key(&chain)).then_some((chain, Final { seq, ..last }))
        };
        let mut finals: Vec<(Chain, Final)> = self.retired.iter().filter_map(complete).collect();
        if self.breaks(Mutant::FoldActive) {
            let active = self.vector.iter().filter(|(chain, _)| !self.retired.contains_key(chain));
            let ends = active.map(|(chain, seq)| (chain, Final { seq, written_off: false }));
            finals.extend(ends.filter(|(chain, _)| !self.folded.contains_key(chain)));
        }
        for (&chain, amendment) in &self.stranded {
            let longer = |last: &&Final| amendment.last() > last.seq;
            if let Some(last) = self.folded.get(&chain).filter(longer) {
                finals.push((chain, Final { seq: amendment.last(), written_off: last.written_off }));
            }
        }
        if finals.is_empty() {
            return None;
        }
        finals.sort_unstable_by_key(|&(chain, _)| chain);
        if let Ok(base) = self.next_base(&finals) {
            return Some(Fold { parent: self.epoch, finals, base_hash: base.hash() });
        }
        // A chain whose totals do not fit stays a column, and holds back no other.
        let mut fitting = Vec::new();
        for last in finals {
            fitting.push(last);
            if self.next_base(&fitting).is_err() {
                fitting.pop();
            }
        }
        let base_hash = self.next_base(&fitting).ok().filter(|_| !fitting.is_empty())?.hash();
        Some(Fold { parent: self.epoch, finals: fitting, base_hash })
    }

    /// R4, where nothing needs to be fetched: applies a committed folding. In one disk transaction.
    ///
    /// # Errors
    /// [`FoldError`]. With [`FoldError::Incomplete`] and [`FoldError::EpochAhead`] the folding is remembered, and a peer's frame is to
    /// be asked for; otherwise nothing changed.
    pub fn apply_fold(&mut self, fold: &Fold) -> Result<(), FoldError> {
        let (parent, ours) = (fold.parent, self.epoch);
        if parent < ours {
            return Err(FoldError::AlreadyApplied { parent, ours });
        }
        // The first folding after an epoch counts; one that waits for rows must not be overtaken by another.
        let waits = self.awaited.get(&parent).is_some_and(|awaited| awaited != fold);
        if waits && !self.breaks(Mutant::Overtake) {
            return Err(FoldError::Superseded { parent });
        }
        if parent > ours {
            self.awaited.insert(parent, fold.clone());
            return Err(FoldError::EpochAhead { parent, ours });
        }
        for &(chain, last) in &fold.finals {
            let held = self.vector.get(chain);
            let amended = self.folded.contains_key(&chain)
                && self.stranded.get(&chain).is_some_and(|amendment| amendment.last() == last.seq);
            if held != last.seq && !amended && !self.breaks(Mutant::FoldIncomplete) {
                self.awaited.insert(parent, fold.clone());
                return Err(FoldError::Incomplete { chain, held, last: last.seq });
            }
        }
        let next = self.next_base(&fold.finals)?;
        if next.hash() != fold.base_hash {
            return Err(FoldError::BaseHash);
        }
        let epoch = FoldEpoch(parent.0.saturating_add(1));
        for &(chain, last) in &fold.finals {
            if let Some(amendment) = self.stranded.get(&chain).cloned()
                && self.folded.contains_key(&chain)
            {
                self.join_journal_of(&amendment);
            }
            self.settle(chain, last);
        }
        self.replace_base(&next.stock, &next.points, next.ledgers, epoch);
        self.awaited.retain(|parent, _| *parent >= epoch);
        self.resume_folding();
        Ok(())
    }

    /// Applies the committed folding that follows the epoch just reached, if it waited and nothing is missing any more.
    pub(super) fn resume_folding(&mut self) {
        if let Some(next) = self.awaited.get(&self.epoch).cloned() {
            // When it still lacks rows it goes on waiting.
            let _ = self.apply_fold(&next);
        }
    }

    /// A chain ends here: strands what is held beyond, drops its columns and sets its vector.
    pub(super) fn settle(&mut self, chain: Chain, last: Final) {
        self.strand(chain, last.seq);
        if !self.breaks(Mutant::KeepStaleCols) {
            self.stock.drop_column(chain);
            self.points.drop_column(chain);
        }
        self.vector.set(chain, last.seq);
        self.stock.end_chain(chain, last.seq);
        self.points.end_chain(chain, last.seq);
        self.sales.end_chain(chain, last.seq);
        self.registers.end_chain(chain, last.seq);
        self.retired.remove(&chain);
        self.folded.insert(chain, last);
        if self.stranded.get(&chain).is_some_and(|amendment| amendment.last() <= last.seq) {
            self.stranded.remove(&chain);
        }
    }

    pub(super) fn replace_base(
        &mut self,
        stock: &Rows<2>,
        points: &Rows<1>,
        ledgers: BTreeMap<Chain, Ledger>,
        epoch: FoldEpoch,
    ) {
        self.stock.put_base(stock, epoch);
        self.points.put_base(points, epoch);
        self.ledgers = ledgers;
        self.epoch = epoch;
    }

    fn next_base(&self, finals: &[(Chain, Final)]) -> Result<NextBase, FoldError> {
        let epoch = u64::from(self.epoch.0) + 1;
        let mut stock = self.stock.grid().base_since(FoldEpoch(0)).into_iter().collect();
        let mut points = self.points.grid().base_since(FoldEpoch(0)).into_iter().collect();
        let mut ledgers = self.ledgers.clone();
        for &(chain, last) in finals {
            let (new_stock, new_points) = match self.stranded.get(&chain) {
                Some(amendment) if self.folded.contains_key(&chain) => {
                    let ledger: &mut Ledger = ledgers.entry(chain).or_default();
                    let damaged = |_| FoldError::BaseHash;
                    let stock = extend_ledger(&mut ledger.stock, &amendment.stock).map_err(damaged)?;
                    (stock, extend_ledger(&mut ledger.points, &amendment.points).map_err(damaged)?)
                }
                _ => {
                    let column = self.stock.grid().column_rows(chain);
                    (column, self.points.grid().column_rows(chain))
                }
            };
            add_rows(&mut stock, &new_stock, epoch)?;
            add_rows(&mut points, &new_points, epoch)?;
            if last.written_off && !self.folded.contains_key(&chain) {
                ledgers.insert(chain, Ledger { stock: new_stock, points: new_points });
            }
        }
        Ok(NextBase { stock: stock.into_iter().collect(), points: points.into_iter().collect(), ledgers })
    }

    /// SHA-256 of the folded rows and ledgers: equal on every terminal of one epoch. After a frame brought a folding, compare it with
    /// the [`Fold`] that was committed.
    pub fn base_hash(&self) -> [u8; 32] {
        NextBase {
            stock: self.stock.grid().base_since(FoldEpoch(0)),
            points: self.points.grid().base_since(FoldEpoch(0)),
            ledgers: self.ledgers.clone(),
        }
        .hash()
    }
}

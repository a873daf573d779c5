//! Folding: the columns of retired chains become one base, without anybody counting anything twice.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use edgepos_core::{Chain, FoldEpoch, Seq};
use thiserror::Error;

use super::amend::Amendment;
use super::base::{Ledger, NextBase};
use super::content::Content;
use super::finals::{Final, Fold, Retirement};
use super::mutant::{Mutant, Rules};
use crate::table::{add_rows, extend_ledger};
use crate::{MergeError, Overflow};

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

/// Where chains end, what is folded of them, and what waits to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Ends<E, K, V> {
    epoch: FoldEpoch,
    /// What is folded, with the final numbers.
    folded: BTreeMap<Chain, Final>,
    /// What the store agreed to retire and nobody folded yet.
    retired: BTreeMap<Chain, Final>,
    /// The columns that were folded of written-off chains, in case that more of them turns up.
    ledgers: BTreeMap<Chain, Ledger>,
    /// What is held here of written-off chains beyond their final numbers.
    stranded: BTreeMap<Chain, Amendment<E, K, V>>,
    /// Committed foldings that wait for a peer's frame, by the epoch that they follow.
    awaited: BTreeMap<FoldEpoch, Fold>,
}

impl<E, K, V> Ends<E, K, V> {
    /// Nothing has ended.
    pub(super) fn new() -> Self {
        Self {
            epoch: FoldEpoch(0),
            folded: BTreeMap::new(),
            retired: BTreeMap::new(),
            ledgers: BTreeMap::new(),
            stranded: BTreeMap::new(),
            awaited: BTreeMap::new(),
        }
    }

    /// Of what was on disk.
    pub(super) fn of(
        epoch: FoldEpoch,
        folded: BTreeMap<Chain, Final>,
        retired: BTreeMap<Chain, Final>,
        ledgers: BTreeMap<Chain, Ledger>,
        stranded: BTreeMap<Chain, Amendment<E, K, V>>,
        awaited: BTreeMap<FoldEpoch, Fold>,
    ) -> Self {
        Self { epoch, folded, retired, ledgers, stranded, awaited }
    }

    /// How many foldings the base has seen.
    pub(super) const fn epoch(&self) -> FoldEpoch {
        self.epoch
    }

    /// Each folded chain with its final number.
    pub(super) const fn folded(&self) -> &BTreeMap<Chain, Final> {
        &self.folded
    }

    /// Whether a chain is folded.
    pub(super) fn is_folded(&self, chain: Chain) -> bool {
        self.folded.contains_key(&chain)
    }

    /// Whether the store agreed that a chain has ended.
    pub(super) fn has_ended(&self, chain: Chain) -> bool {
        self.is_folded(chain) || self.retired.contains_key(&chain)
    }

    /// The columns that were folded of written-off chains.
    pub(super) const fn ledgers(&self) -> &BTreeMap<Chain, Ledger> {
        &self.ledgers
    }

    /// What the store agreed to retire and nobody folded yet.
    pub(super) const fn retired(&self) -> &BTreeMap<Chain, Final> {
        &self.retired
    }

    /// What is held of written-off chains beyond their ends.
    pub(super) const fn stranded(&self) -> &BTreeMap<Chain, Amendment<E, K, V>> {
        &self.stranded
    }

    /// Committed foldings that wait.
    pub(super) const fn awaited(&self) -> &BTreeMap<FoldEpoch, Fold> {
        &self.awaited
    }

    /// A retirement was committed. Of two for one chain the first counts, on every terminal.
    pub(super) fn retire(&mut self, retirement: &Retirement) {
        for &(chain, last) in &retirement.finals {
            if !self.folded.contains_key(&chain) {
                self.retired.entry(chain).or_insert(last);
            }
        }
    }
}

impl<E: Clone, K: Ord + Clone, V: Ord + Clone> Ends<E, K, V> {
    /// The leader takes over what another terminal holds beyond the end of a written-off chain.
    pub(super) fn absorb(
        &mut self,
        content: &Content<E, K, V>,
        amendment: &Amendment<E, K, V>,
    ) -> Result<(), MergeError> {
        amendment.check().map_err(MergeError::Corrupt)?;
        let chain = amendment.chain;
        let Some(known) = self.folded.get(&chain).filter(|known| known.written_off) else {
            return Err(MergeError::Gap {
                chain,
                held: content.vector().get(chain),
                needed: amendment.after,
            });
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

    /// R3: what the leader proposes to fold: each retired chain that it holds exactly up to its end, and each end that stranded
    /// entries amend. Chains whose totals would not fit into the base are left out. `None` when there is nothing.
    pub(super) fn propose(&self, content: &Content<E, K, V>, rules: Rules) -> Option<Fold> {
        let complete = |(&chain, &last): (&Chain, &Final)| {
            let held = content.vector().get(chain);
            // Of a lost terminal more may have turned up since it was written off.
            let seq = if last.written_off { last.seq.max(held) } else { last.seq };
            let whole = held == seq || rules.breaks(Mutant::FoldIncomplete);
            (whole && !self.folded.contains_key(&chain)).then_some((chain, Final { seq, ..last }))
        };
        let mut finals: Vec<(Chain, Final)> = self.retired.iter().filter_map(complete).collect();
        if rules.breaks(Mutant::FoldActive) {
            let active = content.vector().iter().filter(|(chain, _)| !self.retired.contains_key(chain));
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
        if let Ok(base) = self.next_base(content, &finals) {
            return Some(Fold { parent: self.epoch, finals, base_hash: base.hash() });
        }
        // A chain whose totals do not fit stays a column, and holds back no other.
        let mut fitting = Vec::new();
        for last in finals {
            fitting.push(last);
            if self.next_base(content, &fitting).is_err() {
                fitting.pop();
            }
        }
        let base_hash = self.next_base(content, &fitting).ok().filter(|_| !fitting.is_empty())?.hash();
        Some(Fold { parent: self.epoch, finals: fitting, base_hash })
    }

    /// R4, where nothing needs to be fetched: applies a committed folding. In one disk transaction.
    ///
    /// # Errors
    /// [`FoldError`]. With [`FoldError::Incomplete`] and [`FoldError::EpochAhead`] the folding is remembered, and a peer's frame is to
    /// be asked for; otherwise nothing changed.
    pub(super) fn apply(
        &mut self,
        content: &mut Content<E, K, V>,
        fold: &Fold,
        rules: Rules,
    ) -> Result<(), FoldError> {
        let (parent, ours) = (fold.parent, self.epoch);
        if parent < ours {
            return Err(FoldError::AlreadyApplied { parent, ours });
        }
        // The first folding after an epoch counts; one that waits for rows must not be overtaken by another.
        let waits = self.awaited.get(&parent).is_some_and(|awaited| awaited != fold);
        if waits && !rules.breaks(Mutant::Overtake) {
            return Err(FoldError::Superseded { parent });
        }
        if parent > ours {
            self.awaited.insert(parent, fold.clone());
            return Err(FoldError::EpochAhead { parent, ours });
        }
        for &(chain, last) in &fold.finals {
            let held = content.vector().get(chain);
            let amended = self.folded.contains_key(&chain)
                && self.stranded.get(&chain).is_some_and(|amendment| amendment.last() == last.seq);
            if held != last.seq && !amended && !rules.breaks(Mutant::FoldIncomplete) {
                self.awaited.insert(parent, fold.clone());
                return Err(FoldError::Incomplete { chain, held, last: last.seq });
            }
        }
        let next = self.next_base(content, &fold.finals)?;
        if next.hash() != fold.base_hash {
            return Err(FoldError::BaseHash);
        }
        let epoch = FoldEpoch(parent.0.saturating_add(1));
        for &(chain, last) in &fold.finals {
            if let Some(amendment) = self.stranded.get(&chain).cloned()
                && self.folded.contains_key(&chain)
            {
                content.join_journal_of(&amendment);
            }
            self.settle(content, chain, last, rules);
        }
        self.replace_base(content, next, epoch);
        self.awaited.retain(|parent, _| *parent >= epoch);
        self.resume(content, rules);
        Ok(())
    }

    /// Applies the committed folding that follows the epoch just reached, if it waited and nothing is missing any more.
    fn resume(&mut self, content: &mut Content<E, K, V>, rules: Rules) {
        if let Some(next) = self.awaited.get(&self.epoch).cloned() {
            // When it still lacks rows it goes on waiting.
            let _ = self.apply(content, &next, rules);
        }
    }

    /// Takes over what a peer of a later epoch has folded.
    pub(super) fn adopt(
        &mut self,
        content: &mut Content<E, K, V>,
        folded: &BTreeMap<Chain, Final>,
        base: NextBase,
        epoch: FoldEpoch,
        rules: Rules,
    ) {
        for (&chain, &last) in folded {
            if self.folded.get(&chain) != Some(&last) {
                self.settle(content, chain, last, rules);
            }
        }
        self.replace_base(content, base, epoch);
    }

    /// Compares the base with the folding that led to this epoch, where it is known, and goes on with what waited for it.
    pub(super) fn check_agreed(&mut self, content: &mut Content<E, K, V>, rules: Rules) -> Option<bool> {
        let parent = FoldEpoch(self.epoch.0.saturating_sub(1));
        let agreed = self.awaited.get(&parent).map(|fold| fold.base_hash == self.base_hash(content));
        let epoch = self.epoch;
        self.awaited.retain(|parent, _| *parent >= epoch);
        self.resume(content, rules);
        agreed
    }

    /// A chain ends here: strands what is held beyond, drops its columns and sets its vector.
    fn settle(&mut self, content: &mut Content<E, K, V>, chain: Chain, last: Final, rules: Rules) {
        let beyond = content.split_after(chain, last.seq);
        if let Some(amendment) = beyond.filter(|_| !rules.breaks(Mutant::DropStranded)) {
            self.stranded.insert(chain, amendment);
        }
        content.end_chain(chain, last.seq, rules.breaks(Mutant::KeepStaleCols));
        self.retired.remove(&chain);
        self.folded.insert(chain, last);
        if self.stranded.get(&chain).is_some_and(|amendment| amendment.last() <= last.seq) {
            self.stranded.remove(&chain);
        }
    }

    fn replace_base(&mut self, content: &mut Content<E, K, V>, base: NextBase, epoch: FoldEpoch) {
        content.put_base(&base.stock, &base.points, epoch);
        self.ledgers = base.ledgers;
        self.epoch = epoch;
    }

    fn next_base(
        &self,
        content: &Content<E, K, V>,
        finals: &[(Chain, Final)],
    ) -> Result<NextBase, FoldError> {
        let epoch = u64::from(self.epoch.0) + 1;
        let (stock, points) = content.base_since(FoldEpoch(0));
        let (mut stock, mut points) = (stock.into_iter().collect(), points.into_iter().collect());
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
                    let column = content.column(chain);
                    (column.stock, column.points)
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

    /// SHA-256 of the folded rows and ledgers: equal on every terminal of one epoch.
    pub(super) fn base_hash(&self, content: &Content<E, K, V>) -> [u8; 32] {
        let (stock, points) = content.base_since(FoldEpoch(0));
        NextBase { stock, points, ledgers: self.ledgers.clone() }.hash()
    }
}

//! The rules of folding as switches, so that the crate's own checkers can break each one and must notice.

/// A rule that is broken on purpose. Outside the crate's tests none ever is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(not(test), allow(dead_code))]
pub(crate) enum Mutant {
    /// Folds a chain that is not sealed.
    FoldActive,
    /// Folds a column that is not complete.
    FoldIncomplete,
    /// Takes entries of a folded chain.
    AcceptFolded,
    /// Takes a frame of a later epoch without its checkpoint.
    JoinAhead,
    /// Goes on under the old incarnation after a disk was restored.
    ReuseInc,
    /// Takes a delta that starts ahead of what is held.
    NoFromCheck,
    /// Keeps folded columns beside the new base.
    KeepStaleCols,
    /// Writes on after the seal.
    SellAfterSeal,
    /// A write-off forgets entries that a holder still has.
    DropStranded,
    /// Raises the vector to the final number without the folded chain's set elements.
    EpochSkipsTx,
    /// Raises the vector to the final number without the folded chain's registers.
    EpochSkipsRegisters,
    /// Leaves the folded chains' events out of what a late peer is sent.
    AckSkipsFolded,
    /// Forgets a committed folding that waits for rows, so that a later one of the same epoch overtakes it.
    Overtake,
}

impl Mutant {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 13] = [
        Self::FoldActive,
        Self::FoldIncomplete,
        Self::AcceptFolded,
        Self::JoinAhead,
        Self::ReuseInc,
        Self::NoFromCheck,
        Self::KeepStaleCols,
        Self::SellAfterSeal,
        Self::DropStranded,
        Self::EpochSkipsTx,
        Self::EpochSkipsRegisters,
        Self::AckSkipsFolded,
        Self::Overtake,
    ];
}

/// The rules that hold: all of them, but for the one that a checker breaks.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Rules {
    #[cfg(test)]
    broken: Option<Mutant>,
}

impl Rules {
    #[cfg(test)]
    pub(super) const fn but(broken: Option<Mutant>) -> Self {
        Self { broken }
    }

    /// Whether this rule is broken on purpose.
    #[cfg(test)]
    pub(super) fn breaks(self, rule: Mutant) -> bool {
        self.broken == Some(rule)
    }

    #[cfg(not(test))]
    pub(super) const fn breaks(self, _: Mutant) -> bool {
        false
    }
}

//! Branches of other terminals' chains that lost against another history: they are taken out once every write of the chain is durable.

use std::collections::BTreeMap;

use edgepos_core::Chain;

use crate::author::Parting;
use crate::io::Witness;
use crate::log::Log;

/// For each chain that lost the last position that both histories have. There are no more than chains that are held.
#[derive(Debug, Default)]
pub(crate) struct Losing {
    partings: BTreeMap<Chain, Lost>,
}

/// Where a branch parts from the history that is kept.
#[derive(Clone, Copy, Debug)]
struct Lost {
    parting: Parting,
    /// Whether a witness has another history behind it; if not, it follows from what was written again alone.
    witnessed: bool,
}

impl Losing {
    /// What is held of the chain behind the parting lost: `witness` has another history. Where there is none it was written again
    /// elsewhere, and stays if the cloud has it. The earliest parting counts.
    pub(crate) fn note(&mut self, log: &Log, chain: Chain, parting: Parting, witness: Option<Witness>) {
        let lost = Lost { parting, witnessed: witness.is_some() };
        if chain.replica.is_store() || parting.seq >= log.end(chain).seq || lost.stays(log, chain) {
            return;
        }
        let known = self.partings.entry(chain).or_insert(lost);
        if parting.seq < known.parting.seq {
            known.parting = parting;
        }
        known.witnessed |= lost.witnessed;
    }

    /// Whether one can be taken out.
    pub(crate) fn is_due(&self, log: &Log) -> bool {
        self.partings.iter().any(|(chain, lost)| is_settled(log, *chain) && !lost.stays(log, *chain))
    }

    /// Those that can be taken out.
    pub(crate) fn take_due(&mut self, log: &Log) -> BTreeMap<Chain, Parting> {
        // It may have been proved meanwhile.
        self.partings.retain(|chain, lost| !lost.stays(log, *chain));
        let (due, left): (BTreeMap<_, _>, _) =
            std::mem::take(&mut self.partings).into_iter().partition(|(chain, _)| is_settled(log, *chain));
        self.partings = left;
        due.into_iter().map(|(chain, lost)| (chain, lost.parting)).collect()
    }
}

impl Lost {
    /// Whether the cloud is proved to hold what is held here behind the parting, and nobody has shown another history.
    fn stays(&self, log: &Log, chain: Chain) -> bool {
        !self.witnessed && log.cloud().get(chain) > self.parting.seq
    }
}

/// Nothing of the chain is on its way to the disk, and none of it is being taken out.
fn is_settled(log: &Log, chain: Chain) -> bool {
    log.durable().get(chain) == log.accepted().get(chain) && !log.is_being_rewritten(chain)
}

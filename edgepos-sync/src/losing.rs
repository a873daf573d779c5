//! Branches of other terminals' chains that lost against another history: they are taken out once every write of the chain is durable.

use std::collections::BTreeMap;

use edgepos_core::Chain;

use crate::author::Parting;
use crate::log::Log;

/// For each chain that lost the last position that both histories have. There are no more than chains that are held.
#[derive(Debug, Default)]
pub(crate) struct Losing {
    partings: BTreeMap<Chain, Parting>,
}

impl Losing {
    /// What is held of the chain behind the parting lost, unless the cloud has it. The earliest parting counts.
    pub(crate) fn note(&mut self, log: &Log, chain: Chain, parting: Parting) {
        if chain.replica.is_store() || parting.seq >= log.end(chain).seq || stays(log, chain, parting) {
            return;
        }
        let known = self.partings.entry(chain).or_insert(parting);
        if parting.seq < known.seq {
            *known = parting;
        }
    }

    /// Whether one can be taken out.
    pub(crate) fn is_due(&self, log: &Log) -> bool {
        self.partings.keys().any(|chain| is_settled(log, *chain))
    }

    /// Those that can be taken out.
    pub(crate) fn take_due(&mut self, log: &Log) -> BTreeMap<Chain, Parting> {
        // It may have been proved meanwhile.
        self.partings.retain(|chain, parting| !stays(log, *chain, *parting));
        let (due, left) =
            std::mem::take(&mut self.partings).into_iter().partition(|(chain, _)| is_settled(log, *chain));
        self.partings = left;
        due
    }
}

/// Whether the cloud is proved to hold what is held here behind the parting: it decides then, whoever says otherwise.
fn stays(log: &Log, chain: Chain, parting: Parting) -> bool {
    log.cloud().get(chain) > parting.seq
}

/// Nothing of the chain is on its way to the disk, and none of it is being taken out.
fn is_settled(log: &Log, chain: Chain) -> bool {
    log.durable().get(chain) == log.accepted().get(chain) && !log.is_being_rewritten(chain)
}

//! Hashes of the latest positions of each chain, so that most claims are judged without a read.

use std::collections::{BTreeMap, VecDeque};

use edgepos_core::{Chain, EventId, Seq};

use crate::event::Hash;

/// Positions that are kept of a chain.
const MAX_POSITIONS: usize = 64;
/// Chains of which positions are kept. Beyond it everything is forgotten and begun again: a claim is read from disk then.
const MAX_CHAINS: usize = 256;

/// Positions passed since the start, without gaps in each chain.
#[derive(Debug, Default)]
pub(super) struct Recent {
    chains: BTreeMap<Chain, VecDeque<(Seq, Hash)>>,
}

impl Recent {
    /// The chain has this hash after the event.
    pub(super) fn note(&mut self, id: EventId, hash: Hash) {
        if self.chains.len() >= MAX_CHAINS && !self.chains.contains_key(&id.chain) {
            self.chains.clear();
        }
        let positions = self.chains.entry(id.chain).or_default();
        if positions.len() == MAX_POSITIONS {
            positions.pop_front();
        }
        positions.push_back((id.seq, hash));
    }

    /// Nothing is known of the chain any more.
    pub(super) fn forget(&mut self, chain: Chain) {
        self.chains.remove(&chain);
    }

    /// The hash at a position, where it is still kept.
    pub(super) fn get(&self, chain: Chain, seq: Seq) -> Option<Hash> {
        let positions = self.chains.get(&chain)?;
        let first = positions.front()?.0;
        let at = usize::try_from(seq.0.checked_sub(first.0)?).ok()?;
        positions.get(at).map(|(_, hash)| *hash)
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Lane, ReplicaId};

    use super::*;

    fn chain(terminal: u16) -> Chain {
        Chain::new(ReplicaId::new(terminal, 1), Lane::Stock)
    }

    #[test]
    fn the_latest_positions_are_known_and_no_others() {
        let mut recent = Recent::default();
        for seq in 10..100u64 {
            recent.note(EventId::new(chain(1), Seq(seq)), Hash([seq as u8; 32]));
        }
        assert_eq!(recent.get(chain(1), Seq(99)), Some(Hash([99; 32])));
        assert_eq!(recent.get(chain(1), Seq(36)), Some(Hash([36; 32])));
        for seq in [0, 9, 35, 100, u64::MAX] {
            assert_eq!(recent.get(chain(1), Seq(seq)), None, "{seq}");
        }
    }

    #[test]
    fn the_number_of_chains_is_bounded() {
        let mut recent = Recent::default();
        for terminal in 1..2_000 {
            recent.note(EventId::new(chain(terminal), Seq(1)), Hash::ZERO);
            assert!(recent.chains.len() <= MAX_CHAINS);
        }
    }
}

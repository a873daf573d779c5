//! What the two ends of a connection agreed on, so that a delta can name it shortly.

use alloc::vec::Vec;

use edgepos_core::{Chain, Seq};
use serde::{Deserialize, Serialize};

use crate::wire::{Reader, Wire, Writer};
use crate::{Corruption, VersionVector, WireError};

/// The chains that both ends named in their greeting, and the vector that the receiver acknowledged last.
///
/// A chain then takes one byte instead of nine and the start of a delta four bytes of a digest; ends that disagree notice it and use
/// the self-contained form. A number in the list is no identity: it is worth nothing outside this session.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Session {
    chains: Vec<Chain>,
    acknowledged: VersionVector,
}

impl Session {
    /// The most chains that a session can number.
    pub const MAX_CHAINS: usize = 256;

    /// Of the chains named in the greeting, in any order, and the acknowledged vector. Chains beyond the 256 lowest are left out:
    /// deltas that need them take the self-contained form.
    pub fn new(chains: impl IntoIterator<Item = Chain>, acknowledged: VersionVector) -> Self {
        let mut chains: Vec<Chain> = chains.into_iter().collect();
        chains.sort_unstable();
        chains.dedup();
        chains.truncate(Self::MAX_CHAINS);
        Self { chains, acknowledged }
    }

    /// Both ends call this when an acknowledgement went through.
    pub fn acknowledge(&mut self, vector: &VersionVector) {
        self.acknowledged.join(vector);
    }

    /// The vector that the receiver acknowledged last.
    pub fn acknowledged(&self) -> &VersionVector {
        &self.acknowledged
    }

    pub(crate) fn slot(&self, chain: Chain) -> Option<u8> {
        self.chains.binary_search(&chain).ok().and_then(|at| u8::try_from(at).ok())
    }

    pub(crate) fn chain(&self, slot: u8) -> Result<Chain, WireError> {
        self.chains.get(usize::from(slot)).copied().ok_or(WireError::Number)
    }

    fn digest(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.acknowledged.content_hash();
        [a, b, c, d]
    }

    /// The digest of `from`, then how far each chain is raised above it.
    pub(crate) fn write_interval(
        &self,
        from: &VersionVector,
        to: &VersionVector,
        out: &mut Writer,
    ) -> Option<()> {
        if *from != self.acknowledged {
            return None;
        }
        out.raw(&self.digest());
        let raised = || to.iter().filter(|&(chain, seq)| seq > from.get(chain));
        out.number(raised().count() as u64);
        for (chain, seq) in raised() {
            out.byte(self.slot(chain)?);
            out.number(seq.0 - from.get(chain).0);
        }
        Some(())
    }

    pub(crate) fn read_interval(
        &self,
        input: &mut Reader<'_>,
    ) -> Result<(VersionVector, VersionVector), WireError> {
        if input.raw(4)? != self.digest() {
            return Err(WireError::OtherBase);
        }
        let from = self.acknowledged.clone();
        let mut to = from.clone();
        let mut last = None;
        for _ in 0..input.length(2)? {
            let chain = self.chain(input.byte()?)?;
            if last.is_some_and(|last| chain <= last) {
                return Err(Corruption::Order.into());
            }
            last = Some(chain);
            let step = input.number()?;
            let seq = from.get(chain).0.checked_add(step).ok_or(WireError::Number)?;
            if step == 0 {
                return Err(WireError::Number);
            }
            to.set_max(chain, Seq(seq));
        }
        Ok((from, to))
    }
}

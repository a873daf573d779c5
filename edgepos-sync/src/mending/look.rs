//! A piece of a chain that is read to be examined.

use edgepos_core::{Chain, EventId, LoadId, Seq};

use super::examine::{Finding, Piece};
use crate::event::Hash;
use crate::log::{Held, Log};
use crate::turn::Turn;

/// From where to where it is read, and what is known of both ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    chain: Chain,
    first: Seq,
    before: Option<Hash>,
    end: (Seq, Hash),
    max_bytes: u32,
}

impl Look {
    pub(super) fn chain(&self) -> Chain {
        self.chain
    }

    /// The last position of the chain that is durable.
    pub(super) fn end(&self) -> Seq {
        self.end.0
    }

    /// `None`: nothing of it is durable, or what the end must be is not at hand.
    pub(super) fn new(
        log: &Log,
        chain: Chain,
        first: Seq,
        before: Option<Hash>,
        max_bytes: u32,
    ) -> Option<Self> {
        let durable = log.durable().get(chain);
        let Held::At(hash) = log.hash_at(chain, durable) else { return None };
        (first <= durable && !log.is_being_rewritten(chain)).then_some(Self {
            chain,
            first,
            before,
            end: (durable, hash),
            max_bytes,
        })
    }

    pub(super) fn read(&self, turn: &mut Turn<'_>) -> LoadId {
        let [from, to] = [self.first, self.end.0].map(|seq| EventId::new(self.chain, seq));
        turn.out.read(from, to, self.max_bytes)
    }

    /// `None`: the chain was taken back meanwhile.
    pub(super) fn examine(&self, log: &Log, rows: &[(Vec<u8>, Vec<u8>)]) -> Option<Finding> {
        let Self { chain, first, before, end, max_bytes } = *self;
        if log.durable().get(chain) < end.0 || log.is_being_rewritten(chain) {
            return None;
        }
        let bytes: usize = rows.iter().map(|(key, value)| key.len() + value.len()).sum();
        let last = EventId::new(chain, end.0).to_key();
        let is_whole = bytes < max_bytes as usize
            || rows.last().is_some_and(|(key, _)| key.as_slice() >= last.as_slice());
        let gaps = log.damage().gaps_above(chain, Seq(first.0 - 1));
        let pruned_up_to = log.cloud().get(chain);
        Some(Piece { chain, first, rows, before, end, is_whole, gaps: &gaps, pruned_up_to }.examine())
    }
}

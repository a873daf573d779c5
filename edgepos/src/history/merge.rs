//! Several chains as one sequence, in the order of their hybrid logical clocks.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use edgepos_core::{Chain, EventId, Seq};
use edgepos_crdt::{Hlc, VersionVector};

use super::stored::{HistoryError, StoredEvent, load};
use crate::node::Node;
use crate::retail::envelope::Envelope;

/// Bytes that are read of one chain at a time: most and least.
const PIECE: (u32, u32) = (256 << 10, 4 << 10);
/// Bytes that are read ahead of all chains together, about.
const ALL_PIECES: u32 = 8 << 20;

/// Reads chains a piece at a time and hands their events out, the oldest first.
pub(super) struct Merge {
    chains: BTreeMap<Chain, Source>,
    /// The next event of each chain that has one.
    heads: BinaryHeap<Reverse<(Hlc, Chain)>>,
    /// Chains whose next event is to be looked for: all at first, then the one that gave the last event.
    open: Vec<Chain>,
    piece: u32,
}

/// One chain: what was read of it, and up to where it is read.
struct Source {
    read: VecDeque<StoredEvent>,
    next: u64,
    last: u64,
}

impl Merge {
    /// What is above `cursor` and not above `durable`.
    pub(super) fn new(cursor: &VersionVector, durable: &VersionVector) -> Self {
        let chains: BTreeMap<_, _> = durable
            .iter()
            .filter(|(chain, last)| *last > cursor.get(*chain))
            .map(|(chain, Seq(last))| {
                (chain, Source { read: VecDeque::new(), next: cursor.get(chain).0 + 1, last })
            })
            .collect();
        let share = ALL_PIECES / u32::try_from(chains.len().max(1)).unwrap_or(u32::MAX);
        let open = chains.keys().copied().collect();
        Self { chains, heads: BinaryHeap::new(), open, piece: share.clamp(PIECE.1, PIECE.0) }
    }

    pub(super) async fn next(&mut self, node: &Node) -> Result<Option<StoredEvent>, HistoryError> {
        while let Some(chain) = self.open.pop() {
            self.offer(node, chain).await?;
        }
        let Some(Reverse((_, chain))) = self.heads.pop() else { return Ok(None) };
        let source = self.chains.get_mut(&chain).expect("a head is of a chain that is read");
        self.open.push(chain);
        Ok(source.read.pop_front())
    }

    /// Makes the chain's next event a head, where it has one.
    async fn offer(&mut self, node: &Node, chain: Chain) -> Result<(), HistoryError> {
        let source = self.chains.get_mut(&chain).expect("only chains that are read are offered");
        if source.read.is_empty() && source.next <= source.last {
            source.refill(node, chain, self.piece).await?;
        }
        if let Some(event) = source.read.front() {
            let stamp = event.envelope.as_ref().map_or(Hlc(0), Envelope::hlc);
            self.heads.push(Reverse((stamp, chain)));
        }
        Ok(())
    }
}

impl Source {
    /// Reads the next piece. Rows come one behind the other: one that is left out is missing.
    async fn refill(&mut self, node: &Node, chain: Chain, piece: u32) -> Result<(), HistoryError> {
        let rows = node.rows(load(chain, self.next, self.last, piece)).await?;
        for (key, value) in rows {
            let event = StoredEvent::from_row(&key, &value);
            let Some(event) = event.filter(|event| event.id.seq.0 == self.next) else { break };
            self.next += 1;
            self.read.push_back(event);
        }
        if self.read.is_empty() {
            return Err(HistoryError::Missing { id: EventId::new(chain, Seq(self.next)) });
        }
        Ok(())
    }
}

//! Several chains as one sequence from their ends back, the newest first.

use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use edgepos_core::{Chain, EventId, Seq};
use edgepos_crdt::{Hlc, VersionVector};

use super::stored::{HistoryError, StoredEvent, load};
use crate::node::Node;

/// Events that are read of a chain at a time: what the store's thread does between two sales.
pub(super) const SLICE: u64 = 64;
/// Bytes after which a read ends, so that a slice of large events is several reads.
const SLICE_BYTES: u32 = 256 << 10;

/// Reads chains a slice at a time and hands their events out, the newest first.
pub(super) struct Backwards {
    chains: BTreeMap<Chain, Source>,
    /// The last event of each chain that is not handed out.
    heads: BinaryHeap<(Hlc, Chain)>,
    /// Chains whose last event is to be looked for: all at first, then the one that gave the last event.
    open: Vec<Chain>,
}

/// One chain: what was read of it, by rising position, and up to where it is not read.
struct Source {
    read: VecDeque<StoredEvent>,
    unread: u64,
}

impl Backwards {
    /// What is at and below these positions.
    pub(super) fn new(end: &VersionVector) -> Self {
        let chains: BTreeMap<_, _> = end
            .iter()
            .map(|(chain, Seq(last))| (chain, Source { read: VecDeque::new(), unread: last }))
            .collect();
        let open = chains.keys().copied().collect();
        Self { chains, heads: BinaryHeap::new(), open }
    }

    pub(super) async fn next(&mut self, node: &Node) -> Result<Option<StoredEvent>, HistoryError> {
        while let Some(chain) = self.open.pop() {
            self.offer(node, chain).await?;
        }
        let Some((_, chain)) = self.heads.pop() else { return Ok(None) };
        let source = self.chains.get_mut(&chain).expect("a head is of a chain that is read");
        self.open.push(chain);
        Ok(source.read.pop_back())
    }

    /// Nothing more is wanted of a chain.
    pub(super) fn close(&mut self, chain: Chain) {
        if let Some(source) = self.chains.get_mut(&chain) {
            *source = Source { read: VecDeque::new(), unread: 0 };
        }
    }

    /// What was not handed out: its last position of each chain. Empty once everything was.
    pub(super) fn left(&self) -> VersionVector {
        let last = |source: &Source| source.read.back().map_or(Seq(source.unread), |event| event.id.seq);
        self.chains
            .iter()
            .map(|(chain, source)| (*chain, last(source)))
            .filter(|(_, seq)| seq.0 > 0)
            .collect()
    }

    /// Makes the chain's last event a head, where it has one.
    async fn offer(&mut self, node: &Node, chain: Chain) -> Result<(), HistoryError> {
        let source = self.chains.get_mut(&chain).expect("only chains that are read are offered");
        while source.read.is_empty() && source.unread > 0 {
            source.refill(node, chain).await?;
        }
        if let Some(event) = source.read.back() {
            // What has no stamp holds up nothing behind it.
            let stamp = event.envelope.as_ref().map_or(Hlc(u64::MAX), |envelope| envelope.hlc());
            self.heads.push((stamp, chain));
        }
        Ok(())
    }
}

impl Source {
    /// Reads the slice before what is read. Events that are not there are left out: they are pruned.
    async fn refill(&mut self, node: &Node, chain: Chain) -> Result<(), HistoryError> {
        let (first, last) = (self.unread.saturating_sub(SLICE - 1).max(1), self.unread);
        let mut from = first;
        while from <= last {
            let rows = node.rows(load(chain, from, last, SLICE_BYTES)).await?;
            // The key says how far the rows go: a row that does not parse hides no other.
            let Some(reached) = rows.last().and_then(|(key, _)| EventId::from_key(key)) else { break };
            from = reached.seq.0 + 1;
            self.read.extend(rows.iter().filter_map(|(key, value)| StoredEvent::from_row(key, value)));
        }
        self.unread = first - 1;
        if self.read.is_empty() && self.unread > 0 {
            let before = node.rows(load(chain, 1, self.unread, 1)).await?;
            if before.is_empty() {
                self.unread = 0;
            }
        }
        Ok(())
    }
}

//! Events of one run that are linked and not taken in yet.

use std::collections::VecDeque;

use edgepos_core::{Chain, Seq};

use crate::event::Hash;
use crate::wire::batch::Link;

/// What a run has above a position of its chain, all of which leads to the run's head.
#[derive(Debug)]
pub(crate) struct Linked {
    chain: Chain,
    /// The position and the hash on which the next of them follows.
    before: (Seq, Hash),
    links: VecDeque<Link>,
}

impl Linked {
    /// Links that follow on this position of the chain, with this hash.
    pub(super) fn new(chain: Chain, before: (Seq, Hash), links: Vec<Link>) -> Self {
        Self { chain, before, links: links.into() }
    }

    pub(crate) fn chain(&self) -> Chain {
        self.chain
    }

    /// Whether all were taken.
    pub(crate) fn is_done(&self) -> bool {
        self.links.is_empty()
    }

    /// On what the next one follows.
    pub(super) fn before(&self) -> (Seq, Hash) {
        self.before
    }

    /// The next one.
    pub(super) fn pop(&mut self) -> Option<Link> {
        let link = self.links.pop_front()?;
        self.before = match &link {
            Link::Event(record, hash) => (record.id.seq, *hash),
            Link::Lost(gap) => (gap.last, gap.hash),
        };
        Some(link)
    }
}

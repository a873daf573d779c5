//! Somebody who is sent events, a peer or the cloud: what it holds, what it shall hold, and what is kept from it.

use std::collections::{BTreeMap, BTreeSet};

use edgepos_core::{Chain, ReplicaId, Seq};
use edgepos_crdt::VersionVector;

use crate::config::Config;
use crate::gather::{Budget, Fault, Gather};
use crate::io::Notice;
use crate::log::Log;
use crate::outputs::Outputs;
use crate::wire::batch::Batch;

/// One receiver of events. It is behind as long as it lacks something of its goal.
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    /// What it holds durably, as far as we know.
    held: VersionVector,
    /// What it shall hold before sending rests until the next flush.
    goal: VersionVector,
    /// Chains that are not sent to it: it does not take them, or ours is damaged.
    apart: BTreeSet<Chain>,
    /// Chains of which it lacks what is pruned here, and the first position that is there: they go on once it has from elsewhere what is
    /// before that.
    pruned: BTreeMap<Chain, Seq>,
    /// Chains of which it holds another history, as it says: until it says otherwise they are not sent to it.
    disputed: BTreeSet<Chain>,
    /// Whether it takes gaps: it has said so.
    takes_gaps: bool,
    /// The chain that came last in the latest batch: the next one begins behind it.
    after: Option<Chain>,
}

/// How far the reading of a batch has come.
pub(crate) enum Reading {
    /// Rows were asked for.
    On(Box<Gather>),
    /// Nothing is left to read.
    Done {
        /// What was read, perhaps nothing.
        batch: Batch,
        /// For each chain of which it lacks pruned events, the first position that is there.
        pruned: BTreeMap<Chain, Seq>,
    },
}

impl Receiver {
    /// One of which nothing is known but what it holds.
    pub(crate) fn holding(held: VersionVector) -> Self {
        Self { held, ..Self::default() }
    }

    pub(crate) fn held(&self) -> &VersionVector {
        &self.held
    }

    /// What it holds, said by itself: more than what was known, or less.
    pub(crate) fn holds(&mut self, vector: VersionVector) {
        self.held = vector;
    }

    /// It holds the chain up to here, and whatever else is known.
    pub(crate) fn holds_up_to(&mut self, chain: Chain, seq: Seq) {
        self.held.set_max(chain, seq);
    }

    /// It holds all of `vector`, besides what is known. One that names ever new chains cannot make this grow: beyond the limit
    /// only what it said last counts.
    pub(crate) fn holds_too(&mut self, vector: &VersionVector, max_chains: u32) {
        self.held.join(vector);
        if self.held.len() > max_chains as usize {
            self.held = vector.clone();
        }
    }

    /// Whether it takes gaps in the place of lost events.
    pub(crate) fn takes_gaps(&mut self, takes: bool) {
        self.takes_gaps = takes;
    }

    /// It shall hold this, without waiting for more.
    pub(crate) fn aim(&mut self, goal: &VersionVector) {
        self.goal = goal.clone();
    }

    pub(crate) fn set_apart(&mut self, chain: Chain) {
        self.apart.insert(chain);
    }

    pub(crate) fn is_apart(&self, chain: Chain) -> bool {
        self.apart.contains(&chain) || self.disputed.contains(&chain)
    }

    /// It holds another history of the chain. Whether that is news.
    pub(crate) fn dispute(&mut self, chain: Chain) -> bool {
        self.disputed.insert(chain)
    }

    /// It holds the history that is held here.
    pub(crate) fn agree(&mut self, chain: Chain) {
        self.disputed.remove(&chain);
    }

    /// What it holds is to be compared anew.
    pub(crate) fn forget_disputes(&mut self) {
        self.disputed.clear();
    }

    /// The chains of which it holds another history.
    pub(crate) fn disputed(&self) -> &BTreeSet<Chain> {
        &self.disputed
    }

    /// How many chains are set apart.
    pub(crate) fn chains_apart(&self) -> usize {
        self.apart.len() + self.pruned.len() + self.disputed.len()
    }

    /// A batch of what it lacks, of `bytes` of payload, still to be read; `None` when it lacks nothing of its goal.
    /// Chains that `is_held_back` names are kept from it.
    pub(crate) fn gather(
        &self,
        log: &Log,
        config: &Config,
        bytes: u32,
        is_held_back: impl Fn(Chain) -> bool,
    ) -> Option<Box<Gather>> {
        let lacks_pruned =
            |chain: Chain| self.pruned.get(&chain).is_some_and(|first| self.held.get(chain).next() < *first);
        let kept = |chain: Chain| {
            self.is_apart(chain) || lacks_pruned(chain) || log.is_suspended(chain) || is_held_back(chain)
        };
        // Asked after each call of each peer, and mostly it lacks nothing: what can be sent is looked at only where it does.
        let aims = |(chain, seq): (Chain, Seq)| seq > self.held.get(chain) && !kept(chain);
        if !self.goal.iter().any(aims) {
            return None;
        }
        let have = log.sendable(&self.held, self.takes_gaps);
        let lacks = |(chain, seq): (Chain, Seq)| seq.min(have.get(chain)) > self.held.get(chain);
        let behind = self.goal.iter().any(|(chain, seq)| lacks((chain, seq)) && !kept(chain));
        if !behind {
            return None;
        }
        let gaps = |chain, held| log.damage().gaps_above(chain, held);
        Gather::new(&have, &self.held, kept, gaps, self.after, Budget::new(config, bytes)).map(Box::new)
    }

    /// Asks for the next rows. Where there are none to ask for, says what was wrong on disk, sets those chains apart and hands
    /// over the batch. `peer` is who receives it; `None` is the cloud.
    pub(crate) fn read_on(
        &mut self,
        mut gather: Box<Gather>,
        peer: Option<ReplicaId>,
        log: &mut Log,
        out: &mut Outputs,
    ) -> Reading {
        if gather.ask(out) {
            return Reading::On(gather);
        }
        let (batch, faults) = gather.finish();
        let mut pruned = BTreeMap::new();
        for fault in faults {
            match fault {
                // What is pruned is in the cloud: what is not, and is gone, is damaged.
                Fault::Pruned(id, first) if id.seq <= log.cloud().get(id.chain) => {
                    pruned.insert(id.chain, first);
                    out.notice(Notice::Pruned { id, peer });
                    self.pruned.insert(id.chain, first);
                }
                // Until it is mended the chain is sent up to there.
                Fault::Damaged(id) | Fault::Pruned(id, _) => {
                    if log.damage_mut().suspect(id) {
                        out.notice(Notice::Damaged { id });
                    } else if !log.damage().is_damaged(id) {
                        self.set_apart(id.chain);
                    }
                }
            }
        }
        if let Some(run) = batch.runs.last() {
            self.after = Some(run.chain);
        }
        Reading::Done { batch, pruned }
    }
}

//! Who leads: as raft says, as this terminal has told it, and whether it is this one.

use edgepos_core::Term;

use crate::io::{Leader, Notice};
use crate::turn::Turn;

/// What the parts and the caller were told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Standing {
    /// The term in which this terminal leads, once the parts know.
    leads_in: Option<Term>,
    /// Whom the last notice named.
    announced: Option<Leader>,
}

impl Standing {
    /// Whether this terminal leads since or leads no more: then the parts have to be told.
    pub(crate) fn changes(&mut self, turn: &Turn<'_>) -> bool {
        let leads_in = turn.leads().then(|| Term(turn.raft.term()));
        let before = std::mem::replace(&mut self.leads_in, leads_in);
        before != leads_in
    }

    /// Whether this terminal leads, as the parts know.
    pub(crate) fn leads(&self) -> bool {
        self.leads_in.is_some()
    }

    /// Tells who leads when that has changed.
    pub(crate) fn announce(&mut self, turn: &mut Turn<'_>, leader: Option<Leader>) {
        if leader != self.announced {
            self.announced = leader;
            turn.out.tell(Notice::LeaderChanged(leader));
        }
    }

    /// The leader that the caller knows.
    pub(crate) fn leader(&self) -> Option<Leader> {
        self.announced
    }
}

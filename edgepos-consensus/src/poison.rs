//! A defect of raft on demand, for tests of what goes on when it panics.

use crate::election::Election;
use crate::io::{Event, Output};

impl Election {
    /// Makes raft panic in the middle of a call, as a defect in it would: the election halts.
    pub fn poison(&mut self) {
        self.guarded(|election| {
            election.outputs.push_back(Output::Event(Event::QuorumRegained));
            election.core.poison();
        });
    }
}

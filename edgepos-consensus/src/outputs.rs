//! What leaves the election, in order.

use std::collections::VecDeque;

use crate::io::{Notice, Output};

/// Duties and news that nobody has taken yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outputs {
    queue: VecDeque<Output>,
}

impl Outputs {
    /// A duty, behind all that are there.
    pub(crate) fn push(&mut self, output: Output) {
        self.queue.push_back(output);
    }

    /// Something to tell, behind all duties that are there.
    pub(crate) fn tell(&mut self, notice: Notice) {
        self.push(Output::Notice(notice));
    }

    /// The next one to take.
    pub(crate) fn poll(&mut self) -> Option<Output> {
        self.queue.pop_front()
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Takes back all but the first `len`.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.queue.truncate(len);
    }
}

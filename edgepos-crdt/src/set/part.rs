//! What an interval of events did to a set.

use serde::{Deserialize, Serialize};

use super::runs::Runs;
use super::targets::Targets;
use crate::wire::{Reader, Wire, Writer};
use crate::{Corruption, VersionVector, WireError};

/// The adds and removals of an interval.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "E: Serialize", deserialize = "E: Deserialize<'de>"))]
pub(crate) struct SetPart<E> {
    /// What was added in the interval and is still there.
    pub(crate) adds: Runs<E>,
    pub(crate) removals: Runs<Targets>,
}

impl<E> Default for SetPart<E> {
    fn default() -> Self {
        Self { adds: Runs::default(), removals: Runs::default() }
    }
}

impl<E> SetPart<E> {
    /// Whether adds and removals lie after `from` and up to `to`, in order.
    pub(crate) fn check(&self, from: &VersionVector, to: &VersionVector) -> Result<(), Corruption> {
        self.adds.check(from, to)?;
        self.removals.check(from, to)?;
        self.removals.iter().try_for_each(|(_, targets)| targets.check())
    }
}

impl<E: Wire> SetPart<E> {
    pub(crate) fn write(&self, from: &VersionVector, out: &mut Writer) {
        self.adds.write(from, out);
        self.removals.write(from, out);
    }

    /// Whether they lie in the interval is [`check`](Self::check)ed by the caller.
    pub(crate) fn read(from: &VersionVector, input: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { adds: Runs::read(from, input)?, removals: Runs::read(from, input)? })
    }
}

//! A few events: what one event removed, or what added one member.

use alloc::vec::Vec;
use core::{mem, slice};

use edgepos_core::EventId;
use serde::{Deserialize, Serialize};

use crate::wire::{Reader, Wire, Writer, read_list, write_list};
use crate::{Corruption, WireError};

/// One mostly, and then without a list of its own.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(into = "Vec<EventId>", from = "Vec<EventId>")]
pub(crate) enum Targets {
    One(EventId),
    Many(Vec<EventId>),
}

impl Targets {
    pub(crate) fn as_slice(&self) -> &[EventId] {
        match self {
            Self::One(id) => slice::from_ref(id),
            Self::Many(ids) => ids,
        }
    }

    /// Puts an id in its place, unless it is there.
    pub(crate) fn insert(&mut self, id: EventId) {
        if let Err(at) = self.as_slice().binary_search(&id) {
            let mut ids = Vec::from(mem::replace(self, Self::Many(Vec::new())));
            ids.insert(at, id);
            *self = ids.into();
        }
    }

    /// Takes an id out. Whether any is left.
    pub(crate) fn remove(&mut self, id: EventId) -> bool {
        if let Ok(at) = self.as_slice().binary_search(&id) {
            let mut ids = Vec::from(mem::replace(self, Self::Many(Vec::new())));
            ids.remove(at);
            *self = ids.into();
        }
        !self.as_slice().is_empty()
    }

    /// Whether the ids rise.
    pub(crate) fn check(&self) -> Result<(), Corruption> {
        let rising = self.as_slice().windows(2).all(|pair| pair[0] < pair[1]);
        if rising { Ok(()) } else { Err(Corruption::Order) }
    }
}

impl From<Vec<EventId>> for Targets {
    fn from(ids: Vec<EventId>) -> Self {
        if let [id] = *ids { Self::One(id) } else { Self::Many(ids) }
    }
}

impl From<Targets> for Vec<EventId> {
    fn from(targets: Targets) -> Self {
        match targets {
            Targets::One(id) => Self::from([id]),
            Targets::Many(ids) => ids,
        }
    }
}

impl Wire for Targets {
    fn write(&self, out: &mut Writer) {
        write_list(self.as_slice(), out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        read_list(10, input).map(|ids: Vec<EventId>| Self::from(ids))
    }
}

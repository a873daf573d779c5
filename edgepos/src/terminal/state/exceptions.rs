//! Exceptions that the store has raised: one for each episode.

use std::collections::BTreeMap;

use edgepos_core::{Seq, Space, Write};

use crate::model::{Envelope, ExceptionRaised, from_cbor, to_cbor};

/// Raised exceptions by episode.
#[derive(Debug, Default)]
pub(in super::super) struct Exceptions {
    raised: BTreeMap<Vec<u8>, Raised>,
}

/// An exception, and its place in the store's chain.
#[derive(Debug)]
struct Raised {
    seq: Seq,
    exception: ExceptionRaised,
}

impl Exceptions {
    pub(in super::super) fn read(envelope: &Envelope) -> Result<ExceptionRaised, String> {
        from_cbor(&envelope.body).map_err(|error| error.to_string())
    }

    /// Keeps it; `None` when its episode was raised before.
    pub(super) fn apply(
        &mut self,
        seq: Seq,
        exception: ExceptionRaised,
        writes: &mut Vec<Write>,
    ) -> Option<ExceptionRaised> {
        let key = exception.episode_key();
        if self.raised.contains_key(&key) {
            return None;
        }
        writes.push(Write::put(Space::Exception, key.clone(), to_cbor(&(seq.0, &exception))));
        self.raised.insert(key, Raised { seq, exception: exception.clone() });
        Some(exception)
    }

    pub(super) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), String> {
        let (seq, exception): (u64, ExceptionRaised) = from_cbor(value).map_err(|error| error.to_string())?;
        self.raised.insert(key.to_vec(), Raised { seq: Seq(seq), exception });
        Ok(())
    }

    /// Where in the store's chain the episode was raised.
    pub(in super::super) fn seq(&self, episode_key: &[u8]) -> Option<Seq> {
        self.raised.get(episode_key).map(|raised| raised.seq)
    }

    pub(in super::super) fn iter(&self) -> impl Iterator<Item = &ExceptionRaised> {
        self.raised.values().map(|raised| &raised.exception)
    }
}

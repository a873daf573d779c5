//! Tails: what stands here in chains that others have written otherwise. It waits to be written again under another name, or to be set
//! aside.

use std::collections::BTreeMap;

use edgepos_core::{Chain, EventId, ReplicaId, Seq, Space, Write};
use edgepos_wire::{DecodeError, DecodeFault, Reader, write};

use crate::limits::Limits;
use crate::wire::shapes;

/// The row of `Space::Author` that names who writes this terminal's chains.
pub(super) const NAME: &[u8] = b"name";
/// The keys of the other rows begin so; the chain follows.
const TAIL: &[u8] = b"tail";

/// For each chain the events that are left: the next one and the last.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tails {
    left: BTreeMap<Chain, (Seq, Seq)>,
}

impl Tails {
    pub(super) fn contains(&self, chain: Chain) -> bool {
        self.left.contains_key(&chain)
    }

    /// The first event of all that are left.
    pub(super) fn next(&self) -> Option<EventId> {
        self.left.iter().next().map(|(chain, (next, _))| EventId::new(*chain, *next))
    }

    /// How many events of these chains are left.
    pub(super) fn len(&self, of: impl Fn(Chain) -> bool) -> u64 {
        let left = self.left.iter().filter(|(chain, _)| of(**chain));
        left.map(|(_, (next, last))| last.0.saturating_sub(next.0) + 1).fold(0, u64::saturating_add)
    }

    /// The events of a chain from `next` to `last` leave it. The row that remembers it.
    pub(super) fn begin(&mut self, chain: Chain, next: Seq, last: Seq) -> Write {
        self.left.insert(chain, (next, last));
        Write::put(Space::Author, key(chain), value(next, last))
    }

    /// The next event of a chain was written again. The row that remembers it; `None` where another event is next.
    pub(super) fn step(&mut self, id: EventId) -> Option<Write> {
        let (next, last) = self.left.get_mut(&id.chain).filter(|(next, _)| *next == id.seq)?;
        *next = next.next();
        if next <= last {
            return Some(Write::put(Space::Author, key(id.chain), value(*next, *last)));
        }
        self.left.remove(&id.chain);
        Some(Write::delete(Space::Author, key(id.chain)))
    }

    /// A row as it is on disk.
    pub(super) fn insert(&mut self, key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
        let impossible = DecodeError::new("tail", 0, DecodeFault::Impossible);
        // A later version's rows: kept by not touching them.
        let Some(chain) = key.strip_prefix(TAIL) else { return Ok(()) };
        let chain = Chain::from_key(chain).ok_or(impossible)?;
        let (mut next, mut last) = (None, None);
        Reader::all("tail", value, Limits::DEFAULT.max_message_bytes, |reader| {
            reader.fields(|reader, key| {
                match key {
                    0 => next = Some(Seq(reader.u64()?)),
                    1 => last = Some(Seq(reader.u64()?)),
                    _ => return Ok(false),
                }
                Ok(true)
            })
        })?;
        let next = shapes::required("tail", next, 0)?;
        self.left.insert(chain, (next, shapes::required("tail", last, 1)?));
        Ok(())
    }
}

/// The write that remembers who writes this terminal's chains.
pub(super) fn author_write(author: ReplicaId) -> Write {
    Write::put(Space::Author, NAME, write(|out| out.u64(author.0)?.ok()))
}

fn key(chain: Chain) -> Vec<u8> {
    [TAIL, &chain.to_key()].concat()
}

fn value(next: Seq, last: Seq) -> Vec<u8> {
    write(|out| out.map(2)?.u64(0)?.u64(next.0)?.u64(1)?.u64(last.0)?.ok())
}

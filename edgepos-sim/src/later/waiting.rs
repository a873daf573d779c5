//! Decisions that a later terminal cannot give a place yet: a snapshot of the log took the place of others, whose events peers still
//! have to bring. They wait in order and on disk.

use std::collections::BTreeMap;

use edgepos::{MemoryStore, Store, StoreError};
use edgepos_core::{Seq, Space, Write};
use edgepos_sync::Hash;

/// The rows' name; behind it comes the position in the log.
const ROW: &[u8] = b"later-waits-";

/// What waits, by its position in the log; whether it has a row.
#[derive(Debug, Default)]
pub(super) struct Waiting(BTreeMap<u64, (Vec<u8>, bool)>);

impl Waiting {
    /// What waits on a disk.
    pub(super) fn on(disk: &MemoryStore) -> Result<Self, StoreError> {
        let mut waiting = BTreeMap::new();
        disk.scan_all(Space::Identity, &mut |key, value| {
            if let Some(Ok(index)) = key.strip_prefix(ROW).map(<[u8; 8]>::try_from) {
                waiting.insert(u64::from_be_bytes(index), (value.to_vec(), true));
            }
            Ok(())
        })?;
        Ok(Self(waiting))
    }

    pub(super) fn push(&mut self, index: u64, payload: Vec<u8>) {
        self.0.insert(index, (payload, false));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next that gets its place, now that the chain is here up to `held` and derived up to `decided`, and its row's end.
    pub(super) fn next(&mut self, held: Seq, decided: Seq) -> Option<(Vec<u8>, Option<Write>)> {
        if held < decided {
            return None;
        }
        let (index, (payload, kept)) = self.0.pop_first()?;
        Some((payload, kept.then(|| Write::delete(Space::Identity, key(index)))))
    }

    /// Rows of what goes on waiting.
    pub(super) fn keep(&mut self) -> Vec<Write> {
        let new = self.0.iter_mut().filter(|(_, (_, kept))| !kept);
        new.map(|(index, (payload, kept))| {
            *kept = true;
            Write::put(Space::Identity, key(*index), payload.clone())
        })
        .collect()
    }

    /// A snapshot counts beyond all of them.
    pub(super) fn forget(&mut self) -> Vec<Write> {
        let kept = std::mem::take(&mut self.0).into_iter().filter(|(_, (_, kept))| *kept);
        kept.map(|(index, _)| Write::delete(Space::Identity, key(index))).collect()
    }
}

/// How far a snapshot's sender had derived the chain.
pub(super) fn read(state: &[u8]) -> Option<(Seq, Hash)> {
    let (seq, rest) = state.split_first_chunk()?;
    Some((Seq(u64::from_be_bytes(*seq)), Hash(*rest.first_chunk()?)))
}

fn key(index: u64) -> Vec<u8> {
    [ROW, &index.to_be_bytes()].concat()
}

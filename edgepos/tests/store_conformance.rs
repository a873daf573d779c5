//! Both stores keep what they are given.

#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos::{MemoryStore, SqliteStore, Store, conformance};

#[test]
fn the_store_in_memory_conforms() {
    conformance::store(&mut || Box::new(MemoryStore::new()));
}

#[test]
fn the_store_on_sqlite_conforms() {
    let dir = tempfile::tempdir().unwrap();
    let mut number = 0;
    conformance::store(&mut || {
        number += 1;
        Box::new(SqliteStore::open(&dir.path().join(format!("{number}.db"))).unwrap())
    });
    assert!(number > 1, "each check got a store of its own");
}

/// A store that forgets the last byte of each value.
struct Forgetful(MemoryStore);

impl Store for Forgetful {
    fn commit(&mut self, group: &[edgepos::core::Persist]) -> Result<(), edgepos::StoreError> {
        let mut group = group.to_vec();
        for write in group.iter_mut().flat_map(|persist| &mut persist.writes) {
            if let edgepos::core::Write::Put { value, .. } = write {
                value.pop();
            }
        }
        self.0.commit(&group)
    }

    fn scan(
        &self,
        space: edgepos::core::Space,
        from: &[u8],
        to: &[u8],
        max_bytes: u32,
    ) -> Result<edgepos::Rows, edgepos::StoreError> {
        self.0.scan(space, from, to, max_bytes)
    }
}

#[test]
#[should_panic(expected = "empty keys and values are legal")]
fn a_store_that_forgets_does_not_conform() {
    conformance::store(&mut || Box::new(Forgetful(MemoryStore::new())));
}

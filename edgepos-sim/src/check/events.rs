//! The events of a disk or of the cloud, as they lie there.

use std::collections::BTreeMap;

use edgepos::{Store, StoreError};
use edgepos_core::{EventId, Space};
use edgepos_sync::EventRecord;

/// Events by their id, as opaque payloads.
pub(crate) type Events = BTreeMap<EventId, Vec<u8>>;

/// Every event on a disk.
///
/// # Errors
/// When a row cannot be read.
pub(crate) fn events_on(disk: &dyn Store) -> Result<Events, StoreError> {
    let mut events = Events::new();
    disk.scan_all(Space::Event, &mut |key, value| {
        let (record, _) = EventRecord::from_row(key, value)
            .ok_or_else(|| StoreError::plain(format!("the event row {key:02x?} cannot be read")))?;
        events.insert(record.id, record.payload);
        Ok(())
    })?;
    Ok(events)
}

/// Whether events of the disk wait to leave their places, to be written again or set aside: every row of their space but the name.
pub(crate) fn has_leaving(disk: &dyn Store) -> bool {
    let mut any = false;
    let read = disk.scan_all(Space::Author, &mut |key, _| {
        any |= key != b"name";
        Ok(())
    });
    any || read.is_err()
}

#[cfg(test)]
mod tests {
    use edgepos::MemoryStore;
    use edgepos_core::{Persist, PersistId, Write};

    use super::*;

    /// A store is not quiet while a till waits for the owner of a branch that lost (seed 220 with images was judged too early).
    #[test]
    fn events_that_wait_to_leave_are_seen_on_the_disk() {
        let mut disk = MemoryStore::default();
        let mut put = |key: &[u8]| {
            let writes = vec![Write::put(Space::Author, key, vec![0])];
            disk.commit(&[Persist { id: PersistId(1), writes }]).expect("memory");
            has_leaving(&disk)
        };
        assert!(!put(b"name"));
        assert!(put(b"tail-of-a-chain"));
    }
}

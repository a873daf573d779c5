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

//! A device that a later version has used while it was cut off, before this version starts on its disk again.

use edgepos::crdt::HybridClock;
use edgepos::model::Envelope;
use edgepos::{MemoryStore, Store, StoreError};
use edgepos_core::{EventId, Jitter, Now, Persist, PersistId, ReplicaId, Space, StoreId, Write};
use edgepos_sync::Output;

use super::disk::{LaterError, ceiling, ceiling_row, outbox};
use super::forms::{Stamp, with_field};
use super::voice::{Saying, Voice};

/// Rows that this version does not know, in spaces that it does.
const UNKNOWN_ROWS: [(Space, &[u8], &[u8]); 4] = [
    (Space::Identity, b"level", b"\x07"),
    (Space::Election, b"later", b"\xA1\x00\x01"),
    (Space::ElectionSnapshot, b"later", b"\xA0"),
    (Space::Cloud, b"later", b"\xA0"),
];

/// Spaces whose rows are maps, which a later version may have given more fields.
const MAPS: [Space; 5] =
    [Space::Head, Space::Election, Space::ElectionLog, Space::IdempotencyKey, Space::Basket];

/// What the later version leaves behind on a disk: events of unknown kinds with their effects, rows with more fields, and rows
/// that this version does not know. Returns the events; they are durable.
///
/// # Errors
/// [`LaterError`], when the disk holds a row that cannot be read.
pub(crate) fn downgraded(
    now: Now,
    store: StoreId,
    me: ReplicaId,
    disk: &mut MemoryStore,
    rng: Jitter,
) -> Result<Vec<EventId>, LaterError> {
    let mut outbox = outbox(now, store, me, 1, disk)?;
    let mut clock = HybridClock::new(ceiling(disk)?);
    let mut voice = Voice::new(0, rng);
    let mut events = Vec::new();
    for _ in 0..3 {
        let stamp = Stamp { wall: now.wall, hlc: clock.now(now.wall), terminal: me.terminal() };
        // What it says of prices would be in registers, which this does not keep.
        let Saying::Event { lane, payload } = voice.event(stamp) else { continue };
        let Ok(envelope) = Envelope::decode(&payload) else { continue };
        if envelope.kind == edgepos::model::Kind::PRICE_SET {
            continue;
        }
        let id = outbox.record(now, lane, payload)?;
        // Its counter rows are behind its events, as they may be: this version counts those at its start.
        let mut writes: Vec<_> = clock.ceiling_to_persist(now.wall).map(ceiling_row).into_iter().collect();
        while let Some(output) = outbox.poll_output() {
            if let Output::Persist(persist) = output {
                writes.extend(persist.writes);
            }
        }
        commit(disk, writes)?;
        events.push(id);
    }
    let more = more_fields(disk)?;
    commit(disk, more)?;
    let unknown = UNKNOWN_ROWS.iter().map(|(space, key, value)| Write::put(*space, *key, *value));
    commit(disk, unknown.collect())?;
    Ok(events)
}

/// Every row that is a map, with one more field.
fn more_fields(disk: &MemoryStore) -> Result<Vec<Write>, StoreError> {
    let mut writes = Vec::new();
    for space in MAPS {
        disk.scan_all(space, &mut |key, value| {
            writes.extend(with_field(value).map(|more| Write::put(space, key, more)));
            Ok(())
        })?;
    }
    Ok(writes)
}

fn commit(disk: &mut MemoryStore, writes: Vec<Write>) -> Result<(), StoreError> {
    disk.commit(&[Persist { id: PersistId(0), writes }])
}

//! What is on a disk beside events, read from its bytes as `docs/formats.md` and `docs/formats-sync.md` give them.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::{Store, StoreError};
use edgepos_core::{Chain, EventId, Space};
use minicbor::decode::{Decoder, Error};

/// Decisions of this kind carry an event of the store's own chain.
const STORE_EVENT: u64 = 1;
/// Decisions of these kinds have another box take a place, and give up what one has left unsent.
const OF_BOXES: [u64; 2] = [2, 3];
/// Decisions of this kind raise the feature level: the election's own.
const LEVEL: u64 = 65_535;

/// How far a chain is held: positions and hashes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HeadRow {
    /// The last position.
    pub seq: u64,
    /// The chain's hash there.
    pub hash: Vec<u8>,
    /// For the store's own chain, how far it is derived from the log, and the hash there.
    pub decided: Option<(u64, Vec<u8>)>,
}

/// One entry of the store-wide log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogEntry {
    /// Its position in the log.
    pub index: u64,
    /// The proposal's name: terminal and number; `None` for an entry of the election itself, and of the boxes that take part in it.
    pub key: Option<(u64, u64)>,
    /// The event that it carries, where it is a decision of the kind that carries one.
    pub event: Option<Vec<u8>>,
}

/// The rows of one disk that the checkers read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DiskView {
    /// The head of each chain.
    pub heads: BTreeMap<Chain, HeadRow>,
    /// The log, by rising index.
    pub log: Vec<LogEntry>,
    /// Events that the terminal has written down as not readable.
    pub quarantine: BTreeSet<EventId>,
    /// Decisions of unknown kinds that it has written down, by their index.
    pub skipped: BTreeSet<u64>,
    /// Whether it has written down that it does not know which decisions have a place in the store's chain.
    pub places_unknown: bool,
}

impl LogEntry {
    /// Whether it is a decision of a kind that this version does not know.
    pub fn is_unknown(&self) -> bool {
        self.key.is_some() && self.event.is_none()
    }
}

impl DiskView {
    /// Reads a disk.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn of(disk: &dyn Store) -> Result<Self, StoreError> {
        let mut view = Self { log: log_on(disk)?, ..Self::default() };
        each(disk, Space::Head, |key, value| {
            let chain = Chain::from_key(key).ok_or_else(|| Error::message("no chain"))?;
            view.heads.insert(chain, head(value)?);
            Ok(())
        })?;
        each(disk, Space::Identity, |key, _| {
            view.places_unknown |= key.starts_with(b"places-unknown-");
            Ok(())
        })?;
        each(disk, Space::Quarantine, |key, _| {
            match key.strip_prefix(b"decision").and_then(|index| index.try_into().ok()) {
                Some(index) => drop(view.skipped.insert(u64::from_be_bytes(index))),
                None => {
                    let id = EventId::from_key(key).ok_or_else(|| Error::message("no event"))?;
                    view.quarantine.insert(id);
                }
            }
            Ok(())
        })?;
        Ok(view)
    }
}

/// The store-wide log on a disk, by rising index.
///
/// # Errors
/// When a row cannot be read.
pub(crate) fn log_on(disk: &dyn Store) -> Result<Vec<LogEntry>, StoreError> {
    let mut log = Vec::new();
    each(disk, Space::ElectionLog, |_, value| {
        log.push(entry(value)?);
        Ok(())
    })?;
    Ok(log)
}

/// The last entry of the log that was applied with what comes of it.
///
/// # Errors
/// When the row cannot be read.
pub(crate) fn applied_on(disk: &dyn Store) -> Result<u64, StoreError> {
    let mut applied = 0;
    each(disk, Space::Election, |key, value| {
        if key != b"applied" {
            return Ok(());
        }
        fields(value, |key, decoder| {
            match key {
                0 => applied = decoder.u64()?,
                _ => decoder.skip()?,
            }
            Ok(())
        })
    })?;
    Ok(applied)
}

fn each(
    disk: &dyn Store,
    space: Space,
    mut read: impl FnMut(&[u8], &[u8]) -> Result<(), Error>,
) -> Result<(), StoreError> {
    disk.scan_all(space, &mut |key, value| {
        read(key, value).map_err(|error| {
            StoreError::plain(format!("the row {key:02x?} of {space:?} cannot be read: {error}"))
        })
    })
}

fn head(value: &[u8]) -> Result<HeadRow, Error> {
    let (mut head, mut decided) = (HeadRow::default(), None);
    fields(value, |key, decoder| {
        match key {
            0 => head.seq = decoder.u64()?,
            1 => head.hash = decoder.bytes()?.to_vec(),
            2 => decided = Some(decoder.u64()?),
            3 => head.decided = decided.zip(Some(decoder.bytes()?.to_vec())),
            _ => decoder.skip()?,
        }
        Ok(())
    })?;
    Ok(head)
}

fn entry(value: &[u8]) -> Result<LogEntry, Error> {
    let (mut index, mut class, mut payload) = (0, 0, Vec::new());
    fields(value, |key, decoder| {
        match key {
            0 => index = decoder.u64()?,
            2 => class = decoder.u64()?,
            3 => payload = decoder.bytes()?.to_vec(),
            _ => decoder.skip()?,
        }
        Ok(())
    })?;
    if class != 0 || payload.is_empty() {
        return Ok(LogEntry { index, key: None, event: None });
    }
    let (mut replica, mut number, mut kind, mut bytes) = (0, 0, 0, Vec::new());
    fields(&payload, |key, decoder| {
        match key {
            0 => replica = decoder.u64()?,
            1 => number = decoder.u64()?,
            2 => kind = decoder.u64()?,
            3 => bytes = decoder.bytes()?.to_vec(),
            _ => decoder.skip()?,
        }
        Ok(())
    })?;
    let key = (kind != LEVEL && !OF_BOXES.contains(&kind)).then_some((replica, number));
    Ok(LogEntry { index, key, event: (kind == STORE_EVENT).then_some(bytes) })
}

/// The fields of a map from small integers.
fn fields(
    value: &[u8],
    mut read: impl FnMut(u64, &mut Decoder<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut decoder = Decoder::new(value);
    let count = decoder.map()?.ok_or_else(|| Error::message("a map without a length"))?;
    for _ in 0..count {
        let key = decoder.u64()?;
        read(key, &mut decoder)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use edgepos::MemoryStore;
    use edgepos_core::{Lane, Persist, PersistId, ReplicaId, Seq, Write};

    use super::*;

    #[test]
    fn rows_are_read_with_fields_of_a_later_version() {
        let chain = Chain::new(ReplicaId::new(1, 1), Lane::Stock);
        let id = EventId::new(chain, Seq(3));
        let writes = vec![
            Write::put(Space::Head, chain.to_key(), *b"\xA5\x00\x07\x01\x41h\x02\x05\x03\x41d\x18\xC8\x00"),
            Write::put(
                Space::ElectionLog,
                *b"12345678",
                *b"\xA3\x00\x09\x01\x01\x03\x49\xA4\x00\x01\x01\x02\x02\x01\x03\x40",
            ),
            Write::put(
                Space::ElectionLog,
                *b"1234567A",
                *b"\xA3\x00\x0B\x01\x01\x03\x4D\xA5\x00\x01\x01\x03\x02\x19\xFF\xFF\x03\x40\x06\x01",
            ),
            Write::put(Space::ElectionLog, *b"12345679", *b"\xA2\x00\x0A\x01\x01"),
            Write::put(Space::Quarantine, id.to_key(), *b"why"),
            Write::put(Space::Quarantine, *b"decision\0\0\0\0\0\0\0\x0C", *b"why"),
        ];
        let mut disk = MemoryStore::new();
        disk.commit(&[Persist { id: PersistId(1), writes }]).unwrap();
        let view = DiskView::of(&disk).unwrap();
        let head = HeadRow { seq: 7, hash: b"h".into(), decided: Some((5, b"d".into())) };
        assert_eq!(view.heads, BTreeMap::from([(chain, head)]));
        assert_eq!(view.log[0], LogEntry { index: 9, key: Some((1, 2)), event: Some(Vec::new()) });
        assert_eq!(view.log[1], LogEntry { index: 10, key: None, event: None });
        assert_eq!(
            view.log[2],
            LogEntry { index: 11, key: None, event: None },
            "the level is the election's own"
        );
        assert_eq!((view.quarantine, view.skipped), (BTreeSet::from([id]), BTreeSet::from([12])));
    }
}

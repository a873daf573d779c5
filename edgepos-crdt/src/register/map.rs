//! Many last-writer-wins registers under one vector.

use alloc::collections::BTreeMap;
use core::borrow::Borrow;

use edgepos_core::{Chain, EventId, Seq};
use serde::{Deserialize, Serialize};

use super::{LwwRegister, WouldLose};
use crate::wire::{Reader, Wire, Writer, read_map, write_map};
use crate::{ApplyError, Corruption, MergeError, Stamp, VersionVector, WireError};

/// A register and the event that wrote it last.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Entry<V> {
    pub(crate) dot: EventId,
    pub(crate) register: LwwRegister<Option<V>>,
}

/// Prices by product, products, customers, settings: key → value, where the later [`Stamp`] wins for each key alone.
///
/// Removing a key writes "nothing" with a stamp, and that stamp stays: an old price that arrives late must not bring a product back.
/// A key costs its register, 17 bytes for the event that wrote it and the map's node. A delta reads the whole map.
///
/// ```
/// use edgepos_core::{Chain, EventId, Lane, RepairGen, ReplicaId, Seq};
/// use edgepos_crdt::{Hlc, LwwMap, Stamp};
///
/// let till = Chain::new(ReplicaId::new(1, 42), Lane::Prices);
/// let mut prices = LwwMap::new();
/// let stamp = |ms| Stamp::new(RepairGen(0), Hlc::from_parts(ms, 0), till);
/// prices.set(EventId::new(till, Seq(1)), "tea", stamp(1_000), 250)?;
/// assert_eq!(prices.get("tea"), Some(&250));
/// prices.remove(EventId::new(till, Seq(2)), "tea", stamp(2_000))?;
/// assert_eq!(prices.get("tea"), None);
/// # Ok::<(), edgepos_crdt::SetError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(
    bound(
        serialize = "K: Serialize, V: Serialize",
        deserialize = "K: Deserialize<'de> + Ord, V: Deserialize<'de>"
    ),
    try_from = "Unchecked<K, V>"
)]
pub struct LwwMap<K, V> {
    vector: VersionVector,
    #[serde(with = "crate::pairs")]
    entries: BTreeMap<K, Entry<V>>,
}

/// What was read and may contradict itself.
#[derive(Deserialize)]
#[serde(bound(deserialize = "K: Deserialize<'de> + Ord, V: Deserialize<'de>"))]
struct Unchecked<K, V> {
    vector: VersionVector,
    #[serde(with = "crate::pairs")]
    entries: BTreeMap<K, Entry<V>>,
}

impl<K, V> TryFrom<Unchecked<K, V>> for LwwMap<K, V> {
    type Error = Corruption;

    fn try_from(read: Unchecked<K, V>) -> Result<Self, Corruption> {
        let Unchecked { vector, entries } = read;
        check_entries(&entries, &VersionVector::new(), &vector)?;
        Ok(Self { vector, entries })
    }
}

/// Why a register of a map was not written.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// Its stamp is not above the current one.
    #[error(transparent)]
    WouldLose(#[from] WouldLose),
    /// The event cannot be applied.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

/// What changed in an [`LwwMap`] after `from`, up to `to`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(bound(
    serialize = "K: Serialize, V: Serialize",
    deserialize = "K: Deserialize<'de> + Ord, V: Deserialize<'de>"
))]
pub struct MapDelta<K, V> {
    from: VersionVector,
    to: VersionVector,
    #[serde(with = "crate::pairs")]
    entries: BTreeMap<K, Entry<V>>,
}

impl<K, V> MapDelta<K, V> {
    /// What the receiver must hold already.
    pub fn from(&self) -> &VersionVector {
        &self.from
    }

    /// What the receiver holds afterwards.
    pub fn to(&self) -> &VersionVector {
        &self.to
    }

    /// How many registers it carries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it carries none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<K, V> Default for LwwMap<K, V> {
    fn default() -> Self {
        Self { vector: VersionVector::new(), entries: BTreeMap::new() }
    }
}

impl<K: Ord, V> LwwMap<K, V> {
    /// A map without any keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a key; `None` when it was never written or is removed.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.register(key)?.value().as_ref()
    }

    /// The register of a key, removed or not.
    pub fn register<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&LwwRegister<Option<V>>>
    where
        K: Borrow<Q>,
    {
        self.entries.get(key).map(|entry| &entry.register)
    }

    /// Each key that has a value, by rising key.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().filter_map(|(key, entry)| Some((key, entry.register.value().as_ref()?)))
    }

    /// How many keys have a value.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether no key has a value.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Writes a key for the event `dot` of this terminal.
    ///
    /// # Errors
    /// [`SetError::WouldLose`] when a later write is there, [`SetError::Apply`] when the chain is held beyond `dot`, or `dot` wrote
    /// what the key holds: a peer that has the event would never hear of another value. Nothing is written, and the event must not be
    /// recorded.
    pub fn set(&mut self, dot: EventId, key: K, stamp: Stamp, value: V) -> Result<(), SetError> {
        self.write(dot, key, stamp, Some(value))
    }

    /// Removes a key for the event `dot` of this terminal. The key may be written again later.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn remove(&mut self, dot: EventId, key: K, stamp: Stamp) -> Result<(), SetError> {
        self.write(dot, key, stamp, None)
    }

    fn write(&mut self, dot: EventId, key: K, stamp: Stamp, value: Option<V>) -> Result<(), SetError> {
        self.check(dot)?;
        if self.entries.get(&key).is_some_and(|held| held.dot == dot) {
            return Err(ApplyError::AlreadyApplied { dot, held: self.vector.get(dot.chain) }.into());
        }
        self.check_wins(&key, stamp)?;
        self.entries.insert(key, Entry { dot, register: LwwRegister::new(stamp, value) });
        self.vector.set_max(dot.chain, dot.seq);
        Ok(())
    }

    pub(crate) fn check_wins(&self, key: &K, stamp: Stamp) -> Result<(), WouldLose> {
        match self.entries.get(key) {
            Some(held) if stamp <= held.register.stamp() => Err(WouldLose { current: held.register.stamp() }),
            _ => Ok(()),
        }
    }

    fn check(&self, dot: EventId) -> Result<(), ApplyError> {
        let held = self.vector.get(dot.chain);
        match dot.seq {
            Seq::ZERO => Err(ApplyError::NoPosition),
            seq if seq < held => Err(ApplyError::AlreadyApplied { dot, held }),
            _ => Ok(()),
        }
    }

    /// Raises the vector: the events up to there write nothing in this map that it does not hold.
    pub fn advance(&mut self, vector: &VersionVector) {
        self.vector.join(vector);
    }

    /// What the map covers.
    pub fn vector(&self) -> &VersionVector {
        &self.vector
    }
}

impl<K: Ord + Clone, V: Ord + Clone> LwwMap<K, V> {
    /// Takes over a write of a peer's event; `None` is a removal. Returns whether it won.
    ///
    /// # Errors
    /// [`ApplyError`] when the chain is held beyond `dot`. The map is unchanged.
    pub fn apply(
        &mut self,
        dot: EventId,
        key: K,
        stamp: Stamp,
        value: Option<V>,
    ) -> Result<bool, ApplyError> {
        self.check(dot)?;
        let won = self.take(key, &Entry { dot, register: LwwRegister::new(stamp, value) });
        self.vector.set_max(dot.chain, dot.seq);
        Ok(won)
    }

    fn take(&mut self, key: K, new: &Entry<V>) -> bool {
        match self.entries.get_mut(&key) {
            None => {
                self.entries.insert(key, new.clone());
                true
            }
            Some(held) => {
                let won = held.register.merge(&new.register);
                if won || held.register == new.register {
                    // One write has one event; a write-off may have lowered it for a while.
                    held.dot = if won { new.dot } else { held.dot.max(new.dot) };
                }
                won
            }
        }
    }

    /// What changed beyond `acknowledged`, the vector that the peer reported as durable.
    pub fn delta_since(&self, acknowledged: &VersionVector) -> MapDelta<K, V> {
        let from = acknowledged.meet(&self.vector);
        let entries = self.entries_since(&from);
        MapDelta { from, to: self.vector.clone(), entries }
    }

    pub(crate) fn entries_since(&self, from: &VersionVector) -> BTreeMap<K, Entry<V>> {
        let new = self.entries.iter().filter(|(_, entry)| !from.covers(entry.dot));
        new.map(|(key, entry)| (key.clone(), entry.clone())).collect()
    }

    /// Merges what changed elsewhere; the same as joining the sender's whole map. Returns whether anything was new.
    ///
    /// # Errors
    /// [`MergeError::Gap`] when the delta starts beyond what is held, [`MergeError::Corrupt`] when it contradicts itself,
    /// [`MergeError::TooMany`] chains. The map is unchanged.
    pub fn merge(&mut self, delta: &MapDelta<K, V>) -> Result<bool, MergeError> {
        check_entries(&delta.entries, &delta.from, &delta.to).map_err(MergeError::Corrupt)?;
        if let Some((chain, needed)) = self.vector.first_gap(&delta.from) {
            return Err(MergeError::Gap { chain, held: self.vector.get(chain), needed });
        }
        self.vector.check_room(&delta.to)?;
        let news = !self.vector.dominates(&delta.to);
        self.join_entries(&delta.entries);
        self.vector.join(&delta.to);
        Ok(news)
    }

    /// What a chain wrote beyond `end`; it counts as written by the end from here on.
    pub(crate) fn split_after(&mut self, chain: Chain, end: Seq) -> BTreeMap<K, Entry<V>> {
        let mut beyond = BTreeMap::new();
        let written = |entry: &Entry<V>| entry.dot.chain == chain && entry.dot.seq > end;
        for (key, entry) in self.entries.iter_mut().filter(|(_, entry)| written(entry)) {
            beyond.insert(key.clone(), entry.clone());
            // What it replaced is gone, so the value stays. The event that wrote it is no longer covered, so it counts as
            // written by the last one that is; an amendment brings it to the others.
            entry.dot.seq = end;
        }
        beyond
    }

    /// The chain ends there, and nothing beyond is covered.
    pub(crate) fn end_chain(&mut self, chain: Chain, end: Seq) {
        self.vector.set(chain, end);
    }

    /// The vector is raised by the caller.
    pub(crate) fn join_entries(&mut self, entries: &BTreeMap<K, Entry<V>>) {
        for (key, entry) in entries {
            self.take(key.clone(), entry);
        }
    }

    /// Joins a whole map. Returns whether anything was new.
    ///
    /// # Errors
    /// [`MergeError::TooMany`] chains. The map is unchanged.
    pub fn join(&mut self, other: &Self) -> Result<bool, MergeError> {
        self.vector.check_room(&other.vector)?;
        let news = !self.vector.dominates(&other.vector);
        self.join_entries(&other.entries);
        self.vector.join(&other.vector);
        Ok(news)
    }
}

/// Whether entries lie after `from` and up to `to`.
pub(crate) fn check_entries<K, V>(
    entries: &BTreeMap<K, Entry<V>>,
    from: &VersionVector,
    to: &VersionVector,
) -> Result<(), Corruption> {
    if let Some((chain, _)) = to.first_gap(from) {
        return Err(Corruption::OutsideInterval { chain });
    }
    match entries.values().find(|entry| from.covers(entry.dot) || !to.covers(entry.dot)) {
        Some(entry) => Err(Corruption::OutsideInterval { chain: entry.dot.chain }),
        None => Ok(()),
    }
}

impl<V: Wire> Wire for LwwRegister<V> {
    fn write(&self, out: &mut Writer) {
        self.stamp().write(out);
        self.value().write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self::new(Stamp::read(input)?, V::read(input)?))
    }
}

impl<V: Wire> Wire for Entry<V> {
    fn write(&self, out: &mut Writer) {
        self.dot.write(out);
        self.register.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { dot: EventId::read(input)?, register: LwwRegister::read(input)? })
    }
}

/// The least bytes of a key and its entry: dot 10, stamp 11, value 1.
pub(crate) const MIN_ENTRY: usize = 22;

impl<K: Wire + Ord, V: Wire> Wire for LwwMap<K, V> {
    fn write(&self, out: &mut Writer) {
        self.vector.write(out);
        write_map(&self.entries, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let vector = VersionVector::read(input)?;
        let entries = read_map(MIN_ENTRY, input)?;
        check_entries(&entries, &VersionVector::new(), &vector)?;
        Ok(Self { vector, entries })
    }
}

impl<K: Wire + Ord, V: Wire> Wire for MapDelta<K, V> {
    fn write(&self, out: &mut Writer) {
        self.from.write(out);
        self.to.write(out);
        write_map(&self.entries, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let from = VersionVector::read(input)?;
        let to = VersionVector::read(input)?;
        let entries = read_map(MIN_ENTRY, input)?;
        check_entries(&entries, &from, &to)?;
        Ok(Self { from, to, entries })
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Chain, Lane, RepairGen, ReplicaId};

    use super::*;
    use crate::Hlc;

    /// A peer that merged in between covers the event, so no delta would bring it the second value.
    #[test]
    fn an_event_writes_a_key_once() {
        let chain = Chain::new(ReplicaId::new(1, 7), Lane::Prices);
        let stamp = |ms| Stamp::new(RepairGen(0), Hlc::from_parts(ms, 0), chain);
        let dot = EventId::new(chain, Seq(3));
        let mut map = LwwMap::new();
        map.set(dot, 5_u64, stamp(9), 250_u64).unwrap();
        map.set(dot, 6, stamp(9), 250).unwrap();
        let before = map.clone();
        let refused = Err(SetError::Apply(ApplyError::AlreadyApplied { dot, held: Seq(3) }));
        assert_eq!(map.set(dot, 5, stamp(10), 199), refused);
        assert_eq!(map.remove(dot, 6, stamp(10)), refused);
        assert_eq!(map, before);
    }

    #[test]
    fn json_reads_back_and_refuses_writes_beyond_the_vector() {
        let chain = Chain::new(ReplicaId::new(1, 7), Lane::Prices);
        let mut map = LwwMap::new();
        let stamp = Stamp::new(RepairGen(0), Hlc::from_parts(9, 0), chain);
        map.set(EventId::new(chain, Seq(3)), 5_u64, stamp, 250_u64).unwrap();
        let json = serde_json::to_string(&map).unwrap();
        assert_eq!(serde_json::from_str::<LwwMap<u64, u64>>(&json).unwrap(), map);
        let beyond = json.replace("\"seq\":3", "\"seq\":4");
        assert_ne!(beyond, json);
        assert!(serde_json::from_str::<LwwMap<u64, u64>>(&beyond).is_err());
    }
}

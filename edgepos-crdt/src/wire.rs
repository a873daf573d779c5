//! Canonical bytes: one form for one value, and no other form is read.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use edgepos_core::{Chain, EventId, FoldEpoch, Lane, RepairGen, ReplicaId, Seq};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{Corruption, Hlc, Item, Stamp, VersionVector};

/// The first byte of what [`Wire::to_bytes`] writes.
const FORMAT: u8 = 1;

/// Why bytes are no value.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum WireError {
    /// The bytes end in the middle of the value.
    #[error("the bytes end early")]
    Truncated,
    /// The value ends before the bytes do.
    #[error("bytes follow the value")]
    Trailing,
    /// The first byte is not a format that this version reads.
    #[error("unknown format {0}")]
    Format(u8),
    /// A number is not in its shortest form, or too large for its field.
    #[error("a number is not canonical")]
    Number,
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    Text,
    /// More entries than [`Limits`] allow.
    #[error("too many {what}: the limit is {limit}")]
    TooMany {
        /// Entries or chains.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// The digest of the acknowledged vector is another: ask for the self-contained form.
    #[error("the delta starts at another vector than the one acknowledged")]
    OtherBase,
    /// The value contradicts itself.
    #[error(transparent)]
    Corrupt(#[from] Corruption),
}

/// How much one message may hold. What is decoded, and merged into however large a table, mostly takes three to twelve times the bytes it
/// was read from, and never more than a hundred times. The worst shapes are a set whose elements are far apart and have no size, and a
/// delta that touches just as many rows of each page as make it arrays.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// Entries of one list. Default 16,777,216, all rows of a full table.
    pub max_entries: usize,
    /// Chains of one vector. Default 65,536.
    pub max_chains: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_entries: 1 << 24, max_chains: VersionVector::MAX_CHAINS }
    }
}

/// A value with canonical bytes: two values are equal exactly when their bytes are.
///
/// Implement it for your own elements and register values; write every field, and let [`read`](Self::read) refuse what
/// [`write`](Self::write) would not have written.
pub trait Wire: Sized {
    /// Appends the value.
    fn write(&self, out: &mut Writer);

    /// Reads what [`write`](Self::write) appended.
    ///
    /// # Errors
    /// [`WireError`] for anything else. Never panics.
    fn read(input: &mut Reader<'_>) -> Result<Self, WireError>;

    /// The whole value with its format number in front.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.byte(FORMAT);
        self.write(&mut out);
        out.bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote, all of it.
    ///
    /// # Errors
    /// [`WireError`] for anything else. Never panics.
    fn from_bytes(bytes: &[u8], limits: &Limits) -> Result<Self, WireError> {
        let mut input = Reader::new(bytes, *limits);
        let format = input.byte()?;
        if format != FORMAT {
            return Err(WireError::Format(format));
        }
        let value = Self::read(&mut input)?;
        if input.rest.is_empty() { Ok(value) } else { Err(WireError::Trailing) }
    }

    /// SHA-256 of [`to_bytes`](Self::to_bytes): equal on every replica that holds an equal value.
    fn content_hash(&self) -> [u8; 32] {
        Sha256::digest(self.to_bytes()).into()
    }
}

/// Appends canonical bytes.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// A writer that has written nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Appends one byte as it is.
    pub fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// A number, 7 bits a byte, low bits first (LEB128).
    pub fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    /// Bytes as they are, without their length.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The length, then the bytes.
    pub fn blob(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.raw(bytes);
    }
}

/// Reads canonical bytes.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    limits: Limits,
}

impl<'a> Reader<'a> {
    /// From the start of `bytes`.
    pub fn new(bytes: &'a [u8], limits: Limits) -> Self {
        Self { rest: bytes, limits }
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// One byte.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    pub fn byte(&mut self) -> Result<u8, WireError> {
        let (&byte, rest) = self.rest.split_first().ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(byte)
    }

    /// A number in its shortest form.
    ///
    /// # Errors
    /// [`WireError::Truncated`], [`WireError::Number`].
    pub fn number(&mut self) -> Result<u64, WireError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            if shift == 63 && bits > 1 {
                return Err(WireError::Number);
            }
            number |= bits << shift;
            if byte < 0x80 {
                return if byte == 0 && shift > 0 { Err(WireError::Number) } else { Ok(number) };
            }
        }
        Err(WireError::Number)
    }

    /// This many bytes as they are.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    pub fn raw(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }

    /// A length, then that many bytes.
    ///
    /// # Errors
    /// [`WireError::Truncated`], [`WireError::Number`].
    pub fn blob(&mut self) -> Result<&'a [u8], WireError> {
        let length = self.number()?;
        self.raw(usize::try_from(length).map_err(|_| WireError::Truncated)?)
    }

    /// The length of a list of which each entry takes at least `min_bytes`: never more than the bytes that are left can hold.
    ///
    /// # Errors
    /// [`WireError::Truncated`], [`WireError::TooMany`].
    pub fn length(&mut self, min_bytes: usize) -> Result<usize, WireError> {
        self.bounded(min_bytes, "entries", self.limits.max_entries)
    }

    fn bounded(&mut self, min_bytes: usize, what: &'static str, limit: usize) -> Result<usize, WireError> {
        let count = usize::try_from(self.number()?).map_err(|_| WireError::Truncated)?;
        if count > limit {
            return Err(WireError::TooMany { what, limit });
        }
        if count > self.rest.len() / min_bytes.max(1) {
            return Err(WireError::Truncated);
        }
        Ok(count)
    }
}

impl Wire for u64 {
    fn write(&self, out: &mut Writer) {
        out.number(*self);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        input.number()
    }
}

impl Wire for u32 {
    fn write(&self, out: &mut Writer) {
        out.number(u64::from(*self));
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        Self::try_from(input.number()?).map_err(|_| WireError::Number)
    }
}

/// Small amounts of either sign are short (zigzag).
impl Wire for i64 {
    fn write(&self, out: &mut Writer) {
        out.number(((self << 1) ^ (self >> 63)) as u64);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let number = input.number()?;
        Ok((number >> 1) as Self ^ -((number & 1) as Self))
    }
}

impl Wire for () {
    fn write(&self, _: &mut Writer) {}

    fn read(_: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(())
    }
}

impl Wire for Vec<u8> {
    fn write(&self, out: &mut Writer) {
        out.blob(self);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        input.blob().map(Self::from)
    }
}

impl Wire for String {
    fn write(&self, out: &mut Writer) {
        out.blob(self.as_bytes());
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        core::str::from_utf8(input.blob()?).map(Self::from).map_err(|_| WireError::Text)
    }
}

impl<T: Wire> Wire for Option<T> {
    fn write(&self, out: &mut Writer) {
        out.byte(u8::from(self.is_some()));
        if let Some(value) = self {
            value.write(out);
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        match input.byte()? {
            0 => Ok(None),
            1 => T::read(input).map(Some),
            _ => Err(WireError::Number),
        }
    }
}

macro_rules! number {
    ($($name:ident($inner:ty)),+) => {$(
        impl Wire for $name {
            fn write(&self, out: &mut Writer) {
                self.0.write(out);
            }

            fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
                <$inner>::read(input).map(Self)
            }
        }
    )+};
}

number!(Seq(u64), Item(u64), Hlc(u64), FoldEpoch(u32), RepairGen(u32));

impl Wire for ReplicaId {
    fn write(&self, out: &mut Writer) {
        out.raw(&self.0.to_be_bytes());
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(input.raw(8)?);
        Ok(Self(u64::from_be_bytes(bytes)))
    }
}

impl Wire for Chain {
    fn write(&self, out: &mut Writer) {
        out.raw(&self.to_key());
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        Self::from_key(input.raw(9)?).ok_or(WireError::Number)
    }
}

impl Wire for EventId {
    fn write(&self, out: &mut Writer) {
        self.chain.write(out);
        self.seq.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self::new(Chain::read(input)?, Seq::read(input)?))
    }
}

impl Wire for Stamp {
    fn write(&self, out: &mut Writer) {
        self.repair.write(out);
        self.hlc.write(out);
        self.chain.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self::new(RepairGen::read(input)?, Hlc::read(input)?, Chain::read(input)?))
    }
}

/// Grouped by replica: 8 bytes for the incarnation, then one byte of lanes present, then a number for each.
impl Wire for VersionVector {
    fn write(&self, out: &mut Writer) {
        let mut replicas: Vec<(ReplicaId, u8)> = Vec::new();
        for (chain, _) in self.iter() {
            let bit = 1 << chain.lane.code();
            match replicas.last_mut() {
                Some((last, lanes)) if *last == chain.replica => *lanes |= bit,
                _ => replicas.push((chain.replica, bit)),
            }
        }
        out.number(replicas.len() as u64);
        for (replica, lanes) in replicas {
            replica.write(out);
            out.byte(lanes);
            for lane in Lane::ALL.into_iter().filter(|lane| lanes & 1 << lane.code() != 0) {
                self.get(Chain::new(replica, lane)).write(out);
            }
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let limit = input.limits.max_chains.min(Self::MAX_CHAINS);
        let count = input.bounded(10, "chains", limit)?;
        let mut vector = Self::new();
        let mut last = None;
        for _ in 0..count {
            let replica = ReplicaId::read(input)?;
            if last.is_some_and(|last| replica <= last) {
                return Err(Corruption::Order.into());
            }
            last = Some(replica);
            let lanes = input.byte()?;
            if lanes == 0 || lanes >> Lane::ALL.len() != 0 {
                return Err(WireError::Number);
            }
            for lane in Lane::ALL.into_iter().filter(|lane| lanes & 1 << lane.code() != 0) {
                let seq = Seq::read(input)?;
                if seq == Seq::ZERO {
                    return Err(WireError::Number);
                }
                vector.set_max(Chain::new(replica, lane), seq);
            }
        }
        if vector.len() > limit {
            return Err(WireError::TooMany { what: "chains", limit });
        }
        Ok(vector)
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn write(&self, out: &mut Writer) {
        self.0.write(out);
        self.1.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok((A::read(input)?, B::read(input)?))
    }
}

pub(crate) fn write_list<T: Wire>(list: &[T], out: &mut Writer) {
    out.number(list.len() as u64);
    list.iter().for_each(|entry| entry.write(out));
}

/// A list of entries that take at least `min_bytes` each. Memory is reserved as entries come, never by the announced length.
pub(crate) fn read_list<T: Wire>(min_bytes: usize, input: &mut Reader<'_>) -> Result<Vec<T>, WireError> {
    let count = input.length(min_bytes)?;
    let mut list = Vec::new();
    for _ in 0..count {
        list.push(T::read(input)?);
    }
    Ok(list)
}

pub(crate) fn write_map<K: Wire, V: Wire>(map: &BTreeMap<K, V>, out: &mut Writer) {
    out.number(map.len() as u64);
    for (key, value) in map {
        key.write(out);
        value.write(out);
    }
}

/// A map by rising key.
pub(crate) fn read_map<K: Wire + Ord, V: Wire>(
    min_bytes: usize,
    input: &mut Reader<'_>,
) -> Result<BTreeMap<K, V>, WireError> {
    let count = input.length(min_bytes)?;
    let mut map = BTreeMap::new();
    for _ in 0..count {
        let key = K::read(input)?;
        if map.last_key_value().is_some_and(|(last, _)| key <= *last) {
            return Err(Corruption::Order.into());
        }
        map.insert(key, V::read(input)?);
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;

    #[test]
    fn numbers_have_one_form() {
        for number in [0, 1, 127, 128, 16_383, 16_384, u64::MAX - 1, u64::MAX] {
            let bytes = number.to_bytes();
            assert_eq!(u64::from_bytes(&bytes, &Limits::default()), Ok(number));
        }
        for signed in [0, -1, 1, i64::MIN, i64::MAX] {
            assert_eq!(i64::from_bytes(&signed.to_bytes(), &Limits::default()), Ok(signed));
        }
        let read = |bytes: &[u8]| u64::from_bytes(bytes, &Limits::default());
        assert_eq!(read(&[1, 0x80, 0]), Err(WireError::Number), "zero in two bytes");
        assert_eq!(read(&[1, 0x80]), Err(WireError::Truncated));
        assert_eq!(read(&[1, 1, 1]), Err(WireError::Trailing));
        assert_eq!(read(&[2, 1]), Err(WireError::Format(2)));
        let mut too_large = vec![1];
        too_large.extend([0xFF; 9]);
        too_large.push(2);
        assert_eq!(read(&too_large), Err(WireError::Number));
    }

    #[test]
    fn an_absurd_length_allocates_nothing() {
        let mut bytes = vec![1];
        bytes.extend([0xFF, 0xFF, 0xFF, 0x07]);
        assert_eq!(
            VersionVector::from_bytes(&bytes, &Limits::default()),
            Err(WireError::TooMany { what: "chains", limit: VersionVector::MAX_CHAINS })
        );
        assert_eq!(String::from_bytes(&bytes, &Limits::default()), Err(WireError::Truncated));
    }

    #[test]
    fn vectors_read_back() {
        let chain = |terminal, lane| Chain::new(ReplicaId::new(terminal, 7), lane);
        let vector: VersionVector = [
            (chain(1, Lane::Transactions), Seq(300)),
            (chain(1, Lane::Telemetry), Seq(1)),
            (chain(9, Lane::Stock), Seq(u64::MAX)),
        ]
        .into_iter()
        .collect();
        assert_eq!(VersionVector::from_bytes(&vector.to_bytes(), &Limits::default()), Ok(vector));
    }
}

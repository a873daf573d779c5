//! CBOR (RFC 8949) with integer keys: the few shapes that every message is made of.
//!
//! Maps have a definite length and rising keys; a reader skips keys that it does not know. Nothing may follow the outermost item.

use core::convert::Infallible;

use edgepos_core::{Chain, Lane, ReplicaId, Seq};
use edgepos_crdt::VersionVector;
use minicbor::{Decoder, Encoder, encode};

use crate::Limits;

/// More keys than any map has, so that a hostile map can not keep a reader busy.
const MAX_FIELDS: u64 = 64;

/// Why bytes are no message, batch, request or row.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not CBOR, or not the shape that this place asks for.
    #[error("malformed at byte {at}")]
    Malformed {
        /// Offset in the bytes given.
        at: usize,
    },
    /// A map lacks a key that it must have.
    #[error("key {key} is missing")]
    Missing {
        /// The integer key.
        key: u64,
    },
    /// Larger than its limit.
    #[error("{what} exceeds its limit of {limit}")]
    TooLarge {
        /// What is counted.
        what: &'static str,
        /// The limit, in bytes or items.
        limit: u64,
    },
    /// Well-formed, and yet no honest writer writes it.
    #[error("{what} is impossible")]
    Impossible {
        /// Which value.
        what: &'static str,
    },
    /// A batch of a later format.
    #[error("batch format {version} is unknown")]
    UnknownVersion {
        /// The format's number.
        version: u64,
    },
    /// A body in a codec that this build does not have.
    #[error("codec {codec} is unknown")]
    UnknownCodec {
        /// The codec's number.
        codec: u64,
    },
    /// A body compressed with a dictionary that this build does not have.
    #[error("dictionary {dictionary} is unknown")]
    UnknownDictionary {
        /// The dictionary's number.
        dictionary: u64,
    },
    /// The body does not decompress.
    #[error("compressed body is damaged")]
    Damaged,
}

pub(crate) type Sink<'a> = Encoder<&'a mut Vec<u8>>;
pub(crate) type Written = Result<(), encode::Error<Infallible>>;

/// Collects what `fill` writes.
pub(crate) fn write(fill: impl FnOnce(&mut Sink<'_>) -> Written) -> Vec<u8> {
    let mut bytes = Vec::new();
    fill(&mut Encoder::new(&mut bytes)).expect("writing to a vector can not fail");
    bytes
}

/// A vector as a map: replica → positions of lanes 0 to 3, trailing zeros left out. Replicas rise.
pub(crate) fn write_vector(out: &mut Sink<'_>, vector: &VersionVector) -> Written {
    let mut replicas: Vec<(ReplicaId, [u64; 4])> = Vec::new();
    for (chain, seq) in vector.iter() {
        if replicas.last().is_none_or(|(replica, _)| *replica != chain.replica) {
            replicas.push((chain.replica, [0; 4]));
        }
        if let Some((_, lanes)) = replicas.last_mut() {
            lanes[usize::from(chain.lane.code())] = seq.0;
        }
    }
    out.map(replicas.len() as u64)?;
    for (replica, lanes) in replicas {
        let used = lanes.iter().rposition(|seq| *seq != 0).map_or(0, |last| last + 1);
        out.u64(replica.0)?.array(used as u64)?;
        for seq in &lanes[..used] {
            out.u64(*seq)?;
        }
    }
    Ok(())
}

/// Reads one CBOR item with limits.
pub(crate) struct Reader<'b> {
    decoder: Decoder<'b>,
}

impl<'b> Reader<'b> {
    /// The whole of `bytes` through `read`; anything behind it is refused.
    pub(crate) fn all<T>(
        bytes: &'b [u8],
        limit: u32,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        if bytes.len() > limit as usize {
            return Err(DecodeError::TooLarge { what: "message", limit: limit.into() });
        }
        let mut reader = Self { decoder: Decoder::new(bytes) };
        let value = read(&mut reader)?;
        if reader.decoder.position() != bytes.len() {
            return Err(reader.malformed());
        }
        Ok(value)
    }

    fn malformed(&self) -> DecodeError {
        DecodeError::Malformed { at: self.decoder.position() }
    }

    fn item<T>(
        &mut self,
        read: impl FnOnce(&mut Decoder<'b>) -> Result<T, minicbor::decode::Error>,
    ) -> Result<T, DecodeError> {
        let at = self.decoder.position();
        read(&mut self.decoder).map_err(|_| DecodeError::Malformed { at })
    }

    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.item(Decoder::u64)
    }

    /// A number that must fit in a smaller type.
    pub(crate) fn small<T: TryFrom<u64>>(&mut self, what: &'static str) -> Result<T, DecodeError> {
        T::try_from(self.u64()?).map_err(|_| DecodeError::Impossible { what })
    }

    pub(crate) fn bool(&mut self) -> Result<bool, DecodeError> {
        self.item(Decoder::bool)
    }

    /// Bytes that are borrowed, so that a length that lies costs nothing.
    pub(crate) fn bytes(&mut self, what: &'static str, limit: u32) -> Result<&'b [u8], DecodeError> {
        let bytes = self.item(Decoder::bytes)?;
        if bytes.len() > limit as usize {
            return Err(DecodeError::TooLarge { what, limit: limit.into() });
        }
        Ok(bytes)
    }

    pub(crate) fn fixed<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        let bytes = self.item(Decoder::bytes)?;
        bytes.try_into().map_err(|_| DecodeError::Impossible { what })
    }

    /// The length of an array, checked against a limit before anything is allocated for it.
    pub(crate) fn array(&mut self, what: &'static str, limit: u32) -> Result<u64, DecodeError> {
        let at = self.decoder.position();
        let length = self.item(Decoder::array)?.ok_or(DecodeError::Malformed { at })?;
        if length > u64::from(limit) {
            return Err(DecodeError::TooLarge { what, limit: limit.into() });
        }
        Ok(length)
    }

    fn map(&mut self, what: &'static str, limit: u64) -> Result<u64, DecodeError> {
        let at = self.decoder.position();
        let length = self.item(Decoder::map)?.ok_or(DecodeError::Malformed { at })?;
        if length > limit {
            return Err(DecodeError::TooLarge { what, limit });
        }
        Ok(length)
    }

    /// A map with rising integer keys. `field` reads the value of a key that it knows and says so; others are skipped.
    pub(crate) fn fields(
        &mut self,
        mut field: impl FnMut(&mut Self, u64) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        let mut above = None;
        for _ in 0..self.map("map", MAX_FIELDS)? {
            let key = self.u64()?;
            if above.is_some_and(|above| key <= above) {
                return Err(DecodeError::Impossible { what: "order of keys" });
            }
            above = Some(key);
            if !field(self, key)? {
                self.item(Decoder::skip)?;
            }
        }
        Ok(())
    }

    /// Reads what [`write_vector`] wrote.
    pub(crate) fn vector(&mut self, limits: &Limits) -> Result<VersionVector, DecodeError> {
        let mut vector = VersionVector::new();
        self.lanes(limits, |reader, chain| {
            let seq = reader.u64()?;
            if seq != 0 {
                vector.set_max(chain, Seq(seq));
            }
            Ok(())
        })?;
        if vector.len() > limits.max_chains as usize {
            return Err(DecodeError::TooLarge { what: "vector", limit: limits.max_chains.into() });
        }
        Ok(vector)
    }

    /// A map replica → array by lane, each entry through `entry`.
    pub(crate) fn lanes(
        &mut self,
        limits: &Limits,
        mut entry: impl FnMut(&mut Self, Chain) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        let mut above = None;
        for _ in 0..self.map("vector", limits.max_chains.into())? {
            let replica = self.u64()?;
            if above.is_some_and(|above| replica <= above) {
                return Err(DecodeError::Impossible { what: "order of replicas" });
            }
            above = Some(replica);
            let lanes = self.array("lanes", Lane::ALL.len() as u32)?;
            for lane in &Lane::ALL[..lanes as usize] {
                entry(self, Chain::new(ReplicaId(replica), *lane))?;
            }
        }
        Ok(())
    }
}

/// The value of a key that must be there.
pub(crate) fn required<T>(value: Option<T>, key: u64) -> Result<T, DecodeError> {
    value.ok_or(DecodeError::Missing { key })
}

/// A chain as replica and lane, in two keys.
pub(crate) fn lane(code: u64) -> Result<Lane, DecodeError> {
    u8::try_from(code).ok().and_then(Lane::from_code).ok_or(DecodeError::Impossible { what: "lane" })
}

//! What somebody says that it, or the cloud, holds: positions, and the hashes that prove them.

use core::fmt;
use core::str::FromStr;
use std::collections::BTreeMap;

use edgepos_core::{Chain, Lane, ParseIdError, ReplicaId, Seq, parse_hexadecimal};
use edgepos_crdt::VersionVector;
use edgepos_wire::{DecodeError, Reader, Sink, Written};

use super::shapes;
use crate::event::Hash;
use crate::gap::Lost;
use crate::limits::Limits;

/// One life of the cloud's memory of a store: drawn when the cloud first hears of the store, and again when it was restored from a
/// backup. What an earlier life held counts for nothing in the next one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloudInstance(pub [u8; 8]);

impl CloudInstance {
    /// The chain of what comes down from the cloud in this life of it.
    pub fn feed(self) -> Chain {
        Chain::new(ReplicaId::cloud(u64::from_be_bytes(self.0)), Lane::Prices)
    }
}

impl fmt::Display for CloudInstance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// 16 hexadecimal digits.
impl FromStr for CloudInstance {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        parse_hexadecimal(text).map(Self).ok_or(ParseIdError::new("16 hexadecimal digits"))
    }
}

impl fmt::Debug for CloudInstance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloudInstance({self})")
    }
}

/// What the cloud holds, as it says itself or as a peer passes it on.
///
/// A position alone decides what is sent. Only where the hash at the position is the receiver's own does anybody forget an event,
/// call it safe, or pass the claim on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Claim {
    /// How far each chain is held.
    pub vector: VersionVector,
    /// The hash of those chains at that position. Empty from those who speak no hashes (0.1.0).
    pub heads: BTreeMap<Chain, Hash>,
    /// Which life of the cloud it is about. `None` from those who speak no hashes.
    pub instance: Option<CloudInstance>,
    /// What it lacks below those positions. `None` from those who take no gaps (0.1.0), and where nothing is said of it.
    pub lost: Option<Lost>,
    /// The newest format of a batch that the cloud reads, as it says itself; 0, which is left out, and 1 are that which everybody
    /// reads (0.1.0).
    pub batch_format: u16,
}

impl Claim {
    /// Each chain that has a hash, with its position.
    pub fn proofs(&self) -> impl Iterator<Item = (Chain, Seq, Hash)> + '_ {
        proofs(&self.vector, &self.heads)
    }

    /// The part of it above `told`.
    pub(crate) fn above(&self, told: &VersionVector) -> Self {
        let vector: VersionVector =
            self.vector.iter().filter(|(chain, seq)| *seq > told.get(*chain)).collect();
        let heads = self.heads.iter().filter(|(chain, _)| vector.get(**chain) != Seq::ZERO);
        Self {
            heads: heads.map(|(chain, hash)| (*chain, *hash)).collect(),
            vector,
            instance: self.instance,
            lost: None,
            batch_format: 0,
        }
    }

    /// Whether it names positions and no hash: whoever says so speaks none.
    pub fn is_bare(&self) -> bool {
        self.heads.is_empty() && self.instance.is_none()
    }
}

impl From<VersionVector> for Claim {
    fn from(vector: VersionVector) -> Self {
        Self { vector, ..Self::default() }
    }
}

/// Each chain that is held and has a hash, with its position.
pub(crate) fn proofs<'a>(
    vector: &'a VersionVector,
    heads: &'a BTreeMap<Chain, Hash>,
) -> impl Iterator<Item = (Chain, Seq, Hash)> + 'a {
    let held = heads.iter().map(|(chain, hash)| (*chain, vector.get(*chain), *hash));
    held.filter(|(_, seq, _)| *seq != Seq::ZERO)
}

/// The keys of a claim in the map of a message, a reply or a row.
#[derive(Clone, Copy)]
pub(crate) struct Keys {
    pub(crate) vector: u64,
    pub(crate) heads: u64,
    pub(crate) instance: u64,
    pub(crate) lost: u64,
    pub(crate) batch_format: u64,
}

impl Claim {
    /// How many keys [`write_to`](Self::write_to) writes.
    pub(crate) fn fields(&self) -> u64 {
        1 + u64::from(!self.heads.is_empty())
            + u64::from(self.instance.is_some())
            + u64::from(self.lost.is_some())
            + u64::from(self.batch_format > 0)
    }

    /// Writes its keys, which rise in the order of [`Keys`].
    pub(crate) fn write_to(&self, out: &mut Sink<'_>, keys: Keys) -> Written {
        out.u64(keys.vector)?;
        shapes::write_vector(out, &self.vector)?;
        if !self.heads.is_empty() {
            out.u64(keys.heads)?;
            shapes::write_heads(out, &self.heads)?;
        }
        if let Some(instance) = self.instance {
            out.u64(keys.instance)?.bytes(&instance.0)?;
        }
        if let Some(lost) = &self.lost {
            out.u64(keys.lost)?;
            lost.write_to(out)?;
        }
        if self.batch_format > 0 {
            out.u64(keys.batch_format)?.u16(self.batch_format)?;
        }
        Ok(())
    }
}

/// A claim that is being read.
#[derive(Default)]
pub(crate) struct Draft {
    vector: Option<VersionVector>,
    heads: BTreeMap<Chain, Hash>,
    instance: Option<CloudInstance>,
    lost: Option<Lost>,
    batch_format: u16,
}

impl Draft {
    /// Whether the key is one of a claim, which is read then.
    pub(crate) fn read(
        &mut self,
        reader: &mut Reader<'_>,
        key: u64,
        keys: Keys,
        limits: &Limits,
    ) -> Result<bool, DecodeError> {
        if key == keys.vector {
            self.vector = Some(shapes::vector(reader, limits)?);
        } else if key == keys.heads {
            self.heads = shapes::heads(reader, limits)?;
        } else if key == keys.instance {
            self.instance = Some(CloudInstance(reader.fixed("instance")?));
        } else if key == keys.lost {
            self.lost = Some(Lost::read(reader)?);
        } else if key == keys.batch_format {
            self.batch_format = reader.small("batch format")?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// The claim, whose vector the map of a whole `place` must have.
    pub(crate) fn finish(self, place: &'static str, keys: Keys) -> Result<Claim, DecodeError> {
        let Self { vector, mut heads, instance, lost, batch_format } = self;
        let vector = shapes::required(place, vector, keys.vector)?;
        // A hash of nothing proves nothing.
        heads.retain(|chain, _| vector.get(*chain) != Seq::ZERO);
        Ok(Claim { vector, heads, instance, lost, batch_format })
    }
}

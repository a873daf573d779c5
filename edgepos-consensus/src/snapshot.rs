//! What replaces a dropped log: no decision, only who belongs and which decisions were applied.

use std::collections::BTreeMap;

use edgepos_core::ReplicaId;
use minicbor::Decoder;
use minicbor::decode::Error;

use crate::cbor::{self, infallible};
use crate::members::Members;

/// Replicas that may ever have proposed in one store, counting every incarnation of every terminal. At the limit the leader
/// appends no proposal of a further one. A constant: terminals with different limits would decide differently.
pub(crate) const MAX_PROPOSERS: usize = 4096;

/// Kinds of decisions that a store may ever take. A constant, for the same reason.
pub(crate) const MAX_KINDS: usize = 256;

/// The state at one index of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Snapshot {
    pub(crate) index: u64,
    pub(crate) term: u64,
    pub(crate) members: Members,
    /// Highest applied number of each replica that ever proposed.
    pub(crate) decided: BTreeMap<ReplicaId, u64>,
    /// The index of the last decision of each kind.
    pub(crate) versions: BTreeMap<u16, u64>,
}

impl Snapshot {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut encoder = cbor::map(4 + u64::from(!self.versions.is_empty()));
        cbor::put_u64(&mut encoder, 0, self.index);
        cbor::put_u64(&mut encoder, 1, self.term);
        infallible(encoder.u8(2));
        self.members.encode_into(&mut encoder);
        infallible(encoder.u8(3).and_then(|encoder| encoder.array(2 * self.decided.len() as u64)));
        for (replica, number) in &self.decided {
            infallible(encoder.u64(replica.0).and_then(|encoder| encoder.u64(*number)));
        }
        if !self.versions.is_empty() {
            infallible(encoder.u8(4).and_then(|encoder| encoder.array(2 * self.versions.len() as u64)));
            for (kind, index) in &self.versions {
                infallible(encoder.u16(*kind).and_then(|encoder| encoder.u64(*index)));
            }
        }
        encoder.into_writer()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut decoder = Decoder::new(bytes);
        let snapshot = Self::decode_from(&mut decoder)?;
        cbor::end(&decoder)?;
        Ok(snapshot)
    }

    pub(crate) fn decode_from(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        let (mut index, mut term, mut members) = (None, None, None);
        let (mut numbers, mut versions) = (Vec::new(), Vec::new());
        cbor::visit_map(decoder, |key, decoder| {
            match key {
                0 => index = Some(decoder.u64()?),
                1 => term = Some(decoder.u64()?),
                2 => members = Some(Members::decode_from(decoder)?),
                3 => numbers = cbor::array(decoder, 2 * MAX_PROPOSERS, Decoder::u64)?,
                4 => versions = cbor::array(decoder, 2 * MAX_KINDS, Decoder::u64)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let missing = || Error::message("snapshot lacks a field");
        let (pairs, rest) = numbers.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(Error::message("a decided number without its replica"));
        }
        let (versions, rest) = versions.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(Error::message("a kind of decision without its index"));
        }
        let version = |[kind, index]: &[u64; 2]| {
            let kind = u16::try_from(*kind).map_err(|_| Error::message("impossible kind of decision"))?;
            Ok((kind, *index))
        };
        Ok(Self {
            index: index.ok_or_else(missing)?,
            term: term.ok_or_else(missing)?,
            members: members.ok_or_else(missing)?,
            decided: pairs.iter().map(|[replica, number]| (ReplicaId(*replica), *number)).collect(),
            versions: versions.iter().map(version).collect::<Result<_, Error>>()?,
        })
    }
}

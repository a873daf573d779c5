//! What replaces a dropped log: no decision, only who belongs and which decisions were applied.

use minicbor::Decoder;
use minicbor::decode::Error;

use crate::cbor::{self, infallible};
use crate::decisions::Decisions;
use crate::members::Members;

/// The state at one index of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Snapshot {
    pub(crate) index: u64,
    pub(crate) term: u64,
    pub(crate) members: Members,
    pub(crate) decisions: Decisions,
}

impl Snapshot {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut encoder = cbor::map(3 + self.decisions.fields());
        cbor::put_u64(&mut encoder, 0, self.index);
        cbor::put_u64(&mut encoder, 1, self.term);
        infallible(encoder.u8(2));
        self.members.encode_into(&mut encoder);
        self.decisions.encode_into(&mut encoder);
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
        let mut decisions = Decisions::default();
        cbor::visit_map(decoder, |key, decoder| {
            match key {
                0 => index = Some(decoder.u64()?),
                1 => term = Some(decoder.u64()?),
                2 => members = Some(Members::decode_from(decoder)?),
                _ => return decisions.decode_field(key, decoder),
            }
            Ok(true)
        })?;
        let missing = || Error::message("snapshot lacks a field");
        Ok(Self {
            index: index.ok_or_else(missing)?,
            term: term.ok_or_else(missing)?,
            members: members.ok_or_else(missing)?,
            decisions,
        })
    }
}

//! How identities of the core crate look in CBOR.

use minicbor::decode::{self, Decoder};
use minicbor::encode::{self, Encoder, Write};

/// Encodes into a fresh vector.
pub(crate) fn to_cbor<T: minicbor::Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).expect("writing to a vector does not fail")
}

/// Decodes, and refuses bytes that follow the value.
pub(crate) fn from_cbor<'b, T: minicbor::Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, decode::Error> {
    let mut decoder = Decoder::new(bytes);
    let value = decoder.decode()?;
    if decoder.position() != bytes.len() {
        return Err(decode::Error::message("bytes after the end").at(decoder.position()));
    }
    Ok(value)
}

/// An event id as its 17-byte key.
pub(crate) mod event_id {
    use edgepos_core::EventId;

    use super::{Decoder, Encoder, Write, decode, encode};

    pub(crate) fn encode<C, W: Write>(
        value: &EventId,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.bytes(&value.to_key())?.ok()
    }

    pub(crate) fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<EventId, decode::Error> {
        let at = d.position();
        EventId::from_key(d.bytes()?).ok_or_else(|| decode::Error::message("expected an event id").at(at))
    }
}

/// A list of event ids.
pub(crate) mod event_ids {
    use edgepos_core::EventId;

    use super::{Decoder, Encoder, Write, decode, encode, event_id};

    pub(crate) fn encode<C, W: Write>(
        value: &[EventId],
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.array(value.len() as u64)?;
        value.iter().try_for_each(|id| event_id::encode(id, e, ctx))
    }

    pub(crate) fn decode<C>(d: &mut Decoder<'_>, ctx: &mut C) -> Result<Vec<EventId>, decode::Error> {
        let at = d.position();
        let count = d.array()?.ok_or_else(|| decode::Error::message("expected a definite array").at(at))?;
        // No allocation ahead of the input: `count` comes from outside.
        let mut ids = Vec::new();
        for _ in 0..count {
            ids.push(event_id::decode(d, ctx)?);
        }
        Ok(ids)
    }
}

//! Values that derive `minicbor`'s traits, and how identities of the core crate look in them.

use alloc::vec::Vec;

use minicbor::decode::Decoder;

use crate::{DecodeError, DecodeFault};

/// Encodes into a fresh vector.
pub fn to_cbor<T: minicbor::Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).expect("writing to a vector does not fail")
}

/// Decodes a `place`, and refuses bytes that follow it.
///
/// # Errors
/// [`DecodeFault::Malformed`] in the decoder's words; [`DecodeFault::Expected`] when something follows.
pub fn from_cbor<'b, T: minicbor::Decode<'b, ()>>(
    place: &'static str,
    bytes: &'b [u8],
) -> Result<T, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    let value = decoder.decode().map_err(|error| DecodeError::derived(place, bytes.len(), &error))?;
    if decoder.position() != bytes.len() {
        return Err(DecodeError::new(place, decoder.position(), DecodeFault::Expected("the end")));
    }
    Ok(value)
}

/// An event id as its 17-byte key, for `#[cbor(with = "edgepos_wire::event_id")]`.
pub mod event_id {
    use edgepos_core::EventId;
    use minicbor::decode::{self, Decoder};
    use minicbor::encode::{self, Encoder, Write};

    /// Writes the key as bytes.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn encode<C, W: Write>(
        value: &EventId,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.bytes(&value.to_key())?.ok()
    }

    /// Reads what [`encode()`] wrote.
    ///
    /// # Errors
    /// When it is no event id.
    pub fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<EventId, decode::Error> {
        let at = d.position();
        EventId::from_key(d.bytes()?).ok_or_else(|| decode::Error::message("expected an event id").at(at))
    }
}

/// An event id that may be absent, for `#[cbor(with = "edgepos_wire::optional_event_id")]`.
pub mod optional_event_id {
    use edgepos_core::EventId;
    use minicbor::decode::{self, Decoder};
    use minicbor::encode::{self, Encoder, Write};

    use super::event_id;

    /// Writes the key as bytes; null where there is none and the place has to be filled.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn encode<C, W: Write>(
        value: &Option<EventId>,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        match value {
            Some(id) => event_id::encode(id, e, ctx),
            None => e.null()?.ok(),
        }
    }

    /// Reads what [`encode()`] wrote.
    ///
    /// # Errors
    /// When it is no event id.
    pub fn decode<C>(d: &mut Decoder<'_>, ctx: &mut C) -> Result<Option<EventId>, decode::Error> {
        if d.datatype()? == minicbor::data::Type::Null {
            d.null()?;
            return Ok(None);
        }
        event_id::decode(d, ctx).map(Some)
    }

    /// None is left out.
    pub fn is_nil(value: &Option<EventId>) -> bool {
        value.is_none()
    }

    /// A field that is left out reads as `None`.
    pub fn nil() -> Option<Option<EventId>> {
        Some(None)
    }
}

/// A list of event ids, for `#[cbor(with = "edgepos_wire::event_ids")]`.
pub mod event_ids {
    use alloc::vec::Vec;

    use edgepos_core::EventId;
    use minicbor::decode::{self, Decoder};
    use minicbor::encode::{self, Encoder, Write};

    use super::event_id;

    /// Writes the keys as an array of bytes.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn encode<C, W: Write>(
        value: &[EventId],
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.array(value.len() as u64)?;
        value.iter().try_for_each(|id| event_id::encode(id, e, ctx))
    }

    /// Reads what [`encode()`] wrote.
    ///
    /// # Errors
    /// When it is no array of event ids.
    pub fn decode<C>(d: &mut Decoder<'_>, ctx: &mut C) -> Result<Vec<EventId>, decode::Error> {
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

/// Strings of bytes by name, for `#[cbor(with = "edgepos_wire::bytes_by_name")]`.
pub mod bytes_by_name {
    use alloc::collections::BTreeMap;
    use alloc::string::String;
    use alloc::vec::Vec;

    use minicbor::decode::{self, Decoder};
    use minicbor::encode::{self, Encoder, Write};

    /// Writes a map.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn encode<C, W: Write>(
        value: &BTreeMap<String, Vec<u8>>,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.map(value.len() as u64)?;
        for (name, bytes) in value {
            e.str(name)?.bytes(bytes)?;
        }
        Ok(())
    }

    /// Reads what [`encode()`] wrote.
    ///
    /// # Errors
    /// When it is no map from strings to bytes.
    pub fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<BTreeMap<String, Vec<u8>>, decode::Error> {
        d.map_iter::<String, minicbor::bytes::ByteVec>()?
            .map(|pair| pair.map(|(name, bytes)| (name, bytes.into())))
            .collect()
    }
}

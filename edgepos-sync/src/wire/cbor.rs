//! CBOR (RFC 8949) with integer keys, and limits that hold before memory is taken. What the bytes mean is not known here.
//!
//! Maps have a definite length and rising keys; a reader skips keys that it does not know. Nothing may follow the outermost item.

use core::convert::Infallible;

use minicbor::{Decoder, Encoder, encode};

use super::error::DecodeError;

/// More keys than any map has, so that a hostile map cannot keep a reader busy.
const MAX_FIELDS: u64 = 64;

pub(crate) type Sink<'a> = Encoder<&'a mut Vec<u8>>;
pub(crate) type Written = Result<(), encode::Error<Infallible>>;

/// Collects what `fill` writes.
pub(crate) fn write(fill: impl FnOnce(&mut Sink<'_>) -> Written) -> Vec<u8> {
    let mut bytes = Vec::new();
    fill(&mut Encoder::new(&mut bytes)).expect("writing to a vector cannot fail");
    bytes
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

    /// The number of entries of a map, checked against a limit as an array's is.
    pub(crate) fn map(&mut self, what: &'static str, limit: u64) -> Result<u64, DecodeError> {
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
}

/// The value of a key that must be there.
pub(crate) fn required<T>(value: Option<T>, key: u64) -> Result<T, DecodeError> {
    value.ok_or(DecodeError::Missing { key })
}

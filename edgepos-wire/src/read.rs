//! Reading what strangers send: each length is checked against a limit before anything is allocated for it.

use alloc::vec::Vec;

use minicbor::Decoder;

use crate::{DecodeError, DecodeFault};

/// More keys than any map has, so that a hostile map cannot keep a reader busy.
const MAX_FIELDS: u32 = 64;

/// Reads one CBOR item with limits. It borrows from its input.
#[derive(Debug)]
pub struct Reader<'b> {
    place: &'static str,
    decoder: Decoder<'b>,
}

impl<'b> Reader<'b> {
    /// The whole of `bytes`, which are a `place`, through `read`. Longer ones than `limit` are not looked at.
    ///
    /// # Errors
    /// [`DecodeFault::TooLarge`]; what `read` finds; [`DecodeFault::Expected`] when something follows the item.
    pub fn all<T>(
        place: &'static str,
        bytes: &'b [u8],
        limit: u32,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let mut reader = Self { place, decoder: Decoder::new(bytes) };
        if bytes.len() > limit as usize {
            return Err(reader.fault(DecodeFault::TooLarge { limit: limit.into() }));
        }
        let value = read(&mut reader)?;
        if reader.decoder.position() != bytes.len() {
            return Err(reader.fault(DecodeFault::Expected("the end")));
        }
        Ok(value)
    }

    /// An error at the next byte.
    pub fn fault(&self, fault: DecodeFault) -> DecodeError {
        DecodeError::new(self.place, self.decoder.position(), fault)
    }

    /// An item of one shape; an error names where it starts.
    fn item<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(&mut Decoder<'b>) -> Result<T, minicbor::decode::Error>,
    ) -> Result<T, DecodeError> {
        let error = self.fault(DecodeFault::Expected(expected));
        read(&mut self.decoder).map_err(|_| error)
    }

    /// An unsigned integer of up to 64 bits.
    ///
    /// # Errors
    /// [`DecodeFault::Expected`].
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        self.item("an unsigned integer", Decoder::u64)
    }

    /// An unsigned integer that must fit in a smaller type, for the value `what`.
    ///
    /// # Errors
    /// [`DecodeFault::Expected`]; [`DecodeFault::Impossible`] when it is too large.
    pub fn small<T: TryFrom<u64>>(&mut self, what: &'static str) -> Result<T, DecodeError> {
        let at = self.decoder.position();
        T::try_from(self.u64()?).map_err(|_| DecodeError::new(what, at, DecodeFault::Impossible))
    }

    /// The truth value `true` or `false`.
    ///
    /// # Errors
    /// [`DecodeFault::Expected`].
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        self.item("a truth value", Decoder::bool)
    }

    /// Bytes that are borrowed, so that a length that lies costs nothing.
    ///
    /// # Errors
    /// [`DecodeFault::Expected`], also for bytes in pieces; [`DecodeFault::TooLarge`].
    pub fn bytes(&mut self, what: &'static str, limit: u32) -> Result<&'b [u8], DecodeError> {
        let at = self.decoder.position();
        let bytes = self.item("bytes", Decoder::bytes)?;
        if bytes.len() > limit as usize {
            return Err(DecodeError::new(what, at, DecodeFault::TooLarge { limit: limit.into() }));
        }
        Ok(bytes)
    }

    /// Exactly `N` bytes.
    ///
    /// # Errors
    /// [`DecodeFault::Expected`]; [`DecodeFault::Impossible`] for another length.
    pub fn fixed<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        let at = self.decoder.position();
        let bytes = self.item("bytes", Decoder::bytes)?;
        bytes.try_into().map_err(|_| DecodeError::new(what, at, DecodeFault::Impossible))
    }

    /// The length of an array.
    ///
    /// # Errors
    /// [`DecodeFault::Expected`], also for an array without a length; [`DecodeFault::TooLarge`].
    pub fn array(&mut self, what: &'static str, limit: u32) -> Result<u64, DecodeError> {
        self.length("an array of known length", what, limit, Decoder::array)
    }

    /// The length of a map.
    ///
    /// # Errors
    /// [`DecodeFault::Expected`], also for a map without a length; [`DecodeFault::TooLarge`].
    pub fn map(&mut self, what: &'static str, limit: u32) -> Result<u64, DecodeError> {
        self.length("a map of known length", what, limit, Decoder::map)
    }

    fn length(
        &mut self,
        expected: &'static str,
        what: &'static str,
        limit: u32,
        read: impl FnOnce(&mut Decoder<'b>) -> Result<Option<u64>, minicbor::decode::Error>,
    ) -> Result<u64, DecodeError> {
        let at = self.decoder.position();
        let malformed = self.fault(DecodeFault::Expected(expected));
        let length = self.item(expected, read)?.ok_or(malformed)?;
        if length > u64::from(limit) {
            return Err(DecodeError::new(what, at, DecodeFault::TooLarge { limit: limit.into() }));
        }
        Ok(length)
    }

    /// An array of at most `limit` items. Memory grows with the input, not with what its head claims.
    ///
    /// # Errors
    /// As [`array`](Self::array), and what `item` finds.
    pub fn items<T>(
        &mut self,
        what: &'static str,
        limit: u32,
        mut item: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let mut items = Vec::new();
        for _ in 0..self.array(what, limit)? {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// A map with rising integer keys. `field` reads the value of a key that it knows and says so; others are skipped.
    ///
    /// # Errors
    /// [`DecodeFault::Expected`]; [`DecodeFault::TooLarge`] for more than 64 keys; [`DecodeFault::Impossible`] for keys that do not rise; what
    /// `field` finds.
    pub fn fields(
        &mut self,
        mut field: impl FnMut(&mut Self, u64) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        let mut above = None;
        self.fields_in_any_order(|input, key| {
            if above.is_some_and(|above| key <= above) {
                return Err(DecodeError::new(
                    "order of keys",
                    input.decoder.position(),
                    DecodeFault::Impossible,
                ));
            }
            above = Some(key);
            field(input, key)
        })
    }

    /// The same where keys come as they like, and the last of two counts: the election's messages are written so.
    ///
    /// # Errors
    /// As [`fields`](Self::fields), but for the order.
    pub fn fields_in_any_order(
        &mut self,
        mut field: impl FnMut(&mut Self, u64) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        for _ in 0..self.map("map", MAX_FIELDS)? {
            let key = self.u64()?;
            if !field(self, key)? {
                self.item("a well-formed item", Decoder::skip)?;
            }
        }
        Ok(())
    }

    /// The value of a key that must be there.
    ///
    /// # Errors
    /// [`DecodeFault::Missing`], at the end of what was read of the map.
    pub fn required<T>(&self, value: Option<T>, key: u64) -> Result<T, DecodeError> {
        value.ok_or_else(|| self.fault(DecodeFault::Missing { key }))
    }
}

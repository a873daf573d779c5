//! The protobuf encoding (wire types 0, 1, 2 and 5), read without copying: as much as an ONNX file needs.

use thiserror::Error;

/// Bytes that are not the protobuf encoding of anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum WireError {
    #[error("a value runs past the end")]
    PastEnd,
    #[error("a number is longer than ten bytes")]
    LongVarint,
    #[error("a field has an unknown wire type or the number 0")]
    Tag,
    #[error("a field has another type than its number calls for")]
    Type,
    #[error("messages are nested too deeply")]
    Depth,
}

/// One value of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

/// The fields of one message, in file order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn read(&mut self) -> Result<(u32, Value<'a>), WireError> {
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| WireError::Tag)?;
        if number == 0 {
            return Err(WireError::Tag);
        }
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(self.array()?),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| WireError::PastEnd)?;
                let (value, rest) = self.rest.split_at_checked(length).ok_or(WireError::PastEnd)?;
                self.rest = rest;
                Value::Bytes(value)
            }
            5 => Value::Fixed32(self.array()?),
            _ => return Err(WireError::Tag),
        };
        Ok((number, value))
    }

    fn varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0_u64;
        for (index, &byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[index + 1..];
                return Ok(value);
            }
        }
        Err(if self.rest.len() < 10 { WireError::PastEnd } else { WireError::LongVarint })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (value, rest) = self.rest.split_first_chunk::<N>().ok_or(WireError::PastEnd)?;
        self.rest = rest;
        Ok(*value)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let item = self.read();
        if item.is_err() {
            self.rest = &[];
        }
        Some(item)
    }
}

impl<'a> Value<'a> {
    pub(crate) fn bytes(self) -> Result<&'a [u8], WireError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(WireError::Type),
        }
    }

    pub(crate) fn int(self) -> Result<i64, WireError> {
        match self {
            // Two's complement: negative numbers take all ten bytes.
            Self::Varint(value) => Ok(value as i64),
            _ => Err(WireError::Type),
        }
    }

    /// A field that may be repeated, packed or not.
    pub(crate) fn ints(self, into: &mut Vec<i64>) -> Result<(), WireError> {
        match self {
            Self::Varint(value) => into.push(value as i64),
            Self::Bytes(packed) => {
                let mut packed = Fields::of(packed);
                while !packed.rest.is_empty() {
                    into.push(packed.varint()? as i64);
                }
            }
            _ => return Err(WireError::Type),
        }
        Ok(())
    }

    /// A field of floats that may be repeated, packed or not.
    pub(crate) fn floats(self, into: &mut Vec<f32>) -> Result<(), WireError> {
        match self {
            Self::Fixed32(bytes) => into.push(f32::from_le_bytes(bytes)),
            Self::Bytes(packed) => {
                let (chunks, rest) = packed.as_chunks::<4>();
                if !rest.is_empty() {
                    return Err(WireError::PastEnd);
                }
                into.extend(chunks.iter().map(|bytes| f32::from_le_bytes(*bytes)));
            }
            _ => return Err(WireError::Type),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(bytes: &[u8]) -> Result<Vec<(u32, Value<'_>)>, WireError> {
        Fields::of(bytes).collect()
    }

    #[test]
    fn the_encodings_own_examples() {
        // protobuf.dev, "Encoding": field 1 = 150, field 2 = "testing".
        assert_eq!(fields(&[0x08, 0x96, 0x01]), Ok(vec![(1, Value::Varint(150))]));
        assert_eq!(fields(b"\x12\x07testing"), Ok(vec![(2, Value::Bytes(b"testing"))]));
        let mut packed = Vec::new();
        Value::Bytes(&[0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05]).ints(&mut packed).unwrap();
        assert_eq!(packed, [3, 270, 86942]);
    }

    #[test]
    fn lengths_that_lie_are_errors() {
        assert_eq!(fields(b"\x12\x7ftesting"), Err(WireError::PastEnd));
        assert_eq!(fields(b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), Err(WireError::PastEnd));
        assert_eq!(fields(&[0xff; 40]), Err(WireError::LongVarint));
        assert_eq!(fields(&[0x0b]), Err(WireError::Tag));
        assert_eq!(fields(&[0x00, 0x00]), Err(WireError::Tag));
        assert_eq!(fields(&[0x0d, 1, 2]), Err(WireError::PastEnd));
    }
}

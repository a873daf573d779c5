//! CBOR items of one payload, as far as they are written in the one way that is written again to the byte.

/// Deeper items than this are no columns: the payload stays whole. Envelopes have seven levels.
pub(super) const MAX_DEPTH: u8 = 16;
/// Keys of one map. A map with more stays whole.
pub(super) const MAX_KEYS: usize = 256;

/// An item. Strings are borrowed from the payload.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Item<'p> {
    /// An integer that 64 bits with a sign hold.
    Int(i64),
    Bytes(&'p [u8]),
    Text(&'p [u8]),
    Array(Vec<Self>),
    Map(Vec<(Key<'p>, Self)>),
    /// A string of bytes that is an array or a map itself, and nothing behind it.
    Inside(Box<Self>),
    /// Anything else that is a head alone: truth values, floats, larger integers; its bytes.
    Head(&'p [u8]),
}

/// A key of a map.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Key<'p> {
    Number(u64),
    Name(&'p [u8]),
}

pub(super) const UNSIGNED: u8 = 0;
pub(super) const NEGATIVE: u8 = 1;
pub(super) const BYTES: u8 = 2;
pub(super) const TEXT: u8 = 3;
pub(super) const ARRAY: u8 = 4;
pub(super) const MAP: u8 = 5;
const SIMPLE: u8 = 7;

impl<'p> Item<'p> {
    /// The whole of `bytes`. `None` where [`write`](head) would not write them again as they are.
    pub(super) fn whole(bytes: &'p [u8]) -> Option<Self> {
        Self::within(bytes, MAX_DEPTH)
    }

    fn within(bytes: &'p [u8], depth: u8) -> Option<Self> {
        let mut rest = bytes;
        let item = read(&mut rest, depth)?;
        rest.is_empty().then_some(item)
    }
}

fn read<'p>(rest: &mut &'p [u8], depth: u8) -> Option<Item<'p>> {
    let depth = depth.checked_sub(1)?;
    let before = *rest;
    let (major, argument) = read_head(rest)?;
    Some(match major {
        UNSIGNED | NEGATIVE => match (i64::try_from(argument), major) {
            (Ok(number), UNSIGNED) => Item::Int(number),
            (Ok(number), _) => Item::Int(-1 - number),
            (Err(_), _) => Item::Head(&before[..9]),
        },
        BYTES => {
            let bytes = string(rest, argument)?;
            let is_nested = bytes.first().is_some_and(|first| matches!(first >> 5, ARRAY | MAP));
            let nested = if is_nested { Item::within(bytes, depth) } else { None };
            nested.map_or(Item::Bytes(bytes), |item| Item::Inside(Box::new(item)))
        }
        TEXT => Item::Text(string(rest, argument)?),
        ARRAY => {
            // Memory grows with what is read, not with what the head says.
            let mut items = Vec::new();
            for _ in 0..argument {
                items.push(read(rest, depth)?);
            }
            Item::Array(items)
        }
        MAP => {
            let mut entries = Vec::new();
            for _ in 0..argument {
                entries.push((key(rest)?, read(rest, depth)?));
            }
            if entries.len() > MAX_KEYS {
                return None;
            }
            Item::Map(entries)
        }
        SIMPLE => Item::Head(&before[..before.len() - rest.len()]),
        _ => return None,
    })
}

/// A key, as a column's step can be named by it.
pub(super) fn key<'p>(rest: &mut &'p [u8]) -> Option<Key<'p>> {
    match read_head(rest)? {
        (UNSIGNED, number) => Some(Key::Number(number)),
        (TEXT, length) => Some(Key::Name(string(rest, length)?)),
        _ => None,
    }
}

fn string<'p>(rest: &mut &'p [u8], length: u64) -> Option<&'p [u8]> {
    let (string, behind) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *rest = behind;
    Some(string)
}

/// The major type and the argument of a head in its shortest form; of a simple value or a float, what its bits are.
fn read_head(rest: &mut &[u8]) -> Option<(u8, u64)> {
    let (first, behind) = rest.split_first()?;
    let (major, short) = (first >> 5, first & 31);
    let width = head_width(*first)?;
    let (argument, behind) = behind.split_at_checked(width)?;
    *rest = behind;
    if width == 0 {
        return Some((major, short.into()));
    }
    let argument = argument.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    let is_shortest = match width {
        1 => argument > 23,
        2 => argument > 0xFF,
        4 => argument > 0xFFFF,
        _ => argument > 0xFFFF_FFFF,
    };
    (is_shortest || major == SIMPLE).then_some((major, argument))
}

/// How many bytes of an argument follow this first byte. `None` for an indefinite length and for what no version of CBOR has.
pub(super) fn head_width(first: u8) -> Option<usize> {
    match first & 31 {
        0..=23 => Some(0),
        24 => Some(1),
        25 => Some(2),
        26 => Some(4),
        27 => Some(8),
        _ => None,
    }
}

/// Whether a first byte begins an [`Item::Head`].
pub(super) fn is_bare(first: u8) -> bool {
    first >> 5 == SIMPLE || first == 0x1B || first == 0x3B
}

/// Writes a head in its shortest form.
pub(super) fn head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let top = major << 5;
    match argument {
        0..=23 => out.push(top | argument as u8),
        24..=0xFF => out.extend([top | 24, argument as u8]),
        0x100..=0xFFFF => {
            out.push(top | 25);
            out.extend((argument as u16).to_be_bytes());
        }
        0x1_0000..=0xFFFF_FFFF => {
            out.push(top | 26);
            out.extend((argument as u32).to_be_bytes());
        }
        _ => {
            out.push(top | 27);
            out.extend(argument.to_be_bytes());
        }
    }
}

/// Writes an integer.
pub(super) fn int(out: &mut Vec<u8>, number: i64) {
    match u64::try_from(number) {
        Ok(number) => head(out, UNSIGNED, number),
        // -1 - n is the complement of n.
        Err(_) => head(out, NEGATIVE, !number as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_written_otherwise_is_no_item() {
        for odd in [
            [0x18, 0x05].as_slice(),
            &[0x19, 0, 0x80],
            &[0x1A, 0, 0, 1, 0],
            &[0x1B, 0, 0, 0, 0, 0xFF, 0, 0, 0],
            &[0x58, 1, 7],
            &[0x9F, 1, 0xFF],
            &[0xC1, 1],
            &[0x82, 1],
            &[1, 1],
            &[0xA1, 0x41, 7, 0],
            &[0x1C],
            &[],
        ] {
            assert_eq!(Item::whole(odd), None, "{odd:x?}");
        }
    }

    #[test]
    fn depth_ends() {
        let nested = |depth: usize| [vec![0x81; depth], vec![0]].concat();
        assert!(Item::whole(&nested(usize::from(MAX_DEPTH) - 1)).is_some());
        assert_eq!(Item::whole(&nested(usize::from(MAX_DEPTH))), None);
        assert_eq!(Item::whole(&nested(1 << 20)), None);
    }

    #[test]
    fn integers_are_written_as_they_were_read() {
        for number in [0, 23, 24, 255, 256, 65_535, 65_536, 1 << 32, i64::MAX, -1, -24, -25, -257, i64::MIN] {
            let mut bytes = Vec::new();
            int(&mut bytes, number);
            assert_eq!(Item::whole(&bytes), Some(Item::Int(number)));
        }
        for beyond in [[0x1B, 0x80, 0, 0, 0, 0, 0, 0, 0], [0x3B, 0x80, 0, 0, 0, 0, 0, 0, 0]] {
            assert_eq!(Item::whole(&beyond), Some(Item::Head(&beyond)));
        }
    }
}

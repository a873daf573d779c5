//! The bytes of columns: what is alike stands together, and what is the same throughout is said once.

use super::token::Broken;

/// A stream of at least so many bytes is compressed apart from the others: a receipt's random names would spoil the code of its digits.
const LARGE: usize = 256;

/// Streams on their way out: a head that says how long each is, and their bytes.
#[derive(Default)]
pub(super) struct Streams {
    head: Vec<u8>,
    bytes: Vec<u8>,
    cuts: Vec<usize>,
}

impl Streams {
    /// A number in the head: seven bits a byte, lowest first.
    pub(super) fn number(&mut self, mut number: u64) {
        while number > 0x7F {
            self.head.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.head.push(number as u8);
    }

    /// A stream of bytes.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let length = bytes.len() as u64;
        match bytes.split_first() {
            Some((first, rest)) if rest.iter().all(|byte| byte == first) => {
                self.number(length << 1 | 1);
                self.head.push(*first);
            }
            _ => {
                self.number(length << 1);
                let is_large = bytes.len() >= LARGE;
                self.cuts.extend(is_large.then_some(self.bytes.len()));
                self.bytes.extend_from_slice(bytes);
                self.cuts.extend(is_large.then_some(self.bytes.len()));
            }
        }
    }

    /// A stream of numbers, by the place of their bytes: all lowest ones, then all next ones, as many as the largest number has.
    pub(super) fn numbers(&mut self, numbers: &[u64]) {
        let width = numbers.iter().map(|number| width(*number)).max().unwrap_or(0);
        self.number(width.into());
        for place in 0..width {
            let plane: Vec<u8> = numbers.iter().map(|number| (number >> (8 * place)) as u8).collect();
            self.bytes(&plane);
        }
    }

    /// All of it, and where it should be cut to be compressed piece by piece.
    pub(super) fn finish(self) -> (Vec<u8>, Vec<usize>) {
        let mut out = Self::default();
        out.number(self.head.len() as u64);
        let mut bytes = out.head;
        bytes.extend(self.head);
        let start = bytes.len();
        bytes.extend(self.bytes);
        (bytes, self.cuts.into_iter().map(|cut| start + cut).collect())
    }
}

/// How many bytes a number has.
fn width(number: u64) -> u32 {
    (u64::BITS - number.leading_zeros()).div_ceil(8)
}

/// By how many bytes a stream of these numbers grows a batch, estimated from how often each byte occurs at its place.
pub(super) fn cost(numbers: &[u64]) -> f64 {
    let width = numbers.iter().map(|number| width(*number)).max().unwrap_or(0);
    let plane = |place| byte_cost(numbers.iter().map(|number| (number >> (8 * place)) as u8));
    (0..width).map(plane).sum()
}

/// The same of a stream of bytes.
pub(super) fn byte_cost(bytes: impl Iterator<Item = u8>) -> f64 {
    let mut counts = [0u32; 256];
    let mut length = 0u32;
    for byte in bytes {
        counts[usize::from(byte)] += 1;
        length += 1;
    }
    let bits = |count: &u32| f64::from(*count) * (f64::from(length) / f64::from(*count)).log2();
    counts.iter().filter(|count| **count > 0).map(bits).sum::<f64>() / 8.0
}

/// Streams on their way in.
pub(super) struct Source<'b> {
    head: &'b [u8],
    bytes: &'b [u8],
}

impl<'b> Source<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Result<Self, Broken> {
        let mut source = Self { head: bytes, bytes: &[] };
        let length = usize::try_from(source.number()?).map_err(|_| Broken)?;
        let (head, bytes) = source.head.split_at_checked(length).ok_or(Broken)?;
        Ok(Self { head, bytes })
    }

    pub(super) fn number(&mut self) -> Result<u64, Broken> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            if bits << shift >> shift != bits {
                return Err(Broken);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Broken)
    }

    fn byte(&mut self) -> Result<u8, Broken> {
        let (first, rest) = self.head.split_first().ok_or(Broken)?;
        self.head = rest;
        Ok(*first)
    }

    pub(super) fn bytes(&mut self) -> Result<Bytes<'b>, Broken> {
        let length = self.number()?;
        if length & 1 == 1 {
            return Ok(Bytes::Same { byte: self.byte()?, left: length >> 1 });
        }
        let length = usize::try_from(length >> 1).map_err(|_| Broken)?;
        let (bytes, rest) = self.bytes.split_at_checked(length).ok_or(Broken)?;
        self.bytes = rest;
        Ok(Bytes::These(bytes))
    }

    pub(super) fn numbers(&mut self) -> Result<Numbers<'b>, Broken> {
        let width = self.number()?;
        if width > 8 {
            return Err(Broken);
        }
        Ok(Numbers((0..width).map(|_| self.bytes()).collect::<Result<_, _>>()?))
    }

    /// Whether all of it has been given out.
    pub(super) fn is_empty(&self) -> bool {
        self.head.is_empty() && self.bytes.is_empty()
    }
}

/// A stream of bytes that is read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bytes<'b> {
    These(&'b [u8]),
    Same { byte: u8, left: u64 },
}

impl Bytes<'_> {
    pub(super) fn next(&mut self) -> Result<u8, Broken> {
        match self {
            Self::These(bytes) => {
                let (first, rest) = bytes.split_first().ok_or(Broken)?;
                *bytes = rest;
                Ok(*first)
            }
            Self::Same { byte, left } => {
                *left = left.checked_sub(1).ok_or(Broken)?;
                Ok(*byte)
            }
        }
    }

    /// The next so many, behind what is in `out`, where `room` is left for them.
    pub(super) fn read(&mut self, out: &mut Vec<u8>, length: u64, room: usize) -> Result<(), Broken> {
        let count = usize::try_from(length).ok().filter(|count| *count <= room).ok_or(Broken)?;
        match self {
            Self::These(bytes) => {
                let (read, rest) = bytes.split_at_checked(count).ok_or(Broken)?;
                *bytes = rest;
                out.extend_from_slice(read);
            }
            Self::Same { byte, left } => {
                *left = left.checked_sub(length).ok_or(Broken)?;
                out.resize(out.len() + count, *byte);
            }
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::These(bytes) => bytes.is_empty(),
            Self::Same { left, .. } => *left == 0,
        }
    }
}

/// A stream of numbers that is read. One whose numbers are all 0 has no end.
#[derive(Debug, Default)]
pub(super) struct Numbers<'b>(Vec<Bytes<'b>>);

impl Numbers<'_> {
    pub(super) fn next(&mut self) -> Result<u64, Broken> {
        let mut number = 0;
        for (place, plane) in self.0.iter_mut().enumerate() {
            number |= u64::from(plane.next()?) << (8 * place);
        }
        Ok(number)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(Bytes::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_read_back_and_say_when_they_end() {
        let mut out = Streams::default();
        let numbers = [0, 1, 300, u64::MAX, 7];
        out.numbers(&numbers);
        out.bytes(&[9; 700]);
        out.bytes(b"tea");
        out.numbers(&[0, 0]);
        let (bytes, cuts) = out.finish();
        assert_eq!(cuts, Vec::<usize>::new());
        let mut source = Source::new(&bytes).expect("own bytes");
        let mut read = source.numbers().expect("numbers");
        assert_eq!(numbers.map(|_| read.next()), numbers.map(Ok));
        assert_eq!((read.next(), read.is_empty()), (Err(Broken), true));
        let (mut same, mut tea) = (source.bytes().expect("same"), source.bytes().expect("tea"));
        let mut text = Vec::new();
        assert_eq!(same.read(&mut text, 701, 1_000), Err(Broken));
        assert_eq!(same.read(&mut text, 4, 3), Err(Broken), "no room");
        assert_eq!(same.read(&mut text, 2, 2), Ok(()));
        assert_eq!(tea.read(&mut text, 3, 3), Ok(()));
        assert_eq!(
            (text.as_slice(), tea.is_empty(), same.is_empty()),
            (b"\x09\x09tea".as_slice(), true, false)
        );
        let mut zeros = source.numbers().expect("zeros");
        assert_eq!((zeros.next(), zeros.is_empty(), source.is_empty()), (Ok(0), true, true));
    }

    #[test]
    fn a_number_beyond_64_bits_is_broken() {
        let longest = [[0xFF; 9].as_slice(), &[1]].concat();
        assert_eq!(Source { head: &longest, bytes: &[] }.number(), Ok(u64::MAX));
        let beyond = [[0xFF; 9].as_slice(), &[2]].concat();
        assert_eq!(Source { head: &beyond, bytes: &[] }.number(), Err(Broken));
        assert_eq!(Source { head: &[0x80; 20], bytes: &[] }.number(), Err(Broken));
    }
}

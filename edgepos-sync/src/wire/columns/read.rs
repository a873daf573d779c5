//! Payloads put together from columns.

use super::ints::Ints;
use super::item::{self, MAX_DEPTH, MAX_KEYS};
use super::paths::{MAX_PATHS, Paths, Step};
use super::streams::{Bytes, Numbers, Source};
use super::strings::Strings;
use super::token::{Broken, Token};

/// A key of a map.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Key {
    Number(u64),
    Name(Vec<u8>),
}

/// What is left of one column.
#[derive(Default)]
struct Column<'b> {
    has_cases: bool,
    tokens: Option<Bytes<'b>>,
    lengths: Numbers<'b>,
    shapes: Vec<Vec<Key>>,
    maps: Numbers<'b>,
    ints: Option<Ints<'b>>,
    strings: Option<Strings<'b>>,
    heads: Option<Bytes<'b>>,
}

/// All columns of a batch.
pub(super) struct Reader<'b> {
    columns: Vec<Column<'b>>,
    paths: Paths<Key>,
    /// Bytes of payloads that are still to come: no more is written.
    left: usize,
}

impl<'b> Reader<'b> {
    /// Of payloads that have `total` bytes together.
    pub(super) fn new(bytes: &'b [u8], total: usize) -> Result<Self, Broken> {
        let mut source = Source::new(bytes)?;
        let count =
            usize::try_from(source.number()?).ok().filter(|count| *count <= MAX_PATHS).ok_or(Broken)?;
        let mut budget = total;
        let mut columns = Vec::new();
        for _ in 0..count {
            columns.push(Column::read(&mut source, &mut budget)?);
        }
        if !source.is_empty() {
            return Err(Broken);
        }
        Ok(Self { columns, paths: Paths::default(), left: total })
    }

    /// The next payload, no longer than `limit`.
    pub(super) fn payload(&mut self, limit: usize) -> Result<Vec<u8>, Broken> {
        let mut out = Vec::new();
        let room = limit.min(self.left);
        self.item(&mut out, 0, room, MAX_DEPTH + 1)?;
        self.left -= out.len();
        Ok(out)
    }

    /// Whether all bytes have been given out, and every column is empty.
    pub(super) fn is_done(&self) -> bool {
        self.left == 0 && self.columns.iter().all(Column::is_empty)
    }

    /// Writes the next item of column `at` behind what `out` has, which it may fill up to `room`. What it is.
    fn item(&mut self, out: &mut Vec<u8>, at: usize, room: usize, depth: u8) -> Result<Token, Broken> {
        let depth = depth.checked_sub(1).ok_or(Broken)?;
        let column = self.columns.get_mut(at).ok_or(Broken)?;
        let token = Token::of(column.tokens.as_mut().ok_or(Broken)?.next()?)?;
        match token {
            Token::Int => item::int(out, self.int(at)?),
            Token::Bytes => self.string(out, at, room, Some(item::BYTES))?,
            Token::Text => self.string(out, at, room, Some(item::TEXT))?,
            Token::Whole if at == 0 => self.string(out, at, room, None)?,
            Token::Whole => return Err(Broken),
            Token::Array => {
                let length = column.lengths.next()?;
                item::head(out, item::ARRAY, length);
                let element = if length > 0 { self.enter(at, Step::Element)? } else { at };
                for _ in 0..length {
                    self.item(out, element, room, depth)?;
                }
            }
            Token::Map => self.map(out, at, room, depth)?,
            Token::Inside => {
                let inside = self.enter(at, Step::Inside)?;
                let mut nested = Vec::new();
                let room = room.checked_sub(out.len()).ok_or(Broken)?;
                self.item(&mut nested, inside, room, depth)?;
                item::head(out, item::BYTES, nested.len() as u64);
                out.extend(nested);
            }
            Token::Head => {
                let heads = column.heads.as_mut().ok_or(Broken)?;
                let first = heads.next()?;
                let width = item::head_width(first).filter(|_| item::is_bare(first)).ok_or(Broken)?;
                out.push(first);
                heads.read(out, width as u64, width)?;
            }
        }
        // What follows in the caller's loops counts upon it.
        if out.len() > room { Err(Broken) } else { Ok(token) }
    }

    fn map(&mut self, out: &mut Vec<u8>, at: usize, room: usize, depth: u8) -> Result<(), Broken> {
        let column = &mut self.columns[at];
        let (number, has_cases) =
            (usize::try_from(column.maps.next()?).map_err(|_| Broken)?, column.has_cases);
        let keys = column.shapes.get(number).ok_or(Broken)?.len();
        item::head(out, item::MAP, keys as u64);
        let mut inner = at;
        for place in 0..keys {
            let key = self.columns[at].shapes[number][place].clone();
            match &key {
                Key::Number(number) => item::head(out, item::UNSIGNED, *number),
                Key::Name(name) => {
                    item::head(out, item::TEXT, name.len() as u64);
                    out.extend_from_slice(name);
                }
            }
            let begins = place == 0 && has_cases && key == Key::Number(0);
            let value = self.enter(inner, Step::Value(key))?;
            let token = self.item(out, value, room, depth)?;
            if begins
                && token == Token::Int
                && let Some(ints) = &self.columns[value].ints
            {
                inner = self.enter(at, Step::Case(ints.latest()))?;
            }
        }
        Ok(())
    }

    fn int(&mut self, at: usize) -> Result<i64, Broken> {
        let other = self.columns[at].ints.as_ref().ok_or(Broken)?.other();
        let above = match other {
            Some(other) => {
                self.columns.get(other).and_then(|column| column.ints.as_ref()).ok_or(Broken)?.latest()
            }
            None => 0,
        };
        self.columns[at].ints.as_mut().ok_or(Broken)?.next(above)
    }

    /// Writes a string with its head, or what is no item without one.
    fn string(&mut self, out: &mut Vec<u8>, at: usize, room: usize, major: Option<u8>) -> Result<(), Broken> {
        let room = room.checked_sub(out.len()).ok_or(Broken)?;
        // Taken out while another column is looked at.
        let mut strings = self.columns[at].strings.take().ok_or(Broken)?;
        let beside: &[u8] = match strings.other() {
            Some(other) => {
                self.columns.get(other).and_then(|column| column.strings.as_ref()).ok_or(Broken)?.latest()
            }
            None => &[],
        };
        let string = strings.next(beside, room)?;
        if let Some(major) = major {
            item::head(out, major, string.len() as u64);
        }
        out.extend_from_slice(string);
        self.columns[at].strings = Some(strings);
        Ok(())
    }

    fn enter(&mut self, at: usize, step: Step<Key>) -> Result<usize, Broken> {
        let (next, _) = self.paths.step(at, step)?;
        if next < self.columns.len() { Ok(next) } else { Err(Broken) }
    }
}

impl<'b> Column<'b> {
    fn read(source: &mut Source<'b>, budget: &mut usize) -> Result<Self, Broken> {
        let parts = source.number()?;
        if parts >= 1 << 6 {
            return Err(Broken);
        }
        let has = |bit: u32| parts >> bit & 1 == 1;
        let mut column = Self { has_cases: has(0), tokens: Some(source.bytes()?), ..Self::default() };
        if has(1) {
            column.lengths = source.numbers()?;
        }
        if has(2) {
            column.shapes = shapes(source, budget)?;
            column.maps = source.numbers()?;
        }
        if has(3) {
            column.ints = Some(Ints::read(source)?);
        }
        if has(4) {
            column.strings = Some(Strings::read(source, budget)?);
        }
        if has(5) {
            column.heads = Some(source.bytes()?);
        }
        Ok(column)
    }

    fn is_empty(&self) -> bool {
        self.tokens.as_ref().is_none_or(Bytes::is_empty)
            && self.lengths.is_empty()
            && self.maps.is_empty()
            && self.ints.as_ref().is_none_or(Ints::is_empty)
            && self.strings.as_ref().is_none_or(Strings::is_empty)
            && self.heads.as_ref().is_none_or(Bytes::is_empty)
    }
}

/// Lists of keys. Each that a writer states is that of a map, which has at least as many bytes: so they take memory out of `budget`.
fn shapes(source: &mut Source<'_>, budget: &mut usize) -> Result<Vec<Vec<Key>>, Broken> {
    let count = source.number()?;
    let mut lengths = Vec::new();
    for _ in 0..count {
        let length =
            usize::try_from(source.number()?).ok().filter(|length| *length <= MAX_KEYS).ok_or(Broken)?;
        *budget = budget.checked_sub(length + 1).ok_or(Broken)?;
        lengths.push(length);
    }
    let mut stream = source.bytes()?;
    let mut shapes = Vec::new();
    for length in lengths {
        let mut keys = Vec::new();
        for _ in 0..length {
            keys.push(key(&mut stream, budget)?);
        }
        shapes.push(keys);
    }
    if stream.is_empty() { Ok(shapes) } else { Err(Broken) }
}

fn key(stream: &mut Bytes<'_>, budget: &mut usize) -> Result<Key, Broken> {
    let first = stream.next()?;
    let width = item::head_width(first).ok_or(Broken)?;
    let mut bytes = vec![first];
    stream.read(&mut bytes, width as u64, 8)?;
    let length = match (first >> 5, width) {
        (_, 0) => u64::from(first & 31),
        _ => bytes[1..].iter().fold(0, |number, byte| number << 8 | u64::from(*byte)),
    };
    match first >> 5 {
        item::UNSIGNED => Ok(Key::Number(length)),
        item::TEXT => {
            let mut name = Vec::new();
            stream.read(&mut name, length, *budget)?;
            *budget -= name.len();
            Ok(Key::Name(name))
        }
        _ => Err(Broken),
    }
}

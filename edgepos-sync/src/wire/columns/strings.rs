//! A column of strings: each behind what it shares with the one before, as a place in a table of those that differ, or as the
//! beginning of the latest string of another column.

use std::collections::BTreeMap;

use super::streams::{Bytes, Numbers, Source, Streams, byte_cost, cost};
use super::token::Broken;

/// A string, and when it was met among all that a batch has.
pub(super) type Met<'p> = (u32, &'p [u8]);

const APART: u64 = 0;
const TABLE: u64 = 1;
const BEGINNING: u64 = 2;

/// A shorter beginning is not shared: it would be chance.
const LEAST_SHARED: usize = 2;
/// Nothing else is tried for a column that costs no more bytes.
const CHEAP: f64 = 24.0;
/// So many other columns are tried for one.
const MAX_TRIED: usize = 4;
/// What a place in the head and a cut between streams cost, roughly.
const FORM_COST: f64 = 16.0;

/// Strings as what each shares with the one before and what follows; what follows nothing shared stands apart.
#[derive(Default)]
struct Fronts {
    shared: Vec<u64>,
    lengths: Vec<u64>,
    fresh: Vec<u8>,
    rest: Vec<u8>,
}

impl Fronts {
    fn of<'p>(strings: impl Iterator<Item = &'p [u8]>) -> Self {
        let mut fronts = Self::default();
        let mut before: &[u8] = &[];
        for string in strings {
            let shared = before.iter().zip(string).take_while(|(a, b)| a == b).count();
            let shared = if shared < LEAST_SHARED { 0 } else { shared };
            fronts.shared.push(shared as u64);
            fronts.lengths.push((string.len() - shared) as u64);
            let bytes = if shared == 0 { &mut fronts.fresh } else { &mut fronts.rest };
            bytes.extend_from_slice(&string[shared..]);
            before = string;
        }
        fronts
    }

    fn cost(&self) -> f64 {
        let bytes = [&self.fresh, &self.rest].map(|bytes| byte_cost(bytes.iter().copied()));
        cost(&self.shared) + cost(&self.lengths) + bytes.iter().sum::<f64>()
    }

    fn write(&self, out: &mut Streams) {
        out.numbers(&self.shared);
        out.numbers(&self.lengths);
        out.bytes(&self.fresh);
        out.bytes(&self.rest);
    }
}

/// Writes the column `at` in the form that is the shortest.
pub(super) fn write(out: &mut Streams, columns: &[&[Met<'_>]], at: usize) {
    let column = columns[at];
    let apart = Fronts::of(column.iter().map(|(_, string)| *string));
    let least = apart.cost();
    if least > CHEAP {
        let (table, places) = table(column);
        let tabled = table.cost() + cost(&places) + FORM_COST;
        let beginning = best_beginning(columns, at).filter(|found| found.cost() < least.min(tabled));
        if let Some(found) = beginning {
            out.number(BEGINNING);
            out.number(found.other as u64);
            out.number(found.length as u64);
            out.numbers(&found.misses);
            return found.apart.write(out);
        }
        if tabled < least {
            out.number(TABLE);
            out.numbers(&places);
            out.number(table.shared.len() as u64);
            return table.write(out);
        }
    }
    out.number(APART);
    apart.write(out);
}

/// The strings that differ, in the order in which they are met, and which of them each string is.
fn table(column: &[Met<'_>]) -> (Fronts, Vec<u64>) {
    let mut known = BTreeMap::new();
    let mut strings = Vec::new();
    let places = column.iter().map(|(_, string)| {
        let next = known.len() as u64;
        *known.entry(*string).or_insert_with(|| {
            strings.push(*string);
            next
        })
    });
    let places = places.collect();
    (Fronts::of(strings.into_iter()), places)
}

/// A column as beginnings of another one's latest strings.
struct Found {
    other: usize,
    length: usize,
    /// 0 for each string that is such a beginning, 1 for each that stands apart.
    misses: Vec<u64>,
    apart: Fronts,
}

impl Found {
    fn cost(&self) -> f64 {
        FORM_COST + cost(&self.misses) + self.apart.cost()
    }

    fn of(columns: &[&[Met<'_>]], at: usize, other: usize, length: usize) -> Self {
        let mut latest = columns[other].iter().peekable();
        let mut source: &[u8] = &[];
        let mut apart = Vec::new();
        let misses = columns[at].iter().map(|(when, string)| {
            while let Some((_, string)) = latest.next_if(|(met, _)| met < when) {
                source = string;
            }
            let is_beginning = source.get(..length) == Some(*string);
            apart.extend((!is_beginning).then_some(*string));
            u64::from(!is_beginning)
        });
        let misses = misses.collect();
        Self { other, length, misses, apart: Fronts::of(apart.into_iter()) }
    }
}

/// The best of the first [`MAX_TRIED`] columns one of whose strings begins with the first, the middle or the last string of this one.
fn best_beginning(columns: &[&[Met<'_>]], at: usize) -> Option<Found> {
    let column = columns[at];
    let samples = [column.first()?, &column[column.len() / 2], column.last()?];
    let (mut best, mut tried): (Option<Found>, usize) = (None, 0);
    for (other, candidate) in columns.iter().enumerate().filter(|(other, _)| *other != at) {
        let fits = samples.iter().find(|(when, string)| {
            let behind = candidate.partition_point(|(met, _)| met < when);
            string.len() >= 4 && behind > 0 && candidate[behind - 1].1.starts_with(string)
        });
        if let Some((_, string)) = fits {
            tried += 1;
            let found = Found::of(columns, at, other, string.len());
            if best.as_ref().is_none_or(|best| found.cost() < best.cost()) {
                best = Some(found);
            }
        }
        if tried == MAX_TRIED {
            break;
        }
    }
    best
}

/// Strings that are read, each behind what it shares with the one before.
#[derive(Debug)]
struct Reading<'b> {
    shared: Numbers<'b>,
    lengths: Numbers<'b>,
    fresh: Bytes<'b>,
    rest: Bytes<'b>,
    before: Vec<u8>,
}

impl<'b> Reading<'b> {
    fn read(source: &mut Source<'b>) -> Result<Self, Broken> {
        let (shared, lengths) = (source.numbers()?, source.numbers()?);
        Ok(Self { shared, lengths, fresh: source.bytes()?, rest: source.bytes()?, before: Vec::new() })
    }

    fn next(&mut self, room: usize) -> Result<&[u8], Broken> {
        let shared = usize::try_from(self.shared.next()?).map_err(|_| Broken)?;
        if shared > self.before.len() || shared > room {
            return Err(Broken);
        }
        self.before.truncate(shared);
        let bytes = if shared == 0 { &mut self.fresh } else { &mut self.rest };
        bytes.read(&mut self.before, self.lengths.next()?, room - shared)?;
        Ok(&self.before)
    }

    fn is_empty(&self) -> bool {
        self.shared.is_empty() && self.lengths.is_empty() && self.fresh.is_empty() && self.rest.is_empty()
    }
}

#[derive(Debug)]
enum Form<'b> {
    Apart(Reading<'b>),
    Table { table: Vec<Vec<u8>>, places: Numbers<'b> },
    Beginning { other: usize, length: usize, misses: Numbers<'b>, apart: Reading<'b> },
}

/// A column that is read.
#[derive(Debug)]
pub(super) struct Strings<'b> {
    form: Form<'b>,
    latest: Vec<u8>,
}

impl<'b> Strings<'b> {
    /// Tables take memory out of `budget`.
    pub(super) fn read(source: &mut Source<'b>, budget: &mut usize) -> Result<Self, Broken> {
        let form = match source.number()? {
            APART => Form::Apart(Reading::read(source)?),
            TABLE => {
                let places = source.numbers()?;
                let count = source.number()?;
                let mut reading = Reading::read(source)?;
                let mut table = Vec::new();
                for _ in 0..count {
                    let string = reading.next(*budget)?;
                    // An empty string takes memory as well.
                    *budget = budget.checked_sub(string.len().max(1)).ok_or(Broken)?;
                    table.push(string.to_vec());
                }
                if !reading.is_empty() {
                    return Err(Broken);
                }
                Form::Table { table, places }
            }
            BEGINNING => {
                let number = |source: &mut Source<'_>| usize::try_from(source.number()?).map_err(|_| Broken);
                let (other, length) = (number(source)?, number(source)?);
                Form::Beginning { other, length, misses: source.numbers()?, apart: Reading::read(source)? }
            }
            _ => return Err(Broken),
        };
        Ok(Self { form, latest: Vec::new() })
    }

    /// The column with whose latest string the next one may begin.
    pub(super) fn other(&self) -> Option<usize> {
        match self.form {
            Form::Beginning { other, .. } => Some(other),
            _ => None,
        }
    }

    /// The string that was read last; empty before the first.
    pub(super) fn latest(&self) -> &[u8] {
        &self.latest
    }

    /// The next one, no longer than `room`; `beside` is the latest string of the [other column](Self::other).
    pub(super) fn next(&mut self, beside: &[u8], room: usize) -> Result<&[u8], Broken> {
        let string = match &mut self.form {
            Form::Apart(reading) => reading.next(room)?,
            Form::Table { table, places } => {
                let place = usize::try_from(places.next()?).map_err(|_| Broken)?;
                table.get(place).filter(|string| string.len() <= room).ok_or(Broken)?
            }
            Form::Beginning { length, misses, apart, .. } => match misses.next()? {
                0 => beside.get(..*length).filter(|string| string.len() <= room).ok_or(Broken)?,
                _ => apart.next(room)?,
            },
        };
        self.latest.clear();
        self.latest.extend_from_slice(string);
        Ok(&self.latest)
    }

    pub(super) fn is_empty(&self) -> bool {
        match &self.form {
            Form::Apart(reading) => reading.is_empty(),
            Form::Table { places, .. } => places.is_empty(),
            Form::Beginning { misses, apart, .. } => misses.is_empty() && apart.is_empty(),
        }
    }
}

//! A column of integers: as they are, as steps, or as what they are above the latest integer of another column.

use super::streams::{Numbers, Source, Streams, cost};
use super::token::Broken;

/// An integer, and when it was met among all that a batch has.
pub(super) type Met = (u32, i64);

const PLAIN: u64 = 0;
const STEPS: u64 = 1;
const ABOVE: u64 = 2;
/// As above, but for the lowest 16 bits, which follow apart: a hybrid logical clock counts there, above a time of day.
const ABOVE_BUT_16: u64 = 3;

/// Other columns are tried on the first so many integers.
const SAMPLE: usize = 96;
/// So many pairs of columns are tried for a batch: one of strange events must not keep a till busy. Receipts need a few hundred.
pub(super) const MAX_TRIED: u32 = 2_048;
/// Nothing else is tried for a column that costs no more bytes.
const CHEAP: f64 = 24.0;

/// Writes the column `at` in the form that is the shortest. Pairs of columns that are tried are taken from `tries`.
pub(super) fn write(out: &mut Streams, columns: &[&[Met]], at: usize, tries: &mut u32) {
    let column = columns[at];
    let plain: Vec<u64> = column.iter().map(|(_, value)| fold(*value)).collect();
    let steps = differences(column, [0].into_iter().chain(column.iter().map(|(_, value)| *value)));
    let (mut form, mut least) = (PLAIN, cost(&plain));
    if cost(&steps) < least {
        (form, least) = (STEPS, cost(&steps));
    }
    if least > CHEAP
        && let Some((other, above, low)) = best_above(columns, at, tries)
        && cost(&above) + cost(&low) + 4.0 < least
    {
        out.number(if low.is_empty() { ABOVE } else { ABOVE_BUT_16 });
        out.number(other as u64);
        out.numbers(&above);
        if !low.is_empty() {
            out.numbers(&low);
        }
        return;
    }
    out.number(form);
    out.numbers(if form == STEPS { &steps } else { &plain });
}

/// The other column above whose latest integer this one is best written, with what is written then.
fn best_above(columns: &[&[Met]], at: usize, tries: &mut u32) -> Option<(usize, Vec<u64>, Vec<u64>)> {
    let column = columns[at];
    let sample = &column[..column.len().min(SAMPLE)];
    let mut best: Option<(f64, usize, u32)> = None;
    for (other, candidate) in columns.iter().enumerate() {
        // A column that begins later says nothing of the first ones, and one that is short says little.
        if other == at || candidate.len() * 4 < column.len() {
            continue;
        }
        let Some(left) = tries.checked_sub(1) else { break };
        *tries = left;
        for shift in [0, 16] {
            let (above, low) = above(sample, candidate, shift);
            let cost = cost(&above) + cost(&low);
            if best.is_none_or(|(least, ..)| cost < least) {
                best = Some((cost, other, shift));
            }
        }
    }
    best.map(|(_, other, shift)| {
        let (above, low) = above(column, columns[other], shift);
        (other, above, low)
    })
}

fn above(column: &[Met], other: &[Met], shift: u32) -> (Vec<u64>, Vec<u64>) {
    let mut latest = other.iter().peekable();
    let mut base = 0;
    let bases = column.iter().map(|(when, _)| {
        while let Some((_, value)) = latest.next_if(|(met, _)| met < when) {
            base = *value;
        }
        base
    });
    let above = column
        .iter()
        .zip(bases)
        .map(|((_, value), base)| fold((value >> shift).wrapping_sub(base)))
        .collect();
    let low = if shift == 0 {
        Vec::new()
    } else {
        column.iter().map(|(_, value)| *value as u64 & 0xFFFF).collect()
    };
    (above, low)
}

fn differences(column: &[Met], before: impl Iterator<Item = i64>) -> Vec<u64> {
    column.iter().zip(before).map(|((_, value), before)| fold(value.wrapping_sub(before))).collect()
}

/// Small ones of both signs become small ones: 0, -1, 1, -2 … are 0, 1, 2, 3 …
fn fold(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn unfold(folded: u64) -> i64 {
    (folded >> 1) as i64 ^ -((folded & 1) as i64)
}

/// A column that is read.
#[derive(Debug, Default)]
pub(super) struct Ints<'b> {
    form: u64,
    other: usize,
    numbers: Numbers<'b>,
    low: Numbers<'b>,
    latest: i64,
}

impl<'b> Ints<'b> {
    pub(super) fn read(source: &mut Source<'b>) -> Result<Self, Broken> {
        let form = source.number()?;
        let other = match form {
            PLAIN | STEPS => 0,
            ABOVE | ABOVE_BUT_16 => usize::try_from(source.number()?).map_err(|_| Broken)?,
            _ => return Err(Broken),
        };
        let numbers = source.numbers()?;
        let low = if form == ABOVE_BUT_16 { source.numbers()? } else { Numbers::default() };
        Ok(Self { form, other, numbers, low, latest: 0 })
    }

    /// The column above whose latest integer the next one is.
    pub(super) fn other(&self) -> Option<usize> {
        (self.form >= ABOVE).then_some(self.other)
    }

    /// The integer that was read last; 0 before the first.
    pub(super) fn latest(&self) -> i64 {
        self.latest
    }

    /// The next one; `above` is the latest integer of the [other column](Self::other).
    pub(super) fn next(&mut self, above: i64) -> Result<i64, Broken> {
        let number = unfold(self.numbers.next()?);
        self.latest = match self.form {
            PLAIN => number,
            STEPS => self.latest.wrapping_add(number),
            ABOVE => above.wrapping_add(number),
            _ => {
                let low = i64::from(u16::try_from(self.low.next()?).map_err(|_| Broken)?);
                let high = above.wrapping_add(number);
                if high << 16 >> 16 != high {
                    return Err(Broken);
                }
                high << 16 | low
            }
        };
        Ok(self.latest)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.low.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(columns: &[Vec<Met>], at: usize) -> u64 {
        let columns: Vec<&[Met]> = columns.iter().map(Vec::as_slice).collect();
        let mut out = Streams::default();
        write(&mut out, &columns, at, &mut { MAX_TRIED });
        let (bytes, _) = out.finish();
        let mut source = Source::new(&bytes).expect("own bytes");
        let mut read = Ints::read(&mut source).expect("own column");
        for (when, value) in columns[at] {
            let met =
                |column: &[Met]| column.iter().rfind(|(met, _)| met < when).map_or(0, |(_, value)| *value);
            let above = read.other().map_or(0, |other| met(columns[other]));
            assert_eq!(read.next(above), Ok(*value));
        }
        assert!(read.is_empty() && source.is_empty());
        read.form
    }

    #[test]
    fn each_column_has_the_form_that_suits_it() {
        let noise = |at: u32| edgepos_core::Jitter::new(at.into()).range(0, 1 << 20) as i64;
        let times: Vec<Met> = (0..400).map(|at| (3 * at, 1_700_000_000_000 + noise(at) * 1_000)).collect();
        let clock =
            (0..400).map(|at| (3 * at + 1, (times[at as usize].1 << 16) + i64::from(at % 3))).collect();
        let begun = (0..400).map(|at| (3 * at + 2, times[at as usize].1 - i64::from(at % 9))).collect();
        let numbers = (0..400).map(|at| (at, i64::from(at) + 70_000)).collect();
        let prices = (0..400).map(|at| (at, noise(at) % 50)).collect();
        let columns = [times, clock, begun, numbers, prices];
        let forms: Vec<u64> = (1..5).map(|at| round_trip(&columns, at)).collect();
        assert_eq!(forms, [ABOVE_BUT_16, ABOVE, STEPS, PLAIN]);
    }

    #[test]
    fn extremes_are_kept() {
        let extremes = [i64::MIN, i64::MAX, 0, -1, i64::MAX, i64::MIN];
        let column: Vec<Met> = (0..120).map(|at| (at, extremes[at as usize % 6])).collect();
        let other = (0..120).map(|at| (at, extremes[at as usize % 5])).collect();
        round_trip(&[column, other], 0);
        assert!(extremes.iter().all(|value| unfold(fold(*value)) == *value));
    }
}

//! Reads baskets, and names the file, the line and the column of whatever is wrong with them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use time::PrimitiveDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::basket::{Basket, BasketLine};

/// The columns, found by the header's names; they may stand in another order, and further ones are left alone.
pub const COLUMNS: [&str; 8] = [
    "timestamp",
    "basket_id",
    "household_id",
    "product_id",
    "quantity",
    "sales_cents",
    "loyalty_discount_cents",
    "coupon_discount_cents",
];

const TIMESTAMP: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");

/// What a file may ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Lines of the file. Default 5,000,000.
    pub lines: u64,
    /// Lines of one basket. Default 400: what fits on a receipt of 55 KiB with room to spare.
    pub basket_lines: usize,
    /// Bytes of a code. Default 64, the longest that a receipt takes.
    pub code_bytes: usize,
    /// Largest quantity or amount, either sign. Default 10⁹: a year of it still fits 64 bits.
    pub magnitude: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { lines: 5_000_000, basket_lines: 400, code_bytes: 64, magnitude: 1_000_000_000 }
    }
}

/// A file that cannot be replayed. Each names the place.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CsvError {
    /// There is no such file, or it cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// Where the file should be.
        path: PathBuf,
        /// What the call beneath it says.
        source: io::Error,
    },
    /// A column is missing from the header.
    #[error("{}: line 1: the header has no column {column:?}; it must name {}", path.display(), COLUMNS.join(","))]
    Header {
        /// Where the file should be.
        path: PathBuf,
        /// The missing column.
        column: &'static str,
    },
    /// A line has more or fewer fields than the header, or is not UTF-8.
    #[error("{}: line {line}: {reason}", path.display())]
    Line {
        /// Where the file should be.
        path: PathBuf,
        /// The line, from 1 for the header.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// A field says what it may not.
    #[error("{}: line {line}: column {column}: {value:?} is no {expected}", path.display())]
    Field {
        /// Where the file should be.
        path: PathBuf,
        /// The line, from 1 for the header.
        line: u64,
        /// The column, by its name in the header.
        column: &'static str,
        /// What it says, at most 80 characters of it.
        value: String,
        /// What it should say.
        expected: String,
    },
    /// There is nothing to replay.
    #[error("{}: has no line below the header", path.display())]
    Empty {
        /// Where the file should be.
        path: PathBuf,
    },
}

/// The baskets of `path`, by rising time and, at one time, by their place in the file. Lines of one basket need not be adjacent.
///
/// # Errors
/// [`CsvError`] for the first thing that is wrong; nothing is returned of a file with a malformed line.
pub fn read_baskets(path: &Path, limits: &Limits) -> Result<Vec<Basket>, CsvError> {
    let file = File::open(path).map_err(|source| CsvError::Read { path: path.to_owned(), source })?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        let source = io::Error::from(io::ErrorKind::IsADirectory);
        return Err(CsvError::Read { path: path.to_owned(), source });
    }
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(io::BufReader::new(file));
    let columns = columns(path, &mut reader)?;
    let mut baskets: Vec<Basket> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut record = csv::StringRecord::new();
    let mut read = 0u64;
    loop {
        let more = reader.read_record(&mut record).map_err(|error| unreadable(path, error))?;
        if !more {
            break;
        }
        let row = Row { path, record: &record, columns: &columns, limits };
        read += 1;
        if read > limits.lines {
            return Err(row.line_error(format!("more than {} lines", limits.lines)));
        }
        let (at, id, household, line) = row.parse()?;
        let place = *places.entry(id.clone()).or_insert(baskets.len());
        if place == baskets.len() {
            baskets.push(Basket { at, id, household, lines: Vec::new() });
        }
        let basket = &mut baskets[place];
        basket.at = basket.at.min(at);
        if basket.lines.len() == limits.basket_lines {
            return Err(
                row.line_error(format!("basket {} has more than {} lines", basket.id, limits.basket_lines))
            );
        }
        basket.lines.push(line);
    }
    if baskets.is_empty() {
        return Err(CsvError::Empty { path: path.to_owned() });
    }
    // Stable: baskets of one second stay in the order of the file.
    baskets.sort_by_key(|basket| basket.at);
    Ok(baskets)
}

/// Where each of [`COLUMNS`] stands.
fn columns(path: &Path, reader: &mut csv::Reader<io::BufReader<File>>) -> Result<[usize; 8], CsvError> {
    let header = reader.headers().map_err(|error| unreadable(path, error))?;
    if header.is_empty() {
        return Err(CsvError::Empty { path: path.to_owned() });
    }
    let mut places = [0; COLUMNS.len()];
    for (place, column) in places.iter_mut().zip(COLUMNS) {
        *place = header
            .iter()
            .position(|name| name == column)
            .ok_or_else(|| CsvError::Header { path: path.to_owned(), column })?;
    }
    Ok(places)
}

fn unreadable(path: &Path, error: csv::Error) -> CsvError {
    let line = error.position().map_or(1, csv::Position::line);
    let reason = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("has {len} fields where the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "is not UTF-8".to_owned(),
        csv::ErrorKind::Io(source) => {
            let source = io::Error::new(source.kind(), source.to_string());
            return CsvError::Read { path: path.to_owned(), source };
        }
        _ => error.to_string(),
    };
    CsvError::Line { path: path.to_owned(), line, reason }
}

/// One line on its way to being understood.
struct Row<'a> {
    path: &'a Path,
    record: &'a csv::StringRecord,
    columns: &'a [usize; 8],
    limits: &'a Limits,
}

impl Row<'_> {
    fn parse(&self) -> Result<(PrimitiveDateTime, String, String, BasketLine), CsvError> {
        let text = self.field(0);
        let at = PrimitiveDateTime::parse(text, TIMESTAMP)
            .map_err(|_| self.wrong(0, "time such as 2017-05-29T12:23:40".to_owned()))?;
        if !(1..=9_999).contains(&at.year()) {
            return Err(self.wrong(0, "year from 1 to 9999".to_owned()));
        }
        let line = BasketLine {
            product: self.code(3)?,
            quantity: self.number(4)?,
            amount: self.number(5)?,
            loyalty: self.discount(6)?,
            coupon: self.discount(7)?,
        };
        Ok((at, self.code(1)?, self.code(2)?, line))
    }

    fn field(&self, column: usize) -> &str {
        self.record.get(self.columns[column]).unwrap_or_default()
    }

    fn code(&self, column: usize) -> Result<String, CsvError> {
        let text = self.field(column);
        let limit = self.limits.code_bytes;
        if text.is_empty() || text.len() > limit {
            return Err(self.wrong(column, format!("code of 1 to {limit} bytes")));
        }
        Ok(text.to_owned())
    }

    fn number(&self, column: usize) -> Result<i64, CsvError> {
        let limit = self.limits.magnitude;
        self.field(column)
            .parse::<i64>()
            .ok()
            .filter(|number| number.unsigned_abs() <= limit)
            .ok_or_else(|| self.wrong(column, format!("whole number from -{limit} to {limit}")))
    }

    fn discount(&self, column: usize) -> Result<i64, CsvError> {
        let limit = self.limits.magnitude;
        self.number(column)
            .ok()
            .filter(|number| *number >= 0)
            .ok_or_else(|| self.wrong(column, format!("whole number from 0 to {limit}")))
    }

    fn wrong(&self, column: usize, expected: String) -> CsvError {
        CsvError::Field {
            path: self.path.to_owned(),
            line: self.line(),
            column: COLUMNS[column],
            value: self.field(column).chars().take(80).collect(),
            expected,
        }
    }

    fn line_error(&self, reason: String) -> CsvError {
        CsvError::Line { path: self.path.to_owned(), line: self.line(), reason }
    }

    fn line(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::line)
    }
}

//! The supervisor's own book: what tills were told is booked. Lines are only ever added, in memory and in a file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use edgepos::model::DocType;

/// One line of the file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
enum Line {
    Receipt(Entry),
    Event { event: String },
}

/// A transaction that a terminal acknowledged.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The till's name for the basket, 32 hexadecimal digits.
    pub basket: String,
    /// The source's name for it.
    pub source: String,
    /// Sale or return.
    pub kind: DocType,
    /// The till's key, 32 hexadecimal digits.
    pub key: String,
    /// The terminal's number.
    pub terminal: u16,
    /// The event that the terminal named.
    pub event: String,
    /// The receipt series.
    pub series: String,
    /// The receipt number.
    pub number: u64,
    /// What was sold for, in cents.
    pub total: i64,
    /// How often `commit` was called until an answer came.
    pub attempts: u32,
    /// Whether the answer said that an earlier call had booked it.
    pub repeated: bool,
}

/// A ledger file does not read.
#[derive(Debug, Error)]
#[error("{}: line {line}: {reason}", path.display())]
pub struct LedgerError {
    path: PathBuf,
    line: usize,
    reason: String,
}

/// What was acknowledged, as it came.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Acknowledged {
    /// Sales and returns, in order.
    pub receipts: Vec<Entry>,
    /// Everything else that was recorded, by its name.
    pub events: Vec<String>,
}

impl Acknowledged {
    /// Reads a ledger file.
    ///
    /// # Errors
    /// The first line that does not read.
    pub fn read(path: &Path) -> Result<Self, LedgerError> {
        let failed = |line, reason: String| LedgerError { path: path.to_owned(), line, reason };
        let file = File::open(path).map_err(|error| failed(0, error.to_string()))?;
        let mut this = Self::default();
        for (at, line) in BufReader::new(file).lines().enumerate() {
            let line = line.map_err(|error| failed(at + 1, error.to_string()))?;
            match serde_json::from_str(&line).map_err(|error| failed(at + 1, error.to_string()))? {
                Line::Receipt(entry) => this.receipts.push(entry),
                Line::Event { event } => this.events.push(event),
            }
        }
        Ok(this)
    }
}

/// The book and its file.
#[derive(Debug)]
pub(super) struct Ledger {
    book: Mutex<(Acknowledged, File)>,
}

impl Ledger {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let file = File::options().append(true).create_new(true).open(path)?;
        Ok(Self { book: Mutex::new((Acknowledged::default(), file)) })
    }

    /// A terminal has acknowledged a transaction.
    pub(super) fn receipt(&self, entry: Entry) -> io::Result<()> {
        let mut book = self.book();
        write(&mut book.1, &Line::Receipt(entry.clone()))?;
        book.0.receipts.push(entry);
        Ok(())
    }

    /// A terminal has acknowledged another event.
    pub(super) fn event(&self, event: String) -> io::Result<()> {
        let mut book = self.book();
        write(&mut book.1, &Line::Event { event: event.clone() })?;
        book.0.events.push(event);
        Ok(())
    }

    /// The entry of a basket, once it is acknowledged.
    pub(super) fn of_basket(&self, basket: &str) -> Option<Entry> {
        self.book().0.receipts.iter().find(|entry| entry.basket == basket).cloned()
    }

    /// The newest transactions, newest first.
    pub(super) fn latest(&self, count: usize) -> Vec<Entry> {
        self.book().0.receipts.iter().rev().take(count).cloned().collect()
    }

    /// How many transactions each terminal has acknowledged.
    pub(super) fn receipts_by_terminal(&self, terminals: usize) -> Vec<usize> {
        let mut counts = vec![0; terminals];
        for entry in &self.book().0.receipts {
            if let Some(count) = counts.get_mut(usize::from(entry.terminal).wrapping_sub(1)) {
                *count += 1;
            }
        }
        counts
    }

    /// All of it.
    pub(super) fn acknowledged(&self) -> Acknowledged {
        self.book().0.clone()
    }

    fn book(&self) -> MutexGuard<'_, (Acknowledged, File)> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(file: &mut File, line: &Line) -> io::Result<()> {
    let mut text = serde_json::to_vec(line).expect("a plain struct with text keys");
    text.push(b'\n');
    file.write_all(&text)
}

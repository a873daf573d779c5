//! The pages of a file as its last transaction left them, read beside SQLite, which opens no file that is damaged in the wrong place:
//! <https://sqlite.org/fileformat2.html>.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// Bytes of a page in files of this SDK: what it makes, and what it made once.
const PAGES: [u32; 2] = [1_024, 4_096];
/// Pages that are looked at to tell their size.
const LOOKED_AT: u64 = 256;
/// Whole transactions behind what cannot be read that make it damage. A power cut while the last one is written may leave its end on
/// the disk and not its beginning, and what it leaves may lie behind a shorter one that was written over its beginning later.
const FOLLOW: usize = 2;
const HEADER: usize = 32;
const FRAME: usize = 24;

/// A file and its write-ahead log.
pub(super) struct Image {
    file: RefCell<File>,
    page_bytes: u32,
    pages: u32,
    log: Log,
}

/// The pages that a write-ahead log has.
#[derive(Debug, Default)]
pub(super) struct Log {
    bytes: Vec<u8>,
    /// Where in it the latest of each page begins that is as it was written.
    latest: BTreeMap<u32, usize>,
    /// Whether something is damaged that [`FOLLOW`] transactions follow, so that no power cut has left it unfinished.
    is_damaged: bool,
}

/// A frame of a log.
struct Frame {
    page: u32,
    at: usize,
    ends_transaction: bool,
    is_whole: bool,
}

impl Image {
    pub(super) fn open(path: &Path, log: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let page_bytes = page_bytes(&mut file, length)?;
        let log = Log::read(log, page_bytes)?;
        let in_file = length.div_ceil(u64::from(page_bytes));
        let in_log = log.latest.keys().next_back().copied().unwrap_or_default();
        let pages = u32::try_from(in_file).unwrap_or(u32::MAX).max(in_log);
        Ok(Self { file: RefCell::new(file), page_bytes, pages, log })
    }

    /// Bytes of a page.
    pub(super) fn page_bytes(&self) -> usize {
        self.page_bytes as usize
    }

    /// How many pages there are; the first is 1.
    pub(super) fn pages(&self) -> u32 {
        self.pages
    }

    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    /// A page, as the latest frame of it that can be read has it; `None` where the file ends before it.
    pub(super) fn page(&self, no: u32) -> Option<Vec<u8>> {
        let bytes = self.page_bytes();
        if let Some(at) = self.log.latest.get(&no) {
            return self.log.bytes.get(*at..at + bytes).map(<[u8]>::to_vec);
        }
        let mut page = vec![0; bytes];
        let mut file = self.file.borrow_mut();
        let at = u64::from(no.checked_sub(1)?) * bytes as u64;
        file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut page)).ok()?;
        Some(page)
    }
}

/// What the header says, or where that cannot be, with which of the sizes more pages begin as one does.
fn page_bytes(file: &mut File, length: u64) -> io::Result<u32> {
    let mut said = [0; 2];
    file.seek(SeekFrom::Start(16))?;
    if file.read_exact(&mut said).is_ok() {
        let said = u32::from(u16::from_be_bytes(said));
        if PAGES.contains(&said) {
            return Ok(said);
        }
    }
    let mut begins = |bytes: u32| -> io::Result<u64> {
        let (mut found, mut looked, mut first) = (0, 0, [0]);
        for no in 1..(length / u64::from(bytes)).min(LOOKED_AT) {
            file.seek(SeekFrom::Start(no * u64::from(bytes)))?;
            file.read_exact(&mut first)?;
            looked += 1;
            found += u64::from(matches!(first, [2 | 5 | 10 | 13]));
        }
        Ok(found * 1_000 / looked.max(1))
    };
    let [small, large] = PAGES;
    Ok(if begins(large)? > begins(small)? { large } else { small })
}

impl Log {
    /// The log at this path, of pages of this size; empty where there is none.
    fn read(path: &Path, page_bytes: u32) -> io::Result<Self> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            bytes => bytes?,
        };
        let (frames, is_known) = frames(&bytes, page_bytes as usize);
        // What SQLite reads: up to the first frame that is not as it was written.
        let sound = frames.iter().position(|frame| !frame.is_whole).unwrap_or(frames.len());
        let sound = if is_known { sound } else { 0 };
        let ends =
            |(no, frame): (usize, &Frame)| (frame.is_whole && frame.ends_transaction).then_some(no + 1);
        let ends: Vec<usize> = frames.iter().enumerate().filter_map(ends).collect();
        let (read, behind) = ends.split_at(ends.partition_point(|end| *end <= sound));
        let is_damaged = behind.len() >= FOLLOW;
        let upto = if is_damaged { behind.last() } else { read.last() }.copied().unwrap_or_default();
        let whole = frames[..upto].iter().filter(|frame| frame.is_whole);
        let latest = whole.map(|frame| (frame.page, frame.at)).collect();
        Ok(Self { latest, is_damaged, bytes })
    }

    pub(super) fn is_damaged(&self) -> bool {
        self.is_damaged
    }
}

/// Each frame of the log's present round, whether it is whole or not; and whether its header is.
fn frames(log: &[u8], page_bytes: usize) -> (Vec<Frame>, bool) {
    let Some(header) = log.get(..HEADER) else { return (Vec::new(), true) };
    // The lowest bit of the first word says in which order the bytes of a word are summed up; SQLite takes the machine's own.
    let is_big = match word(header, 0, true) {
        0x377F_0682 => false,
        0x377F_0683 => true,
        _ => cfg!(target_endian = "big"),
    };
    let size = FRAME + page_bytes;
    let count = (log.len() - HEADER) / size;
    let at = |no: usize| HEADER + no * size;
    let stated = |from: usize| (word(log, from, true), word(log, from + 4, true));
    let salt_of = |from: usize| log.get(from..from + 8).unwrap_or_default();
    let is_known = sum((0, 0), &header[..24], is_big) == stated(24);
    // Frames of the round before have another salt. Where the header is damaged, that of the first frame is taken.
    let salt = if is_known { salt_of(16) } else { salt_of(at(0) + 8) };
    let last_of_round = (0..count).rfind(|no| salt_of(at(*no) + 8) == salt);
    let mut before = [stated(24), sum((0, 0), &header[..24], is_big)];
    let mut frames = Vec::new();
    for no in 0..count {
        let from = at(no);
        let (head, page) = log[from..from + size].split_at(FRAME);
        let sums = before.map(|before| sum(sum(before, &head[..8], is_big), page, is_big));
        let fits = sums.iter().find(|sum| **sum == stated(from + 16));
        let is_of_round = &head[8..16] == salt;
        if !is_of_round && fits.is_none() {
            // One of the round before, or of this one with its salt damaged: which, is seen by those behind it.
            if last_of_round.is_none_or(|last| last < no) {
                break;
            }
        }
        frames.push(Frame {
            page: word(head, 0, true),
            at: from + FRAME,
            ends_transaction: word(head, 4, true) != 0,
            is_whole: is_of_round && fits.is_some(),
        });
        before = [stated(from + 16), sums[0]];
    }
    (frames, is_known)
}

fn word(bytes: &[u8], at: usize, is_big: bool) -> u32 {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).unwrap_or([0; 4]);
    if is_big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
}

/// SQLite's checksum of a log, from what it came to before.
fn sum(before: (u32, u32), bytes: &[u8], is_big: bool) -> (u32, u32) {
    let words = bytes.chunks_exact(8).map(|pair| (word(pair, 0, is_big), word(pair, 4, is_big)));
    words.fold(before, |(first, second), (even, odd)| {
        let first = first.wrapping_add(even).wrapping_add(second);
        (first, second.wrapping_add(odd).wrapping_add(first))
    })
}

//! The rows of a page, and the pages of a table: read one by one, so that a page that is damaged costs what is on it.

use std::collections::BTreeSet;

use super::image::Image;

/// Levels of a tree: with four children a page, more than any file has.
const MAX_DEPTH: u32 = 40;
/// Bytes of a row; a larger one is taken for damage.
const MAX_ROW: u64 = 1 << 24;

/// A column of a row.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Column {
    Null,
    Integer(i64),
    Bytes(Vec<u8>),
    Text(Vec<u8>),
}

impl Column {
    pub(super) fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }
}

/// A row, with its number where its table has numbers.
pub(super) struct Row {
    pub(super) number: Option<i64>,
    pub(super) columns: Vec<Column>,
}

/// What a walk comes by, in the order of the table.
pub(super) enum Step {
    Row(Row),
    /// A row or a page that cannot be read: rows may be missing here.
    Gap,
    /// A page whose rows may not be all that it had, anywhere on it.
    Unsound,
}

/// A page of a tree.
pub(super) struct Page {
    /// The page before each row, where it has one, and the row, where the page has rows; `None` for one that cannot be read.
    cells: Vec<(Option<u32>, Option<Row>)>,
    /// The page behind the last row.
    right: Option<u32>,
    kind: u8,
    /// Whether all of its bytes are accounted for.
    is_sound: bool,
    /// Pages in which its rows go on.
    overflow: BTreeSet<u32>,
}

const INDEX_INNER: u8 = 2;
const TABLE_INNER: u8 = 5;
const INDEX_LEAF: u8 = 10;
const TABLE_LEAF: u8 = 13;

/// Pages that were come by.
pub(super) struct Seen(Vec<bool>);

impl Seen {
    pub(super) fn none_of(image: &Image) -> Self {
        Self(vec![false; image.pages() as usize + 1])
    }

    /// Whether it is one of the file's pages that was not seen before; it is, from here on.
    fn see(&mut self, page: u32) -> bool {
        let seen = self.0.get_mut(page as usize).filter(|_| page > 0);
        seen.is_some_and(|seen| !std::mem::replace(seen, true))
    }

    /// The pages that were not seen.
    pub(super) fn others(&self) -> impl Iterator<Item = u32> + '_ {
        let pages = self.0.iter().enumerate().skip(1);
        pages.filter(|(_, seen)| !**seen).filter_map(|(page, _)| u32::try_from(page).ok())
    }

    /// Sees the pages that hold nothing any more.
    pub(super) fn free_pages(&mut self, image: &Image) {
        let first = image.page(1).map_or(0, |page| word(&page, 32));
        let mut trunk = first;
        while trunk != 0 && self.see(trunk) {
            let Some(page) = image.page(trunk) else { return };
            let count = (word(&page, 4) as usize).min(image.page_bytes() / 4 - 2);
            for no in 0..count {
                self.see(word(&page, 8 + 4 * no));
            }
            trunk = word(&page, 0);
        }
    }
}

/// Every row of the tree with this root, and each place where some may be missing.
pub(super) fn walk(image: &Image, root: u32, seen: &mut Seen, each: &mut dyn FnMut(Step)) {
    descend(image, root, None, MAX_DEPTH, seen, each);
}

fn descend(
    image: &Image,
    no: u32,
    is_table: Option<bool>,
    depth: u32,
    seen: &mut Seen,
    each: &mut dyn FnMut(Step),
) {
    let page = (depth > 0 && seen.see(no)).then(|| Page::read(image, no)).flatten();
    let of_kind = |page: &Page| is_table.is_none_or(|table| page.is_of_table() == table);
    let Some(page) = page.filter(of_kind) else { return each(Step::Gap) };
    for no in &page.overflow {
        seen.see(*no);
    }
    let is_table = Some(page.is_of_table());
    let has_rows = page.kind != TABLE_INNER;
    for (child, row) in page.cells {
        if let Some(child) = child {
            descend(image, child, is_table, depth - 1, seen, each);
        }
        match row {
            Some(row) => each(Step::Row(row)),
            None if has_rows => each(Step::Gap),
            None => {}
        }
    }
    if let Some(right) = page.right {
        descend(image, right, is_table, depth - 1, seen, each);
    }
    if !page.is_sound {
        each(Step::Unsound);
    }
}

impl Page {
    /// `None`: it is no page of a tree.
    pub(super) fn read(image: &Image, no: u32) -> Option<Self> {
        let page = image.page(no)?;
        let head = if no == 1 { 100 } else { 0 };
        let kind = *page.get(head)?;
        let is_inner = match kind {
            INDEX_INNER | TABLE_INNER => true,
            INDEX_LEAF | TABLE_LEAF => false,
            _ => return None,
        };
        let count = half(&page, head + 3)?;
        let pointers = head + if is_inner { 12 } else { 8 };
        let mut read =
            Self { cells: Vec::new(), right: None, kind, is_sound: true, overflow: BTreeSet::new() };
        if is_inner {
            read.right = Some(word(&page, head + 8));
        }
        let mut used = pointers + 2 * count;
        if used > page.len() {
            return None;
        }
        for no in 0..count {
            let at = half(&page, pointers + 2 * no)?;
            let cell = Cell::read(&page, at, kind);
            let (child, row) = match cell {
                Some(cell) => {
                    used += cell.length.max(4);
                    (cell.child, (kind != TABLE_INNER).then(|| read.row(image, &page, &cell)).flatten())
                }
                None => {
                    read.is_sound = false;
                    (None, None)
                }
            };
            read.cells.push((child, row));
        }
        read.is_sound &= read.accounts(&page, head, pointers + 2 * count, used);
        Some(read)
    }

    fn is_of_table(&self) -> bool {
        matches!(self.kind, TABLE_INNER | TABLE_LEAF)
    }

    /// Its rows.
    pub(super) fn into_rows(self) -> impl Iterator<Item = Row> {
        self.cells.into_iter().filter_map(|(_, row)| row)
    }

    /// Whether rows, free blocks, fragments and the gap before the rows are all of the page: a wrong count of rows would not be seen
    /// otherwise.
    fn accounts(&self, page: &[u8], head: usize, pointers_end: usize, mut used: usize) -> bool {
        let (Some(mut free), Some(content)) = (half(page, head + 1), half(page, head + 5)) else {
            return false;
        };
        let content = if content == 0 { 65_536 } else { content };
        if content < pointers_end || content > page.len() {
            return false;
        }
        used += content - pointers_end + usize::from(page[head + 7]);
        let mut last = 0;
        while free != 0 {
            let (Some(next), Some(bytes)) = (half(page, free), half(page, free + 2)) else { return false };
            if free <= last {
                return false;
            }
            used += bytes;
            (last, free) = (free, next);
        }
        used == page.len()
    }

    fn row(&mut self, image: &Image, page: &[u8], cell: &Cell) -> Option<Row> {
        let mut bytes = page.get(cell.local.clone())?.to_vec();
        let mut next = cell.overflow;
        while (bytes.len() as u64) < cell.payload {
            let no = next.filter(|no| *no > 0)?;
            // Each page belongs to one row, and to one place in it: a damaged chain may go round.
            if !self.overflow.insert(no) {
                return None;
            }
            let more = image.page(no)?;
            let left = usize::try_from(cell.payload).ok()? - bytes.len();
            bytes.extend_from_slice(&more[4..more.len().min(4 + left)]);
            next = Some(word(&more, 0));
        }
        Some(Row { number: cell.number, columns: columns(&bytes)? })
    }
}

/// Where the parts of a row lie.
struct Cell {
    child: Option<u32>,
    number: Option<i64>,
    payload: u64,
    local: std::ops::Range<usize>,
    overflow: Option<u32>,
    length: usize,
}

impl Cell {
    fn read(page: &[u8], from: usize, kind: u8) -> Option<Self> {
        let mut at = from;
        let child = matches!(kind, INDEX_INNER | TABLE_INNER).then(|| word(page, from));
        at += if child.is_some() { 4 } else { 0 };
        let mut cell = Self { child, number: None, payload: 0, local: at..at, overflow: None, length: 0 };
        if kind != TABLE_INNER {
            cell.payload = varint(page, &mut at)?.cast_unsigned();
        }
        if matches!(kind, TABLE_INNER | TABLE_LEAF) {
            cell.number = Some(varint(page, &mut at)?);
        }
        if cell.payload > MAX_ROW {
            return None;
        }
        let local = local(usize::try_from(cell.payload).ok()?, page.len(), kind == TABLE_LEAF);
        cell.local = at..at + local;
        at += local;
        if (local as u64) < cell.payload {
            cell.overflow = Some(word(page, at));
            at += 4;
        }
        cell.length = at - from;
        (at <= page.len()).then_some(cell)
    }
}

/// How many bytes of a row lie on its own page.
fn local(payload: usize, page: usize, is_table: bool) -> usize {
    let most = if is_table { page - 35 } else { (page - 12) * 64 / 255 - 23 };
    if payload <= most {
        return payload;
    }
    let least = (page - 12) * 32 / 255 - 23;
    let fitting = least + (payload - least) % (page - 4);
    if fitting <= most { fitting } else { least }
}

/// The columns of a row; `None` where it cannot be read as one.
fn columns(row: &[u8]) -> Option<Vec<Column>> {
    let mut at = 0;
    let head = usize::try_from(varint(row, &mut at)?).ok()?;
    let (mut body, mut columns) = (head, Vec::new());
    let mut take = |bytes: usize| -> Option<&[u8]> {
        let taken = row.get(body..body.checked_add(bytes)?)?;
        body += bytes;
        Some(taken)
    };
    while at < head {
        columns.push(match varint(row, &mut at)? {
            0 => Column::Null,
            kind @ 1..=6 => {
                let bytes = take([1, 2, 3, 4, 6, 8][usize::try_from(kind).ok()? - 1])?;
                let first = if bytes[0] & 0x80 == 0 { 0 } else { -1 };
                Column::Integer(bytes.iter().fold(first, |number, byte| (number << 8) | i64::from(*byte)))
            }
            kind @ (8 | 9) => Column::Integer(kind - 8),
            kind @ 12.. if kind % 2 == 0 => {
                Column::Bytes(take(usize::try_from((kind - 12) / 2).ok()?)?.to_vec())
            }
            kind @ 13.. => Column::Text(take(usize::try_from((kind - 13) / 2).ok()?)?.to_vec()),
            _ => return None,
        });
    }
    (at == head && body == row.len()).then_some(columns)
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<i64> {
    let mut number: u64 = 0;
    for no in 0..9 {
        let byte = *bytes.get(*at)?;
        *at += 1;
        if no == 8 {
            return Some(((number << 8) | u64::from(byte)).cast_signed());
        }
        number = (number << 7) | u64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(number.cast_signed())
}

fn half(bytes: &[u8], at: usize) -> Option<usize> {
    let two = bytes.get(at..at + 2)?.try_into().ok()?;
    Some(usize::from(u16::from_be_bytes(two)))
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    four.map_or(0, u32::from_be_bytes)
}

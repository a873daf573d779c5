//! Rows of a store that are seldom read, packed together for a disk.

use std::collections::BTreeMap;

use edgepos_wire::{DecodeError, DecodeFault};

use crate::limits::Limits;
use crate::wire::compress;

/// Columns with more different bytes than one in so many of their rows are packed apart from the others: what is random in a name
/// gives nothing away, and would hide from the code what else there is.
const RANDOM: usize = 3;

/// Rows as [`RowBlock::unpack`] gives them back: keys with their values, by rising key.
pub type BlockRows = Vec<(Vec<u8>, Vec<u8>)>;

/// Rows of one kind, by rising key, packed together: rows of the same lengths lie on top of each other, and each of their columns of
/// bytes is written from top to bottom. What is the same in all of them then takes nothing, and what is random takes what it is.
///
/// ```
/// use edgepos_sync::RowBlock;
///
/// let row = |number: u8| (vec![b'k', number], format!("two coffees, number {number:03}").into_bytes());
/// let rows: Vec<_> = (0..100).map(row).collect();
/// let block = RowBlock::pack(&rows).expect("their keys rise");
/// assert!(block.len() < 600);
/// assert_eq!(RowBlock::unpack(&block)?, rows);
/// # Ok::<(), edgepos_sync::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RowBlock;

impl RowBlock {
    /// Most rows of a block: what one of them costs to be read is what all of them cost to be unpacked.
    pub const MAX_ROWS: usize = 192;
    /// Most bytes of one row, key and value.
    pub const MAX_ROW_BYTES: usize = 4 << 10;
    /// Bytes before the packed ones: how they are packed, how many they were, and of how many rows.
    const HEADER: usize = 7;

    /// Packs rows. `None` where there are none or too many, where one is too large, and where their keys do not rise.
    pub fn pack(rows: &[(Vec<u8>, Vec<u8>)]) -> Option<Vec<u8>> {
        let rises = rows.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let fits = rows.iter().all(|(key, value)| key.len() + value.len() <= Self::MAX_ROW_BYTES);
        if rows.is_empty() || rows.len() > Self::MAX_ROWS || !rises || !fits {
            return None;
        }
        let (body, cut) = columns(rows)?;
        let length = u32::try_from(body.len()).ok()?;
        let packed = compress::pack_cut(body, &[cut], 0, &Limits::DEFAULT);
        let mut block = vec![packed.codec as u8];
        block.extend(length.to_be_bytes());
        block.extend(u16::try_from(rows.len()).ok()?.to_be_bytes());
        block.extend(packed.bytes);
        Some(block)
    }

    /// The rows of a block.
    ///
    /// # Errors
    /// [`DecodeFault::Damaged`] and others for bytes that [`pack`](Self::pack) did not write. There is no checksum in it: whoever keeps
    /// it keeps one beside it.
    pub fn unpack(block: &[u8]) -> Result<BlockRows, DecodeError> {
        let damaged = || DecodeError::new("packed rows", 0, DecodeFault::Damaged);
        let (header, packed) = block.split_first_chunk::<{ Self::HEADER }>().ok_or_else(damaged)?;
        let [codec, l0, l1, l2, l3, n0, n1] = *header;
        let (length, count) = (u32::from_be_bytes([l0, l1, l2, l3]), u16::from_be_bytes([n0, n1]));
        if count == 0 || usize::from(count) > Self::MAX_ROWS {
            return Err(damaged());
        }
        let body = compress::unpack(codec.into(), 0, packed, length.into(), &Limits::DEFAULT)?;
        let rows = Columns(&body).rows(count.into()).ok_or_else(damaged)?;
        if rows.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
            return Err(damaged());
        }
        Ok(rows)
    }
}

/// The lengths of a row's key and its value.
type Shape = (u16, u16);

/// What is packed, and where its second part begins:
///
/// - how many shapes there are (1 byte), and of each the length of a key and that of a value (2 bytes each, the highest first);
/// - for each row its shape (1 byte);
/// - for each column of each shape whether it is in the second part (1 byte);
/// - the columns of the first part, then those of the second.
fn columns(rows: &[(Vec<u8>, Vec<u8>)]) -> Option<(Vec<u8>, usize)> {
    let mut shapes: BTreeMap<Shape, Vec<usize>> = BTreeMap::new();
    for (at, (key, value)) in rows.iter().enumerate() {
        let shape = (u16::try_from(key.len()).ok()?, u16::try_from(value.len()).ok()?);
        shapes.entry(shape).or_default().push(at);
    }
    let mut body = vec![u8::try_from(shapes.len()).ok()?];
    let mut shape_of = vec![0; rows.len()];
    for (no, ((key, value), members)) in (0u8..).zip(&shapes) {
        body.extend(key.to_be_bytes());
        body.extend(value.to_be_bytes());
        members.iter().for_each(|at| shape_of[*at] = no);
    }
    body.extend(shape_of);
    let byte = |row: usize, column: usize| {
        let (key, value) = &rows[row];
        key.get(column).copied().unwrap_or_else(|| value[column - key.len()])
    };
    let (mut plain, mut random) = (Vec::new(), Vec::new());
    for ((key, value), members) in &shapes {
        for column in 0..usize::from(*key) + usize::from(*value) {
            let bytes = members.iter().map(|row| byte(*row, column));
            let mut seen = [false; 256];
            bytes.clone().for_each(|byte| seen[usize::from(byte)] = true);
            let different = seen.iter().filter(|seen| **seen).count();
            let is_random = different * RANDOM > members.len();
            body.push(u8::from(is_random));
            if is_random { random.extend(bytes) } else { plain.extend(bytes) }
        }
    }
    body.extend(plain);
    let cut = body.len();
    body.extend(random);
    Some((body, cut))
}

/// Reads what [`columns`] wrote.
struct Columns<'b>(&'b [u8]);

impl<'b> Columns<'b> {
    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn shape(&mut self) -> Option<Shape> {
        let [k0, k1, v0, v1] = *self.take(4)?.first_chunk()?;
        Some((u16::from_be_bytes([k0, k1]), u16::from_be_bytes([v0, v1])))
    }

    fn rows(mut self, count: usize) -> Option<BlockRows> {
        let shapes = self.take(1)?[0];
        let shapes: Vec<Shape> = (0..shapes).map(|_| self.shape()).collect::<Option<_>>()?;
        let mut members = vec![Vec::new(); shapes.len()];
        for (row, shape) in self.take(count)?.iter().enumerate() {
            members.get_mut(usize::from(*shape))?.push(row);
        }
        let width = |(key, value): &Shape| usize::from(*key) + usize::from(*value);
        if shapes.iter().any(|shape| width(shape) > RowBlock::MAX_ROW_BYTES) {
            return None;
        }
        let flags = self.take(shapes.iter().map(width).sum())?;
        let mut rows = vec![(Vec::new(), Vec::new()); count];
        for (shape, members) in shapes.iter().zip(&members) {
            for row in members {
                rows[*row] = (vec![0; shape.0.into()], vec![0; shape.1.into()]);
            }
        }
        for part in [0, 1] {
            let mut flags = flags.iter();
            for (shape, members) in shapes.iter().zip(&members) {
                for (column, _) in
                    flags.by_ref().take(width(shape)).enumerate().filter(|(_, in_part)| **in_part == part)
                {
                    for (row, byte) in members.iter().zip(self.take(members.len())?) {
                        let (key, value) = &mut rows[*row];
                        match column.checked_sub(key.len()) {
                            None => key[column] = *byte,
                            Some(column) => value[column] = *byte,
                        }
                    }
                }
            }
        }
        (self.0.is_empty() && flags.iter().all(|part| *part <= 1)).then_some(rows)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Names as tills give them, and what stands beside them.
    fn names(count: u32) -> BlockRows {
        let noise = |of: u32, at: u32| {
            (of.wrapping_mul(0x9E37_79B9).wrapping_add(at.wrapping_mul(0x85EB_CA6B)) >> 13) as u8
        };
        let name = |of: u32| (0..16).map(|at| noise(noise(of, at).into(), of + 7 * at)).collect::<Vec<_>>();
        let row = |of: u32| {
            let beside =
                [&[0xA5, 0, 0x51][..], &of.to_be_bytes(), &[1, 0x50], &name(of + 1_000_000)].concat();
            ([name(of), vec![0, 1, 9]].concat(), beside)
        };
        let rows: BTreeMap<_, _> = (0..count).map(row).collect();
        rows.into_iter().collect()
    }

    #[test]
    fn what_is_random_takes_what_it_is_and_the_rest_next_to_nothing() {
        let rows = names(190);
        let block = RowBlock::pack(&rows).expect("they rise");
        assert_eq!(RowBlock::unpack(&block).expect("sound"), rows);
        let per_row = block.len() / rows.len();
        assert!((32..=36).contains(&per_row), "{per_row} bytes a row with 32 random ones");
    }

    #[test]
    fn what_cannot_be_a_block_is_none() {
        let rows = names(200);
        assert_eq!(RowBlock::pack(&[]), None);
        assert!(RowBlock::pack(&rows[..RowBlock::MAX_ROWS]).is_some());
        assert_eq!(RowBlock::pack(&rows[..=RowBlock::MAX_ROWS]), None);
        let mut swapped = rows[..9].to_vec();
        swapped.swap(3, 4);
        assert_eq!(RowBlock::pack(&swapped), None);
        let large = |bytes| [(vec![1], vec![7; bytes])];
        assert!(RowBlock::pack(&large(RowBlock::MAX_ROW_BYTES - 1)).is_some());
        assert_eq!(RowBlock::pack(&large(RowBlock::MAX_ROW_BYTES)), None);
    }

    #[test]
    fn a_block_that_is_cut_or_longer_is_an_error() {
        let block = RowBlock::pack(&names(50)).expect("they rise");
        (0..block.len()).for_each(|length| drop(RowBlock::unpack(&block[..length]).expect_err("it is cut")));
        let longer = [block.as_slice(), &[0]].concat();
        assert!(RowBlock::unpack(&longer).is_err());
    }

    proptest! {
        #[test]
        fn what_is_packed_unpacks_to_the_byte(
            rows in proptest::collection::btree_map(
                proptest::collection::vec(any::<u8>(), 0..40), proptest::collection::vec(any::<u8>(), 0..90), 1..150,
            ),
        ) {
            let rows: BlockRows = rows.into_iter().collect();
            let block = RowBlock::pack(&rows).expect("they rise");
            prop_assert_eq!(RowBlock::unpack(&block).expect("sound"), rows);
        }

        #[test]
        fn whatever_is_read_ends(bytes in proptest::collection::vec(any::<u8>(), 0..300), raw in any::<bool>()) {
            let mut block = bytes;
            if raw && block.len() > RowBlock::HEADER {
                let length = (block.len() - RowBlock::HEADER) as u32;
                block[0] = 0;
                block[1..5].copy_from_slice(&length.to_be_bytes());
            }
            drop(RowBlock::unpack(&block));
        }
    }
}

//! Payloads in columns: what stands at one place of each payload stands together, so that it is compressed with its like.
//!
//! Nothing here knows what an event means. A payload is taken apart as far as it is CBOR that is written in one way only, and is put
//! together again to the byte; any other stays whole. A column is what all payloads of a batch have at one place, which is named by
//! the steps to it. Columns are numbered as they are first met, by the writer and by the reader alike, so no name of one travels.

mod ints;
mod item;
mod paths;
mod read;
mod streams;
mod strings;
mod token;
mod write;

pub(crate) use token::Broken;

/// The payloads as columns, and where these should be cut to be compressed piece by piece. `None` where they have too many columns.
pub(crate) fn pack<'p>(payloads: impl Iterator<Item = &'p [u8]> + Clone) -> Option<(Vec<u8>, Vec<usize>)> {
    write::write(payloads)
}

/// So many payloads out of their columns, `total` bytes together and none longer than `limit`.
///
/// Memory and time are bounded by `total` and the bytes given, whatever these say.
pub(crate) fn unpack(bytes: &[u8], count: u64, total: usize, limit: usize) -> Result<Vec<Vec<u8>>, Broken> {
    let mut reader = read::Reader::new(bytes, total)?;
    let mut payloads = Vec::new();
    for _ in 0..count {
        payloads.push(reader.payload(limit)?);
    }
    if reader.is_done() { Ok(payloads) } else { Err(Broken) }
}

#[cfg(test)]
mod tests {
    use edgepos_core::Jitter;
    use proptest::prelude::*;

    use super::*;

    fn round_trip(payloads: &[Vec<u8>]) -> usize {
        let (bytes, cuts) = pack(payloads.iter().map(Vec::as_slice)).expect("few columns");
        assert!(cuts.is_sorted() && cuts.last().is_none_or(|last| *last <= bytes.len()));
        let total = payloads.iter().map(Vec::len).sum();
        assert_eq!(unpack(&bytes, payloads.len() as u64, total, total), Ok(payloads.to_vec()));
        bytes.len()
    }

    #[test]
    fn what_is_no_item_stays_whole() {
        round_trip(&[vec![], vec![0xFF], vec![0x18, 1], vec![0xA1], b"tea".to_vec(), vec![0xBF, 0xFF]]);
        round_trip(&[]);
        // An empty payload beside a string of bytes that is one.
        round_trip(&[vec![], vec![0x40], vec![0x41, 7], vec![0x58, 24], vec![]]);
    }

    #[test]
    fn a_number_of_payloads_or_bytes_that_lies_is_broken() {
        let payloads = vec![vec![0xA1, 0, 1], vec![0xA1, 0, 2]];
        let (bytes, _) = pack(payloads.iter().map(Vec::as_slice)).expect("few columns");
        for (count, total, limit) in [(1, 6, 6), (3, 6, 6), (2, 5, 6), (2, 7, 6), (2, 6, 2)] {
            assert_eq!(unpack(&bytes, count, total, limit), Err(Broken), "{count} {total} {limit}");
        }
        assert_eq!(unpack(&bytes, 2, 6, 3), Ok(payloads));
    }

    /// An item of any form, whose integers and strings come from a few.
    fn item(jitter: &mut Jitter, depth: u8, out: &mut Vec<u8>) {
        match jitter.range(0, if depth == 0 { 5 } else { 9 }) {
            0 | 1 => item::int(out, [3, -1, 1_700_000_000_000, i64::MIN, 130][jitter.range(0, 5) as usize]),
            2 | 3 => {
                let text = [b"tea".as_slice(), b"4006381333931", &[7; 30], b"", &[0x81, 1]];
                let text = text[jitter.range(0, 5) as usize];
                item::head(out, [item::BYTES, item::TEXT][jitter.range(0, 2) as usize], text.len() as u64);
                out.extend_from_slice(text);
            }
            4 => out.extend(
                [[0xF5].as_slice(), &[0xF9, 0x3C, 0], &[0x1B, 0xFF, 0, 0, 0, 0, 0, 0, 0]]
                    [jitter.range(0, 3) as usize],
            ),
            5 => {
                let length = jitter.range(0, 4);
                item::head(out, item::ARRAY, length);
                (0..length).for_each(|_| item(jitter, depth - 1, out));
            }
            6 => {
                let mut nested = Vec::new();
                item(jitter, depth - 1, &mut nested);
                item::head(out, item::BYTES, nested.len() as u64);
                out.extend(nested);
            }
            _ => {
                let keys = jitter.range(0, 4);
                item::head(out, item::MAP, keys);
                for key in 0..keys {
                    match jitter.range(0, 5) {
                        0 => out.extend([0x61, b'k']),
                        _ => item::head(out, item::UNSIGNED, key * jitter.range(1, 3)),
                    }
                    item(jitter, depth - 1, out);
                }
            }
        }
    }

    fn payloads(seed: u64) -> Vec<Vec<u8>> {
        let mut jitter = Jitter::new(seed);
        let count = jitter.range(1, 30);
        let payload = |jitter: &mut Jitter| {
            let mut bytes = Vec::new();
            item(jitter, 6, &mut bytes);
            if jitter.range(0, 10) == 0 {
                bytes.truncate(bytes.len() / 2);
            }
            bytes
        };
        (0..count).map(|_| payload(&mut jitter)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn payloads_come_back_to_the_byte(seed in any::<u64>()) {
            round_trip(&payloads(seed));
        }

        #[test]
        fn random_bytes_come_back_too(payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..20)) {
            round_trip(&payloads);
        }

        /// Cut or changed columns never give more than was stated, and never panic.
        #[test]
        fn what_is_damaged_is_broken_or_is_bounded(seed in any::<u64>(), flips in any::<[u32; 4]>(), cut in any::<u32>()) {
            let payloads = payloads(seed);
            let total: usize = payloads.iter().map(Vec::len).sum();
            let (bytes, _) = pack(payloads.iter().map(Vec::as_slice)).expect("few columns");
            let end = cut as usize % bytes.len().max(1);
            prop_assert_eq!(unpack(&bytes[..end], payloads.len() as u64, total, total), Err(Broken));
            for flip in flips {
                let mut bytes = bytes.clone();
                let at = flip as usize % bytes.len();
                bytes[at] ^= 1 << (flip >> 29);
                if let Ok(read) = unpack(&bytes, payloads.len() as u64, total, total) {
                    prop_assert_eq!(read.iter().map(Vec::len).sum::<usize>(), total);
                }
            }
        }
    }
}

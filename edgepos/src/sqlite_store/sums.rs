//! The checksum beside each row: SQLite keeps none, so that a bit that flips in a number would be another number.

/// CRC-32 of ISO-HDLC, as in gzip: it tells any change within 32 bits on end, and so any one byte.
const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut rest, mut bit) = (byte as u32, 0);
        while bit < 8 {
            rest = if rest & 1 == 1 { (rest >> 1) ^ 0xEDB8_8320 } else { rest >> 1 };
            bit += 1;
        }
        table[byte] = rest;
        byte += 1;
    }
    table
}

fn add(sum: u32, bytes: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| TABLE[((sum ^ u32::from(*byte)) & 0xFF) as usize] ^ (sum >> 8);
    bytes.iter().fold(sum, step)
}

/// What stands beside a row, over the number of its space, which may be a later version's, the length of its key (4 bytes, the highest first), its key and its value; as SQLite
/// stores it in four bytes.
pub(super) fn of_row(space: u8, key: &[u8], value: &[u8]) -> i32 {
    let length = u32::try_from(key.len()).unwrap_or(u32::MAX).to_be_bytes();
    let parts = [&[space], &length, key, value] as [&[u8]; 4];
    (!parts.into_iter().fold(u32::MAX, add)).cast_signed()
}

/// Whether the row is as it was written. One that an earlier version wrote has no sum, and is taken as it is.
pub(super) fn fits(space: u8, key: &[u8], value: &[u8], sum: Option<i64>) -> bool {
    sum.is_none_or(|sum| sum == i64::from(of_row(space, key, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_sum_that_everybody_knows() {
        assert_eq!(!add(u32::MAX, b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn each_byte_and_the_border_between_key_and_value_count() {
        let sum = of_row(9, b"ab", b"cd");
        let others = [
            of_row(8, b"ab", b"cd"),
            of_row(9, b"abc", b"d"),
            of_row(9, b"ab", b"ce"),
            of_row(9, b"ac", b"cd"),
        ];
        assert!(others.iter().all(|other| *other != sum));
        assert!(fits(9, b"ab", b"cd", None), "an earlier version's");
        assert!(!fits(9, b"ab", b"ce", Some(sum.into())));
    }
}

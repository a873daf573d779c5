//! The number of an event's row: its chain's number, then its position. And which positions a range of keys has.

use edgepos_core::Seq;

/// Bits of a row's number that the position takes: a million millions of one chain.
const SEQ_BITS: u32 = 40;
pub(super) const MAX_SEQ: u64 = (1 << SEQ_BITS) - 1;

/// `None`: beyond what a file numbers.
pub(super) fn row_number(no: i64, seq: Seq) -> Option<i64> {
    let seq = i64::try_from(seq.0).ok().filter(|_| seq.0 <= MAX_SEQ)?;
    no.checked_mul(1 << SEQ_BITS)?.checked_add(seq)
}

/// The position of a row.
pub(super) fn seq_of(row: i64) -> Seq {
    Seq(row.unsigned_abs() & MAX_SEQ)
}

/// The first and the last number that a row of this chain may have.
pub(super) fn chain_rows(no: i64) -> (i64, i64) {
    let first = no.saturating_mul(1 << SEQ_BITS);
    (first, first.saturating_add((1 << SEQ_BITS) - 1))
}

/// The lowest chain whose keys may reach `from`.
pub(super) fn first_chain(from: &[u8]) -> [u8; 9] {
    let mut chain = [0; 9];
    let length = from.len().min(chain.len());
    chain[..length].copy_from_slice(&from[..length]);
    chain
}

/// The first and the last position of the chain whose keys are from `from` to `to`, compared as bytes; `None` where there is none.
pub(super) fn positions(chain: &[u8; 9], from: &[u8], to: &[u8]) -> Option<(u64, u64)> {
    let padded = |rest: &[u8]| {
        let mut bytes = [0; 8];
        let length = rest.len().min(bytes.len());
        bytes[..length].copy_from_slice(&rest[..length]);
        u64::from_be_bytes(bytes)
    };
    let first = match from.strip_prefix(chain) {
        // A longer key comes behind the whole one.
        Some(rest) if rest.len() > 8 => padded(rest).checked_add(1)?,
        Some(rest) => padded(rest),
        None if chain.as_slice() < from => return None,
        None => 0,
    };
    let last = match to.strip_prefix(chain) {
        Some(rest) if rest.len() >= 8 => padded(rest),
        // A key that `to` is the beginning of comes behind it.
        Some(rest) => padded(rest).checked_sub(1)?,
        None if chain.as_slice() > to => return None,
        None => u64::MAX,
    };
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_its_position_and_lies_among_those_of_its_chain() {
        for (no, seq) in [(1, 1), (3, 70_000), (8_388_607, MAX_SEQ)] {
            let row = row_number(no, Seq(seq)).unwrap();
            let (first, last) = chain_rows(no);
            assert!((first..=last).contains(&row) && seq_of(row) == Seq(seq));
        }
        assert_eq!(row_number(1, Seq(MAX_SEQ + 1)), None);
    }

    #[test]
    fn the_positions_of_a_range_are_those_whose_keys_are_in_it() {
        let chain = [5; 9];
        let key = |seq: u64| [chain.as_slice(), &seq.to_be_bytes()].concat();
        let behind = |seq| [key(seq), vec![0]].concat();
        assert_eq!(positions(&chain, &key(3), &key(9)), Some((3, 9)));
        assert_eq!(positions(&chain, &behind(3), &[255; 17]), Some((4, u64::MAX)), "what follows a key");
        assert_eq!(positions(&chain, &[], &behind(3)), Some((0, 3)));
        assert_eq!(positions(&chain, &chain, &chain), None, "a beginning comes before each whole key");
        assert_eq!(positions(&chain, &[4; 17], &[6]), Some((0, u64::MAX)));
        assert_eq!(positions(&chain, &[6], &[7; 17]), None);
        assert_eq!(positions(&chain, &[0], &[4; 17]), None);
        assert_eq!(positions(&chain, &key(9), &key(3)), None);
        assert_eq!(positions(&chain, &behind(u64::MAX), &[255; 17]), None);
    }
}

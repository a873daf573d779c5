//! What is wrong with a piece of a chain, by its rows alone: each row has the hash of the chain after it, so that a flipped bit shows
//! twice, in the link to the row before and in the link to the row behind.

use std::collections::BTreeMap;

use edgepos_core::{Chain, Seq};

use crate::event::{EventRecord, Hash};
use crate::gap::Gap;

/// A piece of a chain as it was read.
pub(super) struct Piece<'a> {
    pub(super) chain: Chain,
    /// The first position that was asked for.
    pub(super) first: Seq,
    pub(super) rows: &'a [(Vec<u8>, Vec<u8>)],
    /// The chain's hash before it, where that is known.
    pub(super) before: Option<Hash>,
    /// Where the chain ends, with its hash there.
    pub(super) end: (Seq, Hash),
    /// Whether the rows are all from `first` to the end.
    pub(super) is_whole: bool,
    /// Positions that are known to be lost.
    pub(super) gaps: &'a [Gap],
    /// Up to here events may be gone from the front of the chain because they are pruned.
    pub(super) pruned_up_to: Seq,
}

/// What is wrong first in a piece.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Finding {
    /// Nothing, up to this position.
    Sound(Seq),
    /// The row's hash alone: this is the right one.
    Hash(EventRecord, Hash),
    /// The bytes of these positions.
    Bytes(Gap),
    /// Something at this position; what cannot be told without more rows.
    Unclear(Seq),
}

impl Piece<'_> {
    pub(super) fn examine(&self) -> Finding {
        let rows = self.by_position();
        let mut before = self.before.or((self.first == Seq(1)).then_some(Hash::ZERO));
        let mut next = self.first;
        // A row that is taken as it is, since nothing is known of what comes before it.
        let mut taken = None;
        if self.first == Seq(1)
            && let Some(first) = rows.keys().next().filter(|first| first.0 - 1 <= self.pruned_up_to.0)
            && *first != next
        {
            (next, before) = (*first, None);
        }
        let mut stated = None;
        let last = rows.keys().next_back().copied();
        let reach = if self.is_whole { self.end.0 } else { last.unwrap_or(self.first) };
        while next <= reach {
            if let Some(gap) = self.gaps.iter().find(|gap| gap.contains(next)) {
                next = gap.last.next();
                (before, stated) =
                    if gap.at == gap.last { (Some(gap.hash), None) } else { (None, Some(gap.hash)) };
                continue;
            }
            let Some((record, hash)) = rows.get(&next) else { return self.broken(&rows, next) };
            let follows = match (stated.take(), before) {
                (Some(stated), _) => stated == *hash,
                (None, Some(before)) => before.link(record.id, &record.payload) == *hash,
                (None, None) => {
                    taken = Some(next);
                    true
                }
            };
            if !follows {
                let right = before.map(|before| before.link(record.id, &record.payload));
                if let Some(right) = right.filter(|right| self.proves(&rows, next, *right) == Some(true)) {
                    return Finding::Hash(record.clone(), right);
                }
                // The hash that was taken may be what is wrong: whoever reads from further ahead can tell.
                let doubtful = self.first > Seq(1) && taken.is_some_and(|taken| taken.next() == next);
                return if doubtful { Finding::Unclear(next) } else { self.broken(&rows, next) };
            }
            if next == self.end.0 && *hash != self.end.1 {
                return self.broken(&rows, next);
            }
            before = Some(*hash);
            next = next.next();
        }
        Finding::Sound(reach)
    }

    /// The rows that have the names that they should have.
    fn by_position(&self) -> BTreeMap<Seq, (EventRecord, Hash)> {
        let read = self.rows.iter().filter_map(|(key, value)| EventRecord::from_row(key, value));
        let inside = |record: &EventRecord| {
            record.id.chain == self.chain && record.id.seq >= self.first && record.id.seq <= self.end.0
        };
        let named = read.filter(|(record, _)| inside(record));
        named.map(|(record, hash)| (record.id.seq, (record, hash))).collect()
    }

    /// Whether what comes behind proves that the chain has this hash at `seq`; `None` where that cannot be told yet.
    fn proves(&self, rows: &BTreeMap<Seq, (EventRecord, Hash)>, seq: Seq, hash: Hash) -> Option<bool> {
        if seq == self.end.0 {
            return Some(hash == self.end.1);
        }
        let Some((behind, stated)) = rows.get(&seq.next()) else {
            let is_read = self.is_whole || rows.keys().next_back().is_some_and(|last| *last > seq);
            return is_read.then_some(false);
        };
        Some(hash.link(behind.id, &behind.payload) == *stated)
    }

    /// From `first` on bytes are damaged or gone: up to where a hash is proved by what comes behind it.
    fn broken(&self, rows: &BTreeMap<Seq, (EventRecord, Hash)>, first: Seq) -> Finding {
        let mut previous = Some(first).filter(|first| rows.contains_key(first));
        for (seq, (_, hash)) in rows.range(first..) {
            match self.proves(rows, *seq, *hash) {
                None => return Finding::Unclear(first),
                Some(false) => {}
                // Behind a row that is gone nothing says that this one is damaged: its hash is right, and it is kept.
                Some(true) if *seq > first && previous.is_none_or(|previous| previous.next() < *seq) => {
                    return Finding::Bytes(Gap { first, last: Seq(seq.0 - 1), at: *seq, hash: *hash });
                }
                Some(true) => {
                    return Finding::Bytes(Gap { first, last: *seq, at: *seq, hash: *hash });
                }
            }
            previous = Some(*seq);
        }
        if !self.is_whole {
            return Finding::Unclear(first);
        }
        let (last, hash) = self.end;
        Finding::Bytes(Gap { first, last, at: last, hash })
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{EventId, Lane, ReplicaId};

    use super::*;

    const CHAIN: Chain = Chain { replica: ReplicaId((1 << 48) | 0xA5), lane: Lane::Stock };

    type Row = (Vec<u8>, Vec<u8>);

    fn chain(events: u64) -> (Vec<Row>, (Seq, Hash)) {
        let (mut rows, mut hash) = (Vec::new(), Hash::ZERO);
        for seq in 1..=events {
            let record = EventRecord { id: EventId::new(CHAIN, Seq(seq)), payload: vec![seq as u8; 5] };
            hash = hash.link(record.id, &record.payload);
            rows.push((record.id.to_key().to_vec(), record.to_row(hash)));
        }
        (rows, (Seq(events), hash))
    }

    fn examine(rows: &[Row], first: u64, end: (Seq, Hash)) -> Finding {
        let from = EventId::new(CHAIN, Seq(first)).to_key().to_vec();
        let rows: Vec<Row> = rows.iter().filter(|(key, _)| *key >= from).cloned().collect();
        let piece = Piece {
            chain: CHAIN,
            first: Seq(first),
            rows: &rows,
            before: None,
            end,
            is_whole: true,
            gaps: &[],
            pruned_up_to: Seq(0),
        };
        piece.examine()
    }

    fn hash_of(rows: &[Row], seq: u64) -> Hash {
        EventRecord::from_row(&rows[seq as usize - 1].0, &rows[seq as usize - 1].1).expect("a row").1
    }

    #[test]
    fn every_flipped_bit_of_every_row_is_found_and_told_apart() {
        let (good, end) = chain(6);
        assert_eq!(examine(&good, 1, end), Finding::Sound(Seq(6)));
        for seq in 1..=6u64 {
            let row = seq as usize - 1;
            for byte in 0..good[row].1.len() {
                let mut rows = good.clone();
                rows[row].1[byte] ^= 4;
                let found = examine(&rows, 1, end);
                if byte < 32 {
                    assert!(
                        matches!(&found, Finding::Hash(record, hash)
                        if record.id.seq == Seq(seq) && *hash == hash_of(&good, seq)),
                        "{seq} {byte} {found:?}"
                    );
                } else {
                    let (at, hash) = (Seq(seq), hash_of(&good, seq));
                    assert_eq!(found, Finding::Bytes(Gap { first: at, last: at, at, hash }), "{seq} {byte}");
                }
            }
        }
    }

    #[test]
    fn rows_that_are_gone_leave_the_one_behind_them() {
        let (good, end) = chain(9);
        let without = |from: usize, to: usize| [&good[..from - 1], &good[to..]].concat();
        let gap = |first, last, at| Gap {
            first: Seq(first),
            last: Seq(last),
            at: Seq(at),
            hash: hash_of(&good, at),
        };
        assert_eq!(examine(&without(3, 5), 1, end), Finding::Bytes(gap(3, 5, 6)));
        assert_eq!(examine(&without(1, 2), 1, end), Finding::Bytes(gap(1, 2, 3)));
        assert_eq!(
            examine(&without(7, 9), 1, end),
            Finding::Bytes(gap(7, 9, 9)),
            "the head row knows the end"
        );
        assert_eq!(examine(&without(7, 8), 1, end), Finding::Bytes(gap(7, 8, 9)));
        assert_eq!(examine(&[], 1, end), Finding::Bytes(gap(1, 9, 9)));
        let mut two = good.clone();
        (two[3].1[33], two[4].1[33]) = (0, 0);
        assert_eq!(examine(&two, 1, end), Finding::Bytes(gap(4, 5, 5)));
    }
}

//! Events of one chain that follow on each other, packed together for a disk.

use edgepos_core::{Chain, EventId, Seq};
use edgepos_wire::{DecodeError, DecodeFault};
use sha2::{Digest as _, Sha256};

use crate::event::{EventRecord, Hash};
use crate::limits::Limits;
use crate::wire::batch::{BATCH_FORMAT, Batch, Link, Run};
use crate::wire::compress;

/// Events that follow on each other in one chain, in the form in which they travel: a batch of one run, in columns, for which the
/// events' hashes need not be kept. A tenth to a quarter of what the same events take one by one.
///
/// ```
/// use edgepos_core::{Chain, EventId, Lane, ReplicaId, Seq};
/// use edgepos_sync::{EventRecord, Hash, Segment};
///
/// let chain = Chain::new(ReplicaId::new(1, 0xA5), Lane::Transactions);
/// let mut hash = Hash::ZERO;
/// let events: Vec<_> = (1..=100)
///     .map(|seq| {
///         let record = EventRecord { id: EventId::new(chain, Seq(seq)), payload: b"two coffees".to_vec() };
///         hash = hash.link(record.id, &record.payload);
///         (record, hash)
///     })
///     .collect();
/// let segment = Segment::pack(&events).expect("they link");
/// assert!(segment.batch.len() < 300);
/// assert_eq!(segment.unpack()?, events);
/// # Ok::<(), edgepos_sync::DecodeError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// The first event.
    pub first: EventId,
    /// Position of the last event.
    pub last: Seq,
    /// The chain's hash behind the first event. Those behind the others follow from it.
    pub hash: Hash,
    /// SHA-256 over the key of the first event, the position of the last one (8 bytes, the highest first), `hash` and `batch`.
    pub digest: [u8; 32],
    /// The events, as [`Batch::encode_for`] writes a run.
    pub batch: Vec<u8>,
}

impl Segment {
    /// Most events of a segment: what one of them costs to be read is what all of them cost to be unpacked.
    pub const MAX_EVENTS: usize = 256;
    /// Bytes of payload with which a segment ends, however few events that are.
    pub const MAX_BYTES: usize = 1 << 20;

    /// How many of the events, from the first on, can be one segment: those of one chain that follow on each other and whose hashes are
    /// what the one before leads to, up to [`MAX_EVENTS`](Self::MAX_EVENTS). The first event's hash is taken as it is.
    pub fn linking(events: &[(EventRecord, Hash)]) -> usize {
        let follows = |pair: &&[(EventRecord, Hash)]| {
            let [(before, hash), (record, stated)] = pair else { return false };
            record.id == EventId::new(before.id.chain, before.id.seq.next())
                && hash.link(record.id, &record.payload) == *stated
        };
        let most = events.len().min(Self::MAX_EVENTS);
        most.min(1 + events.windows(2).take_while(follows).count())
    }

    /// Packs events. `None` where there are none, and where they are not all [`linking`](Self::linking): what is damaged stays where it
    /// can be mended.
    pub fn pack(events: &[(EventRecord, Hash)]) -> Option<Self> {
        let ((first, hash), (last, head)) = (events.first()?, events.last()?);
        if Self::linking(events) < events.len() {
            return None;
        }
        let payloads = events.iter().map(|(record, _)| record.payload.clone()).collect();
        let EventId { chain, seq } = first.id;
        let run = Run { chain, first: seq, head: *head, payloads, gaps: Vec::new() };
        let batch = Batch { runs: vec![run] }.encode_for(BATCH_FORMAT, compress::NEWEST, &Limits::DEFAULT);
        let digest = digest(first.id, last.id.seq, *hash, &batch);
        Some(Self { first: first.id, last: last.id.seq, hash: *hash, digest, batch })
    }

    /// The events, each with the hash of the chain behind it.
    ///
    /// # Errors
    /// [`DecodeFault::Damaged`] where a bit of the segment is not what was packed, and what [`Batch::decode`] says of a batch that this
    /// version cannot read.
    pub fn unpack(&self) -> Result<Vec<(EventRecord, Hash)>, DecodeError> {
        let damaged = || DecodeError::new("segment", 0, DecodeFault::Damaged);
        if digest(self.first, self.last, self.hash, &self.batch) != self.digest {
            return Err(damaged());
        }
        let Batch { runs } = Batch::decode(&self.batch, &Limits::DEFAULT)?;
        let Ok([run]) = <[Run; 1]>::try_from(runs) else { return Err(damaged()) };
        let EventId { chain, seq } = self.first;
        self.events(chain, seq, run).ok_or_else(damaged)
    }

    /// The chain whose events a `batch` has, for who has lost what stood beside it. `None`: it cannot be read.
    pub fn chain_of(batch: &[u8]) -> Option<Chain> {
        let Batch { runs } = Batch::decode(batch, &Limits::DEFAULT).ok()?;
        runs.first().map(|run| run.chain)
    }

    fn events(&self, chain: Chain, first: Seq, run: Run) -> Option<Vec<(EventRecord, Hash)>> {
        let fits = run.chain == chain && run.first == first && run.last() == self.last && run.gaps.is_empty();
        let (head, mut payloads) = (run.head, run.payloads.into_iter());
        let begins = EventRecord { id: self.first, payload: payloads.next().filter(|_| fits)? };
        let run = Run { chain, first: first.next(), head, payloads: payloads.collect(), gaps: Vec::new() };
        let follow = run.above(first, self.hash).ok()?.into_iter().filter_map(|link| match link {
            Link::Event(record, hash) => Some((record, hash)),
            Link::Lost(_) => None,
        });
        Some(std::iter::once((begins, self.hash)).chain(follow).collect())
    }
}

fn digest(first: EventId, last: Seq, hash: Hash, batch: &[u8]) -> [u8; 32] {
    let mut sha = Sha256::new();
    sha.update(first.to_key());
    sha.update(last.0.to_be_bytes());
    sha.update(hash.0);
    sha.update(batch);
    sha.finalize().into()
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Lane, ReplicaId};
    use proptest::prelude::*;

    use super::*;

    const CHAIN: Chain = Chain { replica: ReplicaId((1 << 48) | 0xA5), lane: Lane::Transactions };

    /// Events from `first` on, behind others that nobody knows here.
    fn events(first: u64, payloads: &[Vec<u8>]) -> Vec<(EventRecord, Hash)> {
        let mut hash = Hash([7; 32]);
        let link = |(seq, payload): (u64, &Vec<u8>)| {
            let record = EventRecord { id: EventId::new(CHAIN, Seq(seq)), payload: payload.clone() };
            hash = hash.link(record.id, &record.payload);
            (record, hash)
        };
        (first..).zip(payloads).map(link).collect()
    }

    fn receipts(count: u8) -> Vec<Vec<u8>> {
        (0..count).map(|at| [b"receipt of two coffees, number ".as_slice(), &[at]].concat()).collect()
    }

    #[test]
    fn one_event_and_the_most_are_packed_and_no_more() {
        let payloads = vec![vec![]; Segment::MAX_EVENTS + 1];
        let all = events(9, &payloads);
        for count in [1, 2, Segment::MAX_EVENTS] {
            let segment = Segment::pack(&all[..count]).expect("they link");
            assert_eq!((segment.first.seq, segment.last), (Seq(9), Seq(8 + count as u64)));
            assert_eq!(segment.unpack().expect("sound"), all[..count]);
        }
        assert_eq!(Segment::pack(&all), None, "one too many");
        assert_eq!(Segment::pack(&[]), None);
    }

    #[test]
    fn what_does_not_link_is_not_packed() {
        let good = events(1, &receipts(5));
        let mut gap = good.clone();
        gap.remove(2);
        let mut of_another = good.clone();
        of_another[4].0.id.chain.lane = Lane::Stock;
        let (mut payload, mut hash) = (good.clone(), good.clone());
        payload[3].0.payload[0] ^= 1;
        hash[3].1.0[0] ^= 1;
        for (bad, sound) in [(gap, 2), (of_another, 4), (payload, 3), (hash, 3)] {
            assert_eq!(Segment::pack(&bad), None);
            assert_eq!(Segment::linking(&bad), sound);
            assert!(Segment::pack(&bad[..sound]).is_some());
        }
        assert_eq!(Segment::linking(&good), 5);
    }

    #[test]
    fn every_flipped_bit_is_an_error() {
        let segment = Segment::pack(&events(4, &receipts(20))).expect("they link");
        for byte in 0..segment.batch.len() {
            for bit in 0..8 {
                let mut bad = segment.clone();
                bad.batch[byte] ^= 1 << bit;
                assert!(bad.unpack().is_err(), "byte {byte}, bit {bit}");
            }
        }
        let changed: [fn(&mut Segment); 5] = [
            |bad| bad.first.seq = Seq(5),
            |bad| bad.last = Seq(22),
            |bad| bad.hash.0[31] ^= 1,
            |bad| bad.digest[0] ^= 128,
            |bad| bad.first.chain.lane = Lane::Stock,
        ];
        for change in changed {
            let mut bad = segment.clone();
            change(&mut bad);
            assert!(bad.unpack().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_packed_unpacks_to_the_byte(
            first in 1u64..1_000_000,
            payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..40),
        ) {
            let events = events(first, &payloads);
            let segment = Segment::pack(&events).expect("they link");
            prop_assert_eq!(segment.unpack().expect("sound"), events);
        }
    }
}

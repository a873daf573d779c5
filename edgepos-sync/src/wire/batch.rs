//! Runs of events in the form in which they travel, to a peer and to the cloud alike.

use edgepos_core::{Chain, EventId, ReplicaId, Seq};
use edgepos_crdt::VersionVector;
use edgepos_wire::{DecodeError, DecodeFault, Reader, write};

use super::compress::{self, Packed};
use super::shapes;
use crate::event::{EventRecord, Hash};
use crate::gap::Gap;
use crate::limits::Limits;

/// The format of the batch's own map.
const FORMAT: u64 = 1;

/// Events that follow on each other in one chain, and the chain's hash after the last of them.
///
/// The head vouches for every event of the run *and* for everything before it in the chain, so no other hash is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// Whose events, in which lane.
    pub chain: Chain,
    /// Position of the first event, from 1.
    pub first: Seq,
    /// The chain's hash after the last event.
    pub head: Hash,
    /// The events' payloads, in order, without those of the positions in [`gaps`](Self::gaps). Not empty once decoded, unless there
    /// are gaps.
    pub payloads: Vec<Vec<u8>>,
    /// Positions whose bytes are lost, by rising position. Sent only to those who have said that they take them.
    pub gaps: Vec<Gap>,
}

/// What a run has at a position, linked to what comes before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Link {
    Event(EventRecord, Hash),
    Lost(Gap),
}

impl Run {
    /// Position of the last event or gap; the position before the first where there is none.
    pub fn last(&self) -> Seq {
        let lost = self.gaps.iter().map(Gap::positions).fold(0, u64::saturating_add);
        Seq((self.first.0 - 1).saturating_add(self.payloads.len() as u64).saturating_add(lost))
    }

    /// Its events, each with the hash of the chain after it, where the chain has the hash `before` in front of the run. Lost positions are
    /// left out. `None`: the events do not lead from `before` to [`head`](Self::head).
    pub fn linked(self, before: Hash) -> Option<Vec<(EventRecord, Hash)>> {
        let held = Seq(self.first.0.checked_sub(1)?);
        let events = self.above(held, before).ok()?.into_iter().filter_map(|link| match link {
            Link::Event(record, hash) => Some((record, hash)),
            Link::Lost(_) => None,
        });
        Some(events.collect())
    }

    /// The part above `held`, linked to `hash`, which is the chain's hash at `held`.
    ///
    /// # Errors
    /// [`LinkError::Gap`] when the run begins later than at the next position, [`LinkError::Fork`] when its head is not what
    /// its events, the hashes of its gaps and `hash` derive to.
    pub(crate) fn above(self, held: Seq, hash: Hash) -> Result<Vec<Link>, LinkError> {
        if held.next() < self.first {
            return Err(LinkError::Gap);
        }
        let Self { chain, first, head, payloads, gaps } = self;
        let mut gaps = gaps.into_iter().peekable();
        let mut payloads = payloads.into_iter();
        let (mut linked, mut hash, mut next) = (Vec::with_capacity(payloads.len()), hash, first);
        // A gap that tells the hash behind the event after it.
        let mut stated = None;
        loop {
            if let Some(gap) = gaps.next_if(|gap| gap.first == next) {
                next = gap.last.next();
                if gap.last <= held {
                    continue;
                }
                if gap.at == gap.last {
                    hash = gap.hash;
                } else {
                    stated = Some(gap.hash);
                }
                linked.push(Link::Lost(Gap { first: gap.first.max(held.next()), ..gap }));
                continue;
            }
            let Some(payload) = payloads.next() else { break };
            let id = EventId::new(chain, next);
            next = next.next();
            if id.seq <= held {
                continue;
            }
            hash = stated.take().unwrap_or_else(|| hash.link(id, &payload));
            linked.push(Link::Event(EventRecord { id, payload }, hash));
        }
        if !linked.is_empty() && hash != head {
            return Err(LinkError::Fork);
        }
        Ok(linked)
    }
}

/// Why a run does not follow on what is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LinkError {
    Gap,
    Fork,
}

/// What one message or one upload carries: at most one run of each chain.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Batch {
    /// In the order in which they should be applied: most urgent lane first.
    pub runs: Vec<Run>,
}

impl Batch {
    /// How many events.
    pub fn events(&self) -> usize {
        self.runs.iter().map(|run| run.payloads.len()).sum()
    }

    /// For each chain in the batch, the position of its last event.
    pub fn last(&self) -> VersionVector {
        self.runs.iter().map(|run| (run.chain, run.last())).collect()
    }

    /// The bytes that travel: a CBOR map with the format, the codec, the dictionary, the body's length and the body. Compressed
    /// without a dictionary, so that every receiver reads it.
    pub fn encode(&self, limits: &Limits) -> Vec<u8> {
        self.encode_with(0, limits)
    }

    /// As [`encode`](Self::encode), compressed with a dictionary that the receiver has; one that this build does not have, and
    /// 0, compress without one.
    pub fn encode_with(&self, dictionary: u32, limits: &Limits) -> Vec<u8> {
        let body = self.body();
        let length = body.len() as u64;
        let Packed { codec, dictionary, bytes } = compress::pack(body, dictionary, limits);
        write(|out| {
            out.map(5)?;
            out.u64(0)?.u64(FORMAT)?;
            out.u64(1)?.u64(codec as u64)?;
            out.u64(2)?.u64(dictionary.into())?;
            out.u64(3)?.u64(length)?;
            out.u64(4)?.bytes(&bytes)?.ok()
        })
    }

    fn body(&self) -> Vec<u8> {
        write(|out| {
            out.array(self.runs.len() as u64)?;
            for run in &self.runs {
                out.map(5 + u64::from(!run.gaps.is_empty()))?;
                out.u64(0)?.u64(run.chain.replica.0)?;
                out.u64(1)?.u8(run.chain.lane.code())?;
                out.u64(2)?.u64(run.first.0)?;
                out.u64(3)?.bytes(&run.head.0)?;
                out.u64(4)?.array(run.payloads.len() as u64)?;
                for payload in &run.payloads {
                    out.bytes(payload)?;
                }
                if !run.gaps.is_empty() {
                    out.u64(5)?.array(run.gaps.len() as u64)?;
                    run.gaps.iter().try_for_each(|gap| gap.write_to(out))?;
                }
            }
            Ok(())
        })
    }

    /// Reads what [`encode`](Self::encode) wrote, by this version or a later one: unknown keys are skipped.
    ///
    /// # Errors
    /// [`DecodeError`], for anything that no honest writer writes or that exceeds `limits`. Memory stays within
    /// [`Limits::max_ratio`] times the bytes given.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, DecodeError> {
        let (mut format, mut codec, mut dictionary, mut length, mut packed) = (None, None, 0, None, None);
        Reader::all("batch", bytes, limits.max_message_bytes, |reader| {
            reader.fields(|reader, key| {
                match key {
                    0 => format = Some(reader.u64()?),
                    1 => codec = Some(reader.u64()?),
                    2 => dictionary = reader.u64()?,
                    3 => length = Some(reader.u64()?),
                    4 => packed = Some(reader.bytes("batch", limits.max_message_bytes)?),
                    _ => return Ok(false),
                }
                Ok(true)
            })
        })?;
        let version = shapes::required("batch", format, 0)?;
        if version != FORMAT {
            return Err(DecodeError::new("batch format", 0, DecodeFault::Unknown { code: version }));
        }
        let packed = shapes::required("batch", packed, 4)?;
        let body = compress::unpack(
            shapes::required("batch", codec, 1)?,
            dictionary,
            packed,
            shapes::required("batch", length, 3)?,
            limits,
        )?;
        Reader::all("batch body", &body, limits.max_body_bytes, |reader| runs(reader, limits))
            .map(|runs| Self { runs })
    }
}

fn runs(reader: &mut Reader<'_>, limits: &Limits) -> Result<Vec<Run>, DecodeError> {
    let mut seen = VersionVector::new();
    let mut left = limits.max_events;
    let mut runs = Vec::new();
    for _ in 0..reader.array("runs", limits.max_chains)? {
        let run = run(reader, limits, &mut left)?;
        if seen.get(run.chain) != Seq::ZERO {
            return Err(DecodeError::new("chain twice in a batch", 0, DecodeFault::Impossible));
        }
        seen.set_max(run.chain, run.last());
        runs.push(run);
    }
    Ok(runs)
}

fn run(reader: &mut Reader<'_>, limits: &Limits, left: &mut u32) -> Result<Run, DecodeError> {
    let (mut replica, mut lane, mut first, mut head) = (None, None, None, None);
    let (mut payloads, mut gaps) = (Vec::new(), Vec::new());
    reader.fields(|reader, key| {
        match key {
            0 => replica = Some(ReplicaId(reader.u64()?)),
            1 => lane = Some(shapes::lane(reader)?),
            2 => first = Some(Seq(reader.u64()?)),
            3 => head = Some(Hash(reader.fixed("hash")?)),
            4 => {
                let events = reader.array("events", *left)?;
                *left -= events as u32;
                for _ in 0..events {
                    payloads.push(reader.bytes("event", limits.max_event_bytes)?.to_vec());
                }
            }
            5 => {
                let lost = reader.array("gaps", *left)?;
                *left -= lost as u32;
                for _ in 0..lost {
                    gaps.push(Gap::read(reader)?);
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let chain = Chain::new(shapes::required("batch", replica, 0)?, shapes::required("batch", lane, 1)?);
    let (first, head) = (shapes::required("batch", first, 2)?, shapes::required("batch", head, 3)?);
    let run = Run { chain, first, head, payloads, gaps };
    if first == Seq::ZERO || !run.is_whole() {
        return Err(DecodeError::new("run", 0, DecodeFault::Impossible));
    }
    Ok(run)
}

impl Run {
    /// Whether its gaps are in order and inside it, each that tells the hash behind the next event is followed by that event, and its
    /// positions are numbers.
    fn is_whole(&self) -> bool {
        let mut events = self.payloads.len() as u64;
        let mut next = self.first;
        for gap in &self.gaps {
            let Some(before) = gap.first.0.checked_sub(next.0).filter(|before| *before <= events) else {
                return false;
            };
            events -= before;
            if gap.last == Seq(u64::MAX) || (gap.at != gap.last && events == 0) {
                return false;
            }
            next = gap.last.next();
        }
        // The next gap may not begin where an event is promised.
        let promised = |pair: &[Gap]| pair[0].at != pair[0].last && pair[1].first <= pair[0].at;
        let is_empty = self.payloads.is_empty() && self.gaps.is_empty();
        !is_empty && !self.gaps.windows(2).any(promised) && next.0.checked_add(events).is_some()
    }
}

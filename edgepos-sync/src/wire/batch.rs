//! Runs of events in the form in which they travel, to a peer and to the cloud alike.

use edgepos_core::{Chain, EventId, ReplicaId, Seq};
use edgepos_crdt::VersionVector;
use edgepos_wire::{DecodeError, DecodeFault, Reader, write};

use super::columns;
use super::compress::{self, Packed};
use super::shapes;
use crate::event::{EventRecord, Hash};
use crate::gap::Gap;
use crate::limits::Limits;

/// The formats of the batch's own map. In rows the body has each payload as it is, in columns what is alike stands together.
const ROWS: u64 = 1;
const COLUMNS: u64 = 2;

/// The newest format of a batch that this version reads. Whoever reads a newer one than 1, which everybody reads, says so.
pub const BATCH_FORMAT: u16 = COLUMNS as u16;

/// Columns cost a few hundred bytes, so a batch with less may be smaller in rows: both are tried.
const SURELY_SMALLER: usize = 64 << 10;

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

    /// The bytes that travel: a CBOR map with the format, the codec, the dictionary, the body's length and the body. In rows and
    /// compressed without a dictionary, so that every receiver reads it.
    pub fn encode(&self, limits: &Limits) -> Vec<u8> {
        self.encode_with(0, limits)
    }

    /// As [`encode`](Self::encode), compressed with a dictionary that the receiver has; one that this build does not have, and
    /// 0, compress without one.
    pub fn encode_with(&self, dictionary: u32, limits: &Limits) -> Vec<u8> {
        let body = self.body(true);
        let length = body.len() as u64;
        header(ROWS, length, &compress::pack(body, dictionary, limits), None)
    }

    /// As [`encode_with`](Self::encode_with), for a receiver that reads formats up to `newest`: from 2 on in columns, where that is
    /// smaller.
    pub fn encode_for(&self, newest: u16, dictionary: u32, limits: &Limits) -> Vec<u8> {
        let columns = if newest < BATCH_FORMAT { None } else { self.in_columns(dictionary, limits) };
        let total: usize = self.payloads().map(<[u8]>::len).sum();
        match columns {
            Some(columns) if total >= SURELY_SMALLER => columns,
            Some(columns) => {
                let rows = self.encode_with(dictionary, limits);
                if columns.len() < rows.len() { columns } else { rows }
            }
            None => self.encode_with(dictionary, limits),
        }
    }

    fn payloads(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.runs.iter().flat_map(|run| &run.payloads).map(Vec::as_slice)
    }

    /// `None` where a careful receiver would take it for a bomb, and where there are too many columns.
    fn in_columns(&self, dictionary: u32, limits: &Limits) -> Option<Vec<u8>> {
        let (columns, cuts) = columns::pack(self.payloads())?;
        let runs = self.body(false);
        let mut body = write(|out| out.array(2)?.ok());
        body.extend(runs);
        let behind = write(|out| out.bytes(&columns)?.ok());
        let start = body.len() + behind.len() - columns.len();
        body.extend(behind);
        let cuts: Vec<usize> = cuts.into_iter().map(|cut| start + cut).collect();
        let total: usize = self.payloads().map(<[u8]>::len).sum();
        let length = body.len() as u64;
        let packed = compress::pack_cut(body, &cuts, dictionary, limits);
        let fits =
            compress::plausible(total, packed.bytes.len(), limits) && length <= limits.max_body_bytes.into();
        fits.then(|| header(COLUMNS, length, &packed, Some(total as u64)))
    }

    /// The runs, with their payloads or with their number alone.
    fn body(&self, with_payloads: bool) -> Vec<u8> {
        write(|out| {
            out.array(self.runs.len() as u64)?;
            for run in &self.runs {
                out.map(5 + u64::from(!run.gaps.is_empty()))?;
                out.u64(0)?.u64(run.chain.replica.0)?;
                out.u64(1)?.u8(run.chain.lane.code())?;
                out.u64(2)?.u64(run.first.0)?;
                out.u64(3)?.bytes(&run.head.0)?;
                if with_payloads {
                    out.u64(4)?.array(run.payloads.len() as u64)?;
                    for payload in &run.payloads {
                        out.bytes(payload)?;
                    }
                }
                if !run.gaps.is_empty() {
                    out.u64(5)?.array(run.gaps.len() as u64)?;
                    run.gaps.iter().try_for_each(|gap| gap.write_to(out))?;
                }
                if !with_payloads {
                    out.u64(6)?.u64(run.payloads.len() as u64)?;
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
        let mut total = None;
        Reader::all("batch", bytes, limits.max_message_bytes, |reader| {
            reader.fields(|reader, key| {
                match key {
                    0 => format = Some(reader.u64()?),
                    1 => codec = Some(reader.u64()?),
                    2 => dictionary = reader.u64()?,
                    3 => length = Some(reader.u64()?),
                    4 => packed = Some(reader.bytes("batch", limits.max_message_bytes)?),
                    5 => total = Some(reader.u64()?),
                    _ => return Ok(false),
                }
                Ok(true)
            })
        })?;
        let version = shapes::required("batch", format, 0)?;
        if !(ROWS..=COLUMNS).contains(&version) {
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
        let runs = if version == ROWS {
            Reader::all("batch body", &body, limits.max_body_bytes, |reader| runs(reader, limits, None))
        } else {
            let total = compress::stated(shapes::required("batch", total, 5)?, packed, limits)?;
            Reader::all("batch body", &body, limits.max_body_bytes, |reader| {
                of_columns(reader, limits, total)
            })
        };
        runs.map(|runs| Self { runs })
    }
}

/// The map around a body.
fn header(format: u64, length: u64, packed: &Packed, total: Option<u64>) -> Vec<u8> {
    write(|out| {
        out.map(5 + u64::from(total.is_some()))?;
        out.u64(0)?.u64(format)?;
        out.u64(1)?.u64(packed.codec as u64)?;
        out.u64(2)?.u64(packed.dictionary.into())?;
        out.u64(3)?.u64(length)?;
        out.u64(4)?.bytes(&packed.bytes)?;
        total.iter().try_for_each(|total| out.u64(5)?.u64(*total)?.ok())
    })
}

/// Runs without payloads, and behind them these in columns.
fn of_columns(reader: &mut Reader<'_>, limits: &Limits, total: usize) -> Result<Vec<Run>, DecodeError> {
    let broken = || DecodeError::new("columns", 0, DecodeFault::Damaged);
    if reader.array("batch in columns", 2)? != 2 {
        return Err(broken());
    }
    let mut counts = Vec::new();
    let mut runs = runs(reader, limits, Some(&mut counts))?;
    let columns = reader.bytes("columns", limits.max_body_bytes)?;
    let (count, limit) = (counts.iter().sum(), limits.max_event_bytes as usize);
    let mut payloads = columns::unpack(columns, count, total, limit).map_err(|_| broken())?.into_iter();
    for (run, count) in runs.iter_mut().zip(counts) {
        run.payloads.extend(payloads.by_ref().take(count as usize));
    }
    Ok(runs)
}

/// Runs with their payloads, or with their number alone, which `counts` takes then.
fn runs(
    reader: &mut Reader<'_>,
    limits: &Limits,
    mut counts: Option<&mut Vec<u64>>,
) -> Result<Vec<Run>, DecodeError> {
    let mut seen = VersionVector::new();
    let mut left = limits.max_events;
    let mut runs = Vec::new();
    for _ in 0..reader.array("runs", limits.max_chains)? {
        let (run, count) = run(reader, limits, &mut left, counts.is_some())?;
        if seen.get(run.chain) != Seq::ZERO {
            return Err(DecodeError::new("chain twice in a batch", 0, DecodeFault::Impossible));
        }
        // A run is not empty, so what it has is not before its first position.
        seen.set_max(run.chain, run.first);
        runs.push(run);
        if let Some(counts) = &mut counts {
            counts.push(count);
        }
    }
    Ok(runs)
}

/// A run and how many events it has; with their payloads, or `counted` alone.
fn run(
    reader: &mut Reader<'_>,
    limits: &Limits,
    left: &mut u32,
    counted: bool,
) -> Result<(Run, u64), DecodeError> {
    let (mut replica, mut lane, mut first, mut head) = (None, None, None, None);
    let (mut payloads, mut gaps, mut count) = (Vec::new(), Vec::new(), 0);
    reader.fields(|reader, key| {
        match key {
            0 => replica = Some(ReplicaId(reader.u64()?)),
            1 => lane = Some(shapes::lane(reader)?),
            2 => first = Some(Seq(reader.u64()?)),
            3 => head = Some(Hash(reader.fixed("hash")?)),
            4 if !counted => {
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
            6 if counted => {
                count = reader.u64()?;
                let limit = u64::from(*left);
                let too_many = || DecodeError::new("events", 0, DecodeFault::TooLarge { limit });
                *left -= u32::try_from(count).ok().filter(|count| *count <= *left).ok_or_else(too_many)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let chain = Chain::new(shapes::required("batch", replica, 0)?, shapes::required("batch", lane, 1)?);
    let (first, head) = (shapes::required("batch", first, 2)?, shapes::required("batch", head, 3)?);
    let events = if counted { count } else { payloads.len() as u64 };
    let run = Run { chain, first, head, payloads, gaps };
    if first == Seq::ZERO || !run.is_whole(events) {
        return Err(DecodeError::new("run", 0, DecodeFault::Impossible));
    }
    Ok((run, events))
}

impl Run {
    /// Whether its gaps are in order and inside it, each that tells the hash behind the next event is followed by that event, and its
    /// positions are numbers, with so many events.
    fn is_whole(&self, mut events: u64) -> bool {
        let is_empty = events == 0 && self.gaps.is_empty();
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
        !is_empty && !self.gaps.windows(2).any(promised) && next.0.checked_add(events).is_some()
    }
}

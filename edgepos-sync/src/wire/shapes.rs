//! The CBOR shapes that messages, requests and rows share.

use std::collections::{BTreeMap, BTreeSet};

use edgepos_core::{Chain, EventId, Lane, LogPosition, LogState, ReplicaId, Seq, StoreGeneration, Term};
use edgepos_crdt::VersionVector;
use edgepos_wire::{DecodeError, DecodeFault, Reader, Sink, Written};

use crate::event::Hash;
use crate::limits::Limits;

/// A vector as a map: replica → positions of lanes 0 to 3, trailing zeros left out. Replicas rise.
pub(crate) fn write_vector(out: &mut Sink<'_>, vector: &VersionVector) -> Written {
    let mut replicas: Vec<(ReplicaId, [u64; 4])> = Vec::new();
    for (chain, seq) in vector.iter() {
        if replicas.last().is_none_or(|(replica, _)| *replica != chain.replica) {
            replicas.push((chain.replica, [0; 4]));
        }
        if let Some((_, lanes)) = replicas.last_mut() {
            lanes[usize::from(chain.lane.code())] = seq.0;
        }
    }
    out.map(replicas.len() as u64)?;
    for (replica, lanes) in replicas {
        let used = lanes.iter().rposition(|seq| *seq != 0).map_or(0, |last| last + 1);
        out.u64(replica.0)?.array(used as u64)?;
        for seq in &lanes[..used] {
            out.u64(*seq)?;
        }
    }
    Ok(())
}

/// Reads what [`write_vector`] wrote.
pub(crate) fn vector(reader: &mut Reader<'_>, limits: &Limits) -> Result<VersionVector, DecodeError> {
    let mut vector = VersionVector::new();
    lanes(reader, limits, |reader, chain| {
        let seq = reader.u64()?;
        if seq != 0 {
            vector.set_max(chain, Seq(seq));
        }
        Ok(())
    })?;
    if vector.len() > limits.max_chains as usize {
        return Err(DecodeError::new("vector", 0, DecodeFault::TooLarge { limit: limits.max_chains.into() }));
    }
    Ok(vector)
}

/// Where a terminal stands in the store-wide log: generation and term, then the term and the index of the last entry and of the last decided one.
pub(crate) fn write_log_state(out: &mut Sink<'_>, state: &LogState) -> Written {
    let LogState { generation, term, last, decided } = state;
    let numbers = [generation.0.into(), term.0, last.term.0, last.index, decided.term.0, decided.index];
    out.array(numbers.len() as u64)?;
    numbers.iter().try_for_each(|number| out.u64(*number)?.ok())
}

/// Reads what [`write_log_state`] wrote.
pub(crate) fn log_state(reader: &mut Reader<'_>) -> Result<LogState, DecodeError> {
    if reader.array("state of the log", 6)? != 6 {
        return Err(DecodeError::new("state of the log", 0, DecodeFault::Impossible));
    }
    let generation = StoreGeneration(reader.small("generation")?);
    let term = Term(reader.u64()?);
    let last = LogPosition { term: Term(reader.u64()?), index: reader.u64()? };
    let decided = LogPosition { term: Term(reader.u64()?), index: reader.u64()? };
    let ordered = decided.index <= last.index && decided.term <= last.term && last.term <= term;
    let whole = [last, decided].iter().all(|at| (at.index == 0) == (at.term.0 == 0));
    if !ordered || !whole {
        return Err(DecodeError::new("state of the log", 0, DecodeFault::Impossible));
    }
    Ok(LogState { generation, term, last, decided })
}

/// As [`write_vector`], with a hash or no bytes in place of a position.
pub(crate) fn write_heads(out: &mut Sink<'_>, heads: &BTreeMap<Chain, Hash>) -> Written {
    let mut replicas: BTreeMap<ReplicaId, [&[u8]; 4]> = BTreeMap::new();
    for (chain, hash) in heads {
        replicas.entry(chain.replica).or_default()[usize::from(chain.lane.code())] = &hash.0;
    }
    out.map(replicas.len() as u64)?;
    for (replica, lanes) in replicas {
        let used = lanes.iter().rposition(|hash| !hash.is_empty()).map_or(0, |last| last + 1);
        out.u64(replica.0)?.array(used as u64)?;
        for hash in &lanes[..used] {
            out.bytes(hash)?;
        }
    }
    Ok(())
}

/// Reads what [`write_heads`] wrote.
pub(crate) fn heads(reader: &mut Reader<'_>, limits: &Limits) -> Result<BTreeMap<Chain, Hash>, DecodeError> {
    let mut heads = BTreeMap::new();
    lanes(reader, limits, |reader, chain| {
        let hash = reader.bytes("hash", 32)?;
        if !hash.is_empty() {
            let hash = hash.try_into().map_err(|_| DecodeError::new("hash", 0, DecodeFault::Impossible))?;
            heads.insert(chain, Hash(hash));
        }
        Ok(())
    })?;
    Ok(heads)
}

/// A map replica → array by lane, each entry through `entry`.
fn lanes(
    reader: &mut Reader<'_>,
    limits: &Limits,
    mut entry: impl FnMut(&mut Reader<'_>, Chain) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let mut above = None;
    for _ in 0..reader.map("vector", limits.max_chains)? {
        let replica = reader.u64()?;
        if above.is_some_and(|above| replica <= above) {
            return Err(DecodeError::new("order of replicas", 0, DecodeFault::Impossible));
        }
        above = Some(replica);
        let lanes = reader.array("lanes", Lane::ALL.len() as u32)?;
        for lane in &Lane::ALL[..lanes as usize] {
            entry(reader, Chain::new(ReplicaId(replica), *lane))?;
        }
    }
    Ok(())
}

/// The value of a key that the map of a whole `place` must have.
pub(crate) fn required<T>(place: &'static str, value: Option<T>, key: u64) -> Result<T, DecodeError> {
    value.ok_or(DecodeError::missing(place, key))
}

/// A chain as its key of 9 bytes.
pub(crate) fn chain(reader: &mut Reader<'_>) -> Result<Chain, DecodeError> {
    let key: [u8; 9] = reader.fixed("chain")?;
    Chain::from_key(&key).ok_or(DecodeError::new("chain", 0, DecodeFault::Impossible))
}

/// An event as its key of 17 bytes.
pub(crate) fn event(reader: &mut Reader<'_>) -> Result<EventId, DecodeError> {
    let key: [u8; 17] = reader.fixed("event")?;
    EventId::from_key(&key).ok_or(DecodeError::new("event", 0, DecodeFault::Impossible))
}

/// A lane by its code.
pub(crate) fn lane(reader: &mut Reader<'_>) -> Result<Lane, DecodeError> {
    let code = reader.u64()?;
    u8::try_from(code).ok().and_then(Lane::from_code).ok_or(DecodeError::new(
        "lane",
        0,
        DecodeFault::Impossible,
    ))
}

/// Chains as an array of their keys.
pub(crate) fn write_chains(out: &mut Sink<'_>, chains: &BTreeSet<Chain>) -> Written {
    out.array(chains.len() as u64)?;
    chains.iter().try_for_each(|chain| out.bytes(&chain.to_key())?.ok())
}

/// Reads what [`write_chains`] wrote.
pub(crate) fn chains(
    reader: &mut Reader<'_>,
    what: &'static str,
    limits: &Limits,
) -> Result<BTreeSet<Chain>, DecodeError> {
    (0..reader.array(what, limits.max_chains)?).map(|_| chain(reader)).collect()
}

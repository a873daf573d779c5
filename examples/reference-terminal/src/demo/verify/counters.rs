//! Every counter row is the sum of the effects of the events that stand beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use edgepos::core::{Chain, EventId, Seq, Space};
use edgepos::model::{Counter, CounterRow, Envelope, Kind, Mode};

use super::error::VerifyError;
use super::files::{self, Events};
use super::judge::Judge;
use crate::names::hex;

/// The row's key, then its chain's: the key on disk.
type RowKey = Vec<u8>;

/// A counter row's value on disk: stamp, added, taken away, floor.
type Stored = (u64, u64, u64, Option<i64>);

pub(super) fn check(name: &str, path: &Path, events: &Events, judge: &mut Judge) -> Result<(), VerifyError> {
    let Some(applied) = applied(files::applied(path)?) else {
        judge.miscounted(format!("{name}: what its counter rows count does not decode"));
        return Ok(());
    };
    let summed = sums(events, applied.as_ref());
    let untouched = untouched(events, applied.as_ref());
    let mut stored: BTreeMap<RowKey, i128> = BTreeMap::new();
    for (key, value) in files::rows(path, Space::Counter)? {
        match minicbor::decode::<Stored>(&value) {
            Ok((_, plus, minus, _)) => {
                stored.insert(key, i128::from(plus) - i128::from(minus));
            }
            Err(error) => {
                judge.miscounted(format!("{name}: counter row {}: {error}", describe(&key)));
            }
        }
    }
    let keys: BTreeSet<&RowKey> = summed.keys().chain(stored.keys()).collect();
    for key in keys.into_iter().filter(|key| stored.contains_key(*key) || !untouched.contains(*key)) {
        // A row that only zeros moved may be there or not.
        let (summed, stored) = (summed.get(key).copied().unwrap_or(0), stored.get(key).copied().unwrap_or(0));
        if summed != stored {
            judge.miscounted(format!(
                "{name}: counter row {} says {stored}, its events {summed}",
                describe(key)
            ));
        }
    }
    Ok(())
}

/// The last event of each chain that the rows count. Outside `None`: it does not decode; inside: every event counts.
fn applied(row: Option<Vec<u8>>) -> Option<Option<BTreeMap<Chain, Seq>>> {
    let Some(row) = row else { return Some(None) };
    let mut decoder = minicbor::Decoder::new(&row);
    let keys = decoder.array_iter::<minicbor::bytes::ByteVec>().ok()?;
    let ids = keys.map(|key| EventId::from_key(&key.ok()?)).collect::<Option<Vec<_>>>()?;
    Some(Some(ids.into_iter().map(|id| (id.chain, id.seq)).collect()))
}

/// The events that the rows count.
fn counted<'a>(
    events: &'a Events,
    applied: Option<&'a BTreeMap<Chain, Seq>>,
) -> impl Iterator<Item = (&'a EventId, &'a Vec<u8>)> {
    let counts = move |id: &EventId| {
        applied.is_none_or(|applied| applied.get(&id.chain).is_some_and(|last| id.seq <= *last))
    };
    events.iter().filter(move |(id, _)| counts(id))
}

fn sums(events: &Events, applied: Option<&BTreeMap<Chain, Seq>>) -> BTreeMap<RowKey, i128> {
    let mut sums = BTreeMap::new();
    for (id, payload) in counted(events, applied) {
        // An event that does not decode is a finding elsewhere.
        let Ok(envelope) = Envelope::decode(payload) else { continue };
        if envelope.mode == Mode::Training {
            continue;
        }
        for effect in &envelope.effects {
            let key = [effect.row().to_key().as_slice(), &id.chain.to_key()].concat();
            *sums.entry(key).or_insert(0) += i128::from(effect.delta);
        }
    }
    sums
}

/// Rows of sold lines of which nothing has come back: they need not be there.
fn untouched(events: &Events, applied: Option<&BTreeMap<Chain, Seq>>) -> BTreeSet<RowKey> {
    let mut lines: BTreeMap<Vec<u8>, (bool, BTreeSet<RowKey>)> = BTreeMap::new();
    for (id, payload) in counted(events, applied) {
        let Ok(envelope) = Envelope::decode(payload) else { continue };
        for effect in envelope.effects.iter().filter(|effect| effect.counter == Counter::RETURNABLE) {
            let row = effect.row().to_key();
            let (moved, keys) = lines.entry(row.clone()).or_default();
            *moved |= effect.delta < 0 || envelope.kind != Kind::TRANSACTION;
            keys.insert([row.as_slice(), &id.chain.to_key()].concat());
        }
    }
    lines.into_values().filter(|(moved, _)| !moved).flat_map(|(_, keys)| keys).collect()
}

fn describe(key: &[u8]) -> String {
    let Some((row, chain)) = key.split_last_chunk::<9>() else { return hex(key) };
    let chain = edgepos::core::Chain::from_key(chain).map_or_else(|| hex(chain), |chain| chain.to_string());
    match CounterRow::from_key(row) {
        Some(row) => {
            let text = std::str::from_utf8(&row.key).ok().filter(|text| !text.chars().any(char::is_control));
            let key = text.map_or_else(|| hex(&row.key), str::to_owned);
            format!("{} {key} of {chain}", row.counter.0)
        }
        None => hex(key),
    }
}

//! What a later terminal knows of the store: facts read from payloads, and since when a counter has been below its floor.

use std::collections::BTreeMap;
use std::time::Duration;

use edgepos::model::{Counter, CounterRow, ExceptionRaised};
use edgepos_core::{EventId, ReplicaId, Seq, Time};

use crate::check::{Facts, Placing};

/// How long a counter is below its floor before the store is asked to raise an exception.
const GRACE: Duration = Duration::from_secs(5);
/// How long a proposal may take before it is made again.
const PATIENCE: Duration = Duration::from_secs(20);

/// Facts, and what follows from them.
#[derive(Debug, Default)]
pub(super) struct State {
    facts: Facts,
    /// The store's chain, as far as it is here, and as far as it was judged.
    chain: BTreeMap<Seq, Vec<u8>>,
    placing: Placing,
    /// The highest receipt number of this terminal.
    last_number: u64,
    /// When a row below its floor is due to be raised.
    due: BTreeMap<CounterRow, Time>,
}

impl State {
    pub(super) fn add(&mut self, me: ReplicaId, id: EventId, payload: &[u8]) {
        let before = self.facts.transactions.len();
        self.facts.add(id, payload);
        if id.chain.replica.is_store() {
            self.chain.insert(id.seq, payload.to_vec());
        }
        if let Some((id, transaction)) = self.facts.transactions.get(before)
            && id.chain.replica == me
        {
            self.last_number = self.last_number.max(transaction.number);
        }
    }

    pub(super) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The next receipt's number.
    pub(super) fn next_number(&self) -> u64 {
        self.last_number + 1
    }

    /// What has the next place of the store's chain for a decision, where it is derived up to `decided`; `None` where nothing has.
    pub(super) fn judge(&mut self, payload: &[u8], decided: Seq) -> Option<Vec<u8>> {
        let from = Seq(self.placing.placed() + 1);
        if from <= decided {
            self.chain.range(from..=decided).for_each(|(_, placed)| self.placing.place(placed));
        }
        self.placing.judge(payload)
    }

    /// Open exceptions, by row.
    pub(super) fn exceptions(&self) -> Vec<ExceptionRaised> {
        self.facts.open().into_iter().cloned().collect()
    }

    /// Exceptions that the store shall be asked to raise at this moment.
    pub(super) fn raise(&mut self, now: Time) -> Vec<ExceptionRaised> {
        let below: BTreeMap<CounterRow, i128> =
            self.facts.undecided().map(|(row, value)| (row.clone(), value)).collect();
        self.due.retain(|row, _| below.contains_key(row));
        let mut raised = Vec::new();
        for (row, value) in below {
            // A return whose sale has not arrived is not yet one too many.
            let early = row.counter == Counter::RETURNABLE && !self.facts.added.contains_key(&row);
            let due = self.due.entry(row.clone()).or_insert(now + GRACE);
            if early || now < *due {
                continue;
            }
            *due = now + PATIENCE;
            let floor = self.facts.floor(&row).and_then(|floor| i64::try_from(floor).ok()).unwrap_or(0);
            let value = i64::try_from(value).unwrap_or(i64::MIN);
            let mut exception = ExceptionRaised::new(&row, value, floor, Vec::new());
            let before = self.facts.episodes().get(exception.subject()).map_or(0, |episode| episode.count);
            exception.episode = before + 1;
            raised.push(exception);
        }
        raised
    }
}

//! The transactions in the cloud are those that tills have receipts for.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::core::{EventId, ReplicaId};
use edgepos::model::{DayOpened, Envelope, KnownKind, NumberVoided, Transaction};

use super::files::Events;
use super::judge::Judge;
use crate::demo::ledger::{Acknowledged, Entry};
use crate::names::parse_event;

/// Receipt numbers of one incarnation and series.
type Series = (ReplicaId, String);

/// What a ledger entry is compared by.
#[derive(PartialEq, Eq, Debug)]
struct Booked {
    basket: String,
    key: String,
    series: String,
    number: u64,
    total: i64,
}

pub(super) fn check(cloud: &Events, ledger: &Acknowledged, judge: &mut Judge) {
    let mut booked: BTreeMap<EventId, Booked> = BTreeMap::new();
    let mut used: BTreeMap<Series, BTreeSet<u64>> = BTreeMap::new();
    let mut voided: BTreeMap<Series, BTreeSet<u64>> = BTreeMap::new();
    let mut open: BTreeMap<ReplicaId, u32> = BTreeMap::new();
    let days = Days::of(cloud);
    let mut baskets: BTreeMap<String, EventId> = BTreeMap::new();
    let mut keys: BTreeMap<String, EventId> = BTreeMap::new();
    let mut twice: BTreeSet<EventId> = BTreeSet::new();
    for (id, payload) in cloud {
        let Ok(envelope) = Envelope::decode(payload) else { continue };
        let replica = id.chain.replica;
        match envelope.kind.known() {
            Some(KnownKind::DayOpened) => {
                if let Ok(DayOpened { day, .. }) = minicbor::decode(&envelope.body) {
                    open.insert(replica, day);
                }
            }
            Some(KnownKind::DayClosed) => drop(open.remove(&replica)),
            Some(KnownKind::NumberVoided) => {
                if let Ok(NumberVoided { series, number, .. }) = minicbor::decode(&envelope.body) {
                    voided.entry((replica, series)).or_default().insert(number);
                }
            }
            Some(KnownKind::Transaction) => {
                let Ok(transaction) = minicbor::decode::<Transaction>(&envelope.body) else {
                    judge.find(format!("transaction {id} has a body that does not decode"));
                    continue;
                };
                // Events come by rising position, so that the day is the one of this moment.
                let own = open.get(&replica).copied();
                if envelope
                    .business_day
                    .is_none_or(|day| own.map_or(!days.goes_on(replica, day), |own| own != day))
                {
                    judge.find(format!("transaction {id} belongs to no open business day"));
                }
                let numbers = used.entry((replica, transaction.series.clone())).or_default();
                if !numbers.insert(transaction.number) {
                    twice.insert(*id);
                    judge.find(format!("{id} uses number {} of its series again", transaction.number));
                }
                let one = Booked {
                    basket: transaction.basket.to_string(),
                    key: envelope.idempotency_key().map(|key| key.to_string()).unwrap_or_default(),
                    series: transaction.series,
                    number: transaction.number,
                    total: transaction.total,
                };
                for (seen, name) in [(&mut baskets, &one.basket), (&mut keys, &one.key)] {
                    if let Some(first) = seen.insert(name.clone(), *id) {
                        twice.insert(*id);
                        judge.find(format!("{id} books again what {first} has booked"));
                    }
                }
                booked.insert(*id, one);
            }
            Some(
                KnownKind::StockMoved
                | KnownKind::ProductSet
                | KnownKind::PriceSet
                | KnownKind::ExceptionRaised
                | KnownKind::ExceptionEnded
                | KnownKind::PaymentIntent
                | KnownKind::PaymentOutcome
                | KnownKind::ResolutionProposed
                | KnownKind::ExceptionResolved
                | KnownKind::BasketParked
                | KnownKind::BasketClaimed
                | KnownKind::BasketClosed
                | KnownKind::Custom,
            )
            | None => {}
        }
    }
    numbers(&used, &voided, judge);
    twice.extend(compare(booked, ledger, judge));
    judge.duplicated(twice.len());
    for event in &ledger.events {
        if !parse_event(event).is_ok_and(|id| cloud.contains_key(&id)) {
            judge.lost(format!("event {event} was acknowledged and is not in the cloud"));
        }
    }
}

/// Which days were opened by whom.
struct Days(BTreeMap<ReplicaId, BTreeSet<u32>>);

impl Days {
    fn of(cloud: &Events) -> Self {
        let mut days: BTreeMap<ReplicaId, BTreeSet<u32>> = BTreeMap::new();
        for (id, payload) in cloud {
            let opened = Envelope::decode(payload)
                .ok()
                .filter(|envelope| envelope.kind.known() == Some(KnownKind::DayOpened));
            if let Some(DayOpened { day, .. }) =
                opened.and_then(|envelope| minicbor::decode(&envelope.body).ok())
            {
                days.entry(id.chain.replica).or_default().insert(day);
            }
        }
        Self(days)
    }

    /// Whether an incarnation that opened no day so far goes on with one that another of the same terminal had open.
    fn goes_on(&self, replica: ReplicaId, day: u32) -> bool {
        let others =
            self.0.iter().filter(|(other, _)| **other != replica && other.terminal() == replica.terminal());
        others.into_iter().any(|(_, days)| days.contains(&day))
    }
}

/// No number is missing, but for those that were voided.
fn numbers(
    used: &BTreeMap<Series, BTreeSet<u64>>,
    voided: &BTreeMap<Series, BTreeSet<u64>>,
    judge: &mut Judge,
) {
    let none = BTreeSet::new();
    let series: BTreeSet<&Series> = used.keys().chain(voided.keys()).collect();
    for series in series {
        let (used, voided) = (used.get(series).unwrap_or(&none), voided.get(series).unwrap_or(&none));
        let name = format!("series {} of {}", series.1, series.0);
        if let Some(number) = used.intersection(voided).next() {
            judge.find(format!("number {number} of {name} is used and voided"));
        }
        let last = used.iter().chain(voided).max().copied().unwrap_or(0);
        for number in (1..=last).filter(|number| !used.contains(number) && !voided.contains(number)) {
            judge.find(format!("number {number} of {name} is missing"));
        }
    }
}

/// One for one. Returns the transactions that nobody has a receipt for.
fn compare(mut booked: BTreeMap<EventId, Booked>, ledger: &Acknowledged, judge: &mut Judge) -> Vec<EventId> {
    for entry in &ledger.receipts {
        let Entry { basket, key, series, number, total, event, source, .. } = entry;
        let claimed = Booked {
            basket: basket.clone(),
            key: key.clone(),
            series: series.clone(),
            number: *number,
            total: *total,
        };
        let found = parse_event(event).ok().and_then(|id| booked.remove(&id));
        match found {
            Some(found) if found == claimed => {}
            Some(found) => {
                judge.lost(format!("{event} in the cloud is {found:?}, the receipt said {claimed:?}"));
            }
            None => {
                judge.lost(format!("the receipt of basket {source}, {event}, is not in the cloud"));
            }
        }
    }
    for (id, left) in &booked {
        judge.find(format!(
            "transaction {id} of basket {} is in the cloud, and no till has its receipt",
            left.basket
        ));
    }
    booked.into_keys().collect()
}

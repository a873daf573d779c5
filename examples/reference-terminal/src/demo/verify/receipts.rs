//! The transactions in the cloud are those that tills have receipts for.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::core::{EventId, ReplicaId};
use edgepos::model::{DayClosed, DayOpened, Envelope, KnownKind, NumberVoided, Transaction};

use super::files::Events;
use super::judge::Judge;
use crate::demo::ledger::{Acknowledged, Entry};
use crate::names::parse_event;

/// Receipt numbers of one terminal and series, whichever incarnation gave them.
type Series = (u16, String);

/// Events by the name that they had first, which is on the receipt. A disk that was put back may have given a name twice.
type ByName<T> = BTreeMap<EventId, Vec<(EventId, T)>>;

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
    let mut booked: ByName<Booked> = BTreeMap::new();
    let mut used = Numbers::default();
    let mut voided: BTreeMap<Series, BTreeSet<u64>> = BTreeMap::new();
    let mut open: BTreeMap<ReplicaId, u32> = BTreeMap::new();
    let mut days = Days::of(cloud);
    let mut baskets: BTreeMap<String, EventId> = BTreeMap::new();
    let mut keys: BTreeMap<String, EventId> = BTreeMap::new();
    let mut twice: BTreeSet<EventId> = BTreeSet::new();
    for (id, payload) in cloud {
        let Ok(envelope) = Envelope::decode(payload) else { continue };
        let replica = id.chain.replica;
        let first = envelope.reissue_of().map_or(*id, |of| of.event);
        let number_of = first.chain.replica.terminal();
        match envelope.kind.known() {
            Some(KnownKind::DayOpened) => {
                if let Ok(DayOpened { day, .. }) = minicbor::decode(&envelope.body) {
                    open.insert(replica, day);
                }
            }
            Some(KnownKind::DayClosed) => days.close(replica, open.remove(&replica), &envelope),
            Some(KnownKind::NumberVoided) => {
                if let Ok(NumberVoided { series, number, .. }) = minicbor::decode(&envelope.body) {
                    voided.entry((number_of, series)).or_default().insert(number);
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
                let is_named = envelope.reissue_of().is_some()
                    || envelope.origin.as_ref().is_some_and(|origin| origin.begun_in.is_some());
                let series = (number_of, transaction.series.clone());
                if !used.give(series, transaction.number, is_named) {
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
                booked.entry(first).or_default().push((*id, one));
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
                | KnownKind::FiscalSigned
                | KnownKind::ReceiptPrinted
                | KnownKind::CustomerSet
                | KnownKind::CustomerLinked
                | KnownKind::CustomerUnlinked
                | KnownKind::CustomerErased
                | KnownKind::DocumentSet
                | KnownKind::CashMoved
                | KnownKind::ShiftOpened
                | KnownKind::ShiftClosed
                | KnownKind::StockCounted
                | KnownKind::CountSettled
                | KnownKind::Attached
                | KnownKind::Custom,
            )
            | None => {}
        }
    }
    numbers(&used.given, &voided, judge);
    twice.extend(compare(booked, ledger, judge));
    judge.duplicated(twice.len());
    let renamed: BTreeSet<EventId> = cloud.values().filter_map(|payload| first_name(payload)).collect();
    for event in &ledger.events {
        if !parse_event(event).is_ok_and(|id| cloud.contains_key(&id) || renamed.contains(&id)) {
            judge.lost(format!("event {event} was acknowledged and is not in the cloud"));
        }
    }
}

/// The name that an event had before it was written again.
fn first_name(payload: &[u8]) -> Option<EventId> {
    Envelope::decode(payload).ok()?.reissue_of().map(|of| of.event)
}

/// Numbers that were given. A number stands twice only where a disk was put back: one of the two sales says so.
#[derive(Default)]
struct Numbers {
    given: BTreeMap<Series, BTreeSet<u64>>,
    unnamed: BTreeSet<(Series, u64)>,
}

impl Numbers {
    /// A sale has this number. Whether it may.
    fn give(&mut self, series: Series, number: u64, is_named: bool) -> bool {
        self.given.entry(series.clone()).or_default().insert(number);
        is_named || self.unnamed.insert((series, number))
    }
}

/// Which days were opened by whom.
#[derive(Default)]
struct Days {
    opened: BTreeMap<ReplicaId, BTreeSet<u32>>,
    /// By whomever, for all terminals.
    of_store: BTreeSet<u32>,
    closed: BTreeSet<(ReplicaId, u32)>,
}

impl Days {
    fn of(cloud: &Events) -> Self {
        let mut days = Self::default();
        for (id, payload) in cloud {
            let opened = Envelope::decode(payload)
                .ok()
                .filter(|envelope| envelope.kind.known() == Some(KnownKind::DayOpened));
            if let Some(DayOpened { day, store, .. }) =
                opened.and_then(|envelope| minicbor::decode(&envelope.body).ok())
            {
                days.opened.entry(id.chain.replica).or_default().insert(day);
                days.of_store.extend((store == Some(true)).then_some(day));
            }
        }
        days
    }

    /// An incarnation has closed a day: the one that it had opened, or the store's.
    fn close(&mut self, replica: ReplicaId, own: Option<u32>, envelope: &Envelope) {
        let said = minicbor::decode::<DayClosed>(&envelope.body).ok().map(|closed| closed.day);
        self.closed.extend(own.into_iter().chain(said).map(|day| (replica, day)));
    }

    /// Whether an incarnation that opened no day so far goes on with one that another of the same terminal had open, or that is the
    /// store's and that it has not closed.
    fn goes_on(&self, replica: ReplicaId, day: u32) -> bool {
        if self.of_store.contains(&day) {
            return !self.closed.contains(&(replica, day));
        }
        let others = self
            .opened
            .iter()
            .filter(|(other, _)| **other != replica && other.terminal() == replica.terminal());
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
        let name = format!("series {} of terminal {}", series.1, series.0);
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
fn compare(mut booked: ByName<Booked>, ledger: &Acknowledged, judge: &mut Judge) -> Vec<EventId> {
    for entry in &ledger.receipts {
        let Entry { basket, key, series, number, total, event, source, .. } = entry;
        let claimed = Booked {
            basket: basket.clone(),
            key: key.clone(),
            series: series.clone(),
            number: *number,
            total: *total,
        };
        let Some(of_name) = parse_event(event).ok().and_then(|id| booked.get_mut(&id)) else {
            judge.lost(format!("the receipt of basket {source}, {event}, is not in the cloud"));
            continue;
        };
        let same = of_name.iter().position(|(_, found)| *found == claimed);
        if let Some(at) = same {
            of_name.remove(at);
        } else {
            let found = (!of_name.is_empty()).then(|| of_name.remove(0).1);
            judge.lost(format!("{event} in the cloud is {found:?}, the receipt said {claimed:?}"));
        }
    }
    let left: Vec<(EventId, Booked)> = booked.into_values().flatten().collect();
    for (id, left) in &left {
        judge.find(format!(
            "transaction {id} of basket {} is in the cloud, and no till has its receipt",
            left.basket
        ));
    }
    left.into_iter().map(|(id, _)| id).collect()
}

#[cfg(test)]
mod tests {
    use edgepos::core::{Chain, IdempotencyKey, Lane, Seq};
    use edgepos::crdt::Hlc;
    use edgepos::model::{BasketId, Currency, DocType, Kind, Line, Origin, Reissue, Tender};
    use edgepos::sync::Hash;

    use super::*;

    fn id(nonce: u64, seq: u64) -> EventId {
        EventId::new(Chain::new(ReplicaId::new(1, nonce), Lane::Transactions), Seq(seq))
    }

    fn basket(name: u8) -> BasketId {
        BasketId([name; 16])
    }

    /// A sale of the basket of this name, under the key of that name.
    fn sale(name: u8, key: u8, number: u64) -> Envelope {
        let line = Line { no: 1, product: "milk".into(), quantity: 1, amount: 100, ..Line::default() };
        let transaction = Transaction {
            basket: basket(name),
            doc_type: DocType::Sale,
            series: "S".into(),
            number,
            customer: None,
            currency: Currency::EUR,
            lines: vec![line],
            tenders: vec![Tender::cash(100)],
            taxes: Vec::new(),
            rounding: 0,
            total: 100,
            change: None,
            unreferenced: None,
        };
        let mut envelope =
            Envelope::new(Kind::TRANSACTION, 0, Hlc(1), minicbor::to_vec(transaction).unwrap());
        envelope.business_day = Some(20_260_901);
        envelope.with_key(Some(IdempotencyKey([key; 16])))
    }

    fn again(mut envelope: Envelope, first: EventId) -> Envelope {
        let reissue_of = Some(Reissue::new(first, Hash([9; 32])));
        envelope.origin = Some(Origin { reissue_of, ..Origin::default() });
        envelope
    }

    fn entry(event: EventId, name: u8, key: u8, number: u64) -> Entry {
        Entry {
            basket: basket(name).to_string(),
            source: "a test".into(),
            kind: DocType::Sale,
            key: IdempotencyKey([key; 16]).to_string(),
            terminal: 1,
            event: event.to_string(),
            series: "S".into(),
            number,
            total: 100,
            attempts: 1,
            repeated: false,
        }
    }

    /// The findings about these sales and receipts, but for those about business days, of which there are none here.
    fn findings(cloud: &[(EventId, Envelope)], receipts: Vec<Entry>) -> Vec<String> {
        let cloud: Events = cloud.iter().map(|(id, envelope)| (*id, envelope.encode())).collect();
        let mut judge = Judge::default();
        check(&cloud, &Acknowledged { receipts, events: Vec::new() }, &mut judge);
        let findings = judge.verdict().findings.into_iter();
        findings.filter(|finding| !finding.contains("business day")).collect()
    }

    #[test]
    fn what_is_whole_has_no_findings() {
        let cloud = [(id(1, 1), sale(1, 1, 1)), (id(1, 2), sale(2, 2, 2))];
        let receipts = vec![entry(id(1, 1), 1, 1, 1), entry(id(1, 2), 2, 2, 2)];
        assert_eq!(findings(&cloud, receipts), Vec::<String>::new());
    }

    #[test]
    fn a_number_that_stands_twice_is_found_unless_one_of_the_two_says_why() {
        let cloud = [(id(1, 1), sale(1, 1, 1)), (id(2, 1), sale(2, 2, 1))];
        let receipts = || vec![entry(id(1, 1), 1, 1, 1), entry(id(2, 1), 2, 2, 1)];
        let found = findings(&cloud, receipts());
        assert!(
            found.iter().any(|finding| finding.contains("uses number 1 of its series again")),
            "{found:?}"
        );
        // Another incarnation of the terminal is no excuse; what was written again is.
        let cloud = [(id(1, 1), sale(1, 1, 1)), (id(2, 1), again(sale(2, 2, 1), id(1, 1)))];
        let receipts = vec![entry(id(1, 1), 1, 1, 1), entry(id(1, 1), 2, 2, 1)];
        assert_eq!(findings(&cloud, receipts), Vec::<String>::new());
    }

    #[test]
    fn a_key_that_was_booked_twice_is_found() {
        let cloud = [(id(1, 1), sale(1, 1, 1)), (id(1, 2), sale(2, 1, 2))];
        let receipts = vec![entry(id(1, 1), 1, 1, 1), entry(id(1, 2), 2, 1, 2)];
        let found = findings(&cloud, receipts);
        assert!(found.iter().any(|finding| finding.contains("books again")), "{found:?}");
    }

    #[test]
    fn an_acknowledged_sale_that_the_cloud_lacks_is_found_under_whatever_name() {
        let receipts = || vec![entry(id(1, 1), 1, 1, 1)];
        assert_eq!(findings(&[(id(2, 1), again(sale(1, 1, 1), id(1, 1)))], receipts()), Vec::<String>::new());
        let found = findings(&[], receipts());
        assert!(found.iter().any(|finding| finding.contains("is not in the cloud")), "{found:?}");
        // Another sale has its name.
        let found = findings(&[(id(1, 1), sale(2, 2, 1))], receipts());
        assert!(found.iter().any(|finding| finding.contains("the receipt said")), "{found:?}");
    }
}

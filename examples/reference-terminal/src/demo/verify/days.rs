//! The X and Z figures of each business day, as a terminal works them out of its rows, are to the cent what its events come to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use edgepos::core::{EventId, Persist, PersistId, Space, Write};
use edgepos::crdt::VersionVector;
use edgepos::model::{
    CashMoved, Currency, DayClosed, Envelope, ExceptionResolved, KnownKind, Mode, NumberVoided, ShiftClosed,
    Tax, TenderType, Transaction,
};
use edgepos::{DayFigures, MemoryStore, Store, Sums};

use super::drawers;
use super::error::VerifyError;
use super::files::{self, Events};
use super::judge::Judge;

/// Figures as lines: what each is of, and its sum.
type Lines = BTreeMap<String, i128>;

/// What an event adds to its day.
struct Entry {
    day: u32,
    terminal: u16,
    /// The name that it had first, by which a close has seen it.
    first: EventId,
    /// The shift in which it was done.
    shift: Option<String>,
    adds: Lines,
}

/// A close, with what its terminal had seen.
struct Close {
    day: u32,
    terminal: u16,
    of_store: bool,
    /// By its stamp: the first of those that concern a sale decides over it.
    order: (u64, EventId),
    watermark: VersionVector,
}

/// Compares each day of a terminal's file, by terminal and for the store. How many figures that were.
pub(super) fn check(name: &str, path: &Path, events: &Events, judge: &mut Judge) -> Result<u64, VerifyError> {
    let (entries, closes) = read(events);
    let mut store = MemoryStore::new();
    let rows = files::rows(path, Space::DayFigures)?;
    let writes: Vec<Write> =
        rows.into_iter().map(|(key, row)| Write::put(Space::DayFigures, key, row)).collect();
    if let Err(error) = store.commit(&[Persist { id: PersistId(1), writes }]) {
        judge.find(format!("{name}: the rows of its days: {error}"));
        return Ok(0);
    }
    let seen: VersionVector = events.keys().map(|id| (id.chain, id.seq)).collect();
    let mut asked: BTreeSet<(u32, Option<u16>)> = BTreeSet::new();
    for entry in &entries {
        asked.extend([(entry.day, None), (entry.day, Some(entry.terminal))]);
    }
    for (day, terminal) in &asked {
        let summed = sums(*day, *terminal, &entries, &closes);
        match DayFigures::from_store(&store, *day, *terminal, &seen) {
            Ok(figures) => {
                let mut said = lines("", &figures.figures);
                said.extend(lines("late ", &figures.late));
                for of in &figures.shifts {
                    said.extend(lines(&format!("shift {} ", of.shift), &of.figures));
                    said.extend(drawers::counted(of));
                }
                compare(name, (*day, *terminal), &said, &summed, judge);
            }
            Err(error) => judge.find(format!("{name}: figures of day {day}: {error}")),
        }
    }
    Ok(asked.len() as u64)
}

fn compare(name: &str, (day, terminal): (u32, Option<u16>), said: &Lines, summed: &Lines, judge: &mut Judge) {
    let whose = terminal.map_or("the store".to_owned(), |terminal| format!("terminal {terminal}"));
    let all: BTreeSet<&String> = said.keys().chain(summed.keys()).collect();
    for line in all {
        let of = |lines: &Lines| lines.get(line).copied().unwrap_or(0);
        if of(said) != of(summed) {
            judge.find(format!(
                "{name}: day {day} of {whose}: {line} is {} in its figures, and {} in its events",
                of(said),
                of(summed)
            ));
        }
    }
}

/// What counts on a day, each once, whatever names it was written under; and the closes.
fn read(events: &Events) -> (Vec<Entry>, Vec<Close>) {
    let (mut entries, mut closes) = (Vec::new(), Vec::new());
    // Two boxes with one disk have both written at one place: what stands there twice is two sales, unless it says the same.
    let mut read: BTreeSet<(EventId, Vec<u8>)> = BTreeSet::new();
    for (id, payload) in events {
        let Ok(envelope) = Envelope::decode(payload) else { continue };
        if envelope.mode == Mode::Training || envelope.duplicate_of.is_some() {
            continue;
        }
        let first = envelope.reissue_of().map_or(*id, |of| of.event);
        let entry = |day: Option<u32>, adds| {
            let shift = drawers::shift_of(&envelope);
            day.map(|day| Entry { day, terminal: envelope.workstation, first, shift, adds })
        };
        let added = match envelope.kind.known() {
            Some(KnownKind::Transaction) => {
                let sale = minicbor::decode::<Transaction>(&envelope.body).ok();
                sale.and_then(|sale| entry(envelope.business_day, of_sale(&sale, &envelope)))
            }
            Some(KnownKind::NumberVoided) => {
                let is_one = minicbor::decode::<NumberVoided>(&envelope.body).is_ok();
                let voided = Lines::from([("voided numbers".to_owned(), 1)]);
                entry(envelope.business_day, voided).filter(|_| is_one)
            }
            Some(KnownKind::ExceptionResolved) if id.chain.replica.is_store() => {
                of_decision(&envelope, first)
            }
            Some(KnownKind::CashMoved) => {
                let moved = minicbor::decode::<CashMoved>(&envelope.body).ok();
                moved.and_then(|moved| entry(envelope.business_day, drawers::of_move(&moved)))
            }
            Some(KnownKind::ShiftClosed) => {
                let closed = minicbor::decode::<ShiftClosed>(&envelope.body).ok();
                let adds = closed.map(|closed| drawers::of_close(&closed, envelope.workstation));
                // What was counted is no sum of the day.
                adds.and_then(|adds| entry(envelope.business_day, adds))
            }
            Some(KnownKind::DayClosed) => {
                if let Ok(closed) = minicbor::decode::<DayClosed>(&envelope.body) {
                    let (terminal, of_store) = (envelope.workstation, closed.store == Some(true));
                    let order = (envelope.hlc().0, *id);
                    closes.push(Close {
                        day: closed.day,
                        terminal,
                        of_store,
                        order,
                        watermark: closed.watermark(),
                    });
                }
                None
            }
            _ => None,
        };
        if let Some(added) = added
            && read.insert((first, envelope.body.to_vec()))
        {
            entries.push(added);
        }
    }
    closes.sort_by_key(|close| close.order);
    (entries, closes)
}

fn of_sale(sale: &Transaction, envelope: &Envelope) -> Lines {
    let tenders: Vec<_> = sale.tenders.iter().map(|tender| (tender.kind, tender.amount)).collect();
    let document = format!("{:?}", sale.doc_type);
    let amounts = [sale.total, sale.rounding, sale.change.unwrap_or(0)];
    let who = (envelope.operator.as_deref(), envelope.drawer.as_deref(), envelope.workstation);
    of_document(sale.currency, &document, amounts, &tenders, &sale.taxes, who)
}

/// A sale that the store's log took out of its day, or put back.
fn of_decision(envelope: &Envelope, first: EventId) -> Option<Entry> {
    let resolved: ExceptionResolved = minicbor::decode(&envelope.body).ok()?;
    let reversal = resolved.reversal.filter(|_| resolved.refused.is_none())?;
    let tenders: Vec<_> = reversal.tenders.iter().map(|tender| (tender.kind, tender.amount)).collect();
    let amounts = [reversal.total, reversal.rounding, reversal.change];
    let who = (reversal.operator.as_deref(), reversal.drawer.as_deref(), reversal.terminal);
    let adds = of_document(reversal.currency, "Void", amounts, &tenders, &reversal.taxes, who);
    Some(Entry { day: reversal.day, terminal: reversal.terminal, first, shift: None, adds })
}

fn of_document(
    currency: Currency,
    document: &str,
    [total, rounding, change]: [i64; 3],
    tenders: &[(TenderType, i64)],
    taxes: &[Tax],
    (operator, drawer, terminal): (Option<&str>, Option<&str>, u16),
) -> Lines {
    let mut lines = Lines::new();
    let mut add = |line: String, amount: i64| *lines.entry(line).or_insert(0) += i128::from(amount);
    add("transactions".into(), 1);
    add(format!("{currency} transactions"), 1);
    for (what, amount) in [("total", total), ("rounding", rounding), ("change", change)] {
        add(format!("{currency} {what}"), amount);
    }
    add(format!("{currency} {document} transactions"), 1);
    add(format!("{currency} {document} total"), total);
    for (kind, amount) in tenders {
        add(format!("{currency} tender {} payments", kind.0), 1);
        add(format!("{currency} tender {} amount", kind.0), *amount);
    }
    for tax in taxes {
        let of = format!("{currency} tax {} {} {}", tax.code, tax.rate_ppm, tax.included);
        add(format!("{of} base"), tax.base);
        add(format!("{of} amount"), tax.amount);
    }
    add(format!("{currency} operator {operator:?} transactions"), 1);
    add(format!("{currency} operator {operator:?} total"), total);
    let own = format!("terminal-{terminal}");
    let cash = tenders.iter().filter(|(kind, _)| *kind == TenderType::CASH);
    let cash = cash.map(|(_, amount)| *amount).sum::<i64>() - change;
    add(format!("{currency} drawer {} cash", drawer.unwrap_or(&own)), cash);
    lines
}

/// What the events of a day come to. What the close that concerns one had not seen is late.
fn sums(day: u32, terminal: Option<u16>, entries: &[Entry], closes: &[Close]) -> Lines {
    let mut sums = Lines::new();
    let asked = |of: u16| terminal.is_none_or(|terminal| terminal == of);
    for entry in entries.iter().filter(|entry| entry.day == day && asked(entry.terminal)) {
        let concerns =
            |close: &&Close| close.day == day && (close.of_store || close.terminal == entry.terminal);
        let close = closes.iter().find(concerns);
        let is_late = close.is_some_and(|close| !close.watermark.covers(entry.first));
        for (line, amount) in &entry.adds {
            if let Some(shift) = &entry.shift {
                *sums.entry(format!("shift {shift} {line}")).or_insert(0) += amount;
            }
            if drawers::is_count(line) {
                continue;
            }
            let line = if is_late { format!("late {line}") } else { line.clone() };
            *sums.entry(line).or_insert(0) += amount;
        }
    }
    sums
}

/// Figures of a terminal as lines.
fn lines(before: &str, sums: &Sums) -> Lines {
    let mut lines = Lines::new();
    let mut add = |line: String, amount: i128| *lines.entry(format!("{before}{line}")).or_insert(0) += amount;
    add("transactions".into(), sums.transactions.into());
    add("voided numbers".into(), sums.voided_numbers.into());
    for figures in &sums.currencies {
        let currency = figures.currency;
        add(format!("{currency} transactions"), figures.transactions.into());
        for (what, amount) in
            [("total", figures.total), ("rounding", figures.rounding), ("change", figures.change)]
        {
            add(format!("{currency} {what}"), amount.into());
        }
        for of in &figures.documents {
            add(format!("{currency} {:?} transactions", of.doc_type), of.transactions.into());
            add(format!("{currency} {:?} total", of.doc_type), of.total.into());
        }
        for of in &figures.tenders {
            add(format!("{currency} tender {} payments", of.kind.0), of.payments.into());
            add(format!("{currency} tender {} amount", of.kind.0), of.amount.into());
        }
        for tax in &figures.taxes {
            let of = format!("{currency} tax {} {} {}", tax.code, tax.rate_ppm, tax.included);
            add(format!("{of} base"), tax.base.into());
            add(format!("{of} amount"), tax.amount.into());
        }
        for of in &figures.operators {
            let operator = of.operator.as_deref();
            add(format!("{currency} operator {operator:?} transactions"), of.transactions.into());
            add(format!("{currency} operator {operator:?} total"), of.total.into());
        }
        for of in &figures.drawers {
            add(format!("{currency} drawer {} cash", of.drawer), of.cash.into());
            add(format!("{currency} drawer {} in", of.drawer), of.moved_in.into());
            add(format!("{currency} drawer {} out", of.drawer), of.moved_out.into());
        }
        for of in &figures.movements {
            add(format!("{currency} {} movements", of.reason.name()), of.movements.into());
            add(format!("{currency} {} amount", of.reason.name()), of.amount.into());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use edgepos::core::{Chain, Lane, ReplicaId, Seq};
    use edgepos::crdt::Hlc;
    use edgepos::model::{BasketId, DocType, Kind, Origin, Reissue, Tender};
    use edgepos::sync::Hash;

    use super::*;

    const DAY: u32 = 20_300_101;

    fn id(terminal: u16, seq: u64) -> EventId {
        EventId::new(Chain::new(ReplicaId::new(terminal, 1), Lane::Transactions), Seq(seq))
    }

    fn event(terminal: u16, kind: Kind, body: Vec<u8>) -> Vec<u8> {
        let mut envelope = Envelope::new(kind, 0, Hlc(9), body);
        (envelope.workstation, envelope.business_day) = (terminal, Some(DAY));
        envelope.encode()
    }

    fn sale(terminal: u16, total: i64) -> Vec<u8> {
        let sale = Transaction {
            basket: BasketId([total as u8; 16]),
            doc_type: DocType::Sale,
            series: "S".into(),
            number: 1,
            customer: None,
            currency: Currency::EUR,
            lines: Vec::new(),
            tenders: vec![Tender::cash(total + 42)],
            taxes: vec![Tax { code: 1, rate_ppm: 70_000, base: total - 8, amount: 8, included: true }],
            rounding: 0,
            total,
            change: Some(42),
            unreferenced: None,
        };
        event(terminal, Kind::TRANSACTION, minicbor::to_vec(sale).unwrap())
    }

    /// Two sales, of which the close of the store had seen one.
    fn day() -> Events {
        let seen: VersionVector = [(id(1, 1).chain, Seq(1))].into_iter().collect();
        let closed = minicbor::to_vec(DayClosed::new(DAY, 0, &seen).of_store(true)).unwrap();
        let closed = (id(1, 2), event(1, Kind::DAY_CLOSED, closed));
        Events::from([(id(1, 1), sale(1, 258)), closed, (id(2, 1), sale(2, 100))])
    }

    #[test]
    fn what_a_close_had_not_seen_is_late() {
        let (entries, closes) = read(&day());
        let store = sums(DAY, None, &entries, &closes);
        assert_eq!((store["EUR total"], store["late EUR total"]), (258, 100));
        assert_eq!(
            (store["EUR drawer terminal-1 cash"], store["late EUR drawer terminal-2 cash"]),
            (258, 100)
        );
        assert_eq!((store["EUR tax 1 70000 true base"], store["EUR tender 0 amount"]), (250, 300));
        let second = sums(DAY, Some(2), &entries, &closes);
        assert_eq!((second.get("EUR total"), second["late transactions"]), (None, 1));
    }

    /// Two boxes with one disk sold at one place. One of the two sales is written again, once more after that, and counts once.
    #[test]
    fn two_sales_at_one_place_are_two() {
        let again = |at: EventId, total: i64| {
            let (kind, body) = (Kind::TRANSACTION, Envelope::decode(&sale(1, total)).unwrap().body);
            let mut envelope = Envelope::new(kind, 0, Hlc(9), body);
            (envelope.workstation, envelope.business_day) = (1, Some(DAY));
            let reissue_of = Some(Reissue::new(at, Hash([7; 32])));
            envelope.origin = Some(Origin { reissue_of, ..Origin::default() });
            envelope.encode()
        };
        let events = Events::from([
            (id(1, 1), sale(1, 258)),
            (id(3, 1), again(id(1, 1), 100)),
            (id(4, 1), again(id(1, 1), 100)),
        ]);
        let (entries, closes) = read(&events);
        assert_eq!(sums(DAY, None, &entries, &closes)["EUR total"], 358);
    }

    /// The file of a terminal with these rows of its days' figures.
    fn file(rows: &[(Vec<u8>, Vec<u8>)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let connection = rusqlite::Connection::open(folder.path().join("till.db")).unwrap();
        let sql = "CREATE TABLE rows(space INTEGER, key BLOB, value BLOB)";
        connection.execute(sql, []).unwrap();
        for (key, value) in rows {
            let row = (Space::DayFigures.code(), key, value);
            connection.execute("INSERT INTO rows VALUES (?1, ?2, ?3)", row).unwrap();
        }
        folder
    }

    /// What a terminal says where its rows say nothing is nothing, and is found out for each line.
    #[test]
    fn figures_that_lack_a_sale_are_found_out() {
        let mut judge = Judge::default();
        let folder = file(&[]);
        let compared = check("terminal 1", &folder.path().join("till.db"), &day(), &mut judge).unwrap();
        assert_eq!(compared, 3, "of the store and of each terminal");
        let findings = judge.verdict().findings;
        let total =
            "terminal 1: day 20300101 of terminal 1: EUR total is 0 in its figures, and 258 in its events";
        assert!(findings.iter().any(|finding| finding == total), "{findings:?}");
    }
}

//! The store as the checkers see it: plain values, taken from disks, terminals and the cloud.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::crdt::{Stamp, VersionVector};
use edgepos::model::{
    BasketId, BookedName, CountSettled, Counter, CounterRow, Effect, Envelope, ExceptionEnded,
    ExceptionRaised, Mode, PriceSet, ProductSet, StockCounted, Transaction,
};
use edgepos::{
    AuditEntry, DayFigures, OpenBasket, OpenPayment, Status, Store, StoreError, Terminal, UnsignedReceipt,
};
use edgepos_core::{EventId, ReplicaId, UploadEpoch};

use super::day_entry::{DayEntry, days_on};
use super::events::{Events, events_on};
use super::repeats::{Repeat, standing};
use super::rows::DiskView;
use super::said_rows::{SaidRows, is_saying};
use crate::moments::Moment;

/// One terminal: what it shows, and what is on its disk.
#[derive(Clone, Debug, Default)]
pub struct TerminalView {
    /// Which incarnation it is.
    pub replica: ReplicaId,
    /// Who writes its events: the same, or what it became where its disk was put back.
    pub author: ReplicaId,
    /// What is on its disk.
    pub events: Events,
    /// What it says is on its disk.
    pub durable: VersionVector,
    /// The counters that it shows.
    pub counters: BTreeMap<CounterRow, i64>,
    /// Where it stands, and which moment its clock crosses.
    pub moment: Moment,
    /// Prices that apply around that moment, by product and time.
    pub prices: BTreeMap<(String, u64), PriceSet>,
    /// What its business days come to, of the whole store.
    pub days: Vec<DayFigures>,
    /// Baskets that are open.
    pub open: Vec<OpenBasket>,
    /// Payments that are not settled.
    pub payments: Vec<OpenPayment>,
    /// Whether a fiscal device signs its receipts.
    pub signs: bool,
    /// Receipts that it says wait for their signatures.
    pub unsigned: Vec<UnsignedReceipt>,
    /// Exceptions that it shows.
    pub exceptions: Vec<ExceptionRaised>,
    /// What it says of what was proposed and decided about exceptions.
    pub audit: Vec<AuditEntry>,
    /// How many events it says that it cannot read.
    pub quarantined: u64,
    /// Whether it is of a later version.
    pub later: bool,
    /// The store's feature level, as it says.
    pub level: u32,
    /// What its disk has of what is said beside sales.
    pub said: SaidRows,
    /// What else is on its disk.
    pub disk: DiskView,
}

/// What the cloud holds, and what it says.
#[derive(Clone, Debug, Default)]
pub struct CloudView {
    /// What it stores.
    pub events: Events,
    /// What it says it stores.
    pub vector: VersionVector,
    /// What it was made to store a second time.
    pub stored_twice: Vec<EventId>,
    /// What the head office has published, since it was last put back.
    pub published: Events,
    /// Whose events it took in each epoch.
    pub uploaders: BTreeMap<UploadEpoch, BTreeSet<ReplicaId>>,
}

/// A whole store.
#[derive(Clone, Debug, Default)]
pub struct StoreView {
    /// Its terminals, by their places.
    pub terminals: Vec<TerminalView>,
    /// The cloud behind them.
    pub cloud: CloudView,
    /// The numbers of the terminals whose disks were put back.
    pub put_back: BTreeSet<u16>,
}

impl StoreView {
    /// The events of the store: the cloud's, where no disk was put back. What the cloud alone has does not come back to such a disk.
    pub fn events(&self) -> &BTreeMap<EventId, Vec<u8>> {
        match self.terminals.first() {
            Some(first) if !self.put_back.is_empty() => &first.events,
            _ => &self.cloud.events,
        }
    }
}

impl TerminalView {
    /// Reads a terminal and its disk.
    ///
    /// # Errors
    /// When the disk holds a row that cannot be read.
    pub fn of(
        terminal: &Terminal,
        disk: &dyn Store,
        products: impl Iterator<Item = String>,
        moment: Moment,
    ) -> Result<Self, StoreError> {
        let status = terminal.status();
        Ok(Self {
            replica: status.me,
            author: status.author,
            events: events_on(disk)?,
            durable: status.durable,
            counters: terminal.counters().into_iter().map(|counter| (counter.row, counter.value)).collect(),
            moment,
            prices: products
                .flat_map(|product| moment.probes().map(|at_ms| (product.clone(), at_ms)))
                .filter_map(|probe| Some((probe.clone(), terminal.price(&probe.0, 0, probe.1)?.clone())))
                .collect(),
            days: days_on(disk, terminal.durable())?,
            open: terminal.unresolved(),
            payments: terminal.unresolved_payments(),
            signs: false,
            unsigned: status.unsigned,
            exceptions: status.exceptions,
            audit: audit(terminal),
            quarantined: status.quarantined,
            later: false,
            level: status.level,
            said: SaidRows::of(disk)?,
            disk: DiskView::of(disk)?,
        })
    }

    /// Reads a terminal of a later version, by the facts that it goes by, and its disk.
    ///
    /// # Errors
    /// When the disk holds a row that cannot be read.
    pub(crate) fn of_later(status: &Status, facts: &Facts, disk: &dyn Store) -> Result<Self, StoreError> {
        let value = |sum: i128| i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX });
        Ok(Self {
            replica: status.me,
            author: status.author,
            events: events_on(disk)?,
            durable: status.durable.clone(),
            counters: facts.counters.iter().map(|(row, sum)| (row.clone(), value(*sum))).collect(),
            moment: Moment::default(),
            prices: BTreeMap::new(),
            days: Vec::new(),
            open: Vec::new(),
            payments: Vec::new(),
            signs: false,
            unsigned: Vec::new(),
            exceptions: status.exceptions.clone(),
            audit: Vec::new(),
            quarantined: status.quarantined,
            later: true,
            level: status.level,
            said: SaidRows::default(),
            disk: DiskView::of(disk)?,
        })
    }
}

/// The exceptions of one row, or of one name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Episode<'a> {
    /// How many there were.
    pub count: u32,
    /// The one that has not ended.
    pub open: Option<&'a ExceptionRaised>,
}

/// What a set of events says, read without the help of any terminal.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Each counter as the sum of its effects.
    pub counters: BTreeMap<CounterRow, i128>,
    /// What may be returned of lines of which nothing has come back, which terminals keep no row of.
    pub untouched: BTreeSet<CounterRow>,
    /// Such rows that something has moved besides.
    touched: BTreeSet<CounterRow>,
    /// The lowest floor that any effect gave a row.
    pub floors: BTreeMap<CounterRow, i64>,
    /// Receipts that count.
    pub transactions: Vec<(EventId, Transaction)>,
    /// Receipts of trainees.
    pub training: Vec<(EventId, Transaction)>,
    /// Numbers that were given back.
    pub voided: Vec<(EventId, edgepos::model::NumberVoided)>,
    /// What fiscal devices said of receipts.
    pub signed: Vec<(EventId, edgepos::model::FiscalSigned)>,
    /// Prices that count, with their stamps.
    pub prices: Vec<(Stamp, PriceSet)>,
    /// The offset of each event of this version, beside its time of day.
    pub offsets: Vec<(EventId, u64, i16)>,
    /// What is booked on business days, and their closes.
    pub days: Vec<DayEntry>,
    /// Exceptions that were raised.
    pub exceptions: Vec<(EventId, ExceptionRaised)>,
    /// Those that have ended.
    pub ended: Vec<(EventId, ExceptionEnded)>,
    /// The events that each basket and each key has.
    pub booked: BTreeMap<BookedName, BTreeSet<EventId>>,
    /// Stock that was moved but by a sale.
    pub counted: BTreeSet<CounterRow>,
    /// What was ever added to a row.
    pub added: BTreeMap<CounterRow, i128>,
    /// What the sales of a line say of it, by event, and what the store's own chain has taken back of them or brought back.
    pub sold: BTreeMap<CounterRow, (BTreeMap<EventId, i128>, i128)>,
    /// Counts of goods, with their stamps.
    pub counts: Vec<(EventId, u64, StockCounted)>,
    /// What their authors have said of them since.
    pub settled: Vec<(EventId, CountSettled)>,
    /// What is said of customers, in documents and beside receipts, and counts.
    pub said: Vec<(EventId, Envelope)>,
    /// Events that do not decode.
    pub unreadable: Vec<EventId>,
    /// Events that repeat another under a name of their own, by rising id.
    reissues: Vec<Repeat>,
}

impl Facts {
    /// Reads every payload.
    pub fn of(events: &Events) -> Self {
        let mut facts = Self::default();
        events.iter().for_each(|(id, payload)| facts.add(*id, payload));
        for id in standing(events, &facts.reissues) {
            if let Some(envelope) = events.get(&id).and_then(|payload| Envelope::decode(payload).ok()) {
                facts.count(id, &envelope);
            }
        }
        facts
    }

    /// Reads one more payload.
    pub fn add(&mut self, id: EventId, payload: &[u8]) {
        if self.read(id, payload).is_none() {
            self.unreadable.push(id);
        }
    }

    /// Rows below their floor for which no exception is raised.
    pub fn undecided(&self) -> impl Iterator<Item = (&CounterRow, i128)> + '_ {
        self.below_floor().filter(|(row, _)| {
            let row = row.to_key();
            self.episodes().get(row.as_slice()).is_none_or(|episode| episode.open.is_none())
        })
    }

    /// Of each row, or name, with an exception: how many there were, and the one that is open.
    pub fn episodes(&self) -> BTreeMap<&[u8], Episode<'_>> {
        let raised = self.exceptions.iter().map(|(id, raised)| (*id, Some(raised), None));
        let ended = self.ended.iter().map(|(id, ended)| (*id, None, Some(ended)));
        let mut order: Vec<_> = raised.chain(ended).filter(|(id, ..)| id.chain.replica.is_store()).collect();
        order.sort_unstable_by_key(|(id, ..)| *id);
        let mut episodes: BTreeMap<&[u8], Episode<'_>> = BTreeMap::new();
        for (_, raised, ended) in order {
            if let Some(raised) = raised {
                let episode = episodes.entry(raised.subject()).or_default();
                if episode.open.is_none() && raised.episode == episode.count + 1 {
                    (episode.count, episode.open) = (raised.episode, Some(raised));
                }
            }
            if let Some(ended) = ended {
                let episode = episodes.entry(ended.subject()).or_default();
                if episode.open.is_some_and(|open| open.episode == ended.episode) {
                    episode.open = None;
                }
            }
        }
        episodes
    }

    /// Open exceptions of counters that are not below their floor.
    pub fn unended(&self) -> Vec<&ExceptionRaised> {
        let below: BTreeSet<Vec<u8>> = self.below_floor().map(|(row, _)| row.to_key()).collect();
        let is_counter =
            |raised: &&ExceptionRaised| raised.booked_twice().is_none() && raised.receipt_number().is_none();
        self.open()
            .into_iter()
            .filter(is_counter)
            .filter(|raised| !below.contains(raised.subject()))
            .collect()
    }

    /// The name that an event had first, which is on its receipt: the event's own where it was not written again.
    pub fn first_name(&self, id: EventId) -> EventId {
        let of = self.reissues.binary_search_by_key(&id, |repeat| repeat.id);
        of.map_or(id, |at| self.reissues[at].of.event)
    }

    /// Exceptions that are open.
    pub fn open(&self) -> Vec<&ExceptionRaised> {
        self.episodes().into_values().filter_map(|episode| episode.open).collect()
    }

    fn read(&mut self, id: EventId, payload: &[u8]) -> Option<()> {
        let envelope = Envelope::decode(payload).ok()?;
        // The cloud is in no shop, whoever writes its events again.
        if envelope.schema == 1 && envelope.workstation != ReplicaId::CLOUD {
            self.offsets.push((id, envelope.utc_ms, envelope.utc_offset_min));
        }
        match envelope.reissue_of() {
            // Which of those that repeat one stands for all is known when all have been read.
            Some(of) => self.reissues.push(Repeat { id, of, is_duplicate: envelope.duplicate_of.is_some() }),
            None => self.count(id, &envelope)?,
        }
        Some(())
    }

    fn count(&mut self, id: EventId, envelope: &Envelope) -> Option<()> {
        use edgepos::model::KnownKind;
        let live = envelope.mode == Mode::Live;
        if let Some(key) = envelope.idempotency_key() {
            self.book(BookedName::Key(key), id);
        }
        if live && envelope.duplicate_of.is_none() {
            self.days.extend(DayEntry::of(id, envelope));
        }
        if live && is_saying(envelope.kind) {
            self.said.push((id, envelope.clone()));
        }
        match envelope.kind.known() {
            Some(KnownKind::Transaction) => {
                let transaction: Transaction = body(envelope)?;
                self.book(BookedName::Basket(transaction.basket), id);
                if live { &mut self.transactions } else { &mut self.training }.push((id, transaction));
            }
            Some(KnownKind::FiscalSigned) => self.signed.push((id, body(envelope)?)),
            Some(KnownKind::NumberVoided) => self.voided.push((id, body(envelope)?)),
            Some(KnownKind::ExceptionRaised) => self.exceptions.push((id, body(envelope)?)),
            Some(KnownKind::ExceptionEnded) => self.ended.push((id, body(envelope)?)),
            Some(KnownKind::StockCounted) if live => {
                self.counts.push((id, envelope.hlc().0, body(envelope)?));
            }
            Some(KnownKind::CountSettled) if live => self.settled.push((id, body(envelope)?)),
            Some(KnownKind::ProductSet) if live => body::<ProductSet>(envelope).map(drop)?,
            Some(KnownKind::PriceSet) if live => {
                let price = body::<PriceSet>(envelope)?;
                if envelope.duplicate_of.is_none() {
                    let stamp = Stamp::new(envelope.repair(), envelope.hlc(), id.chain);
                    self.prices.push((stamp, price));
                }
            }
            Some(
                KnownKind::ProductSet
                | KnownKind::PriceSet
                | KnownKind::StockMoved
                | KnownKind::DayOpened
                | KnownKind::DayClosed
                | KnownKind::PaymentIntent
                | KnownKind::PaymentOutcome
                | KnownKind::BasketParked
                | KnownKind::BasketClaimed
                | KnownKind::BasketClosed
                | KnownKind::ResolutionProposed
                | KnownKind::ExceptionResolved
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
        if live && envelope.duplicate_of.is_none() {
            let own = self.transactions.last().filter(|(last, _)| *last == id).map(|(_, sold)| sold.basket);
            for effect in &envelope.effects {
                self.touch(effect, own);
                *self.counters.entry(effect.row()).or_default() += i128::from(effect.delta);
                if id.chain.lane == edgepos_core::Lane::Stock {
                    self.counted.insert(effect.row());
                }
                let (sales, voided) = self.sold.entry(effect.row()).or_default();
                if id.chain.replica.is_store() {
                    *voided += i128::from(effect.delta);
                } else if effect.delta > 0 {
                    sales.insert(id, i128::from(effect.delta));
                }
                if effect.delta > 0 {
                    *self.added.entry(effect.row()).or_default() += i128::from(effect.delta);
                }
                if let Some(floor) = effect.floor {
                    let lowest = self.floors.entry(effect.row()).or_insert(floor);
                    *lowest = floor.min(*lowest);
                }
            }
        }
        Some(())
    }

    fn book(&mut self, name: BookedName, id: EventId) {
        self.booked.entry(name).or_default().insert(id);
    }

    fn touch(&mut self, effect: &Effect, own: Option<BasketId>) {
        let row = effect.row();
        let sold = own.is_some_and(|basket| row.key.len() == 18 && row.key.starts_with(&basket.0));
        if row.counter != Counter::RETURNABLE {
            return;
        }
        if !sold || effect.delta < 0 {
            self.untouched.remove(&row);
            self.touched.insert(row);
        } else if !self.touched.contains(&row) {
            self.untouched.insert(row);
        }
    }

    /// What a row must not fall below. A return says how many its line sold, as a floor below zero: what sales have added counts
    /// against that.
    pub fn floor(&self, row: &CounterRow) -> Option<i128> {
        let lowest = self.floors.get(row).copied().map(i128::from)?;
        let added = self.added.get(row).copied().unwrap_or(0);
        if row.counter != Counter::RETURNABLE {
            return Some(lowest);
        }
        // Of a basket that several terminals booked each piece has left once.
        match self.sold.get(row) {
            Some((sales, voided)) if !sales.is_empty() => {
                let most = sales.values().copied().max().unwrap_or(0);
                Some((sales.values().sum::<i128>() - most + (*voided).min(0)).max(0))
            }
            _ => Some((lowest + added).min(0)),
        }
    }

    /// Rows that are below their floor, of what is counted.
    pub fn below_floor(&self) -> impl Iterator<Item = (&CounterRow, i128)> + '_ {
        let counted = |row: &CounterRow| row.counter != Counter::STOCK || self.counted.contains(row);
        self.floors.keys().filter(move |row| counted(row)).filter_map(|row| {
            let value = self.counters.get(row).copied().unwrap_or(0);
            self.floor(row).is_some_and(|floor| value < floor).then_some((row, value))
        })
    }
}

/// Every page of what was proposed and decided.
fn audit(terminal: &Terminal) -> Vec<AuditEntry> {
    let mut all: Vec<AuditEntry> = Vec::new();
    loop {
        let page = terminal.resolutions(all.last().map(|last| last.event));
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

fn body<T: for<'b> minicbor::Decode<'b, ()>>(envelope: &Envelope) -> Option<T> {
    minicbor::decode(&envelope.body).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use edgepos::crdt::Hlc;
    use edgepos::model::{BasketId, Currency, DocType, Effect, Kind, Line, NumberVoided, Tender};
    use edgepos_core::{Chain, Lane, Seq, StoreGeneration};

    use super::super::ledger::tests::ID;
    use super::*;

    fn payload<T: minicbor::Encode<()>>(kind: Kind, body: &T, effects: Vec<Effect>) -> Vec<u8> {
        let body = minicbor::to_vec(body).unwrap();
        let mut envelope = Envelope::new(kind, 0, Hlc(1), body);
        envelope.effects = effects;
        envelope.encode()
    }

    /// Two cartons of milk, sold as receipt `number`.
    pub(in super::super) fn sale(basket: BasketId, number: u64) -> Vec<u8> {
        let transaction = Transaction {
            basket,
            doc_type: DocType::Sale,
            series: "S".into(),
            number,
            customer: None,
            currency: Currency::EUR,
            lines: vec![Line { no: 1, product: "milk".into(), quantity: 2, amount: 250, ..Line::default() }],
            tenders: vec![Tender::cash(250)],
            taxes: Vec::new(),
            rounding: 0,
            total: 250,
            change: None,
            unreferenced: None,
        };
        let effects = vec![Effect::new(CounterRow::stock("milk", 0), -2, Some(0))];
        payload(Kind::TRANSACTION, &transaction, effects)
    }

    pub(in super::super) fn voided(number: u64) -> Vec<u8> {
        let body = NumberVoided { series: "S".into(), number, basket: BasketId([8; 16]) };
        payload(Kind::NUMBER_VOIDED, &body, Vec::new())
    }

    pub(in super::super) fn exception() -> ExceptionRaised {
        ExceptionRaised::new(&CounterRow::stock("milk", 0), -2, 0, Vec::new())
    }

    fn put(view: &mut StoreView, chain: Chain, seq: u64, payload: &[u8]) {
        let id = EventId::new(chain, Seq(seq));
        view.cloud.events.insert(id, payload.to_vec());
        view.cloud.vector.set_max(id.chain, id.seq);
        for terminal in &mut view.terminals {
            terminal.events.insert(id, payload.to_vec());
            terminal.durable.set_max(id.chain, id.seq);
        }
    }

    /// Two terminals and the cloud that hold these events of terminal 1, with the counters that follow.
    pub(in super::super) fn store_of(events: &[(u64, Vec<u8>)]) -> StoreView {
        let terminal =
            |number| TerminalView { replica: ReplicaId::new(number, 1), ..TerminalView::default() };
        let mut view = StoreView { terminals: vec![terminal(1), terminal(2)], ..StoreView::default() };
        let chain = Chain::new(ReplicaId::new(1, 1), Lane::Transactions);
        for (seq, payload) in events {
            put(&mut view, chain, *seq, payload);
        }
        let facts = Facts::of(&view.cloud.events);
        for terminal in &mut view.terminals {
            terminal.counters = facts.counters.iter().map(|(row, sum)| (row.clone(), *sum as i64)).collect();
        }
        view
    }

    /// The same once goods came, so that their stock is counted.
    pub(in super::super) fn counted(mut view: StoreView) -> StoreView {
        let chain = Chain::new(ReplicaId::new(1, 1), Lane::Stock);
        let effects = vec![Effect::new(CounterRow::stock("milk", 0), 0, Some(0))];
        put(&mut view, chain, 1, &payload(Kind::STOCK_MOVED, &(), effects));
        view
    }

    /// The same with exceptions that the store has raised.
    pub(in super::super) fn with_exceptions(mut view: StoreView, raised: &[ExceptionRaised]) -> StoreView {
        let chain = Chain::new(ReplicaId::store(StoreGeneration(0)), Lane::Transactions);
        for (seq, exception) in (1..).zip(raised) {
            put(&mut view, chain, seq, &payload(Kind::EXCEPTION_RAISED, exception, Vec::new()));
        }
        for terminal in &mut view.terminals {
            terminal.exceptions = raised.to_vec();
        }
        view
    }

    /// Receipt 1 of [`ID`], and a voided number 2.
    pub(in super::super) fn store_with_one_sale() -> StoreView {
        store_of(&[(1, sale(ID, 1)), (2, voided(2))])
    }

    #[test]
    fn facts_are_read_from_payloads() {
        let facts = Facts::of(&store_with_one_sale().cloud.events);
        assert_eq!((facts.transactions.len(), facts.voided.len()), (1, 1));
        assert_eq!(facts.counters[&CounterRow::stock("milk", 0)], -2);
        assert_eq!(facts.below_floor().count(), 0, "nobody counts it");
        let facts = Facts::of(&counted(store_with_one_sale()).cloud.events);
        assert_eq!(facts.below_floor().count(), 1);
        let id = EventId::new(Chain::new(ReplicaId::new(1, 1), Lane::Stock), Seq(1));
        assert_eq!(Facts::of(&Events::from([(id, vec![0xFF])])).unreadable, [id]);
    }
}

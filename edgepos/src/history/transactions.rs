//! Booked transactions as they are looked for: by number, period and customer, by their names, one by one.

use edgepos_core::{EventId, Lane};
use edgepos_crdt::VersionVector;
use edgepos_sync::Hash;

use super::backwards::Backwards;
use super::stored::{HistoryError, StoredEvent, check};
use crate::node::Node;
use crate::retail::body::Body;
use crate::retail::envelope::{Envelope, Mode, Reissue};
use crate::retail::keys::booked::{self, Booked, What};
use crate::retail::keys::name::BookedName;
use crate::retail::sale::body::Transaction;
use crate::retail::sale::receipt::Receipt;
use crate::terminal::Terminal;

/// Most transactions of one page.
pub const MAX_TRANSACTIONS: usize = 200;
/// Events that are looked at for one page, at most: one that finds little ends here, and says where to go on.
pub const MAX_LOOKED_AT: usize = 10_000;
/// Bytes of rows that are read for one name: some hundred events.
const MAX_NAME_BYTES: u32 = 1 << 16;

/// Which transactions are looked for: those that are as every field says that is not `None`. The default finds all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct TransactionQuery {
    /// Booked at this time or later, in ms since 1970 UTC by the clock of the terminal that booked. It bounds the search: without it,
    /// all events are looked at.
    pub from_ms: Option<u64>,
    /// Booked before this time.
    pub before_ms: Option<u64>,
    /// Of this business day, as yyyymmdd.
    pub business_day: Option<u32>,
    /// Of this receipt series.
    pub series: Option<String>,
    /// With this number in its series. Each terminal counts its own.
    pub number: Option<u64>,
    /// Of this customer, by the vendor's number.
    pub customer: Option<String>,
    /// Booked at the terminal with this number.
    pub terminal: Option<u16>,
}

/// A transaction as it was booked, and what its event says of it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct BookedTransaction {
    /// The event that booked it.
    #[cfg_attr(feature = "serde", serde(with = "crate::shown::text"))]
    pub event: EventId,
    /// When, in ms since 1970 UTC by the clock of the terminal that booked.
    pub utc_ms: u64,
    /// The business day that it belongs to, as yyyymmdd; `None` before the first.
    pub business_day: Option<u32>,
    /// The number of the terminal that booked it.
    pub terminal: u16,
    /// The place in the store.
    pub location: u32,
    /// Who was signed in.
    pub operator: Option<String>,
    /// Whether it counts.
    pub mode: Mode,
    /// The event that booked the same before: this one counts nothing.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::shown::text::option::serialize"))]
    pub duplicate_of: Option<EventId>,
    /// The event that counts in the place of this one: the same sale under another name, after a disk was restored or cloned.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::shown::text::option::serialize"))]
    pub repeat_of: Option<EventId>,
    /// Its lines, its payments, its number.
    pub transaction: Transaction,
}

/// The names that an event has and had.
#[derive(Clone, Copy, Debug)]
struct Names {
    id: EventId,
    hash: Hash,
    /// The one that it was first written under.
    first: Option<Reissue>,
}

impl Names {
    fn of(event: &StoredEvent) -> Self {
        let first = event.envelope.as_ref().and_then(Envelope::reissue_of);
        Self { id: event.id, hash: event.hash, first }
    }
}

/// Some of the transactions that were looked for.
#[derive(Clone, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TransactionPage {
    /// The newest first, by their hybrid logical clocks.
    pub transactions: Vec<BookedTransaction>,
    /// Where the next page begins; `None` when everything was looked at. A page may be short, or empty, and have one.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::shown::text::vector::option::serialize"))]
    pub next: Option<VersionVector>,
}

impl TransactionQuery {
    fn finds(&self, booked: &BookedTransaction) -> bool {
        let Self { from_ms, before_ms, business_day, series, number, customer, terminal } = self;
        let BookedTransaction { transaction, utc_ms, .. } = booked;
        from_ms.is_none_or(|from| *utc_ms >= from)
            && before_ms.is_none_or(|before| *utc_ms < before)
            && business_day.is_none_or(|day| booked.business_day == Some(day))
            && series.as_ref().is_none_or(|series| transaction.series == *series)
            && number.is_none_or(|number| transaction.number == number)
            && customer.as_ref().is_none_or(|customer| transaction.customer.as_ref() == Some(customer))
            && terminal.is_none_or(|terminal| booked.terminal == terminal)
    }

    /// Whether no event before this one in its chain can be of the period. A chain's stamps rise, and none is behind the wall clock
    /// that it was made by; only what was written again kept an older one.
    fn ends_at(&self, envelope: &Envelope) -> bool {
        envelope.reissue_of().is_none() && self.from_ms.is_some_and(|from| envelope.hlc().ms() < from)
    }
}

impl BookedTransaction {
    /// `None` for an event that is no transaction, or that cannot be read.
    fn of(event: &StoredEvent) -> Option<Self> {
        let envelope = event.envelope.as_ref()?;
        let Ok(Body::Transaction(transaction)) = envelope.read_body() else { return None };
        Some(Self {
            event: event.id,
            utc_ms: envelope.utc_ms,
            business_day: envelope.business_day,
            terminal: envelope.workstation,
            location: envelope.location,
            operator: envelope.operator.clone(),
            mode: envelope.mode,
            duplicate_of: envelope.duplicate_of,
            repeat_of: None,
            transaction: *transaction,
        })
    }
}

impl Node {
    /// Transactions that this terminal holds, its own and others', the newest first: at most `limit`, and never more than
    /// [`MAX_TRANSACTIONS`]. `after` is the [`next`](TransactionPage::next) of the page before; what comes meanwhile is in no later page
    /// of the same search, but in the first of another. A sale that is here under several names is found under the one that counts.
    ///
    /// There is no index by number or customer, which each sale would have to write: events are read from the newest back, some 64 at a
    /// time on the store's own thread and decoded where this is called, so that no sale waits longer than for one such read. A page
    /// looks at [`MAX_LOOKED_AT`] events at most. A future that is dropped ends the search.
    ///
    /// # Errors
    /// When what is asked for is no date or no terminal, or the terminal has stopped.
    pub async fn transactions(
        &self,
        query: &TransactionQuery,
        after: Option<VersionVector>,
        limit: usize,
    ) -> Result<TransactionPage, HistoryError> {
        check("business_day", query.business_day, query.terminal)?;
        let durable = self.query(|terminal| terminal.durable().clone()).await?;
        // A position that nobody has reached has nothing between it and the last event, and that would be looked through.
        let end = after.map_or_else(|| durable.clone(), |after| after.meet(&durable));
        let sales = end.iter().filter(|(chain, _)| chain.lane == Lane::Transactions).collect();
        let mut events = Backwards::new(&sales);
        let mut found = Vec::new();
        for _ in 0..MAX_LOOKED_AT {
            if found.len() >= limit.clamp(1, MAX_TRANSACTIONS) {
                break;
            }
            let Some(event) = events.next(self).await? else { break };
            if event.envelope.as_ref().is_some_and(|envelope| query.ends_at(envelope)) {
                events.close(event.id.chain);
            }
            let booked = BookedTransaction::of(&event).filter(|booked| query.finds(booked));
            found.extend(booked.map(|booked| (Names::of(&event), booked)));
        }
        let (names, mut transactions): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        let mut repeats = self.repeats(names).await?.into_iter();
        transactions.retain(|_| repeats.next().flatten().is_none());
        let left = events.left();
        Ok(TransactionPage { transactions, next: (!left.is_empty()).then_some(left) })
    }

    /// The transaction that an event booked, with its lines; `None` where the event is not here, or is none that this version can read.
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn transaction(&self, event: EventId) -> Result<Option<BookedTransaction>, HistoryError> {
        let Some(event) = self.event(event).await? else { return Ok(None) };
        let Some(booked) = BookedTransaction::of(&event) else { return Ok(None) };
        let repeat_of = self.repeats(vec![Names::of(&event)]).await?.into_iter().flatten().next();
        Ok(Some(BookedTransaction { repeat_of, ..booked }))
    }

    /// For each event the one that counts in its place.
    async fn repeats(&self, events: Vec<Names>) -> Result<Vec<Option<EventId>>, HistoryError> {
        let answer = |terminal: &Terminal| {
            let reissued = terminal.shop().reissued();
            let counting = |Names { id, hash, first }: Names| {
                let old = first.map_or((id, hash), |first| (first.event, first.hash()));
                reissued.counting(old).filter(|counting| *counting != id)
            };
            events.into_iter().map(counting).collect()
        };
        Ok(self.query(answer).await?)
    }

    /// The receipts of a basket, or of a till's key, as far as this terminal has seen, by rising event. More than one where terminals that
    /// could not hear each other have booked it, which is an exception; a sale that is here under several names has one. Baskets have theirs once this version has read the events
    /// that an earlier one had stored: it begins with that at its first start.
    ///
    /// # Errors
    /// When the terminal has stopped, or a row cannot be read.
    pub async fn receipts(&self, name: BookedName) -> Result<Vec<Receipt>, HistoryError> {
        let (space, from, to) = booked::range(name);
        let rows = self.rows_of(space, from, to, MAX_NAME_BYTES).await?;
        let mut receipts = Vec::new();
        for (row, value) in &rows {
            let booked = Booked::from_row(name, row, value);
            match booked.map_err(|reason| HistoryError::Unreadable { what: "a receipt's row", reason })?.what
            {
                What::Sale(receipt) => receipts.push(receipt),
                What::Record(..) => {}
            }
        }
        receipts.sort_unstable_by_key(|receipt| receipt.event);
        let once = move |terminal: &Terminal| {
            let reissued = terminal.shop().reissued();
            receipts.retain(|receipt: &Receipt| reissued.instead_of(receipt.event).is_none());
            receipts
        };
        Ok(self.query(once).await?)
    }
}

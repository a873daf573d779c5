//! Calls about baskets that left memory: each waits until its basket is read, and goes on as if that had never left.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use edgepos_core::{IdempotencyKey, Space};

use super::payment::body::Step;
use super::record::{Record, What};
use super::sale::body::BasketId;
use super::sale::draft::Draft;
use super::sale::receipt::Commit;
use crate::terminal::io::RequestId;
use crate::terminal::refusal::Refusal;
use crate::terminal::unit_of_work::{UnitOfWork, Wants};

/// Bytes of open baskets that are read at once: some hundred of an ordinary size, and always one.
const PAGE_BYTES: u32 = 1 << 16;

/// What somebody asks of a basket, or records.
#[derive(Debug)]
pub(crate) enum Call {
    Begin(Draft),
    Update(Draft),
    Commit(Commit),
    Abandon(BasketId),
    Park(BasketId),
    Claim(BasketId),
    Record(Box<Record>),
}

impl Call {
    /// The basket that it is about.
    pub(super) fn basket(&self) -> Option<BasketId> {
        match self {
            Self::Begin(draft) | Self::Update(draft) => Some(draft.basket),
            Self::Commit(commit) => Some(commit.basket),
            Self::Abandon(basket) | Self::Park(basket) | Self::Claim(basket) => Some(*basket),
            Self::Record(record) => match record.what() {
                What::Payment(Step::Intent(intent)) => Some(intent.basket),
                What::Payment(Step::Outcome(outcome)) => Some(outcome.basket),
                What::Event { .. } | What::Day(_) | What::Count(_) | What::Cash(_) | What::Shift(_) => None,
            },
        }
    }
}

/// Who waits for baskets that are on disk alone.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    waiting: BTreeMap<BasketId, VecDeque<(RequestId, Call)>>,
    /// Who waits for a page of open baskets.
    listing: BTreeSet<RequestId>,
    parking: Option<Parking>,
}

/// Closes of a day, which wait until every basket on disk alone is parked.
#[derive(Debug)]
struct Parking {
    closes: Vec<Closing>,
    /// Those of this page that are being read.
    reading: BTreeSet<BasketId>,
    /// The last basket of this page.
    reached: Option<BasketId>,
}

/// A close that waits for that.
#[derive(Debug)]
pub(super) enum Closing {
    /// Of whoever asked.
    Asked(RequestId, Record),
    /// Under a key, which booked nothing before; who asked waits with the key.
    Keyed(IdempotencyKey, Record),
}

/// What comes next in parking those on disk alone.
#[derive(Debug)]
pub(super) enum NextToPark {
    /// Nothing yet: some are being read.
    Wait,
    /// All have been looked at: these closes go on.
    Close(Vec<Closing>),
}

impl Calls {
    /// Reads a basket, for a call that goes on with [`next_of`](Self::next_of).
    ///
    /// # Errors
    /// When more than `limit` wait.
    pub(super) fn wait(
        &mut self,
        limit: usize,
        basket: BasketId,
        (request, call): (RequestId, Call),
        out: &mut UnitOfWork,
    ) -> Result<(), Refusal> {
        if self.waiting.values().map(VecDeque::len).sum::<usize>() >= limit {
            return Err(Refusal::Full { what: "calls for baskets that are read", limit });
        }
        self.ask(basket, out);
        self.waiting.entry(basket).or_default().push_back((request, call));
        Ok(())
    }

    fn ask(&mut self, basket: BasketId, out: &mut UnitOfWork) {
        let asked = self.waiting.contains_key(&basket);
        let parked = self.parking.as_ref().is_some_and(|parking| parking.reading.contains(&basket));
        if !asked && !parked {
            let key = basket.0.to_vec();
            out.load_range(Space::Basket, key.clone(), key, u32::MAX, Wants::Basket(basket));
        }
    }

    /// A basket was read: of the calls that wait for it the one that came first.
    pub(super) fn next_of(&mut self, basket: BasketId) -> Option<(RequestId, Call)> {
        let calls = self.waiting.get_mut(&basket)?;
        let next = calls.pop_front();
        if calls.is_empty() {
            self.waiting.remove(&basket);
        }
        next
    }

    /// Whether calls wait for a basket.
    pub(super) fn wait_for(&self, basket: BasketId) -> bool {
        self.waiting.contains_key(&basket)
    }

    /// Reads a page of open baskets behind `after`, by rising id.
    ///
    /// # Errors
    /// When more than `limit` are being read.
    pub(super) fn list(
        &mut self,
        limit: usize,
        request: RequestId,
        after: Option<BasketId>,
        out: &mut UnitOfWork,
    ) -> Result<(), Refusal> {
        if self.listing.len() >= limit {
            return Err(Refusal::Full { what: "questions for open baskets", limit });
        }
        self.listing.insert(request);
        load_page(after, Wants::Unresolved(request), out);
        Ok(())
    }

    /// The page that somebody asked for was read.
    pub(super) fn listed(&mut self, request: RequestId) {
        self.listing.remove(&request);
    }

    /// A day is to be closed once every basket on disk alone is parked: reads them, page by page.
    ///
    /// # Errors
    /// When more than `limit` wait for that.
    pub(super) fn park_first(
        &mut self,
        limit: usize,
        close: Closing,
        out: &mut UnitOfWork,
    ) -> Result<(), Refusal> {
        if self.parking.is_none() {
            load_page(None, Wants::Away, out);
        }
        let parking = self.parking.get_or_insert_with(|| Parking {
            closes: Vec::new(),
            reading: BTreeSet::new(),
            reached: None,
        });
        if parking.closes.len() >= limit {
            return Err(Refusal::Full { what: "closes of a day", limit });
        }
        parking.closes.push(close);
        Ok(())
    }

    /// A page of open baskets was read, of which `is_away` says which to park.
    pub(super) fn page(
        &mut self,
        names: &[BasketId],
        is_away: impl Fn(BasketId) -> bool,
        out: &mut UnitOfWork,
    ) -> NextToPark {
        for &basket in names.iter().filter(|basket| is_away(**basket)) {
            self.ask(basket, out);
            if let Some(parking) = &mut self.parking {
                parking.reading.insert(basket);
            }
        }
        match (&mut self.parking, names.last()) {
            (Some(parking), Some(last)) => parking.reached = Some(*last),
            _ => return NextToPark::Close(self.end_parking()),
        }
        self.next_page(out);
        NextToPark::Wait
    }

    /// Whether a basket that was read is to be parked.
    pub(super) fn parks(&self, basket: BasketId) -> bool {
        self.parking.as_ref().is_some_and(|parking| parking.reading.contains(&basket))
    }

    /// Whether it is parked now.
    pub(super) fn parked(&mut self, basket: BasketId) -> bool {
        self.parking.as_mut().is_some_and(|parking| parking.reading.remove(&basket))
    }

    /// Goes on with the next page, where all of this one are parked.
    pub(super) fn next_page(&mut self, out: &mut UnitOfWork) {
        if let Some(Parking { reading, reached, .. }) = &self.parking
            && reading.is_empty()
        {
            load_page(*reached, Wants::Away, out);
        }
    }

    /// All are parked, or one cannot be: the closes that waited for it.
    pub(super) fn end_parking(&mut self) -> Vec<Closing> {
        self.parking.take().map(|parking| parking.closes).unwrap_or_default()
    }

    /// Ends all that is under way. Whoever waits for it.
    pub(super) fn stop(&mut self) -> Vec<RequestId> {
        let calls = std::mem::take(&mut self.waiting).into_values().flatten();
        let closes = self.end_parking().into_iter().filter_map(|close| match close {
            Closing::Asked(request, _) => Some(request),
            Closing::Keyed(..) => None,
        });
        calls.map(|(request, _)| request).chain(closes).chain(std::mem::take(&mut self.listing)).collect()
    }
}

fn load_page(after: Option<BasketId>, wants: Wants, out: &mut UnitOfWork) {
    let from = after.map_or_else(Vec::new, |after| [after.0.as_slice(), &[0]].concat());
    out.load_range(Space::Basket, from, vec![u8::MAX; 17], PAGE_BYTES, wants);
}

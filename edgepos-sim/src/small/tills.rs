//! The tills of a small world: what they ask, what they wait for, and what they were promised.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use edgepos::crdt::VersionVector;
use edgepos::model::{BasketId, CounterRow, Currency, Effect, Line as Bought, Tender};
use edgepos::{Commit, Draft, OpenBasket, Receipt, Record, Refusal, Reply, RequestId};
use edgepos_core::{EventId, IdempotencyKey};
use edgepos_sync::Hash;

use super::managers::{Managers, Way};
use super::prices::{Prices, price};
use super::worlds::{Line, World};
use crate::check::{Held, Ledger, Rule, Violation};
use crate::errand::Ask;
use crate::goods::products;

/// What comes next in a script.
#[derive(Clone, Debug)]
pub(super) enum Next {
    /// A till asks its terminal.
    Ask(Box<Ask>),
    /// An operator has the terminal of this number replaced, one that is there as well where that is `planned`.
    Replace { number: u16, planned: bool },
    /// Somebody takes an image of the till's disk.
    Image,
    /// Somebody puts the latest image in the disk's place.
    PutBack,
    /// Somebody puts an empty disk in its place.
    LoseDisk,
    /// The till asks nothing until everything is everywhere.
    Rest,
    /// The power goes.
    PowerCut,
}

/// What is on the disks when an answer comes.
pub(super) struct OnDisk {
    /// The hash of the chain at the event that the answer is about, at the terminal that answers.
    pub(super) hash: Option<Hash>,
    /// Whether the basket that it is about is listed as open there.
    pub(super) is_open: bool,
}

/// What a till waits for.
#[derive(Clone, Copy, Debug)]
enum Asked {
    Begin(u8),
    Commit(u8, IdempotencyKey),
    Resolve(Way),
    Record,
    /// A price, and whether it may be set by a wrong clock.
    Price(bool),
    /// A basket under a key that is not its own, and the sale because of which that is refused, where the terminal holds it.
    Under(u8, Option<EventId>),
}

/// All tills, by the places of their devices.
#[derive(Debug)]
pub(super) struct Tills {
    ledger: Ledger,
    script: Vec<VecDeque<Line>>,
    waiting: BTreeMap<RequestId, (usize, Asked)>,
    /// Commits that were asked for and not answered.
    unanswered: BTreeSet<(usize, u8)>,
    /// Baskets whose beginning was answered with a receipt, each with the place of the till that asked.
    told_booked: BTreeSet<(usize, u8)>,
    managers: Managers,
    prices: Prices,
    /// Whose clock is wrong.
    wrong_clock: Option<usize>,
    requests: u64,
}

/// Pieces of each product that come before a world is explored.
pub(super) const GOODS: i64 = 10;

/// The basket that takes one piece more than there is.
pub(super) const OVERSOLD: u8 = 9;

/// The basket of this number: one piece of the product of this number.
pub(super) fn draft(basket: u8) -> Draft {
    let (product, quantity) = if basket == OVERSOLD { (0, GOODS + 1) } else { (usize::from(basket), 1) };
    let (product, amount) = (products().nth(product).unwrap_or_default(), 100 * quantity);
    let line = Bought { no: 1, product, quantity, unit_price: 100, amount, ..Bought::default() };
    Draft::sale(id(basket), Currency::EUR, vec![line])
}

/// Cash for the whole of it, under a key that belongs to the basket.
pub(super) fn payment(basket: u8) -> Commit {
    payment_under(basket, basket)
}

/// The same under the key of another one.
fn payment_under(basket: u8, key: u8) -> Commit {
    let total = draft(basket).lines.iter().map(|line| line.amount).sum();
    Commit { basket: id(basket), key: IdempotencyKey([0xA0 + key; 16]), tenders: Tender::cash(total).into() }
}

/// Pieces of the first product that are moved with the word that no less than `floor` may be there.
fn moves(delta: i64, floor: i64) -> Record {
    let product = products().next().unwrap_or_default();
    Record::custom(b"moved".to_vec(), vec![Effect::new(CounterRow::stock(&product, 0), delta, Some(floor))])
}

/// The number of a basket.
fn number(basket: BasketId) -> u8 {
    basket.0[0] - 1
}

fn id(basket: u8) -> BasketId {
    BasketId([basket + 1; 16])
}

/// The baskets that are open when a world opens, each with the place of its till.
pub(super) fn baskets(world: &World) -> Vec<(usize, u8)> {
    let mut open = Vec::new();
    for (place, lines) in world.script {
        for (at, line) in lines.iter().enumerate() {
            // One that is begun in a line before belongs to another till.
            if let Line::Commit(basket) = line
                && !lines[..at].contains(&Line::BeginToo(*basket))
                && !open.contains(&(*place, *basket))
            {
                open.push((*place, *basket));
            }
        }
    }
    open
}

impl Tills {
    pub(super) fn new(count: usize) -> Self {
        Self {
            ledger: Ledger::new(),
            script: vec![VecDeque::new(); count],
            waiting: BTreeMap::new(),
            unanswered: BTreeSet::new(),
            told_booked: BTreeSet::new(),
            managers: Managers::default(),
            prices: Prices::default(),
            wrong_clock: None,
            requests: 0,
        }
    }

    /// From here on they ask what is in the world's script.
    pub(super) fn open(&mut self, world: &World) {
        for (place, lines) in world.script {
            // A box that comes later has its place behind the others.
            self.script.resize(self.script.len().max(place + 1), VecDeque::new());
            self.script[*place] = lines.iter().copied().collect();
        }
    }

    /// They ask for nothing new.
    pub(super) fn close(&mut self) {
        self.script.iter_mut().for_each(VecDeque::clear);
    }

    /// The prices that were set.
    pub(super) fn prices(&self) -> &Prices {
        &self.prices
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Whether the till has something to ask, and waits for nothing.
    pub(super) fn has_next(&self, place: usize) -> bool {
        let next = self.script.get(place).and_then(VecDeque::front);
        let is_over = |other: usize| self.script[other].is_empty() && !self.waits(other);
        next.is_some_and(|line| !matches!(line, Line::RestAfter(other) if !is_over(*other)))
            && !self.waits(place)
    }

    fn waits(&self, place: usize) -> bool {
        self.waiting.values().any(|(of, _)| *of == place)
    }

    /// The next thing that the till asks.
    pub(super) fn next(&mut self, place: usize) -> Option<Next> {
        Some(match self.script[place].pop_front()? {
            Line::Commit(basket) => {
                // A till that has a receipt and pays again does not know it any more.
                if self.ledger.basket(id(basket)).is_some_and(|known| known.receipt.is_some()) {
                    self.ledger.goes_elsewhere(id(basket));
                }
                Next::Ask(Box::new(Ask::Commit(payment(basket))))
            }
            Line::BeginToo(basket) => {
                self.ledger.goes_elsewhere(id(basket));
                Next::Ask(Box::new(Ask::Begin(draft(basket))))
            }
            Line::Resolve(way) => Next::Ask(Box::new(Ask::Resolve(Box::new(way.call())))),
            Line::Replace(number) => Next::Replace { number, planned: false },
            Line::Swap(number) => Next::Replace { number, planned: true },
            Line::Image => Next::Image,
            Line::PutBack => Next::PutBack,
            Line::Rest | Line::RestAfter(_) => Next::Rest,
            Line::LoseDisk => Next::LoseDisk,
            Line::Under(basket, key) => Next::Ask(Box::new(Ask::Commit(payment_under(basket, key)))),
            Line::PowerCut => Next::PowerCut,
            Line::Price(amount) => Next::Ask(Box::new(Ask::Record(price(amount, false)))),
            Line::PriceAnyway(amount) => Next::Ask(Box::new(Ask::Record(price(amount, true)))),
            Line::Moves(delta, floor) => Next::Ask(Box::new(Ask::Record(moves(delta, floor)))),
        })
    }

    /// What an operator was refused is said again later.
    pub(super) fn says_again(&mut self, place: usize, number: u16, planned: bool) {
        let line = if planned { Line::Swap(number) } else { Line::Replace(number) };
        self.script[place].push_front(line);
    }

    /// The clock of the till at this place is wrong from here on.
    pub(super) fn has_wrong_clock(&mut self, place: usize) {
        self.wrong_clock = Some(place);
    }

    /// Whether nobody waits for an answer.
    pub(super) fn are_answered(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Commits that were asked for and not answered: the place of the till, and the basket.
    pub(super) fn unanswered(&self) -> Vec<(usize, u8)> {
        self.unanswered.iter().copied().collect()
    }

    /// What managers asked for, and what they were told.
    pub(super) fn managers(&self) -> &Managers {
        &self.managers
    }

    /// What of the script is left, in a byte for each till.
    pub(super) fn left(&self) -> Vec<u8> {
        self.script.iter().map(|lines| lines.len() as u8).collect()
    }

    /// A till asks a terminal that holds these events.
    pub(super) fn asks(&mut self, place: usize, ask: &Ask, durable: Option<&VersionVector>) -> RequestId {
        self.requests += 1;
        let request = RequestId(self.requests);
        let asked = match ask {
            Ask::Begin(draft) => {
                self.ledger.asks_begin(place, draft);
                Asked::Begin(number(draft.basket))
            }
            Ask::Commit(commit) if *commit != payment(number(commit.basket)) => {
                Asked::Under(number(commit.basket), self.taken(commit, durable))
            }
            Ask::Commit(commit) => {
                self.ledger.asks_commit(commit);
                if let Some(durable) = durable {
                    self.ledger.holds(commit.basket, durable);
                }
                let basket = number(commit.basket);
                self.unanswered.insert((place, basket));
                Asked::Commit(basket, commit.key)
            }
            Ask::Resolve(call) => {
                let way = Way::of(call);
                self.managers.asks(place, way);
                Asked::Resolve(way)
            }
            Ask::Record(record) => {
                self.prices.asks(request, record, durable).map_or(Asked::Record, Asked::Price)
            }
            Ask::Payment(_) | Ask::Abandon(_) | Ask::Beside(_) => Asked::Record,
        };
        self.waiting.insert(request, (place, asked));
        request
    }

    /// Because of which sale, that a terminal with these events holds, a key is another's or a basket is booked.
    fn taken(&self, commit: &Commit, durable: Option<&VersionVector>) -> Option<EventId> {
        let sales = self.ledger.baskets().filter_map(|(known, basket)| {
            let named = *known == commit.basket || basket.keys.contains(&commit.key);
            basket.receipt.as_ref().filter(|_| named)
        });
        let held = |event: &EventId| durable.is_some_and(|durable| durable.covers(*event));
        sales.map(|receipt| receipt.event).find(held)
    }

    /// A terminal answers. `disk`: what is on its disk of the event and the basket that the answer is about.
    ///
    /// # Errors
    /// When the answer breaks a promise.
    pub(super) fn answered(
        &mut self,
        request: RequestId,
        reply: &Result<Reply, Refusal>,
        disk: impl FnOnce(EventId, BasketId) -> OnDisk,
    ) -> Result<(), Violation> {
        let Some((place, asked)) = self.waiting.remove(&request) else { return Ok(()) };
        match (asked, reply) {
            (Asked::Begin(basket), reply) => {
                if matches!(reply, Err(Refusal::BasketBooked(_))) {
                    self.told_booked.insert((place, basket));
                }
                self.ledger.replied(place, id(basket), None, reply)
            }
            (Asked::Commit(basket, key), reply) => {
                if let Ok(Reply::Committed { receipt, .. }) = reply {
                    self.unanswered.remove(&(place, basket));
                    self.is_durable(place, receipt, disk(receipt.event, id(basket)))?;
                }
                self.ledger.replied(place, id(basket), Some(key), reply)
            }
            (Asked::Resolve(way), reply) => self.managers.answered(place, way, reply),
            (Asked::Record, Ok(Reply::Recorded(event))) => {
                self.ledger.records(place, *event)?;
                let hash =
                    disk(*event, BasketId::default()).hash.ok_or_else(|| not_written(place, *event))?;
                self.ledger.has_hash(*event, hash);
                Ok(())
            }
            (Asked::Price(false), Err(Refusal::ClockOff { .. })) => Ok(()),
            (Asked::Price(false), other) if self.wrong_clock == Some(place) => {
                let what = format!("T{}, whose clock is years ahead, sets a price: {other:?}", place + 1);
                Err(Violation::new(Rule::InTime, what))
            }
            (Asked::Price(_), Ok(Reply::Recorded(event))) => {
                self.prices.are_set(request, *event);
                Ok(())
            }
            (Asked::Price(_), other) => {
                Err(Violation::new(Rule::Alive, format!("a price was answered with {other:?}")))
            }
            (
                Asked::Under(_, Some(_)),
                Err(Refusal::KeyOfAnotherBasket { .. } | Refusal::BasketBooked(_)),
            ) => Ok(()),
            (Asked::Under(basket, Some(sale)), other) => {
                let what = format!(
                    "T{} knows {sale}, and answers basket {basket} under another key with {other:?}",
                    place + 1
                );
                Err(Violation::new(Rule::Receipts, what))
            }
            (Asked::Under(..), _) => Ok(()),
            (Asked::Record, other) => {
                Err(Violation::new(Rule::Alive, format!("a record was answered with {other:?}")))
            }
        }
    }

    /// What a till is told survives whatever happens next: the sale is on the disk of who says so, and its basket is not open there.
    fn is_durable(&mut self, place: usize, receipt: &Receipt, disk: OnDisk) -> Result<(), Violation> {
        let hash = disk.hash.ok_or_else(|| not_written(place, receipt.event))?;
        self.ledger.sold(receipt.event, hash);
        if disk.is_open {
            let what = format!(
                "T{} answers receipt {} of basket {}, which is open on its disk",
                place + 1,
                receipt.number,
                receipt.basket
            );
            return Err(Violation::new(Rule::NothingLost, what));
        }
        Ok(())
    }

    /// A device died: what its till waits for does not come, and what it began and was not told of it begins again.
    pub(super) fn crashed(&mut self, who: usize) {
        for (_, (_, asked)) in self.waiting.extract_if(.., |_, (place, _)| *place == who) {
            if let Asked::Begin(basket) = asked {
                self.script[who].push_front(Line::BeginToo(basket));
            }
        }
        // It was told that the sale is booked, by a terminal that may have held it in memory alone: there is nothing left to pay.
        if let Some(Line::Commit(basket)) = self.script[who].front()
            && self.told_booked.contains(&(who, *basket))
        {
            self.script[who].pop_front();
        }
    }

    /// A disk was put back; this is what the others and the image hold.
    pub(super) fn put_back(&mut self, who: usize, held: &Held) {
        self.ledger.put_back(who, held);
    }

    /// Another box has the number of the terminal at this place.
    pub(super) fn has_another_box(&mut self, who: usize) {
        self.ledger.has_another_box(who);
    }

    /// A terminal has started, and these baskets are open at it.
    ///
    /// # Errors
    /// When one is missing, or has ended.
    pub(super) fn lists_open(&self, place: usize, open: &[OpenBasket]) -> Result<(), Violation> {
        self.ledger.lists_open(place, open)
    }
}

fn not_written(place: usize, event: EventId) -> Violation {
    let what = format!("T{} answers with {event}, which is not on its disk", place + 1);
    Violation::new(Rule::NothingLost, what)
}

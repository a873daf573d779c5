//! The tills of a small world: what they ask, what they wait for, and what they were promised.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use edgepos::model::{BasketId, Currency, Line as Bought, Tender};
use edgepos::{Commit, Draft, OpenBasket, Refusal, Reply, RequestId};
use edgepos_core::{EventId, IdempotencyKey};
use edgepos_sync::Hash;

use super::managers::{Managers, Way};
use super::worlds::{Line, World};
use crate::check::{Held, Ledger, Rule, Violation};
use crate::errand::Ask;
use crate::goods::products;

/// What comes next in a script.
#[derive(Clone, Debug)]
pub(super) enum Next {
    /// A till asks its terminal.
    Ask(Box<Ask>),
    /// An operator has the terminal of this number replaced.
    Replace(u16),
}

/// What a till waits for.
#[derive(Clone, Copy, Debug)]
enum Asked {
    Begin(u8),
    Commit(u8, IdempotencyKey),
    Resolve(Way),
    Record,
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
    let total = draft(basket).lines.iter().map(|line| line.amount).sum();
    Commit {
        basket: id(basket),
        key: IdempotencyKey([0xA0 + basket; 16]),
        tenders: Tender::cash(total).into(),
    }
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

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Whether the till has something to ask, and waits for nothing.
    pub(super) fn has_next(&self, place: usize) -> bool {
        self.script.get(place).is_some_and(|lines| !lines.is_empty())
            && !self.waiting.values().any(|(of, _)| *of == place)
    }

    /// The next thing that the till asks.
    pub(super) fn next(&mut self, place: usize) -> Option<Next> {
        Some(match self.script[place].pop_front()? {
            Line::Commit(basket) => Next::Ask(Box::new(Ask::Commit(payment(basket)))),
            Line::BeginToo(basket) => {
                self.ledger.goes_elsewhere(id(basket));
                Next::Ask(Box::new(Ask::Begin(draft(basket))))
            }
            Line::Resolve(way) => Next::Ask(Box::new(Ask::Resolve(Box::new(way.call())))),
            Line::Replace(number) => Next::Replace(number),
        })
    }

    /// What an operator was refused is said again later.
    pub(super) fn says_again(&mut self, place: usize, number: u16) {
        self.script[place].push_front(Line::Replace(number));
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
    pub(super) fn asks(
        &mut self,
        place: usize,
        ask: &Ask,
        durable: Option<&edgepos::crdt::VersionVector>,
    ) -> RequestId {
        self.requests += 1;
        let request = RequestId(self.requests);
        let asked = match ask {
            Ask::Begin(draft) => {
                self.ledger.asks_begin(place, draft);
                Asked::Begin(draft.basket.0[0] - 1)
            }
            Ask::Commit(commit) => {
                self.ledger.asks_commit(commit);
                if let Some(durable) = durable {
                    self.ledger.holds(commit.basket, durable);
                }
                let basket = commit.basket.0[0] - 1;
                self.unanswered.insert((place, basket));
                Asked::Commit(basket, commit.key)
            }
            Ask::Resolve(call) => {
                let way = Way::of(call);
                self.managers.asks(place, way);
                Asked::Resolve(way)
            }
            Ask::Record(_) | Ask::Payment(_) | Ask::Abandon(_) => Asked::Record,
        };
        self.waiting.insert(request, (place, asked));
        request
    }

    /// A terminal answers. `hash`: of its chain at the event that it recorded.
    ///
    /// # Errors
    /// When the answer breaks a promise.
    pub(super) fn answered(
        &mut self,
        request: RequestId,
        reply: &Result<Reply, Refusal>,
        hash: impl FnOnce(EventId) -> Option<Hash>,
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
                if matches!(reply, Ok(Reply::Committed { .. })) {
                    self.unanswered.remove(&(place, basket));
                }
                self.ledger.replied(place, id(basket), Some(key), reply)
            }
            (Asked::Resolve(way), reply) => self.managers.answered(place, way, reply),
            (Asked::Record, Ok(Reply::Recorded(event))) => {
                self.ledger.records(place, *event)?;
                if let Some(hash) = hash(*event) {
                    self.ledger.has_hash(*event, hash);
                }
                Ok(())
            }
            (Asked::Record, other) => {
                Err(Violation::new(Rule::Alive, format!("a record was answered with {other:?}")))
            }
        }
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

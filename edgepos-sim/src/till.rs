//! A till with its cashier and its customers: the application in front of a terminal, which remembers what it was told.

use std::collections::{BTreeMap, VecDeque};

use edgepos::model::{BasketId, DocType, Mode};
use edgepos::{Record, Refusal, Reply, RequestId};
use edgepos_core::Jitter;

use crate::check::{Ledger, Rule, Violation};
use crate::drafts::{give_back, reversed, sale};
use crate::errand::{Ask, Sell, Stage, Task, Waiting};
use crate::goods::{date, opening, some_record};
use crate::plan::{TillStyle, happens, pause};
use crate::street::{Bought, Street};

/// One till and who stands at it.
#[derive(Debug)]
pub(crate) struct Till {
    place: usize,
    tills: usize,
    style: TillStyle,
    rng: Jitter,
    task: Option<Task>,
    parked: Vec<Sell>,
    settle: VecDeque<BasketId>,
    waiting: BTreeMap<RequestId, Waiting>,
    requests: u64,
    baskets: u64,
    /// Goods and prices that a store has before it opens; the first till enters them.
    opening: VecDeque<Record>,
    /// Business days that it tried to open.
    days: u32,
    /// The terminal sells no more on the last of them.
    day_closed: bool,
    closing: bool,
    alarm: Option<u64>,
    turn: u64,
}

impl Till {
    /// The till at terminal `place` (from 0) of `tills`.
    pub(crate) fn new(place: usize, tills: usize, style: TillStyle, mut rng: Jitter) -> Self {
        let opening = if place == 0 { opening(&mut rng, date(1)) } else { VecDeque::new() };
        let first = rng.range(100_000, 1_500_000);
        Self {
            place,
            tills,
            style,
            rng,
            task: None,
            parked: Vec::new(),
            settle: VecDeque::new(),
            waiting: BTreeMap::new(),
            requests: 0,
            baskets: 0,
            opening,
            days: 1,
            day_closed: false,
            closing: false,
            alarm: Some(first),
            turn: 0,
        }
    }

    /// When [`act`](Self::act) must be called, if that has changed, and the turn to hand to it.
    pub(crate) fn alarm(&mut self) -> Option<(u64, u64)> {
        self.alarm.take().map(|at_us| (at_us, self.turn))
    }

    /// The time has come. What is asked of the terminal, in order; nothing when `turn` is an old one.
    pub(crate) fn act(
        &mut self,
        now_us: u64,
        turn: u64,
        ledger: &mut Ledger,
        street: &mut Street,
    ) -> Vec<(RequestId, Ask)> {
        if turn != self.turn || !self.waiting.is_empty() {
            return Vec::new();
        }
        if self.task.is_none() {
            self.task = self.next_task(street);
        }
        let asks = match self.task.as_mut() {
            None if self.closing => Vec::new(),
            None => match self.opening.pop_front() {
                Some(record) => vec![Ask::Record(record)],
                None => {
                    self.days += 1;
                    vec![Ask::Record(some_record(&mut self.rng, &self.style, (self.place, self.days)))]
                }
            },
            Some(Task::Sell(_)) if self.day_closed => {
                self.days += 1;
                vec![Ask::Record(Record::day_opened(date(self.days), 0))]
            }
            Some(Task::Settle(basket)) => {
                ledger.asks_abandon(*basket);
                // Whatever a card paid for it goes back first.
                vec![Ask::Payment(reversed(*basket)), Ask::Abandon(*basket)]
            }
            Some(Task::Sell(_)) => self.go_on(ledger, street),
        };
        if asks.is_empty() && !self.is_done() {
            self.wake(now_us + 1_000);
        }
        asks.into_iter().map(|ask| (self.expect(&ask), ask)).collect()
    }

    /// The terminal replies.
    ///
    /// # Errors
    /// When the reply breaks a promise.
    pub(crate) fn hear(
        &mut self,
        now_us: u64,
        request: RequestId,
        reply: &Result<Reply, Refusal>,
        ledger: &mut Ledger,
        street: &mut Street,
    ) -> Result<(), Violation> {
        let Some(waiting) = self.waiting.remove(&request) else {
            let what =
                format!("terminal {} answered request {} that nobody waits for", self.place + 1, request.0);
            return Err(Violation::new(Rule::Alive, what));
        };
        // The promise holds whether or not the till hears of it.
        match waiting {
            Waiting::Begin(basket) | Waiting::Abandon(basket) => {
                ledger.replied(self.place, basket, None, reply)?
            }
            Waiting::Commit(basket, key) => ledger.replied(self.place, basket, Some(key), reply)?,
            Waiting::Record => return self.recorded(now_us, reply, ledger),
            Waiting::Payment => return self.told_of_payment(now_us, reply, ledger),
        }
        if happens(&mut self.rng, self.style.lost_reply_ppm) {
            self.lost(now_us, ledger, street);
            return Ok(());
        }
        match (waiting, reply) {
            (Waiting::Begin(basket), Ok(_)) => self.stage(basket, Stage::Pay),
            // It was booked when the till began anew, so the same key gives the receipt.
            (Waiting::Begin(basket), Err(Refusal::BasketBooked(_))) => self.stage(basket, Stage::Commit),
            (
                Waiting::Begin(basket),
                Err(Refusal::NotReturnable { line, .. } | Refusal::NotRefundable { line, .. }),
            ) => {
                self.not_returnable(basket, *line, street)?;
            }
            // The customer's points are spent, or another till spends them.
            (Waiting::Begin(basket), Err(Refusal::Overdrawn { .. })) => self.forget(basket),
            (Waiting::Commit(basket, _), Ok(_)) => self.paid(basket, street),
            (_, Err(Refusal::BasketBusy(_) | Refusal::Full { .. } | Refusal::BookedElsewhere(_))) => {}
            (Waiting::Begin(_), Err(Refusal::DayClosed(_))) => self.day_closed = true,
            (Waiting::Begin(basket), Err(_)) if self.style.forgiving => self.forget(basket),
            (Waiting::Begin(_), Err(refusal)) => {
                return Err(Violation::new(Rule::Alive, format!("a good draft was refused: {refusal}")));
            }
            // The customer has paid: what was lost is begun once more, under the same name and key.
            (Waiting::Commit(basket, _), Err(Refusal::UnknownBasket(_)))
                if ledger.is_lost(self.place, basket) =>
            {
                self.stage(basket, Stage::Begin);
            }
            // Whether it may be unknown was judged by the ledger: there is nothing more to do for it.
            (Waiting::Commit(basket, _) | Waiting::Abandon(basket), _) => self.forget(basket),
            (Waiting::Record | Waiting::Payment, _) => {}
        }
        let wait = match &self.task {
            None => pause(&mut self.rng, self.style.pause_us),
            Some(Task::Sell(Sell { stage: Stage::Pay, .. })) => {
                self.rng.range(10_000, self.style.pause_us.clamp(50_000, 2_000_000))
            }
            Some(_) => self.rng.range(1_000, 300_000),
        };
        self.wake(now_us + wait);
        Ok(())
    }

    /// The terminal's process is gone, and with it every request that was open.
    pub(crate) fn crashed(&mut self) {
        self.turn += 1;
        self.alarm = None;
        self.waiting.clear();
        match &self.task {
            // The customer has left: what is open will be found.
            Some(Task::Sell(sell)) if sell.stage == Stage::Begin && self.rng.range(0, 100) < 30 => {
                self.task = None
            }
            Some(Task::Sell(sell)) if sell.stage == Stage::Commit && self.rng.range(0, 100) < 15 => {
                self.task = Some(Task::Settle(sell.draft.basket));
            }
            _ => {}
        }
        self.perhaps_begin_anew();
    }

    /// Its terminal's disk was put back: whoever stood there is gone, and only what the terminal lists is looked at.
    pub(crate) fn put_back(&mut self) {
        self.task = None;
        self.parked.clear();
        self.settle.clear();
    }

    /// The terminal is there again, with these baskets open, or not settled.
    pub(crate) fn restarted(&mut self, now_us: u64, open: &[BasketId]) {
        self.find(open);
        let wait = self.rng.range(1_000, 400_000);
        self.wake(now_us + wait);
    }

    /// No more customers: finishes what is begun.
    pub(crate) fn close(&mut self, now_us: u64) {
        self.closing = true;
        self.style.lost_reply_ppm = 0;
        if self.waiting.is_empty() {
            self.wake(now_us + 1_000);
        }
    }

    /// After closing, settles what else is open.
    pub(crate) fn find(&mut self, open: &[BasketId]) {
        let known: Vec<BasketId> = self
            .parked
            .iter()
            .map(|sell| sell.draft.basket)
            .chain(self.settle.iter().copied())
            .chain(self.task.iter().map(Task::basket))
            .collect();
        self.settle.extend(open.iter().filter(|basket| !known.contains(basket)));
    }

    /// Nothing is begun and nothing is waited for.
    pub(crate) fn is_done(&self) -> bool {
        self.closing
            && self.task.is_none()
            && self.parked.is_empty()
            && self.settle.is_empty()
            && self.waiting.is_empty()
    }

    /// Requests without a reply.
    pub(crate) fn open_requests(&self) -> usize {
        self.waiting.len()
    }

    fn wake(&mut self, at_us: u64) {
        self.turn += 1;
        self.alarm = Some(at_us);
    }

    fn expect(&mut self, ask: &Ask) -> RequestId {
        self.requests += 1;
        let id = RequestId(self.requests);
        let waiting = match ask {
            Ask::Begin(draft) => Waiting::Begin(draft.basket),
            Ask::Commit(commit) => Waiting::Commit(commit.basket, commit.key),
            Ask::Abandon(basket) => Waiting::Abandon(*basket),
            Ask::Record(_) | Ask::Resolve(_) | Ask::Beside(_) => Waiting::Record,
            Ask::Payment(_) => Waiting::Payment,
        };
        self.waiting.insert(id, waiting);
        id
    }

    fn next_task(&mut self, street: &mut Street) -> Option<Task> {
        if let Some(basket) = self.settle.pop_front() {
            return Some(Task::Settle(basket));
        }
        if let Some((draft, commit)) = street.retry(self.place) {
            return Some(Task::Sell(Sell::again(draft, commit)));
        }
        if (self.closing || self.rng.range(0, 100) < 10)
            && let Some(sell) = self.parked.pop()
        {
            return Some(Task::Sell(sell));
        }
        if self.closing || !self.opening.is_empty() {
            return None;
        }
        if let Some(bought) = street.errand(self.place) {
            return Some(Task::Sell(self.take_back(&bought, street)));
        }
        let wish = self.rng.range(0, 100);
        if wish < self.style.returns_pct
            && let Some(bought) = street.somebody(&mut self.rng)
        {
            if self.rng.range(0, 100) < self.style.twice_pct {
                let other = (self.place + 1 + self.rng.range(0, self.tills as u64 - 1) as usize) % self.tills;
                street.also_at(other, bought.clone());
            }
            return Some(Task::Sell(self.take_back(&bought, street)));
        }
        (wish < 88).then(|| Task::Sell(self.sell()))
    }

    /// The next step of the sale at hand.
    fn go_on(&mut self, ledger: &mut Ledger, street: &mut Street) -> Vec<Ask> {
        let Some(Task::Sell(sell)) = &mut self.task else { return Vec::new() };
        let chance = self.rng.range(0, 100);
        match sell.stage {
            Stage::Begin => {
                ledger.asks_begin(self.place, &sell.draft);
                vec![Ask::Begin(sell.draft.clone())]
            }
            Stage::Pay if chance < 5 => {
                self.task = Some(Task::Settle(sell.draft.basket));
                Vec::new()
            }
            Stage::Pay if chance < 10 && !self.closing => {
                self.parked.push(sell.clone());
                self.task = self.next_task(street);
                Vec::new()
            }
            Stage::Pay | Stage::Commit | Stage::Repeat => {
                if sell.stage == Stage::Pay {
                    sell.stage = Stage::Commit;
                }
                ledger.asks_commit(&sell.commit);
                // Some cashiers press twice.
                let presses = if chance > 95 { 2 } else { 1 };
                let mut asks = sell.payment();
                asks.extend(vec![Ask::Commit(sell.commit.clone()); presses]);
                asks
            }
        }
    }

    fn stage(&mut self, basket: BasketId, stage: Stage) {
        if let Some(Task::Sell(sell)) = self.task.as_mut().filter(|task| task.basket() == basket) {
            sell.stage = stage;
        }
    }

    fn paid(&mut self, basket: BasketId, street: &mut Street) {
        let Some(Task::Sell(sell)) = self.task.as_mut().filter(|task| task.basket() == basket) else {
            return;
        };
        let first = sell.stage == Stage::Commit;
        // Of what is asked for twice the goods go once.
        let leaves = first && !sell.retried;
        if leaves && sell.draft.doc_type == DocType::Sale && sell.draft.mode == Mode::Live {
            for line in sell.draft.lines.iter().filter(|line| line.quantity > 0) {
                street.leaves(Bought {
                    basket,
                    line: line.no,
                    product: line.product.clone(),
                    quantity: line.quantity,
                    amount: line.amount,
                });
            }
        }
        if first && self.rng.range(0, 100) < 5 {
            sell.stage = Stage::Repeat;
        } else if self.waiting.is_empty() {
            self.task = None;
        } else {
            // The second press is still to be answered.
            sell.stage = Stage::Repeat;
        }
    }

    fn forget(&mut self, basket: BasketId) {
        if self.task.as_ref().is_some_and(|task| task.basket() == basket) {
            self.task = None;
        }
    }

    fn not_returnable(&mut self, basket: BasketId, line: u16, street: &Street) -> Result<(), Violation> {
        let Some(Task::Sell(sell)) = &mut self.task else { return Ok(()) };
        let original = sell.draft.lines.iter().find(|l| l.no == line).and_then(|line| line.original);
        let may = original.is_none_or(|original| street.may_be_refused(original.basket, original.line));
        if sell.stage == Stage::Begin && !may && sell.draft.basket == basket && !self.style.forgiving {
            let what = format!(
                "basket {basket} may not take back line {original:?}, which nobody else brought back"
            );
            return Err(Violation::new(Rule::Receipts, what));
        }
        self.task = None;
        Ok(())
    }

    /// The reply never gets to the till.
    fn lost(&mut self, now_us: u64, ledger: &mut Ledger, street: &mut Street) {
        if self.waiting.is_empty() {
            if !self.walks_on(ledger, street) {
                self.perhaps_begin_anew();
            }
            let wait = self.rng.range(10_000, 1_500_000);
            self.wake(now_us + wait);
        }
    }

    /// The cashier may ask at another till whether the sale is booked. Whether that happened.
    fn walks_on(&mut self, ledger: &mut Ledger, street: &mut Street) -> bool {
        let Some(Task::Sell(sell)) = &self.task else { return false };
        let may = sell.stage == Stage::Commit
            && sell.draft.doc_type == DocType::Sale
            && !sell.retried
            && !sell.by_card()
            && !self.closing
            && self.tills > 1;
        if !may || self.rng.range(0, 100) >= self.style.walks_pct {
            return false;
        }
        let other = (self.place + 1 + self.rng.range(0, self.tills as u64 - 1) as usize) % self.tills;
        ledger.goes_elsewhere(sell.draft.basket);
        street.asks_at(other, sell.draft.clone(), sell.commit.clone());
        self.task = None;
        true
    }

    /// A till that does not know whether the customer got a receipt may start the same basket over, with the same key.
    fn perhaps_begin_anew(&mut self) {
        if let Some(Task::Sell(sell)) = &mut self.task
            && sell.stage == Stage::Commit
            && sell.draft.doc_type == DocType::Sale
            && self.rng.range(0, 100) < 15
        {
            sell.stage = Stage::Begin;
        }
    }

    fn recorded(
        &mut self,
        now_us: u64,
        reply: &Result<Reply, Refusal>,
        ledger: &mut Ledger,
    ) -> Result<(), Violation> {
        match reply {
            Ok(Reply::Recorded(event)) => ledger.records(self.place, *event)?,
            Err(Refusal::Day(_) | Refusal::Full { .. } | Refusal::ClockOff { .. }) => {}
            other => {
                let what = format!("a record was answered with {other:?}");
                return Err(Violation::new(Rule::Alive, what));
            }
        }
        // Either it has opened the day, or one was open.
        self.day_closed = false;
        let wait = if self.opening.is_empty() { pause(&mut self.rng, self.style.pause_us) } else { 1_000 };
        self.wake(now_us + wait);
        Ok(())
    }

    /// A payment terminal's step is on record, or was before, or its basket is sold: what becomes of the sale is told by the commit.
    fn told_of_payment(
        &mut self,
        now_us: u64,
        reply: &Result<Reply, Refusal>,
        ledger: &mut Ledger,
    ) -> Result<(), Violation> {
        if let Ok(Reply::Recorded(event)) = reply {
            ledger.records(self.place, *event)?;
        }
        self.wake(now_us + 1_000);
        Ok(())
    }

    fn sell(&mut self) -> Sell {
        let basket = self.name();
        Sell::new(sale(&mut self.rng, basket))
    }

    fn take_back(&mut self, bought: &Bought, street: &mut Street) -> Sell {
        let basket = self.name();
        street.tries(bought, basket);
        Sell::new(give_back(bought, basket))
    }

    fn name(&mut self) -> BasketId {
        self.baskets += 1;
        let mut name = [0; 16];
        name[7] = self.place as u8 + 1;
        name[8..].copy_from_slice(&self.baskets.to_be_bytes());
        BasketId(name)
    }
}

#[cfg(test)]
mod tests {
    use edgepos::{Commit, Receipt};
    use edgepos_core::{Chain, EventId, Lane, ReplicaId, Seq};

    use super::*;

    const STYLE: TillStyle = TillStyle {
        pause_us: 100_000,
        lost_reply_ppm: 100_000,
        returns_pct: 20,
        twice_pct: 50,
        walks_pct: 20,
        bulk_bytes: 100,
        moment_ms: 1_790_000_030_000,
        forgiving: false,
    };

    struct Bench {
        till: Till,
        ledger: Ledger,
        street: Street,
        now_us: u64,
        numbers: BTreeMap<BasketId, (u64, i64)>,
        booked: BTreeMap<BasketId, Receipt>,
    }

    impl Bench {
        /// A terminal without a fault, for so many turns. Every reply goes through `change`.
        fn run(
            &mut self,
            turns: u32,
            change: impl Fn(&Ask, Result<Reply, Refusal>) -> Result<Reply, Refusal>,
        ) -> Result<(), Violation> {
            for _ in 0..turns {
                let Some((at_us, turn)) = self.till.alarm() else { break };
                self.now_us = at_us;
                for (id, ask) in self.till.act(at_us, turn, &mut self.ledger, &mut self.street) {
                    let reply = change(&ask, self.answer(&ask));
                    self.till.hear(at_us, id, &reply, &mut self.ledger, &mut self.street)?;
                }
            }
            Ok(())
        }

        fn answer(&mut self, ask: &Ask) -> Result<Reply, Refusal> {
            let event = |seq| EventId::new(Chain::new(ReplicaId::new(1, 1), Lane::Transactions), Seq(seq));
            match ask {
                Ask::Begin(draft) => {
                    let next = self.numbers.len() as u64 + 1;
                    let total = draft.lines.iter().map(|line| line.amount).sum();
                    let (number, total) = *self.numbers.entry(draft.basket).or_insert((next, total));
                    Ok(Reply::Begun { number, total })
                }
                Ask::Commit(Commit { basket, .. }) => {
                    let basket = *basket;
                    let (number, total) = self.numbers[&basket];
                    let series = self.ledger.basket(basket).unwrap().series.clone();
                    let repeated = self.booked.contains_key(&basket);
                    let receipt = Receipt { event: event(number), basket, series, number, total };
                    let receipt = self.booked.entry(basket).or_insert(receipt).clone();
                    Ok(Reply::Committed { receipt, repeated })
                }
                Ask::Abandon(_) => Ok(Reply::Abandoned),
                Ask::Record(_) => Ok(Reply::Recorded(event(1_000_000 + self.now_us))),
                Ask::Payment(_) => Err(Refusal::Full { what: "payments", limit: 0 }),
                Ask::Resolve(_) | Ask::Beside(_) => Err(Refusal::Overflow),
            }
        }
    }

    fn bench(seed: u64) -> Bench {
        Bench {
            till: Till::new(0, 2, STYLE, Jitter::new(seed)),
            ledger: Ledger::new(),
            street: Street::new(2),
            now_us: 0,
            numbers: BTreeMap::new(),
            booked: BTreeMap::new(),
        }
    }

    #[test]
    fn a_till_sells_takes_back_repeats_and_closes() {
        let mut bench = bench(1);
        bench.run(2_000, |_, reply| reply).unwrap();
        assert!(bench.ledger.receipts() > 100 && bench.ledger.returns() > 5);
        bench.till.close(bench.now_us);
        bench.run(1_000, |_, reply| reply).unwrap();
        assert!(bench.till.is_done());
    }

    #[test]
    fn a_terminal_that_books_twice_is_found_out() {
        let twice = bench(2).run(2_000, |_, reply| match reply {
            Ok(Reply::Committed { receipt, .. }) => Ok(Reply::Committed { receipt, repeated: false }),
            other => other,
        });
        assert_eq!(twice.unwrap_err().rule, Rule::Receipts);
    }

    #[test]
    fn a_terminal_that_forgets_a_basket_is_found_out() {
        let forgotten = bench(3).run(2_000, |ask, reply| match ask {
            Ask::Commit(commit) => Err(Refusal::UnknownBasket(commit.basket)),
            _ => reply,
        });
        assert_eq!(forgotten.unwrap_err().rule, Rule::NothingLost);
    }

    #[test]
    fn a_crash_leaves_nothing_waiting_and_what_is_open_is_settled() {
        let mut bench = bench(4);
        bench.run(300, |_, reply| reply).unwrap();
        bench.till.crashed();
        assert_eq!(bench.till.open_requests(), 0);
        assert_eq!(bench.till.alarm(), None);
        bench.till.restarted(bench.now_us, &[]);
        bench.run(100, |_, reply| reply).unwrap();
    }
}

//! The tills: the street whose customers they serve, and the ledger of what they were promised.

use edgepos::model::BasketId;
use edgepos::{Commit, Draft, OpenBasket, Receipt, Refusal, Reply, RequestId};
use edgepos_core::EventId;

use crate::check::{Held, Ledger, Violation};
use crate::clerk::Clerks;
use crate::errand::Ask;
use crate::later::Promise;
use crate::manager::Managers;
use crate::plan::{Plan, Purpose};
use crate::station::Station;
use crate::street::Street;

/// What is common to the tills of a store.
#[derive(Debug)]
pub(super) struct Tills {
    ledger: Ledger,
    street: Street,
    managers: Managers,
    clerks: Clerks,
}

impl Tills {
    pub(super) fn new(plan: &Plan) -> Self {
        let clerks = plan.rng(Purpose::Clerk, 0);
        Self {
            ledger: Ledger::new(),
            street: Street::new(plan.terminals),
            managers: Managers::new(plan.rng(Purpose::Manager, 0)),
            clerks: Clerks::new(plan.terminals, plan.moment.at_ms, plan.goes_back(), clerks),
        }
    }

    /// What a manager and a clerk ask at a till at this moment.
    pub(super) fn manage(&mut self, place: usize, station: &Station) -> Vec<(RequestId, Ask)> {
        let Some(terminal) = station.today() else { return Vec::new() };
        let resolves = self.managers.act(place, terminal).map(|(request, call, voids)| {
            voids.into_iter().for_each(|basket| self.street.voids(basket));
            (request, Ask::Resolve(Box::new(call)))
        });
        let beside = self.clerks.act(place, &mut self.ledger);
        resolves.into_iter().chain(beside).collect()
    }

    /// A terminal's process is gone.
    pub(super) fn crashed(&mut self, place: usize) {
        self.managers.crashed(place);
        self.clerks.crashed(place);
    }

    /// What a till asks of its terminal at its turn, under which names.
    pub(super) fn act(&mut self, now_us: u64, station: &mut Station, turn: u64) -> Vec<(RequestId, Ask)> {
        station.act(now_us, turn, &mut self.ledger, &mut self.street)
    }

    /// A terminal is about to be asked: what it holds at this moment decides what it may answer.
    pub(super) fn asks(&mut self, station: &Station, ask: &Ask) {
        if let Ask::Commit(commit) = ask
            && let Some(status) = station.status()
        {
            self.ledger.holds(commit.basket, &status.durable);
        }
    }

    /// A terminal has answered.
    ///
    /// # Errors
    /// When the answer breaks a promise.
    pub(super) fn hear(
        &mut self,
        now_us: u64,
        station: &mut Station,
        request: RequestId,
        reply: &Result<Reply, Refusal>,
    ) -> Result<(), Violation> {
        if station.is_forgiving()
            && let Ok(Reply::Recorded(event)) = reply
            && let Some(hash) = station.hash_at(*event)
        {
            self.ledger.has_hash(*event, hash);
        }
        if Clerks::has_asked(request) {
            return self.clerks.hear(request, reply, &mut self.ledger);
        }
        if Managers::has_asked(request) {
            return self.managers.hear(request, reply);
        }
        station.hear(now_us, request, reply, &mut self.ledger, &mut self.street)
    }

    /// A later terminal sells by itself: what it promises counts like what a till is promised.
    ///
    /// # Errors
    /// When it breaks a promise.
    pub(super) fn keep_promises(&mut self, place: usize, station: &mut Station) -> Result<(), Violation> {
        let (asked, kept) = station.take_promises();
        for (draft, commit) in &asked {
            self.ledger.asks_begin(place, draft);
            self.ledger.asks_commit(commit);
        }
        for promise in kept {
            match promise {
                Promise::Recorded(event) => self.ledger.records(place, event)?,
                Promise::Sold(event, sold, number) => {
                    let (Draft { basket, series, lines, .. }, Commit { key, .. }) = *sold;
                    let total = lines.iter().map(|line| line.amount).sum();
                    self.ledger.replied(place, basket, None, &Ok(Reply::Begun { number, total }))?;
                    let receipt = Receipt { event, basket, series, number, total };
                    let reply = Ok(Reply::Committed { receipt, repeated: false });
                    self.ledger.replied(place, basket, Some(key), &reply)?;
                }
            }
        }
        Ok(())
    }

    /// An event was recorded that nobody asked for at a till.
    ///
    /// # Errors
    /// When its name was given before.
    pub(super) fn records(&mut self, place: usize, event: EventId) -> Result<(), Violation> {
        self.ledger.records(place, event)
    }

    /// A terminal has started again, and these baskets are open at it.
    ///
    /// # Errors
    /// When one is missing, or has ended.
    pub(super) fn lists_open(&self, place: usize, open: &[OpenBasket]) -> Result<(), Violation> {
        self.ledger.lists_open(place, open)
    }

    /// Every disk of the store is put back at once.
    pub(super) fn all_put_back(&mut self) {
        self.managers.forget();
    }

    /// A terminal's disk is put back; the rest of the store and the image hold this.
    pub(super) fn put_back(&mut self, place: usize, held: &Held) {
        self.ledger.put_back(place, held);
    }

    /// Another box stands in the place of a terminal.
    pub(super) fn has_another_box(&mut self, place: usize) {
        self.ledger.has_another_box(place);
    }

    /// A power cut took the beginning of a basket, so soon after the answer that it may.
    pub(super) fn loses_begun(&mut self, place: usize, basket: BasketId) {
        self.ledger.loses_begun(place, basket);
    }

    /// What was promised, once nobody sells any more.
    pub(super) fn into_ledger(self) -> Ledger {
        self.ledger
    }
}

//! Managers who resolve exceptions at random, at any till: two of them at once, again where the answer was lost, and the other way round.

use std::collections::BTreeMap;

use edgepos::core::IdempotencyKey;
use edgepos::model::{ActionCode, BasketId, BookedName, Counter};
use edgepos::{
    Action, AuditEntry, Audited, OpenException, Refusal, Reply, RequestId, ResolutionState, Resolve,
    ResolveError, Terminal,
};
use edgepos_core::{EventId, Jitter};

use crate::check::{Rule, Violation};

/// Requests from this number on are a manager's.
const FIRST: u64 = 1 << 40;
/// Calls whose answer was lost that are kept for another try.
const MAX_UNANSWERED: usize = 16;

/// All managers of a store.
#[derive(Debug)]
pub(crate) struct Managers {
    rng: Jitter,
    requests: u64,
    waiting: BTreeMap<RequestId, (usize, Resolve)>,
    /// Calls of which nobody knows what became of them.
    unanswered: Vec<Resolve>,
    /// What each key came to.
    decided: BTreeMap<IdempotencyKey, EventId>,
}

impl Managers {
    pub(crate) fn new(rng: Jitter) -> Self {
        let (waiting, unanswered, decided) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        Self { rng, requests: FIRST, waiting, unanswered, decided }
    }

    /// Whether a reply is for a manager.
    pub(crate) fn has_asked(request: RequestId) -> bool {
        request.0 >= FIRST
    }

    /// What a manager asks at this till, now and then. Whose receipt it voids, where it does.
    pub(crate) fn act(
        &mut self,
        place: usize,
        terminal: &Terminal,
    ) -> Option<(RequestId, Resolve, Option<BasketId>)> {
        if self.rng.range(0, 12) > 0 {
            return None;
        }
        let (call, voids) = match self.rng.range(0, 10) {
            0..3 if !self.unanswered.is_empty() => (self.unanswered.swap_remove(0), None),
            0..6 => self.resolve(terminal)?,
            _ => (self.go_on(terminal)?, None),
        };
        self.requests += 1;
        let request = RequestId(self.requests);
        self.waiting.insert(request, (place, call.clone()));
        Some((request, call, voids))
    }

    /// A terminal has answered.
    ///
    /// # Errors
    /// When one key comes to two decisions.
    pub(crate) fn hear(
        &mut self,
        request: RequestId,
        reply: &Result<Reply, Refusal>,
    ) -> Result<(), Violation> {
        let Some((_, call)) = self.waiting.remove(&request) else {
            let what = format!("a manager got an answer to request {} twice", request.0);
            return Err(Violation::new(Rule::Alive, what));
        };
        match reply {
            Ok(Reply::Resolved(resolution)) => {
                let before = *self.decided.entry(call.key).or_insert(resolution.event);
                if before != resolution.event || resolution.resolved.refused.is_some() {
                    let what = format!("key {} is answered with {} and {before}", call.key, resolution.event);
                    return Err(Violation::new(Rule::OneResolution, what));
                }
                // Some press once more.
                if self.rng.range(0, 8) == 0 {
                    self.keep(call);
                }
            }
            Ok(other) => {
                return Err(Violation::new(Rule::Alive, format!("a manager was answered with {other:?}")));
            }
            Err(Refusal::Resolve(ResolveError::Undecided | ResolveError::NoMajority)) => self.keep(call),
            Err(_) => {}
        }
        Ok(())
    }

    /// Every disk is put back at once: what was decided since is decided no more, and who asks again is answered anew.
    pub(crate) fn forget(&mut self) {
        self.decided.clear();
    }

    /// A terminal's process is gone, and with it its requests.
    pub(crate) fn crashed(&mut self, place: usize) {
        let gone: Vec<_> =
            self.waiting.iter().filter(|(_, (at, _))| *at == place).map(|(request, _)| *request).collect();
        for request in gone {
            if let Some((_, call)) = self.waiting.remove(&request) {
                self.keep(call);
            }
        }
    }

    fn keep(&mut self, call: Resolve) {
        if self.unanswered.len() < MAX_UNANSWERED {
            self.unanswered.push(call);
        }
    }

    fn resolve(&mut self, terminal: &Terminal) -> Option<(Resolve, Option<BasketId>)> {
        let open = terminal.open_exceptions(None);
        let OpenException { raised, base, .. } = self.one_of(&open)?;
        let is_stock = raised.row().is_some_and(|row| row.counter == Counter::STOCK);
        let amount = self.rng.range(0, 8) as i64;
        let (action, voids) = match (raised.booked_twice(), self.rng.range(0, 6)) {
            (Some(BookedName::Basket(basket)), 0..5) => {
                let (refund, approved_by) = (amount % 2 == 0, "Bo".into());
                let transaction = *self.one_of(&raised.involved)?;
                (Action::VoidTransaction { transaction, refund, approved_by }, Some(basket))
            }
            (None, 0) if is_stock => (Action::Backorder, None),
            (None, 1) if is_stock => (Action::AdjustInventory { delta: amount - 2 }, None),
            (None, 2) if is_stock => (Action::Recount { counted: Some(amount) }, None),
            (None, 3) if is_stock => (Action::Recount { counted: None }, None),
            _ => (Action::Accept, None),
        };
        let seen = (self.rng.range(0, 2) == 0).then_some(*base);
        Some((self.call(raised.subject(), raised.episode, action, seen), voids))
    }

    fn go_on(&mut self, terminal: &Terminal) -> Option<Resolve> {
        let audit = terminal.resolutions(None);
        let stands = |entry: &&AuditEntry| {
            use ResolutionState::{Cancelled, Counted, Done, Fulfilled, Open};
            matches!(entry.state, Done | Open | Fulfilled | Cancelled | Counted)
        };
        let standing: Vec<_> = audit.iter().filter(stands).cloned().collect();
        let AuditEntry { event: of, what, state } = self.one_of(&standing)?.clone();
        let Audited::Resolved(resolved) = what else { return None };
        let amount = self.rng.range(0, 8) as i64;
        let action = match (resolved.action, self.rng.range(0, 4)) {
            (ActionCode::BACKORDER, 0) if state == ResolutionState::Open => Action::Fulfil { of },
            (ActionCode::BACKORDER, 1) if state == ResolutionState::Open => Action::Cancel { of },
            (ActionCode::RECOUNT, 0..3) if state == ResolutionState::Open => {
                Action::Count { of, counted: amount }
            }
            _ => Action::Undo { of },
        };
        Some(self.call(resolved.subject(), resolved.episode, action, None))
    }

    fn call(&mut self, row: &[u8], episode: u32, action: Action, base: Option<u64>) -> Resolve {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.rng.next_u64().to_be_bytes());
        let (actor, reason) = ("Ada".into(), "at random".into());
        Resolve { exception: row.to_vec(), episode, action, actor, reason, base, key: IdempotencyKey(key) }
    }

    fn one_of<'s, T>(&mut self, some: &'s [T]) -> Option<&'s T> {
        some.get(self.rng.range(0, some.len().max(1) as u64) as usize)
    }
}

//! Calls that resolve an exception, between their arrival and what the store has decided.

use std::collections::BTreeMap;
use std::time::Duration;

use edgepos_core::{IdempotencyKey, Now, Time};

use super::resolution::{
    Action, Advice, ExceptionResolved, MAX_NAME, MAX_REASON, Resolution, Resolve, ResolveError,
};
use crate::retail::effect::Effect;
use crate::retail::money::MAX_MAGNITUDE;
use crate::retail::redact::mask_card_numbers;
use crate::terminal::io::{Reply, RequestId};
use crate::terminal::refusal::Refusal;
use crate::terminal::unit_of_work::{Then, UnitOfWork};

/// How long a caller waits for the store. The decision may come all the same; the key finds it.
const PATIENCE: Duration = Duration::from_secs(10);

/// A decision that can be proposed.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) key: IdempotencyKey,
    pub(crate) body: ExceptionResolved,
    pub(crate) effects: Vec<Effect>,
}

/// Calls by their keys.
#[derive(Debug, Default)]
pub(crate) struct Resolving {
    under_way: BTreeMap<IdempotencyKey, UnderWay>,
    ready: Vec<Ready>,
}

#[derive(Debug)]
struct UnderWay {
    call: Resolve,
    advice: Option<Advice>,
    /// Everybody who asked with this key.
    waiting: Vec<RequestId>,
    until: Time,
}

/// Whether a call says what it may.
pub(super) fn check(call: &Resolve) -> Result<(), Refusal> {
    let name = |field, name: &str, longest| match name.len() {
        0 => Err(Refusal::BadField { field, reason: "nobody is named" }),
        long if long > longest => Err(Refusal::TooLarge { field, limit: longest }),
        _ => Ok(()),
    };
    name("actor", &call.actor, MAX_NAME)?;
    if call.reason.len() > MAX_REASON {
        return Err(Refusal::TooLarge { field: "reason", limit: MAX_REASON });
    }
    match &call.action {
        Action::VoidTransaction { approved_by, .. } => name("approved_by", approved_by, MAX_NAME),
        Action::AdjustInventory { delta: amount }
        | Action::Recount { counted: Some(amount) }
        | Action::Count { counted: amount, .. }
            if amount.unsigned_abs() > MAX_MAGNITUDE =>
        {
            Err(Refusal::Overflow)
        }
        Action::Recount { counted: Some(counted) } | Action::Count { counted, .. } if *counted < 0 => {
            Err(Refusal::BadField { field: "counted", reason: "there is no less than nothing" })
        }
        _ => Ok(()),
    }
}

/// The same without card-like numbers in what somebody wrote: they are masked, as everywhere.
pub(super) fn masked(mut call: Resolve) -> Resolve {
    call.actor = mask_card_numbers(&call.actor);
    call.reason = mask_card_numbers(&call.reason);
    if let Action::VoidTransaction { approved_by, .. } = &mut call.action {
        *approved_by = mask_card_numbers(approved_by);
    }
    call
}

impl Resolving {
    /// A call comes. Whether it is a new one; a repeat waits for the same answer.
    ///
    /// # Errors
    /// When another call has the key, or too much is under way.
    pub(super) fn enter(
        &mut self,
        now: Now,
        limit: usize,
        request: Option<RequestId>,
        call: &Resolve,
        advice: Option<Advice>,
    ) -> Result<bool, Refusal> {
        if let Some(under_way) = self.under_way.get_mut(&call.key) {
            if under_way.call != *call {
                return Err(Refusal::KeyBusy);
            }
            if under_way.waiting.len() >= limit {
                return Err(Refusal::Full { what: "repeats of one resolution", limit });
            }
            under_way.waiting.extend(request);
            return Ok(false);
        }
        if self.under_way.len() >= limit {
            return Err(Refusal::Full { what: "resolutions under way", limit });
        }
        let (call, waiting, until) = (call.clone(), request.into_iter().collect(), now.mono + PATIENCE);
        self.under_way.insert(call.key, UnderWay { call, advice, waiting, until });
        Ok(true)
    }

    /// The call under a key, and what it decides by itself.
    pub(super) fn call(&self, key: IdempotencyKey) -> Option<(&Resolve, Option<&Advice>)> {
        self.under_way.get(&key).map(|under_way| (&under_way.call, under_way.advice.as_ref()))
    }

    /// A call is refused in the same breath.
    pub(super) fn forget(&mut self, key: IdempotencyKey) {
        self.under_way.remove(&key);
    }

    /// A call can be proposed.
    pub(super) fn ready(&mut self, ready: Ready) {
        self.ready.push(ready);
    }

    /// What can be proposed, in the order of the calls.
    pub(crate) fn take_ready(&mut self) -> Vec<Ready> {
        std::mem::take(&mut self.ready)
    }

    /// A call comes to nothing.
    pub(crate) fn refuse(&mut self, out: &mut UnitOfWork, key: IdempotencyKey, refusal: &Refusal) {
        for request in self.end(key) {
            out.reply(request, Err(refusal.clone()));
        }
    }

    /// The store has decided about a key: everybody who waits is told, once it is durable.
    pub(super) fn decided(
        &mut self,
        out: &mut UnitOfWork,
        key: IdempotencyKey,
        outcome: Result<Resolution, ResolveError>,
    ) {
        let outcome = outcome.map_err(Refusal::from);
        for request in self.end(key) {
            match &outcome {
                Ok(resolution) => {
                    out.then(Then::Reply(request, Reply::Resolved(Box::new(resolution.clone()))));
                }
                Err(refusal) => out.reply(request, Err(refusal.clone())),
            }
        }
    }

    /// Whoever has waited long enough is told that nothing is decided yet.
    pub(crate) fn give_up(&mut self, now: Time, out: &mut UnitOfWork) {
        let over: Vec<_> =
            self.under_way.iter().filter(|(_, call)| call.until <= now).map(|(key, _)| *key).collect();
        for key in over {
            self.refuse(out, key, &ResolveError::Undecided.into());
        }
    }

    /// When somebody has waited long enough.
    pub(super) fn next_due(&self) -> Option<Time> {
        self.under_way.values().map(|call| call.until).min()
    }

    /// Ends every call. Whoever waits for one.
    pub(crate) fn stop(&mut self) -> Vec<RequestId> {
        self.ready.clear();
        std::mem::take(&mut self.under_way).into_values().flat_map(|call| call.waiting).collect()
    }

    fn end(&mut self, key: IdempotencyKey) -> Vec<RequestId> {
        self.under_way.remove(&key).map(|call| call.waiting).unwrap_or_default()
    }
}

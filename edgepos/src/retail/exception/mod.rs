//! Counters below their floor and what was booked twice: watched by every terminal, raised and ended by the store.

mod advising;
pub(crate) mod body;
mod compensation;
mod episodes;
pub(crate) mod judge;
mod numbers;
pub(crate) mod open;
pub(crate) mod policy;
pub(crate) mod resolution;
pub(crate) mod resolutions;
pub(crate) mod resolving;
pub(crate) mod reversal;
mod told;
mod watch;
pub(crate) mod watched;

use std::time::Duration;

use edgepos_core::{EventId, IdempotencyKey, Now, ReplicaId, Time};
use edgepos_crdt::{Item, VersionVector};
use edgepos_wire::{from_cbor, to_cbor};

use self::advising::Advising;
use self::body::{ExceptionEnded, ExceptionRaised};
use self::episodes::Episodes;
use self::judge::Standing;
use self::numbers::Numbers;
use self::open::OpenException;
use self::policy::Handling;
use self::resolution::{
    Action, ActionCode, Advice, ExceptionResolved, Resolution, ResolutionProposed, Resolve, ResolveError,
};
use self::resolutions::{AuditEntry, Resolutions};
use self::resolving::{Ready, Resolving};
use self::reversal::Reversal;
use self::told::Told;
use self::watched::{Due, Proposer, Subject, Watched};
use super::effect::{CounterRow, Effect};
use super::envelope::Envelope;
use super::keys::name::BookedName;
use super::kind::{Kind, KnownKind};
use super::stored_event::{self, Stored};
use crate::ports::Rows;
use crate::retail::unreadable::Unreadable;
use crate::terminal::Finding;
use crate::terminal::io::{Reply, RequestId};
use crate::terminal::refusal::Refusal;
use crate::terminal::unit_of_work::{Then, UnitOfWork, Wants};

/// What the log has raised and ended, and what it may have to.
#[derive(Debug, Default)]
pub(crate) struct Exceptions {
    episodes: Episodes,
    watched: Watched,
    resolutions: Resolutions,
    resolving: Resolving,
    advising: Advising,
    told: Told,
    numbers: Numbers,
    /// Up to when it was seen which master data of products is in force, in ms since 1970 UTC.
    looked_ms: u64,
    /// How often the store was asked to resolve something by itself, since the start.
    by_itself: u16,
}

impl Exceptions {
    /// Reads an exception without raising it.
    pub(crate) fn read(envelope: &Envelope) -> Result<ExceptionRaised, Unreadable> {
        Ok(from_cbor("exception", &envelope.body)?)
    }

    /// Reads a decision about an exception without carrying it out.
    pub(crate) fn read_resolved(envelope: &Envelope) -> Result<ExceptionResolved, Unreadable> {
        Ok(from_cbor("resolution", &envelope.body)?)
    }

    /// Reads what the resolver proposes.
    pub(crate) fn read_proposed(envelope: &Envelope) -> Result<ResolutionProposed, Unreadable> {
        Ok(from_cbor("proposed resolution", &envelope.body)?)
    }

    /// Reads the end of an exception without ending it.
    pub(crate) fn read_end(envelope: &Envelope) -> Result<ExceptionEnded, Unreadable> {
        Ok(from_cbor("end of an exception", &envelope.body)?)
    }

    /// Raises it, at this place of the store's chain. Whether it counts.
    pub(crate) fn raise(
        &mut self,
        now: Now,
        event: EventId,
        exception: &ExceptionRaised,
        standing: Standing<'_>,
        out: &mut UnitOfWork,
    ) -> bool {
        if let Some(name) = exception.booked_twice() {
            self.watched.raised(now, exception, name, out);
        }
        if let Some(number) = exception.receipt_number() {
            self.numbers.raised(&number);
        }
        let counts = self.episodes.raise(event, exception.clone(), out);
        if counts {
            self.advising.begin(now.mono, exception.subject());
            self.tell(exception.subject());
        }
        self.look_at_row(now, exception.row().as_ref(), standing);
        counts
    }

    /// Ends it, at this place of the store's chain. Whether it counts.
    pub(crate) fn end(
        &mut self,
        now: Now,
        event: EventId,
        ended: &ExceptionEnded,
        standing: Standing<'_>,
        out: &mut UnitOfWork,
    ) -> bool {
        let counts = self.episodes.end(event, ended.subject(), ended.episode, out);
        if counts {
            self.advising.end(ended.subject());
            self.tell(ended.subject());
            self.raise_anew(now, ended.subject(), ended.episode, out);
        }
        self.look_at_row(now, CounterRow::from_key(ended.subject()).as_ref(), standing);
        counts
    }

    /// What was booked more than once, and still is without the sale that was voided, or since it is voided no longer, is raised anew.
    fn raise_anew(&mut self, now: Now, row: &[u8], episode: u32, out: &mut UnitOfWork) {
        let Some((raised, _)) = self.episodes.find(&body::episode_key(row, episode)) else { return };
        let (Some(name), raised) = (raised.booked_twice(), raised.clone()) else { return };
        self.watched.look_at_name(now, name, None, false);
        self.note_twice(now, name, (&raised.involved, &raised.payments), out);
    }

    /// Somebody has decided, and that has this place. Whether it counts.
    pub(crate) fn resolve(
        &mut self,
        now: Now,
        event: EventId,
        resolved: &ExceptionResolved,
        effects: &[Effect],
        out: &mut UnitOfWork,
    ) -> bool {
        self.resolutions.resolved(event, resolved, effects, out);
        let episode = resolved.episode_key();
        if resolved.refused.is_none() {
            self.advising.end(resolved.subject());
            self.tell(resolved.subject());
            self.look_at_name(now, &episode);
            if resolved.action == ActionCode::UNDO && self.episodes.open(resolved.subject()).is_none() {
                self.raise_anew(now, resolved.subject(), resolved.episode, out);
            }
        }
        let first = self.resolutions.of_key(resolved.key()).unwrap_or(event);
        let outcome = self.outcome(first, first != event);
        self.resolving.decided(out, resolved.key(), outcome);
        resolved.refused.is_none()
    }

    /// The resolver has proposed something, and that has this place. Whether it counts.
    pub(crate) fn advised(
        &mut self,
        event: EventId,
        proposed: &ResolutionProposed,
        out: &mut UnitOfWork,
    ) -> bool {
        self.advising.end(proposed.subject());
        let counts = self.resolutions.proposed(event, proposed, out);
        self.tell(proposed.subject());
        counts
    }

    /// An exception of a name has ended once one of its sales is voided.
    fn look_at_name(&mut self, now: Now, episode: &[u8]) {
        let Some((raised, _)) = self.episodes.find(episode) else { return };
        let Some(name) = raised.booked_twice() else { return };
        let open = self.episodes.open(raised.subject()).filter(|open| open.episode == raised.episode);
        let first = self.resolutions.state(episode, None).resolution();
        let is_void = first.and_then(|first| self.resolutions.decision(first));
        let voids = is_void.is_some_and(|(resolved, _)| resolved.action == ActionCode::VOID_TRANSACTION);
        self.watched.look_at_name(now, name, open, voids);
    }

    /// What a manager has to know of the exception of a row.
    fn tell(&mut self, row: &[u8]) {
        let open = self.episodes.open(row);
        let is_open = |episode: &Vec<u8>| self.resolutions.state(episode, None).resolution().is_none();
        let unresolved = open.map(|open| (open, open.episode_key())).filter(|(_, episode)| is_open(episode));
        let kind = unresolved.map(|(open, episode)| {
            (open.exception, self.resolutions.proposal(&episode).map(|proposed| proposed.advice.action))
        });
        self.told.set(row, kind);
    }

    /// What a manager has to look at.
    pub(crate) fn unresolved(&self) -> Option<Finding> {
        self.told.finding()
    }

    /// What a decision came to.
    fn outcome(&self, event: EventId, repeated: bool) -> Result<Resolution, ResolveError> {
        let raised = self
            .resolutions
            .decision(event)
            .and_then(|(decided, _)| self.episodes.find(&decided.episode_key()).map(|(_, seq)| seq.0));
        let resolved = self.resolutions.outcome(event, raised)?.clone();
        Ok(Resolution { event, resolved, repeated })
    }

    /// A row as it is on disk.
    pub(crate) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        self.episodes.restore(key, value)
    }

    /// What became of an exception, as it is on disk.
    pub(crate) fn restore_end(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        self.episodes.restore_end(key, value)
    }

    /// A decision about an exception, as it is on disk.
    pub(crate) fn restore_resolution(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        self.resolutions.restore(key, value)
    }

    /// A row of what was booked more than once, as it is on disk.
    pub(crate) fn restore_twice(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        self.watched.restore_twice(key, value)
    }

    /// Whatever was booked twice under this event's name is not this event: it leaves its place, or comes where another left.
    pub(crate) fn forget_event(&mut self, id: EventId, out: &mut UnitOfWork) {
        self.watched.forget_event(id, out);
        self.numbers.forget_event(id, out);
    }

    /// An event has its place: whether its receipt has a number that another has.
    pub(crate) fn note_number(
        &mut self,
        now: Now,
        event: (EventId, &Envelope),
        held: &VersionVector,
        out: &mut UnitOfWork,
    ) {
        self.numbers.note(now, event, held, &self.episodes, out);
    }

    /// A piece of a chain was read of which receipts may have numbers that others have.
    pub(crate) fn numbers_read(&mut self, now: Now, rows: &Rows, out: &mut UnitOfWork) {
        self.numbers.read(now, rows, &self.episodes, out);
    }

    /// A row of receipts whose number another may have, as it is on disk.
    pub(crate) fn restore_number(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        self.numbers.restore(key, value)
    }

    /// Watches the numbers that several receipts have, behind [`start`](Self::start).
    pub(crate) fn start_numbers(&mut self, now: Now, held: &VersionVector) {
        self.numbers.start(now, held, &self.episodes);
    }

    /// Goes on to read receipts whose number another may have, of those that are durable.
    pub(crate) fn read_numbers(&mut self, durable: &VersionVector, out: &mut UnitOfWork) {
        self.numbers.read_on(durable, out);
    }

    /// These events were booked under one name, `payments` of them beside the others. It is written down until it is raised: a restart
    /// does not ask again.
    pub(crate) fn note_twice(
        &mut self,
        now: Now,
        name: BookedName,
        (events, payments): (&[EventId], &[EventId]),
        out: &mut UnitOfWork,
    ) {
        let events = self.resolutions.not_voided(events);
        self.watched.note_twice(now, name, (&events, payments), &self.episodes, out);
    }

    /// What has the next place of the store's chain for a decided event, where it is derived up to `decided`; `None` for a second
    /// proposal of an episode that the log has raised by then, which has no place: the first version passed it over, and all must count
    /// alike. One that was raised beyond `decided` is no repeat: a peer was faster, and this is the decision that it comes from. A
    /// resolution that does not count has its place without effects, so that whoever sums them up needs to know nothing of that.
    pub(crate) fn judge(&self, payload: Vec<u8>, decided: EventId) -> Option<Vec<u8>> {
        let Ok(envelope) = Envelope::decode(&payload) else { return Some(payload) };
        match envelope.kind {
            Kind::EXCEPTION_RAISED => {
                let raised = Self::read(&envelope).ok();
                let is_repeat = raised.is_some_and(|raised| self.episodes.has(&raised, decided));
                (!is_repeat).then_some(payload)
            }
            Kind::EXCEPTION_RESOLVED => {
                let verdict = Self::read_resolved(&envelope).ok().and_then(|resolved| {
                    let raised = self.episodes.open_at(&resolved.episode_key(), decided).map(|seq| seq.0);
                    let verdict = self.resolutions.verdict(&resolved, raised, Some(decided))?;
                    Some(resolved.refused(verdict))
                });
                Some(verdict.map_or(payload, |refused| without_effects(&envelope, &refused)))
            }
            _ => Some(payload),
        }
    }

    /// How many exceptions are open.
    pub(crate) fn open_count(&self) -> usize {
        self.episodes.open_count()
    }

    /// Each open exception behind the one about `after`, by what they are about.
    pub(crate) fn open_after(&self, after: Option<&[u8]>) -> impl Iterator<Item = &ExceptionRaised> {
        self.episodes.open_after(after)
    }

    /// Every row is restored: starts to watch.
    pub(crate) fn start(&mut self, now: Now, standing: Standing<'_>) {
        self.episodes.start();
        let open: Vec<_> = self
            .episodes
            .open_after(None)
            .map(|open| (open.subject().to_vec(), open.episode_key()))
            .collect();
        for (row, episode) in open {
            let is_resolved = self.resolutions.state(&episode, None).resolution().is_some();
            if !is_resolved && self.resolutions.proposal(&episode).is_none() {
                self.advising.begin(now.mono, &row);
            }
            self.look_at_name(now, &episode);
            self.tell(&row);
        }
        self.looked_ms = now.wall.0;
        for item in standing.counters.items() {
            self.look(now, item, standing);
        }
        self.watched.start(now, &self.episodes);
    }

    /// What counts as below a floor has changed for a product.
    pub(crate) fn look_at_stock(&mut self, now: Now, product: &str, standing: Standing<'_>) {
        for item in standing.counters.stock(product) {
            self.look(now, item, standing);
        }
    }

    /// A row has moved, or its exception has.
    pub(crate) fn look(&mut self, now: Now, item: Item, standing: Standing<'_>) {
        self.watched.look(now, item, standing, &self.episodes);
    }

    fn look_at_row(&mut self, now: Now, row: Option<&CounterRow>, standing: Standing<'_>) {
        if let Some(item) = row.and_then(|row| standing.counters.item(row)) {
            self.look(now, item, standing);
        }
    }

    /// What has been so for long enough and is not decided yet. Calls that the store makes by itself become [ready](Self::take_ready).
    pub(crate) fn due(
        &mut self,
        now: Now,
        by: Proposer<'_>,
        standing: Standing<'_>,
        out: &mut UnitOfWork,
    ) -> Vec<Due> {
        let since = std::mem::replace(&mut self.looked_ms, now.wall.0);
        for product in standing.catalogue.turned(since, now.wall.0) {
            self.look_at_stock(now, product, standing);
        }
        let Self { watched, episodes, resolutions, numbers, .. } = self;
        let mut due = watched.due_rows(now, by, standing, episodes);
        due.extend(numbers.due(now, by, standing));
        due.extend(watched.due_names(now, by, (standing, resolutions), episodes, out));
        if by.knows_ends {
            due.extend(self.due_advice(now, by, standing, out));
        }
        due
    }

    fn due_advice(
        &mut self,
        now: Now,
        by: Proposer<'_>,
        standing: Standing<'_>,
        out: &mut UnitOfWork,
    ) -> Vec<Due> {
        let mut due = Vec::new();
        for row in self.advising.due(now.mono, by.advice_within.unwrap_or_default()) {
            let Some(raised) = self.episodes.open(&row).cloned() else {
                self.advising.end(&row);
                continue;
            };
            if by.policy.handling(raised.exception) == Handling::Off {
                self.advising.end(&row);
                continue;
            }
            let advice = self.advising.advice(&raised, by.advice_within.is_some());
            let applies = by.policy.applies(raised.exception, &advice);
            if applies && self.resolve_by_itself(now, by.me, &raised, &advice, standing, out).is_some() {
                self.advising.proposed(now.mono, &row);
                continue;
            }
            let body = to_cbor(&ResolutionProposed::new(row.clone(), raised.episode, advice));
            due.push(Due { subject: Subject::Advice(row), kind: KnownKind::ResolutionProposed, body });
        }
        due
    }

    /// Makes the call by which the store does what it is advised; `None` where that takes a person, or cannot be done.
    fn resolve_by_itself(
        &mut self,
        now: Now,
        me: ReplicaId,
        raised: &ExceptionRaised,
        advice: &Advice,
        standing: Standing<'_>,
        out: &mut UnitOfWork,
    ) -> Option<()> {
        let (_, seq) = self.episodes.find(&raised.episode_key())?;
        self.by_itself = self.by_itself.wrapping_add(1);
        let mut key = [0; 16];
        key[..8].copy_from_slice(&me.0.to_be_bytes());
        key[8..].copy_from_slice(&now.wall.0.to_be_bytes());
        // Milliseconds since 1970 leave the upper two bytes free for thousands of years.
        key[8..10].copy_from_slice(&self.by_itself.to_be_bytes());
        let call = policy::call(raised, advice, seq.0, IdempotencyKey(key))?;
        self.resolving.enter(now, usize::MAX, None, &call, Some(advice.clone())).ok()?;
        self.prepare(now, &call, standing, out).inspect_err(|_| self.resolving.forget(call.key)).ok()
    }

    /// It was proposed, or the proposal was not taken.
    pub(crate) fn proposed(&mut self, now: Now, grace: Duration, subject: Subject, taken: bool) {
        self.watched.proposed(now, grace, &subject, taken);
        match (subject, taken) {
            (Subject::Advice(row), true) => self.advising.proposed(now.mono, &row),
            (Subject::Advice(row), false) => self.advising.postpone(now.mono, &row),
            (Subject::Number(number), _) => self.numbers.proposed(now, grace, &number, taken),
            (Subject::Row(_) | Subject::Name(_) | Subject::Settled(_), _) => {}
        }
    }

    /// When there may be something to propose.
    pub(crate) fn next_due(&self, by: Proposer<'_>) -> Option<Time> {
        let advice = || self.advising.next(by.advice_within.unwrap_or_default());
        let advice = by.knows_ends.then(advice).flatten();
        self.watched.next_due(by).into_iter().chain(self.numbers.next_due(by)).chain(advice).min()
    }

    /// See [`Terminal::resolve`](crate::Terminal::resolve).
    pub(crate) fn ask(
        &mut self,
        (now, limit): (Now, usize),
        request: RequestId,
        call: &Resolve,
        standing: Standing<'_>,
        out: &mut UnitOfWork,
    ) -> Result<(), Refusal> {
        resolving::check(call)?;
        let call = &resolving::masked(call.clone());
        if let Some(event) = self.resolutions.of_key(call.key) {
            if self.resolutions.decision(event).is_none_or(|(decided, _)| !decided.is_of(call)) {
                return Err(Refusal::KeyInUse { event });
            }
            let resolution = Reply::Resolved(Box::new(self.outcome(event, true)?));
            self.resolutions.keep(event, out);
            out.then(Then::Reply(request, resolution));
            return Ok(());
        }
        if self.resolving.enter(now, limit, Some(request), call, None)? {
            return self.prepare(now, call, standing, out).inspect_err(|_| self.resolving.forget(call.key));
        }
        Ok(())
    }

    /// Works out what a call decides: at once, or when the sale that is voided is read.
    fn prepare(
        &mut self,
        now: Now,
        call: &Resolve,
        standing: Standing<'_>,
        out: &mut UnitOfWork,
    ) -> Result<(), Refusal> {
        let episode = body::episode_key(&call.exception, call.episode);
        let unknown = ResolveError::Unknown { episode: call.episode };
        let (raised, seq) = self.episodes.find(&episode).ok_or(unknown)?;
        let is_open = self.episodes.open(&call.exception).is_some_and(|open| open.episode == call.episode);
        let state = self.resolutions.state(&episode, None);
        let base = call.base.or(state.base()).unwrap_or(seq.0);
        let mut body = ExceptionResolved::of_call(call, now.wall.0, base);
        if let Some(verdict) = self.resolutions.verdict(&body, is_open.then_some(seq.0), None) {
            return Err(self.resolutions.error(&body, verdict, Some(seq.0), None).into());
        }
        if let Action::VoidTransaction { transaction, .. } = call.action {
            stored_event::ask(transaction, Wants::Voided { key: call.key, base, event: transaction }, out);
            return Ok(());
        }
        let item = raised.row().and_then(|row| standing.counters.item(&row));
        let look = item.and_then(|item| standing.look(item, now.wall.0));
        let (effects, amount) = compensation::effects(&call.action, look.as_ref(), &self.resolutions)?;
        body.amount = body.amount.or(amount);
        if let Action::Undo { of } = call.action {
            let undone = self.resolutions.decision(of).and_then(|(undone, _)| undone.reversal.clone());
            body.reversal = undone.map(|undone| Box::new(undone.backwards()));
        }
        self.make_ready(body, effects);
        Ok(())
    }

    fn make_ready(&mut self, mut body: ExceptionResolved, effects: Vec<Effect>) {
        let key = body.key();
        body.advice = self.resolving.call(key).and_then(|(_, advice)| advice.cloned());
        self.resolving.ready(Ready { key, body, effects });
    }

    /// The sale that a call voids was read.
    pub(crate) fn sale_loaded(
        &mut self,
        now: Now,
        (key, base): (IdempotencyKey, u64),
        stored: &Stored,
        standing: Standing<'_>,
        out: &mut UnitOfWork,
    ) {
        let Some((call, _)) = self.resolving.call(key) else { return };
        let Action::VoidTransaction { transaction, refund, .. } = call.action else { return };
        let mut body = ExceptionResolved::of_call(call, now.wall.0, base);
        let (envelope, reason) = match stored {
            Stored::Whole(record, _) => (Envelope::decode(&record.payload).ok(), "it cannot be read"),
            Stored::Damaged => (None, "it is damaged here: it is asked for, or another till has it"),
            Stored::Missing => (None, "it is not held here"),
        };
        let raised = self.episodes.find(&body.episode_key()).map(|(raised, _)| raised);
        let made = match (raised, &envelope) {
            (Some(raised), Some(envelope)) => {
                let counts = standing.reissued.counts(transaction, envelope);
                let sale = from_cbor("transaction", &envelope.body).ok();
                body.reversal = sale.and_then(|sale| Reversal::of_sale(envelope, sale, refund)).map(Box::new);
                compensation::of_voided(raised, (transaction, refund), envelope, counts)
            }
            _ => Err(ResolveError::BadTransaction { transaction, reason }),
        };
        match made {
            Ok(effects) => self.make_ready(body, effects),
            Err(error) => self.resolving.refuse(out, key, &error.into()),
        }
    }

    /// The calls, between their arrival and what the store has decided.
    pub(crate) fn calls(&mut self) -> &mut Resolving {
        &mut self.resolving
    }

    /// When somebody who has called is to be told that nothing is decided.
    pub(crate) fn next_to_give_up(&self) -> Option<Time> {
        self.resolving.next_due()
    }

    /// An open exception of which the resolver was not asked yet.
    pub(crate) fn next_to_advise(&mut self) -> Option<ExceptionRaised> {
        let row = self.advising.next_to_ask()?;
        self.episodes.open(&row).cloned()
    }

    /// The resolver has answered.
    pub(crate) fn advise(&mut self, now: Now, raised: &ExceptionRaised, advice: Advice) {
        self.advising.answer(now.mono, raised.subject(), raised.episode, advice);
    }

    /// Each open exception behind the one about `after`, with what is proposed and decided about it.
    pub(crate) fn open_with_resolutions(&self, after: Option<&[u8]>) -> impl Iterator<Item = OpenException> {
        self.open_after(after).map(move |raised| {
            let episode = raised.episode_key();
            let state = self.resolutions.state(&episode, None);
            let raised_at = self.episodes.find(&episode).map_or(0, |(_, seq)| seq.0);
            let resolution = state.resolution().and_then(|event| self.resolutions.decision(event));
            OpenException {
                raised: raised.clone(),
                base: state.base().unwrap_or(raised_at),
                proposed: self.resolutions.proposal(&episode).map(|proposed| proposed.advice.clone()),
                resolution: state.resolution(),
                resolved: resolution.map(|(resolved, _)| resolved.clone()),
            }
        })
    }

    /// The audit record behind a place.
    pub(crate) fn audit_after(&self, after: Option<EventId>) -> impl Iterator<Item = AuditEntry> + '_ {
        self.resolutions.after(after)
    }
}

/// A decision as it is placed where it does not count: of the envelope no more than this, for ever, since each terminal writes it anew.
fn without_effects(envelope: &Envelope, refused: &ExceptionResolved) -> Vec<u8> {
    let mut bare = Envelope::new(envelope.kind, envelope.utc_ms, envelope.hlc(), to_cbor(refused));
    (bare.workstation, bare.location) = (envelope.workstation, envelope.location);
    bare.utc_offset_min = envelope.utc_offset_min;
    bare.encode()
}

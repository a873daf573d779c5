//! What was proposed and decided about exceptions, in the order of the store's chain: the audit record, and what counts of it.

use std::collections::BTreeMap;
use std::ops::Bound;

use edgepos_core::{EventId, IdempotencyKey, Space, Write};
use edgepos_wire::{from_cbor, to_cbor};
use minicbor::bytes::ByteVec;

use super::resolution::{ActionCode, ExceptionResolved, ResolutionProposed, ResolveError, Verdict};
use crate::retail::effect::Effect;
use crate::retail::unreadable::Unreadable;
use crate::terminal::unit_of_work::UnitOfWork;

/// What a row holds.
const RESOLVED: u8 = 0;
const PROPOSED: u8 = 1;

/// What the store's log has said about resolutions.
#[derive(Debug, Default)]
pub(super) struct Resolutions {
    /// By their places in the store's chain.
    log: BTreeMap<EventId, Entry>,
    /// Of each episode, in the order of the chain.
    of_episode: BTreeMap<Vec<u8>, Vec<EventId>>,
    /// What each key has decided first.
    of_key: BTreeMap<IdempotencyKey, EventId>,
    /// Decisions that void a sale.
    voids: BTreeMap<EventId, Vec<EventId>>,
}

#[derive(Debug)]
enum Entry {
    Resolved(ExceptionResolved, Vec<Effect>),
    Proposed(ResolutionProposed),
}

/// What one episode has come to, up to a place of the chain.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Decisions that count and are not taken back, the latest last: a resolution, and what went on from it.
    standing: Vec<(EventId, ActionCode)>,
    /// The latest decision that counted.
    latest: Option<EventId>,
}

/// One line of the audit record: something was proposed or decided about an exception.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditEntry {
    /// Its place in the store's chain.
    pub event: EventId,
    /// What was proposed or decided.
    pub what: Audited,
    /// What has become of it.
    pub state: ResolutionState,
}

/// What a line of the audit record says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Audited {
    /// The resolver proposed something.
    Proposed(ResolutionProposed),
    /// Somebody decided, or the resolver did by itself.
    Resolved(ExceptionResolved),
}

/// What has become of a proposal or a decision.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum ResolutionState {
    /// It was proposed, which moves nothing.
    Proposed,
    /// It has its place and no effect.
    Refused,
    /// It counts, and waits for nothing.
    Done,
    /// It counts, and waits: goods are owed, or something is to be counted.
    Open,
    /// What was owed is handed out.
    Fulfilled,
    /// What was owed is owed no longer.
    Cancelled,
    /// What was to be counted is counted.
    Counted,
    /// It was taken back.
    Undone,
}

impl ResolutionState {
    /// Its name, in snake case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Refused => "refused",
            Self::Done => "done",
            Self::Open => "open",
            Self::Fulfilled => "fulfilled",
            Self::Cancelled => "cancelled",
            Self::Counted => "counted",
            Self::Undone => "undone",
        }
    }
}

impl State {
    /// The resolution that counts.
    pub(super) fn resolution(&self) -> Option<EventId> {
        self.standing.first().map(|(event, _)| *event)
    }

    /// The position of the latest decision that counted.
    pub(super) fn base(&self) -> Option<u64> {
        self.latest.map(|latest| latest.seq.0)
    }

    /// Whether this goes on from what stands.
    fn goes_on(&self, action: ActionCode, of: EventId, is_counted: bool) -> bool {
        let is_latest = self.standing.last().is_some_and(|(latest, _)| *latest == of);
        let first = |code| self.standing.len() == 1 && self.standing[0].1 == code;
        is_latest
            && match action {
                ActionCode::FULFIL | ActionCode::CANCEL => first(ActionCode::BACKORDER),
                ActionCode::COUNT => first(ActionCode::RECOUNT) && !is_counted,
                _ => true,
            }
    }
}

impl Resolutions {
    /// A row of [`Space::Resolution`] as it is on disk.
    pub(super) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let event = EventId::from_key(key).ok_or(Unreadable::NoName { what: "a decision" })?;
        let (what, body, effects): (u8, ByteVec, Vec<Effect>) = from_cbor("resolution row", value)?;
        match what {
            RESOLVED => self.enter(event, Entry::Resolved(from_cbor("resolution", &body)?, effects)),
            PROPOSED => self.enter(event, Entry::Proposed(from_cbor("proposed resolution", &body)?)),
            // A later version may keep more here.
            _ => {}
        }
        Ok(())
    }

    /// A decision has its place.
    pub(super) fn resolved(
        &mut self,
        event: EventId,
        resolved: &ExceptionResolved,
        effects: &[Effect],
        out: &mut UnitOfWork,
    ) {
        out.write(row(event, RESOLVED, to_cbor(resolved), effects));
        self.enter(event, Entry::Resolved(resolved.clone(), effects.to_vec()));
    }

    /// A proposal has its place. Whether it is the first of its episode.
    pub(super) fn proposed(
        &mut self,
        event: EventId,
        proposed: &ResolutionProposed,
        out: &mut UnitOfWork,
    ) -> bool {
        let is_first = self.proposal(&proposed.episode_key()).is_none();
        out.write(row(event, PROPOSED, to_cbor(proposed), &[]));
        self.enter(event, Entry::Proposed(proposed.clone()));
        is_first
    }

    fn enter(&mut self, event: EventId, entry: Entry) {
        // An event that was mended is interpreted once more.
        if self.log.contains_key(&event) {
            return;
        }
        let episode = match &entry {
            Entry::Resolved(resolved, _) => {
                let first = self.of_key.entry(resolved.key()).or_insert(event);
                *first = event.min(*first);
                if let Some(transaction) = resolved.transaction.filter(|_| resolved.refused.is_none()) {
                    self.voids.entry(transaction).or_default().push(event);
                }
                resolved.episode_key()
            }
            Entry::Proposed(proposed) => proposed.episode_key(),
        };
        let places = self.of_episode.entry(episode).or_default();
        // Rows are restored in any order.
        let at = places.partition_point(|place| *place < event);
        places.insert(at, event);
        self.log.insert(event, entry);
    }

    /// Writes a decision down once more, for an answer that waits until it is durable.
    pub(super) fn keep(&self, event: EventId, out: &mut UnitOfWork) {
        if let Some(Entry::Resolved(resolved, effects)) = self.log.get(&event) {
            out.write(row(event, RESOLVED, to_cbor(resolved), effects));
        }
    }

    /// The first proposal of an episode.
    pub(super) fn proposal(&self, episode: &[u8]) -> Option<&ResolutionProposed> {
        self.of_episode.get(episode)?.iter().find_map(|event| match self.log.get(event)? {
            Entry::Proposed(proposed) => Some(proposed),
            Entry::Resolved(..) => None,
        })
    }

    /// What the decisions up to a place, itself included, make of an episode.
    pub(super) fn state(&self, episode: &[u8], upto: Option<EventId>) -> State {
        let mut state = State::default();
        let places = self.of_episode.get(episode).into_iter().flatten();
        for event in places.take_while(|event| upto.is_none_or(|upto| **event <= upto)) {
            let Some(Entry::Resolved(resolved, _)) = self.log.get(event) else { continue };
            if resolved.refused.is_some() {
                continue;
            }
            state.latest = Some(*event);
            if resolved.action == ActionCode::UNDO {
                state.standing.pop();
            } else {
                state.standing.push((*event, resolved.action));
            }
        }
        state
    }

    /// Why a decision behind `upto`, or behind all, has no effect, where it has none. `raised`: where its episode was raised, while it
    /// is open.
    pub(super) fn verdict(
        &self,
        decision: &ExceptionResolved,
        raised: Option<u64>,
        upto: Option<EventId>,
    ) -> Option<Verdict> {
        if self.of_key.get(&decision.key()).is_some_and(|first| upto.is_none_or(|upto| *first <= upto)) {
            return Some(Verdict::REPEATED);
        }
        let state = self.state(&decision.episode_key(), upto);
        if decision.action.is_step() {
            let goes_on =
                decision.of.is_some_and(|of| state.goes_on(decision.action, of, self.is_counted(of)));
            if !goes_on {
                return Some(Verdict::NO_SUCH_STEP);
            }
        } else if state.resolution().is_some() {
            return Some(Verdict::RESOLVED_BEFORE);
        } else if raised.is_none() {
            return Some(Verdict::NOT_OPEN);
        }
        if state.base().or(raised) != Some(decision.base) {
            return Some(Verdict::STALE);
        }
        let voided = decision.transaction.is_some_and(|sale| self.voided_by(sale, upto).is_some());
        voided.then_some(Verdict::VOIDED_BEFORE)
    }

    /// The decision that voids a sale and is not taken back, up to a place.
    pub(super) fn voided_by(&self, sale: EventId, upto: Option<EventId>) -> Option<EventId> {
        let voids = self.voids.get(&sale)?;
        voids.iter().copied().find(|event| {
            let Some(Entry::Resolved(resolved, _)) = self.log.get(event) else { return false };
            let state = self.state(&resolved.episode_key(), upto);
            state.standing.iter().any(|(standing, _)| standing == event)
        })
    }

    /// Those of these events that no decision voids.
    pub(super) fn not_voided(&self, events: &[EventId]) -> Vec<EventId> {
        let stands = |event: &EventId| self.voided_by(*event, None).is_none();
        events.iter().copied().filter(stands).collect()
    }

    fn is_counted(&self, of: EventId) -> bool {
        matches!(self.log.get(&of), Some(Entry::Resolved(resolved, _)) if resolved.amount.is_some())
    }

    /// The decision at a place, with what it did to counters.
    pub(super) fn decision(&self, event: EventId) -> Option<(&ExceptionResolved, &[Effect])> {
        match self.log.get(&event)? {
            Entry::Resolved(resolved, effects) => Some((resolved, effects)),
            Entry::Proposed(_) => None,
        }
    }

    /// What a key has decided first.
    pub(super) fn of_key(&self, key: IdempotencyKey) -> Option<EventId> {
        self.of_key.get(&key).copied()
    }

    /// What the decision at a place came to: itself, or why it did nothing. `raised`: where its episode was raised, as far as is known.
    pub(super) fn outcome(
        &self,
        event: EventId,
        raised: Option<u64>,
    ) -> Result<&ExceptionResolved, ResolveError> {
        let Some((decision, _)) = self.decision(event) else { return Err(ResolveError::Undecided) };
        let Some(verdict) = decision.refused else { return Ok(decision) };
        // A decision that is refused changes nothing of what it is judged by.
        Err(self.error(decision, verdict, raised, Some(event)))
    }

    /// What a verdict about a decision says to whoever asked.
    pub(super) fn error(
        &self,
        decision: &ExceptionResolved,
        verdict: Verdict,
        raised: Option<u64>,
        upto: Option<EventId>,
    ) -> ResolveError {
        let state = self.state(&decision.episode_key(), upto);
        let (base, episode) = (decision.base, decision.episode);
        let current = state.base().or(raised).unwrap_or(base);
        match (verdict, state.resolution(), decision.of, decision.transaction) {
            (Verdict::RESOLVED_BEFORE, Some(by), ..) => ResolveError::ResolvedBefore { by },
            (Verdict::STALE, ..) => ResolveError::Stale { base, current },
            (Verdict::NO_SUCH_STEP, _, Some(of), _) => ResolveError::NoSuchStep { of },
            (Verdict::VOIDED_BEFORE, .., Some(transaction)) => ResolveError::VoidedBefore { transaction },
            _ if raised.is_none() => ResolveError::Unknown { episode },
            _ => ResolveError::Ended { episode },
        }
    }

    /// Lines of the audit record behind a place, in the order of the chain.
    pub(super) fn after(&self, after: Option<EventId>) -> impl Iterator<Item = AuditEntry> + '_ {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.log.range((start, Bound::Unbounded)).map(|(event, entry)| AuditEntry {
            event: *event,
            what: match entry {
                Entry::Resolved(resolved, _) => Audited::Resolved(resolved.clone()),
                Entry::Proposed(proposed) => Audited::Proposed(proposed.clone()),
            },
            state: self.state_of(*event, entry),
        })
    }

    fn state_of(&self, event: EventId, entry: &Entry) -> ResolutionState {
        let resolved = match entry {
            Entry::Proposed(_) => return ResolutionState::Proposed,
            Entry::Resolved(resolved, _) if resolved.refused.is_some() => return ResolutionState::Refused,
            Entry::Resolved(resolved, _) => resolved,
        };
        if resolved.action == ActionCode::UNDO {
            return ResolutionState::Done;
        }
        let standing = self.state(&resolved.episode_key(), None).standing;
        let Some(at) = standing.iter().position(|(standing, _)| *standing == event) else {
            return ResolutionState::Undone;
        };
        match (resolved.action, standing.get(at + 1).map(|(_, action)| *action)) {
            (ActionCode::BACKORDER, None) => ResolutionState::Open,
            (ActionCode::RECOUNT, None) if resolved.amount.is_none() => ResolutionState::Open,
            (_, Some(ActionCode::FULFIL)) => ResolutionState::Fulfilled,
            (_, Some(ActionCode::CANCEL)) => ResolutionState::Cancelled,
            (_, Some(ActionCode::COUNT)) => ResolutionState::Counted,
            _ => ResolutionState::Done,
        }
    }
}

fn row(event: EventId, what: u8, body: Vec<u8>, effects: &[Effect]) -> Write {
    Write::put(Space::Resolution, event.to_key(), to_cbor(&(what, ByteVec::from(body), effects)))
}

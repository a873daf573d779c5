//! One resolution with effect for each episode, judged here anew by the order of the store's chain; every terminal says the same of it.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::model::{Envelope, ExceptionEnded, ExceptionRaised, Kind};
use edgepos_core::{Chain, EventId, Lane, ReplicaId, Seq, StoreGeneration};
use minicbor::bytes::{ByteArray, ByteVec};
use minicbor::{Decode, Encode};

use super::events::Events;
use super::rule::{Rule, Violation};
use super::view::{StoreView, TerminalView};

/// Numbers of actions that go on from an earlier decision, and of what they go on from.
const BACKORDER: u8 = 0;
const RECOUNT: u8 = 2;
const UNDO: u8 = 5;
const FULFIL: u8 = 6;
const CANCEL: u8 = 7;
const COUNT: u8 = 8;

/// A decision without what a later version may add, by `docs/formats.md`: what is refused is these fields.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
struct Resolved {
    #[n(0)]
    row: ByteVec,
    #[n(1)]
    episode: u32,
    #[n(2)]
    action: u8,
    #[n(3)]
    actor: String,
    #[n(4)]
    reason: String,
    #[n(5)]
    at_ms: u64,
    #[n(6)]
    base: u64,
    #[n(7)]
    key: ByteArray<16>,
    #[n(8)]
    of: Option<ByteArray<17>>,
    #[n(9)]
    amount: Option<i64>,
    #[n(10)]
    transaction: Option<ByteArray<17>>,
    #[n(11)]
    refund: Option<bool>,
    #[n(12)]
    approved_by: Option<String>,
    #[n(14)]
    refused: Option<u8>,
}

/// What stands of an episode: position, action, amount, the sale that is voided.
type Standing = (u64, u8, Option<i64>, Option<ByteArray<17>>);

/// The store's chain as it is placed, one decision behind the other.
#[derive(Debug, Default)]
pub(crate) struct Placing {
    placed: u64,
    raised: BTreeSet<Vec<u8>>,
    /// Of each row the latest episode that counts, and whether it is open.
    rows: BTreeMap<Vec<u8>, (u32, bool)>,
    episodes: BTreeMap<Vec<u8>, Episode>,
    keys: BTreeSet<[u8; 16]>,
}

#[derive(Debug, Default)]
struct Episode {
    /// The position of what was decided last.
    base: u64,
    standing: Vec<Standing>,
}

impl Placing {
    /// How many events are placed.
    pub(crate) fn placed(&self) -> u64 {
        self.placed
    }

    /// What has the next place for a decision; `None` for a second proposal of one episode.
    pub(crate) fn judge(&self, payload: &[u8]) -> Option<Vec<u8>> {
        if let Some(raised) = body::<ExceptionRaised>(payload, Kind::EXCEPTION_RAISED) {
            return (!self.raised.contains(&raised.episode_key())).then(|| payload.to_vec());
        }
        let Some(resolved) = body::<Resolved>(payload, Kind::EXCEPTION_RESOLVED) else {
            return Some(payload.to_vec());
        };
        let Some(verdict) = self.verdict(&resolved) else { return Some(payload.to_vec()) };
        let envelope = Envelope::decode(payload).ok()?;
        let mut bare = Envelope::new(envelope.kind, envelope.utc_ms, envelope.hlc(), Vec::new());
        (bare.workstation, bare.location) = (envelope.workstation, envelope.location);
        bare.utc_offset_min = envelope.utc_offset_min;
        bare.body = minicbor::to_vec(Resolved { refused: Some(verdict), ..resolved }).ok()?;
        Some(bare.encode())
    }

    /// The next event of the chain.
    pub(crate) fn place(&mut self, payload: &[u8]) {
        self.placed += 1;
        let at = self.placed;
        if let Some(raised) = body::<ExceptionRaised>(payload, Kind::EXCEPTION_RAISED) {
            let (latest, open) = self.rows.entry(raised.subject().to_vec()).or_default();
            if !*open && raised.episode == *latest + 1 {
                (*latest, *open) = (raised.episode, true);
                self.episodes.entry(raised.episode_key()).or_default().base = at;
            }
            self.raised.insert(raised.episode_key());
        }
        if let Some(ended) = body::<ExceptionEnded>(payload, Kind::EXCEPTION_ENDED) {
            let row = self.rows.entry(ended.subject().to_vec()).or_default();
            row.1 &= row.0 != ended.episode;
        }
        if let Some(resolved) = body::<Resolved>(payload, Kind::EXCEPTION_RESOLVED) {
            self.keys.insert(*resolved.key);
            if resolved.refused.is_some() {
                return;
            }
            let episode = self.episodes.entry(key(&resolved)).or_default();
            episode.base = at;
            if resolved.action == UNDO {
                episode.standing.pop();
            } else {
                episode.standing.push((at, resolved.action, resolved.amount, resolved.transaction));
            }
        }
    }

    fn verdict(&self, resolved: &Resolved) -> Option<u8> {
        if self.keys.contains(&*resolved.key) {
            return Some(0);
        }
        let none = Episode::default();
        let episode = self.episodes.get(&key(resolved)).unwrap_or(&none);
        let is_top = |standing: &&Standing| resolved.of.as_deref() == Some(&place(standing.0));
        let top = episode.standing.last().filter(is_top);
        let alone = episode.standing.len() == 1;
        match (resolved.action, top) {
            (UNDO, Some(_)) => {}
            (FULFIL | CANCEL, Some((_, BACKORDER, ..))) if alone => {}
            (COUNT, Some((_, RECOUNT, None, _))) if alone => {}
            (UNDO | FULFIL | CANCEL | COUNT, _) => return Some(4),
            _ if !episode.standing.is_empty() => return Some(2),
            _ if self.rows.get(resolved.row.as_slice()) != Some(&(resolved.episode, true)) => return Some(1),
            _ => {}
        }
        if episode.base != resolved.base {
            return Some(3);
        }
        let mut voided = self.episodes.values().flat_map(|episode| &episode.standing);
        let twice = resolved.transaction.is_some() && voided.any(|(.., sale)| *sale == resolved.transaction);
        twice.then_some(5)
    }
}

/// How many decisions of the store's chain count, and how many have their place and no effect.
pub(crate) fn count(events: &Events) -> (u64, u64) {
    let of_store = events.iter().filter(|(id, _)| id.chain.replica.is_store());
    let resolved = of_store.filter_map(|(_, payload)| body::<Resolved>(payload, Kind::EXCEPTION_RESOLVED));
    let (refused, counting): (Vec<_>, Vec<_>) = resolved.partition(|resolved| resolved.refused.is_some());
    (counting.len() as u64, refused.len() as u64)
}

pub(super) fn check(view: &StoreView, found: &mut Vec<Violation>) {
    for terminal in &view.terminals {
        let mut placing = Placing::default();
        let of_store = terminal.events.iter().filter(|(id, _)| id.chain.replica.is_store());
        for (id, payload) in of_store {
            let resolved = body::<Resolved>(payload, Kind::EXCEPTION_RESOLVED);
            let says = |resolved: &Resolved| placing.verdict(resolved) == resolved.refused;
            if resolved.is_some_and(|resolved| !says(&resolved))
                || placing.judge(payload).is_some_and(|placed| placed != *payload)
            {
                let what =
                    format!("{} holds {id}, which does not say what the chain makes of it", terminal.replica);
                found.push(Violation::new(Rule::OneResolution, what));
            }
            placing.place(payload);
        }
        let effective: Vec<_> = placing.episodes.values().filter(|episode| more_than_one(episode)).collect();
        if !effective.is_empty() {
            let what =
                format!("{} episodes have several resolutions on {}", effective.len(), terminal.replica);
            found.push(Violation::new(Rule::OneResolution, what));
        }
    }
    let today: Vec<&TerminalView> = view.terminals.iter().filter(|terminal| !terminal.later).collect();
    for pair in today.windows(2) {
        if pair[0].audit != pair[1].audit {
            let (one, other) = (pair[0].replica, pair[1].replica);
            let what = format!("{one} and {other} say different things of what was resolved");
            found.push(Violation::new(Rule::OneResolution, what));
        }
    }
}

/// Whether a resolution stands behind another.
fn more_than_one(episode: &Episode) -> bool {
    episode.standing.iter().skip(1).any(|(_, action, ..)| ![FULFIL, CANCEL, COUNT].contains(action))
}

fn key(resolved: &Resolved) -> Vec<u8> {
    [resolved.row.as_slice(), &resolved.episode.to_be_bytes()].concat()
}

fn place(at: u64) -> [u8; 17] {
    EventId::new(Chain::new(ReplicaId::store(StoreGeneration(0)), Lane::Transactions), Seq(at)).to_key()
}

fn body<T: for<'b> minicbor::Decode<'b, ()>>(payload: &[u8], kind: Kind) -> Option<T> {
    let envelope = Envelope::decode(payload).ok().filter(|envelope| envelope.kind == kind)?;
    minicbor::decode(&envelope.body).ok()
}

#[cfg(test)]
mod tests {
    use edgepos::crdt::Hlc;
    use edgepos::model::{CounterRow, Effect};

    use super::super::view::tests::{exception, store_of, with_exceptions};
    use super::*;

    /// Stock adjusted by 2, under this key, by somebody who had seen this position.
    fn adjusts(key: u8, base: u64, refused: Option<u8>) -> Vec<u8> {
        let resolved = Resolved {
            row: exception().subject().to_vec().into(),
            episode: 1,
            action: 1,
            actor: "Ada".into(),
            reason: String::new(),
            at_ms: 0,
            base,
            key: [key; 16].into(),
            of: None,
            amount: Some(2),
            transaction: None,
            refund: None,
            approved_by: None,
            refused,
        };
        let body = minicbor::to_vec(resolved).unwrap();
        let mut envelope = Envelope::new(Kind::EXCEPTION_RESOLVED, 0, Hlc(1), body);
        if refused.is_none() {
            envelope.effects = vec![Effect::new(CounterRow::stock("milk", 0), 2, None)];
        }
        envelope.encode()
    }

    /// A store that has raised an exception and decided this about it.
    fn found(decided: &[Vec<u8>]) -> usize {
        let mut view = with_exceptions(store_of(&[]), &[exception()]);
        for (seq, payload) in (2..).zip(decided) {
            let id = EventId::from_key(&place(seq)).unwrap();
            view.terminals.iter_mut().for_each(|terminal| drop(terminal.events.insert(id, payload.clone())));
        }
        let mut found = Vec::new();
        check(&view, &mut found);
        assert!(found.iter().all(|violation| violation.rule == Rule::OneResolution), "{found:?}");
        found.len()
    }

    #[test]
    fn a_second_resolution_has_no_effect() {
        assert_eq!(found(&[adjusts(1, 1, None), adjusts(2, 1, Some(2))]), 0);
        assert_eq!(
            found(&[adjusts(1, 1, None), adjusts(2, 1, None)]),
            4,
            "each terminal counts it, and twice"
        );
    }

    #[test]
    fn a_base_that_is_not_the_latest_counts_for_nothing() {
        assert_eq!(found(&[adjusts(1, 0, Some(3))]), 0);
        assert_eq!(found(&[adjusts(1, 0, None)]), 2);
        assert_eq!(found(&[adjusts(1, 1, Some(3))]), 2, "and one that is counts");
    }

    #[test]
    fn terminals_that_say_different_things_are_noticed() {
        let mut view = store_of(&[]);
        let (event, state) = (EventId::from_key(&place(1)).unwrap(), edgepos::ResolutionState::Refused);
        let resolved = minicbor::decode(&Envelope::decode(&adjusts(1, 0, Some(3))).unwrap().body).unwrap();
        let what = edgepos::Audited::Resolved(resolved);
        view.terminals[1].audit.push(edgepos::AuditEntry { event, what, state });
        let mut found = Vec::new();
        check(&view, &mut found);
        assert_eq!(found.len(), 1);
    }
}

//! What is damaged on this disk: examined, asked for of peers and the cloud, written again, or declared lost.
//!
//! Only its owner declares an event lost, and only where nobody who was heard since the start states that it holds it. Until then its
//! chain is sent up to it, and every other chain goes on.

mod examine;
mod look;
mod scrub;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use edgepos_core::{ConnectionId, EventId, LoadId, ReplicaId, Seq, Time};

use self::examine::Finding;
use self::look::Look;
use self::scrub::Scrub;
use crate::cloud::uploader::Uploader;
use crate::event::{EventRecord, Hash};
use crate::gap::Gap;
use crate::io::Notice;
use crate::peers::Peers;
use crate::turn::Turn;
use crate::wire::batch::{Batch, Link, Run};

/// How long others may take to state that they hold an event before its owner declares it lost.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often those who did not have it are asked again.
const AGAIN: Duration = Duration::from_secs(60);
/// How long a part of which nothing is wrong is kept from being sent.
const RECOVERY: Duration = Duration::from_secs(1);
/// What is read around a damaged event first, and at most.
const LOOK: (u32, u32) = (64 << 10, 4 << 20);
/// Answers that wait to be compared; a further one is dropped, and asked for again.
const MAX_FOUND: usize = 16;
/// Positions that are asked for at once, from the end of what is missing backwards; fewer where they are too large for one answer.
const PIECE: u64 = 256;
/// What an answer's neighbours on disk may cost to read.
const NEIGHBOURS: u32 = 4 << 20;

/// Everything that is damaged or lost here.
#[derive(Debug, Default)]
pub(crate) struct Mending {
    parts: BTreeMap<EventId, Part>,
    /// Up to which change of the log's damage `parts` is complete.
    seen: u64,
    reading: Option<(LoadId, Reading)>,
    found: VecDeque<Answer>,
    scrub: Scrub,
    wake: Option<Time>,
}

/// A damaged part of a chain, by its first event.
#[derive(Debug)]
struct Part {
    /// What it is; `None` until it was examined.
    gap: Option<Gap>,
    is_lost: bool,
    since: Time,
    /// How often it was read without an answer.
    looks: u32,
    /// Whether nothing was found to be wrong with it.
    is_sound: bool,
    asked: BTreeMap<ReplicaId, ConnectionId>,
    /// Whether the cloud was asked.
    asked_cloud: bool,
    again: Time,
    /// How many positions are asked for at once.
    piece: u64,
    /// Whether somebody who gives all or nothing was asked for all since [`again`](Self::again) was set: once is enough.
    asked_for_all: bool,
}

/// What somebody has given.
#[derive(Debug)]
struct Answer {
    run: Run,
    /// The chain's hash before it, as they say.
    base: Option<Hash>,
}

/// Rows that are being read.
#[derive(Debug)]
enum Reading {
    /// Around a damaged event.
    Part { id: EventId, look: Look },
    /// In passing.
    Scrub(Look),
    /// Beside the places of an answer.
    Neighbours(Answer),
}

impl Part {
    fn new(now: Time, gap: Option<Gap>, is_lost: bool) -> Self {
        let (asked, again) = (BTreeMap::new(), now + AGAIN);
        let (asked_cloud, asked_for_all) = (false, false);
        let (since, looks, is_sound, piece) = (now, 0, false, PIECE);
        Self { gap, is_lost, since, looks, is_sound, asked, asked_cloud, again, piece, asked_for_all }
    }

    /// Where the next piece begins that is asked for.
    fn piece(&self, first: EventId, gap: &Gap) -> EventId {
        let from = gap.last.0.saturating_sub(self.piece - 1).max(first.seq.0);
        EventId::new(first.chain, Seq(from))
    }

    /// Everybody may be asked again at once, for so many positions.
    fn ask_for(&mut self, piece: u64) {
        self.piece = piece;
        self.asked.clear();
        self.asked_cloud = false;
    }
}

impl Mending {
    /// Starts what can be started: one read at a time, then the questions, then what is lost for good.
    pub(crate) fn pump(&mut self, turn: &mut Turn<'_>, peers: &mut Peers, uploader: &mut Uploader) {
        self.adopt(turn);
        self.read(turn);
        self.ask(turn, peers, uploader);
        self.declare(turn, peers, uploader);
        self.wake = self.next_wake(turn);
    }

    /// Takes note of damage that was found elsewhere.
    fn adopt(&mut self, turn: &Turn<'_>) {
        let damage = turn.log.damage();
        if self.seen == damage.changes() {
            return;
        }
        self.seen = damage.changes();
        let lost = damage.all_gaps();
        let damaged = damage.all_damaged();
        self.parts.retain(|id, _| lost.contains_key(id) || damaged.contains_key(id));
        for (id, gap) in lost {
            let part = self.parts.entry(id).or_insert_with(|| Part::new(turn.now, Some(gap), true));
            (part.gap, part.is_lost) = (Some(gap), true);
        }
        for id in damaged.into_keys() {
            self.parts.entry(id).or_insert_with(|| Part::new(turn.now, None, false));
        }
    }

    fn read(&mut self, turn: &mut Turn<'_>) {
        if self.reading.is_some() || turn.log.is_busy(turn.config) {
            return;
        }
        let due = |part: &Part| part.gap.is_none() && part.since <= turn.now;
        let sound = self.parts.iter().filter(|(_, part)| part.is_sound && due(part));
        sound.for_each(|(id, _)| turn.log.damage_mut().settle(*id));
        let look = |(id, part): (&EventId, &Part)| {
            // What is before the event is read as well: its hash may be what is wrong.
            let ahead = 2u64 << (4 * part.looks.min(8));
            let first = Seq(id.seq.0.saturating_sub(ahead).max(1));
            let max_bytes = (LOOK.0 << (4 * part.looks.min(2))).min(LOOK.1);
            Look::new(turn.log, id.chain, first, None, max_bytes).map(|look| (*id, look))
        };
        // One whose chain is being rewritten holds up no other.
        let unexamined = self.parts.iter().filter(|(_, part)| !part.is_sound && due(part)).find_map(look);
        if let Some((id, look)) = unexamined {
            let load = look.read(turn);
            self.reading = Some((load, Reading::Part { id, look }));
            return;
        }
        if let Some(answer) = self.found.pop_front() {
            let run = &answer.run;
            let from = EventId::new(run.chain, Seq(run.first.0 - 1));
            let to = EventId::new(run.chain, run.last().next());
            let load = turn.out.read(from, to, NEIGHBOURS);
            self.reading = Some((load, Reading::Neighbours(answer)));
            return;
        }
        if let Some(look) = self.scrub.next(turn) {
            let load = look.read(turn);
            self.reading = Some((load, Reading::Scrub(look)));
        }
    }

    /// Whether the rows were for this.
    pub(crate) fn loaded(&mut self, turn: &mut Turn<'_>, load: LoadId, rows: &[(Vec<u8>, Vec<u8>)]) -> bool {
        let Some((_, reading)) = self.reading.take_if(|(reading, _)| *reading == load) else { return false };
        match reading {
            Reading::Part { id, look } => self.examined(turn, id, look, rows),
            Reading::Scrub(look) => {
                if let Some(finding) = look.examine(turn.log, rows) {
                    let found = self.scrub.examined(turn, &look, rows, &finding);
                    if let Some(id) = found.filter(|id| turn.log.damage_mut().suspect(*id)) {
                        turn.out.notice(Notice::Damaged { id });
                    }
                }
            }
            Reading::Neighbours(answer) => self.compare(turn, answer, rows),
        }
        true
    }

    fn examined(&mut self, turn: &mut Turn<'_>, id: EventId, look: Look, rows: &[(Vec<u8>, Vec<u8>)]) {
        let Some(finding) = look.examine(turn.log, rows) else { return };
        let first = |gap: &Gap| EventId::new(id.chain, gap.first);
        let is_known = |gap: &Gap| {
            first(gap) != id && self.parts.get(&first(gap)).is_some_and(|known| known.gap == Some(*gap))
        };
        let finding = match finding {
            // The read ended before it, or found what was found already and is still to be mended: nothing is said of this one yet.
            Finding::Sound(reach) if reach < id.seq => Finding::Unclear(reach),
            Finding::Bytes(gap) if is_known(&gap) => Finding::Unclear(gap.last),
            finding => finding,
        };
        let Some(part) = self.parts.get_mut(&id) else { return };
        match finding {
            // It was written again meanwhile. Whoever else is not content with it must not go round with this.
            Finding::Sound(_) => (part.is_sound, part.since) = (true, turn.now + RECOVERY),
            Finding::Hash(record, hash) => {
                let first = record.id;
                turn.log.damage_mut().settle(id);
                turn.log.rewrite(&record, hash, turn.out);
                turn.out.notice(Notice::Mended { first, last: first.seq });
            }
            Finding::Bytes(gap) => {
                let first = EventId::new(id.chain, gap.first);
                let part = Part { gap: Some(gap), ..Part::new(turn.now, None, false) };
                self.parts.remove(&id);
                self.parts.insert(first, part);
                turn.log.damage_mut().settle(id);
                turn.log.damage_mut().is_as_far_as(first, gap.last);
            }
            Finding::Unclear(_) => {
                part.looks = part.looks.saturating_add(1);
                if part.looks > 3 {
                    part.looks = 0;
                    part.since = turn.now + AGAIN;
                }
            }
        }
    }

    /// Asks whoever may have what is damaged or lost here.
    fn ask(&mut self, turn: &mut Turn<'_>, peers: &mut Peers, uploader: &mut Uploader) {
        for (first, part) in &mut self.parts {
            let Some(gap) = part.gap else { continue };
            if part.again <= turn.now {
                (part.again, part.asked_for_all) = (turn.now + AGAIN, false);
                part.ask_for(PIECE);
            }
            let from = part.piece(*first, &gap);
            peers.ask_for(turn, from, gap.last, &mut part.asked);
            if !part.asked_cloud && uploader.holds(from, gap.last) {
                part.asked_cloud = uploader.fetch(from, gap.last);
            }
        }
    }

    /// Declares lost what is our own and nobody states to hold. Where somebody does, however it answers, the chain waits for it: the cloud
    /// passes by for good what was declared.
    fn declare(&mut self, turn: &mut Turn<'_>, peers: &Peers, uploader: &Uploader) {
        let own = turn.config.me.terminal();
        let waited = turn.now >= turn.author.waits_until(turn.config.unconfirmed_wait);
        if !turn.author.is_confirmed() && !waited {
            return;
        }
        for (first, part) in &mut self.parts {
            let Some(gap) = part.gap.filter(|_| !part.is_lost && part.since + PATIENCE <= turn.now) else {
                continue;
            };
            let chain = first.chain;
            let in_cloud = turn.log.cloud().get(chain) >= gap.first || uploader.holds(*first, gap.first);
            let is_held = in_cloud || peers.may_hold(*first);
            let is_unsure = turn.log.is_being_rewritten(chain) || turn.author.doubts(chain);
            let is_own = chain.replica.terminal() == own && !chain.replica.is_store();
            if !is_own || is_unsure || is_held || !turn.log.damage().has_room(1) {
                continue;
            }
            part.is_lost = true;
            turn.log.lose(chain, gap, turn.out);
            turn.out.notice(Notice::Lost { first: *first, last: gap.last });
        }
    }

    /// Somebody has answered, or sends unasked, what is missing here; no batch: it has not got it, or it is too much at once. `peer`: who;
    /// `None` is the cloud.
    pub(crate) fn found(
        &mut self,
        turn: &mut Turn<'_>,
        peer: Option<ReplicaId>,
        (first, last): (EventId, Seq),
        batch: Option<&[u8]>,
        base: Option<Hash>,
    ) {
        let Some((begin, part)) = self.parts.range_mut(..=first).next_back() else { return };
        let Some(gap) = part.gap.filter(|gap| begin.chain == first.chain && gap.last == last) else { return };
        let Some(batch) = batch else {
            // Asked for fewer, until one alone is not there.
            if part.piece(*begin, &gap) == first && first.seq < last {
                part.ask_for((last.0 - first.seq.0).div_ceil(2));
            }
            return;
        };
        if base.is_none() && first != *begin {
            // A version that gives all of it or nothing.
            if !std::mem::replace(&mut part.asked_for_all, true) {
                part.ask_for(gap.positions());
            }
            return;
        }
        match Batch::decode(batch, &turn.config.limits) {
            Ok(Batch { runs }) => {
                let fits = |run: &Run| {
                    run.chain == first.chain
                        && run.first == first.seq
                        && run.last() == last
                        && run.gaps.is_empty()
                };
                let run = runs.into_iter().next().filter(fits).map(|run| Answer { run, base });
                self.found.extend(run.filter(|_| self.found.len() < MAX_FOUND));
            }
            Err(error) => {
                if let Some(peer) = peer {
                    turn.out.notice(Notice::Undecodable { peer, error });
                }
            }
        }
    }

    /// Writes an answer into its place where the hashes beside it say that it is what was there. A piece from the end of what is missing
    /// proves with itself the hash before it, which is what the rest must end with.
    fn compare(&mut self, turn: &mut Turn<'_>, Answer { run, base }: Answer, rows: &[(Vec<u8>, Vec<u8>)]) {
        let from = EventId::new(run.chain, run.first);
        let Some((first, part)) = self.parts.range(..=from).next_back() else { return };
        let (first, is_lost) = (*first, part.is_lost);
        let Some(gap) = part.gap.filter(|gap| first.chain == run.chain && gap.last == run.last()) else {
            return;
        };
        let row = |seq: Seq| {
            let read = rows.iter().filter_map(|(key, value)| EventRecord::from_row(key, value));
            read.into_iter().find(|(record, _)| record.id == EventId::new(run.chain, seq))
        };
        let before = Seq(run.first.0 - 1);
        let hash = match turn.log.damage().gap_at(EventId::new(run.chain, before)) {
            _ if from != first => base,
            Some(gap) => (gap.at == before).then_some(gap.hash),
            None if before == Seq::ZERO => Some(Hash::ZERO),
            None => row(before).map(|(_, hash)| hash),
        };
        let head = run.head;
        let fits = if gap.at == gap.last {
            head == gap.hash
        } else {
            row(gap.at).is_some_and(|(record, _)| head.link(record.id, &record.payload) == gap.hash)
        };
        let linked = hash.filter(|_| fits).and_then(|hash| run.above(before, hash).ok()).unwrap_or_default();
        let events: Vec<_> = linked
            .into_iter()
            .filter_map(|link| match link {
                Link::Event(record, hash) => Some((record, hash)),
                Link::Lost(_) => None,
            })
            .collect();
        let Some(hash) = hash.filter(|_| !events.is_empty()) else { return };
        self.parts.remove(&first);
        let rest = (from != first).then_some(Gap { first: gap.first, last: before, at: before, hash });
        if let Some(rest) = rest {
            self.parts.insert(first, Part::new(turn.now, Some(rest), is_lost));
        }
        turn.log.mend(first, events, rest, turn.out);
        turn.out.notice(Notice::Mended { first: from, last: gap.last });
    }

    /// When there is something to do that nobody else wakes this for.
    fn next_wake(&self, turn: &Turn<'_>) -> Option<Time> {
        let waits = |part: &Part| match part.gap {
            None => [Some(part.since), None, None],
            Some(_) => {
                let confirmed = turn.author.waits_until(turn.config.unconfirmed_wait);
                [Some(part.again), Some(part.since + PATIENCE), Some(confirmed)]
            }
        };
        let times = self.parts.values().flat_map(waits).flatten();
        times.filter(|at| *at > turn.now).min()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        self.wake
    }
}

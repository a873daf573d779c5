//! Reads a batch from disk, event range by event range: who lacks what, how much of it fits, and in which order.

use std::collections::{BTreeMap, VecDeque};

use edgepos_core::{Chain, EventId, Lane, LoadId, Seq};
use edgepos_crdt::VersionVector;

use crate::config::Config;
use crate::event::{EventRecord, Hash};
use crate::gap::Gap;
use crate::outputs::Outputs;
use crate::wire::batch::{Batch, Run};

/// What one batch may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// Payload bytes of all events.
    bytes: u64,
    events: u64,
    /// Payload bytes that each lane may use before the rest goes by urgency.
    floor: u64,
    /// Payload bytes up to which the first event of a lane is still taken although the budget is used up.
    hard: u64,
    /// What a read may cost beyond what the budget leaves.
    slack: u64,
}

impl Budget {
    pub(crate) fn new(config: &Config, bytes: u32) -> Self {
        Self {
            bytes: bytes.into(),
            events: config.batch_events.into(),
            floor: config.lane_floor_bytes.min(bytes / 4).into(),
            hard: if bytes < config.batch_bytes { 0 } else { (config.limits.max_body_bytes / 2).into() },
            slack: config.max_event_bytes.into(),
        }
    }
}

/// Rows to ask for.
struct Want {
    from: EventId,
    to: EventId,
    max_bytes: u32,
}

/// An event that should be on disk and is not, or not as it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    Damaged(EventId),
    /// The event, and the first position that is there.
    Pruned(EventId, Seq),
}

/// A batch in the making. Let it [`ask`](Self::ask) until it has nothing to ask for, and tell it what was [`loaded`](Self::loaded).
#[derive(Debug)]
pub(crate) struct Gather {
    budget: Budget,
    ranges: BTreeMap<Chain, Range>,
    steps: VecDeque<Step>,
    runs: BTreeMap<(Lane, Chain), Run>,
    bytes: u64,
    events: u64,
    faults: Vec<Fault>,
    waiting: Option<LoadId>,
}

/// What of a chain is still to be read.
#[derive(Debug)]
struct Range {
    next: Seq,
    last: Seq,
    /// The chain's hash before `next`, once it is known.
    before: Before,
    /// Lost positions from `next` on, in order.
    gaps: VecDeque<Gap>,
}

/// What the first row that is read must follow on.
#[derive(Clone, Copy, Debug)]
enum Before {
    /// The row before it tells.
    Unread,
    /// This hash of the chain.
    Hash(Hash),
    /// Nothing that is known: the gap before it states the hash behind it, and travels with it.
    Gap(Gap),
}

#[derive(Debug)]
struct Step {
    /// May use this many bytes; `None`: all that the batch has left.
    floor: Option<u64>,
    chains: VecDeque<Chain>,
}

impl Gather {
    /// Everything of `have` that `lacks` lacks, except the chains that `skip` names. `gaps` are the lost positions of a chain above one.
    /// Each lane begins behind the chain `after`, so that chains of one lane take turns. `None`: nothing is lacking.
    pub(crate) fn new(
        have: &VersionVector,
        lacks: &VersionVector,
        skip: impl Fn(Chain) -> bool,
        gaps: impl Fn(Chain, Seq) -> Vec<Gap>,
        after: Option<Chain>,
        budget: Budget,
    ) -> Option<Self> {
        let lacking = |(chain, last): (Chain, Seq)| {
            let held = lacks.get(chain);
            let before = if held == Seq::ZERO { Before::Hash(Hash::ZERO) } else { Before::Unread };
            (last > held && !skip(chain)).then(|| {
                let gaps = gaps(chain, held).into();
                (chain, Range { next: held.next(), last, before, gaps })
            })
        };
        let ranges: BTreeMap<Chain, Range> = have.iter().filter_map(lacking).collect();
        let mut lanes: Vec<VecDeque<Chain>> = Vec::new();
        for lane in Lane::ALL {
            let of_lane = || ranges.keys().copied().filter(|chain| chain.lane == lane);
            let turn = |chain: &Chain| after.is_some_and(|after| *chain <= after);
            let chains: VecDeque<Chain> =
                of_lane().filter(|chain| !turn(chain)).chain(of_lane().filter(turn)).collect();
            if !chains.is_empty() {
                lanes.push(chains);
            }
        }
        if lanes.is_empty() {
            return None;
        }
        let mut steps = VecDeque::new();
        if lanes.len() > 1 {
            steps.extend(
                lanes.iter().map(|chains| Step { floor: Some(budget.floor), chains: chains.clone() }),
            );
        }
        steps.extend(lanes.into_iter().map(|chains| Step { floor: None, chains }));
        Some(Self {
            budget,
            ranges,
            steps,
            runs: BTreeMap::new(),
            bytes: 0,
            events: 0,
            faults: Vec::new(),
            waiting: None,
        })
    }

    /// Asks for the next rows. `false`: there are none to ask for, the batch is complete.
    pub(crate) fn ask(&mut self, out: &mut Outputs) -> bool {
        self.waiting = self.want().map(|want| out.read(want.from, want.to, want.max_bytes));
        self.waiting.is_some()
    }

    /// Whether these are the rows that it asked for.
    pub(crate) fn awaits(&self, load: LoadId) -> bool {
        self.waiting == Some(load)
    }

    /// The next rows to read. `None`: the batch is complete.
    fn want(&mut self) -> Option<Want> {
        loop {
            let left = self.budget.bytes.saturating_sub(self.bytes);
            let step = self.steps.front_mut()?;
            let Some(chain) = step.chains.front().copied() else {
                self.steps.pop_front();
                continue;
            };
            let Some(range) = self.ranges.get(&chain).filter(|range| range.next <= range.last) else {
                step.chains.pop_front();
                continue;
            };
            let room = step.floor.unwrap_or(left).min(left);
            let events = self.budget.events.saturating_sub(self.events);
            let begun = self.runs.keys().any(|(lane, _)| *lane == chain.lane);
            if events == 0 || (room == 0 && begun) {
                self.steps.pop_front();
                continue;
            }
            if range.gaps.front().is_some_and(|gap| gap.contains(range.next)) {
                self.pass(chain);
                continue;
            }
            // The row before tells the hash on which the first one must follow.
            let from =
                if matches!(range.before, Before::Unread) { Seq(range.next.0 - 1) } else { range.next };
            let until = range.gaps.front().map_or(range.last, |gap| Seq(gap.first.0 - 1).min(range.last));
            let to = until.min(Seq(range.next.0.saturating_add(events - 1)));
            return Some(Want {
                from: EventId::new(chain, from),
                to: EventId::new(chain, to),
                max_bytes: u32::try_from(room + self.budget.slack).unwrap_or(u32::MAX),
            });
        }
    }

    /// The rows of the last wish.
    pub(crate) fn loaded(&mut self, rows: &[(Vec<u8>, Vec<u8>)]) {
        let Some(chain) = self.steps.front().and_then(|step| step.chains.front()).copied() else { return };
        match self.read(chain, rows) {
            Ok(true) => {}
            Ok(false) => {
                self.steps.pop_front();
            }
            Err(fault) => {
                self.faults.push(fault);
                self.ranges.remove(&chain);
            }
        }
    }

    /// Goes on behind the lost positions that are next.
    fn pass(&mut self, chain: Chain) {
        let Some(range) = self.ranges.get_mut(&chain) else { return };
        let Some(gap) = range.gaps.pop_front() else { return };
        let gap = Gap { first: range.next, ..gap };
        range.next = gap.last.next();
        if gap.at != gap.last {
            range.before = Before::Gap(gap);
            return;
        }
        range.before = Before::Hash(gap.hash);
        self.events += 1;
        let run = self.run(chain, gap.first);
        run.gaps.push(gap);
        run.head = gap.hash;
    }

    fn run(&mut self, chain: Chain, first: Seq) -> &mut Run {
        let empty = || Run { chain, first, head: Hash::ZERO, payloads: Vec::new(), gaps: Vec::new() };
        self.runs.entry((chain.lane, chain)).or_insert_with(empty)
    }

    /// Whether the step has room for more.
    fn read(&mut self, chain: Chain, rows: &[(Vec<u8>, Vec<u8>)]) -> Result<bool, Fault> {
        let Some(range) = self.ranges.get(&chain) else { return Ok(true) };
        let (mut next, mut before, last) = (range.next, range.before, range.last);
        let mut useful = false;
        for (key, value) in rows {
            let damaged = Fault::Damaged(EventId::new(chain, next));
            let (record, hash) = EventRecord::from_row(key, value).ok_or(damaged)?;
            if record.id.chain != chain {
                return Err(damaged);
            }
            if matches!(before, Before::Unread) && record.id.seq.next() == next {
                before = Before::Hash(hash);
                useful = true;
                self.progress(chain, next, before);
                continue;
            }
            if record.id.seq != next {
                return Err(Fault::Pruned(EventId::new(chain, next), record.id.seq));
            }
            let follows = match before {
                Before::Unread => true,
                Before::Hash(before) => before.link(record.id, &record.payload) == hash,
                Before::Gap(gap) => gap.hash == hash,
            };
            if !follows {
                return Err(damaged);
            }
            if !self.fits(chain, record.payload.len() as u64) {
                return Ok(false);
            }
            useful = true;
            if let Before::Gap(gap) = before {
                self.run(chain, gap.first).gaps.push(gap);
            }
            self.add(record, hash);
            next = next.next();
            before = Before::Hash(hash);
            self.progress(chain, next, before);
        }
        if useful { Ok(true) } else { Err(Fault::Pruned(EventId::new(chain, next), last.next())) }
    }

    fn progress(&mut self, chain: Chain, next: Seq, before: Before) {
        if let Some(range) = self.ranges.get_mut(&chain) {
            range.next = next;
            range.before = before;
        }
    }

    fn fits(&self, chain: Chain, size: u64) -> bool {
        if self.events == 0 {
            return true;
        }
        if self.events >= self.budget.events {
            return false;
        }
        let left = self.budget.bytes.saturating_sub(self.bytes);
        let room = self.steps.front().and_then(|step| step.floor).unwrap_or(left).min(left);
        let begun = self.runs.keys().any(|(lane, _)| *lane == chain.lane);
        size <= room || (!begun && self.bytes + size <= self.budget.hard)
    }

    fn add(&mut self, record: EventRecord, hash: Hash) {
        let EventRecord { id, payload } = record;
        let size = payload.len() as u64;
        self.bytes += size;
        self.events += 1;
        if let Some(floor) = self.steps.front_mut().and_then(|step| step.floor.as_mut()) {
            *floor = floor.saturating_sub(size);
        }
        let run = self.run(id.chain, id.seq);
        run.payloads.push(payload);
        run.head = hash;
    }

    /// The batch, most urgent lane first, and what was wrong on disk.
    pub(crate) fn finish(self) -> (Batch, Vec<Fault>) {
        (Batch { runs: self.runs.into_values().collect() }, self.faults)
    }
}

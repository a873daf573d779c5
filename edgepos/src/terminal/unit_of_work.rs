//! The unit of work: the writes of one call become one `Persist`, or one `Write`, and what depends on it waits for it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use edgepos_core::{EventId, IdempotencyKey, Load, LoadId, Persist, PersistId, Seq, Space, Time, Write};
use edgepos_sync as sync;

use super::io::{Notice, Output, Reply, RequestId};
use super::refusal::Refusal;
use crate::retail::keys::name::{BookedName, LookupId, Named, Wanted};
use crate::retail::sale::body::BasketId;
use crate::retail::sale::receipt::Receipt;

/// Notices that nobody has drained are dropped from here on: a caller that never drains must not cost memory.
const MAX_NOTICES: usize = 4_096;

/// Queued outputs, and writes that are not yet durable.
#[derive(Debug, Default)]
pub(crate) struct UnitOfWork {
    out: VecDeque<Output>,
    notices: VecDeque<Notice>,
    writes: Vec<Write>,
    /// Whether a power cut may not take `writes` once they are reported.
    urgent: bool,
    /// How long a power cut may take what is not urgent.
    pause: Duration,
    /// When that ends for the oldest of it.
    flush_at: Option<Time>,
    gathering: Waiting,
    in_flight: VecDeque<(PersistId, Waiting)>,
    last_persist: u64,
    loads: BTreeMap<LoadId, LoadFor>,
    last_load: u64,
}

/// What waits for one `Persist`.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// Writes of the election that it carries.
    pub(crate) election: Vec<PersistId>,
    /// Writes of the outbox that it carries.
    pub(crate) outbox: Vec<PersistId>,
    /// What is done then, in order.
    pub(crate) then: Vec<Then>,
}

/// What is done once the writes are durable.
#[derive(Debug)]
pub(crate) enum Then {
    Reply(RequestId, Reply),
    Committed(IdempotencyKey, Receipt),
    Recorded(IdempotencyKey, EventId),
    /// What is refused because of an event, which is durable by then.
    Refuse(RequestId, Refusal),
    /// The row of a basket is written, or gone.
    BasketWritten(BasketId),
    /// Rows of a parked basket are.
    ParkedWritten(BasketId),
    /// The names of an event are on disk.
    Named(Named),
    /// What was damaged somewhere in the log is on disk as it was written.
    Mended,
    Tell(Notice),
}

/// Whom a load answers.
#[derive(Debug)]
pub(crate) enum LoadFor {
    Outbox(LoadId),
    Shop(Wants),
}

/// What a room of the shop reads.
#[derive(Debug)]
pub(crate) enum Wants {
    /// Who was booked under a name.
    Name(LookupId, BookedName),
    /// A receipt that goods come back from, the event that booked it, and whether that may not be on disk yet.
    Receipt { wanted: Wanted, event: EventId, fresh: bool },
    /// The sale here of a basket that was paid here, which may name what was taken for it, and the first sale of the basket.
    PaidBy(Box<Receipt>, EventId),
    /// An open basket that left memory.
    Basket(BasketId),
    /// Open baskets that left memory, to be parked.
    Away,
    /// A page of open baskets, for whoever asked.
    Unresolved(RequestId),
    /// Where this basket is parked.
    Parked(BasketId),
    /// Whether this basket, which shall begin, is parked.
    Unparked(BasketId),
    /// A sale that the call of this key voids, and what its author had seen.
    Voided { key: IdempotencyKey, base: u64, event: EventId },
    /// Events that the counters lack, from the first to the last, behind the one before them.
    Uncounted(EventId, Seq),
    /// Events of a chain in which something was written again.
    Numbers,
    /// Events of before this start.
    Older,
    /// Events of before this start that say something of a business day.
    Figures,
    /// An event that was written again, under its old name, and the one before it.
    Original,
    /// An event that sold this basket.
    Sale(BasketId, EventId),
}

impl UnitOfWork {
    /// `pause`: how long a power cut may take what is [written soon](Self::write_soon).
    pub(crate) fn new(pause: Duration) -> Self {
        Self { pause, ..Self::default() }
    }

    pub(crate) fn write(&mut self, write: Write) {
        self.writes.push(write);
        self.urgent = true;
    }

    /// A write that a power cut may take within the pause, though no end of this process may.
    pub(crate) fn write_soon(&mut self, write: Write) {
        self.writes.push(write);
        self.urgent |= self.pause.is_zero();
    }

    /// Whether there are writes that a power cut may not take.
    pub(crate) fn has_urgent_writes(&self) -> bool {
        self.urgent
    }

    /// When what is written and not durable must become so.
    pub(crate) fn flush_at(&self) -> Option<Time> {
        self.flush_at
    }

    /// Tells what the log's engine notices.
    pub(crate) fn tell_of_log(&mut self, notice: sync::Notice) {
        if matches!(notice, sync::Notice::Mended { .. }) {
            self.then(Then::Mended);
        }
        self.tell(Notice::Sync(notice));
    }

    pub(crate) fn election_persist(&mut self, persist: Persist) {
        self.urgent = true;
        self.writes.extend(persist.writes);
        self.gathering.election.push(persist.id);
    }

    pub(crate) fn outbox_persist(&mut self, persist: Persist) {
        self.urgent = true;
        self.writes.extend(persist.writes);
        self.gathering.outbox.push(persist.id);
    }

    pub(crate) fn then(&mut self, then: Then) {
        self.gathering.then.push(then);
    }

    /// A notice at once; may be dropped.
    pub(crate) fn tell(&mut self, notice: Notice) {
        if self.notices.len() < MAX_NOTICES {
            self.notices.push_back(notice);
        }
    }

    pub(crate) fn push(&mut self, output: Output) {
        self.out.push_back(output);
    }

    pub(crate) fn reply(&mut self, request: RequestId, reply: Result<Reply, Refusal>) {
        self.out.push_back(Output::Reply(request, reply));
    }

    pub(crate) fn load(&mut self, mut load: Load, whom: LoadFor) {
        self.last_load += 1;
        load.id = LoadId(self.last_load);
        self.loads.insert(load.id, whom);
        self.out.push_back(Output::Load(load));
    }

    /// A load that the outbox asks for, under its own name for it.
    pub(crate) fn load_for_outbox(&mut self, load: Load) {
        let id = load.id;
        self.load(load, LoadFor::Outbox(id));
    }

    /// A load of the rows from one key to another, until they have `max_bytes`.
    pub(crate) fn load_range(
        &mut self,
        space: Space,
        from: Vec<u8>,
        to: Vec<u8>,
        max_bytes: u32,
        wants: Wants,
    ) {
        self.load(Load { id: LoadId(0), space, from, to, max_bytes }, LoadFor::Shop(wants));
    }

    pub(crate) fn loaded(&mut self, id: LoadId) -> Option<LoadFor> {
        self.loads.remove(&id)
    }

    /// Hands out what was gathered: as a `Write` where a power cut may take all of it. When the pause of an earlier one has ended, as a
    /// `Persist`, with or without writes of its own.
    pub(crate) fn seal_at(&mut self, now: Time) {
        if self.urgent || self.flush_at.is_some_and(|at| at <= now) {
            self.seal();
        } else if !self.writes.is_empty() {
            self.flush_at.get_or_insert(now + self.pause);
            let persist = self.take_persist();
            self.out.push_back(Output::Write(persist));
        }
    }

    /// Hands out what was gathered as one `Persist`, which makes durable what was written before, too.
    pub(crate) fn seal(&mut self) {
        if self.writes.is_empty() && self.flush_at.is_none() {
            debug_assert!(self.gathering.election.is_empty() && self.gathering.outbox.is_empty());
            return;
        }
        (self.urgent, self.flush_at) = (false, None);
        let persist = self.take_persist();
        self.out.push_back(Output::Persist(persist));
    }

    fn take_persist(&mut self) -> Persist {
        self.last_persist += 1;
        let id = PersistId(self.last_persist);
        self.in_flight.push_back((id, std::mem::take(&mut self.gathering)));
        Persist { id, writes: std::mem::take(&mut self.writes) }
    }

    /// The oldest writes are durable; `None` when `id` is not theirs.
    pub(crate) fn persisted(&mut self, id: PersistId) -> Option<Waiting> {
        if self.in_flight.front().is_none_or(|(oldest, _)| *oldest != id) {
            return None;
        }
        self.in_flight.pop_front().map(|(_, waiting)| waiting)
    }

    pub(crate) fn poll(&mut self) -> Option<Output> {
        self.out.pop_front().or_else(|| self.notices.pop_front().map(Output::Notice))
    }

    /// Forgets everything but the replies that are already due, since what they say is durable. Requests whose reply waited for a
    /// write.
    pub(crate) fn stop(&mut self) -> Vec<RequestId> {
        self.out.retain(|output| matches!(output, Output::Reply(..)));
        self.writes.clear();
        (self.urgent, self.flush_at) = (false, None);
        self.loads.clear();
        let in_flight = std::mem::take(&mut self.in_flight).into_iter().map(|(_, waiting)| waiting);
        let waiting = in_flight.chain([std::mem::take(&mut self.gathering)]);
        let requests = waiting.flat_map(|waiting| waiting.then).filter_map(|then| match then {
            Then::Reply(request, _) | Then::Refuse(request, _) => Some(request),
            Then::Committed(..)
            | Then::Recorded(..)
            | Then::BasketWritten(_)
            | Then::ParkedWritten(_)
            | Then::Named(_)
            | Then::Mended
            | Then::Tell(_) => None,
        });
        requests.collect()
    }
}

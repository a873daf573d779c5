//! What comes down: events of the cloud's own chains, fetched page by page and taken in like a peer's batch. How far they are held here is
//! the cursor, and goes to disk with them.

use edgepos_core::{Chain, EventId, Seq};
use edgepos_crdt::VersionVector;

use crate::io::{Notice, Witness};
use crate::log::intake::{Intake, Taken};
use crate::log::linked::Linked;
use crate::turn::Turn;
use crate::wire::batch::Batch;

/// Events that are asked for at once. Where they do not fit into one answer, fewer are asked for.
const PAGE: u64 = 256;

/// The reader of the cloud's chains.
#[derive(Debug)]
pub(super) struct Feed {
    /// What was asked for last, until it is answered.
    asked: Option<(EventId, Seq)>,
    /// An answer of which the rest is to be taken.
    open: Option<Linked>,
    page: u64,
    /// Whether nothing more is to be had before the cloud says again what it holds.
    rests: bool,
    /// Whether the next page goes before what there is to upload: they take turns.
    goes_first: bool,
    /// What was taken in and is to be passed on.
    brought: Option<Chain>,
}

impl Default for Feed {
    fn default() -> Self {
        Self { asked: None, open: None, page: PAGE, rests: false, goes_first: false, brought: None }
    }
}

impl Feed {
    /// Whether a page goes before the next upload.
    pub(super) fn goes_first(&self) -> bool {
        self.goes_first
    }

    /// A batch was uploaded.
    pub(super) fn yielded(&mut self) {
        self.goes_first = true;
    }

    /// The cloud has said what it holds: what it did not give before is asked for again.
    pub(super) fn look_again(&mut self) {
        self.rests = false;
    }

    /// The next events to ask for, of what the cloud says that it holds; none while a page is being taken in.
    pub(super) fn next_page(
        &mut self,
        turn: &Turn<'_>,
        held: &VersionVector,
        is_apart: impl Fn(Chain) -> bool,
    ) -> Option<(EventId, Seq)> {
        if self.rests || self.open.is_some() {
            return None;
        }
        let behind = |(chain, said): &(Chain, Seq)| {
            let new = *said > turn.log.accepted().get(*chain);
            chain.replica.is_cloud() && new && !is_apart(*chain) && !turn.log.is_being_rewritten(*chain)
        };
        let (chain, said) = held.iter().find(behind)?;
        let first = turn.log.accepted().get(chain).next();
        let last = said.min(Seq(first.0.saturating_add(self.page - 1)));
        self.goes_first = false;
        self.asked = Some((EventId::new(chain, first), last));
        self.asked
    }

    /// The cloud has answered a question for events, one of this part or not.
    pub(super) fn found(&mut self, turn: &mut Turn<'_>, first: EventId, last: Seq, batch: Option<&[u8]>) {
        if self.asked.take_if(|asked| *asked == (first, last)).is_none() {
            return;
        }
        let Some(batch) = batch else {
            // They are too many for one answer; one alone is not there.
            self.rests = first.seq == last;
            self.page = (self.page / 4).max(1);
            return;
        };
        self.page = (self.page * 2).min(PAGE);
        let read = Batch::decode(batch, &turn.config.limits).ok();
        let run = read.and_then(|batch| batch.runs.into_iter().next());
        let run = run.filter(|run| run.chain == first.chain && run.first == first.seq && run.last() == last);
        match run.map(|run| turn.log.link(run, turn.config.limits.max_chains)) {
            Some(Ok(linked)) => self.open = Some(linked),
            Some(Err(Taken::TooManyChains)) => {
                self.rests = true;
                turn.out.notice(Notice::TooManyChains { witness: Witness::Cloud });
            }
            // Another history: the cloud is asked where they part, since it claims more than is held here.
            Some(Err(Taken::Fork | Taken::Gap | Taken::Yes)) | None => self.rests = true,
        }
    }

    /// Takes the next slice of a page, where the disk keeps up: what is recorded here waits for one at most.
    pub(super) fn take_in(&mut self, turn: &mut Turn<'_>) {
        let slice = turn.config.slice_events;
        if turn.log.is_busy(turn.config) || turn.log.under_way() > slice.into() {
            return;
        }
        let Some(mut linked) = self.open.take() else { return };
        let chain = linked.chain();
        if turn.log.is_being_rewritten(chain) {
            return;
        }
        let (mut intake, mut room) = (Intake::default(), slice);
        if turn.log.take(&mut intake, &mut linked, &mut room) == Taken::Yes && !linked.is_done() {
            self.open = Some(linked);
        }
        self.brought = Some(chain);
        turn.log.commit(intake, turn.out);
    }

    /// Whether a page has become durable that peers are to be sent: nobody else does, and nothing that is recorded here calls for it.
    pub(super) fn is_to_be_passed_on(&mut self, turn: &Turn<'_>) -> bool {
        let is_durable =
            |chain: &mut Chain| turn.log.durable().get(*chain) == turn.log.accepted().get(*chain);
        self.open.is_none() && self.brought.take_if(is_durable).is_some()
    }
}

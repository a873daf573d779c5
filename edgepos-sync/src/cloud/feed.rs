//! What comes down: events of the cloud's own chains, and of others that it holds further than anybody who sends, fetched page by page and
//! taken in like a peer's batch. How far they are held here is the cursor, and goes to disk with them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use edgepos_core::{Chain, EventId, Seq, Time};
use edgepos_crdt::VersionVector;

use crate::config::Config;
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
    /// Of these nothing more is to be had before the cloud says again what it holds.
    resting: BTreeSet<Chain>,
    /// Chains of terminals that the cloud holds further than this one: up to where, and since when that has stood still. No more than it has
    /// stated.
    behind: BTreeMap<Chain, (Seq, Time)>,
    /// The one of them that is being fetched, to its end.
    coming: Option<Chain>,
    /// When they were looked at last.
    looked: Time,
    /// Whether the next page goes before what there is to upload: they take turns.
    goes_first: bool,
    /// What was taken in and is to be passed on.
    brought: Option<Chain>,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            asked: None,
            open: None,
            page: PAGE,
            resting: BTreeSet::new(),
            behind: BTreeMap::new(),
            coming: None,
            looked: Time(0),
            goes_first: false,
            brought: None,
        }
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
        self.resting.clear();
    }

    /// Notes which chains of terminals stand still here and go on in the cloud. Peers send what they have within moments; what nobody sends
    /// is with the cloud alone: a disk was put back, or a box is new, where no other till was there.
    fn watch(&mut self, turn: &Turn<'_>, held: &VersionVector) {
        let own = turn.author.name();
        let is_others =
            |chain: Chain| !chain.replica.is_cloud() && !chain.replica.is_store() && chain.replica != own;
        let accepted = turn.log.accepted();
        self.behind.retain(|chain, _| held.get(*chain) > accepted.get(*chain) && is_others(*chain));
        for (chain, said) in held.iter().filter(|(chain, _)| is_others(*chain)) {
            let here = accepted.get(chain);
            if said > here {
                let known = self.behind.entry(chain).or_insert((here, turn.now));
                if known.0 != here {
                    *known = (here, turn.now);
                }
            }
        }
    }

    /// When a chain that stands still is fetched.
    pub(super) fn poll_timeout(&self, config: &Config) -> Option<Time> {
        let due = self.behind.values().map(|(_, since)| *since + patience(config));
        due.filter(|due| *due > self.looked).min()
    }

    /// The next events to ask for, of what the cloud says that it holds; none while a page is being taken in. `all`: the cloud says what it
    /// has lost, so that it may be asked for the chains of terminals.
    pub(super) fn next_page(
        &mut self,
        turn: &Turn<'_>,
        (held, all): (&VersionVector, bool),
        is_apart: impl Fn(Chain) -> bool,
    ) -> Option<(EventId, Seq)> {
        // What is due by now is fetched once the page is taken in: nothing wakes this before.
        self.looked = turn.now;
        if self.open.is_some() {
            return None;
        }
        if all {
            self.watch(turn, held);
        }
        let is_due = |chain: Chain| {
            let stands = self.behind.get(&chain).map(|(_, since)| *since + patience(turn.config));
            stands.is_some_and(|due| due <= turn.now || self.coming == Some(chain))
        };
        let is_behind = |(chain, said): &(Chain, Seq)| {
            *said > turn.log.accepted().get(*chain)
                && (chain.replica.is_cloud() || is_due(*chain))
                && !self.resting.contains(chain)
                && !is_apart(*chain)
                && !turn.author.doubts(*chain)
                && !turn.log.is_being_rewritten(*chain)
        };
        // What is published comes before what is of another day.
        let published = held.iter().filter(|(chain, _)| chain.replica.is_cloud());
        let others = held.iter().filter(|(chain, _)| !chain.replica.is_cloud());
        let (chain, said) = published.chain(others).find(is_behind)?;
        let first = turn.log.accepted().get(chain).next();
        let last = said.min(Seq(first.0.saturating_add(self.page - 1)));
        self.goes_first = false;
        self.coming = Some(chain);
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
            if first.seq == last {
                self.resting.insert(first.chain);
            }
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
                self.resting.insert(first.chain);
                turn.out.notice(Notice::TooManyChains { witness: Witness::Cloud });
            }
            // Another history: the cloud is asked where they part, since it claims more than is held here.
            Some(Err(Taken::Fork | Taken::Gap | Taken::Yes)) | None => {
                self.resting.insert(first.chain);
            }
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

/// How long a chain stands still before it is fetched: what the cloud claims is told as a mistake after twice as long.
fn patience(config: &Config) -> Duration {
    config.claim_grace / 2
}

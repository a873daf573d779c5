//! Who signs receipts: what it is asked while a commit waits, and the receipts that it has still to sign.
//!
//! A commit asks and waits, outside any transaction. Where no answer comes in time the sale is booked all the same, and the receipt waits
//! on a list that is on disk. While the signer is away no commit waits for it; it is asked about the oldest receipt of the list at longer
//! and longer intervals, and once it answers, about one after the other.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use edgepos_core::{EventId, IdempotencyKey, Now, Space, Time, Write};
use edgepos_wire::{from_cbor, to_cbor};
use minicbor::{Decode, Encode};

use super::body::{BasketId, Transaction};
use super::booking::signed_entry;
use super::fiscal::{FiscalSigned, SignError, Signature, ToSign, UnsignedReceipt};
use crate::retail::keys::Keys;
use crate::retail::keys::lookup::Question;
use crate::retail::unreadable::Unreadable;
use crate::terminal::refusal::Refusal;
use crate::terminal::turn::Turn;
use crate::terminal::unit_of_work::UnitOfWork;

/// Receipts that may wait for their signatures. No further basket of a signed series begins above.
const MAX_UNSIGNED: usize = 100_000;
/// How long a signer that is away is left alone at first, and at most.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Numbers the questions of one start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct SignatureId(pub u64);

/// What a signer is to be asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SignatureWanted {
    /// A commit waits for it.
    Now(Box<ToSign>),
    /// The receipt is booked: its event says what it is.
    Later(UnsignedReceipt),
}

/// Whether a sale may be booked, and with what.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The signer is being asked.
    Wait,
    /// This is its answer.
    Answered(Result<Signature, SignError>),
}

/// A row of [`Space::Unsigned`].
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
struct Row {
    #[n(0)]
    #[cbor(with = "edgepos_wire::event_id")]
    event: EventId,
    #[n(1)]
    series: String,
    #[n(2)]
    number: u64,
    #[n(3)]
    since_ms: u64,
}

#[derive(Debug)]
struct Asked {
    id: SignatureId,
    basket: BasketId,
    /// The receipt's series and number.
    name: (String, u64),
    /// Until somebody has fetched it.
    question: Option<Box<ToSign>>,
    until: Time,
    answer: Option<Result<Signature, SignError>>,
}

/// A question about a booked receipt.
#[derive(Debug)]
struct Late {
    id: SignatureId,
    basket: BasketId,
    until: Time,
}

#[derive(Debug)]
struct Away {
    retry_at: Time,
    wait: Duration,
}

/// The signer of this terminal's receipts.
#[derive(Debug, Default)]
pub(crate) struct Signing {
    last: SignatureId,
    asked: BTreeMap<IdempotencyKey, Asked>,
    waiting: BTreeMap<BasketId, Row>,
    /// What waits, the oldest first; one about which the signer did not answer goes behind.
    queue: VecDeque<BasketId>,
    late: Option<Late>,
    away: Option<Away>,
}

impl Signing {
    /// A row of [`Space::Unsigned`] as it is on disk.
    pub(crate) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let name = key.try_into().map_err(|_| Unreadable::NoName { what: "a basket" })?;
        let row: Row = from_cbor("unsigned receipt", value)?;
        let older =
            |basket: &BasketId| self.waiting.get(basket).is_some_and(|other| other.since_ms <= row.since_ms);
        let place = self.queue.partition_point(older);
        self.queue.insert(place, BasketId(name));
        self.waiting.insert(BasketId(name), row);
        Ok(())
    }

    /// Refuses a basket of a signed series where too many receipts wait.
    pub(super) fn check_room(&self) -> Result<(), Refusal> {
        let limit = MAX_UNSIGNED;
        if self.waiting.len() >= limit {
            return Err(Refusal::Full { what: "receipts that wait for their signatures", limit });
        }
        Ok(())
    }

    /// Asks for the signature of what is to be booked, or says what became of that.
    pub(super) fn of_commit(
        &mut self,
        now: Now,
        within: Duration,
        key: IdempotencyKey,
        transaction: &Transaction,
    ) -> Verdict {
        if let Some(asked) = self.asked.get_mut(&key) {
            return match asked.answer.take() {
                Some(answer) => {
                    self.asked.remove(&key);
                    Verdict::Answered(answer)
                }
                None => Verdict::Wait,
            };
        }
        // One that was away is tried again with what waits, where something does.
        let is_left_alone =
            |away: &Away| away.retry_at > now.mono || self.late.is_some() || !self.queue.is_empty();
        if self.away.as_ref().is_some_and(is_left_alone) {
            return Verdict::Answered(Err(SignError::Away("it did not answer a moment ago".into())));
        }
        let question = Some(Box::new(ToSign::of(transaction, to_cbor(transaction), None)));
        let (id, basket, until) = (self.next_id(), transaction.basket, now.mono + within);
        let name = (transaction.series.clone(), transaction.number);
        self.asked.insert(key, Asked { id, basket, name, question, until, answer: None });
        Verdict::Wait
    }

    /// The commit has ended otherwise.
    pub(super) fn forget(&mut self, key: IdempotencyKey) {
        self.asked.remove(&key);
    }

    /// A receipt is booked without its signature.
    pub(super) fn later(
        &mut self,
        event: EventId,
        transaction: &Transaction,
        since_ms: u64,
        out: &mut UnitOfWork,
    ) {
        let Transaction { basket, series, number, .. } = transaction;
        let row = Row { event, series: series.clone(), number: *number, since_ms };
        out.write(Write::put(Space::Unsigned, basket.0, to_cbor(&row)));
        self.waiting.insert(*basket, row);
        self.queue.push_back(*basket);
    }

    /// What a device said of a receipt is on record, by the event `id`, of this box or of one before it: it is asked no more. Another
    /// terminal that sold the same basket may have given it the same number: what is said there is of its own receipt.
    pub(crate) fn settled(&mut self, id: EventId, said: &FiscalSigned, out: &mut UnitOfWork) {
        if said.waits() {
            return;
        }
        let is_meant = |row: &Row| {
            let own = row.event.chain.replica.terminal() == id.chain.replica.terminal();
            own && row.series == said.series && row.number == said.number
        };
        if self.waiting.get(&said.basket).is_some_and(is_meant) {
            self.waiting.remove(&said.basket);
            self.queue.retain(|basket| *basket != said.basket);
            out.write(Write::delete(Space::Unsigned, said.basket.0));
        }
    }

    /// What waits, the oldest first.
    pub(crate) fn unsigned(&self) -> impl Iterator<Item = UnsignedReceipt> + '_ {
        self.queue.iter().filter_map(|basket| Some(self.waiting.get(basket)?.shown(*basket)))
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether there is something to ask.
    pub(crate) fn wants(&self, now: Now) -> bool {
        self.asked.values().any(|asked| asked.question.is_some()) || self.may_ask_later(now)
    }

    /// What to ask next, each once.
    pub(crate) fn next(&mut self, now: Now, within: Duration) -> Option<(SignatureId, SignatureWanted)> {
        for asked in self.asked.values_mut() {
            if let Some(question) = asked.question.take() {
                return Some((asked.id, SignatureWanted::Now(question)));
            }
        }
        let basket = *self.queue.front().filter(|_| self.may_ask_later(now))?;
        let row = self.waiting.get(&basket)?.shown(basket);
        let id = self.next_id();
        self.late = Some(Late { id, basket, until: now.mono + within });
        Some((id, SignatureWanted::Later(row)))
    }

    /// The signer has answered a question: a commit goes on, or what is said of a booked receipt is put on record. An answer to a question
    /// that is not open any more is dropped, since its receipt was or will be asked for again.
    pub(crate) fn answered(
        &mut self,
        turn: &mut Turn<'_>,
        keys: &mut Keys,
        day: Option<u32>,
        id: SignatureId,
        answer: Result<Signature, SignError>,
    ) {
        let open = |asked: &Asked| asked.id == id && asked.answer.is_none();
        if let Some((key, asked)) = self.asked.iter_mut().find(|(_, asked)| open(asked)) {
            let answer = answer.and_then(|signature| signature.meant_for(&asked.name.0, asked.name.1));
            let (key, basket) = (*key, asked.basket);
            asked.answer = Some(answer.clone());
            self.heard(turn.now, matches!(answer, Err(SignError::Away(_))));
            return keys.ask(Question::Commit(key), Some(key), Some(basket), turn.out);
        }
        let Some(late) = self.late.take_if(|late| late.id == id) else { return };
        // Another till may have said it meanwhile.
        let Some(Row { series, number, .. }) = self.waiting.get(&late.basket).cloned() else { return };
        let said = FiscalSigned::of(late.basket, series, number, answer);
        self.away = self.away.take().filter(|_| said.waits());
        // Where the log takes no more the receipt goes on waiting.
        if said.waits() || turn.ledger.record(turn.now, turn.config, signed_entry(&said, day)).is_err() {
            self.is_away(turn.now);
            self.queue.rotate_left(1);
        }
    }

    /// Commits whose answer has not come in time go on without.
    pub(crate) fn out_of_time(&mut self, turn: &mut Turn<'_>, keys: &mut Keys) {
        let now = turn.now;
        let overdue = |asked: &Asked| asked.answer.is_none() && asked.until <= now.mono;
        let mut is_silent = false;
        for (key, asked) in self.asked.iter_mut().filter(|(_, asked)| overdue(asked)) {
            (asked.question, asked.answer) =
                (None, Some(Err(SignError::Away("it did not answer in time".into()))));
            is_silent = true;
            keys.ask(Question::Commit(*key), Some(*key), Some(asked.basket), turn.out);
        }
        if self.late.take_if(|late| late.until <= now.mono).is_some() {
            self.queue.rotate_left(1);
            is_silent = true;
        }
        if is_silent {
            self.is_away(now);
        }
    }

    /// When something is out of time, or may be asked again.
    pub(crate) fn next_due(&self) -> Option<Time> {
        let asked = self.asked.values().filter(|asked| asked.answer.is_none()).map(|asked| asked.until);
        let retry = self.away.as_ref().filter(|_| self.late.is_none() && !self.queue.is_empty());
        asked.chain(self.late.as_ref().map(|late| late.until)).chain(retry.map(|away| away.retry_at)).min()
    }

    fn may_ask_later(&self, now: Now) -> bool {
        let rests = self.away.as_ref().is_some_and(|away| away.retry_at > now.mono);
        self.late.is_none() && !rests && !self.queue.is_empty()
    }

    fn heard(&mut self, now: Now, is_away: bool) {
        if is_away {
            self.is_away(now);
        } else {
            self.away = None;
        }
    }

    fn is_away(&mut self, now: Now) {
        let wait = self.away.as_ref().map_or(FIRST_WAIT, |away| (away.wait * 2).min(LONGEST_WAIT));
        self.away = Some(Away { retry_at: now.mono + wait, wait });
    }

    fn next_id(&mut self) -> SignatureId {
        self.last.0 += 1;
        self.last
    }
}

impl Row {
    fn shown(&self, basket: BasketId) -> UnsignedReceipt {
        let Self { event, series, number, since_ms } = self.clone();
        UnsignedReceipt { basket, event, series, number, since_ms }
    }
}

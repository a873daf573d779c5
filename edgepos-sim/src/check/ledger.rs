//! What the tills were promised, kept outside of every terminal.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::crdt::VersionVector;
use edgepos::model::{BasketId, Mode};
use edgepos::{Commit, Draft, OpenBasket, Receipt, Refusal, Reply};
use edgepos_core::{EventId, IdempotencyKey};
use edgepos_sync::Hash;

use super::held::Held;
use super::rule::{Rule, Violation};
use super::said::Sayings;

/// What was asked for, and promised, about one basket.
#[derive(Clone, Debug)]
pub struct Basket {
    /// The terminal's place, from 0.
    pub terminal: usize,
    /// Whether it counts.
    pub mode: Mode,
    /// The receipt series.
    pub series: String,
    /// What the customer owes.
    pub total: i64,
    /// Whether it takes goods back.
    pub is_return: bool,
    /// Receipt numbers that were promised; one, unless it was begun [anew](Self::anew).
    pub begun: Vec<u64>,
    /// Keys that were used to commit.
    pub keys: Vec<IdempotencyKey>,
    /// The receipt that was given.
    pub receipt: Option<Receipt>,
    /// Whether the till, not knowing whether it was booked, began it once more under the same name.
    pub anew: bool,
    /// Whether it was asked for at another till as well, since the answer was lost.
    pub elsewhere: bool,
    /// The receipt of the other till, where neither heard of the other's sale before its own.
    pub second: Option<Receipt>,
    /// Whether the other till held the first sale when it was last asked: it must not book it again.
    is_known: bool,
    /// Whether the other till was ever asked while it did not hold the first sale: it may have booked it then, and a crash may have taken the answer.
    pub unaware: bool,
    /// Whether the till asked to abandon it.
    pub abandon_asked: bool,
    /// Whether it was said to be gone.
    pub abandoned: bool,
    /// The tills that a power cut took its beginning from, and where it was not begun since: what one begins another has lost all the same.
    lost_at: BTreeSet<usize>,
    /// The tills that were told a receipt of it: none of them has it open.
    told_at: BTreeSet<usize>,
    /// Whether its terminal's disk was put back since it was asked for: what was said of it then is forgotten there. Or it is one that may
    /// be parked, and is never paid.
    pub shaken: bool,
    /// Receipts that were given and that nobody held any more when a disk was put back.
    gone: Vec<Receipt>,
}

/// Every promise of every terminal.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    baskets: BTreeMap<BasketId, Basket>,
    recorded: BTreeMap<EventId, usize>,
    /// Where the chain of a recorded event was with it, in a store whose disks are put back.
    hashes: BTreeMap<EventId, Hash>,
    /// Sold, or recorded by a terminal whose disk was put back since, which may give their names again.
    kept: BTreeSet<(EventId, Hash)>,
    /// The numbers of the terminals whose disks were put back.
    put_back: BTreeSet<usize>,
    said: Sayings,
}

impl Ledger {
    /// Nothing was promised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every basket that was asked for.
    pub fn baskets(&self) -> impl Iterator<Item = (&BasketId, &Basket)> + '_ {
        self.baskets.iter()
    }

    /// What was promised about one basket.
    pub fn basket(&self, id: BasketId) -> Option<&Basket> {
        self.baskets.get(&id)
    }

    /// Events beside receipts that were said to be recorded, and where.
    pub fn recorded(&self) -> impl Iterator<Item = (EventId, usize)> + '_ {
        self.recorded.iter().map(|(id, terminal)| (*id, *terminal))
    }

    /// How many receipts were given.
    pub fn receipts(&self) -> u64 {
        self.baskets.values().filter(|basket| basket.receipt.is_some()).count() as u64
    }

    /// How many of them were for goods that came back.
    pub fn returns(&self) -> u64 {
        self.baskets.values().filter(|basket| basket.is_return && basket.receipt.is_some()).count() as u64
    }

    /// A till asks to begin.
    pub fn asks_begin(&mut self, terminal: usize, draft: &Draft) {
        let total = draft.lines.iter().map(|line| line.amount).sum();
        let basket = self.baskets.entry(draft.basket).or_insert_with(|| Basket {
            terminal,
            mode: draft.mode,
            series: draft.series.clone(),
            total,
            is_return: draft.doc_type == edgepos::model::DocType::Return,
            begun: Vec::new(),
            keys: Vec::new(),
            receipt: None,
            anew: false,
            elsewhere: false,
            second: None,
            is_known: false,
            unaware: false,
            abandon_asked: false,
            abandoned: false,
            lost_at: BTreeSet::new(),
            told_at: BTreeSet::new(),
            shaken: false,
            gone: Vec::new(),
        });
        basket.anew |= !basket.keys.is_empty();
    }

    /// Somebody begins a basket that is put aside, or left, and never paid.
    pub(crate) fn sets_aside(&mut self, terminal: usize, draft: &Draft) {
        self.asks_begin(terminal, draft);
        if let Some(basket) = self.baskets.get_mut(&draft.basket) {
            basket.shaken = true;
        }
    }

    /// What was promised of what is no sale.
    pub(crate) fn said(&self) -> &Sayings {
        &self.said
    }

    /// The same, to be said more of.
    pub(crate) fn said_mut(&mut self) -> &mut Sayings {
        &mut self.said
    }

    /// A till asks to commit.
    pub fn asks_commit(&mut self, commit: &Commit) {
        let new = self.baskets.get_mut(&commit.basket).filter(|basket| !basket.keys.contains(&commit.key));
        new.into_iter().for_each(|basket| basket.keys.push(commit.key));
    }

    /// The answer is lost, and the sale is asked for at another till.
    pub fn goes_elsewhere(&mut self, id: BasketId) {
        if let Some(basket) = self.baskets.get_mut(&id) {
            basket.elsewhere = true;
        }
    }

    /// A terminal that holds these events is asked to commit.
    pub fn holds(&mut self, id: BasketId, durable: &VersionVector) {
        let asked = |basket: &&mut Basket| basket.elsewhere && basket.second.is_none();
        if let Some(basket) = self.baskets.get_mut(&id).filter(asked) {
            // Whose disk was put back gives names again: another event may stand there.
            let named_once = |id: EventId| !self.put_back.contains(&usize::from(id.chain.replica.terminal()));
            let held = |receipt: &Receipt| durable.covers(receipt.event) && named_once(receipt.event);
            basket.is_known = basket.receipt.as_ref().is_some_and(held);
            basket.unaware |= !basket.is_known;
        }
    }

    /// A power cut took the beginning of a basket with its number, so soon after the answer that it may.
    pub fn loses_begun(&mut self, terminal: usize, id: BasketId) {
        if let Some(basket) = self.baskets.get_mut(&id) {
            // The number of a receipt that was given is on disk, here or at the till that gave it.
            let booked: Vec<u64> = basket.given().map(|receipt| receipt.number).collect();
            // 0 says that the number comes with the receipt.
            basket.begun.retain(|number| booked.contains(number) || *number == 0 && !booked.is_empty());
            basket.lost_at.insert(terminal);
        }
    }

    /// Whether a power cut took the beginning of the basket from a till, so that it must be begun there once more.
    pub fn is_lost(&self, terminal: usize, id: BasketId) -> bool {
        self.baskets.get(&id).is_some_and(|basket| basket.lost_at.contains(&terminal))
    }

    /// A till asks to abandon.
    pub fn asks_abandon(&mut self, id: BasketId) {
        if let Some(basket) = self.baskets.get_mut(&id) {
            basket.abandon_asked = true;
        }
    }

    /// A terminal replies about a basket.
    ///
    /// # Errors
    /// When the reply contradicts an earlier one, or denies what was promised.
    pub fn replied(
        &mut self,
        terminal: usize,
        id: BasketId,
        key: Option<IdempotencyKey>,
        reply: &Result<Reply, Refusal>,
    ) -> Result<(), Violation> {
        let basket =
            self.baskets.get_mut(&id).ok_or_else(|| receipts(format!("basket {id} was never begun")))?;
        let booked_by = |receipt: &Receipt| usize::from(receipt.event.chain.replica.terminal());
        let is_renamed = |receipt: &Receipt| self.put_back.contains(&booked_by(receipt));
        if matches!(reply, Ok(Reply::Abandoned)) {
            // A till gives up what it found open, also where a clerk was parking it at that moment.
            self.said.takes(id);
        }
        if matches!(reply, Ok(Reply::Committed { .. })) {
            basket.told_at.insert(terminal);
        }
        if basket.shaken {
            return basket.shaken_replied(id, reply);
        }
        match reply {
            Ok(Reply::Begun { number, total }) => basket.begins(terminal, id, *number, *total),
            Ok(Reply::Committed { receipt, repeated }) => {
                basket.commits(id, key, receipt, *repeated, is_renamed(receipt))
            }
            Ok(Reply::Abandoned) => basket.abandons(id),
            Ok(Reply::Counter(_)) => Err(receipts(format!("basket {id} was answered with a counter"))),
            Ok(reply @ (Reply::Parked | Reply::Claimed { .. } | Reply::Unresolved { .. })) => {
                Err(receipts(format!("nobody parks basket {id}, and the answer is {reply:?}")))
            }
            Ok(Reply::Kept) => Err(receipts(format!("basket {id} was answered with a customer's key"))),
            Ok(Reply::Resolved(_)) => Err(receipts(format!("basket {id} was answered with a resolution"))),
            Ok(Reply::Recorded(event)) => Err(receipts(format!("basket {id} was recorded as event {event}"))),
            Err(Refusal::UnknownBasket(_)) => basket.is_unknown(terminal, id, key),
            Err(refusal @ (Refusal::Stopped(_) | Refusal::BasketExists(_) | Refusal::Overflow)) => {
                Err(Violation::new(Rule::Alive, format!("basket {id} was refused: {refusal}")))
            }
            Err(Refusal::BookedElsewhere(told)) => basket.is_told(terminal, id, told),
            Err(refusal)
                if key.is_some() && !matches!(refusal, Refusal::BasketBusy(_) | Refusal::Full { .. }) =>
            {
                Err(lost(format!("basket {id} was refused after the customer had paid: {refusal}")))
            }
            Err(_) => Ok(()),
        }
    }

    /// A terminal says that it recorded something else.
    ///
    /// # Errors
    /// When it gives one event's name a second time.
    pub fn records(&mut self, terminal: usize, event: EventId) -> Result<(), Violation> {
        match self.recorded.insert(event, terminal) {
            None => Ok(()),
            Some(_) => Err(receipts(format!("{event} was given as the name of two events"))),
        }
    }

    /// The chain of a sale had this hash with it: whatever is printed on it, this very event must not be lost.
    pub(crate) fn sold(&mut self, event: EventId, hash: Hash) {
        self.kept.insert((event, hash));
    }

    /// The chain of an event that was recorded had this hash with it.
    pub(crate) fn has_hash(&mut self, event: EventId, hash: Hash) {
        self.hashes.insert(event, hash);
    }

    /// The disk of a terminal is put back; what the others and the image hold is `held`. The rest of what it promised went with the disk.
    pub(crate) fn put_back(&mut self, terminal: usize, held: &Held) {
        self.put_back.insert(terminal + 1);
        for basket in self.baskets.values_mut() {
            basket.shaken |= basket.terminal == terminal || basket.elsewhere;
            let gone: Vec<_> = basket.given().filter(|receipt| !held.has_sale(receipt)).cloned().collect();
            basket.gone.extend(gone);
        }
        let own = |event: &EventId| usize::from(event.chain.replica.terminal()) == terminal + 1;
        for event in self.recorded.extract_if(.., |event, _| own(event)).map(|(event, _)| event) {
            self.kept.extend(self.hashes.remove(&event).map(|hash| (event, hash)));
        }
        self.kept.retain(|(event, hash)| held.has_event(*event, *hash));
    }

    /// Another box takes the number of a terminal: its receipts are of a series of its own.
    pub(crate) fn has_another_box(&mut self, terminal: usize) {
        self.put_back.insert(terminal + 1);
    }

    /// Receipts that were given, and that somebody held whenever a disk was put back.
    pub(crate) fn kept_receipts(&self) -> impl Iterator<Item = (BasketId, &Receipt)> + '_ {
        self.baskets.iter().flat_map(|(id, basket)| {
            let kept = basket.given().filter(|receipt| !basket.gone.contains(receipt));
            kept.map(|receipt| (*id, receipt))
        })
    }

    /// The same of events beside receipts, with the hash of their chains there.
    pub(crate) fn kept_events(&self) -> impl Iterator<Item = (EventId, Hash)> + '_ {
        let later = self.recorded.keys().filter_map(|event| Some((*event, *self.hashes.get(event)?)));
        self.kept.iter().copied().chain(later)
    }

    /// A terminal has started again and lists its open baskets.
    ///
    /// # Errors
    /// When a basket is missing that was promised and whose end nobody asked for, or when one is there that has ended.
    pub fn lists_open(&self, terminal: usize, open: &[OpenBasket]) -> Result<(), Violation> {
        let known = |basket: &Basket| basket.terminal == terminal && !basket.shaken;
        for (id, basket) in self.baskets.iter().filter(|(_, basket)| known(basket)) {
            let listed = open.iter().find(|listed| listed.basket == *id);
            let booked_here =
                |receipt: &Receipt| usize::from(receipt.event.chain.replica.terminal()) == terminal + 1;
            // What another till booked is open here until it is heard of.
            let is_known = basket.told_at.contains(&terminal) || basket.given().any(booked_here);
            let ended = is_known || basket.abandoned;
            let may_have_ended = ended || basket.abandon_asked || !basket.keys.is_empty();
            match listed {
                None if !basket.begun.is_empty() && !may_have_ended => {
                    let number = basket.begun[0];
                    return Err(lost(format!(
                        "open basket {id} with number {number} is gone after a restart"
                    )));
                }
                // A till that had lost the receipt may have begun anew under the same name.
                Some(_) if ended && !basket.anew => {
                    return Err(lost(format!("basket {id} has ended and is open again after a restart")));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Basket {
    /// The receipts that were given for it.
    fn given(&self) -> impl Iterator<Item = &Receipt> + '_ {
        self.receipt.iter().chain(&self.second)
    }

    /// Whether its number comes with its receipt.
    fn draws_at_commit(&self) -> bool {
        self.mode == Mode::Live && self.begun.contains(&0)
    }

    /// Whether it may have a receipt of this series: a disk that was put back opens another, named from the one asked for.
    fn is_series(&self, series: &str, is_renamed: bool) -> bool {
        let named_from = |rest: &str| is_renamed && rest.starts_with('.');
        series.strip_prefix(&self.series).is_some_and(|rest| rest.is_empty() || named_from(rest))
    }

    /// What a terminal says of it that may have forgotten it, or heard more of it than its till: a receipt that it gives counts.
    fn shaken_replied(&mut self, id: BasketId, reply: &Result<Reply, Refusal>) -> Result<(), Violation> {
        let Ok(Reply::Committed { receipt, .. }) = reply else { return Ok(()) };
        if self.given().any(|given| given.series == receipt.series && given.number == receipt.number) {
            return Ok(());
        }
        match (&self.receipt, &self.second) {
            (None, _) => self.receipt = Some(receipt.clone()),
            (Some(_), None) => self.second = Some(receipt.clone()),
            (Some(first), Some(second)) => {
                let what = format!("basket {id} has receipts {first:?} and {second:?}, and now {receipt:?}");
                return Err(receipts(what));
            }
        }
        Ok(())
    }

    /// A terminal has been told that another one booked it, and does not hold that sale: it asks to wait, and must not be wrong.
    fn is_told(&self, terminal: usize, id: BasketId, told: &Receipt) -> Result<(), Violation> {
        let by_itself = usize::from(told.event.chain.replica.terminal()) == terminal + 1;
        let differs = self.given().any(|given| given.event == told.event && given != told);
        if by_itself || differs || told.basket != id || !self.elsewhere {
            return Err(receipts(format!("basket {id} is said to be booked elsewhere, as {told:?}")));
        }
        Ok(())
    }

    fn begins(&mut self, terminal: usize, id: BasketId, number: u64, total: i64) -> Result<(), Violation> {
        if total != self.total {
            return Err(receipts(format!("basket {id} costs {total} instead of {}", self.total)));
        }
        if !self.begun.contains(&number) {
            if !self.begun.is_empty() && !self.anew {
                let before = self.begun[0];
                return Err(receipts(format!("basket {id} had number {before} and has {number}")));
            }
            self.begun.push(number);
        }
        self.lost_at.remove(&terminal);
        Ok(())
    }

    fn commits(
        &mut self,
        id: BasketId,
        key: Option<IdempotencyKey>,
        receipt: &Receipt,
        repeated: bool,
        is_renamed: bool,
    ) -> Result<(), Violation> {
        let replica = |receipt: &Receipt| receipt.event.chain.replica;
        match &self.receipt {
            // Two terminals that had not heard of each other's sale booked it both.
            Some(first)
                if self.elsewhere
                    && replica(first) != replica(receipt)
                    && self.second.as_ref() == Some(receipt) =>
            {
                return Ok(());
            }
            Some(first) if self.elsewhere && replica(first) != replica(receipt) && self.second.is_none() => {
                let may = if repeated { self.unaware } else { !self.is_known };
                if !may {
                    return Err(receipts(format!(
                        "basket {id} is booked as {first:?}, and again as {receipt:?}"
                    )));
                }
                self.second = Some(receipt.clone());
            }
            Some(first) if first != receipt && !(is_renamed && is_same_sale(first, receipt)) => {
                return Err(receipts(format!(
                    "basket {id} has receipt {first:?} and, for {key:?}, {receipt:?}"
                )));
            }
            Some(_) if !repeated => {
                return Err(receipts(format!("basket {id} was booked again for {key:?}")));
            }
            _ => {}
        }
        let as_promised = receipt.basket == id
            && self.is_series(&receipt.series, is_renamed)
            && receipt.total == self.total
            && (self.begun.contains(&receipt.number) || self.draws_at_commit());
        if !as_promised {
            return Err(receipts(format!("basket {id} was promised {:?} and got {receipt:?}", self.begun)));
        }
        if self.abandoned {
            return Err(receipts(format!("basket {id} was abandoned and is booked as {receipt:?}")));
        }
        self.receipt.get_or_insert_with(|| receipt.clone());
        Ok(())
    }

    fn abandons(&mut self, id: BasketId) -> Result<(), Violation> {
        if self.receipt.is_some() && !self.anew {
            return Err(receipts(format!("basket {id} is booked and was abandoned")));
        }
        // Where it was begun anew, what is abandoned may be the second beginning of a basket that is booked.
        self.abandoned |= !self.anew;
        Ok(())
    }

    fn is_unknown(
        &self,
        terminal: usize,
        id: BasketId,
        key: Option<IdempotencyKey>,
    ) -> Result<(), Violation> {
        // A power cut took its second beginning from a till that has not heard of the sale.
        if self.lost_at.contains(&terminal) && self.elsewhere && !self.is_known {
            return Ok(());
        }
        let by_key = key.is_some_and(|key| self.keys.contains(&key));
        if let Some(receipt) = self.receipt.as_ref().filter(|_| by_key) {
            return Err(lost(format!("the receipt of basket {id} is forgotten: {receipt:?}")));
        }
        let may_have_ended = self.abandon_asked || (key.is_none() && !self.keys.is_empty());
        if !self.begun.is_empty() && !may_have_ended {
            return Err(lost(format!("basket {id} with number {} is forgotten", self.begun[0])));
        }
        Ok(())
    }
}

/// Whether two receipts are of one sale, whose event was written again under another name in between.
fn is_same_sale(first: &Receipt, receipt: &Receipt) -> bool {
    let printed = |receipt: &Receipt| (receipt.basket, receipt.series.clone(), receipt.number, receipt.total);
    printed(first) == printed(receipt)
}

fn receipts(what: String) -> Violation {
    Violation::new(Rule::Receipts, what)
}

fn lost(what: String) -> Violation {
    Violation::new(Rule::NothingLost, what)
}

#[cfg(test)]
pub(super) mod tests;

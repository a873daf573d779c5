//! Receipts of which two have one number.
//!
//! A terminal whose disk went back gives numbers again that it has given before, until it knows. What it sold under them is written again
//! under another name and keeps its number, as a sale does that was begun under an earlier name; so whoever has the other receipt of such
//! a number has it in a chain in which something was written again, at or behind the place of that. Each sale from there on is looked at,
//! and none beside.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use edgepos_core::{Chain, EventId, Lane, Now, ReplicaId, Seq, Space, Time, Write};
use edgepos_crdt::VersionVector;
use edgepos_sync::EventRecord;
use edgepos_wire::{from_cbor, to_cbor};

use super::body::ExceptionRaised;
use super::episodes::Episodes;
use super::judge::Standing;
use super::watch::Watch;
use super::watched::{Due, Proposer, Subject};
use crate::ports::Rows;
use crate::retail::envelope::{Envelope, Mode};
use crate::retail::kind::{Kind, KnownKind};
use crate::retail::sale::body::{BasketId, Transaction};
use crate::retail::sale::number::ReceiptNumber;
use crate::retail::unreadable::Unreadable;
use crate::terminal::unit_of_work::{UnitOfWork, Wants};

/// Most receipts that are looked at. Further ones are not.
const MAX_RECEIPTS: usize = 1 << 16;
/// How far above the numbers of what was written again others are looked at: of two boxes with one disk one goes on in its series.
const LOOK_AHEAD: u64 = 20_000;
/// How far before the end of a chain a number may have been reserved of which no more is known than the chain.
const LOOK_BACK: u64 = 20_000;
/// Bytes of events that are read at a time.
const PIECE: u32 = 1 << 18;

/// What the key of a row begins with: that of a receipt, and that of a chain.
const RECEIPT: u8 = b'r';
const CHAIN: u8 = b'c';

/// Receipts whose number another may have.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    receipts: BTreeMap<ReceiptNumber, BTreeMap<EventId, BasketId>>,
    of_event: BTreeMap<EventId, ReceiptNumber>,
    /// The highest number of what was written again or begun before, by terminal and series.
    highest: BTreeMap<(u16, String), u64>,
    /// Chains in which something was written again, and from where on.
    branched: BTreeMap<Chain, Seq>,
    /// What of them was there before that was known, and is not read yet: the next, and the last.
    unread: BTreeMap<Chain, (Seq, Seq)>,
    /// The chain of which a piece is being read, from where and up to where.
    reading: Option<(Chain, Seq, Seq)>,
    /// Numbers of two sales that are not raised yet.
    watch: Watch<ReceiptNumber>,
}

impl Numbers {
    /// A row of [`Space::SharedNumber`] as it is on disk.
    pub(super) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        match key.split_first() {
            Some((&CHAIN, chain)) => {
                let Some(chain) = Chain::from_key(chain) else { return Ok(()) };
                let (from, next): (u64, u64) = from_cbor("chain with numbers", value)?;
                self.branched.insert(chain, Seq(from));
                if next > 0 {
                    self.unread.insert(chain, (Seq(next), Seq(u64::MAX)));
                }
            }
            Some((&RECEIPT, name)) => {
                let Some((number, event)) = name.split_last_chunk::<17>() else { return Ok(()) };
                let names = ReceiptNumber::from_bytes(number).zip(EventId::from_key(event));
                let said = value.split_first_chunk().map(|(basket, moved)| (BasketId(*basket), moved == [1]));
                if let (Some((number, event)), Some((basket, has_moved))) = (names, said) {
                    self.enter(event, number, basket, has_moved);
                }
            }
            // A later version may keep more here.
            _ => {}
        }
        Ok(())
    }

    /// Every row is restored.
    pub(super) fn start(&mut self, now: Now, held: &VersionVector, episodes: &Episodes) {
        for (chain, (_, last)) in &mut self.unread {
            *last = held.get(*chain);
        }
        let all: Vec<_> = self.receipts.keys().cloned().collect();
        all.into_iter().for_each(|number| self.look(now, number, episodes));
    }

    /// An event has its place: a sale whose number another may have is one to look at.
    pub(super) fn note(
        &mut self,
        now: Now,
        (id, envelope): (EventId, &Envelope),
        held: &VersionVector,
        episodes: &Episodes,
        out: &mut UnitOfWork,
    ) {
        let origin = envelope.origin.as_ref();
        if let Some(origin) = origin {
            for old in [origin.reissue_of, origin.replaces].into_iter().flatten() {
                self.branch(old.event.chain, old.event.seq, held, out);
            }
            if let Some(replica) = origin.begun_in {
                let chain = Chain::new(ReplicaId(replica), Lane::Transactions);
                if !self.branched.contains_key(&chain) {
                    let from = Seq(held.get(chain).0.saturating_sub(LOOK_BACK).max(1));
                    self.branch(chain, from, held, out);
                }
            }
        }
        let is_in_branch = self.branched.get(&id.chain).is_some_and(|from| id.seq >= *from);
        if origin.is_some() || is_in_branch {
            self.take(now, (id, envelope), episodes, |row| out.write(row));
        }
    }

    /// Something of this chain was written again: its sales from there on may have a number that another has.
    fn branch(&mut self, chain: Chain, from: Seq, held: &VersionVector, out: &mut UnitOfWork) {
        let before = self.branched.get(&chain).copied();
        if chain.lane != Lane::Transactions || before.is_some_and(|before| before <= from) {
            return;
        }
        self.branched.insert(chain, from);
        let last =
            before.map_or(held.get(chain), |before| Seq(before.0.saturating_sub(1)).min(held.get(chain)));
        if from <= last {
            let last = self.unread.get(&chain).map_or(last, |(_, unread)| last.max(*unread));
            self.unread.insert(chain, (from, last));
        }
        out.write(self.chain_row(chain));
    }

    fn chain_row(&self, chain: Chain) -> Write {
        let from = self.branched.get(&chain).copied().unwrap_or_default();
        let next = self.unread.get(&chain).map_or(Seq::ZERO, |(next, _)| *next);
        let key = [&[CHAIN], chain.to_key().as_slice()].concat();
        Write::put(Space::SharedNumber, key, to_cbor(&(from.0, next.0)))
    }

    /// Reads the next piece, one at a time: what is held and not `durable` cannot be read yet.
    pub(super) fn read_on(&mut self, durable: &VersionVector, out: &mut UnitOfWork) {
        if self.reading.is_some() {
            return;
        }
        let readable =
            |(&chain, &(next, last)): (&Chain, &(Seq, Seq))| (chain, next, last.min(durable.get(chain)));
        let mut pieces = self.unread.iter().map(readable);
        let Some((chain, next, last)) = pieces.find(|(_, next, last)| next <= last) else { return };
        self.reading = Some((chain, next, last));
        let key = |seq| EventId::new(chain, seq).to_key().to_vec();
        out.load_range(Space::Event, key(next), key(last), PIECE, Wants::Numbers);
    }

    /// The piece was read.
    pub(super) fn read(&mut self, now: Now, rows: &Rows, episodes: &Episodes, out: &mut UnitOfWork) {
        let Some((chain, first, asked)) = self.reading.take() else { return };
        let mut reached = None;
        for (key, value) in rows {
            reached = EventId::from_key(key).map(|id| id.seq).or(reached);
            let Some((record, _)) = EventRecord::from_row(key, value) else { continue };
            let Ok(envelope) = Envelope::decode(&record.payload) else { continue };
            self.take(now, (record.id, &envelope), episodes, |row| out.write_soon(row));
        }
        // Where an earlier place was named meanwhile, all of it is read.
        if let Some((next, last)) = self.unread.get_mut(&chain).filter(|(next, _)| *next == first) {
            // Where nothing came, what was asked for is pruned.
            *next = reached.unwrap_or(asked).next();
            if *next > *last {
                self.unread.remove(&chain);
            }
        }
        out.write_soon(self.chain_row(chain));
    }

    /// Looks at a sale, whatever chain it is in.
    fn take(
        &mut self,
        now: Now,
        (id, envelope): (EventId, &Envelope),
        episodes: &Episodes,
        write: impl FnOnce(Write),
    ) {
        let is_sale = envelope.kind == Kind::TRANSACTION && envelope.mode == Mode::Live;
        if !is_sale || self.of_event.contains_key(&id) || self.of_event.len() >= MAX_RECEIPTS {
            return;
        }
        // What cannot be read is quarantined elsewhere.
        let Ok(Transaction { basket, series, number, .. }) = from_cbor("transaction", &envelope.body) else {
            return;
        };
        // Who wrote it again may be another terminal, which held what its owner had lost.
        let first = envelope.reissue_of().map_or(id, |of| of.event);
        let number = ReceiptNumber { terminal: first.chain.replica.terminal(), number, series };
        let has_moved = envelope.origin.is_some();
        let highest = self.highest.get(&(number.terminal, number.series.clone())).copied().unwrap_or(0);
        if !has_moved && number.number > highest.saturating_add(LOOK_AHEAD) {
            return;
        }
        let value = [basket.0.as_slice(), &[u8::from(has_moved)]].concat();
        write(Write::put(Space::SharedNumber, row_key(&number, id), value));
        self.enter(id, number.clone(), basket, has_moved);
        self.look(now, number, episodes);
    }

    fn enter(&mut self, id: EventId, number: ReceiptNumber, basket: BasketId, has_moved: bool) {
        if has_moved {
            let highest = self.highest.entry((number.terminal, number.series.clone())).or_default();
            *highest = number.number.max(*highest);
        }
        self.of_event.insert(id, number.clone());
        self.receipts.entry(number).or_default().insert(id, basket);
    }

    /// Watches a number that receipts of two baskets have, until it is raised. One basket that was booked twice is another exception.
    fn look(&mut self, now: Now, number: ReceiptNumber, episodes: &Episodes) {
        let baskets = self.receipts.get(&number).map(|events| events.values().collect::<BTreeSet<_>>().len());
        let raised = ExceptionRaised::same_number(&number, Vec::new());
        let due = baskets.is_some_and(|baskets| baskets > 1) && episodes.next(raised.subject()) == Some(1);
        self.watch.note(now.mono, number, due);
    }

    /// The event of this name is gone from its place.
    pub(super) fn forget_event(&mut self, id: EventId, out: &mut UnitOfWork) {
        let Some(number) = self.of_event.remove(&id) else { return };
        out.write(Write::delete(Space::SharedNumber, row_key(&number, id)));
        if let Entry::Occupied(mut events) = self.receipts.entry(number) {
            events.get_mut().remove(&id);
            if events.get().is_empty() {
                events.remove();
            }
        }
    }

    /// It is raised.
    pub(super) fn raised(&mut self, number: &ReceiptNumber) {
        self.watch.settle(number);
    }

    /// Numbers that two sales have had for long enough.
    pub(super) fn due(&mut self, now: Now, by: Proposer<'_>, standing: Standing<'_>) -> Vec<Due> {
        let mut due = Vec::new();
        for number in self.watch.due(now.mono, by.grace) {
            let events = self.receipts.get(&number).cloned().unwrap_or_default();
            let ids: Vec<EventId> = events.keys().copied().collect();
            let Some(apart) = standing.reissued.apart(&ids, by.held) else {
                self.watch.postpone(now.mono, by.grace, &number);
                continue;
            };
            let baskets: BTreeSet<_> = apart.iter().filter_map(|id| events.get(id)).collect();
            if baskets.len() < 2 {
                // One sale under the names that it has had, or one basket that was booked twice.
                self.watch.settle(&number);
                continue;
            }
            let body = to_cbor(&ExceptionRaised::same_number(&number, apart));
            due.push(Due { subject: Subject::Number(number), kind: KnownKind::ExceptionRaised, body });
        }
        due
    }

    /// It was proposed, or the proposal was not taken.
    pub(super) fn proposed(&mut self, now: Now, grace: Duration, number: &ReceiptNumber, taken: bool) {
        if taken {
            self.watch.proposed(now.mono, number);
        } else {
            self.watch.postpone(now.mono, grace, number);
        }
    }

    /// When there may be something to propose.
    pub(super) fn next_due(&self, by: Proposer<'_>) -> Option<Time> {
        self.watch.next(by.grace)
    }
}

fn row_key(number: &ReceiptNumber, id: EventId) -> Vec<u8> {
    [&[RECEIPT], number.to_bytes().as_slice(), &id.to_key()].concat()
}

#[cfg(test)]
mod tests {
    use edgepos_crdt::Hlc;
    use edgepos_sync::Hash;

    use super::*;
    use crate::retail::envelope::{Origin, Reissue};
    use crate::retail::money::Currency;
    use crate::retail::sale::body::DocType;

    const NOW: Now = Now::new(0, 0);

    fn event(nonce: u64, seq: u64) -> EventId {
        EventId::new(Chain::new(ReplicaId::new(3, nonce), Lane::Transactions), Seq(seq))
    }

    fn sale(basket: u8, number: u64, of: Option<EventId>) -> Envelope {
        let body = Transaction {
            basket: BasketId([basket; 16]),
            doc_type: DocType::Sale,
            series: "S".into(),
            number,
            customer: None,
            currency: Currency::EUR,
            lines: Vec::new(),
            tenders: Vec::new(),
            taxes: Vec::new(),
            rounding: 0,
            total: 0,
            change: None,
            unreferenced: None,
        };
        let mut envelope = Envelope::new(Kind::TRANSACTION, 0, Hlc(1), to_cbor(&body));
        let reissue_of = of.map(|of| Reissue::new(of, Hash([7; 32])));
        envelope.origin = reissue_of.map(|of| Origin { reissue_of: Some(of), ..Origin::default() });
        envelope
    }

    fn watched(numbers: &Numbers) -> Vec<u64> {
        numbers.watch.all().map(|number| number.number).collect()
    }

    /// Sales 1 to `last` of the chain that was there first, with these numbers; as they are on disk.
    fn on_disk(last: u64) -> Rows {
        let row = |seq| {
            let record = EventRecord { id: event(1, seq), payload: sale(seq as u8, seq, None).encode() };
            (record.id.to_key().to_vec(), record.to_row(Hash([0; 32])))
        };
        (1..=last).map(row).collect()
    }

    #[test]
    fn whichever_of_two_came_first_a_number_of_two_baskets_is_watched() {
        let (episodes, mut out) = (Episodes::default(), UnitOfWork::default());
        let again = |seq| sale(100 + seq as u8, seq, Some(event(1, seq)));
        // The others are there, and read in two pieces.
        let held: VersionVector = [(event(1, 1).chain, Seq(4))].into_iter().collect();
        let mut behind = Numbers::default();
        behind.note(NOW, (event(2, 1), &again(2)), &held, &episodes, &mut out);
        assert_eq!(watched(&behind), [0; 0], "nothing is read so far");
        behind.read_on(&held, &mut out);
        behind.read(NOW, &on_disk(4)[1..3].to_vec(), &episodes, &mut out);
        assert_eq!((watched(&behind), behind.unread[&event(1, 1).chain]), (vec![2], (Seq(4), Seq(4))));
        behind.read_on(&held, &mut out);
        behind.read(NOW, &on_disk(4)[3..].to_vec(), &episodes, &mut out);
        assert!(behind.unread.is_empty());
        behind.note(NOW, (event(2, 2), &again(3)), &held, &episodes, &mut out);
        assert_eq!(watched(&behind), [2, 3]);
        // They come later.
        let mut ahead = Numbers::default();
        let none = VersionVector::new();
        for seq in [2, 3] {
            ahead.note(NOW, (event(2, seq), &again(seq)), &none, &episodes, &mut out);
        }
        for seq in 1..=4 {
            ahead.note(NOW, (event(1, seq), &sale(seq as u8, seq, None)), &none, &episodes, &mut out);
        }
        assert_eq!(watched(&ahead), [2, 3]);
        ahead.forget_event(event(1, 2), &mut out);
        assert_eq!(ahead.receipts[&ReceiptNumber { terminal: 3, number: 2, series: "S".into() }].len(), 1);
        // Far above what was written again nothing is looked at, and below it is.
        let far = |seq, number| (event(1, seq), sale(9, number, None));
        for (id, envelope) in [far(10, 3 + LOOK_AHEAD), far(11, 4 + LOOK_AHEAD)] {
            ahead.note(NOW, (id, &envelope), &none, &episodes, &mut out);
        }
        assert!(ahead.of_event.contains_key(&event(1, 10)) && !ahead.of_event.contains_key(&event(1, 11)));
    }

    /// A till that is new gets both histories in one piece: the other receipt is held, and not on disk yet.
    #[test]
    fn what_is_not_durable_is_read_once_it_is() {
        let (episodes, mut out) = (Episodes::default(), UnitOfWork::default());
        let chain = event(1, 1).chain;
        let up_to = |seq| [(chain, Seq(seq))].into_iter().collect::<VersionVector>();
        let mut numbers = Numbers::default();
        numbers.note(NOW, (event(2, 1), &sale(9, 3, Some(event(1, 2)))), &up_to(4), &episodes, &mut out);
        numbers.read_on(&up_to(1), &mut out);
        assert_eq!(numbers.reading, None);
        numbers.read_on(&up_to(2), &mut out);
        assert_eq!(numbers.reading, Some((chain, Seq(2), Seq(2))));
        numbers.read(NOW, &on_disk(4)[1..2].to_vec(), &episodes, &mut out);
        assert_eq!((watched(&numbers), numbers.unread[&chain]), (vec![], (Seq(3), Seq(4))));
        numbers.read_on(&up_to(4), &mut out);
        numbers.read(NOW, &on_disk(4)[2..].to_vec(), &episodes, &mut out);
        assert_eq!((watched(&numbers), numbers.unread.len()), (vec![3], 0));
        // What is pruned is not waited for.
        let mut pruned = Numbers::default();
        pruned.note(NOW, (event(2, 1), &sale(9, 3, Some(event(1, 2)))), &up_to(4), &episodes, &mut out);
        pruned.read_on(&up_to(4), &mut out);
        pruned.read(NOW, &Vec::new(), &episodes, &mut out);
        assert!(pruned.unread.is_empty());
    }

    #[test]
    fn what_is_one_sale_or_no_sale_is_not_watched() {
        let (episodes, mut out, none) = (Episodes::default(), UnitOfWork::default(), VersionVector::new());
        let mut numbers = Numbers::default();
        let mut training = sale(5, 2, None);
        training.mode = Mode::Training;
        for (id, envelope) in [
            (event(2, 1), sale(2, 2, Some(event(1, 2)))),
            // The same basket, and a number that nothing was written again for.
            (event(1, 3), sale(2, 2, None)),
            (event(1, 1), sale(1, 2, None)),
            (event(1, 4), training),
        ] {
            numbers.note(NOW, (id, &envelope), &none, &episodes, &mut out);
        }
        assert_eq!(watched(&numbers), [0; 0]);
    }

    #[test]
    fn rows_say_all_of_it() {
        let (episodes, mut out) = (Episodes::default(), UnitOfWork::default());
        let held: VersionVector = [(event(1, 1).chain, Seq(2))].into_iter().collect();
        let mut numbers = Numbers::default();
        numbers.note(NOW, (event(2, 1), &sale(9, 2, Some(event(1, 2)))), &held, &episodes, &mut out);
        numbers.note(NOW, (event(1, 3), &sale(3, 2, None)), &held, &episodes, &mut out);
        let mut again = Numbers::default();
        for (number, events) in &numbers.receipts {
            for (id, basket) in events {
                let moved = u8::from(*id == event(2, 1));
                again.restore(&row_key(number, *id), &[basket.0.as_slice(), &[moved]].concat()).unwrap();
            }
        }
        let Write::Put { key, value, .. } = numbers.chain_row(event(1, 1).chain) else { panic!("a row") };
        again.restore(&key, &value).unwrap();
        again.start(NOW, &held, &episodes);
        assert_eq!((&again.receipts, &again.highest), (&numbers.receipts, &numbers.highest));
        assert_eq!((&again.branched, &again.unread), (&numbers.branched, &numbers.unread));
        assert_eq!(watched(&again), [2]);
    }
}

//! What an event did is taken back where it leaves its place, and whether it must: it was written again under another name.

use edgepos_core::{EventId, Now, Seq};
use edgepos_sync::{EventRecord, Hash};

use super::attachment;
use super::catalogue::Catalogue;
use super::change::Change;
use super::counters::Counters;
use super::counting::Tally;
use super::customer::Customers;
use super::document;
use super::envelope::{Envelope, Mode};
use super::exception::Exceptions;
use super::exception::judge::Standing;
use super::figures;
use super::keys::Keys;
use super::keys::booked::Booked;
use super::parked::Parked;
use super::quarantine::Quarantine;
use super::reissued::Reissued;
use super::returns::Returns;
use super::sold::Sold;
use super::uncounted::Uncounted;
use crate::ports::Rows;
use crate::terminal::ledger::Ledger;
use crate::terminal::turn::Turn;
use crate::terminal::unit_of_work::UnitOfWork;

/// The rooms in which an event may have done something.
pub(crate) struct Rooms<'r> {
    pub(crate) keys: &'r Keys,
    pub(crate) returns: &'r mut Returns,
    pub(crate) parked: &'r mut Parked,
    pub(crate) counters: &'r mut Counters,
    pub(crate) tally: &'r mut Tally,
    pub(crate) catalogue: &'r mut Catalogue,
    pub(crate) exceptions: &'r mut Exceptions,
    pub(crate) reissued: &'r mut Reissued,
    pub(crate) sold: &'r mut Sold,
    /// Events that moved nothing: those that the counters lack, and those that cannot be read.
    pub(crate) unmoved: (&'r mut Uncounted, &'r mut Quarantine),
}

/// An event that counts no longer.
struct Undone<'e> {
    id: EventId,
    envelope: &'e Envelope,
    /// The event that counts in its place already.
    heir: Option<EventId>,
    /// Up to where its chain is held.
    floor: Seq,
}

/// An event that leaves its place.
#[derive(Clone, Copy)]
pub(crate) struct Leaving<'e> {
    pub(crate) id: EventId,
    /// The hash of its chain there.
    pub(crate) hash: Hash,
    pub(crate) envelope: &'e Envelope,
    /// Up to where its chain is held without it.
    pub(crate) floor: Seq,
}

/// What is held under the old name of an event that was written again.
enum Original {
    /// It is not held under that name.
    Gone,
    /// It is, and leaves its place with all that follows; this is the last position that stays, with the hash there.
    Lost { after: Seq, hash: Hash },
    /// It is, and stays: the cloud has it, or its own terminal is this one.
    Stays(Box<Envelope>),
    /// What is there is damaged: it is neither of these until it is mended, or declared lost.
    Unclear,
}

/// What the rows say.
fn find((event, hash): (EventId, Hash), rows: &Rows, ledger: &Ledger) -> Original {
    if ledger.end_of(event.chain) < event.seq || ledger.lost().contains(event) {
        return Original::Gone;
    }
    let row = |seq: Seq| {
        let read = rows.iter().filter_map(|(key, value)| EventRecord::from_row(key, value));
        read.into_iter().find(|(record, _)| record.id == EventId::new(event.chain, seq))
    };
    let Some((record, held)) = row(event.seq) else { return Original::Unclear };
    let after = Seq(event.seq.0.saturating_sub(1));
    let before = if after == Seq::ZERO { Some(Hash::ZERO) } else { row(after).map(|(_, hash)| hash) };
    let links = before.map(|before| before.link(record.id, &record.payload) == held);
    if links == Some(false) || held != hash && links.is_none() {
        return Original::Unclear;
    }
    if held != hash {
        return Original::Gone;
    }
    let stays = ledger.cloud().get(event.chain) >= event.seq || event.chain.replica == ledger.author();
    match (before, Envelope::decode(&record.payload)) {
        (Some(hash), _) if !stays => Original::Lost { after, hash },
        (None, _) if !stays => Original::Unclear,
        (_, Ok(envelope)) => Original::Stays(Box::new(envelope)),
        // What cannot be read counts nothing under either name.
        (_, Err(_)) => Original::Gone,
    }
}

impl Rooms<'_> {
    /// Takes back what an event did. The event that counts in its place from here on, where one has waited for that.
    pub(crate) fn take_back(
        mut self,
        now: Now,
        leaving: Leaving<'_>,
        out: &mut UnitOfWork,
    ) -> Option<EventId> {
        let Leaving { id, hash, envelope, floor } = leaving;
        self.keys.take_back(id, envelope, out);
        self.exceptions.forget_event(id, out);
        let next = self.reissued.leaves((id, hash), out);
        let heir = self.reissued.counting((id, hash)).filter(|_| next.is_none());
        let (counted, other) = match envelope.reissue_of() {
            Some(of) => self.reissued.take_back(of, id, out),
            None => (true, None),
        };
        if envelope.mode == Mode::Training || envelope.duplicate_of.is_some() || !counted {
            did_nothing(&mut self, id, out);
            return None;
        }
        undo(&mut self, now, &Undone { id, envelope, heir, floor }, out);
        next.or(other)
    }

    /// An event that has its place, and keeps it, counts no longer: another that repeats the same does, from here on or, as its `heir`,
    /// already.
    pub(crate) fn uncount(
        mut self,
        now: Now,
        (id, heir): (EventId, Option<EventId>),
        envelope: &Envelope,
        ledger: &Ledger,
        out: &mut UnitOfWork,
    ) {
        let floor = ledger.end_of(id.chain);
        undo(&mut self, now, &Undone { id, envelope, heir, floor }, out);
    }

    /// An event that was written again was read under its old name: it stays there where the cloud has it, and leaves it otherwise.
    /// Whether another has ceased to count for it.
    pub(crate) fn original_loaded(self, turn: &mut Turn<'_>, rows: &Rows) -> bool {
        let Some(old) = self.reissued.read() else { return false };
        match find(old, rows, turn.ledger) {
            Original::Gone => self.reissued.is_gone(old, turn.out),
            Original::Unclear => self.reissued.is_unclear(turn.now.mono, old),
            Original::Lost { after, hash } => {
                turn.ledger.lose_branch(old.0.chain, after, hash);
                // Where the cloud is proved to have it meanwhile, it stays after all.
                self.reissued.is_unclear(turn.now.mono, old);
            }
            Original::Stays(envelope) => {
                if let Some(counted) = self.reissued.stays(old, turn.out) {
                    self.uncount(turn.now, (counted, Some(old.0)), &envelope, turn.ledger, turn.out);
                    return true;
                }
            }
        }
        false
    }
}

/// Nothing is left to be done for an event that did nothing. Whether the counters lack it: its bytes could not be read when it was to
/// be counted.
fn did_nothing(rooms: &mut Rooms<'_>, id: EventId, out: &mut UnitOfWork) -> bool {
    rooms.unmoved.1.take(id, out);
    rooms.unmoved.0.take(id, out)
}

/// What an event did is undone. One that was quarantined did nothing, and one that the counters lack moved none of them.
fn undo(rooms: &mut Rooms<'_>, now: Now, undone: &Undone<'_>, out: &mut UnitOfWork) {
    let Undone { id, envelope, heir, floor } = *undone;
    let was_quarantined = rooms.unmoved.1.has(id);
    let is_lacking = did_nothing(rooms, id, out);
    let change = match Change::read(id, envelope) {
        Ok(change) if !was_quarantined => change,
        _ => return,
    };
    let Rooms { returns, parked, counters, tally, catalogue, exceptions, sold, reissued, .. } = rooms;
    sold.take_back(id);
    if !is_lacking {
        let own = Booked::of(id, envelope).and_then(|booked| booked.basket());
        // What cannot be summed up was quarantined when it came, and moved nothing.
        for item in counters.take_back(id, &envelope.effects, own, floor).unwrap_or_default() {
            exceptions.look(now, item, Standing { counters, catalogue, reissued });
        }
    }
    returns.take_back(envelope, out);
    figures::take_back(id, envelope, out);
    match change {
        Change::Register(change) => catalogue.rename(change, heir.map(|heir| heir.chain), out),
        Change::Customer(change) => Customers::take_back(id, envelope, &change, out),
        Change::Document(set) => document::take_back(id, envelope, &set, out),
        Change::Attached(attached) => attachment::take_back(id, &attached, out),
        Change::Parked(change) => parked.take_back(id, &change, out),
        Change::Counted(change) => tally.take_back(id, &change, out),
        // A day that was closed for the store stays closed: days move forward. Shifts follow what was recorded here.
        Change::Day(_) | Change::Voided => {}
        // A device that has signed is not asked again for that: the event is written again elsewhere, or lost with its till.
        Change::AboutReceipt(about) => about.take_back(id, out),
        // What a payment terminal did stays done, whatever becomes of the event that says so.
        Change::Payment(_)
        | Change::Sale
        | Change::Raised(_)
        | Change::Ended(_)
        | Change::Advised(_)
        | Change::Resolved(_)
        | Change::EffectsAlone => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use edgepos_core::{Chain, Lane, ReplicaId, StoreGeneration, StoreId};
    use edgepos_crdt::Hlc;
    use edgepos_sync::{Config, Outbox, Restored};

    use super::*;
    use crate::retail::kind::Kind;
    use crate::terminal::derivation;

    /// Damage says neither that an event is gone nor that it stays.
    #[test]
    fn what_is_damaged_is_neither_gone_nor_held() {
        let (now, me) = (Now::new(0, 1_700_000_000_000), ReplicaId::new(1, 1));
        let chain = Chain::new(me, Lane::Transactions);
        let mut outbox =
            Outbox::new(now, Config::standard(StoreId([7; 16]), me, 1), Restored::new()).unwrap();
        let payload = |hlc| Envelope::new(Kind::TRANSACTION, 5, Hlc(hlc), Vec::new()).encode();
        let mut hash = Hash::ZERO;
        let mut rows = Rows::new();
        for hlc in 1..=2 {
            let id = outbox.record(now, Lane::Transactions, payload(hlc)).unwrap();
            let record = EventRecord { id, payload: payload(hlc) };
            hash = hash.link(id, &record.payload);
            rows.push((id.to_key().to_vec(), record.to_row(hash)));
        }
        let ledger = Ledger::new(now, 1, outbox, Hlc(0), StoreGeneration(0), derivation::Restored::default());
        let old = (EventId::new(chain, Seq(2)), hash);
        let found = |rows: &Rows| match find(old, rows, &ledger) {
            Original::Gone => "gone",
            Original::Lost { .. } => "lost",
            Original::Stays(_) => "stays",
            Original::Unclear => "unclear",
        };
        assert_eq!(found(&rows), "stays");
        let other = (old.0, Hash([9; 32]));
        assert!(matches!(find(other, &rows, &ledger), Original::Gone), "another branch is in its place");
        for at in [0, 40] {
            let mut flipped = rows.clone();
            flipped[1].1[at] ^= 1;
            assert_eq!(found(&flipped), "unclear", "a bit of byte {at}");
        }
        let mut cut = rows.clone();
        cut[1].1.truncate(20);
        assert_eq!(found(&cut), "unclear", "it does not parse");
        assert_eq!(found(&rows[..1].to_vec()), "unclear", "its row is gone");
        let beyond = (EventId::new(chain, Seq(3)), hash);
        assert!(matches!(find(beyond, &rows, &ledger), Original::Gone));
    }
}

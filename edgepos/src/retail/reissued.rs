//! Events that were written again under another name: of all that repeat one event, one counts, and the event itself leaves its place
//! where it is still held.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use edgepos_core::{EventId, Space, Time, Write};
use edgepos_crdt::VersionVector;
use edgepos_sync::Hash;
use edgepos_wire::{from_cbor, to_cbor};
use minicbor::{Decode, Encode};

use super::envelope::{Envelope, Reissue};
use super::unreadable::Unreadable;
use crate::terminal::unit_of_work::UnitOfWork;

/// Most events that are remembered as repeating one. Further ones count nothing, and are not asked to take its place.
const MAX_REPEATS: usize = 16;

/// How long it takes before what is damaged is looked at again, unless it comes again.
const AGAIN: Duration = Duration::from_secs(5);

/// An event under a name that it lost, with the hash of its chain there: two disks write two events under one name.
type OldName = (EventId, Hash);

/// For each event that was written again those that repeat it, and which of all counts.
#[derive(Debug, Default)]
pub(crate) struct Reissued {
    entries: BTreeMap<OldName, Entry>,
    /// For each event that repeats one, which.
    repeated: BTreeMap<EventId, OldName>,
    /// Those of which it is not known yet whether they are held under their old names.
    unchecked: VecDeque<OldName>,
    checking: Option<OldName>,
    /// Those that are damaged here, and when each is looked at again.
    unclear: VecDeque<(Time, OldName)>,
}

#[derive(Debug)]
struct Entry {
    /// The event that counts, which may be the old one; `None` where those that are known count nothing.
    counting: Option<EventId>,
    /// Events that repeat it and are no second sale, by rising id.
    repeats: Vec<EventId>,
    /// Whether the old one is gone from here, or stays for good.
    settled: bool,
}

/// An entry on disk.
#[derive(Debug, Encode, Decode)]
#[cbor(array)]
struct Row {
    #[n(0)]
    #[cbor(with = "edgepos_wire::optional_event_id")]
    counting: Option<EventId>,
    #[n(1)]
    #[cbor(with = "edgepos_wire::event_ids")]
    repeats: Vec<EventId>,
    #[n(2)]
    settled: bool,
}

/// Whether an event counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Counts {
    Yes,
    No,
    /// In the place of this one, which repeats the same event and has counted so far.
    InsteadOf(EventId),
}

impl Reissued {
    /// A row as it is on disk.
    pub(crate) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let name = || Unreadable::NoName { what: "an event and its hash" };
        let (event, hash) = key.split_last_chunk::<32>().ok_or_else(name)?;
        let old = (EventId::from_key(event).ok_or_else(name)?, Hash(*hash));
        let Row { counting, repeats, settled } = from_cbor("reissued row", value)?;
        if !settled {
            self.unchecked.push_back(old);
        }
        self.repeated.extend(repeats.iter().map(|repeat| (*repeat, old)));
        self.entries.insert(old, Entry { counting, repeats, settled });
        Ok(())
    }

    /// Whether an event counts that has just come: of all that repeat one, that with the lowest id does. `held` is what has its place.
    pub(crate) fn note(
        &mut self,
        id: EventId,
        envelope: &Envelope,
        held: &VersionVector,
        out: &mut UnitOfWork,
    ) -> Counts {
        self.comes_again(id, out);
        if let Some(before) = envelope.origin.as_ref().and_then(|origin| origin.replaces) {
            self.enter(before, held, out);
        }
        let Some(of) = envelope.reissue_of() else {
            return if envelope.duplicate_of.is_some() { Counts::No } else { Counts::Yes };
        };
        let old = self.enter(of, held, out);
        let entry = self.entries.get_mut(&old).expect("it was just entered");
        if envelope.duplicate_of.is_some() || entry.repeats.len() >= MAX_REPEATS {
            return Counts::No;
        }
        if let Err(at) = entry.repeats.binary_search(&id) {
            entry.repeats.insert(at, id);
            self.repeated.insert(id, old);
        }
        let counts = match entry.counting {
            None => Counts::Yes,
            Some(counting) if counting == id => Counts::Yes,
            Some(counting) if counting == of.event || counting < id => Counts::No,
            Some(counting) => Counts::InsteadOf(counting),
        };
        if counts != Counts::No {
            entry.counting = Some(id);
        }
        out.write(entry.to_write(old));
        counts
    }

    /// An event of this name has come: where it was written again, perhaps under that very name, it is to be looked at.
    fn comes_again(&mut self, id: EventId, out: &mut UnitOfWork) {
        for (old, entry) in self.entries.range_mut((id, Hash([0; 32]))..=(id, Hash([0xFF; 32]))) {
            if std::mem::replace(&mut entry.settled, false) {
                self.unchecked.push_back(*old);
                out.write(entry.to_write(*old));
            }
        }
    }

    /// The entry of an event that was written again.
    fn enter(&mut self, of: Reissue, held: &VersionVector, out: &mut UnitOfWork) -> OldName {
        let old = (of.event, of.hash());
        if !self.entries.contains_key(&old) {
            let settled = held.get(of.event.chain) < of.event.seq;
            if !settled {
                self.unchecked.push_back(old);
            }
            let entry = Entry { counting: None, repeats: Vec::new(), settled };
            out.write(entry.to_write(old));
            self.entries.insert(old, entry);
        }
        old
    }

    /// Whether an event counted when it came.
    pub(crate) fn counts(&self, id: EventId, envelope: &Envelope) -> bool {
        let counting = |of: Reissue| self.entries.get(&(of.event, of.hash()))?.counting;
        let first = envelope.reissue_of().is_none_or(|of| counting(of) == Some(id));
        envelope.duplicate_of.is_none() && first
    }

    /// Of an event that was written again and those that repeat it, the one that counts.
    pub(crate) fn counting(&self, old: OldName) -> Option<EventId> {
        self.entries.get(&old)?.counting
    }

    /// The event that counts in the place of this one, which repeats the same.
    pub(crate) fn instead_of(&self, id: EventId) -> Option<EventId> {
        self.counting(*self.repeated.get(&id)?).filter(|counting| *counting != id)
    }

    /// Of events with one name those that are sales of their own, once each; `None` while it is not known of one whether it is still held
    /// under its old name. `held`: what has its place here. Two boxes with one disk give one name to two sales: what was written again is
    /// the other box's where an event of that name is held, and else the one that had it, which has left its place or is about to.
    pub(crate) fn apart(&self, events: &[EventId], held: &VersionVector) -> Option<Vec<EventId>> {
        let old_names = |id: EventId| self.entries.range((id, Hash([0; 32]))..=(id, Hash([0xFF; 32])));
        if events.iter().any(|id| old_names(*id).any(|(_, entry)| !entry.settled)) {
            return None;
        }
        let has_left = |id: EventId| {
            let elsewhere = |(_, entry): (_, &Entry)| entry.counting.filter(|counting| *counting != id);
            old_names(id).filter_map(elsewhere).any(|counting| events.contains(&counting))
        };
        let is_apart = |id: &EventId| self.instead_of(*id).is_none() && (held.covers(*id) || !has_left(*id));
        Some(events.iter().copied().filter(is_apart).collect())
    }

    /// Whether the event of this name was written again.
    pub(crate) fn has(&self, id: EventId, hash: Hash) -> bool {
        self.entries.contains_key(&(id, hash))
    }

    /// The next event of which is to be read whether it is held under its old name; one at a time, and what is `durable` alone can be read.
    pub(crate) fn next_to_check(&mut self, now: Time, durable: &VersionVector) -> Option<EventId> {
        if self.checking.is_some() {
            return None;
        }
        while let Some((_, old)) = self.unclear.pop_front_if(|(due, _)| *due <= now) {
            self.unchecked.push_back(old);
        }
        let at = self.unchecked.iter().position(|(event, _)| durable.get(event.chain) >= event.seq)?;
        self.checking = self.unchecked.remove(at);
        self.checking.map(|(event, _)| event)
    }

    /// The event that was read.
    pub(crate) fn read(&mut self) -> Option<OldName> {
        self.checking.take()
    }

    /// What is held in its place is damaged.
    pub(crate) fn is_unclear(&mut self, now: Time, old: OldName) {
        self.unclear.push_back((now + AGAIN, old));
    }

    /// It is not held under its old name.
    pub(crate) fn is_gone(&mut self, old: OldName, out: &mut UnitOfWork) {
        if let Some(entry) = self.entries.get_mut(&old) {
            entry.settled = true;
            out.write(entry.to_write(old));
        }
    }

    /// It is held under its old name, and stays there: it counts, and what has counted in its place does no longer.
    pub(crate) fn stays(&mut self, old: OldName, out: &mut UnitOfWork) -> Option<EventId> {
        let entry = self.entries.get_mut(&old)?;
        let counted = entry.counting.replace(old.0).filter(|counting| *counting != old.0);
        entry.settled = true;
        out.write(entry.to_write(old));
        counted
    }

    /// The event leaves its place. Where it counted for all that repeat it, the one that does from here on.
    pub(crate) fn leaves(&mut self, old: OldName, out: &mut UnitOfWork) -> Option<EventId> {
        let entry = self.entries.get_mut(&old)?;
        let counted = entry.counting == Some(old.0);
        if counted {
            entry.counting = entry.repeats.first().copied();
        }
        entry.settled = true;
        out.write(entry.to_write(old));
        entry.counting.filter(|_| counted)
    }

    /// The event `id`, which repeats `of`, leaves its place. Whether it counted, and which does from here on.
    pub(crate) fn take_back(
        &mut self,
        of: Reissue,
        id: EventId,
        out: &mut UnitOfWork,
    ) -> (bool, Option<EventId>) {
        let old = (of.event, of.hash());
        let Some(entry) = self.entries.get_mut(&old) else { return (false, None) };
        entry.repeats.retain(|repeat| *repeat != id);
        self.repeated.remove(&id);
        let counted = entry.counting == Some(id);
        if counted {
            entry.counting = entry.repeats.first().copied();
        }
        out.write(entry.to_write(old));
        (counted, entry.counting.filter(|_| counted))
    }
}

impl Entry {
    fn to_write(&self, (event, hash): OldName) -> Write {
        let key = [event.to_key().as_slice(), &hash.0].concat();
        let Self { counting, ref repeats, settled } = *self;
        Write::put(Space::Reissued, key, to_cbor(&Row { counting, repeats: repeats.clone(), settled }))
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Chain, Lane, ReplicaId, Seq};
    use edgepos_crdt::Hlc;

    use super::*;
    use crate::retail::envelope::Origin;
    use crate::retail::kind::Kind;

    fn event(terminal: u16, seq: u64) -> EventId {
        EventId::new(Chain::new(ReplicaId::new(terminal, 1), Lane::Transactions), Seq(seq))
    }

    fn again(of: EventId) -> Envelope {
        let mut envelope = Envelope::new(Kind::TRANSACTION, 5, Hlc(5), Vec::new());
        let reissue_of = Some(Reissue::new(of, Hash([7; 32])));
        envelope.origin = Some(Origin { reissue_of, ..Origin::default() });
        envelope
    }

    /// A sale that is here under three names is one, whichever of them counts.
    #[test]
    fn names_of_one_sale_are_not_apart() {
        let (old, low, high, other) = (event(1, 4), event(2, 9), event(3, 2), event(4, 1));
        let mut out = UnitOfWork::default();
        let mut reissued = Reissued::default();
        let held: VersionVector = [(old.chain, old.seq)].into_iter().collect();
        assert_eq!(reissued.note(high, &again(old), &held, &mut out), Counts::Yes);
        assert_eq!(reissued.note(low, &again(old), &held, &mut out), Counts::InsteadOf(high));
        let all = [old, low, high, other];
        assert_eq!(reissued.apart(&all, &held), None, "whether the old one is held is not known yet");
        assert_eq!(reissued.next_to_check(Time(0), &held), Some(old));
        let name = reissued.read().expect("it is being read");
        reissued.is_unclear(Time(0), name);
        assert_eq!(reissued.next_to_check(Time(4_999), &held), None, "it is damaged");
        assert_eq!(reissued.next_to_check(Time(5_000), &held), Some(old));
        assert_eq!(reissued.read(), Some(name));
        assert_eq!(reissued.stays(name, &mut out), Some(low));
        assert_eq!(reissued.apart(&all, &held), Some(vec![old, other]));
        assert_eq!(reissued.instead_of(low), Some(old));
        assert_eq!(reissued.leaves(name, &mut out), Some(low));
        let cut = VersionVector::new();
        assert_eq!(reissued.apart(&all, &cut), Some(vec![low, other]), "the old one is gone");
        assert_eq!((reissued.instead_of(low), reissued.instead_of(high)), (None, Some(low)));
    }

    /// Two boxes with one disk gave one name to two sales. What was written again is the other box's; the one here is a sale of its own.
    #[test]
    fn a_sale_under_the_old_name_of_another_box_is_apart() {
        let (here, again_there) = (event(2, 4), event(2, 9));
        let mut out = UnitOfWork::default();
        let mut reissued = Reissued::default();
        let held: VersionVector = [(here.chain, here.seq)].into_iter().collect();
        assert_eq!(reissued.note(again_there, &again(here), &held, &mut out), Counts::Yes);
        assert_eq!(reissued.next_to_check(Time(0), &held), Some(here));
        let name = reissued.read().expect("it is being read");
        reissued.is_gone(name, &mut out);
        assert_eq!(reissued.apart(&[here, again_there], &held), Some(vec![here, again_there]));
        let cut: VersionVector = [(here.chain, Seq(3))].into_iter().collect();
        assert_eq!(reissued.apart(&[here, again_there], &cut), Some(vec![again_there]), "it is leaving");
    }
}

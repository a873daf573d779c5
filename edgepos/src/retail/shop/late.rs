//! Events that do late what they should have done when they came: they could not be read then, or their bytes were not there.

use edgepos_core::{EventId, Now, Seq};
use edgepos_sync::EventRecord;

use super::Shop;
use crate::ports::Rows;
use crate::retail::envelope::Envelope;
use crate::terminal::io::Notice;
use crate::terminal::ledger::Ledger;
use crate::terminal::turn::Turn;
use crate::terminal::unit_of_work::{Then, UnitOfWork};

impl Shop {
    /// An event that has its place and has done nothing so far does now what it should have done then.
    pub(super) fn count_late(
        &mut self,
        now: Now,
        id: EventId,
        envelope: &Envelope,
        ledger: &Ledger,
        out: &mut UnitOfWork,
    ) {
        let own = self.keys.note(id, Some(envelope), out);
        self.counters.count_late(true);
        self.count_once(now, id, envelope, own, ledger, out);
        self.counters.count_late(false);
    }

    /// It is told, and only the rows say that it counts: a start does not look at it again.
    pub(super) fn counted_late(
        &mut self,
        id: EventId,
        envelope: Envelope,
        ledger: &Ledger,
        out: &mut UnitOfWork,
    ) {
        out.then(Then::Tell(Notice::Recorded { id, envelope: Box::new(envelope) }));
        self.write_rows(ledger.held().clone(), out);
    }

    /// An event is there whose bytes were damaged or lost. It does now what it has not done: one that `is_new` has done nothing.
    pub(crate) fn heal(&mut self, turn: &mut Turn<'_>, healed: &EventRecord, is_new: bool) {
        let (id, out) = (healed.id, &mut *turn.out);
        out.then(Then::Healed(id));
        if !self.uncounted.take(id, out) && !is_new {
            return;
        }
        let envelope = match Envelope::decode(&healed.payload) {
            Ok(envelope) => envelope,
            Err(error) => return self.quarantine.put(id, &error.into(), out),
        };
        self.count_late(turn.now, id, &envelope, turn.ledger, out);
        self.counted_late(id, envelope, turn.ledger, out);
    }

    /// Events that the counters lack were read: those that are as they were written count from here on, and were told long ago.
    pub(super) fn count_found(&mut self, turn: &mut Turn<'_>, asked: (EventId, Seq), rows: &Rows) {
        for EventRecord { id, payload } in self.uncounted.found(asked, rows, &turn.ledger.lost()) {
            self.uncounted.take(id, turn.out);
            match Envelope::decode(&payload) {
                Ok(envelope) => self.count_late(turn.now, id, &envelope, turn.ledger, turn.out),
                Err(error) => self.quarantine.put(id, &error.into(), turn.out),
            }
        }
        self.write_rows(turn.ledger.held().clone(), turn.out);
        self.uncounted.look_on(turn.ledger.durable(), turn.out);
    }
}

//! A terminal whose chains are written on elsewhere: it goes on as another incarnation, and writes again what only it had written.

use edgepos_core::{EventId, Jitter, Now, ReplicaId};
use edgepos_sync::{EventRecord, Hash};

use super::config::Config;
use super::ledger::Ledger;
use super::unit_of_work::UnitOfWork;
use crate::retail::envelope::{Envelope, Origin, Reissue};
use crate::retail::shop::Shop;

/// The event that is being written again; at most one, as the event log hands them out.
#[derive(Debug, Default)]
pub(super) struct InReissue {
    waiting: Option<Waiting>,
    /// Whether this terminal has become another incarnation since its start.
    was_displaced: bool,
}

/// What it is lent for the length of a call.
pub(super) struct Lent<'t> {
    pub(super) shop: &'t mut Shop,
    pub(super) ledger: &'t mut Ledger,
    pub(super) out: &'t mut UnitOfWork,
}

/// It waits for the answer whether others have booked the same.
#[derive(Debug)]
struct Waiting {
    id: EventId,
    old: Envelope,
    new: Envelope,
}

impl InReissue {
    /// Whether this terminal has become another incarnation since its start.
    pub(super) fn was_displaced(&self) -> bool {
        self.was_displaced
    }

    /// Goes on as another incarnation where the chains of this one are written on elsewhere. Whether it did.
    pub(super) fn reincarnate(&mut self, now: Now, config: &Config, lent: &mut Lent<'_>) -> bool {
        let Lent { shop, ledger, out } = lent;
        if !ledger.is_displaced() {
            return false;
        }
        let mut drawn = Jitter::derive(config.nonce, &[ledger.author().0]);
        let name = ReplicaId::new(config.me.terminal(), drawn.range(1, 1 << 48));
        // The rows count what is about to leave its place: it is taken back from them event by event.
        shop.interpret(now, ledger, out);
        shop.write_rows(ledger.held().clone(), out);
        ledger.reincarnate(now, name);
        shop.rename(name);
        self.was_displaced = true;
        true
    }

    /// An event, with the hash of its chain there, is to be written again. What it was written again for stays what it is written again
    /// for.
    pub(super) fn begin(&mut self, now: Now, record: EventRecord, hash: Hash, lent: &mut Lent<'_>) {
        let EventRecord { id, payload } = record;
        let old = match Envelope::decode(&payload) {
            Ok(old) => old,
            Err(error) => return lent.ledger.reissue(now, id, Err((error.into(), payload))),
        };
        let of = old.reissue_of().unwrap_or_else(|| Reissue::new(id, hash));
        let mut new = old.clone();
        new.origin = Some(Origin { reissue_of: Some(of), ..old.origin.clone().unwrap_or_default() });
        let has_names = lent.shop.ask_for_reissue(id, &old, lent.out);
        self.waiting = Some(Waiting { id, old, new });
        if !has_names {
            self.finish(now, id, None, lent);
        }
    }

    /// Takes it back under its old name and writes it under the new one, in one transaction. `duplicate_of` has booked the same before.
    pub(super) fn finish(
        &mut self,
        now: Now,
        id: EventId,
        duplicate_of: Option<EventId>,
        lent: &mut Lent<'_>,
    ) {
        let Some(Waiting { old, mut new, .. }) = self.waiting.take_if(|waiting| waiting.id == id) else {
            return;
        };
        new.duplicate_of = duplicate_of.or(new.duplicate_of);
        let Lent { shop, ledger, out } = lent;
        let floor = ledger.end_of(id.chain);
        shop.take_back(now, id, &old, floor, out);
        ledger.reissue(now, id, Ok(new));
        shop.interpret(now, ledger, out);
        shop.write_rows(ledger.held().clone(), out);
    }
}

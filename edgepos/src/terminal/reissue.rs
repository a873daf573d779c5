//! Events that leave their place: this terminal's, whose chains are written on elsewhere, are written again under another name; those of
//! another terminal's branch that lost are set aside, and are written again here where nobody else does.

use std::time::Duration;

use edgepos_consensus::Election;
use edgepos_core::{Chain, EventId, Jitter, Now, ReplicaId, Space, Time, Write};
use edgepos_sync::{EventRecord, Hash};

use super::config::Config;
use super::ledger::Ledger;
use super::restore::COPIED;
use super::unit_of_work::UnitOfWork;
use crate::retail::envelope::{Envelope, Origin, Reissue};
use crate::retail::shop::Shop;
use crate::retail::taking_back::Leaving;

/// How long the owner of a branch that lost has to write it again, from the first event that it has not on. Then whoever holds it does:
/// of all that repeat one event one counts.
const PATIENCE: Duration = Duration::from_secs(60);

/// The event that leaves its place; at most one, as the event log hands them out.
#[derive(Debug, Default)]
pub(super) struct InReissue {
    waiting: Option<Waiting>,
    /// The branch whose owner was waited for in vain.
    impatient: Option<Chain>,
    /// Whether this terminal has become another incarnation since its start.
    was_displaced: bool,
    /// Whether the disk is a copy, whose original went on under the present name.
    is_copied: bool,
}

/// What it is lent for the length of a call.
pub(super) struct Lent<'t> {
    pub(super) shop: &'t mut Shop,
    pub(super) ledger: &'t mut Ledger,
    pub(super) out: &'t mut UnitOfWork,
}

/// It waits for its owner, or for the answer whether others have booked the same.
#[derive(Debug)]
struct Waiting {
    record: EventRecord,
    hash: Hash,
    /// How long its owner is waited for; `None`: it is to be written again here.
    until: Option<Time>,
}

impl InReissue {
    /// Nothing leaves its place yet; the terminal starts on a copy of its disk, or on the disk itself.
    pub(super) fn on(is_copied: bool) -> Self {
        Self { is_copied, ..Self::default() }
    }

    /// Whether this terminal has become another incarnation since its start.
    pub(super) fn was_displaced(&self) -> bool {
        self.was_displaced
    }

    /// Until when an owner is waited for.
    pub(super) fn next_due(&self) -> Option<Time> {
        self.waiting.as_ref().and_then(|waiting| waiting.until)
    }

    /// Goes on as another incarnation where the chains of this one are written on elsewhere or may be, takes branches that lost out of their chains,
    /// and goes on with an event that waits for its owner. Whether anything was done.
    pub(super) fn tend(
        &mut self,
        now: Now,
        config: &Config,
        election: &mut Election,
        lent: &mut Lent<'_>,
    ) -> bool {
        lent.shop.ask_originals(now, lent.ledger.durable(), lent.out);
        let renamed = self.reincarnate(now, config, lent);
        if renamed {
            // What the old name's disk forgot it may have promised too.
            election.renounce_terms(now);
        }
        renamed | Self::set_aside(now, lent) | self.go_on(now, lent)
    }

    fn reincarnate(&mut self, now: Now, config: &Config, lent: &mut Lent<'_>) -> bool {
        let Lent { shop, ledger, out } = lent;
        let is_copied = std::mem::take(&mut self.is_copied);
        if is_copied {
            out.write(Write::delete(Space::Identity, COPIED));
        } else if !ledger.is_displaced() {
            return false;
        }
        // Copies of one running machine have one nonce, and are stopped and started at different moments.
        let mut drawn = Jitter::derive(config.nonce, &[ledger.author().0, now.wall.0]);
        let name = ReplicaId::new(config.me.terminal(), drawn.range(1, 1 << 48));
        // The rows count what is about to leave its place: it is taken back from them event by event.
        shop.interpret(now, ledger, out);
        ledger.reincarnate(now, name);
        shop.fall_back(ledger, out);
        shop.rename(name);
        self.was_displaced = true;
        true
    }

    fn set_aside(now: Now, lent: &mut Lent<'_>) -> bool {
        let Lent { shop, ledger, out } = lent;
        if !ledger.sets_aside() {
            return false;
        }
        shop.interpret(now, ledger, out);
        ledger.set_aside(now);
        shop.fall_back(ledger, out);
        true
    }

    /// An event, with the hash of its chain there, is to leave its place.
    pub(super) fn begin(
        &mut self,
        now: Now,
        config: &Config,
        record: EventRecord,
        hash: Hash,
        lent: &mut Lent<'_>,
    ) {
        let chain = record.id.chain;
        let waits = chain.replica.terminal() != config.me.terminal() && self.impatient != Some(chain);
        let until = waits.then_some(now.mono + PATIENCE);
        self.waiting = Some(Waiting { record, hash, until });
        if until.is_none() {
            self.write_again(now, lent);
        } else {
            self.go_on(now, lent);
        }
    }

    /// Sets the event aside once its owner has written it again, or writes it again in its stead. Whether either was done.
    fn go_on(&mut self, now: Now, lent: &mut Lent<'_>) -> bool {
        let Some(Waiting { record, hash, until: Some(until) }) = &mut self.waiting else { return false };
        if lent.shop.is_written_again(record.id, *hash) {
            self.leave(now, lent);
        } else if *until <= now.mono {
            self.impatient = Some(record.id.chain);
            self.write_again(now, lent);
        } else {
            return false;
        }
        true
    }

    /// It is to be written again here, unless it was. What it was written again for stays what it is written again for.
    fn write_again(&mut self, now: Now, lent: &mut Lent<'_>) {
        let Some(waiting) = &mut self.waiting else { return };
        waiting.until = None;
        let id = waiting.record.id;
        if lent.shop.is_written_again(id, waiting.hash) {
            return self.leave(now, lent);
        }
        match Envelope::decode(&waiting.record.payload) {
            Ok(old) if lent.shop.keys().ask_for_reissue(id, &old, lent.out) => {}
            Ok(_) => self.finish(now, id, None, lent),
            Err(error) => {
                if let Some(Waiting { record, .. }) = self.waiting.take() {
                    lent.ledger.reissue(now, id, Err((error.into(), record.payload)));
                }
            }
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
        let Some(Waiting { record, hash, .. }) = self.waiting.take_if(|waiting| waiting.record.id == id)
        else {
            return;
        };
        let Ok(old) = Envelope::decode(&record.payload) else { return };
        let mut new = old.clone();
        new.duplicate_of = duplicate_of.or(new.duplicate_of);
        let before = Reissue::new(id, hash);
        let first = old.reissue_of();
        let replaces = first.is_some().then_some(before);
        let origin = old.origin.clone().unwrap_or_default();
        new.origin = Some(Origin { reissue_of: first.or(Some(before)), replaces, ..origin });
        let Lent { shop, ledger, out } = lent;
        let leaving = Leaving { id, hash, envelope: &old, floor: ledger.end_of(id.chain) };
        shop.take_back(now, leaving, out);
        ledger.reissue(now, id, Ok(new));
        shop.interpret(now, ledger, out);
        shop.write_rows(ledger.held().clone(), out);
    }

    /// Takes it back under its old name and keeps it aside: it counts under the name that it was given elsewhere.
    fn leave(&mut self, now: Now, lent: &mut Lent<'_>) {
        let Some(Waiting { record, hash, .. }) = self.waiting.take() else { return };
        let Lent { shop, ledger, out } = lent;
        let id = record.id;
        if let Ok(envelope) = Envelope::decode(&record.payload) {
            let floor = ledger.end_of(id.chain);
            shop.take_back(now, Leaving { id, hash, envelope: &envelope, floor }, out);
        }
        shop.events_aside().put(&record, hash, out);
        ledger.leave(now, id);
        shop.write_rows(ledger.held().clone(), out);
    }
}

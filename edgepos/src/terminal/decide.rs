//! Store-wide decisions: proposed by the leader, applied by every terminal from the log.

use edgepos_consensus::{Decision, Proposal, ProposalKey};
use edgepos_core::{Chain, Lane, Now, ReplicaId};
use edgepos_crdt::Item;

use super::Terminal;
use crate::model::{Counter, Envelope, ExceptionRaised, Kind, to_cbor};

/// A decision's kind, in the log for ever: its bytes are the payload of an event of the store's own chain.
const STORE_EVENT: u16 = 1;

impl Terminal {
    /// Proposes an exception for each row that has been below its floor for long enough. Whether something was proposed.
    pub(super) fn raise_exceptions(&mut self, now: Now) -> bool {
        if !self.election.entitled() {
            return false;
        }
        let mut proposed = false;
        let grace = self.config.exception_grace;
        for item in self.floors.due(now.mono, grace) {
            match self.exception(item) {
                Judged::Settled => self.floors.settle(item),
                Judged::TooEarly => self.floors.postpone(now.mono, grace, item),
                Judged::Raise(exception) => {
                    if self.propose_event(now, Kind::EXCEPTION_RAISED, to_cbor(&exception)) {
                        self.floors.proposed(now.mono, item);
                        proposed = true;
                    } else {
                        self.floors.postpone(now.mono, grace, item);
                    }
                }
            }
        }
        proposed
    }

    fn exception(&self, item: Item) -> Judged {
        let counters = &self.state.counters;
        let Some(((value, floor), row)) = counters.below_floor(item).zip(counters.row(item)) else {
            return Judged::Settled;
        };
        let (involved, added) = counters.history(item);
        // A return whose sale has not arrived is not yet known to be one too many.
        if row.counter == Counter::RETURNABLE && added == 0 {
            return Judged::TooEarly;
        }
        let exception = ExceptionRaised::new(&row, value, floor, involved);
        if self.state.exceptions.seq(&exception.episode_key()).is_some() {
            return Judged::Settled;
        }
        Judged::Raise(exception)
    }

    /// Proposes an event of the store's own chain: every terminal that applies the decision records the same bytes.
    fn propose_event(&mut self, now: Now, kind: Kind, body: Vec<u8>) -> bool {
        let hlc = self.clock.now(now.wall);
        let mut envelope = Envelope::new(kind, now.wall.0, hlc, body);
        envelope.workstation = self.config.me.terminal();
        envelope.location = self.config.location;
        let me = self.config.me;
        let number = self.election.decided(me) + self.election.pending_proposals() as u64 + 1;
        let key = ProposalKey { replica: me, number };
        self.election
            .propose(now, Proposal { key, kind: STORE_EVENT, base: None, bytes: envelope.encode() })
            .is_ok()
    }

    /// A decision of the log, in order. The same decision does the same on every terminal, also where its event has already
    /// arrived from a peer.
    pub(super) fn decided(&mut self, now: Now, decision: Decision) {
        if decision.kind != STORE_EVENT {
            return;
        }
        let Ok(envelope) = Envelope::decode(&decision.bytes) else { return };
        if envelope.kind != Kind::EXCEPTION_RAISED {
            return;
        }
        let Ok(exception) = super::state::Exceptions::read(&envelope) else { return };
        let chain = Chain::new(ReplicaId::store(self.generation()), Lane::Transactions);
        // Raised by an earlier decision of the log: this one is a second proposal for the same episode. Raised beyond what the log
        // has said here so far: a peer was faster, and this is the decision that it comes from.
        let raised = self.state.exceptions.seq(&exception.episode_key());
        if raised.is_some_and(|seq| seq <= self.outbox.decided(chain)) {
            return;
        }
        // A fork of the store's chain is news of the outbox; there is nothing to apply then.
        if let Ok(decided) = self.outbox.record_decided(now, chain, decision.bytes)
            && decided.new
        {
            self.apply(now, decided.id, envelope);
        }
    }
}

enum Judged {
    /// There is nothing to raise.
    Settled,
    /// Not yet.
    TooEarly,
    Raise(ExceptionRaised),
}

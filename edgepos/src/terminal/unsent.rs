//! What an incarnation that is gone for good has left unsent: how far its chains are known to go beyond what anybody holds, until that
//! turns up or an operator writes it off by the store's log.
//!
//! Known is what it said of itself and what others said that they hold. What is written off is taken all the same where it turns up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use edgepos_consensus::Election;
use edgepos_core::{Chain, EventId, Lane, Now, ReplicaId, Seq, Space, Time, Write};
use edgepos_wire::{from_cbor, to_cbor};
use minicbor::{Decode, Encode};

use super::condition::Finding;
use super::ledger::Ledger;
use super::links::Links;
use super::unit_of_work::UnitOfWork;
use crate::retail::unreadable::{Unreadable, number};

/// A decision's kind, in the log for ever: its bytes are a [`WriteOff`].
pub(super) const WRITE_OFF: u16 = 3;

/// The first bytes of rows of [`Space::Replacement`]; a chain's key follows, and the value is a position, 8 bytes, big endian.
const KNOWN: u8 = 1;
const WRITTEN_OFF: u8 = 2;

/// Chains that are remembered; of further ones nothing is known.
const MAX_CHAINS: usize = 1_024;

/// Chains that go into a snapshot of the store's log.
const MAX_ATTACHED: usize = 10;

/// How often is looked at how far chains are known to go.
const EVERY: Duration = Duration::from_secs(1);

/// The store gives up what an operator says is lost: the last position of each chain that counts as written off.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub(super) struct WriteOff {
    /// The terminal's number.
    #[n(0)]
    terminal: u16,
    #[n(1)]
    #[cbor(with = "edgepos_wire::event_ids")]
    ends: Vec<EventId>,
}

/// What is known of chains whose authors are gone for good.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    /// How far they go.
    known: BTreeMap<Chain, Seq>,
    written_off: BTreeMap<Chain, Seq>,
    /// Events that are known and that nobody has, as of the last look.
    missing: BTreeMap<Chain, (Seq, u64)>,
    next: Time,
}

/// Where it is looked.
pub(super) struct Sight<'t> {
    pub(super) me: ReplicaId,
    pub(super) election: &'t Election,
    pub(super) ledger: &'t Ledger,
    pub(super) links: &'t Links,
}

impl Sight<'_> {
    fn members(&self) -> impl Iterator<Item = ReplicaId> + '_ {
        self.election.voters().iter().chain(self.election.learners()).copied()
    }

    fn held(&self, replica: ReplicaId, chain: Chain) -> Seq {
        self.ledger.held_by(replica, self.me).map_or(Seq::ZERO, |vector| vector.get(chain))
    }

    /// How far the chain goes, as its author or a member has said.
    fn said(&self, chain: Chain) -> Seq {
        let said = self.members().chain([chain.replica]).map(|replica| self.held(replica, chain));
        said.max().unwrap_or_default()
    }

    /// How far this terminal, a member that is connected or the cloud holds it.
    fn reached(&self, chain: Chain) -> Seq {
        let there = self.members().filter(|member| self.links.to(*member).is_some());
        let held = there.map(|member| self.held(member, chain)).max().unwrap_or_default();
        held.max(self.ledger.in_cloud(chain)).max(self.ledger.end_of(chain))
    }
}

impl Unsent {
    /// A row of [`Space::Replacement`]; whether it is one of these.
    ///
    /// # Errors
    /// When it is one and cannot be read.
    pub(super) fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<bool, Unreadable> {
        let chains = match key.first() {
            Some(&KNOWN) => &mut self.known,
            Some(&WRITTEN_OFF) => &mut self.written_off,
            _ => return Ok(false),
        };
        let chain = key.get(1..).and_then(Chain::from_key).ok_or(Unreadable::NoName { what: "a chain" })?;
        chains.insert(chain, Seq(number(value)?));
        Ok(true)
    }

    /// Whether it is time to look again.
    pub(super) fn is_due(&self, now: Now) -> bool {
        now.mono >= self.next
    }

    /// Looks how far the chains of those who are gone go, and who holds how much of them.
    pub(super) fn look(
        &mut self,
        now: Now,
        gone: &BTreeSet<ReplicaId>,
        sight: &Sight<'_>,
        out: &mut UnitOfWork,
    ) {
        self.next = now.mono + EVERY;
        self.missing.clear();
        for chain in gone.iter().flat_map(|replica| Lane::ALL.map(|lane| Chain::new(*replica, lane))) {
            self.goes_to(chain, sight.said(chain), out);
            let end = self.known.get(&chain).copied().unwrap_or_default();
            let given_up = self.written_off.get(&chain).copied().unwrap_or_default();
            let count = end.0.saturating_sub(sight.reached(chain).max(given_up).0);
            if count > 0 {
                self.missing.insert(chain, (end, count));
            }
        }
    }

    /// The chain is known to go so far.
    fn goes_to(&mut self, chain: Chain, end: Seq, out: &mut UnitOfWork) {
        let news = end > self.known.get(&chain).copied().unwrap_or_default();
        if news && (self.known.len() < MAX_CHAINS || self.known.contains_key(&chain)) {
            self.known.insert(chain, end);
            out.write(Write::put(Space::Replacement, row(KNOWN, chain), end.0.to_be_bytes()));
        }
    }

    /// For each incarnation how many of its events nobody has.
    pub(super) fn missing(&self) -> BTreeMap<ReplicaId, u64> {
        let mut by_replica = BTreeMap::new();
        for (chain, (_, count)) in &self.missing {
            *by_replica.entry(chain.replica).or_insert(0u64) += count;
        }
        by_replica
    }

    /// What is known of it, for a person.
    pub(super) fn finding(&self) -> Option<Finding> {
        let missing = self.missing();
        let about: Vec<_> =
            missing.iter().map(|(replica, count)| format!("{replica} left {count} events")).collect();
        let count = missing.values().copied().fold(0, u64::saturating_add);
        (count > 0).then(|| Finding { count, about: about.join("; ") })
    }

    /// The decision that gives up what the incarnations of this terminal have left; `None` where nothing is known to be missing.
    pub(super) fn proposal(&self, terminal: u16) -> Option<Vec<u8>> {
        let of_it = self.missing.iter().filter(|(chain, _)| chain.replica.terminal() == terminal);
        let ends: Vec<_> = of_it.map(|(chain, (end, _))| EventId::new(*chain, *end)).collect();
        (!ends.is_empty()).then(|| to_cbor(&WriteOff { terminal, ends }))
    }

    /// The store has decided it. Whether it can be read: what cannot is passed over, like a decision of an unknown kind.
    pub(super) fn decided(&mut self, bytes: &[u8], out: &mut UnitOfWork) -> bool {
        let Ok(WriteOff { ends, .. }) = from_cbor::<WriteOff>("write-off", bytes) else { return false };
        let has_room = self.written_off.len() + ends.len() <= MAX_CHAINS;
        if has_room {
            self.write_off(ends, out);
        }
        has_room
    }

    /// What of it goes into a snapshot of the store's log: the latest incarnations, as far as there is room.
    pub(super) fn attached(&self) -> Vec<u8> {
        let ends = self.written_off.iter().rev().take(MAX_ATTACHED);
        to_cbor(&Ends(ends.map(|(chain, seq)| EventId::new(*chain, *seq)).collect()))
    }

    /// A snapshot of the store's log took the place of decisions: what it says is written off as well. One of before says nothing.
    pub(super) fn install(&mut self, attached: &[u8], out: &mut UnitOfWork) {
        // A later version may have added to it.
        if let Ok(Ends(ends)) = minicbor::Decoder::new(attached).decode::<Ends>()
            && self.written_off.len() + ends.len() <= MAX_CHAINS
        {
            self.write_off(ends, out);
        }
    }

    fn write_off(&mut self, ends: Vec<EventId>, out: &mut UnitOfWork) {
        for EventId { chain, seq } in ends {
            let known = self.written_off.entry(chain).or_default();
            *known = seq.max(*known);
            out.write(Write::put(Space::Replacement, row(WRITTEN_OFF, chain), known.0.to_be_bytes()));
        }
        self.next = Time(0);
    }
}

/// The last position of each chain that is written off, as it is in a snapshot.
#[derive(Debug, Encode, Decode)]
#[cbor(transparent)]
struct Ends(
    #[n(0)]
    #[cbor(with = "edgepos_wire::event_ids")]
    Vec<EventId>,
);

fn row(kind: u8, chain: Chain) -> Vec<u8> {
    [&[kind], chain.to_key().as_slice()].concat()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    /// As it is in the log and on disk for ever.
    #[test]
    fn a_write_off_has_these_bytes_and_these_rows() {
        let chain = Chain::new(ReplicaId::new(3, 0xAB), Lane::Transactions);
        let bytes = to_cbor(&WriteOff { terminal: 3, ends: vec![EventId::new(chain, Seq(7))] });
        let id = [&[0, 3, 0, 0, 0, 0, 0, 0xAB, 0][..], &7u64.to_be_bytes()].concat();
        assert_eq!(bytes, [&[0xA2, 0, 3, 1, 0x81, 0x51][..], &id].concat());
        let (mut unsent, mut out) = (Unsent::default(), UnitOfWork::default());
        assert!(unsent.decided(&bytes, &mut out));
        assert!(!unsent.decided(&bytes[1..], &mut out), "passed over");
        let mut elsewhere = Unsent::default();
        elsewhere.install(&[], &mut out);
        assert!(elsewhere.written_off.is_empty(), "a snapshot of before says nothing");
        elsewhere.install(&[unsent.attached(), b"of a later version".to_vec()].concat(), &mut out);
        assert_eq!(elsewhere.written_off, unsent.written_off);
        let mut again = Unsent::default();
        let key = [&[2][..], &id[..9]].concat();
        assert!(again.restore(&key, &7u64.to_be_bytes()).unwrap());
        assert_eq!(again.written_off, unsent.written_off);
        assert!(!again.restore(&[0, 0, 3], b"an intent").unwrap());
        assert!(again.restore(&[1, 2], &[0; 8]).is_err());
    }
}

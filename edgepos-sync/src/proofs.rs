//! Claims that wait to be judged: what somebody says that it, or the cloud, holds is compared with the hash that is held here.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use edgepos_core::{Chain, EventId, LoadId, Seq, Time};
use edgepos_crdt::VersionVector;

use crate::claims::Source;
use crate::event::{EventRecord, Hash};
use crate::io::{Mistake, Notice};
use crate::log::proved::Life;
use crate::log::{Held, Log};
use crate::turn::Turn;
use crate::wire::claim::Claim;

/// A claim that was compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Verdict {
    pub(crate) source: Source,
    pub(crate) chain: Chain,
    pub(crate) seq: Seq,
    pub(crate) hash: Hash,
    /// Whether the history is the one held here.
    pub(crate) ours: bool,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    seq: Seq,
    /// `None` where only the position was said: an acknowledgement proves the chains of its batch alone.
    hash: Option<Hash>,
    since: Time,
    /// Up to where the chain was held then: while it comes, nobody is mistaken.
    own: Seq,
    /// Whether it was told as a mistake.
    told: bool,
}

/// Claims that are not judged yet: those whose hash is being read, and those above what is held here.
#[derive(Debug, Default)]
pub(crate) struct Proofs {
    waiting: BTreeMap<(Chain, Source), Waiting>,
    /// Those whose hash is on disk.
    unread: VecDeque<(Chain, Source)>,
    reading: Option<(LoadId, EventId)>,
    judged: VecDeque<Verdict>,
}

impl Proofs {
    /// Somebody has claimed this. What can be judged at once is, see [`poll`](Self::poll).
    pub(crate) fn claim(&mut self, turn: &Turn<'_>, source: Source, chain: Chain, seq: Seq, hash: Hash) {
        self.enter(turn, (chain, source), seq, Some(hash));
    }

    fn enter(&mut self, turn: &Turn<'_>, key: (Chain, Source), seq: Seq, hash: Option<Hash>) {
        let chain = key.0;
        let known = self.waiting.get(&key).copied();
        let is_old = |known: Waiting| known.seq == seq && (hash.is_none() || known.hash == hash);
        if known.is_some_and(is_old) {
            return;
        }
        // Whoever names ever new chains makes nothing grow.
        if known.is_none() && self.waiting.len() >= turn.config.limits.max_chains as usize {
            return;
        }
        // A claim that stays above what is held is the same mistake, however it grows.
        let (since, told) = match known {
            Some(known) if seq > turn.log.accepted().get(chain) => (known.since, known.told),
            _ => (turn.now, false),
        };
        let own = turn.log.accepted().get(chain);
        self.waiting.insert(key, Waiting { seq, hash, since, own, told });
        self.look(turn, key);
    }

    /// Somebody says what the cloud holds. Positions free sending as they stand; the rest is compared first. Whether the cloud itself
    /// has gone back.
    pub(crate) fn hear_of_cloud(
        &mut self,
        turn: &mut Turn<'_>,
        source: Source,
        claim: &Claim,
        latest: bool,
        by_leader: bool,
    ) -> bool {
        let proved = turn.log.proved_mut();
        if claim.is_bare() {
            if source == Source::Cloud || (by_leader && proved.claim().instance.is_none()) {
                proved.hear_bare(&claim.vector);
            }
            return false;
        }
        // Another life of the cloud is announced by itself, or by the leader that hears it.
        let announces = source == Source::Cloud || (by_leader && !proved.is_past(claim.instance));
        let life = proved.enter(claim.instance, announces);
        if life == Life::Other {
            return false;
        }
        proved.hear_bare(&VersionVector::new());
        let fell = source == Source::Cloud && latest && proved.fall_to(&claim.vector);
        if fell || life == Life::Begun {
            self.forget_cloud();
            turn.out.notice(Notice::CloudRestored { witness: source.witness() });
        }
        if source == Source::Cloud && latest {
            // It says all that it holds: what it names no more it claims no more.
            self.waiting.retain(|(chain, by), _| *by != source || claim.vector.get(*chain) > Seq::ZERO);
        }
        for (chain, seq, hash) in claim.proofs() {
            if source == Source::Cloud || seq > turn.log.cloud().get(chain) {
                self.claim(turn, source, chain, seq, hash);
            }
        }
        if source == Source::Cloud && latest {
            // What it claims without a proof keeps the chain from it as well, and is asked about as soon.
            let held = |(chain, seq): &(Chain, Seq)| *seq <= turn.log.accepted().get(*chain);
            let unproved = |at: &(Chain, Seq)| !held(at) && !claim.heads.contains_key(&at.0);
            for (chain, seq) in claim.vector.iter().filter(unproved) {
                self.enter(turn, (chain, source), seq, None);
            }
        }
        fell
    }

    /// Nothing that was claimed about the cloud counts any more.
    pub(crate) fn forget_cloud(&mut self) {
        self.waiting.retain(|(_, source), _| !source.is_about_cloud());
    }

    /// What is held has grown: claims that were above it may be judged.
    pub(crate) fn recheck(&mut self, turn: &Turn<'_>) {
        let accepted = turn.log.accepted();
        for ((chain, _), claim) in &mut self.waiting {
            let own = accepted.get(*chain);
            if own > claim.own && !claim.told {
                (claim.own, claim.since) = (own, turn.now);
            }
        }
        let reached: Vec<_> = self
            .waiting
            .iter()
            .filter(|((chain, _), claim)| claim.seq <= accepted.get(*chain))
            .map(|(key, _)| *key)
            .collect();
        for key in reached {
            self.look(turn, key);
        }
    }

    fn look(&mut self, turn: &Turn<'_>, key: (Chain, Source)) {
        let Some(claim) = self.waiting.get(&key) else { return };
        match turn.log.hash_at(key.0, claim.seq) {
            Held::At(hash) => self.judge(key, hash),
            Held::OnDisk if !self.unread.contains(&key) => self.unread.push_back(key),
            Held::OnDisk | Held::Not => {}
        }
    }

    fn judge(&mut self, key: (Chain, Source), own: Hash) {
        if let Some(Waiting { seq, hash: Some(hash), .. }) = self.waiting.remove(&key) {
            let (chain, source) = key;
            self.judged.push_back(Verdict { source, chain, seq, hash, ours: own == hash });
        }
    }

    /// A witness has answered for the hash of one event. Where the cloud has the one held here at our end, it holds all that is held
    /// here, however far beyond that its claim goes.
    pub(crate) fn answered(&mut self, turn: &Turn<'_>, source: Source, event: EventId, theirs: Option<Hash>) {
        let EventId { chain, seq } = event;
        let end = turn.log.end(chain);
        if source == Source::Cloud && seq > Seq::ZERO && seq == end.seq && theirs == Some(end.hash) {
            self.judged.push_back(Verdict { source, chain, seq, hash: end.hash, ours: true });
        }
    }

    /// The next judgement.
    pub(crate) fn poll(&mut self) -> Option<Verdict> {
        self.judged.pop_front()
    }

    /// Reads the next hash, one at a time.
    pub(crate) fn pump(&mut self, turn: &mut Turn<'_>) {
        while self.reading.is_none() {
            let Some(key) = self.unread.pop_front() else { return };
            let Some(claim) = self.waiting.get(&key) else { continue };
            let id = EventId::new(key.0, claim.seq);
            self.reading = Some((turn.out.read(id, id, 1), id));
        }
    }

    /// Whether the rows were for a claim.
    pub(crate) fn loaded(&mut self, load: LoadId, rows: &[(Vec<u8>, Vec<u8>)]) -> bool {
        let Some((_, id)) = self.reading.take_if(|(reading, _)| *reading == load) else { return false };
        let row = rows.first().and_then(|(key, value)| EventRecord::from_row(key, value));
        if let Some((_, own)) = row.filter(|(record, _)| record.id == id) {
            let at = |((chain, _), claim): &(&(Chain, Source), &Waiting)| {
                *chain == id.chain && claim.seq == id.seq
            };
            let keys: Vec<_> = self.waiting.iter().filter(at).map(|(key, _)| *key).collect();
            for key in keys {
                self.judge(key, own);
            }
        }
        true
    }

    /// Tells of claims about the cloud that have been above what is held here for a while: nobody sends what would prove them. Those that
    /// the cloud itself makes, whose history may be another one from before our end on.
    pub(crate) fn wake(&mut self, turn: &mut Turn<'_>) -> Vec<(Chain, Seq)> {
        let mut by_cloud = Vec::new();
        for ((chain, source), claim) in &mut self.waiting {
            let own = turn.log.accepted().get(*chain);
            let due = claim.since + turn.config.claim_grace <= turn.now;
            if !due || claim.told || !source.is_about_cloud() {
                continue;
            }
            claim.told = true;
            if claim.seq > own {
                let (chain, claimed, witness) = (*chain, claim.seq, source.witness());
                if !comes_down(chain, *source) {
                    turn.out.notice(Notice::Mistaken { chain, claimed, own, witness });
                }
                if *source == Source::Cloud && own > Seq::ZERO {
                    by_cloud.push((chain, claimed));
                }
            }
        }
        by_cloud
    }

    /// Claims about the cloud that were told as mistakes and still stand.
    pub(crate) fn mistakes<'a>(&'a self, log: &'a Log) -> impl Iterator<Item = Mistake> + 'a {
        let told = |((chain, source), claim): &(&(Chain, Source), &Waiting)| {
            claim.told && !comes_down(*chain, *source)
        };
        self.waiting.iter().filter(told).filter_map(|((chain, source), claim)| {
            let (chain, claimed, own) = (*chain, claim.seq, log.accepted().get(*chain));
            (claimed > own).then(|| Mistake::Above { chain, claimed, own, witness: source.witness() })
        })
    }

    /// Chains of which the cloud itself has claimed more than is held here for a while, and is not proved to hold all that is.
    pub(crate) fn unproved<'a>(&'a self, log: &'a Log) -> impl Iterator<Item = (Chain, Seq)> + 'a {
        let of_cloud =
            self.waiting.iter().filter(|((_, source), claim)| *source == Source::Cloud && claim.told);
        let claims = of_cloud.map(|((chain, _), claim)| (*chain, claim.seq));
        claims.filter(|(chain, claimed)| {
            let own = log.accepted().get(*chain);
            *claimed > own && log.cloud().get(*chain) < own
        })
    }

    /// Whether the cloud itself claims what is not so.
    pub(crate) fn doubts_cloud(&self) -> bool {
        self.waiting.keys().any(|(chain, source)| *source == Source::Cloud && !comes_down(*chain, *source))
    }

    pub(crate) fn poll_timeout(&self, grace: Duration) -> Option<Time> {
        let untold =
            |((_, source), claim): &(&(Chain, Source), &Waiting)| !claim.told && source.is_about_cloud();
        self.waiting.iter().filter(untold).map(|(_, claim)| claim.since + grace).min()
    }
}

/// Whether what the cloud says of itself is said of a chain that it writes: more than is held here is what is still to come down.
fn comes_down(chain: Chain, source: Source) -> bool {
    source == Source::Cloud && chain.replica.is_cloud()
}

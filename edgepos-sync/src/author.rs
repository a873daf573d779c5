//! Who writes the chains of this terminal, and whether their history is still the one that others know.
//!
//! A disk that was restored, lost or cloned goes on from a position that others hold further, or with another history. That is seen by
//! what somebody else states; the point where the histories part is searched for by asking that witness for single hashes.

use std::collections::BTreeMap;
use std::time::Duration;

use edgepos_core::{Chain, EventId, Lane, LoadId, ReplicaId, Seq, Time};
use edgepos_crdt::VersionVector;

use crate::event::Hash;
use crate::io::Witness;

/// How long a witness may take to answer for one hash.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is asked for the same hash.
const MAX_QUESTIONS: u32 = 3;

/// The present name, and what is doubtful about its chains.
#[derive(Debug)]
pub(crate) struct Author {
    name: ReplicaId,
    /// Whether somebody else has stated, since the start, where each of its chains stands.
    confirmed: bool,
    searches: BTreeMap<Chain, Search>,
    /// Chains that are written on elsewhere, and how far their history here is that of the others.
    lost: BTreeMap<Chain, Parting>,
    /// An answer whose counterpart here is being read.
    reading: Option<(LoadId, EventId, Option<Hash>)>,
    started: Time,
}

/// Where a history here and that of others part: the last position that both have, and the hash there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Parting {
    pub(crate) seq: Seq,
    pub(crate) hash: Hash,
}

/// A search between a position that both have and one that they do not have alike.
#[derive(Debug)]
struct Search {
    witness: Witness,
    same: Parting,
    /// From here on the histories differ, or ours ends.
    other: Seq,
    /// Whether the witness holds another event, or one beyond our end, and so is not merely mistaken.
    proved: bool,
    /// Whether the search itself has heard of that. What began it may be of a past life of the witness.
    answered: bool,
    asked: Option<(Seq, Time)>,
    /// Questions in a row without an answer.
    unanswered: u32,
}

/// What a search comes to with an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// It goes on.
    Searching,
    /// The witness was mistaken: it has nothing that is not here.
    Mistake,
    /// The chain is lost: somebody else has written it otherwise.
    Lost {
        /// Who holds what was written otherwise.
        witness: Witness,
        /// Up to where it is written alike.
        parting: Parting,
    },
}

impl Author {
    pub(crate) fn new(name: ReplicaId, now: Time) -> Self {
        let (searches, lost) = (BTreeMap::new(), BTreeMap::new());
        Self { name, confirmed: false, searches, lost, reading: None, started: now }
    }

    /// When the word of a peer alone is enough to send to it.
    pub(crate) fn waits_until(&self, wait: Duration) -> Time {
        self.started + wait
    }

    /// The hash here at the event that a witness has answered for is being read.
    pub(crate) fn read(&mut self, load: LoadId, event: EventId, theirs: Option<Hash>) {
        self.reading = Some((load, event, theirs));
    }

    /// The event whose hash was read, and what the witness has answered; `None` where the rows are not for this.
    pub(crate) fn loaded(&mut self, load: LoadId) -> Option<(EventId, Option<Hash>)> {
        self.reading.take_if(|(reading, ..)| *reading == load).map(|(_, event, theirs)| (event, theirs))
    }

    pub(crate) fn name(&self) -> ReplicaId {
        self.name
    }

    /// Its chains, one for each lane.
    pub(crate) fn chains(&self) -> impl Iterator<Item = Chain> + use<> {
        let name = self.name;
        Lane::ALL.into_iter().map(move |lane| Chain::new(name, lane))
    }

    /// Goes on under another name, whose chains nobody else can have written.
    pub(crate) fn rename(&mut self, name: ReplicaId) {
        let old = std::mem::replace(&mut self.name, name);
        self.confirmed = true;
        self.searches.retain(|chain, _| chain.replica != old);
    }

    pub(crate) fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    /// Somebody else has stated where each chain stands, and nothing contradicts.
    pub(crate) fn confirm(&mut self) {
        self.confirmed = self.confirmed || (!self.searches_own() && self.lost.is_empty());
    }

    fn searches_own(&self) -> bool {
        self.searches.keys().any(|chain| chain.replica == self.name)
    }

    /// Whether nothing of the chain may leave, since it may be written on elsewhere.
    pub(crate) fn doubts(&self, chain: Chain) -> bool {
        self.searches.get(&chain).is_some_and(|search| search.proved) || self.lost.contains_key(&chain)
    }

    /// `witness` claims to hold the chain beyond our end `own`, or another history of it at `other`. Looks into it, unless that is under
    /// way. Over the chains of others the cloud decides, and the leader where it has none of it: nobody else is a witness then.
    pub(crate) fn suspect(&mut self, witness: Witness, chain: Chain, other: Seq, own: Parting) {
        if chain.replica.is_store() || self.lost.contains_key(&chain) {
            return;
        }
        let begun = Parting { seq: Seq::ZERO, hash: Hash::ZERO };
        let proved = other <= own.seq;
        let other = if proved { other } else { own.seq.next() };
        let search =
            Search { witness, same: begun, other, proved, answered: false, asked: None, unanswered: 0 };
        self.searches.entry(chain).or_insert(search);
    }

    /// Looks into what `witness` claims to hold of our chains, where that is beyond their end.
    pub(crate) fn compare(
        &mut self,
        witness: Witness,
        vector: &VersionVector,
        end: impl Fn(Chain) -> Parting,
    ) {
        for chain in self.chains() {
            let (known, own) = (vector.get(chain), end(chain));
            if known > own.seq {
                self.suspect(witness, chain, known, own);
            }
        }
    }

    /// A run of somebody else goes on behind our end: what comes behind it was written elsewhere.
    pub(crate) fn overtaken(&mut self, chain: Chain, own: Parting) {
        if chain.replica == self.name {
            self.searches.remove(&chain);
            self.lost.insert(chain, own);
        }
    }

    /// The next hash to ask for, of which witness.
    pub(crate) fn next_question(
        &mut self,
        now: Time,
        own: impl Fn(Chain) -> Seq,
    ) -> Option<(Witness, EventId)> {
        // Who never answers proves nothing; whoever claims it again is asked again.
        self.searches.retain(|_, search| {
            search.unanswered < MAX_QUESTIONS || search.asked.is_some_and(|(_, until)| until > now)
        });
        for (chain, search) in &mut self.searches {
            if search.asked.is_some_and(|(_, until)| until > now) {
                continue;
            }
            let at = search.question(own(*chain));
            search.asked = Some((at, now + PATIENCE));
            search.unanswered += 1;
            return Some((search.witness, EventId::new(*chain, at)));
        }
        None
    }

    /// The witness has answered: `theirs` is its hash there, `None` where it has none; `ours` is the one here.
    pub(crate) fn answered(&mut self, id: EventId, theirs: Option<Hash>, ours: Option<Hash>) -> Outcome {
        let Some(search) = self.searches.get_mut(&id.chain) else { return Outcome::Searching };
        if search.asked.take_if(|(asked, _)| *asked == id.seq).is_none() {
            return Outcome::Searching;
        }
        search.unanswered = 0;
        match (theirs, ours) {
            (Some(theirs), Some(ours)) if theirs != ours => {
                (search.other, search.proved, search.answered) = (id.seq, true, true);
            }
            // What it does not have any more it has not contradicted.
            (_, Some(ours)) => search.same = Parting { seq: id.seq, hash: ours },
            // Beyond our end: there it is, or is not. Of another's chain it is merely still to come.
            (Some(_), None) if id.chain.replica == self.name => {
                (search.proved, search.answered) = (true, true);
            }
            (_, None) => search.other = search.same.seq,
        }
        if search.same.seq >= search.other {
            self.searches.remove(&id.chain);
            return Outcome::Mistake;
        }
        if search.same.seq.next() < search.other || !search.answered {
            return Outcome::Searching;
        }
        let (parting, witness) = (search.same, search.witness);
        self.searches.remove(&id.chain);
        if id.chain.replica == self.name {
            self.lost.insert(id.chain, parting);
        }
        Outcome::Lost { witness, parting }
    }

    /// Our chains that are lost, once every search about ours is over.
    pub(crate) fn lost(&self) -> Option<&BTreeMap<Chain, Parting>> {
        (!self.searches_own() && !self.lost.is_empty()).then_some(&self.lost)
    }

    /// The same, which is taken care of now.
    pub(crate) fn take_lost(&mut self) -> Option<BTreeMap<Chain, Parting>> {
        self.lost()?;
        Some(std::mem::take(&mut self.lost))
    }

    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        self.searches.values().filter_map(|search| search.asked.map(|(_, until)| until)).min()
    }
}

impl Search {
    /// Our end first, then what is behind it, then half of what is left, and at the end what the claim was about.
    fn question(&self, own: Seq) -> Seq {
        let (same, other) = (self.same.seq, self.other);
        if other > own {
            return if same == own { own.next() } else { own };
        }
        Seq(same.0 + (other.0 - same.0) / 2).max(same.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(0);

    fn hash(no: u8) -> Hash {
        Hash([no; 32])
    }

    /// Asks until the search is over; `theirs`: the hash of the witness at a position. What is here has that of its position.
    fn search(claimed: u64, theirs: impl Fn(u64) -> Option<Hash>) -> (Outcome, usize) {
        let (own, other) = (ReplicaId::new(1, 1), Chain::new(ReplicaId::new(2, 1), Lane::Prices));
        let end = Parting { seq: Seq(9), hash: hash(9) };
        let mut author = Author::new(own, NOW);
        author.suspect(Witness::Cloud, other, Seq(claimed), end);
        let mut asked = 0;
        loop {
            let (_, event) = author.next_question(NOW, |_| end.seq).expect("it goes on");
            asked += 1;
            let at = event.seq.0;
            let ours = (at <= end.seq.0).then(|| hash(at as u8));
            match author.answered(event, theirs(at), ours) {
                Outcome::Searching => {}
                outcome => return (outcome, asked),
            }
        }
    }

    /// A claim may be of a life of the witness that is over: what is there now is asked for before anything is lost.
    #[test]
    fn what_began_a_search_is_asked_for_as_well() {
        let (outcome, asked) = search(5, |at| Some(hash(at as u8)));
        assert_eq!(outcome, Outcome::Mistake);
        assert!(asked <= 4, "{asked}");
        assert_eq!(search(5, |_| None).0, Outcome::Mistake, "it does not have it any more");
    }

    #[test]
    fn the_last_position_that_both_have_is_found() {
        for parts in 1..=9 {
            let theirs = |at: u64| Some(hash(if at < parts { at as u8 } else { 77 }));
            let parting = Parting { seq: Seq(parts - 1), hash: hash(parts as u8 - 1) };
            let (outcome, asked) = search(9, theirs);
            assert_eq!(outcome, Outcome::Lost { witness: Witness::Cloud, parting });
            assert!(asked <= 5, "{asked}");
        }
    }
}

//! Who was promised what: each voter's answers to a leader's questions, read from the frames that arrive.
//!
//! A voter that answers a leader votes for nobody else for one lease. The leader counts that from the moment it asked, on its own
//! clock, so whoever holds the promises of a majority may decide, whether or not the network carries anything at this moment.

use std::collections::BTreeMap;

use edgepos_core::ReplicaId;
use minicbor::decode::{Decoder, Error};

use super::rule::{Rule, Violation};

/// The longest lease that a leader may ask for, in milliseconds.
const LONGEST_MS: u64 = 2_000;

/// The first byte of a frame of the election.
const ELECTION: u8 = 1;

/// Questions that were asked, and promises that arrived.
#[derive(Debug, Default)]
pub(super) struct Promises {
    /// The lease that a question asked for, by leader, voter and the leader's stamp.
    asked: BTreeMap<(ReplicaId, ReplicaId, u64), Asked>,
    /// Until when each voter's promise to a leader holds, on the leader's clock, in milliseconds.
    held: BTreeMap<(ReplicaId, ReplicaId), Held>,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    term: u64,
    lease_ms: u64,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    term: u64,
    until_ms: u64,
}

/// What the rule needs of a message.
#[derive(Clone, Copy, Default, Debug)]
struct Words {
    from: u64,
    to: u64,
    term: u64,
    stamp: u64,
    kind: u64,
    lease_ms: u64,
}

impl Promises {
    /// A terminal whose configured lease is `lease_ms` sends a frame.
    ///
    /// # Errors
    /// [`Rule::Honest`], when a leader asks for a longer lease than any may.
    pub(super) fn sent(&mut self, frame: &[u8], lease_ms: u64) -> Result<(), Violation> {
        const QUESTIONS: [u64; 3] = [1, 5, 7];
        let Some(words) = read(frame).filter(|words| words.stamp > 0 && QUESTIONS.contains(&words.kind))
        else {
            return Ok(());
        };
        let lease_ms = if words.lease_ms == 0 { lease_ms } else { words.lease_ms };
        if lease_ms > LONGEST_MS {
            let what = format!("{} asks for a lease of {lease_ms} ms", ReplicaId(words.from));
            return Err(Violation::new(Rule::Honest, what));
        }
        let key = (ReplicaId(words.from), ReplicaId(words.to), words.stamp);
        let asked = self.asked.entry(key).or_insert(Asked { term: words.term, lease_ms });
        // Which of the questions of one millisecond is answered cannot be told: the longest is what may be counted on.
        asked.lease_ms = asked.lease_ms.max(lease_ms);
        Ok(())
    }

    /// A frame has arrived.
    pub(super) fn arrived(&mut self, frame: &[u8]) {
        const ANSWERS: [u64; 2] = [2, 6];
        let Some(words) = read(frame).filter(|words| words.stamp > 0 && ANSWERS.contains(&words.kind)) else {
            return;
        };
        let (leader, voter) = (ReplicaId(words.to), ReplicaId(words.from));
        let Some(asked) = self.asked.get(&(leader, voter, words.stamp)) else { return };
        if asked.term != words.term {
            return;
        }
        let until_ms = words.stamp - 1 + asked.lease_ms;
        let held = self.held.entry((leader, voter)).or_insert(Held { term: words.term, until_ms });
        if words.term > held.term {
            *held = Held { term: words.term, until_ms };
        } else if words.term == held.term {
            held.until_ms = held.until_ms.max(until_ms);
        }
        // Older questions to this voter promise no more than is known.
        let older = (leader, voter, 0)..(leader, voter, words.stamp.saturating_sub(LONGEST_MS));
        let done: Vec<_> = self.asked.range(older).map(|(key, _)| *key).collect();
        for key in done {
            self.asked.remove(&key);
        }
    }

    /// Until when `leader` holds the promises of a majority in `term`, on its own clock; `None` where it never did.
    pub(super) fn majority_until_ms(
        &self,
        leader: ReplicaId,
        term: u64,
        voters: &[ReplicaId],
    ) -> Option<u64> {
        let needed = voters.len() / 2 + 1 - usize::from(voters.contains(&leader));
        let promise = |voter: &ReplicaId| {
            self.held.get(&(leader, *voter)).filter(|held| held.term == term).map(|held| held.until_ms)
        };
        let mut untils: Vec<u64> = voters.iter().filter_map(promise).collect();
        untils.sort_unstable_by(|a, b| b.cmp(a));
        match needed.checked_sub(1) {
            None => Some(u64::MAX),
            Some(rank) => untils.get(rank).copied(),
        }
    }

    /// A terminal starts over: its clock does, and it counts on nothing from before.
    pub(super) fn forget(&mut self, leader: ReplicaId) {
        self.asked.retain(|(to, ..), _| *to != leader);
        self.held.retain(|(to, _), _| *to != leader);
    }
}

/// Reads a frame of the election, by the numbers that `edgepos-consensus` documents.
fn read(frame: &[u8]) -> Option<Words> {
    let (kind, body) = frame.split_first()?;
    if *kind != ELECTION { None } else { words(body).ok() }
}

fn words(body: &[u8]) -> Result<Words, Error> {
    let (mut words, mut decoder) = (Words::default(), Decoder::new(body));
    let count = decoder.map()?.ok_or_else(|| Error::message("a map without a length"))?;
    for _ in 0..count {
        match decoder.u64()? {
            2 => words.from = decoder.u64()?,
            3 => words.to = decoder.u64()?,
            4 => words.term = decoder.u64()?,
            5 => words.stamp = decoder.u64()?,
            6 => words.kind = decoder.u64()?,
            16 => words.lease_ms = decoder.u64()?,
            _ => decoder.skip()?,
        }
    }
    Ok(words)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const A: ReplicaId = ReplicaId::new(1, 1);
    const B: ReplicaId = ReplicaId::new(2, 1);
    const C: ReplicaId = ReplicaId::new(3, 1);

    /// A message with the fields that the rule reads.
    pub(in super::super) fn frame(from: ReplicaId, to: ReplicaId, numbers: [u64; 4]) -> Vec<u8> {
        let [term, stamp, kind, lease_ms] = numbers;
        let fields = [(2, from.0), (3, to.0), (4, term), (5, stamp), (6, kind), (16, lease_ms)];
        let map: BTreeMap<u64, u64> = fields.into_iter().collect();
        [vec![ELECTION], minicbor::to_vec(map).unwrap()].concat()
    }

    fn ask(promises: &mut Promises, voter: ReplicaId, stamp: u64, lease_ms: u64) {
        promises.sent(&frame(A, voter, [4, stamp, 5, lease_ms]), 300).unwrap();
    }

    fn answer(promises: &mut Promises, voter: ReplicaId, stamp: u64) {
        promises.arrived(&frame(voter, A, [4, stamp, 6, 0]));
    }

    #[test]
    fn a_promise_counts_from_its_question_and_for_its_lease() {
        let mut promises = Promises::default();
        let until = |promises: &Promises| promises.majority_until_ms(A, 4, &[A, B, C]);
        answer(&mut promises, B, 101);
        assert_eq!(until(&promises), None, "nobody asked");
        ask(&mut promises, B, 101, 0);
        assert_eq!(until(&promises), None, "nobody has answered");
        answer(&mut promises, B, 101);
        assert_eq!(until(&promises), Some(400));
        ask(&mut promises, C, 201, 1_050);
        answer(&mut promises, C, 201);
        assert_eq!(until(&promises), Some(1_250), "with itself, one voter is a majority of three");
        answer(&mut promises, B, 101);
        assert_eq!(until(&promises), Some(1_250), "a repeat promises nothing new");
        assert_eq!(promises.majority_until_ms(A, 5, &[A, B, C]), None, "promises are of a term");
        let five = [A, B, C, ReplicaId::new(4, 1), ReplicaId::new(5, 1)];
        assert_eq!(promises.majority_until_ms(A, 4, &five), Some(400), "the second best of four");
        promises.forget(A);
        assert_eq!(until(&promises), None);
    }

    #[test]
    fn nobody_asks_for_more_than_two_seconds() {
        let mut promises = Promises::default();
        assert_eq!(promises.sent(&frame(A, B, [4, 1, 5, 2_001]), 300).unwrap_err().rule, Rule::Honest);
        promises.sent(&frame(A, B, [4, 1, 5, 2_000]), 300).unwrap();
    }
}

//! The digest of each seed's trace in a file, so that a change that must not change behaviour can be held against the state before.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::outcome::Outcome;
use crate::trace::hex;

/// The SHA-256 of the trace of each seed. As text one line a seed: the seed, a space, 64 hexadecimal digits.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Digests(BTreeMap<u64, String>);

/// A line of a file of digests is not a seed with its digest.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("line {line} is not a seed with its digest: {text:?}")]
pub struct DigestsError {
    /// The number of the line, from 1.
    pub line: usize,
    /// What stands there.
    pub text: String,
}

impl Digests {
    /// No seed has run yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the digest of a seed that has run. One whose trace was lost in a panic has the digest of what it said.
    pub fn add(&mut self, outcome: &Outcome) {
        let hash = match outcome.trace.hash.as_str() {
            "" => hex(&Sha256::digest(format!("{:?}", outcome.violations))),
            hash => hash.to_owned(),
        };
        self.0.insert(outcome.seed, hash);
    }

    /// Reads what [`Display`](fmt::Display) wrote.
    ///
    /// # Errors
    /// [`DigestsError`] at the first line that is not a seed with its digest.
    pub fn parse(text: &str) -> Result<Self, DigestsError> {
        let mut digests = Self::new();
        for (line, text) in (1..).zip(text.lines()) {
            let pair = text.split_once(' ').and_then(|(seed, hash)| Some((seed.parse().ok()?, hash)));
            let is_digest = |hash: &str| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
            match pair {
                Some((seed, hash)) if is_digest(hash) => digests.0.insert(seed, hash.to_owned()),
                _ => return Err(DigestsError { line, text: text.to_owned() }),
            };
        }
        Ok(digests)
    }

    /// One digest over all of them, by rising seed.
    pub fn total(&self) -> String {
        hex(&Sha256::digest(self.to_string()))
    }

    /// The seeds whose digest is another one in `expected`, or is not there, by rising seed.
    pub fn differing(&self, expected: &Self) -> Vec<u64> {
        let differs = |(seed, hash): &(&u64, &String)| expected.0.get(seed) != Some(hash);
        self.0.iter().filter(differs).map(|(seed, _)| *seed).collect()
    }
}

impl fmt::Display for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(seed, hash)| writeln!(f, "{seed} {hash}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digests(pairs: &[(u64, u8)]) -> Digests {
        Digests(pairs.iter().map(|(seed, byte)| (*seed, hex(&[*byte; 32]))).collect())
    }

    #[test]
    fn what_is_written_is_read() {
        let all = digests(&[(3, 1), (20, 2)]);
        assert_eq!(Digests::parse(&all.to_string()).unwrap(), all);
        for wrong in ["3", "x 00", "3 00", &format!("3 {}", "g".repeat(64))] {
            assert_eq!(Digests::parse(wrong), Err(DigestsError { line: 1, text: wrong.into() }));
        }
    }

    #[test]
    fn seeds_that_differ_or_are_not_expected_are_named_and_others_are_not() {
        let expected = digests(&[(1, 1), (2, 2), (9, 9)]);
        assert_eq!(digests(&[(1, 1), (2, 2)]).differing(&expected), [] as [u64; 0]);
        assert_eq!(digests(&[(1, 1), (2, 3), (4, 4)]).differing(&expected), [2, 4]);
        assert_ne!(digests(&[(1, 1)]).total(), digests(&[(1, 2)]).total());
    }
}

//! What a fiscal signer is asked, and what becomes of its answer.

use std::time::Duration;

use edgepos_core::Now;

use super::Terminal;
use crate::retail::sale::fiscal::{SignError, Signature};
use crate::retail::sale::signing::{SignatureId, SignatureWanted};

/// A question to a fiscal signer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignatureAsked {
    /// Its number, which the answer names.
    pub id: SignatureId,
    /// The receipt that it is about.
    pub wanted: SignatureWanted,
    /// How long the answer may take. The terminal goes on without it then.
    pub within: Duration,
}

impl Terminal {
    /// What a fiscal signer is to be asked next, each once. Ask after each call, as for duties: a commit waits for the answer, at most
    /// [`Config::sign_within`](crate::Config::sign_within). A caller that never asks has its sales booked unsigned.
    pub fn next_to_sign(&mut self, now: Now) -> Option<SignatureAsked> {
        let within = self.config.sign_within;
        let (id, wanted) = self.shop.desk().next_to_sign(now, within)?;
        Some(SignatureAsked { id, wanted, within })
    }

    /// What the signer says. One that comes too late is dropped: the receipt is asked for again.
    pub fn signed(&mut self, now: Now, id: SignatureId, answer: Result<Signature, SignError>) {
        if self.stopped.is_none() {
            self.with_turn(now, |shop, turn| shop.desk().signed(turn, id, answer));
            self.settle(now);
        }
    }
}

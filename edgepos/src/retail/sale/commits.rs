//! Commits between their call and their durable write, with everybody who waits for them.

use std::collections::BTreeMap;

use edgepos_core::IdempotencyKey;

use super::body::BasketId;
use super::receipt::{Commit, Receipt};
use crate::terminal::io::{Reply, RequestId};
use crate::terminal::refusal::Refusal;
use crate::terminal::unit_of_work::UnitOfWork;

/// Commits that are under way.
#[derive(Debug, Default)]
pub(crate) struct Commits {
    under_way: BTreeMap<IdempotencyKey, Committing>,
}

#[derive(Debug)]
struct Committing {
    commit: Commit,
    /// Everybody who asked with this key.
    waiting: Vec<RequestId>,
}

impl Commits {
    /// A commit is asked for. Whether it is the first with its key; a repeat waits with that one.
    ///
    /// # Errors
    /// When the key is another basket's, the basket is being committed, or more than `limit` are under way.
    pub(super) fn begin(
        &mut self,
        limit: usize,
        request: RequestId,
        commit: Commit,
    ) -> Result<bool, Refusal> {
        if let Some(Committing { commit: first, waiting }) = self.under_way.get_mut(&commit.key) {
            if first.basket != commit.basket {
                return Err(Refusal::KeyOfAnotherBasket { asked: commit.basket, basket: first.basket });
            }
            // The limit holds for those who wait as well: a till that repeats without end must not cost memory.
            if waiting.len() >= limit {
                return Err(Refusal::Full { what: "repeats of one commit", limit });
            }
            waiting.push(request);
            return Ok(false);
        }
        if self.under_way.len() >= limit {
            return Err(Refusal::Full { what: "commits under way", limit });
        }
        self.check_free(commit.basket)?;
        self.under_way.insert(commit.key, Committing { commit, waiting: vec![request] });
        Ok(true)
    }

    /// What is committed under a key.
    pub(super) fn get(&self, key: IdempotencyKey) -> Option<&Commit> {
        self.under_way.get(&key).map(|committing| &committing.commit)
    }

    /// Refuses what would change a basket while it is being committed.
    pub(super) fn check_free(&self, basket: BasketId) -> Result<(), Refusal> {
        if self.under_way.values().any(|committing| committing.commit.basket == basket) {
            return Err(Refusal::BasketBusy(basket));
        }
        Ok(())
    }

    /// It is over. Whoever waits for it.
    pub(super) fn end(&mut self, key: IdempotencyKey) -> Vec<RequestId> {
        self.under_way.remove(&key).map(|committing| committing.waiting).unwrap_or_default()
    }

    /// It is not booked: tells everybody who asked.
    pub(super) fn refuse(&mut self, out: &mut UnitOfWork, key: IdempotencyKey, refusal: &Refusal) {
        for request in self.end(key) {
            out.reply(request, Err(refusal.clone()));
        }
    }

    /// The sale is durable: tells everybody who asked.
    pub(crate) fn booked(&mut self, out: &mut UnitOfWork, key: IdempotencyKey, receipt: &Receipt) {
        for (position, request) in self.end(key).into_iter().enumerate() {
            let reply = Reply::Committed { receipt: receipt.clone(), repeated: position > 0 };
            out.reply(request, Ok(reply));
        }
    }

    /// Ends all that is under way. Whoever waits for it.
    pub(super) fn stop(&mut self) -> Vec<RequestId> {
        std::mem::take(&mut self.under_way).into_values().flat_map(|commit| commit.waiting).collect()
    }
}

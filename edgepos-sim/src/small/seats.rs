//! Who votes: a box that is replaced gives up its vote only where another of its number has one, unless it is silent; then it gives it up
//! first. Anything else lowers the number of voters that may still fail.

use std::collections::{BTreeMap, BTreeSet};

use edgepos_core::ReplicaId;

use super::device::Device;
use crate::check::{Rule, Violation};

/// The voters as the one who leads sees them, and those of them that it hears.
#[derive(Debug, Default)]
pub(super) struct Seats {
    /// From whom to whom a word about elections has come over the present connection.
    heard: BTreeSet<(usize, usize)>,
    voters: BTreeMap<usize, Vec<ReplicaId>>,
    /// At which leader a voter was heard when another box of its number was let in to learn, and ever since.
    lively: BTreeSet<(usize, ReplicaId)>,
}

impl Seats {
    /// A word about elections arrives.
    pub(super) fn hears(&mut self, place: usize, from: usize) {
        self.heard.insert((from, place));
    }

    /// Two lose each other.
    pub(super) fn part(&mut self, a: usize, b: usize) {
        self.heard.retain(|pair| *pair != (a, b) && *pair != (b, a));
    }

    /// Looks at everybody who leads.
    ///
    /// # Errors
    /// When a voter that is heard has lost its vote, and no other box of its number has one; or when a newcomer has one while that of the box
    /// before it, which is silent, still counts.
    pub(super) fn look(&mut self, devices: &[Device]) -> Result<(), Violation> {
        for (place, device) in devices.iter().enumerate() {
            let Some(status) = device.status().filter(|status| status.entitled) else {
                self.voters.remove(&place);
                self.lively.retain(|(leader, _)| *leader != place);
                continue;
            };
            let Self { heard, lively, voters } = self;
            let is_heard = |voter: &ReplicaId| {
                (0..devices.len()).any(|at| devices[at].me() == *voter && heard.contains(&(at, place)))
            };
            let twins = |list: &[ReplicaId], of: ReplicaId| {
                list.iter().any(|other| *other != of && other.terminal() == of.terminal())
            };
            let before = voters.insert(place, status.voters.clone()).unwrap_or_default();
            let gone = before.iter().find(|voter| {
                let left = !status.voters.contains(voter) && !twins(&status.voters, **voter);
                left && lively.contains(&(place, **voter))
            });
            if let Some(gone) = gone {
                let what = format!(
                    "{gone} is heard by T{} and has lost its vote, of {before:?} voters {:?} are left",
                    place + 1,
                    status.voters
                );
                return Err(Violation::new(Rule::Honest, what));
            }
            // The dead vote counts against the living ones: it leaves before the newcomer has one.
            let is_doubled = |voter: &&ReplicaId| {
                let mut twin = status.voters.iter().filter(|twin| twins(&[**twin], **voter));
                twin.any(|twin| *twin != device.me() && !is_heard(twin) && before.contains(twin))
            };
            let mut newcomers = status.voters.iter().filter(|voter| !before.contains(voter));
            if let Some(newcomer) = newcomers.find(is_doubled) {
                let what = format!(
                    "{newcomer} votes beside another box of its number, which T{} does not hear: {:?}",
                    place + 1,
                    status.voters
                );
                return Err(Violation::new(Rule::Honest, what));
            }
            lively.retain(|(leader, voter)| *leader != place || is_heard(voter));
            let comes = status.voters.iter().filter(|voter| twins(&status.learners, **voter));
            lively.extend(comes.filter(|voter| is_heard(voter)).map(|voter| (place, *voter)));
        }
        Ok(())
    }
}

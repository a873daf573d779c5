//! What the state of a terminal and its engines means to a person: findings for the conditions.

use edgepos_consensus::{Election, Health};
use edgepos_sync::{CloudRefusal, Mistake};

use super::condition::Finding;

/// Events and decisions that are stored and cannot be read.
pub(super) fn of_quarantine(count: u64) -> Option<Finding> {
    (count > 0).then(|| Finding { count, about: "events and decisions of a later version".into() })
}

/// No majority is heard.
pub(super) fn of_majority(election: &Election) -> Option<Finding> {
    match election.health() {
        Health::Degraded { reachable, needed, .. } => Some(Finding {
            count: u64::from(needed.saturating_sub(reachable)),
            about: format!("{reachable} voters in reach, {needed} needed"),
        }),
        _ => None,
    }
}

/// The store is at a level that this terminal, which knows `known`, is below.
pub(super) fn of_level(election: &Election, known: u32) -> Option<Finding> {
    election.is_below_level().then(|| Finding {
        count: 1,
        about: format!("the store is at level {}, this terminal knows {known}", election.level()),
    })
}

/// The cloud answers and refuses what is uploaded, of which `queued` events wait.
pub(super) fn of_refusal(refusal: Option<CloudRefusal>, queued: u64) -> Option<Finding> {
    refusal.map(|refusal| Finding {
        count: queued,
        about: match refusal {
            CloudRefusal::Reason(reason) => reason.to_string(),
            CloudRefusal::Status(status) => format!("it answers with status {status}"),
        },
    })
}

/// Claims about the cloud that are not so: those above what is held here, and chains of which it holds another history.
pub(super) fn of_claims(mistakes: impl Iterator<Item = Mistake>) -> (Option<Finding>, Option<Finding>) {
    let (mut above, mut disputed) = (Vec::new(), Vec::new());
    for mistake in mistakes {
        match mistake {
            Mistake::Above { chain, claimed, own, witness } => {
                above.push(format!(
                    "{witness}: the cloud holds {chain} up to {claimed}; here it ends at {own}"
                ));
            }
            Mistake::Disputed { chain } => disputed.push(format!("the cloud: {chain}")),
        }
    }
    (listed(above), listed(disputed))
}

/// How many there are, and what they are about; `None` where there is none.
fn listed(about: Vec<String>) -> Option<Finding> {
    (!about.is_empty()).then(|| Finding { count: about.len() as u64, about: about.join("; ") })
}

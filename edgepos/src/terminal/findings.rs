//! What the event log's state means to a person: findings for the conditions.

use edgepos_sync::Mistake;

use super::condition::Finding;

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

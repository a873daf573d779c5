//! At most one uploader has effect in an epoch: what the cloud took under each, and from whom.

use super::rule::{Rule, Violation};
use super::view::StoreView;

pub(super) fn check(view: &StoreView, found: &mut Vec<Violation>) {
    for (epoch, by) in view.cloud.uploaders.iter().filter(|(_, by)| by.len() > 1) {
        let what = format!("the cloud took events in epoch {} from {by:?}", epoch.0);
        found.push(Violation::new(Rule::NothingTwice, what));
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{ReplicaId, UploadEpoch};

    use super::super::view::tests::store_with_one_sale;
    use super::*;

    #[test]
    fn two_in_one_epoch_are_noticed() {
        let mut view = store_with_one_sale();
        let mut take = |epoch, terminal| {
            let by = view.cloud.uploaders.entry(UploadEpoch(epoch)).or_default();
            by.insert(ReplicaId::new(terminal, 1));
            let mut found = Vec::new();
            check(&view, &mut found);
            found.len()
        };
        assert_eq!([take(1, 1), take(1, 1), take(2, 2), take(2, 1)], [0, 0, 0, 1]);
    }
}

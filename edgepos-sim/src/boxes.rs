//! What happens to more than one box at once: the cloud is put back to a backup, alone or with the disks of all tills.
//!
//! The disks of all tills alone are not: the store's own chain goes on from where the tills are then, beside what the cloud has of it, and
//! it takes the recovery kit to begin another.

use crate::plan::{Plan, Purpose, pick};

/// What goes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Back {
    /// The cloud alone, while the tills go on.
    Cloud,
    /// The disks of all tills and the cloud, to the same moment.
    All,
}

/// When it does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BoxFault {
    /// What goes back.
    pub back: Back,
    /// When the images are taken, in microseconds.
    pub image_us: u64,
    /// When they take the place of what there is; tills are off from then on.
    pub at_us: u64,
    /// When the first till starts again.
    pub again_us: u64,
}

/// Longest time between the first till and the next, in microseconds.
const APART_US: u64 = 400_000;

/// Longest time that the tills are off, in microseconds.
const LONGEST_US: u64 = 4_000_000;

/// What goes back in a run, and when; none where the plan has no such faults.
pub(crate) fn planned(plan: &Plan) -> Option<BoxFault> {
    if !plan.boxes {
        return None;
    }
    let mut rng = plan.rng(Purpose::Boxes, 0);
    let back = pick(&mut rng, &[Back::Cloud, Back::All]);
    let end_us = plan.faults_us.saturating_sub(LONGEST_US + plan.terminals as u64 * APART_US);
    let image_us = rng.range(2_000_000, end_us * 2 / 3);
    let at_us = rng.range(image_us, end_us) + 1;
    let again_us = at_us + rng.range(100_000, LONGEST_US);
    Some(BoxFault { back, image_us, at_us, again_us })
}

/// When the till at this place starts again.
pub(crate) fn starts_us(fault: &BoxFault, place: usize) -> u64 {
    fault.again_us + place as u64 * APART_US
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_comes_and_is_over_before_the_faults_are() {
        let mut kinds = std::collections::BTreeSet::new();
        for seed in 0..50 {
            let plan = Plan::from_seed(seed);
            assert_eq!(planned(&plan), None);
            let plan = plan.with_boxes();
            let fault = planned(&plan).expect("one is planned");
            assert!(fault.image_us < fault.at_us && fault.at_us < fault.again_us, "{fault:?}");
            assert!(starts_us(&fault, plan.terminals) <= plan.faults_us, "{fault:?}");
            kinds.insert(format!("{:?}", fault.back));
        }
        assert_eq!(kinds.len(), 2);
    }
}

//! Disks that are put back to an older image of themselves.

use edgepos_core::Jitter;

use crate::plan::{Plan, Purpose, pick};

/// A device whose disk is put back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PutBack {
    /// Which terminal, by its place from 0.
    pub who: usize,
    /// When the image is taken, in microseconds.
    pub image_us: u64,
    /// When the device stops.
    pub at_us: u64,
    /// When it starts again, from the image.
    pub again_us: u64,
}

/// Longest time that a device is off while somebody puts its disk back, in microseconds.
const LONGEST_US: u64 = 6_000_000;

/// What is put back when, by time: one device's disk, once, or to one image twice, or twice to an image of its own time.
pub(crate) fn put_backs(plan: &Plan) -> Vec<PutBack> {
    if !plan.images {
        return Vec::new();
    }
    let mut rng = plan.rng(Purpose::Images, 0);
    let who = rng.range(0, plan.terminals as u64) as usize;
    let end_us = plan.faults_us.saturating_sub(LONGEST_US);
    let first = put_back(&mut rng, who, 1_000_000, end_us * 2 / 3);
    let second = match pick(&mut rng, &[0, 1, 2]) {
        0 => None,
        1 => {
            let again = put_back(&mut rng, who, first.again_us, end_us);
            Some(PutBack { image_us: first.image_us, ..again })
        }
        _ => Some(put_back(&mut rng, who, first.again_us, end_us)),
    };
    std::iter::once(first).chain(second).collect()
}

fn put_back(rng: &mut Jitter, who: usize, from_us: u64, to_us: u64) -> PutBack {
    let image_us = rng.range(from_us, to_us);
    let at_us = rng.range(image_us, to_us) + 1;
    let again_us = at_us + rng.range(100_000, LONGEST_US);
    PutBack { who, image_us, at_us, again_us }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_older_than_what_they_replace() {
        for seed in 0..100 {
            let plan = Plan::from_seed(seed);
            assert_eq!(put_backs(&plan), []);
            let plan = plan.with_images();
            let all = put_backs(&plan);
            assert!(!all.is_empty() && all.iter().all(|one| one.who == all[0].who));
            for one in &all {
                assert!(one.image_us < one.at_us && one.at_us < one.again_us, "{one:?}");
                assert!(one.again_us <= plan.faults_us, "{one:?}");
            }
            assert!(all.windows(2).all(|pair| pair[0].again_us <= pair[1].at_us), "{all:?}");
        }
    }
}

//! A threshold from a shop's own labels, with how sure it is.

use crate::drift::Accuracy;

/// The normal quantile of 95 % intervals.
const Z: f64 = 1.96;

/// What a threshold is to keep to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aim {
    /// At least this share of what reaches the threshold is right, 0 to 1: "nine of ten alarms are fraud".
    Precision(f64),
    /// At most this share of everything reaches the threshold, 0 to 1: "one payment of two hundred is looked at".
    Flagged(f64),
}

/// A threshold, and what it would have done with the labels that it was chosen on.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Threshold {
    /// The lowest score from which on the aim is reached on these labels.
    pub value: f32,
    /// The lower end of its interval: the lowest score from which on the labels do not speak against the aim.
    pub low: f32,
    /// The upper end: the lowest score from which on they speak for it. `None` where there are too few labels for that; take
    /// this one where a wrong alarm is dear.
    pub high: Option<f32>,
    /// How many reach it and are right, of those that reach it: its precision, with a 95 % interval.
    pub precision: Accuracy,
    /// How many are right and reach it, of those that are right: its recall.
    pub recall: Accuracy,
    /// How many reach it, of all.
    pub flagged: Accuracy,
}

/// The lowest threshold that keeps to `aim` on `labels`: scores of a model, each with whether it was right to flag it (fraud, a
/// confirmed answer). `None` where no threshold does. Scores that are not numbers are left out.
///
/// The interval is of single thresholds (Wilson, 1927, at 95 %): whoever tries many aims on the same labels finds one that is met by
/// luck. Choose on some labels, look at others, and choose anew for each version of the model.
///
/// ```
/// use edgepos_inference::{Aim, choose_threshold};
///
/// // A score of 0 to 1 that is fraud as often as it says.
/// let labels: Vec<(f32, bool)> = (0..2000).map(|n| (n as f32 / 2000.0, n * 7919 % 2000 < n)).collect();
/// let chosen = choose_threshold(&labels, Aim::Precision(0.9)).expect("the highest scores are nearly all fraud");
/// assert!((0.7..0.9).contains(&chosen.value) && chosen.low <= chosen.value);
/// println!("from {} on {:.0} % are fraud", chosen.value, chosen.precision.share * 100.0);
/// ```
#[must_use]
pub fn choose_threshold(labels: &[(f32, bool)], aim: Aim) -> Option<Threshold> {
    let mut labels: Vec<(f32, bool)> = labels.iter().copied().filter(|(score, _)| !score.is_nan()).collect();
    labels.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let (all, positives) = (labels.len(), labels.iter().filter(|(_, right)| *right).count());
    let (mut value, mut low, mut high) = (None, None, None);
    let (mut flagged, mut right) = (0, 0);
    // Equal scores are flagged together or not at all.
    for equal in labels.chunk_by(|a, b| a.0 == b.0) {
        flagged += equal.len();
        right += equal.iter().filter(|(_, right)| *right).count();
        let score = equal[0].0;
        let (reached, not_against, spoken_for) = match aim {
            Aim::Precision(wanted) => {
                let found = Accuracy::of(right, flagged, Z);
                (found.share >= wanted, found.high >= wanted, found.low >= wanted)
            }
            Aim::Flagged(allowed) => {
                let found = Accuracy::of(flagged, all, Z);
                (found.share <= allowed, found.low <= allowed, found.high <= allowed)
            }
        };
        if reached {
            value = Some((score, flagged, right));
        }
        if not_against {
            low = Some(score);
        }
        if spoken_for {
            high = Some(score);
        }
    }
    let (value, flagged, right) = value?;
    Some(Threshold {
        value,
        low: low.unwrap_or(value),
        high,
        precision: Accuracy::of(right, flagged, Z),
        recall: Accuracy::of(right, positives, Z),
        flagged: Accuracy::of(flagged, all, Z),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores that are right as often as they say, drawn by SplitMix64.
    fn calibrated(count: usize, seed: u64) -> Vec<(f32, bool)> {
        let mut state = seed;
        let mut draw = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((mixed ^ (mixed >> 31)) >> 40) as f32 / (1_u64 << 24) as f32
        };
        (0..count)
            .map(|_| {
                let score = draw();
                (score, draw() < score)
            })
            .collect()
    }

    #[test]
    fn the_true_threshold_lies_in_most_intervals_and_more_labels_make_them_narrower() {
        // From a score of 0.8 on, nine of ten are right; from 0.9 on there is a tenth of all.
        for (aim, truth) in [(Aim::Precision(0.9), 0.8), (Aim::Flagged(0.1), 0.9)] {
            let mut widths = Vec::new();
            for count in [1000, 4000] {
                let found: Vec<Threshold> =
                    (0..100).filter_map(|seed| choose_threshold(&calibrated(count, seed), aim)).collect();
                let high = |found: &Threshold| found.high.unwrap_or(1.0);
                let covers = |found: &&Threshold| found.low <= truth && truth <= high(found);
                let covered = found.iter().filter(covers).count();
                println!("{aim:?}, {count} labels: {covered} of {} intervals", found.len());
                assert!(found.len() == 100 && covered >= 90, "{aim:?}: {covered} of {}", found.len());
                widths.push(found.iter().map(|found| high(found) - found.low).sum::<f32>());
            }
            assert!(widths[1] < widths[0] * 0.7, "{aim:?}: {widths:?}");
        }
    }

    #[test]
    fn what_it_would_have_done_is_counted() {
        let labels = [(0.9, true), (0.8, true), (0.8, false), (0.7, true), (0.2, false), (f32::NAN, true)];
        let found = choose_threshold(&labels, Aim::Precision(0.7)).unwrap();
        assert_eq!(found.value.to_bits(), 0.7_f32.to_bits());
        assert_eq!((found.precision.correct, found.precision.samples), (3, 4));
        assert_eq!((found.recall.correct, found.recall.samples), (3, 3));
        assert_eq!((found.flagged.correct, found.flagged.samples), (4, 5));
        assert_eq!(found.high, None);
        // The two equal scores go together: half of the first three would be two, and no threshold has two.
        let found = choose_threshold(&labels, Aim::Flagged(0.4)).unwrap();
        assert_eq!(found.value.to_bits(), 0.9_f32.to_bits());
    }

    #[test]
    fn an_aim_out_of_reach_has_no_threshold() {
        assert_eq!(choose_threshold(&[(0.9, false), (0.8, true)], Aim::Precision(0.9)), None);
        assert_eq!(choose_threshold(&[(0.9, true); 3], Aim::Flagged(0.5)), None);
        assert_eq!(choose_threshold(&[], Aim::Precision(0.0)), None);
    }
}

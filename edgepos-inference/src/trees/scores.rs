//! From sums to scores: base values, the second class of two, and the post transform.
//!
//! The specification is vague about two classes whose leaves speak of one of them only, as most converters write them; here
//! it is done as ONNX Runtime 1.32 does, which the originals' probabilities agree with.

use super::ensemble::{Ensemble, Kind, PostTransform};
use super::error::EnsembleError;
use super::node::Node;

/// How sums become scores.
#[derive(Debug)]
pub(super) struct Scoring {
    shape: Shape,
    base: Vec<f32>,
    post: PostTransform,
    width: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// A sum for each class or target.
    Each,
    /// Two classes and one sum, of votes written for the first; it speaks for the second. `shares`: leaves hold
    /// probabilities (no weight below 0) rather than margins.
    Margin { shares: bool },
    /// Two classes and one sum, of votes written for the second.
    Second { shares: bool },
}

impl Scoring {
    /// How this ensemble is scored, and whether it has one sum only.
    ///
    /// # Errors
    /// Combinations that engines read differently and no converter writes.
    pub(super) fn of(ensemble: &Ensemble) -> Result<(Self, bool), EnsembleError> {
        let refuse = |name: &'static str, problem| Err(EnsembleError::attribute(name, problem));
        let classes = ensemble.targets;
        let two = ensemble.kind != Kind::Regressor && classes == 2;
        let base = ensemble.base.len();
        let shares = ensemble.votes.iter().all(|vote| vote.weight >= 0.0);
        let shape = match ensemble.votes.first() {
            Some(first) if two && ensemble.votes.iter().all(|vote| vote.target == first.target) => {
                if first.target == 0 { Shape::Margin { shares } } else { Shape::Second { shares } }
            }
            _ => Shape::Each,
        };
        match shape {
            Shape::Margin { .. } if base > 1 => {
                return refuse("base_values", "two, where votes are for one class");
            }
            Shape::Second { .. } if base > 0 => {
                return refuse("base_values", "where votes are for the second class only");
            }
            Shape::Margin { .. } if ensemble.post == PostTransform::Probit => {
                return refuse("post_transform", "PROBIT, where votes are for one class");
            }
            Shape::Each if two && base > 0 => {
                return refuse("base_values", "where votes are for both of two classes");
            }
            Shape::Each if two && !second_class_is_sure(ensemble) => {
                return refuse("class_ids", "a row may get no vote for the second of two classes");
            }
            Shape::Each if base > 0 && base != classes => {
                return refuse("base_values", "has not a value for each class");
            }
            _ => {}
        }
        if classes == 1 && matches!(ensemble.post, PostTransform::Softmax | PostTransform::SoftmaxZero) {
            return refuse("post_transform", "SOFTMAX, where there is one score only");
        }
        let scoring = Self { shape, base: ensemble.base.clone(), post: ensemble.post, width: classes };
        Ok((scoring, classes == 1 || shape != Shape::Each))
    }

    /// How many scores a row gets.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Makes scores of sums, and says which class wins.
    pub(super) fn finish(&self, sums: &[f32], voted: &[bool], scores: &mut [f32]) -> usize {
        let base = |class: usize| self.base.get(class).copied().unwrap_or(0.0);
        match self.shape {
            Shape::Margin { shares } => {
                let margin = sums[0] + base(0);
                scores.copy_from_slice(&match (self.post, shares) {
                    (PostTransform::Logistic, true) => [1.0 - logistic(margin), logistic(margin)],
                    (PostTransform::Logistic, false) => [logistic(-margin), logistic(margin)],
                    (_, true) => [1.0 - margin, margin],
                    (_, false) => [-margin, margin],
                });
                usize::from(margin > if shares { 0.5 } else { 0.0 })
            }
            Shape::Second { shares } => {
                scores.copy_from_slice(&[0.0, sums[0]]);
                self.transform(scores);
                usize::from(sums[0] > if shares { 0.5 } else { 0.0 })
            }
            Shape::Each => {
                for (class, score) in scores.iter_mut().enumerate() {
                    *score = sums[class] + base(class);
                }
                // The first of equals; a class without any word for it cannot win.
                let takes_part = |class: usize| voted[class] || !self.base.is_empty();
                let better = |best: Option<usize>, class: usize| match best {
                    Some(best) if scores[class] <= scores[best] || scores[class].is_nan() => Some(best),
                    _ => Some(class),
                };
                let winner = (0..scores.len()).filter(|&class| takes_part(class)).fold(None, better);
                self.transform(scores);
                winner.unwrap_or(0)
            }
        }
    }

    fn transform(&self, scores: &mut [f32]) {
        match self.post {
            PostTransform::None => {}
            PostTransform::Logistic => scores.iter_mut().for_each(|score| *score = logistic(*score)),
            PostTransform::Softmax => softmax(scores, false),
            PostTransform::SoftmaxZero => softmax(scores, true),
            PostTransform::Probit => scores.iter_mut().for_each(|score| *score = probit(*score)),
        }
    }
}

/// Whether each row gets a vote for the second class: all leaves of some tree have one.
fn second_class_is_sure(ensemble: &Ensemble) -> bool {
    ensemble.nodes.iter().all(|node| match *node {
        Node::Branch { .. } => true,
        Node::Leaf { first, count } => {
            let votes = &ensemble.votes[first as usize..(first + count) as usize];
            votes.iter().any(|vote| vote.target == 1)
        }
    })
}

/// The logistic function in the form that ONNX Runtime uses, so that results agree to the last bit.
pub(super) fn logistic(value: f32) -> f32 {
    let share = 1.0 / (1.0 + (-value.abs()).exp());
    if value < 0.0 { 1.0 - share } else { share }
}

/// Shifted by the largest value, so that no exponent overflows. With `keep_zeros`, a score of zero stays (nearly) zero.
fn softmax(scores: &mut [f32], keep_zeros: bool) {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        if keep_zeros && score.abs() <= 1e-7 {
            *score *= (-largest).exp();
        } else {
            *score = (*score - largest).exp();
            sum += *score;
        }
    }
    scores.iter_mut().for_each(|score| *score /= sum);
}

/// The quantile of the normal distribution, by the approximation of its error function's inverse (Winitzki 2008) that
/// the operator's other implementations use: good to four digits.
fn probit(share: f32) -> f32 {
    const A: f32 = 0.147;
    let value = 2.0 * share - 1.0;
    let log = ((1.0 - value) * (1.0 + value)).ln();
    let half = 2.0 / (std::f32::consts::PI * A) + 0.5 * log;
    let root = (-half + (half * half - log / A).sqrt()).sqrt();
    std::f32::consts::SQRT_2 * if value < 0.0 { -root } else { root }
}

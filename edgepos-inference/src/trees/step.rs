//! The steps of a model of trees, and their run.

use super::ensemble::Kind;
use super::forest::Forest;
use super::scores::{Scoring, logistic};
use crate::stop::Stop;
use crate::tensor::{Tensor, Values};

/// How many branches are walked at most between two looks at the deadline.
const BRANCHES_PER_LOOK: usize = 1 << 20;

/// One step: makes values of values.
#[derive(Debug)]
pub(super) enum Step {
    Trees(Box<Trees>),
    /// To the element type of the value `to`.
    Cast {
        from: usize,
        to: usize,
    },
    Arithmetic {
        arithmetic: Arithmetic,
        operands: Vec<Operand>,
        width: usize,
        to: usize,
    },
    Function {
        function: Function,
        from: usize,
        to: usize,
    },
}

/// An ensemble, and where its labels and scores go.
#[derive(Debug)]
pub(super) struct Trees {
    pub(super) input: usize,
    pub(super) forest: Forest,
    pub(super) scoring: Scoring,
    pub(super) kind: Kind,
    pub(super) labels: Option<usize>,
    pub(super) scores: usize,
}

/// The type of a value's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    F32,
    F64,
    I64,
    /// Labels in words: they have no values here.
    Words,
}

/// What is known of a value before it is there: one row for each row of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Array {
    pub(super) element: Element,
    /// Values a row; `None` where the file leaves it open.
    pub(super) width: Option<usize>,
    /// One axis instead of two.
    pub(super) flat: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Exp,
    Sigmoid,
}

#[derive(Debug)]
pub(super) enum Operand {
    Value(usize),
    Constant(Vec<f64>),
}

/// A value while the steps run.
#[derive(Clone, Debug, Default)]
pub(super) enum Data {
    /// Not made yet, or without values.
    #[default]
    None,
    F32(Vec<f32>),
    F64(Vec<f64>),
    I64(Vec<i64>),
}

/// The deadline passed.
#[derive(Debug)]
pub(super) struct Stopped;

/// Runs the steps on `input`, a batch of `rows`; gives all values. Value 0, the input, is not copied: it stays empty
/// unless it is of whole numbers.
pub(super) fn run(
    steps: &[Step],
    kinds: &[Array],
    input: &Tensor,
    stop: &Stop,
) -> Result<Vec<Data>, Stopped> {
    let mut values = vec![Data::None; kinds.len()];
    for step in steps {
        match step {
            Step::Trees(trees) => trees.run(&mut values, input, stop)?,
            Step::Cast { from, to } => {
                values[*to] = cast(source(&values, *from, input), kinds[*to].element);
            }
            Step::Arithmetic { arithmetic, operands, width, to } => {
                values[*to] = if kinds[*to].element == Element::F64 {
                    Data::F64(arithmetic.run_doubles(&values, operands, *width, input))
                } else {
                    Data::F32(arithmetic.run_floats(&values, operands, *width, input))
                };
            }
            Step::Function { function, from, to } => {
                let mut made = owned(source(&values, *from, input));
                function.run(&mut made);
                values[*to] = made;
            }
        }
    }
    Ok(values)
}

/// Elements that are read.
#[derive(Clone, Copy)]
enum Source<'a> {
    F32(&'a [f32]),
    F64(&'a [f64]),
    I64(&'a [i64]),
}

fn source<'a>(values: &'a [Data], place: usize, input: &'a Tensor) -> Source<'a> {
    match (place, &values[place]) {
        (_, Data::F32(values)) => Source::F32(values),
        (_, Data::F64(values)) => Source::F64(values),
        (_, Data::I64(values)) => Source::I64(values),
        (0, Data::None) => match input.values() {
            Values::F32(values) => Source::F32(values),
            Values::I64(values) => Source::I64(values),
        },
        (_, Data::None) => Source::F32(&[]),
    }
}

fn owned(source: Source<'_>) -> Data {
    match source {
        Source::F32(values) => Data::F32(values.to_vec()),
        Source::F64(values) => Data::F64(values.to_vec()),
        Source::I64(values) => Data::I64(values.to_vec()),
    }
}

fn floats(source: Source<'_>) -> Vec<f32> {
    match source {
        Source::F32(values) => values.to_vec(),
        Source::F64(values) => values.iter().map(|value| *value as f32).collect(),
        Source::I64(values) => values.iter().map(|value| *value as f32).collect(),
    }
}

fn doubles(source: Source<'_>) -> Vec<f64> {
    match source {
        Source::F32(values) => values.iter().copied().map(f64::from).collect(),
        Source::F64(values) => values.to_vec(),
        Source::I64(values) => values.iter().map(|value| *value as f64).collect(),
    }
}

fn cast(source: Source<'_>, element: Element) -> Data {
    match element {
        Element::F32 => Data::F32(floats(source)),
        Element::F64 => Data::F64(doubles(source)),
        Element::I64 => Data::I64(doubles(source).into_iter().map(|value| value as i64).collect()),
        Element::Words => Data::None,
    }
}

impl Trees {
    fn run(&self, values: &mut [Data], input: &Tensor, stop: &Stop) -> Result<(), Stopped> {
        let rows = input.shape().first().copied().unwrap_or(0);
        let made;
        let features = match source(values, self.input, input) {
            Source::F32(features) => features,
            other => {
                made = floats(other);
                &made
            }
        };
        let columns = features.len().checked_div(rows).unwrap_or(0);
        let width = self.scoring.width();
        let numbers = match &self.kind {
            Kind::Classifier(numbers) => &numbers[..],
            Kind::Regressor | Kind::Words => &[],
        };
        let mut labels = Vec::with_capacity(if numbers.is_empty() { 0 } else { rows });
        let mut scores = vec![0.0; rows * width];
        let mut sums = vec![0.0; self.forest.sums()];
        let mut voted = vec![false; self.forest.sums()];
        let look = (BRANCHES_PER_LOOK
            / (self.forest.depth() as usize + 1).saturating_mul(self.forest.trees()))
        .max(1);
        for index in 0..rows {
            if index % look == 0 && stop.is_due() {
                return Err(Stopped);
            }
            self.forest.sum(&features[index * columns..(index + 1) * columns], &mut sums, &mut voted);
            let target = &mut scores[index * width..(index + 1) * width];
            let winner = self.scoring.finish(&sums, &voted, target);
            labels.extend(numbers.get(winner));
        }
        if let Some(place) = self.labels.filter(|_| !numbers.is_empty()) {
            values[place] = Data::I64(labels);
        }
        values[self.scores] = Data::F32(scores);
        Ok(())
    }
}

impl Arithmetic {
    fn run_floats(self, values: &[Data], operands: &[Operand], width: usize, input: &Tensor) -> Vec<f32> {
        let mut made: Option<Vec<f32>> = None;
        for operand in operands {
            let next = match operand {
                Operand::Value(place) => floats(source(values, *place, input)),
                Operand::Constant(values) => values.iter().map(|value| *value as f32).collect(),
            };
            made = Some(match made {
                None => next,
                Some(first) => paired(&first, &next, width, |left, right| match self {
                    Self::Add => left + right,
                    Self::Sub => left - right,
                    Self::Mul => left * right,
                    Self::Div => left / right,
                }),
            });
        }
        made.unwrap_or_default()
    }

    fn run_doubles(self, values: &[Data], operands: &[Operand], width: usize, input: &Tensor) -> Vec<f64> {
        let mut made: Option<Vec<f64>> = None;
        for operand in operands {
            let next = match operand {
                Operand::Value(place) => doubles(source(values, *place, input)),
                Operand::Constant(values) => values.clone(),
            };
            made = Some(match made {
                None => next,
                Some(first) => paired(&first, &next, width, |left, right| match self {
                    Self::Add => left + right,
                    Self::Sub => left - right,
                    Self::Mul => left * right,
                    Self::Div => left / right,
                }),
            });
        }
        made.unwrap_or_default()
    }
}

/// Element by element; a list of one value, or of one for each column, is repeated.
fn paired<T: Copy>(left: &[T], right: &[T], width: usize, join: impl Fn(T, T) -> T) -> Vec<T> {
    let length = left.len().max(right.len());
    let at = |list: &[T], index: usize| match list.len() {
        1 => list[0],
        whole if whole == length => list[index],
        _ => list[index % width],
    };
    (0..length).map(|index| join(at(left, index), at(right, index))).collect()
}

impl Function {
    fn run(self, data: &mut Data) {
        match (self, data) {
            (Self::Exp, Data::F32(values)) => values.iter_mut().for_each(|value| *value = value.exp()),
            (Self::Exp, Data::F64(values)) => values.iter_mut().for_each(|value| *value = value.exp()),
            (Self::Sigmoid, Data::F32(values)) => {
                values.iter_mut().for_each(|value| *value = logistic(*value))
            }
            (Self::Sigmoid, Data::F64(values)) => {
                values.iter_mut().for_each(|value| *value = 1.0 / (1.0 + (-*value).exp()));
            }
            (_, Data::I64(_) | Data::None) => {}
        }
    }
}

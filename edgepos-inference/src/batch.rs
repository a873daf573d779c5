//! Several requests in one run, and fewer at a time when memory is short.

use crate::backend::{RunError, Session};
use crate::stop::Stop;
use crate::tensor::Tensor;

/// Runs `rows` (each one entry of a batch, without the batch axis) through `session` and gives back, for each row,
/// its slice of each output. A model with a fixed batch of one gets them one by one; out of memory halves the batch.
pub(crate) fn run_rows(
    session: &mut dyn Session,
    input: &str,
    shape: &[usize],
    rows: &[&[f32]],
    outputs: &[&str],
    stop: &Stop,
) -> Vec<Result<Vec<Vec<f32>>, RunError>> {
    let limits = [fixed_batch(session, input), session.max_rows()];
    let largest = limits.into_iter().flatten().fold(rows.len(), usize::min).max(1);
    let mut answers = Vec::with_capacity(rows.len());
    for part in rows.chunks(largest) {
        answers.extend(run_part(session, input, shape, part, outputs, stop));
    }
    answers
}

fn fixed_batch(session: &dyn Session, input: &str) -> Option<usize> {
    let port = session.inputs().iter().find(|port| port.name == input)?;
    *port.shape.as_ref()?.first()?
}

fn run_part(
    session: &mut dyn Session,
    input: &str,
    shape: &[usize],
    rows: &[&[f32]],
    outputs: &[&str],
    stop: &Stop,
) -> Vec<Result<Vec<Vec<f32>>, RunError>> {
    if rows.is_empty() {
        return Vec::new();
    }
    match run_together(session, input, shape, rows, outputs, stop) {
        Ok(answers) => answers.into_iter().map(Ok).collect(),
        Err(RunError::OutOfMemory) if rows.len() > 1 => {
            let (first, second) = rows.split_at(rows.len() / 2);
            let mut answers = run_part(session, input, shape, first, outputs, stop);
            answers.extend(run_part(session, input, shape, second, outputs, stop));
            answers
        }
        Err(error) => rows.iter().map(|_| Err(error.clone())).collect(),
    }
}

fn run_together(
    session: &mut dyn Session,
    input: &str,
    shape: &[usize],
    rows: &[&[f32]],
    outputs: &[&str],
    stop: &Stop,
) -> Result<Vec<Vec<Vec<f32>>>, RunError> {
    let mut batch_shape = Vec::with_capacity(shape.len() + 1);
    batch_shape.push(rows.len());
    batch_shape.extend_from_slice(shape);
    let mismatch = || RunError::Input { port: input.to_owned() };
    let mut values: Vec<f32> = Vec::new();
    // A till whose memory is full must not abort here.
    let length = rows.iter().map(|row| row.len()).sum();
    values.try_reserve_exact(length).map_err(|_| RunError::OutOfMemory)?;
    rows.iter().for_each(|row| values.extend_from_slice(row));
    let tensor = Tensor::f32(batch_shape, values).map_err(|_| mismatch())?;
    let found = session.run(&[(input, &tensor)], outputs, stop)?;
    let row = |index: usize| -> Option<Vec<Vec<f32>>> {
        found
            .iter()
            .map(|output| {
                let whole = output.shape().first() == Some(&rows.len());
                output.row(index).filter(|_| whole).map(<[f32]>::to_vec)
            })
            .collect()
    };
    (0..rows.len()).map(|index| row(index).ok_or_else(mismatch)).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::backend::Port;
    use crate::tensor::Element;

    /// Doubles its input; refuses more than `room` rows for want of memory.
    struct Tight {
        ports: Vec<Port>,
        room: usize,
        runs: Vec<usize>,
    }

    impl Tight {
        fn new(batch: Option<usize>, room: usize) -> Self {
            let port = Port { name: "x".into(), shape: Some(vec![batch, Some(2)]), element: Element::F32 };
            Self { ports: vec![port], room, runs: Vec::new() }
        }
    }

    impl Session for Tight {
        fn inputs(&self) -> &[Port] {
            &self.ports
        }
        fn outputs(&self) -> &[Port] {
            &self.ports
        }
        fn run(&mut self, inputs: &[(&str, &Tensor)], _: &[&str], _: &Stop) -> Result<Vec<Tensor>, RunError> {
            let tensor = inputs[0].1;
            self.runs.push(tensor.shape()[0]);
            if tensor.shape()[0] > self.room {
                return Err(RunError::OutOfMemory);
            }
            let doubled = tensor.as_f32().unwrap().iter().map(|value| value * 2.0).collect();
            Ok(vec![Tensor::f32(tensor.shape(), doubled).unwrap()])
        }
    }

    fn run(session: &mut Tight, rows: usize) -> Vec<Result<Vec<Vec<f32>>, RunError>> {
        let rows: Vec<[f32; 2]> = (0..rows).map(|row| [row as f32, 1.0]).collect();
        let rows: Vec<&[f32]> = rows.iter().map(|row| &row[..]).collect();
        run_rows(session, "x", &[2], &rows, &["x"], &Stop::within(Duration::from_secs(60)))
    }

    #[test]
    fn out_of_memory_halves_the_batch_until_it_fits() {
        let mut session = Tight::new(None, 1);
        let answers = run(&mut session, 4);
        assert_eq!(session.runs, [4, 2, 1, 1, 2, 1, 1]);
        assert_eq!(answers[3], Ok(vec![vec![6.0, 2.0]]));
    }

    #[test]
    fn one_request_that_does_not_fit_is_told_so() {
        let mut session = Tight::new(None, 0);
        assert_eq!(run(&mut session, 2), [Err(RunError::OutOfMemory), Err(RunError::OutOfMemory)]);
    }

    #[test]
    fn a_model_with_a_batch_of_one_is_fed_one_by_one() {
        let mut session = Tight::new(Some(1), 9);
        assert_eq!(run(&mut session, 3).len(), 3);
        assert_eq!(session.runs, [1, 1, 1]);
    }
}

//! The one value that goes into and comes out of every engine.

use thiserror::Error;

/// A dense, row-major array with its shape.
///
/// The number of values always equals the product of the shape: there is no way to build one where it does not.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    values: Values,
}

/// The elements of a [`Tensor`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Values {
    /// 32-bit floats: what networks take and give.
    F32(Vec<f32>),
    /// 64-bit integers: class labels of tree ensembles.
    I64(Vec<i64>),
}

/// The element type of a [`Tensor`] or of a model's port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Element {
    /// A float of 32 bits.
    F32,
    /// A signed integer of 64 bits.
    I64,
    /// A type that this crate does not pass across; a model may have such a port as long as nobody feeds or asks it.
    Other,
}

/// The number of values does not match the shape.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("shape {shape:?} does not hold {values} values")]
pub struct ShapeError {
    /// The shape asked for.
    pub shape: Vec<usize>,
    /// The number of values given.
    pub values: usize,
}

impl Tensor {
    /// A tensor of 32-bit floats.
    ///
    /// # Errors
    /// [`ShapeError`] when `values` is not exactly as long as `shape` says, or the shape's product overflows.
    pub fn f32(shape: impl Into<Vec<usize>>, values: Vec<f32>) -> Result<Self, ShapeError> {
        Self::build(shape.into(), values.len(), Values::F32(values))
    }

    /// A tensor of 64-bit integers.
    ///
    /// # Errors
    /// As [`Tensor::f32`].
    pub fn i64(shape: impl Into<Vec<usize>>, values: Vec<i64>) -> Result<Self, ShapeError> {
        Self::build(shape.into(), values.len(), Values::I64(values))
    }

    fn build(shape: Vec<usize>, len: usize, values: Values) -> Result<Self, ShapeError> {
        let product = shape.iter().try_fold(1_usize, |product, &side| product.checked_mul(side));
        if product == Some(len) { Ok(Self { shape, values }) } else { Err(ShapeError { shape, values: len }) }
    }

    /// The length of each axis, outermost first. Empty for a scalar.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements, row-major.
    #[must_use]
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// The elements as floats; `None` for another element type.
    #[must_use]
    pub fn as_f32(&self) -> Option<&[f32]> {
        match &self.values {
            Values::F32(values) => Some(values),
            Values::I64(_) => None,
        }
    }

    /// The elements as integers; `None` for another element type.
    #[must_use]
    pub fn as_i64(&self) -> Option<&[i64]> {
        match &self.values {
            Values::I64(values) => Some(values),
            Values::F32(_) => None,
        }
    }

    /// The element type.
    #[must_use]
    pub fn element(&self) -> Element {
        match self.values {
            Values::F32(_) => Element::F32,
            Values::I64(_) => Element::I64,
        }
    }

    /// The floats of entry `index` along the first axis: one answer out of a batch. `None` when out of range, for a
    /// scalar, or for another element type.
    #[must_use]
    pub fn row(&self, index: usize) -> Option<&[f32]> {
        let rows = *self.shape.first()?;
        let values = self.as_f32()?;
        if index >= rows {
            return None;
        }
        let width = values.len() / rows;
        values.get(index * width..(index + 1) * width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_that_does_not_hold_the_values_is_refused() {
        assert!(Tensor::f32([2, 3], vec![0.0; 6]).is_ok());
        assert_eq!(Tensor::f32([2, 3], vec![0.0; 5]), Err(ShapeError { shape: vec![2, 3], values: 5 }));
        assert!(Tensor::f32([usize::MAX, 2], vec![]).is_err());
        assert!(Tensor::i64([], vec![7]).is_ok());
    }

    #[test]
    fn rows_cut_along_the_first_axis() {
        let tensor = Tensor::f32([2, 2], vec![1.0, 2.0, 3.0, 4.0]).unwrap();
        assert_eq!(tensor.row(1), Some(&[3.0, 4.0][..]));
        assert_eq!(tensor.row(2), None);
        assert_eq!(Tensor::f32([0, 4], vec![]).unwrap().row(0), None);
    }
}

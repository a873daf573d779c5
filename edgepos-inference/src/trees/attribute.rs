//! Attributes and constants of an ONNX file (`AttributeProto`, `TensorProto`), as far as trees need them.

use super::error::{EnsembleError, MAX_NODES};
use crate::wire::{Fields, Value};

/// Most values of a constant in the graph.
const MAX_CONSTANT: usize = 65_536;

/// Most entries of all lists of one operator: an ensemble has a dozen lists.
const MAX_ENTRIES: usize = 32 * MAX_NODES;

/// What an attribute counts for, beside the entries of its list: 128 of them are too many.
const ATTRIBUTE: usize = MAX_NODES / 4;

/// The attributes of one operator.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    list: Vec<Attribute>,
    entries: usize,
}

#[derive(Debug, Default)]
struct Attribute {
    name: String,
    ints: Vec<i64>,
    floats: Vec<f32>,
    texts: Vec<Vec<u8>>,
    text: Vec<u8>,
    int: i64,
    tensor: Option<Constant>,
}

/// A tensor in the file. Integers and floats of any width are widened, exactly but for integers beyond 2⁵³.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Constant {
    pub(super) name: String,
    pub(super) values: Vec<f64>,
}

impl Attributes {
    /// Reads one attribute more.
    ///
    /// # Errors
    /// Damage, or more entries than any model has: they are counted before they are kept.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(), EnsembleError> {
        let mut attribute = Attribute::default();
        self.entries += ATTRIBUTE;
        for field in Fields::of(bytes) {
            let (number, value) = field?;
            self.entries += entries(number, value);
            if self.entries > MAX_ENTRIES {
                return Err(EnsembleError::TooLarge);
            }
            match (number, value) {
                (1, value) => attribute.name = text(value)?,
                (3, value) => attribute.int = value.int()?,
                (4, value) => attribute.text = value.bytes()?.to_vec(),
                (5, value) => attribute.tensor = Some(Constant::read(value.bytes()?, MAX_NODES)?),
                (7, value) => value.floats(&mut attribute.floats)?,
                (8, value) => value.ints(&mut attribute.ints)?,
                (9, value) => attribute.texts.push(value.bytes()?.to_vec()),
                _ => {}
            }
        }
        self.list.push(attribute);
        Ok(())
    }

    fn find(&self, name: &str) -> Option<&Attribute> {
        self.list.iter().find(|attribute| attribute.name == name)
    }

    /// An attribute that is none of `known`: it may change what the operator does.
    pub(super) fn unknown(&self, known: &[&str]) -> Option<&str> {
        self.list.iter().map(|attribute| attribute.name.as_str()).find(|name| !known.contains(name))
    }

    pub(super) fn ints(&self, name: &str) -> &[i64] {
        self.find(name).map_or(&[], |attribute| &attribute.ints)
    }

    pub(super) fn int(&self, name: &str) -> Option<i64> {
        self.find(name).map(|attribute| attribute.int)
    }

    pub(super) fn text(&self, name: &str) -> Option<&[u8]> {
        self.find(name).map(|attribute| attribute.text.as_slice())
    }

    pub(super) fn texts(&self, name: &str) -> &[Vec<u8>] {
        self.find(name).map_or(&[], |attribute| &attribute.texts)
    }

    /// Floats, from a list or from the tensor of the same name with `_as_tensor` behind it, which may be of doubles.
    pub(super) fn floats(&self, name: &str) -> Vec<f64> {
        if let Some(Attribute { tensor: Some(tensor), .. }) = self.find(&format!("{name}_as_tensor")) {
            return tensor.values.clone();
        }
        self.find(name)
            .map_or_else(Vec::new, |attribute| attribute.floats.iter().copied().map(f64::from).collect())
    }

    /// The values of a tensor; none where it is absent.
    pub(super) fn tensor(&self, name: &str) -> &[f64] {
        match self.find(name) {
            Some(Attribute { tensor: Some(tensor), .. }) => &tensor.values,
            _ => &[],
        }
    }
}

impl Constant {
    /// A constant of the graph.
    pub(super) fn of_graph(bytes: &[u8]) -> Result<Self, EnsembleError> {
        Self::read(bytes, MAX_CONSTANT)
    }

    fn read(bytes: &[u8], limit: usize) -> Result<Self, EnsembleError> {
        let mut constant = Self::default();
        let (mut kind, mut raw) = (0, &[][..]);
        let mut ints = Vec::new();
        let mut floats = Vec::new();
        let mut count = 0;
        for field in Fields::of(bytes) {
            let (number, value) = field?;
            count += match number {
                4 => entries(7, value),
                5 | 7 => entries(8, value),
                9 | 10 => entries(number, value),
                _ => 0,
            };
            if count > limit * 8 {
                return Err(EnsembleError::Constant(constant.name));
            }
            match (number, value) {
                (2, value) => kind = value.int()?,
                (4, value) => value.floats(&mut floats)?,
                // 32-bit integers, which stand for bytes too, and 64-bit ones: a file has one of the lists.
                (5 | 7, value) => value.ints(&mut ints)?,
                (8, value) => constant.name = text(value)?,
                (9, value) => raw = value.bytes()?,
                (10, Value::Fixed64(bytes)) => constant.values.push(f64::from_le_bytes(bytes)),
                (10, Value::Bytes(packed)) => constant.values.extend(doubles(packed)),
                _ => {}
            }
        }
        constant.values.extend(floats.into_iter().map(f64::from));
        constant.values.extend(ints.into_iter().map(|int| int as f64));
        match kind {
            _ if raw.is_empty() => {}
            1 => {
                constant
                    .values
                    .extend(raw.as_chunks().0.iter().map(|value| f64::from(f32::from_le_bytes(*value))));
            }
            2 if raw.len() <= limit => constant.values.extend(raw.iter().copied().map(f64::from)),
            6 => {
                constant
                    .values
                    .extend(raw.as_chunks().0.iter().map(|value| f64::from(i32::from_le_bytes(*value))));
            }
            7 => constant
                .values
                .extend(raw.as_chunks().0.iter().map(|value| i64::from_le_bytes(*value) as f64)),
            11 => constant.values.extend(doubles(raw)),
            _ => return Err(EnsembleError::Constant(constant.name)),
        }
        if constant.values.len() > limit {
            return Err(EnsembleError::Constant(constant.name));
        }
        Ok(constant)
    }
}

/// How many list entries a field of an attribute has, without making them: floats (7), integers (8), texts (9), doubles (10);
/// of raw bytes, which are 9 in a tensor, each counts.
fn entries(number: u32, value: Value<'_>) -> usize {
    match (number, value) {
        (7, Value::Bytes(packed)) => packed.len() / 4,
        (8, Value::Bytes(packed)) => packed.iter().filter(|byte| **byte < 0x80).count(),
        (9, Value::Bytes(raw)) => raw.len().max(1),
        (10, Value::Bytes(packed)) => packed.len() / 8,
        (7..=10, _) => 1,
        _ => 0,
    }
}

fn doubles(packed: &[u8]) -> impl Iterator<Item = f64> + '_ {
    packed.as_chunks().0.iter().map(|value| f64::from_le_bytes(*value))
}

/// A name or another text.
pub(super) fn text(value: Value<'_>) -> Result<String, EnsembleError> {
    Ok(String::from_utf8_lossy(value.bytes()?).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, content.len() as u8], content].concat()
    }

    fn kind_of(kind: u8) -> Vec<u8> {
        vec![2 << 3, kind]
    }

    #[test]
    fn a_constant_of_every_kind_gives_the_same_values() {
        let kind = kind_of;
        let raw = |kind_of: u8, bytes: &[u8]| [kind(kind_of), field(9, bytes)].concat();
        let spellings = [
            raw(1, &[2.0_f32.to_le_bytes(), 3.0_f32.to_le_bytes()].concat()),
            raw(2, &[2, 3]),
            raw(6, &[2_i32.to_le_bytes(), 3_i32.to_le_bytes()].concat()),
            raw(7, &[2_i64.to_le_bytes(), 3_i64.to_le_bytes()].concat()),
            raw(11, &[2.0_f64.to_le_bytes(), 3.0_f64.to_le_bytes()].concat()),
            [kind(7), field(7, &[2, 3])].concat(),
            [kind(11), field(10, &[2.0_f64.to_le_bytes(), 3.0_f64.to_le_bytes()].concat())].concat(),
        ];
        for bytes in spellings {
            assert_eq!(Constant::of_graph(&bytes).unwrap().values, [2.0, 3.0], "{bytes:?}");
        }
        assert!(Constant::of_graph(&raw(8, b"text")).is_err());
        assert!(Constant::of_graph(&raw(2, &[0; 64])).is_ok());
    }

    #[test]
    fn more_entries_than_any_model_has_are_refused_before_they_are_kept() {
        let mut attributes = Attributes::default();
        let one = field(8, &[0; 100]);
        let taken = (0..1000).take_while(|_| attributes.read(&one).is_ok()).count();
        assert_eq!(taken, 127);
        assert_eq!(attributes.read(&one).unwrap_err(), EnsembleError::TooLarge);
        let zeros = vec![0; MAX_CONSTANT + 1];
        let (first, length) = ([9 << 3 | 2], [0x81, 0x80, 0x04]);
        let raw = [&kind_of(2)[..], &first, &length, &zeros].concat();
        assert!(Constant::of_graph(&raw).is_err());
    }
}

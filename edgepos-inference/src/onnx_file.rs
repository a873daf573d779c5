//! Whether bytes are an ONNX file at all (`onnx.proto3`, IR version 3 and later), before an engine reads them.
//!
//! Parsers trust lengths: with a length that reaches beyond the file one was seen to loop for ever, and others allocate
//! what the length says. So every message of the file is walked once; it costs microseconds per megabyte.

use thiserror::Error;

use crate::wire::{Fields, Value, WireError};

/// Deepest nesting of messages: graphs within attributes within graphs.
const MAX_DEPTH: u32 = 64;

/// The bytes are not a usable ONNX file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum OnnxError {
    #[error("not an ONNX file: {0}")]
    Wire(#[from] WireError),
    #[error("not an ONNX file: it has no version or no graph")]
    NotAModel,
    #[error("the model has no input, no output or no node")]
    Empty,
}

/// The kinds of message that contain others.
#[derive(Clone, Copy)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Function,
    ValueInfo,
    Type,
    TensorType,
    Shape,
    Leaf,
}

impl Message {
    /// What field `number` of this message is, where it is a message.
    fn child(self, number: u32) -> Option<Self> {
        Some(match (self, number) {
            (Self::Model, 7) | (Self::Attribute, 6 | 11) => Self::Graph,
            (Self::Model, 25) => Self::Function,
            (Self::Model, 8 | 14) => Self::Leaf,
            (Self::Graph, 1) | (Self::Function, 7) => Self::Node,
            (Self::Graph, 5) | (Self::Attribute, 5 | 10) => Self::Leaf,
            (Self::Graph, 11..=13) => Self::ValueInfo,
            (Self::Node, 5) => Self::Attribute,
            (Self::ValueInfo, 2) | (Self::Attribute, 14 | 15) => Self::Type,
            (Self::Type, 1) => Self::TensorType,
            (Self::TensorType, 2) => Self::Shape,
            (Self::Shape, 1) => Self::Leaf,
            _ => return None,
        })
    }
}

/// Walks the whole file.
///
/// # Errors
/// [`OnnxError`].
pub(crate) fn check(bytes: &[u8]) -> Result<(), OnnxError> {
    let mut version = false;
    for field in Fields::of(bytes) {
        let (number, value) = field?;
        version |= number == 1 && matches!(value, Value::Varint(1..));
    }
    let graph = graph(bytes)?;
    if !version {
        return Err(OnnxError::NotAModel);
    }
    walk(Message::Model, bytes, MAX_DEPTH)?;
    let mut seen = [false; 3];
    for field in Fields::of(graph) {
        match field?.0 {
            1 => seen[0] = true,
            11 => seen[1] = true,
            12 => seen[2] = true,
            _ => {}
        }
    }
    if seen == [true; 3] { Ok(()) } else { Err(OnnxError::Empty) }
}

/// The bytes of the model's graph.
///
/// # Errors
/// [`OnnxError`].
pub(crate) fn graph(bytes: &[u8]) -> Result<&[u8], OnnxError> {
    for field in Fields::of(bytes) {
        if let (7, value) = field? {
            return Ok(value.bytes()?);
        }
    }
    Err(OnnxError::NotAModel)
}

fn walk(message: Message, bytes: &[u8], depth: u32) -> Result<(), WireError> {
    let depth = depth.checked_sub(1).ok_or(WireError::Depth)?;
    for field in Fields::of(bytes) {
        let (number, value) = field?;
        if let Some(child) = message.child(number) {
            walk(child, value.bytes()?, depth)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        assert!(content.len() < 128);
        let mut bytes = vec![number << 3 | 2, content.len() as u8];
        bytes.extend_from_slice(content);
        bytes
    }

    fn model(graph: &[u8]) -> Vec<u8> {
        [vec![0x08, 8], field(7, graph)].concat()
    }

    #[test]
    fn a_model_needs_a_version_a_graph_and_something_in_it() {
        let whole = [field(1, b""), field(11, b""), field(12, b"")].concat();
        assert_eq!(check(&model(&whole)), Ok(()));
        assert_eq!(check(&field(7, &whole)), Err(OnnxError::NotAModel));
        assert_eq!(check(&[0x08, 8]), Err(OnnxError::NotAModel));
        assert_eq!(check(b""), Err(OnnxError::NotAModel));
        assert_eq!(check(&model(&field(1, b""))), Err(OnnxError::Empty));
    }

    #[test]
    fn a_length_that_lies_deep_inside_is_found() {
        let bad_attribute = field(5, &[0x32, 0x70]);
        let graph = [field(1, &bad_attribute), field(11, b""), field(12, b"")].concat();
        assert_eq!(check(&model(&graph)), Err(OnnxError::Wire(WireError::PastEnd)));
        assert!(check(b"<html>404 not found</html>").is_err());
        assert!(check(&[0xff; 4096]).is_err());
    }

    #[test]
    fn nesting_has_a_limit() {
        let mut graph = vec![];
        while graph.len() < 100 {
            graph = field(1, &field(5, &field(6, &graph)));
        }
        let mut deep = vec![];
        let wrap = |number: u8, content: &[u8]| {
            let mut bytes = vec![number << 3 | 2];
            let mut length = content.len();
            while length >= 0x80 {
                bytes.push(length as u8 | 0x80);
                length >>= 7;
            }
            bytes.push(length as u8);
            bytes.extend_from_slice(content);
            bytes
        };
        for _ in 0..100 {
            deep = wrap(1, &wrap(5, &wrap(6, &deep)));
        }
        assert_eq!(walk(Message::Graph, &graph, MAX_DEPTH), Ok(()));
        assert_eq!(walk(Message::Graph, &deep, MAX_DEPTH), Err(WireError::Depth));
    }
}

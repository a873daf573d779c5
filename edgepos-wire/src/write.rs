//! Writing into a vector, which cannot fail.

use alloc::vec::Vec;
use core::convert::Infallible;

use minicbor::{Encoder, encode};

/// What is written into.
pub type Sink<'a> = Encoder<&'a mut Vec<u8>>;

/// The result of a step; it is never an error.
pub type Written = Result<(), encode::Error<Infallible>>;

/// Collects what `fill` writes.
pub fn write(fill: impl FnOnce(&mut Sink<'_>) -> Written) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    fill(&mut Encoder::new(&mut bytes)).expect("writing to a vector does not fail");
    bytes
}

/// Writes `key: value` for an integer.
///
/// # Errors
/// None: a vector takes every byte.
pub fn put_u64(out: &mut Sink<'_>, key: u8, value: u64) -> Written {
    out.u8(key)?.u64(value)?.ok()
}

/// Writes `key: true` or `key: false`.
///
/// # Errors
/// None: a vector takes every byte.
pub fn put_bool(out: &mut Sink<'_>, key: u8, value: bool) -> Written {
    out.u8(key)?.bool(value)?.ok()
}

/// Writes `key: bytes`.
///
/// # Errors
/// None: a vector takes every byte.
pub fn put_bytes(out: &mut Sink<'_>, key: u8, value: &[u8]) -> Written {
    out.u8(key)?.bytes(value)?.ok()
}

/// Writes `key: [items]` of items that are encoded already.
///
/// # Errors
/// None: a vector takes every byte.
pub fn put_encoded(out: &mut Sink<'_>, key: u8, items: impl ExactSizeIterator<Item = Vec<u8>>) -> Written {
    out.u8(key)?.array(items.len() as u64)?;
    items.for_each(|item| out.writer_mut().extend_from_slice(&item));
    Ok(())
}

//! The shape of every CBOR item this crate writes: a map from small integers to values, so that a later version adds fields and
//! an older one skips them.

use minicbor::decode::Error;
use minicbor::{Decoder, Encoder};

/// Writes one map. The number of fields must be known before.
pub(crate) fn map(fields: u64) -> Encoder<Vec<u8>> {
    let mut encoder = Encoder::new(Vec::with_capacity(64));
    infallible(encoder.map(fields));
    encoder
}

/// A `Vec` takes every byte that fits in memory.
pub(crate) fn infallible<T>(result: Result<T, minicbor::encode::Error<core::convert::Infallible>>) -> T {
    result.expect("writing to a vector does not fail")
}

/// Writes `key: value` for an integer.
pub(crate) fn put_u64(encoder: &mut Encoder<Vec<u8>>, key: u8, value: u64) {
    infallible(encoder.u8(key).and_then(|encoder| encoder.u64(value)));
}

/// Writes `key: bytes`.
pub(crate) fn put_bytes(encoder: &mut Encoder<Vec<u8>>, key: u8, value: &[u8]) {
    infallible(encoder.u8(key).and_then(|encoder| encoder.bytes(value)));
}

/// Reads one map: `visit` gets each key and answers whether it consumed the value; what it does not know is skipped.
pub(crate) fn visit_map<'b>(
    decoder: &mut Decoder<'b>,
    mut visit: impl FnMut(u64, &mut Decoder<'b>) -> Result<bool, Error>,
) -> Result<(), Error> {
    let fields = decoder.map()?.ok_or_else(|| Error::message("indefinite map"))?;
    for _ in 0..fields {
        let key = decoder.u64()?;
        if !visit(key, decoder)? {
            decoder.skip()?;
        }
    }
    Ok(())
}

/// Reads an array of at most `limit` items. The limit is checked before anything is allocated.
pub(crate) fn array<'b, T>(
    decoder: &mut Decoder<'b>,
    limit: usize,
    mut item: impl FnMut(&mut Decoder<'b>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let length = decoder.array()?.ok_or_else(|| Error::message("indefinite array"))?;
    if length > limit as u64 {
        return Err(Error::message("array longer than its limit"));
    }
    let mut items = Vec::new();
    for _ in 0..length {
        items.push(item(decoder)?);
    }
    Ok(items)
}

/// Reads bytes, at most `limit`.
pub(crate) fn bytes(decoder: &mut Decoder<'_>, limit: usize) -> Result<Vec<u8>, Error> {
    let bytes = decoder.bytes()?;
    if bytes.len() > limit {
        return Err(Error::message("bytes longer than their limit"));
    }
    Ok(bytes.to_vec())
}

/// Fails unless everything was read: trailing bytes mean another format.
pub(crate) fn end(decoder: &Decoder<'_>) -> Result<(), Error> {
    if decoder.position() == decoder.input().len() { Ok(()) } else { Err(Error::message("trailing bytes")) }
}

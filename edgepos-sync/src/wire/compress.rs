//! The body of a batch, smaller: which codec, which dictionary, and how a hostile body is kept from growing.

use edgepos_wire::{DecodeError, DecodeFault};
use std::collections::BTreeSet;
use std::io::{Read, Write};

use flate2::read::GzDecoder;
use zstd::bulk::{Compressor, Decompressor};
use zstd::stream::write::Encoder;
use zstd::zstd_safe::{CParameter, DParameter};

use crate::limits::Limits;

/// zstd's default: 690 MB/s and 2 % larger than level 9 on batches of receipts.
pub(crate) const LEVEL: i32 = 3;

/// No frame needs a window above 4 MiB, since no body is larger.
const WINDOW_LOG_MAX: u32 = 22;

/// The dictionaries of this build. A number names the same bytes for ever: what was compressed with them stays in the cloud.
const DICTIONARIES: [(u32, &[u8]); 1] = [(NEWEST, include_bytes!("../../dictionaries/1.zdict"))];

/// The dictionary that a new batch is compressed with, where the receiver has it.
pub(crate) const NEWEST: u32 = 1;

/// The numbers of the dictionaries that can be decompressed with, besides none.
pub(crate) fn dictionaries() -> impl Iterator<Item = u32> {
    DICTIONARIES.iter().map(|(id, _)| *id)
}

/// The newest dictionary that both we and a receiver who has `theirs` know; 0 for no dictionary.
pub(crate) fn newest(theirs: &BTreeSet<u32>) -> u32 {
    dictionaries().filter(|id| theirs.contains(id)).max().unwrap_or(0)
}

/// The bytes of a dictionary; none for 0.
pub(crate) fn dictionary(id: u64) -> Option<&'static [u8]> {
    if id == 0 {
        return Some(&[]);
    }
    DICTIONARIES.iter().find(|(known, _)| u64::from(*known) == id).map(|(_, bytes)| *bytes)
}

/// How a body is compressed. The numbers are on the wire: they are never changed and never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub(crate) enum Codec {
    /// As it is.
    Raw = 0,
    /// zstd (RFC 8878), with the dictionary that the header names.
    Zstd = 1,
}

/// gzip (RFC 1952). Read, for those who have nothing better; never written.
const GZIP: u64 = 2;

/// A body as it travels.
pub(crate) struct Packed {
    pub(crate) codec: Codec,
    pub(crate) dictionary: u32,
    pub(crate) bytes: Vec<u8>,
}

/// Compresses, unless that helps nothing or helps so much that a careful receiver would take it for a bomb.
pub(crate) fn pack(body: Vec<u8>, id: u32, limits: &Limits) -> Packed {
    pack_cut(body, &[], id, limits)
}

/// As [`pack`], where what is between two cuts has a code of its own: rising offsets in the body.
pub(crate) fn pack_cut(body: Vec<u8>, cuts: &[usize], id: u32, limits: &Limits) -> Packed {
    let (id, words) = dictionary(id.into()).map_or((0, [].as_slice()), |words| (id, words));
    let compressed = if cuts.is_empty() { compress(&body, words) } else { compress_cut(&body, cuts, words) };
    match compressed {
        Some(bytes) if bytes.len() < body.len() && plausible(body.len(), bytes.len(), limits) => {
            Packed { codec: Codec::Zstd, dictionary: id, bytes }
        }
        _ => Packed { codec: Codec::Raw, dictionary: 0, bytes: body },
    }
}

fn compress(body: &[u8], words: &[u8]) -> Option<Vec<u8>> {
    let mut compressor = Compressor::with_dictionary(LEVEL, words).ok()?;
    // The header of the batch says both.
    compressor.set_parameter(CParameter::DictIdFlag(false)).ok()?;
    compressor.set_parameter(CParameter::ContentSizeFlag(false)).ok()?;
    compressor.compress(body).ok()
}

/// One frame, with a block that ends at each cut.
fn compress_cut(body: &[u8], cuts: &[usize], words: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = Encoder::with_dictionary(Vec::new(), LEVEL, words).ok()?;
    encoder.set_parameter(CParameter::DictIdFlag(false)).ok()?;
    encoder.set_parameter(CParameter::ContentSizeFlag(false)).ok()?;
    let mut from = 0;
    for cut in cuts.iter().copied().filter(|cut| *cut < body.len()) {
        encoder.write_all(body.get(from..cut)?).ok()?;
        encoder.flush().ok()?;
        from = cut;
    }
    encoder.write_all(&body[from..]).ok()?;
    encoder.finish().ok()
}

/// Decompresses to exactly `length` bytes, which is checked against the limits before any memory is taken.
pub(crate) fn unpack(
    codec: u64,
    id: u64,
    packed: &[u8],
    length: u64,
    limits: &Limits,
) -> Result<Vec<u8>, DecodeError> {
    if length > u64::from(limits.max_body_bytes) {
        return Err(DecodeError::new(
            "batch body",
            0,
            DecodeFault::TooLarge { limit: limits.max_body_bytes.into() },
        ));
    }
    let length = length as usize;
    let words = dictionary(id).ok_or(DecodeError::new("dictionary", 0, DecodeFault::Unknown { code: id }))?;
    match codec {
        0 if packed.len() == length => Ok(packed.to_vec()),
        0 => Err(DecodeError::new("batch body", 0, DecodeFault::Damaged)),
        1 | GZIP if !plausible(length, packed.len(), limits) => Err(DecodeError::new(
            "compression ratio",
            0,
            DecodeFault::TooLarge { limit: limits.max_ratio.into() },
        )),
        1 => decompress(packed, words, length).ok_or(DecodeError::new("batch body", 0, DecodeFault::Damaged)),
        GZIP => gunzip(packed, length).ok_or(DecodeError::new("batch body", 0, DecodeFault::Damaged)),
        codec => Err(DecodeError::new("codec", 0, DecodeFault::Unknown { code: codec })),
    }
}

/// How many bytes a batch states that its payloads have, where the limits allow it.
pub(crate) fn stated(total: u64, packed: &[u8], limits: &Limits) -> Result<usize, DecodeError> {
    let too_large =
        |place, limit: u32| DecodeError::new(place, 0, DecodeFault::TooLarge { limit: limit.into() });
    let total = usize::try_from(total).unwrap_or(usize::MAX);
    if total > limits.max_body_bytes as usize {
        return Err(too_large("batch in columns", limits.max_body_bytes));
    }
    if !plausible(total, packed.len(), limits) {
        return Err(too_large("compression ratio", limits.max_ratio));
    }
    Ok(total)
}

/// The output buffer is the only memory that grows, and it ends at `length`: a frame that holds more fails while it is decoded.
fn decompress(packed: &[u8], words: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut decompressor = Decompressor::with_dictionary(words).ok()?;
    decompressor.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX)).ok()?;
    let mut body = Vec::with_capacity(length);
    decompressor.decompress_to_buffer(packed, &mut body).ok()?;
    (body.len() == length).then_some(body)
}

/// Reads one byte more than allowed at most, to notice that there is one.
fn gunzip(packed: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut body = Vec::with_capacity(length);
    GzDecoder::new(packed).take(length as u64 + 1).read_to_end(&mut body).ok()?;
    (body.len() == length).then_some(body)
}

/// Whether a careful receiver takes `packed` bytes for `length` of them.
pub(crate) fn plausible(length: usize, packed: usize, limits: &Limits) -> bool {
    length as u64 <= packed as u64 * u64::from(limits.max_ratio)
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const LIMITS: Limits = Limits::DEFAULT;

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(body).expect("to memory");
        gzip.finish().expect("to memory")
    }

    fn round_trip(body: Vec<u8>) -> Codec {
        let packed = pack(body.clone(), NEWEST, &LIMITS);
        let (codec, id) = (packed.codec, packed.dictionary.into());
        let back = unpack(codec as u64, id, &packed.bytes, body.len() as u64, &LIMITS);
        assert_eq!(back, Ok(body));
        codec
    }

    #[test]
    fn the_codec_follows_the_content() {
        assert_eq!(round_trip(b"two coffees, one croissant; ".repeat(20)), Codec::Zstd);
        assert_eq!(round_trip(b"tea".to_vec()), Codec::Raw);
        assert_eq!(round_trip(Vec::new()), Codec::Raw);
        assert_eq!(round_trip(vec![0; 1 << 20]), Codec::Raw, "a legitimate bomb travels uncompressed");
    }

    #[test]
    fn a_bomb_is_refused_before_memory_is_taken() {
        let bomb = compress(&vec![0; 4 << 20], &[]).expect("compresses");
        assert!(bomb.len() < 1024, "{}", bomb.len());
        let ratio = DecodeError::new("compression ratio", 0, DecodeFault::TooLarge { limit: 256 });
        assert_eq!(unpack(1, 0, &bomb, 4 << 20, &LIMITS), Err(ratio.clone()));
        assert_eq!(unpack(GZIP, 0, &gzip(&vec![0; 4 << 20]), 4 << 20, &LIMITS), Err(ratio));
        let size = DecodeError::new("batch body", 0, DecodeFault::TooLarge { limit: 4 << 20 });
        assert_eq!(unpack(1, 0, &bomb, (4 << 20) + 1, &LIMITS), Err(size));
    }

    #[test]
    fn a_length_that_lies_is_refused_while_decoding() {
        let body = b"receipt ".repeat(100);
        for (codec, honest) in [(1, compress(&body, &[]).expect("compresses")), (GZIP, gzip(&body))] {
            assert_eq!(unpack(codec, 0, &honest, 800, &LIMITS), Ok(body.clone()));
            assert_eq!(
                unpack(codec, 0, &honest, 799, &LIMITS),
                Err(DecodeError::new("batch body", 0, DecodeFault::Damaged))
            );
            assert_eq!(
                unpack(codec, 0, &honest, 801, &LIMITS),
                Err(DecodeError::new("batch body", 0, DecodeFault::Damaged))
            );
            assert_eq!(
                unpack(codec, 0, &honest[..10], 800, &LIMITS),
                Err(DecodeError::new("batch body", 0, DecodeFault::Damaged))
            );
        }
    }

    #[test]
    fn what_this_build_does_not_have_is_named() {
        let unknown = unpack(1, 99, b"x", 1, &LIMITS);
        assert_eq!(unknown, Err(DecodeError::new("dictionary", 0, DecodeFault::Unknown { code: 99 })));
        assert_eq!(
            unpack(9, 0, b"x", 1, &LIMITS),
            Err(DecodeError::new("codec", 0, DecodeFault::Unknown { code: 9 }))
        );
        let packed = pack(b"two coffees ".repeat(20), 99, &LIMITS);
        assert_eq!((packed.codec, packed.dictionary), (Codec::Zstd, 0));
        assert_eq!(newest(&[1, 7].into_iter().collect()), 1);
        assert_eq!(newest(&[7].into_iter().collect()), 0);
    }
}

//! One event's payload, smaller, for a disk that keeps events one by one.

use core::fmt;

use edgepos_wire::{DecodeError, DecodeFault};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{CParameter, get_frame_content_size};

use crate::limits::Limits;
use crate::wire::compress;

/// Packing saves at least one byte in so many, or the payload stays as it is.
const LEAST_SAVING: usize = 8;
/// A longer payload stays as it is, and no frame unpacks to more.
const MAX_BYTES: usize = Limits::DEFAULT.max_event_bytes as usize;

/// Packs payloads for a disk, each as a frame of zstd (RFC 8878) with a shipped dictionary, and unpacks them.
///
/// A frame states the size of its content and names no dictionary: whoever keeps it keeps the number beside it. The dictionaries are
/// in `edgepos-sync/dictionaries`; a number names the same bytes for ever, so `zstd -d -D 1.zdict` reads a frame as well.
///
/// ```
/// use edgepos_sync::AtRest;
///
/// let mut shelf = AtRest::default();
/// let payload = b"two coffees, two croissants; ".repeat(8);
/// let (dictionary, frame) = shelf.pack(&payload).expect("it repeats itself");
/// assert!(frame.len() < payload.len() / 2);
/// assert_eq!(shelf.unpack(dictionary, &frame)?, payload);
/// # Ok::<(), edgepos_sync::DecodeError>(())
/// ```
#[derive(Default)]
pub struct AtRest {
    // Both are made when they are first needed: their memory is a few hundred kilobytes.
    compressor: Option<Compressor<'static>>,
    decompressor: Option<(u32, Decompressor<'static>)>,
}

impl fmt::Debug for AtRest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtRest").finish_non_exhaustive()
    }
}

impl AtRest {
    /// The payload as a frame, and the number of the dictionary that it was packed with, which is never 0. `None` where that saves less
    /// than an eighth, where the payload is longer than an event may be, and where there is no memory for it.
    pub fn pack(&mut self, payload: &[u8]) -> Option<(u32, Vec<u8>)> {
        if payload.len() > MAX_BYTES {
            return None;
        }
        if self.compressor.is_none() {
            let words = compress::dictionary(compress::NEWEST.into())?;
            let mut compressor = Compressor::with_dictionary(compress::LEVEL, words).ok()?;
            compressor.set_parameter(CParameter::DictIdFlag(false)).ok()?;
            self.compressor = Some(compressor);
        }
        let frame = self.compressor.as_mut()?.compress(payload).ok()?;
        (frame.len() + payload.len() / LEAST_SAVING < payload.len()).then_some((compress::NEWEST, frame))
    }

    /// The payload of a frame that was packed with the dictionary of this number.
    ///
    /// # Errors
    /// [`DecodeFault::Unknown`] for a dictionary that this version does not have, [`DecodeFault::TooLarge`] for a frame that states more
    /// than an event may have, before any memory is taken for it, and [`DecodeFault::Damaged`].
    pub fn unpack(&mut self, dictionary: u32, frame: &[u8]) -> Result<Vec<u8>, DecodeError> {
        let fault = |fault| DecodeError::new("packed event", 0, fault);
        let damaged = || fault(DecodeFault::Damaged);
        let stated = get_frame_content_size(frame).ok().flatten().ok_or_else(damaged)?;
        let length = usize::try_from(stated).unwrap_or(usize::MAX);
        if length > MAX_BYTES {
            return Err(fault(DecodeFault::TooLarge { limit: MAX_BYTES as u64 }));
        }
        let ready = self.decompressor.take().filter(|(known, _)| *known == dictionary);
        let mut decompressor = match ready {
            Some((_, decompressor)) => decompressor,
            None => {
                let words = compress::dictionary(dictionary.into()).filter(|_| dictionary != 0);
                let words = words.ok_or_else(|| fault(DecodeFault::Unknown { code: dictionary.into() }))?;
                Decompressor::with_dictionary(words).map_err(|_| damaged())?
            }
        };
        let mut payload = Vec::with_capacity(length);
        let unpacked = decompressor.decompress_to_buffer(frame, &mut payload);
        self.decompressor = Some((dictionary, decompressor));
        unpacked.ok().filter(|read| *read == length).ok_or_else(damaged)?;
        Ok(payload)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn receipt(lines: usize) -> Vec<u8> {
        (0..lines).flat_map(|line| format!("line {line}: two coffees at 129, ").into_bytes()).collect()
    }

    #[test]
    fn what_is_damaged_cut_or_of_another_dictionary_is_an_error() {
        let mut shelf = AtRest::default();
        let payload = receipt(30);
        let (dictionary, frame) = shelf.pack(&payload).expect("smaller");
        for end in 0..frame.len() {
            assert!(shelf.unpack(dictionary, &frame[..end]).is_err(), "cut at {end}");
        }
        for unknown in [0, 77] {
            let error = shelf.unpack(unknown, &frame).expect_err("unknown");
            assert_eq!(error.fault, DecodeFault::Unknown { code: unknown.into() });
        }
        assert_eq!(shelf.unpack(dictionary, &[frame.as_slice(), &[0]].concat()).ok(), None, "a byte behind");
        assert_eq!(shelf.unpack(dictionary, &frame), Ok(payload), "errors leave nothing behind");
    }

    #[test]
    fn what_does_not_get_smaller_or_is_too_long_stays_as_it_is() {
        let mut shelf = AtRest::default();
        assert_eq!(shelf.pack(b""), None);
        assert_eq!(shelf.pack(b"tea"), None);
        assert_eq!(shelf.pack(&vec![0; MAX_BYTES + 1]), None);
        assert!(shelf.pack(&vec![0; MAX_BYTES]).is_some());
    }

    #[test]
    fn a_frame_that_states_too_much_takes_no_memory() {
        let bomb = zstd::bulk::compress(&vec![0; MAX_BYTES + 1], 3).expect("to memory");
        let error = AtRest::default().unpack(1, &bomb).expect_err("too large");
        assert_eq!(error.fault, DecodeFault::TooLarge { limit: MAX_BYTES as u64 });
    }

    proptest! {
        #[test]
        fn what_is_packed_unpacks_to_the_byte(
            piece in proptest::collection::vec(any::<u8>(), 0..60), times in 1usize..40, flips in any::<[u16; 3]>(),
        ) {
            let mut shelf = AtRest::default();
            let payload = piece.repeat(times);
            if let Some((dictionary, mut frame)) = shelf.pack(&payload) {
                prop_assert_eq!(shelf.unpack(dictionary, &frame), Ok(payload));
                for flip in flips {
                    let at = usize::from(flip) % frame.len();
                    frame[at] ^= 1 << (flip % 8);
                }
                // Whatever comes of it: no panic, and no more than an event may have.
                if let Ok(read) = shelf.unpack(dictionary, &frame) {
                    prop_assert!(read.len() <= MAX_BYTES);
                }
            }
        }
    }
}

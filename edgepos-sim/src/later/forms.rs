//! Bytes that no terminal of this version writes and a later one may: more fields, unknown kinds, other forms of what is known.

use edgepos::crdt::Hlc;
use edgepos_core::WallMs;
use minicbor::{Decoder, Encode, Encoder};

/// A key that no format of this version uses.
const UNKNOWN_KEY: u8 = 200;

/// The most fields that a CBOR map holds whose length is part of its first byte.
const SHORT_MAP: u8 = 0xB7;

/// That key, and a text.
const FIELD: [u8; 8] = [0x18, UNKNOWN_KEY, 0x65, b'l', b'a', b't', b'e', b'r'];

/// A CBOR map with one more field at its end; `None` where the bytes are no short map, or have it already.
pub(super) fn with_field(map: &[u8]) -> Option<Vec<u8>> {
    let first = map.first().filter(|first| (0xA0..SHORT_MAP).contains(*first))?;
    let mut decoder = Decoder::new(map);
    let mut keys = 0..decoder.map().ok()??;
    let lower = keys.all(|_| {
        let key = decoder.u8();
        decoder.skip().is_ok() && key.is_ok_and(|key| key < UNKNOWN_KEY)
    });
    lower.then(|| [&[first + 1], &map[1..], &FIELD].concat())
}

/// The same, for bytes that are known to be a short map.
///
/// # Panics
/// When they cannot be read as such.
pub(super) fn extended(value: &impl Encode<()>) -> Vec<u8> {
    with_field(&encoded(value)).expect("a structure of few fields is a short map")
}

/// A value as it is written.
///
/// # Panics
/// Never: a vector takes every byte.
pub(super) fn encoded(value: &impl Encode<()>) -> Vec<u8> {
    minicbor::to_vec(value).expect("a vector takes every byte")
}

/// What an author puts on its event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    pub(super) wall: WallMs,
    pub(super) hlc: Hlc,
    pub(super) terminal: u16,
}

/// The payload of an event: what this version knows of the envelope, with effects that are encoded already, and one field more.
///
/// # Panics
/// Never: a vector takes every byte.
pub(super) fn payload(stamp: Stamp, kind: u32, effects: &[Vec<u8>], body: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    let written = (|| {
        encoder.map(7)?.u8(0)?.u32(kind)?.u8(1)?.u16(2)?.u8(2)?.u64(stamp.wall.0)?;
        encoder.u8(5)?.u64(stamp.hlc.0)?.u8(8)?.u16(stamp.terminal)?;
        encoder.u8(13)?.array(effects.len() as u64)?;
        for effect in effects {
            encoder.writer_mut().extend_from_slice(effect);
        }
        encoder.u8(14)?.bytes(body)?.ok()
    })();
    written.expect("a vector takes every byte");
    with_field(&encoder.into_writer()).expect("seven fields are a short map")
}

#[cfg(test)]
mod tests {
    use edgepos::model::{CounterRow, Currency, Effect, Envelope, Kind, PriceSet};

    use super::*;

    const STAMP: Stamp = Stamp { wall: WallMs(1_000), hlc: Hlc(7), terminal: 3 };

    #[test]
    fn this_version_reads_what_it_knows_of_an_extended_event() {
        let effect = Effect::new(CounterRow::stock("milk", 0), -2, Some(0));
        let bytes = payload(STAMP, 700, &[extended(&effect)], b"?");
        let envelope = Envelope::decode(&bytes).unwrap();
        assert_eq!((envelope.kind, envelope.workstation), (Kind(700), 3));
        assert_eq!(envelope.effects, [effect]);
        assert!(Envelope::decode(&payload(STAMP, 70_000, &[], b"")).is_err(), "a kind of more than 16 bits");
    }

    #[test]
    fn a_map_is_extended_and_nothing_else() {
        let price = PriceSet {
            product: "milk".into(),
            list: 0,
            amount: 129,
            currency: Currency::EUR,
            tax_included: true,
            valid_from: None,
            valid_to: None,
            version: None,
        };
        assert_eq!(minicbor::decode::<PriceSet>(&extended(&price)).unwrap(), price);
        assert_eq!(with_field(&[0x80]), None);
        assert_eq!(with_field(&[0xB7]), None, "its length would need another byte");
        assert_eq!(with_field(&[]), None);
        assert_eq!(with_field(&extended(&price)), None, "no key stands twice in a map");
    }
}

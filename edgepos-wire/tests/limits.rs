//! What is longer than its limit is refused, and nothing is allocated for what a head claims.

use edgepos_wire::{DecodeError, DecodeFault, Reader};

fn read<'b, T>(
    bytes: &'b [u8],
    read: impl FnOnce(&mut Reader<'b>) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    Reader::all("message", bytes, 200, read)
}

#[test]
fn the_whole_is_limited() {
    let error = read(&[0; 201], |_| Ok(())).unwrap_err();
    assert_eq!(error.to_string(), "message does not decode at byte 0: over its limit of 200");
}

#[test]
fn each_part_is_limited() {
    let too_large = |what, limit| Some(DecodeError::new(what, 0, DecodeFault::TooLarge { limit }));
    assert_eq!(read(&[0x43, 1, 2, 3], |r| r.bytes("name", 2)).err(), too_large("name", 2));
    assert_eq!(read(&[0x83, 1, 2, 3], |r| r.items("lanes", 2, Reader::u64)).err(), too_large("lanes", 2));
    let many: Vec<u8> = [0xb8, 65].into_iter().chain((0..65).flat_map(|key| [0x18, 24 + key, 0])).collect();
    assert_eq!(read(&many, |r| r.fields(|_, _| Ok(false))).err(), too_large("map", 64));
}

#[test]
fn a_length_that_lies_costs_nothing() {
    let claims = [0x9b, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff];
    let error = read(&claims, |r| r.items("lanes", u32::MAX, Reader::u64)).unwrap_err();
    assert_eq!((error.at, error.fault), (9, DecodeFault::Expected("an unsigned integer")));
    let claims = [0x5b, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff];
    assert!(read(&claims, |r| r.bytes("name", u32::MAX).map(<[u8]>::len)).is_err());
}

#[test]
fn keys_rise_or_come_as_they_like() {
    let order = Err(DecodeError::new("order of keys", 4, DecodeFault::Impossible));
    for bytes in [[0xa2, 2, 0, 1, 0], [0xa2, 1, 0, 1, 0]] {
        assert_eq!(read(&bytes, |r| r.fields(|_, _| Ok(false))), order);
        assert_eq!(read(&bytes, |r| r.fields_in_any_order(|_, _| Ok(false))), Ok(()));
    }
}

#[test]
fn unknown_keys_are_skipped_whole() {
    let bytes = [0xa2, 1, 0x82, 0xa1, 0x01, 0x02, 0x61, b'a', 7, 9];
    let mut seven = None;
    let known = read(&bytes, |r| {
        r.fields(|r, key| {
            if key != 7 {
                return Ok(false);
            }
            seven = Some(r.u64()?);
            Ok(true)
        })
    });
    assert_eq!((known, seven), (Ok(()), Some(9)));
}

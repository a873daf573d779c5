//! An error names what was read, the byte, and what was expected there.

use edgepos_wire::{DecodeError, DecodeFault, Reader, from_cbor, put_u64, write};

fn failed<'b, T: std::fmt::Debug>(
    bytes: &'b [u8],
    read: impl FnOnce(&mut Reader<'b>) -> Result<T, DecodeError>,
) -> DecodeError {
    Reader::all("message", bytes, 100, read).expect_err("the bytes are refused")
}

#[test]
fn each_shape_says_what_it_expected() {
    let text = [0x61, b'a'];
    assert_eq!(
        failed(&text, Reader::u64).to_string(),
        "message does not decode at byte 0: expected an unsigned integer"
    );
    assert_eq!(
        failed(&text, Reader::bool).to_string(),
        "message does not decode at byte 0: expected a truth value"
    );
    assert_eq!(
        failed(&text, |r| r.bytes("name", 9)).to_string(),
        "message does not decode at byte 0: expected bytes"
    );
    assert_eq!(
        failed(&[0x9f, 0xff], |r| r.array("lanes", 9)).fault,
        DecodeFault::Expected("an array of known length")
    );
    assert_eq!(
        failed(&[0xbf, 0xff], |r| r.fields(|_, _| Ok(false))).fault,
        DecodeFault::Expected("a map of known length")
    );
}

#[test]
fn the_offset_is_that_of_the_item() {
    let bytes = [0x82, 0x01, 0x61, b'a'];
    let error = failed(&bytes, |r| r.items("numbers", 9, Reader::u64));
    assert_eq!(error, DecodeError::new("message", 2, DecodeFault::Expected("an unsigned integer")));
    let error = failed(&[0x82, 0x01], |r| r.items("numbers", 9, Reader::u64));
    assert_eq!(error.at, 2, "cut off");
    let error = failed(&[0x01, 0x02], Reader::u64);
    assert_eq!(error.to_string(), "message does not decode at byte 1: expected the end");
}

#[test]
fn a_value_that_no_writer_writes_is_named() {
    let error = failed(&[0x19, 0x01, 0x00], |r| r.small::<u8>("lane"));
    assert_eq!(error.to_string(), "lane does not decode at byte 0: no such value is written");
    let error = failed(&[0x41, 0x01], |r| r.fixed::<16>("store"));
    assert_eq!(error, DecodeError::new("store", 0, DecodeFault::Impossible));
}

#[test]
fn a_missing_key_is_named() {
    let bytes = write(|out| {
        out.map(1)?;
        put_u64(out, 3, 1)
    });
    let error = failed(&bytes, |r| {
        r.fields(|_, _| Ok(false))?;
        r.required(None::<u64>, 2)
    });
    assert_eq!(error.to_string(), "message does not decode at byte 3: key 2 is missing");
}

#[test]
fn a_derived_reader_names_the_byte() {
    let error = from_cbor::<(u8, u8)>("pair", &[0x82, 0x01, 0x61, b'a']).unwrap_err();
    assert_eq!((error.place, error.at), ("pair", 2));
    let cut = from_cbor::<(u8, u8)>("pair", &[0x82, 0x01]).unwrap_err();
    assert_eq!((cut.place, cut.at), ("pair", 2));
    let longer = from_cbor::<u8>("number", &[0x01, 0x02]).unwrap_err();
    assert_eq!(longer, DecodeError::new("number", 1, DecodeFault::Expected("the end")));
}

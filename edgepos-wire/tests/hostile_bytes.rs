//! No bytes make a reader panic, and an error lies inside the bytes.

use edgepos_wire::{DecodeError, Reader, from_cbor, put_bytes, put_encoded, put_u64, write};
use proptest::prelude::*;

type Read = (Option<u64>, Vec<Vec<u8>>, Option<bool>);

fn read(bytes: &[u8]) -> Result<Read, DecodeError> {
    Reader::all("message", bytes, 1 << 16, |input| {
        let mut read = Read::default();
        input.fields(|input, key| {
            match key {
                0 => read.0 = Some(input.u64()?),
                1 => {
                    read.1 = input.items("items", 16, |input| input.bytes("item", 64).map(<[u8]>::to_vec))?
                }
                2 => read.2 = Some(input.bool()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(read)
    })
}

proptest! {
    #[test]
    fn anything(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Err(error) = read(&bytes) {
            prop_assert!(error.at <= bytes.len(), "{error}");
        }
        if let Err(error) = from_cbor::<(u64, Vec<u64>, Option<bool>)>("tuple", &bytes) {
            prop_assert!(error.at <= bytes.len(), "{error}");
        }
    }

    #[test]
    fn what_is_written_is_read(number: u64, items in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..64), 0..16)) {
        let bytes = write(|out| {
            out.map(3)?;
            put_u64(out, 0, number)?;
            put_encoded(out, 1, items.iter().map(|item| write(|out| out.bytes(item)?.ok())))?;
            put_bytes(out, 9, b"of a later version")
        });
        prop_assert_eq!(read(&bytes), Ok((Some(number), items, None)));
        for end in 0..bytes.len() {
            prop_assert!(read(&bytes[..end]).is_err());
        }
    }
}

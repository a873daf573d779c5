//! A message that a later version adds a field to, read with a limit for each item: `cargo run -p edgepos-wire --example greeting`.

use edgepos_wire::{DecodeError, Reader, put_bool, put_bytes, put_u64, write};

fn read(bytes: &[u8]) -> Result<(u64, Vec<u8>), DecodeError> {
    Reader::all("greeting", bytes, 64, |input| {
        let (mut number, mut name) = (None, None);
        input.fields(|input, key| {
            match key {
                0 => number = Some(input.u64()?),
                1 => name = Some(input.bytes("name", 8)?.to_vec()),
                // A field that this version does not know: it is skipped.
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok((input.required(number, 0)?, input.required(name, 1)?))
    })
}

fn main() -> Result<(), DecodeError> {
    let of_later = write(|out| {
        out.map(3)?;
        put_u64(out, 0, 7)?;
        put_bytes(out, 1, b"till")?;
        put_bool(out, 2, true)
    });
    let (number, name) = read(&of_later)?;
    println!("{number} is {}", String::from_utf8_lossy(&name));
    assert_eq!((number, name.as_slice()), (7, b"till".as_slice()));

    let hostile = write(|out| {
        out.map(2)?;
        put_u64(out, 0, 7)?;
        put_bytes(out, 1, &[0; 9])
    });
    let refused = read(&hostile).expect_err("a name is 8 bytes at most");
    println!("refused: {refused}");
    Ok(())
}

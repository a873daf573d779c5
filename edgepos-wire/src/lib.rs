//! How the family writes and reads CBOR (RFC 8949): maps with small integer keys, so that a later version adds fields and an older
//! one skips them.
//!
//! Internal: it is published because the other crates need it, and its interface changes as they need.
//!
//! Two ways lead through it. Engines read what strangers send, item by item and with a limit for each, through a [`Reader`], and
//! write through [`write()`]. Bodies of events derive `minicbor`'s traits and go through [`to_cbor`] and [`from_cbor`]. Both fail with
//! the one [`DecodeError`], which names what was read, the byte, and what was expected there.
//!
//! ```
//! use edgepos_wire::{DecodeError, DecodeFault, Reader, put_bytes, put_u64, write};
//!
//! let bytes = write(|out| {
//!     out.map(2)?;
//!     put_u64(out, 0, 7)?;
//!     put_bytes(out, 1, b"till")
//! });
//! let read = |bytes: &[u8]| {
//!     Reader::all("greeting", bytes, 64, |input| {
//!         let (mut number, mut name) = (None, None);
//!         input.fields(|input, key| {
//!             match key {
//!                 0 => number = Some(input.u64()?),
//!                 1 => name = Some(input.bytes("name", 8)?.to_vec()),
//!                 _ => return Ok(false),
//!             }
//!             Ok(true)
//!         })?;
//!         Ok((input.required(number, 0)?, input.required(name, 1)?))
//!     })
//! };
//! assert_eq!(read(&bytes), Ok((7, b"till".to_vec())));
//! let cut = read(&bytes[..5]).unwrap_err();
//! assert_eq!(cut.to_string(), "greeting does not decode at byte 4: expected bytes");
//! assert_eq!(read(&[0xa0]), Err(DecodeError::new("greeting", 1, DecodeFault::Missing { key: 0 })));
//! ```

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod derived;
mod error;
mod read;
mod write;

pub use derived::{bytes_by_name, event_id, event_ids, from_cbor, optional_event_id, to_cbor};
pub use error::{DecodeError, DecodeFault};
pub use read::Reader;
pub use write::{Sink, Written, put_bool, put_bytes, put_encoded, put_u64, write};

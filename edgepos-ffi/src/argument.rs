//! Arguments as they come from C: checked before anything reads them, and written to only when all is done.

use std::slice;

use edgepos::core::ParseIdError;
use edgepos::forms;
use serde::de::DeserializeOwned;

use crate::handle::{Handle, give, room};
use crate::hexadecimal::bytes_of;
use crate::status::{EDGEPOS_OK, Failure};

/// Longest text of a request or a configuration, in bytes.
pub const EDGEPOS_MAX_REQUEST: usize = 1048576;
/// Longest name: of a basket, a key, an event, a product; in bytes.
pub const EDGEPOS_MAX_NAME: usize = 1024;
/// Longest picture or clip, in bytes.
pub const EDGEPOS_MAX_MEDIA: usize = 16777216;
/// Longest frame, row or answer of the cloud that the sans-IO level takes, in bytes.
pub const EDGEPOS_MAX_BYTES: usize = 67108864;

/// Bytes that a caller lends for one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    name: &'static str,
    bytes: Option<&'a [u8]>,
    /// What was said of their number.
    length: usize,
}

impl<'a> Input<'a> {
    /// `name` is the argument's, for whoever gave a bad one.
    ///
    /// # Safety
    /// Where `data` is not NULL it points to `length` bytes that nobody changes during `'a`.
    pub(crate) unsafe fn new<T>(name: &'static str, data: *const T, length: usize) -> Self {
        // What is longer than anything that is taken is not looked at.
        let looked_at = !data.is_null() && length <= EDGEPOS_MAX_BYTES;
        // SAFETY: the caller promises that so many bytes are there; they are at most EDGEPOS_MAX_BYTES, which is less than `isize::MAX`.
        let bytes = looked_at.then(|| unsafe { slice::from_raw_parts(data.cast(), length) });
        Self { name, bytes, length }
    }

    /// At most `limit` bytes. NULL is allowed where there are none.
    pub(crate) fn bytes(self, limit: usize) -> Result<&'a [u8], Failure> {
        let Self { name, bytes, length } = self;
        if length > limit {
            return Err(Failure::invalid(format!("{name}: {length} bytes are over the limit of {limit}")));
        }
        match bytes {
            Some(bytes) => Ok(bytes),
            None if length == 0 => Ok(&[]),
            None => Err(Failure::invalid(format!("{name} is NULL"))),
        }
    }

    fn text(self, limit: usize) -> Result<&'a str, Failure> {
        let not_utf8 = |error| Failure::invalid(format!("{}: not UTF-8: {error}", self.name));
        std::str::from_utf8(self.bytes(limit)?).map_err(not_utf8)
    }

    /// A text that is shorter than a request.
    pub(crate) fn request(self) -> Result<&'a str, Failure> {
        self.text(EDGEPOS_MAX_REQUEST)
    }

    /// What a request in JSON says.
    pub(crate) fn json<T: DeserializeOwned>(self) -> Result<T, Failure> {
        let text = self.request()?;
        forms::read(text.as_bytes()).map_err(|error| Failure::bad_request(format!("{}: {error}", self.name)))
    }

    /// The same; `None` where nothing is given.
    pub(crate) fn optional_json<T: DeserializeOwned>(self) -> Result<Option<T>, Failure> {
        if self.length == 0 { Ok(None) } else { self.json().map(Some) }
    }

    /// A short text, such as a product's code.
    pub(crate) fn name(self) -> Result<&'a str, Failure> {
        self.text(EDGEPOS_MAX_NAME)
    }

    /// A name as it is displayed: of a basket, a key, an event.
    pub(crate) fn id<T: std::str::FromStr<Err = ParseIdError>>(self) -> Result<T, Failure> {
        let text = self.name()?;
        text.parse().map_err(|error| Failure::bad_request(format!("{}: {text:?}: {error}", self.name)))
    }

    /// Bytes as hexadecimal digits; `None` where nothing is given.
    pub(crate) fn optional_hexadecimal(self) -> Result<Option<Vec<u8>>, Failure> {
        let wrong =
            || Failure::bad_request(format!("{}: expected hexadecimal digits, two a byte", self.name));
        let bytes = bytes_of(self.name()?).ok_or_else(wrong)?;
        Ok((!bytes.is_empty()).then_some(bytes))
    }

    /// As [`id`](Self::id); `None` where nothing is given.
    pub(crate) fn optional_id<T: std::str::FromStr<Err = ParseIdError>>(self) -> Result<Option<T>, Failure> {
        if self.length == 0 { Ok(None) } else { self.id().map(Some) }
    }
}

/// What a caller may want in answer.
pub(crate) trait Answer {
    /// Refuses where no further one can be given.
    fn room() -> Result<(), Failure> {
        Ok(())
    }
}

impl Answer for i32 {}
impl Answer for i64 {}
impl Answer for u32 {}
impl Answer for u64 {}
impl Answer for usize {}
impl Answer for *const u8 {}
impl<H: Handle> Answer for *mut H {
    fn room() -> Result<(), Failure> {
        room::<H>()
    }
}

/// Where a caller wants an answer.
#[derive(Debug)]
pub(crate) struct Output<T> {
    name: &'static str,
    place: *mut T,
}

impl<T: Answer> Output<T> {
    /// `name` is the argument's, for whoever gave none.
    ///
    /// # Safety
    /// Where `place` is not NULL, a `T` may be written there until the call ends.
    pub(crate) unsafe fn new(name: &'static str, place: *mut T) -> Self {
        Self { name, place }
    }

    /// Refuses NULL, and where the caller has so many answers that it could have no further one: to be asked before anything is done.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.is_there()?;
        T::room()
    }

    fn is_there(&self) -> Result<(), Failure> {
        if self.place.is_null() { Err(Failure::invalid(format!("{} is NULL", self.name))) } else { Ok(()) }
    }

    /// Writes the answer of a call that is done.
    pub(crate) fn write(self, value: T) -> Result<i32, Failure> {
        self.is_there()?;
        // SAFETY: it is not NULL, and whoever made this promised that a `T` may be written there; nothing there is read or dropped.
        unsafe { self.place.write(value) };
        Ok(EDGEPOS_OK)
    }

    /// The same where there is an answer.
    pub(crate) fn write_some(self, value: Option<T>) -> Result<i32, Failure> {
        value.map_or(Ok(crate::status::EDGEPOS_NOTHING), |value| self.write(value))
    }
}

impl<H: Handle> Output<*mut H> {
    /// Names the value of a call that is done.
    pub(crate) fn give(self, value: H::Value) -> Result<i32, Failure> {
        self.is_there()?;
        self.write(give(value))
    }
}

//! What an item of a column is, and the one error that a reader of columns has.

/// What is read is not what a writer writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Broken;

/// What an item of a column is. The numbers travel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Token {
    Int = 0,
    Bytes = 1,
    Text = 2,
    Array = 3,
    Map = 4,
    /// A string of bytes that is an item itself.
    Inside = 5,
    /// A head alone.
    Head = 6,
    /// A payload that is no item, or no such one.
    Whole = 7,
}

impl Token {
    pub(super) fn of(code: u8) -> Result<Self, Broken> {
        Ok(match code {
            0 => Self::Int,
            1 => Self::Bytes,
            2 => Self::Text,
            3 => Self::Array,
            4 => Self::Map,
            5 => Self::Inside,
            6 => Self::Head,
            7 => Self::Whole,
            _ => return Err(Broken),
        })
    }
}

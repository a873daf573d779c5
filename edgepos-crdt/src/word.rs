//! Numbers as they lie in memory: 4 bytes while all of a group are small, 8 otherwise.

use core::ops::{BitAnd, BitOr};

/// A position or a total, in as many bytes as its group needs.
///
/// Many are compared without a branch and with instructions that every processor has for vectors, by the highest bit of their
/// differences: it is set where the difference is negative, provided that no number has it itself.
pub(crate) trait Word: Copy + Eq + Default + BitOr<Output = Self> + BitAnd<Output = Self> {
    const ONE: Self;

    /// The number, when it fits.
    fn of(number: u64) -> Option<Self>;
    fn number(self) -> u64;
    fn minus(self, other: Self) -> Self;
    /// Whether the highest bit is set.
    fn is_high(self) -> bool;
    /// Something with the number's highest bit, which is never set where [`of`](Self::of) does not take such numbers.
    fn high_bit(self) -> Self;
}

/// Numbers below 2³¹. Signed, since plain x86-64 compares vectors of signed numbers only.
impl Word for i32 {
    const ONE: Self = 1;

    fn of(number: u64) -> Option<Self> {
        Self::try_from(number).ok()
    }

    fn number(self) -> u64 {
        u64::from(self.cast_unsigned())
    }

    fn minus(self, other: Self) -> Self {
        self.wrapping_sub(other)
    }

    fn is_high(self) -> bool {
        self < 0
    }

    fn high_bit(self) -> Self {
        0
    }
}

/// Every number.
impl Word for u64 {
    const ONE: Self = 1;

    fn of(number: u64) -> Option<Self> {
        Some(number)
    }

    fn number(self) -> u64 {
        self
    }

    fn minus(self, other: Self) -> Self {
        self.wrapping_sub(other)
    }

    fn is_high(self) -> bool {
        self >> 63 != 0
    }

    fn high_bit(self) -> Self {
        self
    }
}

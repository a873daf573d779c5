//! The number of a receipt, which is one of its terminal and its series.

/// What names a receipt to people: unique but for those of a disk that went back, which are raised as exceptions.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ReceiptNumber {
    /// The number of the terminal.
    pub terminal: u16,
    /// Its number in the series.
    pub number: u64,
    /// The series, with what an incarnation adds to its name.
    pub series: String,
}

impl ReceiptNumber {
    /// The terminal and the number, the highest byte first, and the series.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let Self { terminal, number, series } = self;
        [&terminal.to_be_bytes(), number.to_be_bytes().as_slice(), series.as_bytes()].concat()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (terminal, rest) = bytes.split_first_chunk()?;
        let (number, series) = rest.split_first_chunk()?;
        let series = String::from_utf8(series.to_vec()).ok()?;
        Some(Self { terminal: u16::from_be_bytes(*terminal), number: u64::from_be_bytes(*number), series })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_and_nothing_else_does() {
        for series in ["", "S", "S.7f3a09c1"] {
            let number = ReceiptNumber { terminal: 3, number: 1 << 40, series: series.into() };
            assert_eq!(ReceiptNumber::from_bytes(&number.to_bytes()), Some(number));
        }
        assert_eq!(ReceiptNumber::from_bytes(&[0; 9]), None);
        assert_eq!(ReceiptNumber::from_bytes(&[&[0; 10][..], &[0xFF]].concat()), None);
    }
}

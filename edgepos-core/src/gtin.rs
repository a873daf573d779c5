//! The number of a trade item, with its check digit (GS1 General Specifications, section 7.9).

use alloc::format;
use core::error::Error;
use core::fmt;

/// A GTIN whose check digit is right, of 8, 12, 13 or 14 digits; equal numbers of different length are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gtin(u64);

/// Not a GTIN.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GtinError {
    /// Not 8, 12, 13 or 14 digits.
    Length,
    /// The last digit is not the check digit of the others.
    CheckDigit {
        /// What the others call for.
        expected: u8,
        /// What is there.
        found: u8,
    },
}

impl fmt::Display for GtinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => f.write_str("a GTIN has 8, 12, 13 or 14 digits"),
            Self::CheckDigit { expected, found } => {
                write!(f, "the check digit is {found}, it should be {expected}")
            }
        }
    }
}

impl Error for GtinError {}

impl Gtin {
    /// Reads digits and checks the last.
    ///
    /// # Errors
    /// [`GtinError`].
    pub fn parse(text: &str) -> Result<Self, GtinError> {
        if !matches!(text.len(), 8 | 12 | 13 | 14) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(GtinError::Length);
        }
        let digits = || text.bytes().map(|byte| byte - b'0');
        let expected = check_digit(digits().take(text.len() - 1));
        let found = digits().next_back().unwrap_or(0);
        if found != expected {
            return Err(GtinError::CheckDigit { expected, found });
        }
        Ok(Self(digits().fold(0, |number, digit| number * 10 + u64::from(digit))))
    }

    /// Reads what a scanner or a person says of a product: 8 digits are a UPC-E or a GTIN-8, 12 to 14 a GTIN of that length.
    ///
    /// Eight digits may be right as both. Those that begin with 0 are a UPC-E then, since GTIN-8s from there are a shop's own; all
    /// others are a GTIN-8, and UPC-E knows none of them but those of number system 1, which is out of use (GS1 General
    /// Specifications, section 1.4.2).
    ///
    /// # Errors
    /// [`GtinError`].
    pub fn of_label(text: &str) -> Result<Self, GtinError> {
        let short = text.len() == 8;
        if short && text.starts_with('0') {
            return Self::from_upc_e(text).or_else(|_| Self::parse(text));
        }
        Self::parse(text)
            .or_else(|error| if short { Self::from_upc_e(text).map_err(|_| error) } else { Err(error) })
    }

    /// The number that a UPC-E symbol of 8 digits stands for: as UPC-A, with the zeros put back.
    ///
    /// # Errors
    /// [`GtinError`].
    pub fn from_upc_e(text: &str) -> Result<Self, GtinError> {
        let bytes = text.as_bytes();
        if bytes.len() != 8 || !bytes.iter().all(u8::is_ascii_digit) || bytes[0] > b'1' {
            return Err(GtinError::Length);
        }
        let (system, body, check) = (&text[..1], &text[1..7], &text[7..]);
        let last = body.as_bytes()[5];
        let long = match last {
            b'0'..=b'2' => format!("{}{}0000{}", &body[..2], last - b'0', &body[2..5]),
            b'3' => format!("{}00000{}", &body[..3], &body[3..5]),
            b'4' => format!("{}00000{}", &body[..4], &body[4..5]),
            _ => format!("{}0000{}", &body[..5], last - b'0'),
        };
        Self::parse(&format!("{system}{long}{check}"))
    }

    /// The number of 13 digits that begins with these twelve.
    ///
    /// # Errors
    /// [`GtinError::Length`], where they are no twelve digits.
    pub fn from_twelve(digits: &str) -> Result<Self, GtinError> {
        if digits.len() != 12 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(GtinError::Length);
        }
        Self::parse(&format!("{digits}{}", check_digit(digits.bytes().map(|byte| byte - b'0'))))
    }

    /// The number, without leading zeros.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Gtin {
    /// Fourteen digits, as databases of products have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:014}", self.0)
    }
}

/// Any form of it: see [`Gtin::parse`].
impl core::str::FromStr for Gtin {
    type Err = GtinError;

    fn from_str(text: &str) -> Result<Self, GtinError> {
        Self::parse(text)
    }
}

/// Whether the last of some digits checks the others, as in any number of GS1.
pub fn has_check_digit(digits: &str) -> bool {
    let values = || digits.bytes().map(|byte| byte.wrapping_sub(b'0'));
    let Some(last) = values().next_back() else { return false };
    digits.bytes().all(|byte| byte.is_ascii_digit()) && check_digit(values().take(digits.len() - 1)) == last
}

/// Weights 3 and 1, from the right.
fn check_digit(digits: impl DoubleEndedIterator<Item = u8>) -> u8 {
    let sum: u32 = digits
        .rev()
        .enumerate()
        .map(|(place, digit)| u32::from(digit) * if place % 2 == 0 { 3 } else { 1 })
        .sum();
    ((10 - sum % 10) % 10) as u8
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};

    use super::*;

    #[test]
    fn known_numbers_of_every_length() {
        for text in ["4006381333931", "96385074", "036000291452", "10614141000415"] {
            assert_eq!(Gtin::parse(text).unwrap().to_string(), format!("{text:0>14}"));
        }
        assert_eq!(Gtin::parse("036000291452"), Gtin::parse("0036000291452"));
    }

    #[test]
    fn every_form_of_one_product_is_one_number() {
        let forms =
            ["012345000065", "0012345000065", "00012345000065"].map(|form| Gtin::parse(form).unwrap());
        assert!(forms.iter().all(|form| *form == Gtin::from_upc_e("01234565").unwrap()), "{forms:?}");
        // A case of them is another trade item.
        assert_ne!(Gtin::parse("10012345000062").unwrap(), forms[0]);
    }

    #[test]
    fn any_single_wrong_digit_is_found() {
        let right = "4006381333931";
        for place in 0..13 {
            for digit in b'0'..=b'9' {
                let mut text = right.as_bytes().to_vec();
                text[place] = digit;
                let text = String::from_utf8(text).unwrap();
                assert_eq!(Gtin::parse(&text).is_ok(), text == right, "{text}");
            }
        }
        assert_eq!(Gtin::from_twelve(&right[..12]), Gtin::parse(right));
        assert_eq!(Gtin::from_twelve("40063813339x"), Err(GtinError::Length));
        for text in ["", "123", "40063813339310000", "400638133393x", "４00638133393"] {
            assert_eq!(Gtin::parse(text), Err(GtinError::Length));
        }
    }

    #[test]
    fn short_symbols_get_their_zeros_back() {
        // GS1's example, and one for each of the other rules.
        for (short, long) in
            [("01234565", "012345000065"), ("04252614", "042100005264"), ("01234531", "012300000451")]
        {
            assert_eq!(Gtin::from_upc_e(short).ok(), Gtin::parse(long).ok(), "{short}");
        }
        assert!(Gtin::from_upc_e("21234565").is_err());
    }

    #[test]
    fn eight_digits_of_a_label_are_what_they_can_be() {
        for (label, number) in [
            // UPC-E, also where the first digit would be a GTIN-8's.
            ("01234565", "00012345000065"),
            ("04252614", "00042100005264"),
            // GTIN-8.
            ("96385074", "00000096385074"),
            ("00000017", "00000000000017"),
            ("036000291452", "00036000291452"),
            ("10614141000415", "10614141000415"),
        ] {
            assert_eq!(Gtin::of_label(label).unwrap().to_string(), number, "{label}");
        }
        for wrong in ["01234566", "96385075", "036000291453", "0012345678906", "1234567", "milk"] {
            assert!(Gtin::of_label(wrong).is_err(), "{wrong}");
        }
    }
}

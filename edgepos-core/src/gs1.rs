//! GS1 element strings: what a GS1-128, DataBar Expanded, GS1 DataMatrix or GS1 QR code says beyond the number, and the same
//! as a Digital Link (GS1 General Specifications, sections 3 and 7.8; GS1 Digital Link URI syntax, section 4).

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::error::Error;
use core::fmt;

use crate::gtin::{Gtin, has_check_digit};

/// What ends an element of variable length: FNC1 in the symbol, the group separator in its text.
const SEPARATOR: char = '\u{1d}';
/// What scanners put before a GS1 symbol: GS1-128, DataBar, DataMatrix, QR code (ISO/IEC 15424).
const SYMBOLS: [&str; 4] = ["]C1", "]e0", "]d2", "]Q3"];
/// Longest text that is read; the longest symbol holds less.
const MAX_BYTES: usize = 8_192;
/// Most characters of an element of variable length.
const MAX_VALUE: usize = 90;

/// Application identifiers with their values, in the order of the symbol.
///
/// ```
/// use edgepos_core::ElementString;
///
/// let cheese = ElementString::parse("0104012345678901\u{1d}310200034515261231").unwrap();
/// assert_eq!(cheese.get("3102"), Some("000345"));
/// assert_eq!(cheese.gtin().unwrap().number(), 4_012_345_678_901);
/// assert_eq!(cheese.to_string(), "(01)04012345678901(3102)000345(15)261231");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ElementString(Vec<(String, String)>);

/// Not an element string.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ElementStringError {
    /// Nothing is there, or more than any symbol holds.
    Length,
    /// There is no such application identifier.
    Identifier {
        /// The place in the text.
        at: usize,
    },
    /// A value is too short, too long, or has other characters than its identifier allows.
    Value {
        /// Of which identifier.
        identifier: String,
    },
    /// A trade item number or a logistic unit's number has a wrong check digit.
    CheckDigit {
        /// Of which identifier.
        identifier: String,
    },
}

impl fmt::Display for ElementStringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => write!(f, "an element string has 1 to {MAX_BYTES} bytes"),
            Self::Identifier { at } => write!(f, "no application identifier begins at byte {at}"),
            Self::Value { identifier } => write!(f, "the value of ({identifier}) is not one"),
            Self::CheckDigit { identifier } => write!(f, "the check digit of ({identifier}) is wrong"),
        }
    }
}

impl Error for ElementStringError {}

impl ElementString {
    /// Whether a text is that of a GS1 symbol: it begins with the symbol's identifier (`]C1`, `]e0`, `]d2`, `]Q3`), or has a separator.
    #[must_use]
    pub fn is_symbol(text: &str) -> bool {
        SYMBOLS.iter().any(|symbol| text.starts_with(symbol)) || text.contains(SEPARATOR)
    }

    /// Reads a symbol's text, with or without its identifier (`]C1`, `]e0`, `]d2`, `]Q3`). Separators behind elements of
    /// fixed length, which printers add, are passed over.
    ///
    /// # Errors
    /// [`ElementStringError`].
    pub fn parse(text: &str) -> Result<Self, ElementStringError> {
        let text = SYMBOLS.iter().find_map(|id| text.strip_prefix(*id)).unwrap_or(text);
        if text.is_empty() || text.len() > MAX_BYTES {
            return Err(ElementStringError::Length);
        }
        let mut elements = Vec::new();
        let mut rest = text.trim_start_matches(SEPARATOR);
        while !rest.is_empty() {
            let at = text.len() - rest.len();
            let length = identifier_length(rest).ok_or(ElementStringError::Identifier { at })?;
            let (identifier, value) = rest.split_at(length);
            let end = value.find(SEPARATOR).unwrap_or(value.len());
            let end = match fixed_length(identifier) {
                Some(fixed) if end < fixed => {
                    return Err(ElementStringError::Value { identifier: identifier.to_owned() });
                }
                Some(fixed) => fixed,
                None => end,
            };
            // All that is allowed is ASCII: what is not makes no place to split at.
            let value_and_rest = value.split_at_checked(end);
            let (value, after) = value_and_rest
                .ok_or_else(|| ElementStringError::Value { identifier: identifier.to_owned() })?;
            elements.push(element(identifier, value)?);
            rest = after.trim_start_matches(SEPARATOR);
        }
        Ok(Self(elements))
    }

    /// Reads the form for people, identifiers in round brackets.
    ///
    /// # Errors
    /// [`ElementStringError`].
    pub fn from_bracketed(text: &str) -> Result<Self, ElementStringError> {
        if text.is_empty() || text.len() > MAX_BYTES {
            return Err(ElementStringError::Length);
        }
        let mut elements = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let at = text.len() - rest.len();
            let wrong = ElementStringError::Identifier { at };
            let (identifier, value) =
                rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).ok_or(wrong.clone())?;
            if identifier_length(identifier) != Some(identifier.len()) {
                return Err(wrong);
            }
            // A bracket may be part of a value; only one with an identifier in it begins the next element.
            let next = value.match_indices('(').map(|(at, _)| at).find(|&at| {
                let inside = value[at + 1..].split(')').next().unwrap_or_default();
                identifier_length(inside) == Some(inside.len()) && value[at + 1..].len() > inside.len()
            });
            let end = next.unwrap_or(value.len());
            elements.push(element(identifier, &value[..end])?);
            rest = &value[end..];
        }
        Ok(Self(elements))
    }

    /// Reads a Digital Link, `https://any.shop/01/09506000134352/10/ABC?17=261231`. `None` for any other text.
    #[must_use]
    pub fn from_digital_link(link: &str) -> Option<Self> {
        if link.len() > MAX_BYTES {
            return None;
        }
        let (scheme, address) = link.split_once("://")?;
        if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
            return None;
        }
        let address = address.split('#').next()?;
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let segments: Vec<&str> = path.split('/').skip(1).filter(|segment| !segment.is_empty()).collect();
        // Whatever a shop has before it, the key and its qualifiers come last.
        let from = segments.iter().position(|segment| matches!(*segment, "01" | "gtin"))?;
        let mut elements = Vec::new();
        for pair in segments[from..].chunks(2) {
            let [name, value] = pair else { return None };
            let identifier = match *name {
                "gtin" => "01",
                "cpv" => "22",
                "lot" => "10",
                "ser" => "21",
                other => other,
            };
            elements.push(linked(identifier, value)?);
        }
        for (name, value) in query.split(['&', ';']).filter_map(|pair| pair.split_once('=')) {
            // What is no identifier is the shop's own.
            if identifier_length(name) == Some(name.len()) {
                elements.push(linked(name, value)?);
            }
        }
        Some(Self(elements))
    }

    /// The value of an identifier; of the first, where there are several.
    #[must_use]
    pub fn get(&self, identifier: &str) -> Option<&str> {
        self.iter().find(|(own, _)| *own == identifier).map(|(_, value)| value)
    }

    /// Identifiers and values, in the order of the symbol.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(identifier, value)| (identifier.as_str(), value.as_str()))
    }

    /// The trade item itself (01), not what a logistic unit contains (02).
    #[must_use]
    pub fn gtin(&self) -> Option<Gtin> {
        Gtin::parse(self.get("01")?).ok()
    }
}

impl fmt::Display for ElementString {
    /// Identifiers in round brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|(identifier, value)| write!(f, "({identifier}){value}"))
    }
}

/// An element of a Digital Link, its value without the escapes of an address.
fn linked(identifier: &str, value: &str) -> Option<(String, String)> {
    if identifier_length(identifier) != Some(identifier.len()) {
        return None;
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, after @ ..] = rest {
        if *first == b'%' {
            let digits = core::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    let value = String::from_utf8(bytes).ok()?;
    // A link may leave leading zeros of a trade item number away.
    let value = if identifier == "01" { format!("{value:0>14}") } else { value };
    element(identifier, &value).ok()
}

/// The element, if its value is one.
fn element(identifier: &str, value: &str) -> Result<(String, String), ElementStringError> {
    let wrong = || ElementStringError::Value { identifier: identifier.to_owned() };
    let numbers_only = fixed_length(identifier).is_some();
    // The 82 characters of the standard, and those of its compact relatives.
    let allowed = |byte: u8| if numbers_only { byte.is_ascii_digit() } else { byte.is_ascii_graphic() };
    let length = fixed_length(identifier).map_or(1..=MAX_VALUE, |fixed| fixed..=fixed);
    if !length.contains(&value.len()) || !value.bytes().all(allowed) {
        return Err(wrong());
    }
    let checked = match identifier {
        "01" | "02" | "03" => Gtin::parse(value).is_ok(),
        "00" => has_check_digit(value),
        _ => true,
    };
    if !checked {
        return Err(ElementStringError::CheckDigit { identifier: identifier.to_owned() });
    }
    Ok((identifier.to_owned(), value.to_owned()))
}

/// Digits of the identifier that a text begins with; its first two tell.
fn identifier_length(text: &str) -> Option<usize> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let two: u8 = text.get(..2)?.parse().ok()?;
    let length = match two {
        0..=4 | 10..=13 | 15..=17 | 20..=22 | 30 | 37 | 90..=99 => 2,
        23..=25 | 40..=42 | 71 => 3,
        31..=36 | 39 | 43 | 70 | 72 | 80..=82 => 4,
        _ => return None,
    };
    (digits >= length).then_some(length)
}

/// Digits of the value of an identifier that needs no separator (General Specifications, figure 7.8.5-2).
fn fixed_length(identifier: &str) -> Option<usize> {
    match identifier.get(..2)? {
        "00" => Some(18),
        "01" | "02" | "03" => Some(14),
        "04" => Some(16),
        "11" | "12" | "13" | "15" | "16" | "17" => Some(6),
        "20" => Some(2),
        "31" | "32" | "33" | "34" | "35" | "36" => Some(6),
        "41" => Some(13),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn separators_end_what_has_no_fixed_length() {
        let parsed =
            ElementString::parse("]C1010950600013435210ABC123\u{1d}17261231\u{1d}392212\u{1d}21X").unwrap();
        assert_eq!(parsed.to_string(), "(01)09506000134352(10)ABC123(17)261231(3922)12(21)X");
        assert_eq!(parsed.gtin().unwrap().number(), 9_506_000_134_352);
        assert_eq!(parsed.get("99"), None);
    }

    #[test]
    fn what_is_none_is_refused() {
        let wrong = |text: &str| ElementString::parse(text).unwrap_err();
        assert_eq!(wrong(""), ElementStringError::Length);
        assert_eq!(wrong(&"1".repeat(9000)), ElementStringError::Length);
        assert_eq!(wrong("0109506000134351"), ElementStringError::CheckDigit { identifier: "01".into() });
        assert_eq!(wrong("010950600013435"), ElementStringError::Value { identifier: "01".into() });
        assert_eq!(wrong("172612\u{1d}31"), ElementStringError::Value { identifier: "17".into() });
        assert_eq!(wrong("10"), ElementStringError::Value { identifier: "10".into() });
        assert_eq!(wrong("10A B"), ElementStringError::Value { identifier: "10".into() });
        assert_eq!(wrong("17äöüäöü"), ElementStringError::Value { identifier: "17".into() });
        assert_eq!(wrong("0109506000134352XX"), ElementStringError::Identifier { at: 16 });
        assert_eq!(wrong("88123"), ElementStringError::Identifier { at: 0 });
        assert_eq!(wrong("ä0"), ElementStringError::Identifier { at: 0 });
    }

    #[test]
    fn the_form_for_people() {
        let text = "(11)100224(17)110224(3102)000100";
        assert_eq!(ElementString::from_bracketed(text).unwrap().to_string(), text);
        // Brackets are among the characters of a lot.
        let lot = ElementString::from_bracketed("(10)A(B)(21)7").unwrap();
        assert_eq!((lot.get("10"), lot.get("21")), (Some("A(B)"), Some("7")));
        for wrong in ["", "10)A", "(10A", "(10)", "(1)A", "(10)A(17)1"] {
            assert!(ElementString::from_bracketed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_link_has_the_same_elements() {
        let link = "https://shop.example/p/01/9506000134352/10/A%2FB?17=261231&colour=red#top";
        let parsed = ElementString::from_digital_link(link).unwrap();
        assert_eq!(parsed.to_string(), "(01)09506000134352(10)A/B(17)261231");
        for other in [
            "https://shop.example/",
            "https://shop.example/01/9506000134351",
            "https://shop.example/01/9506000134352/10",
            "https://shop.example/01/9506000134352/10/%2",
            "ftp://shop.example/01/9506000134352",
            "09506000134352",
        ] {
            assert_eq!(ElementString::from_digital_link(other), None, "{other}");
        }
    }
}

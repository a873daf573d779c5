//! One pattern of twelve digits: which of them name the item, and which say what.

use edgepos_core::Gtin;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::verifier;
use crate::retail::money::Currency;

/// Digits of a number of 13 without its check digit.
const DIGITS: usize = 12;

/// What a label says of the goods that it is on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelValue {
    /// What they cost.
    Price,
    /// What they weigh, in kg.
    Weight,
    /// How many pieces they are.
    Count,
}

/// A pattern of numbers with a value in them.
///
/// Twelve places, the check digit left out: digits that such a number begins with, `02` or `20` to `29` first; `I`, a digit of the item;
/// `V`, one of the value, side by side; `C`, the check digit of the value's four or five digits; `X`, a digit that says nothing. A UPC-A
/// with number system 2 begins with `02`.
///
/// ```
/// use edgepos::{LabelPattern, LabelValue};
///
/// let scale = LabelPattern::new("21IIIIIVVVVV", LabelValue::Weight, 3, None)?;
/// assert!(LabelPattern::new("21IIIIIVVVVV", LabelValue::Price, 2, None).is_err(), "of which currency?");
/// # Ok::<(), edgepos::LabelPatternError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct LabelPattern {
    pattern: String,
    value: LabelValue,
    decimals: u8,
    currency: Option<Currency>,
}

/// What is no pattern.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum LabelPatternError {
    /// It has not twelve places, or other signs.
    #[error("a pattern has 12 places: digits first, then I, V, C and X")]
    Places,
    /// What it begins with is no number of a shop's own.
    #[error("a pattern begins with 02, or with 20 to 29")]
    Prefix,
    /// The value's digits do not stand side by side, or there are none.
    #[error("the V of a pattern are 1 to 9, side by side")]
    Value,
    /// More than one check digit, or one of a value that has none.
    #[error("a pattern has one C, and 4 or 5 V then")]
    Check,
    /// More decimal digits than the value has, or than its currency or a count.
    #[error("a value has no more decimals than V, a price than its currency, and a count none")]
    Decimals,
    /// A price without a currency, or one of something else.
    #[error("a price has a currency, and nothing else has")]
    Currency,
}

/// As it stands in a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    pattern: String,
    value: LabelValue,
    #[serde(default)]
    decimals: u8,
    #[serde(default, with = "crate::shown::text::maybe", skip_serializing_if = "Option::is_none")]
    currency: Option<Currency>,
}

impl TryFrom<Written> for LabelPattern {
    type Error = LabelPatternError;

    fn try_from(written: Written) -> Result<Self, LabelPatternError> {
        let Written { pattern, value, decimals, currency } = written;
        Self::new(&pattern, value, decimals, currency)
    }
}

impl From<LabelPattern> for Written {
    fn from(of: LabelPattern) -> Self {
        let LabelPattern { pattern, value, decimals, currency } = of;
        Self { pattern, value, decimals, currency }
    }
}

/// What was read of a label.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Read {
    /// The key of its item: the number with a value of zero, of 14 digits.
    pub(crate) item: String,
    pub(crate) value: Said,
}

/// The value of a label.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Said {
    /// In minor units of a currency.
    Price(i64, Currency),
    /// In kg, with decimals.
    Weight(i64, u8),
    /// In pieces.
    Count(i64),
}

impl LabelPattern {
    /// Checks a pattern. `decimals`: how many of the value's digits stand behind the point. `currency`: of a price.
    ///
    /// # Errors
    /// [`LabelPatternError`].
    pub fn new(
        pattern: &str,
        value: LabelValue,
        decimals: u8,
        currency: Option<Currency>,
    ) -> Result<Self, LabelPatternError> {
        let literal = pattern.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(pattern.len());
        let rest = &pattern[literal..];
        if pattern.len() != DIGITS || !rest.bytes().all(|sign| matches!(sign, b'I' | b'V' | b'C' | b'X')) {
            return Err(LabelPatternError::Places);
        }
        if !is_of_shops(pattern.as_bytes()) {
            return Err(LabelPatternError::Prefix);
        }
        let digits = rest.matches('V').count();
        if !(1..=9).contains(&digits) || !rest.contains(&"V".repeat(digits)) {
            return Err(LabelPatternError::Value);
        }
        let checks = rest.matches('C').count();
        if checks > 1 || checks == 1 && !matches!(digits, 4 | 5) {
            return Err(LabelPatternError::Check);
        }
        if currency.is_some() != (value == LabelValue::Price) {
            return Err(LabelPatternError::Currency);
        }
        let most = match value {
            LabelValue::Price => currency.map_or(0, Currency::exponent),
            LabelValue::Weight => 9,
            LabelValue::Count => 0,
        };
        if decimals > most || usize::from(decimals) > digits {
            return Err(LabelPatternError::Decimals);
        }
        Ok(Self { pattern: pattern.to_owned(), value, decimals, currency })
    }

    /// The pattern, as it was said.
    pub fn as_str(&self) -> &str {
        &self.pattern
    }

    /// How many of the value's digits stand behind the point.
    pub fn decimals(&self) -> u8 {
        self.decimals
    }

    /// Whether there are numbers that fit both.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let digits =
            |pattern: &Self| pattern.pattern.bytes().take_while(u8::is_ascii_digit).collect::<Vec<_>>();
        digits(self).iter().zip(digits(other)).all(|(one, other)| *one == other)
    }

    /// What a number of 13 digits says, where it fits: nothing where its value is zero, as in the key of its item.
    pub(super) fn read(&self, number: &str) -> Option<Result<Option<Read>, &'static str>> {
        let places = || self.pattern.bytes().zip(number.bytes());
        if places().any(|(place, digit)| place.is_ascii_digit() && place != digit) {
            return None;
        }
        let of = |sign: u8| places().filter(move |(place, _)| *place == sign).map(|(_, digit)| digit);
        let value: Vec<u8> = of(b'V').collect();
        if of(b'C').next().is_some_and(|found| verifier::digit(&value) != Some(found - b'0')) {
            return Some(Err("the check digit of the price or weight on the label is wrong: scan it again"));
        }
        let said = value.iter().fold(0, |sum: i64, digit| sum * 10 + i64::from(digit - b'0'));
        Some(Ok((said != 0).then(|| Read { item: self.item(number), value: self.said(said) })))
    }

    /// The key of the item: a value of zero has the check digit 0 as well.
    fn item(&self, number: &str) -> String {
        let zeroed = self.pattern.chars().zip(number.chars());
        let twelve: String =
            zeroed.map(|(place, digit)| if matches!(place, 'V' | 'C' | 'X') { '0' } else { digit }).collect();
        let item = Gtin::from_twelve(&twelve).expect("twelve digits: a pattern has twelve places");
        item.to_string()
    }

    fn said(&self, said: i64) -> Said {
        match (self.value, self.currency) {
            (LabelValue::Price, Some(currency)) => {
                // No more than its currency has: checked when made.
                let missing = currency.exponent() - self.decimals;
                Said::Price(said * 10_i64.pow(missing.into()), currency)
            }
            (LabelValue::Count, _) => Said::Count(said),
            (LabelValue::Weight | LabelValue::Price, _) => Said::Weight(said, self.decimals),
        }
    }
}

/// Whether a number is one of those that shops give themselves (GS1 General Specifications, prefixes 02 and 20 to 29).
pub(super) fn is_of_shops(number: &[u8]) -> bool {
    matches!(number, [b'0', b'2', ..] | [b'2', b'0'..=b'9', ..])
}

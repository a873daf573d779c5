//! Labels of a shop's scale and of a packer: numbers with a price, a weight or a count in them (GS1 General Specifications, section
//! 2.1.12). Which digits say what is each country's own, or a shop's.

pub(crate) mod country;
pub(crate) mod filling;
pub(crate) mod pattern;
pub(crate) mod recorded;
mod verifier;

use std::borrow::Cow;

use edgepos_core::Gtin;
use serde::{Deserialize, Serialize};

use self::country::LabelCountry;
use self::pattern::{LabelPattern, Read};
use super::code;
use super::counters::Counters;
use super::effect::{Counter, CounterRow};
use crate::terminal::refusal::Refusal;

/// Which numbers have a price, a weight or a count in them. The default knows none: each number is a product of its own.
///
/// A basket's line then names the item, with what the label says; see [`Config::labels`](crate::Config::labels).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Labels {
    /// The country whose rules are followed. Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<LabelCountry>,
    /// Patterns of the shop's own, beside those of the country; at most [`MAX_PATTERNS`](Self::MAX_PATTERNS). No number fits two.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "patterns")]
    pub patterns: Vec<LabelPattern>,
}

fn patterns<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<LabelPattern>, D::Error> {
    Vec::deserialize(from)
}

impl Labels {
    /// Most patterns of a shop's own.
    pub const MAX_PATTERNS: usize = 32;

    /// Those of one country.
    pub fn of(country: LabelCountry) -> Self {
        Self { country: Some(country), patterns: Vec::new() }
    }

    /// Refuses what has no one meaning: the field, and what is allowed.
    pub(crate) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if self.patterns.len() > Self::MAX_PATTERNS {
            return Err(("labels.patterns", "at most 32"));
        }
        let all: Vec<&LabelPattern> = self.all().collect();
        let meet = |(at, one): (usize, &&LabelPattern)| all[at + 1..].iter().any(|other| one.meets(other));
        if all.iter().enumerate().any(meet) {
            return Err((
                "labels.patterns",
                "no number begins as two of them do, or as one of the country does",
            ));
        }
        Ok(())
    }

    fn all(&self) -> impl Iterator<Item = &LabelPattern> {
        self.country.iter().flat_map(|country| country.patterns()).chain(&self.patterns)
    }

    /// What a code says, where it is a label; `None` where it is none, or says nothing beyond its item.
    ///
    /// # Errors
    /// When the check digit of its price or weight is wrong.
    pub(crate) fn read(&self, code: &str) -> Result<Option<Read>, &'static str> {
        if self.country.is_none() && self.patterns.is_empty() {
            return Ok(None);
        }
        let Some(number) = number(code) else { return Ok(None) };
        let read = self.all().find_map(|pattern| pattern.read(&number));
        read.transpose().map(Option::flatten)
    }

    /// The product that a code names: of a label its item, and of any other code itself.
    pub(crate) fn item<'c>(&self, code: &'c str) -> Cow<'c, str> {
        match self.read(code) {
            Ok(Some(label)) => label.item.into(),
            Ok(None) | Err(_) => code.into(),
        }
    }

    /// The row that counts what a row names: of a label that nothing was counted under, its item's.
    pub(crate) fn counted<'r>(&self, row: &'r CounterRow, counters: &Counters) -> Cow<'r, CounterRow> {
        let may_be_label = row.counter == Counter::STOCK && counters.item(row).is_none();
        let label = std::str::from_utf8(&row.key).ok().filter(|_| may_be_label);
        let read = label.and_then(|label| self.read(label).ok().flatten());
        read.map_or(Cow::Borrowed(row), |read| {
            Cow::Owned(CounterRow { key: read.item.into(), ..row.clone() })
        })
    }

    /// Refuses a label as the name of a product: each of them would be a product of its own.
    pub(super) fn check_product(&self, product: &str) -> Result<(), Refusal> {
        match self.read(product) {
            Ok(None) => Ok(()),
            Ok(Some(label)) => Err(Refusal::LabelNamesItem { item: label.item }),
            Err(reason) => Err(Refusal::BadField { field: "product", reason }),
        }
    }
}

/// The 13 digits that a code is, where it is that. One of 14 whose first is not 0 is a case of something.
fn number(code: &str) -> Option<String> {
    let key = code::key(code);
    let number = key.strip_prefix('0').filter(|rest| rest.len() == 13 && Gtin::parse(rest).is_ok())?;
    Some(number.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests;

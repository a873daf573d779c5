//! A terminal as a file names it.

use std::fmt;
use std::str::FromStr;

use edgepos_core::{ParseIdError, ReplicaId, StoreId};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// A terminal by its number in the store, from 1. Files of before name an incarnation, `3-0123456789ab`, and are read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TerminalName {
    number: u16,
    incarnation: Option<ReplicaId>,
}

impl TerminalName {
    /// The number in the store.
    pub fn number(self) -> u16 {
        self.number
    }

    /// The terminal as the store's first files name it: by its number.
    pub(super) fn first(self) -> Self {
        Self { number: self.number, incarnation: None }
    }

    /// The incarnation that the terminal begins as: the one that the file names, or that which all terminals of the store know of this
    /// number without having met. Whoever finds that others know more of it than its disk does goes on as another.
    pub(super) fn incarnation(self, store: StoreId) -> ReplicaId {
        self.incarnation.unwrap_or_else(|| {
            let mut sha = Sha256::new_with_prefix(b"edgepos first incarnation");
            sha.update(store.0);
            sha.update(self.number.to_be_bytes());
            let digest: [u8; 32] = sha.finalize().into();
            let nonce = digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
            ReplicaId::new(self.number, nonce)
        })
    }

    fn of_number(number: u64) -> Option<Self> {
        let number = u16::try_from(number).ok().filter(|number| ReplicaId::is_terminal_number(*number))?;
        Some(Self { number, incarnation: None })
    }
}

impl From<ReplicaId> for TerminalName {
    fn from(incarnation: ReplicaId) -> Self {
        Self { number: incarnation.terminal(), incarnation: Some(incarnation) }
    }
}

impl fmt::Display for TerminalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.incarnation {
            Some(incarnation) => incarnation.fmt(f),
            None => self.number.fmt(f),
        }
    }
}

/// A number from 1 to 65,534, or an incarnation of a terminal.
impl FromStr for TerminalName {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let number = || text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
        let incarnation = || text.parse::<ReplicaId>().ok().filter(|replica| replica.is_terminal());
        let name = number().and_then(Self::of_number).or_else(|| incarnation().map(Self::from));
        name.ok_or(ParseIdError::new(
            "the number of a terminal, from 1 to 65534, or an incarnation such as 3-0123456789ab",
        ))
    }
}

impl Serialize for TerminalName {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.incarnation {
            Some(incarnation) => to.collect_str(&incarnation),
            None => to.serialize_u16(self.number),
        }
    }
}

impl<'de> Deserialize<'de> for TerminalName {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = TerminalName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "the number of a terminal, from 1 to {}", ReplicaId::LAST_TERMINAL)
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<TerminalName, E> {
                self.visit_u64(u64::try_from(number).unwrap_or(0))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<TerminalName, E> {
                let last = ReplicaId::LAST_TERMINAL;
                TerminalName::of_number(number).ok_or_else(|| {
                    E::custom(format!("{number} is no number of a terminal: they go from 1 to {last}"))
                })
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<TerminalName, E> {
                text.parse().map_err(|error| E::custom(format!("{text:?}: {error}")))
            }
        }

        from.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn numbers_and_incarnations_are_names() {
        let store = StoreId([1; 16]);
        let number: TerminalName = "3".parse().unwrap();
        let named: TerminalName = "3-0123456789ab".parse().unwrap();
        assert_eq!((number.number(), named.number()), (3, 3));
        assert_eq!(named.incarnation(store), ReplicaId::new(3, 0x0123_4567_89ab));
        assert_eq!(number.incarnation(store).terminal(), 3);
        assert_ne!(
            number.incarnation(store),
            number.incarnation(StoreId([9; 16])),
            "another store, another incarnation"
        );
        for name in [number, named] {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        assert_eq!("65534".parse::<TerminalName>().map(TerminalName::number), Ok(ReplicaId::LAST_TERMINAL));
        assert!("65535".parse::<TerminalName>().unwrap_err().to_string().contains("from 1 to 65534"));
        for bad in
            ["", "0", "65535", "65535-000000000001", "65536", "+3", "-1", "0-000000000001", "three", "3-"]
        {
            assert!(bad.parse::<TerminalName>().is_err(), "{bad}");
        }
    }
}

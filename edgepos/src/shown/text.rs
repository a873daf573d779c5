//! Names and bytes as text.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

/// As it is displayed.
pub(crate) fn serialize<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

/// Reads what [`serialize`] wrote.
pub(crate) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    Cow::<'de, str>::deserialize(from)?.parse().map_err(D::Error::custom)
}

/// Two lower-case hexadecimal digits for each byte.
#[cfg(feature = "serde")]
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes from hexadecimal digits.
#[cfg(feature = "serde")]
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2).map(|pair| {
        let digits = std::str::from_utf8(pair).ok().filter(|_| pair.len() == 2)?;
        digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u8::from_str_radix(digits, 16).ok())?
    });
    pairs.collect()
}

/// Several names.
#[cfg(feature = "serde")]
pub(crate) mod list {
    use serde::{Serialize as _, Serializer};

    use super::Display;

    /// As each is displayed.
    pub(crate) fn serialize<T: Display, S: Serializer>(values: &[T], to: S) -> Result<S::Ok, S::Error> {
        values.iter().map(ToString::to_string).collect::<Vec<_>>().serialize(to)
    }
}

/// A name that a file need not have.
pub(crate) mod maybe {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::{Cow, Display, FromStr};

    /// As it is displayed.
    pub(crate) fn serialize<T: Display, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(ToString::to_string).serialize(to)
    }

    /// Reads what [`serialize`] wrote.
    pub(crate) fn deserialize<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = Option::<Cow<'de, str>>::deserialize(from)?;
        text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
    }
}

/// A name that need not be there.
#[cfg(feature = "serde")]
pub(crate) mod option {
    use serde::{Serialize as _, Serializer};

    use super::Display;

    /// As it is displayed.
    pub(crate) fn serialize<T: Display, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(ToString::to_string).serialize(to)
    }
}

/// Bytes as hexadecimal digits.
#[cfg(feature = "serde")]
pub(crate) mod bytes {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Cow;

    /// Two digits a byte.
    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::hex(bytes))
    }

    /// Reads what [`serialize`] wrote.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = Cow::<'de, str>::deserialize(from)?;
        super::from_hex(&text).ok_or_else(|| D::Error::custom("expected hexadecimal digits, two a byte"))
    }
}

/// So many bytes as hexadecimal digits.
#[cfg(feature = "serde")]
pub(crate) mod array {
    use serde::de::Error as _;
    use serde::{Deserializer, Serializer};

    /// Two digits a byte.
    pub(crate) fn serialize<const N: usize, S: Serializer>(
        bytes: &[u8; N],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::hex(bytes))
    }

    /// Reads what [`serialize`] wrote.
    pub(crate) fn deserialize<'de, const N: usize, D: Deserializer<'de>>(
        from: D,
    ) -> Result<[u8; N], D::Error> {
        let bytes = super::bytes::deserialize(from)?;
        bytes.try_into().map_err(|_| D::Error::custom(format!("expected {} hexadecimal digits", 2 * N)))
    }
}

/// How far chains go, by the chain's name.
#[cfg(feature = "serde")]
pub(crate) mod vector {
    use std::collections::BTreeMap;

    use edgepos_crdt::VersionVector;
    use serde::Serializer;

    /// An object: each chain, as it is displayed, and its position.
    pub(crate) fn serialize<S: Serializer>(vector: &VersionVector, to: S) -> Result<S::Ok, S::Error> {
        let named: BTreeMap<_, _> = vector.iter().map(|(chain, seq)| (chain.to_string(), seq.0)).collect();
        to.collect_map(named)
    }

    /// One that need not be there.
    pub(crate) mod option {
        use serde::{Serialize, Serializer};

        use super::VersionVector;

        #[derive(Serialize)]
        struct Shown<'a>(#[serde(serialize_with = "super::serialize")] &'a VersionVector);

        /// An object, or nothing.
        pub(crate) fn serialize<S: Serializer>(
            vector: &Option<VersionVector>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            vector.as_ref().map(Shown).serialize(to)
        }
    }
}

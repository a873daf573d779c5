//! The names that an event is asked for by: the till's key, and the basket that was sold.

use edgepos_core::{EventId, IdempotencyKey};

use crate::retail::sale::body::BasketId;

/// What a till calls something that it asks for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum BookedName {
    /// A basket, which is sold once.
    Basket(BasketId),
    /// The key of a sale or of another record.
    Key(IdempotencyKey),
}

/// An event and the names that it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Named {
    pub(crate) event: EventId,
    pub(crate) key: Option<IdempotencyKey>,
    pub(crate) basket: Option<BasketId>,
}

/// Numbers what the disk is asked about names, from 1 on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) struct LookupId(pub(crate) u64);

const BASKET: u8 = b'b';
const KEY: u8 = b'k';

impl BookedName {
    /// 17 bytes: what kind of name it is, and the name.
    pub(crate) fn to_bytes(self) -> [u8; 17] {
        let (kind, name) = match self {
            Self::Basket(basket) => (BASKET, basket.0),
            Self::Key(key) => (KEY, key.0),
        };
        let mut bytes = [kind; 17];
        bytes[1..].copy_from_slice(&name);
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (kind, name) = bytes.split_first()?;
        let name: [u8; 16] = name.try_into().ok()?;
        match *kind {
            BASKET => Some(Self::Basket(BasketId(name))),
            KEY => Some(Self::Key(IdempotencyKey(name))),
            _ => None,
        }
    }
}

impl Named {
    /// Its names.
    pub(crate) fn names(&self) -> impl Iterator<Item = BookedName> {
        let Self { key, basket, .. } = *self;
        key.map(BookedName::Key).into_iter().chain(basket.map(BookedName::Basket))
    }
}

/// A receipt that a return waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Wanted {
    /// The basket of the return.
    pub(crate) by: BasketId,
    /// The basket that the receipt came of.
    pub(crate) receipt: BasketId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_nothing_else_does() {
        for name in [BookedName::Basket(BasketId([1; 16])), BookedName::Key(IdempotencyKey([2; 16]))] {
            assert_eq!(BookedName::from_bytes(&name.to_bytes()), Some(name));
            assert_eq!(BookedName::from_bytes(&name.to_bytes()[..16]), None);
        }
        assert_eq!(BookedName::from_bytes(&[b'x'; 17]), None);
    }
}

//! The table of kinds: what an event is about, under which number, how it travels, and what it says.

use edgepos_core::Lane;
use edgepos_wire::{DecodeError, from_cbor};
use minicbor::{Decode, Encode};

// What the rows name. The data model hands on all that is public here.
pub use super::catalogue::body::{PriceSet, ProductSet};
pub use super::day::body::{DayClosed, DayOpened};
pub use super::exception::body::{ExceptionEnded, ExceptionRaised};
pub use super::parked::body::{BasketParked, BasketTaken};
pub use super::sale::body::{NumberVoided, Transaction};
pub use super::stock::body::StockMoved;

/// What an event is about. Unknown kinds are carried and never refused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode)]
#[cbor(transparent)]
pub struct Kind(#[n(0)] pub u16);

/// Whose room interprets events of a kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Subject {
    /// Baskets, receipts, their numbers.
    Sale,
    /// Goods that come, go and break.
    Stock,
    /// Products and prices.
    Catalogue,
    /// Business days: their opening and their close.
    Day,
    /// Counters below their floor.
    Exception,
    /// What a vendor adds.
    Vendor,
}

/// One row of the table a kind: its number for ever, its constant, its variant, its name, its lane, its subject; and its body, with what
/// reads it.
macro_rules! kinds {
    ($($(#[$doc:meta])+ $code:literal $constant:ident $variant:ident $name:literal $lane:ident $subject:ident:
        $body:ty = $read:ident;)+) => {
        impl Kind {
            $($(#[$doc])+ pub const $constant: Self = Self($code);)+

            /// The kind, where this version knows it.
            pub const fn known(self) -> Option<KnownKind> {
                match self.0 {
                    $($code => Some(KnownKind::$variant),)+
                    _ => None,
                }
            }
        }

        /// A kind that this version knows. Matched without a wildcard, so that whoever adds one is shown each place that it concerns.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum KnownKind {
            $($(#[$doc])+ $variant,)+
        }

        impl KnownKind {
            /// Every kind, by rising number.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its number, on disk and on the wire for ever.
            pub const fn kind(self) -> Kind {
                match self {
                    $(Self::$variant => Kind($code),)+
                }
            }

            /// Its name in reports, in snake case.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The lane that its events travel in. A vendor's own event may name another one.
            pub const fn lane(self) -> Lane {
                match self {
                    $(Self::$variant => Lane::$lane,)+
                }
            }

            /// Whose room interprets its events.
            pub const fn subject(self) -> Subject {
                match self {
                    $(Self::$variant => Subject::$subject,)+
                }
            }
        }

        /// What an event says beside its envelope, decoded. A vendor that puts a body of its own under a kind reads
        /// [`Envelope::body`](crate::model::Envelope::body) itself.
        #[derive(Clone, PartialEq, Eq, Debug)]
        #[non_exhaustive]
        pub enum Body {
            $($(#[$doc])+ $variant($body),)+
            /// A kind of a later version, and its bytes.
            Unknown(Kind, Vec<u8>),
        }

        impl Body {
            /// Reads the body of an event of this kind.
            pub(crate) fn read(kind: Kind, bytes: &[u8]) -> Result<Self, DecodeError> {
                let Some(known) = kind.known() else { return Ok(Self::Unknown(kind, bytes.to_vec())) };
                Ok(match known {
                    $(KnownKind::$variant => Self::$variant($read($name, bytes)?),)+
                })
            }
        }
    };
}

kinds! {
    /// A sale, a return, an exchange, a void.
    1 TRANSACTION Transaction "transaction" Transactions Sale: Box<Transaction> = from_cbor;
    /// A receipt number that was reserved and not used.
    2 NUMBER_VOIDED NumberVoided "number_voided" Transactions Sale: NumberVoided = from_cbor;
    /// Goods received, transferred, damaged, adjusted.
    3 STOCK_MOVED StockMoved "stock_moved" Stock Stock: StockMoved = from_cbor;
    /// A product's base unit and tax code.
    4 PRODUCT_SET ProductSet "product_set" Prices Catalogue: ProductSet = from_cbor;
    /// A price of a product on a list.
    5 PRICE_SET PriceSet "price_set" Prices Catalogue: PriceSet = from_cbor;
    /// A business day begins.
    6 DAY_OPENED DayOpened "day_opened" Transactions Day: DayOpened = from_cbor;
    /// A business day ends.
    7 DAY_CLOSED DayClosed "day_closed" Transactions Day: DayClosed = from_cbor;
    /// A counter fell below its floor; decided by the store.
    8 EXCEPTION_RAISED ExceptionRaised "exception_raised" Transactions Exception: ExceptionRaised = from_cbor;
    /// A vendor's own, named in its body.
    9 CUSTOM Custom "custom" Telemetry Vendor: Vec<u8> = opaque;
    /// A counter is at its floor again, so that its next fall is told anew; decided by the store.
    12 EXCEPTION_ENDED ExceptionEnded "exception_ended" Transactions Exception: ExceptionEnded = from_cbor;
    /// A basket is put aside, for whichever till recalls it.
    16 BASKET_PARKED BasketParked "basket_parked" Transactions Sale: BasketParked = from_cbor;
    /// A parked basket goes on at a till.
    17 BASKET_CLAIMED BasketClaimed "basket_claimed" Transactions Sale: BasketTaken = from_cbor;
    /// A parked basket is given up.
    18 BASKET_CLOSED BasketClosed "basket_closed" Transactions Sale: BasketTaken = from_cbor;
}

/// A vendor's body is read by the vendor.
#[expect(clippy::unnecessary_wraps, reason = "stands beside what may fail")]
fn opaque(_: &'static str, bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
    Ok(bytes.to_vec())
}

impl Kind {
    /// Its name in reports, in snake case; `unknown` for a kind of a later version.
    pub const fn name(self) -> &'static str {
        match self.known() {
            Some(known) => known.name(),
            None => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use edgepos_wire::to_cbor;

    use super::*;

    #[test]
    fn a_body_is_read_by_its_kind() {
        let opened = DayOpened { day: 20_260_130, float: 5_000, cash: None };
        assert_eq!(Body::read(Kind::DAY_OPENED, &to_cbor(&opened)), Ok(Body::DayOpened(opened)));
        assert_eq!(Body::read(Kind::CUSTOM, &[7]), Ok(Body::Custom(vec![7])));
        assert_eq!(Body::read(Kind(999), &[8]), Ok(Body::Unknown(Kind(999), vec![8])));
        assert!(Body::read(Kind::TRANSACTION, &[0xff]).is_err());
    }

    #[test]
    fn numbers_and_names_are_unique_and_lead_back() {
        let mut names = BTreeSet::new();
        for &known in KnownKind::ALL {
            assert_eq!(known.kind().known(), Some(known));
            assert!(names.insert(known.name()), "{} stands twice", known.name());
            assert_eq!(known.kind().name(), known.name());
        }
        assert!(
            KnownKind::ALL.is_sorted_by_key(|known| known.kind()),
            "the table is in the order of its numbers"
        );
        assert_eq!(Kind(999).known(), None);
        assert_eq!(Kind(999).name(), "unknown");
    }
}

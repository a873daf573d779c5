//! The table of kinds: what an event is about, under which number, how it travels, and what it says.

use edgepos_core::Lane;
use minicbor::{Decode, Encode};

/// What an event is about. Unknown kinds are carried and never refused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
    /// Customers by pseudonym.
    Customer,
    /// Configuration, promotions, staff, manifests of models.
    Document,
    /// Business days and shifts: their opening and their close, and cash that moves without a sale.
    Day,
    /// Counters below their floor.
    Exception,
    /// What a vendor adds.
    Vendor,
}

/// What the table says of a kind, but for its body: that is [`Body`](super::body::Body)'s.
macro_rules! kinds {
    ($($(#[$doc:meta])+ $code:literal $constant:ident $variant:ident $name:literal $lane:ident $subject:ident
        $form:ident $($first:ident $(:: $rest:ident)*)?;)+) => {
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
    };
}

/// The table: a row a kind. Its number for ever, its constant, its variant, its name, its lane, its subject; then its body: in which
/// form, and where in the rooms it is defined.
macro_rules! each_kind {
    ($then:ident) => {
        $then! {
            /// A sale, a return, an exchange, a void.
            1 TRANSACTION Transaction "transaction" Transactions Sale boxed sale::body::Transaction;
            /// A receipt number that was reserved and not used.
            2 NUMBER_VOIDED NumberVoided "number_voided" Transactions Sale cbor sale::body::NumberVoided;
            /// Goods received, transferred, damaged, adjusted.
            3 STOCK_MOVED StockMoved "stock_moved" Stock Stock cbor stock::StockMoved;
            /// A product's base unit and tax code.
            4 PRODUCT_SET ProductSet "product_set" Prices Catalogue cbor catalogue::body::ProductSet;
            /// A price of a product on a list.
            5 PRICE_SET PriceSet "price_set" Prices Catalogue cbor catalogue::body::PriceSet;
            /// A business day begins.
            6 DAY_OPENED DayOpened "day_opened" Transactions Day cbor day::body::DayOpened;
            /// A business day ends.
            7 DAY_CLOSED DayClosed "day_closed" Transactions Day cbor day::body::DayClosed;
            /// A counter fell below its floor; decided by the store.
            8 EXCEPTION_RAISED ExceptionRaised "exception_raised" Transactions Exception cbor exception::body::ExceptionRaised;
            /// A vendor's own, named in its body.
            9 CUSTOM Custom "custom" Telemetry Vendor opaque;
            /// What a fiscal device said of a receipt.
            10 FISCAL_SIGNED FiscalSigned "fiscal_signed" Transactions Sale cbor sale::fiscal::FiscalSigned;
            /// A receipt left a printer.
            11 RECEIPT_PRINTED ReceiptPrinted "receipt_printed" Transactions Sale cbor sale::printed::ReceiptPrinted;
            /// A counter is at its floor again, so that its next fall is told anew; decided by the store.
            12 EXCEPTION_ENDED ExceptionEnded "exception_ended" Transactions Exception cbor exception::body::ExceptionEnded;
            /// A payment terminal is about to be asked for money.
            14 PAYMENT_INTENT PaymentIntent "payment_intent" Transactions Sale cbor payment::body::PaymentIntent;
            /// What became of a payment.
            15 PAYMENT_OUTCOME PaymentOutcome "payment_outcome" Transactions Sale cbor payment::body::PaymentOutcome;
            /// A basket is put aside, for whichever till recalls it.
            16 BASKET_PARKED BasketParked "basket_parked" Transactions Sale cbor parked::body::BasketParked;
            /// A parked basket goes on at a till.
            17 BASKET_CLAIMED BasketClaimed "basket_claimed" Transactions Sale cbor parked::body::BasketTaken;
            /// A parked basket is given up.
            18 BASKET_CLOSED BasketClosed "basket_closed" Transactions Sale cbor parked::body::BasketTaken;
            /// The store's resolver proposes what to do about an exception; decided by the store.
            26 RESOLUTION_PROPOSED ResolutionProposed "resolution_proposed" Transactions Exception cbor exception::resolution::ResolutionProposed;
            /// Somebody has decided what is done about an exception; decided by the store.
            27 EXCEPTION_RESOLVED ExceptionResolved "exception_resolved" Transactions Exception boxed exception::resolution::ExceptionResolved;
            /// What is known of a customer, sealed.
            32 CUSTOMER_SET CustomerSet "customer_set" Prices Customer cbor customer::body::CustomerSet;
            /// Another name finds a customer.
            33 CUSTOMER_LINKED CustomerLinked "customer_linked" Prices Customer cbor customer::body::CustomerLink;
            /// A name finds its customer no longer.
            34 CUSTOMER_UNLINKED CustomerUnlinked "customer_unlinked" Prices Customer cbor customer::body::CustomerLink;
            /// A customer is forgotten, for good.
            35 CUSTOMER_ERASED CustomerErased "customer_erased" Prices Customer cbor customer::body::CustomerErased;
            /// A version of a document: configuration, promotions, taxes, staff, a manifest of a model.
            36 DOCUMENT_SET DocumentSet "document_set" Prices Document cbor document::body::DocumentSet;
            /// Cash goes into a drawer, out of one, or from one into another, without a sale.
            37 CASH_MOVED CashMoved "cash_moved" Transactions Day cbor day::cash::CashMoved;
            /// A cashier's shift at a terminal begins.
            38 SHIFT_OPENED ShiftOpened "shift_opened" Transactions Day cbor day::shift::ShiftOpened;
            /// A cashier's shift at a terminal ends.
            39 SHIFT_CLOSED ShiftClosed "shift_closed" Transactions Day cbor day::shift::ShiftClosed;
            /// Goods were counted.
            40 STOCK_COUNTED StockCounted "stock_counted" Stock Stock cbor counting::body::StockCounted;
            /// What became of the difference of a count beside others that were made at the same time.
            41 COUNT_SETTLED CountSettled "count_settled" Stock Stock cbor counting::body::CountSettled;
            /// A part of something that is attached to a basket.
            42 ATTACHED Attached "attached" Telemetry Sale cbor attachment::body::Attached;
        }
    };
}

pub(super) use each_kind;

each_kind!(kinds);

impl KnownKind {
    /// Whether the head office has events of it come down to a store.
    #[cfg(feature = "serde")]
    pub(crate) const fn comes_down(self) -> bool {
        self.sets_register() || matches!(self, Self::CustomerErased)
    }

    /// Whether its events set something of which the latest stamp counts.
    pub(crate) const fn sets_register(self) -> bool {
        matches!(
            self,
            Self::ProductSet
                | Self::PriceSet
                | Self::CustomerSet
                | Self::CustomerLinked
                | Self::CustomerUnlinked
                | Self::DocumentSet
        )
    }
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

    use super::*;

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

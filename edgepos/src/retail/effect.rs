//! Effects: the only thing that moves a counter.

use minicbor::{Decode, Encode};

use super::code;
use super::money::Currency;
use super::redact::is_card_number;
use super::sale::body::BasketId;

/// Longest name of a drawer, in bytes.
const MAX_DRAWER: usize = 64;

/// What is counted. Numbers from 0x8000 are a vendor's own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cbor(transparent)]
pub struct Counter(#[n(0)] pub u16);

impl Counter {
    /// Pieces, grams or millilitres of a product at a location; the key is the product's code.
    pub const STOCK: Self = Self(0);
    /// Loyalty points; the key is the customer.
    pub const POINTS: Self = Self(1);
    /// Quantity that may still be returned of one line of one receipt; see [`CounterRow::returnable`].
    pub const RETURNABLE: Self = Self(2);
    /// Money on a gift card, in minor units; the key is the card.
    pub const STORED_VALUE: Self = Self(3);
    /// Uses left of a coupon; the key is the coupon.
    pub const COUPON_USE: Self = Self(4);
    /// Cash of one currency in a drawer, in minor units; see [`CounterRow::cash`].
    pub const CASH: Self = Self(5);
    /// By how much the payments of a sale did not come to its total, in minor units, as a number below zero whichever way it was; see
    /// [`CounterRow::difference`].
    pub const DIFFERENCE: Self = Self(6);
    /// Money that was paid back on one line of one receipt, in minor units, as a number below zero; see [`CounterRow::refundable`].
    pub const REFUNDABLE: Self = Self(7);
    /// The first number that a vendor may use as it likes.
    pub const VENDOR: Self = Self(0x8000);

    /// Whether what is taken from it has to be there.
    pub(crate) fn is_drawn(self) -> bool {
        matches!(self, Self::POINTS | Self::STORED_VALUE | Self::COUPON_USE)
    }

    /// Whether its effects follow from lines and payments, so that nobody says them.
    pub(crate) fn is_derived(self) -> bool {
        matches!(self, Self::STOCK | Self::RETURNABLE | Self::REFUNDABLE | Self::CASH | Self::DIFFERENCE)
    }

    /// What may be overdrawn, for people.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::STORED_VALUE => "the gift card",
            Self::POINTS => "the customer's points",
            Self::COUPON_USE => "the coupon",
            _ => "the counter",
        }
    }
}

/// Where stock is. Other counters use [`OnHand`](Self::OnHand).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[cbor(index_only)]
pub enum StockState {
    /// On the shelf or in the store room.
    #[default]
    #[n(0)]
    OnHand,
    /// Promised to a customer.
    #[n(1)]
    Reserved,
    /// On its way between locations.
    #[n(2)]
    InTransit,
    /// Not fit for sale.
    #[n(3)]
    Damaged,
}

/// A row of a counter table: what is counted, of whom or what, where, in which state.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CounterRow {
    /// What is counted.
    pub counter: Counter,
    /// The store's place (shop floor, store room), 0 where there is one.
    pub location: u32,
    /// For stock, its state.
    pub state: StockState,
    /// Whose: product, customer, receipt line, drawer … At most [`Effect::MAX_KEY`] bytes.
    pub key: Vec<u8>,
}

impl CounterRow {
    /// Stock on hand of a product. Every form of one GTIN is one row, whose key has fourteen digits.
    pub fn stock(product: &str, location: u32) -> Self {
        let key = code::key(product).into_bytes();
        Self { counter: Counter::STOCK, location, state: StockState::OnHand, key }
    }

    /// What may still be returned of line `line` of the receipt that was sold as `basket`.
    pub fn returnable(basket: BasketId, line: u16) -> Self {
        let mut key = basket.0.to_vec();
        key.extend_from_slice(&line.to_be_bytes());
        Self { counter: Counter::RETURNABLE, location: 0, state: StockState::OnHand, key }
    }

    /// What was paid back on line `line` of the receipt that was sold as `basket`. Its floor is what the line came to, below zero: who pays
    /// back without its last piece, or on a service, names that. Whoever takes all pieces back moves [`returnable`](Self::returnable)
    /// alone, below which no second one comes unseen.
    pub fn refundable(basket: BasketId, line: u16) -> Self {
        Self { counter: Counter::REFUNDABLE, ..Self::returnable(basket, line) }
    }

    /// Cash of one currency in a drawer: the key is the drawer, a slash and the currency. Versions up to 0.1.0 summed up all
    /// currencies under the drawer alone.
    pub fn cash(drawer: &str, currency: Currency) -> Self {
        let key = format!("{drawer}/{currency}").into_bytes();
        Self { counter: Counter::CASH, location: 0, state: StockState::OnHand, key }
    }

    /// By how much the payments of the sale of `basket` did not come to its total: the key is the basket.
    pub fn difference(basket: BasketId) -> Self {
        let key = basket.0.to_vec();
        Self { counter: Counter::DIFFERENCE, location: 0, state: StockState::OnHand, key }
    }

    /// Whether a drawer may have this name.
    pub(crate) fn is_drawer(name: &str) -> bool {
        let is_text = name.trim() == name && !name.chars().any(char::is_control);
        (1..=MAX_DRAWER).contains(&name.len()) && is_text && !is_card_number(name)
    }

    /// The currency of a row of cash; `None` for other counters, and for a row that an earlier version summed up over currencies.
    pub fn currency(&self) -> Option<Currency> {
        let (_, code) = self.key.split_last_chunk::<4>().filter(|_| self.counter == Counter::CASH)?;
        std::str::from_utf8(code).ok()?.strip_prefix('/').and_then(Currency::of_record)
    }

    /// Whether it is stock of a GTIN.
    pub(crate) fn is_of_gtin(&self) -> bool {
        self.counter == Counter::STOCK && self.key.len() == 14 && self.key.iter().all(u8::is_ascii_digit)
    }

    /// The row that counts this: for stock, that of the product's GTIN.
    pub(crate) fn by_gtin(self) -> Self {
        match self.counter {
            Counter::STOCK => Self { key: code::key_of_bytes(&self.key), ..self },
            _ => self,
        }
    }

    /// Bytes that sort by counter, location, state, key.
    pub fn to_key(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(7 + self.key.len());
        bytes.extend_from_slice(&self.counter.0.to_be_bytes());
        bytes.extend_from_slice(&self.location.to_be_bytes());
        bytes.push(self.state as u8);
        bytes.extend_from_slice(&self.key);
        bytes
    }

    /// Reads what [`to_key`](Self::to_key) wrote.
    pub fn from_key(bytes: &[u8]) -> Option<Self> {
        let (head, key) = bytes.split_first_chunk::<7>()?;
        let state = match head[6] {
            0 => StockState::OnHand,
            1 => StockState::Reserved,
            2 => StockState::InTransit,
            3 => StockState::Damaged,
            _ => return None,
        };
        Some(Self {
            counter: Counter(u16::from_be_bytes([head[0], head[1]])),
            location: u32::from_be_bytes([head[2], head[3], head[4], head[5]]),
            state,
            key: key.to_vec(),
        })
    }
}

/// A change of one counter. Quantities are whole numbers of the product's base unit; zero and both signs are legal.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Effect {
    /// What is counted.
    #[n(0)]
    pub counter: Counter,
    /// Whose; at most [`Effect::MAX_KEY`] bytes.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub key: Vec<u8>,
    /// The place; 0 where there is one.
    #[n(2)]
    #[cbor(default)]
    pub location: u32,
    /// For stock, its state.
    #[n(3)]
    #[cbor(default)]
    pub state: StockState,
    /// By how much.
    #[n(4)]
    pub delta: i64,
    /// Decimal digits of the base unit that one count stands for; 0 for pieces, 3 for grams of a kilogram.
    #[n(5)]
    #[cbor(default)]
    pub scale: u8,
    /// The value below which the row raises an exception; none is raised where this is absent.
    #[n(6)]
    pub floor: Option<i64>,
}

impl Effect {
    /// Longest key, in bytes.
    pub const MAX_KEY: usize = 128;
    /// Most effects of one event.
    pub const MAX_PER_EVENT: usize = 4096;

    /// A change of `row` by `delta`.
    pub fn new(row: CounterRow, delta: i64, floor: Option<i64>) -> Self {
        let CounterRow { counter, location, state, key } = row;
        Self { counter, key, location, state, delta, scale: 0, floor }
    }

    /// The row that it moves. Versions up to 0.1.0 named stock by the code as it was scanned: that is the row of its GTIN as well.
    pub fn row(&self) -> CounterRow {
        let Self { counter, location, state, .. } = *self;
        let key = self.key.clone();
        CounterRow { counter, location, state, key }.by_gtin()
    }
}

#[cfg(test)]
mod tests {
    use edgepos_wire::{from_cbor, to_cbor};

    use super::*;

    #[test]
    fn rows_read_back_from_their_key() {
        for row in [
            CounterRow::stock("", 0),
            CounterRow { state: StockState::Damaged, ..CounterRow::stock("4006381333931", 7) },
            CounterRow::returnable(BasketId([9; 16]), 300),
            CounterRow::cash("till-1", Currency::EUR),
        ] {
            assert_eq!(CounterRow::from_key(&row.to_key()), Some(row));
        }
        assert_eq!(CounterRow::from_key(&[0; 6]), None);
        assert_eq!(CounterRow::from_key(&[0, 0, 0, 0, 0, 0, 4]), None);
    }

    #[test]
    fn cash_says_its_currency_unless_it_is_of_before() {
        let row = CounterRow::cash("front/2", Currency::USD);
        assert_eq!((row.key.as_slice(), row.currency()), (b"front/2/USD".as_slice(), Some(Currency::USD)));
        let old = CounterRow { key: b"terminal-1".to_vec(), ..row.clone() };
        assert_eq!(old.currency(), None);
        assert_eq!(CounterRow { key: b"USD".to_vec(), ..row }.currency(), None);
        assert_eq!(CounterRow::stock("a/USD", 0).currency(), None);
    }

    #[test]
    fn effects_read_back() {
        let effect = Effect::new(CounterRow::stock("milk", 3), -2, Some(0));
        assert_eq!(from_cbor::<Effect>("effect", &to_cbor(&effect)).unwrap(), effect);
    }
}

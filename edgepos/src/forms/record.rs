//! Events beside the receipts.

use serde::{Deserialize, Serialize};

use super::customer::key as customer_key;
use super::{EffectPart, FormError, IntentPart, OutcomePart, Secret, bytes, currency, is_default, key, name};
use crate::model::{
    Attached, CashCount, CashMoved, CashReason, CountLine, CustomerLink, DocumentSet, Effect, PriceSet,
    ProductSet, ReceiptPrinted, StockLine, StockMoved, StockReason,
};
use crate::retail::record::Record;

/// An event beside the receipts, and its key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeyedRecord {
    /// The till's key, 32 hexadecimal digits. The same one for every retry, which then records nothing and names the first event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Repairs a product or a price that a wrong clock has written too far ahead for anybody to replace it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub repair: bool,
    /// Sets a price or a product also where the clock of this till is off, which is refused otherwise.
    #[serde(default, skip_serializing_if = "is_default")]
    pub whatever_clock: bool,
    /// The version of the product or the price that this was made from, as the till showed it; 0 where there was none. Refused where another
    /// is in force by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<u64>,
    /// What is recorded.
    #[serde(flatten)]
    pub event: RecordEvent,
}

/// An event beside the receipts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum RecordEvent {
    /// Goods came in.
    StockReceived {
        /// The supplier, or wherever they came from.
        from: String,
        /// The products, and how much of each.
        #[serde(deserialize_with = "crate::object::list")]
        lines: Vec<StockPart>,
    },
    /// Goods moved or were counted.
    StockMoved {
        /// Why they moved.
        reason: StockReason,
        /// Where they were.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        /// Where they are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
        /// The products, and how much of each.
        #[serde(deserialize_with = "crate::object::list")]
        lines: Vec<StockPart>,
    },
    /// Somebody has counted goods: there are so many, with all that this terminal has seen by then.
    StockCounted {
        /// The products, at most 400, and how many base units there are of each.
        #[serde(deserialize_with = "crate::object::list")]
        lines: Vec<CountPart>,
    },
    /// A product's master data.
    ProductSet {
        /// The product's code, as lines name it.
        product: String,
        /// The product's name, as receipts print it.
        name: String,
        /// Its immutable base unit.
        base_unit: String,
        /// Decimal digits of the base unit that one count stands for.
        #[serde(default, skip_serializing_if = "is_default")]
        scale: u8,
        /// The default tax.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tax_code: Option<u16>,
        /// Whether its stock is counted; where nothing is said it is once goods came.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        counted: Option<bool>,
        /// The stock below which an exception is raised.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        floor: Option<i64>,
        /// Valid from this time on, milliseconds since 1970 UTC.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        valid_from: Option<u64>,
        /// Not valid from this time on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        valid_to: Option<u64>,
        /// Which version it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<u64>,
    },
    /// A price on a list, for ever or for a time.
    PriceSet {
        /// The product's code.
        product: String,
        /// The price of one unit, in minor units.
        amount: i64,
        /// The currency, by its ISO 4217 code.
        currency: String,
        /// The price list; 0 is everybody's.
        #[serde(default, skip_serializing_if = "is_default")]
        list: u16,
        /// Whether tax is included.
        #[serde(default, skip_serializing_if = "is_default")]
        tax_included: bool,
        /// Valid from this time on, milliseconds since 1970 UTC.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        valid_from: Option<u64>,
        /// Not valid from this time on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        valid_to: Option<u64>,
        /// Which version it is, as lines name it. Where nothing is said, when it was set, milliseconds since 1970 UTC.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<u64>,
    },
    /// What is known of a customer: it is sealed with the key, which stays on this terminal and is in no event.
    CustomerSet {
        /// The customer's pseudonym, 1 to 64 bytes.
        customer: String,
        /// What is known, at most 16,384 bytes.
        fields: Secret,
        /// The customer's key: 64 hexadecimal digits, drawn at random for this customer alone. (`key` is the till's for a record.)
        secret: Secret,
    },
    /// Another name finds the customer: a loyalty card, a pseudonym of before. It stays in the event for good.
    CustomerLinked {
        /// The customer's pseudonym.
        customer: String,
        /// The other name, 1 to 64 bytes.
        name: String,
    },
    /// A name finds its customer no longer.
    CustomerUnlinked {
        /// The customer's pseudonym.
        customer: String,
        /// The other name.
        name: String,
    },
    /// A customer is forgotten, for good, at every terminal.
    CustomerErased {
        /// The customer's pseudonym.
        customer: String,
    },
    /// A version of a document: configuration, promotions, staff, the manifest of a model.
    DocumentSet {
        /// What it is for, 1 to 64 bytes.
        namespace: String,
        /// Which of those, 1 to 64 bytes. (`key` is the till's for a record.)
        document: String,
        /// Its contents, at most 61,440 bytes. Empty withdraws it.
        content: String,
        /// In force from this time on, milliseconds since 1970 UTC.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        effective_at: Option<u64>,
        /// Which version it is. Where nothing is said, when it was set, milliseconds since 1970 UTC.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<u64>,
    },
    /// A payment terminal is about to be asked for money.
    PaymentIntent(IntentPart),
    /// What it said.
    PaymentOutcome(OutcomePart),
    /// The business day begins.
    DayOpened {
        /// The business day, as the number yyyymmdd: a date after the last one.
        day: u32,
        /// Cash in the drawer, in minor units.
        #[serde(default)]
        float: i64,
        /// The currency of `float`; without it no drawer's counter moves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        currency: Option<String>,
        /// Cash in other drawers and currencies.
        #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::object::list")]
        cash: Vec<CashPart>,
    },
    /// The business day ends.
    DayClosed {
        /// Which one, as yyyymmdd: refused where another would be closed. Without it the one that is open, or that the others have closed
        /// and this terminal has not counted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        day: Option<u32>,
        /// Cash counted in the drawer, in minor units.
        #[serde(default)]
        counted: i64,
        /// The currency of `counted`; without it no drawer's counter moves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        currency: Option<String>,
        /// Cash counted in other drawers and currencies.
        #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::object::list")]
        cash: Vec<CashPart>,
        /// Whether baskets that are open at this terminal are parked. Default false: the close is refused while there are any.
        #[serde(default, skip_serializing_if = "is_default")]
        park: bool,
    },
    /// Cash moves without a sale.
    CashMoved {
        /// Why: `float` and `pay_in` go into a drawer, `pay_out` and `skim` come out of one, `transfer` goes from one into another.
        reason: CashReason,
        /// How much, in minor units; above zero.
        amount: i64,
        /// The currency, by its ISO 4217 code.
        currency: String,
        /// The drawer that it leaves; the terminal's own where the reason needs one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        /// The drawer that it goes into; the terminal's own where the reason needs one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
        /// What somebody notes about it, at most 256 bytes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// Who moves it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operator: Option<String>,
    },
    /// A cashier's shift begins at this terminal.
    ShiftOpened {
        /// The till's name for it, 32 hexadecimal digits.
        shift: String,
        /// Whose it is; of whoever has none of their own where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operator: Option<String>,
        /// What is in the drawers.
        #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::object::list")]
        cash: Vec<CashPart>,
    },
    /// A cashier's shift ends at this terminal.
    ShiftClosed {
        /// The till's name for it.
        shift: String,
        /// What was counted in the drawers.
        #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::object::list")]
        cash: Vec<CashPart>,
    },
    /// A receipt left a printer.
    ReceiptPrinted {
        /// Its basket, 32 hexadecimal digits.
        basket: String,
        /// Its series, as the receipt says it.
        series: String,
        /// Its number there.
        number: u64,
        /// 0, which is the default, for the receipt itself; 1 for its first copy.
        #[serde(default, skip_serializing_if = "is_default")]
        copy: u32,
    },
    /// A part of something that is attached to a basket: a picture, a PDF. What is recorded again is recorded once.
    Attached {
        /// The basket, 32 hexadecimal digits.
        basket: String,
        /// The SHA-256 of the whole, 64 hexadecimal digits: its name.
        hash: String,
        /// Bytes of the whole, at most 4,194,304.
        size: u32,
        /// Which part this is, from 0, which is the default.
        #[serde(default, skip_serializing_if = "is_default")]
        part: u16,
        /// What it is called.
        name: String,
        /// Of which media type, as `image/jpeg`.
        media_type: String,
        /// The bytes of this part in hexadecimal: 49,152, and of the last part what is left.
        content: String,
    },
    /// Something of the vendor's own.
    Custom {
        /// Text, which is kept as it is.
        body: String,
        /// What it does to points, gift cards, coupons and the vendor's own counters.
        #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::object::list")]
        effects: Vec<EffectPart>,
    },
}

/// Cash in one drawer, of one currency. The drawer's counter says this from then on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CashPart {
    /// The currency, by its ISO 4217 code.
    pub currency: String,
    /// How much, in minor units.
    pub amount: i64,
    /// The drawer, where it is not the terminal's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawer: Option<String>,
}

/// One product of a stock movement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StockPart {
    /// The product's code.
    pub product: String,
    /// How many base units.
    pub quantity: i64,
}

/// One product that was counted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountPart {
    /// The product's code.
    pub product: String,
    /// How many base units there are.
    pub counted: i64,
}

impl KeyedRecord {
    /// The record that it asks for; goods move at `location`.
    ///
    /// # Errors
    /// When a name, the key or a currency cannot be read.
    pub fn into_record(self, location: u32) -> Result<Record, FormError> {
        let record = self.event.into_record(location)?;
        let record = if self.repair { record.repairing() } else { record };
        let record = if self.whatever_clock { record.whatever_clock() } else { record };
        let record = match self.base {
            Some(base) => record.based_on(base),
            None => record,
        };
        Ok(match self.key.as_deref().map(key).transpose()? {
            Some(key) => record.with_key(key),
            None => record,
        })
    }
}

impl RecordEvent {
    pub(super) fn into_record(self, location: u32) -> Result<Record, FormError> {
        Ok(match self {
            Self::StockReceived { from, lines } => {
                let lines = lines.into_iter().map(StockLine::from).collect();
                let moved = StockMoved { reason: StockReason::Receipt, from: Some(from), to: None, lines };
                Record::stock_moved(&moved, location)
            }
            Self::StockMoved { reason, from, to, lines } => {
                let lines = lines.into_iter().map(StockLine::from).collect();
                Record::stock_moved(&StockMoved { reason, from, to, lines }, location)
            }
            Self::StockCounted { lines } => {
                Record::stock_counted(lines.into_iter().map(CountLine::from).collect(), location)
            }
            Self::ProductSet {
                product,
                name,
                base_unit,
                scale,
                tax_code,
                counted,
                floor,
                valid_from,
                valid_to,
                version,
            } => Record::product(&ProductSet {
                product,
                name,
                base_unit,
                scale,
                tax_code,
                counted,
                floor,
                valid_from,
                valid_to,
                version,
            }),
            Self::PriceSet {
                product,
                amount,
                currency: code,
                list,
                tax_included,
                valid_from,
                valid_to,
                version,
            } => Record::price(&PriceSet {
                product,
                list,
                amount,
                currency: currency(&code)?,
                tax_included,
                valid_from,
                valid_to,
                version,
            }),
            Self::CustomerSet { customer, fields, secret } => {
                Record::customer(fields.text().as_bytes(), customer_key(customer, &secret)?)
            }
            Self::CustomerLinked { customer, name } => {
                Record::customer_linked(&CustomerLink { customer, name })
            }
            Self::CustomerUnlinked { customer, name } => {
                Record::customer_unlinked(&CustomerLink { customer, name })
            }
            Self::CustomerErased { customer } => Record::customer_erased(&customer),
            Self::DocumentSet { namespace, document, content, effective_at, version } => {
                let content = content.into_bytes();
                Record::document(&DocumentSet { namespace, key: document, version, effective_at, content })
            }
            Self::DayOpened { day, float, currency, cash } => {
                Record::day_opened_with(day, float, counts(float, currency, cash)?)
            }
            Self::DayClosed { day, counted, currency, cash, park } => {
                let closed = Record::day_closed_with(counted, counts(counted, currency, cash)?);
                let closed = if let Some(day) = day { closed.of_day(day) } else { closed };
                if park { closed.parking() } else { closed }
            }
            Self::CashMoved { reason, amount, currency: code, from, to, note, operator } => {
                let moved = CashMoved { from, to, note, ..CashMoved::new(reason, currency(&code)?, amount) };
                Record::cash_moved(moved, operator)
            }
            Self::ShiftOpened { shift, operator, cash } => {
                Record::shift_opened(name(&shift)?, operator, counts(0, None, cash)?)
            }
            Self::ShiftClosed { shift, cash } => Record::shift_closed(name(&shift)?, counts(0, None, cash)?),
            Self::PaymentIntent(part) => Record::payment_intent(part.into_intent()?),
            Self::PaymentOutcome(part) => Record::payment_outcome(part.into_outcome()?),
            Self::ReceiptPrinted { basket, series, number, copy } => {
                let basket = name(&basket)?;
                Record::receipt_printed(&ReceiptPrinted { basket, series, number, copy })
            }
            Self::Attached { basket, hash, size, part, name: called, media_type, content } => {
                let hash = bytes(&hash)?.try_into().map_err(|_| FormError::Row { text: hash })?;
                let (basket, content) = (name(&basket)?, bytes(&content)?);
                Record::attached(&Attached { basket, hash, size, part, name: called, media_type, content })
            }
            Self::Custom { body, effects } => {
                Record::custom(body.into_bytes(), effects.into_iter().map(Effect::from).collect())
            }
        })
    }
}

impl From<CountPart> for CountLine {
    fn from(CountPart { product, counted }: CountPart) -> Self {
        Self::new(product, counted)
    }
}

impl From<StockPart> for StockLine {
    fn from(StockPart { product, quantity }: StockPart) -> Self {
        Self { product, quantity }
    }
}

/// What is in the drawers: the amount of the terminal's own, where its currency is named, and the others.
fn counts(amount: i64, own: Option<String>, others: Vec<CashPart>) -> Result<Vec<CashCount>, FormError> {
    let own = own.map(|currency| CashPart { currency, amount, drawer: None });
    let count = |CashPart { currency: code, amount, drawer }| {
        Ok(CashCount { drawer, ..CashCount::new(currency(&code)?, amount) })
    };
    own.into_iter().chain(others).map(count).collect()
}

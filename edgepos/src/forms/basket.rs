//! A basket that shall begin.

use serde::{Deserialize, Serialize};

use super::{FormError, currency, is_default, key, name, receipt_currency};
use crate::model::{
    Counter, CounterRow, Discount, DocType, Effect, Line, Mode, OriginalLine, StockState, Tax,
};
use crate::retail::sale::draft::Draft;

/// A basket that the till wants to sell.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    /// The till's name for it, 32 hexadecimal digits.
    pub basket: String,
    /// What kind of document. Default `sale`.
    #[serde(default)]
    pub doc_type: DocType,
    /// The currency, by its ISO 4217 code; for a return or a void, as the receipt says it.
    pub currency: String,
    /// The customer, by the vendor's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// Who is signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// Whether it counts. Default `live`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mode: Mode,
    /// The receipt series, where it is not that of the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// What goes over the counter.
    #[serde(deserialize_with = "crate::object::list")]
    pub lines: Vec<BeginLine>,
    /// The key that it will be committed under, where the till has it already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Taxes as the till computed them.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::object::list")]
    pub taxes: Vec<TaxPart>,
    /// Cash rounding, in minor units, part of the total.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rounding: i64,
    /// Whether goods come back without a receipt: a line that takes goods back and names none is refused otherwise.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unreferenced: bool,
    /// For a void: the basket of the receipt that it takes back, all of it. Its lines may be left empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voids: Option<String>,
    /// Whether it is sold although another terminal says that it has booked it: somebody knows better. Default `false`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub anyway: bool,
    /// What it does to points, gift cards, coupons and a vendor's own counters.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::object::list")]
    pub effects: Vec<EffectPart>,
}

/// A tax of a receipt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxPart {
    /// The code that lines refer to.
    pub code: u16,
    /// The rate in millionths: 190,000 is 19 %.
    pub rate_ppm: u32,
    /// What it is taken of, in minor units.
    pub base: i64,
    /// The tax, in minor units.
    pub amount: i64,
    /// Whether prices include it.
    pub included: bool,
}

/// A change of a counter that does not follow from lines and payments.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EffectPart {
    /// What is counted: 1 points, 3 stored value, 4 coupon use, from 32768 a vendor's own.
    pub counter: u16,
    /// Whose: customer, card, coupon.
    pub key: String,
    /// By how much.
    pub delta: i64,
    /// The value below which the counter raises an exception.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<i64>,
}

/// One line of a basket.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeginLine {
    /// Its number, from 1.
    pub no: u16,
    /// The product's code.
    pub product: String,
    /// How many base units; negative for goods that come back.
    pub quantity: i64,
    /// Decimal digits of the base unit that one count stands for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub scale: u8,
    /// Price of one unit, in minor units.
    #[serde(default)]
    pub unit_price: i64,
    /// What it adds to the total, in minor units.
    pub amount: i64,
    /// What a loyalty card took off, in minor units.
    #[serde(default)]
    pub loyalty: i64,
    /// What else is already taken off.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::object::list")]
    pub discounts: Vec<DiscountPart>,
    /// Which of the basket's taxes applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_code: Option<u16>,
    /// Why it came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Lot or serial number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<String>,
    /// For goods that come back: which line of which basket they were sold as.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::object::maybe")]
    pub original: Option<Original>,
    /// How many their receipt says were sold on that line, where the till has read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sold: Option<i64>,
    /// The version of the price that it is sold at: `version` of the price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_version: Option<u64>,
}

/// Money off a line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiscountPart {
    /// Why: coupon, manager …
    pub code: String,
    /// How much, positive, in minor units; already taken off the line's amount.
    pub amount: i64,
}

/// A line of an earlier receipt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Original {
    /// Its basket, 32 hexadecimal digits.
    pub basket: String,
    /// The line's number there.
    pub line: u16,
}

impl Begin {
    /// The draft that it asks for. Where no series is said it is that of the document.
    ///
    /// # Errors
    /// When a name, a key or the currency cannot be read.
    pub fn into_draft(self) -> Result<Draft, FormError> {
        let series = match self.doc_type {
            DocType::Sale | DocType::Exchange => "S",
            DocType::Return | DocType::Void => "R",
            DocType::NoSale => "N",
        };
        Ok(Draft {
            basket: name(&self.basket)?,
            doc_type: self.doc_type,
            series: self.series.unwrap_or_else(|| series.into()),
            currency: match self.doc_type {
                // Whether its receipt is of this currency is known once it is read.
                DocType::Return | DocType::Void => receipt_currency(&self.currency)?,
                DocType::Sale | DocType::Exchange | DocType::NoSale => currency(&self.currency)?,
            },
            customer: self.customer,
            operator: self.operator,
            mode: self.mode,
            lines: self.lines.into_iter().map(BeginLine::into_line).collect::<Result<_, _>>()?,
            taxes: self.taxes.into_iter().map(Tax::from).collect(),
            rounding: self.rounding,
            effects: self.effects.into_iter().map(Effect::from).collect(),
            unreferenced: self.unreferenced,
            voids: self.voids.as_deref().map(name).transpose()?,
            anyway: self.anyway,
            key: self.key.as_deref().map(key).transpose()?,
        })
    }
}

impl BeginLine {
    fn into_line(self) -> Result<Line, FormError> {
        let original =
            |Original { basket, line }| Ok::<_, FormError>(OriginalLine { basket: name(&basket)?, line });
        let loyalty = (self.loyalty != 0).then(|| Discount { code: "loyalty".into(), amount: self.loyalty });
        let others =
            self.discounts.into_iter().map(|DiscountPart { code, amount }| Discount { code, amount });
        Ok(Line {
            no: self.no,
            product: self.product,
            quantity: self.quantity,
            scale: self.scale,
            unit_price: self.unit_price,
            amount: self.amount,
            discounts: loyalty.into_iter().chain(others).collect(),
            tax_code: self.tax_code,
            reason: self.reason,
            original: self.original.map(original).transpose()?,
            sold: self.sold,
            price_version: self.price_version,
            lot: self.lot,
        })
    }
}

/// A line as a till would have scanned it.
impl From<Line> for BeginLine {
    fn from(line: Line) -> Self {
        let discount = |Discount { code, amount }| DiscountPart { code, amount };
        let original =
            |original: OriginalLine| Original { basket: original.basket.to_string(), line: original.line };
        Self {
            no: line.no,
            product: line.product,
            quantity: line.quantity,
            scale: line.scale,
            unit_price: line.unit_price,
            amount: line.amount,
            loyalty: 0,
            discounts: line.discounts.into_iter().map(discount).collect(),
            tax_code: line.tax_code,
            reason: line.reason,
            lot: line.lot,
            original: line.original.map(original),
            sold: line.sold,
            price_version: line.price_version,
        }
    }
}

impl From<TaxPart> for Tax {
    fn from(part: TaxPart) -> Self {
        let TaxPart { code, rate_ppm, base, amount, included } = part;
        Self { code, rate_ppm, base, amount, included }
    }
}

impl From<EffectPart> for Effect {
    fn from(part: EffectPart) -> Self {
        let EffectPart { counter, key, delta, floor } = part;
        let (counter, state) = (Counter(counter), StockState::OnHand);
        Self::new(CounterRow { counter, location: 0, state, key: key.into_bytes() }, delta, floor)
    }
}

//! A basket that shall begin.

use edgepos::Draft;
use edgepos::core::IdempotencyKey;
use edgepos::model::{
    BasketId, Counter, CounterRow, Currency, Discount, DocType, Effect, Line, Mode, OriginalLine, StockState,
    Tax,
};
use serde::Deserialize;

use crate::status::Failure;

/// A basket that the till wants to sell.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Begin {
    basket: BasketId,
    #[serde(default)]
    doc_type: DocType,
    currency: String,
    customer: Option<String>,
    operator: Option<String>,
    #[serde(default)]
    mode: Mode,
    /// Where nothing is said it is that of the document.
    series: Option<String>,
    lines: Vec<AskedLine>,
    key: Option<String>,
    #[serde(default)]
    taxes: Vec<AskedTax>,
    #[serde(default)]
    rounding: i64,
    #[serde(default)]
    effects: Vec<AskedEffect>,
    #[serde(default)]
    unreferenced: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedLine {
    no: u16,
    product: String,
    quantity: i64,
    #[serde(default)]
    scale: u8,
    #[serde(default)]
    unit_price: i64,
    amount: i64,
    #[serde(default)]
    discounts: Vec<AskedDiscount>,
    tax_code: Option<u16>,
    reason: Option<String>,
    original: Option<AskedOriginal>,
    sold: Option<i64>,
    lot: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedDiscount {
    code: String,
    amount: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedOriginal {
    basket: BasketId,
    line: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedTax {
    code: u16,
    rate_ppm: u32,
    base: i64,
    amount: i64,
    included: bool,
}

/// A change of a counter that does not follow from lines and payments.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedEffect {
    counter: u16,
    key: String,
    delta: i64,
    floor: Option<i64>,
}

impl Begin {
    pub(crate) fn into_draft(self) -> Result<Draft, Failure> {
        let series = match self.doc_type {
            DocType::Sale | DocType::Exchange => "S",
            DocType::Return | DocType::Void => "R",
            DocType::NoSale => "N",
        };
        let key = self.key.as_deref().map(key).transpose()?;
        Ok(Draft {
            basket: self.basket,
            doc_type: self.doc_type,
            series: self.series.unwrap_or_else(|| series.into()),
            currency: currency(&self.currency)?,
            customer: self.customer,
            operator: self.operator,
            mode: self.mode,
            lines: self.lines.into_iter().map(Line::from).collect(),
            taxes: self.taxes.into_iter().map(Tax::from).collect(),
            rounding: self.rounding,
            effects: self.effects.into_iter().map(Effect::from).collect(),
            unreferenced: self.unreferenced,
            key,
        })
    }
}

impl From<AskedLine> for Line {
    fn from(asked: AskedLine) -> Self {
        let discount = |AskedDiscount { code, amount }| Discount { code, amount };
        let original = |AskedOriginal { basket, line }| OriginalLine { basket, line };
        Self {
            no: asked.no,
            product: asked.product,
            quantity: asked.quantity,
            scale: asked.scale,
            unit_price: asked.unit_price,
            amount: asked.amount,
            discounts: asked.discounts.into_iter().map(discount).collect(),
            tax_code: asked.tax_code,
            reason: asked.reason,
            original: asked.original.map(original),
            sold: asked.sold,
            lot: asked.lot,
        }
    }
}

impl From<AskedTax> for Tax {
    fn from(asked: AskedTax) -> Self {
        let AskedTax { code, rate_ppm, base, amount, included } = asked;
        Self { code, rate_ppm, base, amount, included }
    }
}

impl From<AskedEffect> for Effect {
    fn from(asked: AskedEffect) -> Self {
        let AskedEffect { counter, key, delta, floor } = asked;
        let (counter, state) = (Counter(counter), StockState::OnHand);
        Self::new(CounterRow { counter, location: 0, state, key: key.into_bytes() }, delta, floor)
    }
}

/// A currency by its ISO 4217 code, one that is in use.
pub(super) fn currency(code: &str) -> Result<Currency, Failure> {
    code.parse().map_err(|error| Failure::bad_request(format!("currency {code:?}: {error}")))
}

/// A till's key, 32 hexadecimal digits.
pub(super) fn key(text: &str) -> Result<IdempotencyKey, Failure> {
    text.parse().map_err(|error| Failure::bad_request(format!("key {text:?}: {error}")))
}

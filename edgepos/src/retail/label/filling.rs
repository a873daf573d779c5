//! A line whose product was named by a label: what the label says stands in it, and what the till says otherwise is refused.

use super::pattern::{self, Read, Said};
use super::{Labels, number};
use crate::retail::catalogue::Catalogue;
use crate::retail::catalogue::body::ProductSet;
use crate::retail::code;
use crate::retail::money::{Currency, MAX_MAGNITUDE};
use crate::retail::sale::body::Line;
use crate::retail::sale::draft::Draft;
use crate::terminal::refusal::Refusal;

const PAID: &str = "goods that come back on their receipt have the amount that was paid: say it";

/// What a label is read against.
pub(crate) struct Filling<'a> {
    pub(crate) labels: &'a Labels,
    pub(crate) catalogue: &'a Catalogue,
    /// The lines of the basket where it is open: what a line has cost since it was scanned it goes on costing.
    pub(crate) open: &'a [Line],
    pub(crate) now_ms: u64,
}

impl Filling<'_> {
    /// Names the item of each label in a draft. A quantity or an amount of 0 is one that the till leaves to the label.
    ///
    /// # Errors
    /// When a line says something else than its label, or its label leaves open what the line must say; when neither the line nor a label
    /// that is read here says anything of goods whose number may be a label's.
    pub(crate) fn fill(&self, draft: &mut Draft) -> Result<(), Refusal> {
        let gives_back = draft.doc_type.gives_back();
        for line in &mut draft.lines {
            let says_nothing = (line.quantity, line.amount) == (0, 0);
            let read = match self.labels.read(&line.product) {
                Ok(None) if says_nothing && may_be_label(&line.product) => {
                    Err("it may be a label, and no label that is read here: say its quantity and amount")
                }
                Ok(None) => continue,
                Ok(Some(label)) => Ok(label),
                Err(reason) => Err(reason),
            };
            // As it was begun, by whichever till and with whichever setting, it goes on.
            if self.open.iter().any(|had| is_same(had, line)) {
                continue;
            }
            let label = read.map_err(|reason| Refusal::BadLine { line: line.no, reason })?;
            let currency = draft.currency;
            let says_back = if line.quantity == 0 { line.amount < 0 } else { line.quantity < 0 };
            let sign = if gives_back || line.original.is_some() || says_back { -1 } else { 1 };
            line.lot = line.lot.take().or_else(|| code::lot(&line.product));
            line.product.clone_from(&label.item);
            let filled = match label.value {
                // What comes back on its receipt is what the receipt says, not what a label says of it.
                _ if line.original.is_some() && line.amount == 0 => Err(PAID),
                _ if line.original.is_some() && line.quantity != 0 => Ok(()),
                Said::Price(..) if line.original.is_some() => self.piece(line, sign),
                Said::Price(_, of) if of != currency => Err("its label has a price in another currency"),
                Said::Price(price, _) => self.price(line, sign, price),
                Said::Weight(..) | Said::Count(_) => self
                    .measure(line, sign, &label)
                    .and_then(|()| if line.amount == 0 { self.cost(line, sign, currency) } else { Ok(()) }),
            };
            filled.map_err(|reason| Refusal::BadLine { line: line.no, reason })?;
        }
        Ok(())
    }

    /// A label with a price: it stands in the amount.
    fn price(&self, line: &mut Line, sign: i64, price: i64) -> Result<(), &'static str> {
        let amount = sign * price.saturating_sub(taken_off(line));
        if line.amount != 0 && line.amount != amount {
            return Err("its amount is not the price of its label less its discounts");
        }
        line.amount = amount;
        self.piece(line, sign)?;
        if (line.quantity, line.scale) == (sign, 0) && line.unit_price == 0 {
            line.unit_price = price;
        }
        Ok(())
    }

    /// A label with a price is of one piece, or of a weight that the line has to say.
    fn piece(&self, line: &mut Line, sign: i64) -> Result<(), &'static str> {
        let is_weighed = self.weighs(&line.product).is_some() || self.scale(line).unwrap_or(line.scale) > 0;
        match line.quantity {
            0 if is_weighed => Err("its label has a price and no weight: say its quantity"),
            0 => {
                line.quantity = sign;
                Ok(())
            }
            said if is_weighed || said == sign => Ok(()),
            _ => Err("its label is of one piece: each has a line"),
        }
    }

    /// A label with a weight or a count: it stands in the quantity, as the product is counted.
    fn measure(&self, line: &mut Line, sign: i64, label: &Read) -> Result<(), &'static str> {
        let unit = self.product(&line.product).map(|product| product.base_unit.as_str());
        let (said, decimals, power) = match label.value {
            Said::Weight(weight, decimals) => {
                let power = match (unit, self.weighs(&line.product)) {
                    (_, Some(power)) => power,
                    (None | Some(""), None) => 0,
                    (Some(_), None) => {
                        return Err("its label has a weight, and its product is not counted in kg or g");
                    }
                };
                (weight, decimals, power)
            }
            Said::Count(count) if self.weighs(&line.product).is_none() => (count, 0, 0),
            Said::Count(_) | Said::Price(..) => {
                return Err("its label has a count, and its product is weighed");
            }
        };
        let scale = self.scale(line).unwrap_or(if line.scale > 0 { line.scale } else { decimals });
        let quantity = shifted(said, i32::from(power) + i32::from(scale) - i32::from(decimals))
            .ok_or("its label says more digits than its product is counted with")?;
        if line.quantity == 0 && (line.scale == 0 || line.scale == scale) {
            (line.quantity, line.scale) = (sign * quantity, scale);
            return Ok(());
        }
        if (line.quantity, line.scale) == (sign * quantity, scale) {
            return Ok(());
        }
        Err("its quantity is not that of its label, as its product is counted")
    }

    /// What the line comes to: the price of one unit, which the till says, the line has had or the price list has, times its quantity,
    /// to the nearest minor unit, half away from zero, less its discounts.
    fn cost(&self, line: &mut Line, sign: i64, currency: Currency) -> Result<(), &'static str> {
        if line.unit_price < 0 {
            return Err("its price of one unit is below zero");
        }
        if line.unit_price == 0 {
            let had = self.open.iter().find(|had| {
                (had.no, &had.product, had.quantity, had.scale)
                    == (line.no, &line.product, line.quantity, line.scale)
            });
            if let Some(had) = had {
                line.unit_price = had.unit_price;
                line.price_version = line.price_version.or(had.price_version);
                let gross = (sign * had.amount).saturating_add(taken_off(had));
                line.amount = sign * gross.saturating_sub(taken_off(line));
                return Ok(());
            }
            let listed = self.catalogue.price(&line.product, 0, self.now_ms);
            let price = listed
                .filter(|price| price.currency == currency)
                .ok_or("neither the line nor the price list says what its goods cost")?;
            line.unit_price = price.amount;
            line.price_version = line.price_version.or(price.version);
        }
        let per_unit = 10_i128.pow(u32::from(line.scale.min(9)));
        let product = i128::from(line.unit_price) * i128::from(line.quantity.unsigned_abs());
        let gross = i64::try_from((product + per_unit / 2) / per_unit).ok();
        let gross =
            gross.filter(|gross| gross.unsigned_abs() <= MAX_MAGNITUDE).ok_or("its amount is over 10^12")?;
        line.amount = sign * gross.saturating_sub(taken_off(line));
        Ok(())
    }

    /// By which power of ten a product's unit is lighter than a kg; `None` where it is no weight. Units by their signs and by their codes
    /// (UN/ECE Recommendation 20).
    fn weighs(&self, product: &str) -> Option<u8> {
        match self.product(product)?.base_unit.to_ascii_lowercase().as_str() {
            "kg" | "kgm" => Some(0),
            "hg" | "hgm" => Some(1),
            "g" | "grm" => Some(3),
            _ => None,
        }
    }

    /// What is in force of the product, or what was last said where nothing is yet.
    fn product(&self, product: &str) -> Option<&ProductSet> {
        let now = self.catalogue.product_at(product, self.now_ms);
        now.or_else(|| self.catalogue.product(product))
    }

    fn scale(&self, line: &Line) -> Option<u8> {
        self.catalogue.scale(&line.product)
    }
}

/// Whether a line says what it said when it was begun.
fn is_same(had: &Line, line: &Line) -> bool {
    let said = |line: &Line| (line.no, line.quantity, line.scale, line.amount);
    said(had) == said(line) && code::key(&had.product) == code::key(&line.product)
}

/// Whether a code is a number among which labels are.
fn may_be_label(code: &str) -> bool {
    number(code).is_some_and(|number| pattern::is_of_shops(number.as_bytes()))
}

fn taken_off(line: &Line) -> i64 {
    line.discounts.iter().fold(0, |sum: i64, discount| sum.saturating_add(discount.amount))
}

/// A number times a power of ten; `None` where that is no whole number, or too large.
fn shifted(number: i64, power: i32) -> Option<i64> {
    let factor = 10_i64.checked_pow(power.unsigned_abs())?;
    if power >= 0 {
        return number.checked_mul(factor);
    }
    (number % factor == 0).then(|| number / factor)
}

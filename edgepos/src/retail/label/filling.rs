//! A line whose product was named by a label: what the label says stands in it, and what the till says otherwise is refused.

use edgepos_wire::to_cbor;
use sha2::{Digest as _, Sha256};

use super::pattern::{self, Read, Said};
use super::{Labels, number};
use crate::retail::catalogue::Catalogue;
use crate::retail::catalogue::body::ProductSet;
use crate::retail::code;
use crate::retail::counters::Counters;
use crate::retail::money::{Currency, MAX_MAGNITUDE};
use crate::retail::sale::body::{Line, OriginalLine};
use crate::retail::sale::draft::Draft;
use crate::terminal::refusal::Refusal;

const PAID: &str = "goods that come back on their receipt have the amount that was paid: say it";
const NOTHING: &str = "it may be a label, no label that is read here, and costs nothing: say its quantity and amount, or its price of one \
                       unit and the discounts that leave nothing of it, or set its price to 0";

/// What a label is read against.
pub(crate) struct Filling<'a> {
    pub(crate) labels: &'a Labels,
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) counters: &'a Counters,
    /// The lines of the basket where it is open: what a line has cost since it was scanned it goes on costing.
    pub(crate) open: &'a [Line],
    /// What the till said for these, where labels said a part of them.
    pub(crate) open_as_said: Option<&'a [u8]>,
    pub(crate) now_ms: u64,
}

impl Filling<'_> {
    /// Names the item of each label in a draft. A quantity or an amount of 0 is one that the till leaves to the label. `sold` finds the line
    /// of a receipt that is held here. The fingerprint of what the till said, where a label said a part of it.
    ///
    /// # Errors
    /// When a line says something else than its label, or its label leaves open what the line must say; when neither the line nor a label
    /// that is read here says what goods cost whose number may be a label's.
    pub(crate) fn fill<'r>(
        &self,
        draft: &mut Draft,
        sold: impl Fn(OriginalLine) -> Option<&'r Line>,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        // Where there are no labels none says anything, and a sale waits for no hash.
        let may_be_filled = self.open_as_said.is_some() || *self.labels != Labels::default();
        let as_said = may_be_filled.then(|| fingerprint(&draft.lines));
        // The same words, whatever the labels and the price list say by now.
        if as_said.is_some() && self.open_as_said == as_said.as_deref() {
            draft.lines = self.open.to_vec();
            return Ok(as_said);
        }
        let document = (draft.currency, draft.doc_type.gives_back());
        let mut is_filled = false;
        for line in &mut draft.lines {
            let sold = line.original.and_then(&sold);
            let filled = self.fill_line(line, document, sold);
            is_filled |= filled.map_err(|reason| Refusal::BadLine { line: line.no, reason })?;
        }
        Ok(as_said.filter(|_| is_filled))
    }

    /// Whether a label says a part of the line.
    fn fill_line(
        &self,
        line: &mut Line,
        (currency, gives_back): (Currency, bool),
        sold: Option<&Line>,
    ) -> Result<bool, &'static str> {
        let read = self.labels.read(&line.product);
        // As it was begun, by whichever till and with whichever setting, it goes on.
        let goes_on = || self.open.iter().any(|had| is_same(had, line));
        let label = match read {
            Ok(None)
                if may_be_label(&line.product)
                    && costs_nothing(line)
                    && !self.is_free(line, currency)
                    && !goes_on() =>
            {
                return Err(NOTHING);
            }
            Ok(None) => return Ok(self.name_as_sold(line, sold)),
            Ok(Some(_)) | Err(_) if goes_on() => return Ok(false),
            label => label,
        };
        // A receipt of before its store had labels names the label itself: what it sold was taken from there.
        if let Some(sold) = sold.filter(|sold| code::key(&sold.product) == code::key(&line.product)) {
            return as_sold(line, sold).map(|()| true);
        }
        let Some(label) = label? else { return Ok(false) };
        let says_back = if line.quantity == 0 { line.amount < 0 } else { line.quantity < 0 };
        let comes_back = line.original.is_some();
        let sign = if gives_back || comes_back || says_back { -1 } else { 1 };
        line.lot = line.lot.take().or_else(|| code::lot(&line.product));
        line.product.clone_from(&label.item);
        match label.value {
            // What comes back on its receipt is what the receipt says, not what a label says of it.
            _ if comes_back && line.amount == 0 && sold.is_none_or(|sold| sold.amount != 0) => Err(PAID),
            _ if comes_back && line.quantity != 0 => Ok(()),
            Said::Price(..) if comes_back => self.piece(line, sign),
            Said::Price(_, of) if of != currency => Err("its label has a price in another currency"),
            Said::Price(price, _) => self.price(line, sign, price),
            Said::Weight(..) | Said::Count(_) => self.measure(line, sign, &label).and_then(|()| {
                if line.amount == 0 && !comes_back { self.cost(line, sign, currency) } else { Ok(()) }
            }),
        }
        .map(|()| true)
    }

    /// Whether the price list has this very number for nothing, and the line says how many.
    fn is_free(&self, line: &Line, currency: Currency) -> bool {
        let listed = || self.catalogue.price(&line.product, 0, self.now_ms);
        line.quantity != 0 && listed().is_some_and(|price| price.amount == 0 && price.currency == currency)
    }

    /// Names the label where the till names its item, and the receipt is of before its store had labels. Whether it does.
    fn name_as_sold(&self, line: &mut Line, sold: Option<&Line>) -> bool {
        let item = code::key(&line.product);
        let label = sold.filter(|sold| code::key(&sold.product) != item);
        let label = label.filter(|sold| self.labels.item(&sold.product) == item);
        if let Some(sold) = label {
            line.product.clone_from(&sold.product);
        }
        label.is_some()
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
        let known = self.scale(line).or_else(|| Some(line.scale).filter(|scale| *scale > 0));
        let is_counted = || !self.counters.stock(&line.product).is_empty();
        if known.is_none() && line.quantity == 0 && decimals > 0 && is_counted() {
            return Err(
                "nobody has said with how many decimal digits its product is counted: say its quantity",
            );
        }
        let scale = known.unwrap_or(decimals);
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
        let gross = gross(line).ok_or("its amount is over 10^12")?;
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

/// What lines say, in short.
fn fingerprint(lines: &[Line]) -> Vec<u8> {
    Sha256::digest(to_cbor(&lines)).to_vec()
}

/// What comes back of a line that names the label itself, where the till leaves the quantity open: the piece, or all of the weight.
fn as_sold(line: &mut Line, sold: &Line) -> Result<(), &'static str> {
    if line.amount == 0 && sold.amount != 0 {
        return Err(PAID);
    }
    if line.quantity == 0 {
        if sold.quantity < 1 || sold.scale == 0 && sold.quantity > 1 {
            return Err("its receipt says another quantity than its label: say what comes back");
        }
        (line.quantity, line.scale) = (-sold.quantity, sold.scale);
    }
    Ok(())
}

/// Whether a line leaves open what its goods cost, and does not say why that is nothing. What comes back on its receipt may have cost
/// nothing.
fn costs_nothing(line: &Line) -> bool {
    let says_nothing = (line.quantity, line.amount) == (0, 0);
    let is_given = || line.unit_price > 0 && gross(line) == Some(taken_off(line));
    says_nothing || line.amount == 0 && line.original.is_none() && !is_given()
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

/// The price of one unit times the quantity, to the nearest minor unit; `None` where it is too large.
fn gross(line: &Line) -> Option<i64> {
    let per_unit = 10_i128.pow(u32::from(line.scale.min(9)));
    let product = i128::from(line.unit_price) * i128::from(line.quantity.unsigned_abs());
    let gross = i64::try_from((product + per_unit / 2) / per_unit).ok();
    gross.filter(|gross| gross.unsigned_abs() <= MAX_MAGNITUDE)
}

/// A number times a power of ten; `None` where that is no whole number, or too large.
fn shifted(number: i64, power: i32) -> Option<i64> {
    let factor = 10_i64.checked_pow(power.unsigned_abs())?;
    if power >= 0 {
        return number.checked_mul(factor);
    }
    (number % factor == 0).then(|| number / factor)
}

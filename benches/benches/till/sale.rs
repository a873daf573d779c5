//! The sale that everybody makes: seven lines of a thousand products, with names that say nothing of when.

/// Lines of a sale.
pub(crate) const LINES: usize = 7;
/// Products of the shop.
pub(crate) const PRODUCTS: u64 = 1_000;
/// The price of each.
pub(crate) const PRICE: i64 = 129;

/// A stream of sales; two with one seed are equal.
#[derive(Clone, Debug)]
pub(crate) struct Sales(u64);

/// One sale.
#[derive(Clone, Debug)]
pub(crate) struct Sale {
    pub(crate) basket: [u8; 16],
    pub(crate) key: [u8; 16],
    pub(crate) products: [u64; LINES],
}

impl Sales {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_add(1).wrapping_mul(0xD1B5_4A32_D192_ED03))
    }

    pub(crate) fn next(&mut self) -> Sale {
        let (basket, key) = (self.name(), self.name());
        Sale { basket, key, products: std::array::from_fn(|_| self.number() % PRODUCTS) }
    }

    fn number(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn name(&mut self) -> [u8; 16] {
        let mut name = [0; 16];
        name[..8].copy_from_slice(&self.number().to_be_bytes());
        name[8..].copy_from_slice(&self.number().to_be_bytes());
        name
    }
}

/// The code of a product.
pub(crate) fn code(product: u64) -> String {
    format!("product-{product:05}")
}

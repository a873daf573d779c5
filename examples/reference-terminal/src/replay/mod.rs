//! The shopping that a demo replays: baskets from a CSV file.

mod basket;
mod csv;
mod products;

pub use self::basket::{Basket, BasketLine};
pub use self::csv::{COLUMNS, CsvError, Limits, read_baskets};
pub use self::products::{ProductNames, read_products};

use std::path::PathBuf;

/// The week that ships with this program.
pub fn shipped_week() -> PathBuf {
    data_dir().join("week.csv")
}

/// The product list that ships with this program.
pub fn shipped_products() -> PathBuf {
    data_dir().join("products.csv")
}

fn data_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data")
}

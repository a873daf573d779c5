//! What products are called.

use std::collections::BTreeMap;
use std::path::Path;

/// Product code → a name for people. A product that is not here is sold all the same, under its code.
#[derive(Clone, Debug, Default)]
pub struct ProductNames(BTreeMap<String, String>);

impl ProductNames {
    /// The name, or the code itself.
    pub fn name<'a>(&'a self, product: &'a str) -> &'a str {
        self.0.get(product).map_or(product, String::as_str)
    }

    /// How many are known.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The names in a product list with the columns `product_id`, `product_category`, `product_type` and `package_size`.
///
/// Names are a comfort: a list that is missing or damaged yields what could be read of it, and a warning in the log.
pub fn read_products(path: &Path) -> ProductNames {
    let mut names = BTreeMap::new();
    let mut reader = match csv::Reader::from_path(path) {
        Ok(reader) => reader,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "no product names");
            return ProductNames(names);
        }
    };
    let column = |reader: &mut csv::Reader<std::fs::File>, name: &str| {
        reader.headers().ok().and_then(|header| header.iter().position(|column| column == name))
    };
    let Some(id) = column(&mut reader, "product_id") else {
        tracing::warn!(path = %path.display(), "no column product_id, no product names");
        return ProductNames(names);
    };
    let parts: Vec<usize> = ["product_category", "product_type", "package_size"]
        .iter()
        .filter_map(|name| column(&mut reader, name))
        .collect();
    for record in reader.records().map_while(Result::ok) {
        let name: Vec<&str> =
            parts.iter().filter_map(|&part| record.get(part)).filter(|part| !part.is_empty()).collect();
        if let Some(id) = record.get(id).filter(|_| !name.is_empty()) {
            names.insert(id.to_owned(), name.join(", "));
        }
    }
    ProductNames(names)
}

//! Products and prices: the newest stamp wins.

use std::collections::BTreeMap;

use edgepos_core::{Chain, EventId, RepairGen, Space, Write};
use edgepos_crdt::{Hlc, Stamp};
use minicbor::{Decode, Encode};

use crate::model::{Envelope, Kind, PriceSet, ProductSet, from_cbor, to_cbor};

/// Registers by product, and by (product, price list).
#[derive(Debug, Default)]
pub(in super::super) struct Catalogue {
    products: BTreeMap<String, Entry<ProductSet>>,
    prices: BTreeMap<(String, u16), Entry<PriceSet>>,
}

#[derive(Debug)]
struct Entry<V> {
    stamp: Stamp,
    value: V,
}

/// What an event says to a register.
#[derive(Debug)]
pub(super) struct Change {
    stamp: Stamp,
    value: Value,
}

#[derive(Debug, Encode, Decode)]
enum Value {
    #[n(0)]
    Product(#[n(0)] ProductSet),
    #[n(1)]
    Price(#[n(0)] PriceSet),
}

/// A register on disk.
#[derive(Debug, Encode, Decode)]
struct Stored {
    #[n(0)]
    generation: u32,
    #[n(1)]
    hlc: u64,
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    chain: Vec<u8>,
    #[n(3)]
    value: Value,
}

impl Catalogue {
    /// Reads the change without making it.
    pub(super) fn read(id: EventId, envelope: &Envelope) -> Result<Change, String> {
        let body = &envelope.body;
        let value = if envelope.kind == Kind::PRODUCT_SET {
            from_cbor(body).map(Value::Product)
        } else {
            from_cbor(body).map(Value::Price)
        };
        let stamp = Stamp::new(RepairGen(0), envelope.hlc(), id.chain);
        value.map(|value| Change { stamp, value }).map_err(|error| error.to_string())
    }

    pub(super) fn apply(&mut self, change: Change, writes: &mut Vec<Write>) {
        let Change { stamp, value } = change;
        let key = key_of(&value);
        let stored = Stored {
            generation: stamp.repair.0,
            hlc: stamp.hlc.0,
            chain: stamp.chain.to_key().to_vec(),
            value,
        };
        let row = to_cbor(&stored);
        if self.set(stamp, stored.value) {
            writes.push(Write::put(Space::Register, key, row));
        }
    }

    pub(super) fn restore(&mut self, _key: &[u8], row: &[u8]) -> Result<(), String> {
        let stored: Stored = from_cbor(row).map_err(|error| error.to_string())?;
        let chain = Chain::from_key(&stored.chain).ok_or("a register's stamp names no chain")?;
        let stamp = Stamp::new(RepairGen(stored.generation), Hlc(stored.hlc), chain);
        self.set(stamp, stored.value);
        Ok(())
    }

    pub(in super::super) fn product(&self, product: &str) -> Option<&ProductSet> {
        self.products.get(product).map(|entry| &entry.value)
    }

    /// The newest price of the list, while it is valid.
    pub(in super::super) fn price(&self, product: &str, list: u16, at_ms: u64) -> Option<&PriceSet> {
        let price = &self.prices.get(&(product.to_owned(), list))?.value;
        let from = price.valid_from.is_none_or(|from| from <= at_ms);
        let to = price.valid_to.is_none_or(|to| at_ms < to);
        (from && to).then_some(price)
    }

    /// Whether the value won.
    fn set(&mut self, stamp: Stamp, value: Value) -> bool {
        match value {
            Value::Product(value) => {
                newest(&mut self.products, value.product.clone(), Entry { stamp, value })
            }
            Value::Price(value) => {
                newest(&mut self.prices, (value.product.clone(), value.list), Entry { stamp, value })
            }
        }
    }
}

fn newest<K: Ord, V>(map: &mut BTreeMap<K, Entry<V>>, key: K, entry: Entry<V>) -> bool {
    if map.get(&key).is_some_and(|current| current.stamp >= entry.stamp) {
        return false;
    }
    map.insert(key, entry);
    true
}

fn key_of(value: &Value) -> Vec<u8> {
    match value {
        Value::Product(product) => [b"p", product.product.as_bytes()].concat(),
        Value::Price(price) => {
            [b"l".as_slice(), &price.list.to_be_bytes(), price.product.as_bytes()].concat()
        }
    }
}

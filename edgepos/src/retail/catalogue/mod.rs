//! Products and prices: registers in which the newest stamp wins.

pub(crate) mod body;

use std::collections::BTreeMap;

use edgepos_core::{Chain, EventId, RepairGen, Space, Write};
use edgepos_crdt::{Hlc, LwwRegister, Stamp};
use edgepos_wire::{DecodeError, from_cbor, to_cbor};
use minicbor::{Decode, Encode};

use self::body::{PriceSet, ProductSet};
use super::envelope::Envelope;
use super::kind::KnownKind;
use super::record::Record;
use crate::retail::unreadable::Unreadable;
use crate::terminal::unit_of_work::UnitOfWork;

/// The first byte of a register's key on disk: what it holds.
const PRODUCT: u8 = b'p';
const PRICE: u8 = b'l';

/// Registers by product, and by (product, price list).
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    products: BTreeMap<String, LwwRegister<ProductSet>>,
    prices: BTreeMap<(String, u16), LwwRegister<PriceSet>>,
}

/// What an event says to a register.
#[derive(Debug)]
pub(crate) struct Change {
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
    /// Reads a product's change without making it.
    pub(crate) fn read_product(id: EventId, envelope: &Envelope) -> Result<Change, Unreadable> {
        Self::read(id, envelope, from_cbor("product", &envelope.body).map(Value::Product))
    }

    /// Reads a price's change without making it.
    pub(crate) fn read_price(id: EventId, envelope: &Envelope) -> Result<Change, Unreadable> {
        Self::read(id, envelope, from_cbor("price", &envelope.body).map(Value::Price))
    }

    fn read(
        id: EventId,
        envelope: &Envelope,
        value: Result<Value, DecodeError>,
    ) -> Result<Change, Unreadable> {
        let stamp = Stamp::new(RepairGen(0), envelope.hlc(), id.chain);
        Ok(Change { stamp, value: value? })
    }

    /// Makes the change, where its stamp is the newest. Whether that says something else of how stock is counted.
    pub(crate) fn apply(&mut self, change: Change, out: &mut UnitOfWork) -> bool {
        let Change { stamp, value } = change;
        let key = key_of(&value);
        let stored = Stored {
            generation: stamp.repair.0,
            hlc: stamp.hlc.0,
            chain: stamp.chain.to_key().to_vec(),
            value,
        };
        let row = to_cbor(&stored);
        let product = match &stored.value {
            Value::Product(product) => Some(product.product.clone()),
            Value::Price(_) => None,
        };
        let counting = |catalogue: &Self| {
            let product = product.as_ref().and_then(|product| catalogue.product(product));
            product.map_or((None, None), |product| (product.counted, product.floor))
        };
        let before = counting(self);
        if self.set(stamp, stored.value) {
            out.write(Write::put(Space::Register, key, row));
        }
        counting(self) != before
    }

    /// Takes a register from disk. One of a kind that a later version wrote stays there, untouched.
    pub(crate) fn restore(&mut self, key: &[u8], row: &[u8]) -> Result<(), Unreadable> {
        if !matches!(key.first(), Some(&PRODUCT | &PRICE)) {
            return Ok(());
        }
        let stored: Stored = from_cbor("register row", row)?;
        let chain = Chain::from_key(&stored.chain).ok_or(Unreadable::NoName { what: "a chain" })?;
        let stamp = Stamp::new(RepairGen(stored.generation), Hlc(stored.hlc), chain);
        self.set(stamp, stored.value);
        Ok(())
    }

    /// A product's master data.
    pub(crate) fn product(&self, product: &str) -> Option<&ProductSet> {
        self.products.get(product).map(LwwRegister::value)
    }

    /// The newest price of the list, while it is valid.
    pub(crate) fn price(&self, product: &str, list: u16, at_ms: u64) -> Option<&PriceSet> {
        let price = self.prices.get(&(product.to_owned(), list))?.value();
        let from = price.valid_from.is_none_or(|from| from <= at_ms);
        let to = price.valid_to.is_none_or(|to| at_ms < to);
        (from && to).then_some(price)
    }

    /// Whether the value won.
    fn set(&mut self, stamp: Stamp, value: Value) -> bool {
        match value {
            Value::Product(value) => newest(&mut self.products, value.product.clone(), stamp, value),
            Value::Price(value) => {
                newest(&mut self.prices, (value.product.clone(), value.list), stamp, value)
            }
        }
    }
}

fn newest<K: Ord, V>(map: &mut BTreeMap<K, LwwRegister<V>>, key: K, stamp: Stamp, value: V) -> bool {
    match map.get_mut(&key) {
        Some(register) => register.set(stamp, value).is_ok(),
        None => map.insert(key, LwwRegister::new(stamp, value)).is_none(),
    }
}

fn key_of(value: &Value) -> Vec<u8> {
    match value {
        Value::Product(product) => [&[PRODUCT], product.product.as_bytes()].concat(),
        Value::Price(price) => {
            [[PRICE].as_slice(), &price.list.to_be_bytes(), price.product.as_bytes()].concat()
        }
    }
}

impl Record {
    /// A product's master data.
    pub fn product(product: &ProductSet) -> Self {
        Self::event(KnownKind::ProductSet, to_cbor(product), Vec::new())
    }

    /// A price of a product on a list.
    pub fn price(price: &PriceSet) -> Self {
        Self::event(KnownKind::PriceSet, to_cbor(price), Vec::new())
    }
}

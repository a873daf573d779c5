//! Products and prices: every version is kept with the time that it is valid, and of those of one time the newest stamp wins.

pub(crate) mod body;
mod versions;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use edgepos_core::{Chain, EventId, RepairGen, Space, Write};
use edgepos_crdt::{Hlc, Stamp};
use edgepos_wire::{DecodeError, from_cbor, to_cbor};
use minicbor::{Decode, Encode};

use self::body::{PriceSet, ProductSet};
use self::versions::{Dated, MAX_VERSIONS, Set, Versions, Window};
use super::code;
use super::effect::{Counter, Effect};
use super::envelope::Envelope;
use super::kind::KnownKind;
use super::money::MAX_MAGNITUDE;
use super::record::Record;
use super::redact::{is_card_number, mask_whole};
use super::sale::body::Line;
use crate::retail::unreadable::Unreadable;
use crate::terminal::ledger::Above;
use crate::terminal::refusal::Refusal;
use crate::terminal::unit_of_work::UnitOfWork;

/// The first byte of a register's key on disk: what it holds. A product that is said without a time.
const PRODUCT: u8 = b'p';
/// A product for a time.
const PRODUCT_FOR: u8 = b'w';
/// A price as 0.1.0 kept it: the newest of a list alone. Read, and written no more.
const NEWEST_PRICE: u8 = b'l';
const PRICE: u8 = b'v';
/// With how many decimal digits a product without master data was first sold.
const SCALE: u8 = b's';
/// With how many the oldest of all that was ever said of a product counts it.
const FIRST_SCALE: u8 = b'd';
/// Longest name of a base unit, in bytes.
const MAX_UNIT: usize = 64;
/// Most decimal digits of a base unit.
const MAX_SCALE: u8 = 9;

/// Versions by product, and by (product, price list).
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    products: BTreeMap<String, Versions<ProductSet>>,
    prices: BTreeMap<(String, u16), Versions<PriceSet>>,
    scales: BTreeMap<String, u8>,
    /// Of all that was ever said of a product: the scale with the oldest stamp. It never changes once every till has heard it, also where
    /// two tills that were cut off from each other have said two.
    first_scales: BTreeMap<String, (Stamp, u8)>,
    /// When another version of a product comes into force, or the one in force ends, in ms since 1970 UTC.
    turns: BTreeSet<(u64, String)>,
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

/// The scale that was said first, on disk.
#[derive(Debug, Encode, Decode)]
struct FirstScale {
    #[n(0)]
    scale: u8,
    #[n(1)]
    generation: u32,
    #[n(2)]
    hlc: u64,
    #[n(3)]
    #[cbor(with = "minicbor::bytes")]
    chain: Vec<u8>,
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
        let stamp = Stamp::new(envelope.repair(), envelope.hlc(), id.chain);
        Ok(Change { stamp, value: value? })
    }

    /// What the stamp of a register that the event writes must be above to be seen.
    ///
    /// # Errors
    /// When no stamp is above, and it is no repair.
    pub(crate) fn above(&self, kind: KnownKind, body: &[u8], repairs: bool) -> Result<Above, Refusal> {
        match kind {
            KnownKind::ProductSet => self.above_product(body, repairs),
            KnownKind::PriceSet => self.above_price(body, repairs),
            KnownKind::Transaction
            | KnownKind::NumberVoided
            | KnownKind::StockMoved
            | KnownKind::DayOpened
            | KnownKind::DayClosed
            | KnownKind::ExceptionRaised
            | KnownKind::ExceptionEnded
            | KnownKind::PaymentIntent
            | KnownKind::PaymentOutcome
            | KnownKind::ResolutionProposed
            | KnownKind::ExceptionResolved
            | KnownKind::BasketParked
            | KnownKind::BasketClaimed
            | KnownKind::BasketClosed
            | KnownKind::FiscalSigned
            | KnownKind::ReceiptPrinted
            | KnownKind::CustomerSet
            | KnownKind::CustomerLinked
            | KnownKind::CustomerUnlinked
            | KnownKind::CustomerErased
            | KnownKind::DocumentSet
            | KnownKind::CashMoved
            | KnownKind::ShiftOpened
            | KnownKind::ShiftClosed
            | KnownKind::StockCounted
            | KnownKind::CountSettled
            | KnownKind::Attached
            | KnownKind::Custom => Ok(Above::default()),
        }
    }

    /// Whether the version that a change was made from is the one in force here when the change begins.
    ///
    /// # Errors
    /// When it is another, or the kind has no versions.
    pub(crate) fn check_base(
        &self,
        kind: KnownKind,
        body: &[u8],
        base: u64,
        now_ms: u64,
    ) -> Result<(), Refusal> {
        let found = match kind {
            KnownKind::PriceSet => from_cbor::<PriceSet>("price", body).ok().and_then(|price| {
                self.price(&price.product, price.list, price.valid_from.unwrap_or(now_ms))?.version
            }),
            KnownKind::ProductSet => from_cbor::<ProductSet>("product", body).ok().and_then(|product| {
                self.product_at(&product.product, product.valid_from.unwrap_or(now_ms))?.version
            }),
            _ => {
                let reason = "a product or a price alone is made from a version";
                return Err(Refusal::BadField { field: "base", reason });
            }
        };
        let found = found.unwrap_or(0);
        if found == base { Ok(()) } else { Err(Refusal::OtherVersion { base, found }) }
    }

    /// Of a product, above every version of it: a repair is above whatever is there.
    fn above_product(&self, body: &[u8], repairs: bool) -> Result<Above, Refusal> {
        let product: Option<ProductSet> = from_cbor("product", body).ok();
        let seen = product.and_then(|product| self.products.get(&code::key(&product.product))?.newest());
        above(seen.map(|register| register.stamp()), repairs)
    }

    /// Of a price: a repair is above whatever is there.
    fn above_price(&self, body: &[u8], repairs: bool) -> Result<Above, Refusal> {
        let price: Option<PriceSet> = from_cbor("price", body).ok();
        let seen = price.and_then(|price| {
            self.prices.get(&(code::key(&price.product), price.list))?.seen(price.window())
        });
        above(seen, repairs)
    }

    /// Refuses a product that is counted in another way than it was, and a version that would be forgotten at once.
    ///
    /// # Errors
    /// When `body` is such a change.
    pub(crate) fn check(&self, kind: KnownKind, body: &[u8], now_ms: u64) -> Result<(), Refusal> {
        let has_room = match kind {
            KnownKind::ProductSet => {
                let Ok(said) = from_cbor::<ProductSet>("product", body) else { return Ok(()) };
                let product = code::key(&said.product);
                if self.scale(&product).is_some_and(|known| known != said.scale) {
                    let reason = "the product is counted with another number of decimal digits, which stays";
                    return Err(Refusal::BadField { field: "scale", reason });
                }
                let known = self.products.get(&product).and_then(Versions::newest);
                let known = known.map_or("", |register| register.value().base_unit.as_str());
                if !known.is_empty() && known != said.base_unit {
                    let reason = "the product is counted in another unit, which stays";
                    return Err(Refusal::BadField { field: "base_unit", reason });
                }
                self.products.get(&product).is_none_or(|versions| versions.has_room(said.window(), now_ms))
            }
            KnownKind::PriceSet => {
                let Ok(said) = from_cbor::<PriceSet>("price", body) else { return Ok(()) };
                let versions = self.prices.get(&(code::key(&said.product), said.list));
                versions.is_none_or(|versions| versions.has_room(said.window(), now_ms))
            }
            _ => true,
        };
        let full = Refusal::Full { what: "versions of one price or product", limit: MAX_VERSIONS };
        if has_room { Ok(()) } else { Err(full) }
    }

    /// With how many decimal digits a product is counted, by its code as counters name it: as was said first, or as it was first sold.
    pub(crate) fn scale(&self, product: &str) -> Option<u8> {
        let said = self.first_scales.get(product).map(|(_, scale)| *scale);
        said.or_else(|| self.scales.get(product).copied())
    }

    /// Notes what is said of a product's scale. Whether nothing older is known.
    fn note_first_scale(&mut self, product: &str, stamp: Stamp, scale: u8) -> bool {
        let is_older = |(known, _): &(Stamp, u8)| stamp < *known;
        let is_first = self.first_scales.get(product).is_none_or(is_older);
        if is_first {
            self.first_scales.insert(product.to_owned(), (stamp, scale));
        }
        is_first
    }

    /// Notes when a version of a product comes into force and when it ends, and forgets that of one that is forgotten.
    fn note_turns(&mut self, product: &str, set: Window, forgotten: Option<Window>) {
        // What has no beginning or no end turns nothing there: most products have neither.
        let turns = |window: Window| {
            let ends = [window.from, window.to].into_iter().filter(|at| (1..u64::MAX).contains(at));
            ends.map(|at| (at, product.to_owned()))
        };
        self.turns.extend(turns(set));
        if let Some(forgotten) = forgotten {
            for turn in turns(forgotten) {
                self.turns.remove(&turn);
            }
            let kept = self.products.get(product).into_iter().flat_map(Versions::windows);
            self.turns.extend(kept.flat_map(turns));
        }
    }

    /// Products of which another version is in force at `now_ms` than was at `since_ms`.
    pub(crate) fn turned(&self, since_ms: u64, now_ms: u64) -> impl Iterator<Item = &str> {
        // A clock that was set back turns them back.
        let (from, to) = (since_ms.min(now_ms).saturating_add(1), since_ms.max(now_ms));
        let between = self.turns.range((from, String::new())..);
        between.take_while(move |(at, _)| *at <= to).map(|(_, product)| product.as_str())
    }

    /// Makes the change, where its stamp is the newest. The product of which it says something, as counters name it: another version may
    /// be in force.
    pub(crate) fn apply(&mut self, change: Change, out: &mut UnitOfWork) -> Option<String> {
        let Change { stamp, value } = change;
        let stored = Stored {
            generation: stamp.repair.0,
            hlc: stamp.hlc.0,
            chain: stamp.chain.to_key().to_vec(),
            value,
        };
        let row = to_cbor(&stored);
        let key = key_of(&stored.value);
        let mut changed = None;
        let (Set { won, .. }, forgotten) = match stored.value {
            Value::Product(product) => {
                let (code, window, scale) = (code::key(&product.product), product.window(), product.scale);
                if self.note_first_scale(&code, stamp, scale) {
                    let first = FirstScale {
                        scale,
                        generation: stored.generation,
                        hlc: stored.hlc,
                        chain: stored.chain,
                    };
                    let key = [&[FIRST_SCALE], code.as_bytes()].concat();
                    out.write(Write::put(Space::Register, key, to_cbor(&first)));
                }
                let set = self.products.entry(code.clone()).or_default().set(stamp, product);
                self.note_turns(&code, window, set.forgotten);
                changed = Some(code.clone());
                (set, set.forgotten.map(|window| product_key(&code, window)))
            }
            Value::Price(price) => {
                let (product, list) = (code::key(&price.product), price.list);
                let set = self.prices.entry((product.clone(), list)).or_default().set(stamp, price);
                (set, set.forgotten.map(|window| price_key(&product, list, window)))
            }
        };
        if won {
            out.write(Write::put(Space::Register, key, row));
        }
        if let Some(key) = forgotten {
            out.write(Write::delete(Space::Register, key));
        }
        changed.filter(|_| won)
    }

    /// The event that made a change has another name from here on: the change is as if it had been made by an event of `chain`, or, where
    /// none has the other name yet, as if it had not been made.
    pub(crate) fn rename(&mut self, change: Change, chain: Option<Chain>, out: &mut UnitOfWork) {
        let Change { stamp, value } = change;
        let was_seen = match &value {
            Value::Product(product) => {
                let versions = self.products.get_mut(&code::key(&product.product));
                versions.is_some_and(|versions| versions.forget(product.window(), stamp))
            }
            Value::Price(price) => {
                let versions = self.prices.get_mut(&(code::key(&price.product), price.list));
                versions.is_some_and(|versions| versions.forget(price.window(), stamp))
            }
        };
        if let Some(chain) = chain.filter(|_| was_seen) {
            self.apply(Change { stamp: Stamp { chain, ..stamp }, value }, out);
        }
    }

    /// Takes a register from disk. One of a kind that a later version wrote stays there, untouched.
    pub(crate) fn restore(&mut self, key: &[u8], row: &[u8]) -> Result<(), Unreadable> {
        if let Some((&SCALE, product)) = key.split_first() {
            let product = String::from_utf8(product.to_vec());
            let product = product.map_err(|_| Unreadable::NoName { what: "a product" })?;
            self.scales.insert(product, from_cbor("scale row", row)?);
            return Ok(());
        }
        if let Some((&FIRST_SCALE, product)) = key.split_first() {
            let product = String::from_utf8(product.to_vec());
            let product = product.map_err(|_| Unreadable::NoName { what: "a product" })?;
            let FirstScale { scale, generation, hlc, chain } = from_cbor("scale row", row)?;
            let chain = Chain::from_key(&chain).ok_or(Unreadable::NoName { what: "a chain" })?;
            self.note_first_scale(&product, Stamp::new(RepairGen(generation), Hlc(hlc), chain), scale);
            return Ok(());
        }
        if !matches!(key.first(), Some(&PRODUCT | &PRODUCT_FOR | &NEWEST_PRICE | &PRICE)) {
            return Ok(());
        }
        let stored: Stored = from_cbor("register row", row)?;
        let chain = Chain::from_key(&stored.chain).ok_or(Unreadable::NoName { what: "a chain" })?;
        let stamp = Stamp::new(RepairGen(stored.generation), Hlc(stored.hlc), chain);
        match stored.value {
            Value::Product(product) => {
                let (code, window) = (code::key(&product.product), product.window());
                // Where an earlier version wrote none.
                self.note_first_scale(&code, stamp, product.scale);
                self.products.entry(code.clone()).or_default().set(stamp, product);
                self.note_turns(&code, window, None);
            }
            Value::Price(price) => {
                self.prices.entry((code::key(&price.product), price.list)).or_default().set(stamp, price);
            }
        }
        Ok(())
    }

    /// Notes with how many decimal digits products are sold: the first sale of one says it, until its master data does.
    pub(crate) fn note_scales(&mut self, effects: &[Effect], out: &mut UnitOfWork) {
        for effect in effects.iter().filter(|effect| effect.counter == Counter::STOCK && effect.delta != 0) {
            let Ok(product) = String::from_utf8(effect.row().key) else { continue };
            if let Entry::Vacant(vacant) = self.scales.entry(product) {
                let key = [&[SCALE], vacant.key().as_bytes()].concat();
                out.write(Write::put(Space::Register, key, to_cbor(&effect.scale)));
                vacant.insert(effect.scale);
            }
        }
    }

    /// Refuses a line that counts its product in another unit than its master data, the first sale or another line: a piece and 250
    /// grams have no sum.
    pub(crate) fn check_scales(&self, lines: &[Line]) -> Result<(), Refusal> {
        let mut scales: BTreeMap<String, u8> = BTreeMap::new();
        for line in lines.iter().filter(|line| line.quantity != 0) {
            let product = code::key(&line.product);
            let known = self.scale(&product).unwrap_or(line.scale);
            if *scales.entry(product).or_insert(known) != line.scale {
                let reason = "its product is counted with another number of decimal digits";
                return Err(Refusal::BadLine { line: line.no, reason });
            }
        }
        Ok(())
    }

    /// What was last said of a product, whenever it is in force.
    pub(crate) fn product(&self, product: &str) -> Option<&ProductSet> {
        self.products.get(&code::key(product))?.newest().map(|register| register.value())
    }

    /// A product's master data that is in force at this moment.
    pub(crate) fn product_at(&self, product: &str, at_ms: u64) -> Option<&ProductSet> {
        self.products.get(&code::key(product))?.at(at_ms)
    }

    /// The price of the list that is in force at this moment.
    pub(crate) fn price(&self, product: &str, list: u16, at_ms: u64) -> Option<&PriceSet> {
        self.prices.get(&(code::key(product), list))?.at(at_ms)
    }
}

fn key_of(value: &Value) -> Vec<u8> {
    match value {
        Value::Product(product) => product_key(&code::key(&product.product), product.window()),
        Value::Price(price) => price_key(&code::key(&price.product), price.list, price.window()),
    }
}

/// Without a time the row is where 0.1.0 has it.
fn product_key(product: &str, window: Window) -> Vec<u8> {
    if window == Window::ALWAYS {
        return [&[PRODUCT], product.as_bytes()].concat();
    }
    let Window { from, to } = window;
    [[PRODUCT_FOR].as_slice(), &from.to_be_bytes(), &to.to_be_bytes(), product.as_bytes()].concat()
}

fn price_key(product: &str, list: u16, window: Window) -> Vec<u8> {
    let Window { from, to } = window;
    [[PRICE].as_slice(), &list.to_be_bytes(), &from.to_be_bytes(), &to.to_be_bytes(), product.as_bytes()]
        .concat()
}

/// What a stamp must be above that replaces the one that was seen.
fn above(seen: Option<Stamp>, repairs: bool) -> Result<Above, Refusal> {
    let Some(seen) = seen else { return Ok(Above::default()) };
    let next = seen.repair.0.checked_add(1).map(RepairGen);
    match (repairs, next) {
        (true, Some(repair)) => Ok(Above { repair, hlc: Hlc::ZERO }),
        _ if seen.hlc.0 == u64::MAX => Err(Refusal::RegisterAtCeiling { by: seen.chain }),
        _ => Ok(Above { repair: seen.repair, hlc: seen.hlc }),
    }
}

impl Record {
    /// A product's master data. What ends before it begins is refused when it is recorded, as is a scale of more than 9 digits, or another
    /// than the one that the product was ever counted with, and another base unit. Card numbers in its name are masked.
    pub fn product(product: &ProductSet) -> Self {
        if product.window().is_empty() {
            return ends_too_early();
        }
        if product.scale > MAX_SCALE {
            return Self::refuse(Refusal::BadField {
                field: "scale",
                reason: "a scale has at most 9 digits",
            });
        }
        if product.floor.is_some_and(|floor| floor.unsigned_abs() > MAX_MAGNITUDE) {
            return Self::refuse(Refusal::BadField { field: "floor", reason: "it is over 10^12" });
        }
        if let Err(reason) = check_unit(&product.base_unit) {
            return Self::refuse(Refusal::BadField { field: "base_unit", reason });
        }
        match code::check(&product.product) {
            Ok(code) => {
                let name = mask_whole(&product.name);
                let product = ProductSet { product: code, name, ..product.clone() };
                Self::event(KnownKind::ProductSet, to_cbor(&product), Vec::new())
            }
            Err(reason) => bad_product(reason),
        }
    }

    /// A price of a product on a list, from 0 to 10^12. One that ends before it begins is refused when it is recorded.
    pub fn price(price: &PriceSet) -> Self {
        if price.window().is_empty() {
            return ends_too_early();
        }
        if !u64::try_from(price.amount).is_ok_and(|amount| amount <= MAX_MAGNITUDE) {
            return Self::refuse(Refusal::BadField { field: "amount", reason: "a price is from 0 to 10^12" });
        }
        match code::check(&price.product) {
            Ok(product) => {
                let price = PriceSet { product, ..price.clone() };
                Self::event(KnownKind::PriceSet, to_cbor(&price), Vec::new())
            }
            Err(reason) => bad_product(reason),
        }
    }
}

/// Refuses what is no name of a unit.
fn check_unit(unit: &str) -> Result<(), &'static str> {
    match unit {
        _ if unit.len() > MAX_UNIT => Err("a unit has at most 64 bytes"),
        _ if unit.chars().any(char::is_control) => Err("a unit has no control characters"),
        _ if is_card_number(unit) => Err("it is a card number"),
        _ => Ok(()),
    }
}

fn bad_product(reason: &'static str) -> Record {
    Record::refuse(Refusal::BadField { field: "product", reason })
}

fn ends_too_early() -> Record {
    Record::refuse(Refusal::BadField { field: "valid_to", reason: "it is not after valid_from" })
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Lane, ReplicaId, Seq};

    use super::super::kind::Kind;
    use super::*;

    const LOW: Chain = Chain::new(ReplicaId::new(1, 1), Lane::Prices);
    const HIGH: Chain = Chain::new(ReplicaId::new(2, 1), Lane::Prices);

    /// A price is written again under a name that loses against the old one, which leaves its place then.
    #[test]
    fn what_is_written_again_is_seen_under_the_name_that_stays() {
        let price = PriceSet {
            product: "milk".into(),
            list: 0,
            amount: 99,
            currency: crate::model::Currency::EUR,
            tax_included: true,
            valid_from: None,
            valid_to: None,
            version: Some(1),
        };
        let envelope = Envelope::new(Kind::PRICE_SET, 5, Hlc(5), to_cbor(&price));
        let change = |chain| {
            let id = EventId::new(chain, Seq(1));
            Catalogue::read_price(id, &envelope).expect("it is a price")
        };
        let (mut catalogue, mut out) = (Catalogue::default(), UnitOfWork::default());
        catalogue.apply(change(HIGH), &mut out);
        catalogue.apply(change(LOW), &mut out);
        catalogue.rename(change(HIGH), Some(LOW), &mut out);
        assert_eq!(catalogue.price("milk", 0, 9), Some(&price));
        catalogue.rename(change(HIGH), None, &mut out);
        assert_eq!(catalogue.price("milk", 0, 9), Some(&price), "it is another's");
        catalogue.rename(change(LOW), None, &mut out);
        assert_eq!(catalogue.price("milk", 0, 9), None);
    }
}

//! What is said of customers, in documents and beside receipts is on every disk as it was said, and nothing else is.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::model::{
    Attached, BasketId, CustomerErased, CustomerLink, CustomerSet, DocumentSet, Envelope, Kind,
};
use edgepos::{Store, StoreError};
use edgepos_core::{EventId, Space};
use sha2::{Digest, Sha256};

use super::rule::{Rule, Violation};
use super::view::{Facts, StoreView, TerminalView};

/// Bytes of an event's name.
const EVENT: usize = 17;

/// What was promised of what is no sale.
#[derive(Clone, Debug, Default)]
pub struct Sayings {
    /// What each event says.
    bodies: BTreeMap<EventId, (Kind, Vec<u8>)>,
    /// Baskets that are parked, and that nobody has recalled.
    parked: BTreeSet<BasketId>,
    /// Things of which every part is on record.
    attached: BTreeSet<(BasketId, [u8; 32])>,
}

impl Sayings {
    /// An event was said to be recorded, with this body.
    pub fn says(&mut self, event: EventId, kind: Kind, body: Vec<u8>) {
        self.bodies.insert(event, (kind, body));
    }

    /// A basket was said to be parked.
    pub fn parks(&mut self, basket: BasketId) {
        self.parked.insert(basket);
    }

    /// Somebody recalls it.
    pub fn takes(&mut self, basket: BasketId) {
        self.parked.remove(&basket);
    }

    /// All parts of something were said to be recorded.
    pub fn attached(&mut self, basket: BasketId, hash: [u8; 32]) {
        self.attached.insert((basket, hash));
    }
}

/// The rows of a disk that say it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SaidRows {
    /// Of customers and their names, of documents, and of parts that are attached: by the code of their space and their key.
    pub rows: BTreeMap<(u8, Vec<u8>), Vec<u8>>,
    /// Customers who are erased.
    pub erased: BTreeSet<Vec<u8>>,
    /// Customers whose key is kept.
    pub keys: BTreeSet<Vec<u8>>,
    /// Which events parked baskets that nobody has recalled.
    pub parked: BTreeSet<(BasketId, EventId)>,
}

impl SaidRows {
    /// Reads a disk.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(disk: &dyn Store) -> Result<Self, StoreError> {
        let mut said = Self::default();
        for space in [Space::Customer, Space::Document, Space::Attachment] {
            disk.scan_all(space, &mut |key, value| {
                // What a row says of the whole of an attachment stands in its event.
                let value = if space == Space::Attachment { &[] } else { value };
                said.rows.insert((space.code(), key.to_vec()), value.to_vec());
                Ok(())
            })?;
        }
        for (space, names) in
            [(Space::ErasedCustomer, &mut said.erased), (Space::CustomerKey, &mut said.keys)]
        {
            disk.scan_all(space, &mut |key, _| {
                names.insert(key.to_vec());
                Ok(())
            })?;
        }
        let (mut parkings, mut taken) = (Vec::new(), BTreeSet::new());
        disk.scan_all(Space::Parked, &mut |key, _| {
            match key.len() {
                33 => parkings.push(key.to_vec()),
                _ => drop(taken.insert(key[..key.len().min(33)].to_vec())),
            }
            Ok(())
        })?;
        let named = |key: Vec<u8>| {
            let basket = BasketId(*key.first_chunk()?);
            Some((basket, EventId::from_key(&key[16..])?))
        };
        let free = parkings.into_iter().filter(|key| !taken.contains(key));
        said.parked = free.filter_map(named).collect();
        Ok(said)
    }
}

/// Whether events of a kind say something that is judged here.
pub(super) fn is_saying(kind: Kind) -> bool {
    let of_customers =
        [Kind::CUSTOMER_SET, Kind::CUSTOMER_LINKED, Kind::CUSTOMER_UNLINKED, Kind::CUSTOMER_ERASED];
    of_customers.contains(&kind) || [Kind::DOCUMENT_SET, Kind::ATTACHED].contains(&kind)
}

pub(super) fn check(view: &StoreView, promised: &Sayings, found: &mut Vec<Violation>) {
    let facts = Facts::of(view.events());
    let (rows, erased) = expected(&facts);
    let first = view.terminals.iter().find(|terminal| !terminal.later);
    for terminal in view.terminals.iter().filter(|terminal| !terminal.later) {
        let (name, said) = (terminal.replica, &terminal.said);
        let mut wrong =
            |rule, what: String| found.push(Violation::new(rule, format!("terminal {name} {what}")));
        if let Some(((space, key), _)) = rows.iter().find(|(key, value)| said.rows.get(*key) != Some(*value))
        {
            let held = said.rows.get(&(*space, key.clone()));
            wrong(Rule::NothingLost, format!("has {held:?} in space {space} for {key:02x?}"));
        }
        if let Some((space, key)) = said.rows.keys().find(|key| !rows.contains_key(*key)) {
            wrong(Rule::NothingTwice, format!("has a row in space {space} that no event has: {key:02x?}"));
        }
        if let Some(customer) = erased.difference(&said.erased).next() {
            let customer = String::from_utf8_lossy(customer);
            wrong(Rule::NothingLost, format!("does not know that {customer} is erased"));
        }
        if let Some(customer) = said.keys.intersection(&said.erased).next() {
            let customer = String::from_utf8_lossy(customer);
            wrong(Rule::Told, format!("keeps the key of {customer}, who is erased"));
        }
        // Who was erased stays so, whatever is put back.
        if view.put_back.is_empty() && said.erased != erased {
            wrong(Rule::NothingTwice, "has erased somebody whom nobody erased".into());
        }
        if view.put_back.is_empty() && first.is_some_and(|first| first.said.parked != said.parked) {
            wrong(Rule::Converged, "has other parked baskets than the first".into());
        }
    }
    if view.put_back.is_empty() {
        kept(view, promised, found);
    }
}

/// What was promised, where nobody's disk was put back.
fn kept(view: &StoreView, promised: &Sayings, found: &mut Vec<Violation>) {
    for (id, (kind, body)) in &promised.bodies {
        let said = view.cloud.events.get(id).and_then(|payload| Envelope::decode(payload).ok());
        if !said.is_some_and(|said| said.kind == *kind && said.body == *body) {
            found
                .push(lost(format!("the cloud has {id} otherwise than it was recorded, as {}", kind.name())));
        }
    }
    for terminal in view.terminals.iter().filter(|terminal| !terminal.later) {
        let name = terminal.replica;
        let is_parked = |basket| terminal.said.parked.iter().any(|(parked, _)| *parked == basket);
        for basket in promised.parked.iter().filter(|basket| !is_parked(**basket)) {
            found.push(lost(format!("basket {basket}, which is parked, is not at {name}")));
        }
        for (basket, hash) in &promised.attached {
            if whole(terminal, *basket, *hash).is_none() {
                found.push(lost(format!("what is attached to basket {basket} is not whole at {name}")));
            }
        }
    }
}

/// What is attached, put together from its parts as the rows name them.
fn whole(terminal: &TerminalView, basket: BasketId, hash: [u8; 32]) -> Option<Vec<u8>> {
    let prefix = [basket.0.as_slice(), &hash].concat();
    let of_it = |key: &&(u8, Vec<u8>)| key.0 == Space::Attachment.code() && key.1.starts_with(&prefix);
    let mut whole = Vec::new();
    for (_, key) in terminal.said.rows.keys().filter(of_it) {
        let event = EventId::from_key(key.get(prefix.len() + 2..)?)?;
        let part: Attached = body(&Envelope::decode(terminal.events.get(&event)?).ok()?)?;
        whole.extend(part.content);
    }
    let digest: [u8; 32] = Sha256::digest(&whole).into();
    (digest == hash).then_some(whole)
}

/// The rows that follow from what was said, as `docs/formats.md` gives them, and who is erased.
fn expected(facts: &Facts) -> (BTreeMap<(u8, Vec<u8>), Vec<u8>>, BTreeSet<Vec<u8>>) {
    let (mut rows, mut erased) = (BTreeMap::new(), BTreeSet::new());
    for (id, envelope) in &facts.said {
        let row = match envelope.kind {
            Kind::CUSTOMER_ERASED => {
                erased.extend(body::<CustomerErased>(envelope).map(|said| said.customer.into_bytes()));
                None
            }
            Kind::CUSTOMER_SET => body::<CustomerSet>(envelope).map(|said| {
                let name = named(vec![b's'], &said.customer);
                ((Space::Customer, [name, stamp(*id, envelope)].concat()), Vec::new())
            }),
            Kind::CUSTOMER_LINKED | Kind::CUSTOMER_UNLINKED => body::<CustomerLink>(envelope).map(|said| {
                let has_it = envelope.kind == Kind::CUSTOMER_LINKED;
                let value = minicbor::to_vec((&said.customer, has_it)).expect("written into memory");
                let name = named(vec![b'n'], &said.name);
                ((Space::Customer, [name, stamp(*id, envelope)].concat()), value)
            }),
            Kind::DOCUMENT_SET => body::<DocumentSet>(envelope).map(|said| {
                let name = named(named(Vec::new(), &said.namespace), &said.key);
                let from = said.effective_at.unwrap_or(0).to_be_bytes().to_vec();
                let version = said.version.unwrap_or(envelope.hlc().ms());
                let key = [name, from, stamp(*id, envelope)].concat();
                ((Space::Document, key), version.to_be_bytes().to_vec())
            }),
            _ => body::<Attached>(envelope).map(|said| {
                let part = said.part.to_be_bytes();
                let key = [said.basket.0.as_slice(), &said.hash, &part, &id.to_key()].concat();
                ((Space::Attachment, key), Vec::new())
            }),
        };
        rows.extend(row.map(|((space, key), value)| ((space.code(), key), value)));
    }
    (rows, erased)
}

/// A name with its length before it.
fn named(mut key: Vec<u8>, name: &str) -> Vec<u8> {
    key.push(name.len() as u8);
    key.extend(name.as_bytes());
    key
}

/// What decides among several that say something of one thing: repairs, stamp, name.
fn stamp(id: EventId, envelope: &Envelope) -> Vec<u8> {
    let stamp = [envelope.repair().0.to_be_bytes().as_slice(), &envelope.hlc().0.to_be_bytes()].concat();
    debug_assert_eq!(id.to_key().len(), EVENT);
    [stamp.as_slice(), &id.to_key()].concat()
}

fn body<T: for<'b> minicbor::Decode<'b, ()>>(envelope: &Envelope) -> Option<T> {
    minicbor::decode(&envelope.body).ok()
}

fn lost(what: String) -> Violation {
    Violation::new(Rule::NothingLost, what)
}

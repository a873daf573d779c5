//! What is said of customers, in documents and beside receipts is on every disk as it was said, and nothing else is.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::model::{
    Attached, BasketId, CustomerErased, CustomerLink, CustomerSet, DocumentSet, Envelope, Kind,
};
use edgepos_core::{EventId, Space};
use sha2::{Digest, Sha256};

use super::rule::{Rule, Violation};
use super::said_rows::SpaceRows;
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
fn expected(facts: &Facts) -> (SpaceRows, BTreeSet<Vec<u8>>) {
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

#[cfg(test)]
mod tests {
    use edgepos::crdt::Hlc;
    use edgepos::model::CustomerKey;
    use edgepos_core::{Chain, Lane, ReplicaId, Seq};

    use super::super::said_rows::SaidRows;
    use super::super::view::tests::store_of;
    use super::*;

    const BASKET: BasketId = BasketId([5; 16]);

    fn event<T: minicbor::Encode<()>>(kind: Kind, what: &T) -> Vec<u8> {
        Envelope::new(kind, 0, Hlc(1), minicbor::to_vec(what).unwrap()).encode()
    }

    fn id(seq: u64) -> EventId {
        EventId::new(Chain::new(ReplicaId::new(1, 1), Lane::Transactions), Seq(seq))
    }

    fn document() -> DocumentSet {
        let (namespace, key, content) = ("config".into(), "till".into(), vec![1]);
        DocumentSet { namespace, key, version: Some(7), effective_at: None, content }
    }

    fn slip() -> [u8; 32] {
        Sha256::digest([1, 2]).into()
    }

    fn part(no: u16, content: u8) -> Attached {
        let (name, media_type, content) = ("slip".into(), "image/png".into(), vec![content]);
        Attached { basket: BASKET, hash: slip(), size: 2, part: no, name, media_type, content }
    }

    /// Two terminals that hold a document, a customer with a card, one who is erased, and the two parts of a slip, and have their rows.
    fn store() -> StoreView {
        let customer = "guest-1".to_owned();
        let link = CustomerLink { customer: "customer-1".into(), name: "card-1".into() };
        let key = CustomerKey::new("customer-1", [3; 32]).id();
        let set = CustomerSet { customer: "customer-1".into(), key, sealed: vec![9; 40] };
        let events = [
            event(Kind::DOCUMENT_SET, &document()),
            event(Kind::CUSTOMER_SET, &set),
            event(Kind::CUSTOMER_LINKED, &link),
            event(Kind::CUSTOMER_ERASED, &CustomerErased { customer }),
            event(Kind::ATTACHED, &part(0, 1)),
            event(Kind::ATTACHED, &part(1, 2)),
        ];
        let mut view = store_of(&(1..).zip(events).collect::<Vec<_>>());
        let (rows, erased) = expected(&Facts::of(view.events()));
        for terminal in &mut view.terminals {
            terminal.said = SaidRows { rows: rows.clone(), erased: erased.clone(), ..SaidRows::default() };
        }
        view
    }

    /// The promises that were given in that store.
    fn promised() -> Sayings {
        let mut promised = Sayings::default();
        promised.says(id(1), Kind::DOCUMENT_SET, minicbor::to_vec(document()).unwrap());
        promised.attached(BASKET, slip());
        promised
    }

    fn found(view: &StoreView, promised: &Sayings) -> Vec<Rule> {
        let mut found = Vec::new();
        check(view, promised, &mut found);
        found.iter().map(|violation| violation.rule).collect()
    }

    #[test]
    fn what_is_on_every_disk_as_it_was_said_is_right() {
        let view = store();
        assert_eq!(view.terminals[0].said.rows.len(), 5, "all but who is erased");
        assert_eq!(found(&view, &promised()), []);
    }

    #[test]
    fn a_row_that_is_missing_or_says_something_else_is_noticed_in_each_space() {
        let keys: Vec<_> = store().terminals[0].said.rows.keys().cloned().collect();
        for key in keys {
            let mut view = store();
            view.terminals[1].said.rows.insert(key.clone(), vec![0xFF]);
            assert_eq!(found(&view, &Sayings::default()), [Rule::NothingLost], "{key:?}");
            view.terminals[1].said.rows.remove(&key);
            assert_eq!(found(&view, &Sayings::default()), [Rule::NothingLost], "{key:?}");
        }
    }

    #[test]
    fn a_row_that_no_event_has_is_noticed() {
        let mut view = store();
        view.terminals[0].said.rows.insert((Space::Document.code(), vec![1]), Vec::new());
        assert_eq!(found(&view, &promised()), [Rule::NothingTwice]);
    }

    #[test]
    fn who_is_erased_must_be_known_nobody_else_is_and_no_key_is_kept() {
        let mut view = store();
        view.terminals[0].said.erased.clear();
        assert_eq!(found(&view, &promised()), [Rule::NothingLost, Rule::NothingTwice]);

        let mut view = store();
        view.terminals[0].said.erased.insert(b"customer-1".to_vec());
        assert_eq!(found(&view, &promised()), [Rule::NothingTwice]);
        view.put_back.insert(2);
        assert_eq!(found(&view, &promised()), [], "the disk may have gone on without the event");

        let mut view = store();
        view.terminals[0].said.keys.insert(b"customer-1".to_vec());
        assert_eq!(found(&view, &promised()), []);
        view.terminals[0].said.keys.insert(b"guest-1".to_vec());
        assert_eq!(found(&view, &promised()), [Rule::Told]);
    }

    #[test]
    fn a_basket_that_is_parked_must_be_so_everywhere() {
        let (mut view, mut promised) = (store(), promised());
        promised.parks(BASKET);
        assert_eq!(found(&view, &promised), [Rule::NothingLost; 2]);
        view.terminals[0].said.parked.insert((BASKET, id(1)));
        assert_eq!(found(&view, &promised), [Rule::Converged, Rule::NothingLost]);
        view.terminals[1].said.parked.insert((BASKET, id(1)));
        assert_eq!(found(&view, &promised), []);
        view.terminals.iter_mut().for_each(|terminal| terminal.said.parked.clear());
        promised.takes(BASKET);
        assert_eq!(found(&view, &promised), [], "somebody recalled it");
    }

    #[test]
    fn what_the_cloud_has_otherwise_than_it_was_recorded_is_noticed() {
        let mut promised = promised();
        promised.says(id(1), Kind::DOCUMENT_SET, vec![0]);
        assert_eq!(found(&store(), &promised), [Rule::NothingLost]);
        promised.says(id(1), Kind::PRODUCT_SET, minicbor::to_vec(document()).unwrap());
        assert_eq!(found(&store(), &promised), [Rule::NothingLost]);
        let mut promised = Sayings::default();
        promised.says(id(40), Kind::DOCUMENT_SET, Vec::new());
        assert_eq!(found(&store(), &promised), [Rule::NothingLost], "it is not there at all");
    }

    #[test]
    fn an_attachment_that_is_not_whole_or_not_itself_is_noticed() {
        let mut view = store();
        view.terminals[0].events.insert(id(6), event(Kind::ATTACHED, &part(1, 3)));
        assert_eq!(found(&view, &promised()), [Rule::NothingLost], "its last byte is another");
        view.terminals[0].events.remove(&id(6));
        assert_eq!(found(&view, &promised()), [Rule::NothingLost], "its last part is away");
        let mut promised = promised();
        promised.attached(BASKET, [0; 32]);
        assert_eq!(found(&store(), &promised), [Rule::NothingLost; 2], "nothing of it came");
    }
}

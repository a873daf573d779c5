//! What is said beside sales: of customers, in documents, of receipts that were printed, and what is attached to them.

use edgepos::Record;
use edgepos::model::{
    Attached, BasketId, CustomerErased, CustomerKey, CustomerLink, CustomerSet, DocumentSet, Kind,
    ProductSet, ReceiptPrinted,
};
use edgepos_core::Jitter;
use sha2::{Digest, Sha256};

use crate::goods::some_product;
use crate::plan::pick;

/// Largest thing that is attached, in bytes: three parts.
const MAX_ATTACHED: u64 = 2 * Attached::PART as u64 + 1_000;

/// How the names of those begin who may be erased.
const GUEST: &str = "guest-";

/// Something to record.
#[derive(Debug)]
pub(crate) struct Saying {
    pub(crate) record: Record,
    /// Its kind and its body, where that is known beforehand.
    pub(crate) body: Option<(Kind, Vec<u8>)>,
    /// The customer whom it is about.
    pub(crate) about: Option<String>,
}

/// A part of something that is attached to a basket.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) record: Record,
    pub(crate) basket: BasketId,
    pub(crate) hash: [u8; 32],
    pub(crate) no: u16,
}

/// Draws what is said.
#[derive(Clone, Debug)]
pub(crate) struct Papers {
    moment_ms: u64,
}

impl Papers {
    /// What is said around a moment.
    pub(crate) fn new(moment_ms: u64) -> Self {
        Self { moment_ms }
    }

    /// What is said at a till.
    pub(crate) fn next(&self, rng: &mut Jitter, place: usize) -> Saying {
        match rng.range(0, 12) {
            0..4 => {
                let set = self.document(rng);
                said(Record::document(&set), Kind::DOCUMENT_SET, &set)
            }
            4 | 5 => {
                let fields = vec![b'f'; rng.range(0, 60) as usize];
                let key = self.key(rng);
                let about = Some(key.customer().to_owned());
                Saying { record: Record::customer(&fields, key), body: None, about }
            }
            6 => {
                let link = self.link(rng);
                let saying = said(Record::customer_linked(&link), Kind::CUSTOMER_LINKED, &link);
                Saying { about: Some(link.customer), ..saying }
            }
            7 => {
                let link = self.link(rng);
                let saying = said(Record::customer_unlinked(&link), Kind::CUSTOMER_UNLINKED, &link);
                Saying { about: Some(link.customer), ..saying }
            }
            8 => {
                let customer = self.guest(rng);
                let erased = CustomerErased { customer: customer.clone() };
                let saying = said(Record::customer_erased(&customer), Kind::CUSTOMER_ERASED, &erased);
                Saying { about: Some(customer), ..saying }
            }
            9 => {
                let set = self.product(rng);
                said(Record::product(&set), Kind::PRODUCT_SET, &set)
            }
            _ => {
                let number = rng.range(1, 60);
                let (basket, copy) = (some_basket(rng, place), rng.range(0, 3) as u32);
                let printed = ReceiptPrinted { basket, series: "S".into(), number, copy };
                said(Record::receipt_printed(&printed), Kind::RECEIPT_PRINTED, &printed)
            }
        }
    }

    /// What the head office says: its kind and its body.
    pub(crate) fn head_office(&self, rng: &mut Jitter) -> (Kind, Vec<u8>) {
        match rng.range(0, 8) {
            0..4 => body(Kind::DOCUMENT_SET, &self.document(rng)),
            4 => {
                let key = self.key(rng);
                let sealed = (0..40).map(|_| rng.next_u64() as u8).collect();
                let set = CustomerSet { customer: key.customer().to_owned(), key: key.id(), sealed };
                body(Kind::CUSTOMER_SET, &set)
            }
            5 => {
                let kind = pick(rng, &[Kind::CUSTOMER_LINKED, Kind::CUSTOMER_UNLINKED]);
                body(kind, &self.link(rng))
            }
            6 => body(Kind::CUSTOMER_ERASED, &CustomerErased { customer: self.guest(rng) }),
            _ => body(Kind::PRODUCT_SET, &self.product(rng)),
        }
    }

    /// The key of some customer.
    pub(crate) fn key(&self, rng: &mut Jitter) -> CustomerKey {
        let customer = match rng.range(0, 2) {
            0 => regular(rng),
            _ => self.guest(rng),
        };
        let secret = Sha256::digest(customer.as_bytes()).into();
        CustomerKey::new(customer, secret)
    }

    /// The parts of something that is attached to a basket of the till.
    pub(crate) fn attachment(&self, rng: &mut Jitter, place: usize) -> Vec<Part> {
        let basket = some_basket(rng, place);
        let length = pick(rng, &[200, 20_000, MAX_ATTACHED]);
        // Its first bytes make it another thing, and the rest compresses well.
        let mut bytes = vec![0x5A; rng.range(length / 2, length) as usize + 8];
        bytes[..8].copy_from_slice(&rng.next_u64().to_be_bytes());
        let hash = Sha256::digest(&bytes).into();
        let parts = Record::attachment(basket, ("slip", "image/png"), &bytes).expect("it is not too large");
        (0..).zip(parts).map(|(no, record)| Part { record, basket, hash, no }).collect()
    }

    /// A version of one of a few documents, in force at once, from the moment on, or around it.
    fn document(&self, rng: &mut Jitter) -> DocumentSet {
        let effective_at = match rng.range(0, 4) {
            0 => None,
            1 => Some(self.moment_ms),
            _ => Some(self.moment_ms - 40_000 + rng.range(0, 80) * 1_000),
        };
        let content = vec![b'd'; pick(rng, &[0, 30, 3_000])];
        let key = format!("document-{}", rng.range(0, 4));
        let version = (rng.range(0, 2) == 0).then(|| rng.range(1, 1_000));
        DocumentSet {
            namespace: pick(rng, &["config", "promotions"]).into(),
            key,
            version,
            effective_at,
            content,
        }
    }

    fn product(&self, rng: &mut Jitter) -> ProductSet {
        let product = some_product(rng);
        let name = format!("Product {product}, edition {}", rng.range(0, 100));
        let valid_from = (rng.range(0, 2) == 0).then_some(self.moment_ms);
        ProductSet {
            product,
            name,
            base_unit: "piece".into(),
            scale: 0,
            tax_code: None,
            counted: None,
            floor: None,
            valid_from,
            valid_to: None,
            version: None,
        }
    }

    fn link(&self, rng: &mut Jitter) -> CustomerLink {
        let customer = if rng.range(0, 3) > 0 { regular(rng) } else { self.guest(rng) };
        CustomerLink { customer, name: format!("card-{}", rng.range(0, 4)) }
    }

    /// Somebody who may be erased.
    fn guest(&self, rng: &mut Jitter) -> String {
        format!("{GUEST}{}", rng.range(0, 6))
    }
}

/// Whether somebody may have been erased, at a till or by the head office.
pub(crate) fn may_be_erased(customer: &str) -> bool {
    customer.starts_with(GUEST)
}

/// Somebody whom sales name as well.
fn regular(rng: &mut Jitter) -> String {
    format!("customer-{}", rng.range(0, 5))
}

/// A basket as the till at this place names its own; whether it is paid is not asked.
fn some_basket(rng: &mut Jitter, place: usize) -> BasketId {
    let mut name = [0; 16];
    name[7] = place as u8 + 1;
    name[8..].copy_from_slice(&rng.range(1, 60).to_be_bytes());
    BasketId(name)
}

fn said<T: minicbor::Encode<()>>(record: Record, kind: Kind, what: &T) -> Saying {
    Saying { record, body: Some(body(kind, what)), about: None }
}

fn body<T: minicbor::Encode<()>>(kind: Kind, what: &T) -> (Kind, Vec<u8>) {
    (kind, minicbor::to_vec(what).expect("it is written into memory"))
}

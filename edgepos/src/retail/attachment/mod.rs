//! Pictures, PDFs and other things that are attached to a basket, in parts that travel behind everything else.
//!
//! Each part is an event, and a row that says which: the bytes are in the event alone. Whoever reads one puts the parts together and
//! compares the hash, which is the name of the whole.

pub(crate) mod body;

use edgepos_core::{EventId, IdempotencyKey, Space, Write};
use edgepos_wire::{from_cbor, to_cbor};
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};

use self::body::Attached;
use super::envelope::Envelope;
use super::kind::KnownKind;
use super::record::Record;
use super::redact::is_card_number;
use super::sale::body::BasketId;
use super::unreadable::Unreadable;
use crate::terminal::refusal::Refusal;
use crate::terminal::unit_of_work::UnitOfWork;

/// Bytes of a row's key: a basket, a hash, a part and an event.
const KEY: usize = 16 + 32 + 2 + 17;

/// A part of something, as its row has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Row {
    pub(crate) hash: [u8; 32],
    pub(crate) part: u16,
    pub(crate) event: EventId,
    pub(crate) of: Whole,
}

/// What the row of each part says of the whole.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Whole {
    #[n(0)]
    pub(crate) size: u32,
    #[n(1)]
    pub(crate) name: String,
    #[n(2)]
    pub(crate) media_type: String,
}

/// Reads what an event says of a part. One that does not fit what it names is refused.
pub(crate) fn read(envelope: &Envelope) -> Result<Attached, Unreadable> {
    let attached: Attached = from_cbor("attachment", &envelope.body)?;
    let expected = attached.length();
    if check(&attached).is_err() {
        return Err(Unreadable::Length { expected, found: attached.content.len() });
    }
    Ok(attached)
}

/// An event with a part has its place.
pub(crate) fn note(id: EventId, attached: &Attached, out: &mut UnitOfWork) {
    let Attached { size, name, media_type, .. } = attached.clone();
    out.write(Write::put(Space::Attachment, key(id, attached), to_cbor(&Whole { size, name, media_type })));
}

/// It counts no longer.
pub(crate) fn take_back(id: EventId, attached: &Attached, out: &mut UnitOfWork) {
    out.write(Write::delete(Space::Attachment, key(id, attached)));
}

fn key(id: EventId, attached: &Attached) -> Vec<u8> {
    [attached.basket.0.as_slice(), &attached.hash, &attached.part.to_be_bytes(), &id.to_key()].concat()
}

impl Row {
    /// The first and the last key of what is attached to a basket, behind the thing of this hash.
    pub(crate) fn range(basket: BasketId, after: Option<[u8; 32]>) -> (Vec<u8>, Vec<u8>) {
        let behind = after.map_or_else(Vec::new, |hash| [hash.as_slice(), &[u8::MAX; 20]].concat());
        let from = [basket.0.as_slice(), &behind].concat();
        (from, [basket.0.as_slice(), &[u8::MAX; KEY - 15]].concat())
    }

    /// The same of one thing.
    pub(crate) fn range_of(basket: BasketId, hash: [u8; 32]) -> (Vec<u8>, Vec<u8>) {
        let from = [basket.0.as_slice(), &hash].concat();
        let to = [from.as_slice(), &[u8::MAX; 20]].concat();
        (from, to)
    }

    /// Reads a row.
    ///
    /// # Errors
    /// When it is damaged.
    pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<Self, Unreadable> {
        let nameless = Unreadable::NoName { what: "an attachment" };
        let row = key.get(16..).and_then(|rest| {
            let (hash, rest) = rest.split_first_chunk::<32>()?;
            let (part, rest) = rest.split_first_chunk::<2>()?;
            Some((*hash, u16::from_be_bytes(*part), EventId::from_key(rest)?))
        });
        let (hash, part, event) = row.ok_or(nameless)?;
        Ok(Self { hash, part, event, of: from_cbor("row of an attachment", value)? })
    }
}

/// The SHA-256 of something that is attached: its name.
pub(crate) fn hash_of(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Refuses what is no part of what it names.
fn check(attached: &Attached) -> Result<(), Refusal> {
    let Attached { hash, size, part, name, media_type, content, .. } = attached;
    let bad = |field, reason| Err(Refusal::BadField { field, reason });
    if *size as usize > Attached::MAX_SIZE {
        return Err(Refusal::TooLarge { field: "attachment", limit: Attached::MAX_SIZE });
    }
    if *size == 0 {
        return bad("size", "nothing is attached");
    }
    if *part >= Attached::parts(*size) {
        return bad("part", "it has not so many parts");
    }
    if content.len() != attached.length() {
        return bad("content", "a part has 49152 bytes, and the last one what is left");
    }
    if Attached::parts(*size) == 1 && hash_of(content) != *hash {
        return bad("hash", "it is not the SHA-256 of these bytes");
    }
    if !(1..=Attached::MAX_NAME).contains(&name.len()) || is_card_number(name) {
        return bad("name", "a name is 1 to 64 bytes, and no card number");
    }
    let is_type = |text: &str| {
        let plain = |byte: u8| byte.is_ascii_graphic();
        text.len() <= Attached::MAX_NAME && text.bytes().all(plain) && text.split('/').count() == 2
    };
    if !is_type(media_type) {
        return bad("media_type", "a media type is two words with a slash between them, of 64 bytes at most");
    }
    Ok(())
}

impl Record {
    /// A part of something that is attached to a basket, before its commit or after. It travels in the lane of telemetry, behind everything
    /// else, under a key of its own: what is recorded again after a crash is recorded once, and a part whose bytes were wrong is recorded
    /// beside the right one, which counts. Refused when it is recorded: more than 4 MiB, and what is no part of what it names.
    pub fn attached(attached: &Attached) -> Self {
        if let Err(refusal) = check(attached) {
            return Self::refuse(refusal);
        }
        let name = [b"edgepos attachment".as_slice(), &attached.basket.0, &attached.hash].concat();
        let bytes = hash_of(&attached.content);
        let key = Sha256::digest([name.as_slice(), &attached.part.to_be_bytes(), &bytes].concat());
        let key = IdempotencyKey(*key.first_chunk().expect("a digest of 32 bytes has 16"));
        Self::event(KnownKind::Attached, to_cbor(attached), Vec::new()).with_key(key)
    }

    /// All parts of something, in order, to be recorded one after the other.
    ///
    /// # Errors
    /// When it is empty, has more than 4 MiB, or no name.
    pub fn attachment(
        basket: BasketId,
        (name, media_type): (&str, &str),
        bytes: &[u8],
    ) -> Result<Vec<Self>, Refusal> {
        let too_large = Refusal::TooLarge { field: "attachment", limit: Attached::MAX_SIZE };
        let size = u32::try_from(bytes.len()).map_err(|_| too_large)?;
        let part = |part: u16, content: &[u8]| Attached {
            basket,
            hash: hash_of(bytes),
            size,
            part,
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            content: content.to_vec(),
        };
        // Of what is too large or empty the first part says so.
        check(&part(0, &bytes[..bytes.len().min(Attached::PART)]))?;
        Ok((0..)
            .zip(bytes.chunks(Attached::PART))
            .map(|(no, content)| Self::attached(&part(no, content)))
            .collect())
    }
}

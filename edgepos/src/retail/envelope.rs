//! The envelope: what the SDK reads of every event, whatever its body.

use std::collections::BTreeMap;

use edgepos_core::{EventId, IdempotencyKey, RepairGen, ReplicaId};
use edgepos_crdt::Hlc;
use edgepos_sync::Hash;
use edgepos_wire::{DecodeError, DecodeFault, from_cbor, to_cbor};
use minicbor::{Decode, Encode};

use super::effect::Effect;
use super::kind::Kind;

/// How far the stamp of an event can be trusted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[cbor(index_only)]
pub enum ClockQuality {
    /// Nobody set this clock, as far as is known.
    #[default]
    #[n(0)]
    Unset,
    /// It was synchronised, too long ago.
    #[n(1)]
    Drifting,
    /// It agrees with a reference.
    #[n(2)]
    Synced,
}

/// Whether the event counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[cbor(index_only)]
pub enum Mode {
    /// It counts: counters and receipt series move.
    #[default]
    #[n(0)]
    Live,
    /// A trainee at work: no counter and no receipt series moves.
    #[n(1)]
    Training,
}

/// What a reference is to the event that makes it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cbor(transparent)]
pub struct RefRole(#[n(0)] pub u8);

impl RefRole {
    /// The transaction that is returned, exchanged or voided, by its basket.
    pub const ORIGINAL: Self = Self(0);
    /// The basket that became this transaction.
    pub const BASKET: Self = Self(1);
    /// A payment, by the id that the till gave it.
    pub const PAYMENT: Self = Self(2);
    /// The customer, by the vendor's number.
    pub const CUSTOMER: Self = Self(3);
    /// The shift in which it was done.
    pub const SHIFT: Self = Self(4);
}

/// A link to something that has a name.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Ref {
    /// What it is to this event.
    #[n(0)]
    pub role: RefRole,
    /// Its name; at most 64 bytes.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    #[cfg_attr(feature = "serde", serde(with = "crate::shown::text::bytes"))]
    pub id: Vec<u8>,
}

/// The envelope with the body inside: the payload of an event record.
///
/// The event's id and its store are not in here: they are where it is kept, and repeating them would cost more than the
/// compressed event.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Envelope {
    /// What it is about.
    #[n(0)]
    pub kind: Kind,
    /// Version of the body's form.
    #[n(1)]
    pub schema: u16,
    /// The author's wall clock, milliseconds since 1970 UTC.
    #[n(2)]
    pub utc_ms: u64,
    /// The author's offset from UTC then, in minutes.
    #[n(3)]
    #[cbor(default)]
    pub utc_offset_min: i16,
    /// How far `utc_ms` can be trusted.
    #[n(4)]
    #[cbor(default)]
    pub clock_quality: ClockQuality,
    /// The author's hybrid logical clock, as its 64-bit form.
    #[n(5)]
    hlc: u64,
    /// The business day, as yyyymmdd, from `DayOpened` and never from a clock; absent before the first.
    #[n(6)]
    pub business_day: Option<u32>,
    /// The place in the store.
    #[n(7)]
    #[cbor(default)]
    pub location: u32,
    /// The author's terminal number.
    #[n(8)]
    #[cbor(default)]
    pub workstation: u16,
    /// The drawer, where there are several.
    #[n(9)]
    pub drawer: Option<String>,
    /// Who was signed in.
    #[n(10)]
    pub operator: Option<String>,
    /// Whether it counts.
    #[n(11)]
    #[cbor(default)]
    pub mode: Mode,
    /// Links to other events and to things that have a name.
    #[n(12)]
    #[cbor(default)]
    pub refs: Vec<Ref>,
    /// What it does to counters; at most [`Effect::MAX_PER_EVENT`].
    #[n(13)]
    #[cbor(default)]
    pub effects: Vec<Effect>,
    /// Opaque to the SDK but for its own kinds.
    #[n(14)]
    #[cbor(with = "minicbor::bytes")]
    pub body: Vec<u8>,
    /// A vendor's additions, by namespace.
    #[n(15)]
    #[cbor(default, with = "edgepos_wire::bytes_by_name")]
    pub ext: BTreeMap<String, Vec<u8>>,
    /// The till's idempotency key.
    #[n(17)]
    #[cbor(with = "minicbor::bytes")]
    key: Option<[u8; 16]>,
    /// Where it comes from, where it was not simply recorded under the name that it has.
    #[n(18)]
    pub origin: Option<Origin>,
    /// The event that booked the same before: this one has its tenders and its number, and counts nothing.
    #[n(19)]
    #[cbor(with = "edgepos_wire::optional_event_id")]
    pub duplicate_of: Option<EventId>,
    /// How often the register that this writes was repaired, this event included.
    #[n(20)]
    repair: Option<u32>,
}

/// The past of an event that a restored, lost or cloned disk gave a new name, or whose number is of an earlier incarnation.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
#[cbor(map)]
pub struct Origin {
    /// The event under its old name, with the hash of its chain there.
    #[n(0)]
    pub reissue_of: Option<Reissue>,
    /// The incarnation under which its receipt number was reserved, where that is an earlier one.
    #[n(1)]
    pub begun_in: Option<u64>,
    /// The name that it had before this one, where that was not its first: it was written again more than once.
    #[n(2)]
    pub replaces: Option<Reissue>,
}

/// An event under the name that it lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Reissue {
    /// Its old name.
    #[n(0)]
    #[cbor(with = "edgepos_wire::event_id")]
    pub event: EventId,
    /// The hash of the old chain there.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    hash: [u8; 32],
}

impl Reissue {
    /// An event under its old name, with the hash of its chain there.
    pub fn new(event: EventId, hash: Hash) -> Self {
        Self { event, hash: hash.0 }
    }

    /// The hash of the old chain there.
    pub fn hash(&self) -> Hash {
        Hash(self.hash)
    }
}

impl Origin {
    /// With a receipt number that an earlier incarnation reserved.
    pub fn begun_in(replica: ReplicaId) -> Self {
        Self { begun_in: Some(replica.0), ..Self::default() }
    }
}

impl Envelope {
    /// An envelope of schema 1 with nothing but a kind, stamps and a body.
    pub fn new(kind: Kind, utc_ms: u64, hlc: Hlc, body: Vec<u8>) -> Self {
        Self {
            kind,
            schema: 1,
            utc_ms,
            utc_offset_min: 0,
            clock_quality: ClockQuality::Unset,
            hlc: hlc.0,
            business_day: None,
            location: 0,
            workstation: 0,
            drawer: None,
            operator: None,
            mode: Mode::Live,
            refs: Vec::new(),
            effects: Vec::new(),
            body,
            ext: BTreeMap::new(),
            key: None,
            repair: None,
            origin: None,
            duplicate_of: None,
        }
    }

    /// The author's hybrid logical clock.
    pub fn hlc(&self) -> Hlc {
        Hlc(self.hlc)
    }

    /// The event that this one is written again for.
    pub fn reissue_of(&self) -> Option<Reissue> {
        self.origin.as_ref().and_then(|origin| origin.reissue_of)
    }

    /// The till's idempotency key.
    pub fn idempotency_key(&self) -> Option<IdempotencyKey> {
        self.key.map(IdempotencyKey)
    }

    /// Sets the till's idempotency key.
    pub fn with_key(mut self, key: Option<IdempotencyKey>) -> Self {
        self.key = key.map(|key| key.0);
        self
    }

    /// How often the register that this event writes was repaired: a later repair wins, whatever the clocks say.
    pub fn repair(&self) -> RepairGen {
        RepairGen(self.repair.unwrap_or(0))
    }

    /// Sets how often the register that this event writes was repaired.
    pub fn with_repair(mut self, repair: RepairGen) -> Self {
        self.repair = Some(repair.0).filter(|repair| *repair > 0);
        self
    }

    /// The payload of an event record.
    pub fn encode(&self) -> Vec<u8> {
        to_cbor(self)
    }

    /// Reads a payload. Keys that this version does not know are skipped.
    ///
    /// # Errors
    /// When the bytes are no envelope, or when it has more effects or longer keys than the limits allow.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let envelope: Self = from_cbor("envelope", payload)?;
        let over = |limit: usize| DecodeFault::TooLarge { limit: limit as u64 };
        if envelope.effects.len() > Effect::MAX_PER_EVENT {
            return Err(DecodeError::new("envelope", 0, over(Effect::MAX_PER_EVENT)));
        }
        if envelope.effects.iter().any(|effect| effect.key.len() > Effect::MAX_KEY) {
            return Err(DecodeError::new("key of an effect", 0, over(Effect::MAX_KEY)));
        }
        Ok(envelope)
    }
}

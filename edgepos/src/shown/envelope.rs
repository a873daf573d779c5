//! Events: what their envelopes and their bodies say.

use std::collections::BTreeMap;

use edgepos_core::{EventId, IdempotencyKey, ReplicaId};
use edgepos_crdt::Hlc;
use edgepos_sync::Hash;
use serde::{Serialize, Serializer};

use super::text::{self, hex};
use crate::history::StoredEvent;
use crate::model::{BasketId, BasketParked, BasketTaken, CashCount, CountLine, Currency, FiscalSigned};
use crate::model::{Body, ClockQuality, CounterRow, DayClosed, Effect, Envelope, Mode, Ref, Reissue};
use crate::model::{SigningState, StockCounted};

/// An envelope as it is shown.
#[derive(Serialize)]
struct Shown<'a> {
    kind: &'static str,
    kind_number: u16,
    schema: u16,
    utc_ms: u64,
    utc_offset_min: i16,
    clock_quality: ClockQuality,
    #[serde(with = "text")]
    hlc: Hlc,
    business_day: Option<u32>,
    location: u32,
    terminal: u16,
    drawer: Option<&'a str>,
    operator: Option<&'a str>,
    mode: Mode,
    refs: &'a [Ref],
    effects: &'a [Effect],
    /// What the body says; its bytes in hexadecimal where this version cannot read it.
    body: Says,
    ext: BTreeMap<&'a str, String>,
    #[serde(serialize_with = "text::option::serialize")]
    key: Option<IdempotencyKey>,
    reissue_of: Option<Reissue>,
    #[serde(serialize_with = "text::option::serialize")]
    begun_in: Option<ReplicaId>,
    #[serde(serialize_with = "text::option::serialize")]
    duplicate_of: Option<EventId>,
    repair: u32,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Says {
    Body(Box<Body>),
    Custom { custom: String },
    Bytes(String),
}

impl Serialize for Envelope {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let shown = Shown {
            kind: self.kind.name(),
            kind_number: self.kind.0,
            schema: self.schema,
            utc_ms: self.utc_ms,
            utc_offset_min: self.utc_offset_min,
            clock_quality: self.clock_quality,
            hlc: self.hlc(),
            business_day: self.business_day,
            location: self.location,
            terminal: self.workstation,
            drawer: self.drawer.as_deref(),
            operator: self.operator.as_deref(),
            mode: self.mode,
            refs: &self.refs,
            effects: &self.effects,
            body: match self.read_body() {
                Ok(Body::Custom(bytes)) => Says::Custom { custom: hex(&bytes) },
                Ok(body) => Says::Body(Box::new(body)),
                Err(_) => Says::Bytes(hex(&self.body)),
            },
            ext: self.ext.iter().map(|(name, bytes)| (name.as_str(), hex(bytes))).collect(),
            key: self.idempotency_key(),
            reissue_of: self.reissue_of(),
            begun_in: self.origin.as_ref().and_then(|origin| origin.begun_in).map(ReplicaId),
            duplicate_of: self.duplicate_of,
            repair: self.repair().0,
        };
        shown.serialize(to)
    }
}

#[derive(Serialize)]
struct ShownEvent<'a> {
    #[serde(with = "text")]
    id: EventId,
    #[serde(with = "text")]
    hash: Hash,
    envelope: Option<&'a Envelope>,
    #[serde(serialize_with = "text::bytes::serialize")]
    payload: &'a [u8],
}

impl Serialize for StoredEvent {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { id, hash, envelope, payload } = self;
        ShownEvent { id: *id, hash: *hash, envelope: envelope.as_ref(), payload }.serialize(to)
    }
}

#[derive(Serialize)]
struct ShownReissue {
    #[serde(with = "text")]
    event: EventId,
    #[serde(with = "text")]
    hash: Hash,
}

impl Serialize for Reissue {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        ShownReissue { event: self.event, hash: self.hash() }.serialize(to)
    }
}

#[derive(Serialize)]
struct ShownEffect {
    row: CounterRow,
    delta: i64,
    scale: u8,
    floor: Option<i64>,
}

impl Serialize for Effect {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        ShownEffect { row: self.row(), delta: self.delta, scale: self.scale, floor: self.floor }.serialize(to)
    }
}

#[derive(Serialize)]
struct ShownClose<'a> {
    day: u32,
    counted: i64,
    #[serde(serialize_with = "text::vector::serialize")]
    watermark: edgepos_crdt::VersionVector,
    cash: Option<&'a [CashCount]>,
    store: Option<bool>,
}

impl Serialize for DayClosed {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (watermark, cash) = (self.watermark(), self.cash.as_deref());
        ShownClose { day: self.day, counted: self.counted, watermark, cash, store: self.store }.serialize(to)
    }
}

#[derive(Serialize)]
struct ShownCount<'a> {
    location: u32,
    lines: &'a [CountLine],
    #[serde(serialize_with = "text::vector::serialize")]
    as_of: edgepos_crdt::VersionVector,
}

impl Serialize for StockCounted {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        ShownCount { location: self.location, lines: &self.lines, as_of: self.as_of() }.serialize(to)
    }
}

#[derive(Serialize)]
struct ShownParked {
    basket: BasketId,
    total: i64,
    currency: Currency,
}

impl Serialize for BasketParked {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        ShownParked { basket: self.basket, total: self.total, currency: self.currency }.serialize(to)
    }
}

#[derive(Serialize)]
struct ShownSignature<'a> {
    basket: BasketId,
    series: &'a str,
    number: u64,
    state: SigningState,
    #[serde(with = "text::bytes")]
    signature: Vec<u8>,
    reason: Option<&'a str>,
}

impl Serialize for FiscalSigned {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let signature = self.signature().unwrap_or_default().to_vec();
        let Self { basket, ref series, number, state, ref reason, .. } = *self;
        ShownSignature { basket, series, number, state, signature, reason: reason.as_deref() }.serialize(to)
    }
}

#[derive(Serialize)]
struct ShownTaken {
    basket: BasketId,
    #[serde(serialize_with = "text::option::serialize")]
    parked: Option<EventId>,
}

impl Serialize for BasketTaken {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        ShownTaken { basket: self.basket, parked: self.parked() }.serialize(to)
    }
}

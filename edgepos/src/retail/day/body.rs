//! What is said of business days.

use edgepos_core::EventId;
use edgepos_crdt::VersionVector;
use minicbor::{Decode, Encode};

/// The body of [`Kind::DAY_OPENED`](crate::model::Kind::DAY_OPENED).
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct DayOpened {
    /// The business day as yyyymmdd.
    #[n(0)]
    pub day: u32,
    /// Cash in the drawer, in minor units.
    #[n(1)]
    #[cbor(default)]
    pub float: i64,
}

/// The body of [`Kind::DAY_CLOSED`](crate::model::Kind::DAY_CLOSED). Sales of that day that arrive later are late arrivals: they are
/// those outside the watermark.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
pub struct DayClosed {
    /// The business day as yyyymmdd.
    #[n(0)]
    pub day: u32,
    /// Cash counted in the drawer, in minor units.
    #[n(1)]
    #[cbor(default)]
    pub counted: i64,
    #[n(2)]
    #[cbor(with = "edgepos_wire::event_ids")]
    watermark: Vec<EventId>,
}

impl DayClosed {
    /// A day that ends with what the terminal has seen so far.
    pub fn new(day: u32, counted: i64, watermark: &VersionVector) -> Self {
        let watermark = watermark.iter().map(|(chain, seq)| EventId::new(chain, seq)).collect();
        Self { day, counted, watermark }
    }

    /// What the terminal had seen when it closed the day.
    pub fn watermark(&self) -> VersionVector {
        let mut vector = VersionVector::new();
        for id in &self.watermark {
            vector.set_max(id.chain, id.seq);
        }
        vector
    }
}

/// A business day begins or ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum DayChange {
    /// It begins.
    Opened(DayOpened),
    /// It ends, with so much cash counted; its watermark is taken when it is recorded.
    Closed {
        /// In minor units.
        counted: i64,
    },
}

//! What a till says to its terminal over HTTP, in JSON, and what it hears back.
//!
//! | call | body | answer |
//! |---|---|---|
//! | `POST /begin` | [`Begin`] | [`Begun`](edgepos::Begun) |
//! | `POST /update` | [`Begin`], of an open basket | [`Begun`](edgepos::Begun) |
//! | `POST /commit` | [`Pay`] | [`Committed`] |
//! | `POST /abandon` | [`Abandon`] | [`Done`] |
//! | `POST /park` | [`Park`] | [`Done`] |
//! | `POST /claim` | [`Park`] | [`Claimed`] |
//! | `POST /record` | [`KeyedRecord`] | [`Recorded`] |
//! | `GET /status` | | [`Status`](edgepos::Status) |
//! | `GET /diagnosis` | | [`Diagnosis`](edgepos::Diagnosis): how the engines are |
//! | `GET /lost` | | list of [`LostEvents`](crate::cloud::LostEvents) |
//! | `GET /unresolved` | | list of [`OpenBasket`](edgepos::OpenBasket) |
//! | `GET /payments` | | list of [`OpenPayment`](edgepos::OpenPayment): what became of each must still be said |
//! | `GET /exceptions?after=ROW` | | list of [`OpenException`](edgepos::OpenException), at most 1,000 |
//! | `POST /resolve` | [`ResolveException`] | [`Resolution`](edgepos::Resolution) |
//! | `GET /resolutions?after=EVENT` | | list of [`AuditEntry`](edgepos::AuditEntry), at most 1,000 |
//! | `GET /counters?product=CODE` | | list of [`CounterValue`](edgepos::CounterValue) |
//! | `GET /counters?counter=0&after=…&limit=…` | | the same, a page: see [`CounterPage`] |
//! | `GET /transactions?from_ms=…&number=…` | | [`TransactionPage`](edgepos::TransactionPage): see [`FindTransactions`] |
//! | `GET /transaction?event=…` | | [`BookedTransaction`](edgepos::BookedTransaction) |
//! | `GET /receipts?basket=…` or `?key=…` | | list of [`ReceiptState`](edgepos::ReceiptState) |
//! | `GET /basket?basket=…` | | [`BasketContents`](edgepos::BasketContents) |
//! | `GET /day?day=20261201&terminal=1` | | [`DayFigures`](edgepos::DayFigures): X or Z figures; without `terminal` those of the store |
//! | `GET /product?product=CODE&at_ms=NOW` | | [`ProductSet`](edgepos::model::ProductSet) |
//! | `GET /price?product=CODE&list=0&at_ms=NOW` | | [`PriceSet`](edgepos::model::PriceSet) |
//! | `GET /customer?customer=NAME` or `?name=NAME` | | [`Customer`](edgepos::Customer) |
//! | `POST /keep_key` | [`KeepKey`] | [`Done`] |
//! | `GET /document?namespace=NAME&document=KEY&at_ms=NOW` | | [`Document`](edgepos::Document) |
//! | `GET /documents?namespace=NAME&at_ms=NOW&after=KEY` | | list of [`DocumentName`](edgepos::DocumentName), at most 1,000 |
//! | `GET /attachments?basket=BASKET` | | list of [`AttachmentName`](edgepos::AttachmentName), at most 64 |
//! | `GET /attachment?basket=BASKET&hash=HASH` | | [`Attachment`](edgepos::Attachment), with its bytes once all parts have come |
//! | `POST /recognise` | a PNG or JPEG | [`Recognised`] |
//! | `POST /admit` | [`Admit`] | [`Done`] |
//! | `POST /retire` | [`Retire`] | [`Done`] |
//! | `POST /replace` | [`Replace`] | [`Done`] |
//! | `POST /write_off` | [`WriteOff`] | [`Done`] |
//! | `POST /raise-level` | | [`LevelRaised`] |
//! | `POST /flush` | [`Flush`], or nothing | [`Flushed`] |
//! | `POST /stop` | | [`Done`] |
//!
//! A refusal is [`Problem`], with status 400, 403, 404, 405, 409, 413, 415 or 503. A call whose answer was lost is made again with the same
//! basket and key. A field that a call does not have is refused at every level, and nothing of the call is done. A call that changes
//! something has the content type `application/json`, or that of the picture.

use edgepos::Committed;
pub use edgepos::forms::{
    Begin, BeginLine, CashPart, DiscountPart, EffectPart, IntentPart, KeepKey, KeyedRecord, Original,
    OutcomePart, OutcomeState, Pay, RecordEvent, ResolutionPart, ResolveException, StockPart, TaxPart,
    TenderKind, TenderPart,
};
use serde::{Deserialize, Serialize};

/// Whether a field has its default and need not be written.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A basket to give up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Abandon {
    /// The basket, 32 hexadecimal digits.
    pub basket: String,
}

/// A basket to put aside, or one to go on with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Park {
    /// The basket, 32 hexadecimal digits.
    pub basket: String,
}

/// A parked basket is open here.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Claimed {
    /// The till's name for it, which it keeps.
    pub basket: String,
    /// Its number in the series of this terminal.
    pub number: u64,
    /// What the customer owes, in minor units.
    pub total: i64,
    /// What was scanned.
    pub lines: Vec<BeginLine>,
}

/// An event is recorded. It is durable.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Recorded {
    /// The event's name, such as `3-0123456789ab/0:17`.
    pub event: String,
}

/// `GET /transactions`: which, and how many. What is absent restricts nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindTransactions {
    /// Booked at this time or later, milliseconds since 1970 UTC by the clock of the terminal that booked. Bounds the search.
    pub from_ms: Option<u64>,
    /// Booked before this time.
    pub before_ms: Option<u64>,
    /// Of this business day, as yyyymmdd.
    pub business_day: Option<u32>,
    /// Of this receipt series.
    pub series: Option<String>,
    /// With this number in its series.
    pub number: Option<u64>,
    /// Of this customer.
    pub customer: Option<String>,
    /// Booked at the terminal with this number.
    pub terminal: Option<u16>,
    /// Where the page before ended: each chain and position of its `next`, such as `3-0123456789ab/0:17,4-…`.
    pub after: Option<String>,
    /// How many, at most 200. Default 50.
    pub limit: Option<usize>,
}

/// `GET /counters` with one of these: a page of counters. Without any: all of them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CounterPage {
    /// A product's code: its stock on hand alone.
    pub product: Option<String>,
    /// What is counted, by its number: this kind alone.
    pub counter: Option<u16>,
    /// The row that the page before ended with, in hexadecimal: counter (4 digits), location (8), state (2) and key.
    pub after: Option<String>,
    /// How many, at most 1,000.
    pub limit: Option<usize>,
}

/// A call that says nothing more than its path: no body, or `{}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bare {}

/// It was done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Done {}

/// Sends what is batched: at once, and, where it says until when, until the cloud holds all of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flush {
    /// For at most how long to wait until the cloud holds all events of this till, in ms; at most 60,000. Absent: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_uploaded_ms: Option<u32>,
}

/// It was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Flushed {
    /// How many events of this till the cloud is not known to hold, where that was waited for; 0 where all are safe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued: Option<u64>,
}

/// Answer of `POST /raise-level`: the store was asked to decide it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LevelRaised {
    /// The feature level that it shall have.
    pub level: u32,
}

/// `POST /admit`: another incarnation shall take part in what the store decides.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admit {
    /// The incarnation, such as `3-0123456789ab`.
    pub replica: String,
}

/// `POST /retire`: an incarnation is taken out of what the store decides, for good. Asked at the terminal that leads.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retire {
    /// The incarnation, such as `3-0123456789ab`.
    pub replica: String,
}

/// `POST /replace`: another box takes the place of a terminal. Asked at any terminal of the store, before or after that box is there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replace {
    /// The number that both have.
    pub terminal: u16,
    /// Whether the old box is there and sells on until the new one has its place. Default false: it is gone.
    #[serde(default, skip_serializing_if = "is_default")]
    pub planned: bool,
}

/// `POST /write_off`: the store gives up what retired incarnations of a terminal have left and nobody has. Asked at any terminal of the
/// store; condition `unsent` says what there is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriteOff {
    /// The terminal's number.
    pub terminal: u16,
}

/// What a picture shows.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Recognised {
    /// The model answered in time.
    Answer {
        /// The most likely class.
        label: String,
        /// How sure the model is, 0 to 1.
        confidence: f64,
        /// Whether a person must confirm.
        requires_confirmation: bool,
        /// From the call to the answer, in microseconds.
        total_us: u64,
    },
    /// No answer in time: key it in.
    Fallback {
        /// What stood in the way, in words.
        reason: String,
    },
}

/// Why a call was not done. Nothing of it was written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// What it is, for programs.
    pub code: ProblemCode,
    /// What it is, for people.
    pub error: String,
    /// The receipt of a basket that is booked already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Box<Committed>>,
    /// Where the business day is closed, the date after it, as yyyymmdd: the till offers to open it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_day: Option<u32>,
}

impl Problem {
    /// A refusal with its reason in words.
    pub fn new(code: ProblemCode, error: impl Into<String>) -> Self {
        Self { code, error: error.into(), receipt: None, next_day: None }
    }
}

/// What kind of refusal it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// The call does not read, or its contents are refused. A repeat is refused again.
    BadRequest,
    /// The call came from a web page, or under another name than that of this machine.
    Forbidden,
    /// The call has another content type than it should.
    ContentType,
    /// The call is known and has another method: the header `Allow` says which.
    MethodNotAllowed,
    /// The body is larger than any call's.
    TooLarge,
    /// More of a receipt line would come back than may.
    NotReturnable,
    /// More would be taken from a gift card, points or a coupon than is there.
    Overdrawn,
    /// There is no such open basket.
    UnknownBasket,
    /// The basket was parked, and goes on at another till.
    Elsewhere,
    /// The payments less the change do not come to the total. The basket stays open, for a call with the right ones.
    Tenders,
    /// The payment is not known for this basket, its name is in use, or money was taken for a basket that shall be given up.
    Payment,
    /// The basket is booked already, here or at another terminal, or the key is something else's.
    Booked,
    /// Another terminal says that it has booked this, and its event is not here yet: `receipt` is what it says, and the same call gets the
    /// receipt once the event is here. Who knows better begins it `anyway`.
    BookedElsewhere,
    /// A business day is open, or none is, or baskets are open, or the date is not after the last.
    Day,
    /// The business day is closed: open the next one to sell.
    DayClosed,
    /// The disk is full: nothing further is begun until there is room.
    DiskFull,
    /// The clock of this till is off: set it first, or ask with `whatever_clock`.
    ClockOff,
    /// Too much is under way; try again.
    Busy,
    /// Not every terminal of the store has announced a higher feature level, or there is none; `error` names those missing.
    Level,
    /// This terminal does not lead, or does not hear a majority; ask the one that leads.
    NotLeader,
    /// The terminal has stopped or is stopping.
    Stopped,
    /// What was asked for is damaged here: it is looked for at others, and another terminal may have it. This one goes on.
    Damaged,
    /// The terminal that shall be replaced is connected.
    Connected,
    /// No majority of the store's terminals is heard, so that it decides nothing.
    NoMajority,
    /// The exception has ended: its counter is at its floor again.
    Ended,
    /// The exception is resolved already, or the sale is voided; `error` names by what.
    Resolved,
    /// Something was decided about the exception that the call does not know of: look again.
    Stale,
    /// The store was asked and has not decided yet: ask again with the same key.
    Undecided,
    /// No price of the product is in force.
    NoPrice,
    /// Nothing has this name here.
    NotFound,
    /// There is no model to ask.
    NoModel,
}

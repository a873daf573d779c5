//! Events that are no sale: what an application records beside the receipts.

use edgepos_core::{IdempotencyKey, Lane};

use super::counting::body::CountRecord;
use super::customer::sealing::CustomerKey;
use super::day::body::DayRecord;
use super::day::cash::CashRecord;
use super::day::shift::ShiftRecord;
use super::effect::Effect;
use super::envelope::Mode;
use super::kind::KnownKind;
use super::money::MAX_MAGNITUDE;
use super::payment::body::Step;
use crate::terminal::disk;
use crate::terminal::refusal::Refusal;

/// An event to record. The rooms of its subject make it: `Record::stock_moved`, `Record::price`, `Record::day_opened` …
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    what: What,
    /// Whether it counts.
    pub mode: Mode,
    key: Option<IdempotencyKey>,
    repairs: bool,
    whatever_clock: bool,
    /// The version of a product or a price that it was made from.
    base: Option<u64>,
    /// The key to what it says of a customer, which this terminal keeps.
    keeps: Option<CustomerKey>,
    /// Why it is not taken, found out when it was made.
    refused: Option<Refusal>,
}

/// What is recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum What {
    /// A kind with its body and effects.
    Event { kind: KnownKind, lane: Lane, body: Vec<u8>, effects: Vec<Effect> },
    /// The business day begins or ends; its room writes the body when it is recorded.
    Day(DayRecord),
    /// Goods were counted; what their counters say is found out when it is recorded.
    Count(CountRecord),
    /// Cash moves; the terminal's own drawer is named when it is recorded.
    Cash(CashRecord),
    /// A shift begins or ends; what its drawers were expected to hold is found out when it is recorded.
    Shift(ShiftRecord),
    /// A step of a payment, which belongs to a basket.
    Payment(Step),
}

impl What {
    /// Whether there is room for it on a full disk: it was promised with what it follows on.
    pub(crate) fn is_promised(&self) -> bool {
        matches!(self, Self::Payment(Step::Outcome(_)))
    }

    /// Bytes that recording it writes at most.
    pub(crate) fn needs(&self) -> u64 {
        match self {
            Self::Event { body, effects, .. } => {
                let keys: usize = effects.iter().map(|effect| effect.key.len() + 32).sum();
                disk::writes(body.len() + keys, effects.len())
            }
            Self::Payment(step) => disk::writes(step.body().len(), 2),
            Self::Day(record) => disk::writes(128 * record.cash.len(), 2 + record.cash.len()),
            Self::Cash(_) => disk::writes(512, 2),
            // Its event and its row; a code and an effect have some hundred bytes.
            Self::Count(record) => disk::writes(8_192 + 256 * record.lines.len(), 4 + record.lines.len()),
            Self::Shift(record) => disk::writes(256 + 128 * record.cash.len(), 2 + record.cash.len()),
        }
    }
}

impl Record {
    /// An event in the lane of its kind.
    pub(crate) fn event(kind: KnownKind, body: Vec<u8>, effects: Vec<Effect>) -> Self {
        Self::new(What::Event { kind, lane: kind.lane(), body, effects })
    }

    /// A live event.
    pub(crate) fn new(what: What) -> Self {
        Self {
            what,
            mode: Mode::Live,
            key: None,
            repairs: false,
            whatever_clock: false,
            base: None,
            keeps: None,
            refused: None,
        }
    }

    /// Something that is refused when it is recorded.
    pub(crate) fn refuse(refusal: Refusal) -> Self {
        Self { refused: Some(refusal), ..Self::custom(Vec::new(), Vec::new()) }
    }

    /// A vendor's own event: `body` is opaque, `effects` move counters. It travels as telemetry, or, where it has effects, with the
    /// transactions: what moves a counter must not be what is sent last and dropped first.
    pub fn custom(body: Vec<u8>, effects: Vec<Effect>) -> Self {
        let lane = if effects.is_empty() { KnownKind::Custom.lane() } else { Lane::Transactions };
        Self::custom_in(lane, body, effects)
    }

    /// The same in a lane of the vendor's choice. An event with effects in [`Lane::Telemetry`] is refused when it is recorded.
    pub fn custom_in(lane: Lane, body: Vec<u8>, effects: Vec<Effect>) -> Self {
        Self::new(What::Event { kind: KnownKind::Custom, lane, body, effects })
    }

    /// The customer's key stays on this terminal, written with the event.
    pub(super) fn keeping(mut self, key: CustomerKey) -> Self {
        self.keeps = Some(key);
        self
    }

    /// The key that stays here.
    pub(crate) fn keeps(&self) -> Option<&CustomerKey> {
        self.keeps.as_ref()
    }

    /// Under the till's key: a repeat, on any terminal that holds the event, returns the first event and records nothing.
    pub fn with_key(mut self, key: IdempotencyKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Repairs a register that a wrong clock has written so far ahead that nobody can write it any more: this product or price wins over
    /// whatever was written before the repair, wherever its stamp lies. From feature level 1 on.
    pub fn repairing(mut self) -> Self {
        self.repairs = true;
        self
    }

    /// Also where the clock of this terminal is off by more than [`CLOCK_GUARD`](crate::CLOCK_GUARD): a price or a product is refused there
    /// otherwise. One that a clock far behind stamps takes the place of what is seen, and no other.
    pub fn whatever_clock(mut self) -> Self {
        self.whatever_clock = true;
        self
    }

    /// A product or a price that was made from this version of it, as [`Terminal::price`](crate::Terminal::price) or
    /// [`Terminal::product_at`](crate::Terminal::product_at) has shown it; 0 where there was none. It is refused where another version is
    /// in force here at its time: somebody has changed it since, at this till, another or the head office.
    pub fn based_on(mut self, version: u64) -> Self {
        self.base = Some(version);
        self
    }

    /// The version that it was made from.
    pub(crate) fn base(&self) -> Option<u64> {
        self.base
    }

    /// Whether it is refused where the clock is off: it sets a register, which the latest stamp wins.
    pub(crate) fn is_guarded(&self) -> bool {
        let sets = matches!(&self.what, What::Event { kind, .. } if kind.sets_register());
        sets && !self.whatever_clock && !self.repairs
    }

    /// Whether it repairs a register.
    pub(crate) fn repairs(&self) -> bool {
        self.repairs
    }

    /// The till's key.
    pub(crate) fn key(&self) -> Option<IdempotencyKey> {
        self.key
    }

    /// Why it is not taken.
    pub(crate) fn refused(&self) -> Option<&Refusal> {
        self.refused.as_ref()
    }

    /// Refuses quantities and amounts that no shop has: a few of them leave 64 bits, and then no terminal can count on.
    pub(crate) fn check_magnitudes(&self) -> Result<(), Refusal> {
        let fits = |number: i64| number.unsigned_abs() <= MAX_MAGNITUDE;
        let fit = match &self.what {
            What::Event { effects, .. } => {
                effects.iter().all(|effect| fits(effect.delta) && effect.floor.is_none_or(fits))
            }
            What::Day(record) => fits(record.amount) && record.cash.iter().all(|cash| fits(cash.amount)),
            // Their rooms look at them.
            What::Payment(_) | What::Count(_) | What::Cash(_) | What::Shift(_) => true,
        };
        if fit { Ok(()) } else { Err(Refusal::Overflow) }
    }

    /// What is recorded.
    pub(crate) fn what(&self) -> &What {
        &self.what
    }

    /// What is recorded, to be said more of.
    pub(crate) fn what_mut(&mut self) -> &mut What {
        &mut self.what
    }

    /// What is recorded, and whether it counts.
    pub(crate) fn into_parts(self) -> (What, Mode) {
        (self.what, self.mode)
    }
}

//! What a call answers with: a number that never changes its meaning, and in words why.

use std::error::Error;
use std::ffi::CStr;

use edgepos::consensus::MembershipError;
use edgepos::forms::FormError;
use edgepos::{HistoryError, LevelError, Refusal, ReplaceError, ResolveError};

/// It is done, and every output is written.
pub const EDGEPOS_OK: i32 = 0;
/// It is done, and there is nothing: no such name, no value, nothing came in time. No output is written.
pub const EDGEPOS_NOTHING: i32 = 1;
/// Nothing further comes. No output is written.
pub const EDGEPOS_END: i32 = 2;
/// An argument is NULL, no handle, not UTF-8 or over its limit. A fault of the caller.
pub const EDGEPOS_INVALID: i32 = -1;
/// What was asked does not read, or is refused for what it says. A repeat is refused again.
pub const EDGEPOS_BAD_REQUEST: i32 = -2;
/// The terminal cannot be opened: its configuration, its files or its address.
pub const EDGEPOS_SETUP: i32 = -3;
/// Too much is under way, or another thread uses what one at a time may use. Ask again.
pub const EDGEPOS_BUSY: i32 = -4;
/// The terminal has stopped or was closed.
pub const EDGEPOS_STOPPED: i32 = -5;
/// A fault of this library: this call or an earlier one of this handle panicked. Only closing and freeing it work.
pub const EDGEPOS_POISONED: i32 = -6;
/// What is stored cannot be read.
pub const EDGEPOS_DAMAGED: i32 = -7;
/// There is no such open basket.
pub const EDGEPOS_UNKNOWN_BASKET: i32 = -8;
/// The basket was parked, and goes on at another till.
pub const EDGEPOS_ELSEWHERE: i32 = -9;
/// The basket is booked already, here or at another terminal, or the key belongs to something else.
pub const EDGEPOS_BOOKED: i32 = -10;
/// More of a receipt line would come back than may.
pub const EDGEPOS_NOT_RETURNABLE: i32 = -11;
/// Payments stand in the way: less the change they do not come to the total, a payment is not approved for this basket, was intended
/// before, or money was taken. The basket stays open.
pub const EDGEPOS_TENDERS: i32 = -12;
/// The business day does not allow it.
pub const EDGEPOS_DAY: i32 = -13;
/// The disk is full: nothing further is begun until there is room.
pub const EDGEPOS_DISK_FULL: i32 = -14;
/// The clock of this terminal is off: set it first.
pub const EDGEPOS_CLOCK_OFF: i32 = -15;
/// The store does not decide it here and now: this terminal does not lead, or no majority is heard.
pub const EDGEPOS_NOT_DECIDED: i32 = -16;
/// There is no model to ask: none is used for it, it cannot be loaded, or this library was built without models.
pub const EDGEPOS_NO_MODEL: i32 = -17;

/// Every status with its text, by the order in which they came. The list is closed: programs have a case for each. What a later version
/// refuses besides comes under the one that says what to do about it, with its own words as detail.
pub(crate) const TEXTS: [(i32, &CStr); 20] = [
    (EDGEPOS_OK, c"done"),
    (EDGEPOS_NOTHING, c"nothing is there, or nothing came in time"),
    (EDGEPOS_END, c"nothing further comes"),
    (EDGEPOS_INVALID, c"an argument is not valid"),
    (EDGEPOS_BAD_REQUEST, c"the request is refused for what it says"),
    (EDGEPOS_SETUP, c"the terminal cannot be opened"),
    (EDGEPOS_BUSY, c"too much is under way: ask again"),
    (EDGEPOS_STOPPED, c"the terminal has stopped"),
    (EDGEPOS_POISONED, c"the library has failed: close and free the handle"),
    (EDGEPOS_DAMAGED, c"what is stored cannot be read"),
    (EDGEPOS_UNKNOWN_BASKET, c"the basket is not open"),
    (EDGEPOS_ELSEWHERE, c"the basket goes on at another till"),
    (EDGEPOS_BOOKED, c"the basket is booked, or the key is in use"),
    (EDGEPOS_NOT_RETURNABLE, c"more would come back than may"),
    (EDGEPOS_TENDERS, c"the payments are not those of the basket"),
    (EDGEPOS_DAY, c"the business day does not allow it"),
    (EDGEPOS_DISK_FULL, c"the disk is full"),
    (EDGEPOS_CLOCK_OFF, c"the clock of this terminal is off"),
    (EDGEPOS_NOT_DECIDED, c"the store does not decide it here and now"),
    (EDGEPOS_NO_MODEL, c"there is no model to ask"),
];

/// Why a call was not done. No output is written.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// One of the constants above.
    pub(crate) status: i32,
    /// Why, in English.
    pub(crate) detail: String,
}

impl Failure {
    /// A fault of the caller.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self { status: EDGEPOS_INVALID, detail: detail.into() }
    }

    /// What was asked does not read.
    pub(crate) fn bad_request(detail: impl ToString) -> Self {
        Self { status: EDGEPOS_BAD_REQUEST, detail: detail.to_string() }
    }

    /// Another thread uses what one at a time may use.
    pub(crate) fn in_use(what: &str) -> Self {
        Self { status: EDGEPOS_BUSY, detail: format!("another thread uses {what}") }
    }

    /// The terminal does not come to its end.
    pub(crate) fn hangs() -> Self {
        Self {
            status: EDGEPOS_BUSY,
            detail: "the terminal does not come to an end: its disk or a thread of it hangs".into(),
        }
    }

    /// The terminal is none any more.
    pub(crate) fn closed() -> Self {
        Self { status: EDGEPOS_STOPPED, detail: "the terminal was closed".into() }
    }

    /// What a call needs has failed inside the library before.
    pub(crate) fn poisoned(what: &str) -> Self {
        Self {
            status: EDGEPOS_POISONED,
            detail: format!("an earlier call of {what} failed inside the library"),
        }
    }

    /// The process that calls is not the one that has its threads.
    pub(crate) fn forked(what: &str) -> Self {
        let detail = format!("{what} of the process that this one was forked from, which has its threads");
        Self { status: EDGEPOS_STOPPED, detail }
    }

    /// With this status, and what the error and its causes say.
    pub(crate) fn of(status: i32, error: &dyn Error) -> Self {
        let mut detail = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            detail.push_str(": ");
            detail.push_str(&error.to_string());
            cause = error.source();
        }
        Self { status, detail }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let status = match &refusal {
            Refusal::UnknownBasket(_) | Refusal::BasketEnded(_) => EDGEPOS_UNKNOWN_BASKET,
            Refusal::BasketElsewhere(_) | Refusal::BasketParked(_) => EDGEPOS_ELSEWHERE,
            Refusal::BasketBooked(_) | Refusal::KeyInUse { .. } | Refusal::KeyOfAnotherBasket { .. } => {
                EDGEPOS_BOOKED
            }
            Refusal::NotReturnable { .. } | Refusal::NotRefundable { .. } => EDGEPOS_NOT_RETURNABLE,
            Refusal::Tenders(_)
            | Refusal::UnknownPayment(_)
            | Refusal::PaymentExists(_)
            | Refusal::MoneyTaken { .. } => EDGEPOS_TENDERS,
            Refusal::Day(_) | Refusal::DayClosed(_) => EDGEPOS_DAY,
            Refusal::Resolve(ResolveError::NoMajority) => EDGEPOS_NOT_DECIDED,
            Refusal::Resolve(ResolveError::Undecided | ResolveError::Busy) => EDGEPOS_BUSY,
            Refusal::DiskFull => EDGEPOS_DISK_FULL,
            Refusal::ClockOff { .. } => EDGEPOS_CLOCK_OFF,
            Refusal::BasketBusy(_) | Refusal::KeyBusy | Refusal::Full { .. } => EDGEPOS_BUSY,
            // It is booked, and its receipt is on its way.
            Refusal::BookedElsewhere(_) | Refusal::RecordedElsewhere { .. } => EDGEPOS_BUSY,
            Refusal::Damaged { .. } => EDGEPOS_DAMAGED,
            Refusal::Stopped(_) | Refusal::MixedUp(_) | Refusal::Log(_) => EDGEPOS_STOPPED,
            _ => EDGEPOS_BAD_REQUEST,
        };
        Self::of(status, &refusal)
    }
}

impl From<FormError> for Failure {
    fn from(error: FormError) -> Self {
        Self::bad_request(error)
    }
}

impl From<HistoryError> for Failure {
    fn from(error: HistoryError) -> Self {
        match error {
            HistoryError::Stopped(refusal) => refusal.into(),
            HistoryError::BadField { .. } => Self::bad_request(error),
            error => Self::of(EDGEPOS_DAMAGED, &error),
        }
    }
}

impl From<MembershipError> for Failure {
    fn from(error: MembershipError) -> Self {
        let status = match error {
            MembershipError::NotEntitled => EDGEPOS_NOT_DECIDED,
            MembershipError::ChangeUnderWay => EDGEPOS_BUSY,
            _ => EDGEPOS_BAD_REQUEST,
        };
        Self::of(status, &error)
    }
}

impl From<ReplaceError> for Failure {
    fn from(error: ReplaceError) -> Self {
        let status = match error {
            ReplaceError::NoMajority { .. } | ReplaceError::NotAMember { .. } => EDGEPOS_NOT_DECIDED,
            ReplaceError::Election(_) => EDGEPOS_BUSY,
            _ => EDGEPOS_BAD_REQUEST,
        };
        Self::of(status, &error)
    }
}

impl From<LevelError> for Failure {
    fn from(error: LevelError) -> Self {
        let status = match error {
            LevelError::NotEntitled | LevelError::NotAnnounced { .. } => EDGEPOS_NOT_DECIDED,
            LevelError::Reached { .. } => EDGEPOS_BAD_REQUEST,
            _ => EDGEPOS_BUSY,
        };
        Self::of(status, &error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_few_and_never_change() {
        assert_eq!(
            TEXTS.len(),
            20,
            "the list is closed: a new condition is a detail of the status that says what to do"
        );
        let numbers: Vec<i32> = TEXTS.iter().map(|(status, _)| *status).collect();
        let expected: Vec<i32> = (0..=2).chain((1..=17).map(|error| -error)).collect();
        assert_eq!(numbers, expected, "in the order in which they came, without gaps");
    }
}

//! Between the till's JSON and the terminal's types.

use edgepos::consensus::MembershipError;
use edgepos::core::IdempotencyKey;
use edgepos::forms::FormError;
use edgepos::model::{BasketId, next_date};
use edgepos::{Committed, HistoryError, LevelError, Refusal, ReplaceError, ResolveError};

use crate::api::{BeginLine, Claimed, Problem, ProblemCode};

/// A call that does not read.
pub(super) fn bad_request(error: impl ToString) -> Problem {
    Problem::new(ProblemCode::BadRequest, error.to_string())
}

impl From<FormError> for Problem {
    fn from(error: FormError) -> Self {
        bad_request(error)
    }
}

pub(super) fn basket(text: &str) -> Result<BasketId, Problem> {
    text.parse().map_err(|error| bad_request(format!("{text:?}: {error}")))
}

pub(super) fn key(text: &str) -> Result<IdempotencyKey, Problem> {
    text.parse().map_err(|error| bad_request(format!("{text:?}: {error}")))
}

pub(super) fn claimed(basket: BasketId, claimed: edgepos::Claimed) -> Claimed {
    let edgepos::Claimed { number, total, lines } = claimed;
    Claimed {
        basket: basket.to_string(),
        number,
        total,
        lines: lines.into_iter().map(BeginLine::from).collect(),
    }
}

pub(super) fn problem(refusal: &Refusal) -> Problem {
    let code = match refusal {
        Refusal::NotReturnable { .. } | Refusal::NotRefundable { .. } => ProblemCode::NotReturnable,
        Refusal::Overdrawn { .. } => ProblemCode::Overdrawn,
        Refusal::UnknownBasket(_) | Refusal::BasketEnded(_) => ProblemCode::UnknownBasket,
        Refusal::Tenders(_) => ProblemCode::Tenders,
        Refusal::UnknownPayment(_) | Refusal::PaymentExists(_) | Refusal::MoneyTaken { .. } => {
            ProblemCode::Payment
        }
        Refusal::BasketElsewhere(_) | Refusal::BasketParked(_) => ProblemCode::Elsewhere,
        Refusal::Day(_) | Refusal::NoDate { .. } => ProblemCode::Day,
        Refusal::DayClosed(_) => ProblemCode::DayClosed,
        Refusal::DiskFull => ProblemCode::DiskFull,
        Refusal::Resolve(error) => resolve_code(error),
        Refusal::BelowLevel { .. } => ProblemCode::Level,
        Refusal::OtherVersion { .. } => ProblemCode::Stale,
        Refusal::ClockOff { .. } => ProblemCode::ClockOff,
        Refusal::BasketBooked(_) | Refusal::KeyInUse { .. } => ProblemCode::Booked,
        Refusal::BookedElsewhere(_) | Refusal::RecordedElsewhere { .. } => ProblemCode::BookedElsewhere,
        Refusal::BasketBusy(_) | Refusal::KeyBusy | Refusal::Full { .. } => ProblemCode::Busy,
        Refusal::Damaged { .. } => ProblemCode::Damaged,
        Refusal::Stopped(_) | Refusal::MixedUp(_) | Refusal::Log(_) => ProblemCode::Stopped,
        _ => ProblemCode::BadRequest,
    };
    let receipt = match refusal {
        Refusal::BasketBooked(booked) | Refusal::BookedElsewhere(booked) => {
            Some(Box::new(Committed { receipt: booked.clone(), repeated: true, fiscal: None }))
        }
        _ => None,
    };
    let next_day = match refusal {
        Refusal::DayClosed(day) => next_date(*day),
        _ => None,
    };
    Problem { code, error: refusal.to_string(), receipt, next_day }
}

/// Why an exception is not resolved.
fn resolve_code(error: &ResolveError) -> ProblemCode {
    match error {
        ResolveError::Unknown { .. } => ProblemCode::NotFound,
        ResolveError::Ended { .. } => ProblemCode::Ended,
        ResolveError::ResolvedBefore { .. } | ResolveError::VoidedBefore { .. } => ProblemCode::Resolved,
        ResolveError::Stale { .. } | ResolveError::NoSuchStep { .. } => ProblemCode::Stale,
        ResolveError::NoMajority => ProblemCode::NoMajority,
        ResolveError::Undecided => ProblemCode::Undecided,
        ResolveError::Busy => ProblemCode::Busy,
        _ => ProblemCode::BadRequest,
    }
}

/// Why something could not be read back.
pub(super) fn unread(error: &HistoryError) -> Problem {
    match error {
        HistoryError::Stopped(refusal) => problem(refusal),
        HistoryError::BadField { .. } => bad_request(error),
        error => Problem::new(ProblemCode::Damaged, error.to_string()),
    }
}

/// Why the store's feature level was not raised.
pub(super) fn level_problem(error: &LevelError) -> Problem {
    let code = match error {
        LevelError::NotEntitled => ProblemCode::NotLeader,
        LevelError::Reached { .. } | LevelError::NotAnnounced { .. } => ProblemCode::Level,
        _ => ProblemCode::Busy,
    };
    Problem::new(code, error.to_string())
}

pub(super) fn membership_problem(error: &MembershipError) -> Problem {
    let code = match error {
        MembershipError::NotEntitled => ProblemCode::NotLeader,
        MembershipError::ChangeUnderWay => ProblemCode::Busy,
        _ => ProblemCode::BadRequest,
    };
    Problem::new(code, error.to_string())
}

pub(super) fn replace_problem(error: &ReplaceError) -> Problem {
    let code = match error {
        ReplaceError::Connected { .. } => ProblemCode::Connected,
        ReplaceError::NoMajority { .. } => ProblemCode::NoMajority,
        ReplaceError::NotAMember { .. } => ProblemCode::NotLeader,
        ReplaceError::Election(_) => ProblemCode::Busy,
        _ => ProblemCode::BadRequest,
    };
    Problem::new(code, error.to_string())
}

//! What is said of business days.

use edgepos_core::EventId;
use edgepos_crdt::VersionVector;
use edgepos_wire::to_cbor;
use minicbor::{Decode, Encode};

use crate::retail::envelope::Ref;
use crate::retail::money::Currency;

/// Cash that somebody counted in a drawer. From there on the drawer's counter says this.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cbor(map)]
pub struct CashCount {
    /// Of which currency.
    #[n(0)]
    pub currency: Currency,
    /// How much, in minor units.
    #[n(1)]
    pub amount: i64,
    /// In which drawer; the terminal's own where absent.
    #[n(2)]
    pub drawer: Option<String>,
    /// What the drawer's counter said before, as the terminal had seen: written when it is recorded.
    #[n(3)]
    pub expected: Option<i64>,
}

impl CashCount {
    /// So much in the terminal's own drawer.
    pub fn new(currency: Currency, amount: i64) -> Self {
        Self { currency, amount, drawer: None, expected: None }
    }
}

/// The body of [`Kind::DAY_OPENED`](crate::model::Kind::DAY_OPENED).
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cbor(map)]
pub struct DayOpened {
    /// The business day as yyyymmdd.
    #[n(0)]
    pub day: u32,
    /// Cash in the drawer, in minor units. Moves no counter: it says no currency.
    #[n(1)]
    #[cbor(default)]
    pub float: i64,
    /// Cash in the drawers, by currency.
    #[n(2)]
    pub cash: Option<Vec<CashCount>>,
    /// Whether it is the day of all terminals of the store. Absent where it is the terminal's own.
    #[n(3)]
    pub store: Option<bool>,
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
    /// Cash counted in the drawers, by currency.
    #[n(3)]
    pub cash: Option<Vec<CashCount>>,
    /// Whether it ends for all terminals of the store. Absent where it is the terminal's own.
    #[n(4)]
    pub store: Option<bool>,
}

impl DayOpened {
    /// What the till asked for when it was recorded.
    pub(crate) fn as_asked(&self) -> Self {
        Self { cash: self.cash.as_deref().map(asked), store: None, ..self.clone() }
    }
}

/// Counts without what was expected, which is found out when they are recorded.
pub(super) fn asked(cash: &[CashCount]) -> Vec<CashCount> {
    cash.iter().map(|count| CashCount { expected: None, ..count.clone() }).collect()
}

impl DayClosed {
    /// A day that ends with what the terminal has seen so far.
    pub fn new(day: u32, counted: i64, watermark: &VersionVector) -> Self {
        let watermark = watermark.iter().map(|(chain, seq)| EventId::new(chain, seq)).collect();
        Self { day, counted, watermark, cash: None, store: None }
    }

    /// What the till asked for when it was recorded, as bytes.
    pub(crate) fn as_asked(&self) -> Vec<u8> {
        match self.cash.as_deref() {
            None => to_cbor(&self.counted),
            Some(cash) => to_cbor(&(self.counted, asked(cash))),
        }
    }

    /// The same with cash counted by currency.
    #[must_use]
    pub fn with_cash(self, cash: Option<Vec<CashCount>>) -> Self {
        Self { cash, ..self }
    }

    /// The same for all terminals of the store, or for this one alone.
    #[must_use]
    pub fn of_store(self, store: bool) -> Self {
        Self { store: store.then_some(true), ..self }
    }

    /// What the terminal had seen when it closed the day: what is within is on time, and what is not came late.
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
    /// It begins, as yyyymmdd.
    Opened(u32),
    /// It ends; its watermark is taken when it is recorded.
    Closed,
}

/// A business day begins or ends, with what is in the drawers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct DayRecord {
    pub(crate) change: DayChange,
    /// In minor units of a currency that nobody named.
    pub(crate) amount: i64,
    pub(crate) cash: Vec<CashCount>,
    /// Whether a close parks what is open: it is refused otherwise.
    pub(crate) parks: bool,
    /// The day that a close is meant for, where somebody said.
    pub(crate) meant: Option<u32>,
}

impl DayRecord {
    /// Whether this is the day that it shall close, or none was named.
    pub(super) fn is_meant_for(&self, day: u32) -> bool {
        self.meant.is_none_or(|meant| meant == day)
    }
}

/// What is open as something is recorded: the business day, and the shift of whoever does it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct OnDuty {
    /// As yyyymmdd.
    pub(crate) day: Option<u32>,
    pub(crate) shift: Option<Ref>,
}

/// Whether a number is a date of the calendar, as yyyymmdd from 1970 on.
pub(crate) fn is_date(day: u32) -> bool {
    let (year, month, day) = (day / 10_000, day / 100 % 100, day % 100);
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return false,
    };
    (1_970..=9_999).contains(&year) && (1..=days).contains(&day)
}

/// The date after another, as yyyymmdd; `None` behind the end of the year 9999, and of what is no date.
pub fn next_date(day: u32) -> Option<u32> {
    let (year, month) = (day / 10_000, day / 100 % 100);
    let next_month =
        if month == 12 { (year + 1) * 10_000 + 101 } else { year * 10_000 + (month + 1) * 100 + 1 };
    is_date(day).then_some(())?;
    [day + 1, next_month].into_iter().find(|next| is_date(*next))
}

#[cfg(test)]
mod tests {
    use super::{is_date, next_date};

    #[test]
    fn the_next_date_is_the_next_of_the_calendar() {
        for (day, next) in [
            (20_261_130, Some(20_261_201)),
            (20_261_231, Some(20_270_101)),
            (20_280_228, Some(20_280_229)),
            (20_280_229, Some(20_280_301)),
            (20_270_228, Some(20_270_301)),
            (99_991_231, None),
            (20_260_230, None),
        ] {
            assert_eq!(next_date(day), next, "{day}");
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for day in [19_700_101, 20_240_229, 20_000_229, 20_261_128, 20_261_231, 99_991_231] {
            assert!(is_date(day), "{day}");
        }
        for day in [
            0,
            1,
            20_260_229,
            21_000_229,
            20_261_131,
            20_261_332,
            20_260_230,
            20_260_001,
            99_999_999,
            20_260_100,
            19_691_231,
            u32::MAX,
        ] {
            assert!(!is_date(day), "{day}");
        }
    }
}

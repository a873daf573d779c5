//! What an event's effects sum up to, and which of the sums say what was sold.

use std::collections::BTreeMap;

use edgepos_core::EventId;

use super::effect::{CounterRow, Effect};
use super::sale::body::BasketId;
use super::unreadable::Unreadable;

/// The sum of one event's effects on one row, by the row's key, and the lowest floor that they name.
pub(crate) type Sums = BTreeMap<Vec<u8>, (i64, Option<i64>)>;

/// What one event of a basket says of its own lines.
#[derive(Clone, Debug)]
pub(crate) struct SoldBy {
    pub(crate) event: EventId,
    pub(crate) lines: Sums,
}

/// The basket whose line a row counts, where it is a row of that kind.
pub(crate) fn basket_of(row: &[u8]) -> Option<BasketId> {
    let basket = row.get(7..23)?.first_chunk::<16>().copied().map(BasketId)?;
    let line = row.get(23..25)?.first_chunk::<2>().copied().map(u16::from_be_bytes)?;
    (CounterRow::returnable(basket, line).to_key() == row).then_some(basket)
}

/// The sum of effects for each row.
///
/// # Errors
/// When one leaves 64 bits.
pub(crate) fn sums(effects: &[Effect]) -> Result<Sums, Unreadable> {
    let mut sums = Sums::new();
    for effect in effects {
        let sum = sums.entry(effect.row().to_key()).or_insert((0, None));
        sum.0 = sum.0.checked_add(effect.delta).ok_or(Unreadable::EffectsOverflow)?;
        sum.1 = lowest(effect.floor, sum.1);
    }
    Ok(sums)
}

/// The lower of two floors. A register says otherwise where one is set; of effects the lowest counts, whatever order they come in.
pub(crate) fn lowest(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    a.into_iter().chain(b).min()
}

/// Whether this sum of an event of `basket` says what was sold of one of its own lines.
pub(crate) fn is_own(basket: Option<BasketId>, row: &[u8], sum: i64) -> bool {
    sum >= 0 && basket.is_some() && basket_of(row) == basket
}

/// The value of a line of which nothing has come back; `None` where nobody sold it.
pub(crate) fn left(sales: &[SoldBy], row: &CounterRow) -> Option<i64> {
    sums_of(sales, row).reduce(i64::saturating_add)
}

/// What may be returned of it: of a basket that several terminals booked each piece has left once.
pub(crate) fn returnable(sales: &[SoldBy], row: &CounterRow) -> Option<i64> {
    sums_of(sales, row).max()
}

fn sums_of(sales: &[SoldBy], row: &CounterRow) -> impl Iterator<Item = i64> {
    let key = row.to_key();
    sales.iter().filter_map(move |sale| sale.lines.get(&key).map(|(sum, _)| *sum))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retail::effect::{Counter, StockState};

    #[test]
    fn a_row_of_a_line_names_its_basket_and_no_other_row_does() {
        let basket = BasketId([9; 16]);
        let line = CounterRow::returnable(basket, 300);
        assert_eq!(basket_of(&line.to_key()), Some(basket));
        for other in [
            CounterRow { location: 1, ..line.clone() },
            CounterRow { state: StockState::Damaged, ..line.clone() },
            CounterRow { counter: Counter::STOCK, ..line.clone() },
            CounterRow { key: vec![9; 17], ..line.clone() },
            CounterRow { key: vec![9; 19], ..line.clone() },
        ] {
            assert_eq!(basket_of(&other.to_key()), None, "{other:?}");
        }
        assert!(is_own(Some(basket), &line.to_key(), 2));
        assert!(!is_own(Some(basket), &line.to_key(), -1), "what comes back");
        assert!(!is_own(Some(BasketId([8; 16])), &line.to_key(), 2), "of another sale");
        assert!(!is_own(None, &line.to_key(), 2));
    }
}

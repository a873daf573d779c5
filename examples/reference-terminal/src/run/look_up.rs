//! The till's questions about what was sold. None of them holds up a sale: they are read from the store, a slice at a time.

use axum::extract::State;
use axum::response::Json;
use edgepos::core::EventId;
use edgepos::crdt::VersionVector;
use edgepos::model::{BookedName, Counter, CounterRow};
use edgepos::{
    BasketContents, BookedTransaction, CounterValue, DayFigures, DayQuery, HistoryError, MAX_PAGE,
    OpenException, ReceiptState, TransactionPage, TransactionQuery,
};
use serde::Deserialize;

use super::asked::{Answer, Asked, Till, asked};
use super::convert::{self, bad_request};
use crate::api::{CounterPage, FindTransactions, Problem, ProblemCode};
use crate::names;

/// Transactions of a page where nobody says how many.
const PAGE: usize = 50;

pub(super) async fn transactions(
    State(till): State<Till>,
    find: Asked<FindTransactions>,
) -> Answer<TransactionPage> {
    let find = asked(find)?;
    let after = find.after.as_deref().map(cursor).transpose()?;
    let query = TransactionQuery {
        from_ms: find.from_ms,
        before_ms: find.before_ms,
        business_day: find.business_day,
        series: find.series,
        number: find.number,
        customer: find.customer,
        terminal: find.terminal,
    };
    Ok(Json(till.node.transactions(&query, after, find.limit.unwrap_or(PAGE)).await?))
}

/// The `next` of a page as one word: `3-0123456789ab/0:17,4-…`.
fn cursor(text: &str) -> Result<VersionVector, Problem> {
    let parse = |position: &str| {
        let id: EventId = position.parse().map_err(|error| bad_request(format!("{position:?}: {error}")))?;
        Ok((id.chain, id.seq))
    };
    text.split(',').map(parse).collect()
}

pub(super) async fn day(State(till): State<Till>, query: Asked<DayQuery>) -> Answer<DayFigures> {
    Ok(Json(till.node.day_figures(asked(query)?).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Event {
    event: String,
}

pub(super) async fn transaction(State(till): State<Till>, event: Asked<Event>) -> Answer<BookedTransaction> {
    let Event { event } = asked(event)?;
    let id: EventId = event.parse().map_err(|error| bad_request(format!("{event:?}: {error}")))?;
    till.node.transaction(id).await?.map(Json).ok_or_else(|| missing("transaction", &event))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    basket: Option<String>,
    key: Option<String>,
}

pub(super) async fn receipts(State(till): State<Till>, named: Asked<Named>) -> Answer<Vec<ReceiptState>> {
    let name = match asked(named)? {
        Named { basket: Some(basket), key: None } => BookedName::Basket(convert::basket(&basket)?),
        Named { basket: None, key: Some(key) } => BookedName::Key(convert::key(&key)?),
        _ => return Err(bad_request("either basket or key is needed")),
    };
    Ok(Json(till.node.receipt_states(name).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct One {
    basket: String,
}

pub(super) async fn basket(State(till): State<Till>, one: Asked<One>) -> Answer<BasketContents> {
    let One { basket } = asked(one)?;
    let id = convert::basket(&basket)?;
    till.node.basket(id).await?.map(Json).ok_or_else(|| missing("basket", &basket))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct After {
    /// The row that the page before ended with, in hexadecimal.
    after: Option<String>,
}

pub(super) async fn exceptions(State(till): State<Till>, after: Asked<After>) -> Answer<Vec<OpenException>> {
    let after = asked(after)?.after.as_deref().map(bytes).transpose()?;
    Ok(Json(till.node.open_exceptions_after(after).await?))
}

pub(super) async fn counters(
    State(till): State<Till>,
    page: Asked<CounterPage>,
) -> Answer<Vec<CounterValue>> {
    let values = match asked(page)? {
        CounterPage { product: Some(product), .. } => {
            let row = CounterRow::stock(&product, till.location);
            let value = till.node.counter(row.clone()).await?;
            value.map(|value| CounterValue { row, value }).into_iter().collect()
        }
        CounterPage { counter: None, after: None, limit: None, .. } => till.node.counters().await?,
        CounterPage { counter, after, limit, .. } => {
            let after = after.as_deref().map(bytes).transpose()?;
            let row = |key: &Vec<u8>| {
                CounterRow::from_key(key).ok_or_else(|| bad_request("after: no row of a counter"))
            };
            let after = after.as_ref().map(row).transpose()?;
            let mut values = till.node.counters_after(counter.map(Counter), after).await?;
            values.truncate(limit.unwrap_or(MAX_PAGE).max(1));
            values
        }
    };
    Ok(Json(values))
}

/// Bytes from hexadecimal digits.
pub(super) fn bytes(text: &str) -> Result<Vec<u8>, Problem> {
    names::parse_bytes(text).map_err(bad_request)
}

fn missing(what: &str, name: &str) -> Problem {
    Problem::new(ProblemCode::NotFound, format!("no {what} of the name {name:?} is known here"))
}

impl From<HistoryError> for Problem {
    fn from(error: HistoryError) -> Self {
        convert::unread(&error)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn cursors_are_positions_of_chains() {
        let vector = cursor("3-0123456789ab/0:17,4-0123456789ab/0:3").unwrap();
        let named: BTreeMap<_, _> = vector.iter().map(|(chain, seq)| (chain.to_string(), seq.0)).collect();
        assert_eq!(named.len(), 2);
        assert_eq!(named["3-0123456789ab/0"], 17);
        assert!(cursor("").is_err() && cursor("3-0123456789ab/0:17,").is_err());
    }
}

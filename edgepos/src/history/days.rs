//! What business days come to.

use edgepos_core::Space;

use super::stored::{HistoryError, check};
use crate::node::Node;
use crate::retail::figures::report::{DayFigures, Making};
use crate::retail::figures::row::Row;
use crate::terminal::Terminal;

/// Bytes of rows that are read at a time: what the store's thread does between two sales.
const PIECE: u32 = 256 << 10;

/// What a day is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct DayQuery {
    /// The business day, as yyyymmdd.
    pub day: u32,
    /// Of the terminal with this number; of the whole store where absent.
    pub terminal: Option<u16>,
}

impl Node {
    /// What a business day comes to, as far as this terminal holds its events: the X figures of an open day, the Z figures of a closed one,
    /// and what came late. Sales go on meanwhile; none that is booked after the call is in.
    ///
    /// # Errors
    /// When what is asked for is no date or no terminal, the terminal has stopped, or a row cannot be read.
    pub async fn day_figures(&self, asked: DayQuery) -> Result<DayFigures, HistoryError> {
        check("day", Some(asked.day), asked.terminal)?;
        let held = |terminal: &Terminal| (terminal.durable().clone(), terminal.shop().figures().is_whole());
        let (seen, whole) = self.query(held).await?;
        let mut making = Making::new(asked.day, asked.terminal, seen);
        let (mut from, to) = Row::range(asked.day);
        loop {
            let rows = self.rows_of(Space::DayFigures, from, to.clone(), PIECE).await?;
            let Some((last, _)) = rows.last() else { return Ok(making.finish(whole)) };
            from = [last.as_slice(), &[0]].concat();
            for (key, value) in &rows {
                let what = "a row of a day's figures";
                making.row(key, value).map_err(|reason| HistoryError::Unreadable { what, reason })?;
            }
        }
    }
}

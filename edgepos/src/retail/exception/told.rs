//! What a manager has to look at: open exceptions that nobody has resolved, by what they are and what is proposed.

use std::collections::BTreeMap;

use super::body::ExceptionType;
use super::resolution::ActionCode;
use crate::terminal::Finding;

/// What an exception is, and what is proposed about it.
type Kind = (ExceptionType, Option<ActionCode>);

/// Open exceptions without a resolution.
#[derive(Debug, Default)]
pub(super) struct Told {
    rows: BTreeMap<Vec<u8>, Kind>,
    /// How many there are of each kind: a question each time something happens must not go through all.
    counts: BTreeMap<Kind, u64>,
}

impl Told {
    /// What the exception of a row is; `None` where there is none, or it is resolved.
    pub(super) fn set(&mut self, row: &[u8], kind: Option<Kind>) {
        let before = match kind {
            Some(kind) => self.rows.insert(row.to_vec(), kind),
            None => self.rows.remove(row),
        };
        if let Some(count) = before.and_then(|before| self.counts.get_mut(&before)) {
            *count -= 1;
        }
        if let Some(kind) = kind {
            *self.counts.entry(kind).or_default() += 1;
        }
    }

    /// What a manager is told. It names no row: that of points is a customer's.
    pub(super) fn finding(&self) -> Option<Finding> {
        let about =
            self.counts.iter().filter(|(_, count)| **count > 0).map(|((exception, action), count)| {
                let name = exception.name();
                match action {
                    Some(action) => format!("{count} {name}, {} is proposed", action.name()),
                    None => format!("{count} {name}"),
                }
            });
        let about: Vec<_> = about.collect();
        (!about.is_empty()).then(|| Finding { count: self.rows.len() as u64, about: about.join("; ") })
    }
}

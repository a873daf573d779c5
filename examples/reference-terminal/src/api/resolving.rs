//! What a manager says about an exception.

use serde::{Deserialize, Serialize};

/// `POST /resolve`: what is to be done about an exception. Asked at any terminal; the store decides, once for each exception.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolveException {
    /// What the exception is about: its `row`, as `GET /exceptions` shows it.
    pub exception: String,
    /// Which exception of the row.
    pub episode: u32,
    /// What is to be done.
    pub resolution: ResolutionPart,
    /// Who decides, by the name that the shop knows them by.
    pub actor: String,
    /// Why it is done, for whoever reads the audit record.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The `base` that `GET /exceptions` showed: where something was decided since, nothing is done. Default: the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<u64>,
    /// A key of 32 hexadecimal digits: a repeat answers the first result.
    pub key: String,
}

/// What is to be done about an exception.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum ResolutionPart {
    /// What is missing is owed to customers.
    Backorder {},
    /// The stock record was wrong.
    AdjustInventory {
        /// By how much the record changes.
        delta: i64,
    },
    /// Somebody counts, or has counted.
    Recount {
        /// How much there is, where it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        counted: Option<i64>,
    },
    /// It stays as it is, and open until the counter is at its floor again.
    Accept {},
    /// A sale is taken back.
    VoidTransaction {
        /// The event that booked it, such as `3-0123456789ab/0:17`.
        transaction: String,
        /// Whether its money was given back.
        refund: bool,
        /// Who has approved it.
        approved_by: String,
    },
    /// The latest decision about the exception is taken back.
    Undo {
        /// The event of that decision.
        of: String,
    },
    /// What was owed is handed out.
    Fulfil {
        /// The event that made it a back-order.
        of: String,
    },
    /// What was owed is owed no longer.
    Cancel {
        /// The event that made it a back-order.
        of: String,
    },
    /// What was to be counted is counted.
    Count {
        /// The event that asked for it.
        of: String,
        /// How much there is.
        counted: i64,
    },
}

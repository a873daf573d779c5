//! What an operator asks a terminal that runs, or its file: how it is, what happened, everything that was booked,
//! a copy of it.

mod copies;
mod events;
mod export;
mod inspect;
mod status;

pub use self::copies::{BackupArgs, CompactArgs, RestoreArgs, backup, compact, restore};
pub use self::events::{EventsArgs, EventsError, follow};
pub use self::export::{ExportArgs, export};
pub use self::inspect::{InspectArgs, inspect};
pub use self::status::{StatusArgs, StatusError, status};

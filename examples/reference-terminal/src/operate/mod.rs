//! What an operator asks a terminal that runs, or its file: how it is, what happened, everything that was booked.

mod events;
mod export;
mod status;

pub use self::events::{EventsArgs, EventsError, follow};
pub use self::export::{ExportArgs, export};
pub use self::status::{StatusArgs, StatusError, status};

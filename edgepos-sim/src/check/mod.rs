//! What must hold, whatever fails. Each checker reads plain values, so that a test can hand it a wrong one.

mod chains;
mod convergence;
mod counters;
mod counts;
mod day_entry;
mod days;
mod duplicates;
mod events;
mod exceptions;
mod heads;
mod held;
mod leadership;
mod ledger;
mod log_growth;
mod numbers;
mod promises;
mod published;
mod quarantine;
mod receipts;
mod repeats;
mod resolutions;
mod rows;
mod rule;
mod said;
mod said_rows;
mod signatures;
mod store_chain;
mod survival;
mod time;
mod uploaders;
mod view;

pub use day_entry::DayEntry;
pub(crate) use duplicates::due as booked_twice;
pub(crate) use events::{Events, events_on, has_leaving};
pub(crate) use held::{Held, hashes};
pub use leadership::Leadership;
#[cfg(test)]
pub(crate) use leadership::tests::status as status_of;
pub use ledger::Ledger;
pub use log_growth::LogGrowth;
pub(crate) use numbers::shared as shared_numbers;
pub(crate) use resolutions::{Placing, count as resolutions};
pub use rows::{DiskView, HeadRow, LogEntry};
pub(crate) use rows::{applied_on, log_on};
pub use rule::{Rule, Violation};
pub use said::Sayings;
pub use said_rows::SaidRows;
pub use view::{CloudView, Facts, StoreView, TerminalView};

/// Most violations that one run reports.
const MAX_REPORTED: usize = 20;

/// Every rule that can be judged by what lies on the disks and in the cloud once the store is quiet.
pub fn judge(view: &StoreView, ledger: &Ledger) -> Vec<Violation> {
    let mut found = Vec::new();
    survival::check(view, ledger, &mut found);
    chains::check(view, &mut found);
    counters::check(view, &mut found);
    counts::check(view, &mut found);
    convergence::check(view, &mut found);
    heads::check(view, &mut found);
    store_chain::check(view, &mut found);
    quarantine::check(view, &mut found);
    receipts::check(view, ledger, &mut found);
    numbers::check(view, &mut found);
    signatures::check(view, &mut found);
    uploaders::check(view, &mut found);
    exceptions::check(view, &mut found);
    duplicates::check(view, &mut found);
    resolutions::check(view, &mut found);
    time::check(view, &mut found);
    days::check(view, &mut found);
    published::check(view, &mut found);
    said::check(view, ledger.said(), &mut found);
    found.truncate(MAX_REPORTED);
    found
}

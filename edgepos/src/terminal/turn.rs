//! What a part is lent for one call.

use edgepos_core::Now;

use super::config::Config;
use super::disk::Disk;
use super::ledger::Ledger;
use super::unit_of_work::UnitOfWork;

/// The moment, the settings, and the two things that every part writes to. Nobody keeps it: what outlives the call is a part's own.
pub(crate) struct Turn<'a> {
    pub(crate) now: Now,
    pub(crate) config: &'a Config,
    /// What may still be promised.
    pub(crate) disk: Disk,
    /// Where events go.
    pub(crate) ledger: &'a mut Ledger,
    /// Where everything else goes: rows, replies, notices.
    pub(crate) out: &'a mut UnitOfWork,
}

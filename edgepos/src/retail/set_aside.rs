//! Events of branches that lost: taken out of their chains, kept and counted.

use edgepos_core::{Space, Write};
use edgepos_sync::{EventRecord, Hash};

use crate::retail::unreadable::Unreadable;
use crate::terminal::unit_of_work::UnitOfWork;

/// How many events are kept that left their chains.
#[derive(Debug, Default)]
pub(crate) struct SetAside {
    count: u64,
}

impl SetAside {
    /// A row as it is on disk.
    pub(crate) fn restore(&mut self) -> Result<(), Unreadable> {
        self.count += 1;
        Ok(())
    }

    /// Keeps an event that leaves its chain, under its name and the hash of its history: two branches may have one name each.
    pub(crate) fn put(&mut self, record: &EventRecord, hash: Hash, out: &mut UnitOfWork) {
        self.count += 1;
        let key = [record.id.to_key().as_slice(), &hash.0].concat();
        out.write(Write::put(Space::SetAside, key, record.to_row(hash)));
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        self.count
    }
}

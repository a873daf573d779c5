//! Each check of the conformance suite finds the place that is broken in its way, and a place that is not passes.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use edgepos_cloud::{IngestError, IngestStore, Step, conformance};
use edgepos_core::{EventId, Seq, StoreId};
use edgepos_sync::{Batch, Hash, IngestState, Limits, Run};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    None,
    /// Whoever decides upon an old row writes all the same.
    TakesOldSteps,
    /// A row that is gone is made again from what somebody remembers of it.
    MakesRowsAgain,
    /// Looks, and writes later.
    LooksFirst,
    /// Events are kept without their store.
    MixesStores,
    /// The row moves, and its events are not there.
    Tears,
    /// A range that ends beyond what is held is cut.
    CutsRanges,
    /// The hash of the chain's last event, whichever is asked for.
    LastHashAlone,
    /// Every start is the first one.
    Forgets,
    /// It answers after it was closed.
    StaysOpen,
}

#[derive(Default)]
struct Place {
    rows: BTreeMap<StoreId, IngestState>,
    events: BTreeMap<(StoreId, EventId), (Vec<u8>, Hash)>,
}

/// A place in memory, and one of the ways in which it can be broken.
struct Memory {
    place: Arc<Mutex<Place>>,
    fault: Fault,
    closed: AtomicBool,
}

impl Memory {
    fn open(&self) -> Result<(), IngestError> {
        let closed = self.closed.load(Ordering::SeqCst) && self.fault != Fault::StaysOpen;
        if closed { Err(IngestError::Closed) } else { Ok(()) }
    }

    fn key(&self, store: StoreId, event: EventId) -> (StoreId, EventId) {
        (if self.fault == Fault::MixesStores { StoreId([0; 16]) } else { store }, event)
    }

    fn guard_holds(&self, place: &Place, step: &Step) -> bool {
        let row = place.rows.get(&step.store);
        match self.fault {
            Fault::TakesOldSteps => row.is_some() || step.guard().1 == 0,
            Fault::MakesRowsAgain if row.is_none() => true,
            _ => {
                row.map_or((0, 0), |row| (row.epoch().0, row.batches())) == (step.guard().0.0, step.guard().1)
            }
        }
    }
}

#[async_trait::async_trait]
impl IngestStore for Memory {
    async fn load(&self, store: StoreId) -> Result<IngestState, IngestError> {
        self.open()?;
        Ok(self.place.lock().unwrap().rows.get(&store).cloned().unwrap_or_default())
    }

    async fn commit(&self, step: &Step) -> Result<bool, IngestError> {
        self.open()?;
        let looked = self.guard_holds(&self.place.lock().unwrap(), step);
        if self.fault == Fault::LooksFirst {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let mut place = self.place.lock().unwrap();
        let holds = if self.fault == Fault::LooksFirst { looked } else { self.guard_holds(&place, step) };
        if holds {
            place.rows.insert(step.store, step.after.clone());
            let events = step.events.iter().filter(|_| self.fault != Fault::Tears);
            let events = events
                .map(|(record, hash)| (self.key(step.store, record.id), (record.payload.clone(), *hash)));
            place.events.extend(events);
        }
        Ok(holds)
    }

    async fn hash(&self, store: StoreId, event: EventId) -> Result<Option<Hash>, IngestError> {
        self.open()?;
        let place = self.place.lock().unwrap();
        let found = place.events.get(&self.key(store, event)).map(|(_, hash)| *hash);
        match self.fault {
            Fault::LastHashAlone => {
                Ok(found.and_then(|_| place.rows.get(&store)?.heads().get(&event.chain).copied()))
            }
            _ => Ok(found),
        }
    }

    async fn events(
        &self,
        store: StoreId,
        first: EventId,
        last: Seq,
    ) -> Result<Option<Vec<u8>>, IngestError> {
        self.open()?;
        let place = self.place.lock().unwrap();
        let range = self.key(store, first)..=self.key(store, EventId::new(first.chain, last));
        let found: Vec<_> = place.events.range(range).map(|(_, event)| event.clone()).collect();
        let whole = found.len() as u64 == last.0 + 1 - first.seq.0 || self.fault == Fault::CutsRanges;
        let Some((_, head)) = found.last().filter(|_| whole).cloned() else { return Ok(None) };
        let payloads = found.into_iter().map(|(payload, _)| payload).collect();
        let run = Run { chain: first.chain, first: first.seq, head, payloads, gaps: Vec::new() };
        Ok(Some(Batch { runs: vec![run] }.encode(&Limits::DEFAULT)))
    }

    async fn close(&self) -> Result<(), IngestError> {
        self.closed.store(true, Ordering::SeqCst);
        Ok(())
    }
}

/// What the suite says of a place with this fault; `None`: nothing.
fn verdict(fault: Fault) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let place = Arc::new(Mutex::new(Place::default()));
    let opened = AtomicUsize::new(0);
    let open = || -> Arc<dyn IngestStore> {
        // The suite has two open at once before it closes one.
        let is_again = opened.fetch_add(1, Ordering::SeqCst) >= 2 && fault == Fault::Forgets;
        let place = if is_again { Arc::default() } else { Arc::clone(&place) };
        Arc::new(Memory { place, fault, closed: AtomicBool::new(false) })
    };
    let run = || runtime.block_on(conformance::ingest_store(async || open()));
    let said = std::panic::catch_unwind(AssertUnwindSafe(run)).err()?;
    said.downcast_ref::<String>()
        .cloned()
        .or_else(|| Some((*said.downcast_ref::<&str>().unwrap()).to_owned()))
}

#[test]
fn a_place_that_is_not_broken_passes() {
    assert_eq!(verdict(Fault::None), None);
}

#[test]
fn each_fault_is_found_by_the_check_that_is_about_it() {
    for (fault, check) in [
        (Fault::TakesOldSteps, "a_step_of_an_older_row_writes_nothing"),
        (Fault::MakesRowsAgain, "a_row_that_is_gone_is_not_made_again"),
        (Fault::LooksFirst, "one_of_many_steps_wins"),
        (Fault::MixesStores, "stores_are_apart"),
        (Fault::Tears, "stores_are_apart: events"),
        (Fault::CutsRanges, "ranges_are_whole_or_refused"),
        (Fault::LastHashAlone, "every_event_has_its_hash"),
        (Fault::Forgets, "what_was_acknowledged_is_there_after_a_restart"),
        (Fault::StaysOpen, "what_was_acknowledged_is_there_after_a_restart: a closed one says so"),
    ] {
        let said = verdict(fault).unwrap_or_else(|| panic!("{fault:?} is not found"));
        assert!(said.contains(check), "{fault:?}: {said}");
    }
}

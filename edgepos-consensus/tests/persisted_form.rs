//! The conformance suite of the persisted form: it passes on a store that keeps its promises, and names the one that is broken.

#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_consensus::conformance::{MemoryRows, RowStore, persisted_form};
use edgepos_core::{Space, Write};

#[test]
fn rows_in_memory_conform() {
    let mut stores = 0;
    persisted_form(&mut || {
        stores += 1;
        Box::new(MemoryRows::default())
    });
    assert!(stores > 30, "a crash at every batch: {stores}");
}

/// How a store breaks its word.
#[derive(Clone, Copy)]
enum Fault {
    ForgetsDeletes,
    ReversesBatches,
    KeepsFirstValues,
    StopsAtAHundred,
    MixesSpaces,
    ShortensValues,
    TearsBatches,
    ForgetsTheLastBatch,
    LosesNewRowsInASnapshot,
}

struct Faulty {
    fault: Fault,
    rows: MemoryRows,
    before: MemoryRows,
}

impl RowStore for Faulty {
    fn commit(&mut self, writes: &[Write]) {
        self.before = self.rows.clone();
        let mut writes = writes.to_vec();
        match self.fault {
            Fault::ForgetsDeletes => writes.retain(|write| matches!(write, Write::Put { .. })),
            Fault::ReversesBatches => writes.reverse(),
            Fault::KeepsFirstValues => {
                let kept =
                    |space: &Space, key: &Vec<u8>| self.rows.rows(*space).iter().any(|row| row.0 == *key);
                writes.retain(|write| !matches!(write, Write::Put { space, key, .. } if kept(space, key)));
            }
            Fault::StopsAtAHundred => writes.truncate(100),
            Fault::MixesSpaces => {
                for write in &mut writes {
                    let (Write::Put { space, .. } | Write::Delete { space, .. }) = write;
                    *space = Space::ElectionLog;
                }
            }
            Fault::ShortensValues => {
                for write in &mut writes {
                    if let Write::Put { value, .. } = write {
                        value.truncate(48);
                    }
                }
            }
            Fault::LosesNewRowsInASnapshot => {
                let deletes = writes.iter().filter(|write| matches!(write, Write::Delete { .. })).count();
                if deletes > 4 {
                    writes.retain(|write| matches!(write, Write::Delete { .. }));
                }
            }
            Fault::TearsBatches | Fault::ForgetsTheLastBatch => {}
        }
        self.rows.commit(&writes);
    }

    fn commit_and_crash(&mut self, writes: &[Write], reached: usize) {
        if matches!(self.fault, Fault::TearsBatches) {
            self.rows.commit(&writes[..reached]);
        }
    }

    fn crash(&mut self) {
        if matches!(self.fault, Fault::ForgetsTheLastBatch) {
            self.rows = self.before.clone();
        }
    }

    fn rows(&self, space: Space) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.rows.rows(space)
    }
}

fn found(fault: Fault) -> String {
    let panic = std::panic::catch_unwind(|| {
        persisted_form(&mut || {
            Box::new(Faulty { fault, rows: MemoryRows::default(), before: MemoryRows::default() })
        });
    });
    let panic = panic.expect_err("the fault is found");
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap()
}

#[test]
fn each_broken_promise_is_named() {
    for (fault, promise) in [
        (Fault::ForgetsDeletes, "a row is deleted"),
        (Fault::ReversesBatches, "the later write of a batch wins"),
        (Fault::KeepsFirstValues, "a row is replaced"),
        (Fault::StopsAtAHundred, "a large batch is there whole"),
        (Fault::MixesSpaces, "what is written reads back"),
        (Fault::ShortensValues, "the rows of a life are these"),
        (Fault::TearsBatches, "whole or not at all"),
        (Fault::ForgetsTheLastBatch, "a committed batch survives"),
        (Fault::LosesNewRowsInASnapshot, "the rows of a life"),
    ] {
        let words = found(fault);
        assert!(words.contains(promise), "{promise}: {words}");
    }
}

//! Both stores keep what they are given, and what is broken is caught by name.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use edgepos::core::{Persist, PersistId, Space, Write};
use edgepos::{
    EachRow, MemoryStore, Rows, Sealing, SqliteStore, Store, StoreError, StoreFailure, conformance,
};

#[test]
fn the_store_in_memory_conforms() {
    conformance::store(&mut || Box::new(MemoryStore::new()));
}

#[test]
fn the_store_on_sqlite_conforms() {
    let dir = tempfile::tempdir().unwrap();
    let mut number = 0;
    conformance::store(&mut || {
        number += 1;
        Box::new(SqliteStore::open(&dir.path().join(format!("{number}.db"))).unwrap())
    });
    assert!(number > 1, "each check got a store of its own");
}

/// A store that forgets the last byte of each value.
struct Forgetful(MemoryStore);

impl Store for Forgetful {
    fn commit(&mut self, group: &[Persist]) -> Result<(), StoreError> {
        let mut group = group.to_vec();
        for write in group.iter_mut().flat_map(|persist| &mut persist.writes) {
            if let Write::Put { value, .. } = write {
                value.pop();
            }
        }
        self.0.commit(&group)
    }

    fn scan(&self, space: Space, from: &[u8], to: &[u8], max_bytes: u32) -> Result<Rows, StoreError> {
        self.0.scan(space, from, to, max_bytes)
    }
}

#[test]
#[should_panic(expected = "empty keys and values are legal")]
fn a_store_that_forgets_does_not_conform() {
    conformance::store(&mut || Box::new(Forgetful(MemoryStore::new())));
}

/// What is wrong with a store whose device is healthy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    None,
    OneSpaceForAll,
    KeepsWhatIsDeleted,
    EarlierWriteWins,
    EarlierGroupWins,
    LeavesOutTheEnd,
    TurnsRangesAround,
    ReadsBackwards,
    ReadsNothingIntoALittleRoom,
    ReadsBeyondTheLimit,
    ForgetsWhereItWas,
    TurnsEventsAround,
    CutsEvents,
    KeepsPrunedEvents,
    SealsWithoutEnd,
    LosesAnEventWhenSealing,
    KeepsWhatIsSealed,
}

struct Faulty(MemoryStore, Fault);

impl Faulty {
    fn changed(&self, persist: &Persist) -> Persist {
        let mut persist = persist.clone();
        if self.1 == Fault::EarlierWriteWins {
            persist.writes.reverse();
        }
        for write in &mut persist.writes {
            match write {
                Write::Put { space, .. } | Write::Delete { space, .. } if self.1 == Fault::OneSpaceForAll => {
                    *space = Space::Head;
                }
                Write::Put { space: Space::Event, value, .. } if self.1 == Fault::CutsEvents => {
                    value.truncate(34)
                }
                _ => {}
            }
        }
        persist.writes.retain(|write| match write {
            Write::Delete { space: Space::Event, .. } => self.1 != Fault::KeepsPrunedEvents,
            Write::Delete { .. } => self.1 != Fault::KeepsWhatIsDeleted,
            Write::Put { space: Space::Event, key, .. } if self.1 == Fault::KeepsWhatIsSealed => {
                self.0.scan(Space::Event, key, key, 1).is_ok_and(|rows| rows.is_empty())
            }
            Write::Put { .. } => true,
        });
        persist
    }
}

impl Store for Faulty {
    fn commit(&mut self, group: &[Persist]) -> Result<(), StoreError> {
        let mut group: Vec<_> = group.iter().map(|persist| self.changed(persist)).collect();
        if self.1 == Fault::EarlierGroupWins {
            group.reverse();
        }
        self.0.commit(&group)
    }

    fn scan(&self, space: Space, from: &[u8], to: &[u8], max_bytes: u32) -> Result<Rows, StoreError> {
        let Self(rows, fault) = self;
        let space = if *fault == Fault::OneSpaceForAll { Space::Head } else { space };
        let (from, to) =
            if *fault == Fault::TurnsRangesAround && from > to { (to, from) } else { (from, to) };
        let max_bytes =
            if *fault == Fault::ReadsBeyondTheLimit && max_bytes > 0 { u32::MAX } else { max_bytes };
        let mut found = rows.scan(space, from, to, max_bytes)?;
        match fault {
            Fault::LeavesOutTheEnd if from != to => found.retain(|(key, _)| key != to),
            Fault::ReadsBackwards if space == Space::Register => found.reverse(),
            Fault::TurnsEventsAround if space == Space::Event => found.reverse(),
            Fault::ReadsNothingIntoALittleRoom if max_bytes == 0 && from != to => found.clear(),
            _ => {}
        }
        Ok(found)
    }

    fn seal(&mut self, _: &Sealing) -> Result<bool, StoreError> {
        let rows = self.0.scan(Space::Event, &[], &[0xFF; 32], u32::MAX)?;
        if let Some((key, _)) = rows.get(200).filter(|_| self.1 == Fault::LosesAnEventWhenSealing) {
            let writes = vec![Write::delete(Space::Event, key.clone())];
            self.0.commit(&[Persist { id: PersistId(1), writes }])?;
        }
        Ok(self.1 == Fault::SealsWithoutEnd)
    }

    fn scan_all(&self, space: Space, each: &mut EachRow<'_>) -> Result<(), StoreError> {
        let rows = self.scan(space, &[], &[0xFF; 32], u32::MAX)?;
        let first = rows.first().filter(|_| self.1 == Fault::ForgetsWhereItWas);
        for (key, value) in rows.iter().chain(first) {
            each(key, value)?;
        }
        Ok(())
    }
}

#[test]
fn each_check_catches_the_store_that_breaks_it() {
    let run = |fault| {
        let suite = || conformance::store(&mut || Box::new(Faulty(MemoryStore::new(), fault)));
        std::panic::catch_unwind(AssertUnwindSafe(suite))
    };
    run(Fault::None).unwrap();
    for (fault, name) in [
        (Fault::OneSpaceForAll, "Identity"),
        (Fault::KeepsWhatIsDeleted, "deleted"),
        (Fault::EarlierWriteWins, "the later write of a list wins"),
        (Fault::EarlierGroupWins, "the later list of a group wins"),
        (Fault::LeavesOutTheEnd, "both ends, by rising bytes"),
        (Fault::ReadsBackwards, "both ends, by rising bytes"),
        (Fault::TurnsRangesAround, "an empty range"),
        (Fault::ReadsNothingIntoALittleRoom, "the first row comes however large it is"),
        (Fault::ReadsBeyondTheLimit, "up to and including the row that reaches the limit"),
        (Fault::ForgetsWhereItWas, "every row once, in order"),
        (Fault::TurnsEventsAround, "events, byte by byte, by chain"),
        (Fault::CutsEvents, "events, byte by byte, by chain"),
        (Fault::KeepsPrunedEvents, "a pruned event is gone"),
        (Fault::SealsWithoutEnd, "a round of sealing ends"),
        (Fault::LosesAnEventWhenSealing, "sealed events read as before"),
        (Fault::KeepsWhatIsSealed, "what is written over a sealed event reads back"),
    ] {
        let caught = run(fault).expect_err("the suite finds it");
        let said = caught.downcast_ref::<String>().cloned();
        let said = said.or_else(|| caught.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap();
        assert!(said.contains(name), "{fault:?}: expected {name}: {said}");
    }
}

/// How a store deals with a device that fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Habit {
    Sound,
    /// Writes row by row.
    TearsGroups,
    /// Makes each `Persist` durable by itself.
    TearsBetweenPersists,
    /// Says that nothing was written, and has written some of it.
    KeepsWhatFailed,
    /// Shows what it could not write until it is opened again.
    ShowsWhatFailed,
    /// Answers before anything is durable, and writes on a clean stop.
    AnswersEarly,
}

/// A device in memory, and stores with a habit on it.
struct Shelf {
    habit: Habit,
    disk: Arc<Mutex<MemoryStore>>,
}

struct OnShelf {
    habit: Habit,
    disk: Arc<Mutex<MemoryStore>>,
    view: MemoryStore,
    room: Option<usize>,
}

impl Shelf {
    fn new(habit: Habit) -> Self {
        Self { habit, disk: Arc::default() }
    }
}

impl conformance::StoreDevice for Shelf {
    fn wipe(&mut self) {
        self.disk = Arc::default();
    }

    fn open(&mut self, room: Option<u64>) -> Box<dyn Store> {
        let (habit, disk) = (self.habit, Arc::clone(&self.disk));
        let view = disk.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let room = room.map(|room| room as usize);
        Box::new(OnShelf { habit, disk, view, room })
    }

    fn cut(&mut self, store: Box<dyn Store>) {
        drop(store);
    }
}

fn size(persist: &Persist) -> usize {
    let of = |write: &Write| match write {
        Write::Put { key, value, .. } => key.len() + value.len(),
        Write::Delete { key, .. } => key.len(),
    };
    persist.writes.iter().map(of).sum()
}

impl OnShelf {
    fn fails(&mut self, group: &[Persist], room: usize) -> StoreError {
        let full = StoreError::plain("writing to the shelf").of_kind(StoreFailure::Full);
        let mut disk = self.disk.lock().unwrap();
        match self.habit {
            Habit::TearsGroups | Habit::KeepsWhatFailed => {
                let rows = room / 1_500;
                let some = group.iter().flat_map(|persist| &persist.writes).take(rows).cloned().collect();
                disk.commit(&[Persist { id: group[0].id, writes: some }]).unwrap();
            }
            Habit::TearsBetweenPersists if size(&group[0]) <= room => disk.commit(&group[..1]).unwrap(),
            Habit::ShowsWhatFailed => self.view.commit(group).unwrap(),
            _ => {}
        }
        match self.habit {
            Habit::TearsGroups | Habit::TearsBetweenPersists => StoreError::plain("writing to the shelf"),
            _ => full,
        }
    }
}

impl Store for OnShelf {
    fn commit(&mut self, group: &[Persist]) -> Result<(), StoreError> {
        let needed: usize = group.iter().map(size).sum();
        if let Some(room) = self.room {
            if needed > room {
                return Err(self.fails(group, room));
            }
            self.room = Some(room - needed);
        }
        self.view.commit(group).unwrap();
        if self.habit != Habit::AnswersEarly {
            self.disk.lock().unwrap().commit(group).unwrap();
        }
        Ok(())
    }

    fn scan(&self, space: Space, from: &[u8], to: &[u8], max_bytes: u32) -> Result<Rows, StoreError> {
        self.view.scan(space, from, to, max_bytes)
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        *self.disk.lock().unwrap() = self.view;
        Ok(())
    }
}

#[test]
fn a_sound_store_keeps_its_groups_through_failures() {
    conformance::store_device(&mut Shelf::new(Habit::Sound));
}

#[test]
fn what_a_failing_device_breaks_is_caught_by_name() {
    let caught = [
        (Habit::TearsGroups, "a group is kept whole or not at all, through any failure"),
        (Habit::TearsBetweenPersists, "a group is kept whole or not at all, through any failure"),
        (Habit::KeepsWhatFailed, "nothing was written where the store says so: Full"),
        (Habit::ShowsWhatFailed, "nothing of a group that failed is visible: Full"),
        (Habit::AnswersEarly, "what was committed is there when the store is opened again: 1"),
    ];
    for (habit, expected) in caught {
        let suite = || conformance::store_device(&mut Shelf::new(habit));
        let panic = std::panic::catch_unwind(AssertUnwindSafe(suite)).unwrap_err();
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap();
        assert!(text.contains(expected), "{habit:?}: {text}");
    }
}

/// One row of a transaction that the database does not take costs the whole of it, and is said.
#[test]
fn a_transaction_whose_event_is_not_taken_leaves_nothing_behind() {
    use edgepos::core::{Chain, EventId, Lane, PersistId, ReplicaId, Seq};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("till.db");
    let event = |seq| {
        let id = EventId::new(Chain::new(ReplicaId::new(1, 7), Lane::Transactions), Seq(seq));
        Write::put(Space::Event, id.to_key(), [[9; 32].as_slice(), b"a sale"].concat())
    };
    let head = |seq: u8| Write::put(Space::Head, b"chain".to_vec(), vec![seq]);
    let persist =
        |seq: u8| Persist { id: PersistId(u64::from(seq)), writes: vec![event(seq.into()), head(seq)] };
    let mut store = SqliteStore::open(&path).unwrap();
    store.commit(&[persist(1)]).unwrap();
    Box::new(store).close().unwrap();
    let trigger =
        "CREATE TRIGGER refuses BEFORE INSERT ON events WHEN NEW.seq = 2 BEGIN SELECT RAISE(FAIL, 'no'); END";
    rusqlite::Connection::open(&path).unwrap().execute_batch(trigger).unwrap();
    let mut store = SqliteStore::open(&path).unwrap();
    assert!(store.commit(&[persist(2)]).is_err(), "it must be said");
    let rows = store.scan(Space::Head, b"chain", b"chain", 100).unwrap();
    assert_eq!(rows, [(b"chain".to_vec(), vec![1])], "the head is that of the event before");
}

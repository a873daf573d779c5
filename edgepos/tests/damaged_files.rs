//! A till's file in which a byte is another one, or a page is gone: it is mended, or refused with a reason, and says no wrong number.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use edgepos::core::{Chain, EventId, Lane, Persist, PersistId, ReplicaId, Seq, Space, Write};
use edgepos::model::{ReceiptPrinted, StockLine, StockMoved, StockReason};
use edgepos::sync::{EventRecord, Hash};
use edgepos::{
    ConditionKind, EventColumns, MemoryStore, Receipt, Record, Restored, Sealing, SqliteStore, Store,
};
use support::cloud::Cloud;
use support::{Shop, back, draft, line, price};
use tempfile::TempDir;

/// Bytes of a page in files of this version.
const PAGE: usize = 1_024;
/// Spaces whose rows are made again from events where one of any space is gone.
const MADE_AGAIN: [Space; 15] = [
    Space::Counter,
    Space::Register,
    Space::Exception,
    Space::Reissued,
    Space::Resolution,
    Space::ExceptionEnd,
    Space::Applied,
    Space::Refunded,
    Space::Parked,
    Space::BesideReceipt,
    Space::DayFigures,
    Space::FiguresKnown,
    Space::Customer,
    Space::ErasedCustomer,
    Space::Document,
];
/// Those of them of which what can be read stays.
const KEPT: [Space; 4] = [Space::Register, Space::Customer, Space::ErasedCustomer, Space::Document];

type All = BTreeMap<Space, BTreeMap<Vec<u8>, Vec<u8>>>;

fn all(store: &dyn Store) -> All {
    let rows = |space| store.scan(space, &[], &[255; 64], u32::MAX).unwrap().into_iter().collect();
    Space::ALL.into_iter().map(|space| (space, rows(space))).collect()
}

fn commit(store: &mut dyn Store, rows: &All) {
    let rows = rows.iter().flat_map(|(space, rows)| rows.iter().map(|(key, value)| (*space, key, value)));
    let writes = rows.map(|(space, key, value)| Write::put(space, key.clone(), value.clone())).collect();
    store.commit(&[Persist { id: PersistId(1), writes }]).unwrap();
}

fn in_memory(rows: &All) -> MemoryStore {
    let mut memory = MemoryStore::new();
    commit(&mut memory, rows);
    memory
}

/// Two tills that have sold, taken back and counted, and hold the same.
fn shop() -> Shop {
    let mut shop = Shop::new(2);
    shop.elect();
    for (till, product) in [(0, "milk"), (1, "tea")] {
        let now = shop.now;
        let lines = vec![StockLine { product: product.into(), quantity: 50 }];
        let came = StockMoved { reason: StockReason::Receipt, from: None, to: None, lines };
        shop.tills[till].record(now, Record::stock_moved(&came, 0)).unwrap();
        shop.tills[till].record(now, Record::price(&price(product, 100))).unwrap();
        shop.pass_by(500, 10);
    }
    for basket in 1..9 {
        let (now, till) = (shop.now, usize::from(basket % 2));
        shop.tills[till].sell(now, basket, vec![line(1, "milk", 1, 100), line(2, "tea", 2, 200)]);
        shop.pass_by(200, 10);
    }
    let now = shop.now;
    shop.tills[0].begin(now, draft(20, vec![back(2, 1, "milk", 1)])).unwrap();
    shop.tills[0].commit(now, 20, 20).unwrap();
    shop.pass_by(3_000, 10);
    shop.tills.iter_mut().for_each(|till| till.terminal.write_rows());
    shop.pass_by(100, 10);
    shop
}

/// The file of the first till, and what is in it.
struct File {
    dir: TempDir,
    bytes: Vec<u8>,
    rows: All,
}

impl File {
    fn of(rows: All) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("whole.db");
        let mut store = SqliteStore::open(&path).unwrap();
        commit(&mut store, &rows);
        Self::closed(dir, store, rows)
    }

    fn closed(dir: TempDir, store: SqliteStore, rows: All) -> Self {
        Box::new(store).close().unwrap();
        let bytes = fs::read(dir.path().join("whole.db")).unwrap();
        Self { dir, bytes, rows }
    }

    /// The file with these bytes, in a folder of its own.
    fn with(&self, bytes: &[u8]) -> PathBuf {
        let folder = self.dir.path().join("damaged");
        drop(fs::remove_dir_all(&folder));
        fs::create_dir(&folder).unwrap();
        let path = folder.join("till.db");
        fs::write(&path, bytes).unwrap();
        path
    }

    fn pages(&self) -> usize {
        self.bytes.len() / PAGE
    }
}

/// What became of a damaged file.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Outcome {
    /// It reads as it did.
    Same,
    /// Events are not what their hashes say: whoever reads them sees that.
    Events,
    /// It was written anew.
    Mended,
    /// It is not opened.
    Refused,
}

/// Whether a file that was opened says nothing but what it said, or says where it lacks something.
fn judge(path: &Path, was: &All, case: &str) -> (Outcome, Option<All>) {
    let mut store = match SqliteStore::open(path) {
        Ok(store) => store,
        Err(error) => {
            let why = error.source.as_ref().map_or_else(String::new, ToString::to_string);
            assert!(!error.to_string().is_empty());
            eprintln!("{case}: refused: {error}: {why}");
            return (Outcome::Refused, None);
        }
    };
    Restored::from_store(&store).unwrap_or_else(|error| panic!("{case}: {error}"));
    let is = all(&store);
    let kept = path.with_file_name("till.db.damaged-1").exists();
    assert_eq!(kept, store.damage().is_some(), "{case}: the manager is told");
    for (space, rows) in &is {
        let known = &was[space];
        if *space == Space::Event {
            for (key, value) in rows {
                let is_seen = known.get(key) == Some(value) || !links(key, value, known);
                assert!(is_seen, "{case}: a damaged event that links");
            }
            continue;
        }
        if !kept {
            assert_eq!(rows, known, "{case}: {space:?}");
            continue;
        }
        for (key, value) in rows {
            let is_new = match space {
                Space::Identity => key == b"copied",
                Space::Lost => key.starts_with(b"u"),
                Space::Head => !was[&Space::Event].is_empty(),
                Space::IdempotencyKey | Space::BookedBasket => !known.contains_key(key),
                _ => false,
            };
            assert!(is_new || known.get(key) == Some(value), "{case}: {space:?} {key:?}");
        }
    }
    if kept {
        let goes = |space: &Space| KEPT.contains(space) || is[space].is_empty() || is[space] == was[space];
        assert!(MADE_AGAIN.iter().all(goes), "{case}: part of what is made again is there");
        let is_made_again = MADE_AGAIN.iter().any(|space| is[space] != was[space]);
        let told = is[&Space::Lost].keys().any(|key| key.starts_with(b"u"));
        assert!(!is_made_again || told || is[&Space::Head].is_empty(), "{case}: it is counted again");
        let others = Space::ALL.iter().filter(|space| !MADE_AGAIN.contains(space) && **space != Space::Event);
        let lacks = |space: &&Space| was[*space].iter().any(|(key, _)| !is[*space].contains_key(key));
        let is_copied = is[&Space::Identity].contains_key(b"copied".as_slice());
        let lacking: Vec<_> = others.filter(lacks).collect();
        assert!(lacking.is_empty() || is_copied, "{case}: it lacks {lacking:?} and goes on as if not");
        return (Outcome::Mended, Some(is));
    }
    let outcome = if is[&Space::Event] == was[&Space::Event] { Outcome::Same } else { Outcome::Events };
    (outcome, Some(is))
}

/// Whether the event follows on the one before it, and the one behind it on it.
fn links(key: &[u8], value: &[u8], known: &BTreeMap<Vec<u8>, Vec<u8>>) -> bool {
    let Some((record, hash)) = EventRecord::from_row(key, value) else { return false };
    let row = |seq: u64| {
        let key = EventId::new(record.id.chain, Seq(seq)).to_key().to_vec();
        known.get(&key).and_then(|value| EventRecord::from_row(&key, value))
    };
    let Some(before) = record.id.seq.0.checked_sub(1) else { return false };
    let before = row(before).map_or(Hash::ZERO, |(_, hash)| hash);
    let follows = before.link(record.id, &record.payload) == hash;
    let behind = row(record.id.seq.0 + 1);
    follows
        && behind.is_none_or(|(behind, stated): (EventRecord, Hash)| {
            hash.link(behind.id, &behind.payload) == stated
        })
}

/// The first till starts on what is left beside the other: it sells at once, gives no number twice, and in the end counts as the other.
fn goes_on(left: All, case: &str) {
    let mut shop = shop();
    let numbers = |shop: &Shop| -> BTreeSet<(u16, String, u64)> {
        let rows = shop.tills[1].disk.scan(Space::Event, &[], &[255; 64], u32::MAX).unwrap();
        let receipts = rows.iter().filter_map(|(key, value)| {
            let record = EventRecord::from_row(key, value)?.0;
            let EventColumns { total, series, number, .. } = EventColumns::of(&record);
            total.map(|_| (record.id.chain.replica.terminal(), series.unwrap(), number.unwrap()))
        });
        receipts.collect()
    };
    let given = numbers(&shop);
    shop.put_back(0, in_memory(&left), 7);
    let sold = shop.sell_milk(0, 40);
    assert!(!given.contains(&(1, sold.series.clone(), sold.number)), "{case}: {sold:?} was given before");
    shop.heal();
    shop.pass_by(100_000, 50);
    shop.sell_milk(1, 41);
    shop.pass_by(3_000, 10);
    assert_eq!(shop.tills[0].terminal.counters(), shop.tills[1].terminal.counters(), "{case}: counters");
    assert_eq!(numbers(&shop).len(), given.len() + 2, "{case}: receipts");
    let held = shop.tills[0].terminal.status().conditions;
    let damaged = held.iter().any(|condition| condition.kind == ConditionKind::Damaged);
    assert!(!damaged, "{case}: {held:?}");
    let price = |till: usize| shop.tills[till].terminal.price("milk", 0, support::WALL).cloned();
    assert_eq!(price(0), price(1), "{case}: prices");
}

/// Each `step`th byte, a bit of it by turns. How often each outcome came about, and a few files that were mended.
fn flip(file: &File, step: usize) -> (BTreeMap<Outcome, usize>, Vec<(String, All)>) {
    let (mut outcomes, mut mended) = (BTreeMap::new(), Vec::new());
    for (turn, at) in (0..file.bytes.len()).step_by(step).enumerate() {
        let mut bytes = file.bytes.clone();
        bytes[at] ^= 1 << (turn % 8);
        let case = format!("byte {at}, bit {}", turn % 8);
        let (outcome, left) = judge(&file.with(&bytes), &file.rows, &case);
        // What says that the file is of a later version, or of another program, is not written to.
        assert!(outcome != Outcome::Refused || at < 100, "{case}");
        *outcomes.entry(outcome).or_default() += 1;
        mended.extend(left.filter(|_| outcome == Outcome::Mended).map(|left| (case, left)));
    }
    (outcomes, mended)
}

fn flips(step: usize, followed: usize) {
    let file = File::of(all(&shop().tills[0].disk));
    let (outcomes, mended) = flip(&file, step);
    eprintln!("{} bytes, each {step}th: {outcomes:?}", file.bytes.len());
    assert!(outcomes[&Outcome::Mended] > 0 && outcomes[&Outcome::Same] > 0, "{outcomes:?}");
    let every = (mended.len() / followed).max(1);
    mended.into_iter().step_by(every).for_each(|(case, left)| goes_on(left, &case));
}

#[test]
fn a_flipped_byte_of_a_tills_file_is_mended_or_refused() {
    flips(37, 4);
}

#[test]
#[ignore = "minutes without optimisation: `.ci/run --long` runs it with"]
fn every_flipped_byte_of_a_tills_file_is_mended_or_refused() {
    flips(1, 500);
}

/// The number of a row's space, in each row: rows behind one that stands in another place are not found by their keys.
#[test]
fn a_row_of_another_space_is_seen() {
    let file = File::of(all(&shop().tills[0].disk));
    let mut seen = 0;
    for (space, rows) in &file.rows {
        for key in rows.keys().filter(|key| *space != Space::Event && key.len() > 3) {
            // The key is behind the record's head, of which the space is the last byte; free space may have the row once more.
            let places = file.bytes.windows(key.len() + 1).enumerate();
            let row = [&[space.code()], key.as_slice()].concat();
            for (at, _) in places.filter(|(_, window)| *window == row.as_slice()) {
                let mut bytes = file.bytes.clone();
                bytes[at] ^= 0x40;
                let (outcome, _) = judge(&file.with(&bytes), &file.rows, &format!("{space:?} {key:?}"));
                seen += usize::from(outcome == Outcome::Mended);
            }
        }
    }
    assert!(seen > 30, "{seen}");
}

/// A page of zeros, and one of noise, in each place.
#[test]
fn a_page_that_is_gone_is_mended() {
    let file = File::of(all(&shop().tills[0].disk));
    let mut mended = Vec::new();
    for page in 0..file.pages() {
        for fill in [0x00, 0xA5] {
            let mut bytes = file.bytes.clone();
            bytes[page * PAGE..(page + 1) * PAGE].fill(fill);
            let case = format!("page {} of {fill}", page + 1);
            let (outcome, left) = judge(&file.with(&bytes), &file.rows, &case);
            assert!(outcome != Outcome::Refused, "{case}");
            mended.extend(left.filter(|_| outcome == Outcome::Mended).map(|left| (case, left)));
        }
    }
    assert!(mended.len() > file.pages(), "most pages are of use");
    let every = (mended.len() / 8).max(1);
    mended.into_iter().step_by(every).for_each(|(case, left)| goes_on(left, &case));
}

/// A segment is damaged like any event: it is gone, and asked for.
#[test]
fn a_flipped_byte_of_a_segment_is_seen() {
    let chain = Chain::new(ReplicaId::new(1, 5), Lane::Stock);
    let (mut hash, mut rows) = (Hash::ZERO, BTreeMap::new());
    for seq in 1..=260 {
        let payload = format!("two coffees and number {seq}, paid in cash").into_bytes();
        let record = EventRecord { id: EventId::new(chain, Seq(seq)), payload };
        hash = hash.link(record.id, &record.payload);
        rows.insert(record.id.to_key().to_vec(), record.to_row(hash));
    }
    let mut rows: All = [(Space::Event, rows)].into();
    for space in Space::ALL {
        rows.entry(space).or_default();
    }
    let dir = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(&dir.path().join("whole.db")).unwrap();
    commit(&mut store, &rows);
    let sealing = Sealing {
        floor: [(chain, Seq(260))].into_iter().collect(),
        before_utc_ms: 1,
        archive_before_utc_ms: None,
    };
    while store.seal(&sealing).unwrap() {}
    let file = File::closed(dir, store, rows);
    let (outcomes, _) = flip(&file, 29);
    assert!(outcomes[&Outcome::Mended] + outcomes[&Outcome::Events] > 10, "{outcomes:?}");
}

/// Keys and baskets of a block that is damaged are told from their events again, and the till stays who it is.
#[test]
fn a_flipped_byte_of_a_block_is_mended() {
    let mut shop = shop();
    for basket in 30..=u8::MAX {
        let now = shop.now;
        let Receipt { basket, series, number, .. } =
            shop.tills[0].sell(now, basket, vec![line(1, "milk", 1, 100)]);
        let printed = ReceiptPrinted { basket, series, number, copy: 0 };
        shop.tills[0].record(now, Record::receipt_printed(&printed)).unwrap();
    }
    shop.pass_by(3_000, 10);
    shop.tills.iter_mut().for_each(|till| till.terminal.write_rows());
    shop.pass_by(100, 10);
    let rows = all(&shop.tills[0].disk);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("whole.db");
    let mut store = SqliteStore::open(&path).unwrap();
    commit(&mut store, &rows);
    let ids = rows[&Space::Event].keys().filter_map(|key| EventId::from_key(key));
    let floor: BTreeMap<_, _> = ids.map(|id| (id.chain, id.seq)).collect();
    let floor = floor.into_iter().collect();
    let sealing = Sealing { floor, before_utc_ms: u64::MAX, archive_before_utc_ms: Some(u64::MAX) };
    while store.seal(&sealing).unwrap() {}
    let file = File::closed(dir, store, rows);
    let db = rusqlite::Connection::open(&path).unwrap();
    let blocks: Vec<Vec<u8>> = {
        let mut bodies = db.prepare("SELECT body FROM blocks").unwrap();
        bodies.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    drop(db);
    assert!(blocks.len() >= 2, "{}", blocks.len());
    let mut mended = 0;
    for body in &blocks {
        // The first piece of each that lies on one page, and pieces of the pages behind it.
        for from in (0..body.len().saturating_sub(24)).step_by(40) {
            let piece = &body[from..from + 24];
            let Some(at) = file.bytes.windows(24).position(|bytes| bytes == piece) else { continue };
            let mut bytes = file.bytes.clone();
            bytes[at + 5] ^= 1 << (from % 8);
            let case = format!("byte {from} of a block");
            let (outcome, left) = judge(&file.with(&bytes), &file.rows, &case);
            assert_eq!(outcome, Outcome::Mended, "{case}");
            let left = left.unwrap();
            assert!(!left[&Space::Identity].contains_key(b"copied".as_slice()), "{case}: it stays who it is");
            for space in [Space::IdempotencyKey, Space::BookedBasket] {
                assert_eq!(left[&space], file.rows[&space], "{case}: {space:?}");
            }
            mended += 1;
        }
    }
    assert!(mended >= 6, "{mended}");
    let every = file.bytes.len() / 150;
    let (outcomes, _) = flip(&file, every);
    assert!(outcomes[&Outcome::Mended] > 10, "{outcomes:?}");
}

/// A write-ahead log that SQLite would pass over in silence from the damage on.
#[test]
fn a_flipped_byte_of_a_log_loses_nothing_in_silence() {
    let rows = all(&shop().tills[0].disk);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("whole.db");
    let mut store = SqliteStore::open(&path).unwrap();
    let mut states = vec![all(&store)];
    for (space, rows) in &rows {
        commit(&mut store, &[(*space, rows.clone())].into());
        states.push(all(&store));
    }
    states.dedup();
    let [bytes, log] =
        ["", "-wal"].map(|ending| fs::read(dir.path().join(format!("whole.db{ending}"))).unwrap());
    drop(store);
    let file = File { dir, bytes, rows };
    let mut mended = 0;
    for (turn, at) in (0..log.len()).step_by(997).enumerate() {
        let mut log = log.clone();
        log[at] ^= 1 << (turn % 8);
        let path = file.with(&file.bytes);
        fs::write(path.with_file_name("till.db-wal"), &log).unwrap();
        let store = SqliteStore::open(&path).unwrap();
        let is = all(&store);
        if path.with_file_name("till.db.damaged-1").exists() {
            mended += 1;
            assert!(is[&Space::Identity].contains_key(b"copied".as_slice()), "byte {at} of the log");
            continue;
        }
        // The last transaction may be what a power cut left unfinished, and with what an earlier cut left behind it so may the one before.
        let last = states.iter().rev().take(3).any(|state| *state == is);
        assert!(last, "byte {at} of the log: something older is taken for the latest");
    }
    assert!(mended > 5, "{mended}");
}

/// A row that nobody asks for is read over all the same; the next start mends.
#[test]
fn what_a_power_cut_leaves_of_a_log_is_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("whole.db");
    let mut store = SqliteStore::open(&path).unwrap();
    let mut states = Vec::new();
    for turn in 0..6u8 {
        let writes: Vec<_> =
            (0..40u8).map(|no| Write::put(Space::Register, vec![no, turn], vec![turn; 90])).collect();
        store.commit(&[Persist { id: PersistId(1), writes }]).unwrap();
        states.push(all(&store));
    }
    let [bytes, log] =
        ["", "-wal"].map(|ending| fs::read(dir.path().join(format!("whole.db{ending}"))).unwrap());
    drop(store);
    let frame = 24 + PAGE;
    let ends = |no: &usize| log[32 + no * frame + 4..][..4] != [0; 4];
    let ended: Vec<usize> = (0..(log.len() - 32) / frame).filter(ends).collect();
    let [.., before, last] = ended[..] else { panic!("{ended:?}") };
    let (first, end) = (32 + (before + 1) * frame, 32 + last * frame);
    assert!(end - first > 4_096, "the last transaction has several frames");
    let file = File { dir, bytes, rows: All::new() };
    // Blocks of the last transaction that did not reach the disk, though its end did.
    for block in [512, 4_096] {
        for at in (first.next_multiple_of(block)..end).step_by(block) {
            let mut torn = log.clone();
            let upto = (at + block).min(end);
            torn[at..upto].fill(0);
            let path = file.with(&file.bytes);
            fs::write(path.with_file_name("till.db-wal"), &torn).unwrap();
            let mut store = SqliteStore::open(&path).unwrap();
            assert!(store.damage().is_none(), "{block} bytes at {at}");
            assert_eq!(all(&store), states[states.len() - 2], "{block} bytes at {at}");
        }
    }
}

/// Killed between the renames of a mending: the log is under its other name already, or the file as well.
#[test]
fn a_mending_that_was_cut_off_goes_on() {
    let rows = all(&shop().tills[0].disk);
    let dir = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(&dir.path().join("whole.db")).unwrap();
    commit(&mut store, &rows);
    let [bytes, log] =
        ["", "-wal"].map(|ending| fs::read(dir.path().join(format!("whole.db{ending}"))).unwrap());
    drop(store);
    let file = File { dir, bytes, rows };
    for moves_file in [false, true] {
        let path = file.with(&file.bytes);
        fs::write(path.with_file_name("till.db-damaged"), "1").unwrap();
        fs::write(path.with_file_name("till.db.damaged-1-wal"), &log).unwrap();
        if moves_file {
            fs::rename(&path, path.with_file_name("till.db.damaged-1")).unwrap();
        }
        let mut store = SqliteStore::open(&path).unwrap();
        assert_eq!(all(&store), file.rows, "{moves_file}");
        assert!(store.damage().is_some());
    }
}

#[test]
fn damage_is_found_while_the_till_runs_and_mended_at_the_next_start() {
    let rows = all(&shop().tills[0].disk);
    let file = File::of(rows);
    for space in [Space::IdempotencyKey, Space::Counter, Space::Series] {
        let path = file.with(&file.bytes);
        let mut store = SqliteStore::open(&path).unwrap();
        assert!((0..200).all(|_| store.damage().is_none()), "nothing is wrong");
        let behind = rusqlite::Connection::open(&path).unwrap();
        let sql = "UPDATE rows SET value = zeroblob(length(value)) WHERE space = ?1";
        assert!(behind.execute(sql, [space.code()]).unwrap() > 0);
        drop(behind);
        assert!((0..200).any(|_| store.damage().is_some()), "{space:?} is read over");
        store.scan(space, &[], &[255; 64], u32::MAX).unwrap_err();
        drop(store);
        let mut store = SqliteStore::open(&path).unwrap();
        assert!(store.damage().unwrap().contains("till.db.damaged-1"));
        goes_on(all(&store), &format!("{space:?}"));
        drop(store);
        fs::remove_file(path.with_file_name("till.db.damaged-1")).unwrap();
        assert_eq!(
            SqliteStore::open(&path).unwrap().damage(),
            None,
            "it is over when the file is taken away"
        );
    }
}

/// The leader's copy of another's event is damaged, and the cloud gets that event and everything behind it.
#[test]
fn the_cloud_gets_what_is_behind_a_damaged_event_of_the_leaders_copy() {
    let mut shop = Shop::new(3);
    let leader = shop.elect();
    let owner = (leader + 1) % 3;
    for basket in 1..6 {
        shop.sell_milk(owner, basket);
        shop.pass_by(300, 10);
    }
    let chain = shop.tills[owner].sell_id(3).chain;
    let key = EventId::new(chain, Seq(3)).to_key();
    let (_, mut row) = shop.tills[leader].disk.scan(Space::Event, &key, &key, 1).unwrap().remove(0);
    row[60] ^= 1;
    let writes = vec![Write::put(Space::Event, key, row)];
    shop.tills[leader].disk.commit(&[Persist { id: PersistId(1), writes }]).unwrap();
    shop.cloud = Some(Cloud::default());
    for basket in 6..9 {
        shop.sell_milk(owner, basket);
        shop.pass_by(300, 10);
    }
    shop.pass_by(60_000, 50);
    let held = shop.tills[owner].terminal.durable().clone();
    assert!(held.get(chain) >= Seq(8));
    assert!(shop.cloud.as_ref().unwrap().holds(&held), "the cloud goes on");
    let [mended, whole] = [leader, owner].map(|till| all(&shop.tills[till].disk)[&Space::Event].clone());
    assert!(mended == whole, "and the leader's copy is mended");
}

/// What no till of this SDK has written is left as it is.
#[test]
fn a_file_of_another_program_is_not_mended() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("till.db");
    for bytes in
        [b"no database at all, however long it is".repeat(100), vec![0; 4 * PAGE], vec![0xA5; 4 * PAGE]]
    {
        fs::write(&path, &bytes).unwrap();
        SqliteStore::open(&path).unwrap_err();
        assert!(fs::read(&path).unwrap() == bytes);
    }
}

//! `inspect`: what a till's file is made of.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use edgepos::core::{Chain, Space};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::events::{EventsError, open};
use crate::event_rows::{self, Held};
use crate::names::hex;
use crate::sealed::has_segments;

/// Most faults that are named; what is beyond is counted.
const MAX_WRONG: usize = 100;

/// Which file, and how it is shown.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The SQLite file of a till, running or not, or a backup
    #[arg(long, value_name = "FILE")]
    db: PathBuf,
    /// Also read every page, and compare each event with the hash of its chain and with what stands beside it; say what is wrong: as long
    /// as the file takes to be read
    #[arg(long)]
    check: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// What the file is made of, and whether nothing is wrong with it. Blocks.
///
/// # Errors
/// [`EventsError`].
pub fn inspect(InspectArgs { db: path, check, json }: &InspectArgs) -> Result<(String, bool), EventsError> {
    let failed = |source| EventsError::Database { path: path.clone(), source };
    let db = open(path)?;
    let found = read(&db, path, *check).map_err(failed)?;
    let sound = found["check"].as_array().is_none_or(Vec::is_empty);
    Ok((if *json { format!("{found:#}\n") } else { table(&found) }, sound))
}

fn read(db: &Connection, path: &Path, check: bool) -> rusqlite::Result<Value> {
    // One moment of a file that may be written.
    db.execute_batch("BEGIN")?;
    let pragma = |name: &str| db.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
    let (format, page, pages, free) =
        (pragma("user_version")?, pragma("page_size")?, pragma("page_count")?, pragma("freelist_count")?);
    let mut found = json!({
        "file": path.display().to_string(),
        "format": format,
        "bytes": page * pages,
        "free_bytes": page * free,
        "log_bytes": beside(path, "-wal"),
        "reserve_bytes": beside(path, "-reserve"),
        "is_copy": is_copy(db)?,
        "chains": chains(db)?,
        "segments": segments(db)?,
        "kinds": kinds(db)?,
        "rows": spaces(db)?,
    });
    if check {
        let mut statement = db.prepare("PRAGMA integrity_check")?;
        let wrong = statement.query_map([], |row| row.get::<_, String>(0))?;
        let mut wrong: Vec<String> =
            wrong.filter(|line| line.as_ref().map_or(true, |line| line != "ok")).collect::<Result<_, _>>()?;
        let mut more = 0;
        let compared = event_rows::compare(db, &mut |what| {
            if wrong.len() < MAX_WRONG { wrong.push(what) } else { more += 1 }
        });
        let held =
            compared.map_err(|error| wrong.push(format!("the events cannot be read to their end: {error}")));
        if more > 0 {
            wrong.push(format!("and {more} more"));
        }
        let gaps = held.map(Held::gaps).unwrap_or_default().into_iter();
        let gaps = gaps.map(|(first, last)| json!({ "first": first.to_string(), "last": last.0 }));
        found["missing"] = gaps.collect();
        found["check"] = json!(wrong);
    }
    Ok(found)
}

/// Bytes of what lies beside the file.
fn beside(path: &Path, ending: &str) -> u64 {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name).metadata().map_or(0, |file| file.len())
}

/// Whether no terminal has started yet on this copy.
fn is_copy(db: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT count(*) FROM rows WHERE space = ?1 AND key = CAST('copied' AS BLOB)";
    db.query_row(sql, [Space::Identity.code()], |row| row.get::<_, i64>(0)).map(|count| count > 0)
}

fn chains(db: &Connection) -> rusqlite::Result<Vec<Value>> {
    // The bare columns of a row with `max` are those of the row that has it.
    let sql = "SELECT substr(key, 1, 9), max(seq), min(seq), count(*), min(utc_ms), max(utc_ms), sum(length(payload)), hash
               FROM events GROUP BY terminal, incarnation, lane";
    let mut statement = db.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        let key: Vec<u8> = row.get(0)?;
        let chain = Chain::from_key(&key).map_or_else(|| hex(&key), |chain| chain.to_string());
        let hash: Vec<u8> = row.get(7)?;
        Ok(json!({
            "chain": chain,
            "last": row.get::<_, i64>(1)?,
            "first": row.get::<_, i64>(2)?,
            "events": row.get::<_, i64>(3)?,
            "from_utc_ms": row.get::<_, Option<i64>>(4)?,
            "to_utc_ms": row.get::<_, Option<i64>>(5)?,
            "payload_bytes": row.get::<_, i64>(6)?,
            "head_hash": hex(&hash),
        }))
    })?;
    rows.collect()
}

/// What is sealed: its chains' events are counted here and not above.
fn segments(db: &Connection) -> rusqlite::Result<Vec<Value>> {
    if !has_segments(db)? {
        return Ok(Vec::new());
    }
    let sql = "SELECT incarnation || '/' || lane, count(*), min(first), max(last), sum(last - first + 1), min(from_utc_ms),
               max(to_utc_ms), sum(length(batch)) FROM segments GROUP BY terminal, incarnation, lane";
    let mut statement = db.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        Ok(json!({
            "chain": row.get::<_, String>(0)?,
            "segments": row.get::<_, i64>(1)?,
            "first": row.get::<_, i64>(2)?,
            "last": row.get::<_, i64>(3)?,
            "events": row.get::<_, i64>(4)?,
            "from_utc_ms": row.get::<_, Option<i64>>(5)?,
            "to_utc_ms": row.get::<_, Option<i64>>(6)?,
            "bytes": row.get::<_, i64>(7)?,
        }))
    })?;
    rows.collect()
}

fn kinds(db: &Connection) -> rusqlite::Result<Value> {
    let sql = "SELECT coalesce(kind_name, 'unreadable'), count(*) FROM events GROUP BY 1 ORDER BY 1";
    let mut statement = db.prepare(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, json!(row.get::<_, i64>(1)?))))?;
    rows.collect::<rusqlite::Result<_>>().map(Value::Object)
}

fn spaces(db: &Connection) -> rusqlite::Result<Vec<Value>> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'blocks'";
    let has_blocks = db.query_row(sql, [], |row| row.get::<_, i64>(0))? > 0;
    let blocks =
        "UNION ALL SELECT space, sum(rows), sum(length(first) + length(body)) FROM blocks GROUP BY space";
    let sql = format!(
        "SELECT space, sum(rows), sum(bytes) FROM (
             SELECT space, count(*) AS rows, sum(length(key) + length(value)) AS bytes FROM rows GROUP BY space {}
         ) GROUP BY space ORDER BY space",
        if has_blocks { blocks } else { "" }
    );
    let mut statement = db.prepare(&sql)?;
    let rows = statement.query_map([], |row| {
        let code: u8 = row.get(0)?;
        let name = Space::from_code(code).map_or_else(|| code.to_string(), |space| format!("{space:?}"));
        Ok(json!({ "space": name, "rows": row.get::<_, i64>(1)?, "bytes": row.get::<_, i64>(2)? }))
    })?;
    rows.collect()
}

fn table(found: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    // A chain's positions, and what is said of them last.
    let line = |chain: &Value, bytes: &str, last: &str| {
        let name = text(&chain["chain"]);
        let [first, end, events, bytes] = ["first", "last", "events", bytes].map(|what| text(&chain[what]));
        format!("{name:<26}{first:>11}{end:>10}{events:>10}{bytes:>11}  {last}\n")
    };
    let mut said = format!("{:<22}{}\n", "file", text(&found["file"]));
    for name in ["format", "bytes", "free_bytes", "log_bytes", "reserve_bytes", "is_copy"] {
        said += &format!("{name:<22}{}\n", found[name]);
    }
    said += "\nchain                           first      last    events      bytes  hash at the end\n";
    for chain in found["chains"].as_array().into_iter().flatten() {
        let hash = text(&chain["head_hash"]);
        said += &line(chain, "payload_bytes", hash.get(..16).unwrap_or_default());
    }
    let sealed = found["segments"].as_array().into_iter().flatten();
    for (at, chain) in sealed.enumerate() {
        if at == 0 {
            said += "\nsealed                         first      last    events      bytes  segments\n";
        }
        said += &line(chain, "bytes", &text(&chain["segments"]));
    }
    said += "\nkind                          events\n";
    for (kind, count) in found["kinds"].as_object().into_iter().flatten() {
        said += &format!("{kind:<26}{:>10}\n", text(count));
    }
    said += "\nspace                           rows      bytes\n";
    for space in found["rows"].as_array().into_iter().flatten() {
        said += &format!(
            "{:<26}{:>10}{:>11}\n",
            text(&space["space"]),
            text(&space["rows"]),
            text(&space["bytes"])
        );
    }
    for gap in found["missing"].as_array().into_iter().flatten() {
        said += &format!("\nmissing: from {} to position {}\n", text(&gap["first"]), gap["last"]);
    }
    if let Some(wrong) = found["check"].as_array() {
        said += if wrong.is_empty() {
            "\nevery page and every event that is there is sound\n"
        } else {
            "\ndamaged:\n"
        };
        wrong.iter().for_each(|line| said += &format!("  - {}\n", text(line)));
    }
    said
}

//! What a run came to, and how it grew.

use std::fmt::Write as _;
use std::io;

use rusqlite::Connection;
use serde_json::json;

use crate::till::Till;

/// Most bytes that a year may take on a till's disk.
const DISK: u64 = 2_000_000_000;
/// Most bytes of memory.
const MEMORY: u64 = 32_000_000;
/// Most of its JSON that a sale may take whose events are archived.
const ARCHIVED: f64 = 0.15;

/// What is drawn: what it is called, its colour, and how much of its limit it is.
type Line = (&'static str, &'static str, fn(&Day) -> f64);

/// The evening of a day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Day {
    day: u32,
    sales: u64,
    disk: u64,
    resident: u64,
}

impl Day {
    pub(crate) fn of(day: u32, till: &Till) -> io::Result<Self> {
        let length = |ending: &str| {
            let mut name = till.path().as_os_str().to_owned();
            name.push(ending);
            std::fs::metadata(name).map_or(0, |file| file.len())
        };
        let disk = length("") + length("-wal") + length("-shm");
        Ok(Self { day, sales: till.sales(), disk, resident: resident()? })
    }
}

/// Bytes of memory that this process has.
fn resident() -> io::Result<u64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    Ok(kib.unwrap_or_default() * 1_024)
}

/// A whole run.
#[derive(Debug)]
pub(crate) struct Report {
    days: Vec<Day>,
    /// Bytes of a sale as JSON, by hand.
    json: f64,
    /// Bytes of an event in a segment.
    event: f64,
    /// Bytes of the rows of an archived sale, in blocks: its key, its basket, what it adds to the figures of its day.
    rows: f64,
    /// Events in segments, and rows in blocks.
    sealed: u64,
    archived_rows: u64,
}

impl Report {
    pub(crate) fn of(days: Vec<Day>, till: &Till) -> io::Result<Self> {
        let db = Connection::open(till.path()).map_err(io::Error::other)?;
        let sums = |sql: &str| {
            db.query_row(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
                .unwrap_or_default()
        };
        let ratio = |(bytes, of): (i64, i64)| bytes as f64 / of.max(1) as f64;
        let segments = sums("SELECT sum(length(batch) + 64), sum(last - first + 1) FROM segments");
        let blocks = |space: u8| {
            sums(&format!(
                "SELECT sum(length(body) + length(first)), sum(rows) FROM blocks WHERE space = {space}"
            ))
        };
        // Idempotency keys, baskets, figures of days.
        let spaces = [7, 19, 32].map(blocks);
        Ok(Self {
            json: till.json_bytes(),
            event: ratio(segments),
            rows: spaces.iter().map(|space| ratio(*space)).sum(),
            sealed: segments.1.unsigned_abs(),
            archived_rows: spaces.iter().map(|(_, rows)| rows.unsigned_abs()).sum(),
            days,
        })
    }

    fn most(&self, of: impl Fn(&Day) -> u64) -> u64 {
        self.days.iter().map(of).max().unwrap_or_default()
    }

    pub(crate) fn summary(&self) -> String {
        let Self { json, event, rows, sealed, archived_rows, .. } = self;
        format!(
            "{} sales in {} days: {:.1} MB of disk at most, {:.1} MB of memory at most\n\
             a sale: {json:.0} bytes as JSON, {event:.0} in segments ({:.3}), \
             {rows:.0} of rows in blocks, {:.0} archived with all rows ({:.3})\n\
             {sealed} events in segments, {archived_rows} rows in blocks",
            self.days.last().map_or(0, |day| day.sales),
            self.days.len(),
            self.most(|day| day.disk) as f64 / 1e6,
            self.most(|day| day.resident) as f64 / 1e6,
            event / json,
            event + rows,
            (event + rows) / json,
        )
    }

    /// The limits that it passed.
    pub(crate) fn passed(&self) -> Vec<String> {
        let (disk, memory) = (self.most(|day| day.disk), self.most(|day| day.resident));
        let archived = self.event / self.json;
        let mut passed = Vec::new();
        if disk > DISK {
            passed.push(format!("{disk} bytes of disk, of {DISK}"));
        }
        if memory > MEMORY {
            passed.push(format!("{memory} bytes of memory, of {MEMORY}"));
        }
        if archived > ARCHIVED {
            passed.push(format!("{archived:.3} of its JSON for an archived sale, of {ARCHIVED}"));
        }
        passed
    }

    pub(crate) fn json(&self) -> String {
        let day = |day: &Day| json!({ "day": day.day, "sales": day.sales, "disk": day.disk, "resident": day.resident });
        let report = json!({
            "json_bytes": self.json,
            "event_bytes": self.event,
            "row_bytes": self.rows,
            "sealed_events": self.sealed,
            "archived_rows": self.archived_rows,
            "limits": { "disk": DISK, "resident": MEMORY, "archived": ARCHIVED },
            "days": self.days.iter().map(day).collect::<Vec<_>>(),
        });
        format!("{report:#}\n")
    }

    /// Disk and memory over the days, each in parts of its limit.
    pub(crate) fn svg(&self) -> String {
        let (width, height, left, bottom) = (640.0, 360.0, 60.0, 50.0);
        let last = f64::from(self.days.last().map_or(1, |day| day.day)).max(1.0);
        let x = |day: u32| left + f64::from(day) / last * (width - left - 20.0);
        let y = |part: f64| height - bottom - part * (height - bottom - 20.0);
        let mut out = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">"#
        );
        out.push_str(r#"<rect width="100%" height="100%" fill="white"/>"#);
        // A string takes any text.
        for part in [0.0, 0.25, 0.5, 0.75, 1.0] {
            let _ = write!(out, r##"<path d="M{left} {:.1}H{}" stroke="#ddd"/>"##, y(part), width - 20.0);
            let _ = write!(
                out,
                r#"<text x="{}" y="{:.1}" text-anchor="end">{:.0} %</text>"#,
                left - 6.0,
                y(part) + 4.0,
                part * 100.0
            );
        }
        for quarter in 0..=4u32 {
            let day = (last * f64::from(quarter) / 4.0).round() as u32;
            let _ = write!(
                out,
                r#"<text x="{:.1}" y="{}" text-anchor="middle">day {day}</text>"#,
                x(day),
                height - bottom + 18.0
            );
        }
        let lines: [Line; 2] = [
            ("disk, of 2 GB", "#1f77b4", |day| day.disk as f64 / DISK as f64),
            ("memory, of 32 MB", "#d62728", |day| day.resident as f64 / MEMORY as f64),
        ];
        for (place, (called, colour, part)) in lines.into_iter().enumerate() {
            let points: Vec<_> =
                self.days.iter().map(|day| format!("{:.1},{:.1}", x(day.day), y(part(day)))).collect();
            let _ = write!(
                out,
                r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#,
                points.join(" ")
            );
            let at = left + 200.0 * place as f64;
            let _ = write!(out, r#"<text x="{at:.0}" y="{}" fill="{colour}">{called}</text>"#, height - 8.0);
        }
        out.push_str("</svg>\n");
        out
    }
}

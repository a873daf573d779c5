//! What a sale of seven lines costs a till: writes, memory, start, throughput, beside a hand-written SQLite and PostgreSQL.
//!
//! `cargo bench -p edgepos-benches --bench till` takes about two minutes; `-- --full` goes on to a million sales; `-- --json FILE`
//! writes the figures as JSON besides, `-- --svg FILE` a picture of growth; `-- --quick` measures a tenth, `-- --selling` only
//! how tills sell. `docs/benchmarks-till.md` has a run of it.

mod catch_up;
mod chart;
mod measure;
mod ours;
mod postgres;
mod sale;
mod sqlite;
mod wire;

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use self::measure::Figures;

/// Callers that sell at once.
const CALLERS: [usize; 3] = [1, 8, 32];
const OURS: &str = "edgepos";
const BY_HAND: &str = "SQLite by hand, a transaction a sale";
/// Callers, how many times as many sales as by hand, bytes written a sale, commits a sale.
type Target = (usize, f64, Option<u64>, f64);
const TARGETS: [Target; 3] =
    [(1, 1.5, Some(20_000), 1.1), (8, 5.0, None, 0.4), (32, 12.0, Some(6_000), 0.12)];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)
    };
    // `cargo test --benches` runs it as well.
    if has("--test") {
        return;
    }
    let quick = has("--quick");
    let sales = if quick { 500 } else { 5_000 };
    let mut rows = Vec::new();
    for callers in CALLERS {
        rows.push(row(OURS, callers, &ours::sell(callers, sales)));
        rows.push(row(BY_HAND, callers, &sqlite::sell(callers, sales)));
        match postgres::sell(callers, sales) {
            Ok(figures) => rows.push(row("PostgreSQL, a transaction a sale", callers, &figures)),
            Err(reason) => println!("PostgreSQL with {callers} callers is not measured: {reason}"),
        }
    }
    // Only how tills sell: what else there is does not change with how writes are grouped.
    if has("--selling") {
        return println!("{}", table(&rows, &[], &Value::Null));
    }
    let mut sizes = vec![1_000];
    if !quick {
        sizes.push(100_000);
    }
    if has("--full") {
        sizes.push(1_000_000);
    }
    let grown: Vec<Value> = sizes.into_iter().map(ours::grow).collect();
    let caught_up = catch_up::catch_up(if quick { 5_000 } else { 100_000 });
    println!("{}", table(&rows, &grown, &caught_up));
    if let Some(path) = value("--svg") {
        std::fs::write(Path::new(path), chart::svg(&grown)).expect("the picture can be written");
    }
    if let Some(path) = value("--json") {
        let report = json!({ "sales": rows, "growth": grown, "catching_up": caught_up });
        std::fs::write(Path::new(path), format!("{report:#}\n")).expect("the report can be written");
    }
}

fn row(who: &str, callers: usize, figures: &Figures) -> Value {
    json!({
        "who": who,
        "callers": callers,
        "sales_per_second": figures.per_second().round(),
        "bytes_written_a_sale": figures.bytes_a_sale(),
        "commits_a_sale": figures.commits_a_sale(),
        "writes_a_sale": figures.writes_a_sale(),
        "latency_ms": figures.latency_ms(),
    })
}

fn table(rows: &[Value], grown: &[Value], caught_up: &Value) -> String {
    let mut text = String::from(
        "| who | callers | sales/s | × SQLite by hand | target | bytes written a sale | target | commits a sale | target | written without a flush a sale | p50, p99 of a sale, ms |\n|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    let shown =
        |value: &Value| if value.is_null() { "–".to_owned() } else { value.to_string().replace('"', "") };
    for row in rows {
        let beside = rows.iter().find(|peer| peer["who"] == BY_HAND && peer["callers"] == row["callers"]);
        let rate = |row: &Value| row["sales_per_second"].as_f64();
        let ratio = beside
            .and_then(|peer| Some(rate(row)? / rate(peer)?))
            .map_or(Value::Null, |ratio| json!((ratio * 10.0).round() / 10.0));
        let targets = TARGETS.iter().find(|(callers, ..)| row["who"] == OURS && row["callers"] == *callers);
        let target = |of: fn(&Target) -> Value| targets.map_or(Value::Null, of);
        let cells = [
            &row["who"],
            &row["callers"],
            &row["sales_per_second"],
            &ratio,
            &target(|(_, ratio, ..)| json!(ratio)),
            &row["bytes_written_a_sale"],
            &target(|(_, _, bytes, _)| json!(bytes)),
            &row["commits_a_sale"],
            &target(|(.., commits)| json!(commits)),
            &row["writes_a_sale"],
            &row["latency_ms"],
        ];
        let cells: Vec<String> = cells.into_iter().map(shown).collect();
        // A string takes any text.
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text.push_str("\n| sales on disk | memory after selling, MB | bytes of memory a sale | start, s | memory after it, MB | bytes on disk a sale |\n|---|---|---|---|---|---|\n");
    for row in grown {
        let cells = [
            "sales",
            "resident_mb",
            "resident_bytes_a_sale",
            "start_s",
            "resident_after_start_mb",
            "disk_bytes_a_sale",
        ];
        let cells: Vec<String> = cells.iter().map(|name| shown(&row[*name])).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text.push_str("\nTargets at 10^3, 10^5, 10^6 sales: memory 16, 24, 32 MB; start 0.05 s at 10^5, 0.1 s at 10^6; disk 800 bytes a sale, where the same sale as JSON has 785.\n");
    for (what, figures) in [
        ("On the wire, target 95 bytes", grown.first().map_or(&Value::Null, |row| &row["wire"])),
        ("Catching up, targets 5 s and 30 µs an event", caught_up),
    ] {
        let _ = writeln!(text, "\n{what}: {figures}");
    }
    text
}

//! What a sale of seven lines costs a till: writes, memory, start, throughput, beside a hand-written SQLite and PostgreSQL.
//!
//! `cargo bench -p edgepos-benches --bench till` takes about two minutes; `-- --full` goes on to a million sales; `-- --json FILE`
//! writes the figures as JSON besides; `-- --quick` measures a tenth. `docs/benchmarks-till.md` has a run of it.

mod measure;
mod ours;
mod postgres;
mod sale;
mod sqlite;

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use self::measure::Figures;

/// Callers that sell at once.
const CALLERS: [usize; 3] = [1, 8, 32];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    // `cargo test --benches` runs it as well.
    if has("--test") {
        return;
    }
    let quick = has("--quick");
    let sales = if quick { 500 } else { 5_000 };
    let mut rows = Vec::new();
    for callers in CALLERS {
        rows.push(row("edgepos", callers, &ours::sell(callers, sales)));
        rows.push(row("SQLite by hand, a transaction a sale", callers, &sqlite::sell(callers, sales)));
        match postgres::sell(callers, sales) {
            Ok(figures) => rows.push(row("PostgreSQL, a transaction a sale", callers, &figures)),
            Err(reason) => println!("PostgreSQL with {callers} callers is not measured: {reason}"),
        }
    }
    let mut sizes = vec![1_000];
    if !quick {
        sizes.push(100_000);
    }
    if has("--full") {
        sizes.push(1_000_000);
    }
    let grown: Vec<Value> = sizes.into_iter().map(ours::grow).collect();
    println!("{}", table(&rows, &grown));
    if let Some(at) = arguments.iter().position(|argument| argument == "--json")
        && let Some(path) = arguments.get(at + 1)
    {
        let report = json!({ "sales": rows, "growth": grown });
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
    })
}

fn table(rows: &[Value], grown: &[Value]) -> String {
    let mut text = String::from(
        "| who | callers | sales/s | bytes written a sale | commits a sale |\n|---|---|---|---|---|\n",
    );
    let shown =
        |value: &Value| if value.is_null() { "–".to_owned() } else { value.to_string().replace('"', "") };
    for row in rows {
        let cells = ["who", "callers", "sales_per_second", "bytes_written_a_sale", "commits_a_sale"];
        let cells: Vec<String> = cells.iter().map(|name| shown(&row[*name])).collect();
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
    text
}

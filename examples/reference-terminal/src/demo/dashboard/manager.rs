//! What a manager asks for: receipts by number, cash in the drawers, everything that was booked.

use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::floor::Floor;
use super::receipt;
use super::served::{Served, answer};
use crate::demo::register::percent;
use crate::http::CallError;

/// Transactions of a page.
const PAGE: usize = 200;
/// Transactions that are exported at most.
const MAX_EXPORT: usize = 50_000;
/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Columns of the export.
const COLUMNS: [&str; 9] =
    ["event", "utc_ms", "business_day", "terminal", "series", "number", "currency", "total", "lines"];

/// Which receipts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    number: u64,
    terminal: Option<u16>,
}

/// Which event.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Event {
    event: String,
}

pub(super) async fn receipts(State(served): State<Served>, Query(wanted): Query<Wanted>) -> Response {
    let terminal = wanted.terminal.map_or_else(String::new, |terminal| format!("&terminal={terminal}"));
    let path = format!("/transactions?number={}{terminal}&limit=20", wanted.number);
    match ask(&served.floor, &path).await {
        Ok(page) => answer(StatusCode::OK, &page),
        Err(error) => refused(&error),
    }
}

/// A receipt as a page to print.
pub(super) async fn receipt(State(served): State<Served>, Query(Event { event }): Query<Event>) -> Response {
    match ask(&served.floor, &format!("/transaction?event={}", percent(&event))).await {
        Ok(booked) => {
            let name = |code: &str| {
                served
                    .floor
                    .products
                    .iter()
                    .find(|product| product.code == code)
                    .map(|product| product.name.clone())
            };
            ([(CONTENT_TYPE, "text/html; charset=utf-8")], receipt::page(&booked, name)).into_response()
        }
        Err(error) => refused(&error),
    }
}

/// Cash as the drawers' counters have it.
pub(super) async fn drawers(State(served): State<Served>) -> Response {
    match ask(&served.floor, "/counters?counter=5").await {
        Ok(counters) => answer(StatusCode::OK, &counters),
        Err(error) => refused(&error),
    }
}

pub(super) async fn export_lines(State(served): State<Served>) -> Response {
    match everything(&served.floor).await {
        Ok(all) => {
            let text: String = all.iter().map(|booked| format!("{booked}\n")).collect();
            file("application/jsonl; charset=utf-8", "transactions.jsonl", text)
        }
        Err(error) => refused(&error),
    }
}

pub(super) async fn export_csv(State(served): State<Served>) -> Response {
    let all = match everything(&served.floor).await {
        Ok(all) => all,
        Err(error) => return refused(&error),
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Into memory: it cannot fail.
    let _ = writer.write_record(COLUMNS);
    for booked in &all {
        let _ = writer.write_record(COLUMNS.map(|column| cell(booked, column)));
    }
    let text = writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    file("text/csv; charset=utf-8", "transactions.csv", text)
}

fn cell(booked: &Value, column: &str) -> String {
    let value = booked.get(column).or_else(|| booked.pointer(&format!("/transaction/{column}")));
    match value {
        Some(Value::Array(lines)) => lines.len().to_string(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

fn file(kind: &str, name: &str, text: String) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    ([(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, disposition)], text).into_response()
}

/// Everything that was booked, newest first.
async fn everything(floor: &Floor) -> Result<Vec<Value>, CallError> {
    let mut all = Vec::new();
    let mut after = String::new();
    while all.len() < MAX_EXPORT {
        let page = ask(floor, &format!("/transactions?limit={PAGE}{after}")).await?;
        // A page may be short, or empty, and say where the next one begins.
        all.extend(page.get("transactions").and_then(Value::as_array).cloned().unwrap_or_default());
        match page.get("next").and_then(Value::as_object) {
            Some(next) => {
                let positions: Vec<String> =
                    next.iter().map(|(chain, seq)| format!("{chain}:{seq}")).collect();
                after = format!("&after={}", percent(&positions.join(",")));
            }
            None => break,
        }
    }
    Ok(all)
}

/// Asks the first terminal that can answer.
async fn ask(floor: &Floor, path: &str) -> Result<Value, CallError> {
    let supervisor = &floor.registers.supervisor;
    let mut last = None;
    for terminal in (0..floor.terminals()).filter(|terminal| floor.is_usable(*terminal)) {
        let Ok(Ok(address)) = tokio::time::timeout(PATIENCE, supervisor.till(terminal)).await else {
            continue;
        };
        match supervisor.client.get_within(address, path, PATIENCE).await {
            Ok(answer) => return Ok(answer),
            // Another one may have heard of it.
            Err(error) => last = Some(error),
        }
    }
    let address = (std::net::Ipv4Addr::LOCALHOST, 0).into();
    Err(last.unwrap_or(CallError::NoAnswer { address, reason: "no terminal is up".into() }))
}

fn refused(error: &CallError) -> Response {
    let status = match error {
        CallError::Refused(_) => StatusCode::NOT_FOUND,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    answer(status, &json!({ "error": error.to_string() }))
}

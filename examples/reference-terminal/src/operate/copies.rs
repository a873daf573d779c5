//! `backup`, `restore`, `compact`: a till's file as an operator handles it.

use std::path::{Path, PathBuf};

use clap::Args;
use edgepos::{CopyProgress, SqliteStore, StoreCopy, StoreError};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

/// Which till is copied, and where to.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The SQLite file of a till, running or not
    #[arg(long, value_name = "FILE")]
    db: PathBuf,
    /// The copy, a file that is new
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Print JSON instead of a sentence
    #[arg(long)]
    json: bool,
}

/// Which copy is put into the place of which till.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The copy; it stays as it is
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// The SQLite file of a till that does not run; what is there is set aside, not deleted
    #[arg(long, value_name = "FILE")]
    db: PathBuf,
    /// Print JSON instead of a sentence
    #[arg(long)]
    json: bool,
}

/// Which till is written anew.
#[derive(Debug, Args)]
pub struct CompactArgs {
    /// The SQLite file of a till that does not run
    #[arg(long, value_name = "FILE")]
    db: PathBuf,
    /// Print JSON instead of a sentence
    #[arg(long)]
    json: bool,
}

/// Copies a till's file while it sells, and says what it has. Blocks.
///
/// # Errors
/// [`StoreError`]: nothing was written.
pub fn backup(BackupArgs { db, out, json }: &BackupArgs) -> Result<String, StoreError> {
    let copy = with_bar(|bar| SqliteStore::back_up(db, out, bar))?;
    Ok(said(*json, &copy, out, None))
}

/// Puts a copy into a till's place, and says where what was there lies. Blocks.
///
/// # Errors
/// [`StoreError`]: the till's file is as it was.
pub fn restore(RestoreArgs { from, db, json }: &RestoreArgs) -> Result<String, StoreError> {
    let copy = with_bar(|bar| SqliteStore::put_back(from, db, bar))?;
    Ok(said(
        *json,
        &copy,
        db,
        Some("its terminal goes on under another name and a receipt series of its own"),
    ))
}

/// Writes a till's file anew without its holes, and says what that came to. Blocks.
///
/// # Errors
/// [`StoreError`]: the file is as it was.
pub fn compact(CompactArgs { db, json }: &CompactArgs) -> Result<String, StoreError> {
    let done = SqliteStore::compact(db)?;
    if *json {
        return Ok(format!("{}\n", json!({ "before_bytes": done.before, "after_bytes": done.after })));
    }
    Ok(format!("{}: {} bytes, {} before\n", db.display(), done.after, done.before))
}

fn said(as_json: bool, copy: &StoreCopy, path: &Path, then: Option<&str>) -> String {
    let set_aside = copy.set_aside.as_ref().map(|path| path.display().to_string());
    if as_json {
        let (bytes, events) = (copy.bytes, copy.events);
        let path = path.display().to_string();
        return format!(
            "{}\n",
            json!({ "file": path, "bytes": bytes, "events": events, "set_aside": set_aside })
        );
    }
    let mut said = format!("{}: {} events, {} bytes\n", path.display(), copy.events, copy.bytes);
    if let Some(aside) = set_aside {
        said += &format!("what was there is {aside}\n");
    }
    said + &then.map_or_else(String::new, |then| format!("{then}\n"))
}

/// Draws how far it is where somebody looks on: on a terminal, on standard error.
fn with_bar<T>(work: impl FnOnce(Box<dyn FnMut(CopyProgress) + Send>) -> T) -> T {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {bytes} of at most {total_bytes}") {
        bar.set_style(style);
    }
    let shown = bar.clone();
    let done = work(Box::new(move |progress: CopyProgress| {
        shown.set_length(progress.of);
        shown.set_position(progress.done);
    }));
    bar.finish_and_clear();
    done
}

//! `export`: everything that a till's file holds, for other programs.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::events::{EventsError, Reader, Row};

/// Columns of a CSV file.
const COLUMNS: [&str; 8] =
    ["event", "utc_ms", "business_day", "kind", "series", "number", "total", "currency"];

/// Which file, and where it goes.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The SQLite file of a till, running or not
    #[arg(long, value_name = "FILE")]
    db: PathBuf,
    /// Whole events as JSON lines, or their columns as CSV
    #[arg(long, value_enum, default_value = "jsonl")]
    format: Format,
    /// Write here, to a file that is new [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    Jsonl,
    Csv,
}

/// Writes it, and says how many events that was. Blocks.
///
/// # Errors
/// [`EventsError`]. A file that was begun is taken away again; where the process is killed, one whose name ends in `.part` and the number
/// of the process stays, and none under the name that was asked for.
pub fn export(args: &ExportArgs) -> Result<u64, EventsError> {
    let mut reader = Reader::open(&args.db)?;
    match &args.out {
        None => write(&mut reader, args.format, io::stdout().lock()),
        Some(path) => {
            let is_new = || match path.try_exists() {
                Ok(true) => Err(named(path, &io::ErrorKind::AlreadyExists.into())),
                Ok(false) => Ok(()),
                Err(error) => Err(named(path, &error)),
            };
            is_new()?;
            let mut part = path.clone().into_os_string();
            part.push(format!(".part{}", std::process::id()));
            let part = PathBuf::from(part);
            let file = File::create_new(&part).map_err(|error| named(&part, &error))?;
            let written = write(&mut reader, args.format, BufWriter::new(&file)).and_then(|count| {
                is_new()?;
                let placed = file.sync_all().and_then(|()| std::fs::rename(&part, path));
                placed.map(|()| count).map_err(|error| named(path, &error))
            });
            if written.is_err() {
                let _ = std::fs::remove_file(&part);
            }
            written
        }
    }
}

fn named(path: &Path, error: &io::Error) -> EventsError {
    EventsError::Write(io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

fn write(reader: &mut Reader, format: Format, mut out: impl Write) -> Result<u64, EventsError> {
    let mut count = 0;
    if format == Format::Csv {
        writeln!(out, "{}", COLUMNS.join(","))?;
    }
    reader.next(|row| {
        count += 1;
        match format {
            Format::Jsonl => writeln!(out, "{}", row.json())?,
            Format::Csv => out.write_all(&record(row)?)?,
        }
        Ok(())
    })?;
    out.flush()?;
    Ok(count)
}

fn record(row: &Row) -> io::Result<Vec<u8>> {
    let number = |number: Option<i64>| number.map_or_else(String::new, |number| number.to_string());
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        row.id.to_string(),
        number(row.utc_ms),
        number(row.business_day),
        row.kind.clone(),
        text(&row.series),
        number(row.number),
        number(row.total),
        text(&row.currency),
    ])?;
    writer.into_inner().map_err(csv::IntoInnerError::into_error)
}

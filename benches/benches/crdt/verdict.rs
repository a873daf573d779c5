//! The table of results: a row says what was asked for and whether it was reached.

use std::fmt;
use std::time::Duration;

/// What a row is held against.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// The peer takes at least this many times as much.
    PeerOverOurs(f64),
    /// We take at most this many times as much as the peer.
    OursOverPeer(f64),
    /// We take at most this, in the row's unit.
    AtMost(f64),
    /// For information.
    None,
}

/// A figure with its unit.
#[derive(Clone, Copy)]
pub(crate) enum Figure {
    Time(Duration),
    Bytes(f64),
}

impl Figure {
    pub(crate) fn value(self) -> f64 {
        match self {
            Self::Time(time) => time.as_secs_f64(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => write!(f, "{time:.2?}"),
            Self::Bytes(bytes) if *bytes >= 1e6 => write!(f, "{:.1} MB", bytes / 1e6),
            Self::Bytes(bytes) if *bytes >= 1e4 => write!(f, "{:.1} kB", bytes / 1e3),
            Self::Bytes(bytes) => write!(f, "{bytes:.1} B"),
        }
    }
}

struct Row {
    what: String,
    ours: Figure,
    peer: Option<(&'static str, Figure)>,
    target: Target,
}

impl Row {
    fn ratio(&self) -> Option<f64> {
        let (_, peer) = self.peer?;
        Some(match self.target {
            Target::OursOverPeer(_) => self.ours.value() / peer.value(),
            _ => peer.value() / self.ours.value(),
        })
    }

    fn asked(&self) -> (String, &'static str) {
        let reached = |met: bool| if met { "reached" } else { "falls short" };
        match (self.target, self.ratio()) {
            (Target::PeerOverOurs(least), Some(ratio)) => (format!("≥ {least} ×"), reached(ratio >= least)),
            (Target::OursOverPeer(most), Some(ratio)) => {
                (format!("≤ {most} × the peer"), reached(ratio <= most))
            }
            (Target::AtMost(most), _) => {
                let most_of = match self.ours {
                    Figure::Time(_) => Figure::Time(Duration::from_secs_f64(most)),
                    Figure::Bytes(_) => Figure::Bytes(most),
                };
                (format!("≤ {most_of}"), reached(self.ours.value() <= most))
            }
            _ => ("–".to_owned(), "–"),
        }
    }
}

/// All rows.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

impl Report {
    pub(crate) fn row(
        &mut self,
        what: impl Into<String>,
        ours: Figure,
        peer: Option<(&'static str, Figure)>,
        target: Target,
    ) {
        self.rows.push(Row { what: what.into(), ours, peer, target });
    }

    pub(crate) fn times(
        &mut self,
        what: impl Into<String>,
        peer: &'static str,
        took: (Duration, Duration),
        target: Target,
    ) {
        self.row(what, Figure::Time(took.0), Some((peer, Figure::Time(took.1))), target);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | ours | peer | | ratio | target | |")?;
        writeln!(f, "|---|---|---|---|---|---|---|")?;
        for row in &self.rows {
            let (name, peer) =
                row.peer.map_or(("–", String::new()), |(name, peer)| (name, peer.to_string()));
            let ratio = row.ratio().map_or("–".to_owned(), |ratio| {
                if ratio < 10.0 { format!("{ratio:.2} ×") } else { format!("{ratio:.0} ×") }
            });
            let (target, verdict) = row.asked();
            writeln!(
                f,
                "| {} | {} | {name} | {peer} | {ratio} | {target} | {verdict} |",
                row.what, row.ours
            )?;
        }
        Ok(())
    }
}

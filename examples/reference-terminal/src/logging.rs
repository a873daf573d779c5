//! What is written to standard error while a till, a cloud or a demo runs.

use thiserror::Error;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Writes a line a fact to standard error, as much as the environment variable `RUST_LOG` asks for.
pub(crate) fn to_stderr() {
    let asked = std::env::var("RUST_LOG").ok();
    let targets = targets(asked.as_deref()).unwrap_or_else(|error| {
        eprintln!("RUST_LOG is not understood ({error}): logging at the level `info`");
        info()
    });
    let lines =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false).with_filter(targets);
    tracing_subscriber::registry().with(lines).init();
}

/// Why a filter is not taken.
#[derive(Debug, Error)]
enum FilterError {
    #[error(transparent)]
    Parse(#[from] ParseError),
    #[error("spans and fields in brackets are not chosen by, targets and levels are")]
    Brackets,
}

/// Levels by the beginning of a target: `info`, `edgepos=debug`, `warn,edgepos=trace`. Spans and fields are not chosen by:
/// nothing here opens a span, and patterns over fields would cost the program an engine of regular expressions.
fn targets(asked: Option<&str>) -> Result<Targets, FilterError> {
    match asked.map(str::trim) {
        None | Some("") => Ok(info()),
        // Taken as a part of the target's name they would match nothing, in silence.
        Some(asked) if asked.contains(['[', '{']) => Err(FilterError::Brackets),
        Some(asked) => Ok(asked.parse()?),
    }
}

fn info() -> Targets {
    Targets::new().with_default(LevelFilter::INFO)
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::filter::LevelFilter;

    use super::{info, targets};

    #[test]
    fn levels_go_by_the_beginning_of_a_target() {
        assert_eq!(targets(None).unwrap(), info());
        assert_eq!(targets(Some(" ")).unwrap(), info());
        assert_eq!(targets(Some("warn")).unwrap().default_level(), Some(LevelFilter::WARN));
        let some = targets(Some("warn,edgepos=trace")).unwrap();
        assert!(some.would_enable("edgepos::driver", &tracing::Level::TRACE));
        assert!(!some.would_enable("hyper", &tracing::Level::INFO));
    }

    #[test]
    fn what_is_not_understood_is_an_error_and_not_silence() {
        assert!(targets(Some("edgepos[sale]=debug")).is_err());
        assert!(targets(Some("edgepos=loud")).is_err());
    }
}

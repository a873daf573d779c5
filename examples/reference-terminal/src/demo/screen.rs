//! What a person sees: the story line by line, and beneath it a live table where there is a terminal to draw on.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::story::Story;

/// Between two drawings of the table.
const REDRAW: Duration = Duration::from_millis(200);

/// A handle on standard output. Clones draw on the same one.
#[derive(Clone, Debug)]
pub(super) struct Screen {
    live: Option<Live>,
    story: Arc<Story>,
}

#[derive(Clone, Debug)]
struct Live {
    all: MultiProgress,
    rows: Arc<Vec<ProgressBar>>,
    bar: ProgressBar,
    /// Whether the table was taken away.
    closed: Arc<AtomicBool>,
}

/// Draws until it is dropped.
#[derive(Debug)]
pub(super) struct Drawing(Option<AbortHandle>);

impl Drop for Drawing {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

impl Screen {
    /// With a table for so many terminals, unless `headless` or where standard output is no terminal.
    pub(super) fn new(headless: bool, terminals: usize) -> Self {
        if headless || !std::io::stdout().is_terminal() {
            return Self { live: None, story: Arc::default() };
        }
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stdout());
        let plain = ProgressStyle::with_template("{msg}").expect("a constant template");
        // A heading, the terminals, the cloud.
        let rows: Vec<ProgressBar> =
            (0..terminals + 2).map(|_| all.add(ProgressBar::new(1).with_style(plain.clone()))).collect();
        let style = ProgressStyle::with_template("[{elapsed_precise}] {bar:40} {pos}/{len} {msg}");
        let bar = all.add(ProgressBar::new(1).with_style(style.expect("a constant template")));
        let closed = Arc::default();
        Self { live: Some(Live { all, rows: Arc::new(rows), bar, closed }), story: Arc::default() }
    }

    /// What was said so far.
    pub(super) fn story(&self) -> &Arc<Story> {
        &self.story
    }

    /// Tells the story on.
    pub(super) fn say(&self, line: &str) {
        self.story.tell(line);
        match self.live.as_ref().filter(|live| !live.closed.load(Ordering::Relaxed)) {
            // A screen that cannot be written to is no reason to stop selling.
            Some(live) => drop(live.all.println(line)),
            None => {
                use std::io::Write;
                let _ = writeln!(std::io::stdout(), "{line}");
            }
        }
    }

    /// A new phase of so many steps begins.
    pub(super) fn phase(&self, name: &'static str, steps: usize) {
        self.story.phase(name, steps);
        match &self.live {
            Some(live) => {
                live.bar.reset();
                live.bar.set_length(steps as u64);
                live.bar.set_message(name);
            }
            None => self.say(name),
        }
    }

    /// One step of the phase is done.
    pub(super) fn step(&self) {
        self.story.step();
        if let Some(live) = &self.live {
            live.bar.inc(1);
        }
    }

    /// Keeps the table up to date: `table` says its lines, one for each row.
    pub(super) fn draw(&self, table: impl Fn() -> Vec<String> + Send + 'static) -> Drawing {
        let Some(live) = self.live.clone() else { return Drawing(None) };
        let task = tokio::spawn(async move {
            loop {
                for (row, line) in live.rows.iter().zip(table()) {
                    row.set_message(line);
                }
                live.bar.tick();
                sleep(REDRAW).await;
            }
        });
        Drawing(Some(task.abort_handle()))
    }

    /// Takes the table away, so that plain text can follow.
    pub(super) fn close(&self) {
        if let Some(live) = &self.live {
            let _ = live.all.clear();
            live.all.set_draw_target(ProgressDrawTarget::hidden());
            live.closed.store(true, Ordering::Relaxed);
        }
    }
}

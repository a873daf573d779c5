//! What a demo is asked to do.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What a demo does.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many terminals, 1 to 15.
    pub terminals: u16,
    /// How long the sales take.
    pub duration: Duration,
    /// The baskets; `None` for the shipped week.
    pub data: Option<PathBuf>,
    /// Where the figures go; `None` for nowhere.
    pub report: Option<PathBuf>,
    /// Where files are kept, new or empty; `None` for a directory that is removed when all holds.
    pub dir: Option<PathBuf>,
    /// Whether to draw no table on the screen and serve no page.
    pub headless: bool,
    /// Where the page is served; `None` for a loopback port. Elsewhere than on loopback a token is asked for.
    pub dashboard: Option<SocketAddr>,
    /// The cloud's port; 0 for free ports everywhere.
    pub base_port: u16,
    /// Chooses the returns.
    pub seed: u64,
    /// Where the models are.
    pub models: PathBuf,
}

//! What an alert says when it begins and when it ends.

/// A figure went beyond its threshold, or came back.
#[derive(Clone, Copy, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Alert {
    /// The name of its rule, in snake case: as in `docs/monitoring.md`.
    pub name: &'static str,
    /// Whether it began; `false`: it ended.
    pub firing: bool,
    /// The value that was read; durations in seconds.
    pub value: f64,
    /// The value beyond which it begins.
    pub threshold: f64,
    /// What it says, in an English sentence.
    pub says: &'static str,
    /// What to do, in an English sentence.
    pub remedy: &'static str,
}

//! What an alert says when it begins and when it ends.

/// A figure went beyond its threshold, or came back.
#[derive(Clone, Copy, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Alert {
    /// The name of its rule, in snake case: `elections`, `failover`, `split_brain`, `sync_lag`, `queue`.
    pub name: &'static str,
    /// Whether it began; `false`: it ended.
    pub firing: bool,
    /// The value that was read; durations in seconds.
    pub value: f64,
    /// The value beyond which it begins.
    pub threshold: f64,
}

//! How far an event has come.

/// How safe an event is. Each level holds what the one before it does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Durability {
    /// On this terminal's disk.
    Here,
    /// And on the disk of the terminal that leads.
    AtLeader,
    /// And in the cloud.
    InCloud,
}

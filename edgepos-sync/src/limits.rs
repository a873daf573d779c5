//! What a message from outside may cost, checked before memory is spent on it.

/// Limits of decoding. They belong to the protocol: a sender keeps inside the defaults, so lower them only where every peer does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of one encoded message, request or reply. Default 6 MiB: a batch and the vectors around it.
    pub max_message_bytes: u32,
    /// Bytes of one batch's body when decompressed. Default 4 MiB.
    pub max_body_bytes: u32,
    /// Bytes of one event's payload. Default 1 MiB, sixteen times what this version records, so that a later version may record
    /// more without blocking anybody.
    pub max_event_bytes: u32,
    /// Events in one batch. Default 8,192.
    pub max_events: u32,
    /// Chains in one vector or batch. Default 4,096: a thousand incarnations.
    pub max_chains: u32,
    /// How many times larger than its compressed form a body may be. Default 256. A sender that would compress better sends the
    /// body uncompressed.
    pub max_ratio: u32,
}

impl Limits {
    /// The protocol's defaults.
    pub const DEFAULT: Self = Self {
        max_message_bytes: 6 << 20,
        max_body_bytes: 4 << 20,
        max_event_bytes: 1 << 20,
        max_events: 8_192,
        max_chains: 4_096,
        max_ratio: 256,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

//! How large a batch the cloud takes, and compressed with what: learned from what it refuses.

use crate::config::Config;
use crate::limits::Limits;
use crate::wire::batch::Batch;
use crate::wire::compress;
use crate::wire::reply::RefusedReason;

/// The form of the next batch.
#[derive(Debug)]
pub(crate) struct Packing {
    /// Payload bytes: halved when the cloud says that a batch is too large.
    bytes: u32,
    /// The newest, until the cloud says that it does not have it.
    dictionary: u32,
    /// The newest format that the cloud reads, as it says.
    format: u16,
}

impl Packing {
    pub(crate) fn new(config: &Config) -> Self {
        Self { bytes: config.batch_bytes, dictionary: compress::NEWEST, format: 0 }
    }

    /// Payload bytes of the next batch.
    pub(crate) fn bytes(&self) -> u32 {
        self.bytes
    }

    pub(crate) fn pack(&self, batch: &Batch, limits: &Limits) -> Vec<u8> {
        batch.encode_for(self.format, self.dictionary, limits)
    }

    /// The cloud says which formats it reads.
    pub(crate) fn reads(&mut self, format: u16) {
        self.format = format;
    }

    /// The cloud has refused a batch. Whether the next will be another one that it may take.
    pub(crate) fn adapt(&mut self, reason: RefusedReason) -> bool {
        match reason {
            RefusedReason::TooLarge if self.bytes > 0 => {
                self.bytes /= 2;
                true
            }
            RefusedReason::UnknownCodec if self.dictionary != 0 => {
                self.dictionary = 0;
                true
            }
            _ => false,
        }
    }

    /// The event that was too large alone holds up no other any more.
    pub(crate) fn grow_back(&mut self, config: &Config) {
        self.bytes = config.batch_bytes;
    }
}

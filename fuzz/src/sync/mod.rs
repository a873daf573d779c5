//! What peers and the cloud are sent of events.

mod batch;

pub use batch::batch_decode;

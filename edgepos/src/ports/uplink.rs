//! The uplink port.

use std::future::Future;
use std::pin::Pin;

use edgepos_core::WallMs;
use edgepos_sync::{CloudReply, CloudRequest, UplinkError};

/// The reply that is on its way.
pub type UplinkFuture = Pin<Box<dyn Future<Output = Result<CloudReply, UplinkError>> + Send>>;

/// Asks the cloud.
pub trait Uplink: Send + Sync {
    /// One request, one reply. It must end within a bounded time, since the terminal has one request in flight and waits for it.
    fn call(&self, request: CloudRequest) -> UplinkFuture;

    /// The cloud's time of day as its latest answer said it, once; `None` where none was said since. Asked for when an answer has come.
    fn take_time(&self) -> Option<WallMs> {
        None
    }
}

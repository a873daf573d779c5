//! The uplink port.

use async_trait::async_trait;
use edgepos_core::WallMs;
use edgepos_sync::{CloudReply, CloudRequest, UplinkError};

/// Asks the cloud. A port that waits: implement it under [`edgepos::async_trait`](macro@crate::async_trait), as in
///
/// ```
/// use edgepos::Uplink;
/// use edgepos::sync::{CloudReply, CloudRequest, UplinkError};
///
/// struct Away;
///
/// #[edgepos::async_trait]
/// impl Uplink for Away {
///     async fn call(&self, _: CloudRequest) -> Result<CloudReply, UplinkError> {
///         Err(UplinkError::Unreachable)
///     }
/// }
/// ```
#[async_trait]
pub trait Uplink: Send + Sync {
    /// One request, one reply. It must end within a bounded time, since the terminal has one request in flight and waits for it. Its
    /// future is dropped when the terminal stops.
    ///
    /// # Errors
    /// Why there is no reply. The request may have been carried out all the same: it is made again.
    async fn call(&self, request: CloudRequest) -> Result<CloudReply, UplinkError>;

    /// How far what the cloud has come down to the store goes, in a question that costs next to nothing: asked every few seconds by the
    /// terminal that leads, which then fetches. `None`, which is the default, where the cloud cannot be asked so: the terminal hears with its
    /// next upload, or within [`head_interval`](edgepos_sync::Config::head_interval). It must end within a bounded time.
    async fn published(&self) -> Option<u64> {
        None
    }

    /// The cloud's time of day as its latest answer said it, once; `None` where none was said since. Asked for when an answer has come.
    fn take_time(&self) -> Option<WallMs> {
        None
    }
}

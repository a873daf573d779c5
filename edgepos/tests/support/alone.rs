//! A terminal's surroundings where nobody is: no peer is connected, and the cloud is away.

use edgepos::core::{ConnectionId, ReplicaId};
use edgepos::sync::{CloudReply, CloudRequest, UplinkError};
use edgepos::{Delivery, Transport, Uplink, async_trait};

/// Nobody is connected.
pub(crate) struct Alone;

impl Transport for Alone {
    fn delivery(&self) -> Delivery {
        Delivery::Stream
    }

    fn send(&mut self, _: ReplicaId, _: ConnectionId, _: Vec<u8>) {}
}

/// The cloud is away.
pub(crate) struct Cloudless;

#[async_trait]
impl Uplink for Cloudless {
    async fn call(&self, _: CloudRequest) -> Result<CloudReply, UplinkError> {
        Err(UplinkError::Unreachable)
    }
}

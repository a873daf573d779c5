//! A terminal's surroundings where nobody is: no peer is connected, and the cloud is away.

use edgepos::core::{ConnectionId, ReplicaId};
use edgepos::sync::{CloudRequest, UplinkError};
use edgepos::{Delivery, Transport, Uplink, UplinkFuture};

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

impl Uplink for Cloudless {
    fn call(&self, _: CloudRequest) -> UplinkFuture {
        Box::pin(async { Err(UplinkError::Unreachable) })
    }
}

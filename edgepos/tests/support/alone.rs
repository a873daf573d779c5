//! A terminal's surroundings where nobody is: no peer is connected, and the cloud is away.
#![allow(dead_code, clippy::unwrap_used, reason = "a module of tests, of which each uses its own part")]

use std::sync::{Arc, Mutex};

use edgepos::core::{ConnectionId, Persist, ReplicaId, Space, StoreGeneration, StoreId};
use edgepos::sync::{CloudReply, CloudRequest, UplinkError};
use edgepos::{
    Alerts, Clock, Config, Delivery, Driver, Genesis, LogOnly, MemoryStore, Node, Ports, Rows, Store,
    StoreError, Transport, Uplink, async_trait,
};
use tokio::sync::mpsc;

/// A store that the test keeps.
#[derive(Clone, Default)]
pub(crate) struct Shared(pub(crate) Arc<Mutex<MemoryStore>>);

impl Store for Shared {
    fn commit(&mut self, group: &[Persist]) -> Result<(), StoreError> {
        self.0.lock().unwrap().commit(group)
    }

    fn scan(&self, space: Space, from: &[u8], to: &[u8], max_bytes: u32) -> Result<Rows, StoreError> {
        self.0.lock().unwrap().scan(space, from, to, max_bytes)
    }
}

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

/// A terminal that is a store of its own.
pub(crate) fn start(me: ReplicaId, store: Box<dyn Store>, clock: Arc<dyn Clock>) -> (Node, Driver) {
    start_as(config(me), store, clock)
}

/// The same with a cloud.
pub(crate) fn start_below(
    me: ReplicaId,
    store: Box<dyn Store>,
    clock: Arc<dyn Clock>,
    cloud: Arc<dyn Uplink>,
) -> (Node, Driver) {
    run(config(me), store, clock, cloud)
}

fn config(me: ReplicaId) -> Config {
    let genesis =
        Genesis { store: StoreId([1; 16]), generation: StoreGeneration(0), voters: vec![me], recovery: None };
    Config::new(me, genesis, 9)
}

/// The same as this file says.
pub(crate) fn start_as(config: Config, store: Box<dyn Store>, clock: Arc<dyn Clock>) -> (Node, Driver) {
    run(config, store, clock, Arc::new(Cloudless))
}

fn run(
    config: Config,
    store: Box<dyn Store>,
    clock: Arc<dyn Clock>,
    uplink: Arc<dyn Uplink>,
) -> (Node, Driver) {
    let (_events, transport_events) = mpsc::channel(1);
    let alerts: Arc<dyn Alerts> = Arc::new(LogOnly);
    let ports = Ports { store, transport: Box::new(Alone), transport_events, uplink, clock, alerts };
    Driver::start(config, ports).unwrap()
}

//! The transport over TLS does what every transport must.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::net::SocketAddr;
use std::path::Path;

use edgepos::conformance::{TransportEnd, transport};
use edgepos::core::{ReplicaId, StoreGeneration, StoreId, WallMs};
use edgepos::identity::Identity;
use edgepos::{Config, Genesis, TcpConfig, TcpTransport};
use edgepos_authority::{Authority, Holder};

const STORE: StoreId = StoreId([1; 16]);
const LOW: ReplicaId = ReplicaId::new(1, 1);
const HIGH: ReplicaId = ReplicaId::new(2, 2);

async fn end(me: ReplicaId, folder: &Path, peers: &[(ReplicaId, SocketAddr)]) -> (TransportEnd, SocketAddr) {
    let voters = vec![LOW, HIGH];
    let genesis = Genesis { store: STORE, generation: StoreGeneration(0), voters, recovery: None };
    let tcp = TcpConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        peers: peers.iter().map(|(peer, address)| (peer.terminal(), address.to_string())).collect(),
    };
    let identity = Identity::read(&folder.join(me.terminal().to_string()), STORE, me.terminal()).unwrap();
    let started = TcpTransport::start_secured(&Config::new(me, genesis, 1), tcp, identity).await;
    let (transport, events) = started.unwrap();
    let address = transport.local_addr();
    (TransportEnd { me, transport: Box::new(transport), events }, address)
}

#[tokio::test]
async fn tcp_with_certificates_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = WallMs(now.as_millis() as u64);
    let mut authority = Authority::create(&folder.path().join("authority"), STORE, now).unwrap();
    for terminal in [1, 2] {
        authority.issue(terminal, Holder::First, &folder.path().join(terminal.to_string()), now).unwrap();
    }
    let folder = folder.path();
    let (high, address) = end(HIGH, folder, &[]).await;
    let (low, _) = end(LOW, folder, &[(HIGH, address)]).await;
    transport(low, high, async || end(LOW, folder, &[(HIGH, address)]).await.0).await;
}

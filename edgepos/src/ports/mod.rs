//! The seven places where a vendor plugs in. Each comes with an implementation, and [`conformance`](crate::conformance) checks one
//! of your own.

mod alerts;
mod clock;
mod resolver;
mod signer;
mod store;
mod transport;
mod uplink;

pub use alerts::{AlertError, Alerts, Bulletin, Incident, IncidentKind, LogOnly};
pub use clock::{Clock, SystemClock};
pub use resolver::{Case, Resolver};
pub use signer::Signer;
pub use store::{EachRow, MemoryStore, Rows, Sealing, Store, StoreError, StoreFailure};
pub use transport::{Delivery, Transport, TransportEvent};
pub use uplink::Uplink;

use std::sync::Arc;

use tokio::sync::mpsc;

/// What a [`Driver`](crate::Driver) runs a terminal on.
pub struct Ports {
    /// Where it is kept. Lives on a thread of its own.
    pub store: Box<dyn Store>,
    /// What reaches the other terminals.
    pub transport: Box<dyn Transport>,
    /// What the transport tells. One that was never connected to a sender that lives is at its end, and nobody is heard.
    pub transport_events: mpsc::Receiver<TransportEvent>,
    /// What reaches the cloud.
    pub uplink: Arc<dyn Uplink>,
    /// What tells the time.
    pub clock: Arc<dyn Clock>,
    /// Who is told what someone must act on; [`LogOnly`] where the log is enough.
    pub alerts: Arc<dyn Alerts>,
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}

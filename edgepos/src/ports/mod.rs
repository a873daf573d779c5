//! The four places where a vendor plugs in. Each comes with an implementation, and [`conformance`](crate::conformance) checks one
//! of your own.

mod clock;
mod store;
mod transport;
mod uplink;

pub use clock::{Clock, SystemClock};
pub use store::{EachRow, MemoryStore, Rows, Store, StoreError, StoreFailure};
pub use transport::{Delivery, Transport, TransportEvent};
pub use uplink::{Uplink, UplinkFuture};

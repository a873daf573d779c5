//! The chain's side on one machine: [`edgepos_cloud`]'s gateway over one SQLite file. Its page says what it answers.

mod server;

pub use edgepos_cloud::gateway::{HashReport, Head, LostEvents};
pub use server::{CloudError, Options, serve};

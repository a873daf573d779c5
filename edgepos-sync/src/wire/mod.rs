//! The bytes that travel, and what they are made of.

pub(crate) mod batch;
pub(crate) mod claim;
pub(crate) mod columns;
pub(crate) mod compress;
pub(crate) mod message;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod shapes;

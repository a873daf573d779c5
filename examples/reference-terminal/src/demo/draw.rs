//! Names that nobody else has.

use std::io;

use super::error::DemoError;

/// 16 random bytes: the name of a basket, a key, a store.
pub(super) fn draw() -> Result<[u8; 16], DemoError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| DemoError::io("random numbers", io::Error::other(error)))?;
    Ok(bytes)
}

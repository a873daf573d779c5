//! The manager's recovery kit: how a store goes on that lost the majority of its voters for good, without the cloud.
//!
//! The kit is made with the store, printed, and kept where the fire does not reach it; the store's [`Genesis`] holds only its
//! [anchor](RecoveryAnchor), which opens nothing. Each page of it is the code for one [`StoreGeneration`](crate::core::StoreGeneration). With the next code somebody
//! [recovers](recover) one stopped survivor, which leads on by itself and [admits](crate::Terminal::admit) a replacement, and lets the
//! other survivors [adopt] that. A code is a preimage in a chain of hashes (Lamport, "Password authentication with insecure
//! communication", 1981): whoever saw an earlier code cannot make the next one.
//!
//! Sales need none of this: a replacement sells and syncs at once. What waits for a majority is what the store decides together.

pub(crate) mod kit;

use edgepos_consensus as consensus;
use edgepos_consensus::RecoverError;
pub use edgepos_consensus::recovery::Recovery;
use edgepos_core::{Persist, PersistId, Write};
use thiserror::Error;

pub use self::kit::{CodeError, MAX_GENERATIONS, RecoveryAnchor, RecoveryCode, RecoveryKit};
use crate::ports::{Store, StoreError};
use crate::terminal::config::Genesis;

/// Why a recovery was not done. Nothing was written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecoveryError {
    /// The store was made without a kit.
    #[error("this store was made without a recovery kit")]
    NoKit,
    /// The code is another store's, or of another kit.
    #[error("this recovery code is not of this store's kit")]
    WrongCode,
    /// The terminal's rows are none to recover from.
    #[error("the terminal cannot be recovered: {0}")]
    Refused(#[from] RecoverError),
    /// A row of the election cannot be read.
    #[error("a row of the election cannot be read: {0}")]
    Row(#[from] consensus::RestoreError),
    /// The store cannot be read or written.
    #[error("the terminal's store failed")]
    Store(#[from] StoreError),
}

/// Leads the store on with this terminal alone. The terminal must be stopped; `genesis` is the record that it ran with. Start
/// it again with `genesis` changed to the generation of the code.
///
/// Do it on one terminal, the one that knows most; see [`consensus::recovery`].
///
/// # Errors
/// [`RecoveryError`]; the store is as it was, unless it failed while it wrote, which is all or nothing.
pub fn recover(
    store: &mut dyn Store,
    me: edgepos_core::ReplicaId,
    genesis: &Genesis,
    code: &RecoveryCode,
) -> Result<Recovery, RecoveryError> {
    let config = opened(me, genesis, code)?;
    let (recovery, writes) = consensus::recovery::recover(&config, election_rows(store)?)?;
    commit(store, writes)?;
    Ok(recovery)
}

/// Makes this stopped terminal follow the one that was recovered. Start it again with the new generation and with
/// [`Genesis::voters`] naming the survivor alone; the survivor then [admits](crate::Terminal::admit) it.
///
/// # Errors
/// As for [`recover`].
pub fn adopt(
    store: &mut dyn Store,
    me: edgepos_core::ReplicaId,
    genesis: &Genesis,
    code: &RecoveryCode,
    recovery: &Recovery,
) -> Result<(), RecoveryError> {
    let config = opened(me, genesis, code)?;
    let writes = consensus::recovery::adopt(&config, election_rows(store)?, recovery)?;
    commit(store, writes)
}

fn opened(
    me: edgepos_core::ReplicaId,
    genesis: &Genesis,
    code: &RecoveryCode,
) -> Result<consensus::Config, RecoveryError> {
    let anchor = genesis.recovery.as_ref().ok_or(RecoveryError::NoKit)?;
    if !code.opens(anchor) {
        return Err(RecoveryError::WrongCode);
    }
    let mut config = consensus::Config::standard(me, genesis.voters.clone(), 0);
    (config.store, config.generation) = (genesis.store, code.generation());
    Ok(config)
}

fn election_rows(store: &dyn Store) -> Result<consensus::Restored, RecoveryError> {
    let mut restored = consensus::Restored::new();
    for space in consensus::Restored::SPACES {
        let mut bad = None;
        store.scan_all(space, &mut |key, value| {
            if let Err(error) = restored.insert(space, key, value) {
                bad.get_or_insert(error);
            }
            Ok(())
        })?;
        if let Some(error) = bad {
            return Err(error.into());
        }
    }
    Ok(restored)
}

fn commit(store: &mut dyn Store, writes: Vec<Write>) -> Result<(), RecoveryError> {
    store.commit(&[Persist { id: PersistId(1), writes }])?;
    Ok(())
}

//! What there is to compare, and how a demo's directory names it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use edgepos::core::StoreId;
use serde::{Deserialize, Serialize};

use super::error::VerifyError;
use crate::demo::ledger::Acknowledged;
use crate::demo::places::{db_path, ledger_path, manifest_path};

/// What there is to compare.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The terminals' files, by terminal number from 1.
    pub terminals: Vec<PathBuf>,
    /// The cloud's file.
    pub cloud: PathBuf,
    /// The store that the files are of.
    pub store: StoreId,
    /// What tills were told.
    pub ledger: Acknowledged,
    /// How many exceptions of which type were provoked; `None` where a person provoked them and nobody counted.
    pub exceptions: Option<BTreeMap<String, u64>>,
}

/// What a demo writes down for a later look: `store.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::demo) struct Manifest {
    pub(in crate::demo) store: String,
    pub(in crate::demo) terminals: usize,
    #[serde(default)]
    pub(in crate::demo) exceptions: Option<BTreeMap<String, u64>>,
}

impl Evidence {
    /// What a demo left in its directory (`--dir`).
    ///
    /// # Errors
    /// When the directory is none of a demo that came to its end, or its ledger does not read.
    pub fn of_demo(dir: &Path) -> Result<Self, VerifyError> {
        let path = manifest_path(dir);
        let no_demo = |reason: String| VerifyError::NoDemo { path: path.clone(), reason };
        let text = std::fs::read_to_string(&path).map_err(|error| no_demo(error.to_string()))?;
        let manifest: Manifest = serde_json::from_str(&text).map_err(|error| no_demo(error.to_string()))?;
        let store = crate::names::parse_16(&manifest.store).map_err(|error| no_demo(error.to_string()))?;
        Ok(Self {
            terminals: (0..manifest.terminals).map(|index| db_path(dir, Some(index))).collect(),
            cloud: db_path(dir, None),
            store: StoreId(store),
            ledger: Acknowledged::read(&ledger_path(dir))?,
            exceptions: manifest.exceptions,
        })
    }
}

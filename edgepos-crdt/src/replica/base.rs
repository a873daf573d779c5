//! The folded rows, and the ledgers of the chains of which more may turn up.

use alloc::collections::BTreeMap;

use edgepos_core::Chain;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::WireError;
use crate::table::{Rows, read_rows, write_rows};
use crate::wire::{Reader, Wire, Writer, write_map};

/// What was folded of a written-off chain, row by row.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Ledger {
    pub(super) stock: Rows<2>,
    pub(super) points: Rows<1>,
}

/// The base of the next epoch.
pub(super) struct NextBase {
    pub(super) stock: Rows<2>,
    pub(super) points: Rows<1>,
    pub(super) ledgers: BTreeMap<Chain, Ledger>,
}

impl NextBase {
    pub(super) fn hash(&self) -> [u8; 32] {
        let mut out = Writer::new();
        write_rows(&self.stock, 0, &mut out);
        write_rows(&self.points, 0, &mut out);
        write_map(&self.ledgers, &mut out);
        Sha256::digest(out.into_bytes()).into()
    }
}

impl Wire for Ledger {
    fn write(&self, out: &mut Writer) {
        write_rows(&self.stock, 0, out);
        write_rows(&self.points, 0, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { stock: read_rows(0, input)?, points: read_rows(0, input)? })
    }
}

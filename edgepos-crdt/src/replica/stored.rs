//! The form in which a replica is written down: one flat record, whatever its parts are.

use alloc::collections::BTreeMap;

use edgepos_core::{Chain, FoldEpoch, ReplicaId};
use serde::{Deserialize, Serialize};

use super::amend::Amendment;
use super::base::Ledger;
use super::content::Content;
use super::finals::{Final, Fold};
use super::fold::Ends;
use crate::{GTable, LwwMap, PnTable, TxSet, VersionVector};

/// The parts of a replica.
type Parts<E, K, V> = (Content<E, K, V>, Ends<E, K, V>);

/// What is written.
#[derive(Serialize)]
#[serde(rename = "Replica", bound(serialize = "E: Serialize, K: Serialize, V: Serialize"))]
pub(super) struct Written<'a, E, K, V> {
    me: ReplicaId,
    sealed: bool,
    vector: &'a VersionVector,
    epoch: FoldEpoch,
    #[serde(with = "crate::pairs")]
    folded: &'a BTreeMap<Chain, Final>,
    #[serde(with = "crate::pairs")]
    retired: &'a BTreeMap<Chain, Final>,
    stock: &'a PnTable,
    points: &'a GTable,
    sales: &'a TxSet<E>,
    registers: &'a LwwMap<K, V>,
    #[serde(with = "crate::pairs")]
    ledgers: &'a BTreeMap<Chain, Ledger>,
    #[serde(with = "crate::pairs")]
    stranded: &'a BTreeMap<Chain, Amendment<E, K, V>>,
    #[serde(with = "crate::pairs")]
    awaited: &'a BTreeMap<FoldEpoch, Fold>,
}

/// The same, read.
#[derive(Deserialize)]
#[serde(
    rename = "Replica",
    bound(deserialize = "E: Deserialize<'de>, K: Deserialize<'de> + Ord, V: Deserialize<'de>")
)]
pub(super) struct Stored<E, K, V> {
    me: ReplicaId,
    sealed: bool,
    vector: VersionVector,
    epoch: FoldEpoch,
    #[serde(with = "crate::pairs")]
    folded: BTreeMap<Chain, Final>,
    #[serde(with = "crate::pairs")]
    retired: BTreeMap<Chain, Final>,
    stock: PnTable,
    points: GTable,
    sales: TxSet<E>,
    registers: LwwMap<K, V>,
    #[serde(with = "crate::pairs")]
    ledgers: BTreeMap<Chain, Ledger>,
    #[serde(with = "crate::pairs")]
    stranded: BTreeMap<Chain, Amendment<E, K, V>>,
    #[serde(with = "crate::pairs")]
    awaited: BTreeMap<FoldEpoch, Fold>,
}

impl<'a, E, K: Ord, V> Written<'a, E, K, V> {
    pub(super) fn of(
        me: ReplicaId,
        sealed: bool,
        content: &'a Content<E, K, V>,
        ends: &'a Ends<E, K, V>,
    ) -> Self {
        Self {
            me,
            sealed,
            vector: content.vector(),
            epoch: ends.epoch(),
            folded: ends.folded(),
            retired: ends.retired(),
            stock: content.stock(),
            points: content.points(),
            sales: content.sales(),
            registers: content.registers(),
            ledgers: ends.ledgers(),
            stranded: ends.stranded(),
            awaited: ends.awaited(),
        }
    }
}

impl<E, K: Ord, V> Stored<E, K, V> {
    /// Who wrote it, whether that incarnation is sealed, and the parts.
    pub(super) fn into_parts(self) -> (ReplicaId, bool, Parts<E, K, V>) {
        let Self { me, sealed, vector, epoch, folded, retired, ledgers, stranded, awaited, .. } = self;
        let content = Content::of(vector, self.stock, self.points, self.sales, self.registers);
        (me, sealed, (content, Ends::of(epoch, folded, retired, ledgers, stranded, awaited)))
    }
}

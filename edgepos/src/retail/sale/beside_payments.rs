//! What a commit says beside its payments: who takes the money, what the payments do to gift cards and points, and a vendor's additions.

use std::collections::BTreeMap;

use crate::retail::effect::Effect;

/// Longest name of somebody or something in a sale, in bytes.
pub(super) const MAX_NAME: usize = 64;
/// Counters that the payments of one sale may move: cards and points that it is paid with.
pub(super) const MAX_EFFECTS: usize = 4;
/// Longest that all of it may be, in bytes: the largest basket leaves room for that, and for the most payments.
pub(super) const MAX_BYTES: usize = 1 << 10;

/// See [`Tenders`](super::tenders::Tenders).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct BesidePayments {
    pub(crate) cashier: Option<String>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) ext: BTreeMap<String, Vec<u8>>,
}

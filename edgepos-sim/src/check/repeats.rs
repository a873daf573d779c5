//! Events that were written again under another name: of all that repeat one, one stands for it.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::model::Reissue;
use edgepos_core::EventId;

use super::events::Events;
use super::held::hashes;

/// An event that repeats another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Repeat {
    pub(super) id: EventId,
    pub(super) of: Reissue,
    /// Whether it says that the same was booked elsewhere before: then it moves no counter.
    pub(super) is_duplicate: bool,
}

/// The repeats that stand for what they repeat: none where that is held under its old name, and otherwise the one with the lowest id of
/// those that move counters, where there is one.
pub(super) fn standing(events: &Events, repeats: &[Repeat]) -> BTreeSet<EventId> {
    if repeats.is_empty() {
        return BTreeSet::new();
    }
    let hashes = hashes(events);
    let mut first: BTreeMap<(EventId, [u8; 32]), (bool, EventId)> = BTreeMap::new();
    for Repeat { id, of, is_duplicate } in repeats {
        if hashes.get(&of.event) != Some(&of.hash()) {
            let mine = (*is_duplicate, *id);
            let stands = first.entry((of.event, of.hash().0)).or_insert(mine);
            *stands = mine.min(*stands);
        }
    }
    first.into_values().map(|(_, id)| id).collect()
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Chain, Lane, ReplicaId, Seq};

    use super::*;

    #[test]
    fn the_lowest_that_moves_counters_stands_unless_the_first_is_there() {
        let at = |terminal, seq| EventId::new(Chain::new(ReplicaId::new(terminal, 1), Lane::Stock), Seq(seq));
        let mut events = Events::from([(at(9, 1), vec![1])]);
        let of = Reissue::new(at(9, 1), hashes(&events)[&at(9, 1)]);
        let repeat = |terminal, is_duplicate| Repeat { id: at(terminal, 1), of, is_duplicate };
        let repeats = [repeat(1, true), repeat(2, false), repeat(3, false)];
        assert_eq!(standing(&events, &repeats), BTreeSet::new(), "it is held under its old name");
        events.insert(at(9, 1), vec![2]);
        assert_eq!(standing(&events, &repeats), BTreeSet::from([at(2, 1)]), "another event is");
        assert_eq!(standing(&events, &repeats[..1]), BTreeSet::from([at(1, 1)]));
    }
}

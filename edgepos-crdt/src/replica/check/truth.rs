//! What every replica must show, computed from the events alone.

use std::collections::{BTreeMap, BTreeSet};
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use edgepos_core::{Chain, EventId, Lane, RepairGen, ReplicaId, Seq};

use crate::replica::Change;
use crate::{Hlc, Item, Replica, Stamp, VersionVector};

pub(super) type Node = Replica<u64, u8, u64>;
pub(super) type Event = Change<u64, u8, u64>;

pub(super) fn chain(replica: ReplicaId) -> Chain {
    Chain::new(replica, Lane::Transactions)
}

/// An event that touches every type: an amount and points of one item, an element, a register.
pub(super) fn event(replica: ReplicaId, amount: i64, item: u64, ms: u64) -> Event {
    Change {
        stock: Vec::from([(Item(item), amount)]),
        points: Vec::from([(Item(item), amount.unsigned_abs())]),
        add: Some(ms),
        remove: Vec::new(),
        write: Vec::from([(item as u8, Stamp::new(RepairGen(0), Hlc(ms), chain(replica)), Some(ms))]),
    }
}

/// Every event of every chain.
#[derive(Clone, Default)]
pub(super) struct Truth {
    pub(super) chains: BTreeMap<Chain, Vec<Event>>,
    /// With write-offs a register may show an event that is stranded somewhere.
    pub(super) write_offs: bool,
}

impl Truth {
    pub(super) fn record(&mut self, dot: EventId, event: Event) {
        let chain = self.chains.entry(dot.chain).or_default();
        chain.truncate(dot.seq.0 as usize - 1);
        chain.push(event);
    }

    /// The events that the replica's vector covers.
    fn covered<'a>(&'a self, node: &'a Node) -> impl Iterator<Item = (EventId, &'a Event)> {
        node.vector().iter().flat_map(|(chain, last)| {
            let events = self.chains.get(&chain).map_or(&[][..], Vec::as_slice);
            let numbered = (1..=last.0).zip(events);
            numbered.map(move |(seq, event)| (EventId::new(chain, Seq(seq)), event))
        })
    }

    /// What is wrong with the replica, if anything.
    pub(super) fn violation(&self, node: &Node) -> Option<String> {
        let mut stock: BTreeMap<Item, i64> = BTreeMap::new();
        let mut points: BTreeMap<Item, u64> = BTreeMap::new();
        let mut elements: BTreeMap<EventId, u64> = BTreeMap::new();
        let mut removed = BTreeSet::new();
        let mut registers: BTreeMap<u8, (Stamp, Option<u64>)> = BTreeMap::new();
        for (dot, event) in self.covered(node) {
            event.stock.iter().for_each(|(item, amount)| *stock.entry(*item).or_default() += amount);
            event.points.iter().for_each(|(item, amount)| *points.entry(*item).or_default() += amount);
            elements.extend(event.add.map(|element| (dot, element)));
            removed.extend(event.remove.iter().copied());
            for (key, stamp, value) in &event.write {
                let held = registers.entry(*key).or_insert((*stamp, *value));
                *held = (*held).max((*stamp, *value));
            }
        }
        elements.retain(|dot, _| !removed.contains(dot));
        for (chain, last) in node.vector().iter() {
            let written = self.chains.get(&chain).map_or(0, Vec::len) as u64;
            if last.0 > written {
                return Some(format!("claims {last} of {chain}, which wrote {written}"));
            }
        }
        for item in node.stock().items().chain(stock.keys().copied()) {
            let (shown, true_value) = (node.stock().value(item), stock.get(&item).copied().unwrap_or(0));
            if shown != Ok(true_value) {
                return Some(format!("stock of {item:?} is {shown:?}, its events sum to {true_value}"));
            }
        }
        for item in node.points().items().chain(points.keys().copied()) {
            let (shown, true_value) = (node.points().value(item), points.get(&item).copied().unwrap_or(0));
            if shown != Ok(true_value) {
                return Some(format!("points of {item:?} are {shown:?}, its events sum to {true_value}"));
            }
        }
        let shown: BTreeMap<EventId, u64> = node.sales().iter().map(|(dot, sale)| (dot, *sale)).collect();
        if self.write_offs {
            // What a removal took away does not return while that removal is put aside.
            let events = self.chains.values().flatten();
            let aside: BTreeSet<EventId> = events.flat_map(|event| event.remove.iter().copied()).collect();
            elements.retain(|dot, _| shown.contains_key(dot) || !aside.contains(dot));
        }
        if shown != elements {
            let lost = elements.keys().find(|dot| !shown.contains_key(dot)).map(EventId::to_string);
            let extra = shown.keys().find(|dot| !elements.contains_key(dot)).map(EventId::to_string);
            return Some(format!("the set lacks {lost:?} and has {extra:?} too many"));
        }
        for (key, (stamp, value)) in registers {
            let shown = node.registers().register(&key).map(|shown| (shown.stamp(), *shown.value()));
            // An amendment may bring a chain's events without a later write that superseded one of them, which follows.
            let superseded = || {
                let all = self.chains.values().flatten().flat_map(|event| &event.write);
                all.into_iter().any(|(other, later, _)| *other == key && *later > stamp)
            };
            let right = if self.write_offs {
                shown >= Some((stamp, value)) || superseded()
            } else {
                shown == Some((stamp, value))
            };
            if !right {
                return Some(format!(
                    "register {key} shows {:?}, its events say {value:?}",
                    shown.map(|(_, value)| value)
                ));
            }
        }
        None
    }
}

/// Whether two replicas show the same of everything that merges.
pub(super) fn differ(a: &Node, b: &Node) -> Option<&'static str> {
    let set = |node: &Node| node.sales().part_since(&VersionVector::new()).adds;
    let parts = [
        ("vector", a.vector() == b.vector()),
        ("epoch", a.epoch() == b.epoch()),
        ("ends", a.folded().eq(b.folded())),
        ("base", a.base_hash() == b.base_hash()),
        ("stock", a.stock() == b.stock()),
        ("points", a.points() == b.points()),
        ("set", set(a) == set(b)),
        ("registers", a.registers() == b.registers()),
    ];
    parts.into_iter().find(|(_, same)| !same).map(|(name, _)| name)
}

//! The connections between devices, and what is on its way over them.

use std::collections::BTreeMap;

use edgepos_core::ConnectionId;
use sha2::{Digest, Sha256};

use super::device::Device;

/// What is on its way in the two directions: from the lower place to the higher, and back.
#[derive(Debug)]
struct Link {
    id: ConnectionId,
    there: Vec<Vec<u8>>,
    back: Vec<Vec<u8>>,
}

/// What arrives, and over which connection.
pub(super) type Arrived = (ConnectionId, Vec<Vec<u8>>);

/// At most one connection between two devices, by their places.
#[derive(Debug, Default)]
pub(super) struct Links {
    links: BTreeMap<(usize, usize), Link>,
    count: u64,
}

impl Links {
    /// Two devices are connected anew.
    pub(super) fn connect(&mut self, a: usize, b: usize) -> ConnectionId {
        self.count += 1;
        let id = ConnectionId(self.count);
        self.links.insert((a, b), Link { id, there: Vec::new(), back: Vec::new() });
        id
    }

    /// The connection is gone, and all that was on its way.
    pub(super) fn disconnect(&mut self, a: usize, b: usize) -> Option<ConnectionId> {
        self.links.remove(&(a, b)).map(|link| link.id)
    }

    /// The pairs that are connected.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.links.keys().copied()
    }

    pub(super) fn is_connected(&self, a: usize, b: usize) -> bool {
        self.links.contains_key(&(a, b))
    }

    /// From where something is on its way, and to where.
    pub(super) fn busy(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.links.iter().flat_map(|((a, b), link)| {
            let there = (!link.there.is_empty()).then_some((*a, *b));
            there.into_iter().chain((!link.back.is_empty()).then_some((*b, *a)))
        })
    }

    /// A frame sets out; over a connection that is gone it is lost. Two devices may have one name: the connection says which it is for.
    pub(super) fn send(&mut self, from: usize, connection: ConnectionId, frame: Vec<u8>) {
        let over = |((a, b), link): &(&(usize, usize), &mut Link)| {
            link.id == connection && (*a == from || *b == from)
        };
        if let Some(((a, _), link)) = self.links.iter_mut().find(over) {
            if *a == from { &mut link.there } else { &mut link.back }.push(frame);
        }
    }

    /// All that is on its way from one to another arrives.
    pub(super) fn arrive(&mut self, from: usize, to: usize) -> Option<Arrived> {
        let link = self.links.get_mut(&(from.min(to), from.max(to)))?;
        let frames = if from < to { &mut link.there } else { &mut link.back };
        Some((link.id, std::mem::take(frames)))
    }

    /// All that is on its way from one to another arrives, and is on its way still.
    pub(super) fn repeat(&self, from: usize, to: usize) -> Option<Arrived> {
        let link = self.links.get(&(from.min(to), from.max(to)))?;
        Some((link.id, if from < to { &link.there } else { &link.back }.clone()))
    }

    /// What tells this state from another.
    pub(super) fn hash(&self, into: &mut Sha256) {
        for ((a, b), link) in &self.links {
            into.update([*a as u8, *b as u8, link.there.len() as u8, link.back.len() as u8]);
            for frame in link.there.iter().chain(&link.back) {
                into.update((frame.len() as u64).to_le_bytes());
                into.update(frame);
            }
        }
    }
}

/// The pair of devices of which one has the name of one of these two, and which is connected in their place.
pub(super) fn namesake(devices: &[Device], links: &Links, a: usize, b: usize) -> Option<(usize, usize)> {
    let named = |other: usize| {
        let me = devices[other].me();
        (0..devices.len()).filter(move |place| *place != other && devices[*place].me() == me)
    };
    let of_b = named(b).map(|other| (a.min(other), a.max(other)));
    let of_a = named(a).map(|other| (b.min(other), b.max(other)));
    of_b.chain(of_a).find(|(a, b)| links.is_connected(*a, *b))
}

//! The images of disks that are put back, and what is still held elsewhere when one is.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::MemoryStore;

use super::happening::Happening;
use crate::agenda::Agenda;
use crate::check::{Held, Rule, Violation, events_on};
use crate::cloud::Cloud;
use crate::images::{PutBack, put_backs};
use crate::plan::Plan;
use crate::station::Station;

/// What is planned, and what was done.
#[derive(Debug)]
pub(super) struct Images {
    planned: Vec<PutBack>,
    taken: BTreeMap<usize, MemoryStore>,
    put_back: BTreeSet<u16>,
}

impl Images {
    pub(super) fn new(plan: &Plan) -> Self {
        Self { planned: put_backs(plan), taken: BTreeMap::new(), put_back: BTreeSet::new() }
    }

    /// Enters what will happen.
    pub(super) fn enter(&self, agenda: &mut Agenda<Happening>) {
        for (number, one) in self.planned.iter().enumerate() {
            agenda.at(one.image_us, Happening::Image(number));
            agenda.at(one.at_us, Happening::Off(number));
            agenda.at(one.again_us, Happening::PutBack(number));
        }
    }

    /// Whose disk it is.
    pub(super) fn who(&self, number: usize) -> usize {
        self.planned[number].who
    }

    /// An image is taken.
    pub(super) fn take(&mut self, number: usize, stations: &[Station]) {
        self.taken.insert(number, stations[self.who(number)].on_disk().clone());
    }

    /// The image that a disk is put back to, and what it and all others hold at this moment; `None` where none was taken.
    ///
    /// # Errors
    /// When a row of a disk does not decode.
    pub(super) fn put_back_to(
        &mut self,
        number: usize,
        stations: &[Station],
        cloud: &Cloud,
    ) -> Result<Option<(MemoryStore, Held)>, Violation> {
        let who = self.who(number);
        let Some(image) = self.taken.remove(&number) else { return Ok(None) };
        self.put_back.insert(stations[who].replica().terminal());
        let mut held = Held::default();
        held.add(cloud.events());
        let others = stations.iter().enumerate().filter(|(place, _)| *place != who);
        for disk in others.map(|(_, station)| station.on_disk()).chain([&image]) {
            held.add(&events_on(disk).map_err(|error| Violation::new(Rule::Alive, error.to_string()))?);
        }
        Ok(Some((image, held)))
    }

    /// The numbers of the terminals whose disks were put back.
    pub(super) fn put_back(&self) -> &BTreeSet<u16> {
        &self.put_back
    }
}

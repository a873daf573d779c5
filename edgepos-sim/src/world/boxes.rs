//! The images of all boxes, and what is still held anywhere once they took the place of what there was.

use std::collections::BTreeSet;

use edgepos::MemoryStore;

use super::happening::Happening;
use crate::agenda::Agenda;
use crate::boxes::{Back, BoxFault, planned, starts_us};
use crate::check::{Held, Rule, Violation, events_on};
use crate::cloud::Cloud;
use crate::plan::Plan;
use crate::station::Station;

/// What is planned, and what was done.
#[derive(Debug)]
pub(super) struct Boxes {
    planned: Option<BoxFault>,
    taken: Option<(Vec<MemoryStore>, Cloud)>,
    put_back: BTreeSet<u16>,
}

/// What took the place of what there was.
pub(super) struct GoneBack {
    /// The disk of each till, where they go back, with the time when it starts again.
    pub(super) tills: Option<Vec<(MemoryStore, u64)>>,
    /// What anybody holds from here on.
    pub(super) held: Held,
}

impl Boxes {
    pub(super) fn new(plan: &Plan) -> Self {
        Self { planned: planned(plan), taken: None, put_back: BTreeSet::new() }
    }

    /// Enters what will happen.
    pub(super) fn enter(&self, agenda: &mut Agenda<Happening>) {
        if let Some(fault) = &self.planned {
            agenda.at(fault.image_us, Happening::BoxImages);
            agenda.at(fault.at_us, Happening::BoxesBack);
        }
    }

    /// Images are taken.
    pub(super) fn take(&mut self, stations: &[Station], cloud: &Cloud) {
        let disks = stations.iter().map(|station| station.on_disk().clone()).collect();
        self.taken = Some((disks, cloud.clone()));
    }

    /// Whether tills are off from here on, while somebody puts their disks back.
    pub(super) fn stops_tills(&self) -> bool {
        self.planned.is_some_and(|fault| fault.back == Back::All)
    }

    /// The images take the place of what there is. Where the tills go back as well, no request that they sent before reaches the cloud any
    /// more: what it holds that no disk does would be the store's past for ever.
    ///
    /// # Errors
    /// When a row of a disk does not decode.
    pub(super) fn go_back(
        &mut self,
        stations: &[Station],
        cloud: &mut Cloud,
        agenda: &mut Agenda<Happening>,
    ) -> Result<Option<GoneBack>, Violation> {
        let Some((fault, (disks, then))) = self.planned.zip(self.taken.take()) else { return Ok(None) };
        cloud.put_back(&then);
        let mut held = Held::default();
        held.add(cloud.events());
        let read = |disk: &MemoryStore| {
            events_on(disk).map_err(|error| Violation::new(Rule::Alive, error.to_string()))
        };
        if !self.stops_tills() {
            stations
                .iter()
                .try_for_each(|station| read(station.on_disk()).map(|events| held.add(&events)))?;
            return Ok(Some(GoneBack { tills: None, held }));
        }
        agenda.retain(|happening| !matches!(happening, Happening::CloudGets(..)));
        disks.iter().try_for_each(|disk| read(disk).map(|events| held.add(&events)))?;
        self.put_back.extend(stations.iter().map(|station| station.replica().terminal()));
        let starts = (0..).map(|place| starts_us(&fault, place));
        Ok(Some(GoneBack { tills: Some(disks.into_iter().zip(starts).collect()), held }))
    }

    /// The numbers of the terminals whose disks were put back.
    pub(super) fn put_back(&self) -> &BTreeSet<u16> {
        &self.put_back
    }
}

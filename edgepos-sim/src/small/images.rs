//! Images of a disk and of the cloud, and what is still held anywhere where they take the place of what there is.

use edgepos::MemoryStore;

use super::device::Device;
use crate::check::{Held, Rule, Violation, events_on};
use crate::cloud::Cloud;

/// The latest images.
#[derive(Debug, Default)]
pub(super) struct Images {
    disk: Option<MemoryStore>,
    cloud: Option<Cloud>,
}

impl Images {
    /// The disk of this device, and the cloud, as they are.
    pub(super) fn take(&mut self, device: &Device, cloud: &Cloud) {
        (self.disk, self.cloud) = (Some(device.disk().clone()), Some(cloud.clone()));
    }

    /// There is none of the disk.
    pub(super) fn lose(&mut self) {
        self.disk = None;
    }

    /// The disk's; an empty disk where there is none.
    pub(super) fn disk(&self) -> MemoryStore {
        self.disk.clone().unwrap_or_default()
    }

    /// The cloud's.
    pub(super) fn cloud(&self) -> Option<&Cloud> {
        self.cloud.as_ref()
    }
}

/// What anybody holds where the device at this place has this image.
///
/// # Errors
/// When a disk holds a row that cannot be read.
pub(super) fn held(
    devices: &[Device],
    cloud: &Cloud,
    image: &MemoryStore,
    who: usize,
) -> Result<Held, Violation> {
    let mut held = Held::default();
    held.add(cloud.events());
    let others = devices.iter().enumerate().filter(|(place, _)| *place != who);
    for disk in others.map(|(_, device)| device.disk()).chain([image]) {
        let events = events_on(disk);
        held.add(&events.map_err(|error| Violation::new(Rule::Alive, error.to_string()))?);
    }
    Ok(held)
}

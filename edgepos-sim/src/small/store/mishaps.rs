//! What goes wrong in a small world, and what people do to its boxes and disks.

use edgepos::ReplaceError;
use sha2::{Digest, Sha256};

use super::Store;
use crate::check::Violation;
use crate::small::images::held;
use crate::small::links::namesake;
use crate::small::stamps::AHEAD_MS;
use crate::small::worlds::Fault;

/// How often somebody may hear the other of two devices with one name while a world is explored.
const TURNS: u8 = 2;

/// The nonce of a box that takes the place of another.
const NEWCOMER: u64 = 0xB0B;

impl Store {
    /// From here on the tills ask and things go wrong.
    ///
    /// # Errors
    /// When a disk holds a row that cannot be read.
    pub(in crate::small) fn open(&mut self) -> Result<(), Violation> {
        self.tills.open(&self.world);
        self.fault = self.world.fault;
        // Where the script has the fault, what breaks breaks behind it: before it other worlds are the same.
        self.left = if let Fault::InScript(_) = self.fault { 0 } else { self.world.mishaps };
        match self.fault {
            Fault::PutBack(place)
            | Fault::PutBackTwice(place)
            | Fault::AllPutBack(place)
            | Fault::InScript(place) => {
                self.images.take(&self.devices[place], &self.cloud);
            }
            Fault::CloudPutBack => self.images.take(&self.devices[0], &self.cloud),
            Fault::ClaimStands(_) => self.claims_too_high = true,
            Fault::Clone(place) => {
                self.put_back.insert(self.devices[place].me().terminal());
                let held = held(&self.devices, &self.cloud, self.devices[place].disk(), place)?;
                self.tills.put_back(place, &held);
                self.devices.push(self.devices[place].copy());
                self.turns.0 = TURNS;
            }
            Fault::OldBox(place) | Fault::NewBox(place) => {
                self.tills.has_another_box(place);
                self.devices.push(self.devices[place].another(NEWCOMER));
            }
            Fault::ClockAhead(place) => {
                let now = self.now();
                self.devices[place].set_clock(now, AHEAD_MS);
                self.tills.has_wrong_clock(place);
            }
            Fault::ClaimTooHigh(_) | Fault::RequestLost | Fault::Branches(_) | Fault::Nothing => {}
        }
        if !self.fault.strikes() {
            self.fault = Fault::Nothing;
        }
        Ok(())
    }

    /// Who was carried off is found and switched on.
    pub(in crate::small) fn find(&mut self) {
        let now = self.now();
        self.devices.iter_mut().filter(|device| device.is_gone()).for_each(|device| device.returns(now));
    }

    /// A device has its cable out, or nobody has.
    ///
    /// # Errors
    /// When losing it makes somebody break a promise.
    pub(in crate::small) fn unplug(&mut self, who: Option<usize>) -> Result<(), Violation> {
        self.unplugged = who;
        let pairs: Vec<_> = self.links.pairs().filter(|(a, b)| who == Some(*a) || who == Some(*b)).collect();
        pairs.into_iter().try_for_each(|(a, b)| self.disconnect(a, b))
    }

    /// A device dies with its last writes on the disk, and is carried off.
    ///
    /// # Errors
    /// When that makes somebody break a promise.
    pub(in crate::small) fn carry_off(&mut self, who: usize) -> Result<(), Violation> {
        self.die(who, true)?;
        let now = self.now();
        self.devices[who].goes(now);
        Ok(())
    }

    /// Somebody takes an image of the disk of this device.
    pub(in crate::small) fn keep_image(&mut self, who: usize) {
        let now = self.now();
        self.images.take(&self.devices[who], &self.cloud);
        self.devices[who].was_copied(now);
    }

    pub(super) fn go_wrong(&mut self) -> Result<(), Violation> {
        match std::mem::replace(&mut self.fault, Fault::Nothing) {
            Fault::Nothing
            | Fault::ClaimStands(_)
            | Fault::Clone(_)
            | Fault::NewBox(_)
            | Fault::ClockAhead(_)
            | Fault::InScript(_) => Ok(()),
            Fault::RequestLost => {
                self.loses_request = true;
                Ok(())
            }
            Fault::ClaimTooHigh(_) => {
                self.claims_too_high = true;
                Ok(())
            }
            Fault::PutBack(who) => self.goes_back(who),
            Fault::PutBackTwice(who) => {
                self.fault = Fault::PutBack(who);
                self.goes_back(who)
            }
            Fault::AllPutBack(who) => {
                self.cloud_goes_back();
                self.goes_back(who)
            }
            Fault::CloudPutBack => {
                self.cloud_goes_back();
                Ok(())
            }
            Fault::OldBox(_) | Fault::Branches(_) => {
                self.find();
                Ok(())
            }
        }
    }

    fn cloud_goes_back(&mut self) {
        if let Some(image) = self.images.cloud() {
            self.cloud.put_back(image);
            self.cloud_history = Sha256::digest(self.cloud_history).into();
        }
    }

    /// A disk goes for its image.
    ///
    /// # Errors
    /// When a disk holds a row that cannot be read.
    pub(in crate::small) fn goes_back(&mut self, who: usize) -> Result<(), Violation> {
        self.die(who, false)?;
        if let Fault::InScript(_) = self.world.fault {
            self.left = self.world.mishaps;
        }
        let image = self.images.disk();
        let held = held(&self.devices, &self.cloud, &image, who)?;
        self.tills.put_back(who, &held);
        self.put_back.insert(self.devices[who].me().terminal());
        let now = self.now();
        self.devices[who].put_back(now, image);
        Ok(())
    }

    /// An operator speaks, and is refused where the store decides nothing: it is said again.
    pub(super) fn replace(&mut self, who: usize, number: u16, planned: bool) -> Result<(), Violation> {
        let now = self.now();
        match self.devices[who].replace(now, number, planned) {
            // The old box is heard: nobody takes its place then.
            Ok(()) | Err(ReplaceError::Connected { .. }) => {}
            Err(_) => self.tills.says_again(who, number, planned),
        }
        self.drain(who)
    }

    pub(super) fn turn(&mut self, a: usize, b: usize) -> Result<(), Violation> {
        self.turns = (self.turns.0.saturating_sub(1), self.now_ms);
        if let Some((a, b)) = namesake(&self.devices, &self.links, a, b) {
            self.disconnect(a, b)?;
        }
        self.connect(a, b)
    }
}

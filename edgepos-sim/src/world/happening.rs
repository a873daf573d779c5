//! What happens to a store, each at its time.

use edgepos_core::Load;
use edgepos_sync::{UplinkError, UplinkId};

use crate::network::Wire;

/// One thing that happens.
#[derive(Debug)]
pub(super) enum Happening {
    /// A terminal's deadline, by place and number.
    Alarm(usize, u64),
    /// A disk's flush ends, of a start of the terminal.
    Flushed(usize, u64),
    /// A read ends.
    Read(usize, u64, Load),
    Wire(Wire),
    /// A request reaches the cloud; with a way back for the reply.
    CloudGets(Vec<u8>, Option<(usize, u64, UplinkId, u64)>),
    CloudReplies(usize, u64, UplinkId, Vec<u8>),
    CloudFails(usize, u64, UplinkId, UplinkError),
    Till(usize, u64),
    Fault(usize),
    Mend(usize),
    /// An image is taken of a disk that will be put back; by its number.
    Image(usize),
    /// A device is switched off, to have its disk put back.
    Off(usize),
    /// Its disk is put back, and it is switched on.
    PutBack(usize),
    /// Images are taken of all disks and of the cloud.
    BoxImages,
    /// They take the place of what there is.
    BoxesBack,
    /// The head office publishes.
    Publish,
    /// A device is switched on.
    Start(usize, bool),
    Heal,
    Probe,
}

impl Happening {
    /// The terminal that it reaches as soon as that moves; `None` for what waits for none.
    pub(super) fn reaches(&self) -> Option<usize> {
        match self {
            Self::Alarm(place, _)
            | Self::Flushed(place, _)
            | Self::Read(place, ..)
            | Self::CloudReplies(place, ..)
            | Self::CloudFails(place, ..)
            | Self::Till(place, _)
            | Self::Wire(Wire::Change(_, place, _) | Wire::Frame(_, place, _)) => Some(*place),
            _ => None,
        }
    }
}

impl From<Wire> for Happening {
    fn from(wire: Wire) -> Self {
        Self::Wire(wire)
    }
}

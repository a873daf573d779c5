//! What can happen next in a small world.

use std::fmt;

/// One thing that happens. Devices are named by their places, from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Step {
    /// A device that is off starts from its disk.
    Start(usize),
    /// Two devices find each other.
    Connect(usize, usize),
    /// All that a device writes is on its disk, and it is told.
    Flush(usize),
    /// All that is on its way from one device to another arrives.
    Deliver(usize, usize),
    /// What a device asks the cloud arrives, and the answer comes back.
    Cloud(usize),
    /// The till at a device asks the next thing of its script.
    Ask(usize),
    /// The one thing that this world is about goes wrong.
    Fault,
    /// Of two devices with one name a third has a connection with one at a time: from here on with this one.
    Turn(usize, usize),
    /// What a device asks the cloud arrives, and the answer is lost.
    LoseAnswer(usize),
    /// All that is on its way from one device to another arrives, and arrives once more later.
    Repeat(usize, usize),
    /// A connection breaks, with all that is on the way over it.
    Break(usize, usize),
    /// A process dies. `kept`: its last writes get to the disk all the same.
    Crash {
        /// The place of the device.
        who: usize,
        /// Whether the writes that were not reported are there.
        kept: bool,
    },
    /// The next deadline comes.
    Tick,
}

impl Step {
    /// Whether nothing goes wrong, and no till asks for anything new.
    pub const fn is_calm(self) -> bool {
        match self {
            Self::Ask(_) | Self::Fault => false,
            _ => !self.is_mishap(),
        }
    }

    /// Whether it is one of the things that go wrong so many times in a world.
    pub const fn is_mishap(self) -> bool {
        matches!(self, Self::LoseAnswer(_) | Self::Repeat(..) | Self::Break(..) | Self::Crash { .. })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Start(who) => write!(f, "T{} starts", who + 1),
            Self::Connect(a, b) => write!(f, "T{} and T{} connect", a + 1, b + 1),
            Self::Flush(who) => write!(f, "T{} has flushed", who + 1),
            Self::Deliver(from, to) => write!(f, "what T{} sent reaches T{}", from + 1, to + 1),
            Self::Cloud(who) => write!(f, "the cloud answers T{}", who + 1),
            Self::Ask(who) => write!(f, "the till asks T{}", who + 1),
            Self::Fault => f.write_str("the fault"),
            Self::Turn(a, b) => write!(f, "T{} hears T{} from here on", a + 1, b + 1),
            Self::LoseAnswer(who) => write!(f, "the cloud's answer to T{} is lost", who + 1),
            Self::Repeat(from, to) => {
                write!(f, "what T{} sent reaches T{}, and does so again", from + 1, to + 1)
            }
            Self::Break(a, b) => write!(f, "T{} and T{} lose each other", a + 1, b + 1),
            Self::Crash { who, kept: true } => write!(f, "T{} dies, its writes are there", who + 1),
            Self::Crash { who, kept: false } => write!(f, "T{} dies with its writes", who + 1),
            Self::Tick => f.write_str("the next deadline"),
        }
    }
}

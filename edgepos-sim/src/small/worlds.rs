//! What a small world is: who is there, what the tills ask, and what may go wrong.

use super::managers::Way;

/// What a till asks, one step each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Line {
    /// To book the basket of this number, which was begun before the world is explored.
    Commit(u8),
    /// To begin a basket that another till has, as it is there, since nobody knows what became of it; and in the next line to book it.
    BeginToo(u8),
    /// A manager decides about the exception that is open when the world is explored.
    Resolve(Way),
    /// An operator says that another box takes the place of the terminal of this number.
    Replace(u16),
    /// The same of one that is there.
    Swap(u16),
    /// Somebody takes an image of the till's disk, in the place of the one that was taken when the world began.
    Image,
    /// Somebody puts the image back.
    PutBack,
    /// A new disk, with nothing on it, takes the place of the till's.
    LoseDisk,
    /// To wait until everything is everywhere.
    Rest,
    /// The same, once the till at this place has been answered all that it asks.
    RestAfter(usize),
    /// To book a basket under the key of this one, which is another, or under one that was nobody's where the basket is booked: what is
    /// known there is refused.
    Under(u8, u8),
    /// The power goes, with what is not on the disk.
    PowerCut,
    /// To set a price.
    Price(i64),
    /// The same, whatever the clock shows.
    PriceAnyway(i64),
    /// To move so many pieces, of which no less than so many may be there.
    Moves(i64, i64),
}

/// What a world is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Nothing beside the mishaps that each world may have.
    Nothing,
    /// The disk of the terminal at this place is put back to what it was when the exploration began, without its process dying before.
    PutBack(usize),
    /// The disk of the terminal at this place is put back to that image, and later once more to the same.
    PutBackTwice(usize),
    /// The disk of the terminal at this place and the cloud are put back to what both were when the exploration began.
    AllPutBack(usize),
    /// The cloud is put back to what it was when the exploration began.
    CloudPutBack,
    /// The cloud's next answer claims far more of the chain of the terminal at this place than there is.
    ClaimTooHigh(usize),
    /// Each of its answers does, from the beginning until the faults are over.
    ClaimStands(usize),
    /// There is a second box with a copy of the disk of the terminal at this place, and both are on.
    Clone(usize),
    /// The terminal at this place has sold while nobody heard it, and is gone; another box of its number is there. The old one turns up.
    OldBox(usize),
    /// Another box of the number of the terminal at this place is there beside it.
    NewBox(usize),
    /// The next thing that anybody asks the cloud is lost on its way.
    RequestLost,
    /// The clock of the terminal at this place is years ahead.
    ClockAhead(usize),
    /// The terminal at this place has sold, the only one that heard it is gone, the disk is put back, and another sale has its name and is
    /// in the cloud. The one that is gone turns up.
    Branches(usize),
    /// The disks in `Line::PutBack` go back.
    InScript(usize),
}

impl Fault {
    /// Whether it strikes at some moment of a path, and not before, all the time or by the script.
    pub(super) fn strikes(self) -> bool {
        match self {
            Self::PutBack(_)
            | Self::PutBackTwice(_)
            | Self::AllPutBack(_)
            | Self::CloudPutBack
            | Self::ClaimTooHigh(_)
            | Self::OldBox(_)
            | Self::Branches(_)
            | Self::RequestLost => true,
            Self::Nothing
            | Self::ClaimStands(_)
            | Self::Clone(_)
            | Self::NewBox(_)
            | Self::ClockAhead(_)
            | Self::InScript(_) => false,
        }
    }
}

/// A small world.
#[derive(Clone, Copy, Debug)]
pub struct World {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is about, in a line.
    pub about: &'static str,
    /// How many terminals there are, all of them voters.
    pub terminals: usize,
    /// What goes wrong once.
    pub fault: Fault,
    /// How many other things may go wrong: a process dies, a connection breaks, an answer of the cloud is lost.
    pub mishaps: u8,
    /// How often time may move on before the faults are over.
    pub ticks: u8,
    /// Whether it takes longer than a minute to explore.
    pub long: bool,
    /// Whether one of its mishaps may be that what is on its way arrives, and once more later.
    pub repeats: bool,
    /// Whether disks report what they have not written yet, so that a test can show that it is found. Not in `WORLDS`.
    pub disks_lie: bool,
    /// What the till at each place asks.
    pub(super) script: &'static [(usize, &'static [Line])],
}

use Line::{Replace, Resolve, Swap};

impl World {
    /// Whether an exception is open when it is explored, about which managers decide.
    pub(super) fn resolves(&self) -> bool {
        self.script.iter().any(|(_, lines)| lines.iter().any(|line| matches!(line, Resolve(_))))
    }

    /// Whether two may hold two histories of one chain.
    pub(super) fn may_fork(&self) -> bool {
        match self.fault {
            Fault::PutBack(_)
            | Fault::PutBackTwice(_)
            | Fault::AllPutBack(_)
            | Fault::Clone(_)
            | Fault::Branches(_)
            | Fault::InScript(_) => true,
            Fault::Nothing
            | Fault::CloudPutBack
            | Fault::ClaimTooHigh(_)
            | Fault::ClaimStands(_)
            | Fault::OldBox(_)
            | Fault::NewBox(_)
            | Fault::RequestLost
            | Fault::ClockAhead(_) => false,
        }
    }

    /// Whether the cloud goes back in it.
    pub(super) fn puts_cloud_back(&self) -> bool {
        matches!(self.fault, Fault::AllPutBack(_) | Fault::CloudPutBack)
    }

    /// Whether a terminal is replaced in it.
    pub(super) fn replaces(&self) -> bool {
        let replaces = |line: &Line| matches!(line, Replace(_) | Swap(_));
        self.script.iter().any(|(_, lines)| lines.iter().any(replaces))
    }
}

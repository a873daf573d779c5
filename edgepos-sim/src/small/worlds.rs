//! The small worlds that are explored.

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
    /// Whether disks report what they have not written yet, so that a test can show that it is found. Not in [`WORLDS`].
    pub disks_lie: bool,
    /// What the till at each place asks.
    pub(super) script: &'static [(usize, &'static [Line])],
}

use Line::{BeginToo, Commit, Replace, Resolve};

impl World {
    /// Whether an exception is open when it is explored, about which managers decide.
    pub(super) fn resolves(&self) -> bool {
        self.script.iter().any(|(_, lines)| lines.iter().any(|line| matches!(line, Resolve(_))))
    }
}

/// Each of them, smallest first.
pub const WORLDS: &[World] = &[
    World {
        name: "one-sale",
        about: "one sale",
        terminals: 2,
        fault: Fault::Nothing,
        mishaps: 1,
        ticks: 1,
        long: false,
        disks_lie: false,
        script: &[(0, &[Commit(0)])],
    },
    World {
        name: "asked-twice",
        about: "a sale is asked for at one till and then, with the same key, at the other",
        terminals: 2,
        fault: Fault::Nothing,
        mishaps: 0,
        ticks: 1,
        long: false,
        disks_lie: false,
        script: &[(0, &[Commit(0)]), (1, &[BeginToo(0), Commit(0)])],
    },
    World {
        name: "claim",
        about: "a sale at each till, and the cloud claims more than there is",
        terminals: 2,
        fault: Fault::ClaimTooHigh(0),
        mishaps: 0,
        ticks: 1,
        long: false,
        disks_lie: false,
        script: &[(0, &[Commit(0)]), (1, &[Commit(1)])],
    },
    World {
        name: "restored",
        about: "a till's disk is put back between two of its sales",
        terminals: 2,
        fault: Fault::PutBack(1),
        mishaps: 0,
        ticks: 1,
        long: true,
        disks_lie: false,
        script: &[(1, &[Commit(1), Commit(2)])],
    },
    World {
        name: "resolved-twice",
        about: "two managers decide otherwise about one exception, at two tills",
        terminals: 2,
        fault: Fault::Nothing,
        mishaps: 0,
        ticks: 1,
        long: true,
        disks_lie: false,
        script: &[(0, &[Resolve(Way::Backorder)]), (1, &[Resolve(Way::Adjust)])],
    },
    World {
        name: "two-sales",
        about: "a sale at each till",
        terminals: 2,
        fault: Fault::Nothing,
        mishaps: 1,
        ticks: 1,
        long: true,
        disks_lie: false,
        script: &[(0, &[Commit(0)]), (1, &[Commit(1)])],
    },
    World {
        name: "asked-twice-mishap",
        about: "a sale is asked for at one till and then, with the same key, at the other, and something breaks",
        terminals: 2,
        fault: Fault::Nothing,
        mishaps: 1,
        ticks: 1,
        long: true,
        disks_lie: false,
        script: &[(0, &[Commit(0)]), (1, &[BeginToo(0), Commit(0)])],
    },
    World {
        name: "resolved-again",
        about: "a manager asks for the same at both tills, and something breaks",
        terminals: 2,
        fault: Fault::Nothing,
        mishaps: 1,
        ticks: 1,
        long: true,
        disks_lie: false,
        script: &[(0, &[Resolve(Way::Backorder)]), (1, &[Resolve(Way::Backorder)])],
    },
    World {
        name: "claim-stands",
        about: "a sale at each till, and the cloud claims more than there is until the faults are over",
        terminals: 2,
        fault: Fault::ClaimStands(0),
        mishaps: 0,
        ticks: 1,
        long: false,
        disks_lie: false,
        script: &[(0, &[Commit(0)]), (1, &[Commit(1)])],
    },
    World {
        name: "cloud-put-back",
        about: "two sales at a till, and the cloud is put back to what it held before them",
        terminals: 2,
        fault: Fault::CloudPutBack,
        mishaps: 0,
        ticks: 1,
        long: true,
        disks_lie: false,
        script: &[(0, &[Commit(0)]), (1, &[Commit(1)])],
    },
    World {
        name: "put-back-twice",
        about: "a till's disk is put back to one image twice, between its sales",
        terminals: 2,
        fault: Fault::PutBackTwice(1),
        mishaps: 0,
        ticks: 1,
        long: true,
        disks_lie: false,
        script: &[(1, &[BeginToo(1), Commit(1), BeginToo(2), Commit(2)])],
    },
    World {
        name: "all-put-back",
        about: "a till's disk and the cloud are put back to the same moment",
        terminals: 2,
        fault: Fault::AllPutBack(1),
        mishaps: 0,
        ticks: 1,
        long: true,
        disks_lie: false,
        script: &[(1, &[BeginToo(1), Commit(1), BeginToo(2), Commit(2)])],
    },
    World {
        name: "clone",
        about: "two boxes with one disk sell under one name",
        terminals: 2,
        fault: Fault::Clone(1),
        mishaps: 0,
        ticks: 1,
        long: true,
        disks_lie: false,
        script: &[(1, &[BeginToo(1), Commit(1)]), (2, &[BeginToo(2), Commit(2)])],
    },
    World {
        name: "replaced",
        about: "a till that sold unheard is replaced by another box, and its old box turns up",
        terminals: 3,
        fault: Fault::OldBox(2),
        mishaps: 0,
        ticks: 1,
        long: true,
        disks_lie: false,
        script: &[(0, &[Replace(3)]), (3, &[BeginToo(1), Commit(1)])],
    },
    World {
        name: "three-events",
        about: "two sales at one till and one at the other",
        terminals: 2,
        fault: Fault::Nothing,
        mishaps: 0,
        ticks: 1,
        long: true,
        disks_lie: false,
        script: &[(0, &[Commit(0), Commit(1)]), (1, &[Commit(2)])],
    },
];

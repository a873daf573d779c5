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
    /// The same of one that is there.
    Swap(u16),
    /// Somebody takes an image of the till's disk, in the place of the one that was taken when the world began.
    Image,
    /// Somebody puts the image back.
    PutBack,
    /// To wait until everything is everywhere.
    Rest,
    /// The power goes, with what is not on the disk.
    PowerCut,
    /// To set a price.
    Price,
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
    /// Whether disks report what they have not written yet, so that a test can show that it is found. Not in [`WORLDS`].
    pub disks_lie: bool,
    /// What the till at each place asks.
    pub(super) script: &'static [(usize, &'static [Line])],
}

use Line::{BeginToo, Commit, Image, Moves, PowerCut, Price, PutBack, Replace, Resolve, Rest, Swap};

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
        name: "clone-same-sale",
        about: "a basket that was open in the image is paid at both boxes that have it",
        terminals: 3,
        fault: Fault::Clone(1),
        mishaps: 0,
        ticks: 1,
        long: true,
        disks_lie: false,
        script: &[(1, &[Commit(1)]), (3, &[BeginToo(1), Commit(1)])],
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
    World {
        name: "request-lost",
        about: "one sale, and what a till asks the cloud is lost on its way",
        terminals: 2,
        fault: Fault::RequestLost,
        mishaps: 0,
        ticks: 2,
        long: false,
        disks_lie: false,
        script: &[(1, &[Commit(0)])],
    },
    World {
        name: "floors",
        about: "two tills move one product and name two floors",
        terminals: 2,
        fault: Fault::Nothing,
        mishaps: 0,
        ticks: 1,
        long: true,
        disks_lie: false,
        script: &[(0, &[Moves(-11, -5)]), (1, &[Moves(-1, 0)])],
    },
    World {
        name: "clock-ahead",
        about: "the clock of a till is ten years ahead: it sets a price and sells, and so does the other",
        terminals: 2,
        fault: Fault::ClockAhead(0),
        mishaps: 0,
        ticks: 2,
        long: true,
        disks_lie: false,
        script: &[(0, &[Price, Commit(1), Rest]), (1, &[Commit(0)])],
    },
    World {
        name: "sold-put-back",
        about: "a till sells, its disk is put back, and it sells something else",
        terminals: 2,
        fault: Fault::InScript(1),
        mishaps: 0,
        ticks: 1,
        long: true,
        disks_lie: false,
        script: &[(1, &[Commit(1), Rest, PutBack, BeginToo(2), Commit(2)])],
    },
    World {
        name: "paid-put-back",
        about: "a till sells, its disk is put back, and the basket, which is open again, is paid again",
        terminals: 3,
        fault: Fault::InScript(1),
        mishaps: 0,
        ticks: 1,
        long: true,
        disks_lie: false,
        script: &[(1, &[Commit(1), Rest, PutBack, Commit(1)])],
    },
    World {
        name: "put-back-again",
        about: "a till sells, its disk is put back, it sells under the same name, and is put back to what it is then",
        terminals: 2,
        fault: Fault::InScript(1),
        mishaps: 0,
        ticks: 1,
        long: true,
        disks_lie: false,
        script: &[(1, &[Commit(1), Rest, PutBack, BeginToo(2), Commit(2), Image, Rest, PutBack])],
    },
    World {
        name: "branches",
        about: "a sale is known to one who is gone, and the cloud has another one of its name",
        terminals: 2,
        fault: Fault::Branches(1),
        mishaps: 0,
        ticks: 1,
        long: true,
        disks_lie: false,
        script: &[(1, &[Commit(3)])],
    },
    World {
        name: "four-tills",
        about: "a sale at one till of four, and something breaks",
        terminals: 4,
        fault: Fault::Nothing,
        mishaps: 1,
        ticks: 1,
        long: true,
        disks_lie: false,
        script: &[(3, &[Commit(0)])],
    },
    World {
        name: "swapped",
        about: "another box takes the place of a till that is there",
        terminals: 3,
        fault: Fault::NewBox(2),
        mishaps: 0,
        ticks: 1,
        long: true,
        disks_lie: false,
        script: &[(0, &[Swap(3)])],
    },
    World {
        name: "booked-elsewhere",
        about: "a till is put back after a sale, and books a basket that the other till books meanwhile",
        terminals: 3,
        fault: Fault::InScript(1),
        mishaps: 0,
        ticks: 1,
        long: true,
        disks_lie: false,
        script: &[(0, &[BeginToo(1), Commit(1)]), (1, &[Commit(2), Rest, PutBack, BeginToo(1), Commit(1)])],
    },
    World {
        name: "asked-again",
        about: "a till asks again for the sale before its last one, behind two power cuts",
        terminals: 2,
        fault: Fault::Nothing,
        mishaps: 0,
        ticks: 1,
        long: true,
        disks_lie: false,
        script: &[(0, &[Commit(0), PowerCut, Commit(1), PowerCut, Commit(0)])],
    },
];

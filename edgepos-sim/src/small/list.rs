//! The small worlds that are explored.

use super::managers::Way;
use super::worlds::Line::{
    BeginToo, Commit, Image, LoseDisk, Moves, PowerCut, Price, PriceAnyway, PutBack, Replace, Resolve, Rest,
    RestAfter, Swap, Under,
};
use super::worlds::{Fault, World};

/// What most of them have in common: each says in what it differs.
const PLAIN: World = World {
    name: "",
    about: "",
    terminals: 2,
    fault: Fault::Nothing,
    mishaps: 0,
    ticks: 1,
    long: true,
    repeats: false,
    disks_lie: false,
    script: &[],
};

/// Each of them, smallest first.
pub const WORLDS: &[World] = &[
    World {
        name: "one-sale",
        about: "one sale",
        mishaps: 1,
        long: false,
        script: &[(0, &[Commit(0)])],
        ..PLAIN
    },
    World {
        name: "asked-twice",
        about: "a sale is asked for at one till and then, with the same key, at the other",
        long: false,
        script: &[(0, &[Commit(0)]), (1, &[BeginToo(0), Commit(0)])],
        ..PLAIN
    },
    World {
        name: "claim",
        about: "a sale at each till, and the cloud claims more than there is",
        fault: Fault::ClaimTooHigh(0),
        long: false,
        script: &[(0, &[Commit(0)]), (1, &[Commit(1)])],
        ..PLAIN
    },
    World {
        name: "restored",
        about: "a till's disk is put back between two of its sales",
        fault: Fault::PutBack(1),
        script: &[(1, &[Commit(1), Commit(2)])],
        ..PLAIN
    },
    World {
        name: "resolved-twice",
        about: "two managers decide otherwise about one exception, at two tills",
        script: &[(0, &[Resolve(Way::Backorder)]), (1, &[Resolve(Way::Adjust)])],
        ..PLAIN
    },
    World {
        name: "two-sales",
        about: "a sale at each till",
        mishaps: 1,
        script: &[(0, &[Commit(0)]), (1, &[Commit(1)])],
        ..PLAIN
    },
    World {
        name: "asked-twice-mishap",
        about: "a sale is asked for at one till and then, with the same key, at the other, and something breaks",
        mishaps: 1,
        script: &[(0, &[Commit(0)]), (1, &[BeginToo(0), Commit(0)])],
        ..PLAIN
    },
    World {
        name: "resolved-again",
        about: "a manager asks for the same at both tills, and something breaks",
        mishaps: 1,
        script: &[(0, &[Resolve(Way::Backorder)]), (1, &[Resolve(Way::Backorder)])],
        ..PLAIN
    },
    World {
        name: "claim-stands",
        about: "a sale at each till, and the cloud claims more than there is until the faults are over",
        fault: Fault::ClaimStands(0),
        long: false,
        script: &[(0, &[Commit(0)]), (1, &[Commit(1)])],
        ..PLAIN
    },
    World {
        name: "cloud-put-back",
        about: "two sales at a till, and the cloud is put back to what it held before them",
        fault: Fault::CloudPutBack,
        script: &[(0, &[Commit(0)]), (1, &[Commit(1)])],
        ..PLAIN
    },
    World {
        name: "put-back-twice",
        about: "a till's disk is put back to one image twice, between its sales",
        fault: Fault::PutBackTwice(1),
        script: &[(1, &[BeginToo(1), Commit(1), BeginToo(2), Commit(2)])],
        ..PLAIN
    },
    World {
        name: "all-put-back",
        about: "a till's disk and the cloud are put back to the same moment",
        fault: Fault::AllPutBack(1),
        script: &[(1, &[BeginToo(1), Commit(1), BeginToo(2), Commit(2)])],
        ..PLAIN
    },
    World {
        name: "clone",
        about: "two boxes with one disk sell under one name",
        fault: Fault::Clone(1),
        script: &[(1, &[BeginToo(1), Commit(1)]), (2, &[BeginToo(2), Commit(2)])],
        ..PLAIN
    },
    World {
        name: "clone-same-sale",
        about: "a basket that was open in the image is paid at both boxes that have it",
        terminals: 3,
        fault: Fault::Clone(1),
        script: &[(1, &[Commit(1)]), (3, &[BeginToo(1), Commit(1)])],
        ..PLAIN
    },
    World {
        name: "replaced",
        about: "a till that sold unheard is replaced by another box, and its old box turns up",
        terminals: 3,
        fault: Fault::OldBox(2),
        script: &[(0, &[Replace(3)]), (3, &[BeginToo(1), Commit(1)])],
        ..PLAIN
    },
    World {
        name: "three-events",
        about: "two sales at one till and one at the other",
        script: &[(0, &[Commit(0), Commit(1)]), (1, &[Commit(2)])],
        ..PLAIN
    },
    World {
        name: "request-lost",
        about: "one sale, and what a till asks the cloud is lost on its way",
        fault: Fault::RequestLost,
        ticks: 2,
        long: false,
        script: &[(1, &[Commit(0)])],
        ..PLAIN
    },
    World {
        name: "floors",
        about: "two tills move one product and name two floors",
        script: &[(0, &[Moves(-11, -5)]), (1, &[Moves(-1, 0)])],
        ..PLAIN
    },
    World {
        name: "clock-ahead",
        about: "the clock of a till is ten years ahead: it sets a price and sells, and so does the other",
        fault: Fault::ClockAhead(0),
        ticks: 2,
        script: &[(0, &[Price(100), Commit(1), Rest]), (1, &[Commit(0)])],
        ..PLAIN
    },
    World {
        name: "sold-put-back",
        about: "a till sells, its disk is put back, and it sells something else",
        fault: Fault::InScript(1),
        script: &[(1, &[Commit(1), Rest, PutBack, BeginToo(2), Commit(2)])],
        ..PLAIN
    },
    World {
        name: "paid-put-back",
        about: "a till sells, its disk is put back, and the basket, which is open again, is paid again",
        terminals: 3,
        fault: Fault::InScript(1),
        script: &[(1, &[Commit(1), Rest, PutBack, Commit(1)])],
        ..PLAIN
    },
    World {
        name: "put-back-again",
        about: "a till sells, its disk is put back, it sells under the same name, and is put back to what it is then",
        fault: Fault::InScript(1),
        script: &[(1, &[Commit(1), Rest, PutBack, BeginToo(2), Commit(2), Image, Rest, PutBack])],
        ..PLAIN
    },
    World {
        name: "branches",
        about: "a sale is known to one who is gone, and the cloud has another one of its name",
        fault: Fault::Branches(1),
        script: &[(1, &[Commit(3)])],
        ..PLAIN
    },
    World {
        name: "four-tills",
        about: "a sale at one till of four, and something breaks",
        terminals: 4,
        mishaps: 1,
        script: &[(3, &[Commit(0)])],
        ..PLAIN
    },
    World {
        name: "swapped",
        about: "another box takes the place of a till that is there",
        terminals: 3,
        fault: Fault::NewBox(2),
        script: &[(0, &[Swap(3)])],
        ..PLAIN
    },
    World {
        name: "booked-elsewhere",
        about: "a till is put back after a sale, and books a basket that the other till books meanwhile",
        terminals: 3,
        fault: Fault::InScript(1),
        script: &[(0, &[BeginToo(1), Commit(1)]), (1, &[Commit(2), Rest, PutBack, BeginToo(1), Commit(1)])],
        ..PLAIN
    },
    World {
        name: "asked-again",
        about: "a till asks again for the sale before its last one, behind two power cuts",
        script: &[(0, &[Commit(0), PowerCut, Commit(1), PowerCut, Commit(0)])],
        ..PLAIN
    },
    World {
        name: "price-ahead",
        about: "a till whose clock is ten years ahead sets a price all the same, and the other sets one that replaces it",
        fault: Fault::ClockAhead(0),
        script: &[(0, &[PriceAnyway(100)]), (1, &[RestAfter(0), Price(200)])],
        ..PLAIN
    },
    World {
        name: "key-misused",
        about: "a sale is known at the other till, which uses its key for another basket, and another key for its basket",
        script: &[(0, &[Commit(0)]), (1, &[RestAfter(0), Under(1, 0), BeginToo(0), Under(0, 5), Commit(1)])],
        ..PLAIN
    },
    World {
        name: "two-episodes",
        about: "a product falls below its floor, is there again, and falls once more, while the other till sells",
        script: &[(0, &[Moves(-12, 0), Rest, Moves(12, 0), Rest, Moves(-18, 0)]), (1, &[Commit(1)])],
        ..PLAIN
    },
    World {
        name: "disk-lost",
        about: "a till sells, has a new disk with nothing on it under its old name, and sells something else",
        fault: Fault::InScript(1),
        script: &[(1, &[Commit(1), Rest, LoseDisk, BeginToo(2), Commit(2)])],
        ..PLAIN
    },
    World {
        name: "restored-mishap",
        about: "a till sells, its disk is put back, it sells something else, and something breaks or is heard twice",
        fault: Fault::InScript(1),
        mishaps: 1,
        repeats: true,
        script: &[(1, &[Commit(1), Rest, PutBack, BeginToo(2), Commit(2)])],
        ..PLAIN
    },
    World {
        name: "claim-mishap",
        about: "a sale at a till, the cloud claims more than there is, and something breaks or is heard twice",
        fault: Fault::ClaimTooHigh(0),
        mishaps: 1,
        repeats: true,
        script: &[(0, &[Commit(0)])],
        ..PLAIN
    },
    World {
        name: "replaced-mishap",
        about: "a till that sold unheard is replaced, its old box turns up, and something breaks",
        terminals: 3,
        fault: Fault::OldBox(2),
        mishaps: 1,
        script: &[(0, &[Replace(3)]), (3, &[BeginToo(1), Commit(1)])],
        ..PLAIN
    },
    World {
        name: "clone-mishap",
        about: "two boxes with one disk sell under one name, and something breaks or is heard twice",
        fault: Fault::Clone(1),
        mishaps: 1,
        repeats: true,
        script: &[(1, &[BeginToo(1), Commit(1)]), (2, &[BeginToo(2), Commit(2)])],
        ..PLAIN
    },
];

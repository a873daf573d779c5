//! Every small world: the real terminals, two or three of them and a cloud, through every order in which a few things can happen.
//!
//! The simulator samples long days; this explores short ones to the end. A [`World`] says what the tills ask and what may go wrong;
//! [`explore`] tries every next step at every state that it has not seen: frames are delivered, a flush ends, the cloud answers or its
//! answer is lost, a process dies with or without its last writes, a connection breaks, a disk is put back. Where a path ends (nothing is
//! left to try, or it is as long as allowed) faults are over: a fixed order of the same steps brings everything to rest, tills ask again
//! for what was not answered, and the [checkers](crate::judge) of the simulator judge. That fixed order consists of steps that are
//! explored at each state, so what drains from the ends drains from every state before them.
//!
//! A terminal is a function of what it was told, so two paths that told every terminal and the cloud the same, and left the same on the
//! way, are in the same state: states are compared by these histories, and no terminal is copied. A state is reached again by its path.
//! Time moves only when somebody's deadline is the next thing that can happen, and all deadlines of that moment ring at once, in order of
//! their places: late and early clocks are the other simulator's.

mod device;
mod explore;
mod images;
mod links;
mod list;
mod managers;
mod prelude;
mod prices;
mod rights;
mod seats;
mod settle;
mod setup;
mod stamps;
mod step;
mod store;
mod tills;
mod watch;
mod worlds;

pub use explore::{Explored, Failure, Limits, explore, replay};
pub use list::WORLDS;
pub use step::Step;
pub use worlds::{Fault, World};

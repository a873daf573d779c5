//! The buttons. Each says in words what the store did about it.

mod boxes;
mod cloud;
mod follow;
mod pair;
mod till;
mod told;

use std::sync::Arc;

use serde::Deserialize;

use super::floor::{Floor, Stage};
use crate::demo::faults::CloudState;

pub(super) use self::told::{ActError, Told};

/// What was pressed, and for which tills.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Act {
    /// Rings a product up by its code.
    Sell { terminal: u16, product: String, quantity: i64 },
    /// Has the till recognise the sample picture, and sells what it shows.
    Picture { terminal: u16 },
    /// The latest sale that the till knows comes back.
    TakeBack { terminal: u16 },
    /// A basket begins at one till, is parked, and paid at the other.
    Park { terminal: u16, other: u16 },
    /// Two tills that cannot see each other set one price.
    Prices { terminal: u16, other: u16 },
    /// Two tills that cannot see each other sell the last piece.
    Oversell { terminal: u16, other: u16 },
    /// The same goods come back at two tills that cannot see each other.
    ReturnTwice { terminal: u16, other: u16 },
    /// SIGKILL; the till stays dead.
    Kill { terminal: u16 },
    /// Starts it again.
    Start { terminal: u16 },
    /// SIGKILL and a start at once.
    Restart { terminal: u16 },
    /// SIGKILL between the commit and its answer, and the same call once more.
    Mishap { terminal: u16 },
    /// SIGSTOP.
    Freeze { terminal: u16 },
    /// SIGCONT.
    Thaw { terminal: u16 },
    /// Every link of the till is cut.
    Cut { terminal: u16 },
    /// And mended.
    Heal { terminal: u16 },
    /// The disk is put back as it was when buttons began to work.
    PutBack { terminal: u16 },
    /// Another box takes the place of the till, whose disk is gone.
    Replace { terminal: u16 },
    /// How the cloud is.
    Cloud { state: CloudState },
    /// Whether customers come by themselves.
    Customers { come: bool },
}

/// Does it.
pub(super) async fn act(floor: &Arc<Floor>, act: Act) -> Result<Told, ActError> {
    match floor.stage() {
        Stage::Open => {}
        Stage::Replaying => {
            return Err(not_now("The week is still being replayed: buttons work once it is over."));
        }
        Stage::Finishing => return Err(not_now("The store is closing.")),
    }
    let Ok(_alone) = floor.busy.try_lock() else {
        return Err(not_now("Another button is still at work: wait for what it says."));
    };
    let one = |terminal: u16| till(floor, terminal);
    let two = |terminal: u16, other: u16| match (till(floor, terminal)?, till(floor, other)?) {
        (first, second) if first == second => Err(ActError::Ask("It takes two different tills.".into())),
        pair => Ok(pair),
    };
    let told = match act {
        Act::Sell { terminal, product, quantity } => {
            till::sell(floor, one(terminal)?, &product, quantity).await
        }
        Act::Picture { terminal } => till::picture(floor, one(terminal)?).await,
        Act::TakeBack { terminal } => till::take_back(floor, one(terminal)?).await,
        Act::Park { terminal, other } => till::park(floor, two(terminal, other)?).await,
        Act::Prices { terminal, other } => pair::prices(floor, two(terminal, other)?).await,
        Act::Oversell { terminal, other } => pair::oversell(floor, two(terminal, other)?).await,
        Act::ReturnTwice { terminal, other } => pair::return_twice(floor, two(terminal, other)?).await,
        Act::Kill { terminal } => boxes::kill(floor, one(terminal)?).await,
        Act::Start { terminal } => boxes::start(floor, one(terminal)?).await,
        Act::Restart { terminal } => boxes::restart(floor, one(terminal)?).await,
        Act::Mishap { terminal } => till::mishap(floor, one(terminal)?).await,
        Act::Freeze { terminal } => boxes::freeze(floor, one(terminal)?).await,
        Act::Thaw { terminal } => boxes::thaw(floor, one(terminal)?).await,
        Act::Cut { terminal } => boxes::cut(floor, one(terminal)?).await,
        Act::Heal { terminal } => boxes::heal(floor, one(terminal)?).await,
        Act::PutBack { terminal } => boxes::put_back(floor, one(terminal)?).await,
        Act::Replace { terminal } => boxes::replace(floor, one(terminal)?).await,
        Act::Cloud { state } => cloud::set(floor, state).await,
        Act::Customers { come } => {
            floor.set_customers(come);
            let said = if come {
                "Customers come again, one at each till every few seconds."
            } else {
                "No customers come."
            };
            Ok(Told::one(said))
        }
    }?;
    for sentence in told.said() {
        floor.screen.say(sentence);
    }
    Ok(told)
}

fn not_now(said: &str) -> ActError {
    ActError::NotNow(said.into())
}

/// The till's place, from its number.
fn till(floor: &Floor, number: u16) -> Result<usize, ActError> {
    let place = usize::from(number).checked_sub(1).filter(|place| *place < floor.terminals());
    place.ok_or_else(|| ActError::Ask(format!("There is no terminal {number}.")))
}

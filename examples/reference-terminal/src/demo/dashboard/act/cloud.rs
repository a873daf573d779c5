//! What becomes of the cloud.

use std::time::Duration;

use super::told::{ActError, Told};
use crate::demo::dashboard::floor::Floor;
use crate::demo::faults::CloudState;

/// How long the store may take to bring up what has waited.
const CATCH_UP: Duration = Duration::from_secs(40);

pub(super) async fn set(floor: &Floor, state: CloudState) -> Result<Told, ActError> {
    let before = floor.faults.cloud();
    if before == state {
        return Err(ActError::NotNow("The cloud is so already.".into()));
    }
    let waited = floor.registers.figures.on_the_way();
    floor.faults.set_cloud(state).await;
    let mut told = Told::default();
    match state {
        CloudState::Off => told.say(
            "The cloud's process was killed. Tills sell on; what they sell waits on their disks and on the leader's, and goes up when it is back.",
        ),
        CloudState::Slow => told.say(
            "Each piece that goes to the cloud or comes from it is held back for 1.5 s. No sale waits for it: only the lag grows.",
        ),
        CloudState::Refusing => {
            told.say("The cloud answers each call with 503. Tills sell on; what they sell waits, and is offered again, ever more rarely.");
        }
        CloudState::On => {
            told.say(format!("The cloud is there again; {waited} receipt(s) were waiting for it."));
            let holds = floor.until(CATCH_UP, async || floor.registers.figures.on_the_way() == 0).await;
            told.say(match holds {
                Some(took) => format!("{:.1} s later it held everything that tills had acknowledged.", took.as_secs_f64()),
                None => format!("After {CATCH_UP:?} it does not hold everything yet: see whether a till is down or cut off."),
            });
        }
    }
    Ok(told)
}

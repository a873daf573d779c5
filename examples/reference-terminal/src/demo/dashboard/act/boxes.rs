//! What becomes of a till as a box: its process, its links, its disk.

use std::time::{Duration, Instant};

use super::follow;
use super::till::{piece, price, receipt, usable};
use super::told::{ActError, Told};
use crate::api::{Done, Replace};
use crate::demo::dashboard::floor::Floor;

/// How long an election may take.
const ELECTION: Duration = Duration::from_secs(30);
/// How long a terminal may take to get what it missed.
const CATCH_UP: Duration = Duration::from_secs(30);
/// How long a terminal may take to find out that its disk is an old one.
const NOTICED: Duration = Duration::from_secs(45);
/// How long another box may take to have its vote.
const PLACE: Duration = Duration::from_secs(60);
/// How long a process may take to end or to start.
const PROCESS: Duration = Duration::from_secs(60);

pub(super) async fn kill(floor: &Floor, terminal: usize) -> Result<Told, ActError> {
    if floor.faults.is_held(terminal) {
        return Err(ActError::NotNow(format!("Terminal {} is dead already.", terminal + 1)));
    }
    let led = led(floor, terminal).await;
    let began = {
        let _nobody_sells = idle(floor, terminal).await;
        floor.faults.hold(terminal).await;
        Instant::now()
    };
    let mut told = Told::one(format!("Terminal {} was killed (SIGKILL), and stays dead.", terminal + 1));
    told.say(elected(floor, terminal, led, began).await);
    Ok(told)
}

pub(super) async fn start(floor: &Floor, terminal: usize) -> Result<Told, ActError> {
    if !floor.faults.is_held(terminal) {
        return Err(ActError::NotNow(format!("Terminal {} is not dead.", terminal + 1)));
    }
    let began = Instant::now();
    floor.faults.start(terminal).await;
    up(floor, terminal).await?;
    let mut told = Told::one(format!(
        "Terminal {} was up {} ms after its start.",
        terminal + 1,
        began.elapsed().as_millis()
    ));
    told.say(caught_up(floor, terminal).await);
    Ok(told)
}

pub(super) async fn restart(floor: &Floor, terminal: usize) -> Result<Told, ActError> {
    usable(floor, terminal)?;
    let led = led(floor, terminal).await;
    let began = {
        let _nobody_sells = idle(floor, terminal).await;
        let began = floor.registers.supervisor.kill(terminal, Duration::ZERO).await;
        up(floor, terminal).await?;
        began
    };
    let mut told = Told::one(format!(
        "Terminal {} was killed (SIGKILL) and started at once: it could sell again {} ms later.",
        terminal + 1,
        began.elapsed().as_millis()
    ));
    if led {
        let leader = floor.observer.find_leader().await;
        told.say(match leader {
            Some(leader) => {
                format!("It had led; terminal {} leads now, in term {}.", leader.terminal + 1, leader.term)
            }
            None => "It had led; nobody leads at this moment, and every till sells on.".into(),
        });
    }
    told.say(caught_up(floor, terminal).await);
    Ok(told)
}

pub(super) async fn freeze(floor: &Floor, terminal: usize) -> Result<Told, ActError> {
    usable(floor, terminal)?;
    let led = led(floor, terminal).await;
    let began = {
        let _nobody_sells = idle(floor, terminal).await;
        floor.faults.freeze(terminal).await?;
        Instant::now()
    };
    let mut told = Told::one(format!(
        "Terminal {} was frozen (SIGSTOP): its connections stay open, and it answers nothing.",
        terminal + 1
    ));
    told.say(elected(floor, terminal, led, began).await);
    Ok(told)
}

pub(super) async fn thaw(floor: &Floor, terminal: usize) -> Result<Told, ActError> {
    if !floor.faults.is_frozen(terminal) {
        return Err(ActError::NotNow(format!("Terminal {} is not frozen.", terminal + 1)));
    }
    floor.faults.thaw(terminal).await?;
    let mut told = Told::one(format!("Terminal {} runs on (SIGCONT).", terminal + 1));
    told.say(caught_up(floor, terminal).await);
    if let Some(leader) = floor.observer.find_leader().await {
        told.say(format!("Terminal {} leads, in term {}.", leader.terminal + 1, leader.term));
    }
    Ok(told)
}

pub(super) async fn cut(floor: &Floor, terminal: usize) -> Result<Told, ActError> {
    usable(floor, terminal)?;
    if floor.registers.supervisor.is_cut_off(terminal) {
        return Err(ActError::NotNow(format!("Terminal {} is cut off already.", terminal + 1)));
    }
    let led = led(floor, terminal).await;
    let began = Instant::now();
    floor.registers.supervisor.cut_off(terminal);
    let mut told = Told::one(format!(
        "Every link of terminal {} was cut: to each other one and to the cloud.",
        terminal + 1
    ));
    told.say(elected(floor, terminal, led, began).await);
    let product = &floor.products[0];
    let price = price(floor, terminal, &product.code).await?;
    let (entry, sold) =
        floor.sell(terminal, piece(&product.code, price), "a till that is cut off", None).await?;
    let sale = receipt(floor, terminal, &entry, sold, &product.name).await;
    told.say("It sold all the same:");
    told.add(sale);
    Ok(told)
}

pub(super) async fn heal(floor: &Floor, terminal: usize) -> Result<Told, ActError> {
    if !floor.registers.supervisor.is_cut_off(terminal) {
        return Err(ActError::NotNow(format!("Terminal {} is not cut off.", terminal + 1)));
    }
    floor.registers.supervisor.heal(terminal);
    let mut told = Told::one(format!("The links of terminal {} were mended.", terminal + 1));
    told.say(caught_up(floor, terminal).await);
    let waits = floor.until(CATCH_UP, async || floor.registers.figures.on_the_way() == 0).await;
    if let Some(took) = waits {
        told.say(format!("{:.1} s later the cloud held everything that it had sold.", took.as_secs_f64()));
    }
    Ok(told)
}

pub(super) async fn put_back(floor: &Floor, terminal: usize) -> Result<Told, ActError> {
    usable(floor, terminal)?;
    follow::safe_elsewhere(floor, terminal).await?;
    let number = terminal + 1;
    let before = floor.registers.status(terminal).await?;
    {
        let _nobody_sells = idle(floor, terminal).await;
        floor.faults.hold(terminal).await;
        let put = floor.faults.put_back(terminal);
        floor.faults.start(terminal).await;
        put?;
        up(floor, terminal).await?;
    }
    let mut told = Told::one(format!(
        "Terminal {number} was killed, its disk was put back as it was when the week was over, and it was started."
    ));
    let mut author = String::new();
    let noticed = floor
        .until(NOTICED, async || {
            let status = floor.registers.supervisor.status(terminal, Duration::from_secs(2)).await;
            author = status.map(|status| status.author).unwrap_or_default();
            !author.is_empty() && author != before.author
        })
        .await;
    told.say(match noticed {
        Some(took) => format!(
            "{:.1} s later it knew by what the others hold that its disk is an old one, and goes on as {author}: no number is used twice.",
            took.as_secs_f64()
        ),
        None => "Nothing that it had written since then is missing, so that it goes on under its name.".into(),
    });
    told.say(caught_up(floor, terminal).await);
    first_sale(floor, terminal, &mut told).await?;
    Ok(told)
}

pub(super) async fn replace(floor: &Floor, terminal: usize) -> Result<Told, ActError> {
    let number = terminal + 1;
    if floor.terminals() < 3 {
        return Err(ActError::NotNow(
            "It takes three terminals: the store must decide it without the one that is gone.".into(),
        ));
    }
    if !floor.faults.is_held(terminal) {
        usable(floor, terminal)?;
        follow::safe_elsewhere(floor, terminal).await?;
    }
    let teller = (0..floor.terminals()).find(|other| *other != terminal && follow::reachable(floor, *other));
    let teller = teller.ok_or_else(|| ActError::NotNow("No other terminal is in reach.".into()))?;
    let began = Instant::now();
    let name = {
        let _nobody_sells = idle(floor, terminal).await;
        floor.faults.hold(terminal).await;
        floor.faults.furnish(terminal)?
    };
    let mut told = Told::one(format!(
        "Terminal {number} was killed and its disk taken away. Another box with an empty disk, a certificate of its own and the name {name} \
         was set up in its place."
    ));
    let supervisor = &floor.registers.supervisor;
    let asked = Replace { terminal: u16::try_from(number).unwrap_or_default(), planned: false };
    // Right after the death the connection may still count as there.
    let mut refused = None;
    let told_store = floor
        .until(ELECTION, async || {
            let Ok(address) = supervisor.till(teller).await else { return false };
            match supervisor.client.post::<Done>(address, "/replace", &asked).await {
                Ok(Done {}) => true,
                Err(error) => {
                    refused = Some(error);
                    false
                }
            }
        })
        .await;
    floor.faults.start(terminal).await;
    if told_store.is_none() {
        let why = refused.map_or_else(String::new, |error| error.to_string());
        told.say(format!("The store was told at terminal {}, and did not take it: {why}", teller + 1));
    }
    up(floor, terminal).await?;
    first_sale(floor, terminal, &mut told).await?;
    told.say(format!("That was {:.1} s after the old box was destroyed.", began.elapsed().as_secs_f64()));
    let votes = floor
        .until(PLACE, async || {
            let status = supervisor.status(teller, Duration::from_secs(2)).await;
            status.is_ok_and(|status| status.voters.contains(&name))
        })
        .await;
    told.say(match votes {
        Some(_) => format!(
            "{:.1} s after that the store counted it among its voters.",
            began.elapsed().as_secs_f64()
        ),
        None => "It sells and exchanges events; it is not among the voters yet.".into(),
    });
    Ok(told)
}

/// A sale that shows that the till sells.
async fn first_sale(floor: &Floor, terminal: usize, told: &mut Told) -> Result<(), ActError> {
    let product = &floor.products[0];
    // A new box has heard of no product yet: what the till knows is the till's affair.
    let price = price(floor, terminal, &product.code).await.unwrap_or(129);
    let (entry, sold) = floor.sell(terminal, piece(&product.code, price), "the first sale", None).await?;
    let sale = receipt(floor, terminal, &entry, sold, &product.name).await;
    told.add(sale);
    Ok(())
}

/// Waits for the customer at the till, so that none is left with half a sale.
async fn idle(floor: &Floor, terminal: usize) -> tokio::sync::MutexGuard<'_, ()> {
    floor.registers.supervisor.register(terminal).await
}

async fn led(floor: &Floor, terminal: usize) -> bool {
    follow::leads(floor, terminal).await
}

async fn up(floor: &Floor, terminal: usize) -> Result<(), ActError> {
    let ready = tokio::time::timeout(PROCESS, floor.registers.supervisor.till(terminal)).await;
    match ready {
        Ok(ready) => Ok(ready.map(drop)?),
        Err(_) => Err(ActError::NotNow(format!("Terminal {} is not up after {PROCESS:?}.", terminal + 1))),
    }
}

/// What became of the leadership.
async fn elected(floor: &Floor, terminal: usize, led: bool, began: Instant) -> String {
    if !led {
        return "It did not lead: the others go on as before.".into();
    }
    match follow::leader_beside(floor, terminal, ELECTION).await {
        Some((leader, term)) => format!(
            "It had led: terminal {} leads in term {term}, {} ms later. Nobody waited for that to sell.",
            leader + 1,
            began.elapsed().as_millis()
        ),
        None => "It had led, and nobody leads now: no majority is left. Every till sells on, and what the store must decide waits.".into(),
    }
}

async fn caught_up(floor: &Floor, terminal: usize) -> String {
    match follow::caught_up(floor, terminal, CATCH_UP).await {
        Some((0, _)) => "It has all that the others have.".into(),
        Some((lacked, took)) => {
            format!("It lacked {lacked} event(s) and had them {} ms later.", took.as_millis())
        }
        None => format!(
            "After {CATCH_UP:?} it does not have all that the others have: see whether it is cut off."
        ),
    }
}

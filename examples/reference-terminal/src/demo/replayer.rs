//! The tills at work: the shelves are filled, the week is sold, the day is closed.

use std::sync::Arc;
use std::time::Duration;

use edgepos::core::EventId;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::figures::Figures;
use super::observer::{Lacking, Observer};
use super::plan::{Job, Mishap, Plan};
use super::process::GaveUp;
use super::register::{RegisterError, Registers, Sold};
use super::screen::Screen;
use crate::api::Done;
use crate::names::{parse_event, parse_vector};

/// Records under way at one terminal: they share its flushes.
const AT_ONCE: usize = 16;
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);
/// Between two requests to send what waits.
const FLUSH: Duration = Duration::from_secs(1);

/// Opens the first business day and fills the shelves.
pub(super) async fn stock(
    registers: &Registers,
    plan: &mut Plan,
    screen: &Screen,
) -> Result<(), RegisterError> {
    let mut work: JoinSet<Result<(), RegisterError>> = JoinSet::new();
    let day = plan.first_day;
    for (terminal, records) in std::mem::take(&mut plan.stocking).into_iter().enumerate() {
        let (registers, screen) = (registers.clone(), screen.clone());
        work.spawn(async move {
            registers.open_day(terminal, day).await?;
            let slots = Arc::new(Semaphore::new(AT_ONCE));
            let mut under_way: JoinSet<Result<(), RegisterError>> = JoinSet::new();
            for record in records {
                let slot = Arc::clone(&slots).acquire_owned().await.expect("the semaphore is never closed");
                let (registers, screen) = (registers.clone(), screen.clone());
                under_way.spawn(async move {
                    let _slot = slot;
                    registers.record(terminal, &record).await?;
                    screen.step();
                    Ok(())
                });
                while let Some(done) = under_way.try_join_next() {
                    joined(done)?;
                }
            }
            all(under_way).await
        });
    }
    all(work).await
}

/// Sells everything that is planned, each till for itself, in time order.
pub(super) async fn sell(
    registers: &Registers,
    plan: &mut Plan,
    start: Instant,
    screen: &Screen,
) -> Result<(), RegisterError> {
    let mut tills: JoinSet<Result<(), RegisterError>> = JoinSet::new();
    for (terminal, jobs) in std::mem::take(&mut plan.jobs).into_iter().enumerate() {
        let (registers, screen) = (registers.clone(), screen.clone());
        tills.spawn(async move {
            for job in jobs {
                sleep_until(start + job.at).await;
                serve(&registers, terminal, &job, &screen).await?;
                screen.step();
            }
            Ok(())
        });
    }
    all(tills).await
}

/// One customer.
async fn serve(
    registers: &Registers,
    terminal: usize,
    job: &Job,
    screen: &Screen,
) -> Result<(), RegisterError> {
    if let Some(basket) = &job.after
        && !await_basket(registers, terminal, basket).await?
    {
        return Ok(());
    }
    registers.open_day(terminal, job.day).await?;
    let sold = match registers.sell(terminal, &job.sale, job.mishap).await {
        Ok(sold) => sold,
        Err(error @ RegisterError::Refused { .. }) => {
            registers.figures.refused(&job.sale.basket, &error.to_string());
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    if let Some(mishap) = job.mishap {
        tell_mishap(&registers.figures, screen, terminal, mishap, sold);
    }
    Ok(())
}

fn tell_mishap(figures: &Figures, screen: &Screen, terminal: usize, mishap: Mishap, sold: Sold) {
    let name = terminal + 1;
    let outcome = if sold.repeated {
        "had been booked, and was not booked again"
    } else {
        "had not been booked, and was then"
    };
    let when = match mishap {
        Mishap::KilledAfterBooking => "with its answer unread",
        Mishap::KilledAtOnce => "right behind the call",
    };
    let what = format!(
        "terminal {name} was killed {when}: the retry with the same key found that the sale {outcome}"
    );
    if sold.unread && !sold.repeated {
        figures.find(format!("terminal {name} answered a commit, was killed, and then did not know its key"));
    }
    screen.say(&what);
    figures.tell(what);
}

/// Until the basket is sold and the terminal has heard of it; `false` where it was refused.
async fn await_basket(registers: &Registers, terminal: usize, basket: &str) -> Result<bool, RegisterError> {
    let event: EventId = loop {
        if let Some(event) =
            registers.ledger.of_basket(basket).and_then(|entry| parse_event(&entry.event).ok())
        {
            break event;
        }
        if registers.figures.is_refused(basket) {
            return Ok(false);
        }
        if let Some(gave_up) = registers.supervisor.gave_up() {
            return Err(gave_up.into());
        }
        sleep(LOOK).await;
    };
    loop {
        let status = registers.status(terminal).await?;
        if parse_vector(&status.durable).is_ok_and(|held| held.covers(event)) {
            return Ok(true);
        }
        sleep(LOOK).await;
    }
}

/// Closes the business day at every till.
pub(super) async fn close(registers: &Registers) -> Result<(), RegisterError> {
    let mut work = JoinSet::new();
    for terminal in 0..registers.supervisor.len() {
        let registers = registers.clone();
        work.spawn(async move { registers.close_day(terminal).await });
    }
    all(work).await
}

/// Flushes until every terminal, and the cloud where asked, holds everything; `Err` says who lacks what after `limit`.
pub(super) async fn settle(
    registers: &Registers,
    observer: &Arc<Observer>,
    with_cloud: bool,
    limit: Duration,
) -> Result<Result<(), Lacking>, GaveUp> {
    let until = Instant::now() + limit;
    let mut flush = Instant::now();
    loop {
        if Instant::now() >= flush {
            flush = Instant::now() + FLUSH;
            for terminal in
                (0..registers.supervisor.len()).filter(|terminal| registers.supervisor.is_up(*terminal))
            {
                let address = registers.supervisor.till(terminal).await?;
                // A terminal that dies right here is asked again.
                let _ = registers.supervisor.client.post::<Done>(address, "/flush", &Done {}).await;
            }
        }
        let lacking = match observer.converged(with_cloud).await {
            Ok(_) => return Ok(Ok(())),
            Err(lacking) => lacking,
        };
        if let Some(gave_up) = registers.supervisor.gave_up() {
            return Err(gave_up);
        }
        if Instant::now() > until {
            return Ok(Err(lacking));
        }
        sleep(LOOK * 2).await;
    }
}

async fn all(mut work: JoinSet<Result<(), RegisterError>>) -> Result<(), RegisterError> {
    while let Some(done) = work.join_next().await {
        joined(done)?;
    }
    Ok(())
}

fn joined(done: Result<Result<(), RegisterError>, tokio::task::JoinError>) -> Result<(), RegisterError> {
    match done {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Ok(()),
        },
    }
}

//! What goes wrong while the tills sell, and in which order.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use edgepos::core::Jitter;
use tokio::time::{Instant, sleep, sleep_until};

use super::observer::{Leader, Observer};
use super::plan::Sale;
use super::register::{RegisterError, Registers};
use super::screen::Screen;
use crate::api::Recognised;
use crate::http::CallError;
use crate::names::{parse_event, parse_vector};

/// How long the dead leader stays dead.
const LEADER_PAUSE: Duration = Duration::from_secs(2);
/// So many leaders are killed at most until another terminal takes over.
const LEADERS: u32 = 3;
/// How long an election may take before that is a failure.
const ELECTION_LIMIT: Duration = Duration::from_secs(60);
/// How long an event may take to every terminal while nothing is cut.
const SPREAD_LIMIT: Duration = Duration::from_secs(120);
/// How long a model may take to answer at all: on a busy machine it says for a while that it is too late.
const RECOGNITION_LIMIT: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// Breaks things on time.
#[derive(Clone, Debug)]
pub(super) struct Director {
    pub(super) registers: Registers,
    pub(super) observer: Arc<Observer>,
    pub(super) screen: Screen,
    pub(super) duration: Duration,
    pub(super) seed: u64,
}

impl Director {
    /// The whole script. Each step waits for its time, and for the step before. Says which exceptions were provoked, by type.
    pub(super) async fn direct(
        &self,
        start: Instant,
        twice: Option<&Sale>,
        picture: &Path,
    ) -> Result<BTreeMap<String, u64>, RegisterError> {
        let mut provoked = BTreeMap::new();
        let at = |share: f64| start + self.duration.mul_f64(share);
        sleep_until(at(0.25)).await;
        self.recognise(picture).await?;
        sleep_until(at(0.30)).await;
        self.cut_one_off().await;
        sleep_until(at(0.50)).await;
        self.kill_the_leader().await?;
        sleep_until(at(0.65)).await;
        match twice {
            Some(sale) if self.terminals() >= 2 => {
                self.return_twice(sale).await?;
                provoked.insert("returned_twice".to_owned(), 1);
            }
            Some(_) => self.skip("the return made twice: it takes two terminals"),
            None => self.skip("the return made twice: no early basket has a line that can be carried back"),
        }
        Ok(provoked)
    }

    /// Asks a terminal what is on the shipped picture.
    async fn recognise(&self, picture: &Path) -> Result<(), RegisterError> {
        let supervisor = &self.registers.supervisor;
        let bytes = match tokio::fs::read(picture).await {
            Ok(bytes) => hyper::body::Bytes::from(bytes),
            Err(error) => {
                self.skip(&format!("recognising a product: {}: {error}", picture.display()));
                return Ok(());
            }
        };
        let terminal = 1 % self.terminals();
        let until = Instant::now() + RECOGNITION_LIMIT;
        let mut why = String::new();
        while Instant::now() < until {
            let address = supervisor.till(terminal).await?;
            match supervisor.client.post_bytes(address, "/recognise", bytes.clone()).await {
                Ok(Recognised::Answer { label, confidence, total_us, .. }) => {
                    let percent = confidence * 100.0;
                    let ms = total_us / 1_000;
                    let what =
                        format!("terminal {} recognised {label:?} ({percent:.0} %) in {ms} ms", terminal + 1);
                    self.screen.say(&what);
                    self.figures().tell(what);
                    return Ok(());
                }
                Ok(Recognised::Fallback { reason }) => why = reason,
                Err(CallError::Refused(problem)) => why = problem.error,
                Err(error) => why = error.to_string(),
            }
            sleep(LOOK).await;
        }
        self.figures().find(format!("no product was recognised: {why}"));
        Ok(())
    }

    /// Cuts off a terminal that does not lead, and heals it.
    async fn cut_one_off(&self) {
        if self.terminals() < 2 {
            return self.skip("cutting one terminal off: there is no other");
        }
        let leader = self.observer.find_leader().await;
        let Some(terminal) = self.others(leader).last().copied() else { return };
        self.screen.say(&format!("terminal {} is cut off", terminal + 1));
        self.registers.supervisor.cut_off(terminal);
        sleep(self.outage()).await;
        self.registers.supervisor.heal(terminal);
        self.screen.say(&format!("terminal {} is connected again", terminal + 1));
        self.figures().tell(format!(
            "terminal {} sold on while it was cut off for {:?}",
            terminal + 1,
            self.outage()
        ));
    }

    /// Kills whoever leads. The observer times how long the store has no leader.
    ///
    /// On a machine that is too busy to elect anybody before the dead leader is back, that one may win again itself: then the next
    /// leader dies.
    async fn kill_the_leader(&self) -> Result<(), RegisterError> {
        let supervisor = &self.registers.supervisor;
        for _ in 0..LEADERS {
            let Some(leader) = self.await_leader().await? else { break };
            let measured = self.figures().failovers().len();
            self.screen.say(&format!("terminal {}, which leads, is killed", leader.terminal + 1));
            supervisor.kill(leader.terminal, LEADER_PAUSE).await;
            supervisor.till(leader.terminal).await?;
            self.screen.say(&format!("terminal {} is up again", leader.terminal + 1));
            if self.terminals() < 3 {
                self.skip("timing the failover: it takes three terminals");
                return Ok(());
            }
            let until = Instant::now() + ELECTION_LIMIT;
            while Instant::now() < until {
                if self.figures().failovers().len() > measured {
                    return Ok(());
                }
                let back = self
                    .observer
                    .leader()
                    .is_some_and(|new| new.terminal == leader.terminal && new.term > leader.term);
                if back {
                    break;
                }
                sleep(LOOK).await;
            }
        }
        self.figures()
            .find(format!("no other terminal took over from a leader that was killed, {LEADERS} times over"));
        Ok(())
    }

    /// The same line of the same receipt comes back at two tills that know nothing of each other.
    async fn return_twice(&self, sale: &Sale) -> Result<(), RegisterError> {
        let mut jitter = Jitter::derive(self.seed, &[0x7F1CE]);
        let Some(line) = sale.returnable_line(&mut jitter) else { return Ok(()) };
        let leader = self.await_leader().await?;
        let others = self.others(leader);
        let (first, second) = match others[..] {
            [.., first, second] => (first, second),
            _ => (0, 1),
        };
        for terminal in [first, second] {
            if !self.knows(terminal, &sale.basket).await? {
                let basket = &sale.source;
                self.figures().find(format!("terminal {} did not hear of basket {basket}", terminal + 1));
                return Ok(());
            }
        }
        self.screen.say(&format!(
            "terminals {} and {} are cut off, from each other too",
            first + 1,
            second + 1
        ));
        let supervisor = &self.registers.supervisor;
        supervisor.cut_off(first);
        supervisor.cut_off(second);
        let returned = async {
            for terminal in [first, second] {
                let Ok(Some(back)) = sale.return_of(line) else { continue };
                self.registers.sell(terminal, &back, None).await?;
                self.screen.say(&format!(
                    "basket {} line {line} comes back at terminal {}",
                    sale.source,
                    terminal + 1
                ));
            }
            sleep(self.outage()).await;
            Ok(())
        };
        let returned: Result<(), RegisterError> = returned.await;
        supervisor.heal(first);
        supervisor.heal(second);
        returned?;
        self.screen.say(&format!("terminals {} and {} are connected again", first + 1, second + 1));
        self.await_exception().await
    }

    /// Until every terminal shows one exception.
    async fn await_exception(&self) -> Result<(), RegisterError> {
        let until = Instant::now() + SPREAD_LIMIT;
        for terminal in 0..self.terminals() {
            loop {
                let status = self.registers.status(terminal).await?;
                if status.exceptions.iter().any(|raised| raised.exception == "returned_twice") {
                    break;
                }
                if Instant::now() > until {
                    self.figures()
                        .find(format!("terminal {} never heard of the double return", terminal + 1));
                    return Ok(());
                }
                sleep(LOOK * 4).await;
            }
        }
        self.screen.say("every terminal shows one exception: returned_twice");
        self.figures()
            .tell("one receipt line came back at two tills that were cut off: one exception, everywhere");
        Ok(())
    }

    /// Whether the terminal has a basket, waiting for it to be sold and to arrive.
    async fn knows(&self, terminal: usize, basket: &str) -> Result<bool, RegisterError> {
        let until = Instant::now() + SPREAD_LIMIT;
        while Instant::now() < until {
            if let Some(entry) = self.registers.ledger.of_basket(basket)
                && let Ok(event) = parse_event(&entry.event)
                && parse_vector(&self.registers.status(terminal).await?.durable)
                    .is_ok_and(|held| held.covers(event))
            {
                return Ok(true);
            }
            sleep(LOOK).await;
        }
        Ok(false)
    }

    /// Who leads, as soon as somebody does.
    async fn await_leader(&self) -> Result<Option<Leader>, RegisterError> {
        let until = Instant::now() + ELECTION_LIMIT;
        while Instant::now() < until {
            if let Some(leader) = self.observer.find_leader().await {
                return Ok(Some(leader));
            }
            if let Some(gave_up) = self.registers.supervisor.gave_up() {
                return Err(gave_up.into());
            }
            sleep(LOOK).await;
        }
        Ok(None)
    }

    /// Terminals that do not lead.
    fn others(&self, leader: Option<Leader>) -> Vec<usize> {
        (0..self.terminals())
            .filter(|terminal| leader.is_none_or(|leader| leader.terminal != *terminal))
            .collect()
    }

    /// How long links stay cut: an eighth of the sales, between one and ten seconds.
    fn outage(&self) -> Duration {
        (self.duration / 8).clamp(Duration::from_secs(1), Duration::from_secs(10))
    }

    fn terminals(&self) -> usize {
        self.registers.supervisor.len()
    }

    fn figures(&self) -> &super::figures::Figures {
        &self.registers.figures
    }

    fn skip(&self, what: &str) {
        self.screen.say(&format!("skipped: {what}"));
        self.figures().skip(what);
    }
}

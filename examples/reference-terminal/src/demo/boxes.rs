//! What a shop does to its boxes, once the week is sold: a key is asked for at the neighbour, a disk is put back, a box is replaced.

use std::time::Duration;

use edgepos::Committed;
use tokio::time::{Instant, sleep};

use super::draw::draw;
use super::error::DemoError;
use super::faults::Faults;
use super::figures::BoxesDone;
use super::observer::Observer;
use super::plan::Sale;
use super::register::{Registers, begin, pay};
use super::replayer;
use super::screen::Screen;
use crate::api::{BeginLine, Done, Replace};
use crate::http::CallError;
use crate::names::hex;
use edgepos::model::DocType;

/// How long a terminal may take to find out that its disk is an old one, and another box to get its vote.
const LIMIT: Duration = Duration::from_secs(120);
/// How long everybody may take to hold everything in between.
const SETTLE: Duration = Duration::from_secs(180);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);
/// What the goods of these sales cost, in cents.
const PRICE: i64 = 129;

/// Everything that it takes.
pub(super) struct Boxes<'a> {
    pub(super) registers: &'a Registers,
    pub(super) observer: &'a std::sync::Arc<Observer>,
    pub(super) screen: &'a Screen,
    pub(super) faults: &'a Faults,
    /// The product that these customers buy, as a till knows it.
    pub(super) product: String,
    /// The open business day.
    pub(super) day: u32,
}

impl Boxes<'_> {
    /// One after the other. What does not come about is a finding.
    pub(super) async fn all(&self) -> Result<BoxesDone, DemoError> {
        let mut done = BoxesDone::default();
        if self.registers.supervisor.len() < 3 {
            self.registers
                .figures
                .skip("a retry at the neighbour, an old disk, another box: it takes three terminals");
            return Ok(done);
        }
        self.settle().await?;
        done.retried_elsewhere = u64::from(self.retry_elsewhere(0, 1).await?);
        let victim = self.registers.supervisor.len() - 1;
        done.disks_restored = u64::from(self.put_back(victim).await?);
        self.settle().await?;
        done.tills_replaced = u64::from(self.replace(victim).await?);
        self.settle().await?;
        Ok(done)
    }

    /// A sale whose answer the cashier has not seen is asked for at the next till, under the same basket and key.
    async fn retry_elsewhere(&self, first: usize, second: usize) -> Result<bool, DemoError> {
        let sale = self.sell(first, "a retry at the neighbour").await?;
        self.settle().await?;
        let supervisor = &self.registers.supervisor;
        let address = supervisor.till(second).await.map_err(broken)?;
        let begun = supervisor.client.post::<edgepos::Begun>(address, "/begin", &begin(&sale)).await;
        let answer = supervisor.client.post::<Committed>(address, "/commit", &pay(&sale, PRICE)).await;
        let known = self.registers.ledger.of_basket(&sale.basket);
        let same = matches!((&answer, &known), (Ok(answer), Some(known))
            if answer.repeated && answer.receipt.number == known.number && answer.receipt.series == known.series);
        if !same || !matches!(begun, Err(CallError::Refused(_))) {
            self.registers.figures.find(format!(
                "a sale of terminal {} was begun and paid again at terminal {}: {begun:?}, {answer:?}",
                first + 1,
                second + 1
            ));
            return Ok(false);
        }
        self.tell(format!(
            "a sale of terminal {} was asked for again at terminal {}, which answered the first receipt",
            first + 1,
            second + 1
        ));
        Ok(true)
    }

    /// A terminal that has sold gets the disk of before those sales.
    async fn put_back(&self, terminal: usize) -> Result<bool, DemoError> {
        tokio::task::block_in_place(|| self.faults.copy_disks()).map_err(broken)?;
        self.sell(terminal, "a sale that the copy lacks").await?;
        self.settle().await?;
        let before = self.registers.status(terminal).await?.author;
        self.screen.say(&format!("terminal {} is killed, and its disk is put back", terminal + 1));
        {
            let _nobody_sells = self.registers.supervisor.register(terminal).await;
            self.faults.hold(terminal).await;
            let put = self.faults.put_back(terminal);
            self.faults.start(terminal).await;
            put.map_err(broken)?;
        }
        self.sell(terminal, "a sale on the old disk").await?;
        let mut author = before.clone();
        let until = Instant::now() + LIMIT;
        while author == before && Instant::now() < until {
            sleep(LOOK).await;
            author = self.registers.status(terminal).await?.author;
        }
        if author == before {
            self.registers.figures.find(format!(
                "terminal {} did not find out within {LIMIT:?} that its disk was put back",
                terminal + 1
            ));
            return Ok(false);
        }
        self.tell(format!(
            "terminal {} was put back to an older disk, and goes on as {author}",
            terminal + 1
        ));
        Ok(true)
    }

    /// The same terminal is destroyed, and another box takes its place by one command.
    async fn replace(&self, terminal: usize) -> Result<bool, DemoError> {
        let (supervisor, number) = (&self.registers.supervisor, terminal + 1);
        let name = {
            let _nobody_sells = supervisor.register(terminal).await;
            self.faults.hold(terminal).await;
            self.faults.furnish(terminal).map_err(broken)?
        };
        let asked = Replace { terminal: u16::try_from(number).unwrap_or_default(), planned: false };
        let until = Instant::now() + LIMIT;
        // Right after the death the connection may still count as there.
        loop {
            let address = supervisor.till(0).await.map_err(broken)?;
            match supervisor.client.post::<Done>(address, "/replace", &asked).await {
                Ok(Done {}) => break,
                Err(error) if Instant::now() > until => {
                    self.registers.figures.find(format!("terminal {number} could not be replaced: {error}"));
                    self.faults.start(terminal).await;
                    return Ok(false);
                }
                Err(_) => sleep(LOOK).await,
            }
        }
        self.faults.start(terminal).await;
        self.sell(terminal, "the first sale of another box").await?;
        while !self.registers.status(0).await?.voters.contains(&name) {
            if Instant::now() > until {
                self.registers.figures.find(format!("{name} has no vote within {LIMIT:?}"));
                return Ok(false);
            }
            sleep(LOOK).await;
        }
        self.tell(format!("terminal {number} was replaced by another box, {name}, by one command"));
        Ok(true)
    }

    /// One customer.
    async fn sell(&self, terminal: usize, source: &str) -> Result<Sale, DemoError> {
        let line = BeginLine {
            no: 1,
            product: self.product.clone(),
            quantity: 1,
            unit_price: PRICE,
            amount: PRICE,
            ..BeginLine::default()
        };
        let sale = Sale {
            basket: hex(&draw()?),
            key: hex(&draw()?),
            source: source.to_owned(),
            kind: DocType::Sale,
            customer: String::from("a neighbour"),
            lines: vec![line],
            coupons: 0,
            cash: true,
        };
        self.registers.open_day(terminal, self.day).await?;
        self.registers.sell(terminal, &sale, None).await?;
        Ok(sale)
    }

    async fn settle(&self) -> Result<(), DemoError> {
        let settled = replayer::settle(self.registers, self.observer, true, SETTLE).await.map_err(broken)?;
        if let Err(lacking) = settled {
            self.registers.figures.find(format!("not everybody held everything after {SETTLE:?}: {lacking}"));
        }
        Ok(())
    }

    fn tell(&self, what: String) {
        self.screen.say(&what);
        self.registers.figures.tell(what);
    }
}

fn broken(error: impl std::fmt::Display) -> DemoError {
    DemoError::Broken(error.to_string())
}
